"""Which labels of a run's own images are probably wrong: its network, or heads like its own, and neighbours say so."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from raravis import credits
from raravis.data import audit, catalogue
from raravis.data.sources import Request
from raravis.errors import RunError
from raravis.reviewing import doubt, suspects
from raravis.reviewing.item import Item
from raravis.reviewing.sheet import Beside
from raravis.run import Run
from raravis.verbs import _environment
from raravis.verbs._labelled import labelled

BESIDE = 5
"""Photographs shown beside each."""

_SIDES = ("train", "val", "test")


@dataclass(frozen=True)
class Doubtful:
    """The labels of a run, looked at.

    Attributes:
        items: the most suspect first.
        beside: file path → the photographs nearest to it.
        looked: how many images there were.
        confident: how many labels confident learning finds wrong.
        unreadable: `file_path: reason`.
        notes: one sentence each.
    """

    items: list[Item]
    beside: dict[str, list[Beside]]
    looked: int
    confident: int
    unreadable: tuple[str, ...]
    notes: tuple[str, ...]


def doubtful(run: Run, request: Request | None, *, quiet: bool) -> Doubtful:
    """Look at the labels of train, val and test.

    Args:
        run: finished.
        request: where the images are now; None for where they were.
        quiet: no progress.

    Raises:
        RunError: the run is not finished, damaged, or reads names alone.
        DataError: none of its images is there, or there are too few.
    """
    from raravis.learn.held import held_out  # loads Keras, so only when there is work

    network = run.load_model()
    if network.output.shape[-1] != len(run.families):
        raise RunError(f"The model of {run.path} and its split speak of different families.\nTrain again.")
    found = catalogue.read(request or _environment.request_of(run.environment), quiet=quiet)
    images = labelled(found, run.split, run.recipe.data, _SIDES, quiet=quiet)
    table = images.table[images.table["family"].isin(run.families)].reset_index(drop=True)
    hashes = found.readable.drop_duplicates("image_id").set_index("image_id")["phash"]
    groups = audit.groups(table[["image_id"]].assign(phash=hashes.loc[table["image_id"]].to_numpy()))
    held = held_out(run, network, images.store, table, groups, quiet=quiet)
    classes = pd.Index(run.families).get_indexer(pd.Index(table["family"])).astype(np.int64)
    places = doubt.nearest(held.features, groups)
    thought = doubt.doubt(held.probabilities, classes, doubt.votes(places, classes, len(run.families)))
    root = Path(found.root)
    items = suspects.items(table, run.families, thought, held.probabilities, places, root)
    paths, labels, rights = table["file_path"].tolist(), table["family"].tolist(), credits.each(table)
    row_of = {path: row for row, path in enumerate(paths)}
    beside = {
        item.file_path: [
            Beside(labels[place], root / paths[place], rights[place])
            for place in places[row_of[item.file_path]][:BESIDE]
            if place >= 0
        ]
        for item in items
    }
    notes = (*found.notes, *images.notes, *((held.note,) if held.note else ()))
    return Doubtful(items, beside, len(table), int(thought.confident.sum()), found.unreadable, notes)
