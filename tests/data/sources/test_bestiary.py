"""The drawn sample: bytes depend on the seed alone, and what is on disk is what the table says."""

import csv
import io
from collections import Counter

import numpy as np
import pytest
from PIL import Image, ImageOps

from raravis.data.sources import Request, bestiary, open_source
from raravis.data.sources.bestiary._habitats import HABITATS
from raravis.data.sources.bestiary._picture import MEDIA, cast, picture
from raravis.data.sources.bestiary.families import all_families
from raravis.errors import StorageError, UsageError
from raravis.taxonomy import PHYLA, RANKS

FAMILIES = all_families()
FEW = ("carcharhinidae", "viperidae", "asteriidae")


def family(name):
    return next(f for f in FAMILIES if f.name == name)


def files_of(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn") / "sample"
    bestiary.draw(folder, seed=3, share=0.01, families=FEW, processes=1, quiet=True)
    return folder


@pytest.fixture
def drawings(monkeypatch):
    monkeypatch.setattr(bestiary._sample, "_chosen", lambda names: [family(n) for n in FEW[:1]])
    calls = []
    real = bestiary._sample.write

    def write(folder, **how):
        calls.append(folder)
        real(folder, **{**how, "share": 0.01, "processes": 1})

    monkeypatch.setattr(bestiary._sample, "write", write)
    return calls


@pytest.mark.parametrize(
    ("data", "ours"),
    [
        ("bestiary", True),
        ("bestiary:7", True),
        ("bestiary:-1", True),
        ("bestiary:", False),
        ("bestiary:x", False),
    ],
)
def test_claims(data, ours):
    assert bestiary.claims(data) is ours
    assert not bestiary.claims(data + "/folder")


def test_bytes_do_not_depend_on_the_number_of_processes(drawn, tmp_path):
    bestiary.draw(tmp_path, seed=3, share=0.01, families=FEW, processes=2, quiet=True)
    assert files_of(tmp_path) == files_of(drawn)


def test_another_seed_draws_other_pictures():
    shark = family("carcharhinidae")
    assert picture(shark, 0, 1).jpeg == picture(shark, 0, 1).jpeg
    assert picture(shark, 0, 1).jpeg != picture(shark, 0, 2).jpeg


def test_the_table_names_every_file_and_nothing_else(drawn):
    with (drawn / "metadata.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    names = [row["file_path"] for row in rows]
    assert sorted([*names, "metadata.csv"]) == sorted(files_of(drawn))
    assert len({row["rare_species_id"] for row in rows}) == len(rows) == 4 * len(FEW)
    for row in rows:
        assert row["file_path"].startswith(f"{row['phylum']}_{row['family']}/")
        assert row["group"] == f"{row['genus']}_{row['species']}"
        assert row["eol_page_id"] == ""
        assert row["medium"] in MEDIA


def test_counts_are_long_tailed():
    counts = sorted(f.images for f in FAMILIES)
    assert (counts[0], counts[-1]) == (30, 300)
    assert 2000 <= sum(counts) <= 2400
    assert np.median(counts) < np.mean(counts)


def test_families_are_many_and_their_lineages_whole():
    assert len({f.name for f in FAMILIES}) == len(FAMILIES) >= 24
    assert len({f.ranks["phylum"] for f in FAMILIES}) >= 5
    for f in FAMILIES:
        assert tuple(f.ranks) == RANKS[:5]
        assert f.ranks["phylum"] in PHYLA
        assert f.name.endswith("idae")
        assert len({s.name for s in f.species}) == len(f.species) >= 2
        assert all(len(s.name.split()) == 2 for s in f.species)
        assert set(f.habitats) <= set(HABITATS)


def test_all_media_and_species_occur_in_the_whole_sample():
    drawn_as = [(f.name, *cast(f, i, 0)) for f in FAMILIES for i in range(f.images)]
    media = Counter(medium for _, _, medium in drawn_as)
    assert 0.65 < media["photo"] / len(drawn_as) < 0.75
    assert 0.15 < media["drawing"] / len(drawn_as) < 0.25
    assert 0.07 < media["fossil"] / len(drawn_as) < 0.13
    assert {(n, k.name) for n, k, _ in drawn_as} == {(f.name, s.name) for f in FAMILIES for s in f.species}


@pytest.mark.parametrize("f", FAMILIES, ids=lambda f: f.name)
def test_every_family_fills_its_picture(f):
    one = picture(f, 0, 5)
    with Image.open(io.BytesIO(one.jpeg)) as stored:
        exif = stored.getexif()
        upright = np.asarray(ImageOps.exif_transpose(stored), np.float32)
    assert 200 <= min(one.upright.size) <= max(one.upright.size) <= 360
    assert exif[271] == "raravis"
    assert {272, 305, 306, 274} <= set(exif)
    assert np.abs(upright - np.asarray(one.upright, np.float32)).mean() < 6
    assert upright.std() > 12


def test_turned_files_come_upright_by_their_exif():
    shark, turns = family("carcharhinidae"), Counter()
    for index in range(40):
        one = picture(shark, index, 0)
        with Image.open(io.BytesIO(one.jpeg)) as stored:
            turn = stored.getexif()[274]
            if turn != 1:
                assert (
                    np.abs(np.asarray(ImageOps.exif_transpose(stored), np.float32) - np.asarray(one.upright)).mean() < 6
                )
                assert stored.size == (one.upright.size if turn == 3 else one.upright.size[::-1])
        turns[turn] += 1
    assert turns[1] >= 28
    assert len(turns) > 1


def test_no_two_pictures_of_a_family_are_alike():
    for name in FEW:
        small = [
            np.asarray(picture(family(name), i, 0).upright.convert("L").resize((24, 24)), float) for i in range(12)
        ]
        apart = [np.abs(a - b).mean() for k, a in enumerate(small) for b in small[:k]]
        assert min(apart) > 4


def test_listing_draws_once_and_lists_the_ranks(drawings):
    first = bestiary.listing(Request("bestiary:9"), quiet=True)
    again = bestiary.listing(Request("bestiary:9"), quiet=True)
    assert len(drawings) == 1
    assert first.table.equals(again.table)
    assert {"file_path", *RANKS, "medium", "group", "problem"} <= set(first.table)
    assert all((first.root / p).is_file() for p in first.table["file_path"])


def test_listing_mends_a_cache_that_lost_a_file(drawings):
    found = bestiary.listing(Request("bestiary"), quiet=True)
    lost = found.root / found.table["file_path"][0]
    before = lost.read_bytes()
    lost.unlink()
    (found.root.parent / f".{found.root.name}.part").mkdir()
    bestiary.listing(Request("bestiary"), quiet=True)
    assert len(drawings) == 2
    assert lost.read_bytes() == before


def test_the_bestiary_is_found_by_its_name(drawings, monkeypatch, tmp_path):
    (tmp_path / "bestiary").mkdir()
    monkeypatch.chdir(tmp_path)
    assert open_source(Request("bestiary"), quiet=True).kind == "bestiary"


def test_wrong_arguments_are_told(tmp_path):
    with pytest.raises(UsageError, match="Did you mean 'felidae'"):
        bestiary.draw(tmp_path, families=["felidea"], quiet=True)
    with pytest.raises(UsageError, match="share is 0"):
        bestiary.draw(tmp_path, share=0, quiet=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        bestiary.draw(tmp_path / "file", share=0.01, families=FEW[:1], processes=1, quiet=True)
