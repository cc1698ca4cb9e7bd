"""The application: one model, its limits, its corrections, behind the gate. Any ASGI server runs it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

import raravis
from raravis.errors import RaravisError, StorageError
from raravis.serve.predictor import Predictor
from raravis.web import api, description, pages
from raravis.web.desk import Desk
from raravis.web.forms import Held
from raravis.web.gate import Gate
from raravis.web.limits import Limits
from raravis.web.model import Model
from raravis.web.rooms import Rooms

if TYPE_CHECKING:
    from raravis.serve.corrections import Corrections

_log = logging.getLogger("raravis.web")


def create(
    predictor: Predictor,
    *,
    name: str = "raravis",
    corrections: Corrections | None = None,
    token: str | None = None,
    limits: Limits | None = None,
    hosts: Collection[str] | None = None,
    top_k: int = 5,
) -> FastAPI:
    """Make the application.

    Args:
        predictor: the model; a bundle also shows lineages, heat maps and the nearest training photographs.
        name: of the model, as people are to read it.
        corrections: the open file that takes corrections; without one the page offers none. It stays open.
        token: that every visitor needs; None lets everybody in.
        limits: of bytes, pixels, files, time; see `Limits`.
        hosts: names, without a port, that are answered; None for any. On the loopback interface give
            `raravis.web.gate.LOOPBACK`.
        top_k: families listed for a photograph.
    """
    limits = limits or Limits()
    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # it warns of every damaged form
    desk = Desk(Model.of(predictor, name), limits, top_k=top_k)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        desk.close()

    app = FastAPI(
        title="raravis",
        summary="Identify animals in photographs.",
        description="Every refusal is a JSON object whose `detail` says why.",
        version=raravis.__version__,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        docs_url=None,  # would load scripts from elsewhere; `description` draws the same without
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.rooms = Rooms(desk, limits, Held(limits.held_bytes), corrections, token)
    app.include_router(api.router)
    app.include_router(pages.router)
    app.include_router(description.router)
    app.exception_handler(RaravisError)(_failed)
    app.exception_handler(RequestValidationError)(_invalid)
    app.add_middleware(Gate, metrics=desk.metrics, token=token, hosts=hosts)
    return app


async def _failed(request: Request, error: Exception) -> JSONResponse:
    """Say that something failed; what, and where it lies, is for the log alone."""
    _log.error("%s: %s", type(error).__name__, error)
    if isinstance(error, StorageError):
        return JSONResponse({"detail": "The server could not write it; nothing was kept. Try again later."}, 507)
    return JSONResponse({"detail": "The server failed on this request; its log says why."}, 500)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    """Say in words what is wrong with a value in an address."""
    assert isinstance(error, RequestValidationError)
    told = "; ".join(f"{problem['loc'][-1]}: {problem['msg']}" for problem in error.errors())
    return JSONResponse({"detail": told}, 422)
