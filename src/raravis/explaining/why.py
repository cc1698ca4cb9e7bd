"""Why a network says what it says of each photograph: files enter; figures, and what they show, leave."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from raravis import drawing, progress
from raravis.data import decode
from raravis.data.blank import blank
from raravis.data.decode import UnreadableImageError
from raravis.data.pixels import PixelStore
from raravis.errors import UsageError
from raravis.explaining import attribution, choosing, evidence, said, sanity
from raravis.explaining._sheet import Pixels, scaled, soft
from raravis.explaining.attribution import Attribution
from raravis.explaining.attribution.occlusion import PATCH
from raravis.explaining.cut import places
from raravis.explaining.evidence import PICTURES, Like, Panel, percent
from raravis.explaining.layers import check
from raravis.explaining.nearest import Nearest, Neighbour
from raravis.explaining.photographs import Photograph
from raravis.explaining.said import Said
from raravis.explaining.sanity import Checked
from raravis.judge.novelty import Seen
from raravis.judge.trust import Trust
from raravis.recipe import Data

COARSE: Final = 16
"""Last maps of fewer places than this are not taken unasked: on 2 × 2 they did worse than random patches."""


@dataclass(frozen=True)
class Known:
    """The training photographs that are at hand.

    Attributes:
        nearest: finds those like a given one.
        root: folder that their paths are relative to.
        store: their pixels.
        what: what they are, in words: `training images`.
    """

    nearest: Nearest
    root: Path
    store: PixelStore
    what: str


@dataclass(frozen=True)
class Asked:
    """What is to be explained, and how.

    Attributes:
        network: images → logits.
        families: in the order of the logits.
        data: how images are made ready for it.
        name: of the method.
        method: the method, ready for this network.
        family: the family to ask for beside the surest one; "" for the second one where it comes close.
        learned: ids of the photographs that the network learned from.
        known: those of them that are at hand; None leaves the nearest ones out.
        count: how many of them are shown.
        check: whether every map is checked.
        seed: of the checks.
        trust: how far the network may be believed; None where nothing is known of that.
    """

    network: Any
    families: Sequence[str]
    data: Data
    name: str
    method: Attribution
    family: str = ""
    learned: frozenset[str] = frozenset()
    known: Known | None = None
    count: int = 5
    check: bool = False
    seed: int = 0
    trust: Trust | None = None


@dataclass(frozen=True)
class Reason:
    """What was found of one photograph.

    Attributes:
        photograph: which.
        figure: name of the file that shows it.
        picture: the same as JPEG; empty from the `PICTURES`th on.
        families: those explained, with their confidences, the surest first.
        learned: whether the network learned from this very photograph.
        somewhere: whether some place speaks for the first family more than others do.
        neighbours: the nearest training photographs.
        checked: of the map of the first family; None where that was not asked for, or there is nothing to check.
        said: how far the answer may be believed; None where nothing is known of that.
    """

    photograph: Photograph
    figure: str
    picture: bytes
    families: Mapping[str, float]
    learned: bool
    somewhere: bool
    neighbours: tuple[Neighbour, ...]
    checked: Checked | None
    said: Said | None

    def as_json(self) -> dict[str, Any]:
        """The same for scripts."""
        near = [
            {"file_path": n.file_path, "family": n.family, "distance": n.distance, **asdict(n.rights)}
            for n in self.neighbours
        ]
        return {
            "figure": self.figure,
            "families": dict(self.families),
            "trust": None if self.said is None else self.said.as_json(),
            "learned_from": self.learned,
            "evidence": self.somewhere,
            "nearest": near,
            "check": None if self.checked is None else self.checked.as_json(),
        }


def prepared(network: Any, wanted: str | None) -> tuple[str, Attribution, str]:
    """The method to take, made ready, and a note where it is not the usual one.

    Raises:
        UsageError: the wanted method does not exist, or cannot open the network.
    """
    if wanted is not None:
        return wanted, attribution.prepare(wanted, network), ""
    try:
        ready = attribution.prepare(attribution.DEFAULT, network)
        if (found := places(network)) >= COARSE:
            return attribution.DEFAULT, ready, ""
        why = f"The last maps of {network.name} have no more than {found} places"
    except UsageError as error:
        why = str(error).splitlines()[0].rstrip(".")
    name = attribution.ANYWHERE
    return name, attribution.prepare(name, network), f"{why}; its evidence is shown by the method {name}."


def explain(
    photographs: Sequence[Photograph], asked: Asked, folder: Path, *, quiet: bool = False
) -> tuple[Reason, ...]:
    """Write `<photograph>-why.png` to `folder` for each photograph.

    Args:
        photographs: which, as they were looked into.
        asked: what is to be explained.
        folder: there already.
        quiet: no progress.

    Raises:
        UnreadableImageError: a file was damaged since it was looked at.
        RunError: the network gives no finite numbers.
        StorageError: the folder cannot be written.
    """
    if not photographs:
        return ()
    covering = attribution.prepare("occlusion", asked.network)
    say = _saying(asked)
    found: list[Reason] = []
    with progress.bar("Asking why", len(photographs), quiet=quiet, unit="photographs") as advance:
        for photograph in photographs:
            found.append(_one(photograph, asked, covering, say, folder, keep=len(found) < PICTURES))
            advance()
    return tuple(found)


_Say = Callable[[Pixels], tuple[NDArray[np.float64], Said | None]]


def _one(photograph: Photograph, asked: Asked, covering: Attribution, say: _Say, folder: Path, *, keep: bool) -> Reason:
    content = decode.read_bytes(Path(photograph.path))
    pixels, photo = (decode.pixels(content, size, asked.data.fit) for size in (asked.data.size, evidence.SIDE))
    image_id = hashlib.sha256(content).hexdigest()
    sure, told = say(pixels)
    wanted = choosing.wanted(sure, asked.families.index(asked.family) if asked.family else None)
    panels = _panels(asked, covering, pixels, wanted, sure)
    known, learned = asked.known, image_id in asked.learned
    neighbours = () if known is None else known.nearest(pixels, asked.count, image_id=image_id)
    question = choosing.question(asked.families, wanted, sure, asked=bool(asked.family))
    drawn = evidence.figure(
        question if told is None else told.heading(question),
        said.UNKNOWN if told is None else told.line(),
        f"{Path(photograph.file).name}{'    It learned from this very photograph.' if learned else ''}",
        photo,
        panels,
        [(asked.families[i], float(sure[i])) for i in choosing.bars(wanted, sure)],
        [] if known is None else [_like(one, known, asked.data) for one in neighbours],
        _told(known) if known is not None and neighbours else "",
    )
    name = f"{photograph.figure.removesuffix('-maps.png')}-why.png"
    drawing.save(drawn, folder / name)
    somewhere = bool(panels[0].values.any())
    checked = None
    if asked.check and somewhere:
        checked = sanity.check(asked.network, asked.method, pixels, wanted[0], seed=asked.seed)
    picture = drawing.jpeg(drawn) if keep else b""
    families = {asked.families[i]: float(sure[i]) for i in wanted}
    return Reason(photograph, name, picture, families, learned, somewhere, neighbours, checked, told)


def _saying(asked: Asked) -> _Say:
    """Pixels → the confidence in each family, `(K,)`, and how far that may be believed."""
    from raravis.learn.infer import seeing  # loads Keras

    see, trust = seeing(asked.network), asked.trust

    def call(pixels: Pixels) -> tuple[NDArray[np.float64], Said | None]:
        seen: Seen = see(pixels[None])
        check(seen.logits)
        sure = np.asarray(softmax(seen.logits[0].astype(np.float64)), np.float64)
        return sure, None if trust is None else said.of(trust.judge(seen, blank(pixels[None])), asked.families)

    return call


def _panels(
    asked: Asked, covering: Attribution, pixels: Pixels, wanted: Sequence[int], sure: NDArray[np.float64]
) -> list[Panel]:
    """The maps of the wanted families, and what covering costs the one that was asked for, else the surest."""
    names = asked.families
    nothing = evidence.NOWHERE if (pixels == pixels[0, 0]).all() else "no place speaks for it"

    def panel(title: str, told: str, values: NDArray[np.float32]) -> Panel:
        return Panel(title, told if values.any() else nothing, values)

    by = attribution.title(asked.name)
    panels = [
        panel(f"Speaks for {names[i]}", f"{percent(sure[i])} sure; by {by}", asked.method(pixels, i)) for i in wanted
    ]
    last = wanted[-1] if asked.family else wanted[0]
    lost = soft(covering(pixels, last), PATCH / 5)
    return [*panels, panel(f"What {names[last]} needs", "most is lost when it is covered", lost)]


def _like(one: Neighbour, known: Known, data: Data) -> Like:
    """The training photograph for people; as the network got it where its file is gone since."""
    try:
        picture = decode.pixels(decode.read_bytes(known.root / one.file_path), evidence.THUMB, data.fit)
    except UnreadableImageError:
        picture = scaled(known.store.read([one.image_id])[0], evidence.THUMB)
    return Like(picture, one.family, one.distance, one.rights)


def _told(known: Known) -> str:
    return (
        f"to the network, among {len(known.nearest):,} {known.what}; distance 0: the same picture, 1: nothing in common"
    )
