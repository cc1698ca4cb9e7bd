"""The house as docs/architecture.md draws it: which room may import which, and what no file may do."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "raravis"
FILES = sorted(SOURCE.rglob("*.py"))
NAMES = [str(path.relative_to(SOURCE)) for path in FILES]


@cache
def levels() -> dict[str, int]:
    """Level of every room, as the table in the document says, in its order."""
    found: dict[str, int] = {}
    for level, rooms in re.findall(r"^\| (\d+) \| ([^|]+) \|", (ROOT / "docs" / "architecture.md").read_text(), re.M):
        for room in re.findall(r"`([^`]+)`", rooms):
            found[room.rstrip("/")] = int(level)
    return found


def room(parts: tuple[str, ...]) -> str:
    """The room that a dotted name below raravis lies in: its longest beginning that the table lists."""
    for length in range(len(parts), 0, -1):
        if (name := "/".join(parts[:length])) in levels():
            return name
    return parts[0]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def module_of(path: Path) -> tuple[str, ...]:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


def imports(path: Path) -> list[str]:
    """Every dotted name that a file imports, wherever in the file, relative ones resolved."""
    found = []
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: a relative import"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def rooms_used(path: Path) -> set[str]:
    used = set()
    for name in imports(path):
        head, *rest = name.split(".")
        if head == "raravis" and rest and not rest[0].startswith("__"):
            used.add(room(tuple(rest)))
    return used


def downhill(other: str, own: str) -> bool:
    """Whether `own` may import `other`: from a row above, or, a file from a file, from before it in the same row."""
    if levels().get(other, 99) != levels()[own]:
        return levels().get(other, 99) < levels()[own]
    order = list(levels())
    are_files = not any((SOURCE / name).is_dir() for name in (own, other))
    return are_files and order.index(other) < order.index(own)


def climbs(path: Path) -> list[str]:
    own = room(module_of(path))
    return [
        f"{own} (level {levels()[own]}) imports {other} (level {levels().get(other)})"
        for other in sorted(rooms_used(path) - {own})
        if not downhill(other, own)
    ]


def test_the_table_is_read():
    assert levels()["errors"] == 0
    assert levels()["data"] < levels()["learn"] < levels()["verbs"] < levels()["cli"]


def test_every_file_has_a_room():
    doors = {"", "__main__", "demo"}  # the package's own face, `python -m`, and the demonstration of the commands
    homeless = {room(module_of(p)) if module_of(p) else "" for p in FILES} - set(levels()) - doors
    assert not homeless, f"not in the table of docs/architecture.md: {sorted(homeless)}"


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_imports_go_downhill(path):
    if not module_of(path) or module_of(path)[0] in ("__main__", "demo"):
        pytest.skip("a door: it stands outside the rooms")
    assert not climbs(path)


def test_a_climbing_import_is_seen(monkeypatch, tmp_path):
    (tmp_path / "judge").mkdir()
    (tmp_path / "data").mkdir()
    file = tmp_path / "judge" / "cheat.py"
    file.write_text("def late():\n    from raravis.data import catalogue\n    return catalogue\n")
    monkeypatch.setitem(globals(), "SOURCE", tmp_path)
    assert climbs(file) == ["judge (level 1) imports data (level 1)"]


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_no_engine_but_behind_its_door(path):
    heads = {name.split(".")[0] for name in imports(path)}
    assert not heads & {"tensorflow", "jax", "torch"}
    used = {
        node.value.id
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    assert "tf" not in used
    if path.name != "engine.py":
        assert "keras" not in heads, "ask raravis.engine.keras()"
        assert "onnxruntime" not in heads, "ask raravis.engine.onnxruntime()"
        if any(name.startswith("onnxruntime") for name in imported_by_name(path)):
            assert "engine.onnxruntime()" in path.read_text(encoding="utf-8"), "ask raravis.engine.onnxruntime() first"


def imported_by_name(path: Path) -> list[str]:
    """What a file gives to `import_module` as it stands."""
    calls = [node for node in ast.walk(tree(path)) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    given = [node.args[0] for node in calls if node.func.id == "import_module"]
    return [str(one.value) for one in given if isinstance(one, ast.Constant)]


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_file_says_what_it_is_and_is_short(path):
    assert ast.get_docstring(tree(path)), "no docstring on top"
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 350


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_figures_need_no_pyplot(path):
    """pyplot keeps state and looks for a screen when it is imported."""
    at_top = [node for node in tree(path).body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = [f"{getattr(node, 'module', '')}.{alias.name}".strip(".") for node in at_top for alias in node.names]
    assert "matplotlib.pyplot" not in names


def test_small_doors_stay_light():
    """What every call loads must not drag in what takes seconds."""
    heavy = {"keras", "pandas", "numpy", "matplotlib", "scipy", "sklearn", "pyarrow", "PIL", "pydantic"}
    doors = ("__init__", "__main__", "errors", "files", "outcome", "progress", "registry", "taxonomy")
    for name in (*doors, *(f"cli/{path.stem}" for path in (SOURCE / "cli").glob("*.py"))):
        top = [node for node in tree(SOURCE / f"{name}.py").body if isinstance(node, ast.Import | ast.ImportFrom)]
        loaded = {
            part.split(".")[0]
            for node in top
            for part in ([a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""])
        }
        assert not loaded & heavy, name
