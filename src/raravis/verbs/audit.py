"""`raravis audit`: DATA becomes a list of what is wrong with it, and a page that shows the copies."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from raravis import credits, drawing, files, page
from raravis.data import audit as faults
from raravis.data import catalogue, decode
from raravis.data.sources import Request
from raravis.outcome import Outcome
from raravis.page import Block, Facts, Picture, Points, Section, Table, Text

FINDINGS: Final = "findings.csv"
REPORT: Final = "report.html"
SHOWN: Final = 16
"""Groups of copies that the page shows; the rest stand in the table."""
IN_GROUP: Final = 6
"""Copies of a group that the page shows."""
SIDE: Final = 160
"""Pixels of a copy on the page."""
ROWS: Final = 200
"""Rows of a table on the page; the rest stand in `findings.csv`."""


def audit(
    data: str,
    *,
    out: str | Path,
    path_column: str | None = None,
    label_column: str | None = None,
    root: str | Path | None = None,
    seed: int = 0,
    quiet: bool = False,
) -> Outcome:
    """Find what a person should look at before training: `findings.csv` and `report.html`.

    Args:
        data: folder, table, `rare-species` or `bestiary`.
        out: the folder to write into.
        path_column: column of a table that holds file paths.
        label_column: column of a table that holds labels.
        root: folder that paths in a table are relative to.
        seed: chooses the groups of copies that the page shows, when there are many.
        quiet: no progress.

    Raises:
        UsageError: DATA is no form that raravis reads.
        DataError: it has no image that can be read and has a label.
        StorageError: the folder cannot be written.
    """
    folder = files.folder(out)
    found = catalogue.read(
        Request(str(data), path_column, label_column, None if root is None else Path(root)), quiet=quiet
    )
    findings = faults.findings(found.table)
    files.write_text(folder / FINDINGS, findings.to_csv(index=False, lineterminator="\n"))
    counts = {kind: int((findings["kind"] == kind).sum()) for kind in faults.KINDS}
    copies = findings.loc[findings["group"] >= 0, "group"].nunique()
    page.write(
        folder / REPORT,
        title=f"What to look at in {found.root.name}",
        lead=_lead(len(found.table), len(findings)),
        sections=_sections(found, findings, counts, copies, seed),
    )
    figures = {"images": len(found.table), **counts, "groups_of_copies": int(copies)}
    return Outcome("audit", folder, figures, found.unreadable, found.notes, folder / REPORT)


def _lead(images: int, findings: int) -> str:
    if not findings:
        return f"{images:,} files were looked at, and nothing was found: no copies, no conflicts, every file readable."
    return f"{images:,} files were looked at; {findings:,} findings deserve a person's eye."


def _sections(
    found: catalogue.Catalogue, findings: pd.DataFrame, counts: dict[str, int], copies: int, seed: int
) -> list[Section]:
    glance: list[Block] = [
        Facts({"Files": len(found.table), **{kind.replace("_", " "): n for kind, n in counts.items()}}),
        Text(
            "Copies stay on one side of every split that raravis makes, so they cannot make a result look better than "
            "it is. Images whose copies bear different families teach two things at once: correct them first."
        ),
    ]
    if found.notes:
        glance.append(Points(found.notes))
    sections = [Section("At a glance", glance)]
    if copies:
        sections.append(Section("Copies", _copies(found, findings, seed)))
    for kind in faults.KINDS:
        rows = findings[findings["kind"] == kind]
        if len(rows):
            more = f" The first {ROWS} of {len(rows)}; all stand in {FINDINGS}." if len(rows) > ROWS else ""
            shown = (
                rows[["file_path", "group", "detail"]] if (rows["group"] >= 0).any() else rows[["file_path", "detail"]]
            )
            sections.append(Section(kind.replace("_", " ").capitalize(), [Table(shown.head(ROWS), more.strip())]))
    return sections


def _copies(found: catalogue.Catalogue, findings: pd.DataFrame, seed: int) -> list[Block]:
    """Groups side by side: those with a conflict first, then by lot."""
    grouped = findings[findings["group"] >= 0]
    disputed = grouped.loc[grouped["kind"] == "label_conflict", "group"].unique()
    others = np.setdiff1d(grouped["group"].unique(), disputed)
    lot = np.random.Generator(np.random.PCG64(seed)).permutation(others)
    chosen = [*disputed, *sorted(lot[: max(0, SHOWN - len(disputed))])][:SHOWN]
    families = found.table.drop_duplicates("file_path").set_index("file_path")["family"]
    blocks, drawn = list[Block](), list[str]()
    for group in chosen:
        paths = sorted(set(grouped.loc[grouped["group"] == group, "file_path"]))
        shown = [_pixels(found.root / path) for path in paths[:IN_GROUP]]
        titles = [str(families[path]) for path in paths[:IN_GROUP]]
        picture = drawing.jpeg(drawing.image_grid(shown, titles, len(shown), [Path(p).name for p in paths[:IN_GROUP]]))
        caption = f"Group {group}: {len(paths)} copies" + (", under different families." if group in disputed else ".")
        blocks.append(Picture(picture, caption, f"Copies: {', '.join(paths[:IN_GROUP])}."))
        drawn += paths[:IN_GROUP]
    return [*blocks, *credits.blocks(found.table[found.table["file_path"].isin(drawn)])]


def _pixels(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """The picture, or an empty square where the file has changed since it was looked at."""
    try:
        return decode.pixels(decode.read_bytes(path), SIDE, "pad")
    except decode.UnreadableImageError:
        return np.full((SIDE, SIDE, 3), 225, np.uint8)
