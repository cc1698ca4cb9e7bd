"""`raravis review`: predictions or a run's labels become a list of what a person should look at first, to answer on."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Final

from raravis import files
from raravis.data.sources import Request
from raravis.errors import UsageError
from raravis.outcome import Outcome
from raravis.review import diverse, sheet, told, wanted
from raravis.run import Run
from raravis.verbs._review_labels import doubtful
from raravis.verbs._review_near import near

LIMIT: Final = 200


def review(
    what: str | Path,
    *,
    out: str | Path,
    model: str | Path | None = None,
    limit: int = LIMIT,
    data: str | None = None,
    path_column: str | None = None,
    label_column: str | None = None,
    root: str | Path | None = None,
    seed: int = 0,
    quiet: bool = False,
) -> Outcome:
    """List what a person should look at first, and why: identified photographs, or labels that are probably wrong.

    Writes `review.csv`, a table to fill in, and `review.html`, a page to answer on, which stands alone.

    Args:
        what: a table that `predict` wrote, or a run folder, whose own labels are then held against what was learned.
        out: the folder to write into.
        model: for a table: the run or bundle that made it; then the nearest training photographs have a say too.
        limit: photographs listed at most.
        data: where the images of the run are now, if not where they were.
        path_column: column of a table that holds file paths.
        label_column: column of a table that holds labels.
        root: for a table of predictions, the folder that its paths are relative to, the current one when not given;
            for a run, the folder that the paths in the table `data` are relative to.
        seed: of the engine, should a layer of the model draw random numbers.
        quiet: no progress.

    Raises:
        UsageError: `what` is neither, or an option does not go with it.
        DataError: the table is none of predictions, or the images of the run are gone.
        RunError: the run or the model is not finished, or damaged.
        StorageError: `out` cannot be written.
    """
    if limit < 1:
        raise UsageError(f"limit is {limit}; 1 or more was expected.")
    if data is None and (path_column or label_column):
        raise UsageError("Columns say how to read --data, which was not given; give it too.")
    what, base = Path(what), None if root is None else Path(root)
    request = None if data is None else Request(data, path_column, label_column, base)
    if Run.is_run(what):
        if model is not None:
            raise UsageError("A run is reviewed by its own network; --model goes with a table of predictions.")
        return _labels(Run.open(what), request, files.folder(out), limit, quiet)
    if model is None and request is not None:
        raise UsageError("--data says where the images of --model are; give that too, or leave it out.")
    return _predictions(what, model, request, base or Path.cwd(), out, limit, seed, quiet)


def _predictions(
    table: Path,
    model: str | Path | None,
    request: Request | None,
    root: Path,
    out: str | Path,
    limit: int,
    seed: int,
    quiet: bool,
) -> Outcome:
    rows, notes = told.read(table)
    folder = files.folder(out)
    known = {} if model is None else near(model, [row.file_path for row in rows], root, request, seed=seed, quiet=quiet)
    families = {path: [one.family for one in some] for path, some in known.items()}
    found = wanted.items(rows, families, root)
    items, bad = diverse.chosen(found, limit, quiet=quiet)
    if bad and not items:
        raise UsageError(
            f"None of the photographs of {table} can be read (the first: {bad[0]}).\n"
            "Call from the folder that `predict` was called from, or give it as --root."
        )
    lead = (
        f"{len(items)} of {len(rows)} photographs that the model named, the most useful first. "
        f"{len(found)} are worth a look; the others are beyond doubt."
    )
    names = sorted({*told.families_of(rows), *(name for some in families.values() for name in some)})
    title = f"To look at: {table.name}"
    sheet.write(folder, items, title=title, lead=lead, families=names, beside=known, quiet=quiet)
    figures: dict[str, Any] = {"photographs": len(rows), "worth_a_look": len(found), "listed": len(items)}
    figures |= Counter(item.verdict for item in items if item.verdict)
    return Outcome("review", folder, figures, bad, notes, folder / sheet.PAGE)


def _labels(run: Run, request: Request | None, folder: Path, limit: int, quiet: bool) -> Outcome:
    found = doubtful(run, request, quiet=quiet)
    items, bad = diverse.chosen(found.items, limit, quiet=quiet)
    lead = (
        f"{len(items)} of {found.looked} labelled images, those whose labels are most probably wrong first; "
        f"confident learning finds {found.confident} labels wrong."
    )
    title = f"Labels in doubt: {run.path.name}"
    sheet.write(folder, items, title=title, lead=lead, families=run.families, beside=found.beside, quiet=quiet)
    figures = {
        "images": found.looked,
        "in_doubt": len(found.items),
        "confidently_wrong": found.confident,
        "listed": len(items),
    }
    return Outcome("review", folder, figures, (*found.unreadable, *bad), found.notes, folder / sheet.PAGE)
