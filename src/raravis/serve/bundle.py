"""A bundle as a predictor: ONNX Runtime and NumPy alone, neither Keras nor TensorFlow.

Enters: a folder that `raravis export` made, perhaps on a stranger's machine. Leaves: a `BundlePredictor`, once every
file was found to be the one that was exported, and the network to be one that computes and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from raravis.data.ahead import cores
from raravis.data.blank import blank
from raravis.data.decode import Fit
from raravis.errors import BundleError, UsageError
from raravis.judge.novelty import Seen
from raravis.judge.trust import WIDEST, Trust
from raravis.lineages import Taxonomy
from raravis.serve import folder
from raravis.serve.folder import Folder, is_bundle
from raravis.serve.neighbours import Neighbour, Neighbours
from raravis.serve.network import Network
from raravis.serve.predictor import Answer

__all__ = ["BundlePredictor", "Neighbour", "is_bundle", "open_bundle"]


@dataclass(frozen=True)
class BundlePredictor:
    """The network of a bundle.

    Attributes:
        folder: the bundle, checked.
        families: sorted, the order of the logits.
        size: height and width of its images.
        fit: how images are made square.
        network: what runs `model.onnx`, or its int8 form.
        trust: how far it may be believed; None for a bundle of a run that was made without.
        taxonomy: of its families.
    """

    folder: Folder
    families: tuple[str, ...]
    size: int
    fit: Fit
    network: Network
    trust: Trust | None
    taxonomy: Taxonomy

    @property
    def at_once(self) -> int:
        """How many threads do well to ask at a time: while one batch is judged, the next is computed."""
        return 2

    @property
    def about(self) -> Mapping[str, Any]:
        """What `bundle.json` holds."""
        return self.folder.about

    @property
    def digest(self) -> str:
        """SHA-256 of `bundle.json`, hex: the name of this model."""
        return self.folder.digest

    def answer(self, batch: NDArray[np.uint8]) -> Answer:
        """Say what RGB `uint8` `(B, size, size, 3)` show.

        Features wider than those between which distances are kept are left out.

        Raises:
            BundleError: the network gives no finite numbers.
        """
        wide = self.network.width > WIDEST
        wanted = ("logits",) if wide else ("logits", "embedding")
        logits, *rest = self.network(batch, wanted)
        features = rest[0] if rest else None
        if self.trust is None:
            return Answer(_softmax(logits), features=features)
        given = np.zeros((len(logits), 0), np.float32) if features is None else features
        verdicts = self.trust.judge(Seen(given, logits), blank(batch))
        return Answer(verdicts.probabilities, verdicts, features)

    def lineage(self, family: str) -> Mapping[str, str]:
        """Known ranks of a family, from the widest to itself: rank → name.

        Raises:
            DataError: no such family.
        """
        return self.taxonomy.lineage(family)

    def heat(self, batch: NDArray[np.uint8], classes: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """Where in each image the evidence for a family lies: float32 `(B, h, w)`; None where the network tells none.

        What each place adds to the log of the odds of the family; what speaks against it is 0, the strongest place 1.
        An image of one colour, and one where nothing speaks for the family, has 0 everywhere.

        Args:
            batch: RGB `uint8` `(B, size, size, 3)`.
            classes: int64 `(B,)`, the family to ask for in each.

        Raises:
            BundleError: the network gives no finite numbers.
            UsageError: a family that there is not.
        """
        if classes.shape != (len(batch),) or (
            len(batch) and not 0 <= classes.min() <= classes.max() < self.network.count
        ):
            raise UsageError(f"One family an image was expected, in 0 … {self.network.count - 1}; found {classes}.")
        if self._telling.places is None:
            return None
        found = np.zeros((len(batch), *self._telling.places), np.float32)
        for number, family in enumerate(classes.tolist()):
            image = batch[number : number + 1]
            if (image == image[0, 0, 0]).all():
                continue
            logits, evidence = self._telling(image, ("logits", "evidence"))
            values = np.maximum(evidence[0] @ _direction(logits[0], family), 0)
            high = float(values.max())
            if high > np.finfo(np.float32).tiny:
                found[number] = values / high
        return found

    def nearest(self, features: NDArray[np.float32], count: int) -> list[list[Neighbour]]:
        """The training photographs most like each image, the most alike first; [] for bundles that remember none.

        Args:
            features: as `answer` gives them, float32 `(B, D)`.
            count: how many of each at most.

        Raises:
            BundleError: what the bundle remembers is damaged.
            UsageError: features of another width.
        """
        if self._remembered is None:
            return []
        if features.ndim != 2 or features.shape[1] != self.network.width:
            raise UsageError(f"Features (B, {self.network.width}) were expected; found {features.shape}.")
        return self._remembered.nearest(features, count)

    def prepare(self) -> None:
        """Make ready for a long service.

        What `heat` and `nearest` would read when first asked is read now, so that no damage is met later, and fewer
        images than threads are computed by all of them from now on.

        Raises:
            BundleError: what the bundle remembers, or the network that tells evidence, is damaged.
        """
        _ = self._remembered
        for network in (self.network, self._telling):
            network.prepare()

    @cached_property
    def _remembered(self) -> Neighbours | None:
        """Read when they are first asked for: identification alone does without."""
        if not self.folder.holds(folder.NEIGHBOURS):
            return None
        arrays = self.folder.arrays(folder.NEIGHBOURS)
        pictures = self.folder.read(folder.THUMBNAILS) if self.folder.holds(folder.THUMBNAILS) else b""
        found = Neighbours(arrays, self.families, pictures)
        try:
            found.check(self.network.width)
        except (KeyError, ValueError) as error:
            raise self.folder.damaged(folder.NEIGHBOURS, error) from None
        return found

    @cached_property
    def _telling(self) -> Network:
        """The network that tells evidence: that of `model.onnx`, also where answers are by its int8 form."""
        if self.network.name == folder.MODEL:
            return self.network
        return Network.open(self.folder, folder.MODEL, threads=self.network.threads)


def open_bundle(
    path: Path | str,
    *,
    accept: float | None = None,
    coverage: float | None = None,
    right: float | None = None,
    familiar: float | None = None,
    threads: int | None = None,
    int8: bool = False,
) -> BundlePredictor:
    """Open a bundle.

    Args:
        path: the folder.
        accept: in place of the bundle's own promise; see `judge.trust.Trust`.
        coverage: likewise.
        right: likewise.
        familiar: likewise.
        threads: that the network computes on; all cores when not given.
        int8: answer by the smaller network, where the bundle has one.

    Raises:
        BundleError: the folder is no bundle, a file is not the one that was exported, or the bundle makes no sense.
        UsageError: ONNX Runtime is not installed, a promise is no share or has nothing to be based on, or there is no
            int8 network.
    """
    held = Folder.open(path)
    name = folder.INT8 if int8 else folder.MODEL
    if not held.holds(name):
        raise UsageError(f"{held.path} has no int8 network.\nExport it again with --int8, or leave the option out.")
    held.check(but=(name, folder.TRUST))
    given = {"accept": accept, "coverage": coverage, "right": right, "familiar": familiar}
    wanted = {option: value for option, value in given.items() if value is not None}
    trust = _trust(held)
    if trust is None and wanted:
        raise UsageError(
            f"{held.path} holds nothing to base --{next(iter(wanted))} on: its run was made without validation images."
            "\nLeave the option out."
        )
    network = Network.open(held, name, threads=threads or cores())
    try:
        taxonomy = Taxonomy.of_record(held.about["taxonomy"])
        if taxonomy.families != held.families:
            raise ValueError("its taxonomy is of other families")
    except Exception as error:  # a stranger's table fails in as many ways as there are
        raise held.damaged(folder.ABOUT, error) from None
    made = BundlePredictor(held, held.families, held.size, cast(Fit, held.fit), network, trust, taxonomy)
    if trust is not None:
        made = replace(made, trust=trust.asked(**wanted))
        _try(made)
    return made


def _trust(held: Folder) -> Trust | None:
    if not held.holds(folder.TRUST):
        return None
    try:
        found = Trust.of(held.arrays(folder.TRUST))
    except BundleError:
        raise
    except Exception as error:  # a stranger's arrays fail in as many ways as there are
        raise held.damaged(folder.TRUST, error) from None
    if found.families != held.families:
        raise held.damaged(folder.TRUST, ValueError("it is of other families"))
    return found


def _try(made: BundlePredictor) -> None:
    """Judge an image that is none, so that what does not fit together is told now."""
    try:
        width = made.network.width
        features = np.zeros((1, width if width <= WIDEST else 0), np.float32)
        cast(Trust, made.trust).judge(Seen(features, np.zeros((1, made.network.count), np.float32)))
    except Exception as error:  # as above
        raise made.folder.damaged(folder.TRUST, error) from None


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    grown = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return np.asarray(grown / grown.sum(axis=1, keepdims=True), np.float32)


def _direction(logits: NDArray[np.float32], family: int) -> NDArray[np.float32]:
    """How the log of the odds of a family changes with the logits `(K,)`."""
    if len(logits) == 1:
        return np.ones(1, np.float32)
    others = logits.astype(np.float64)
    others[family] = -np.inf
    found = -np.exp(others - others.max())
    found /= -found.sum()
    found[family] = 1
    return np.asarray(found, np.float32)
