"""The command of continuous integration, run with stand-ins for the programs that it calls."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BASH = shutil.which("bash")


def ran(tmp_path, *, user=0, chromium=False, apt=True, apt_fails=False, tests_fail=False):
    """What `.ci/run` called, in order, and how it ended."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("bash", "dirname", "timeout", "env"):
        (programs / name).symlink_to(shutil.which(name))
    told = tmp_path / "told"
    scripts = {"id": f"echo {user}", "make": f'echo make "$@" >> {told}; exit {int(tests_fail)}'}
    if apt:
        scripts["apt-get"] = f'echo apt-get "$1" >> {told}; echo noise; echo noise >&2; exit {int(apt_fails)}'
    if chromium:
        scripts["chromium"] = "exit 0"
    for name, script in scripts.items():
        (programs / name).write_text(f"#!{BASH}\n{script}\n")
        (programs / name).chmod(0o755)
    done = subprocess.run([tmp_path / ".ci" / "run"], env={"PATH": str(programs)}, capture_output=True, text=True)
    return told.read_text().splitlines(), done


def test_chromium_is_installed_where_that_is_easy(tmp_path):
    calls, done = ran(tmp_path)
    assert calls == ["apt-get update", "apt-get install", "make test"]
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("there", [{"user": 1000}, {"chromium": True}, {"apt": False}])
def test_nothing_is_installed_elsewhere(tmp_path, there):
    calls, done = ran(tmp_path, **there)
    assert calls == ["make test"]
    assert done.returncode == 0


def test_the_tests_run_without_chromium_too(tmp_path):
    calls, done = ran(tmp_path, apt_fails=True)
    assert calls == ["apt-get update", "make test"]
    assert done.returncode == 0
    assert done.stderr == "Chromium could not be installed; tests of pages in a browser will skip.\n"


def test_a_test_that_fails_fails_it(tmp_path):
    assert ran(tmp_path, tests_fail=True)[1].returncode == 1


def test_it_can_be_run():
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
