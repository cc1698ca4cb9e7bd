"""The application on a port: uvicorn with patience limits, refused beyond this machine where nobody needs a token."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ipaddress
import secrets
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from raravis.errors import UsageError

if TYPE_CHECKING:
    from fastapi import FastAPI

CONNECTIONS = 512
"""Connections at once; more are told to come back."""


def bound(host: str, port: int, *, token: str | None) -> tuple[socket.socket, bool]:
    """Take a port; from now on no other process can.

    Args:
        host: a name or an address of this machine.
        port: 0 for any that is free.
        token: that visitors will need.

    Returns:
        The listening socket, and whether only this machine reaches it.

    Raises:
        UsageError: the address is none of this machine, in use or not allowed; or others would reach it and there is
            no token.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UsageError(
            f"--host {host!r} is no address ({error}).\nUse 127.0.0.1, or 0.0.0.0 for every one."
        ) from None
    family, kind, protocol, _, address = found[0]
    is_local = all(ipaddress.ip_address(str(one[4][0]).partition("%")[0]).is_loopback for one in found)
    if not is_local and not token:
        raise UsageError(
            f"Others could reach {host} without a token; it was not opened.\n"
            f"Give one, such as RARAVIS_TOKEN={secrets.token_urlsafe(18)}, or stay on 127.0.0.1."
        )
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen()  # two that are only bound can share a port; who comes before all is ready waits
    except OSError as error:
        listening.close()
        raise UsageError(
            f"Cannot listen on {host}:{port}: {error.strerror or error}.\n"
            "Name another --port, or 0 for any that is free."
        ) from None
    return listening, is_local


class Running:
    """The application on a port, until it is told to stop."""

    def __init__(
        self, app: FastAPI, listening: socket.socket, *, idle_seconds: float, ready: Callable[[], None]
    ) -> None:
        """Prepare to serve.

        Args:
            app: the application.
            listening: a bound socket; it is closed at the end.
            idle_seconds: that a client may take for the head of a request.
            ready: called when the port answers.
        """
        self._listening, self._server = listening, _Server(_config(app, idle_seconds), ready)

    def run(self) -> None:
        """Serve until Ctrl-C, SIGTERM or `stop`; requests under way are answered first."""
        with _stoppable(self.stop), _settled(), self._listening, contextlib.suppress(KeyboardInterrupt):
            self._server.run(sockets=[self._listening])

    def stop(self) -> None:
        """Ask it to end, from any thread."""
        self._server.should_exit = True


def _config(app: FastAPI, idle_seconds: float) -> uvicorn.Config:
    class Patient(H11Protocol):
        """One connection; left if no whole head of a request comes in time, or nothing of an answer is read.

        For both uvicorn itself would wait for ever.
        """

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._wait()

        def connection_lost(self, exc: Exception | None) -> None:
            self._timer.cancel()
            super().connection_lost(exc)

        def on_response_complete(self) -> None:
            self._timer.cancel()
            self._wait()
            super().on_response_complete()

        def _wait(self) -> None:
            self._unread = 0
            self._timer = self.loop.call_later(idle_seconds, self._expired)

        def _expired(self) -> None:
            unread, asks = self.transport.get_write_buffer_size(), self.cycle and not self.cycle.response_complete
            if unread == self._unread if unread else not asks:
                self.transport.abort()
            else:
                self._unread = unread
                self._timer = self.loop.call_later(idle_seconds, self._expired)

    return uvicorn.Config(
        app,
        http=Patient,
        ws="none",
        log_level="error",
        access_log=False,
        server_header=False,
        date_header=False,
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=30,
        h11_max_incomplete_event_size=16 << 10,
    )


@contextlib.contextmanager
def _stoppable(stop: Callable[[], None]) -> Iterator[None]:
    """Let SIGTERM end the server and not the process: uvicorn sends itself the signal anew when all is closed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda number, frame: stop())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _settled() -> Iterator[None]:
    """Let Python look for garbage only among what requests bring; it would look through all that was imported too."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            self._ready()
