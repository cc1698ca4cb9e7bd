"""What a browser or a script sends: a multipart body enters piece by piece, files and fields leave, in memory only.

Every limit is held while the bytes arrive: a body that goes too far is refused there and then, with nothing of it on
the disk. File names are words to show; a folder in front of one is dropped, and nothing is ever opened by it.
"""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fastapi import HTTPException, Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from raravis.web.limits import MIB, Limits

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FIELDS: Final = 16
"""Fields beside the files that one form may have."""

FIELD_BYTES: Final = 4096
"""Bytes that one field may have, its name included."""

PICTURE: Final = "preview"
"""The one field that may have more: a small picture as a `data:` address, from a page without a script."""

PICTURE_BYTES: Final = 1 * MIB

_ESCAPED: Final = ((b"%22", b'"'), (b"%0D", b"\r"), (b"%0A", b"\n"))
_HEADERS: Final = 8
_HEADER_BYTES: Final = 2048


@dataclass(frozen=True)
class Upload:
    """One file of a form.

    Attributes:
        field: the form's name for it.
        name: what its user calls it: printable, without folders, at most 200 characters; "" where it has no name.
        kind: the media type that it was sent as, lower case; "" where none was given.
        data: its bytes.
    """

    field: str
    name: str
    kind: str
    data: bytes


@dataclass(frozen=True)
class Form:
    """What one request carries."""

    files: tuple[Upload, ...]
    fields: dict[str, str]


class Held:
    """How many bytes all requests together hold in memory, half of them at most for one client.

    A request that would pass either limit is told to come back.
    """

    def __init__(self, limit: int) -> None:
        self._limit, self.bytes = limit, 0
        self._clients: dict[str, _Client] = {}

    @contextmanager
    def request(self, client: str) -> Iterator[_Share]:
        """Count one request's bytes, as those of a client, until the block ends."""
        mine = self._clients.setdefault(client, _Client())
        mine.requests += 1
        share = _Share(self, mine)
        try:
            yield share
        finally:
            self.bytes -= share.bytes
            mine.bytes -= share.bytes
            mine.requests -= 1
            if not mine.requests:
                del self._clients[client]

    def _take(self, mine: _Client, count: int) -> None:
        if self.bytes + count > self._limit:
            raise _busy("The server is busy with other photographs. Try again.")
        if mine.bytes + count > self._limit // 2:
            raise _busy("Your other requests hold all that one client may. Try again when one of them is answered.")
        self.bytes += count
        mine.bytes += count


@dataclass
class _Client:
    requests: int = 0
    bytes: int = 0


class _Share:
    def __init__(self, held: Held, mine: _Client) -> None:
        self._held, self._mine, self.bytes = held, mine, 0

    def take(self, count: int) -> None:
        """Count further bytes.

        Raises:
            HTTPException: 503, there is no room for them now.
        """
        self._held._take(self._mine, count)
        self.bytes += count


async def read(request: Request, limits: Limits, share: _Share) -> Form:
    """Read the form that a request carries.

    Raises:
        HTTPException: 400 no such form or broken off; 408 too slow; 413 more than the limits allow; 415 something
            else than a multipart form; 503 no room now.
    """
    head, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary", b"")
    if head != b"multipart/form-data":
        raise HTTPException(415, "A multipart/form-data body was expected, with the photographs as files.")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > limits.request_bytes:
        raise _too_large(limits)
    parts = _Parts(limits)
    try:
        parser = MultipartParser(boundary, parts.callbacks(), max_header_count=_HEADERS, max_header_size=_HEADER_BYTES)
        size, now = 0, asyncio.get_running_loop().time
        end = now() + limits.upload_seconds
        async with asyncio.timeout_at(min(end, now() + limits.idle_seconds)) as silence:
            async for chunk in request.stream():
                silence.reschedule(min(end, now() + limits.idle_seconds))
                size += len(chunk)
                if size > limits.request_bytes:
                    raise _too_large(limits)
                share.take(len(chunk))
                parser.write(chunk)
        parser.finalize()
    except FormParserError:
        raise HTTPException(400, "The form is damaged: it is no valid multipart/form-data.") from None
    except TimeoutError:  # piece by piece for ever, or a long silence
        raise HTTPException(408, "The request arrived too slowly.", {"Connection": "close"}) from None
    except ClientDisconnect:
        raise HTTPException(400, "The request broke off.") from None
    if not parts.ended:
        raise HTTPException(400, "The form broke off before its end.")
    return Form(tuple(parts.files), parts.fields)


