"""Whether maps are to be trusted, which photographs are alike, and the figure that shows both."""

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from raravis import drawing, engine
from raravis.credits import Rights
from raravis.errors import RunError
from raravis.explaining import attribution, evidence, said, sanity, why
from raravis.explaining._sheet import overlay, shortened, soft
from raravis.explaining.evidence import SIDE, THUMB, Like, Panel
from raravis.explaining.nearest import Nearest, embedding
from raravis.explaining.said import Said
from raravis.judge.trust import VERDICTS, Verdicts

COLOURS = {"canidae": (220, 10, 10), "felidae": (10, 10, 220), "ursidae": (120, 120, 120)}


def plain(colour, size=32):
    return np.full((size, size, 3), colour, np.uint8)


@pytest.mark.engine
class TestSanity:
    def test_the_right_order_hides_sooner_and_shows_sooner_than_the_wrong_one(self, sees_red, red_corner):
        network, picture = sees_red(), red_corner()
        right = picture[..., 0].astype(float) - picture[..., 1]
        whole, none = 0.99, 0.5
        first, last = (sanity.hidden(network, picture, 0, order) for order in (right, -right))
        assert none < first < 0.7 < last < whole
        first, last = (sanity.shown(network, picture, 0, order) for order in (right, -right))
        assert none < last < first < whole

    def test_places_of_one_value_are_taken_in_any_order(self, sees_red, red_corner):
        network, picture = sees_red(), red_corner()
        flat = sanity.hidden(network, picture, 0, np.zeros((32, 32)))
        assert flat == sanity.hidden(network, picture, 0, np.ones((32, 32)))

    def test_rank_correlation_of_maps(self):
        one = np.random.default_rng(0).random((64, 64))
        assert sanity.alike(one, one**3) == pytest.approx(1)
        assert sanity.alike(one, -one) == pytest.approx(-1)
        assert sanity.alike(one, np.zeros_like(one)) == 0
        assert abs(sanity.alike(one, np.random.default_rng(1).random((64, 64)))) < 0.2

    def test_shuffled_weights_hold_the_same_numbers_and_come_back_after_an_error(self, sees_red):
        weights = sees_red().weights
        before = [np.array(engine.keras().ops.convert_to_numpy(w)) for w in weights]
        now = []

        def fails():
            with sanity.shuffled(weights, 0):
                now.extend(np.array(engine.keras().ops.convert_to_numpy(w)) for w in weights)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fails()
        assert any((a != b).any() for a, b in zip(before, now, strict=True))
        for a, b in zip(before, now, strict=True):
            np.testing.assert_array_equal(np.sort(a, axis=None), np.sort(b, axis=None))
        for a, w in zip(before, weights, strict=True):
            np.testing.assert_array_equal(a, engine.keras().ops.convert_to_numpy(w))

    def test_the_head_is_what_comes_after_the_embedding(self, sees_red):
        network = sees_red()
        assert {id(w) for w in sanity.head(network)} == {id(w) for w in network.get_layer("logits").weights}

    def test_a_map_that_knows_nothing_of_the_network_is_found_out(self, sees_red, red_corner):
        def edges(pixels, family):
            return np.abs(np.gradient(pixels.mean(-1))[0]).astype(np.float32)

        found = sanity.check(sees_red(), edges, red_corner(), 0)
        assert found.network == pytest.approx(1)
        assert any("weights are shuffled" in fault for fault in found.faults)

    def test_weights_that_run_over_count_as_another_map(self, sees_red, red_corner):
        network = sees_red()
        kernel = network.get_layer("logits").kernel
        whole = attribution.prepare("hires_cam", network)

        def fragile(pixels, family):
            if np.asarray(engine.keras().ops.convert_to_numpy(kernel))[0, 0] != 60:
                raise RunError("no finite numbers")
            return whole(pixels, family)

        assert sanity.check(network, fragile, red_corner(), 0, seed=5).head == 0


