"""`raravis evaluate`: a run is judged on images that it did not learn from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from scipy.special import softmax

from raravis import files
from raravis.data import catalogue
from raravis.data.catalogue import Catalogue
from raravis.data.sources import Request
from raravis.errors import DataError, UsageError
from raravis.judge.trust import Verdicts
from raravis.outcome import Outcome
from raravis.run import REPORT, Run
from raravis.verbs import _environment, _judged
from raravis.verbs._labelled import Labelled, labelled
from raravis.verbs._training import learned_from_val


def evaluate(
    run: str | Path,
    *,
    split: str = "test",
    data: str | None = None,
    path_column: str | None = None,
    label_column: str | None = None,
    root: str | Path | None = None,
    seed: int = 0,
    quiet: bool = False,
) -> Outcome:
    """Judge a finished run on one side of its split, or on other images of the families that it knows.

    When none of the images of `data` stands in the run's split, all of them are new to it: they are judged, and the
    result is kept in a folder of its own below the run, `evaluations/NAME-DIGEST/`. The run's own files stay.

    Args:
        run: the run folder.
        split: `val` or `test`, of the run's own split.
        data: where the images are now, or other images; those that the run was made of when not given.
        path_column: column of a table that holds file paths.
        label_column: column of a table that holds labels.
        root: folder that paths in a table are relative to.
        seed: of the bootstrap.
        quiet: no progress.

    Raises:
        RunError: the run is not finished or damaged.
        DataError: there is nothing to judge on.
        UsageError: `split` is neither `val` nor `test`.
    """
    if split not in ("val", "test"):
        raise UsageError(f"--split {split!r} was not understood; val or test was expected.")
    opened = Run.open(run)
    if data is None:
        request = _environment.request_of(opened.environment)
    else:
        request = Request(str(data), path_column, label_column, None if root is None else Path(root))
    found = catalogue.read(request, quiet=quiet)
    own = opened.split
    if found.readable["image_id"].isin(own["image_id"]).any():
        return _own(opened, found, own, split, seed, quiet)
    return _other(opened, found, seed, quiet)


def _own(run: Run, found: Catalogue, own: pd.DataFrame, split: str, seed: int, quiet: bool) -> Outcome:
    if split == "val" and learned_from_val(run.recipe):
        judged = _judged.metrics_in(run.path)["val"]
        return _outcome(run.path, judged, split, found, (_CROSSED,))
    images = labelled(found, own, run.recipe.data, (split,), quiet=quiet)
    with run.exclusive():
        probabilities, verdicts = _answers(run, images, split, quiet)
        _judged.keep(run, images, {split: probabilities}, seed=seed, verdicts=verdicts)
    notes = list(images.notes)
    if strange := int((~found.readable["image_id"].isin(own["image_id"])).sum()):
        notes.append(f"{strange} images are none of the run's own; they are not judged. Give them alone to judge them.")
    return _outcome(run.path, _judged.metrics_in(run.path)[split], split, found, tuple(notes))


_CROSSED = (
    "The head learned from val too: its figures there are those of the cross-validation, of heads that had not seen "
    "the image. They are not measured again."
)


def _other(run: Run, found: Catalogue, seed: int, quiet: bool) -> Outcome:
    known = found.readable["family"].isin(run.families)
    if not known.any():
        raise DataError(
            f"None of the {found.readable['family'].nunique()} families of {found.root} is one that the run knows.\n"
            f"It knows: {', '.join(run.families[:8])}{' …' if len(run.families) > 8 else ''}."
        )
    table = found.readable.loc[known, ["image_id", "file_path", "family"]].assign(split="test")
    images = labelled(found, table, run.recipe.data, ("test",), quiet=quiet)
    notes = list(images.notes)
    if strange := int((~known).sum()):
        notes.append(f"{strange} images are of families that the run does not know; they are not judged.")
    out = files.folder(run.path / "evaluations" / f"{found.root.name}-{found.digest[:8]}")
    probabilities, verdicts = _answers(run, images, "test", quiet)
    _judged.keep(run, images, {"test": probabilities}, seed=seed, out=out, verdicts=verdicts)
    return _outcome(out, _judged.metrics_in(out)["test"], "test", found, tuple(notes))


def _answers(run: Run, images: Labelled, split: str, quiet: bool) -> tuple[Any, Verdicts | None]:
    """Probabilities of one side, and how far they may be believed."""
    from raravis.learn.features import seen  # loads Keras, so only when there is work

    ids = images.of(split)["image_id"].tolist()
    found = seen(run.recipe, run.load_model(), images.store, ids, quiet=quiet)
    trust = run.load_trust()
    return softmax(found.logits, axis=1), None if trust is None else trust.judge(found)


def _outcome(out: Path, judged: dict[str, Any], split: str, found: Catalogue, notes: tuple[str, ...]) -> Outcome:
    kept = (
        "n",
        "loss",
        "accuracy",
        "top5_accuracy",
        "macro_f1",
        "weighted_f1",
        "balanced_accuracy",
        "ece",
        "ci95",
    )
    figures = {"split": split, **{name: judged[name] for name in kept}}
    return Outcome("evaluate", out, figures, found.unreadable, (*found.notes, *notes), out / REPORT)
