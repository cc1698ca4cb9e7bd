"""`raravis compare`: judged runs enter, a table of them side by side, with paired differences, leaves."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from raravis import drawing, files, page, progress
from raravis.errors import RunError, UsageError
from raravis.judge import comparison, predictions
from raravis.judge.comparison import Comparison
from raravis.outcome import Outcome
from raravis.page import Block, Picture, Points, Section, Table, Text
from raravis.run import METRICS, PREDICTIONS, Run

CSV: Final = "comparison.csv"
JSON: Final = "comparison.json"
REPORT: Final = "report.html"
_OWN: Final = ("n", "loss", "top5_accuracy", "balanced_accuracy", "ece")
_DIFFERENCES: Final = ("accuracy_difference", "macro_f1_difference")


def compare(runs: Sequence[str | Path], *, out: str | Path, seed: int = 0, quiet: bool = False) -> Outcome:
    """Put runs side by side on the images that all of them were judged on.

    Writes `comparison.csv` (one row a run: scores with intervals, and the differences to the first run), the
    same with every pair of runs in `comparison.json`, and `report.html`.

    Args:
        runs: two run folders or more, judged on `test`, or else on `val`.
        out: the folder to write into.
        seed: of the bootstrap.
        quiet: no progress.

    Raises:
        UsageError: fewer than two runs, or one twice.
        RunError: a folder is no run, or was not judged.
        DataError: the runs have no judged image in common.
        StorageError: `out` cannot be written.
    """
    named = _named(runs)
    opened = {name: Run.open(path) for name, path in named.items()}
    tables = {}
    with progress.bar("Reading runs", len(opened), quiet=quiet, unit="runs") as advance:
        for name, run in opened.items():
            tables[name] = predictions.load(run.path / PREDICTIONS)
            advance()
    found = comparison.compare(tables, seed=seed)
    rows = _rows(found, opened)
    folder = files.folder(out)
    summary = {
        "split": found.split,
        "images": found.images,
        "reference": rows["run"].iloc[0],
        "runs": _records(rows),
        "pairs": _records(found.pairs),
    }
    with files.atomic(folder / CSV) as stream:
        rows.to_csv(stream, index=False, lineterminator="\n")
    files.write_json(folder / JSON, {**summary, "notes": list(found.notes)})
    page.write(
        folder / REPORT,
        title="Runs side by side",
        lead=_lead(found),
        sections=_sections(found, opened),
    )
    return Outcome("compare", folder, summary, notes=found.notes, read_next=folder / REPORT)


def _named(runs: Sequence[str | Path]) -> dict[str, Path]:
    """Short names that differ: the folders' own, with as many parents as it takes."""
    paths = [Path(run).resolve() for run in runs]
    if len(paths) < 2:
        raise UsageError(f"compare needs two runs or more; received {len(paths)}.")
    if len(set(paths)) < len(paths):
        twice = next(path for path in paths if paths.count(path) > 1)
        raise UsageError(f"The run {twice} was given twice; give each run once.")
    depth = 1
    while len({path.parts[-depth:] for path in paths}) < len(paths):
        depth += 1
    return {"/".join(path.parts[-depth:]): path for path in paths}


def _rows(found: Comparison, opened: dict[str, Run]) -> pd.DataFrame:
    """Give each run a row: scores on the common images, differences to the first, its own metrics."""
    first = found.runs["run"].iloc[0]
    differences = found.pairs[found.pairs["reference"] == first].drop(columns="reference")
    rows = found.runs.merge(differences, on="run", how="left", validate="one_to_one")
    rows.insert(1, "model", [opened[name].recipe.model.name for name in rows["run"]])
    own = [_metrics(opened[name], found.split) for name in rows["run"]]
    return rows.assign(**{f"own_{key}": pd.Series([metrics[key] for metrics in own]) for key in _OWN})


