"""Answers become a corrected table, which `raravis train` takes; the files that it speaks of stay as they are."""

from __future__ import annotations

import hashlib
import io
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import pandas as pd

from raravis import credits, files, taxonomy
from raravis.data import audit, boxes, catalogue, decode, labels
from raravis.data.sources import Request, open_source
from raravis.errors import DataError
from raravis.lineages import WIDER, Taxonomy
from raravis.outcome import Outcome
from raravis.reviewing import answers as answering
from raravis.reviewing.answers import Answer, Given, Settled
from raravis.reviewing.families import Families
from raravis.reviewing.sheet import NONE
from raravis.serve.corrections import SOMETHING_ELSE, Corrections

TABLE: Final = "corrected.csv"
CHANGES: Final = "changes.csv"
ADDED: Final = "added"
_COLUMNS: Final = ("file_path", "image_id", "bbox", "before", "family", "change", "who", "time", "note")
_SQLITE: Final = b"SQLite format 3\0"
_TOLD: Final = 5

CONFIRMED, RELABELLED, TAKEN, LEFT_OUT = "confirmed", "relabelled", "added", "left out"
CONFLICT, UNKNOWN, STRANGE = "conflict", "unknown family", "no such image"


_Shown = Mapping[str, tuple[Callable[[], bytes], str]]
"""Image id → what gives the bytes of a photograph that is no file, and the end of its name."""


