"""`raravis export`: a finished run becomes a bundle, which identifies without TensorFlow and says what the run says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from raravis import files
from raravis.bundling import describing, int8, litert, neighbours, parity
from raravis.bundling.parity import Parity
from raravis.bundling.serving import serving
from raravis.data import catalogue, nothing
from raravis.data.ahead import cores
from raravis.data.catalogue import Catalogue
from raravis.data.sources import Request
from raravis.errors import DataError, OfflineError, RunError, StorageError, UsageError
from raravis.judge.novelty import Seen
from raravis.judge.trust import WIDEST, Trust
from raravis.lineages import Taxonomy
from raravis.outcome import Outcome
from raravis.run import Run
from raravis.runtimes import onnxruntime
from raravis.serve import folder
from raravis.serve.bundle import open_bundle
from raravis.serve.folder import Folder, entry, is_bundle
from raravis.serve.network import Network
from raravis.verbs import _environment, _judged
from raravis.verbs._labelled import Labelled, labelled
from raravis.verbs._training import learned_from_val

OUTPUTS: Final = ("logits", "embedding", "evidence")
MEASURED_ON: Final = 2000
"""Most validation images on which what int8 loses is measured."""


def export(
    run: str | Path,
    *,
    out: str | Path,
    thumbnails: bool = False,
    int8: bool = False,
    litert: bool = False,
    neighbours: int | None = None,
    data: str | None = None,
    path_column: str | None = None,
    label_column: str | None = None,
    root: str | Path | None = None,
    seed: int = 0,
    quiet: bool = False,
) -> Outcome:
    """Make a bundle of a finished run: a folder that anyone can identify with, without TensorFlow.

    It holds the network as ONNX with its preprocessing inside, families and lineages, calibration, sets and novelty,
    what it remembers of the training photographs, a card, and the digest of every file. Whether it says what the run
    says is checked on images; a bundle that disagrees is not made.

    Args:
        run: the run folder.
        out: the bundle; an earlier bundle there is replaced.
        thumbnails: give small pictures of the training photographs along. They are other people's: see to their
            licences first.
        int8: write a smaller form of the network too, and measure what it loses on validation images.
        litert: write the network for LiteRT (TensorFlow Lite) too, for phones.
        neighbours: training photographs that are remembered at most, of every family as many as can be; all when not
            given, 0 for none.
        data: where the images are now; those that the run was made of when not given.
        path_column: column of a table that holds file paths.
        label_column: column of a table that holds labels.
        root: folder that paths in a table are relative to.
        seed: of what is drawn: images to compare on where none are at hand, the neighbours, the bootstrap.
        quiet: no progress.

    Raises:
        RunError: the run has no model yet or is damaged, or the bundle disagrees with it.
        UsageError: an operation that the converter does not know, or what converts is not installed.
        DataError: `data` cannot be used, or lacks the images that an option needs.
        StorageError: `out` cannot be written, or holds something else.
    """
    if neighbours is not None and neighbours < 0:
        raise UsageError(f"neighbours is {neighbours}; 0 or more was expected.")
    if not onnxruntime.available():
        raise UsageError(f"Export needs what converts networks: {onnxruntime.INSTALL}")
    out = _free(Path(out).absolute())
    made = Run.open(run)
    network = made.load_model()
    if network.output.shape[-1] != len(made.families):
        raise RunError(
            f"The model of {made.path} tells {network.output.shape[-1]} families apart, its split has "
            f"{len(made.families)}.\nThe folder was changed after training; train again."
        )
    request = None if data is None else Request(data, path_column, label_column, None if root is None else Path(root))
    notes: list[str] = []
    images = _images(made, request, notes, quiet)
    if images is None and (int8 or thumbnails):
        raise DataError(
            f"The images of {made.path} are not at hand; int8 is fitted on them, and thumbnails are made of them.\n"
            "Say where they are with --data, or leave these options out."
        )
    wanted = _Wanted(thumbnails, int8, litert, neighbours, seed, quiet)
    files.folder(out.parent)
    with files.atomic_folder(out) as part:
        exported = _fill(part, made, network, images, wanted, notes)
    return Outcome("export", out, _figures(out, made, exported), (), tuple(notes), out / folder.CARD)


@dataclass(frozen=True)
class _Wanted:
    """The options of `export`."""

    thumbnails: bool
    int8: bool
    litert: bool
    neighbours: int | None
    seed: int
    quiet: bool


@dataclass(frozen=True)
class _Images:
    """The run's images that are at hand."""

    found: Catalogue
    own: Labelled

    def pixels(self, side: str, most: int) -> tuple[NDArray[np.uint8], pd.DataFrame]:
        """At most so many of one side, evenly from all of them."""
        table = self.own.of(side)
        table = table.iloc[np.unique(np.linspace(0, len(table) - 1, min(most, len(table))).astype(int))]
        return self.own.store.read(table["image_id"].tolist()), table


