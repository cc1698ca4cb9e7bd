"""The API: rows as in the table, refusals with a reason, and nothing that outlives a request."""

import asyncio
import base64
import csv
import html
import io
import json
import os
import re
import tempfile
import zipfile
from dataclasses import replace

import pytest

from raravis.data import catalogue
from raravis.data.sources import Request
from raravis.errors import RunError, StorageError
from raravis.serve.formats import raravis as table
from raravis.web.limits import Limits

IDENTIFY = "/api/v1/identify"
CORRECT = "/api/v1/corrections"


def run(work):
    return asyncio.run(work)


def files(*given, field="files"):
    """Form files: `(name, bytes)` or `(name, bytes, kind)`."""
    return [(field, (one[0], one[1], one[2] if len(one) > 2 else "image/jpeg")) for one in given]


def ask(make, visit, *given, **options):
    async def work():
        async with visit(make(**options)) as client:
            return await client.post(IDENTIFY, files=files(*given))

    return run(work())


def test_rows_have_the_columns_of_the_table_in_the_order_given(make, visit, draw):
    answer = ask(
        make, visit, ("a.jpg", draw("red")), ("b.png", draw("green", kind="PNG"), "image/png"), ("c.jpg", draw("blue"))
    )
    assert answer.status_code == 200
    rows = answer.json()
    assert [tuple(row) for row in rows] == [table.COLUMNS] * 3
    assert [(r["file_path"], r["family"], r["verdict"]) for r in rows] == [
        ("a.jpg", "canidae", "identified"), ("b.png", "felidae", "identified"), ("c.jpg", "hylidae", "identified"),
    ]  # fmt: skip
    first = rows[0]
    assert first["top_families"][0] == first["family"]
    assert first["top_confidences"] == sorted(first["top_confidences"], reverse=True)
    assert first["prediction_set"] == ["canidae"]
    assert 0 <= first["novelty"] <= 1


def test_uncertain_and_unfamiliar_are_told(make, visit, draw):
    rows = ask(make, visit, ("dark.jpg", draw("dark")), ("grey.jpg", draw("grey"))).json()
    assert [row["verdict"] for row in rows] == ["unfamiliar", "uncertain"]
    assert rows[0]["taxon_rank"] == "class"


def test_a_bad_file_among_good_ones_is_a_row(make, visit, draw):
    rows = ask(make, visit, ("a.jpg", draw()), ("b.jpg", b"no image"), ("c.jpg", draw("green"))).json()
    assert [row["status"] for row in rows] == ["ok", "unreadable", "ok"]
    assert (rows[1]["error"], rows[1]["confidence"]) == ("is no image of a known format", None)


@pytest.mark.parametrize(
    ("name", "data", "kind", "why"),
    [
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", "drawings in SVG"),
        ("a.jpg", b"<?xml version='1.0'?><svg/>", "image/jpeg", "drawings in SVG"),
        ("a.html", b"<html>", "text/html", "was sent as text/html"),
        ("a.jpg", b"", "image/jpeg", "is empty"),
        ("a.jpg", b"\xff\xd8\xff\xe0 cut", "image/jpeg", "a.jpg"),
        ("a.pdf", b"%PDF-1.7", "application/octet-stream", "no image of a known format"),
        ("a.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "image/x-eps", "no image of a known format"),
        ("a.jpg", b"\xff\xd8" + b"\xff\xda\x00\x02" * 101, "image/jpeg", "more than 100 scans"),
    ],
)
def test_what_is_no_photograph_is_refused_with_a_reason(make, visit, name, data, kind, why):
    answer = ask(make, visit, (name, data, kind))
    assert answer.status_code == 415
    assert why in answer.json()["detail"]


def test_a_decompression_bomb_is_refused_before_it_is_decoded(make, visit, draw, monkeypatch):
    bomb = draw("red", (4000, 4000), "PNG")
    assert len(bomb) < 100_000
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: pytest.fail("it was decoded"))
    answer = ask(make, visit, ("bomb.png", bomb, "image/png"), limits=Limits(pixels=1_000_000))
    assert answer.status_code == 415
    assert "4000 × 4000 pixels, more than the limit of 1000000" in answer.json()["detail"]


def test_a_polyglot_is_a_photograph_and_nothing_else_of_it_comes_back(make, visit, draw):
    polyglot = draw("red") + b"<script>alert(1)</script>"

    async def work():
        async with visit(make()) as client:
            return await client.post("/", files=files(("p.jpg", polyglot)))

    answer = run(work())
    assert answer.status_code == 200
    for data in re.findall(r"data:image/\w+;base64,([A-Za-z0-9+/=]+)", answer.text):
        assert b"script" not in base64.b64decode(data)
    assert "alert(1)" not in answer.text


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\x.jpg", "x.jpg"),
        ("/a/b/", "photograph"),
        ("<img src=x onerror=alert(1)>.jpg", "<img src=x onerror=alert(1)>.jpg"),
        ("a\u202ex\u00a0y.jpg", "a x y.jpg"),
        ("ü" * 300, "ü" * 200),
    ],
)
def test_names_are_words_to_show(make, visit, draw, given, shown):
    assert ask(make, visit, (given, draw())).json()[0]["file_path"] == shown


