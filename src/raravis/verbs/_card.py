"""The model card of a run: what it is for, what it was made of, how good it is, and where to be careful."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from raravis import credits
from raravis.judge import sets, trust_sections
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
        *_trust(judged[side], trust),
        *_limits(judged[side]),
    ]
    return "\n\n".join(blocks) + "\n"


def _what(run: Run) -> Iterator[str]:
    yield f"# {run.path.name}: {run.recipe.model.name} for {len(run.families)} families"
    yield (
        "**Whatever it says, assume it is wrong until you have checked on your own site.** Judge a few hundred "
        "photographs from there by eye, then run `raravis evaluate` on them."
    )
    made = f"Made by raravis {run.environment.get('raravis', 'of an unknown version')}"
    yield f"{made}; the run was last worked on at {run.status.get('updated', 'an unknown time')}."
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
        "`environment.json`."
    )
    yield _licences(data.get("licences", {}))


def _licences(counts: Mapping[str, int]) -> str:
    """Under which licences the training photographs are, as far as the data told when the run was made."""
    if not set(counts) - {credits.UNKNOWN}:
        return "The photographs have licences of their own, which are not known here."
    named = ", ".join(f"{name} ({n:,})" for name, n in counts.items())
    return f"Training photographs by licence: {named}. Keep to each where you show a photograph."


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


def _trust(judged: Mapping[str, Any], trust: Trust | None) -> Iterator[str]:
    yield "## How far to believe it"
    if trust is None:
        yield "Nothing is known of that: the run was made without."
        return
    found = judged.get("trust")
    if found is not None:
        yield from _promises(found, judged["per_family"])
        yield from _calibration(found["calibration"])
        if found["novel"] is not None:
            yield _measured(found["novel"])
    if trust.table:
        best = trust.table[0]
        areas = ", ".join(f"{k} {v:.2f}" for k, v in best.items() if k not in ("scorer", "mean"))
        yield (
            f"Families kept back in rehearsal (`{best['scorer']}`, area under the ROC curve): {areas}. 0.5 is chance, "
            f"1 tells every new image from every known one."
        )
    yield from (*trust.notes, *trust.shortfalls())


def _promises(found: Mapping[str, Any], per_family: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    yield _markdown(trust_sections.promises(found))
    if found["fitted_here"]:
        yield "These are the images that the thresholds were set on, so that this proves little; judge on test."
    told, own, verdicts = found["sets"], found["selective"], found["verdicts"]
    yield (
        f"A set names {told['mean_size']:.2f} families on average. {verdicts['identified']:.1%} of the images are "
        f"identified, {verdicts['uncertain']:.1%} uncertain, and {verdicts['unfamiliar']:.1%} are called unfamiliar, "
        f"though they are all of known families. Area under the risk-coverage curve {own['aurc']:.4f} (0 is best)."
    )
    rows = {name: (row["support"], row.get("coverage")) for name, row in per_family.items()}
    bad = sorted((share, name, n) for name, (n, share) in rows.items() if share is not None and share < sets.LOW)
    if bad := [(share, name, n) for share, name, n in bad if n >= sets.ENOUGH]:
        named = ", ".join(f"{name} ({share:.0%} of {n})" for share, name, n in bad)
        yield f"Families whose sets hold them less than {sets.LOW:.0%} of the time: {named}."
    else:
        yield f"No family with {sets.ENOUGH} images or more is in its sets less than {sets.LOW:.0%} of the time."


def _calibration(found: Mapping[str, Any]) -> Iterator[str]:
    ways = {"none": "Its probabilities are the network's own: no way of calibrating them did better."}
    how = f"{found['kind']} scaling" + (f" of {found['temperature']:.2f}" if found["temperature"] else "")
    yield ways.get(found["kind"], f"Calibrated by {how}, fitted on {found['images']:,} validation images.")
    sides = ["after"] if found["kind"] == "none" or found["before"] is None else ["before", "after"]
    words = {"ece": "calibration error", "brier": "Brier score", "nll": "log loss"}
    rows = {"all": {side: found[side] for side in ("before", "after")}, **found["per_phylum"]}
    frame = pd.DataFrame(
        [
            {"images of": name, "images": row["after"]["n"]}
            | {told: " → ".join(f"{row[side][key]:.3f}" for side in sides) for key, told in words.items()}
            for name, row in rows.items()
        ]
    )
    yield _markdown(frame)
    yield ("Before → after calibration; " if len(sides) > 1 else "") + "less is better, and few images are chance."


def _measured(found: Mapping[str, Any]) -> str:
    return (
        f"On {found['n']:,} photographs of {found['families']} families that it does not know: area under the ROC "
        f"curve {found['auroc']:.3f} ({found['ci95'][0]:.3f}–{found['ci95'][1]:.3f}), {found['unfamiliar']:.1%} "
        f"called unfamiliar, {found['identified']:.1%} identified, wrongly."
    )


def _markdown(frame: pd.DataFrame) -> str:
    rows = [list(map(str, frame.columns)), ["---"] * frame.shape[1], *frame.astype(str).to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


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
