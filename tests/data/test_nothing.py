"""Pictures without an animal."""

import numpy as np

from raravis.data import nothing


def test_every_kind_in_turn_the_same_for_a_seed_and_other_for_another():
    pictures, kinds = nothing.draw(48, count=12, seed=3)
    assert pictures.shape == (12, 48, 48, 3)
    assert pictures.dtype == np.uint8
    assert kinds == ("blank", "noise", "text", "landscape", "room", "screen") * 2
    again, _ = nothing.draw(48, count=12, seed=3)
    np.testing.assert_array_equal(pictures, again)
    other, _ = nothing.draw(48, count=12, seed=4)
    assert all((a != b).any() for a, b in zip(pictures, other, strict=True))


def test_kinds_look_as_they_are_called():
    pictures, kinds = nothing.draw(96, count=60, seed=0)
    spread = {kind: [] for kind in kinds}
    for picture, kind in zip(pictures.astype(float), kinds, strict=True):
        spread[kind].append(np.abs(np.diff(picture, axis=1)).mean())
    means = {kind: np.mean(values) for kind, values in spread.items()}
    assert means["blank"] == min(means.values())
    assert means["noise"] > means["landscape"]
    assert means["text"] > means["blank"] + 5
