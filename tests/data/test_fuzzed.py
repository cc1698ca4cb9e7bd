"""Damaged and hostile files against every reader: a few hundred here, a hundred thousand with `make fuzz`."""

import importlib.util
import sys
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def _fuzz():
    """The benchmark, as a module: its inputs and its checks are those of this test."""
    file = Path(__file__).parents[2] / "benchmarks" / "fuzz.py"
    spec = importlib.util.spec_from_file_location("raravis_fuzz", file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


fuzz = _fuzz()
NAMES = list(fuzz.readers())


@pytest.mark.parametrize("name", NAMES)
def test_what_is_whole_is_read(name, tmp_path):
    reader = fuzz.readers()[name]
    for number in range(max(map(len, reader.files.values()))):
        folder = tmp_path / str(number)
        folder.mkdir()
        for file, forms in reader.files.items():
            (folder / file).write_bytes(forms[number % len(forms)])
        assert fuzz.tried(reader, folder) == "read", number


@pytest.mark.parametrize("name", NAMES)
def test_what_is_damaged_is_read_or_refused_with_one_clear_error(name, tmp_path_factory):
    reader, seen = fuzz.readers()[name], set()

    @settings(
        max_examples=300 if name == "image" else 25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(st.randoms(use_true_random=False))
    def check(random):
        folder = tmp_path_factory.mktemp("fuzzed")
        fuzz.made(reader, random, folder)
        seen.add(fuzz.tried(reader, folder))

    with warnings.catch_warnings():
        check()
    assert "refused" in seen


def test_a_reader_that_breaks_is_seen(tmp_path):
    def broken(_):
        raise KeyError("x")

    with pytest.raises(KeyError):
        fuzz.tried(fuzz.Reader({}, [], broken), tmp_path)
    with pytest.raises(AssertionError):
        fuzz.tried(fuzz.Reader({}, [], lambda _: _raise("one\ntwo\nthree")), tmp_path)


def _raise(text):
    from raravis.errors import DataError

    raise DataError(text)
