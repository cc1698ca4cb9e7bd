"""Uploads become findings: checked, decoded on threads, asked of the model in batches, one finding for every file.

Both the API and the page ask here. What a request brings lives in memory until its answer is made, and no longer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from fastapi import HTTPException

from raravis.data.ahead import cores
from raravis.data.decode import UnreadableImageError
from raravis.serve import row as rows
from raravis.serve.row import Row
from raravis.web import photos
from raravis.web.batching import Batcher, BusyError, Said, settle
from raravis.web.forms import Upload
from raravis.web.limits import Limits
from raravis.web.metrics import Metrics
from raravis.web.model import Model, Near

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
                    return list(await asyncio.gather(*(self._one(upload, client, more) for upload in uploads)))
        except BusyError:
            raise HTTPException(
                503, "Too many photographs are waiting. Try again in a moment.", {"Retry-After": "2"}
            ) from None
        except TimeoutError:
            raise HTTPException(503, "The answer took too long. Try again.", {"Retry-After": "10"}) from None

    def close(self) -> None:
        """Stop the threads; a later photograph starts them again."""
        self._batcher.close()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    async def _one(self, upload: Upload, client: str, more: bool) -> Finding:
        name, loop = upload.name or NAMELESS, asyncio.get_running_loop()
        if self._pool is None:
            self._pool = ThreadPoolExecutor(cores(), thread_name_prefix="raravis-decode")
        asked: asyncio.Future[Said] = loop.create_future()
        reading = self._pool.submit(self._read, upload, client, more, asked)
        try:
            said = await asked
        except UnreadableImageError as error:
            self.metrics.photograph("unreadable")
            return Finding(rows.unreadable(name, str(error) or "cannot be read"))
        finally:
            reading.cancel()  # of a client that has gone before a thread had time for it
        row = rows.best(name, said.answer, said.number, self.model.families, self._top_k)
        self.metrics.photograph(row.verdict or "named")
        if not more:
            return Finding(row)
        photo = said.photo
        heat = await loop.run_in_executor(self._pool, self._drawn, said)
        lineage = self.model.lineage(row.families[0])
        return Finding(row, photo.preview, photo.width, photo.height, heat, lineage, said.nearest)

    def _read(self, upload: Upload, client: str, more: bool, asked: asyncio.Future[Said]) -> None:
        """Decode an upload and put it to the model, without the event loop in between."""
        try:
            photo = photos.read(upload, self.model.size, self.model.fit, limit=self.limits.pixels, preview=more)
        except Exception as error:  # whatever it is, the one who waits for `asked` deals with it
            settle([(asked, error)])
        else:
            self._batcher.put(photo, client, asked, more=more)

    def _drawn(self, said: Said) -> bytes:
        if said.heat is None:
            return b""
        return photos.overlay(said.heat, self.model.fit, said.photo.width, said.photo.height)
