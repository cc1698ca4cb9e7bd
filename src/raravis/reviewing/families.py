"""The names that people answer with, held against those that the data has and those that are known at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from raravis.lineages import accepted, bundled
from raravis.taxonomy import same

_ALIKE = 0.8


@dataclass(frozen=True)
class Name:
    """What a name turned out to be.

    Attributes:
        given: as it was answered.
        family: as it is to be written.
        kind: `known` to the data or the model; a `synonym` of such; `new` to them, but a family that raravis knows of;
            `unknown` to all.
        note: what is to be told of it, or "".
    """

    given: str
    family: str
    kind: Literal["known", "synonym", "new", "unknown"]
    note: str = ""


class Families:
    """Known families, to look names up among."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = {same(family): family for family in sorted(known, reverse=True)}
        usual = {family: accepted(family, "family") for family in self._known.values()}
        self._accepted = {name: family for family, (name, part) in usual.items() if not part}
        self._met: dict[str, str] = {}  # others, as they were written first

    def look_up(self, given: str) -> Name:
        """What an answered name stands for."""
        key = same(given)
        if key in self._known:
            return Name(given, self._known[key], "known")
        usual, part = accepted(given, "family")
        if own := self._accepted.get(usual):
            why = f" ({part})" if part else ""
            return Name(given, own, "synonym", f"{given} is taken as {own}, as the data writes it{why}.")
        if usual in bundled():
            renamed = f" (usually {usual}{f': {part}' if part else ''})" if usual != key else ""
            return Name(given, self._met.setdefault(key, given), "new", f"{given} is new to the data{renamed}.")
        near = get_close_matches(key, [*self._known, *bundled()], 1, _ALIKE)
        hint = f" Did you mean {self._known.get(near[0], near[0])}?" if near else ""
        return Name(given, self._met.setdefault(key, given), "unknown", f"No family named {given!r} is known.{hint}")
