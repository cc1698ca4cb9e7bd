"""`raravis review`: predictions or a run's labels become a list of what a person should look at first, to answer on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from raravis import files
from raravis.data.sources import Request
from raravis.errors import UsageError
from raravis.outcome import Outcome
from raravis.reviewing import diverse, sheet, told, wanted
from raravis.run import RECIPE, Run
from raravis.serve.folder import is_bundle
from raravis.verbs._review_answers import take
from raravis.verbs._review_labels import doubtful
from raravis.verbs._review_near import near

LIMIT: Final = 200


def review(
    what: str | Path | None = None,
    *,
    out: str | Path,
    answers: str | Path | Iterable[str | Path] = (),
    into: str | None = None,
    new_families: bool = False,
    model: str | Path | None = None,
    limit: int = LIMIT,
    data: str | None = None,
    path_column: str | None = None,
    label_column: str | None = None,
    root: str | Path | None = None,
    seed: int = 0,
    quiet: bool = False,
) -> Outcome:
    """List what a person should look at first, and why; or take the answers in.

    With `what`, writes `review.csv`, a table to fill in, and `review.html`, a page to answer on, which stands alone.
    With `answers`, writes `corrected.csv`, which `train` takes as DATA, and `changes.csv`, what became of each answer;
    no file of the user's is changed.

    Args:
        what: a table that `predict` wrote, or a run folder, whose own labels are then held against what was learned.
        out: the folder to write into.
        answers: filled tables, what the page saved, or files of corrections that `serve` kept.
        into: with answers: the DATA that they correct and add to; the answered photographs alone when not given.
        new_families: with answers: take in families of which nobody knows, too; they may be misspelt.
        model: for a table: the run or bundle that made it; then the nearest training photographs have a say too.
        limit: photographs, or animals in them, listed at most.
        data: where the images of the run are now, if not where they were.
        path_column: column of the table `data` or `into` that holds file paths.
        label_column: column of that table that holds labels.
        root: the folder that paths are relative to: those in predictions and answers, the current one when not given,
            and for answers also where there is no such file; and those in the table `data` or `into`, its own when not
            given.
        seed: of the engine, should a layer of the model draw random numbers.
        quiet: no progress.

    Raises:
        UsageError: `what` is neither, or an option does not go with it.
        DataError: the table is none of predictions, or the images of the run are gone.
        RunError: the run or the model is not finished, or damaged.
        StorageError: `out` cannot be written.
    """
    given = [Path(one) for one in ([answers] if isinstance(answers, str | Path) else answers)]
    _check(what, given, into, data, model, limit, path_column or label_column, new_families)
    base = None if root is None else Path(root)
    if what is None:
        table = into is not None and Path(into).suffix.lower() in (".csv", ".parquet", ".jsonl")
        known = None if into is None else Request(into, path_column, label_column, base if table else None)
        place = base or Path.cwd()
        return take(given, known, Path(out), root=place, new_families=new_families, quiet=quiet)
    what = Path(what)
    request = None if data is None else Request(data, path_column, label_column, base)
    if Run.is_run(what):
        if model is not None:
            raise UsageError("A run is reviewed by its own network; --model goes with a table of predictions.")
        return _labels(Run.open(what), request, files.folder(out), limit, quiet)
    if what.is_dir():
        there = "is a bundle, which keeps no labels" if is_bundle(what) else f"holds no run (no {RECIPE})"
        raise UsageError(f"{what} {there}; a table that `raravis predict` wrote, or a run folder, was expected.")
    if model is None and request is not None:
        raise UsageError("--data says where the images of --model are; give that too, or leave it out.")
    return _predictions(what, model, request, base or Path.cwd(), out, limit, seed, quiet)


def _check(
    what: str | Path | None,
    answers: Sequence[Path],
    into: str | None,
    data: str | None,
    model: str | Path | None,
    limit: int,
    columns: str | None,
    new_families: bool,
) -> None:
    """Refuse what does not go together.

    Raises:
        UsageError: an option would be ignored, or there is nothing to do.
    """
    if limit < 1:
        raise UsageError(f"limit is {limit}; 1 or more was expected.")
    if (what is None) == (not answers):
        more = "\nWrite --answers before each file of answers." if answers else ""
        raise UsageError(
            f"Give predictions or a run to review, or --answers to take in: one of the two was expected.{more}"
        )
    if what is not None and (into is not None or new_families):
        raise UsageError(
            "--into and --new-families say what becomes of --answers; give these, or leave the options out."
        )
    if answers and (data is not None or model is not None):
        raise UsageError("--data and --model go with a review; the DATA that answers correct is given with --into.")
    if data is None and into is None and columns:
        raise UsageError("Columns say how to read --data or --into, which was not given; give it too.")


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
    known = {} if model is None else near(model, rows, root, request, seed=seed, quiet=quiet)
    families = {name: [one.family for one in some] for name, some in known.items()}
    found = wanted.items(rows, families, root)
    items, bad = diverse.chosen(found, limit, quiet=quiet)
    if bad and not items:
        raise UsageError(
            f"None of the photographs of {table} can be read (the first: {bad[0]}).\n"
            "Call from the folder that `predict` was called from, or give it as --root."
        )
    boxed = any(row.box for row in rows)
    what = "animals in their boxes" if boxed else "photographs"
    lead = (
        f"{len(items)} of {len(rows)} {what} that the model named, the most useful first. "
        f"{len(found)} are worth a look; of the others the model gives no sign of doubt, and can still be wrong."
    )
    names = sorted({*told.families_of(rows), *(name for some in families.values() for name in some)})
    title = f"To look at: {table.name}"
    sheet.write(folder, items, title=title, lead=lead, families=names, beside=known, quiet=quiet)
    figures: dict[str, Any] = {"photographs": len({row.file_path for row in rows})}
    figures |= {"animals": len(rows)} if boxed else {}
    figures |= {"worth_a_look": len(found), "listed": len(items)}
    figures |= Counter(item.verdict for item in items if item.verdict)
    return Outcome("review", folder, figures, bad, notes, folder / sheet.PAGE)


def _labels(run: Run, request: Request | None, folder: Path, limit: int, quiet: bool) -> Outcome:
    found = doubtful(run, request, quiet=quiet)
    items, bad = diverse.chosen(found.items, limit, spread=False, quiet=quiet)
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
