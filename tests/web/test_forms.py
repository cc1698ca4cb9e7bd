"""Bodies that go too far are refused while they arrive; what is left of them is nothing."""

import asyncio

import pytest
from starlette.requests import Request

from raravis.errors import UsageError
from raravis.web import forms
from raravis.web.forms import FIELDS, Held
from raravis.web.gate import SEAT_COOKIE
from raravis.web.limits import Limits

EDGE = b"----edge"
HEAD = {"content-type": b"multipart/form-data; boundary=" + EDGE}
SMALL = Limits(file_bytes=1000, request_bytes=4000, files=3, waiting=8, upload_seconds=5, idle_seconds=5)


def part(name="files", data=b"x", filename="a.jpg", kind="image/jpeg", extra=b""):
    shown = f'; filename="{filename}"'.encode() if filename is not None else b""
    typed = b"\r\nContent-Type: " + kind.encode() if kind else b""
    head = b'Content-Disposition: form-data; name="' + name.encode() + b'"' + shown + typed + extra
    return b"--" + EDGE + b"\r\n" + head + b"\r\n\r\n" + data + b"\r\n"


END = b"--" + EDGE + b"--\r\n"


class Sender:
    """Sends a body in pieces and counts how many were asked for."""

    def __init__(self, pieces, *, pause=0.0, leave=False):
        self.pieces, self.asked, self.pause, self.leave = list(pieces), 0, pause, leave

    async def __call__(self):
        self.asked += 1
        await asyncio.sleep(self.pause)
        if not self.pieces:
            if self.leave:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": b"", "more_body": False}
        piece = self.pieces.pop(0)
        more = bool(self.pieces) or self.leave
        return {"type": "http.request", "body": piece, "more_body": more}


def read(*pieces, limits=SMALL, headers=HEAD, held=None, sender=None):
    held = held or Held(limits.held_bytes)
    sender = sender or Sender(pieces)
    raw = [(name.encode(), value) for name, value in headers.items()]
    request = Request({"type": "http", "method": "POST", "headers": raw}, sender)

    async def work():
        with held.request("me") as share:
            return await forms.read(request, limits, share)

    try:
        return asyncio.run(work())
    finally:
        assert held.bytes == 0


def refused(status, *pieces, **options):
    with pytest.raises(forms.HTTPException) as caught:
        read(*pieces, **options)
    assert caught.value.status_code == status
    return caught.value.detail


@pytest.mark.parametrize("size", [1, 2, 7, 10_000])
def test_files_and_fields_arrive_however_the_body_is_cut(size):
    body = (
        part(data=b"\r\n--" + EDGE[:-1] + b"\x00" * 50) + part("who", b"Ad\xc3\xa9", None, "") + part(data=b"2") + END
    )
    found = read(*(body[i : i + size] for i in range(0, len(body), size)))
    assert [(one.name, one.kind, one.data[-1:]) for one in found.files] == [
        ("a.jpg", "image/jpeg", b"\x00"), ("a.jpg", "image/jpeg", b"2"),
    ]  # fmt: skip
    assert found.fields == {"who": "Adé"}


def test_a_nameless_empty_file_is_what_a_browser_sends_for_none():
    assert read(part(data=b"", filename="", kind="application/octet-stream") + END).files == ()


def test_what_a_browser_escapes_in_a_file_name_is_read_back_and_nothing_else_is():
    found = read(part(filename="it's %22quoted%22.jpg") + part(filename="a%0D%0Ab%2F%20.jpg") + END)
    assert [one.name for one in found.files] == ['it\'s "quoted".jpg', "a b%2F%20.jpg"]
    assert "'\"a\".jpg' is larger" in refused(413, part(filename="%22a%22.jpg", data=b"x" * 1001) + END)


def test_a_file_that_is_too_large_is_refused_as_soon_as_it_is():
    sender = Sender([part(data=b"x" * 900)[:-2], *[b"x" * 90] * 30])
    assert "'a.jpg' is larger than the limit" in refused(413, sender=sender)
    assert sender.asked <= 3


def test_a_request_that_is_too_large_is_refused_by_its_head_or_while_it_arrives():
    sender = Sender([])
    assert "larger than the limit" in refused(413, headers={**HEAD, "content-length": b"4001"}, sender=sender)
    assert sender.asked == 0
    sender = Sender([part(data=b"x" * 900)] * 50)
    refused(413, sender=sender, limits=Limits(file_bytes=1000, request_bytes=4000, files=30))
    assert sender.asked <= 5


def test_more_files_than_the_limit():
    assert "More than 3 files" in refused(413, part() * 4 + END)


def test_ten_thousand_parts_are_not_waited_for():
    large = Limits()
    for one in (part(), part("a", b"1", None, "")):
        sender = Sender([one * 10] * 1000)
        refused(413, sender=sender, limits=large)
        assert sender.asked <= 5


def test_ten_thousand_fields_of_one_name_are_as_many_parts():
    assert "too many parts" in refused(413, part("a", b"1", None, "") * 100 + END, limits=Limits(files=3))


def test_many_fields_and_large_ones():
    assert f"more than {FIELDS} fields" in refused(413, *(part(f"f{i}", b"1", None, "") for i in range(FIELDS + 1)))
    assert "more than 40" in refused(413, part("a", b"1" * 5000, None, ""), limits=Limits())
    refused(400, part("n" * 5000, b"1", None, ""), limits=Limits())


