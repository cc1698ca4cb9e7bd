"""A bundle explains itself: figures, what they tell, what it refuses; and Keras is not loaded for it."""

import hashlib
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from test_bundle import FAMILIES, SIZE, network, plain, remembered, sealed, trust

import raravis
from raravis.errors import UsageError
from raravis.explaining import evidence
from raravis.serve import folder


def photo(path, *rgb, spot=None):
    """A photograph of one colour, its upper left quarter of another."""
    pixels = np.full((4 * SIZE, 4 * SIZE, 3), rgb, np.uint8)
    if spot is not None:
        pixels[: 2 * SIZE, : 2 * SIZE] = spot
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def bundle(tmp_path):
    """Knows three training photographs, of which the first one is `known.png`, and their thumbnails."""
    path = tmp_path / "bundle"
    path.mkdir()
    (path / folder.MODEL).write_bytes(network())
    trust().save(path / folder.TRUST)
    thumbnails = []
    for number in range(3):
        Image.new("RGB", (20, 20), (90 * number, 90, 90)).save(tmp_path / "t.jpg")
        thumbnails.append((tmp_path / "t.jpg").read_bytes())
    own = remembered(thumbnails)
    known = photo(tmp_path / "known.png", 250, 20, 20, spot=(20, 20, 20))
    own["ids"][0] = np.frombuffer(hashlib.sha256(known.read_bytes()).digest(), np.uint8)
    np.savez(path / folder.NEIGHBOURS, **own)
    (path / folder.THUMBNAILS).write_bytes(b"".join(thumbnails))
    return sealed(path)


@pytest.fixture
def drawn(monkeypatch):
    """What every figure was drawn of: the panels with their maps, by the file's name."""
    found, real = {}, evidence.figure

    def figure(title, verdict, subtitle, photo, panels, *rest):
        found[subtitle.split()[0]] = panels
        return real(title, verdict, subtitle, photo, panels, *rest)

    monkeypatch.setattr(evidence, "figure", figure)
    return found


def test_the_figures_show_where_and_what_is_alike(bundle, drawn, tmp_path):
    red = photo(tmp_path / "red.png", 20, 20, 20, spot=(250, 20, 20))
    flat = photo(tmp_path / "flat.png", 9, 9, 9)
    (tmp_path / "bad.png").write_text("no image")
    given = [red, tmp_path / "known.png", flat, tmp_path / "bad.png"]
    outcome = raravis.explain(bundle, given, out=tmp_path / "out", nearest=2, quiet=True)
    assert outcome.exit_code == 3
    assert [line.rpartition("/")[2] for line in outcome.unreadable] == ["bad.png: is no image of a known format"]
    assert {one.name for one in (tmp_path / "out").iterdir()} == {
        "red-why.png", "known-why.png", "flat-why.png", "report.html"
    }  # fmt: skip
    told = json.loads(json.dumps(outcome.as_json(), allow_nan=False))["photographs"]
    assert [one["family"] for one in told[:2]] == ["canidae", "canidae"]
    assert [one["why"]["evidence"] for one in told] == [True, True, False]
    assert [one["why"]["learned_from"] for one in told] == [False, True, False]
    near = [one["family"] for one in told[0]["why"]["nearest"]]
    assert near[0] == "canidae"
    assert len(near) == 2
    assert "canidae" not in [one["family"] for one in told[1]["why"]["nearest"]], "itself is not like itself"
    assert told[0]["why"]["trust"]["verdict"] in ("identified", "uncertain", "unfamiliar")
    np.testing.assert_allclose(drawn["red.png"][0].values, [[1, 0], [0, 0]], atol=0.1)
    assert drawn["known.png"][0].values[0, 0] < 0.1, "the dark quarter"
    assert not drawn["flat.png"][0].values.any()
    page = (tmp_path / "out" / "report.html").read_text()
    assert "learned from this very photograph" in page
    assert "bad.png" in page


