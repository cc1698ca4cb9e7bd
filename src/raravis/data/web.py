"""One file from the web, safely: an address enters, bytes or one reason in words leaves.

Only http and https are spoken, redirects are few, and every address that a name stands for is looked at before a
connection is made to that very address: those of this machine and of private networks are refused unless allowed. Bytes
and seconds are bounded, whatever the other side does. Proxies are not used.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

from raravis import __version__
from raravis.errors import RaravisError

REDIRECTS: Final = 5
_CHUNK: Final = 1 << 16
_MOVED: Final = (301, 302, 303, 307, 308)
_LATER: Final = (408, 425, 429, 500, 502, 503, 504)
_SAFE: Final = "/%:@!$&'()*+,;=~?"
_HEADERS: Final = {"User-Agent": f"raravis/{__version__}", "Accept": "image/*,*/*;q=0.5"}


class FetchError(RaravisError):
    """A file could not be fetched; the message is the reason, in a few words.

    Attributes:
        again: whether another try may succeed.
        wait: seconds that the other side asks to wait first.
    """

    def __init__(self, message: str, *, again: bool = False, wait: float = 0) -> None:
        super().__init__(message)
        self.again, self.wait = again, wait


@dataclass(frozen=True)
class Limits:
    """What one file may take.

    Attributes:
        bytes: at most.
        seconds: for the whole file, redirects included.
        silence: seconds without a byte.
        tries: at most, where another try may succeed.
        pause: seconds before the second try, doubled before each further one.
        private: whether addresses of this machine and of private networks are allowed.
    """

    bytes: int = 50 << 20
    seconds: float = 120
    silence: float = 20
    tries: int = 3
    pause: float = 1
    private: bool = False


def get(url: str, limits: Limits, *, sleep: Callable[[float], None] = time.sleep) -> bytes:
    """The bytes of a file, tried again where that may help.

    Raises:
        FetchError: it cannot be had; why.
    """
    for attempt in range(limits.tries):
        try:
            return _once(url, limits)
        except FetchError as error:
            if not error.again or attempt + 1 == limits.tries:
                raise
            sleep(min(max(limits.pause * 2**attempt, error.wait), 30))
    raise FetchError("was not tried")


def _once(url: str, limits: Limits) -> bytes:
    end = time.monotonic() + limits.seconds
    for _ in range(REDIRECTS + 1):
        with _Watch(end) as watch:
            try:
                connection, target = _connected(url, limits, watch)
                with closing(connection):
                    connection.request("GET", target, headers=_HEADERS)
                    with closing(connection.getresponse()) as answer:
                        if answer.status not in _MOVED:
                            return _body(answer, limits, watch)
                        url = urljoin(url, answer.getheader("Location") or "")
            except FetchError:
                raise
            except (OSError, http.client.HTTPException, ValueError) as error:
                if watch.over:
                    raise FetchError(f"took longer than {limits.seconds:g} seconds", again=True) from None
                silent = isinstance(error, TimeoutError)
                why = "the server is silent" if silent else f"the connection failed: {_told(error)}"
                raise FetchError(why, again=not isinstance(error, ssl.SSLCertVerificationError)) from None
    raise FetchError(f"is redirected more than {REDIRECTS} times")


class _Watch:
    """Cuts a connection at a point in time, whatever the other side drips: in its headers too."""

    def __init__(self, end: float) -> None:
        self.socket: socket.socket | None = None
        self._end = end
        self._timer = threading.Timer(max(self.left, 0), self._cut)
        self._timer.daemon = True

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self._end - time.monotonic()

    @property
    def over(self) -> bool:
        """Whether the time has come."""
        return self.left <= 0

    def __enter__(self) -> _Watch:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def _cut(self) -> None:
        with suppress(OSError, AttributeError):
            self.socket.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]


def _body(answer: http.client.HTTPResponse, limits: Limits, watch: _Watch) -> bytes:
    if answer.status != 200:
        wait = answer.getheader("Retry-After") or ""
        raise FetchError(
            f"the server answers {answer.status} {answer.reason[:60]}".rstrip(),
            again=answer.status in _LATER,
            wait=float(wait) if wait.isascii() and wait.isdigit() and len(wait) < 6 else 0,
        )
    expected, parts, size = answer.length, list[bytes](), 0
    if (expected or 0) > limits.bytes:
        raise FetchError(f"is larger than {limits.bytes:,} bytes")
    while chunk := answer.read1(_CHUNK):
        parts.append(chunk)
        size += len(chunk)
        if size > limits.bytes:
            raise FetchError(f"is larger than {limits.bytes:,} bytes")
        if watch.over:
            break
    if watch.over:
        raise FetchError(f"took longer than {limits.seconds:g} seconds", again=True)
    if expected is not None and size < expected:
        raise FetchError("was cut off", again=True)
    return b"".join(parts)


def _connected(url: str, limits: Limits, watch: _Watch) -> tuple[http.client.HTTPConnection, str]:
    """A connection to an allowed address of the URL's host, and what to ask for."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise FetchError("is no address that can be read") from None
    if parts.scheme not in ("http", "https"):
        raise FetchError(f"has the scheme {parts.scheme[:20]!r}; only http and https are fetched")
    if not host or parts.username is not None:
        raise FetchError("carries a user name" if host else "names no host")
    secure = parts.scheme == "https"
    made = http.client.HTTPSConnection(host, port) if secure else http.client.HTTPConnection(host, port)
    last: OSError = OSError("no address")
    for address in _addresses(host, made.port, private=limits.private):
        try:
            plain = socket.create_connection((address, made.port), timeout=max(min(limits.silence, watch.left), 0.01))
        except OSError as error:
            last = error
            continue
        plain.settimeout(limits.silence)
        made.sock = watch.socket = plain
        if secure:
            context = ssl.create_default_context()
            made.sock = watch.socket = lined = context.wrap_socket(
                plain, server_hostname=host, do_handshake_on_connect=False
            )
            try:
                lined.do_handshake()
            except BaseException:
                made.close()
                raise
        query = f"?{quote(parts.query, safe=_SAFE)}" if parts.query else ""
        return made, quote(parts.path or "/", safe=_SAFE) + query
    raise last


def _addresses(host: str, port: int, *, private: bool) -> list[str]:
    """All addresses that a host's name stands for.

    Raises:
        FetchError: there is none, or one of them lies in a private network.
    """
    try:
        found = socket.getaddrinfo(host.encode("idna").decode("ascii"), port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise FetchError(f"the host {host[:80]!r} is not found", again=True) from None
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    if not private and not all(map(_public, addresses)):
        raise FetchError(f"the host {host[:80]!r} lies in a private network, which is not allowed")
    return addresses


def _public(address: str) -> bool:
    """Whether an address belongs to the open net; of one that wraps another, whether that does."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    inner = (found.ipv4_mapped or found.sixtofour or found) if found.version == 6 else found
    return inner.is_global and not inner.is_multicast


def _told(error: BaseException) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
