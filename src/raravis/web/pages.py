"""The page: the same findings as the API's, for people. Every form works without a script; with one, it works in place.

A script asks for a part of the page by the header `X-Part`, and puts that in the place of what was there.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import Markup, escape

from raravis.serve.corrections import SOMETHING_ELSE
from raravis.taxonomy import RANKS
from raravis.web import api, forms, gate, visitors
from raravis.web.answers import Corrected
from raravis.web.desk import Finding
from raravis.web.rooms import Rooms, correct, of

if TYPE_CHECKING:
    from jinja2 import Environment

GUESS_SECONDS: Final = 0.5
"""What a wrong token costs."""

SHOWN: Final = 500
"""Corrections on one page."""

_STATIC: Final = {"page.css": "text/css", "page.js": "text/javascript"}

router = APIRouter(include_in_schema=False)


@router.get("/")
async def page(request: Request) -> Response:
    """Show the empty page."""
    return _page(request, ())


@router.post("/")
async def identified(request: Request) -> Response:
    """Show what photographs are: the whole page, or for a script the cards alone."""
    rooms, part, client = of(request), "x-part" in request.headers, visitors.client(request)
    try:
        with rooms.held.request(client) as share:
            form = await forms.read(request, rooms.limits, share)
            if not form.files:
                raise HTTPException(400, "Choose a photograph first.")
            found = await rooms.desk.identify(form.files, client, more=True)
    except HTTPException as error:
        if part:
            raise
        return _page(request, (), told=error.detail, status=error.status_code, headers=error.headers)
    if part:
        return drawn(request, "web_cards.html.j2", cards=_cards(rooms, found, carry=False))
    return _page(request, found)


@router.post("/corrections")
async def corrected(request: Request) -> Response:
    """Keep a correction that a form made."""
    rooms, client = of(request), visitors.client(request)
    try:
        with rooms.held.request(client) as share:
            form = await forms.read(request, rooms.limits, share)
            visitors.check(request, form.fields)
            form.fields["family"] = form.fields.get("family", "").strip() or form.fields.get("other", "")
            if forms.PICTURE in form.fields and not form.files:
                form = forms.with_picture(form)
            made = await correct(rooms, form, client)
    except HTTPException as error:
        return _problem(request, error)
    return _noted(request, made)


@router.post("/corrections/{number}/undo")
async def undone(request: Request, number: api.Number) -> Response:
    """Take a correction back that a form made."""
    rooms = of(request)
    try:
        with rooms.held.request(visitors.client(request)) as share:
            visitors.check(request, (await forms.read(request, rooms.limits, share)).fields)
        if not await asyncio.to_thread(rooms.corrections.undo, number):
            raise HTTPException(404, "That correction was taken back already.")
    except HTTPException as error:
        return _problem(request, error)
    rooms.desk.metrics.correction("undone")
    return _noted(request, None)


@router.get("/corrections")
async def history(request: Request) -> Response:
    """Show what was corrected, the newest first."""
    kept = await asyncio.to_thread(of(request).corrections.table)
    standing, older = sum(not one.undone for one in kept), len(kept) > SHOWN
    return drawn(request, "web_history.html.j2", kept=kept[::-1][:SHOWN], standing=standing, older=older)


@router.get("/login")
async def login(request: Request) -> Response:
    """Ask for the token."""
    return drawn(request, "web_login.html.j2", told="")


@router.post("/login")
async def logged_in(request: Request) -> Response:
    """Leave a cookie with whoever knows the token; guesses are answered slowly, one after the other."""
    rooms = of(request)
    with rooms.held.request(visitors.client(request)) as share:
        form = await forms.read(request, rooms.limits, share)
    if rooms.token is None or gate.same(form.fields.get("token", "").strip(), rooms.token):
        response: Response = RedirectResponse("/", 303)
        if rooms.token is not None:
            visitors.keep(response, request, gate.KEY_COOKIE, gate.key_for(rooms.token))
        return response
    async with rooms.guesses:
        await asyncio.sleep(GUESS_SECONDS)
    return drawn(request, "web_login.html.j2", status=403, told="That is not the token of this server.")


@router.get("/static/{version}/{name}")
async def static(version: str, name: str) -> Response:
    """Give the style sheet or the script; their address changes when they do, so a browser may keep them."""
    if name not in _STATIC or version != _version():
        raise HTTPException(404, "There is no such file.")
    keep = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(_static(name), media_type=_STATIC[name], headers=keep)


def _page(
    request: Request,
    found: Sequence[Finding],
    *,
    told: str = "",
    status: int = 200,
    headers: Any = None,
) -> Response:
    cards = _cards(of(request), found, carry=True)
    return drawn(request, "web_page.html.j2", status=status, headers=headers, cards=cards, told=told)


def _noted(request: Request, made: Corrected | None) -> Response:
    """Say that a correction is kept (or taken back): on the page, or for a script in the card alone."""
    template = "web_noted.html.j2" if "x-part" in request.headers else "web_noted_page.html.j2"
    return drawn(request, template, made=made)


def _problem(request: Request, error: HTTPException) -> Response:
    if "x-part" in request.headers:
        raise error
    return _page(request, (), told=str(error.detail), status=error.status_code, headers=error.headers)


def drawn(request: Request, template: str, *, status: int = 200, headers: Any = None, **words: Any) -> Response:
    """Draw a template and leave the browser its number, which the page's forms repeat."""
    shared = _shared(request)
    response = HTMLResponse(_text(template, **shared, **words), status, headers)
    visitors.seated(response, request, shared["form_token"])
    return response