def test_headers_without_end():
    refused(400, b"--" + EDGE + b"\r\n" + b"x: y\r\n" * 100)
    refused(400, b"--" + EDGE + b"\r\n" + b"x" * 3000)
    refused(400, part(extra=b"\r\nX: " + b"y" * 3000) + END)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nothing",
        part(),
        b"--" + EDGE + b"\r\n\r\nno name\r\n" + END,
        b"--" + EDGE + b"\r\nContent-Disposition: attachment; name=a\r\n\r\nx\r\n" + END,
        b"--" + EDGE + b"\r\nContent-Disposition form-data\r\n\r\nx\r\n" + END,
    ],
)
def test_a_damaged_form(body):
    assert "form" in refused(400, body).lower()


def test_what_stands_behind_the_end_is_nothing():
    assert len(read(part() + END + b"more").files) == 1


def test_something_else_than_a_form():
    for kind in (b"application/json", b"", b"image/jpeg", b"multipart/mixed; boundary=x"):
        refused(415, b"{}", headers={"content-type": kind})
    refused(400, b"", headers={"content-type": b"multipart/form-data"})
    refused(400, b"", headers={"content-type": b"multipart/form-data; boundary=" + b"b" * 1000})


def test_a_request_that_breaks_off():
    assert "broke off" in refused(400, sender=Sender([part()[:40]], leave=True))


def test_a_request_that_drips():
    slow = Limits(upload_seconds=0.2, idle_seconds=5)
    assert "too slowly" in refused(408, sender=Sender([part(), *[b""] * 100], pause=0.05), limits=slow)
    silent = Limits(upload_seconds=5, idle_seconds=0.05)
    assert "too slowly" in refused(408, sender=Sender([part(), *[b""] * 100], pause=0.5), limits=silent)


def test_all_requests_together_hold_no_more_than_their_limit():
    held = Held(1000)
    with held.request("one") as one, held.request("two") as two:
        one.take(500)
        two.take(400)
        with pytest.raises(forms.HTTPException, match="busy with other") as caught, held.request("three") as share:
            share.take(101)
        assert (caught.value.status_code, caught.value.headers) == (503, {"Retry-After": "5"})
        assert held.bytes == 900
    assert held.bytes == 0


def test_all_requests_of_one_client_hold_half_at_most_and_others_the_rest():
    held = Held(1000)
    with held.request("one") as first:
        first.take(300)
        with held.request("one") as second:
            second.take(200)
            with pytest.raises(forms.HTTPException, match="Your other requests") as caught:
                second.take(1)
            assert (caught.value.status_code, caught.value.headers) == (503, {"Retry-After": "5"})
            with held.request("two") as other:
                other.take(500)
            assert held.bytes == 500
        first.take(200)  # what the second held is free again
    with held.request("one") as again:
        again.take(500)
    assert (held.bytes, held._clients) == (0, {})


def test_a_client_that_holds_its_half_is_told_so_and_others_are_answered(make, visit, draw):
    app = make(limits=Limits(file_bytes=4000, request_bytes=4000, held_bytes=8000))
    held, photo = app.state.rooms.held, {"files": ("x.jpg", draw(), "image/jpeg")}

    async def work():
        mine, other = ({"Cookie": f"{SEAT_COOKIE}={letter * 32}"} for letter in "ab")
        async with visit(app) as client:
            with held.request(f"127.0.0.1 {'a' * 32}") as slow:
                slow.take(3900)
                refused = await client.post("/api/v1/identify", files=photo, headers=mine)
                page = await client.post("/", files=photo, headers=mine)
                answered = await client.post("/api/v1/identify", files=photo, headers=other)
            again = await client.post("/api/v1/identify", files=photo, headers=mine)
        return refused, page, answered, again

    refused, page, answered, again = asyncio.run(work())
    assert [one.status_code for one in (refused, page, answered, again)] == [503, 503, 200, 200]
    assert "Try again when one of them is answered" in refused.json()["detail"]
    assert "Try again when one of them is answered" in page.text
    assert refused.headers["retry-after"] == page.headers["retry-after"] == "5"
    assert held.bytes == 0


def test_one_request_fits_into_the_half_that_a_client_may_hold():
    Limits(request_bytes=64 << 20, held_bytes=128 << 20)
    with pytest.raises(UsageError, match="half"):
        Limits(request_bytes=64 << 20, held_bytes=(128 << 20) - 1)


def test_a_picture_in_words_must_be_one_of_ours():
    form = read(part("preview", b"data:image/jpeg;base64,/9j/", None, "") + part("name", b"a/b.jpg", None, "") + END)
    (made,) = forms.with_picture(form).files
    assert (made.field, made.name, made.data) == ("file", "b.jpg", b"\xff\xd8\xff")
    foreign = ("http://elsewhere/x.jpg", "file:///etc/passwd", "data:image/svg+xml;base64,AA==")
    for text in ("", *foreign, "data:image/jpeg;base64,?"):
        with pytest.raises(forms.HTTPException, match="400"):
            forms.with_picture(forms.Form((), {"preview": text}))
