"""The page that lays the figures out and says, in plain words, how to read them and what they do not show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from raravis import credits, page
from raravis.explaining.channels import Found, Searched
from raravis.explaining.evidence import NOWHERE, WHERE, WHOSE
from raravis.explaining.layers import Layer
from raravis.explaining.photographs import Looked
from raravis.explaining.sanity import Checked
from raravis.explaining.why import Reason
from raravis.page import Block, Facts, Picture, Points, Section, Table, Text


@dataclass(frozen=True)
class Chosen:
    """Why a channel is shown: no one named it, a photograph chose it.

    Attributes:
        file: the photograph.
        answer: the channel's answer to it.
        unusual: how many standard deviations that lies above the channel's mean.
    """

    file: str
    answer: float
    unusual: float


@dataclass(frozen=True)
class Page:
    """Everything that the report tells.

    Attributes:
        model: name of the network and of its run.
        filters: the figure of the first filters as PNG, or None if the network has none.
        first: name of the layer that they are of.
        shown: layers whose maps are drawn.
        looked: the photographs.
        reasons: why it says what it says of each of them.
        method: of attribution, in words.
        channels: each channel, and the photograph that chose it, or None where it was named.
        searched: among what images; None if none were at hand.
        notes: what the reader should know, one sentence each.
        rights: whose the images at hand are: `file_path, family` and `credits.COLUMNS`; None if none were at hand.
    """

    model: str
    filters: bytes | None
    first: str
    shown: Sequence[Layer]
    looked: Looked
    reasons: Sequence[Reason]
    method: str
    channels: Sequence[tuple[Found, Chosen | None]]
    searched: Searched | None
    notes: Sequence[str]
    rights: pd.DataFrame | None = None


def write(path: Path, told: Page) -> None:
    """Write the report to `path`, whole or not at all.

    Raises:
        StorageError: it cannot be written.
    """
    sections = [Section("Why it says so", list(_why(told.reasons, told.method)))] if told.reasons else []
    sections.append(Section("At a glance", list(_glance(told))))
    if told.filters is not None:
        sections.append(Section("What the first layer looks for", list(_filters(told.filters, told.first))))
    count = len(told.looked.photographs)
    if count:
        sections.append(Section("Your photographs, layer by layer", list(_maps(told.looked, len(told.shown)))))
    if told.channels and told.searched is not None:
        sections.append(Section("What single channels answer to", list(_channels(told.channels, told.searched))))
    if whose := _whose(told):
        sections.append(Section("Whose photographs are shown", whose))
    sections.append(Section("What these pictures do not show", [Points(_LIMITS)]))
    lead = (
        f"What the network says of {count} photograph{'' if count == 1 else 's'} of yours rests on something in them. "
        "This page shows on what: the places that speak for the family, the photographs it has learned from that are "
        "most alike, and, layer by layer, what it answers to."
    )
    page.write(path, title=f"What {told.model} looks at", lead=lead, sections=sections)


def _why(reasons: Sequence[Reason], method: str) -> Iterator[Block]:
    yield Text(
        "A bright place speaks for the family: the network is surer with it than without. Beside the family that it is "
        f"surest of, a second one is explained where it comes close. The maps are made by {method} The last map asks "
        "in another way: a grey patch is slid over the photograph, and a place is bright where covering it costs the "
        "family most. Where both agree, the evidence is there; trust neither alone.\n\n"
        "Below are the photographs it learned from that it finds most like yours. If they are of other families, or "
        "alike in their background only, so may be its reason."
    )
    if any(reason.checked for reason in reasons):
        rows = [_row(reason.photograph.file, reason.checked) for reason in reasons if reason.checked]
        yield Table(pd.DataFrame(rows), _CHECKS)
    for reason in reasons:
        if reason.picture:
            caption = _caption(reason)
            yield Picture(reason.picture, caption, f"The photograph, its maps and its nearest photographs. {caption}")
    if left := sum(not reason.picture for reason in reasons):
        yield Text(f"{left} more photographs have their figures in files beside this page.")


def _whose(told: Page) -> list[Block]:
    """The rights in the photographs of the data that stand on the page; yours are your own."""
    shown = {near.file_path for reason in told.reasons for near in reason.neighbours}
    for found, _ in told.channels:
        shown.update(found.table["file_path"])
    return [] if told.rights is None else credits.blocks(told.rights[told.rights["file_path"].isin(shown)])


def _caption(reason: Reason) -> str:
    photograph = reason.photograph
    told = [f"{photograph.file}: taken for {photograph.predicted} with {photograph.confidence:.0%} confidence."]
    if reason.said is not None:
        told.append(f"{reason.said.verdict.capitalize()}: {reason.said.reason}.")
    if not reason.somewhere:
        told.append(f"In it {NOWHERE}.")
    if reason.learned:
        told.append("The network learned from this very photograph.")
    if reason.checked:
        faults = reason.checked.faults
        told.append(f"Mistrust the map: {'; '.join(faults)}." if faults else "The map passes its checks.")
    return " ".join(told)


def _row(file: str, found: Checked) -> dict[str, object]:
    return {
        "photograph": Path(file).name,
        "hidden": found.deletion,
        "hidden at random": found.random_deletion,
        "shown": found.insertion,
        "shown at random": found.random_insertion,
        "head shuffled": found.head,
        "all shuffled": found.network,
    }


def _glance(told: Page) -> Iterator[Block]:
    searched, photographs = told.searched, told.looked.photographs
    yield Facts(
        {
            "Photographs": len(photographs),
            "Layers shown": (len(told.shown), f"{told.shown[0].short} to {told.shown[-1].short}"),
            "Channels shown": len(told.channels),
            "Images searched": (
                (0, "none") if searched is None else (len(searched.table), f"of {searched.of:,} {searched.what}")
            ),
        }
    )
    if told.notes:
        yield Points(told.notes)
    if photographs:
        rows = [{"photograph": p.file, "taken for": p.predicted, "confidence": p.confidence} for p in photographs]
        frame = pd.DataFrame(rows)
        if len(photographs) > len(told.looked.pictures):
            frame["figure"] = [photograph.figure for photograph in photographs]
        yield Table(frame, "What the network says to each photograph.")


def _filters(picture: bytes, layer: str) -> Iterator[Block]:
    yield Text(
        "Every filter of the first convolution slides over the photograph and answers where a patch looks like it. "
        "Drawn as a tiny picture, it shows its favourite patch: mid-grey is a pixel that does not matter, a bright "
        "colour one that should be there, a dark one that should not. Stripes answer to edges in that direction, "
        "patches of one colour to that colour, ramps to a change of brightness."
    )
    caption = (
        f"The filters of {layer}, alike ones side by side. Above each, its channel number; below, its strength as a "
        "share of the strongest one's. Each has its own scale. Preprocessing is counted in, so that red is red in the "
        "photograph; a normalisation that follows is not."
    )
    yield Picture(picture, caption, f"Small coloured squares, one for each filter of {layer}.")
    yield Text(
        "A network that has learned much shows clear edges and colours here. Filters like coloured noise mean that it "
        "has hardly moved from where it began: few images or epochs, or a wrong scale of the pixels."
    )


def _maps(looked: Looked, layers: int) -> Iterator[Block]:
    yield Text(
        "Each row is a layer, early ones on top. Each map is one channel's answer at every place of the photograph, in "
        "the photograph's own layout: bright is a strong answer. Early layers follow outlines and colours and keep the "
        "shape; later ones have few, large spots and answer to parts and textures. Look whether the bright spots of "
        "the last rows lie on the animal or on what surrounds it.\n\n"
        "Of each layer those channels are shown whose answers differ most from place to place. Each map has a scale of "
        "its own, so that brightness cannot be compared between maps; the strongest answer of each stands below it."
    )
    for photograph, picture in zip(looked.photographs, looked.pictures, strict=False):
        caption = f"{photograph.file}: taken for {photograph.predicted} with {photograph.confidence:.0%} confidence."
        yield Picture(picture, caption, f"The photograph, and maps of {layers} layers. {caption}")
    if left := len(looked.photographs) - len(looked.pictures):
        yield Text(f"{left} more photographs have their figures in files beside this page (see the table above).")


def _channels(channels: Sequence[tuple[Found, Chosen | None]], searched: Searched) -> Iterator[Block]:
    by_photographs = channels[0][1] is not None
    chosen = (
        "The channels shown are those of the last layer whose answers to your photographs lie furthest above their "
        "usual ones; the photographs chose in turns."
        if by_photographs
        else "The channels shown are those that were asked for."
    )
    count = len(searched.table)
    among = (
        f"All {count:,} {searched.what} were searched."
        if count == searched.of
        else f"{count:,} of {searched.of:,} {searched.what} were searched, a random share of every family."
    )
    yield Text(
        "A channel is easiest understood by the images that it answers to most. What do they share: a body part, a "
        f"texture, a colour, a background? {chosen} {among}\n\n"
        "A channel's answer to an image is the mean of its map over the whole image."
    )
    rows = []
    for found, why in channels:
        row = {
            "channel": f"{found.channel.layer.short}:{found.channel.number}",
            "its strongest images": found.families,
            "answers": f"{found.table['answer'].iloc[0]:.3g} to {found.table['answer'].iloc[-1]:.3g}",
            "usual": f"{found.mean:.3g}",
        }
        if why is not None:
            name = Path(why.file).name
            name = name if len(name) <= 24 else f"{name[:14]}…{name[-9:]}"
            row |= {"chosen by": name, "answer to it": f"{why.answer:.3g} (+{why.unusual:.1f} sd)"}
        rows.append(row)
    deviations = " +1 sd: one standard deviation above the usual answer." if by_photographs else ""
    told = f"Answers: to the strongest images. Usual: the mean over all images searched.{deviations}"
    yield Table(pd.DataFrame(rows), told)
    for found, _ in channels:
        caption = f"{found.channel.name}: {found.families}."
        yield Picture(found.picture, caption, f"The images that the channel answers to most: {found.families}.")


_CHECKS: Final = (
    "Checks of the first map. Hidden: mean confidence while the photograph is hidden, the brightest places first; it "
    "should lie below that of random places. Shown: while it is brought out of a blur; it should lie above. Shuffled: "
    "rank correlation of the map with that of the same network with its weights shuffled, in the head or everywhere; "
    "near 1 would mean that the map does not depend on what was learned."
)
_LIMITS: Final = (
    WHERE,
    "A channel that lights up is no proof of cause: the layers after it may give it no weight, or weigh it against "
    "the family. To learn what an answer rests on, change the photograph (cover the spot) and ask again.",
    "The liveliest channels of a photograph are often lively in every photograph; the section on single channels "
    "corrects for that, the maps do not.",
    "A spot of a late layer has seen a patch of the photograph far larger than itself; what it answers to may lie "
    "beside it.",
    "Nine images are few: a channel may answer to several unlike things, of which the strongest hide the others. It is "
    "also shared by many families, so that a name for it is a guess.",
    WHOSE,
)
