"""The Rare Species dataset as published: from a folder, and fetched from a small hub of our own on this machine."""

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from raravis.data import catalogue
from raravis.data.sources import Request, rare_species
from raravis.errors import DataError, UsageError

LYNX = "Animalia-Chordata-Mammalia-Carnivora-Felidae-Lynx-pardinus"
CORAL = "Animalia-Cnidaria-Anthozoa-Scleractinia-Acroporidae-Acropora-millepora"
PICTURES = (f"{LYNX}/11_500_eol-full-size-copy.jpg", f"{LYNX}/12_500_eol_full-size-copy.jpg", f"{CORAL}/21_600_x.jpg")
CATALOGUE = """rarespecies_id,eol_content_id,eol_page_id,kingdom,phylum,class,order,family,genus,species,sciName,common
r11,11,500,Animalia,Chordata,Mammalia,Carnivora,Felidae,Lynx,pardinus,Lynx pardinus,Iberian Lynx
r21,21,600,Animalia,Cnidaria,Anthozoa,Scleractinia,Acroporidae,Acropora,millepora,Acropora millepora,Staghorn Coral
r99,99,600,Animalia,Cnidaria,Anthozoa,Scleractinia,Acroporidae,Acropora,millepora,Acropora millepora,Staghorn Coral
"""
LICENCES = """rarespecies_id,eol_content_id,eol_page_id,md5,license_name,copyright_owner,license_link,title
r21,21,600,00,cc-by-nc-sa,"Doe, Jane",https://example.org/by-nc-sa,Reef
r11,11,500,00,cc0,not provided,,not provided
"""


@pytest.fixture
def published(tmp_path, put) -> Path:
    root = tmp_path / "published"
    for name in PICTURES:
        put(root / "dataset" / name)
    (root / "metadata").mkdir()
    (root / "metadata/rarespecies-catalog.csv").write_text(CATALOGUE)
    (root / "metadata/licenses.csv").write_text(LICENCES)
    (root / "README.md").write_text("# a card")
    (root / "visuals").mkdir()
    (root / "visuals/tree.html").write_text("not wanted")
    return root


def test_a_folder_as_published_is_read_with_lineage_and_licences(published, listed):
    found = listed(published)
    table = found.table.set_index("eol_content_id")
    assert (found.kind, found.root, len(table)) == ("rare_species", published, 3)
    assert table.loc["11", "file_path"] == f"dataset/{PICTURES[0]}"
    ranks = ["kingdom", "phylum", "class", "order", "family", "genus", "species"]
    assert "-".join(table.loc["21", ranks]) == CORAL
    assert "-".join(table.loc["12", ranks]) == LYNX  # not in the catalogue: its folder tells
    assert tuple(table.loc["21", ["sciName", "common"]]) == ("Acropora millepora", "Staghorn Coral")
    assert tuple(table.loc["21", ["license_name", "copyright_owner"]]) == ("cc-by-nc-sa", "Doe, Jane")
    assert tuple(table.loc["11", ["license_name", "license_link"]]) == ("cc0", "")
    assert set(table["problem"]) == {""}
    assert any(note.startswith("1 of the 3 images of the catalogue are not in") for note in found.notes)
    assert any(note.startswith("1 images are not in the catalogue") for note in found.notes)
    assert any(note.startswith("1 images have no licence") for note in found.notes)


def test_a_root_metadata_csv_serves_as_catalogue_too(published, listed):
    (published / "metadata/rarespecies-catalog.csv").rename(published / "metadata.csv")
    found = listed(published)
    assert found.kind == "rare_species"
    assert found.table["sciName"].tolist() == ["Lynx pardinus", "", "Acropora millepora"]


def test_paths_in_the_catalogue_do_not_replace_those_on_disk(published, listed):
    lines = CATALOGUE.splitlines()
    rows = [lines[0] + ",file_path", *(f"{line},../../secret.jpg" for line in lines[1:])]
    (published / "metadata/rarespecies-catalog.csv").write_text("\n".join(rows))
    assert sorted(listed(published).table["file_path"]) == sorted(f"dataset/{name}" for name in PICTURES)


def test_a_name_that_is_not_utf8_is_a_row_with_a_problem(published, listed):
    with open(os.fsencode(published / "dataset" / LYNX) + b"/13_500_\xff.jpg", "wb"):  # noqa: PTH123 (bytes)
        pass
    table = listed(published).table.set_index("eol_content_id")
    assert table.loc["13", "file_path"].endswith("/13_500_\\xff.jpg")
    assert "not UTF-8" in table.loc["13", "problem"]
    assert table["problem"].eq("").sum() == 3


