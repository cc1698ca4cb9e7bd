"""The search itself, with trials that take no time: every method, every fault, a kill at any moment."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from raravis.errors import UsageError
from raravis.tuning import search
from raravis.tuning.search import TrialError
from raravis.tuning.space import Field

SPACE = (
    Field("train.learning_rate", low=1e-4, high=1e-1, log=True),
    Field("model.dropout", low=0.0, high=0.6, step=0.3),
    Field("augment.pipeline", choices=("one", "none")),
)


def good(name, values):
    """Best at pipeline none, dropout 0.3."""
    score = 0.5 + 0.3 * (values["augment.pipeline"] == "none") - abs(values["model.dropout"] - 0.3)
    return {"val_accuracy": score, "val_loss": -score}


def run(folder, attempt=good, **changes):
    options = {"method": "random", "objective": "val_accuracy", "trials": 5, "epochs": 9, "seed": 0, **changes}
    tried = []

    def counted(name, values):
        tried.append((name, values))
        return attempt(name, values)

    found = search.search(folder / "oracle", SPACE, counted, ended=lambda: None, **options)
    return found, tried


@pytest.mark.parametrize("method", search.METHODS)
def test_every_method_proposes_points_of_the_space_and_none_twice(tmp_path, method):
    found, tried = run(tmp_path, method=method, trials=6)
    assert [trial.name for trial in found] == [name for name, _ in tried]
    assert len(found) == 6
    assert all(trial.status == "completed" for trial in found)
    for _, values in tried:
        assert 1e-4 <= values["train.learning_rate"] <= 1e-1
        assert values["augment.pipeline"] in ("one", "none")
    assert len({json.dumps(values) for _, values in tried}) == 6
    epochs = {values.get("train.epochs") for _, values in tried}
    assert (min(epochs) < 9) if method == "hyperband" else epochs == {None}


@pytest.mark.parametrize(("objective", "sign"), [("val_accuracy", 1), ("val_loss", -1)])
def test_the_best_is_the_best_by_the_objective(tmp_path, objective, sign):
    found, _ = run(tmp_path, trials=8, objective=objective)
    winner = search.best(found, objective)
    assert sign * winner.score == max(sign * trial.score for trial in found)


def test_the_seed_decides_what_is_proposed(tmp_path):
    one, two, other = (run(tmp_path / str(i), seed=seed)[1] for i, seed in enumerate((3, 3, 4)))
    assert one == two
    assert one != other


def test_a_failed_trial_ends_that_trial_and_its_cause_is_kept(tmp_path):
    def attempt(name, values):
        if name in ("0", "1", "3"):
            raise TrialError(f"out of memory: {name}")
        return good(name, values)

    found, _ = run(tmp_path, attempt)
    assert [trial.status for trial in found] == ["failed", "failed", "completed", "failed", "completed"]
    assert found[1].cause == "out of memory: 1"
    assert found[0].score is None
    assert search.best(found, "val_accuracy").name in ("2", "4")


def test_a_search_of_failures_has_no_best(tmp_path):
    def attempt(name, values):
        raise TrialError("never")

    found, _ = run(tmp_path, attempt)
    assert len(found) == 5
    assert search.best(found, "val_accuracy") is None


def test_an_interrupted_search_goes_on_with_the_trial_that_it_was_at(tmp_path):
    def stops(name, values):
        if name == "2":
            raise KeyboardInterrupt
        return good(name, values)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, stops)
    found, tried = run(tmp_path)
    assert [name for name, _ in tried] == ["2", "3", "4"]
    assert len(found) == 5
    again, tried = run(tmp_path)
    assert (again, tried) == (found, [])
    more, tried = run(tmp_path, trials=7)
    assert len(tried) == 2
    assert more[:5] == found


def test_killed_outright_it_repeats_no_finished_trial(tmp_path):
    """A process that dies without a word in its third trial, as by kill -9."""
    code = f"""
        import os, sys
        sys.path[:0] = {[str(Path(__file__).parent)]!r}
        from pathlib import Path
        import test_search
        def dies(name, values):
            if name == "2":
                os._exit(9)
            return test_search.good(name, values)
        test_search.run(Path({str(tmp_path)!r}), dies)
    """
    assert subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True).returncode == 9
    found, tried = run(tmp_path)
    assert [name for name, _ in tried] == ["2", "3", "4"]
    assert [trial.name for trial in found] == ["0", "1", "2", "3", "4"]


def test_half_of_the_shared_search_s_variables_is_told(monkeypatch):
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    monkeypatch.setenv("KERASTUNER_ORACLE_PORT", "1")
    monkeypatch.delenv("KERASTUNER_TUNER_ID", raising=False)
    with pytest.raises(UsageError, match="KERASTUNER_TUNER_ID is not"):
        search.role()
    for name, role in (("chief", "chief"), ("tuner3", "worker")):
        monkeypatch.setenv("KERASTUNER_TUNER_ID", name)
        assert search.role() == role
