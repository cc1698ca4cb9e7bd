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
from raravis.verbs import _scratch
from raravis.verbs._asked import alike, asked
from raravis.verbs._training import terminable, tidy, worked

if TYPE_CHECKING:
    from raravis.data.pixels import PixelStore
    from raravis.learn.fit import Part
    from raravis.verbs._labelled import Labelled

MINUTES = 30.0
"""For the trials, where nothing else is said."""

_FEWEST, _MOST = 3, 8
"""Epochs of fine-tuning that are worth the time."""

_FIRST = "probe", patches.NAME
"""Folders of the member that was chosen before the others: of its model's name."""

_TUNED = "finetuned", "finetuned_2"
"""Folders of the members that are fine-tuned."""


def undecided(wanted: Recipe) -> bool:
    """Whether a recipe leaves open what it trains."""
    return isinstance(wanted.model, Options) and any(source.name == AT_HAND for source in wanted.model.backbones)


def sized(out: Path, wanted: Recipe) -> Recipe:
    """The same recipe with the size of images that an earlier start in `out`, or networks from scratch, ask for."""
    if (first := _first(out)) is not None:
        return wanted.model_copy(update={"data": Run.open(first).recipe.data})
    return wanted if backbones.at_hand() else _scratch.sized(wanted)


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
    """The run of a recipe that is `undecided`: what was chosen, or that fused with networks taught in the time left.

    Those are fine-tuned, or trained from scratch where no weights are at hand. They are joined where val gains by it.

    The members of the latter are runs of their own below `out`, so that a kill loses none that was finished; where they
    lie already, their recipes hold.

    Args:
        out: the run folder.
        wanted: the recipe, `sized`.
        images: of train and val.
        parts: `train` and `val`.
        split: the text of `split.csv`.
        about: the environment of the run.
        families: K.
        minutes: for trials and further networks together.
        quiet: no progress.

    Raises:
        DataError: nothing could be tried within the time.
    """
    end = time.monotonic() + 60 * minutes
    if (first := _first(out)) is not None:
        chosen, tried, why = _chosen_before(first)
    else:
        chosen, tried, why = decided(wanted, images.store, parts, families=families, minutes=minutes, quiet=quiet)
        first = out / MEMBERS / chosen.model.name
    scratch = isinstance(chosen.model, patches.Options)
    others = [out / MEMBERS / name for name in (_scratch.FOLDERS if scratch else _TUNED)]
    if Run.is_run(others[0]):
        further = [Run.open(folder).recipe for folder in others if Run.is_run(folder)]
    else:
        counts = {side: len(part.rows) for side, part in parts.items()}
        plan = _scratch.further if scratch else finetuning
        further = plan(chosen, **counts, families=families, minutes=(end - time.monotonic()) / 60)
    if further:
        names = " and ".join(str(getattr(one.model, "backbone", one.model.name)) for one in further)
        doing, done = ("Training", "trained") if scratch else ("Fine-tuning", "fine-tuned")
        epochs = further[0].train.epochs if scratch else further[0].finetune.epochs
        progress.say(f"{doing} {names} for {epochs} epochs in the time that is left…", quiet=quiet)
        files.write_text(files.folder(first) / TRIED, _text(tried))
        _finish(first, chosen, split, {**about, "chosen": {"minutes": minutes, "why": why}}, images, parts, quiet)
        planned = list(zip(others, further, strict=False))
        for folder, recipe in reversed(planned):  # the first one says that the plan is whole
            _begun(folder, recipe, split, about)
        for folder, recipe in planned:
            _finish(folder, recipe, split, about, images, parts, quiet)
        members = [first, *(folder for folder, _ in planned)]
        alone, together = _on_val(members, images, parts, chosen)
        if scratch:
            tried = _scratch.judged(members, joined=together > alone)
        why += f" In the time left {names} {'was' if len(further) == 1 else 'were'} {done} for {epochs} epochs too"
        told = f"they reach {together:.3f} on val, what was chosen before {alone:.3f}"
        if together > alone:
            chosen = _fused(wanted, chosen, members)
            why += f" and all are joined, as val weighs them (heads.csv): {told}."
        else:
            why += f" and left out: joined as val weighs them {told}."
    elif scratch:
        why += f" Nothing else was tried: {minutes:g} minutes have no room for a network by the epoch beside it."
    run = Run.create(out, chosen, split, {**about, "chosen": {"minutes": minutes, "why": why}})
    files.write_text(out / TRIED, _text(tried))
    return run


def _first(out: Path) -> Path | None:
    """The member that was chosen first by an earlier start in `out`."""
    return next((folder for name in _FIRST if Run.is_run(folder := out / MEMBERS / name)), None)


def _fused(wanted: Recipe, chosen: Recipe, members: Sequence[Path]) -> Recipe:
    """Members joined for what the user wanted, on images as they saw them."""
    assert isinstance(chosen.model, Options)
    given = {key: value for key, value in asked(wanted).items() if not key.startswith("model.")}
    given |= {f"data.{field}": value for field, value in chosen.data.model_dump().items()}
    joint = {"model.members": list(map(str, members)), "model.objective": chosen.model.objective}
    return recipes.load("fused", {**given, **joint}, seed=wanted.seed)


def _text(tried: pd.DataFrame) -> str:
    return tried.to_csv(index=False, lineterminator="\n")


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
    """What is to be trained: a probe on the best backbones at hand; `patches`, from scratch, where there are none.

    Args:
        wanted: a recipe that is `undecided`.
        pictures: holds the images of `parts`.
        parts: `train` and `val`.
        families: K.
        minutes: for the trials.
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
        return _scratch.chosen(wanted, len(parts["train"].rows), len(parts["val"].rows), minutes)
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
        **alike(probe),
        "model.backbone": source.name,
        "model.weights": source.weights,
        "train.loss": "balanced_softmax",
        "finetune.epochs": epochs,
    }
    return recipes.load("finetuned", changes, seed=probe.seed)
