"""What a small install does without the training parts, and what it says where it needs them."""

import csv
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from raravis import extras
from raravis.errors import MissingError
from raravis.judge import novelty, sets
from raravis.judge.calibration import Calibration
from raravis.judge.novelty import Known, Seen, unit
from raravis.judge.trust import Trust
from raravis.lineages import Taxonomy
from raravis.serve import folder

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
LOCK = ROOT / "requirements.lock"
HEAVY = ("keras", "tensorflow", "jax", "pandas", "pyarrow", "sklearn", "scipy", "matplotlib", "keras_tuner", "psutil")
TRAINING = (
    *(
        "explore",
        "audit",
        "split",
        "train",
        "embed",
        "evaluate",
        "compare",
        "tune",
        "explain",
        "reproduce",
        "zero-shot",
    ),
    *("augment.preview", "augment.compare"),
)

WITHOUT = f"""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {HEAVY!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
HEAVY = {HEAVY!r}
"""
"""As in an install that lacks the training parts: nothing of them can be found."""


def python(code, *arguments):
    """A program in a fresh Python."""
    return subprocess.run([sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True)


def alone(code, *arguments):
    """What a fresh Python prints that lacks the training parts."""
    done = python(WITHOUT + code, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def names(lines):
    """The packages that requirements name, `raravis[…]` followed."""
    found = set()
    for line in lines:
        name, inner = re.match(r"([\w.-]+)(?:\[([\w,-]+)\])?", line).groups()
        if name == "raravis":
            found.update(*(names(EXTRAS[extra]) for extra in inner.split(",")))
        else:
            found.add(name)
    return found


@pytest.fixture(scope="module")
def trust():
    """Everything that is known of a network of three families, with the scorer that keeps most."""
    random = np.random.default_rng(0)
    classes = np.arange(300) % 3
    logits = random.normal(size=(300, 3)).astype(np.float32) + 3 * np.eye(3, dtype=np.float32)[classes]
    features = unit(random.normal(size=(300, 8)))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    families = ("canidae", "felidae", "strigidae")
    return Trust(
        families,
        Taxonomy.of(families, {})[0],
        Calibration("none", np.ones((), np.float32), np.zeros(3, np.float32)),
        sets.fit(probabilities, classes),
        novelty.fit("combined", Known(features, classes, 3, Seen(features, logits))),
        probabilities,
        classes,
    )


@pytest.fixture
def bundle(tmp_path, trust):
    """A network that finds the strongest of three colours, with verdicts and a photograph that it remembers."""
    weights = {"scale": np.float32(1 / 255), "axes": np.array([1, 2]), "kernel": 6 * np.eye(3, 8, dtype=np.float32)}
    weights["head"] = np.eye(8, 3, dtype=np.float32)
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["float", "scale"], ["scaled"]),
        helper.make_node("ReduceMean", ["scaled", "axes"], ["colour"], keepdims=0),
        helper.make_node("MatMul", ["colour", "kernel"], ["embedding"]),
        helper.make_node("MatMul", ["embedding", "head"], ["logits"]),
    ]
    told = [("logits", 3), ("embedding", 8)]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["B", 16, 16, 3])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["B", width]) for name, width in told],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    made = tmp_path / "bundle"
    made.mkdir()
    (made / folder.MODEL).write_bytes(model.SerializeToString())
    trust.save(made / folder.TRUST)
    about = {
        "format": folder.FORMAT,
        "version": folder.VERSION,
        "families": list(trust.families),
        "taxonomy": trust.taxonomy.record(),
        "preprocessing": {"size": 16, "fit": "pad"},
        "outputs": {},
        "digests": {file.name: folder.entry(file) for file in made.iterdir()},
    }
    (made / folder.ABOUT).write_text(json.dumps(about))
    return made