@dataclass
class _Work:
    """The table that is being corrected.

    Attributes:
        table: strings; `file_path` absolute while it is worked on.
        rows_of: image id, and path as the data writes it → labels of `table`'s rows.
        changes: one row an answered photograph.
    """

    table: pd.DataFrame
    rows_of: dict[str, list[int]]
    changes: list[dict[str, str]] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    added: list[dict[str, str]] = field(default_factory=list)

    def note(self, answer: Answer, change: str, before: str = "", family: str = "") -> None:
        """Write down what became of an answer."""
        self.changes.append(
            {
                **{"file_path": answer.file_path, "image_id": answer.image_id},
                **{"bbox": boxes.written(answer.box) if answer.box else "", "before": before, "change": change},
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
        UsageError: a file is not there, or no answers.
        DataError: a file is damaged, or nothing of all that was answered can be used.
        StorageError: `out` cannot be written.
    """
    with ExitStack() as opened:
        stores: list[Corrections] = []
        read = []
        for file in given:
            if _is_store(file):
                stores.append(opened.enter_context(Corrections.open(file)))
                read.append(_of_store(stores[-1]))
            else:
                read.append(answering.read(file))
        settled = answering.settle(one for some in read for one in some.answers)
        if not settled.decided and not settled.conflicts:
            left = sum(some.open for some in read)
            raise DataError(f"No photograph is answered yet ({left} rows are open); fill in their column family.")
        work, data_root, known = _laid_out(into, quiet)
        names = Families(known.union(*(some.families for some in read)))
        notes = _apply(settled, work, names, stores, files.folder(out), root, new_families)
    return _written(work, settled, read, data_root, Path(out).absolute(), notes)


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


def _laid_out(into: Request | None, quiet: bool) -> tuple[_Work, Path | None, frozenset[str]]:
    """The table of DATA, its root, and its families."""
    if into is None:
        return _Work(pd.DataFrame(columns=["file_path", *taxonomy.RANKS]), {}), None, frozenset()
    listing, found = open_source(into, quiet=quiet), catalogue.read(into, quiet=quiet)
    table = listing.table.drop(columns="problem").reset_index(drop=True)
    rows_of: dict[str, list[int]] = {}
    for row, (path, image_id) in enumerate(zip(table["file_path"], found.table["image_id"], strict=True)):
        rows_of.setdefault(path, []).append(row)
        if image_id:
            rows_of.setdefault(image_id, []).append(row)
    table["file_path"] = [str(listing.root / path) for path in table["file_path"]]
    return _Work(table, rows_of), listing.root, frozenset(filter(None, table["family"]))


def _apply(
    settled: Settled,
    work: _Work,
    names: Families,
    stores: Sequence[Corrections],
    out: Path,
    root: Path,
    new_families: bool,
) -> list[str]:
    """Do what was decided; what is to be told."""
    told: dict[str, None] = {}
    lineages = labels.of_table(work.table[work.table["family"] != ""]) if len(work.table) else {}
    kept: _Shown = {
        one.image_id: (partial(store.image, one.image_id), one.suffix) for store in stores for one in store.table()
    }
    for people in settled.conflicts:
        for one in people:
            work.note(one, CONFLICT)
    for answer in settled.decided:
        meant, shown, about = (answer, kept, {}) if answer.box is None else _cut_out(answer, root, work)
        rows = work.rows_of.get(meant.photograph, [])
        before = str(work.table.loc[rows[0], "family"]) if rows else ""
        if not answering.usable(answer):
            work.gone += rows
            work.note(answer, LEFT_OUT, before)
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
        elif path := _found(meant, shown, out, root):
            new = {rank: lineage.get(rank, "") for rank in WIDER} | about
            work.added.append({"file_path": str(path), **new, "answered_by": answer.who, "label_before": ""})
            work.note(answer, TAKEN, "", name.family)
        else:
            work.note(answer, STRANGE)
    return list(told)


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


def _cut_out(answer: Answer, root: Path, work: _Work) -> tuple[Answer, _Shown, dict[str, str]]:
    """The animal that an answer speaks of, as a photograph of its own: one without a name if it is not to be had.

    Returns:
        the answer about it, its bytes, and what DATA is to know of it: which photograph it was cut out of, and whose
        that is.
    """
    try:
        data = decode.read_bytes(_path(answer, root))
        photograph = hashlib.sha256(data).hexdigest()
        if answer.image_id not in ("", photograph):
            raise decode.UnreadableImageError("has changed")
        stream = io.BytesIO()
        boxes.opened(data, answer.box).save(stream, "JPEG", quality=95, subsampling=0)
    except decode.UnreadableImageError:
        return replace(answer, image_id="", file_path="", box=None), {}, {}
    image_id = hashlib.sha256(stream.getvalue()).hexdigest()
    rows = work.rows_of.get(photograph, [])
    rights = {name: str(work.table.loc[rows[0], name]) for name in credits.COLUMNS if rows and name in work.table}
    about = {audit.CUT_FROM: photograph, **rights}
    return replace(answer, image_id=image_id, file_path="", box=None), {image_id: (stream.getvalue, ".jpg")}, about


def _found(answer: Answer, shown: _Shown, out: Path, root: Path) -> Path | None:
    """A photograph that DATA lacks: one that is shown to us, else where the answer says it lies."""
    if answer.image_id in shown:
        picture, suffix = shown[answer.image_id]
        path = files.folder(out / ADDED) / f"{answer.image_id}{suffix}"
        with files.atomic(path) as stream:
            stream.write(picture())
        return path
    if not answer.file_path:
        return None
    path = _path(answer, root)
    look = decode.probe(path)
    return path if look.image_id and answer.image_id in ("", look.image_id) else None


def _path(answer: Answer, root: Path) -> Path:
    """Where its photograph lies: below `root`, else, as DATA may have a use of its own for that, the current folder."""
    below = root.absolute() / answer.file_path
    return below if below.is_file() else Path.cwd() / answer.file_path


def _written(
    work: _Work, settled: Settled, read: Sequence[Given], data_root: Path | None, out: Path, notes: list[str]
) -> Outcome:
    table = pd.concat([work.table.drop(index=work.gone), pd.DataFrame(work.added)], ignore_index=True).fillna("")
    files.write_text(
        out / CHANGES, pd.DataFrame(work.changes, columns=_COLUMNS).to_csv(index=False, lineterminator="\n")
    )
    counts = Counter(row["change"] for row in work.changes)
    figures = {
        "answered": len(settled.decided) + len(settled.conflicts),
        "open": sum(some.open for some in read),
        **{name.replace(" ", "_"): counts[name] for name in (RELABELLED, CONFIRMED, TAKEN, LEFT_OUT)},
        "conflicts": len(settled.conflicts),
        "unknown_families": counts[UNKNOWN],
        "no_such_image": counts[STRANGE],
        "images": len(table),
    }
    if not any(counts[name] for name in (RELABELLED, CONFIRMED, TAKEN, LEFT_OUT)):
        raise DataError(
            f"Nothing of what was answered could be taken in ({_counted(counts)}); {out / CHANGES} says why.\n"
            "Give the DATA that was reviewed as --into, and for photographs outside it their folder as --root."
        )
    root = _root(data_root, table["file_path"], bool(work.added))
    table["file_path"] = [Path(os.path.relpath(path, root)).as_posix() for path in table["file_path"]]
    files.write_text(out / TABLE, table.to_csv(index=False, lineterminator="\n"))
    if settled.repeated:
        notes.append(f"{settled.repeated} answers were given again by the same person; the last one counts.")
    if settled.conflicts:
        first = " or ".join(sorted({one.family for one in settled.conflicts[0]}))
        notes.append(
            f"On {len(settled.conflicts)} photographs people differ (the first: {first}); they were left alone."
        )
    if counts[UNKNOWN]:
        notes.append(f"{counts[UNKNOWN]} answers name unknown families and were left alone; --new-families takes them.")
    if counts[STRANGE]:
        notes.append(f"{counts[STRANGE]} answers speak of images that are not there, or have changed; see {CHANGES}.")
    notes.append(f"Train on it with: raravis train {out / TABLE} --root {root}")
    return Outcome("review", out / TABLE, figures, (), tuple(notes), out / CHANGES)


def _root(data_root: Path | None, paths: Iterable[str], added: bool) -> Path:
    """The folder that all photographs lie in."""
    folders = [] if data_root is None else [str(data_root)]
    if added or not folders:
        folders += sorted({str(Path(path).parent) for path in paths})
    return Path(os.path.commonpath(folders))


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.most_common(_TOLD)) or "nothing"
