"""The finished runs of the study become its table, its figures and its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from raravis import drawing, files, page
from raravis.judge import comparison, predictions
from raravis.page import Block, Code, Facts, Picture, Section, Table, Text
from raravis.run import PREDICTIONS, Run
from raravis.study import plan, table
from raravis.study.plan import Part
from raravis.study.table import Result, duration
from raravis.verbs import _judged

TABLE: Final = "table"


def write(
    out: Path, parts: Sequence[Part], times: Mapping[str, Any], *, seed: int
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Write table, figures and report into `out`; returns the figures and notes of the outcome."""
    runs = {part.name: Run.open(out / "runs" / part.name) for part in parts}
    results = [
        Result(
            part,
            _judged.metrics_in(runs[part.name].path),
            runs[part.name].history,
            times["parameters"][part.name],
        )
        for part in parts
    ]
    rows, scores, efforts = table.rows(results), table.scores(results), table.efforts(results)
    with files.atomic(out / f"{TABLE}.csv") as stream:
        rows.to_csv(stream, index=False, lineterminator="\n")
    files.write_text(out / f"{TABLE}.md", f"{table.markdown(scores)}\n{table.markdown(efforts)}\np.: as published\n")
    curves = drawing.save(table.curves(results), out / "curves.png")
    accuracies = drawing.save(table.accuracies(results), out / "accuracy.png")
    costs = _costs(parts, runs, seed)
    if len(costs):
        files.write_text(out / "costs.md", table.markdown(costs.round(3)))
        with files.atomic(out / "costs.csv") as stream:
            costs.to_csv(stream, index=False, lineterminator="\n")
    beside = Section("Published and measured", [Text(_READ), Table(scores), Table(efforts)])
    about = "The study's table, with what was measured here beside it."
    page.write(out / f"{TABLE}.html", title="The study's table", lead=about, sections=[beside])
    page.write(
        out / "report.html",
        title="The study, run again",
        lead=_lead(results, runs),
        sections=[
            Section("At a glance", [_facts(results, times)]),
            Section(beside.title, [*beside.blocks, *_accuracy(accuracies, results)]),
            *([Section("What each mistake costs", [Text(_COSTS), Table(costs)])] if len(costs) else []),
            Section("How the networks learned", [Picture(curves, _CURVES, _alt(results))]),
            *_augmentations(out),
            Section("How to get these figures again", _again(runs)),
        ],
    )
    notes = tuple(f"{result.part.name}: {_noted(result)}." for result in results if result.part.note)
    figures = {
        "runs": len(results),
        "training_seconds": round(sum(result.seconds for result in results), 1),
        "table": rows.astype(object).where(rows.notna(), None).to_dict("records"),
    }
    return figures, notes


def _noted(result: Result) -> str:
    """What is not as in the study; of a check, whether it trained."""
    if result.part.counts:
        return result.part.note
    losses = result.history["loss"]
    return f"{result.part.note}; training loss {losses.iloc[0]:.2f}, then {losses.iloc[-1]:.2f}"


def _costs(parts: Sequence[Part], runs: Mapping[str, Run], seed: int) -> pd.DataFrame:
    def judged(part: Part) -> pd.DataFrame:
        return predictions.load(runs[part.name].path / PREDICTIONS)

    found = {
        mistake: (bad, good, comparison.compare({bad.name: judged(bad), good.name: judged(good)}, seed=seed))
        for mistake, bad, good in plan.pairs(parts)
    }
    return table.costs(found)


def _accuracy(drawn: bytes, results: Sequence[Result]) -> list[Block]:
    alt = "; ".join(f"{r.part.name}: {r.metrics['test']['accuracy']:.3f}" for r in results)
    return [Picture(drawn, "Grey: a check from random weights, no result.", f"Test accuracy. {alt}")]


def _facts(results: Sequence[Result], times: Mapping[str, Any]) -> Facts:
    best = max((r for r in results if r.part.counts), key=lambda r: r.metrics["test"]["macro_f1"], default=results[0])
    spent = sum(result.seconds for result in results)
    return Facts(
        {
            "best macro-F1 on test": (best.metrics["test"]["macro_f1"], best.part.name.replace("_", " ")),
            "runs": len(results),
            "training": (duration(spent), f"{duration(times['total'])} were expected if no run stops early"),
        }
    )


def _augmentations(out: Path) -> list[Section]:
    drawn = out / "augment" / "comparison.png"
    if not drawn.is_file():
        return []
    kept = pd.read_csv(out / "augment" / "comparison.csv")
    about = "The same small network, trained once a pipeline and repeat, all else equal; test images were not touched."
    alt = "Training and validation accuracy of each augmentation pipeline; the table below has the figures."
    return [Section("Augmentations compared", [Text(about), Picture(drawn.read_bytes(), "", alt), Table(kept)])]


def _again(runs: Mapping[str, Run]) -> list[Block]:
    first = next(iter(runs.values()))
    data = first.environment["data"]["data"]
    lines = [
        f"raravis train {data} --recipe {path.path / 'recipe.toml'} --split {path.path / 'split.csv'} --out NEW"
        for path in runs.values()
    ]
    digest = first.environment["split_digest"]
    return [Text(f"All runs share the split {digest} and the seed {first.recipe.seed}."), Code("\n".join(lines))]


def _lead(results: Sequence[Result], runs: Mapping[str, Run]) -> str:
    run = next(iter(runs.values()))
    images = run.split.drop_duplicates("image_id")
    sizes = sorted({result.part.recipe.data.size for result in results})
    pixels = " and ".join(map(str, sizes))
    return (
        f"{len(results)} runs on {page.written(len(images))} images of {len(run.families)} families at {pixels} px. "
        "The study had 202 families at 224 px: its figures stand beside ours to be looked at, not to be subtracted."
    )


def _alt(results: Sequence[Result]) -> str:
    return "; ".join(
        f"{r.part.name}: training {r.history['accuracy'].iloc[-1]:.2f}, "
        f"validation {r.history['val_accuracy'].iloc[-1]:.2f} in the last epoch"
        for r in results
    )


_READ: Final = (
    "Measured scores are those of the best epoch, on whole sides of the split without augmentation or dropout, with "
    "95% bootstrap intervals over images. Columns marked p. are as published, and a dash means that the study did not "
    "report a figure. Macro-F1 counts every family alike, however small."
)
_COSTS: Final = (
    "Each row is the same network with a mistake of the study and without it, judged on the same test images. The "
    "interval of what is gained resamples the images for both at once; one that holds 0 may be chance."
)
_CURVES: Final = (
    "Training accuracy is measured while the network learns, under augmentation and dropout, so that it can lie below "
    "validation. A training curve that leaves validation behind is a network that learns by heart."
)