@pytest.fixture
def photos(tmp_path):
    made = tmp_path / "photos"
    made.mkdir()
    Image.new("RGB", (40, 40), (10, 250, 10)).save(made / "a.jpg")
    (made / "b.jpg").write_bytes(b"no image")
    return made


COMMAND = """
from raravis.cli import main
sys.argv = ["raravis", *sys.argv[1:]]
try:
    main()
finally:
    print(sorted({name.partition(".")[0] for name in sys.modules} & set(HEAVY)))
"""


def test_nothing_is_reported_to_the_makers_of_the_runtime(tmp_path, bundle, photos, monkeypatch):
    """ONNX Runtime leaves a number in the home of whom it reports on."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    for name in ("CI", "GITHUB_ACTIONS", "TF_BUILD", "ORT_DISABLE_TELEMETRY", "PYTEST_CURRENT_TEST"):
        monkeypatch.delenv(name, raising=False)
    done = python(
        f"import sys\nHEAVY = ()\n{COMMAND}", "predict", bundle, photos, "--out", tmp_path / "x.csv", "--quiet"
    )
    assert done.returncode == 3, done.stderr
    assert not list(home.rglob("*"))


@pytest.mark.parametrize("options", [[], ["--coverage", "0.8", "--accept", "0.95"]])
def test_a_bundle_identifies_without_the_training_parts(tmp_path, bundle, photos, options):
    """Nothing of them can be found, and none is asked for where it could be."""
    out = tmp_path / "out.csv"
    command = ["predict", bundle, photos, "--out", out, "--quiet", *options]
    for code in (WITHOUT, f"import sys\nHEAVY = {HEAVY!r}\n"):
        out.unlink(missing_ok=True)
        done = python(code + COMMAND, *command)
        assert done.returncode == 3, done.stderr
        assert done.stdout.splitlines()[-1] == "[]"
        with out.open(encoding="utf-8", newline="") as stream:
            good, bad = csv.DictReader(stream)
        assert (good["family"], good["status"], bad["status"]) == ("felidae", "ok", "unreadable")
        assert good["verdict"] in ("identified", "uncertain", "unfamiliar")
        assert good["taxon"]


def test_help_version_and_lists_work_without_the_training_parts():
    told = json.loads(
        alone("""
import csv
import json
from typer.testing import CliRunner
from raravis.cli import app

calls = ["--help", "--version", "train --help", "predict --help", "recipes", "models", "augmentations", "backbones"]
done = [CliRunner().invoke(app, call.split()) for call in calls]
print(json.dumps([[call, one.exit_code, one.stdout, one.stderr] for call, one in zip(calls, done)]))
""")
    )
    assert [(call, code) for call, code, _, _ in told if code] == []
    printed = {call: (out, err) for call, _, out, err in told}
    assert "modern_cnn" in printed["recipes"][0]
    assert "modern_cnn" in printed["models"][0]
    assert "randaugment" in printed["augmentations"][0]
    out, err = printed["backbones"]
    assert "bioclip2" in out
    assert "MobileNetV2" not in out
    assert "raravis[train]" in err, "what could not be listed is told"


def test_every_verb_that_needs_the_training_parts_says_so_in_one_line(tmp_path):
    """Whatever the verb: never a traceback, never called a bug."""
    told = json.loads(
        alone(
            """
import json, os
import typer
from typer.testing import CliRunner
from raravis.cli import app

os.chdir(sys.argv[1])
told = {}
def walk(commands, before):
    for name, command in commands.items():
        if hasattr(command, "commands"):
            walk(command.commands, [*before, name])
            continue
        given = [*before, name]
        for parameter in command.params:
            if parameter.required:
                given += ["x"] if parameter.param_type_name == "argument" else [parameter.opts[0], "x"]
        done = CliRunner().invoke(app, given)
        told[".".join([*before, name])] = [done.exit_code, done.stderr]
