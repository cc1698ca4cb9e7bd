"""A bundle and photographs become figures of where its evidence lies: ONNX Runtime and matplotlib, no Keras."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from raravis import credits, drawing, files, page, progress
from raravis.credits import Rights
from raravis.data import decode
from raravis.data.decode import UnreadableImageError
from raravis.errors import UsageError, unknown
from raravis.explaining import choosing, evidence, said
from raravis.explaining._sheet import Pixels
from raravis.explaining.evidence import PICTURES, Like, Panel, percent
from raravis.explaining.names import distinct
from raravis.explaining.said import Said
from raravis.outcome import Outcome
from raravis.page import Block, Picture, Points, Section, Text
from raravis.run import REPORT
from raravis.serve import inputs
from raravis.serve.bundle import BundlePredictor, open_bundle
from raravis.serve.folder import NEIGHBOURS
from raravis.serve.neighbours import Neighbour
from raravis.serve.row import printable

_COARSE: Final = "A map is as coarse as the last maps of the network; a spot stands for what lies around it, too."


def explain(
    model: str | Path,
    paths: Iterable[str | Path],
    *,
    out: str | Path,
    family: str | None,
    nearest: int,
    quiet: bool,
) -> Outcome:
    """As `verbs.explain.explain`, of a bundle."""
    given = inputs.expand(paths)
    predictor = open_bundle(model)
    if family is not None and family not in predictor.families:
        raise UsageError(unknown("family", family, predictor.families))
    folder, taken = files.folder(out), set[str]()
    found: list[_Reason] = []
    pictures: list[bytes] = []
    unreadable: list[str] = []
    with progress.bar("Asking why", len(given.files), quiet=quiet, unit="photographs") as advance:
        for file in given.files:
            try:
                content = decode.read_bytes(Path(file))
                pixels, photo = (
                    decode.pixels(content, size, predictor.fit) for size in (predictor.size, evidence.SIDE)
                )
            except UnreadableImageError as error:
                unreadable.append(f"{printable(file)}: {error}")
                advance()
                continue
            name = f"{distinct(Path(file).stem, taken)}-why.png"
            reason = _reason(predictor, file, name, pixels, hashlib.sha256(content).hexdigest(), family or "", nearest)
            drawn = _figure(reason, photo)
            drawing.save(drawn, folder / name)
            if len(pictures) < PICTURES:
                pictures.append(drawing.jpeg(drawn))
            found.append(reason)
            advance()
    notes = list(map(printable, given.notes))
    if found and not found[0].tells:
        why = predictor.about.get("no_evidence") or "its maker did not say why"
        notes.append(printable(f"This bundle tells no places: {str(why).rstrip('.')}."))
    if nearest and not predictor.folder.holds(NEIGHBOURS):
        notes.append("This bundle remembers no training photographs, so none stand beside yours.")
    _report(folder / REPORT, Path(predictor.folder.path).name, found, pictures, [*notes, *unreadable])
    figures = {"method": "evidence", "photographs": [reason.as_json() for reason in found]}
    return Outcome("explain", folder, figures, tuple(unreadable), tuple(notes), folder / REPORT)


@dataclass(frozen=True)
class _Reason:
    """What was found of one photograph.

    Attributes:
        file: as given, odd bytes written out.
        figure: name of the file that shows it.
        question: that its figure answers.
        explained: families with their confidences, the surest first.
        listed: likewise, those whose confidences are shown.
        panels: a map for each explained family.
        learned: whether the bundle was taught by this very photograph.
        tells: whether the network tells places at all.
        neighbours: the nearest training photographs.
        said: how far the answer may be believed; None where nothing is known of that.
    """

    file: str
    figure: str
    question: str
    explained: Mapping[str, float]
    listed: Mapping[str, float]
    panels: tuple[Panel, ...]
    learned: bool
    tells: bool
    neighbours: tuple[Neighbour, ...]
    said: Said | None

    @property
    def first(self) -> tuple[str, float]:
        """The surest family, and its confidence."""
        return next(iter(self.explained.items()))

    def as_json(self) -> dict[str, Any]:
        """For scripts; the same names as of a run."""
        near = [
            {"image_id": n.image_id, "family": n.family, "distance": 1 - n.similarity, **asdict(_rights(n))}
            for n in self.neighbours
        ]
        why = {
            "figure": self.figure,
            "families": dict(self.explained),
            "trust": None if self.said is None else self.said.as_json(),
            "learned_from": self.learned,
            "evidence": bool(self.panels[0].values.any()),
            "nearest": near,
            "check": None,
        }
        family, confidence = self.first
        return {"file_path": self.file, "family": family, "confidence": confidence, "figure": self.figure, "why": why}


def _reason(
    predictor: BundlePredictor, file: str, name: str, pixels: Pixels, image_id: str, family: str, nearest: int
) -> _Reason:
    answer, names = predictor.answer(pixels[None]), predictor.families
    sure = answer.probabilities[0].astype(np.float64)
    explained = choosing.wanted(sure, names.index(family) if family else None)
    heat = predictor.heat(np.repeat(pixels[None], len(explained), axis=0), np.array(explained))
    if heat is None:
        panels = [Panel("No map", "this bundle tells no places", np.zeros((1, 1), np.float32))]
    else:
        nothing = evidence.NOWHERE if (pixels == pixels[0, 0]).all() else "no place speaks for it"
        panels = [
            Panel(f"Speaks for {names[i]}", f"{percent(sure[i])} sure" if one.any() else nothing, one)
            for i, one in zip(explained, heat, strict=True)
        ]
    known = predictor.nearest(answer.features, nearest + 1) if nearest and answer.features is not None else []
    likes = known[0] if known else []
    return _Reason(
        file=printable(file),
        figure=name,
        question=choosing.question(names, explained, sure, asked=bool(family)),
        explained={names[i]: float(sure[i]) for i in explained},
        listed={names[i]: float(sure[i]) for i in choosing.bars(explained, sure)},
        panels=tuple(panels),
        learned=any(one.image_id == image_id for one in likes),
        tells=heat is not None,
        neighbours=tuple(one for one in likes if one.image_id != image_id)[:nearest],
        said=None if answer.verdicts is None else said.of(answer.verdicts, names),
    )


def _figure(reason: _Reason, photo: Pixels) -> Any:
    learned = "    It learned from this very photograph." if reason.learned else ""
    return evidence.figure(
        reason.question if reason.said is None else reason.said.heading(reason.question),
        said.UNKNOWN if reason.said is None else reason.said.line(),
        f"{Path(reason.file).name}{learned}",
        photo,
        reason.panels,
        list(reason.listed.items()),
        [Like(_thumbnail(one), one.family, 1 - one.similarity, _rights(one)) for one in reason.neighbours],
        "to the network, among the training photographs; distance 0: the same picture, 1: nothing in common",
    )


def _rights(one: Neighbour) -> Rights:
    return Rights(one.license, one.rights_holder)


def _thumbnail(one: Neighbour) -> Pixels | None:
    """The training photograph; None where the bundle does not show it, or shows something that is no image."""
    try:
        return decode.pixels(one.thumbnail or b"", evidence.THUMB, "pad")
    except UnreadableImageError:
        return None


def _report(path: Path, name: str, reasons: Sequence[_Reason], pictures: Sequence[bytes], notes: Sequence[str]) -> None:
    blocks: list[Block] = [
        Text(
            "A bright place speaks for the family. Beside the family that the network is surest of, a second one is "
            "explained where it comes close. Below are the photographs it learned from that it finds most like yours: "
            "if they are of other families, or alike in their background only, so may be its reason. Of those that "
            "are not at hand the maker of the bundle did not give a picture along."
        )
    ]
    for reason, picture in zip(reasons, pictures, strict=False):
        caption = _caption(reason)
        blocks.append(Picture(picture, caption, f"The photograph, its maps and its nearest photographs. {caption}"))
    if left := len(reasons) - len(pictures):
        blocks.append(Text(f"{left} more photographs have their figures in files beside this page."))
    sections = [Section("Why it says so", blocks)]
    if whose := _whose(reasons):
        sections.append(Section("Whose photographs are shown", whose))
    if notes:
        sections.append(Section("What is to be known", [Points(notes)]))
    sections.append(Section("What these pictures do not show", [Points((evidence.WHERE, _COARSE, evidence.WHOSE))]))
    count = f"{len(reasons)} photograph{'' if len(reasons) == 1 else 's'}"
    lead = f"What the bundle {name} says of {count} of yours, and on what that rests."
    page.write(path, title=f"What {name} looks at", lead=lead, sections=sections)


def _whose(reasons: Sequence[_Reason]) -> list[Block]:
    """The rights in the thumbnails, each named by the beginning of its id: a bundle keeps no file names."""
    near = [one for reason in reasons for one in reason.neighbours if one.thumbnail]
    rows = [{"file_path": one.image_id[:12], "family": one.family, **asdict(_rights(one))} for one in near]
    return credits.blocks(pd.DataFrame(rows))


def _caption(reason: _Reason) -> str:
    family, confidence = reason.first
    told = [f"{reason.file}: taken for {family} with {confidence:.0%} confidence."]
    if reason.said is not None:
        told.append(f"{reason.said.verdict.capitalize()}: {reason.said.reason}.")
    if reason.tells and not reason.panels[0].values.any():
        told.append(f"In it {evidence.NOWHERE}.")
    if reason.learned:
        told.append("The network learned from this very photograph.")
    return " ".join(told)
