"""`make demo`: the main job on the embedded sample, offline, from nothing to identified photographs.

Every step is one verb, called as a user would call it in Python; the command that does the same is shown above it.
"""

from __future__ import annotations

import csv
import shutil
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import raravis
from raravis.data.sources import Request, open_source

DATA: Final = "bestiary"
RECIPE: Final = "quick"
SHOWN: Final = 12
"""How many photographs of the test side are identified at the end."""


def demo(out: Path) -> Path:
    """Run every step into `out`; returns the report to open."""
    began = time.monotonic()
    _step(1, f"raravis explore {DATA} --out {out}/explore")
    found = raravis.explore(DATA, out=out / "explore").figures
    print(f"   {found['images']} images of {found['families']} families in {found['phyla']} phyla")

    _step(2, f"raravis audit {DATA} --out {out}/audit")
    audited = raravis.audit(DATA, out=out / "audit")
    print("   " + ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in _scalars(audited.figures)))

    _step(3, f"raravis split {DATA} --out {out}/split.csv")
    sides = raravis.split(DATA, out=out / "split.csv").figures
    print("   " + ", ".join(f"{name}: {value}" for name, value in sides["images"].items()))

    run = out / "run"
    _step(4, f"raravis train {DATA} --recipe {RECIPE} --split {out}/split.csv --out {run}")
    trained = raravis.train(DATA, recipe=RECIPE, split=out / "split.csv", out=run).figures
    print(f"   {trained['epochs']} epochs, validation accuracy {trained['val_accuracy']:.3f}")

    _step(5, f"raravis evaluate {run}")
    judged = raravis.evaluate(run)
    for name in ("accuracy", "macro_f1"):
        low, high = judged.figures["ci95"][name]
        print(f"   test {name.replace('_', ' '):<9} {judged.figures[name]:.3f}  (95% interval {low:.3f} to {high:.3f})")

    season = _field_season(out)
    _step(6, f"raravis predict {run} {season} --out {out}/identified.csv")
    raravis.predict(run, [str(season)], out=out / "identified.csv")
    with (out / "identified.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            print(f"   {told(row)}")

    print(f"\nDone in {time.monotonic() - began:.0f} s. Open the report: {judged.read_next}")
    assert judged.read_next is not None
    return judged.read_next


def told(row: Mapping[str, str]) -> str:
    """One row of `identified.csv` in a line: the truth, the verdict, what is sure of it, and why."""
    truth = Path(row["file_path"]).name.rsplit("-", 1)[0]
    sure = row["taxon"] if row["taxon_rank"] == "family" else f"{row['taxon_rank']} {row['taxon']}"
    return f"{truth:<18} {row['verdict']:<11} {sure:<24} {row['reason']}"


def _step(number: int, command: str) -> None:
    print(f"\n{number}  {command}", flush=True)


def _scalars(figures: object) -> list[tuple[str, int]]:
    assert isinstance(figures, dict)
    return [(name, value) for name, value in figures.items() if isinstance(value, int)]


def _field_season(out: Path) -> Path:
    """A folder of photographs that the network has not learned from, each named by its true family."""
    root = open_source(Request(DATA), quiet=True).root
    folder = out / "field-season"
    folder.mkdir()
    with (out / "split.csv").open(encoding="utf-8", newline="") as stream:
        unseen = [row for row in csv.DictReader(stream) if row["split"] == "test"]
    step = len(unseen) // SHOWN
    for number, row in enumerate(unseen[::step][:SHOWN]):
        shutil.copyfile(root / row["file_path"], folder / f"{row['family']}-{number:02d}.jpg")
    return folder


if __name__ == "__main__":
    demo(Path(sys.argv[1]))
