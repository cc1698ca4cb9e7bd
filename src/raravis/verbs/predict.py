"""`raravis predict`: a trained model and photographs become one row a photograph."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from raravis.errors import UsageError
from raravis.outcome import Outcome
from raravis.serve import batch, formats, inputs
from raravis.serve.predictor import Predictor, open_predictor
from raravis.serve.row import printable


def predict(
    model: str | Path | Predictor,
    paths: str | Path | Iterable[str | Path],
    *,
    out: str | Path,
    format: str = "raravis",
    top_k: int = 5,
    batch_size: int = 32,
    resume: bool = False,
    accept: float | None = None,
    coverage: float | None = None,
    right: float | None = None,
    familiar: float | None = None,
    int8: bool = False,
    seed: int = 0,
    quiet: bool = False,
) -> Outcome:
    """Identify photographs: one row for every file that was given, in the order given.

    Args:
        model: a run folder, a bundle, or a predictor that is already open.
        paths: files, folders and globs.
        out: the file to write; rows are appended as they are done. Predictions that it held are replaced.
        format: a name of `raravis.serve.formats`.
        top_k: families listed a photograph (all, if there are fewer).
        batch_size: photographs a step.
        resume: go on after a kill, with the same arguments, repeating and losing no row; begin if there is no
            such file.
        accept: call identified what is right this often; 0.9 when not given.
        coverage: prediction sets hold the true family this often; 0.9 when not given.
        right: tell a taxon at a rank that is right this often; 0.98 when not given.
        familiar: let this share of photographs of known families pass as familiar; 0.95 when not given.
        int8: by the smaller network of a bundle.
        seed: of the engine, should a layer of the model draw random numbers.
        quiet: no progress.

    Raises:
        UsageError: the format is unknown, a number is below 1, no file is meant, a share is not between 0 and 1, or one
            is asked of a predictor that is open already or of a run that has nothing to base it on.
        RunError: `model` is neither a run nor a bundle, has no model yet, or is damaged.
        StorageError: `out` cannot be written, holds something else, or rows of another call.
    """
    layout = formats.load(format)
    for name, value in (("top_k", top_k), ("batch_size", batch_size)):
        if value < 1:
            raise UsageError(f"{name} is {value}; 1 or more was expected.")
    given = inputs.expand([paths] if isinstance(paths, str | Path) else paths)
    promises = {"accept": accept, "coverage": coverage, "right": right, "familiar": familiar}
    if isinstance(model, str | Path):
        predictor = open_predictor(model, seed=seed, int8=int8, **promises)
    elif int8 or any(value is not None for value in promises.values()):
        raise UsageError("The predictor is open already; give what it is to promise to `open_predictor`.")
    else:
        predictor = model
    out = Path(out).absolute()
    begun = time.perf_counter()
    tally = batch.identify(
        predictor, given.files, out, layout, top_k=top_k, batch_size=batch_size, resume=resume, quiet=quiet
    )
    seconds = time.perf_counter() - begun
    figures = {
        "files": tally.rows,
        "read": tally.rows - len(tally.unreadable),
        "unreadable": len(tally.unreadable),
        "kept": tally.kept,
        **tally.verdicts,
        "families": len(predictor.families),
        "seconds": round(seconds, 3),
    }
    return Outcome("predict", out, figures, tally.unreadable, _notes(given))


def _notes(given: inputs.Given) -> tuple[str, ...]:
    """Say what the inputs say, and whether a name had to be written otherwise than it is."""
    odd = [path for path in given.files if printable(path) != path]
    if not odd:
        return tuple(map(printable, given.notes))
    told = f"{len(odd)} file names are no UTF-8; their odd bytes are written as \\udcXX ({printable(odd[0])})."
    return (*map(printable, given.notes), told)
