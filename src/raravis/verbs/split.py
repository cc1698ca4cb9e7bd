"""`raravis split`: DATA becomes `split.csv`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from raravis import files
from raravis.data import audit, catalogue
from raravis.data import split as splits
from raravis.data.sources import Request
from raravis.outcome import Outcome


def split(
    data: str,
    *,
    out: str | Path,
    policy: str = "stratified",
    fractions: Sequence[float] = (0.7, 0.15, 0.15),
    path_column: str | None = None,
    label_column: str | None = None,
    root: str | Path | None = None,
    seed: int = 0,
    quiet: bool = False,
) -> Outcome:
    """Divide images into train, val and test (and novel); copies, and what was cut out of one image, stay on one side.

    Args:
        data: folder, table, `rare-species` or `bestiary`.
        out: the CSV file to write.
        policy: `stratified`, `held-out-species` or `held-out-families`; see `data.split.assign`.
        fractions: shares of train, val and test.
        path_column: column of a table that holds file paths.
        label_column: column of a table that holds labels.
        root: folder that paths in a table are relative to.
        seed: of the lot.
        quiet: no progress.

    Raises:
        UsageError: an unknown policy, or fractions that are none.
        DataError: fewer than two families, or nothing that tells species apart.
        StorageError: the file cannot be written.
    """
    found = catalogue.read(
        Request(str(data), path_column, label_column, None if root is None else Path(root)), quiet=quiet
    )
    made = splits.assign(found.readable, audit.together(found.readable), policy=policy, fractions=fractions, seed=seed)
    out = Path(out).absolute()
    files.folder(out.parent)
    splits.write(made, out)
    counts = made.table["split"].value_counts()
    families = made.table.groupby("split")["family"].nunique()
    sides = [side for side in splits.SIDES if side in counts]
    figures = {
        "policy": made.policy,
        "digest": made.digest,
        "images": {side: int(counts[side]) for side in sides},
        "families": {side: int(families[side]) for side in sides},
    }
    return Outcome("split", out, figures, found.unreadable, (*found.notes, *made.notes), out)
