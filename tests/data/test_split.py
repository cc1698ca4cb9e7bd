"""Splits: nothing leaks, shares hold, the order of the rows and the machine do not matter."""

import hashlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raravis.data import split
from raravis.errors import DataError, UsageError


def images(sizes: dict[str, int], **more) -> pd.DataFrame:
    rows = [{"family": name, "number": i} for name, n in sizes.items() for i in range(n)]
    table = pd.DataFrame(rows)
    table["file_path"] = table["family"] + "/" + table["number"].astype(str) + ".jpg"
    table["image_id"] = [hashlib.sha256(p.encode()).hexdigest() for p in table["file_path"]]
    return table.drop(columns="number").assign(phylum="chordata", **more)


def alone(table: pd.DataFrame) -> np.ndarray:
    return np.full(len(table), -1)


def counts(made: split.Split) -> dict[str, int]:
    return made.table["split"].value_counts().to_dict()


def test_stratified_gives_each_family_its_shares():
    table = images({"canidae": 100, "felidae": 40, "ursidae": 20})
    made = split.assign(table, alone(table))
    by = made.table.groupby(["family", "split"]).size()
    assert by["canidae"].to_dict() == {"train": 70, "val": 15, "test": 15}
    assert by["felidae"].to_dict() == {"train": 28, "val": 6, "test": 6}
    assert by["ursidae"].to_dict() == {"train": 14, "val": 3, "test": 3}
    assert list(made.table) == ["image_id", "file_path", "family", "split"]


def test_shares_hold_over_many_small_families():
    table = images({f"family{i}": 30 for i in range(200)})
    found = counts(split.assign(table, alone(table)))
    assert found["train"] == 4200
    assert found["val"] == pytest.approx(900, abs=60)


def test_the_digest_is_the_same_on_every_machine_and_in_any_order():
    table = images({"canidae": 12, "felidae": 9, "ursidae": 3})
    made = split.assign(table, alone(table), seed=3)
    assert made.digest == "2ca50540a8a3096be507aab6fa8e953b48b7d68fc03a6be868a1a031148972cb"
    mixed = table.sample(frac=1, random_state=1)
    assert split.assign(mixed, alone(mixed), seed=3).digest == made.digest
    assert split.assign(table, alone(table), seed=4).digest != made.digest


@given(
    sizes=st.lists(st.integers(1, 12), min_size=2, max_size=8),
    seed=st.integers(0, 99),
    policy=st.sampled_from(["stratified", "held-out-families"]),
    data=st.data(),
)
@settings(deadline=None, max_examples=40)
def test_copies_never_stand_on_two_sides(sizes, seed, policy, data):
    table = images({f"family{i}": n for i, n in enumerate([*sizes, 3])})
    groups = np.array(data.draw(st.lists(st.integers(-1, 6), min_size=len(table), max_size=len(table))))
    try:
        made = split.assign(table, groups, policy=policy, seed=seed).table
    except DataError:
        assert policy == "held-out-families"
        assert groups.max() >= 0
        return
    joined = made.merge(table.assign(group=groups)[["image_id", "group"]], on="image_id", validate="one_to_one")
    assert split.leaks(joined, joined["group"].to_numpy()) == 0
    assert len(made) == len(table)
    if policy == "stratified":
        assert (made["split"] == "train").any()


def test_rows_of_the_same_bytes_stand_on_one_side_even_without_groups():
    table = images({"canidae": 30, "felidae": 30})
    table = pd.concat([table, table.assign(file_path="copy/" + table["file_path"])], ignore_index=True)
    made = split.assign(table, alone(table)).table
    assert len(made) == 120
    assert (made.groupby("image_id")["split"].nunique() == 1).all()


@pytest.mark.parametrize(("size", "sides"), [(1, {"train"}), (2, {"train", "test"}), (3, {"train", "val", "test"})])
def test_small_families_are_handled_and_told(size, sides):
    table = images({"canidae": 40, "tiny": size})
    made = split.assign(table, alone(table))
    assert set(made.table.loc[made.table["family"] == "tiny", "split"]) == sides
    assert any("tiny" in note for note in made.notes) == (size < 3)


def test_a_family_that_is_one_group_of_copies_is_learned_from():
    table = images({"canidae": 40, "felidae": 10})
    groups = np.where(table["family"] == "felidae", 7, -1)
    made = split.assign(table, groups).table
    assert set(made.loc[made["family"] == "felidae", "split"]) == {"train"}


def test_held_out_species_are_never_learned_from():
    table = images({"canidae": 60, "felidae": 60, "ursidae": 20, "single": 10})
    number = table.groupby("family").cumcount()
    kinds = {"canidae": 6, "felidae": 3, "ursidae": 2, "single": 1}
    table["species"] = [f"s{n % kinds[f]}" for f, n in zip(table["family"], number, strict=True)]
    made = split.assign(table, alone(table), policy="held-out-species")
    joined = made.table.merge(table[["image_id", "species"]], on="image_id", validate="one_to_one")
    assert (joined.groupby(["family", "species"])["split"].nunique() == 1).all()
    sides = joined.groupby("family")["split"].agg(set)
    assert sides["canidae"] == sides["felidae"] == {"train", "val", "test"}
    assert sides["ursidae"] == {"train", "test"}
    assert sides["single"] == {"train"}
    assert "1 families have a single species" in made.notes[0]