def test_a_name_with_markup_stays_words_on_the_page(make, visit, draw):
    async def work():
        async with visit(make()) as client:
            return (await client.post("/", files=files(("<b>x</b>.jpg", draw())))).text

    page = run(work())
    assert "&lt;b&gt;x" not in page  # the last part after the slash is the name
    assert "<b>" not in page
    assert "b&gt;.jpg" in page


def test_the_model_tells_of_itself(make, visit):
    async def work():
        async with visit(make()) as client:
            return (await client.get("/api/v1/model")).json()

    told = run(work())
    assert (told["name"], told["digest"], told["size"], told["fit"], told["heat"]) == (
        "fake",
        "d" * 64,
        16,
        "crop",
        True,
    )
    assert told["families"] == ["canidae", "felidae", "hylidae", "strigidae"]
    assert told["about"] == {"recipe": "fake"}
    assert told["limits"]["files"] == 32


def test_a_correction_is_kept_listed_undone_and_exported_for_train(make, visit, draw, kept, tmp_path):
    photo = draw("red")

    async def work():
        async with visit(make()) as client:
            made = await client.post(
                CORRECT, files=files(("x.jpg", photo), field="file"), data={"family": "felidae", "who": "Ada"}
            )
            assert made.status_code == 201
            assert made.json() == {
                "id": 1, "file_name": "x.jpg", "told": "canidae", "family": "felidae", "note": "",
            }  # fmt: skip
            other = await client.post(
                CORRECT, files=files(("y.jpg", draw("green")), field="file"), data={"family": "hylidae"}
            )
            assert (await client.delete(f"{CORRECT}/{other.json()['id']}")).status_code == 204
            assert (await client.delete(f"{CORRECT}/{other.json()['id']}")).status_code == 404
            assert (await client.delete(f"{CORRECT}/99")).status_code == 404
            history = (await client.get(CORRECT)).json()
            assert [(one["who"], one["model"], bool(one["undone"])) for one in history] == [
                ("Ada", "d" * 64, False), ("", "d" * 64, True),
            ]  # fmt: skip
            return await client.get(f"{CORRECT}/export")

    packed = run(work())
    assert packed.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        archive.extractall(tmp_path / "got")
    (folder,) = (tmp_path / "got").iterdir()
    with (folder / "metadata.csv").open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert (folder / row["file_path"]).read_bytes() == photo
    found = catalogue.read(Request(str(folder)), quiet=True).readable
    assert list(found["family"]) == ["felidae"]


@pytest.mark.parametrize(
    ("family", "note"),
    [
        ("Felidae", ""),
        ("something else", ""),
        ("mustelidae", "mustelidae is new to the model."),
        ("nestoridae", "The model calls nestoridae strigopidae."),
        ("felidea", "felidea is new to the model. No family named 'felidea' is known. Did you mean felidae?"),
        ("Cervidea", "Cervidea is new to the model. No family named 'Cervidea' is known. Did you mean cervidae?"),
        ("wolpertinger", "wolpertinger is new to the model. No family named 'wolpertinger' is known."),
    ],
)
def test_a_family_that_the_model_does_not_know_is_kept_and_noted(make, visit, draw, kept, fake, family, note):
    knowing = replace(fake, families=("canidae", "felidae", "hylidae", "strigopidae"))

    async def work():
        async with visit(make(predictor=knowing)) as client:
            some = {"files": files(("x.jpg", draw()), field="file"), "data": {"family": family}}
            await client.get("/")
            form = {**some, "data": {"family": family, "form_token": client.cookies["raravis_seat"]}}
            return (await client.post(CORRECT, **some)).json(), (await client.post("/corrections", **form)).text

    told, page = run(work())
    assert (told["family"], told["note"]) == (family, note)
    assert [one.family for one in kept.table()] == [family] * 2
    assert f"Thank you.{f' {note}' if note else ''}</p>" in html.unescape(page)


@pytest.mark.parametrize(
    ("fields", "given", "status"),
    [
        ({}, [("x.jpg", True)], 400),
        ({"family": "  "}, [("x.jpg", True)], 400),
        ({"family": "felidae"}, [], 400),
        ({"family": "felidae"}, [("x.jpg", True), ("y.jpg", True)], 400),
        ({"family": "felidae"}, [("x.jpg", False)], 415),
        ({"family": "f" * 300}, [("x.jpg", True)], 400),
    ],
)
def test_a_correction_that_lacks_something_is_refused(make, visit, draw, kept, fields, given, status):
    async def work():
        async with visit(make()) as client:
            some = files(*((name, draw() if good else b"none") for name, good in given), field="file")
            return await client.post(CORRECT, files=some or {"z": (None, "1")}, data=fields)

    answer = run(work())
    assert (answer.status_code, kept.count()) == (status, 0)
    assert isinstance(answer.json()["detail"], str)


