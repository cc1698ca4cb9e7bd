"""The recipe `best` becomes a recipe that states everything: by trials on the images at hand, within some minutes."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from raravis import backbones, files, progress
from raravis import recipe as recipes
from raravis.errors import DataError
from raravis.models import patches
from raravis.models.probe import AT_HAND, Options, Source
from raravis.recipe import Recipe
from raravis.run import MEMBERS, TRIED, Run
from raravis.runtimes.keras import accelerated
from raravis.verbs._training import terminable, tidy, worked

if TYPE_CHECKING:
    from raravis.data.pixels import PixelStore
    from raravis.learn.fit import Part
    from raravis.verbs._labelled import Labelled

MINUTES = 30.0
"""For the trials, where nothing else is said."""

_LOOKED_INTO = "RARAVIS_WEIGHTS names the folder that is looked into"

_FEWEST, _MOST = 3, 8
"""Epochs of fine-tuning that are worth the time."""

_SCRATCH = "modern_cnn_large"
"""What is trained by the epoch on accelerators where no backbone is at hand."""

_TUNED = "finetuned", "finetuned_2"
"""Folders of the members that are fine-tuned."""


def undecided(wanted: Recipe) -> bool:
    """Whether a recipe leaves open what it trains."""
    return isinstance(wanted.model, Options) and any(source.name == AT_HAND for source in wanted.model.backbones)


def laid_out(
    out: Path,
    wanted: Recipe,
    images: Labelled,
    parts: Mapping[str, Part],
    split: bytes,
    about: Mapping[str, Any],
    *,
    families: int,
    minutes: float,
    quiet: bool,
) -> Run:
    """The run of a recipe that is `undecided`: what was chosen, or that fused with networks tuned in the time left.

    They are joined where val gains by it.

    The members of the latter are runs of their own below `out`, so that a kill loses none that was finished; where they
    lie already, their recipes hold.

    Args:
        out: the run folder.
        wanted: the recipe.
        images: of train and val.
        parts: `train` and `val`.
        split: the text of `split.csv`.
        about: the environment of the run.
        families: K.
        minutes: for trials and fine-tuning together.
        quiet: no progress.

    Raises:
        DataError: nothing could be tried within the time.
    """
    end = time.monotonic() + 60 * minutes
    probe, *tuned = (out / MEMBERS / name for name in ("probe", *_TUNED))
    if Run.is_run(probe):
        chosen, tried, why = _chosen_before(probe)
    else:
        chosen, tried, why = decided(wanted, images.store, parts, families=families, minutes=minutes, quiet=quiet)
    table, further = tried.to_csv(index=False, lineterminator="\n"), []
    if Run.is_run(tuned[0]):
        further = [Run.open(folder).recipe for folder in tuned if Run.is_run(folder)]
    elif isinstance(chosen.model, Options) and not isinstance(chosen.model, patches.Options):
        counts = {side: len(part.rows) for side, part in parts.items()}
        further = finetuning(chosen, **counts, families=families, minutes=(end - time.monotonic()) / 60)
    if further:
        names = " and ".join(str(getattr(one.model, "backbone", one.model.name)) for one in further)
        epochs = further[0].finetune.epochs
        progress.say(f"Fine-tuning {names} for {epochs} epochs in the time that is left…", quiet=quiet)
        files.write_text(files.folder(probe) / TRIED, table)
        _finish(probe, chosen, split, {**about, "chosen": {"minutes": minutes, "why": why}}, images, parts, quiet)
        planned = list(zip(tuned, further, strict=False))
        for folder, recipe in reversed(planned):  # the first one says that the plan is whole
            _begun(folder, recipe, split, about)
        for folder, recipe in planned:
            _finish(folder, recipe, split, about, images, parts, quiet)
        members = [probe, *(folder for folder, _ in planned)]
        alone, together = _on_val(members, images, parts, chosen)
        why += f" In the time left {names} {'was' if len(further) == 1 else 'were'} fine-tuned for {epochs} epochs too"
        told = f"they reach {together:.3f} on val, what was chosen before {alone:.3f}"
        if together > alone:
            square = {f"data.{field}": value for field, value in chosen.data.model_dump().items()}
            given = {**square, "model.members": list(map(str, members))}
            chosen = recipes.load("fused", given, seed=wanted.seed)
            why += f" and all are joined, as val weighs them (heads.csv): {told}."
        else:
            why += f" and left out: joined as val weighs them {told}."
    run = Run.create(out, chosen, split, {**about, "chosen": {"minutes": minutes, "why": why}})
    files.write_text(out / TRIED, table)
    return run


def _on_val(
    members: Sequence[Path], images: Labelled, parts: Mapping[str, Part], chosen: Recipe
) -> tuple[float, float]:
    """By the objective of what was chosen: that alone, and all members together."""
    from raravis.learn import fused  # loads Keras, so only when there is work

    assert isinstance(chosen.model, Options)
    ids = images.store.ids(parts["val"].rows)
    runs = [Run.open(folder) for folder in members]
    return fused.compared(runs, parts["val"].classes, ids, objective=chosen.model.objective)


def _chosen_before(probe: Path) -> tuple[Recipe, pd.DataFrame, str]:
    """What `decided` said before an interruption."""
    run = Run.open(probe)
    return run.recipe, pd.read_csv(probe / TRIED), run.environment["chosen"]["why"]


def _finish(
    folder: Path,
    recipe: Recipe,
    split: bytes,
    about: Mapping[str, Any],
    images: Labelled,
    parts: Mapping[str, Part],
    quiet: bool,
) -> None:
    """A member's run, begun or gone on with, up to its end."""
    run = _begun(folder, recipe, split, about)
    with run.exclusive():
        if run.status["state"] != "finished":
            worked(run, images, parts, trusted=False, quiet=quiet)
        tidy(run)


