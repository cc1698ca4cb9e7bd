"""`raravis embed`: DATA and a frozen backbone become a matrix of features that other software reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from raravis import backbones, cluster, credits, files, progress
from raravis.backbones import View
from raravis.data import catalogue, places
from raravis.data.catalogue import Catalogue
from raravis.data.pixels import open_store
from raravis.data.sources import Request
from raravis.errors import UsageError, unknown
from raravis.outcome import Outcome
from raravis.verbs._training import terminable

FEATURES: Final = "features.npy"
IMAGES: Final = "images.csv"
ABOUT: Final = "about.json"


def embed(
    data: str | Path,
    *,
    backbone: str,
    out: str | Path,
    weights: str = "imagenet",
    size: int = 224,
    fit: Literal["squash", "pad", "crop"] = "squash",
    view: View = "whole",
    path_column: str | None = None,
    label_column: str | None = None,
    root: str | Path | None = None,
    ray: str | None = None,
    workers: int = 0,
    seed: int = 0,
    quiet: bool = False,
) -> Outcome:
    """Compute what a frozen backbone makes of every image that can be read, labelled or not; copies count once.

    Writes `features.npy` (float32 `(n, D)`), `images.csv` (`image_id, file_path, family`, one row for each row of the
    features) and `about.json` (the backbone, the digest of its weights, the seed, how images were prepared, what
    computed the features and in which precision). Features are kept in the cache, too, where `train` finds them.

    Args:
        data: folder, table, `rare-species` or `bestiary`; also the address of a folder in a store
            (`s3://bucket/folder`, `gs://…`), whose sub-folders are labels.
        backbone: one that `raravis backbones` lists, or the path of a `.keras` file.
        out: the folder to write into.
        weights: `imagenet` (those published with the backbone), `none` (random, drawn from `seed`), or a weight file.
        size: side of the images in pixels.
        fit: how an image becomes a square: `squash`, `pad` (all of it, with bars) or `crop` (the middle).
        view: what the backbone is shown: `whole`, `mirrored`, `middle`, `top_left` and the other corners.
        path_column: column of a table that holds file paths.
        label_column: column of a table that holds labels.
        root: folder that paths in a table are relative to.
        ray: compute on a Ray cluster: `auto`, `local`, `HOST:PORT` or `ray://HOST:PORT`; this
            process when not given.
        workers: of the cluster; 0 for one a core.
        seed: of random weights.
        quiet: no progress.

    Raises:
        UsageError: an unknown backbone, view or size, or weights that do not fit.
        DataError: no image can be read, a store does not list what it has, or a feature is no finite number.
        ClusterError: the cluster cannot be joined, or its workers keep dying.
        MissingError: Ray, or the package for a store, is not installed.
        OfflineError: weights are not at hand and cannot be fetched.
        StorageError: the disk is full or read-only.
    """
    scaled = cluster.asked(ray, workers, quiet=quiet)
    from raravis import engine  # loads Keras, so only when there is work
    from raravis.learn import embed as embedding

    for kind, given, known in (("view", view, backbones.VIEWS), ("fit", fit, ("squash", "pad", "crop"))):
        if given not in known:
            raise UsageError(unknown(kind, given, known))
    if not 16 <= size <= 1024:
        raise UsageError(f"--size {size} is out of range; 16 to 1024 pixels were expected.")
    request = Request(str(data), path_column, label_column, None if root is None else Path(root))
    folder = files.folder(out)
    found = _catalogued(request, quiet)
    seen = found.table[found.table["image_id"] != ""]
    table = seen.drop_duplicates("image_id").sort_values("image_id")
    engine.seed(seed)
    extractor = embedding.Extractor.open(backbone, size=size, weights=weights)
    store = open_store(table, found.place, size=size, fit=fit, quiet=quiet)
    ids = table["image_id"].tolist()
    with terminable(), scaled as joined:
        cache = embedding.embed(extractor, store, ids, view, quiet=quiet, cluster=joined)
    how = embedding.computed(cache.folder)
    about: dict[str, Any] = {
        "backbone": extractor.name,
        "weights": weights,
        "weights_digest": extractor.digest,
        "size": size,
        "fit": fit,
        "view": view,
        "seed": seed,
        "images": len(ids),
        "features": extractor.width,
        "computed": how,
        "data_digest": catalogue.digest(seen),
    }
    progress.say(f"Writing {len(ids)} × {extractor.width} features…", quiet=quiet)
    header = {"descr": "<f4", "fortran_order": False, "shape": (len(ids), extractor.width)}
    with files.atomic(folder / FEATURES) as stream:  # no memory map: on a full disk, that ends the process
        np.lib.format.write_array_header_1_0(stream, header)
        for start in range(0, len(ids), 4096):
            rows = embedding.kept(cache, ids[start : start + 4096])
            stream.write(rows.astype("<f4", copy=False).tobytes())
    columns = ["image_id", "file_path", "family", *credits.COLUMNS]
    files.write_text(folder / IMAGES, table[columns].to_csv(index=False, lineterminator="\n"))
    files.write_json(folder / ABOUT, about)
    mixed = len({one["precision"] for one in how}) > 1
    notes = (*found.notes, f"The features are of several precisions; see {ABOUT}.") if mixed else found.notes
    return Outcome("embed", folder, about, found.unreadable, notes, folder / ABOUT)


def _catalogued(request: Request, quiet: bool) -> Catalogue:
    """Look at every file of DATA, of this machine or in a store.

    Raises:
        UsageError, DataError: as `catalogue.read` and `catalogue.stored`; or columns or a root of a store were named.
    """
    if not places.is_address(request.data):
        return catalogue.read(request, unlabelled=True, quiet=quiet)
    if request.path_column or request.label_column or request.root:
        raise UsageError(
            f"{request.data} is a folder in a store.\n"
            "--path-column, --label-column and --root belong to tables; leave them out."
        )
    return catalogue.stored(request.data, unlabelled=True, quiet=quiet)
