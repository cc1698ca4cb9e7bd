"""`raravis reproduce`: the whole study on DATA, its published figures beside ours.

Every part is a verb's own work in a folder of its own, so that whatever a kill leaves unfinished is taken up where it
stood, and what is finished is never run again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import raravis
from raravis import backbones, engine, files, progress
from raravis.data import catalogue
from raravis.data import split as splits
from raravis.data.sources import Request
from raravis.errors import OfflineError
from raravis.outcome import Outcome
from raravis.run import Run
from raravis.study import plan
from raravis.study.plan import Part
from raravis.study.table import duration
from raravis.verbs import _judged, _study_report, _study_times
from raravis.verbs._claim import claim

PLAN: Final = "plan.json"
SPLIT: Final = "split.csv"
EXPLORED: Final = "explore"
COMPARED: Final = "augment"
RUNS: Final = "runs"


def reproduce(
    data: str,
    *,
    out: str | Path,
    set: Sequence[str] | Mapping[str, Any] = (),
    resume: bool = False,
    estimate: bool = False,
    path_column: str | None = None,
    label_column: str | None = None,
    root: str | Path | None = None,
    seed: int = 0,
    quiet: bool = False,
) -> Outcome:
    """Do the study: explore, compare augmentations, train and judge every model, lay the figures side by side.

    Writes `explore/`, `augment/`, `split.csv`, `runs/NAME/` (run folders), `plan.json`, `estimate.json`,
    `curves.png`, `accuracy.png`, the table as `table.md`, `table.csv` and `table.html`, and `report.html`.

    Args:
        data: folder, table, `rare-species` or `bestiary`.
        out: the folder to write into.
        set: `section.field=value` for every recipe, `RECIPE.section.field=value` for one, `compare.…` for the
            comparison of augmentations, `runs=…` and `length=…` for the study; see `study.plan.settings`.
        resume: go on with what `out` holds; without anything there, begin.
        estimate: measure and say how long it would take, and stop there.
        path_column: column of a table that holds file paths.
        label_column: column of a table that holds labels.
        root: folder that paths in a table are relative to.
        seed: of the split and of every recipe.
        quiet: no progress.

    Raises:
        RecipeError: `set` is not understood.
        RunError: `out` holds a study and `resume` is not set, or it is another one.
        DataError: there is nothing to learn from.
        StorageError: `out` cannot be written.
    """
    wanted = plan.settings(set)
    parts = plan.parts(wanted, seed=seed, at_hand=_at_hand(quiet), stand_in=backbones.stand_in())
    out = files.folder(out)
    claim(out / PLAN, {"data": data, "seed": seed, "settings": asdict(wanted)}, work="study", resume=resume)
    found = catalogue.read(Request(data, path_column, label_column, None if root is None else Path(root)), quiet=quiet)
    given: dict[str, Any] = {
        "path_column": path_column,
        "label_column": label_column,
        "root": root,
        "quiet": quiet,
    }
    if not (out / SPLIT).is_file():
        by = parts[0].recipe.split
        raravis.split(data, out=out / SPLIT, policy=by.policy, fractions=by.fractions, seed=seed, **given)
    times = _study_times.measured(out, wanted, parts, splits.read(out / SPLIT), seed=seed, quiet=quiet)
    progress.say(_study_times.told(times), quiet=quiet)
    if estimate:
        return Outcome("reproduce", out, {"seconds": times["total"], **times}, found.unreadable, found.notes)
    if not (out / EXPLORED / "report.html").is_file():
        raravis.explore(data, out=out / EXPLORED, seed=seed, **given)
    if not wanted.without_comparison:
        raravis.augment.compare(
            data,
            out=out / COMPARED,
            pipelines=wanted.pipelines or None,
            repeats=wanted.repeats,
            split=out / SPLIT,
            set=plan.yardstick(wanted),
            resume=True,
            seed=seed,
            **given,
        )
    expected = spent = 0.0
    for number, part in enumerate(parts):
        left = sum(times["parts"][later.name] for later in parts[number:]) * (spent / expected if expected else 1)
        progress.say(f"{number + 1}/{len(parts)}  {part.name}: about {duration(left)} left", quiet=quiet)
        began = time.monotonic()
        if _done(data, out, part, given):
            spent, expected = spent + time.monotonic() - began, expected + times["parts"][part.name]
    figures, notes = _study_report.write(out, parts, times, seed=seed)
    return Outcome("reproduce", out, figures, found.unreadable, (*found.notes, *notes), out / "report.html")


def _done(data: str, out: Path, part: Part, given: Mapping[str, Any]) -> bool:
    """Train and judge one run of the study, as far as that is not done; whether it had to be trained from its start."""
    folder = out / RUNS / part.name
    new = not Run.is_run(folder)
    if new or Run.open(folder).status["state"] != "finished":
        made = files.folder(out / "recipes") / f"{part.name}.toml"
        files.write_text(made, part.recipe.toml())
        raravis.train(data, recipe=made, split=out / SPLIT, out=folder, resume=True, **given)
    if "test" not in _judged.metrics_in(folder):
        raravis.evaluate(folder, data=data, **given)
    engine.keras().backend.clear_session()
    return new


def _at_hand(quiet: bool) -> Callable[[str], bool]:
    """A function that tells whether a backbone's ImageNet weights can be had; it tries once a backbone."""
    known: dict[str, bool] = {}

    def ask(backbone: str) -> bool:
        if backbone not in known:
            try:
                backbones.build(backbone, size=224, weights="imagenet")
                known[backbone] = True
            except OfflineError:
                known[backbone] = False
                progress.say(f"The ImageNet weights of {backbone} are not at hand.", quiet=quiet)
        return known[backbone]

    return ask