def _begun(folder: Path, recipe: Recipe, split: bytes, about: Mapping[str, Any]) -> Run:
    """A member's run, as it lies there or new."""
    return Run.open(folder) if Run.is_run(folder) else Run.create(folder, recipe, split, dict(about))


def decided(
    wanted: Recipe,
    pictures: PixelStore,
    parts: Mapping[str, Part],
    *,
    families: int,
    minutes: float,
    quiet: bool,
) -> tuple[Recipe, pd.DataFrame, str]:
    """What is to be trained: a probe on the best backbones at hand; from scratch where there are none.

    From scratch, `patches` is the best that was measured on processors, and takes minutes; on an accelerator there is
    time for the many epochs of `modern_cnn_large`.

    Args:
        wanted: a recipe that is `undecided`.
        pictures: holds the images of `parts`.
        parts: `train` and `val`.
        families: K.
        minutes: for the trials, or for training from scratch.
        quiet: no progress.

    Returns:
        The recipe, what was tried, and why it was chosen, in one sentence.

    Raises:
        DataError: nothing could be tried within the time.
    """
    from raravis.learn import best  # loads Keras, so only when there is work

    assert isinstance(wanted.model, Options)
    names = backbones.at_hand()
    if not names:
        train, val = (len(parts[side].rows) for side in ("train", "val"))
        if accelerated():
            return _modern(wanted, train, val, families, minutes)
        return _patches(wanted, train, val, minutes)
    progress.say(f"At hand: {', '.join(names)}. Trying them for up to {minutes:g} minutes…", quiet=quiet)
    with terminable():
        found = best.choose(
            wanted.model, names, pictures, parts, families=families, minutes=minutes, seed=wanted.seed, quiet=quiet
        )
    if found is None:
        raise DataError(
            f"None of the backbones at hand ({', '.join(names)}) could embed the images within {minutes:g} minutes.\n"
            "Give more with --minutes, or train a network from scratch: --recipe patches."
        )
    return wanted.model_copy(update={"model": found.options}), found.tried, found.why


