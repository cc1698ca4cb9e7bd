"""What every route of one application reaches for, and the one thing that the API and the page do alike: correcting."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from fastapi import HTTPException, Request

from raravis.errors import UsageError
from raravis.reviewing.families import Families
from raravis.serve.corrections import SOMETHING_ELSE
from raravis.web import photos
from raravis.web.answers import Corrected
from raravis.web.desk import Desk
from raravis.web.forms import Form, Held
from raravis.web.limits import Limits

if TYPE_CHECKING:
    from raravis.serve.corrections import Corrections


@dataclass(frozen=True)
class Rooms:
    """The parts of one application.

    Attributes:
        desk: identifies.
        limits: of a request.
        held: counts the bytes in memory.
        kept: the file of corrections; None where the server keeps none.
        token: that visitors need; None where they need none.
        guesses: held while a wrong token is answered, so that guesses queue up.
    """

    desk: Desk
    limits: Limits
    held: Held
    kept: Corrections | None
    token: str | None
    guesses: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def corrections(self) -> Corrections:
        """The file of corrections.

        Raises:
            HTTPException: 404, the server keeps none.
        """
        if self.kept is None:
            raise HTTPException(404, "This server keeps no corrections.")
        return self.kept


def of(request: Request) -> Rooms:
    """The parts of the application that a request came to."""
    return cast("Rooms", request.app.state.rooms)


async def correct(rooms: Rooms, form: Form, client: str) -> Corrected:
    """Keep one correction: the form's only file, what `family` it shows, and `who` says so.

    The model is asked again, so that what it told is what it told, not what a client says that it told.

    Raises:
        HTTPException: 400 the form lacks something; 404 no corrections are kept; 415 the file is no photograph.
        StorageError: it could not be kept.
    """
    kept = rooms.corrections
    family = form.fields.get("family", "").strip()
    if len(form.files) != 1 or form.files[0].field != "file" or not family:
        raise HTTPException(400, "One photograph as `file` and its right `family` were expected.")
    (upload,) = form.files
    (finding,) = await rooms.desk.identify([upload], client)
    if finding.row.error:
        raise HTTPException(415, f"No photograph could be read: {finding.row.file_path} {finding.row.error}.")
    told = finding.row.families[0]
    words = {"file_name": finding.row.file_path, "told": told, "family": family}
    words |= {"who": form.fields.get("who", "").strip(), "model": rooms.desk.model.digest}
    try:
        suffix = photos.suffix(upload.data)
        number = await asyncio.to_thread(kept.add, upload.data, suffix=suffix, **words)
    except UsageError as error:
        raise HTTPException(400, " ".join(str(error).split())) from None
    rooms.desk.metrics.correction("made")
    note = await asyncio.to_thread(_note, family, rooms.desk.model.families)
    return Corrected(id=number, file_name=finding.row.file_path, told=told, family=family, note=note)


def _note(family: str, known: Iterable[str]) -> str:
    """What is to be told of a corrected family that the model does not know, as `raravis review` will take it."""
    if family == SOMETHING_ELSE:
        return ""
    found = Families(known).look_up(family)
    return {
        "known": "",
        "synonym": f"The model calls {family} {found.family}.",
        "new": f"{family} is new to the model.",
        "unknown": f"{family} is new to the model. {found.note}",
    }[found.kind]
