"""Predictions of a run become its `predictions.parquet`, `metrics.json`, `curves.png` and `report.html`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from numpy.typing import NDArray

from raravis import drawing, files
from raravis.judge import figures, metrics, predictions, report, trust_sections, trusted
from raravis.judge.examples import A_FAMILY, Examples
from raravis.judge.report import HELD_OUT
from raravis.models import fused
from raravis.page import Section
from raravis.run import CARD, CURVES, HEADS, METRICS, PREDICTIONS, REPORT, TRIED, Run
from raravis.verbs import _card
from raravis.verbs._labelled import Labelled, labelled

if TYPE_CHECKING:
    from raravis.data.catalogue import Catalogue


def keep(
    run: Run,
    images: Labelled,
    given: Mapping[str, NDArray[Any]],
    *,
    seed: int,
    out: Path | None = None,
    crossed: Mapping[str, tuple[NDArray[Any], NDArray[Any]]] | None = None,
    trial: trusted.Trial | None = None,
    taught: Labelled | None = None,
) -> None:
    """Judge the sides in `given`, keep them beside those judged before, and write the report anew.

    Args:
        run: a run whose training is done.
        images: has the sides in `given`.
        given: probabilities float32 `(n, K)` a side, in the order of `images.of(side)`.
        seed: of the bootstrap.
        out: the folder to write into; the run's own when not given.
        crossed: classes and probabilities of images that cross-validation held out, by the way it did so.
        trial: the images of the last side in `given` with verdicts, where the run has something to base them on.
        taught: training images to show, a few of each family, where `images` has no side `train`.
    """
    out = out or run.path
    sides = list(given)
    made = pd.concat([_table(run, images, side, given[side]) for side in sides], ignore_index=True)
    if (out / PREDICTIONS).is_file():
        before = predictions.load(out / PREDICTIONS)
        made = pd.concat([before[~before["split"].isin(sides)], made], ignore_index=True)
    judged = {**metrics_in(out), **metrics.by_split(made[made["split"].isin(sides)], seed=seed)}
    for way, (classes, probabilities) in (crossed or {}).items():
        judged[way] = metrics.judge(probabilities, classes, run.families, seed=seed)
    judged = {**_of_members(run, judged), **judged}
    promised: Sequence[Section] = ()
    if trial is not None:
        found = trusted.figures(trial, seed=seed)
        judged[sides[-1]]["trust"] = found
        for family, share in trusted.coverage(trial).items():
            judged[sides[-1]]["per_family"][family]["coverage"] = share
        promised = trust_sections.sections(trial, found)
    predictions.save(made, out / PREDICTIONS)
    files.write_json(out / METRICS, judged)
    if out == run.path and (out / TRIED).is_file():
        _fill_in(run, judged["val"])
    curves = b"" if run.history.empty else drawing.save(figures.curves(run.history), out / CURVES)
    report.report(
        out / REPORT,
        title=f"{run.recipe.model.name}: {run.path.name}",
        recipe=run.recipe.toml(),
        facts={"seed": run.recipe.seed, **run.environment},
        history=run.history,
        curves=curves,
        predictions=made,
        metrics=judged,
        images=lambda ids: list(images.store.read(ids)),
        rights=images.table,
        groups=images.phyla,
        notes=_notes(run, images),
        unseen=_unseen(images, judged),
        choices=_choices(run),
        side=sides[-1],
        trusted=promised,
        known=_known(run, taught or (None if images.of("train").empty else images)),
    )
    files.write_text(
        out / CARD, _card.text(run, judged, images.phyla, run.load_trust() if trial is None else trial.trust)
    )


def _known(run: Run, examples: Labelled | None) -> Examples | None:
    """What the network learned from; None where it learned from no images."""
    split = run.split.drop_duplicates("image_id")
    sizes = split.loc[split["split"] == "train", "family"].value_counts()
    if sizes.empty:
        return None
    counts = {str(name): int(n) for name, n in sizes.items()}
    if examples is None:
        none = pd.DataFrame(columns=["image_id", "file_path", "family"])
        return Examples(counts, none, lambda ids: [], {})
    some = _some(examples.of("train"))
    return Examples(counts, some, lambda ids: list(examples.store.read(ids)), examples.phyla)


def _some(table: pd.DataFrame) -> pd.DataFrame:
    """A few images of each family, by their ids, which are digests: as good as drawn by lot, and always the same."""
    return table.sort_values("image_id").groupby("family").head(A_FAMILY).sort_values(["family", "image_id"])


def examples(run: Run, found: Catalogue, *, quiet: bool) -> Labelled | None:
    """A few training images of each family, with their pixels; None where none is at hand."""
    split = run.split.drop_duplicates("image_id")
    some = _some(split[split["split"] == "train"])
    if not some["image_id"].isin(found.readable["image_id"]).any():
        return None
    return labelled(found, some, run.recipe.data, ("train",), quiet=quiet)


def _of_members(run: Run, judged: Mapping[str, Any]) -> dict[str, Any]:
    """What members say of held-out species, each for itself, where a run joined from them cannot."""
    options = run.recipe.model
    if not isinstance(options, fused.Options) or HELD_OUT in judged:
        return {}
    found = {Path(member).name: metrics_in(Path(member)) for member in options.members}
    return {f"{HELD_OUT} of {name}": one[HELD_OUT] for name, one in found.items() if HELD_OUT in one}


def _unseen(images: Labelled, judged: Mapping[str, Any]) -> str:
    """Where the results on held-out species stand, or how to get them; "" where species are not known."""
    if images.apart:
        return (
            "Val and test of this split are of species that train lacks: their rows are the results on held-out "
            "species. Compare them with a run on a random split."
        )
    if any(way.startswith(HELD_OUT) for way in judged) or not images.species_differ:
        return ""
    return (
        "Held-out species: not measured. To measure, train again on a split of whole species: `raravis split DATA "
        "--policy held-out-species --out species.csv`, then `raravis train … --split species.csv`."
    )


def _notes(run: Run, images: Labelled) -> tuple[str, ...]:
    chosen = run.environment.get("chosen")
    return images.notes if chosen is None else (chosen["why"], *images.notes)


def _choices(run: Run) -> dict[str, pd.DataFrame]:
    """What was tried before the model of a run was chosen, if anything was."""
    heads = "Heads on the features that were chosen, the best first, cross-validated on train and val."
    fused = "The runs that were joined, each with its weight, and all of them together, on val."
    tried = "What was tried, in order: features cross-validated on train and val, networks from scratch judged on val."
    tables = {
        tried: TRIED,
        fused if run.recipe.model.name == "fused" else heads: HEADS,
    }
    found = {told: run.path / name for told, name in tables.items() if (run.path / name).is_file()}
    return {told: pd.read_csv(file).astype(object).fillna("") for told, file in found.items()}


def _fill_in(run: Run, val: Mapping[str, Any]) -> None:
    """Give what was chosen before anything was measured its figures in `tried.csv`."""
    table = pd.read_csv(run.path / TRIED)
    unmeasured = (table["verdict"] == "kept") & table["macro_f1"].isna()
    if unmeasured.any():
        found = [val["accuracy"], val["macro_f1"], round(float(run.history["seconds"].sum()), 1)]
        table.loc[unmeasured, ["accuracy", "macro_f1", "seconds"]] = found
        files.write_text(run.path / TRIED, table.to_csv(index=False, lineterminator="\n"))


def metrics_in(folder: Path) -> dict[str, Any]:
    """`metrics.json` of a folder; {} if nothing was judged there yet."""
    file = folder / METRICS
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return found


def _table(run: Run, images: Labelled, side: str, probabilities: NDArray[Any]) -> pd.DataFrame:
    table = images.of(side)
    return predictions.build(
        image_id=table["image_id"].tolist(),
        file_path=table["file_path"].tolist(),
        split=table["split"].tolist(),
        family=table["family"].tolist(),
        families=run.families,
        probabilities=probabilities,
    )