def test_whose_the_nearest_photographs_are_stands_in_the_page_the_figure_and_the_answer(bundle, tmp_path, monkeypatch):
    with np.load(bundle / folder.NEIGHBOURS) as held:
        own = dict(held)
    own["names"] = np.array(["", "https://example.org/licence", "Ada <b>"])
    np.savez(bundle / folder.NEIGHBOURS, **own)
    likes, real = [], evidence.figure

    def figure(*given):
        likes.extend(given[6])
        return real(*given)

    monkeypatch.setattr(evidence, "figure", figure)
    red = photo(tmp_path / "red.png", 20, 20, 20, spot=(250, 20, 20))
    told = raravis.explain(sealed(bundle), red, out=tmp_path / "out", quiet=True).figures["photographs"][0]
    rights = {one["family"]: (one["license"], one["rights_holder"]) for one in told["why"]["nearest"]}
    assert sorted(rights.values()) == [
        ("", ""),
        ("https://example.org/licence", ""),
        ("https://example.org/licence", "Ada <b>"),
    ]
    assert {like.family: (like.rights.license, like.rights.rights_holder) for like in likes} == rights
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Whose photographs are shown" in page
    assert "Ada &lt;b&gt;" in page
    assert "licence unknown" in page
    assert page.count('<a href="https://example.org/licence" rel="noopener noreferrer">') == 2


def test_nothing_is_said_of_photographs_that_are_not_shown(bundle, tmp_path):
    bare = shutil.copytree(bundle, tmp_path / "bare")
    (bare / folder.THUMBNAILS).unlink()
    raravis.explain(sealed(bare), photo(tmp_path / "red.png", 250, 20, 20), out=tmp_path / "out", quiet=True)
    assert "Whose photographs are shown" not in (tmp_path / "out" / "report.html").read_text()


def test_why_not_another_family(bundle, tmp_path):
    red = photo(tmp_path / "red.png", 20, 20, 20, spot=(250, 20, 20))
    outcome = raravis.explain(bundle, red, out=tmp_path / "out", family="strigidae", nearest=0, quiet=True)
    (one,) = outcome.figures["photographs"]
    assert list(one["why"]["families"]) == ["canidae", "strigidae"]
    assert one["why"]["nearest"] == []
    with pytest.raises(UsageError, match="canidae"):
        raravis.explain(bundle, red, out=tmp_path / "out", family="canide", quiet=True)


def test_what_a_bundle_cannot_tell_is_said(tmp_path):
    bare, red = plain(tmp_path / "bare", no_evidence="it has no maps"), photo(tmp_path / "red.png", 250, 20, 20)
    outcome = raravis.explain(bare, red, out=tmp_path / "out", quiet=True)
    assert (tmp_path / "out" / "red-why.png").is_file()
    assert any("tells no places: it has no maps." in note for note in outcome.notes)
    assert any("remembers no training photographs" in note for note in outcome.notes)
    for refused in (
        {"layers": "a"},
        {"method": "grad_cam"},
        {"check": True},
        {"data": "photos"},
        {"channels": "a:1"},
        {"images": 9},
    ):
        with pytest.raises(UsageError, match="needs a run"):
            raravis.explain(bare, red, out=tmp_path / "other", quiet=True, **refused)
    assert not (tmp_path / "other").exists()


def test_a_thumbnail_that_is_no_image_is_a_plain_tile(bundle, tmp_path):
    spoilt = shutil.copytree(bundle, tmp_path / "spoilt")
    pictures = [b"\xff\xd8\xff" + name.encode() for name in FAMILIES]
    np.savez(spoilt / folder.NEIGHBOURS, **remembered(pictures))
    (spoilt / folder.THUMBNAILS).write_bytes(b"".join(pictures))
    outcome = raravis.explain(
        sealed(spoilt), photo(tmp_path / "red.png", 250, 20, 20), out=tmp_path / "out", quiet=True
    )
    assert len(outcome.figures["photographs"][0]["why"]["nearest"]) == 3


def test_keras_is_not_loaded(bundle, tmp_path):
    code = (
        "import sys, raravis; raravis.explain(sys.argv[1], sys.argv[2], out=sys.argv[3], quiet=True); "
        "print([name for name in ('keras', 'tensorflow') if name in sys.modules])"
    )
    red = photo(tmp_path / "red.png", 250, 20, 20)
    ran = subprocess.run([sys.executable, "-c", code, bundle, red, tmp_path / "out"], capture_output=True, text=True)
    assert ran.stdout == "[]\n", ran.stderr