def _metrics(run: Run, split: str) -> dict[str, Any]:
    """Read what the run was told of itself on one side of the split.

    Raises:
        RunError: it was not judged there, or the file is damaged.
    """
    file = run.path / METRICS
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))[split]
    except (OSError, ValueError, KeyError) as error:
        raise RunError(
            f"{file} has no metrics of {split} ({type(error).__name__}).\n"
            f"Write them with `raravis evaluate {run.path} --split {split}`."
        ) from error
    return found


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Write rows as JSON-able mappings, None where a value is missing."""
    return [
        {str(key): None if pd.isna(value) else value for key, value in row.items()}
        for row in frame.astype(object).to_dict("records")
    ]


def _lead(found: Comparison) -> str:
    best = found.runs.loc[found.runs["accuracy"] == found.runs["accuracy"].max(), "run"].tolist()
    return (
        f"{len(found.runs)} runs on the {page.written(found.images)} {found.split} images that all were "
        f"judged on. Most accurate: {' and '.join(best)}."
    )


def _sections(found: Comparison, opened: dict[str, Run]) -> list[Section]:
    scores = pd.DataFrame(
        {
            "run": found.runs["run"],
            "model": [opened[name].recipe.model.name for name in found.runs["run"]],
            "accuracy": found.runs["accuracy"],
            "accuracy, 95%": _ranges(found.runs, "accuracy"),
            "macro-F1": found.runs["macro_f1"],
            "macro-F1, 95%": _ranges(found.runs, "macro_f1"),
        }
    )
    alt = "; ".join(
        f"{name}: accuracy {accuracy:.3f}, macro-F1 {macro:.3f}"
        for name, accuracy, macro in zip(scores["run"], scores["accuracy"], scores["macro-F1"], strict=True)
    )
    caption = "Points are scores on the common images, lines their 95% intervals; the best is blue."
    blocks: list[Block] = [Picture(drawing.png(comparison.figure(found)), caption, alt), Table(scores)]
    if found.notes:
        blocks.insert(0, Points(found.notes))
    return [
        Section("Scores", blocks),
        Section("Differences", [Text(_HOW), Table(_pairs(found), _sentence(found))]),
        Section("As each run was judged by itself", [Table(_own(found, opened), _SELF)]),
    ]


_HOW: Final = (
    "Lines of the figure above may overlap although one run is clearly better, since both meet the same hard "
    "images. Here the images are resampled for both runs at once, so that this cancels out. A difference "
    "whose interval holds 0 may be chance. p is of McNemar's exact test, not corrected for several pairs."
)
_SELF: Final = "On its own images of that side, which may be more than the common ones."


def _pairs(found: Comparison) -> pd.DataFrame:
    pairs = found.pairs
    return pd.DataFrame(
        {
            "run": pairs["run"],
            "against": pairs["reference"],
            "accuracy": pairs["accuracy_difference"],
            "accuracy, 95%": _ranges(pairs, "accuracy_difference"),
            "macro-F1": pairs["macro_f1_difference"],
            "macro-F1, 95%": _ranges(pairs, "macro_f1_difference"),
            "only it is right": pairs["wins"],
            "only the other": pairs["losses"],
            "p": pairs["mcnemar_p"],
        }
    )


def _sentence(found: Comparison) -> str:
    clear = sum(
        low > 0 or high < 0
        for low, high in zip(found.pairs[f"{_DIFFERENCES[0]}_low"], found.pairs[f"{_DIFFERENCES[0]}_high"], strict=True)
    )
    return f"{clear} of {len(found.pairs)} differences in accuracy are larger than chance explains at 95%."


def _own(found: Comparison, opened: dict[str, Run]) -> pd.DataFrame:
    rows = []
    for name, run in opened.items():
        metrics = _metrics(run, found.split)
        rows.append({"run": name, "seed": run.recipe.seed, **{key: metrics[key] for key in _OWN}})
    words = {"n": "images", "top5_accuracy": "top-5 accuracy", "balanced_accuracy": "balanced accuracy"}
    return pd.DataFrame(rows).rename(columns={**words, "ece": "calibration error"})


def _ranges(frame: pd.DataFrame, name: str) -> list[str]:
    pairs = zip(frame[f"{name}_low"], frame[f"{name}_high"], strict=True)
    return [f"{page.written(low)}\u00a0to\u00a0{page.written(high)}" for low, high in pairs]