def test_species_linked_by_copies_stay_together():
    table = images({"canidae": 40, "felidae": 40})
    table["group"] = [f"s{i % 4}" for i in range(len(table))]
    groups = alone(table)
    groups[[0, 1]] = 5  # an image of s0 and one of s1 are copies
    made = split.assign(table, groups, policy="held-out-species").table
    joined = made.merge(table[["image_id", "group"]], on="image_id", validate="one_to_one")
    dogs = joined[(joined["family"] == "canidae") & joined["group"].isin(["s0", "s1"])]
    assert dogs["split"].nunique() == 1


def test_without_species_the_policy_says_what_is_missing():
    table = images({"canidae": 10, "felidae": 10})
    with pytest.raises(DataError, match="group, species, eol_page_id"):
        split.assign(table, alone(table), policy="held-out-species")


def test_held_out_families_are_novel_over_all_phyla():
    table = images({f"family{i:02d}": 20 for i in range(40)})
    table["phylum"] = np.where(table["family"] < "family20", "chordata", "mollusca")
    made = split.assign(table, alone(table), policy="held-out-families").table
    novel = made[made["split"] == "novel"]["family"].unique()
    assert len(novel) == 6
    assert sum(name < "family20" for name in novel) == 3
    assert (made.loc[made["family"].isin(novel), "split"] == "novel").all()


def test_one_family_is_refused():
    table = images({"canidae": 10})
    with pytest.raises(DataError, match="1 family"):
        split.assign(table, alone(table))


@pytest.mark.parametrize("fractions", [(0.7, 0.3), (0.7, 0.2, 0.2), (-0.1, 0.6, 0.5), (0, 0.5, 0.5)])
def test_fractions_that_are_none(fractions):
    table = images({"canidae": 10, "felidae": 10})
    with pytest.raises(UsageError, match="sum to 1"):
        split.assign(table, alone(table), fractions=fractions)


def test_an_unknown_policy():
    table = images({"canidae": 10, "felidae": 10})
    with pytest.raises(UsageError, match="held-out-families"):
        split.assign(table, alone(table), policy="random")


def test_a_share_of_zero_gives_nothing():
    table = images({"canidae": 10, "felidae": 10})
    assert counts(split.assign(table, alone(table), fractions=(0.8, 0, 0.2))) == {"train": 16, "test": 4}


def test_written_and_read_again(tmp_path):
    table = images({"canidae": 10, 'felidæ, "the" cats': 10})
    made = split.assign(table, alone(table))
    split.write(made, tmp_path / "split.csv")
    again = split.read(tmp_path / "split.csv")
    pd.testing.assert_frame_equal(again, made.table.astype(again.dtypes))
    assert split.digest(again) == made.digest


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("image_id,file_path,family\na,b,c\n", "lacks the columns split"),
        ("image_id,file_path,family,split\na,b,c,dev\n", "sides \\['dev'\\]"),
        ("image_id,file_path,family,split\na,b,c,train\na,d,c,test\n", "two sides"),
        ("", "no CSV"),
    ],
)
def test_what_is_no_split_is_refused(content, said, tmp_path):
    (tmp_path / "split.csv").write_text(content)
    with pytest.raises(DataError, match=said):
        split.read(tmp_path / "split.csv")


def test_the_rare_species_by_eol_page(rare_species_metadata):
    table = pd.read_csv(rare_species_metadata, dtype=str, keep_default_na=False)
    table["image_id"] = [hashlib.sha256(p.encode()).hexdigest() for p in table["file_path"]]
    made = split.assign(table, alone(table), policy="held-out-species")
    joined = made.table.merge(table[["image_id", "eol_page_id"]], on="image_id", validate="one_to_one")
    train = set(joined.loc[joined["split"] == "train", "eol_page_id"])
    test = joined[joined["split"] == "test"]
    assert not set(test["eol_page_id"]) & train
    assert 60 <= test["family"].nunique() <= 90
    assert set(test["family"]) <= set(joined.loc[joined["split"] == "train", "family"])


@given(
    sizes=st.lists(st.integers(1, 5), min_size=2, max_size=6),
    seed=st.integers(0, 99),
    policy=st.sampled_from(["stratified", "held-out-species"]),
    data=st.data(),
)
@settings(deadline=None, max_examples=40)
def test_no_family_is_judged_that_was_not_taught_however_copies_tie_them(sizes, seed, policy, data):
    table = images({f"family{i}": n for i, n in enumerate(sizes)})
    table["species"] = [f"s{i % 3}" for i in range(len(table))]
    groups = np.array(data.draw(st.lists(st.integers(-1, 3), min_size=len(table), max_size=len(table))))
    try:
        made = split.assign(table, groups, policy=policy, seed=seed).table
    except DataError:
        assert policy == "held-out-species"
        return
    assert set(made["family"]) == set(made.loc[made["split"] == "train", "family"])
    joined = made.merge(table.assign(copies=groups)[["image_id", "copies"]], on="image_id", validate="one_to_one")
    assert split.leaks(joined, joined["copies"].to_numpy()) == 0


def test_many_families_keep_the_overall_shares():
    table = images({f"family{i}": 3 + i % 40 for i in range(300)})
    found = counts(split.assign(table, alone(table), fractions=(0.6, 0.25, 0.15)))
    shares = [found[side] / len(table) for side in ("train", "val", "test")]
    assert shares == pytest.approx([0.6, 0.25, 0.15], abs=0.02)
