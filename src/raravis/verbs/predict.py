"""`raravis predict`: a trained model and photographs become one row a photograph, or an animal in it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from raravis import cluster
from raravis.errors import UsageError
from raravis.lineages import Taxonomy
from raravis.outcome import Outcome
from raravis.serve import batch, formats, inputs, remote
from raravis.serve import detections as detecting
from raravis.serve.formats import About
from raravis.serve.pictures import Pictures
from raravis.serve.predictor import Predictor, open_predictor
from raravis.serve.row import printable

_OWNERS: Final = {
    ".csv": ("raravis", "pybioclip"),
    ".parquet": ("parquet",),
    ".json": ("speciesnet", "megadetector"),
    ".tsv": ("tab-separated tables",),
    ".xlsx": ("Excel",),
    ".xls": ("Excel",),
    ".ods": ("LibreOffice",),
}
"""Whose a suffix is: formats, or programs whose files are not written."""


def predict(
    model: str | Path | Predictor,
    paths: str | Path | Iterable[str | Path],
    *,
    out: str | Path,
    format: str | None = None,
    top_k: int = 5,
    batch_size: int = 32,
    jobs: int = 0,
    detections: str | Path | None = None,
    detection_threshold: float | None = None,
    resume: bool = False,
    accept: float | None = None,
    coverage: float | None = None,
    right: float | None = None,
    familiar: float | None = None,
    int8: bool = False,
    ray: str | None = None,
    workers: int = 0,
    seed: int = 0,
    quiet: bool = False,
) -> Outcome:
    """Identify photographs: one row for every file that was given, in the order given.

    Args:
        model: a run folder, a bundle, or a predictor that is already open.
        paths: files, folders and globs, also addresses of them (`s3://bucket/folder`, `gs://…`).
        out: the file to write; rows are appended as they are done. Predictions that it held are replaced.
        format: a name of `raravis.serve.formats`; all but `raravis` are written at the end, from `OUT.rows`. When not
            given, `parquet` for an `out` that ends so, else `raravis`.
        top_k: families listed a row (all, if there are fewer).
        batch_size: rows a step.
        jobs: threads that decode; 0 for one a core. With `ray`, in each worker; 0 for four.
        detections: results of MegaDetector for these photographs: each animal is cut out, and has a row.
        detection_threshold: an animal of this confidence or more is one; 0.2 when not given.
        resume: go on after a kill, with the same arguments, repeating and losing no row; begin if there is no
            such file.
        accept: call identified what is right this often; 0.9 when not given.
        coverage: prediction sets hold the true family this often; 0.9 when not given.
        right: tell a taxon at a rank that is right this often; 0.98 when not given.
        familiar: let this share of photographs of known families pass as familiar; 0.95 when not given.
        int8: by the smaller network of a bundle.
        ray: identify on a Ray cluster: `auto`, `local`, `HOST:PORT` or `ray://HOST:PORT`; this
            process when not given.
        workers: of the cluster; 0 for one a core.
        seed: of the engine, should a layer of the model draw random numbers.
        quiet: no progress.

    Raises:
        UsageError: the format is unknown, a number is out of its range, no file is meant or what is meant looks like a
            slip (`inputs.at_hand`), no photograph is among the detections, a share is not between 0 and 1, or one is
            asked of a predictor that is open already or of a run that has nothing to base it on; a predictor that is
            open already was to go to a cluster.
        ClusterError: the cluster cannot be joined, or its workers keep dying.
        MissingError: Ray, or the package for a store, is not installed.
        DataError: the detections are no results of MegaDetector, or do not tell which photograph is which.
        RunError: `model` is neither a run nor a bundle, has no model yet, or is damaged.
        StorageError: `out` cannot be written, holds something else, or rows of another call.
    """
    out = Path(out).absolute()
    if format is None:
        format = "parquet" if out.suffix.lower() == ".parquet" else "raravis"
    layout = formats.load(format)
    for name, value, least in (("top_k", top_k, 1), ("batch_size", batch_size, 1), ("jobs", jobs, 0)):
        if value < least:
            raise UsageError(f"{name} is {value}; {least} or more was expected.")
    scaled = cluster.asked(ray, workers, quiet=quiet)
    given = inputs.at_hand(inputs.expand([paths] if isinstance(paths, str | Path) else paths), out)
    pictures = Pictures(given.files, _detections(detections, detection_threshold, out))
    promises = {"accept": accept, "coverage": coverage, "right": right, "familiar": familiar}
    if isinstance(model, str | Path):
        predictor = open_predictor(model, seed=seed, int8=int8, threads=None, **promises)
    elif int8 or any(value is not None for value in promises.values()):
        raise UsageError("The predictor is open already; give what it is to promise to `open_predictor`.")
    elif ray is not None:
        raise UsageError("The predictor is open already; give the folder of its run or bundle to use a cluster.")
    else:
        predictor = model
    begun = time.perf_counter()
    with scaled as joined:
        if joined is None:
            make = batch.here(predictor, top_k, jobs)
        else:
            options: dict[str, Any] = {"top_k": top_k, "jobs": jobs, "seed": seed, "int8": int8, "promises": promises}
            make = remote.there(joined, remote.opener(str(model), **options))
        tally = batch.identify(
            make,
            pictures,
            out,
            layout,
            About(_name(model, predictor), _lineages(predictor), pictures.detections),
            batch_size=batch_size,
            resume=resume,
            quiet=quiet,
        )
    seconds = time.perf_counter() - begun
    animals = {} if pictures.detections is None else {"rows": tally.rows, "empty": tally.empty}
    figures = {
        "files": len(given.files),
        "read": len(given.files) - len(tally.unreadable),
        "unreadable": len(tally.unreadable),
        **animals,
        "kept": tally.kept,
        **tally.verdicts,
        "families": len(predictor.families),
        "seconds": round(seconds, 3),
    }
    kept = () if tally.journal == out else (f"{tally.journal} holds the rows for --resume; it may be deleted.",)
    trust = getattr(predictor, "trust", None)
    lacking = () if trust is None else trust.shortfalls()
    return Outcome("predict", out, figures, tally.unreadable, (*_notes(given), *_clash(out, format), *lacking, *kept))


def _detections(file: str | Path | None, threshold: float | None, out: Path) -> detecting.Detections | None:
    """Read the detections, if there are any.

    Raises:
        UsageError: a threshold without them or out of its range, or `out` would replace them.
        DataError: they are no results of MegaDetector.
    """
    if file is None:
        if threshold is not None:
            raise UsageError("detection_threshold was given, but no detections to hold against it.")
        return None
    threshold = detecting.THRESHOLD if threshold is None else threshold
    if not 0 <= threshold <= 1:
        raise UsageError(f"detection_threshold is {threshold:g}; a number from 0 to 1 was expected, such as 0.2.")
    if Path(file).absolute() == out or (out.exists() and Path(file).exists() and out.samefile(file)):
        raise UsageError(f"{file} holds the detections and would be replaced.\nName another --out.")
    return detecting.read(Path(file), threshold)


def _name(model: str | Path | Predictor, predictor: Predictor) -> str:
    """The model's name for the formats that tell it: its folder's, and the beginning of its digest if it has one."""
    name = Path(model).absolute().name if isinstance(model, str | Path) else type(predictor).__name__
    return f"{name} {str(getattr(predictor, 'digest', ''))[:12]}".rstrip()


def _lineages(predictor: Predictor) -> Mapping[str, Mapping[str, str]]:
    """The lineage of every family: the predictor's own, else that of its trust, else as the bundled table has it."""
    own = getattr(predictor, "lineage", None)
    if own is None:
        trust = getattr(predictor, "trust", None)
        taxonomy = Taxonomy.of(predictor.families, {})[0] if trust is None else trust.taxonomy
        own = taxonomy.lineage
    return {family: own(family) for family in predictor.families}


def _clash(out: Path, format: str) -> tuple[str, ...]:
    """Say whether a file is called as one of another format is."""
    suffix = out.suffix.lower()
    owners = _OWNERS.get(suffix, (format,))
    if format in owners:
        return ()
    return (f"{printable(out.name)} is of the format {format}, though {suffix} belongs to {' and '.join(owners)}.",)


def _notes(given: inputs.Given) -> tuple[str, ...]:
    """Say what the inputs say, and whether a name had to be written otherwise than it is."""
    odd = [path for path in given.files if printable(path) != path]
    if not odd:
        return tuple(map(printable, given.notes))
    told = f"{len(odd)} file names are no UTF-8; their odd bytes are written as \\udcXX ({printable(odd[0])})."
    return (*map(printable, given.notes), told)
