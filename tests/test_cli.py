"""The command line: what it promises to users and to scripts."""

import inspect
import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
import typer
from typer.testing import CliRunner

import raravis
from raravis import cli
from raravis.errors import DataError
from raravis.outcome import Outcome

TOP = typer.main.get_command(cli.app).commands
COMMANDS = {name: command for name, command in TOP.items() if name != "augment"}
COMMANDS |= {f"augment {name}": command for name, command in TOP["augment"].commands.items()}
VERBS = {
    "explore": ["DATA", "--out", "F"],
    "audit": ["DATA", "--out", "F"],
    "split": ["DATA", "--out", "F"],
    "fetch": ["DATA"],
    "train": ["DATA", "--recipe", "basic_cnn", "--out", "F"],
    "embed": ["DATA", "--backbone", "MobileNetV2", "--out", "F"],
    "evaluate": ["F"],
    "compare": ["F", "G", "--out", "H"],
    "predict": ["F", "a.jpg", "--out", "H"],
    "review": ["G.csv", "--out", "H"],
    "tune": ["DATA", "--recipe", "basic_cnn", "--space", "S.toml", "--out", "F"],
    "explain": ["F", "a.jpg", "--out", "H"],
    "reproduce": ["DATA", "--out", "F"],
    "export": ["F", "--out", "G"],
    "serve": ["F"],
    "zero-shot": ["LABELS", "--out", "F"],
    "augment preview": ["DATA", "--out", "F"],
    "augment compare": ["DATA", "--out", "F"],
}
LISTS = ("recipes", "models", "augmentations", "backbones")
EVERYWHERE = {"quiet", "json", "debug"}


def call(*arguments):
    return CliRunner().invoke(cli.app, [str(a) for a in arguments])


@pytest.fixture
def fake(monkeypatch):
    """Put a function in the place of a verb; returns what it was called with."""

    def put(verb, outcome):
        calls = []

        def made(*positional, **named):
            calls.append((positional, named))
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        owner, _, last = verb.rpartition(" ")
        monkeypatch.setattr(getattr(raravis, owner) if owner else raravis, last.replace("-", "_"), made, raising=False)
        return calls

    return put


def test_every_verb_is_there_in_both_worlds():
    assert set(COMMANDS) == {*VERBS, *LISTS}
    assert set(raravis.__all__) == {verb.split()[0].replace("-", "_") for verb in VERBS}


def verb_of(name):
    """The function of Python that a command calls."""
    owner, _, last = name.rpartition(" ")
    return getattr(getattr(raravis, owner) if owner else raravis, last.replace("-", "_"))


@pytest.mark.parametrize("name", [*VERBS, *LISTS])
def test_help_names_every_option(name):
    done = call(*name.split(), "--help")
    assert done.exit_code == 0
    assert (COMMANDS[name].help or "").split(":")[0] in " ".join(done.output.split())
    for parameter in COMMANDS[name].params:
        if parameter.param_type_name == "option":
            assert parameter.opts[0] in done.output


@pytest.mark.parametrize("name", VERBS)
def test_python_and_the_command_line_take_the_same(name):
    told = {p.name.rstrip("_"): p for p in COMMANDS[name].params}
    for common in EVERYWHERE - {"quiet"}:
        assert told.pop(common).is_flag
    taken = inspect.signature(verb_of(name)).parameters
    assert set(taken) == set(told)
    for key, parameter in taken.items():
        is_argument = told[key].param_type_name == "argument"
        assert (parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD) == is_argument, key
        assert (parameter.default is inspect.Parameter.empty) == told[key].required, key


def plain(value):
    """Values that mean the same, the same."""
    if isinstance(value, str) and value.count(",") == 2:
        return [float(part) for part in value.split(",")]
    return list(value) if isinstance(value, tuple) else value


@pytest.mark.parametrize("name", VERBS)
def test_defaults_are_the_same(name):
    for key, parameter in inspect.signature(verb_of(name)).parameters.items():
        option = next(p for p in COMMANDS[name].params if p.name.rstrip("_") == key)
        if not option.required:
            context = click.Context(COMMANDS[name])
            assert (plain(option.get_default(context)) or None) == (plain(parameter.default) or None), key


