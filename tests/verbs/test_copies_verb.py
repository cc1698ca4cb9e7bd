"""Copies through `audit` and `split`: shown side by side, conflicts first, never on two sides, real ones too."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import raravis
from raravis.data import audit, catalogue
from raravis.data import split as splits
from raravis.data.sources import Request


def picture(seed: int) -> Image.Image:
    grid = np.random.default_rng(seed).integers(0, 256, (7, 7, 3), dtype=np.uint8)
    return Image.fromarray(grid).resize((120, 90), Image.Resampling.BICUBIC)


@pytest.fixture
def zoo(tmp_path):
    for number, family in enumerate(("canidae", "felidae")):
        (tmp_path / "zoo" / family).mkdir(parents=True)
        for i in range(4):
            picture(10 * number + i).save(tmp_path / "zoo" / family / f"{i}.png")
    return tmp_path / "zoo"


def test_a_near_copy_under_another_family_is_shown_first_and_names_are_escaped(zoo, tmp_path):
    (zoo / "canidae" / "same.png").write_bytes((zoo / "canidae" / "1.png").read_bytes())
    picture(2).resize((100, 75)).save(zoo / "felidae" / "look at <b>2.jpg", quality=70)
    outcome = raravis.audit(str(zoo), out=tmp_path / "out", quiet=True)
    listed = pd.read_csv(tmp_path / "out" / "findings.csv")
    by_kind = {kind: set(part["file_path"]) for kind, part in listed.groupby("kind")}
    crossing = {"canidae/2.png", "felidae/look at <b>2.jpg"}
    assert by_kind == {
        "exact_duplicate": {"canidae/1.png", "canidae/same.png"},
        "near_duplicate": crossing,
        "label_conflict": crossing,
    }
    assert outcome.figures["groups_of_copies"] == 2
    report = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert report.count("<img ") == 2
    assert report.index("under different families") < report.index("canidae/same")
    assert "<b>2" not in report


def test_damaged_files_of_the_same_bytes_are_unreadable_and_no_copies(zoo, tmp_path):
    cut = (zoo / "canidae" / "0.png").read_bytes()[:900]
    for name in ("cut.png", "cut again.png"):
        (zoo / "canidae" / name).write_bytes(cut)
    outcome = raravis.audit(str(zoo), out=tmp_path / "out", quiet=True)
    assert pd.read_csv(tmp_path / "out" / "findings.csv")["kind"].tolist() == ["unreadable", "unreadable"]
    assert outcome.exit_code == 3


def test_the_seed_chooses_the_groups_on_the_page_and_nothing_else(zoo, tmp_path):
    for number in range(100, 130):
        for name in ("a", "b"):
            picture(number).save(zoo / "canidae" / f"{number}{name}.png")
    for out, seed in (("one", 0), ("other", 1)):
        raravis.audit(str(zoo), out=tmp_path / out, seed=seed, quiet=True)
    one, other = ({p.name: p.read_bytes() for p in (tmp_path / out).iterdir()} for out in ("one", "other"))
    assert one["findings.csv"] == other["findings.csv"]
    assert one["report.html"] != other["report.html"]


@pytest.mark.parametrize("policy", splits.POLICIES)
def test_real_photographs_do_not_leak(wildlife, tmp_path, policy):
    header, *lines = (wildlife / "metadata.csv").read_text(encoding="utf-8").splitlines()
    lines = lines[::8]
    data = tmp_path / "part.csv"
    data.write_text("\n".join([header, *lines]), encoding="utf-8")
    outcome = raravis.split(str(data), out=tmp_path / "split.csv", policy=policy, root=wildlife, quiet=True)
    table = splits.read(tmp_path / "split.csv")
    rows = catalogue.read(Request(str(data), root=wildlife), quiet=True).readable
    joined = table.merge(rows.assign(copies=audit.groups(rows))[["file_path", "copies", "group"]], on="file_path")
    assert len(joined) == len(rows) == len(lines)
    assert splits.leaks(joined, joined["copies"].to_numpy()) == 0
    known = set(table.loc[table["split"] == "train", "family"])
    assert set(table.loc[table["split"].isin(["val", "test"]), "family"]) <= known
    images = outcome.figures["images"]
    if policy == "stratified":  # every side has one of each family, which takes some from train
        assert images["train"] / len(table) == pytest.approx(0.7, abs=0.05)
        assert images["val"] / len(table) == pytest.approx(0.15, abs=0.03)
    elif policy == "held-out-species":
        learned = set(joined.loc[joined["split"] == "train", "group"])
        assert not set(joined.loc[joined["split"] == "test", "group"]) & learned
        assert images["test"] > 20
    else:
        assert not set(table.loc[table["split"] == "novel", "family"]) & known
        assert outcome.figures["families"]["novel"] == round(0.15 * table["family"].nunique())
