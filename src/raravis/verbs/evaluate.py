"""`raravis evaluate`: a run is judged on images that it did not learn from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from raravis import files
from raravis.data import catalogue
from raravis.data.catalogue import Catalogue
from raravis.data.sources import Request
from raravis.errors import DataError, UsageError
from raravis.judge import trusted
from raravis.judge.logits import softmax
from raravis.judge.novelty import Seen
from raravis.judge.strangers import Strangers
from raravis.lineages import Taxonomy
from raravis.outcome import Outcome
from raravis.run import METRICS, REPORT, Run
from raravis.verbs import _environment, _judged
from raravis.verbs._labelled import Labelled, labelled
from raravis.verbs._training import learned_from_val

NOVEL: Final = "novel"
"""The side of a split that holds families which the network does not know."""


def evaluate(
    run: str | Path,
    *,
    split: str = "test",
    data: str | None = None,
    path_column: str | None = None,
    label_column: str | None = None,
    root: str | Path | None = None,
    accept: float | None = None,
    coverage: float | None = None,
    right: float | None = None,
    familiar: float | None = None,
    seed: int = 0,
    quiet: bool = False,
) -> Outcome:
    """Judge a finished run on one side of its split, or on other images of the families that it knows.

    Images of families that the run does not know, of the side `novel` of its split (judged with `test`) or of `data`,
    tell how well it notices new animals.

    When none of the images of `data` stands in the run's split, all of them are new to it: they are judged, and the
    result is kept in a folder of its own below the run, `evaluations/NAME-DIGEST/`. The run's own files stay.

    Args:
        run: the run folder.
        split: `val` or `test`, of the run's own split.
        data: where the images are now, or other images; those that the run was made of when not given.
        path_column: column of a table that holds file paths.
        label_column: column of a table that holds labels.
        root: folder that paths in a table are relative to.
        accept: judge how the promise is kept that what is called identified is right this often; see `predict`.
        coverage: the same of prediction sets.
        right: the same of taxa.
        familiar: the same of known animals that pass as familiar.
        seed: of the bootstrap.
        quiet: no progress.

    Raises:
        RunError: the run is not finished or damaged.
        DataError: there is nothing to judge on.
        UsageError: `split` is neither `val` nor `test`, or a promise is no share, or of a run that has nothing to base
            it on.
    """
    if split not in ("val", "test"):
        told = "; its novel images are judged with test" if split == "novel" else ""
        raise UsageError(f"--split {split!r} was not understood; val or test was expected{told}.")
    asked = {"accept": accept, "coverage": coverage, "right": right, "familiar": familiar}
    promises = {name: value for name, value in asked.items() if value is not None}
    opened = Run.open(run)
    if data is None:
        request = _environment.request_of(opened.environment)
    else:
        request = Request(str(data), path_column, label_column, None if root is None else Path(root))
    found = catalogue.read(request, quiet=quiet)
    own = opened.split
    if found.readable["image_id"].isin(own["image_id"]).any():
        return _own(opened, found, own, split, promises, seed, quiet)
    return _other(opened, found, promises, seed, quiet)


Promises = Mapping[str, float]


def _own(
    run: Run, found: Catalogue, own: pd.DataFrame, split: str, promises: Promises, seed: int, quiet: bool
) -> Outcome:
    if split == "val" and learned_from_val(run.recipe):
        if promises:
            raise UsageError(
                f"--{next(iter(promises))} cannot be judged on val: the head learned from it too.\nJudge on test."
            )
        judged = _judged.metrics_in(run.path)["val"]
        return _outcome(run.path, judged, split, found, (_CROSSED,))
    sides = (split, NOVEL) if split == "test" else (split,)
    images = labelled(found, own, run.recipe.data, sides, quiet=quiet)
    taught = _judged.examples(run, found, quiet=quiet)
    with run.exclusive():
        probabilities, trial = _answers(run, images, split, promises, quiet)
        _judged.keep(run, images, {split: probabilities}, seed=seed, trial=trial, taught=taught)
    notes = [*images.notes, *_told(images, trial)]
    if strange := int((~found.readable["image_id"].isin(own["image_id"])).sum()):
        notes.append(f"{strange} images are none of the run's own; they are not judged. Give them alone to judge them.")
    return _outcome(run.path, _judged.metrics_in(run.path)[split], split, found, tuple(notes))


_CROSSED = (
    "The head learned from val too: its figures there are those of the cross-validation, of heads that had not seen "
    "the image. They are not measured again."
)


def _other(run: Run, found: Catalogue, promises: Promises, seed: int, quiet: bool) -> Outcome:
    known = found.readable["family"].isin(run.families)
    if not known.any():
        raise DataError(
            f"None of the {found.readable['family'].nunique()} families of {found.root} is one that the run knows.\n"
            f"It knows: {', '.join(run.families[:8])}{' …' if len(run.families) > 8 else ''}."
        )
    table = found.readable[["image_id", "file_path", "family"]].assign(split=known.map({True: "test", False: NOVEL}))
    images = labelled(found, table, run.recipe.data, ("test", NOVEL), quiet=quiet)
    out = files.folder(run.path / "evaluations" / f"{found.root.name}-{found.digest[:8]}")
    probabilities, trial = _answers(run, images, "test", promises, quiet)
    _judged.keep(run, images, {"test": probabilities}, seed=seed, out=out, trial=trial)
    notes = (*images.notes, *_told(images, trial))
    return _outcome(out, _judged.metrics_in(out)["test"], "test", found, notes)


def _answers(
    run: Run, images: Labelled, side: str, promises: Promises, quiet: bool
) -> tuple[NDArray[np.float32], trusted.Trial | None]:
    """Probabilities of one side, and how far they may be believed, of new animals too where there are some."""
    from raravis.learn.features import seen  # loads Keras, so only when there is work

    model, trust = run.load_model(), run.load_trust()
    if trust is None and promises:
        raise UsageError(
            f"{run.path} holds nothing to base --{next(iter(promises))} on.\nTrain it again, or leave the option out."
        )
    trust = trust and trust.asked(**promises)
    table, strange = images.of(side), images.of(NOVEL if trust else "")
    ids = [*table["image_id"], *strange["image_id"]]
    found, count = seen(run.recipe, model, images.store, ids, quiet=quiet), len(table)
    probabilities = np.asarray(softmax(found.logits[:count]), np.float32)
    if trust is None:
        return probabilities, None
    new = None
    if len(strange):
        verdicts = trust.judge(Seen(found.features[count:], found.logits[count:]))
        names = tuple(map(str, strange["family"]))
        lineages, _ = Taxonomy.of(sorted(set(names)), images.lineages)
        new = Strangers(verdicts, names, lineages.lineages)
    own = Seen(found.features[:count], found.logits[:count])
    classes = np.asarray(pd.Index(run.families).get_indexer(pd.Index(table["family"])), np.int64)
    return probabilities, trusted.Trial(trust, trust.judge(own), classes, own.logits, side == "val", new)


def _told(images: Labelled, trial: trusted.Trial | None) -> tuple[str, ...]:
    """Notes on new animals, and on what was asked and cannot be promised."""
    strange = images.of(NOVEL)
    notes = () if trial is None else trial.trust.shortfalls()
    if strange.empty:
        return notes
    told = f"{len(strange)} images are of families that the run does not know"
    if trial is None or trial.new is None:
        return (*notes, f"{told}; they are not judged.")
    share = float((trial.new.verdicts.verdict == 2).mean())
    return (*notes, f"{told}: {share:.0%} of them are called unfamiliar (trust.novel in {METRICS}).")


def _outcome(out: Path, judged: dict[str, Any], split: str, found: Catalogue, notes: tuple[str, ...]) -> Outcome:
    figures: dict[str, Any] = {"split": split, **judged}
    new = judged.get("trust", {}).get("novel")
    if new is not None:
        figures["novel_auroc"] = new["auroc"]
    return Outcome("evaluate", out, figures, found.unreadable, (*found.notes, *notes), out / REPORT)
