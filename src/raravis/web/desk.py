"""Uploads become findings: checked, decoded on threads, asked of the model in batches, one finding for every file.

Both the API and the page ask here. What a request brings lives in memory until its answer is made, and no longer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from fastapi import HTTPException

from raravis.data.ahead import cores
from raravis.data.decode import UnreadableImageError
from raravis.serve import row as rows
from raravis.serve.row import Row
from raravis.web import photos
from raravis.web.batching import Batcher, BusyError, Said, settle, stopping
from raravis.web.forms import Upload
from raravis.web.limits import Limits
from raravis.web.metrics import Metrics
from raravis.web.model import Model, Near
from raravis.web.turns import Turns

NAMELESS = "photograph"


@dataclass(frozen=True)
class Finding:
    """What is known of one upload.

    Attributes:
        row: as every output format has it; `file_path` is what its user calls the file.
        preview: a small JPEG; empty unless asked for and readable.
        width: of the preview.
        height: likewise.
        heat: a PNG of the same shape that shows where the evidence lies; empty where nobody knows.
        lineage: rank → name of the likeliest family.
        nearest: training photographs that look most alike.
    """

    row: Row
    preview: bytes = b""
    width: int = 0
    height: int = 0
    heat: bytes = b""
    lineage: Mapping[str, str] = field(default_factory=dict)
    nearest: tuple[Near, ...] = ()


@dataclass(frozen=True)
class _Sent:
    upload: Upload
    client: str
    more: bool
    asked: asyncio.Future[Said]


class Desk:
    """Identifies uploads; made once for a server."""

    def __init__(self, model: Model, limits: Limits, *, top_k: int) -> None:
        """Take the model; threads start with the first photograph."""
        self.model, self.limits = model, limits
        self.metrics = Metrics(lambda: self._batcher.waiting)
        self._top_k = top_k
        self._batcher = Batcher(
            model, batch=limits.batch, linger=limits.linger, waiting=limits.waiting, told=self.metrics.batch
        )
        self._uploads = Turns[_Sent](lambda sent: sent.asked.done())
        self._pool: ThreadPoolExecutor | None = None

    async def identify(self, uploads: Sequence[Upload], client: str, *, more: bool = False) -> list[Finding]:
        """Say of every upload what it shows, in the order given; what cannot be read becomes an unreadable row.

        Args:
            uploads: the files of one request.
            client: whose turn they take.
            more: find what the page shows beside the row.

        Raises:
            HTTPException: 503 too many wait, or it took too long.
            RunError: the model failed.
        """
        try:
            with self._batcher.places(client, len(uploads)):
                async with asyncio.timeout(self.limits.answer_seconds):
                    return await _all(self._one(upload, client, more) for upload in uploads)
        except BusyError:
            raise HTTPException(
                503, "Too many photographs are waiting. Try again in a moment.", {"Retry-After": "2"}
            ) from None
        except TimeoutError:
            raise HTTPException(503, "The answer took too long. Try again.", {"Retry-After": "10"}) from None

    def close(self) -> None:
        """Stop the threads; what waits is told. A later photograph starts them again."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)  # first: what a thread still decodes goes to the batcher
            self._pool = None
        settle((sent.asked, stopping()) for sent in self._uploads.cleared())
        self._batcher.close()

    async def _one(self, upload: Upload, client: str, more: bool) -> Finding:
        name, loop = upload.name or NAMELESS, asyncio.get_running_loop()
        if self._pool is None:
            self._pool = ThreadPoolExecutor(cores(), thread_name_prefix="raravis-decode")
        asked: asyncio.Future[Said] = loop.create_future()
        self._uploads.put(client, _Sent(upload, client, more, asked))
        self._pool.submit(self._read)
        try:
            said = await asked
        except UnreadableImageError as error:
            self.metrics.photograph("unreadable")
            return Finding(rows.unreadable(name, str(error) or "cannot be read"))
        row = rows.best(name, said.answer, said.number, self.model.families, self._top_k)
        self.metrics.photograph(row.verdict or "named")
        if not more:
            return Finding(row)
        photo = said.photo
        heat = await loop.run_in_executor(self._pool, self._drawn, said)
        lineage = self.model.lineage(row.families[0])
        return Finding(row, photo.preview, photo.width, photo.height, heat, lineage, said.nearest)

    def _read(self) -> None:
        """Decode the upload whose turn it is and put it to the model, without the event loop in between."""
        if (sent := self._uploads.take()) is None:  # its client has gone
            return
        try:
            photo = photos.read(
                sent.upload, self.model.size, self.model.fit, limit=self.limits.pixels, preview=sent.more
            )
            self._batcher.put(photo, sent.client, sent.asked, more=sent.more)
        except Exception as error:  # whatever it is, the one who waits deals with it
            settle([(sent.asked, error)])

    def _drawn(self, said: Said) -> bytes:
        if said.heat is None:
            return b""
        return photos.overlay(said.heat, self.model.fit, said.photo.width, said.photo.height)


async def _all(findings: Iterable[Coroutine[Any, Any, Finding]]) -> list[Finding]:
    """Await all of a request; where one fails the others end with it."""
    tasks = [asyncio.ensure_future(one) for one in findings]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