def test_a_folder_without_its_images_or_ids_is_an_error(published, listed):
    (published / "metadata/rarespecies-catalog.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="no column 'eol_content_id'"):
        listed(published)
    for name in PICTURES:
        (published / "dataset" / name).unlink()
    with pytest.raises(DataError, match="holds no images"):
        listed(published)


def test_columns_are_its_own(published, listed):
    with pytest.raises(UsageError, match="brings its own columns"):
        listed(published, label_column="species")


@pytest.mark.parametrize("name", ["rare-species", "imageomics/rare-species"])
def test_the_name_is_claimed_and_no_other(name):
    assert rare_species.claims(name)
    assert not rare_species.claims("rare-specie")


class Hub(BaseHTTPRequestHandler):
    """As much of the hub's interface as fetching one dataset takes."""

    root: Path
    refused: set[str]
    served: Counter[str]
    SHA = "a" * 40

    def do_HEAD(self):
        self.answer(body=False)

    def do_GET(self):
        self.answer(body=True)

    def answer(self, *, body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        files = sorted(p.relative_to(self.root).as_posix() for p in self.root.rglob("*") if p.is_file())
        api = f"/api/datasets/{rare_species.REPOSITORY}"
        held = f"/datasets/{rare_species.REPOSITORY}/resolve/{self.SHA}/"
        if path.startswith(f"{api}/revision/") or path == api:
            about = {"id": rare_species.REPOSITORY, "sha": self.SHA, "siblings": [{"rfilename": f} for f in files]}
            self.send(200, json.dumps(about).encode(), body, {"Content-Type": "application/json"})
        elif path.startswith(f"{api}/tree/"):
            tree = [
                {"type": "file", "path": f, "size": (self.root / f).stat().st_size, "oid": f"{i:040x}"}
                for i, f in enumerate(files)
            ]
            self.send(200, json.dumps(tree).encode(), body, {"Content-Type": "application/json"})
        elif path.startswith(held) and (name := path[len(held) :]) in files:
            if name in self.refused:
                self.send(403, b"not now", body, {})
                return
            if body:
                self.served[name] += 1
            data = (self.root / name).read_bytes()
            self.send(200, data, body, {"ETag": f'"{files.index(name):040x}"', "X-Repo-Commit": self.SHA})
        else:
            self.send(404, b"", body, {})

    def send(self, status: int, data: bytes, body: bool, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def hub(published):
    handler = type("OurHub", (Hub,), {"root": published, "refused": set(), "served": Counter()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield handler, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


ASK = """
import json, sys
from raravis.data import catalogue
from raravis.data.sources import Request
from raravis.errors import RaravisError
try:
    found = catalogue.read(Request("rare-species"), quiet=True)
    table = found.table
    print(json.dumps({"root": str(found.root), "paths": table["file_path"].tolist(), "status": table["status"].tolist(),
                      "licences": table["license_name"].tolist()}))
except RaravisError as error:
    print(json.dumps({"error": type(error).__name__, "message": str(error)}))
"""


def ask(home: Path, **extra: str) -> dict[str, object]:
    """List rare-species in a process of its own: the hub's client reads its settings once, at import."""
    env = {
        name: value for name, value in os.environ.items() if not name.startswith("HF_") and "proxy" not in name.lower()
    }
    env |= {"HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1", **extra}
    done = subprocess.run(
        [sys.executable, "-c", ASK], env=env, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def test_it_is_fetched_once_completed_after_a_failure_and_then_needs_no_network(hub, tmp_path):
    served, home = hub[0].served, tmp_path / "hub"
    hub[0].refused = {f"dataset/{PICTURES[2]}"}
    broken = ask(home, HF_ENDPOINT=hub[1])
    assert broken["error"] == "OfflineError"
    assert "what was fetched is kept" in str(broken["message"])
    first = dict(served)
    half = ask(home, HF_ENDPOINT=hub[1], HF_HUB_OFFLINE="1")
    assert half["error"] == "OfflineError"  # a part of the dataset does not pass for the dataset

    hub[0].refused = set()
    whole = ask(home, HF_ENDPOINT=hub[1])
    assert whole["paths"] == sorted(f"dataset/{name}" for name in PICTURES)
    assert set(whole["status"]) == {"ok"}  # links into the hub's store count as inside
    assert sorted(whole["licences"]) == ["", "cc-by-nc-sa", "cc0"]
    assert str(home) in str(whole["root"])
    assert all(served[name] == 1 for name in first)
    assert set(served) == {f"dataset/{n}" for n in PICTURES} | {
        "metadata/rarespecies-catalog.csv",
        "metadata/licenses.csv",
    }
    again = ask(home, HF_ENDPOINT=hub[1], HF_HUB_OFFLINE="1")
    assert again == whole
    assert all(count == 1 for count in served.values())


def test_offline_and_not_cached_is_one_clear_error(tmp_path):
    answer = ask(tmp_path, HF_HUB_OFFLINE="1")
    assert answer["error"] == "OfflineError"
    lines = str(answer["message"]).splitlines()
    assert len(lines) == 2
    for word in ("HF_HUB_OFFLINE", "HF_HOME", "folder as DATA", str(tmp_path)):
        assert word in str(answer["message"])


def test_a_catalogue_keeps_the_licences(published):
    found = catalogue.read(Request(str(published)), quiet=True)
    assert {"license_name", "copyright_owner", "license_link", "title"} <= set(found.table.columns)
    assert (found.table["status"] == "ok").all()
