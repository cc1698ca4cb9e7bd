"""A run and photographs become figures of why its network says so and what its layers answer to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from raravis import drawing, engine, files
from raravis.data import catalogue
from raravis.data.catalogue import Catalogue
from raravis.data.sources import Request
from raravis.errors import DataError, OfflineError, RunError, UsageError, unknown
from raravis.explaining import activating, attribution, channels, filters, photographs, report, why
from raravis.explaining.channels import Found, Searched
from raravis.explaining.filters import Filters
from raravis.explaining.layers import Channel, Layer, Tap, mapped, pick, pick_channels, spread
from raravis.explaining.nearest import nearest as nearest_of
from raravis.explaining.photographs import Looked
from raravis.explaining.report import Chosen
from raravis.explaining.why import Asked, Known, Reason
from raravis.learn.sampling import stratified
from raravis.outcome import Outcome
from raravis.run import REPORT, Run
from raravis.serve import inputs
from raravis.serve.predictor import open_run
from raravis.serve.row import printable
from raravis.verbs import _environment
from raravis.verbs._labelled import labelled

FILTERS: Final = "filters.png"
CHANNELS: Final = "channels"
CHOSEN: Final = 6
"""Channels that are shown when none are named."""

_Names = str | Sequence[str] | None


def explain(
    model: str | Path,
    paths: Iterable[str | Path],
    *,
    out: str | Path,
    method: str | None,
    family: str | None,
    nearest: int,
    check: bool,
    layers: _Names,
    channels: _Names,
    data: str | None,
    path_column: str | None,
    label_column: str | None,
    root: str | Path | None,
    images: int,
    seed: int,
    quiet: bool,
) -> Outcome:
    """As `verbs.explain.explain`, of a run."""
    given = inputs.expand(paths)
    run = open_run(model)
    if family is not None and family not in run.families:
        raise UsageError(unknown("family", family, run.families))
    opened = _open(run, layers, channels, seed)
    name, ready, told = why.prepared(opened.network, method)
    notes = [*map(printable, given.notes), *([told] if told else [])]
    folder = files.folder(out)
    request = None if data is None else Request(data, path_column, label_column, None if root is None else Path(root))
    pool = _pool(opened, request, notes, quiet)
    searched = None if pool is None else _searched(opened, pool, images, seed, notes, quiet)

    first, drawn = _filters(opened, folder, notes)
    tap = Tap(opened.network, tuple(dict.fromkeys([*opened.shown, *opened.searched])))
    looked = photographs.look(given.files, run, tap, opened.shown, opened.searched, folder, quiet=quiet)
    found = [] if searched is None else _channels(opened, searched, looked, tap, folder, notes, quiet)
    asked = Asked(
        opened.network,
        run.families,
        run.recipe.data,
        name,
        ready,
        family=family or "",
        learned=_learned(run),
        known=_known(opened, pool, notes, quiet) if pool and nearest and looked.photographs else None,
        count=nearest,
        check=check,
        seed=seed,
        trust=run.load_trust(),
    )
    reasons = why.explain(looked.photographs, asked, folder, quiet=quiet)
    page = report.Page(
        model=f"{run.recipe.model.name} ({run.path.name})",
        filters=drawn,
        first="" if first is None else first.layer,
        shown=opened.shown,
        looked=looked,
        reasons=reasons,
        method=attribution.summaries()[name],
        channels=found,
        searched=searched,
        notes=[*notes, *(f"Could not be read: {problem}." for problem in looked.unreadable)],
        rights=None if pool is None else pool.catalogue.table,
    )
    report.write(folder / REPORT, page)
    figures = {"method": name, **_figures(opened, first, reasons, found, searched)}
    return Outcome("explain", folder, figures, looked.unreadable, tuple(notes), folder / REPORT)


@dataclass(frozen=True)
class _Opened:
    """A run, its network, the layers to show, the channels that were named, and the layers to search."""

    run: Run
    network: Any
    shown: tuple[Layer, ...]
    named: tuple[Channel, ...]
    searched: tuple[Layer, ...]


def _open(run: Run, wanted: _Names, named: _Names, seed: int) -> _Opened:
    network = run.load_model()
    if network.output.shape[-1] != len(run.families):
        raise RunError(
            f"The model of {run.path} tells {network.output.shape[-1]} families apart, its split has "
            f"{len(run.families)}.\nThe folder was changed after training; train again."
        )
    engine.seed(seed)
    known = mapped(network)
    default = spread(known)
    shown = default if wanted is None else pick(known, _listed(wanted, "layers"))
    if named is None:
        return _Opened(run, network, shown, (), default[-1:])
    picked = pick_channels(known, _listed(named, "channels"))
    return _Opened(run, network, shown, picked, tuple(dict.fromkeys(channel.layer for channel in picked)))


def _listed(names: str | Sequence[str], what: str) -> list[str]:
    found = [name for name in (names.split(",") if isinstance(names, str) else names) if name.strip()]
    if not found:
        raise UsageError(f"No {what} were named; leave --{what} out for a choice that suits the network.")
    return found


@dataclass(frozen=True)
class _Pool:
    """The images at hand: their catalogue, the rows to search, and what they are, in words."""

    catalogue: Catalogue
    table: pd.DataFrame
    what: str


def _pool(opened: _Opened, request: Request | None, notes: list[str], quiet: bool) -> _Pool | None:
    """The images to search; None, and a note, if nobody asked for any and those of the run are no longer at hand."""
    run = opened.run
    try:
        found = catalogue.read(request or _environment.request_of(run.environment), quiet=quiet)
        table, what = _searchable(found, run, anything=request is not None)
    except (UsageError, DataError, OfflineError) as error:
        if request is not None or opened.named:
            raise
        told = str(error).splitlines()[0].rstrip(".:")
        notes.append(
            f"The run's images are not at hand ({told}), so neither channels nor the nearest photographs are shown; "
            "--data says where they are."
        )
        return None
    notes.extend(found.notes)
    return _Pool(found, table, what)


def _searched(opened: _Opened, pool: _Pool, count: int, seed: int, notes: list[str], quiet: bool) -> Searched:
    """At most `count` images of the pool, a random share of every family."""
    table = pool.table
    kept = stratified(np.asarray(pd.factorize(table["family"])[0], np.int64), min(1.0, count / len(table)), seed)
    if len(kept) > count:
        kept = np.sort(np.random.default_rng(seed).permutation(kept)[:count])
    images = labelled(pool.catalogue, table.iloc[kept], opened.run.recipe.data, ("train",), quiet=quiet)
    notes.extend(images.notes)
    return Searched(images.table, images.store, Path(pool.catalogue.root), len(table), pool.what)


def _known(opened: _Opened, pool: _Pool, notes: list[str], quiet: bool) -> Known:
    """All images of the pool, ready to be compared with."""
    recipe = opened.run.recipe
    images = labelled(pool.catalogue, pool.table, recipe.data, ("train",), quiet=quiet)
    notes.extend(note for note in images.notes if note not in notes)
    found = nearest_of(recipe, opened.network, images.table, images.store, quiet=quiet)
    return Known(found, Path(pool.catalogue.root), images.store, pool.what)


def _learned(run: Run) -> frozenset[str]:
    """The ids of the images that the network learned from."""
    sides = getattr(run.recipe.model, "learn_from", "train").split("+")
    return frozenset(run.split.loc[run.split["split"].isin(sides), "image_id"])


def _searchable(found: Catalogue, run: Run, *, anything: bool) -> tuple[pd.DataFrame, str]:
    """The images of DATA that the run learned from, once each; all of DATA if it has none of them and was named."""
    train = run.split[run.split["split"] == "train"]
    own = train[train["image_id"].isin(found.readable["image_id"])]
    if len(own):
        return own.drop_duplicates("image_id").sort_values("image_id"), "training images"
    if not anything:
        raise DataError(f"{found.root} has none of the images that {run.path} learned from.")
    other = found.readable[["image_id", "file_path", "family"]].assign(split="train")
    return other.drop_duplicates("image_id").sort_values("image_id"), f"images of {found.root.name}"


def _filters(opened: _Opened, folder: Path, notes: list[str]) -> tuple[Filters | None, bytes | None]:
    """Draw the first filters; a network without such is worth a note."""
    first = filters.first(opened.network, opened.run.recipe.data.size)
    if first is None:
        notes.append("No convolution of this network looks at three colours; there are no first filters to draw.")
        return None, None
    drawn = drawing.png(filters.figure(first))
    with files.atomic(folder / FILTERS) as stream:
        stream.write(drawn)
    return first, drawn


def _channels(
    opened: _Opened, searched: Searched, looked: Looked, tap: Tap, folder: Path, notes: list[str], quiet: bool
) -> list[tuple[Found, Chosen | None]]:
    """Find and draw what channels answer to, with the photograph that chose each; `notes` gets what is to be told."""
    if not opened.named and not looked.photographs:
        notes.append("No photograph could be read and no channel was named; so no channel is shown.")
        return []
    rows = searched.store.rows(searched.table["image_id"].tolist())
    answers = activating.answers(opened.network, opened.searched, searched.store, rows, quiet=quiet)
    notes += [
        f"{silent} of {layer.channels} channels of {layer.name} answer alike to every image searched."
        for layer in opened.searched
        if (silent := int(answers[layer.name].silent.sum()))
    ]
    wanted: dict[Channel, Chosen | None] = {}
    for channel in opened.named:
        if answers[channel.layer.name].silent[channel.number]:
            notes.append(f"{channel.name} is one of them; there is nothing to draw of it.")
        else:
            wanted[channel] = None
    if not opened.named:
        last = opened.searched[-1]
        own, given = answers[last.name], looked.answers(last)
        for number, place in activating.most_unusual(own, given, CHOSEN):
            answer, unusual = given[place, number], own.unusual(given[place])[number]
            wanted[Channel(last, number)] = Chosen(looked.photographs[place].file, float(answer), float(unusual))
        if not wanted:
            notes.append(f"No channel of {last.name} answers to the photographs more than it does usually.")
    fit = opened.run.recipe.data.fit
    drawn = channels.draw(list(wanted), answers, searched, tap, folder / CHANNELS, fit=fit, quiet=quiet)
    return list(zip(drawn, wanted.values(), strict=True))


def _figures(
    opened: _Opened,
    first: Filters | None,
    reasons: Sequence[Reason],
    found: Sequence[tuple[Found, Chosen | None]],
    searched: Searched | None,
) -> dict[str, Any]:
    return {
        "photographs": [
            {"file_path": p.file, "family": p.predicted, "confidence": p.confidence, "figure": p.figure}
            | {"why": reason.as_json()}
            for reason in reasons
            for p in (reason.photograph,)
        ],
        "filters": None if first is None else {"layer": first.layer, "count": first.weights.shape[-1]},
        "layers": [layer.name for layer in opened.shown],
        "searched": 0 if searched is None else len(searched.table),
        "channels": [
            {
                "channel": one.channel.name,
                "figure": f"{CHANNELS}/{one.figure}",
                "file_paths": one.table["file_path"].tolist(),
                "families": one.table["family"].tolist(),
                "answers": [float(answer) for answer in one.table["answer"]],
                "chosen_by": None if why is None else why.file,
            }
            for one, why in found
        ],
    }
