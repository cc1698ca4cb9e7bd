"""How long the study will take on this machine: measured once, kept in `estimate.json`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from raravis import files, progress, recipe, registry
from raravis.learn.fit import Part as Images
from raravis.learn.fit import sampled
from raravis.recipe import Recipe
from raravis.run import taught
from raravis.study import estimate, plan
from raravis.study.plan import Part, Settings
from raravis.study.table import duration

ESTIMATE: Final = "estimate.json"
COMPARISON: Final = "comparison of augmentations"


def measured(
    out: Path, wanted: Settings, parts: Sequence[Part], split: pd.DataFrame, *, seed: int, quiet: bool
) -> dict[str, Any]:
    """Seconds of every part if no run stops early, by timing a few steps of each kind of recipe.

    What `out` holds from before is taken as it is.

    Returns:
        `parts` (name → seconds, and `comparison of augmentations`), `parameters` (name → number), `total` (seconds).
    """
    file = out / ESTIMATE
    if file.is_file():
        kept: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return kept
    trials = [] if wanted.without_comparison else _trials(wanted, seed)
    recipes = {**{part.name: part.recipe for part in parts}, **dict(trials)}
    kinds = {estimate.likeness(made): made for made in recipes.values()}
    steps = {}
    with progress.bar("Measuring this machine", len(kinds), quiet=quiet, unit="networks") as advance:
        for kind, made in kinds.items():
            steps[kind] = estimate.measure(made, len(taught(split)))
            advance()
    sizes = split.drop_duplicates("image_id")["split"].value_counts()
    images = {side: int(sizes.get(side, 0)) for side in ("train", "val", "test")}
    classes = _classes(split)
    seconds, parameters = {}, {}
    for name, made in recipes.items():
        own = steps[estimate.likeness(made)]
        epoch = len(sampled(Images(np.arange(len(classes)), classes), made).rows)
        seconds[name] = round(estimate.seconds(own, made, images, epoch), 1)
        parameters[name] = own.parameters
    compared = wanted.repeats * sum(seconds.pop(name) for name, _ in trials)
    by_part = {**({COMPARISON: round(compared, 1)} if trials else {}), **seconds}
    kept = {
        "total": round(sum(by_part.values()), 1),
        "parts": by_part,
        "parameters": {part.name: parameters[part.name] for part in parts},
    }
    files.write_json(file, kept)
    return kept


def told(times: dict[str, Any]) -> str:
    """The estimate as a person reads it, a line a part."""
    lines = [f"  {duration(seconds):>12}  {name}" for name, seconds in times["parts"].items()]
    return "\n".join(
        [
            f"Measured on this machine, the study takes about {duration(times['total'])}, less where early stopping "
            "speaks:",
            *lines,
        ]
    )


def _trials(wanted: Settings, seed: int) -> list[tuple[str, Recipe]]:
    """The recipe of one training of each pipeline that is compared."""
    names = wanted.pipelines or registry.names("raravis.augmentations")
    changes = plan.yardstick(wanted)
    return [
        (f"augment/{name}", recipe.load(plan.YARDSTICK, {**changes, "augment.pipeline": name}, seed=seed))
        for name in names
    ]


def _classes(split: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.int64]]:
    families = split.loc[split["split"] == "train"].drop_duplicates("image_id")["family"]
    return np.unique(families, return_inverse=True)[1].astype(np.int64)