def _fill(
    part: Path, run: Run, network: Any, images: _Images | None, wanted: _Wanted, notes: list[str]
) -> Mapping[str, Any]:
    """Write a bundle into an empty folder, `bundle.json` last; what was measured on the way."""
    trust = run.load_trust()
    served, why = serving(network)
    if why:
        notes.append(f"It tells no heat maps: {why}.")
    onnxruntime.write(served, part / folder.MODEL, outputs=OUTPUTS[: len(served.outputs)])
    shown, what = _shown(run, images, wanted.seed)
    own = _own(network, shown)
    exact = _open(part, run, folder.MODEL)
    logits, embedding = exact(shown, ("logits", "embedding"))
    found = parity.compared(own, logits, embedding, what)
    parity.demand(found, "exported network")
    if trust is not None:
        trust.save(part / folder.TRUST)
    exported = {
        "outputs": {name: list(one.shape[1:]) for name, one in zip(OUTPUTS, served.outputs, strict=False)},
        "no_evidence": why or None,
        "parity": found.as_json(),
        "int8": _int8(part, run, exact, images, wanted) if wanted.int8 and images else None,
        "litert": _litert(part, served, own, shown, what).as_json() if wanted.litert else None,
        "neighbours": _neighbours(part, run, network, images, wanted, notes),
    }
    files.write_text(part / folder.CARD, describing.card(run, exported, tuple(notes)))
    entries = {file.name: entry(file) for file in sorted(part.iterdir())}
    about = describing.about(run, _taxonomy(run, trust, images), trust, _judged.metrics_in(run.path), exported, entries)
    files.write_json(part / folder.ABOUT, about)
    again = open_bundle(part).answer(shown[:4]).probabilities  # as its users will
    parity.demand(Parity(len(again), what, float(np.abs(again - _softmax(own.logits[:4])).max()), None), "bundle")
    return exported


def _free(out: Path) -> Path:
    """Make sure that nothing but a bundle would be replaced."""
    if out.is_dir() and not is_bundle(out) and any(out.iterdir()):
        raise StorageError(f"{out} holds something else than a bundle; it was left alone.\nName another --out.")
    if out.exists() and not out.is_dir():
        raise StorageError(f"{out} is a file; a bundle is a folder.\nName another --out.")
    return out


def _images(run: Run, request: Request | None, notes: list[str], quiet: bool) -> _Images | None:
    """The images of train and val; None, and a note, if nobody said where they are and they are not where they were."""
    try:
        found = catalogue.read(request or _environment.request_of(run.environment), quiet=quiet)
        return _Images(found, labelled(found, run.split, run.recipe.data, ("train", "val"), quiet=quiet))
    except (UsageError, DataError, OfflineError) as error:
        if request is not None:
            raise
        told = str(error).splitlines()[0].rstrip(".:")
        notes.append(f"The run's images are not at hand ({told}), so no training photographs are remembered.")
        return None


def _shown(run: Run, images: _Images | None, seed: int) -> tuple[NDArray[np.uint8], str]:
    """The images on which run and bundle are compared, and what they are."""
    for side, what in (("val", "images of val"), ("train", "training images")):
        if images is not None and len(images.own.of(side)):
            return images.pixels(side, parity.IMAGES)[0], what
    drawn, _ = nothing.draw(run.recipe.data.size, count=parity.IMAGES, seed=seed)
    return drawn, "drawn pictures"


def _own(network: Any, images: NDArray[np.uint8]) -> Seen:
    """What the run's own network says."""
    from raravis.learn.infer import seeing  # loads Keras, so only when there is work

    call = seeing(network)
    found = [call(images[start : start + 16]) for start in range(0, len(images), 16)]
    return Seen(np.concatenate([one.features for one in found]), np.concatenate([one.logits for one in found]))


