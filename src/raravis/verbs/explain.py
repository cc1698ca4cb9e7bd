"""`raravis explain`: a trained model and photographs become figures of why it says so and what its layers answer to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from raravis.errors import UsageError
from raravis.outcome import Outcome
from raravis.serve.folder import is_bundle

SEARCHED: Final = 2000
"""Training images that are searched for what a channel answers to, at most, where nothing else is said."""

_Names = str | Sequence[str] | None


def explain(
    model: str | Path,
    paths: str | Path | Iterable[str | Path],
    *,
    out: str | Path,
    method: str | None = None,
    family: str | None = None,
    nearest: int = 5,
    check: bool = False,
    layers: _Names = None,
    channels: _Names = None,
    data: str | None = None,
    path_column: str | None = None,
    label_column: str | None = None,
    root: str | Path | None = None,
    images: int = SEARCHED,
    seed: int = 0,
    quiet: bool = False,
) -> Outcome:
    """Show why a network says what it says of photographs, and what its layers answer to.

    Writes `<photograph>-why.png` (where the evidence lies, and the nearest training photographs) and
    `<photograph>-maps.png` for every photograph, `filters.png` (of the first convolution),
    `channels/<layer>-<number>.png` (the images that a channel answers to most) and `report.html`.

    Of a bundle the first of these and the report: it tells where the evidence lies without Keras, and shows the
    training photographs that it remembers. What needs layers, gradients or the images of the run is refused.

    Args:
        model: a run folder or a bundle.
        paths: photographs: files, folders and globs.
        out: the folder to write into.
        method: how the evidence is found; the best when not given: see `explaining.attribution`.
        family: a family to explain beside the one that the network is surest of: why not this one?
        nearest: how many training photographs that are most alike are shown; 0 for none, which saves their embedding.
        check: put the maps to the test: shuffled weights, pixels hidden and shown; about 100 passes a photograph.
        layers: layers whose maps are drawn, a list or a text with commas; a spread from early to late when not given.
        channels: `layer:number`, likewise; when not given, those of the last layer whose answers to the photographs lie
            furthest above their usual ones.
        data: where the training images are now, or other images to search; those of the run when not given.
        path_column: column of a table that holds file paths.
        label_column: column of a table that holds labels.
        root: folder that paths in a table are relative to.
        images: how many of them are searched at most, a random share of every family.
        seed: chooses them, and the random orders and weights of `check`.
        quiet: no progress.

    Raises:
        UsageError: no file is meant, or there is no such method, family, layer or channel.
        RunError: `model` is no run, has no model yet, or is damaged.
        BundleError: a bundle that is damaged.
        DataError: `data` cannot be used.
        StorageError: `out` cannot be written.
    """
    if images < 1:
        raise UsageError(f"images is {images}; 1 or more was expected.")
    if nearest < 0:
        raise UsageError(f"nearest is {nearest}; 0 or more was expected.")
    if data is None and (path_column or label_column or root):
        raise UsageError("Columns and root say how to read --data, which was not given; give it too.")
    given = [paths] if isinstance(paths, str | Path) else paths
    if is_bundle(model):
        wanted = {"method": method, "check": check, "layers": layers, "channels": channels, "data": data}
        wanted["images"] = images != SEARCHED
        if refused := next((name for name, value in wanted.items() if value), ""):
            raise UsageError(
                f"--{refused} needs a run, and {model} is a bundle: it holds no layers to look into and no images.\n"
                "Explain the run that it was exported from, or leave the option out."
            )
        from raravis.verbs import _explain_bundle  # without Keras

        return _explain_bundle.explain(model, given, out=out, family=family, nearest=nearest, quiet=quiet)
    from raravis.verbs import _explain_run  # with it

    return _explain_run.explain(
        model,
        given,
        out=out,
        method=method,
        family=family,
        nearest=nearest,
        check=check,
        layers=layers,
        channels=channels,
        data=data,
        path_column=path_column,
        label_column=label_column,
        root=root,
        images=images,
        seed=seed,
        quiet=quiet,
    )