class _Parts:
    """Collects the parts of one form while they arrive, and holds each against the limits."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.files: list[Upload] = []
        self.fields: dict[str, str] = {}
        self.ended = False
        self._count = 0
        self._begin()

    def callbacks(self) -> MultipartCallbacks:
        """What the parser calls."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._head.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._header,
            "on_headers_finished": self._headers,
            "on_part_data": self._more,
            "on_part_end": self._end,
            "on_end": self._all,
        }

    def _begin(self) -> None:
        self._head, self._value, self._data = bytearray(), bytearray(), bytearray()
        self._headers_found: dict[bytes, bytes] = {}
        self._field, self._most = "", 0
        self._file: str | None = None

    def _header(self) -> None:
        self._headers_found[bytes(self._head).lower()] = bytes(self._value)
        self._head, self._value = bytearray(), bytearray()

    def _headers(self) -> None:
        disposition = self._headers_found.get(b"content-disposition", b"")
        kind, options = parse_options_header(disposition.decode("latin-1"))
        if kind != b"form-data" or b"name" not in options:
            raise HTTPException(400, "The form is damaged: one of its parts has no name.")
        self._field = _text(options[b"name"])
        self._file = _text(_unescaped(options[b"filename"])) if b"filename" in options else None
        self._count += 1
        if self._file is None:
            self._most = PICTURE_BYTES if self._field == PICTURE else FIELD_BYTES - len(options[b"name"])
            if len(self.fields) >= FIELDS or self._most < 0:
                raise HTTPException(413, f"The form has more than {FIELDS} fields, or one with too long a name.")
        else:
            self._most = self._limits.file_bytes
            if len(self.files) >= self._limits.files:
                raise HTTPException(413, f"More than {self._limits.files} files came in one request.")
        if self._count > self._limits.files + FIELDS:
            raise HTTPException(413, "The form has too many parts.")

    def _more(self, data: bytes, start: int, end: int) -> None:
        if len(self._data) + end - start > self._most:
            if self._file is None:
                raise HTTPException(413, f"A field of the form has more than {self._most} bytes.")
            limit = self._limits.file_bytes / MIB
            raise HTTPException(413, f"{named(self._file)} is larger than the limit of {limit:.3g} MiB a file.")
        self._data += memoryview(data)[start:end]

    def _end(self) -> None:
        if self._file is None:
            self.fields[self._field] = self._data.decode("utf-8", "replace")
        elif self._file or self._data:  # a browser sends a nameless, empty file where none was picked
            kind = self._headers_found.get(b"content-type", b"").decode("latin-1")
            media = parse_options_header(kind)[0].decode("latin-1")
            self.files.append(Upload(self._field, shown(self._file), media, bytes(self._data)))
        self._begin()

    def _all(self) -> None:
        self.ended = True


def with_picture(form: Form) -> Form:
    """Take the small picture that a page without a script sends as text for the form's file.

    Raises:
        HTTPException: 400, it is no picture.
    """
    head, _, text = form.fields[PICTURE].partition(",")
    if head != "data:image/jpeg;base64":
        raise HTTPException(400, "The form is damaged: its picture is none of ours.")
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise HTTPException(400, "The form is damaged: its picture is no base64.") from None
    return Form((Upload("file", shown(form.fields.get("name", "")), "image/jpeg", data),), form.fields)


def shown(name: str) -> str:
    """A file name as it may be shown and kept: its last part, printable, at most 200 characters."""
    last = re.split(r"[/\\]", name.strip())[-1]
    return " ".join("".join(c if c.isprintable() else " " for c in last).split())[:200]


def named(name: str) -> str:
    """A file in a sentence."""
    return f"The file {shown(name)!r}" if shown(name) else "A file"


def _unescaped(name: bytes) -> bytes:
    """A file name as it was before a browser wrote it into a form (WHATWG HTML, multipart/form-data)."""
    for written, meant in _ESCAPED:
        name = name.replace(written, meant)
    return name


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _too_large(limits: Limits) -> HTTPException:
    return HTTPException(413, f"The request is larger than the limit of {limits.request_bytes / MIB:.3g} MiB.")


def _busy(told: str) -> HTTPException:
    return HTTPException(503, told, {"Retry-After": "5"})
