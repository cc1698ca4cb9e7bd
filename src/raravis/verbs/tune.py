"""`raravis tune`: DATA, a recipe and a space enter; trials, the best recipe and a report leave."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import pandas as pd

import raravis
from raravis import drawing, files, page, progress
from raravis import recipe as recipes
from raravis.data import split as splits
from raravis.data.sources import Request
from raravis.errors import DataError, RunError, UsageError, unknown
from raravis.outcome import Outcome
from raravis.page import Block, Code, Facts, Picture, Section, Table, Text
from raravis.recipe import Recipe
from raravis.run import METRICS, Run
from raravis.tuning import figures, search
from raravis.tuning import space as spaces
from raravis.tuning.search import METHODS, OBJECTIVES, Trial, TrialError
from raravis.tuning.space import Field
from raravis.verbs._claim import claim

PLAN: Final = "search.json"
SPLIT: Final = "split.csv"
TRIALS: Final = "trials"
BEST: Final = "best.toml"
REPORT: Final = "report.html"
_BOOKS: Final = "oracle"


def tune(
    data: str,
    *,
    recipe: str | Path,
    space: str | Path,
    out: str | Path,
    method: str = "random",
    trials: int = 20,
    objective: str = "val_macro_f1",
    split: str | Path | None = None,
    set: Sequence[str] | Mapping[str, Any] = (),
    resume: bool = False,
    path_column: str | None = None,
    label_column: str | None = None,
    root: str | Path | None = None,
    seed: int | None = None,
    quiet: bool = False,
) -> Outcome:
    """Search a space of recipes with Keras Tuner, each trial in a process of its own; test images are not touched.

    Writes `trials/NAME/` (runs without network and report), `trials.csv` (ranked), `parallel.png`, `best.toml`,
    `search.json` and `report.html`.

    Args:
        data: folder, table, `rare-species` or `bestiary`.
        recipe: a name of `raravis recipes`, or a TOML file.
        space: a TOML file of recipe fields and the values that they may take; see `tuning.space`.
        out: the folder to write into.
        method: `random`, `hyperband`, `bayesian` or `grid`.
        trials: at most this many, those of before included.
        objective: `val_macro_f1`, `val_accuracy` or `val_loss`.
        split: a `split.csv`; by the recipe's `[split]` table when not given.
        set: changes to the recipe, `section.field=value` each, or a mapping.
        resume: go on with the search in `out`; without one there, begin.
        path_column: column of a table that holds file paths.
        label_column: column of a table that holds labels.
        root: folder that paths in a table are relative to.
        seed: replaces the recipe's seed; also that of the proposals.
        quiet: no progress.

    Raises:
        RecipeError: the space names no field, or reaches beyond what a field may be.
        UsageError: no such method or objective, or half of Keras Tuner's variables for sharing a search.
        RunError: `out` holds a search and `resume` is not set, or it is another one.
        DataError: every trial failed; the first cause is told.
        StorageError: `out` cannot be written.
    """
    base = recipes.load(recipe, set, seed=seed)
    fields = spaces.read(Path(space), base)
    for kind, name, known in (("method", method, METHODS), ("objective", objective, OBJECTIVES)):
        if name not in known:
            raise UsageError(unknown(kind, name, known))
    if trials < 1:
        raise UsageError(f"--trials {trials} tries nothing; a number from 1 was expected.")
    out = files.folder(out)
    part = search.role()
    plan = {
        "recipe": base.model_dump(mode="json"),
        "space": spaces.plain(fields),
        "method": method,
        "objective": objective,
    }
    begun = (out / _BOOKS / "oracle.json").is_file()  # by a chief: workers may be here before theirs
    claim(out / PLAN, plan, work="search", resume=resume or part == "worker" or (part == "chief" and not begun))
    columns: dict[str, Any] = {"path_column": path_column, "label_column": label_column, "root": root}
    if not (out / SPLIT).is_file():
        _divide(data, base, split, out / SPLIT, columns, quiet)
    elif split is not None and splits.digest(splits.read(Path(split))) != splits.digest(splits.read(out / SPLIT)):
        raise RunError(f"The search in {out} was begun with another split than {split}.\nChoose another --out.")
    request = Request(data, path_column, label_column, None if root is None else Path(root))
    before = len(list((out / TRIALS).glob(f"*/{METRICS}")))
    with progress.bar("Tuning", trials, quiet=quiet or part == "chief", unit="trials") as advance:
        advance(before if part == "alone" else 0)
        found = search.search(
            out / _BOOKS,
            fields,
            lambda name, values: _attempt(out, name, base, values, request),
            method=method,  # type: ignore[arg-type]
            objective=objective,
            trials=trials,
            epochs=base.train.epochs,
            seed=base.seed,
            ended=advance,
        )
    if part == "worker":
        return Outcome("tune", out, {"role": part}, notes=("The chief writes the result.",))
    return _result(out, base, fields, found, plan)


def _divide(data: str, base: Recipe, split: str | Path | None, to: Path, columns: dict[str, Any], quiet: bool) -> None:
    """One split for all trials."""
    if split is not None:
        with files.atomic(to) as stream:
            stream.write(splits.text(splits.read(Path(split))).encode())
        return
    by = base.split
    raravis.split(data, out=to, policy=by.policy, fractions=by.fractions, **columns, seed=base.seed, quiet=quiet)


def _attempt(out: Path, name: str, base: Recipe, values: Mapping[str, Any], request: Request) -> dict[str, float]:
    """Run one trial in a process of its own.

    Raises:
        TrialError: it failed, whatever the cause; the text says why.
    """
    folder = files.folder(out / TRIALS / name)
    wanted = spaces.changed(base, values).model_dump(mode="json", exclude_none=True)
    told = {
        **asdict(request),
        "root": None if request.root is None else str(request.root),
        "recipe": wanted,
        "split": str(out / SPLIT),
        "folder": str(folder),
    }
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        command = [sys.executable, "-m", "raravis.verbs._tune_child", json.dumps(told)]
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            code = child.wait()
        finally:  # an interrupted search takes its trial with it
            child.kill()
            child.wait()
        log.seek(0)
        said = [line.strip() for line in log if line.strip()]
    if code < 0:
        raise TrialError(
            f"ended by signal {-code}" + (", as the system does when memory runs out" if code == -9 else "")
        )
    if code:
        raise TrialError(said[-1] if said else f"ended with exit code {code}")
    judged = json.loads((folder / METRICS).read_text(encoding="utf-8"))
    return {f"{side}_{score}": judged[side][score] for side in ("val", "train") for score in _SCORES}


_SCORES: Final = ("macro_f1", "accuracy", "loss")


def _result(
    out: Path, base: Recipe, fields: tuple[Field, ...], found: tuple[Trial, ...], plan: dict[str, Any]
) -> Outcome:
    objective = plan["objective"]
    winner = search.best(found, objective)
    table = _table(out, fields, found, objective)
    with files.atomic(out / "trials.csv") as stream:
        table.to_csv(stream, index=False, lineterminator="\n")
    if winner is None:
        first = next((trial.cause for trial in found if trial.cause), "nothing was tried")
        raise DataError(f"All {len(found)} trials failed; the first: {first}\nSee {out / 'trials.csv'}.")
    chosen = Run.open(out / TRIALS / winner.name).recipe
    head = f"# The best of {len(found)} trials ({plan['method']}): {objective} {winner.score:.4f}\n"
    files.write_text(out / BEST, head + chosen.toml())
    parallel = figures.parallel([trial for trial in found if trial.score is not None], fields, objective)
    drawn = drawing.save(parallel, out / "parallel.png")
    failed = sum(trial.status == "failed" for trial in found)
    page.write(
        out / REPORT,
        title="The search",
        lead=f"{len(found)} trials of {base.model.name} by {plan['method']} search, judged by {_NAMES[objective]}.",
        sections=_sections(out, table, winner, drawn, plan, failed),
    )
    notes = (f"{failed} of {len(found)} trials failed; trials.csv has the causes.",) if failed else ()
    told = {
        "trials": len(found),
        "failed": failed,
        "objective": objective,
        "score": winner.score,
        "best": {key: winner.values[key] for key in winner.values},
        "best_recipe": str(out / BEST),
    }
    return Outcome("tune", out, told, notes=notes, read_next=out / REPORT)


def _table(out: Path, fields: tuple[Field, ...], found: tuple[Trial, ...], objective: str) -> pd.DataFrame:
    """Every trial, the best first, those that failed last."""
    rows = []
    for trial in found:
        judged = out / TRIALS / trial.name / METRICS
        seconds = json.loads(judged.read_text(encoding="utf-8"))["seconds"] if trial.score is not None else None
        values = {key: json.dumps(value) if isinstance(value, list) else value for key, value in trial.values.items()}
        rows.append(
            {
                "trial": trial.name,
                "status": trial.status,
                objective: trial.score,
                **values,
                "seconds": seconds,
                "cause": trial.cause,
            }
        )
    upward = OBJECTIVES[objective] == "min"
    table = pd.DataFrame(rows).sort_values(objective, ascending=upward, na_position="last", kind="stable")
    table.insert(0, "rank", range(1, len(table) + 1))
    return table.reset_index(drop=True)


def _sections(
    out: Path, table: pd.DataFrame, winner: Trial, drawn: bytes, plan: dict[str, Any], failed: int
) -> list[Section]:
    objective = plan["objective"]
    facts = {
        _NAMES[objective]: (winner.score, f"trial {winner.name}"),
        "trials": len(table),
        "failed": failed,
    }
    alt = "; ".join(f"{key}: {value}" for key, value in winner.values.items())
    blocks: list[Block] = [Picture(drawn, _HOW, f"Parallel coordinates. Best: {alt}")]
    return [
        Section("At a glance", [Facts(facts)]),
        Section("Where the good trials lie", blocks),
        Section("Every trial", [Text(_BEWARE), Table(table)]),
        Section(
            "The best recipe", [Code((out / BEST).read_text(encoding="utf-8"), f"raravis train … --recipe {BEST}")]
        ),
        Section("The space", [Code(json.dumps(plan["space"], indent=2, ensure_ascii=False))]),
    ]


_NAMES: Final = {
    "val_macro_f1": "macro-F1 on validation",
    "val_accuracy": "accuracy on validation",
    "val_loss": "loss on validation",
}
_HOW: Final = "A line is a trial, an axis a field of the recipe. The darker, the better; the best is orange."
_BEWARE: Final = (
    "The best of many trials is partly the luckiest: its score on the validation images that chose it is too high by a "
    "little. Train the best recipe and judge it on test images, once."
)
