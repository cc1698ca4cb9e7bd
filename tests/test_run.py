"""The run folder: what makes it one, what its status says, who may write."""

import json
import subprocess
import sys

import pytest

from raravis import files, recipe
from raravis.errors import RunError, StorageError
from raravis.run import Run, taught
from raravis.verbs._training import begun

SPLIT = b"image_id,file_path,family,split\n1,a,felidae,train\n2,b,canidae,train\n3,c,ursidae,novel\n4,d,NA,train\n"


@pytest.fixture
def run(tmp_path):
    return Run.create(tmp_path / "run", recipe.load("basic_cnn"), SPLIT, {"made": "here"})


def test_what_was_laid_out_is_found_again(run):
    found = Run.open(run.path)
    assert found.recipe == run.recipe
    assert found.environment == {"made": "here"}
    assert found.families == taught(found.split) == ("NA", "canidae", "felidae")
    assert (run.path / "split.csv").read_bytes() == SPLIT
    assert not list(run.path.glob(".*"))


def test_a_folder_is_a_run_once(run):
    with pytest.raises(RunError, match="already holds a run"):
        Run.create(run.path, run.recipe, b"other", {})
    assert (run.path / "split.csv").read_bytes() == SPLIT


@pytest.mark.parametrize(
    ("name", "spelt", "kept"),
    [
        ("frozen", {"model.backbone": "mobilenet-v2"}, "MobileNetV2"),
        ("zero_shot", {"model.backbone": "BioCLIP-2"}, "bioclip2"),
        ("probe", {"model.backbones": "resnet50"}, "ResNet50"),
    ],
)
def test_a_backbone_is_recorded_by_the_name_that_is_listed(tmp_path, name, spelt, kept):
    wanted = recipe.load(name, spelt)
    run = Run.create(tmp_path / "run", wanted, SPLIT, {})
    assert f'"{kept}"' in (run.path / "recipe.toml").read_text()
    assert Run.open(run.path).recipe == run.recipe != wanted
    assert begun(run.path, wanted, None).recipe == run.recipe, "with --resume it is the same run"


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(RunError, match="holds no run"):
        Run.open(tmp_path)
    with pytest.raises(RunError, match="is not there"):
        Run.open(tmp_path / "none")


def test_running_without_a_process_is_interrupted(run):
    assert run.status["state"] == "interrupted", "laid out, then killed"
    files.write_text(run.path / "history.csv", "epoch,loss\n0,1.2\n1,1.1\n2,1.0\n")
    run.set_status("running")
    assert (run.status["state"], run.status["epoch"], run.status["epochs"]) == ("interrupted", 3, 30)
    with run.exclusive():
        assert run.status["state"] == "running"
    run.set_status("finished")
    assert run.status["state"] == "finished"
    assert json.loads((run.path / "status.json").read_text())["updated"].endswith("+00:00")


def test_the_status_counts_the_epochs_that_history_holds(run):
    run.set_status("running")
    assert run.status["epoch"] == 0
    files.write_text(run.path / "history.csv", "epoch,loss\n0,1.2\n")
    run.set_status("interrupted", message="asked to end")
    assert (run.status["epoch"], run.status["message"]) == (1, "asked to end")
    files.write_text(run.path / "history.csv", "")
    with pytest.raises(RunError, match=r"history\.csv is damaged.*Remove it"):
        run.set_status("running")


def test_one_process_writes_at_a_time_and_a_killed_one_lets_go(run):
    hold = (
        "import sys, time; from raravis.run import Run\n"
        "with Run.open(sys.argv[1]).exclusive():\n    print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", hold, str(run.path)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        run.set_status("running")
        assert run.status["state"] == "running"
        with pytest.raises(RunError, match="Another process is writing"), run.exclusive():
            pytest.fail("two processes hold one run")
        with pytest.raises(RunError, match="Another process is writing"):
            Run.create(run.path, run.recipe, SPLIT, {})
        other.kill()
        other.wait()
    with run.exclusive():
        pass


def test_an_error_of_the_work_is_not_blamed_on_the_lock(run):
    with pytest.raises(FileNotFoundError), run.exclusive():
        (run.path / "none").read_bytes()


def test_damage_is_named(run):
    for name, read in (("environment.json", "environment"), ("status.json", "status")):
        (run.path / name).write_text("{")
        with pytest.raises(RunError, match=name):
            getattr(run, read)
    with pytest.raises(RunError, match="no epoch yet"):
        _ = run.history


def test_a_part_of_the_path_is_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="a part of the path is a file"):
        Run.create(tmp_path / "file" / "run", recipe.load("basic_cnn"), SPLIT, {})