def finetuning(probe: Recipe, *, train: int, val: int, families: int, minutes: float) -> list[Recipe]:
    """The best backbones of a probe, to be fine-tuned for as many epochs as there is time; [] if for too few.

    Two backbones for a few epochs go before one for many: the mistakes of another network are other mistakes, and on
    few images more epochs teach little.

    Args:
        probe: whose first backbones are the best single ones.
        train: images to learn from.
        val: images to judge by.
        families: K.
        minutes: that are left, by the time that the steps take here.
    """
    from raravis.study import estimate  # loads Keras, so only when there is work

    assert isinstance(probe.model, Options)
    sources = list({source.name: source for source in probe.model.backbones}.values())[: len(_TUNED)]
    images = {"train": train, "val": val, "test": 0}
    steps = [estimate.measure(_tuned(probe, source, _FEWEST), families) for source in sources]
    for count in range(len(sources), 0, -1):
        for epochs in range(_MOST, _FEWEST - 1, -1):
            made = [_tuned(probe, source, epochs) for source in sources[:count]]
            needed = sum(estimate.seconds(own, one, images, train) for own, one in zip(steps, made, strict=False))
            if needed <= 60 * minutes:
                return made
    return []


def _tuned(probe: Recipe, source: Source, epochs: int) -> Recipe:
    """`finetuned` of a backbone of a probe, on the same images."""
    changes = {
        "model.backbone": source.name,
        "model.weights": source.weights,
        "data.size": probe.data.size,
        "data.fit": probe.data.fit,
        "train.loss": "balanced_softmax",
        "finetune.epochs": epochs,
    }
    return recipes.load("finetuned", changes, seed=probe.seed)


def _patches(wanted: Recipe, train: int, val: int, minutes: float) -> tuple[Recipe, pd.DataFrame, str]:
    """`patches`, where the minutes allow its passes by the time that they take here."""
    from raravis.learn.patches import seconds

    scratch = recipes.load("patches", seed=wanted.seed)
    assert isinstance(scratch.model, patches.Options)
    needed = seconds(scratch.model, size=scratch.data.size, train=train, val=val)
    if needed > 60 * minutes:
        raise DataError(_short(f"filters from scratch take about {needed / 60:.1f} minutes"))
    row = {"trial": "patches", "accuracy": None, "macro_f1": None, "verdict": "kept", "seconds": 0.0}
    why = "Chosen: patches, from scratch, the best without weights on a processor; no backbone's weights are at hand"
    return scratch, pd.DataFrame([row]), f"{why} ({_LOOKED_INTO})."


def _short(what: str) -> str:
    return (
        f"No backbone's weights are at hand, and {what}.\n"
        "Give more with --minutes, or put weights into the folder that RARAVIS_WEIGHTS names."
    )


def _modern(wanted: Recipe, train: int, val: int, families: int, minutes: float) -> tuple[Recipe, pd.DataFrame, str]:
    """`modern_cnn_large`, for as many epochs as the minutes allow by the time that its steps take here."""
    from raravis.study import estimate

    scratch = recipes.load(_SCRATCH, seed=wanted.seed)
    images = {"train": train, "val": val, "test": 0}
    steps = estimate.measure(scratch, families)
    least = max(len(scratch.train.sizes), int(scratch.train.warmup) + 1)
    one, two = (
        estimate.seconds(steps, recipes.load(_SCRATCH, {"train.epochs": n, "train.sizes": []}), images, train)
        for n in (least, least + 1)
    )
    epochs = int(min(scratch.train.epochs, least + (60 * minutes - one) / (two - one)))
    if epochs < least:
        raise DataError(_short(f"{least} epochs from scratch take about {one / 60:.0f} minutes"))
    chosen = recipes.load(_SCRATCH, {"train.epochs": epochs}, seed=wanted.seed)
    why = (
        f"Chosen: {_SCRATCH} from scratch for {epochs} epochs, which fit into {minutes:g} minutes; no backbone's "
        f"weights are at hand ({_LOOKED_INTO})."
    )
    row = {"trial": _SCRATCH, "accuracy": None, "macro_f1": None, "verdict": "kept", "seconds": 0.0}
    return chosen, pd.DataFrame([row]), why
