"""What every verb that trains does around it: divide the data, recognise a run, keep its status true, tidy up."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from scipy.special import softmax

from raravis import files, fingerprint
from raravis.data import audit
from raravis.data import split as splits
from raravis.data.catalogue import Catalogue
from raravis.errors import RunError, StorageError
from raravis.judge.crossed import Said
from raravis.judge.crossed import save as keep_crossed
from raravis.recipe import Recipe
from raravis.run import CHECKPOINT, CROSSED, MODEL, TRUST, Run, State, save_model
from raravis.verbs import _judged

if TYPE_CHECKING:
    from raravis.learn.fit import Fitted, Part
    from raravis.verbs._labelled import Labelled


def divided(found: Catalogue, wanted: Recipe) -> pd.DataFrame:
    """The split of DATA that a recipe's `[split]` table and seed make."""
    return splits.assign(
        found.readable,
        audit.together(found.readable),
        policy=wanted.split.policy,
        fractions=wanted.split.fractions,
        seed=wanted.seed,
    ).table


def begun(out: Path, wanted: Recipe, split: str | Path | None) -> Run:
    """The run in `out`, which must be of this recipe, and of the split in the file `split` if one is given.

    Raises:
        RunError: it is of another; what differs is named.
    """
    run, wanted = Run.open(out), wanted.canonical()
    if run.recipe != wanted:
        before, now = (pd.json_normalize(r.model_dump(mode="json")).iloc[0] for r in (run.recipe, wanted))
        keys = sorted({*before.index, *now.index})
        changed = [k for k in keys if str(before.get(k)) != str(now.get(k))]
        raise RunError(
            f"The run in {out} has another recipe ({', '.join(changed)}).\nChoose another --out for this one."
        )
    if split is not None and splits.digest(splits.read(Path(split))) != run.environment["split_digest"]:
        raise RunError(f"The run in {out} was begun with another split than {split}.\nChoose another --out.")
    return run


def fitted(run: Run, images: Labelled, parts: Mapping[str, Part], *, quiet: bool) -> Fitted:
    """Fit the run's recipe in the way of its model: by the epoch, on features computed once, or from finished runs."""
    from raravis.learn import fit, fused, probe, zero_shot  # loads Keras, so only when there is work
    from raravis.models import fused as pools
    from raravis.models import probe as probes
    from raravis.models import zero_shot as readers

    options = run.recipe.model
    if isinstance(options, probes.Options):
        return probe.fit(run, options, images.store, parts, quiet=quiet)
    if isinstance(options, readers.Options):
        lineages = {family: images.lineages[family] for family in run.families}
        return zero_shot.fit(run, options, images.store, parts, lineages, quiet=quiet)
    if isinstance(options, pools.Options):
        image_ids = {side: images.store.ids(part.rows) for side, part in parts.items()}
        return fused.fit(run, options, parts, image_ids)
    return fit.fit(run, images.store, parts, quiet=quiet)


def worked(
    run: Run, images: Labelled, parts: Mapping[str, Part], *, trusted: bool = True, quiet: bool
) -> tuple[str, ...]:
    """Train a run and judge it, with a status that always tells the truth; what is to be noted.

    Args:
        run: held exclusively.
        images: of train and val.
        parts: the same as numbers.
        trusted: calibrate it, and fit what says how far it may be believed; a member of another run needs neither.
        quiet: no progress.
    """
    from raravis.learn import trust as trusting  # loads Keras, so only when there is work

    notes: tuple[str, ...] = ()
    with truthful(run):
        made = fitted(run, images, parts, quiet=quiet)
        if trusted:
            made, trust = trusting.fit(run, made, images.store, parts, images.lineages, quiet=quiet)
            notes = (*trust.notes, *trust.shortfalls())
        save_model(made.model, run.path / MODEL)
        if trusted:
            replace(trust, network=fingerprint.saved(run.path / MODEL)).save(run.path / TRUST)
        given = {side: softmax(values, axis=1) for side, values in made.logits.items()}
        crossed = {way: (classes, softmax(values, axis=1)) for way, (classes, values) in made.crossed.items()}
        said = {way: Said(tuple(images.store.ids(made.held[way])), values) for way, (_, values) in crossed.items()}
        keep_crossed(run.path / CROSSED, said)
        _judged.keep(run, images, given, seed=run.recipe.seed, crossed=crossed)
    return (*images.notes, *made.notes, *notes)


def learned_from_val(recipe: Recipe) -> bool:
    """Whether the network learned from val too, so that it cannot be judged there."""
    return getattr(recipe.model, "learn_from", "train") == "train+val"


@contextmanager
def truthful(run: Run) -> Iterator[None]:
    """Train within: the run's status says `running`, then `finished`, or what went wrong."""
    run.set_status("running")
    try:
        with terminable():
            yield
    except BaseException as error:
        state: State = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
        with suppress(StorageError):  # on a full disk the first error is the one to tell
            run.set_status(state, message=str(error))
        raise
    run.set_status("finished")


def tidy(run: Run) -> None:
    """Remove what only an unfinished run needs."""
    kept = run.path / CHECKPOINT
    with files.storage(kept):
        if kept.is_dir():
            shutil.rmtree(kept)


@contextmanager
def terminable() -> Iterator[None]:
    """Let a polite request to end (SIGTERM) be what Ctrl-C is, where this thread may say so."""

    def end(number: int, frame: object) -> None:
        raise KeyboardInterrupt("asked to end")

    try:
        before = signal.signal(signal.SIGTERM, end)
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
