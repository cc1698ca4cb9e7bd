"""A real server on a port of this machine: patience, ends, and what survives them."""

import contextlib
import gc
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import psutil
import pytest

from raravis.errors import RunError, UsageError
from raravis.serve.corrections import Corrections
from raravis.verbs import serve as verb
from raravis.web import server

CHILD = Path(__file__).with_name("serving_child.py")


@pytest.fixture
def start(tmp_path):
    """Start a server: `start(idle_seconds)`; gives its process and its address."""
    started = []

    def begin(idle=30):
        command = [sys.executable, str(CHILD), str(tmp_path), str(idle)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process, f"http://127.0.0.1:{int(process.stdout.readline())}"

    yield begin
    for process in started:
        process.kill()
        process.wait(60)
        process.stdout.close()


def correct(client, photo, number):
    return client.post(
        "/api/v1/corrections", files={"file": (f"{number}.jpg", photo, "image/jpeg")}, data={"family": "felidae"}
    )


def test_a_kill_loses_no_correction_that_was_acknowledged(start, draw, tmp_path, until):
    process, address = start()
    acknowledged, stop = [], threading.Event()

    def send(who):
        with httpx.Client(base_url=address, timeout=60) as client, contextlib.suppress(httpx.TransportError):
            for number in range(1000):
                answer = correct(client, draw() + f"{who} {number}".encode(), number)
                if stop.is_set() and answer.status_code != 201:
                    return
                assert answer.status_code == 201
                acknowledged.append(answer.json()["id"])

    threads = [threading.Thread(target=send, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    until(lambda: len(acknowledged) >= 20 or not any(thread.is_alive() for thread in threads))
    stop.set()
    os.kill(process.pid, signal.SIGKILL)
    for thread in threads:
        thread.join(120)
    assert len(acknowledged) >= 20
    with Corrections.open(tmp_path / "corrections.sqlite") as kept:
        assert set(acknowledged) <= {one.id for one in kept.table()}
        for one in kept.table():
            assert kept.image(one.image_id)
    _, address = start()  # and it goes on from there
    with httpx.Client(base_url=address, timeout=60) as client:
        assert correct(client, draw(), 0).json()["id"] > max(acknowledged)


def test_told_to_stop_it_answers_what_is_under_way_and_ends_well(start, draw):
    process, address = start()
    with httpx.Client(base_url=address, timeout=60) as client:
        assert correct(client, draw(), 1).status_code == 201
    process.send_signal(signal.SIGTERM)
    assert process.stdout.read().strip() == "ended"
    assert process.wait(60) == 0


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /hea",
        b"POST /api/v1/identify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\nx",
    ],
)
def test_a_client_that_never_comes_to_the_end_of_its_head_is_left(start, sent):
    _, address = start(idle=1)
    with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])), 30) as silent:
        silent.sendall(sent)
        received = b""
        while chunk := silent.recv(65536):  # until the server closes
            received += chunk
    assert received == b"" or b" 200 " in received or b" 415 " in received
    assert httpx.get(f"{address}/healthz", timeout=60).status_code == 200


def test_a_client_that_never_reads_its_answers_is_left(start, until):
    process, address = start(idle=1)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.connect(("127.0.0.1", int(address.rsplit(":", 1)[1])))
        client.settimeout(60)
        asks = 2000
        sending = threading.Thread(
            target=_sent, args=(client, b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * asks)
        )
        sending.start()
        got = bytearray(client.recv(1))  # it begins to answer
        until(lambda: client.getsockname() not in _clients(process))
        sending.join(60)
        assert not sending.is_alive()
        with contextlib.suppress(ConnectionError):
            while piece := client.recv(1 << 16):
                got += piece
    assert got.count(b"HTTP/1.1 200") < asks
    assert httpx.get(f"{address}/healthz", timeout=60).status_code == 200


