"""What a bundle says of itself: `bundle.json` for programs, `card.md` for people. Nothing of the maker's machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from raravis import __version__
from raravis.judge.trust import Trust
from raravis.lineages import Taxonomy
from raravis.run import CARD, RECIPE, Run
from raravis.serve.folder import FORMAT, VERSION

_MEASURED: Final = (
    "n",
    "accuracy",
    "top5_accuracy",
    "macro_f1",
    "weighted_f1",
    "balanced_accuracy",
    "loss",
    "ece",
    "ci95",
)


def about(
    run: Run,
    taxonomy: Taxonomy,
    trust: Trust | None,
    measured: Mapping[str, Any],
    exported: Mapping[str, Any],
    files: Mapping[str, Any],
) -> dict[str, Any]:
    """What `bundle.json` holds.

    Args:
        run: the run.
        taxonomy: of its families.
        trust: how far it may be believed.
        measured: its `metrics.json`.
        exported: what export found: `outputs`, `parity`, `int8`, `litert`, `neighbours`.
        files: name → bytes and SHA-256 of every other file.
    """
    data, environment = run.recipe.data, run.environment
    source = environment.get("data", {})
    versions = {
        name: environment[name] for name in ("raravis", "keras", "backend", "backend_version") if name in environment
    }
    return {
        "format": FORMAT,
        "version": VERSION,
        "name": run.path.name,
        "made": {"raravis": __version__, "at": datetime.now(UTC).isoformat(timespec="seconds")},
        "families": list(run.families),
        "taxonomy": taxonomy.record(),
        "preprocessing": {
            "name": "image",
            "size": data.size,
            "fit": data.fit,
            "dtype": "uint8",
            "order": "RGB",
            "range": [0, 255],
        },
        **exported,
        "calibration": None if trust is None else trust.calibration.record(),
        "thresholds": None if trust is None else _thresholds(trust),
        "run": {
            "recipe": run.recipe.model.name,
            "description": run.recipe.description,
            "seed": run.recipe.seed,
            "recipe_digest": files_digest(run.path / RECIPE),
            "split_digest": environment.get("split_digest"),
            "data": Path(str(source["data"])).name if "data" in source else None,
            "data_digest": source.get("digest"),
        },
        "measured": {
            side: {name: measured[side][name] for name in _MEASURED if name in measured[side]}
            for side in ("val", "test")
            if side in measured
        },
        "versions": versions,
        "digests": dict(files),
    }


def files_digest(file: Path) -> str:
    """SHA-256 of a file, hex."""
    import hashlib

    return hashlib.sha256(file.read_bytes()).hexdigest()


def _thresholds(trust: Trust) -> dict[str, Any]:
    """What is promised unless something else is asked for, and the thresholds that keep it; null for none."""
    accept, precision, share = trust.accepted
    return {
        "accept": {
            "asked": trust.accept,
            "confidence": _finite(accept),
            "expected_precision": _finite(precision),
            "share": _finite(share),
        },
        "coverage": {"asked": trust.coverage, **trust.sets.record()},
        "right": {"asked": trust.right, "probability": _finite(trust.rollup.threshold)},
        "familiar": {"asked": trust.familiar, "scorer": trust.novelty.scorer},
    }


def _finite(value: float) -> float | None:
    return float(value) if abs(value) < float("inf") else None


def card(run: Run, exported: Mapping[str, Any], notes: tuple[str, ...]) -> str:
    """`card.md`: that of the run, and what export measured."""
    own = run.path / CARD
    text = own.read_text(encoding="utf-8").rstrip() if own.is_file() else f"# {run.path.name}"
    return "\n\n".join([text, *_bundle(exported, notes)]) + "\n"


def _bundle(exported: Mapping[str, Any], notes: tuple[str, ...]) -> Iterator[str]:
    parity = exported["parity"]
    yield "## This bundle"
    yield (
        f"`model.onnx` was held against the network of the run on {parity['images']} {parity['of']}: probabilities "
        f"differ by {parity['probability']:.1g} at most (allowed: {parity['bounds']['probability']:g})."
    )
    if (small := exported["int8"]) is not None:
        yield _int8(small)
    if (lite := exported["litert"]) is not None:
        yield (
            "`model.tflite` was held against the run likewise: probabilities differ by "
            f"{lite['probability']:.1g} at most."
        )
    if (near := exported["neighbours"]) is not None:
        shown = "with thumbnails of them" if near["thumbnails"] else "without pictures of them"
        yield (
            f"It remembers {near['count']:,} training photographs as {near['dtype']} numbers, {shown}. A licence is "
            f"known of {near['licensed']:,} of them, a rights holder of {near['held']:,}."
        )
    yield from notes


def _int8(small: Mapping[str, Any]) -> str:
    told, lost = "`model.int8.onnx` is a smaller form of it.", small["loss"]
    if lost is None:
        return f"{told} What it loses could not be measured: no validation image was at hand."
    low, high = lost["ci95"]
    own = f"has an accuracy of {lost['accuracy']:.3f}, "
    seen = ""
    if small["learned"]:
        own = "loses "
        seen = " The network learned from these images, so it may lose more on others."
    return (
        f"{told} On {lost['n']:,} images of val it {own}{100 * lost['lost']:.1f} points"
        f"{' of accuracy, as compared with' if small['learned'] else ' less than'} `model.onnx` "
        f"({100 * low:.1f} to {100 * high:.1f}); both name the same family for {lost['agreement']:.1%} of them. "
        f"Thresholds were found with `model.onnx`.{seen}"
    )
