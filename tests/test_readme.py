"""Every command and every line of Python that the README shows runs, as written, in the order written."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from raravis import files
from raravis.cli import app
from raravis.data.sources import bestiary

pytestmark = pytest.mark.engine

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder to work in, a cache that holds a small bestiary, and `photos/` to identify."""
    monkeypatch.setenv("RARAVIS_CACHE", str(tmp_path / "cache"))
    sample = files.cache("bestiary") / f"{bestiary.version()}-0"
    bestiary.draw(sample, share=0.05, families=["felidae", "strigidae", "asteriidae", "papilionidae"], quiet=True)
    (tmp_path / "photos").mkdir()
    for number, file in enumerate(sorted(sample.glob("*/*.jpg"))[::5]):
        shutil.copyfile(file, tmp_path / "photos" / f"{number}.jpg")
    return tmp_path


def run(command: list[str], desk: Path) -> subprocess.CompletedProcess:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(command, cwd=desk, env={**os.environ, "PATH": path}, capture_output=True, text=True)


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", README, flags=re.DOTALL)


def test_the_readme_works_as_written(desk, monkeypatch):
    commands = [line[2:].partition("#")[0].split() for block in blocks("console") for line in block.splitlines()]
    assert [command[1] for command in commands] == ["explore", "audit", "split", "train", "evaluate", "predict"]
    done = run(commands[0], desk)
    assert done.returncode == 0, done.stderr
    monkeypatch.chdir(desk)
    for program, *words in commands[1:]:  # in this process, which has loaded all that they load
        assert program == commands[0][0]
        found = CliRunner().invoke(app, words)
        assert found.exit_code == 0, f"{words}\n{found.output}"
    for made in ("looked/report.html", "audited/findings.csv", "split.csv", "runs/quick/report.html", "identified.csv"):
        assert (desk / made).stat().st_size > 0
    (program,) = blocks("python")
    done = run([sys.executable, "-c", program], desk)
    assert done.returncode == 0, done.stderr
    low, high = eval(done.stdout)
    assert 0 <= low <= high <= 1


def test_commands_that_are_shown_but_not_run_here_exist():
    shown = re.findall(r"^raravis ([\w-]+)", "\n".join(blocks("text")), flags=re.MULTILINE)
    handed_on = ["export", "predict", "predict", "serve", "review", "review"]
    study = ["reproduce", "reproduce", "augment", "tune", "explain"]
    assert shown == ["train", "embed", "zero-shot", "compare", *handed_on, *study]
    groups = {group.name for group in app.registered_groups}
    assert set(shown) <= groups | {c.name or c.callback.__name__ for c in app.registered_commands}


def test_the_make_targets_that_it_names_exist():
    targets = re.findall(r"^(\w[\w-]*):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert set(re.findall(r"make (demo|test|check|bench)", README)) <= set(targets)


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