walk(typer.main.get_command(app).commands, [])
print(json.dumps(told))
""",
            tmp_path,
        )
    )
    assert set(TRAINING) <= set(told)
    for verb in TRAINING:
        code, err = told[verb]
        assert code == 1, verb
        assert re.fullmatch(
            r"raravis: This needs the training parts: pip install 'raravis\[train\]' \(\w+ is not installed\)\.\n", err
        ), f"{verb}: {err}"
    for verb, (code, err) in told.items():
        assert code in (0, 1, 2), verb
        assert "This is a bug" not in err, f"{verb}: {err}"


def test_a_run_needs_the_training_parts_and_python_is_told_too(tmp_path):
    (tmp_path / "recipe.toml").write_text('[model]\nname = "basic_cnn"\n')
    (tmp_path / "model.keras").touch()
    told = alone(
        """
import raravis
from raravis.errors import MissingError

for call in (lambda: raravis.predict(sys.argv[1], "a.jpg", out="x.csv"), lambda: raravis.train):
    try:
        call()
    except MissingError as error:
        print(error)
""",
        tmp_path,
    )
    assert told.count("This needs the training parts: pip install 'raravis[train]'") == 2


def test_a_wrong_path_is_called_that_also_without_the_training_parts(tmp_path):
    """Whoever mistypes the name of a bundle is not sent to install TensorFlow."""
    done = python(WITHOUT + COMMAND, "predict", tmp_path / "bundel", "a.jpg", "--out", tmp_path / "x.csv")
    assert done.returncode == 1
    assert "bundel is not there" in done.stderr
    assert "raravis[train]" not in done.stderr


def test_an_extra_is_told_by_what_the_install_says(monkeypatch):
    lines = ["numpy>=2", 'keras>=3; extra == "train"', 'raravis[train]; extra == "hub"', "b_c[x]>=1 ; extra == 'small'"]
    lines += [f'{name}; extra == "large"' for name in ("b-c", "other", "more")]
    monkeypatch.setattr("importlib.metadata.requires", lambda name: lines)
    assert extras.bringing("Keras") == ["train"]
    assert extras.bringing("B.C") == ["small", "large"]
    assert extras.bringing("numpy") == []
    with (
        pytest.raises(MissingError, match=re.escape("the small parts: pip install 'raravis[small]' (b_c is not")),
        extras.told(),
    ):
        raise ModuleNotFoundError("No module named 'b_c.d'", name="b_c.d")


def test_what_no_extra_brings_stays_the_bug_that_it_is():
    with pytest.raises(ModuleNotFoundError, match="nonsense"), extras.told():
        raise ModuleNotFoundError("No module named 'nonsense'", name="nonsense")


def test_names_of_modules_that_differ_from_their_package_are_known():
    brought = {name.replace("-", "_") for name in names(EXTRAS["dev"])}
    for module, package in extras._MODULES.items():
        assert package in names(EXTRAS["dev"])
        assert module not in brought
    assert set(extras.PARTS) <= set(EXTRAS)


def test_the_small_installs_stay_small():
    """Each heavy package belongs to the training parts alone."""
    heavy = {"keras", "tensorflow", "pandas", "pyarrow", "scikit-learn", "scipy", "matplotlib", "keras-tuner"}
    assert not names(PROJECT["dependencies"]) & heavy
    for extra in ("field", "serve"):
        assert not names(EXTRAS[extra]) & heavy
    assert heavy <= names(EXTRAS["train"])


def test_development_installs_everything_but_another_engine():
    wanted = set.union(*(names(lines) for extra, lines in EXTRAS.items() if extra not in ("jax", "cuda", "peers")))
    assert names(EXTRAS["dev"]) == wanted


def test_every_package_is_held_by_the_lock():
    locked = {re.sub(r"[-_.]+", "-", line.partition("==")[0]).lower() for line in LOCK.read_text().splitlines()}
    wanted = names(PROJECT["dependencies"]) | names(EXTRAS["dev"])
    assert {re.sub(r"[-_.]+", "-", name).lower() for name in wanted} <= locked
