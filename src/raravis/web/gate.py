"""Who may come in: every request passes here before anything else sees it, and every answer leaves through here.

Host   a page somewhere may make a browser ask `127.0.0.1` under a name of its own (DNS rebinding); on the loopback
       interface only the names of this machine are answered.
Origin what changes something, or costs something, is not taken from a page of another site.
Token  with one, everything but `/healthz`, the form that asks for it and the style sheet needs it: as
       `Authorization: Bearer`, or as the cookie that the form leaves.
Answers get headers that forbid a browser everything that the page does not need.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
import time
from collections.abc import Collection
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from raravis.web.metrics import Metrics

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
KEY_COOKIE: Final = "raravis_key"
SEAT_COOKIE: Final = "raravis_seat"

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OPEN: Final = re.compile(r"/healthz|/login|/static/.*")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_HEADERS: Final = Headers(
    {
        "Content-Security-Policy": (
            "default-src 'none'; img-src 'self' data: blob:; style-src 'self'; script-src 'self'; connect-src 'self'; "
            "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        ),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        # not `no-referrer`: with it browsers call the origin of our own forms `null`
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    }
).raw
_NO_STORE: Final = Headers({"Cache-Control": "no-store"}).raw
_log = logging.getLogger("raravis.web")


class Gate:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, token: str | None, hosts: Collection[str] | None) -> None:
        """Wrap an application.

        Args:
            app: it.
            metrics: counts what passes.
            token: what visitors must bring; None lets everybody in.
            hosts: names, without a port, that the server answers to; None for any.
        """
        self._app, self._metrics, self._token = app, metrics, token
        self._hosts = None if hosts is None else frozenset(name.lower() for name in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.perf_counter(), [500]

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                status[0] = message["status"]
                kept = any(name == b"cache-control" for name, _ in message["headers"])
                message["headers"] = [*message["headers"], *_HEADERS, *([] if kept else _NO_STORE)]
            await send(message)

        try:
            if refusal := self._refusal(scope):
                await _answer(dressed, *refusal)
            else:
                await self._served(scope, receive, dressed)
        finally:
            method = scope["method"] if scope["method"] in _METHODS else "other"
            route = getattr(scope.get("route"), "path", "none")
            self._metrics.request(method, route, status[0], time.perf_counter() - begun)

    async def _served(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application; what goes wrong in it is told to the log, and to the client without details."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            _log.exception("a request failed")
            if started:
                raise
            await _answer(send, 500, "The server failed on this request; its log says why.", {})

    def _refusal(self, scope: Scope) -> tuple[int, str, dict[str, str]] | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._hosts is not None and _name(host) not in self._hosts:
            return 421, "This server does not answer to that name. Ask it as localhost.", {}
        if scope["method"] not in _SAFE:
            origin, site = headers.get("origin"), headers.get("sec-fetch-site", "same-origin")
            foreign = origin is not None and (urlsplit(origin).netloc.lower() or "null") != host.lower()
            if foreign or site not in ("same-origin", "none"):
                return 403, "A page of another site sent this request; it was not taken.", {}
        if self._token is None or _OPEN.fullmatch(scope["path"]) or self._is_known(headers, self._token):
            return None
        if scope["method"] in _SAFE and "text/html" in headers.get("accept", ""):
            return 303, "Give the token first.", {"Location": "/login"}
        return 401, "A token is needed: Authorization: Bearer TOKEN.", {"WWW-Authenticate": "Bearer"}

    def _is_known(self, headers: Headers, token: str) -> bool:
        kind, _, given = headers.get("authorization", "").partition(" ")
        bearer = kind.lower() == "bearer" and same(given.strip(), token)
        return bearer or same(cookie(headers, KEY_COOKIE), key_for(token))


def key_for(token: str) -> str:
    """What the cookie holds in place of the token: nobody reads the token from it."""
    return hmac.new(token.encode("utf-8", "surrogateescape"), b"raravis page", hashlib.sha256).hexdigest()


def same(given: str, expected: str) -> bool:
    """Compare two secrets in a time that tells nothing of either."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode("utf-8", "replace"))


def cookie(headers: Headers, name: str) -> str:
    """The value of a cookie, "" without it."""
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return found.value if found else ""


def _name(host: str) -> str:
    """The name in a Host header, lower case, without port and brackets; "" where it makes no sense."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


async def _answer(send: Send, status: int, detail: str, headers: dict[str, str]) -> None:
    body = json.dumps({"detail": detail}).encode()
    fields = {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
