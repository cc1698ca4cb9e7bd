"""How much one server takes on: bytes, pixels, files, time. What a stranger could overdo has a number here."""

from __future__ import annotations

from dataclasses import dataclass, fields

from raravis.errors import UsageError

MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """The limits of one server.

    Attributes:
        file_bytes: of one photograph.
        request_bytes: of one request, all parts together.
        files: photographs in one request.
        pixels: of one photograph, before any pixel is decoded.
        held_bytes: of all requests that are being read or answered, together; one client may hold half of them.
        waiting: photographs that may wait for the model, of all clients together; one client may fill half of it.
        batch: photographs that the model sees at once.
        linger: seconds that the first photograph of a batch waits for others.
        upload_seconds: for one request to arrive.
        idle_seconds: between two pieces of a request, and for a request's head.
        answer_seconds: from the last byte of a request to its answer.

    Raises:
        UsageError: a number is not above 0 (`linger`: below 0), or two do not fit together.
    """

    file_bytes: int = 20 * MIB
    request_bytes: int = 64 * MIB
    files: int = 32
    pixels: int = 100_000_000
    held_bytes: int = 512 * MIB
    waiting: int = 256
    batch: int = 32
    linger: float = 0.003
    upload_seconds: float = 120.0
    idle_seconds: float = 15.0
    answer_seconds: float = 60.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value < 0 or (value == 0 and field.name != "linger") or value == float("inf"):
                raise UsageError(f"The limit {field.name} is {value:g}; a number above 0 was expected.")
        if self.waiting < 2 * self.files:
            raise UsageError(
                f"{self.files} files a request do not fit into a queue of {self.waiting}, half of which one client may "
                f"fill.\nAllow fewer files, or a queue of {2 * self.files}."
            )
        if self.file_bytes > self.request_bytes or 2 * self.request_bytes > self.held_bytes:
            raise UsageError(
                f"A file of {self.file_bytes:,} bytes in a request of {self.request_bytes:,} with {self.held_bytes:,} "
                "held at once, half of which one client may hold, do not fit into each other.\n"
                "Let a file be no larger than a request, and a request no larger than half of what is held."
            )
