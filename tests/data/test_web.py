"""Fetching from a small server of our own: what it may do to us, and what it may not."""

import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from raravis.data import web
from raravis.data.web import FetchError, Limits

OURS = Limits(bytes=10_000, seconds=60, silence=30, tries=3, pause=0.01, private=True)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        kind, _, rest = self.path[1:].partition("/")
        getattr(self, f"do_{kind}")(rest)

    def answer(self, status=200, body=b"", **headers):
        self.send_response(status)
        for name, value in ({"Content_Length": str(len(body))} | headers).items():
            if value is not None:
                self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def do_size(self, rest):
        self.answer(body=b"x" * int(rest))

    def do_endless(self, rest):
        self.answer(Content_Length=None)
        try:
            while True:
                self.wfile.write(b"x" * 1000)
        except OSError:
            pass

    def do_status(self, rest):
        self.answer(int(rest))

    def do_soon(self, rest):
        self.answer(200 if len(self.server.asked) > int(rest) else 503, b"ok")

    def do_to(self, rest):
        self.answer(302, Location=rest)

    def do_round(self, rest):
        self.answer(301, Location=f"/round/{int(rest or 0) + 1}")

    def do_short(self, rest):
        self.answer(body=b"x", Content_Length="100")

    def do_drip(self, rest):
        try:
            self.wfile.write(b"HTTP/1.0 200 OK\r\n")
            for n in range(200):
                self.wfile.write(f"X-{n}: y\r\n".encode())
                self.server.over.wait(0.5)
        except OSError:
            pass

    def do_silent(self, rest):
        self.server.over.wait(60)

    def do_name(self, rest):
        self.answer(body=self.path.encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.asked, made.over = [], threading.Event()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield made
    made.over.set()
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.fixture
def get(server):
    """Fetch a path of the server: `get(path, **limits)`."""

    def ask(path, **changes):
        limits = Limits(**{**vars(OURS), **changes})
        return web.get(f"http://127.0.0.1:{server.server_port}/{path}", limits)

    return ask


def test_bytes_come_whole_and_odd_letters_are_escaped(get):
    assert get("size/10000") == b"x" * 10_000
    assert get("name/ü b.jpg?q=a b") == b"/name/%C3%BC%20b.jpg?q=a%20b"


@pytest.mark.parametrize(
    ("path", "wanted", "asked"),
    [
        ("size/10001", "is larger than 10,000 bytes", 1),
        ("endless", "is larger than 10,000 bytes", 1),
        ("status/404", "the server answers 404 Not Found", 1),
        ("status/503", "the server answers 503", 3),
        ("short", "was cut off", 3),
        ("round", "is redirected more than 5 times", 6),
        ("to/file:///etc/passwd", "has the scheme 'file'", 1),
        ("to/https:///x", "names no host", 1),
    ],
)
def test_each_failure_has_its_reason_and_is_tried_again_only_where_that_may_help(path, wanted, asked, get, server):
    with pytest.raises(FetchError, match=wanted):
        get(path)
    assert len(server.asked) == asked


def test_a_server_that_is_busy_is_asked_again(get, server):
    assert get("soon/2") == b"ok"
    assert len(server.asked) == 3


def test_a_server_that_drips_headers_or_is_silent_is_left(get):
    begun = time.monotonic()
    with pytest.raises(FetchError, match=r"took longer than 0\.5 seconds"):
        get("drip", seconds=0.5, tries=1)
    with pytest.raises(FetchError, match="is silent"):
        get("silent", silence=0.3, tries=1)
    assert time.monotonic() - begun < 20  # a hundred headers take fifty seconds


def test_private_addresses_are_refused_by_every_name_they_have(server):
    port = server.server_port
    shut = Limits(tries=1)
    for host in (
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "10.0.0.1",
        "169.254.169.254",
        "2130706433",
    ):
        with pytest.raises(FetchError, match=r"lies in a private network|is not found"):
            web.get(f"http://{host}:{port}/size/1", shut)
    assert server.asked == []


def test_the_address_that_was_looked_at_is_the_one_that_is_asked(server, monkeypatch):
    """A name that changes its address between the look and the call reaches nobody."""
    answers = iter(["93.184.216.34", "127.0.0.1"])
    asked = []

    def told(host, port, **_):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    def connect(address, timeout):
        asked.append(address[0])
        raise OSError("no net in tests")

    monkeypatch.setattr(socket, "getaddrinfo", told)
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(FetchError, match="no net in tests"):
        web.get(f"http://rebinding.example:{server.server_port}/size/1", Limits(tries=1))
    assert asked == ["93.184.216.34"]


@pytest.mark.parametrize(
    "url", ["", "x", "ftp://a.org/x", "file:///etc/passwd", "http://[", "http://u:p@127.0.0.1/", "http://a:99999/"]
)
def test_what_is_no_address_is_told(url):
    with pytest.raises(FetchError, match=r"scheme|no host|no address|user name"):
        web.get(url, OURS)
