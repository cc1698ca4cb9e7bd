"""The API under `/api/v1`: photographs in, rows out; the model; corrections; and what watches a server."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi import Path as InPath
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from raravis.web import forms, metrics, visitors
from raravis.web.answers import About, Corrected, Health, Identified, Kept, Problem
from raravis.web.desk import Finding
from raravis.web.rooms import correct, of

_REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    400: {"model": Problem, "description": "The form is damaged, or nothing came with it."},
    401: {"model": Problem, "description": "A token is needed."},
    403: {"model": Problem, "description": "A page of another site sent this."},
    408: {"model": Problem, "description": "The request arrived too slowly."},
    413: {"model": Problem, "description": "Larger, or more, than the limits allow."},
    415: {"model": Problem, "description": "No multipart form, or none of the files is an image."},
    503: {"model": Problem, "description": "Busy; the header Retry-After says when to come back."},
}
_FILE: Final = {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}
Number = Annotated[int, InPath(ge=1, lt=1 << 63, description="The number that its making answered.", examples=[12])]

router = APIRouter()


def _form(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": required}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


@router.post(
    "/api/v1/identify",
    tags=["identify"],
    response_description="One row for every file, in the order given.",
    responses=_REFUSALS,
    openapi_extra=_form(
        {"files": {"type": "array", "items": _FILE, "minItems": 1, "description": "Photographs, each a file."}},
        ["files"],
    ),
)
async def identify(request: Request) -> list[Identified]:
    """Say what photographs show: one row for every file, in the order given.

    A file that cannot be read is a row with `status` `unreadable`; where none can be read the request is refused.
    """
    rooms = of(request)
    client = visitors.client(request)
    with rooms.held.request(client) as share:
        form = await forms.read(request, rooms.limits, share)
        uploads = [upload for upload in form.files if upload.field == "files"]
        if not uploads or len(uploads) < len(form.files):
            raise HTTPException(400, "No photograph came with the request; the form's field for them is `files`.")
        found = await rooms.desk.identify(uploads, client)
    refuse_unreadable(found)
    return [Identified.of(finding.row) for finding in found]


def refuse_unreadable(found: list[Finding]) -> None:
    """Raise 415 if not one of the files could be read."""
    if all(finding.row.error for finding in found):
        told = "; ".join(f"{finding.row.file_path} {finding.row.error}" for finding in found[:5])
        raise HTTPException(415, f"No photograph could be read: {told}.")


@router.get("/api/v1/model", tags=["model"], response_description="The model.", responses={401: _REFUSALS[401]})
async def model(request: Request) -> About:
    """Tell which model answers, what it knows, and what one request may bring."""
    rooms = of(request)
    known, limits = rooms.desk.model, rooms.limits
    return About(
        name=known.name,
        digest=known.digest,
        families=list(known.families),
        size=known.size,
        fit=known.fit,
        heat=known.has_heat,
        limits={
            "file_bytes": limits.file_bytes,
            "request_bytes": limits.request_bytes,
            "files": limits.files,
            "pixels": limits.pixels,
        },
        about=dict(known.about),
    )


@router.post(
    "/api/v1/corrections",
    tags=["corrections"],
    status_code=201,
    response_description="It is on the disk.",
    responses={**_REFUSALS, 404: {"model": Problem, "description": "This server keeps no corrections."}},
    openapi_extra=_form(
        {
            "file": {**_FILE, "description": "The photograph."},
            "family": {
                "type": "string",
                "minLength": 1,
                "maxLength": 200,
                "description": "What it shows.",
                "examples": ["felidae"],
            },
            "who": {"type": "string", "maxLength": 200, "description": "Who says so.", "examples": ["Ada"]},
        },
        ["file", "family"],
    ),
)
async def add_correction(request: Request) -> Corrected:
    """Say what a photograph shows where the model is wrong. When this answers, photograph and word are on the disk."""
    rooms = of(request)
    client = visitors.client(request)
    with rooms.held.request(client) as share:
        form = await forms.read(request, rooms.limits, share)
        return await correct(rooms, form, client)


@router.delete(
    "/api/v1/corrections/{number}",
    tags=["corrections"],
    status_code=204,
    response_description="Taken back.",
    responses={
        401: _REFUSALS[401],
        403: _REFUSALS[403],
        404: {"model": Problem, "description": "No correction stands by that number."},
        422: {"model": Problem, "description": "No number."},
    },
)
async def undo_correction(request: Request, number: Number) -> None:
    """Take a correction back. It stays in the history, marked."""
    rooms = of(request)
    if not await asyncio.to_thread(rooms.corrections.undo, number):
        raise HTTPException(404, f"No correction stands by the number {number}.")
    rooms.desk.metrics.correction("undone")


@router.get(
    "/api/v1/corrections",
    tags=["corrections"],
    response_description="The history.",
    responses={401: _REFUSALS[401], 404: {"model": Problem, "description": "This server keeps no corrections."}},
)
async def list_corrections(request: Request) -> list[Kept]:
    """List the history, the oldest first; those taken back are marked."""
    kept = await asyncio.to_thread(of(request).corrections.table)
    return [Kept(**{name: getattr(one, name) for name in Kept.model_fields}) for one in kept]


@router.get(
    "/api/v1/corrections/export",
    tags=["corrections"],
    response_class=FileResponse,
    responses={
        200: {"content": {"application/zip": {"schema": _FILE}}, "description": "Photographs and metadata.csv."},
        401: _REFUSALS[401],
        404: {"model": Problem, "description": "No correction stands, or the server keeps none."},
    },
)
async def export_corrections(request: Request) -> FileResponse:
    """Download the corrections that stand as a ZIP. Unpacked, it is DATA for `raravis train`."""
    corrections = of(request).corrections
    if not await asyncio.to_thread(corrections.count):
        raise HTTPException(404, "No correction stands; there is nothing to export.")
    folder = Path(tempfile.mkdtemp(prefix="raravis-"))
    gone = BackgroundTask(shutil.rmtree, folder, ignore_errors=True)
    try:
        await asyncio.to_thread(corrections.export, folder / "corrections")
        packed = await asyncio.to_thread(
            shutil.make_archive, str(folder / "packed"), "zip", folder, "corrections"
        )  # beneath one folder, so that unpacking litters nothing
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return FileResponse(packed, media_type="application/zip", filename="corrections.zip", background=gone)


@router.get("/healthz", tags=["server"], response_description="Up.")
async def healthz() -> Health:
    """Tell that the server is up. Needs no token."""
    return Health()


@router.get(
    "/metrics",
    tags=["server"],
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "The counters."},
        401: _REFUSALS[401],
    },
)
async def counted(request: Request) -> Response:
    """Counters for Prometheus."""
    return Response(of(request).desk.metrics.text(), media_type=metrics.TYPE)
