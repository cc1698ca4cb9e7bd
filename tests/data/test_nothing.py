"""Pictures without an animal."""

import numpy as np
import pytest

from raravis.data import nothing


def test_every_kind_in_turn_the_same_for_a_seed_and_other_for_another():
    pictures, kinds = nothing.draw(48, count=14, seed=3)
    assert pictures.shape == (14, 48, 48, 3)
    assert pictures.dtype == np.uint8
    assert kinds == ("blank", "noise", "text", "landscape", "room", "screen", "people") * 2
    again, _ = nothing.draw(48, count=14, seed=3)
    np.testing.assert_array_equal(pictures, again)
    other, _ = nothing.draw(48, count=14, seed=4)
    assert all((a != b).any() for a, b in zip(pictures, other, strict=True))


@pytest.mark.parametrize("size", [16, 33, 97, 1024])
def test_every_size_that_a_recipe_may_have(size):
    """From the smallest to the largest; textures are smaller than that, some sides odd."""
    count = 7 if size > 500 else 42
    pictures, _ = nothing.draw(size, count=count, seed=1)
    assert pictures.shape == (count, size, size, 3)
    assert pictures.max() > 128 > pictures.min()


def test_no_two_are_the_same():
    pictures, kinds = nothing.draw(40, count=60, seed=0)
    for number, picture in enumerate(pictures[:-1]):
        apart = np.abs(pictures[number + 1 :].astype(int) - picture).mean(axis=(1, 2, 3))
        others = np.array(kinds[number + 1 :])
        assert apart.min() > 0, kinds[number]
        assert apart[others != kinds[number]].min(initial=99) > 0.5


def test_more_pictures_begin_with_the_same_ones():
    few, _ = nothing.draw(32, count=7, seed=5)
    many, kinds = nothing.draw(32, count=20, seed=5)
    np.testing.assert_array_equal(many[:7], few)
    assert kinds[7] == "blank"


def test_kinds_look_as_they_are_called():
    pictures, kinds = nothing.draw(96, count=60, seed=0)
    spread = {kind: [] for kind in kinds}
    for picture, kind in zip(pictures.astype(float), kinds, strict=True):
        spread[kind].append(np.abs(np.diff(picture, axis=1)).mean())
    means = {kind: np.mean(values) for kind, values in spread.items()}
    assert means["blank"] == min(means.values())
    assert means["noise"] > means["landscape"]
    assert means["text"] > means["blank"] + 5


def test_blank_pictures_are_one_colour_from_dark_to_light_and_noise_is_not():
    pictures, kinds = nothing.draw(64, count=120, seed=0)
    rows = {kind: [p.astype(float) for p, k in zip(pictures, kinds, strict=True) if k == kind] for kind in set(kinds)}
    across = {kind: np.median([p.std(axis=1).mean() for p in own]) for kind, own in rows.items()}
    assert all(p.std(axis=1).mean() < 4 for p in rows["blank"])
    assert min(spread for kind, spread in across.items() if kind != "blank") > 4
    assert max(p.mean() for p in rows["blank"]) - min(p.mean() for p in rows["blank"]) > 150
    gray = [np.ptp(p, axis=2).max() == 0 for p in rows["noise"]]
    assert 0 < np.mean(gray) < 1, "some noise has colours, some has none"


def test_people_have_skin_and_clothes_before_a_place():
    """The same place without them differs where they stand, and skin of every shade occurs."""
    pictures, kinds = nothing.draw(96, count=140, seed=2)
    shown = [p.astype(int) for p, kind in zip(pictures, kinds, strict=True) if kind == "people"]
    assert len(shown) == 20
    rooms = [p.astype(int) for p, kind in zip(pictures, kinds, strict=True) if kind == "room"]

    def skin(picture):
        apart = [np.abs(picture - np.array(shade)).sum(axis=2) < 45 for shade in nothing._SKIN]
        return float(np.any(apart, axis=0).mean())

    assert np.mean([skin(p) > 0.005 for p in shown]) > 0.9
    assert np.mean([skin(p) for p in shown]) > np.mean([skin(p) for p in rooms])
