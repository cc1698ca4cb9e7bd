"""The study's table: what was published beside what is measured, as a frame, as Markdown, and as figures."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from raravis import drawing
from raravis.judge.comparison import Comparison
from raravis.study.plan import Part

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDES: Final = ("train", "val", "test")


@dataclass(frozen=True)
class Result:
    """What one run of the study came to.

    Attributes:
        part: the run.
        metrics: its `metrics.json`.
        history: its `history.csv`.
        parameters: of its network.
    """

    part: Part
    metrics: Mapping[str, Any]
    history: pd.DataFrame
    parameters: int

    @property
    def seconds(self) -> float:
        """Seconds of training."""
        return float(self.history["seconds"].sum())


def rows(results: Sequence[Result]) -> pd.DataFrame:
    """One row a run: for every side the published figure, the measured one and its 95% interval.

    Columns: `run, recipe, model, note, size, epochs_published, epochs, parameters, train_seconds`; for each of train,
    val and test `<side>_accuracy_published, <side>_accuracy, <side>_accuracy_low, <side>_accuracy_high,
    <side>_loss_published, <side>_loss, <side>_macro_f1, <side>_macro_f1_low, <side>_macro_f1_high`; and
    `val_macro_f1_published`. NaN where nothing was published.
    """
    return pd.DataFrame([_row(result) for result in results])


def scores(results: Sequence[Result]) -> pd.DataFrame:
    """The table for people: one row a run, accuracy published (p.) and measured with its interval; texts."""
    return pd.DataFrame(
        [
            {
                "run": _words(r.part.name),
                **{
                    f"{side} {kind}": text
                    for side in SIDES
                    for kind, text in (
                        ("p.", _figure(_published(r.part, f"{side}_accuracy"))),
                        ("accuracy", _with_interval(r, side, "accuracy")),
                    )
                },
                "test macro-F1": _with_interval(r, "test", "macro_f1"),
            }
            for r in results
        ]
    )


def efforts(results: Sequence[Result]) -> pd.DataFrame:
    """The rest of it: losses, validation macro-F1, epochs, time, and what is not as in the study; texts."""
    return pd.DataFrame(
        [
            {
                "run": _words(r.part.name),
                "loss p.": _three([_published(r.part, f"{side}_loss") for side in SIDES]),
                "loss": _three([float(r.metrics[side]["loss"]) for side in SIDES]),
                "val macro-F1 p.": _figure(_published(r.part, "val_macro_f1")),
                "val macro-F1": _with_interval(r, "val", "macro_f1"),
                "epochs p.": (r.part.published and r.part.published.epochs) or "–",
                "epochs": len(r.history),
                "training": duration(r.seconds),
                "parameters": f"{r.parameters:,}",
                "not as in the study": r.part.note or "–",
            }
            for r in results
        ]
    )


def markdown(frame: pd.DataFrame) -> str:
    """A frame of texts and numbers as a Markdown table."""
    head = [str(column) for column in frame.columns]
    lines = [head, ["---"] * len(head), *([str(value) for value in row] for row in frame.itertuples(index=False))]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def costs(found: Mapping[str, tuple[Part, Part, Comparison]]) -> pd.DataFrame:
    """What each mistake costs: one row a mistake, scores of both sides and the difference with its interval.

    Args:
        found: mistake → the run as published, the run mended, and their comparison (published first).
    """
    return pd.DataFrame([_cost(mistake, *sides) for mistake, sides in found.items()])


def curves(results: Sequence[Result]) -> Figure:
    """Draw accuracy by epoch, a panel a run: while it learned, and on validation images."""
    columns = min(4, len(results))
    lines = -(-len(results) // columns)
    drawn = drawing.figure(3.1 * columns, 2.8 * lines + 0.5)
    panels = np.atleast_1d(drawn.subplots(lines, columns, squeeze=False)).ravel()
    for axes, result in zip(panels, results, strict=False):
        drawing.dress(axes, x="epoch")
        axes.set_title(textwrap.fill(_words(result.part.name), 24), fontsize=9, loc="left")
        epochs = result.history["epoch"] + 1
        axes.plot(epochs, result.history["accuracy"], color=drawing.PALETTE[0], marker=".", label="training")
        axes.plot(epochs, result.history["val_accuracy"], color=drawing.PALETTE[1], marker=".", label="validation")
        axes.set_ylim(0, 1.1 * max(0.05, *result.history["accuracy"], *result.history["val_accuracy"]))
        axes.xaxis.get_major_locator().set_params(integer=True)
    for axes in panels[len(results) :]:
        axes.set_axis_off()
    handles, labels = panels[0].get_legend_handles_labels()
    drawn.legend(handles, labels, loc="outside lower left", ncols=2, frameon=False, fontsize=9)
    return drawn


def accuracies(results: Sequence[Result]) -> Figure:
    """Draw test accuracy, published and measured with its interval, a line a run."""
    drawn = drawing.figure(8.5, 0.42 * len(results) + 1.4)
    axes = drawing.dress(drawn.subplots(), x="accuracy on test images", grid="x")
    heights = np.arange(len(results))[::-1]
    for height, result in zip(heights, results, strict=True):
        low, high = result.metrics["test"]["ci95"]["accuracy"]
        colour = drawing.PALETTE[0] if result.part.counts else drawing.MUTED
        axes.plot([low, high], [height, height], color=colour, linewidth=2)
        axes.plot(result.metrics["test"]["accuracy"], height, "o", color=colour)
        before = _published(result.part, "test_accuracy")
        if before is not None:
            axes.plot(before, height, "D", color=drawing.PALETTE[1], fillstyle="none")
    axes.set_yticks(heights, [_words(result.part.name) for result in results])
    axes.set_xlim(left=0)
    axes.plot([], [], "o-", color=drawing.PALETTE[0], label="measured, 95% interval")
    axes.plot([], [], "D", color=drawing.PALETTE[1], fillstyle="none", label="published (202 families, 224 px)")
    drawn.legend(loc="outside lower left", ncols=2, frameon=False, fontsize=9)
    return drawn


def duration(seconds: float) -> str:
    """Seconds as a person says them: `45 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def _row(result: Result) -> dict[str, Any]:
    part, table = result.part, result.part.published
    row: dict[str, Any] = {
        "run": part.name,
        "recipe": part.of,
        "model": getattr(part.recipe.model, "backbone", part.recipe.model.name),
        "note": part.note,
        "size": part.recipe.data.size,
        "epochs_published": None if table is None else table.epochs,
        "epochs": len(result.history),
        "parameters": result.parameters,
        "train_seconds": round(result.seconds, 1),
    }
    for side in SIDES:
        judged = result.metrics[side]
        for score in ("accuracy", "loss", "macro_f1"):
            if score != "macro_f1" or side == "val":
                row[f"{side}_{score}_published"] = _published(part, f"{side}_{score}")
            row[f"{side}_{score}"] = judged[score]
            if score in judged["ci95"]:
                row[f"{side}_{score}_low"], row[f"{side}_{score}_high"] = judged["ci95"][score]
    return row


def _published(part: Part, name: str) -> float | None:
    found: float | None = None if part.published is None else getattr(part.published, name)
    return found


def _figure(value: float | None) -> str:
    return "–" if value is None else f"~{value:g}"


def _with_interval(result: Result, side: str, score: str) -> str:
    judged = result.metrics[side]
    low, high = judged["ci95"][score]
    return f"{judged[score]:.3f} ({low:.3f}–{high:.3f})"


def _three(values: Sequence[float | None]) -> str:
    if all(value is None for value in values):
        return "–"
    return " / ".join("–" if value is None else f"{value:.1f}" for value in values)


def _words(name: str) -> str:
    return name.replace("_", " ").replace("mobilenetv2", "MobileNetV2")


def _cost(mistake: str, bad: Part, good: Part, found: Comparison) -> dict[str, Any]:
    told = found.runs.set_index("run")
    pair = found.pairs.iloc[0]
    row: dict[str, Any] = {"mistake": mistake, "as published": _words(bad.name), "mended": _words(good.name)}
    for score, name in (("accuracy", "accuracy"), ("macro_f1", "macro-F1")):
        before, after = (float(told[score].to_dict()[part.name]) for part in (bad, good))
        low, high = pair[f"{score}_difference_low"], pair[f"{score}_difference_high"]
        row[f"{name}, as published"] = before
        row[f"{name}, mended"] = after
        row[f"{name}, gained"] = f"{after - before:+.3f} ({low:+.3f} to {high:+.3f})"
    return row