@pytest.mark.parametrize("name", VERBS)
def test_every_option_reaches_its_verb(name, fake, tmp_path):
    calls = fake(name, Outcome(name, tmp_path))
    given = {"seed": 7, "quiet": True}
    arguments = [*name.split(), *VERBS[name], "--seed", 7, "--quiet"]
    odd = {"policy": "p", "fractions": "0.5,0.25,0.25", "path_column": "pc", "label_column": "lc", "root": "r"}
    odd |= {"format": "csv", "top_k": 3, "batch_size": 2, "resume": True, "set": "a.b=1"}
    odd |= {"split": "s"} if name != "split" else {}
    odd |= {"data": "d"} if name in ("evaluate", "explain") else {}
    odd |= {"pipelines": "p,q", "repeats": 2, "images": 4, "estimate": True}
    odd |= {"trials": 3, "objective": "val_loss", "method": "grid", "layers": "x", "channels": "x:1"}
    for key in sorted({p.name for p in COMMANDS[name].params} & {*odd, "set_"}):
        value = odd[key.rstrip("_")]
        arguments += [f"--{key.rstrip('_').replace('_', '-')}", *([] if value is True else [value])]
        given[key.rstrip("_")] = value
    done = call(*arguments)
    assert done.exit_code == 0, done.output
    ((_, named),) = calls
    changed = {"fractions": (0.5, 0.25, 0.25), "root": Path("r"), "set": ["a.b=1"]}
    if name in ("train", "augment compare", "tune"):
        changed["split"] = Path("s")
    assert {key: named[key] for key in given} == {key: changed.get(key, value) for key, value in given.items()}


@pytest.mark.parametrize("name", ["recipes", "models", "augmentations", "backbones"])
def test_lists_take_what_every_verb_takes(name):
    done = call(name, "--seed", 7, "--quiet", "--json")
    assert done.exit_code == 0, done.output
    assert len(json.loads(done.stdout)) > 3


def test_version():
    done = call("--version")
    assert (done.exit_code, done.stdout) == (0, f"{raravis.__version__}\n")


def test_importing_and_asking_for_help_loads_nothing_heavy():
    heavy = ("keras", "tensorflow", "pandas", "matplotlib", "sklearn")
    code = (
        "import sys, raravis, raravis.cli\n"
        "from typer.testing import CliRunner\n"
        "assert CliRunner().invoke(raravis.cli.app, ['--help']).exit_code == 0\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_package_names_its_verbs_and_no_others():
    assert set(raravis.__all__) <= set(dir(raravis))
    with pytest.raises(AttributeError, match="no attribute 'exlore'"):
        _ = raravis.exlore


def test_an_unknown_verb():
    done = call("exlore")
    assert done.exit_code == 2
    assert "exlore" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("name", VERBS)
def test_a_missing_argument(name):
    assert call(name).exit_code == 2


def test_data_that_is_not_there_lists_the_forms(tmp_path):
    done = call("explore", tmp_path / "gone", "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "gone' is not there" in done.stderr
    assert all(form in done.stderr for form in ("folder", "metadata.csv", ".csv", "rare-species", "bestiary"))
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("model.dropot=0.3", "model.dropot: There is no field named 'dropot'. Did you mean 'dropout'?"),
        ("model.dropout=3", "model.dropout: input should be less than 1 (received 3)"),
        ("train.epochs=many", "train.epochs: "),
        ("augment.pipeline=too", "augment.pipeline: there is no augmentation pipeline named 'too'."),
        ("model.name=basic", "model: there is no model named 'basic'. Did you mean 'basic_cnn'?"),
        ("nonsense", "--set 'nonsense' was not understood; section.field=value was expected."),
        ("model.name.a=1", "--set model.name.a: name is a value, not a section."),
        ("=1", "section.field=value was expected"),
    ],
)
def test_a_bad_field_of_a_recipe(tmp_path, change, told):
    done = call("train", tmp_path, "--recipe", "basic_cnn", "--set", change, "--out", tmp_path / "run")
    assert done.exit_code == 2
    assert told in done.stderr
    assert len(done.stderr.splitlines()) <= 2
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("text", "told"), [("[train", "no valid TOML"), ("[model]\nname = 3", "no model named '3'")])
def test_a_bad_recipe_file(tmp_path, text, told):
    (tmp_path / "mine.toml").write_text(text)
    done = call("train", tmp_path, "--recipe", tmp_path / "mine.toml", "--out", tmp_path / "run")
    assert done.exit_code == 2
    assert told in done.stderr
    assert "mine.toml" in done.stderr


