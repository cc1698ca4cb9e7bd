"""The desk: decoding takes turns too, nobody is left waiting, and what fails takes no others with it."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from raravis.errors import RunError
from raravis.web import desk, photos
from raravis.web.desk import Desk
from raravis.web.forms import Upload
from raravis.web.limits import Limits
from raravis.web.model import Model
from raravis.web.turns import Turns


def upload(data, name="x.jpg"):
    return Upload("files", name, "image/jpeg", data)


@pytest.fixture
def slow(monkeypatch):
    """Decoding on one thread, which waits at a gate and remembers what was decoded."""
    gate, begun, names, real = threading.Event(), threading.Event(), [], photos.read

    def read(upload, *given, **more):
        names.append(upload.name)
        begun.set()
        gate.wait(60)
        return real(upload, *given, **more)

    monkeypatch.setattr(photos, "read", read)
    monkeypatch.setattr(desk, "cores", lambda: 1)
    return gate, begun, names


def test_clients_take_turns_and_what_is_gone_takes_none():
    turns = Turns(lambda one: one < 0)
    for client, one in (("a", 1), ("a", -2), ("a", 3), ("b", 4), ("c", -5)):
        turns.put(client, one)
    assert len(turns) == 5
    assert turns.firsts() == [1, 4, -5]
    assert [turns.take() for _ in range(4)] == [1, 4, 3, None]
    turns.put("a", 6)
    assert turns.cleared() == [6]
    assert len(turns) == 0


def test_who_sends_one_is_not_kept_waiting_by_the_decoding_of_thirty(fake, draw, slow, until):
    gate, begun, names = slow

    async def work():
        made = Desk(Model.of(fake, "f"), Limits(), top_k=3)
        many = asyncio.create_task(made.identify([upload(draw(), f"many {i}") for i in range(30)], "many"))
        await asyncio.to_thread(begun.wait, 60)
        one = asyncio.create_task(made.identify([upload(draw(), "one")], "one"))
        await asyncio.to_thread(until, lambda: len(made._uploads) == 30)  # all but the one that is being decoded
        gate.set()
        await asyncio.gather(many, one)
        made.close()

    asyncio.run(work())
    assert names.index("one") <= 2
    assert len(names) == 31


def test_closing_tells_those_whose_photographs_wait_to_be_decoded(fake, draw, slow, monkeypatch):
    gate, begun, names = slow
    before = set(threading.enumerate())

    class Pool(ThreadPoolExecutor):
        """The gate opens when it is shut down, before it waits for its threads."""

        def shutdown(self, wait=True, **options):
            super().shutdown(wait=False, **options)
            gate.set()
            super().shutdown(wait)

    monkeypatch.setattr(desk, "ThreadPoolExecutor", Pool)

    async def work():
        made = Desk(Model.of(fake, "f"), Limits(), top_k=3)
        asks = [asyncio.create_task(made.identify([upload(draw())], "a")) for _ in range(4)]
        await asyncio.to_thread(begun.wait, 60)
        await asyncio.to_thread(made.close)
        told = await asyncio.wait_for(asyncio.gather(*asks, return_exceptions=True), 60)
        (again,) = await made.identify([upload(draw("green"))], "a")
        made.close()
        return told, again

    (_, *rest), again = asyncio.run(work())
    assert all(isinstance(one, RunError) and "stopping" in str(one) for one in rest)
    assert again.row.families[0] == "felidae"
    assert len(names) == 2
    assert not [one for one in threading.enumerate() if one not in before and one.name.startswith("raravis")]


def test_where_one_photograph_fails_the_others_of_its_request_end_with_it(fake, draw, slow, monkeypatch):
    gate, _, names = slow
    slowly = photos.read

    def read(upload, *given, **more):
        if upload.name == "bad":
            raise RunError("no")
        return slowly(upload, *given, **more)

    monkeypatch.setattr(photos, "read", read)

    async def work():
        made = Desk(Model.of(fake, "f"), Limits(), top_k=3)
        with pytest.raises(RunError):
            await made.identify([upload(draw(), "bad"), *(upload(draw(), str(i)) for i in range(30))], "a")
        gate.set()
        await made.identify([upload(draw(), "next")], "a")
        await asyncio.to_thread(made.close)

    asyncio.run(work())
    assert names in (["next"], ["0", "next"])  # one may have been begun before the bad one was told of


def test_a_thread_that_cannot_start_is_one_error_and_the_next_photograph_tries_again(fake, draw, monkeypatch):
    start, failed = threading.Thread.start, []

    def sometimes(self):
        if self.name.startswith("raravis-model") and not failed:
            failed.append(self)
            raise RuntimeError("can't start new thread")
        start(self)

    monkeypatch.setattr(threading.Thread, "start", sometimes)

    async def work():
        made = Desk(Model.of(fake, "f"), Limits(), top_k=3)
        with pytest.raises(RuntimeError, match="can't start"):
            await made.identify([upload(draw())], "a")
        (found,) = await made.identify([upload(draw())], "a")
        made.close()
        return found

    assert asyncio.run(work()).row.families[0] == "canidae"
    assert failed
