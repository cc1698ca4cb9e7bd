"""The model card of a run: what it is for, what it was made of, how good it is, and where to be careful."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from raravis.judge.trust import Trust
from raravis.run import Run


def text(run: Run, judged: Mapping[str, Any], phyla: Mapping[str, str], trust: Trust | None) -> str:
    """`card.md`, Markdown.

    Args:
        run: a run that was judged.
        judged: its metrics, by side.
        phyla: of each family, "" where unknown.
        trust: how far it may be believed; None for a run that was made without.
    """
    side = next(name for name in ("test", "val", "train") if name in judged)
    blocks = [
        *_what(run),
        *_data(run, phyla),
        *_good(run, judged[side], side, judged.get("held_out_species")),
        *_trust(judged[side].get("trust"), trust),
        *_limits(judged[side]),
    ]
    return "\n\n".join(blocks) + "\n"


def _what(run: Run) -> Iterator[str]:
    yield f"# {run.path.name}: {run.recipe.model.name} for {len(run.families)} families"
    yield (
        "**Assume that it is wrong until you have checked it on photographs of your own site.** Judge a few hundred of "
        "them by eye, then run `raravis evaluate` on them."
    )
    yield "## Intended use"
    yield (
        "Sorting photographs of animals by family, for a person to look over. It is not meant for decisions that "
        "nobody checks: counts for law or trade, medicine, food, or telling venomous animals from harmless ones."
    )
    yield "It knows these families and no other: " + ", ".join(run.families) + "."


def _data(run: Run, phyla: Mapping[str, str]) -> Iterator[str]:
    split = run.split.drop_duplicates("image_id")
    sizes = split[split["split"] == "train"]["family"].value_counts()
    yield "## Training data"
    data = run.environment.get("data", {})
    counts = ", ".join(f"{n:,} {name}" for name, n in split["split"].value_counts().items())
    source = Path(str(data.get("data", "a list of names"))).name
    yield f"`{source}` (digest `{str(data.get('digest', ''))[:16]}`), images by side: {counts}."
    if len(sizes):
        yield (
            f"Training images a family: {sizes.min()} to {sizes.max()}, median {sizes.median():g}. "
            f"Fewest: {', '.join(f'{name} ({n})' for name, n in sizes.sort_values().head(5).items())}."
        )
    groups = pd.Series([phyla.get(family) or "unknown" for family in run.families]).value_counts()
    yield "Families by phylum: " + ", ".join(f"{name} {n}" for name, n in groups.items()) + "."
    split_digest = str(run.environment.get("split_digest", "none"))[:16]
    yield (
        f"Seed {run.recipe.seed}, split `{split_digest}`. The recipe stands in `recipe.toml`, versions and machine in "
        "`environment.json`. The photographs have licences of their own, which this card does not tell."
    )


def _good(run: Run, judged: Mapping[str, Any], side: str, species: Mapping[str, Any] | None) -> Iterator[str]:
    yield f"## How good it is, on {judged['n']:,} images of {side}"
    rows = ["| measure | value | 95% interval |", "|---|---|---|"]
    for name in ("accuracy", "top5_accuracy", "macro_f1", "balanced_accuracy", "ece"):
        interval = judged["ci95"].get(name)
        told = f"{interval[0]:.3f}–{interval[1]:.3f}" if interval else ""
        rows.append(f"| {name.replace('_', ' ')} | {judged[name]:.3f} | {told} |")
    yield "\n".join(rows)
    if side != "test":
        yield f"It was not judged on test yet: `raravis evaluate {run.path.name}`."
    if species:
        low, high = species["ci95"]["macro_f1"]
        yield (
            f"Of species that it has never seen, of families that it knows: accuracy {species['accuracy']:.3f}, "
            f"macro-F1 {species['macro_f1']:.3f} ({low:.3f}–{high:.3f}), cross-validated."
        )


def _trust(found: Mapping[str, Any] | None, trust: Trust | None) -> Iterator[str]:
    yield "## How far to believe it"
    if trust is None:
        yield "Nothing is known of that: the run was made without."
        return
    if found is not None:
        told, own, taxa = found["sets"], found["selective"], found["taxa"]
        yield (
            f"Sets that promise the family {told['asked']:.0%} of the time held it {told['coverage']:.1%} of the time, "
            f"with {told['mean_size']:.2f} families on average. Asked for {own['asked']:.0%} right answers, "
            f"{own['accepted']:.1%} of images were answered"
            + (f", {own['precision']:.1%} of them rightly. " if own["precision"] is not None else ". ")
            + f"Of the taxa told, at whatever rank, {taxa['right']:.1%} were right."
        )
    if trust.table:
        best = trust.table[0]
        areas = ", ".join(f"{k} {v:.2f}" for k, v in best.items() if k not in ("scorer", "mean"))
        yield f"Families that it was not taught, in rehearsal (`{best['scorer']}`, area under the ROC curve): {areas}."
    yield from trust.notes


def _limits(judged: Mapping[str, Any]) -> Iterator[str]:
    yield "## Limits"
    seen = {name: row for name, row in judged["per_family"].items() if row["support"]}
    worst = sorted(seen.items(), key=lambda pair: (pair[1]["recall"], pair[0]))[:8]
    named = ", ".join(f"{name} ({row['recall']:.0%} of {row['support']})" for name, row in worst)
    yield f"Families that it finds least often, with the share found: {named}."
    yield (
        "Every figure above is of photographs like the training data. Night, rain, another camera, young animals, dead "
        "ones, drawings, and animals that fill a twentieth of the frame can all be worse. It sees one family a "
        "photograph. An animal of a family that it does not know is often, not always, called unfamiliar."
    )
