import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from raravis.data import catalogue
from raravis.errors import DataError, StorageError
from raravis.verbs.explore import explore

KEYS = {
    *("images", "readable", "unreadable", "families", "phyla", "per_family", "per_phylum"),
    *("minimum", "median", "maximum", "imbalance_ratio", "formats", "modes", "sizes"),
}


@pytest.fixture
def zoo(tmp_path):
    random = np.random.default_rng(0)
    for family, count in (("chordata_felidae", 4), ("chordata_canidae", 2), ("mollusca_octopodidae", 1)):
        (tmp_path / "zoo" / family).mkdir(parents=True)
        for i in range(count):
            pixels = random.integers(0, 256, (20, 30, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "zoo" / family / f"{i} ü.png")
    return tmp_path / "zoo"


def test_explore_leaves_all_its_files_and_says_what_it_saw(zoo, tmp_path, capsys):
    (zoo / "chordata_canidae" / "bad.jpg").write_text("no image")
    outcome = explore(zoo, out=tmp_path / "out", quiet=True)
    summary = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    assert set(summary) >= KEYS
    assert dict(outcome.figures) == summary
    assert (summary["images"], summary["readable"], summary["unreadable"]) == (8, 7, 1)
    assert summary["per_family"] == {"felidae": 4, "canidae": 2, "octopodidae": 1}
    assert summary["per_phylum"] == {"chordata": 6, "mollusca": 1}
    assert outcome.exit_code == 3
    assert outcome.unreadable[0].startswith("chordata_canidae/bad.jpg: ")
    assert outcome.read_next == tmp_path / "out" / "report.html"
    for name in ("samples", "distribution"):
        with Image.open(tmp_path / "out" / "figures" / f"{name}.png") as image:
            assert image.format == "PNG"
    report = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "7 images of 3 families in 2 phyla; 1 file cannot be read." in report
    assert "chordata_canidae/bad.jpg" in report
    assert report.count("<img ") == 2
    assert len(catalogue.load(tmp_path / "out" / "catalogue.parquet").table) == 8
    assert capsys.readouterr().out == ""


def test_the_same_call_gives_the_same_figures_and_another_seed_other_samples(zoo, tmp_path):
    one, again, other = (tmp_path / name for name in ("one", "again", "other"))
    explore(zoo, out=one, quiet=True)
    explore(zoo, out=again, quiet=True)
    explore(zoo, out=other, seed=5, quiet=True)
    for name in ("summary.json", "report.html", "figures/samples.png", "figures/distribution.png"):
        assert (one / name).read_bytes() == (again / name).read_bytes()
    assert (one / "figures/samples.png").read_bytes() != (other / "figures/samples.png").read_bytes()


def test_a_table_with_columns_of_its_own(zoo, tmp_path):
    rows = [{"where": f"chordata_felidae/{i} ü.png", "what": "cat"} for i in range(4)]
    pd.DataFrame(rows).to_csv(tmp_path / "cats.csv", index=False)
    outcome = explore(
        tmp_path / "cats.csv", out=tmp_path / "out", path_column="where", label_column="what", root=zoo, quiet=True
    )
    assert outcome.figures["per_family"] == {"cat": 4}
    assert outcome.figures["phyla"] == 0


def test_faults_are_one_error_each(zoo, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError):
        explore(tmp_path / "empty", out=tmp_path / "out", quiet=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"part of the path is a file|a file has that name"):
        explore(zoo, out=tmp_path / "file" / "out", quiet=True)


def test_the_wildlife_photographs(wildlife, tmp_path):
    part = tmp_path / "part"
    part.mkdir()
    for folder in sorted(p for p in wildlife.iterdir() if p.is_dir())[:31]:
        (part / folder.name).mkdir()
        for photo in sorted(folder.glob("*.jpg"))[:2]:
            (part / folder.name / photo.name).write_bytes(photo.read_bytes())
    outcome = explore(part, out=tmp_path / "out", quiet=True)
    assert outcome.figures["families"] == 31
    with Image.open(tmp_path / "out" / "figures" / "samples.png") as image:
        assert image.size == (18 + 6 * 242, 18 + 5 * (38 + 224 + 34))  # 30 images in rows of 6
