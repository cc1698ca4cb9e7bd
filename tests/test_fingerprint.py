"""What tells a saved network from another, without reading it."""

import zipfile

import pytest

from raravis import fingerprint
from raravis.errors import RunError


def written(file, weights, *, date="today"):
    with zipfile.ZipFile(file, "w") as held:
        held.writestr("metadata.json", date)
        held.writestr("config.json", "{}")
        held.writestr("model.weights.h5", weights)
    return file


def test_other_weights_are_another_network_and_another_day_is_not(tmp_path):
    one = fingerprint.saved(written(tmp_path / "one.keras", b"abc"))
    assert len(one) == 64
    assert fingerprint.saved(written(tmp_path / "same.keras", b"abc", date="tomorrow")) == one
    assert fingerprint.saved(written(tmp_path / "other.keras", b"abd")) != one


@pytest.mark.parametrize("content", [b"", b"PK no model", None])
def test_what_is_no_network_is_told(tmp_path, content):
    if content is not None:
        (tmp_path / "model.keras").write_bytes(content)
    with pytest.raises(RunError, match=r"model\.keras is damaged"):
        fingerprint.saved(tmp_path / "model.keras")


def test_a_file_without_weights_is_told(tmp_path):
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as held:
        held.writestr("config.json", "{}")
    with pytest.raises(RunError, match="is damaged"):
        fingerprint.saved(tmp_path / "model.keras")
