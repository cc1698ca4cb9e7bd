"""How strange an image is to a network: one file a scorer, and the best of them by rehearsal. Higher is stranger.

Enter: features and logits of images of known families. Leaves: a `Novelty`, which scores further images. The contract
of a scorer's file:

    fit(known) -> Kept                           arrays by name: all that scoring needs
    score(kept, features, logits) -> Floats      float32 `(n,)`, higher is stranger

Features are float32 `(n, D)`, rows of length 1; logits float32 `(n, K)`.

No new animal is needed: in a rehearsal some families are kept back from the head and from the scorer, which then has to
tell their images from held-out ones of the families that stayed. The choice between scorers and the weights of the
`combined` one rest on rehearsals alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from raravis import registry
from raravis.errors import DataError
from raravis.judge.novelty import combined
from raravis.judge.novelty._known import Floats, Kept, Known, Rehearsed, Seen, unit

if TYPE_CHECKING:
    import pandas as pd  # slow to import, and scoring needs no tables

__all__ = ["FALLBACK", "Known", "Novelty", "Rehearsed", "Seen", "choose", "fit", "names", "rehearse", "unit"]

FALLBACK: Final = "max_logit"
"""The scorer where nothing can be rehearsed: it learns nothing that could be wrong."""

FAMILIAR: Final = 0.95
"""Share of held-out images of known families that pass as familiar."""

_STEPS: Final = 10_001
"""Values that are kept of the usual scores, so that up to 9,999 in 10,000 can be asked to pass as familiar."""


@dataclass(frozen=True)
class Novelty:
    """A fitted scorer and what its scores mean.

    Attributes:
        scorer: its name.
        kept: what it is made of.
        usual: scores of held-out images of known families, float32 `(S,)`, rising; of many, quantiles at equal steps.
    """

    scorer: str
    kept: Kept
    usual: Floats

    def score(self, features: Floats, logits: Floats) -> Floats:
        """How strange, float32 `(n,)`, in the scorer's own units.

        Args:
            features: float32 `(n, D)`, of any length.
            logits: float32 `(n, K)`.

        Raises:
            DataError: the features are of another width than those that taught the scorer, or no finite numbers.
        """
        widths = {array.shape[-1] for name, array in self.kept.items() if name.endswith(("mean", "rows"))}
        if widths and features.shape[1] not in widths:
            raise DataError(
                f"{features.shape[1]} features an image were given, of another network: {widths.pop()} were expected."
            )
        if not (np.isfinite(features).all() and np.isfinite(logits).all()):
            raise DataError("Features or logits hold NaN or infinity: the network is damaged.\nTrain it again.")
        found: Floats = registry.load(__name__, self.scorer, "scorer").score(self.kept, unit(features), logits)
        return found

    def rank(self, scores: Floats) -> Floats:
        """Scores as the share of held-out known images that are less strange, float32 `(n,)`, 0–1.

        The image itself counts as one more, as in conformal prediction: so few held-out images never make one look
        stranger than they can tell. Of nine, the highest is 0.9.
        """
        return (np.searchsorted(self.usual, scores, side="left") / (len(self.usual) + 1)).astype(np.float32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All of it by name, to be stored."""
        return {"scorer": np.array(self.scorer), "usual": self.usual, **{f"kept/{k}": v for k, v in self.kept.items()}}

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]]) -> Novelty:
        """The inverse of `arrays`.

        Raises:
            DataError: a scorer that there is not.
        """
        if (scorer := str(arrays["scorer"])) not in names():
            raise DataError(f"A stored novelty is of the unknown scorer {scorer!r}.")
        kept = {name.removeprefix("kept/"): array for name, array in arrays.items() if name.startswith("kept/")}
        return cls(scorer, kept, arrays["usual"])


def names() -> list[str]:
    """The scorers that there are."""
    return registry.names(__name__)


def fit(name: str, known: Known) -> Novelty:
    """Fit a scorer.

    Raises:
        UsageError: no such scorer.
        DataError: features are no finite numbers.
    """
    if not np.isfinite(known.features).all():
        raise DataError("Features hold NaN or infinity.\nDelete the cache of embeddings, or look at the weights.")
    module: Any = registry.load(__name__, name, "scorer")
    kept: Kept = module.fit(known)
    made = Novelty(name, kept, np.zeros(1, np.float32))
    usual = np.sort(made.score(known.held.features, known.held.logits))
    if len(usual) > _STEPS:
        usual = np.quantile(usual, np.linspace(0, 1, _STEPS)).astype(np.float32)
    return replace(made, usual=usual)


