"""What an ONNX file may hold before it is handed to the runtime: bytes enter, nothing or an error leaves.

A bundle may come from a stranger. An ONNX file cannot run code of its own, but it may name other files for its weights,
operators that only a foreign library has, or loops without end. The file is a tree of protobuf messages; they are
walked here without any library, along the fields that matter, so that the runtime never sees what is not wanted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from raravis.errors import BundleError

DOMAINS: Final = frozenset(("", "ai.onnx"))
"""Sets of operators that a network may use: those of ONNX itself."""

REFUSED: Final = frozenset(("Loop", "Scan", "If", "SequenceMap"))
"""Operators that hold networks of their own, and may go on without end."""

_IMPORTED: Final = DOMAINS | {"ai.onnx.ml"}  # what converters always list, whether or not it is used
_DEEPEST: Final = 8
_LAST: Final = 2**32 - 1
_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5

_TREE: Final = {
    "model": {7: "graph", 8: "opset", 20: "training", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {4: "op_type", 5: "attribute", 7: "domain"},
    "attribute": {5: "tensor", 6: "subgraph", 10: "tensor", 11: "subgraph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "external", 14: "location"},
    "opset": {1: "imported"},
}
"""Message → number of a field → what it holds, after onnx.proto; fields that are not listed are passed over."""

_TOLD: Final = {
    "training": "instructions for training",
    "function": "functions of its own",
    "subgraph": "a network within an operator",
    "external": "weights in another file",
}


def check(content: bytes) -> None:
    """Refuse a network that is more than operators of ONNX on weights that the file itself holds.

    Raises:
        BundleError: it is no ONNX file, or one with weights elsewhere, foreign operators, loops or functions.
    """
    try:
        found = sum(_walked(memoryview(content), "model", 0))
    except (IndexError, ValueError) as error:
        raise BundleError(
            f"The network is no ONNX file: {error or 'it is cut short'}.\nFetch the bundle again."
        ) from None
    if not found:
        raise BundleError("The network is no ONNX file: it holds no operator.\nFetch the bundle again.")


def _walked(data: memoryview, kind: str, depth: int) -> Iterator[int]:
    """Check one message and those within; yields 1 for every operator."""
    if depth > _DEEPEST:
        raise ValueError("messages lie too deep in each other")
    known = _TREE[kind]
    for number, wire, value in _fields(data):
        held = known.get(number)
        if held is None:
            continue
        if held in _TOLD or (held == "location" and value != 0):
            raise _unsafe(_TOLD.get(held, "weights in another file"))
        if held == "location":
            continue
        if wire != _BYTES or not isinstance(value, memoryview):
            raise ValueError(f"field {number} of a {kind} is no message")
        if held in _TREE:
            yield int(held == "node")
            yield from _walked(value, held, depth + 1)
        elif (name := bytes(value[:100]).decode("utf-8", "replace")) and not _allowed(held, name):
            raise _unsafe(f"{'operators' if held != 'op_type' else 'the operator'} {name!r}")


def _allowed(held: str, name: str) -> bool:
    return name not in REFUSED if held == "op_type" else name in (_IMPORTED if held == "imported" else DOMAINS)


def _unsafe(what: str) -> BundleError:
    return BundleError(
        f"The network asks for {what}; a bundle may hold nothing but ONNX's own operators and its weights.\n"
        "Do not use this bundle, or ask its maker for one that `raravis export` made."
    )


def _fields(data: memoryview) -> Iterator[tuple[int, int, int | memoryview]]:
    """The fields of a message: number, wire type, and the value, a number or bytes."""
    place, end = 0, len(data)
    while place < end:
        key, place = _varint(data, place)
        number, wire = key >> 3, key & 7
        value: int | memoryview
        if wire == _VARINT:
            value, place = _varint(data, place)
        elif wire == _BYTES:
            length, place = _varint(data, place)
            if length > end - place:
                raise ValueError("it is cut short")
            value, place = data[place : place + length], place + length
        elif wire in (_EIGHT, _FOUR):
            length = 8 if wire == _EIGHT else 4
            if length > end - place:
                raise ValueError("it is cut short")
            value, place = data[place : place + length], place + length
        else:
            raise ValueError(f"a field of the unknown kind {wire}")
        if number == 0 or key > _LAST:
            raise ValueError(f"a field with the number {number}")
        yield number, wire, value


def _varint(data: memoryview, place: int) -> tuple[int, int]:
    """A number of 7 bits a byte at a place, and where it ends."""
    value = 0
    for shift in range(0, 70, 7):
        byte = data[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
    raise ValueError("a number has no end")
