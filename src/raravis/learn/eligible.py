"""Which scorers of novelty a rehearsal may choose from, for the network at hand.

Enter: the recipe of a network, how it was calibrated, and its logits. Leave: names of scorers. In a rehearsal a head is
solved anew without the families that are kept back; what lies below that head, and how its logits are turned
afterwards, is the network's own. Where the two differ, a scorer that shines in rehearsal can fail in earnest.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from raravis.errors import RaravisError
from raravis.judge import novelty
from raravis.judge.calibration import Calibration
from raravis.judge.logits import logsumexp
from raravis.models import Pretrained, fused, probe, zero_shot
from raravis.recipe import Recipe
from raravis.run import Run

PROBABLE: Final = ("entropy", "max_probability")
"""Scorers that see probabilities alone; features and the height of logits do not count."""

HIGH: Final = ("energy", "max_logit", "vim")
"""Scorers that rest on how high logits are, all together."""

KIND: Final = (
    "Rehearsals of new animals are kind to this network: it had seen the families that they keep back, so in earnest "
    "it does worse."
)
_TINY: Final = 1e-3


def frozen(recipe: Recipe) -> bool:
    """Whether no layer below the head ever learned the families: those of a probe, a frozen backbone, a reader.

    A fused network is frozen if every member is, as far as their runs are at hand.
    """
    model = recipe.model
    if isinstance(model, fused.Options):
        try:
            return all(frozen(Run.open(Path(member)).recipe) for member in model.members)
        except RaravisError:
            return False
    if isinstance(model, Pretrained):
        return model.learn == "head" and not model.hidden and not recipe.finetune.layers
    return isinstance(model, probe.Options | zero_shot.Options)


def scorers(recipe: Recipe, calibrated: Calibration, logits: NDArray[np.float32]) -> tuple[str, ...]:
    """The names to choose from.

    Features of a network that learned the families look as if they knew new ones: only probabilities are left. (The
    energy and the highest logit would be those of another head, whose logits are of another height.) Logits that are
    log-probabilities, as those of fused networks and of vector and Dirichlet scaling, have no height to go by.

    Args:
        recipe: of the network.
        calibrated: what was done to its logits.
        logits: the network's own, before that, `(n, K)`.
    """
    if not frozen(recipe):
        return PROBABLE
    flat = isinstance(recipe.model, fused.Options) or calibrated.kind in ("vector", "dirichlet")
    if flat or bool((np.abs(logsumexp(logits)) < _TINY).all()):
        return tuple(name for name in novelty.names() if name not in HIGH)
    return tuple(novelty.names())
