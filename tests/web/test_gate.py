"""Who may come in, and what an answer forbids a browser."""

import asyncio
import re

import pytest

from raravis.web import pages
from raravis.web.gate import LOOPBACK

TOKEN = "a-long-and-secret-token"
PATHS = ("/", "/docs", "/openapi.json", "/metrics", "/api/v1/model", "/api/v1/corrections", "/corrections", "/nothing")


def run(work):
    return asyncio.run(work)


def get(app, visit, *paths, **options):
    async def work():
        async with visit(app, **options) as client:
            return [await client.get(path) for path in paths]

    return run(work())


def test_every_answer_forbids_what_the_page_does_not_need(make, visit):
    for answer in get(make(), visit, *PATHS, "/healthz"):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "no-store"


def test_pages_have_nothing_inline(make, visit):
    for answer in get(make(), visit, "/", "/docs", "/corrections", "/login"):
        assert not re.search(r"<style|\sstyle=|<script>|\son\w+=|javascript:", answer.text)


def test_style_and_script_may_be_kept_by_the_browser(make, visit):
    (page,) = get(make(), visit, "/")
    for name, kind in (("page.css", "text/css"), ("page.js", "text/javascript")):
        (found,) = get(make(), visit, re.search(rf"/static/\w+/{name}", page.text)[0])
        assert found.headers["content-type"].startswith(kind)
        assert "immutable" in found.headers["cache-control"]


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:80", "", "[::1", "localhost@evil"]
)
def test_on_the_loopback_interface_only_this_machine_s_names_are_answered(make, visit, host):
    answers = get(make(hosts=LOOPBACK), visit, *PATHS, "/healthz", headers={"Host": host})
    assert {answer.status_code for answer in answers} == {421}


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]:8000"])
def test_this_machine_s_names(make, visit, host):
    (answer,) = get(make(hosts=LOOPBACK), visit, "/healthz", headers={"Host": host})
    assert answer.json() == {"status": "ok"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 400),
        ({"Origin": "http://localhost"}, 400),
        ({"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}, 400),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://localhost:9999"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost.evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
def test_pages_of_other_sites_cannot_send_anything(make, visit, headers, status):
    async def work():
        async with visit(make(), headers=headers) as client:
            return [
                (await client.post(path, files={"z": (None, "1")})).status_code
                for path in ("/", "/api/v1/identify", "/api/v1/corrections", "/login")
            ]

    got = run(work())
    assert got[:3] == [status] * 3
    assert (got[3] == 403) == (status == 403)


def test_a_token_closes_everything_but_health_and_the_form_that_asks_for_it(make, visit):
    app = make(token=TOKEN)
    assert {answer.status_code for answer in get(app, visit, *PATHS)} == {401}
    assert [answer.status_code for answer in get(app, visit, "/healthz", "/login")] == [200, 200]
    for given in (f"Bearer {TOKEN}x", "Bearer ", TOKEN, f"Basic {TOKEN}", "Bearer \u00fc".encode()):
        (answer,) = get(app, visit, "/api/v1/model", headers={"Authorization": given})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
    (answer,) = get(app, visit, "/api/v1/model", headers={"Authorization": f"bearer {TOKEN}"})
    assert answer.status_code == 200


def test_a_browser_is_asked_for_the_token_once(make, visit, monkeypatch):
    monkeypatch.setattr(pages, "GUESS_SECONDS", 0.01)

    async def work():
        async with visit(make(token=TOKEN), headers={"Accept": "text/html"}) as client:
            sent = await client.get("/")
            assert (sent.status_code, sent.headers["location"]) == (303, "/login")
            wrong = await client.post("/login", files={"token": (None, "guess")})
            assert (wrong.status_code, "not the token" in wrong.text) == (403, True)
            assert (await client.get("/")).status_code == 303
            right = await client.post("/login", files={"token": (None, TOKEN)})
            assert (right.status_code, right.headers["location"]) == (303, "/")
            cookie = right.headers["set-cookie"]
            assert all(word in cookie for word in ("HttpOnly", "SameSite=strict"))
            assert TOKEN not in cookie
            return await client.get("/")

    assert run(work()).status_code == 200


def test_wrong_tokens_are_answered_one_after_the_other(make, visit, monkeypatch):
    monkeypatch.setattr(pages, "GUESS_SECONDS", 0.05)

    async def work():
        async with visit(make(token=TOKEN)) as client:
            clock = asyncio.get_running_loop().time
            begun = clock()
            await asyncio.gather(*(client.post("/login", files={"token": (None, str(i))}) for i in range(4)))
            return clock() - begun

    assert run(work()) >= 0.2


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("path", ["/corrections", "/corrections/1/undo"])
def test_a_form_without_its_browser_s_number_is_not_taken(make, visit, draw, kept, path, own):
    async def work():
        async with visit(make()) as client:
            if own:
                await client.get("/")  # has the cookie, but not the field
            return [
                await client.post(path, files={"file": ("x.jpg", draw()), "family": (None, "felidae"), **more})
                for more in ({}, {"form_token": (None, "")}, {"form_token": (None, "0" * 32)})
            ]

    answers = run(work())
    assert {answer.status_code for answer in answers} == {403}
    assert kept.count() == 0


def test_a_form_of_our_page_is_taken_and_undone(make, visit, draw, kept):
    async def work():
        async with visit(make()) as client:
            await client.get("/")
            form_token = (None, client.cookies["raravis_seat"])
            made = await client.post(
                "/corrections", files={"file": ("x.jpg", draw()), "family": (None, "felidae"), "form_token": form_token}
            )
            assert made.status_code == 200
            assert kept.count() == 1
            undone = await client.post("/corrections/1/undo", files={"form_token": form_token})
            again = await client.post("/corrections/1/undo", files={"form_token": form_token})
            return undone.status_code, again.status_code

    assert run(work()) == (200, 404)
    assert kept.count() == 0


def test_a_page_without_a_script_corrects_with_the_picture_that_it_shows(make, visit, draw, kept):
    async def work():
        async with visit(make()) as client:
            page = (await client.post("/", files={"files": ("x.jpg", draw("red", (900, 600)), "image/jpeg")})).text
            fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
            assert set(fields) == {"form_token", "preview", "name"}
            return await client.post(
                "/corrections", files={name: (None, value) for name, value in {**fields, "family": "felidae"}.items()}
            )

    answer = run(work())
    assert answer.status_code == 200
    (made,) = kept.table()
    assert (made.file_name, made.told, made.family, made.suffix) == ("x.jpg", "canidae", "felidae", ".jpg")


def test_cookies_that_are_none_are_no_cookies(make, visit):
    for cookie in ("raravis_seat", "=;=;", "raravis_key=\xfc; raravis_seat=<x>".encode("latin-1"), b"\xff" * 50):
        (answer,) = get(make(token=TOKEN), visit, "/login", headers={"Cookie": cookie})
        assert answer.status_code == 200
        assert re.search(r"raravis_seat=[0-9a-f]{32};", answer.headers["set-cookie"])
