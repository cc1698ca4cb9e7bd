"""Answers become a corrected table, which `raravis train` takes; the files that it speaks of stay as they are."""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pandas as pd

from raravis import credits, files, taxonomy
from raravis.data import audit, boxes, catalogue, labels
from raravis.data.sources import Request, open_source
from raravis.errors import DataError, UsageError
from raravis.lineages import WIDER, Taxonomy
from raravis.outcome import Outcome
from raravis.reviewing import answers as answering
from raravis.reviewing.answers import Answer, Given, Settled
from raravis.reviewing.families import Families
from raravis.reviewing.sheet import NONE
from raravis.serve.corrections import SOMETHING_ELSE, Corrections
from raravis.verbs._review_pictures import BOX, Pictures

TABLE: Final = "corrected.csv"
CHANGES: Final = "changes.csv"
REFUSED: Final = "refused.csv"
"""In place of both, what became of answers of which none could be taken in."""

_COLUMNS: Final = ("file_path", "image_id", "bbox", "before", "family", "change", "who", "time", "note")
_SQLITE: Final = b"SQLite format 3\0"
_TOLD: Final = 5

CONFIRMED, RELABELLED, TAKEN, LEFT_OUT = "confirmed", "relabelled", "added", "left out"
CONFLICT, UNKNOWN, STRANGE = "conflict", "unknown family", "no such image"


@dataclass
class _Work:
    """The table that is being corrected.

    Attributes:
        table: strings; `file_path` absolute while it is worked on.
        root: the folder of DATA; None without it.
        ids: path as the data writes it → image id; "" for what cannot be read.
        rows_of: `Answer.name` of what DATA holds → labels of `table`'s rows.
        changes: one row an answered photograph or animal.
        gone: labels of rows that are left out.
        added: new rows.
    """

    table: pd.DataFrame
    root: Path | None = None
    ids: dict[str, str] = field(default_factory=dict)
    rows_of: dict[str, list[int]] = field(default_factory=dict)
    changes: list[dict[str, str]] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    added: list[dict[str, str]] = field(default_factory=list)

    def note(self, answer: Answer, change: str, before: str = "", family: str = "") -> None:
        """Write down what became of an answer."""
        self.changes.append(
            {
                **{"file_path": answer.file_path, "image_id": answer.image_id, "bbox": boxes.written(answer.box)},
                **{"before": before, "change": change},
                **{"family": family or answer.family, "who": answer.who, "time": answer.time, "note": answer.note},
            }
        )


def take(
    given: Sequence[Path], into: Request | None, out: Path, *, root: Path, new_families: bool, quiet: bool
) -> Outcome:
    """Take answers in.

    Args:
        given: tables of answers and files of corrections.
        into: labelled DATA that they speak of; None for the answered photographs alone.
        out: the folder to write into.
        root: folder that paths in answers are relative to, where DATA has no such image; else the current one.
        new_families: take families in of which nobody knows.
        quiet: no progress.

    Raises:
        UsageError: a file is not there, or no answers, or `out` lies in DATA.
        DataError: a file is damaged, or nothing of all that was answered can be used.
        StorageError: `out` cannot be written.
    """
    place = Path(os.path.realpath(out))
    with ExitStack() as opened:
        stores: list[Corrections] = []
        read = []
        for file in given:
            if _is_store(file):
                stores.append(opened.enter_context(Corrections.open(file)))
                read.append(_of_store(stores[-1]))
            else:
                read.append(answering.read(file))
        if not any(some.answers for some in read):
            left = sum(some.open for some in read)
            raise DataError(f"No photograph is answered yet ({left} rows are open); fill in their column family.")
        work = _laid_out(into, place, quiet)
        paths = {work.ids[path]: work.root / path for path in work.ids} if work.root else {}
        pictures = Pictures(work.ids, paths, stores, root)
        settled = answering.settle(*(map(pictures.identified, some.answers) for some in read))
        known = filter(None, work.table["family"])
        names = Families(frozenset(known).union(*(some.families for some in read)))
        notes = _apply(settled, work, names, pictures, files.folder(place), new_families)
    return _written(work, settled, read, place, notes)


