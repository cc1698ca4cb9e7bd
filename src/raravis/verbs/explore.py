"""`raravis explore`: DATA enters; counts, figures and a report of what it holds leave."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pandas as pd

from raravis import credits, drawing, files, page
from raravis.data import catalogue
from raravis.data import explore as look
from raravis.data.sources import Request
from raravis.outcome import Outcome
from raravis.page import Block, Facts, Picture, Points, Section, Table, Text

SUMMARY: Final = "summary.json"
CATALOGUE: Final = "catalogue.parquet"
REPORT: Final = "report.html"
FIGURES: Final = "figures"


def explore(
    data: str | Path,
    *,
    out: str | Path,
    path_column: str | None = None,
    label_column: str | None = None,
    root: str | Path | None = None,
    seed: int = 0,
    quiet: bool = False,
) -> Outcome:
    """Look at labelled images: how many, of what, how unbalanced, what they look like.

    Writes `summary.json`, `figures/samples.png`, `figures/distribution.png`, `catalogue.parquet` and
    `report.html`.

    Args:
        data: folder, table, `rare-species` or `bestiary`.
        out: the folder to write into.
        path_column: column of a table that holds file paths.
        label_column: column of a table that holds labels.
        root: folder that paths in a table are relative to.
        seed: chooses the 30 sample images.
        quiet: no progress.

    Raises:
        UsageError: DATA is no form that raravis reads.
        DataError: it has no labelled image that can be read.
        OfflineError: it must be fetched and no network answers.
        StorageError: `out` cannot be written.
    """
    folder = files.folder(out)
    figures = files.folder(folder / FIGURES)
    request = Request(str(data), path_column, label_column, None if root is None else Path(root))
    found = catalogue.read(request, quiet=quiet)
    summary = look.summary(found.table)
    chosen = look.sample(found.table, seed=seed)
    samples = look.samples(chosen, found.root)
    distribution = look.distribution(summary["per_family"], look.phyla(found.table))
    catalogue.save(found, folder / CATALOGUE)
    drawing.save(samples, figures / "samples.png")
    shown = drawing.save(distribution, figures / "distribution.png")
    files.write_json(folder / SUMMARY, summary)
    pictures = {"samples": drawing.jpeg(samples), "distribution": shown}
    page.write(
        folder / REPORT,
        title=f"What {_name(data, found.root)} holds",
        lead=_lead(summary),
        sections=_sections(found, summary, chosen, pictures),
    )
    return Outcome("explore", folder, summary, found.unreadable, found.notes, folder / REPORT)


def _name(data: str | Path, root: Path) -> str:
    return Path(data).name or root.name


def _lead(summary: dict[str, Any]) -> str:
    images, families = page.written(summary["readable"]), page.written(summary["families"])
    of = f" in {summary['phyla']} phyla" if summary["phyla"] else ""
    bad = summary["unreadable"]
    end = (
        f"; {page.written(bad)} {'file' if bad == 1 else 'files'} cannot be read."
        if bad
        else "; every file can be read."
    )
    return f"{images} images of {families} families{of}{end}"


def _sections(
    found: catalogue.Catalogue, summary: dict[str, Any], chosen: pd.DataFrame, pictures: dict[str, bytes]
) -> list[Section]:
    glance: list[Block] = [_facts(summary)]
    if found.notes:
        glance.append(Points(found.notes))
    sections = [
        Section("At a glance", glance),
        Section("What they look like", [_samples(chosen, pictures["samples"]), *credits.blocks(chosen)]),
        Section("How many of each", _sizes(found.table, summary, pictures["distribution"])),
        Section("The files", _files(summary)),
    ]
    if summary["unreadable"]:
        shown = look.unreadable_table(found.table)
        more = "" if len(shown) == summary["unreadable"] else f" The first {len(shown)}; all stand in {CATALOGUE}."
        sections.append(Section("Files that cannot be read", [Table(shown, f"{summary['unreadable']} files.{more}")]))
    return sections


def _facts(summary: dict[str, Any]) -> Block:
    return Facts(
        {
            "Images": (summary["images"], f"{summary['readable']:,} readable"),
            "Families": summary["families"],
            "Phyla": summary["phyla"] or page.NOTHING,
            "Images a family": (
                f"{summary['median']:g}",
                f"median; {summary['minimum']} to {summary['maximum']}",
            ),
            "Imbalance": (f"{summary['imbalance_ratio']:.1f} : 1", "largest to smallest family"),
        }
    )


def _samples(chosen: pd.DataFrame, picture: bytes) -> Block:
    caption = f"{len(chosen)} images of {len(chosen)} families, chosen at random; all of each image is shown."
    return Picture(picture, caption, f"Photographs of {', '.join(chosen['family'])}.")


def _sizes(table: pd.DataFrame, summary: dict[str, Any], picture: bytes) -> list[Block]:
    largest, smallest = next(iter(summary["per_family"])), list(summary["per_family"])[-1]
    alt = (
        f"Family sizes from {summary['minimum']} ({smallest}) to {summary['maximum']} ({largest}), "
        f"median {summary['median']:g}."
    )
    caption = (
        "Above, every point is a family; the box holds the middle half of them, its line is the median, and "
        "the whiskers reach 1.5 times the box's length at most."
    )
    ratio = summary["imbalance_ratio"]
    meaning = (
        f"The largest family has {ratio:.1f} times the images of the smallest. Accuracy rewards the large "
        "ones; macro-F1 counts all alike."
        if ratio > 1.5
        else "The families are of about the same size, so that accuracy and macro-F1 will say much the same."
    )
    blocks: list[Block] = [
        Picture(picture, caption, alt),
        Text(meaning),
        Table(look.families_table(table), "Families"),
    ]
    if len(summary["per_phylum"]) > 1:
        counts = summary["per_phylum"].items()
        blocks.append(Table(pd.DataFrame(counts, columns=["phylum", "images"]), "Phyla"))
    return blocks


def _files(summary: dict[str, Any]) -> list[Block]:
    sizes = summary["sizes"]
    rows = [{"in pixels": side, **{k: round(v) for k, v in sizes[side].items()}} for side in ("width", "height")]
    return [
        Text(
            f"Formats: {look.words(summary['formats'])}.\n\nColour modes: {look.words(summary['modes'])}.\n\n"
            f"Most common sizes: {look.words(sizes['most_common'], 5)}.\n\n"
            f"Licences: {look.words(summary['licenses'], 8)}."
        ),
        Table(pd.DataFrame(rows), "Sizes, upright"),
    ]
