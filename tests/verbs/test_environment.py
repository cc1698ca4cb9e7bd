"""What a run remembers of how it was made."""

import pandas as pd

from raravis.data import catalogue
from raravis.data.sources import Request
from raravis.verbs import _environment


def test_the_licences_of_the_training_photographs_are_counted_and_rare_ones_together(photos36, tmp_path):
    paths = sorted(path.relative_to(photos36).as_posix() for path in photos36.glob("*/*.jpg"))
    licences = [*["CC BY 4.0"] * 12, *["", "", ""], *(f"by word of mouth {n}" for n in range(21))]
    families = [path.partition("/")[0] for path in paths]
    table = pd.DataFrame({"file_path": paths, "family": families, "license": licences})
    table.to_csv(tmp_path / "table.csv", index=False)
    request = Request(str(tmp_path / "table.csv"), root=photos36)
    found = catalogue.read(request, quiet=True)
    split = found.table[["image_id"]].assign(split=["train"] * 35 + ["val"])
    told = _environment.describe(request, found, split)["data"]["licences"]
    assert list(told.items())[:2] == [("CC BY 4.0", 12), ("licence unknown", 3)]
    assert len(told) == 13
    assert told["others"] == 10
    assert sum(told.values()) == 35
