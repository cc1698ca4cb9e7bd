"""Who asks: the cookie that tells one browser from another, and that a form comes from a page of ours.

A form is taken only if it carries what its browser's cookie says (double submit); a page of another site can make a
browser send the cookie, but cannot read it. Scripts without a browser use the API and need no form.
"""

from __future__ import annotations

import re
import secrets
from typing import Final

from fastapi import HTTPException, Request, Response

from raravis.web.gate import SEAT_COOKIE, cookie, same

FIELD: Final = "form_token"
"""The hidden field of every form that changes something."""

_SEAT: Final = re.compile(r"[0-9a-f]{32}")


def seat(request: Request) -> str:
    """The browser's own number: that of its cookie, else a new one."""
    found = cookie(request.headers, SEAT_COOKIE)
    return found if _SEAT.fullmatch(found) else secrets.token_hex(16)


def seated(response: Response, request: Request, number: str) -> None:
    """Leave the number with the browser."""
    keep(response, request, SEAT_COOKIE, number)


def keep(response: Response, request: Request, name: str, value: str) -> None:
    """Set a cookie that no script reads and no other site sends, for as long as the browser is open."""
    secure = request.url.scheme == "https"
    response.set_cookie(name, value, httponly=True, samesite="strict", secure=secure, path="/")


def check(request: Request, fields: dict[str, str]) -> None:
    """Let a form through that comes from a page of ours.

    Raises:
        HTTPException: 403, it does not.
    """
    own = cookie(request.headers, SEAT_COOKIE)
    if not (_SEAT.fullmatch(own) and same(fields.get(FIELD, ""), own)):
        raise HTTPException(403, "This form is not from this page, or the page is too old. Load the page again.")


def client(request: Request) -> str:
    """Whose turn a photograph takes: an address, and behind one address a browser."""
    address = request.client.host if request.client else ""
    found = cookie(request.headers, SEAT_COOKIE)
    return f"{address} {found if _SEAT.fullmatch(found) else ''}"
