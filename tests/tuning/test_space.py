"""Spaces: what TOML says is what Keras Tuner draws from and what the recipe gets; faults name their field."""

import pytest

from raravis import recipe
from raravis.errors import RecipeError
from raravis.tuning import space

WHOLE = """
[train.learning_rate]
min = 1e-4
max = 1e-2
scale = "log"

[model.dropout]
min = 0.1
max = 0.5
step = 0.1

[train.batch_size]
min = 8
max = 64

[model.filters]
choices = [[4, 8], [8, 16]]

[augment]
pipeline = { choices = ["one", "none"] }
"""


@pytest.fixture
def read(tmp_path):
    def made(text, name="basic_cnn"):
        file = tmp_path / "space.toml"
        file.write_text(text, encoding="utf-8")
        return space.read(file, recipe.load(name))

    return made


def test_every_kind_of_field(read):
    found = {field.key: field for field in read(WHOLE)}
    assert list(found) == [
        "train.learning_rate",
        "train.batch_size",
        "model.dropout",
        "model.filters",
        "augment.pipeline",
    ]
    assert found["train.learning_rate"].log
    assert found["train.batch_size"].whole
    assert not found["model.dropout"].whole
    assert found["model.filters"].value(1) == [8, 16]
    assert found["augment.pipeline"].value(0) == "one"
    assert isinstance(found["train.batch_size"].value(9.0), int)


def test_what_is_drawn_lies_in_the_space_and_fits_the_recipe(read):
    import keras_tuner

    fields = read(WHOLE)
    drawn = keras_tuner.HyperParameters()
    for field in fields:
        field.add(drawn)
    base = recipe.load("basic_cnn")
    rates = set()
    for seed in range(40):
        values = {f.key: f.value(p.random_sample(seed)) for f, p in zip(fields, drawn.space, strict=True)}
        made = space.changed(base, values)
        assert 1e-4 <= made.train.learning_rate <= 1e-2
        assert round(made.model.dropout, 6) in {0.1, 0.2, 0.3, 0.4, 0.5}
        assert 8 <= made.train.batch_size <= 64
        assert made.model.filters in {(4, 8), (8, 16)}
        rates.add(made.train.learning_rate < 1e-3)
    assert rates == {True, False}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "names no field"),
        ("[train", "no valid TOML"),
        ("[train.learnin_rate]\nmin = 0.1\nmax = 0.2", "Did you mean 'learning_rate'"),
        ("[model.filter]\nchoices = [[4, 8], [8, 8]]", "Did you mean 'filters'"),
        ("[model.dropout]\nmin = 0.1\nmax = 1.5", "model.dropout"),
        ("[train.learning_rate]\nmin = 0.2\nmax = 0.1", "min below max"),
        ("[train.learning_rate]\nmin = 0.2", "min and max"),
        ("[train.learning_rate]\nmin = 0\nmax = 1\nscale = 'log'", "min above 0"),
        ("[train.learning_rate]\nmin = 0.1\nmax = 1\nscale = 'cubic'", "scale"),
        ("[train.learning_rate]\nmin = 0.1\nmax = 1\nstep = 3", "step"),
        ("[train.learning_rate]\nmin = 0.1\nmaks = 1", "Did you mean 'max'"),
        ("[train.learning_rate]\nmin = true\nmax = 2", "numbers"),
        ("[augment.pipeline]\nchoices = ['one', 'too']", "'too'"),
        ("[augment.pipeline]\nchoices = ['one']", "two values or more"),
        ("[augment.pipeline]\nchoices = []", "two values or more"),
        ("train = 3", "a table with min and max"),
        ("[nothing.at.all]\nmin = 1\nmax = 2", "nothing"),
    ],
)
def test_faults_are_told(read, text, named):
    with pytest.raises(RecipeError, match=named):
        read(text)


def test_a_space_that_notepad_saved_is_read(read):
    """It puts a byte order mark first."""
    assert read(f"\ufeff{WHOLE}") == read(WHOLE)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(RecipeError, match=r"gone\.toml"):
        space.read(tmp_path / "gone.toml", recipe.load("basic_cnn"))