def rehearse(known: Known, new: Seen, kinds: NDArray[np.str_]) -> Rehearsed:
    """Let every scorer score held-out images of the families that stayed, and images of those that were kept back.

    Args:
        known: the families that stayed.
        new: images of the others, or of no animal at all.
        kinds: what each of those is, such as `near` or `far`.
    """
    held, strange = {}, {}
    for name in names():
        if name == "combined":
            continue
        module: Any = registry.load(__name__, name, "scorer")
        kept = module.fit(known)
        held[name] = module.score(kept, known.held.features, known.held.logits)
        strange[name] = module.score(kept, new.features, new.logits)
    return Rehearsed(held, strange, kinds)


def choose(rehearsed: Sequence[Rehearsed], among: Collection[str] | None = None) -> tuple[str, pd.DataFrame]:
    """The scorer that told new from known best, and how those that could be chosen did.

    Args:
        rehearsed: rehearsals.
        among: names of scorers to choose from, `combined` perhaps among them; None is all.

    Returns:
        Its name, and a table with one row a scorer, the best first: `scorer`, the area under the ROC curve for every
        kind of new image, a mean over the rehearsals that had it, and `mean`, over the kinds of new animals. The
        weights of `combined` are learned from the other rehearsals; of a single one it is left out.
    """
    import pandas as pd

    wanted = set(names() if among is None else among)
    scores = [{**_areas(one, wanted), **_combined(rehearsed, number, wanted)} for number, one in enumerate(rehearsed)]
    frame = pd.DataFrame([{"scorer": n, "kind": k, "auroc": v} for one in scores for (n, k), v in one.items()])
    table = frame.pivot_table(index="scorer", columns="kind", values="auroc", aggfunc="mean")
    animals = [kind for kind in table.columns if kind != NO_ANIMAL]
    table["mean"] = table[animals or list(table.columns)].mean(axis=1)
    table = table.sort_values("mean", ascending=False, kind="stable").reset_index()
    table.columns.name = None
    return str(table["scorer"].iloc[0]), table


NO_ANIMAL: Final = "no animal"
"""The kind of an image that shows none: blank, noise, text, an empty landscape."""


def curves(rehearsed: Sequence[Rehearsed], name: str) -> tuple[Floats, dict[str, Floats]]:
    """Scores of a scorer over all rehearsals, for a figure: those of held-out known images, and of new ones by kind.

    They are in standard deviations of the held-out images of their own rehearsal.
    """
    held, new, kinds = [], [], []
    for number, one in enumerate(rehearsed):
        known, strange = _scores(rehearsed, number, name)
        mean, scale = known.mean(), max(float(known.std()), 1e-6)
        held.append((known - mean) / scale)
        new.append((strange - mean) / scale)
        kinds.append(one.kinds)
    strange, kind = np.concatenate(new), np.concatenate(kinds)
    return np.concatenate(held), {str(k): strange[kind == k] for k in np.unique(kind)}


def _scores(rehearsed: Sequence[Rehearsed], number: int, name: str) -> tuple[Floats, Floats]:
    """Scores of held-out and of new images in one rehearsal; of `combined`, with weights learned from the others."""
    one = rehearsed[number]
    if name != "combined":
        return one.held[name], one.new[name]
    weights = combined.weigh([*rehearsed[:number], *rehearsed[number + 1 :]])
    held, new = combined.standardised(one)
    return held @ weights, new @ weights


def _combined(rehearsed: Sequence[Rehearsed], number: int, wanted: set[str]) -> dict[tuple[str, str], float]:
    if len(rehearsed) < 2 or "combined" not in wanted:
        return {}
    return dict(_by_kind("combined", *_scores(rehearsed, number, "combined"), rehearsed[number].kinds))


def _areas(one: Rehearsed, wanted: set[str]) -> dict[tuple[str, str], float]:
    there = [name for name in one.held if name in wanted]
    return dict(pair for name in there for pair in _by_kind(name, one.held[name], one.new[name], one.kinds))


def _by_kind(name: str, held: Floats, new: Floats, kinds: NDArray[np.str_]) -> Iterable[tuple[tuple[str, str], float]]:
    from sklearn.metrics import roc_auc_score  # slow to import

    for kind in np.unique(kinds):
        strange = new[kinds == kind]
        truth = np.r_[np.zeros(len(held)), np.ones(len(strange))]
        yield (name, str(kind)), float(roc_auc_score(truth, np.r_[held, strange]))