def _clients(process):
    """The addresses of those who are connected to a server."""
    return [one.raddr for one in psutil.Process(process.pid).net_connections("tcp")]


def _sent(client, data):
    with contextlib.suppress(OSError):
        client.sendall(data)


def test_a_signal_that_comes_before_the_server_listens_for_it_ends_it(until):
    told = []
    with server._stoppable(lambda: told.append("stop")):
        os.kill(os.getpid(), signal.SIGTERM)
        until(lambda: told)
    assert told == ["stop"]


def test_damaged_requests_are_no_crash(start):
    _, address = start()
    port = int(address.rpartition(":")[2])
    for sent in (b"\x00" * 100 + b"\r\n\r\n", b"GET " + b"/" * 100_000 + b" HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02"):
        with socket.create_connection(("127.0.0.1", port), 60) as odd, contextlib.suppress(ConnectionError):
            odd.sendall(sent)
            odd.recv(65536)
    assert httpx.get(f"{address}/healthz", timeout=60).json() == {"status": "ok"}


def test_what_was_imported_is_no_garbage_while_requests_are_served():
    gc.unfreeze()
    gc.unfreeze()
    before = gc.get_freeze_count()
    with server._settled():
        assert gc.get_freeze_count() > before + 10_000
    assert gc.get_freeze_count() == before


def test_others_are_not_let_in_without_a_token():
    for host in ("0.0.0.0", "::"):
        with pytest.raises(UsageError, match="without a token") as caught:
            server.bound(host, 0, token=None)
        assert "RARAVIS_TOKEN=" in str(caught.value)
    listening, is_local = server.bound("0.0.0.0", 0, token="t")
    listening.close()
    assert not is_local


def test_addresses_of_this_machine_and_ports_that_are_taken():
    listening, is_local = server.bound("localhost", 0, token=None)
    with listening:
        assert is_local
        with pytest.raises(UsageError, match="--port"):
            server.bound("localhost", listening.getsockname()[1], token=None)
    with pytest.raises(UsageError, match="is no address"):
        server.bound("nowhere.invalid", 0, token=None)


class _Damaged:
    """Opens, and is found damaged when it is made ready."""

    def prepare(self):
        raise RunError("neighbours.npz cannot be used")


def test_a_model_that_fails_while_it_is_made_ready_leaves_no_file(monkeypatch, tmp_path):
    monkeypatch.setattr(verb, "open_predictor", lambda path, **options: _Damaged())
    with pytest.raises(RunError, match=r"neighbours\.npz"):
        verb.serve("model", port=0, corrections=tmp_path / "new" / "corrections.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_taken_is_told_before_a_file_is_made(fake, monkeypatch, tmp_path):
    """Another server has the port and is not ready yet: it prepares its model."""
    monkeypatch.setattr(verb, "open_predictor", lambda path, **options: fake)
    monkeypatch.setattr(verb.server, "Running", _NotReached)
    listening, _ = server.bound("127.0.0.1", 0, token=None)
    with listening, pytest.raises(UsageError, match="--port"):
        verb.serve("model", port=listening.getsockname()[1], corrections=tmp_path / "corrections.sqlite")
    assert list(tmp_path.iterdir()) == []


class _NotReached:
    def __init__(self, *given, **options):
        pytest.fail("it would have served")


def test_a_file_of_corrections_that_is_there_is_not_touched_by_a_model_that_fails(draw, monkeypatch, tmp_path):
    file = tmp_path / "corrections.sqlite"
    with Corrections.open(file) as kept:
        words = dict.fromkeys(("file_name", "told", "who", "model"), "x")
        kept.add(draw(), suffix=".jpg", family="felidae", **words)
    before = (file.read_bytes(), file.stat().st_mtime_ns)
    monkeypatch.setattr(verb, "open_predictor", lambda path, **options: _Damaged())
    with pytest.raises(RunError):
        verb.serve("model", port=0, corrections=file)
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before
    assert list(tmp_path.iterdir()) == [file]
