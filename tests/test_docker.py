"""The Dockerfiles, as far as they can be held against the project without Docker."""

import json
import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest
import typer

from raravis.cli import app

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
BOTH = ("Dockerfile", "Dockerfile.gpu")


def instructions(name):
    """`(INSTRUCTION, arguments)` of a Dockerfile, in order; lines that go on are joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [tuple(line.split(maxsplit=1)) for line in lines if line.strip()]


def arguments(name):
    """Build arguments with their defaults."""
    found = (rest.partition("=") for word, rest in instructions(name) if word == "ARG")
    return {key: value for key, _, value in found}


def of(name, word):
    return [rest for found, rest in instructions(name) if found == word]


def shown():
    """Every `docker` command in a Dockerfile's head or in the docs, as words."""
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in (*BOTH, "docs/install.md")]
    lines = re.sub(r"\\\n\s*", " ", "\n".join(texts)).splitlines()
    return [shlex.split(line.lstrip("# ")) for line in lines if re.match(r"(#\s+)?docker (run|build) ", line)]


def parsed(words):
    """Parse the arguments of a `raravis` command as the command line would, without running it; the options given."""
    command = typer.main.get_command(app)
    name, *rest = words
    if name.startswith("-"):
        assert name in {"--help", "--version"}
        return {}
    assert name in command.commands, f"there is no verb {name}"
    context = command.commands[name].make_context(name, rest, parent=click.Context(command), resilient_parsing=False)
    return context.params


@pytest.mark.parametrize("name", BOTH)
def test_python_is_the_one_that_is_tested(name):
    version = arguments(name)["PYTHON"]
    least = re.fullmatch(r">=(\d+)\.(\d+)", PROJECT["requires-python"]).groups()
    assert tuple(map(int, version.split("."))) >= tuple(map(int, least))
    assert {rest.split()[0] for rest in of(name, "FROM")} == {"python:${PYTHON}-slim"}


@pytest.mark.parametrize("name", BOTH)
def test_extras_exist_and_the_lock_holds(name):
    wanted = arguments(name)["EXTRAS"]
    assert wanted in EXTRAS
    (install,) = [rest for rest in of(name, "RUN") if " pip install " in rest]
    assert "--constraint requirements.lock" in install
    assert '".[${EXTRAS}]"' in install


@pytest.mark.parametrize("name", BOTH)
def test_what_is_copied_is_there_and_let_in(name):
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    copied = [word for rest in of(name, "COPY") if "--from" not in rest for word in rest.split()[:-1]]
    assert {"pyproject.toml", "src", *PROJECT["license-files"], PROJECT["readme"]} <= set(copied)
    for word in copied:
        assert (ROOT / word).exists()
        assert f"!{word}" in ignored
    assert "*" in ignored


@pytest.mark.parametrize("name", BOTH)
def test_nothing_runs_as_root_and_the_last_stage_holds_no_source(name):
    words = instructions(name)
    last = words[max(i for i, (word, _) in enumerate(words) if word == "FROM") :]
    assert ("USER", "raravis") in last
    after = [word for word, _ in last[last.index(("USER", "raravis")) :]]
    assert not {"RUN", "COPY"} & set(after)
    assert [rest for word, rest in last if word == "COPY"] == ["--from=build /opt/raravis /opt/raravis"]


@pytest.mark.parametrize("name", BOTH)
def test_the_command_is_one_that_raravis_takes(name):
    (entry,) = map(json.loads, of(name, "ENTRYPOINT"))
    assert entry == list(PROJECT["scripts"])
    (command,) = map(json.loads, of(name, "CMD"))
    parsed(command)


def test_the_server_listens_where_health_is_asked_and_writes_where_it_may():
    (command,) = map(json.loads, of("Dockerfile", "CMD"))
    given = parsed(command)
    (port,) = of("Dockerfile", "EXPOSE")
    (volume,) = of("Dockerfile", "VOLUME")
    (health,) = of("Dockerfile", "HEALTHCHECK")
    assert str(given["port"]) == port
    assert given["host"] == "0.0.0.0"
    assert f"http://127.0.0.1:{port}/healthz" in health
    compile(json.loads(health.partition("CMD ")[2])[2], "healthcheck", "exec")
    assert str(given["corrections"]).startswith(f"{volume}/")
    assert of("Dockerfile", "WORKDIR")[-1] == volume


def test_every_command_that_is_shown_can_be_given():
    commands = shown()
    assert len(commands) >= 7
    for words in commands:
        if words[1] == "build":
            file = words[words.index("--file") + 1] if "--file" in words else "Dockerfile"
            assert file in BOTH
            continue
        image = next(word for word in words if word in ("raravis", "raravis-gpu"))
        assert parsed(words[words.index(image) + 1 :] or ["--help"]) is not None
