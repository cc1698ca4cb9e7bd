"""The verb: split.csv, what it is told with, and copies on one side."""

import hashlib
import shutil

import pandas as pd
import pytest
from PIL import Image

import raravis
from raravis.errors import DataError, UsageError


def test_writes_every_image_once_with_its_identity(photos36, tmp_path):
    outcome = raravis.split(str(photos36), out=tmp_path / "new" / "split.csv", quiet=True)
    table = pd.read_csv(outcome.out)
    assert list(table.columns) == ["image_id", "file_path", "family", "split"]
    assert len(table) == table["file_path"].nunique() == 36
    first = table.iloc[0]
    assert hashlib.sha256((photos36 / first["file_path"]).read_bytes()).hexdigest() == first["image_id"]
    assert outcome.figures["images"] == table["split"].value_counts().to_dict() == {"train": 24, "val": 6, "test": 6}
    assert outcome.figures["families"] == {"train": 3, "val": 3, "test": 3}
    assert outcome.exit_code == 0


def test_the_seed_decides_alone(photos36, tmp_path):
    made = [
        raravis.split(str(photos36), out=tmp_path / f"{i}.csv", seed=seed, quiet=True)
        for i, seed in enumerate((0, 0, 1))
    ]
    assert made[0].out.read_bytes() == made[1].out.read_bytes()
    assert made[0].figures["digest"] == made[1].figures["digest"] != made[2].figures["digest"]


def test_copies_exact_and_near_stand_on_one_side(photos36, photo, tmp_path):
    data = shutil.copytree(photos36, tmp_path / "data")
    for seed in range(12):
        photo(500 + seed, (120, 120, 120), side=160).save(data / "canidae" / f"whole{seed:02}.jpg", quality=95)
        with Image.open(data / "canidae" / f"whole{seed:02}.jpg") as whole:
            whole.resize((128, 128)).save(data / "canidae" / f"near{seed:02}.jpg", quality=40)
        shutil.copy(data / "felidae" / f"{seed:02}.jpg", data / "felidae" / f"copy{seed:02}.jpg")
    table = pd.read_csv(raravis.split(str(data), out=tmp_path / "s.csv", quiet=True).out, index_col="file_path")[
        "split"
    ]
    for seed in range(12):
        assert table[f"canidae/whole{seed:02}.jpg"] == table[f"canidae/near{seed:02}.jpg"]
        assert table[f"felidae/{seed:02}.jpg"] == table[f"felidae/copy{seed:02}.jpg"]
    assert set(table) == {"train", "val", "test"}


def test_held_out_families_are_novel(photos36, tmp_path):
    outcome = raravis.split(str(photos36), out=tmp_path / "s.csv", policy="held-out-families", quiet=True)
    table = pd.read_csv(outcome.out)
    novel = set(table.loc[table["split"] == "novel", "family"])
    assert len(novel) == outcome.figures["families"]["novel"] == 1
    assert not novel & set(table.loc[table["split"] != "novel", "family"])
    assert any("held out as novel" in note for note in outcome.notes)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"policy": "random"}, UsageError),
        ({"fractions": (0.5, 0.1, 0.1)}, UsageError),
        ({"fractions": (0, 0.5, 0.5)}, UsageError),
        ({"policy": "held-out-species"}, DataError),
    ],
)
def test_what_cannot_be_done_leaves_no_file(photos36, tmp_path, options, error):
    with pytest.raises(error):
        raravis.split(str(photos36), out=tmp_path / "s.csv", **options, quiet=True)
    assert not (tmp_path / "s.csv").exists()