def _shared(request: Request) -> dict[str, Any]:
    rooms = of(request)
    return {
        "model": rooms.desk.model,
        "limits": rooms.limits,
        "keeps": rooms.kept is not None,
        "locked": rooms.token is not None,
        "form_token": visitors.seat(request),
        "form_field": visitors.FIELD,
        "static": f"/static/{_version()}",
        "something_else": SOMETHING_ELSE,
    }


def _cards(rooms: Rooms, found: Sequence[Finding], *, carry: bool) -> list[dict[str, Any]]:
    """What a card shows of each finding; `carry` puts the picture into its form, where no script holds the file."""
    return [
        {
            "row": finding.row,
            "bars": list(zip(finding.row.families, finding.row.confidences, strict=True)),
            "preview": _data("jpeg", finding.preview),
            "heat": _data("png", finding.heat),
            "width": finding.width,
            "height": finding.height,
            "lineage": [(rank, finding.lineage[rank]) for rank in RANKS if finding.lineage.get(rank)],
            "nearest": [(near, _data("jpeg", near.thumbnail or b"")) for near in finding.nearest],
            "carry": carry,
        }
        for finding in found
    ]


def _data(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}" if data else ""


def _text(template: str, **words: Any) -> str:
    return _environment().get_template(template).render(**words)


@functools.cache
def _static(name: str) -> bytes:
    return _environment().get_template(f"web_{name}.j2").render().encode()


@functools.cache
def _version() -> str:
    return hashlib.sha256(b"".join(map(_static, _STATIC))).hexdigest()[:12]


@functools.cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("raravis"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"percent": percent, "proper": proper, "sentence": sentence, "coded": coded}
    return made


def proper(name: str) -> str:
    """A taxon as it is written: with a capital."""
    return name[:1].upper() + name[1:]


def coded(text: str) -> Markup:
    """Words between backticks as code; everything else as it is."""
    parts = [
        escape(part) if number % 2 == 0 else f"<code>{escape(part)}</code>"
        for number, part in enumerate(text.split("`"))
    ]
    return Markup("".join(parts))


def sentence(text: str) -> str:
    """A reason as a sentence."""
    return f"{proper(text)}{'' if text.endswith(('.', '!', '?')) or not text else '.'}"


def percent(share: float) -> str:
    """A share as people say it: 97%, and neither 0% nor 100% for what is only close to it."""
    if share >= 0.995:
        return "over 99%" if share < 1 else "100%"
    return "under 1%" if share < 0.005 else f"{share:.0%}"