@pytest.mark.engine
class TestNearest:
    @pytest.fixture
    def known(self, sees_red):
        """Twelve photographs, four of each family, which have its colour and differ a little."""
        network = sees_red()
        rows = [(f"{family}-{i}", family, np.clip(np.add(colour, 4 * i), 0, 255)) for family, colour in COLOURS.items()
                for i in range(4)]  # fmt: skip
        pictures = np.stack([plain(colour) for *_, colour in rows])
        features = np.asarray(embedding(network).predict_on_batch(pictures))
        table = pd.DataFrame({
            "image_id": [name for name, *_ in rows], "file_path": [f"{name}.jpg" for name, *_ in rows],
            "family": [family for _, family, _ in rows], "rights_holder": [f"{family}'s" for _, family, _ in rows],
        })  # fmt: skip
        return Nearest(network, features, table)

    @pytest.mark.parametrize("family", COLOURS)
    def test_those_of_the_same_colour_are_nearest(self, known, family):
        found = known(plain(COLOURS[family]), 4)
        assert {one.family for one in found} == {family}
        assert {one.rights for one in found} == {Rights("", f"{family}'s")}
        assert found[0].file_path == f"{family}-0.jpg"
        assert found[0].distance == pytest.approx(0, abs=1e-5)
        assert [one.distance for one in found] == sorted(one.distance for one in found)

    def test_the_photograph_itself_is_left_out(self, known):
        found = known(plain(COLOURS["felidae"]), 3, image_id="felidae-0")
        assert "felidae-0" not in {one.image_id for one in found}
        assert len(found) == 3

    def test_no_more_than_there_are(self, known):
        assert len(known(plain((1, 2, 3)), 99)) == len(known) == 12

    def test_features_that_are_no_numbers(self, sees_red):
        with pytest.raises(RunError, match="no finite numbers"):
            Nearest(sees_red(), np.full((1, 3), np.nan, np.float32), pd.DataFrame())


@pytest.mark.engine
class TestTheUsualMethod:
    def test_fine_maps_are_taken(self, sees_red):
        name, _, note = why.prepared(sees_red(size=8), None)
        assert (name, note) == (attribution.DEFAULT, "")

    def test_maps_of_four_places_are_not_and_it_is_told(self, sees_red):
        name, _, note = why.prepared(sees_red(size=4), None)
        assert name == attribution.ANYWHERE
        assert "no more than 4 places" in note
        assert note.endswith(f"by the method {attribution.ANYWHERE}.")

    def test_who_asks_for_them_gets_them(self, sees_red):
        assert why.prepared(sees_red(size=4), attribution.DEFAULT)[::2] == (attribution.DEFAULT, "")


class TestWhatIsSaid:
    def of(self, verdict, members=(True, True, False), rank="order", taxon="carnivora"):
        probabilities = np.array([[0.3, 0.6, 0.1]], np.float32)
        number, text = np.array([VERDICTS.index(verdict)]), np.array([rank])
        made = Verdicts(
            probabilities, np.array([members]), np.array([0.4], np.float32), number, text, np.array([taxon]), ("why",)
        )
        return said.of(made, ["canidae", "felidae", "ursidae"])

    def test_the_likeliest_family_of_the_set_comes_first(self):
        found = self.of("uncertain")
        assert found == Said("uncertain", "why", "order", "carnivora", ("felidae", "canidae"), pytest.approx(0.4))
        assert found.as_json()["prediction_set"] == ["felidae", "canidae"]
        assert [part.strip() for part in found.line().split("·")] == [
            "Uncertain: why", "sure of the order carnivora", "set: felidae, canidae",
        ]  # fmt: skip

    def test_an_empty_set_and_a_mere_animal(self):
        line = self.of("unfamiliar", (False, False, False), "kingdom", "animalia").line()
        assert "no family fits" in line
        assert "sure of no rank" in line

    def test_a_long_set_is_cut(self):
        assert Said("uncertain", "", "order", "x", tuple("abcdef"), 0.0).line().endswith("set: a, b, c, d and 2 more")

    @pytest.mark.parametrize(
        ("verdict", "heading"),
        [("identified", "Why?"), ("uncertain", "Uncertain. Why?"), ("unfamiliar", "Unfamiliar. Why?")],
    )
    def test_only_what_is_identified_is_asked_about_without_a_word(self, verdict, heading):
        assert self.of(verdict).heading("Why?") == heading


