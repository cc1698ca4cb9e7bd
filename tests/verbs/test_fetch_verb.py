"""`raravis fetch`: images that an archive knows by address, from a small server of our own."""

import json
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

import raravis
from raravis.cli import app
from raravis.errors import DataError, UsageError


@pytest.fixture
def server(tmp_path):
    """Serve three photographs, and a page that is none, from a folder."""
    home = tmp_path / "served"
    home.mkdir()
    for n in range(3):
        Image.linear_gradient("L").rotate(90 * n).save(home / f"{n}.jpg")
    (home / "page.jpg").write_text("<html>not here any more</html>")

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *given):
            super().__init__(*given, directory=str(home))

        def do_GET(self):
            made.asked.append(self.path)
            super().do_GET()

        def log_message(self, *_):
            pass

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.asked = []
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.fixture
def export(server, tmp_path):
    """An export of observations: three photographs, one that is gone, one that is a page."""
    folder = tmp_path / "work"
    folder.mkdir()
    base = f"http://127.0.0.1:{server.server_port}"
    lines = [f"{n},{base}/{n}.jpg,{family},CC-BY,Ana" for n, family in enumerate(("Felidae", "Felidae", "Strigidae"))]
    lines += [f"8,{base}/gone.jpg,Felidae,,", f"9,{base}/page.jpg,Felidae,,"]
    file = folder / "observations.csv"
    file.write_text("\n".join(["id,image_url,taxon_family_name,license,user_name", *lines]) + "\n")
    return file


def test_images_are_put_where_every_verb_finds_them_and_failures_are_named(export, server, tmp_path):
    with pytest.raises(DataError, match=r"(?s)None of the 5 images .* is at hand.*raravis fetch"):
        raravis.explore(export, out=tmp_path / "out", quiet=True)
    done = raravis.fetch(export, private=True, tries=1, quiet=True)
    assert {name: done.figures[name] for name in ("fetched", "failed", "there_before", "left")} == {
        **{"fetched": 3, "failed": 2, "there_before": 0, "left": 0}
    }
    assert done.exit_code == 3
    assert sorted(problem.rpartition("/")[2] for problem in done.unreadable) == [
        "gone.jpg: the server answers 404 File not found",
        "page.jpg: is no image of a known format",
    ]
    journal = pd.read_csv(done.out, keep_default_na=False)
    assert journal["status"].tolist() == ["fetched", "fetched", "fetched", "failed", "failed"]
    assert all(path.startswith("observations.media/") for path in journal["file_path"])
    assert len(list((export.parent / "observations.media").iterdir())) == 3

    looked = raravis.explore(export, out=tmp_path / "out", quiet=True)
    assert looked.figures["per_family"] == {"Felidae": 2, "Strigidae": 1}
    assert len(looked.unreadable) == 2
    report = (tmp_path / "out" / "report.html").read_text()
    assert (report.count("<td>Ana</td>"), report.count("<td>CC BY</td>")) == (2, 2)  # one image a family is shown
    assert looked.figures["licenses"] == {"CC BY": 3}

    server.asked.clear()
    again = raravis.fetch(export, private=True, tries=1, quiet=True)
    assert sorted(server.asked) == ["/gone.jpg", "/page.jpg"]
    assert again.figures["there_before"] == 3


def test_a_limit_and_a_root_are_kept(export, tmp_path):
    root = tmp_path / "elsewhere"
    done = raravis.fetch(export, root=root, limit=1, private=True, quiet=True)
    assert (done.figures["fetched"], done.figures["left"]) == (1, 4)
    assert raravis.explore(export, root=root, out=tmp_path / "out", quiet=True).figures["readable"] == 1


def test_this_machine_is_not_asked_unless_allowed(export, server):
    done = raravis.fetch(export, quiet=True)
    assert done.figures["fetched"] == 0
    assert all(problem.endswith("lies in a private network, which is not allowed") for problem in done.unreadable)
    assert server.asked == []


def test_any_table_with_addresses_will_do(server, tmp_path):
    (tmp_path / "t.csv").write_text(
        f"file_path,family,image_url\nin/a.jpg,f,http://127.0.0.1:{server.server_port}/0.jpg\n../b.jpg,f,http://127.0.0.1/b\n"
    )
    done = raravis.fetch(tmp_path / "t.csv", private=True, quiet=True)
    assert done.figures["fetched"] == 1
    assert (tmp_path / "in/a.jpg").is_file()
    assert not (tmp_path.parent / "b.jpg").exists()


def test_wrong_usage_is_told(export, tmp_path):
    with pytest.raises(UsageError, match="tries is 0"):
        raravis.fetch(export, tries=0)
    with pytest.raises(UsageError, match="limit is 0"):
        raravis.fetch(export, limit=0)
    (tmp_path / "t.csv").write_text("file_path,family\na.jpg,f\n")
    with pytest.raises(DataError, match="names no image by address"):
        raravis.fetch(tmp_path / "t.csv")


def test_the_command_says_what_it_did(export):
    found = CliRunner().invoke(app, ["fetch", str(export), "--private", "--tries", "1", "--json", "--quiet"])
    assert found.exit_code == 3
    assert json.loads(found.stdout)["fetched"] == 3
