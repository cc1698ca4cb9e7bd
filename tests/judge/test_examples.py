"""Photographs in a report: what was learned from, what is mistaken for what, and families to be careful with."""

import numpy as np
import pandas as pd
import pytest

from raravis.judge import confusion, examples, predictions
from raravis.judge.examples import Examples
from raravis.page import Facts, Picture, Table, Text

FAMILIES = ["ant", "bee", "cat"]


class Asked(list):
    """Gives grey pictures and keeps which were asked for."""

    def __call__(self, ids):
        self.extend(ids)
        return [np.full((16, 16, 3), 90, np.uint8)] * len(ids)


@pytest.fixture
def shown():
    """Ten images of each family; six ants are taken for bees, one bee for a cat."""
    truth = np.repeat(np.arange(3), 10)
    said = truth.copy()
    said[:6], said[10] = 1, 2
    probabilities = np.full((30, 3), 0.1, np.float32)
    probabilities[np.arange(30), said] = 0.8
    probabilities[2] = (0.02, 0.96, 0.02)
    return predictions.build(
        image_id=[f"i{i}" for i in range(30)],
        file_path=[f"{i}.jpg" for i in range(30)],
        split=["test"] * 30,
        family=[FAMILIES[k] for k in truth],
        families=FAMILIES,
        probabilities=probabilities,
    )


@pytest.fixture
def known():
    table = pd.DataFrame(
        {
            "image_id": [f"t{i}" for i in range(9)],
            "file_path": [f"t{i}.jpg" for i in range(9)],
            "family": np.repeat(FAMILIES, 3),
            "license": "CC0 1.0",
            "rights_holder": "A. Nother",
        }
    )
    return Examples({"ant": 5, "bee": 90, "cat": 7}, table, Asked(), {"cat": "chordata"})


def rows(**changes):
    plain = {"recall": 1.0, "f1": 0.9, "support": 10, "coverage": 0.9}
    return {name: {**plain, **changes.get(name, {})} for name in FAMILIES}


def of(kind, blocks):
    return [block for block in blocks if isinstance(block, kind)]


def test_what_was_learned_from_is_counted_and_shown_once_a_family(known):
    blocks = list(examples.learned(known, rows()))
    (facts,) = of(Facts, blocks)
    assert facts.facts["Training images"] == 102
    assert known.images == ["t0", "t3", "t6"]
    table = of(Table, blocks)[-1].frame
    assert table["family"].tolist() == ["ant", "cat", "bee"]
    assert table["training images"].tolist() == [5, 7, 90]
    assert any("A. Nother" in block.text for block in of(Text, blocks))


def test_more_families_than_are_shown_are_picked_evenly(known):
    names = [f"f{i:03}" for i in range(100)]
    table = pd.DataFrame({"image_id": names, "file_path": names, "family": names})
    some = Examples(dict.fromkeys(names, 3), table, Asked(), {})
    blocks = list(examples.learned(some, {name: {"recall": 0.5, "f1": 0.5} for name in names}))
    assert len(some.images) == examples.SHOWN
    assert {"f000", "f099"} <= set(some.images)
    assert any("of 30 of the 100 families" in block.caption for block in of(Picture, blocks))


def test_images_that_are_not_at_hand_are_only_counted(known):
    bare = Examples(known.sizes, known.table.iloc[:0], Asked(), {})
    assert len(of(Picture, examples.learned(bare, rows()))) == 1
    assert not bare.images


def test_confusions_stand_beside_training_images_of_both(shown, known):
    images = Asked()
    counts = confusion.matrix(predictions.truth(shown), predictions.probabilities(shown).argmax(1), 3)
    blocks = list(examples.confused(confusion.pairs(counts, FAMILIES), shown, images, known, shown))
    (picture,) = of(Picture, blocks)
    assert picture.alt == "Photographs: ant taken for bee; bee taken for cat."
    assert images[0] == "i2"  # the surest mistake
    assert images[1:] == ["i0", "i10"]
    assert known.images == ["t0", "t1", "t3", "t4", "t3", "t4", "t6", "t7"]
    assert [*examples.confused(confusion.pairs(np.eye(3, dtype=int), FAMILIES), shown, images, known, shown)] == []


def test_families_to_be_careful_with_are_those_seldom_found_or_covered(shown, known):
    per_family = rows(ant={"recall": 0.4}, cat={"coverage": 0.5})
    blocks = list(examples.careful(per_family, shown, Asked(), known, shown))
    table = of(Table, blocks)[0].frame
    assert table["family"].tolist() == ["ant", "cat"]
    assert table["taken for"].tolist() == ["bee 6", ""]
    assert table["training images"].tolist() == [5, 7]
    assert table["in its set"].tolist() == [0.9, 0.5]
    (picture,) = of(Picture, blocks)
    assert picture.alt == "Photographs: ant."


def test_families_without_images_or_sets_are_no_worse_for_it(shown):
    per_family = {name: {"recall": 0.0, "f1": 0.0, "support": 0, "coverage": None} for name in FAMILIES}
    (told,) = examples.careful(per_family, shown, Asked(), None, shown)
    assert told.text.startswith("Each family is found")
    per_family["ant"] = {"recall": 0.4, "f1": 0.5, "support": 10}
    blocks = list(examples.careful(per_family, shown, Asked(), None, shown))
    assert list(of(Table, blocks)[0].frame) == ["family", "images here", "recall", "taken for"]
