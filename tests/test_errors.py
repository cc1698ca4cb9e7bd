import pytest

from raravis import errors
from raravis.errors import unknown


def test_unknown_names_the_nearest_first_and_then_all():
    text = unknown("model", "basic_cn", ["frozen", "basic_cnn", "compact_cnn"])
    assert text.splitlines() == [
        "There is no model named 'basic_cn'. Did you mean 'basic_cnn'?",
        "Known: basic_cnn, compact_cnn, frozen.",
    ]


def test_unknown_suggests_nothing_that_is_far():
    text = unknown("model", "zzzz", ["frozen", "basic_cnn"])
    assert "Did you mean" not in text
    assert text.endswith("Known: basic_cnn, frozen.")


def test_unknown_where_nothing_is_known():
    assert unknown("model", "a", []).endswith("Known: none.")


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("RaravisError", 1),
        ("UsageError", 2),
        ("RecipeError", 2),
        ("DataError", 1),
        ("StorageError", 1),
        ("RunError", 1),
        ("OfflineError", 1),
        ("MissingError", 1),
        ("ClusterError", 1),
    ],
)
def test_exit_codes_as_the_drawing_says(kind, code):
    found = getattr(errors, kind)
    assert found.exit_code == code
    assert issubclass(found, errors.RaravisError)
    drawn = next(line for line in (errors.__doc__ or "").splitlines() if kind in line)
    assert str(code) in drawn


def test_every_error_is_drawn():
    made = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert {name for name in made if name not in (errors.__doc__ or "")} == set()
