"""Fit what says how far a trained network may be believed: on validation images, and on rehearsals of the unknown.

Enter: a network that was just trained, its logits of train and val. Leave: the network with calibrated logits, and a
`Trust` beside it. No image of test, and none of a family that is not in the split's train side, is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, softmax

from raravis import engine, heads, models, progress
from raravis.data import nothing
from raravis.data.labels import Lineages
from raravis.data.pixels import PixelStore
from raravis.judge import calibration, novelty, sets
from raravis.judge.calibration import Calibration
from raravis.judge.novelty import Known, Rehearsed, Seen, unit
from raravis.judge.trust import WIDEST, Trust
from raravis.learn import eligible
from raravis.learn.features import embedding, features
from raravis.learn.fit import Fitted, Part
from raravis.learn.infer import compiled
from raravis.learn.rehearsing import REHEARSALS, Images, rehearse
from raravis.lineages import Taxonomy
from raravis.models import probe
from raravis.run import Run

NOTHING: Final = 6 * len(nothing.KINDS)
"""Pictures without an animal that take part in every rehearsal, each in one."""

_AT_ONCE: Final = NOTHING // 2
_LISTED: Final = 5

SHOWN: Final = ("max_probability",)
"""Scorers whose curves are drawn beside the chosen one's."""

_QUICK_STEPS: Final = 20


def fit(
    run: Run,
    made: Fitted,
    pictures: PixelStore,
    parts: Mapping[str, Part],
    lineages: Lineages,
    *,
    quiet: bool = False,
) -> tuple[Fitted, Trust]:
    """Calibrate a network and learn how far it may be believed.

    Args:
        run: open, held exclusively; its recipe tells the model.
        made: the network and its logits, those of val by a network that did not learn from the image.
        pictures: the images of `parts`.
        parts: `train` and `val`.
        lineages: of the families.
        quiet: no progress.

    Returns:
        The same with calibrated logits throughout, and what is kept beside the network.

    Raises:
        DataError: features or logits are no finite numbers.
        StorageError: the cache cannot be written.
    """
    seed, families, val = run.recipe.seed, run.families, parts["val"]
    taxonomy, notes = Taxonomy.of(families, {family: lineages.get(family, {}) for family in families})
    calibrated = calibration.fit(made.logits["val"], val.classes, count=len(families), seed=seed)
    logits = {side: _turned(calibrated, values) for side, values in made.logits.items()}
    crossed = {way: (truth, _turned(calibrated, values)) for way, (truth, values) in made.crossed.items()}
    probabilities = np.asarray(softmax(logits["val"], axis=1), np.float32)
    priors = np.bincount(parts["train"].classes, minlength=len(families)) + 0.5
    chosen, methods = sets.choose(probabilities, val.classes, priors=priors / priors.sum(), seed=seed)
    model = with_calibration(made.model, calibrated)
    among = eligible.scorers(run.recipe, calibrated, made.logits["val"])
    strange, shown, table, told = _novelty(run, made.model, pictures, parts, logits["val"], taxonomy, among, quiet)
    frozen = eligible.frozen(run.recipe)
    kind = "" if frozen or not table else eligible.KIND
    trust = Trust(
        families,
        taxonomy,
        calibrated,
        chosen,
        strange,
        probabilities,
        val.classes,
        shown,
        table,
        tuple(methods),
        frozen,
        notes=tuple(filter(None, (*notes, calibrated.note, _unseen(families, val.classes), told, kind))),
    )
    return replace(made, model=model, logits=logits, crossed=crossed), trust


def _unseen(families: Sequence[str], classes: NDArray[np.int64]) -> str:
    """A sentence on families without validation images; "" where each has some."""
    lacking = [name for name, n in zip(families, np.bincount(classes, minlength=len(families)), strict=True) if not n]
    if not lacking:
        return ""
    more = f" and {len(lacking) - _LISTED} more" if len(lacking) > _LISTED else ""
    return (
        f"No validation images of {', '.join(lacking[:_LISTED])}{more}: calibration, sets and thresholds rest on the "
        "other families."
    )


def with_calibration(network: Any, calibrated: Calibration) -> Any:
    """The network with the layers of a calibration behind its logits; itself where there is nothing to change."""
    keras = engine.keras()
    if calibrated.kind == "none":
        return network
    x = network.output
    if calibrated.kind == "temperature":
        x = keras.layers.Rescaling(float(calibrated.weights), name="calibrated", dtype="float32")(x)
        return keras.Model(network.input, x, name=network.name)
    x = keras.layers.Activation("log_softmax", name="log_probabilities", dtype="float32")(x)
    matrix = np.diag(calibrated.weights) if calibrated.weights.ndim == 1 else calibrated.weights.T
    dense = keras.layers.Dense(len(calibrated.bias), name="calibrated", dtype="float32")
    x = dense(x)
    dense.set_weights([matrix.astype(np.float32), calibrated.bias])
    return keras.Model(network.input, x, name=network.name)


