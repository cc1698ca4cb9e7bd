import itertools
import json

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from raravis.data import explore

RANKS = ("kingdom", "phylum", "class", "order", "family", "genus", "species")


def row(path, family="felidae", phylum="chordata", status="ok", **more):
    blank = dict.fromkeys(RANKS, "")
    given = {"file_path": path, "width": 20, "height": 10, "mode": "RGB", "format": "JPEG", "error": ""}
    return {**blank, **given, "family": family, "phylum": phylum, "status": status, **more}


@pytest.fixture
def table():
    rows = [row(f"f{i}.jpg") for i in range(5)]
    rows += [row(f"c{i}.jpg", "canidae", width=40, species=f"s{i % 2}") for i in range(3)]
    rows += [row("m.png", "mussidae", "cnidaria", format="PNG", mode="L", width=64, height=64)]
    rows += [row("u.jpg", "", "", "unlabelled"), row("bad.jpg", status="unreadable", error="is empty", width=0)]
    return pd.DataFrame(rows)


def test_summary_counts_what_there_is(table):
    found = explore.summary(table)
    assert (found["images"], found["readable"], found["unreadable"], found["unlabelled"]) == (11, 10, 1, 1)
    assert (found["families"], found["phyla"]) == (3, 2)
    assert list(found["per_family"].items()) == [("felidae", 5), ("canidae", 3), ("mussidae", 1)]
    assert found["per_phylum"] == {"chordata": 8, "cnidaria": 1}
    assert (found["minimum"], found["median"], found["maximum"]) == (1, 3.0, 5)
    assert found["imbalance_ratio"] == 5.0
    assert found["formats"] == {"JPEG": 9, "PNG": 1}
    assert found["modes"] == {"RGB": 9, "L": 1}
    assert found["sizes"]["width"] == {"minimum": 20, "median": 20.0, "maximum": 64}
    assert found["sizes"]["height"] == {"minimum": 10, "median": 10.0, "maximum": 64}
    assert list(found["sizes"]["most_common"].items()) == [("20×10", 6), ("40×10", 3), ("64×64", 1)]
    assert json.loads(json.dumps(found)) == found


def test_families_without_a_phylum_are_families_all_the_same():
    found = explore.summary(pd.DataFrame([row("a.jpg", "ant", ""), row("b.jpg", "bee", "")]))
    assert (found["families"], found["phyla"], found["per_phylum"]) == (2, 0, {})


def test_phyla_and_tables(table):
    assert explore.phyla(table) == {"felidae": "chordata", "canidae": "chordata", "mussidae": "cnidaria"}
    families = explore.families_table(table)
    assert families["family"].tolist() == ["felidae", "canidae", "mussidae"]
    assert families["species"].tolist() == [0, 2, 0]
    assert families["share"].sum() == pytest.approx(1)
    assert explore.unreadable_table(table).to_dict("records") == [{"file": "bad.jpg", "why": "is empty"}]
    assert explore.words({"JPEG": 9000, "PNG": 1, "GIF": 1}, 2) == "JPEG 9,000 · PNG 1 · 1 more"


def test_sample_takes_one_readable_image_of_each_family(table):
    chosen = explore.sample(table)
    assert chosen["family"].tolist() == ["canidae", "felidae", "mussidae"]  # by phylum, then family
    assert (chosen["status"] == "ok").all()


def test_sample_is_fixed_by_its_seed_and_not_by_the_order_of_rows():
    table = pd.DataFrame([row(f"{f}/{i}.jpg", f"family{f:02}") for f in range(40) for i in range(5)])
    paths = explore.sample(table, seed=3)["file_path"].tolist()
    shuffled = table.sample(frac=1, random_state=0)
    assert len(paths) == 30
    assert explore.sample(shuffled, seed=3)["file_path"].tolist() == paths
    assert explore.sample(table, seed=4)["file_path"].tolist() != paths


def test_samples_show_the_images_and_survive_one_that_vanished(tmp_path):
    Image.fromarray(np.full((30, 30, 3), (0, 0, 255), np.uint8)).save(tmp_path / "blue.png")
    rows = pd.DataFrame([row("blue.png", "blue"), row("gone.png", "gone")])
    figure = explore.samples(rows, tmp_path)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    shown = np.asarray(canvas.buffer_rgba())[..., :3]
    assert (shown == (0, 0, 255)).all(axis=2).sum() == 224 * 224
    assert [t.get_text() for t in figure.texts] == ["blue", "chordata", "gone", "chordata"]


@pytest.mark.parametrize("count", [1, 119, 202])
def test_distribution_has_sorted_bars_and_names_that_do_not_overlap(count):
    sizes = {f"family{k:03}idae": 30 + (k * 7) % 200 for k in range(count)}
    figure = explore.distribution(sizes, {"family000idae": "chordata"})
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    bars = [bar.get_height() for bar in figure.axes[1].patches]
    assert bars == sorted(sizes.values(), reverse=True)
    boxes = [t.get_window_extent(canvas.get_renderer()) for t in figure.axes[1].get_xticklabels()]
    assert len(boxes) == (count if count < 130 else 0)
    assert not any(a.overlaps(b) for a, b in itertools.pairwise(boxes))
