"""Rows and features made by workers on Ray: the same as on one machine, also when a worker is killed meanwhile."""

import importlib.util
import json
import os
import secrets
import shutil
import signal
import warnings
from itertools import chain
from pathlib import Path

import numpy as np
import psutil
import pytest
from test_batch import Colours, draw
from test_bundle import network as drawn
from test_bundle import sealed, trust

import raravis
from raravis.errors import UsageError
from raravis.serve import detections, folder, remote
from raravis.serve.batch import answered, here
from raravis.serve.pictures import Pictures, look
from raravis.serve.predictor import open_predictor
from raravis.verbs.embed import embed
from raravis.verbs.predict import predict

needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed (raravis[ray])")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    path = tmp_path_factory.mktemp("bundle")
    (path / folder.MODEL).write_bytes(drawn())
    trust().save(path / folder.TRUST)
    return sealed(path)


@pytest.fixture(scope="module")
def two():
    """A Ray of two workers that listens for this machine alone; the verbs take it as it is."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        patch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # loopback
        patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
        patch.setenv("PYTHONPATH", str(Path(raravis.__file__).parents[1]))
        warnings.filterwarnings("ignore", category=ResourceWarning)  # Ray leaves its logs open
        import ray

        ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
        try:
            yield ray
        finally:
            ray.shutdown()


def workers():
    """The workers of the pool that are alive: one that has just been killed has a name, but no command line."""
    found = psutil.process_iter(["name", "cmdline", "status"])
    mine = {one.pid for one in psutil.Process().children(recursive=True)}
    return [
        one
        for one in found
        if one.pid in mine
        and one.info["status"] != psutil.STATUS_ZOMBIE
        and "ray::_Worker" in f"{one.info['name']} {' '.join(one.info['cmdline'] or [])}"
    ]


def boxes(file, counts):
    one = {"category": "1", "conf": 0.9, "bbox": [0.1, 0.1, 0.5, 0.5]}
    images = [
        {"file": name, "detections": [{**one, "bbox": [0.1, 0.05 * n, 0.2 + 0.1 * n, 0.3]} for n in range(count)]}
        for name, count in counts.items()
    ]
    file.write_text(
        json.dumps({"info": {"format_version": "1.3"}, "detection_categories": {"1": "animal"}, "images": images})
    )
    return detections.read(file)


def test_batches_are_cut_at_the_same_rows_as_on_one_machine(tmp_path, monkeypatch):
    paths = draw(tmp_path / "photos", 12)
    counts = {Path(path).name: number % 4 for number, path in enumerate(paths)}
    pictures = Pictures(paths, boxes(tmp_path / "photos" / "boxes.json", counts))
    monkeypatch.chdir(tmp_path)
    for done in (0, 5, 6):
        expected = list(here(Colours(), 2)(pictures.after(done), 5))
        found = []
        for piece in remote.pieces(pictures.after(done), 5):
            looks = list(chain.from_iterable(look(one, 16, "squash") for one in piece))
            found.append(answered(Colours(), looks, 2))
        assert found == expected
    assert [len(batch) for batch in expected[:-1]] == [5] * (len(expected) - 1)


def test_paths_mean_the_same_in_a_worker_and_rows_keep_them_as_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = ["a/../b.jpg", "/c.jpg", "s3://bucket/d.jpg", ""]
    (piece,) = remote.pieces(Pictures(given).after(0), 9)
    assert [one.path for one in piece] == [f"{tmp_path}/a/../b.jpg", "/c.jpg", "s3://bucket/d.jpg", f"{tmp_path}/"]
    assert [row.file_path for one in piece for row in one.wanted] == given


def test_a_worker_opens_a_bundle_without_what_only_people_look_at(bundle, tmp_path):
    more = shutil.copytree(bundle, tmp_path / "bundle")
    (more / folder.CARD).write_text("read me first")
    np.savez(more / folder.NEIGHBOURS, rows=np.zeros((2, 3)))
    worker = remote.opener(sealed(more), top_k=2, promises={})
    assert sorted(worker.model) == [folder.ABOUT, folder.MODEL, folder.TRUST]
    pictures = list(Pictures(draw(tmp_path / "photos", 3)).after(0))
    (rows,) = here(open_predictor(more), 2)(pictures, 9)
    assert worker.open()(pictures) == rows


def test_an_open_predictor_cannot_be_sent(tmp_path):
    with pytest.raises(UsageError, match="is open already"):
        predict(Colours(), draw(tmp_path / "p", 1), out=tmp_path / "out.csv", ray="local", quiet=True)
    assert not (tmp_path / "out.csv").exists()


@needs_ray
def test_a_killed_worker_loses_no_row_and_changes_none(two, bundle, tmp_path, monkeypatch, until):
    photos = draw(tmp_path / "photos", 400)
    here_, there_ = tmp_path / "here.csv", tmp_path / "there.csv"
    options = {"batch_size": 4, "quiet": True}
    alone = predict(bundle, photos, out=here_, **options)
    killed, wait = [], two.wait

    def killing(refs, **more):
        if not killed and there_.exists() and there_.read_bytes().count(b"\n") > 20:
            victim = workers()[0]
            os.kill(victim.pid, signal.SIGKILL)
            killed.append(victim.pid)
        return wait(refs, **more)

    monkeypatch.setattr(two, "wait", killing)
    outcome = predict(bundle, photos, out=there_, ray="auto", **options)
    assert killed
    assert there_.read_bytes() == here_.read_bytes()
    same = {name: value for name, value in alone.figures.items() if name != "seconds"}
    assert {name: outcome.figures[name] for name in same} == same
    there_.write_bytes(b"".join(here_.read_bytes().splitlines(keepends=True)[:150]) + b'"cut')
    predict(bundle, photos, out=there_, ray="auto", resume=True, **options)
    assert there_.read_bytes() == here_.read_bytes()
    until(lambda: workers() == [])


@needs_ray
@pytest.mark.engine
def test_features_of_workers_are_those_of_one_machine_and_are_kept(two, tmp_path, monkeypatch):
    photos = draw(tmp_path / "photos" / "animals", 24)
    options = {"backbone": "MobileNet", "weights": "none", "size": 32, "view": "mirrored", "quiet": True}
    data = str(tmp_path / "photos")
    embed(data, out=tmp_path / "here", **options)
    monkeypatch.setenv("RARAVIS_CACHE", str(tmp_path / "another"))
    embed(f"file://{data}", out=tmp_path / "there", ray="auto", workers=1, **options)
    found, expected = (np.load(tmp_path / name / "features.npy") for name in ("there", "here"))
    assert len(found) == sum(number % 7 != 3 for number in range(len(photos)))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert (tmp_path / "there" / "images.csv").read_bytes() == (tmp_path / "here" / "images.csv").read_bytes()
    monkeypatch.setattr(two, "get", None)  # nothing is asked of a worker again
    embed(data, out=tmp_path / "again", ray="auto", workers=1, **options)
    assert (tmp_path / "again" / "features.npy").read_bytes() == (tmp_path / "there" / "features.npy").read_bytes()
