"""`raravis augment preview | compare`: what augmentations look like, and which help a small network to learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from raravis import augmentations, credits, drawing, engine, files, page, progress, recipe, registry
from raravis.data import catalogue, decode
from raravis.data import explore as look
from raravis.data.sources import Request
from raravis.errors import UsageError, unknown
from raravis.judge import repeats as repeated
from raravis.outcome import Outcome
from raravis.page import Code, Facts, Picture, Section, Table, Text
from raravis.recipe import Recipe
from raravis.verbs import _augment_preview as previews
from raravis.verbs._claim import claim, see
from raravis.verbs._trial import opened, trial

RECIPE: Final = "small_cnn"
PREVIEW: Final = "preview.png"
PLAN: Final = "plan.json"
RUNS: Final = "runs"
REPORT: Final = "report.html"
SIDE: Final = 160
"""Pixels of a previewed image."""


def preview(
    data: str,
    *,
    out: str | Path,
    pipelines: Sequence[str] | str | None = None,
    images: int = 6,
    path_column: str | None = None,
    label_column: str | None = None,
    root: str | Path | None = None,
    seed: int = 0,
    quiet: bool = False,
) -> Outcome:
    """Draw every layer and pipeline on images of DATA, as one figure.

    Writes `preview.png` and `report.html`.

    Args:
        data: folder, table, `rare-species` or `bestiary`.
        out: the folder to write into.
        pipelines: names of `raravis augmentations`, or one text with commas; all when not given.
        images: how many, of as many families; 1–12.
        path_column: column of a table that holds file paths.
        label_column: column of a table that holds labels.
        root: folder that paths in a table are relative to.
        seed: chooses the images and what happens to them.
        quiet: no progress.

    Raises:
        UsageError: no such pipeline, or no such number of images.
        DataError: DATA has no labelled image that can be read.
        StorageError: `out` cannot be written.
    """
    names = _names(pipelines)
    if not 1 <= images <= 12:
        raise UsageError(f"--images {images} cannot be drawn; a number from 1 to 12 was expected.")
    folder = files.folder(out)
    found = catalogue.read(_request(data, path_column, label_column, root), quiet=quiet)
    chosen = look.sample(found.table, seed=seed, count=images)
    pixels = [decode.pixels(decode.read_bytes(found.root / path), SIDE, "crop") for path in chosen["file_path"]]
    single = previews.layers(names, seed)
    with progress.bar("Drawing", len(single) + len(names), quiet=quiet, unit="rows") as advance:
        rows = {"as it is": pixels}
        for name, made in {**single, **{f"pipeline {n}": augmentations.layers(n, seed) for n in names}}.items():
            rows[name] = previews.through(made, pixels)
            advance()
    drawn = previews.figure(rows, chosen["family"].tolist())
    with files.atomic(folder / PREVIEW) as stream:
        stream.write(drawing.png(drawn))
    about = {name: registry.summary(registry.load("raravis.augmentations", name, "pipeline")) for name in names}
    page.write(
        folder / REPORT,
        title="Augmentations on your images",
        lead=f"{len(single)} layers and {len(names)} pipelines, each drawn once on {len(pixels)} images.",
        sections=[
            Section("Pipelines", [Table(pd.DataFrame({"pipeline": list(about), "what it is": list(about.values())}))]),
            Section(
                "On your images",
                [Picture(drawing.jpeg(drawn), _PREVIEW, "Rows of images, one a layer"), *credits.blocks(chosen)],
            ),
        ],
    )
    figures = {"layers": len(single), "pipelines": len(names), "images": len(pixels)}
    return Outcome("augment preview", folder, figures, found.unreadable, found.notes, folder / PREVIEW)


def compare(
    data: str,
    *,
    out: str | Path,
    pipelines: Sequence[str] | str | None = None,
    repeats: int = 3,
    split: str | Path | None = None,
    set: Sequence[str] | Mapping[str, Any] = (),
    resume: bool = False,
    path_column: str | None = None,
    label_column: str | None = None,
    root: str | Path | None = None,
    seed: int = 0,
    quiet: bool = False,
) -> Outcome:
    """Train the study's small CNN once a pipeline and repeat, all else equal; test images are not touched.

    Writes `runs/PIPELINE-REPEAT/`, `comparison.csv`, `comparison.json`, `comparison.png` and `report.html`.

    Args:
        data: folder, table, `rare-species` or `bestiary`.
        out: the folder to write into.
        pipelines: names of `raravis augmentations`, or one text with commas; all when not given.
        repeats: trainings a pipeline; repeat r has seed + r.
        split: a `split.csv`; by the recipe's `[split]` table and `seed` when not given. All trainings share it.
        set: changes to the recipe `small_cnn`, `section.field=value` each, or a mapping.
        resume: go on with what `out` holds; without anything there, begin.
        path_column: column of a table that holds file paths.
        label_column: column of a table that holds labels.
        root: folder that paths in a table are relative to.
        seed: of the split and of the first repeat.
        quiet: no progress.

    Raises:
        UsageError: no such pipeline, or no repeat.
        RecipeError: `set` is not understood.
        RunError: `out` holds a comparison and `resume` is not set, or it is another one.
        DataError: there is nothing to learn from.
        StorageError: `out` cannot be written.
    """
    names = _names(pipelines)
    if repeats < 1:
        raise UsageError(f"--repeats {repeats} trains nothing; a number from 1 was expected.")
    base = recipe.load(RECIPE, set, seed=seed)
    folder = files.folder(out)
    plan: dict[str, Any] = {"recipe": base.model_dump(mode="json"), "repeats": repeats}
    see(folder / PLAN, plan, work="comparison", resume=resume)
    images = opened(_request(data, path_column, label_column, root), base, split, quiet=quiet)
    plan["split_digest"] = images.about["split_digest"]
    claim(folder / PLAN, plan, work="comparison", resume=resume)
    rows = []
    with progress.bar("Comparing", len(names) * repeats, quiet=quiet, unit="trainings") as advance:
        for repeat in range(repeats):  # one round of all pipelines after the other: a kill leaves whole rounds
            for name in names:
                wanted = _trained(base, name, seed + repeat)
                place = folder / RUNS / f"{name}-{repeat + 1}"
                judged = trial(place, wanted, images.images, images.table, images.about)
                engine.keras().backend.clear_session()
                row = {f"{side}_{key}": judged[side][key] for side in ("train", "val") for key in _KEPT}
                rows.append({"pipeline": name, "repeat": repeat + 1, **row, "seconds": judged["seconds"]})
                advance(note=f"{name}: validation accuracy {judged['val']['accuracy']:.3f}")
    trials = pd.DataFrame(rows)
    table = repeated.summary(trials, by="pipeline", sides=("train", "val"))
    table.insert(2, "interval", "95% t over repeats" if repeats > 1 else "95% Wilson over images")
    drawn = repeated.figure(table, by="pipeline")
    with files.atomic(folder / "trials.csv") as stream:
        trials.to_csv(stream, index=False, lineterminator="\n")
    with files.atomic(folder / "comparison.csv") as stream:
        table.to_csv(stream, index=False, lineterminator="\n")
    shown = drawing.save(drawn, folder / "comparison.png")
    figures = {
        "best": str(table["pipeline"].iloc[0]),
        "trainings": len(trials),
        "split_digest": images.about["split_digest"],
        "pipelines": table.to_dict("records"),
    }
    files.write_json(folder / "comparison.json", figures)
    page.write(
        folder / REPORT,
        title="Augmentations compared",
        lead=_lead(table, base, repeats),
        sections=[
            Section("Accuracy", [Picture(shown, _HOW, _alt(table)), Table(_shown(table), _intervals(repeats))]),
            Section("Every training", [Table(trials.rename(columns=lambda name: name.replace("_", " ")))]),
            Section("Conditions", [Facts(_conditions(images.about, repeats)), Code(base.toml())]),
            Section("What this cannot tell", [Text(_LIMITS)]),
        ],
    )
    notes = (*images.found.notes, *images.images.notes)
    return Outcome("augment compare", folder, figures, images.found.unreadable, notes, folder / REPORT)


_KEPT: Final = ("n", "accuracy", "macro_f1", "loss")


def _names(pipelines: Sequence[str] | str | None) -> list[str]:
    """The pipelines asked for, once each.

    Raises:
        UsageError: one does not exist.
    """
    known = registry.names("raravis.augmentations")
    if pipelines is None:
        return known
    asked = pipelines.split(",") if isinstance(pipelines, str) else list(pipelines)
    for name in asked:
        if name not in known:
            raise UsageError(unknown("augmentation pipeline", name, known))
    return list(dict.fromkeys(asked))


def _request(data: str, path_column: str | None, label_column: str | None, root: str | Path | None) -> Request:
    return Request(str(data), path_column, label_column, None if root is None else Path(root))


def _trained(base: Recipe, pipeline: str, seed: int) -> Recipe:
    table = base.model_dump(mode="json", exclude_none=True)
    return recipe.validate({**table, "augment": {**table["augment"], "pipeline": pipeline}, "seed": seed}, RECIPE)


def _lead(table: pd.DataFrame, base: Recipe, repeats: int) -> str:
    best = table.iloc[0]
    near = table.index[1:][table["val_accuracy_high"].iloc[1:] >= best["val_accuracy_low"]]
    others = "one other pipeline overlaps" if len(near) == 1 else f"{len(near)} other pipelines overlap"
    rivals = f" The interval of {others} its own." if len(near) else ""
    return (
        f"{len(table)} pipelines, {repeats} training{'s' if repeats > 1 else ''} each of {base.train.epochs} epochs at "
        f"{base.data.size} px. Best on validation: {best['pipeline']}, accuracy {best['val_accuracy']:.3f}.{rivals}"
    )


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    """The table as a person reads it."""
    columns: dict[str, Any] = {"pipeline": table["pipeline"], "repeats": table["repeats"]}
    for side, word in (("train", "training"), ("val", "validation")):
        low, high = table[f"{side}_accuracy_low"], table[f"{side}_accuracy_high"]
        columns[word] = table[f"{side}_accuracy"]
        columns[f"{word}, 95%"] = [f"{a:.3f}\u00a0to\u00a0{b:.3f}" for a, b in zip(low, high, strict=True)]
    columns["gap"] = table["train_accuracy"] - table["val_accuracy"]
    return pd.DataFrame(columns)


def _conditions(about: Mapping[str, Any], repeats: int) -> dict[str, Any]:
    return {"repeats": repeats, "split": (about["split_digest"][:12], "digest of split.csv")}


def _alt(table: pd.DataFrame) -> str:
    return "; ".join(
        f"{row['pipeline']}: train {row['train_accuracy']:.3f}, validation {row['val_accuracy']:.3f}"
        for row in table.to_dict("records")
    )


def _intervals(repeats: int) -> str:
    if repeats > 1:
        return (
            f"Mean accuracies of {repeats} trainings with 95% t intervals: where the mean of many trainings on this "
            "split lies. What other images would change is not in them."
        )
    return (
        "Accuracies of one training each with 95% Wilson intervals: what other images would change. What another "
        "training would change is not in them."
    )


_PREVIEW: Final = "Each image is drawn once a row; half of the layers leave some images as they are."
_HOW: Final = (
    "Points are accuracies without augmentation, lines their 95% intervals. A pipeline that narrows the gap between "
    "training and validation holds the network back from learning by heart."
)
_LIMITS: Final = (
    "The network is small and the training short. A strong pipeline that slows learning down may still win with a "
    "larger network and more epochs."
)