def test_an_unknown_recipe(tmp_path):
    done = call("train", tmp_path, "--recipe", "basic", "--out", tmp_path / "run")
    assert done.exit_code == 2
    assert "Did you mean 'basic_cnn'?" in done.stderr


def test_fractions_that_are_no_numbers(tmp_path):
    done = call("split", tmp_path, "--out", tmp_path / "s.csv", "--fractions", "a,b")
    assert done.exit_code == 2
    assert "0.7,0.15,0.15" in done.stderr


@pytest.mark.parametrize(("kind", "name"), [("recipes", "basic_cnn"), ("models", "frozen"), ("augmentations", "one")])
def test_lists(kind, name):
    as_json = call(kind, "--json")
    found = json.loads(as_json.stdout)
    assert as_json.exit_code == 0
    assert found[name]
    for_people = call(kind).stdout.splitlines()
    assert [line.split()[0] for line in for_people] == sorted(found)
    assert len({line.index(found[line.split()[0]]) for line in for_people}) == 1, "one column"


def some_outcome(tmp_path, **changes):
    return Outcome("explore", tmp_path, **{"figures": {"images": 3, "share": 0.123456}, **changes})


def test_done(tmp_path, fake):
    fake("explore", some_outcome(tmp_path, read_next=tmp_path / "report.html", notes=("Merged.",)))
    done = call("explore", "DATA", "--out", tmp_path)
    assert done.exit_code == 0
    assert [line.split(maxsplit=1) for line in done.stdout.splitlines()][:2] == [["images", "3"], ["share", "0.1235"]]
    assert done.stdout.splitlines()[-1].endswith("report.html")
    assert done.stderr == "note: Merged.\n"


def test_unreadable_files_are_named_and_make_exit_code_3(tmp_path, fake):
    fake("explore", some_outcome(tmp_path, unreadable=("a b.jpg: no image", "c.jpg: empty")))
    done = call("explore", "DATA", "--out", tmp_path, "--quiet")
    assert done.exit_code == 3
    assert done.stderr.splitlines() == ["could not read a b.jpg: no image", "could not read c.jpg: empty"]
    assert done.stdout == ""


def test_json_is_one_object_and_nothing_else(tmp_path, fake):
    fake("explore", some_outcome(tmp_path, unreadable=("ä.jpg: empty",), notes=("Merged.",)))
    done = call("explore", "DATA", "--out", tmp_path, "--json")
    assert done.exit_code == 3
    assert json.loads(done.stdout) == {
        "verb": "explore",
        "out": str(tmp_path),
        "images": 3,
        "share": 0.123456,
        "unreadable_files": ["ä.jpg: empty"],
        "notes": ["Merged."],
        "read_next": None,
    }


def test_an_error_is_its_message_and_debug_shows_where(tmp_path, fake):
    fake("explore", DataError("Nothing is there.\nGive another folder."))
    done = call("explore", "DATA", "--out", tmp_path)
    assert done.exit_code == 1
    assert done.stderr == "raravis: Nothing is there.\nGive another folder.\n"
    assert done.stdout == ""
    shown = call("explore", "DATA", "--out", tmp_path, "--debug")
    assert isinstance(shown.exception, DataError)


def test_a_bug_is_called_one(tmp_path, fake, monkeypatch):
    fake("explore", ZeroDivisionError("x"))
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    done = call("explore", "DATA", "--out", tmp_path)
    assert done.exit_code == 1
    assert done.stderr.splitlines() == [
        "raravis: ZeroDivisionError: x",
        "This is a bug; --debug shows where.",
    ]


def test_an_interruption_is_told(tmp_path, fake, monkeypatch):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(raravis, "explore", stopped, raising=False)
    done = call("explore", "DATA", "--out", tmp_path)
    assert done.exit_code == 1
    assert "--resume" in done.stderr


def test_python_dash_m_is_the_command():
    done = subprocess.run([sys.executable, "-m", "raravis", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"{raravis.__version__}\n"