def _turned(calibrated: Calibration, logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logits as the calibrated network gives them."""
    if calibrated.kind == "none":
        return logits
    if calibrated.kind == "temperature":
        return np.asarray(logits * np.float32(calibrated.weights), np.float32)
    inputs = log_softmax(logits, axis=1)
    turned = inputs * calibrated.weights if calibrated.weights.ndim == 1 else inputs @ calibrated.weights.T
    return np.asarray(turned + calibrated.bias, np.float32)


def _novelty(
    run: Run,
    network: Any,
    pictures: PixelStore,
    parts: Mapping[str, Part],
    held: NDArray[np.float32],
    taxonomy: Taxonomy,
    among: Sequence[str],
    quiet: bool,
) -> tuple[novelty.Novelty, dict[str, dict[str, NDArray[np.float32]]], tuple[dict[str, Any], ...], str]:
    """The scorer that did best in rehearsal, what is drawn of it, how all did, and what could not be done."""
    fallback = novelty.FALLBACK if novelty.FALLBACK in among else eligible.PROBABLE[-1]
    trunk = embedding(network)
    width = int(trunk.output.shape[-1])
    if width > WIDEST:
        empty = Images(np.zeros((0, 0), np.float32), np.zeros(0, np.int64))
        told = f"The embedding has {width:,} numbers, too many to keep distances; novelty rests on the logits alone."
        return _fitted(fallback, empty, np.zeros((len(held), 0), np.float32), held, ()), {}, (), told
    images = {}
    for side, part in parts.items():
        found = features(run.recipe.model, network, pictures, pictures.ids(part.rows), quiet=quiet)
        images[side] = Images(unit(found), part.classes)
    blanks = _drawn(trunk, run.recipe.data.size, run.recipe.seed)
    with progress.bar("Rehearsing the unknown", REHEARSALS, quiet=quiet, unit="rehearsals") as advance:
        rehearsed = rehearse(
            images["train"],
            images["val"],
            {rank: taxonomy.of_rank(rank) for rank in ("order", "phylum")},
            _head(run),
            blanks,
            seed=run.recipe.seed,
            ended=advance,
        )
    train, features_of_val = images["train"], images["val"].features
    if not rehearsed:
        told = f"Too few families to rehearse the unknown with; novelty is judged by {fallback}."
        return _fitted(fallback, train, features_of_val, held, ()), {}, (), told
    best, table = novelty.choose(rehearsed, among)
    rows = tuple({str(k): v for k, v in row.items()} for row in table.to_dict("records"))
    fitted = _fitted(best, train, features_of_val, held, rehearsed)
    return fitted, _shown(rehearsed, best), rows, ""


def _fitted(
    name: str, train: Images, val: NDArray[np.float32], logits: NDArray[np.float32], rehearsed: Any
) -> novelty.Novelty:
    return novelty.fit(name, Known(train.features, train.classes, logits.shape[1], Seen(val, logits), rehearsed))


def _shown(rehearsed: list[Rehearsed], best: str) -> dict[str, dict[str, NDArray[np.float32]]]:
    made: dict[str, dict[str, NDArray[np.float32]]] = {}
    for name in dict.fromkeys((best, *SHOWN)):
        known, new = novelty.curves(rehearsed, name)
        for kind, values in {"known": known, **new}.items():
            made.setdefault(kind, {})[name] = values.astype(np.float32)
    return made


def _drawn(trunk: Any, size: int, seed: int) -> list[NDArray[np.float32]]:
    """What the network makes of pictures without an animal, other ones for every rehearsal; rows of length 1."""
    call = compiled(trunk)
    drawn = (nothing.draw(size, count=NOTHING, seed=seed + trial)[0] for trial in range(REHEARSALS))
    return [
        unit(np.concatenate([call(some[start : start + _AT_ONCE]) for start in range(0, len(some), _AT_ONCE)]))
        for some in drawn
    ]


def _head(run: Run) -> heads.Options:
    """What stands for the network's own head in a rehearsal: logistic regression, quickly solved."""
    options: models.Options = run.recipe.model
    names = options.heads if isinstance(options, probe.Options) else ("logistic",)
    if "logistic" in names:
        own = heads.candidates(["logistic"])[-1]
        return own.model_copy(update={"steps": _QUICK_STEPS})
    return heads.candidates(names)[0]