def test_without_a_file_of_corrections_none_are_offered(make, visit, draw):
    async def work():
        async with visit(make(corrections=None)) as client:
            assert "Correct it" not in (await client.post("/", files=files(("x.jpg", draw())))).text
            refused = await client.post(CORRECT, files=files(("x.jpg", draw()), field="file"), data={"family": "a"})
            return refused, await client.get(CORRECT), await client.get(f"{CORRECT}/export")

    assert [answer.status_code for answer in run(work())] == [404] * 3


def test_no_file_of_a_request_outlives_it(make, visit, draw, kept, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temp"))
    (tmp_path / "temp").mkdir()
    opened = []
    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", lambda *a, **k: opened.append(a))
    large = draw("red", (3000, 2000), "BMP")
    assert len(large) > 1 << 20

    async def work():
        async with visit(make()) as client:
            assert (await client.post(IDENTIFY, files=files(("x.bmp", large, "image/bmp")))).status_code == 200
            assert (await client.post("/", files=files(("x.bmp", large, "image/bmp")))).status_code == 200
            await client.post(CORRECT, files=files(("x.jpg", draw()), field="file"), data={"family": "felidae"})
            assert (await client.get(f"{CORRECT}/export")).status_code == 200

    run(work())
    assert opened == []
    assert os.listdir(tmp_path / "temp") == []  # noqa: PTH208
    assert len(kept.table()) == 1


def test_errors_of_the_model_tell_no_path(make, visit, draw, monkeypatch, fake):
    def broken(batch):
        raise RunError("/secret/place/model.onnx is damaged")

    monkeypatch.setattr(type(fake), "answer", lambda self, batch: broken(batch))
    answer = ask(make, visit, ("x.jpg", draw()))
    assert answer.status_code == 500
    assert answer.json() == {"detail": "The server failed on this request; its log says why."}


def test_a_disk_that_is_full_is_told_and_nothing_is_kept(make, visit, draw, kept, monkeypatch):
    def full(*arguments, **words):
        raise StorageError("Cannot write /secret: the disk is full")

    monkeypatch.setattr(kept, "add", full)

    async def work():
        async with visit(make()) as client:
            return await client.post(CORRECT, files=files(("x.jpg", draw()), field="file"), data={"family": "felidae"})

    answer = run(work())
    assert answer.status_code == 507
    assert "secret" not in answer.text


def test_what_is_not_there_is_json(make, visit):
    async def work():
        async with visit(make()) as client:
            return [
                await client.get("/nothing"),
                await client.get(IDENTIFY),
                await client.delete(f"{CORRECT}/x"),
                await client.get("/static/0/../../../etc/passwd"),
                await client.get("/static/0/page.css"),
            ]

    answers = run(work())
    assert [answer.status_code for answer in answers] == [404, 405, 422, 404, 404]
    assert all(isinstance(answer.json()["detail"], str) for answer in answers)


def test_metrics_count_what_happened_by_route_and_never_by_what_a_client_wrote(make, visit, draw):
    async def work():
        async with visit(make()) as client:
            await client.post(IDENTIFY, files=files(("x.jpg", draw()), ("y.jpg", b"none")))
            await client.get("/secret-path")
            return (await client.get("/metrics")).text

    told = run(work())
    assert 'raravis_requests_total{method="POST",route="/api/v1/identify",status="200"} 1.0' in told
    assert 'raravis_photographs_total{verdict="identified"} 1.0' in told
    assert 'raravis_photographs_total{verdict="unreadable"} 1.0' in told
    assert "raravis_batch_photographs_count 1.0" in told
    assert "raravis_waiting_photographs 0.0" in told
    assert "secret-path" not in told


def test_the_description_has_examples_and_is_drawn_without_a_script_from_elsewhere(make, visit):
    async def work():
        async with visit(make()) as client:
            return (await client.get("/openapi.json")).json(), (await client.get("/docs")).text

    schema, page = run(work())
    assert set(schema["paths"]) == {
        IDENTIFY, "/api/v1/model", CORRECT, f"{CORRECT}/{{number}}", f"{CORRECT}/export", "/healthz", "/metrics",
    }  # fmt: skip
    example = schema["components"]["schemas"]["Identified"]["examples"][0]
    assert set(example) == set(table.COLUMNS)
    assert "curl -F files=@photo.jpg http://localhost/api/v1/identify" in page
    assert "curl -F file=@photo.jpg -F family=felidae http://localhost/api/v1/corrections" in page
    assert "curl -X DELETE http://localhost/api/v1/corrections/12" in page
    assert "http" not in page.replace("http://localhost", "")
    assert json.dumps(example["reason"]).strip('"') in page