def _open(part: Path, run: Run, name: str) -> Network:
    """A network of a bundle that has no `bundle.json` yet."""
    data = run.recipe.data
    held = Folder(part, {"digests": {name: entry(part / name)}}, "", run.families, data.size, data.fit)
    return Network.open(held, name, threads=cores())


def _int8(part: Path, run: Run, exact: Network, images: _Images, wanted: _Wanted) -> dict[str, Any]:
    """Write the int8 form, and measure what it loses on val."""
    side = "train" if len(images.own.of("train")) else "val"
    int8.write(part / folder.MODEL, part / folder.INT8, images.pixels(side, int8.CALIBRATED_ON)[0])
    small = _open(part, run, folder.INT8)
    told: dict[str, Any] = {"calibrated_on": f"images of {side}", "loss": None, "learned": learned_from_val(run.recipe)}
    if len(images.own.of("val")):
        pixels, table = images.pixels("val", MEASURED_ON)
        classes = pd.Index(run.families).get_indexer(pd.Index(table["family"])).astype(np.int64)
        (first,), (second,) = (network(pixels, ("logits",)) for network in (exact, small))
        told["loss"] = int8.loss(first, second, classes, seed=wanted.seed)
    return told


def _litert(part: Path, served: Any, own: Seen, shown: NDArray[np.uint8], what: str) -> Parity:
    litert.write(served, part / folder.LITERT)
    few = min(16, len(shown))
    found = parity.compared(
        Seen(own.features[:few], own.logits[:few]), *litert.says(part / folder.LITERT, shown[:few]), what
    )
    parity.demand(found, "LiteRT network")
    return found


def _neighbours(
    part: Path, run: Run, network: Any, images: _Images | None, wanted: _Wanted, notes: list[str]
) -> dict[str, Any] | None:
    """Write what is remembered of the training photographs; what it is, or None."""
    width = int(network.get_layer("embedding").output.shape[-1])
    if images is None or wanted.neighbours == 0 or not len(images.own.of("train")):
        return None
    if width > WIDEST:
        notes.append(f"The embedding has {width:,} numbers, too many to remember training photographs by.")
        return None
    from raravis.learn.features import features

    table = neighbours.chosen(images.own.of("train"), wanted.neighbours, wanted.seed)
    ids = table["image_id"].tolist()
    rights = images.found.readable.drop_duplicates("image_id").set_index("image_id")
    found = features(run.recipe.model, network, images.own.store, ids, quiet=wanted.quiet)
    held = neighbours.arrays(table, found, run.families, rights)
    if wanted.thumbnails:
        root = Path(images.found.root)
        pictures, ends = neighbours.thumbnails([root / path for path in table["file_path"]], quiet=wanted.quiet)
        held["ends"] = ends
        with files.atomic(part / folder.THUMBNAILS) as stream:
            stream.write(pictures)
    with files.atomic(part / folder.NEIGHBOURS) as stream:
        np.savez(stream, **held)  # type: ignore[arg-type]
    names = held["names"]
    return {
        "count": len(table),
        "dtype": str(held["rows"].dtype),
        "thumbnails": wanted.thumbnails,
        "licensed": int((names[held["license"]] != "").sum()),
        "held": int((names[held["rights_holder"]] != "").sum()),
    }


def _taxonomy(run: Run, trust: Trust | None, images: _Images | None) -> Taxonomy:
    if trust is not None:
        return trust.taxonomy
    known = {} if images is None else images.own.lineages
    return Taxonomy.of(run.families, {family: known.get(family, {}) for family in run.families})[0]


def _figures(out: Path, run: Run, exported: Mapping[str, Any]) -> dict[str, Any]:
    small, near = exported["int8"], exported["neighbours"]
    figures = {
        "families": len(run.families),
        "bytes": sum(file.stat().st_size for file in out.iterdir()),
        "files": sorted(file.name for file in out.iterdir()),
        "parity": exported["parity"],
        "largest_difference": exported["parity"]["probability"],
        "heat_maps": "yes" if "evidence" in exported["outputs"] else "no",
        "neighbours": 0 if near is None else near["count"],
        "int8": small,
        "litert": exported["litert"],
    }
    if small is not None and small["loss"] is not None:
        figures["int8_lost"] = small["loss"]["lost"]
    return figures


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    grown = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    found: NDArray[np.float64] = grown / grown.sum(axis=1, keepdims=True)
    return found