def _is_store(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            return stream.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return False


def _of_store(store: Corrections) -> Given:
    """Corrections that stand; the names that users gave their files are no paths, and something else is no family."""
    found = [one for one in store.table() if not one.undone]
    families = (NONE if one.family == SOMETHING_ELSE else one.family for one in found)
    answers = (Answer(c.image_id, "", family, c.who, c.time, c.note) for c, family in zip(found, families, strict=True))
    return Given(tuple(answers), 0, frozenset(one.told for one in found if one.told))


def _laid_out(into: Request | None, out: Path, quiet: bool) -> _Work:
    """DATA, to be worked on; `out` must not become a label of it."""
    if into is None:
        return _Work(pd.DataFrame(columns=["file_path", *taxonomy.RANKS]))
    listing, found = open_source(into, quiet=quiet), catalogue.read(into, quiet=quiet)
    table = listing.table.drop(columns="problem").reset_index(drop=True)
    root = Path(os.path.realpath(listing.root))
    if listing.kind == "folder" and out.is_relative_to(root):
        raise UsageError(f"{out} lies in {into.data}, and would be read as a part of it.\nGive an --out beside it.")
    work, places = _Work(table, root), table["file_path"].tolist()
    cuts = (table[name].tolist() if name in table else [""] * len(table) for name in (audit.CUT_FROM, BOX))
    for row, (path, image_id, whole, box) in enumerate(zip(places, found.table["image_id"], *cuts, strict=True)):
        work.ids[path] = image_id
        work.rows_of.setdefault(image_id or path, []).append(row)
        if whole and box:
            work.rows_of.setdefault(boxes.name(whole, box), []).append(row)
    table["file_path"] = [str(root / path) for path in table["file_path"]]
    return work


def _apply(
    settled: Settled, work: _Work, names: Families, pictures: Pictures, out: Path, new_families: bool
) -> list[str]:
    """Do what was decided; what is to be told."""
    told: dict[str, None] = {}
    lineages = labels.of_table(work.table[work.table["family"] != ""]) if len(work.table) else {}
    for people in settled.conflicts:
        for one in people:
            work.note(one, CONFLICT)
    for answer in settled.decided:
        rows = work.rows_of.get(answer.name, [])
        before = str(work.table.loc[rows[0], "family"]) if rows else ""
        if not answering.usable(answer):
            work.gone += rows
            work.note(answer, LEFT_OUT if rows or answer.image_id else STRANGE, before)
            continue
        name = names.look_up(answer.family)
        if name.note:
            told[name.note] = None
        if name.kind == "unknown" and not new_families:
            work.note(answer, UNKNOWN, before)
            continue
        lineage = lineages.get(name.family) or Taxonomy.of((name.family,), {})[0].lineages[name.family]
        if rows:
            changed = [row for row in rows if work.table.loc[row, "family"] != name.family]
            _relabel(work.table, rows, changed, name.family, lineage, answer)
            work.note(answer, RELABELLED if changed else CONFIRMED, before, name.family)
        elif found := pictures.file(answer, out):
            path, about = found
            about |= {rank: lineage.get(rank, "") for rank in WIDER} | _rights(work, answer)
            work.added.append({"file_path": str(path), **about, "answered_by": answer.who, "label_before": ""})
            work.note(answer, TAKEN, "", name.family)
        else:
            work.note(answer, STRANGE)
    return list(told)


def _rights(work: _Work, answer: Answer) -> dict[str, str]:
    """Whose the photograph is that an animal is cut out of, as far as DATA knows."""
    rows = work.rows_of.get(answer.photograph, [])
    return {name: str(work.table.loc[rows[0], name]) for name in credits.COLUMNS if rows and name in work.table}


def _relabel(
    table: pd.DataFrame, rows: list[int], changed: list[int], family: str, lineage: Any, answer: Answer
) -> None:
    """Give rows another family and its lineage; genus and species are no longer known."""
    for column in ("label_before", "answered_by"):
        if column not in table:
            table[column] = ""
    table.loc[rows, "answered_by"] = answer.who
    table.loc[changed, "label_before"] = table.loc[changed, "family"]
    for rank in taxonomy.RANKS:
        table.loc[changed, rank] = lineage.get(rank, "") if rank in WIDER else ""
    table.loc[changed, "family"] = family


def _written(work: _Work, settled: Settled, read: Sequence[Given], out: Path, notes: list[str]) -> Outcome:
    table = pd.concat([work.table.drop(index=work.gone), pd.DataFrame(work.added)], ignore_index=True).fillna("")
    changes = pd.DataFrame(work.changes, columns=_COLUMNS).to_csv(index=False, lineterminator="\n")
    counts = Counter(row["change"] for row in work.changes)
    if table.empty or not any(counts[name] for name in (RELABELLED, CONFIRMED, TAKEN, LEFT_OUT)):
        files.write_text(out / REFUSED, changes)
        raise _refused(counts, out)
    root = _root(work.root, table["file_path"], bool(work.added))
    table["file_path"] = [Path(os.path.relpath(path, root)).as_posix() for path in table["file_path"]]
    files.write_text(out / TABLE, table.to_csv(index=False, lineterminator="\n"))
    files.write_text(out / CHANGES, changes)
    figures = {
        "answered": len(settled.decided) + len(settled.conflicts),
        "open": sum(some.open for some in read),
        **{name.replace(" ", "_"): counts[name] for name in (RELABELLED, CONFIRMED, TAKEN, LEFT_OUT)},
        "conflicts": len(settled.conflicts),
        "unknown_families": counts[UNKNOWN],
        "no_such_image": counts[STRANGE],
        "images": len(table),
    }
    if settled.repeated:
        notes.append(f"{settled.repeated} answers were given again by the same person; the last one counts.")
    if settled.conflicts:
        first = " or ".join(sorted({one.family for one in settled.conflicts[0]}))
        notes.append(f"On {len(settled.conflicts)} images people differ (the first: {first}); they were left alone.")
    if counts[UNKNOWN]:
        notes.append(f"{counts[UNKNOWN]} answers name unknown families and were left alone; --new-families takes them.")
    if counts[STRANGE]:
        notes.append(f"{counts[STRANGE]} answers speak of images that are not there, or have changed; see {CHANGES}.")
    notes.append(f"Train on it with: {shlex.join(['raravis', 'train', str(out / TABLE), '--root', str(root)])}")
    return Outcome("review", out / TABLE, figures, (), tuple(notes), out / CHANGES)


def _refused(counts: Counter[str], out: Path) -> DataError:
    if set(counts) == {CONFLICT}:
        todo = "Let those who differ agree, or leave one of their files out."
    else:
        todo = "Give the DATA that was reviewed as --into, and for photographs outside it their folder as --root."
    return DataError(
        f"Nothing of what was answered could be taken in ({_counted(counts)}); {out / REFUSED} says why.\n{todo}"
    )


def _root(data_root: Path | None, paths: Iterable[str], added: bool) -> Path:
    """The folder that all photographs lie in."""
    folders = [] if data_root is None else [str(data_root)]
    if added or not folders:
        folders += sorted({str(Path(path).parent) for path in paths})
    return Path(os.path.commonpath(folders))


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.most_common(_TOLD)) or "nothing"