def drawn(panels=3, likes=5, name="canidae", count=6):
    values = np.linspace(0, 1, 49, dtype=np.float32).reshape(7, 7)
    return evidence.figure(
        f"Why {name} (51%)?",
        f"Uncertain: confidence 0.51: {name} or felidae    ·    sure of the order carnivora    ·    set: {name}",
        "a $b$ 猫.jpg",
        plain((30, 60, 90), SIDE),
        [
            Panel(f"Speaks for {name}", evidence.NOWHERE if i == 1 else "51% sure", values * (i != 1))
            for i in range(panels)
        ],
        [(name, share) for share in (0.51, 0.4, 0.05, 0.0001, 0.0, 0.0)[:count]],
        [Like(plain((i, 9, 9), THUMB), name, 0.1 * i, Rights("CC BY 4.0", name)) for i in range(likes)],
        "among 5,227 training images" if likes else "",
    )


def boxes(figure):
    """Where the words stand: left, bottom, right, top, in pixels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return [text.get_window_extent(canvas.get_renderer()).extents for text in figure.texts]


@pytest.mark.parametrize("name", ["canidae", "a" * 60])
@pytest.mark.parametrize(("panels", "likes", "count"), [(3, 5, 6), (2, 0, 1), (2, 12, 6), (3, 1, 6)])
def test_no_words_meet_and_none_leave_the_figure(name, panels, likes, count):
    figure = drawn(panels, likes, name, count)
    found = boxes(figure)
    width, height = figure.get_size_inches() * figure.dpi
    for number, (left, bottom, right, top) in enumerate(found):
        assert min(left, bottom, height - top, width - right) >= 0, figure.texts[number].get_text()
        for other, (x0, y0, x1, y1) in enumerate(found[:number]):
            apart = right <= x0 or x1 <= left or top <= y0 or y1 <= bottom
            assert apart, (figure.texts[number].get_text(), figure.texts[other].get_text())


def test_the_figure_says_where_no_place_matters():
    assert [text.get_text() for text in drawn().texts].count(evidence.NOWHERE) == 1
    assert np.asarray(Image.open(io.BytesIO(drawing.png(drawn())))).shape[1] > 1000


def test_the_figure_says_whose_each_training_photograph_is():
    words = [text.get_text() for text in drawn(likes=3).texts]
    assert words.count("© canidae") == words.count("CC BY 4.0") == 3


def test_an_overlay_shows_the_photograph_in_grey_and_the_evidence_in_colour():
    photo = plain((200, 40, 40), 64)
    values = np.zeros((8, 8), np.float32)
    values[0, 0] = 1
    found = overlay(photo, values).astype(int)
    assert np.ptp(found[0, 0]) > 100
    assert np.ptp(found[60, 60]) < 60
    assert len(np.unique(overlay(photo, np.zeros((8, 8), np.float32)).reshape(-1, 3), axis=0)) == 1


def test_patches_lose_their_edges_and_keep_their_place():
    values = np.zeros((32, 32), np.float32)
    values[8:16, 16:24] = 1
    found = soft(values, 0.05)
    assert found.max() == 1
    assert np.abs(np.diff(found, axis=0)).max() < 0.4
    row, column = np.unravel_index(found.argmax(), found.shape)
    assert 10 <= row <= 13
    assert 18 <= column <= 21
    assert not soft(np.zeros((4, 4), np.float32), 0.05).any()


@pytest.mark.parametrize(
    ("share", "told"), [(0.873, "87%"), (1, "100%"), (0.0949, "9.5%"), (0.004, "0.4%"), (0.0001, "below 0.1%")]
)
def test_confidences_in_words(share, told):
    assert evidence.percent(share) == told


def test_long_words_are_cut():
    assert shortened("canidae", 200) == "canidae"
    assert len(shortened("a" * 100, 200)) < 30
