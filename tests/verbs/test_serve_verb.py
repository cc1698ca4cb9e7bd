"""The verb: what is checked before a port opens, what it says, what it leaves."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass

import httpx
import numpy as np
import pytest

import raravis
from raravis.errors import RunError, StorageError, UsageError
from raravis.serve.corrections import Corrections
from raravis.serve.predictor import Answer
from raravis.verbs import serve as module
from raravis.verbs.serve import serve


@dataclass(frozen=True)
class Two:
    """Knows two families and is always sure of the second."""

    families: tuple[str, ...] = ("canidae", "felidae")
    size: int = 8
    fit: str = "crop"

    def answer(self, batch):
        return Answer(np.tile(np.array([[0.1, 0.9]], np.float32), (len(batch), 1)))


@pytest.fixture
def running(monkeypatch, tmp_path):
    """Puts a model in the place of a bundle; what would be served is kept and asked instead."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(module.ENVIRONMENT, raising=False)
    served = []

    class Running:
        def __init__(self, app, listening, **options):
            served.append((app, listening.getsockname(), options))
            self.ready = options["ready"]

        def run(self):
            self.ready()
            served[-1][0].state.rooms.kept.add(
                b"x", suffix=".jpg", file_name="x", told="a", family="b", who="", model=""
            )

    monkeypatch.setattr(module.server, "Running", Running)
    monkeypatch.setattr(module, "open_predictor", lambda path, **options: Two())
    return served


def test_the_room_of_the_same_name_is_the_verb():
    assert callable(raravis.serve)
    with pytest.raises(UsageError, match="token is empty"):
        raravis.serve("model", token=" ")


def test_it_says_where_it_listens_and_what_was_corrected(running, capsys, tmp_path):
    outcome = serve("a/model", port=0)
    ((_, (host, port), _),) = running
    assert capsys.readouterr().err == f"raravis serves model at http://127.0.0.1:{port} (Ctrl-C ends it)\n"
    assert outcome.out == tmp_path / "corrections.sqlite"
    assert (outcome.figures["address"], outcome.figures["new"]) == (f"http://{host}:{port}", 1)
    serve("a/model", port=0, quiet=True)
    assert capsys.readouterr().err == ""
    with Corrections.open(tmp_path / "corrections.sqlite") as kept:
        assert kept.count() == 2


def test_limits_and_token_reach_the_application(running, monkeypatch):
    monkeypatch.setenv(module.ENVIRONMENT, "from-the-environment")
    serve(
        "m",
        port=0,
        max_file_mb=1,
        max_request_mb=3,
        max_files=2,
        max_megapixels=0.5,
        max_seconds=4,
        batch_size=5,
        queue=8,
        quiet=True,
    )
    rooms = running[0][0].state.rooms
    limits = rooms.limits
    assert rooms.token == "from-the-environment"
    assert (limits.file_bytes, limits.request_bytes, limits.files) == (1 << 20, 3 << 20, 2)
    assert (limits.pixels, limits.answer_seconds, limits.batch, limits.waiting) == (500_000, 4, 5, 8)
    outcome = serve("m", port=0, token="short", quiet=True)
    assert "short" in outcome.notes[0]


def test_a_short_token_is_told_once_and_at_the_start(running, capsys):
    outcome = serve("m", port=0, token="short")
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("raravis serves m at http://")
    assert second == f"note: {module.SHORT}"
    assert outcome.notes == ()
    serve("m", port=0, token="sixteen-or-more-characters")
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"token": ""}, "token is empty"),
        ({"top_k": 0}, "top_k is 0"),
        ({"max_files": 0}, "files is 0"),
        ({"max_file_mb": -1}, "file_bytes is"),
        ({"max_seconds": 0}, "answer_seconds is 0"),
        ({"max_files": 200}, "do not fit into a queue of 256"),
        ({"max_file_mb": 100}, "do not fit into each other"),
        ({"host": "0.0.0.0"}, "without a token"),
        ({"host": "nowhere.invalid"}, "is no address"),
    ],
)
def test_senseless_options_open_nothing(running, options, told, tmp_path):
    with pytest.raises(UsageError, match=told):
        serve("m", **{"port": 0, **options})
    assert running == []
    assert not (tmp_path / "corrections.sqlite").exists()


def test_a_file_that_holds_something_else_is_left_alone(running, tmp_path):
    (tmp_path / "notes.txt").write_text("mine, and nobody else's; no database at all")
    with pytest.raises(StorageError):
        serve("m", port=0, corrections="notes.txt")
    assert running == []
    assert (tmp_path / "notes.txt").read_text().startswith("mine")


def test_what_is_no_model_is_one_error(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((RunError, UsageError)):
        serve(tmp_path, port=0)
    assert list(tmp_path.iterdir()) == []


def test_what_only_the_page_needs_is_read_before_anyone_is_served(running, monkeypatch):
    @dataclass(frozen=True)
    class Forgetful(Two):
        def prepare(self):
            raise RunError("neighbours.npz cannot be used")

    monkeypatch.setattr(module, "open_predictor", lambda path, **options: Forgetful())
    with pytest.raises(RunError, match=r"neighbours\.npz"):
        serve("m", port=0, quiet=True)
    assert running == []


@pytest.mark.engine
def test_the_command_serves_a_run_until_it_is_told_to_stop(small_run, photos36, tmp_path):
    command = [sys.executable, "-m", "raravis", "serve", str(small_run), "--port", "0", "--json"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as process:
        for line in process.stderr:
            if found := re.search(r"at (http://127\.0\.0\.1:\d+) ", line):
                break
        else:
            pytest.fail("it did not start")
        photo = next(photos36.glob("canidae/*.jpg"))
        with httpx.Client(base_url=found[1], timeout=60) as client:
            rows = client.post("/api/v1/identify", files={"files": ("a.jpg", photo.read_bytes(), "image/jpeg")}).json()
            assert set(rows[0]["top_families"]) == {"canidae", "felidae", "ursidae"}
            assert client.get("/").status_code == 200
            assert client.get("/api/v1/model").json()["name"] == small_run.name
        process.terminate()
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert '"verb": "serve"' in out
    assert (tmp_path / "corrections.sqlite").is_file()
