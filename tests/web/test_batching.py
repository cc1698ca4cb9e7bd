"""Many clients, one model: full batches, fair turns, bounded queues."""

import asyncio
import dataclasses
import threading
import time

import numpy as np
import pytest

from raravis.errors import RunError
from raravis.web.batching import Batcher, BusyError
from raravis.web.model import Model
from raravis.web.photos import Photo


class Slow:
    """A model that waits for a gate and remembers whose photographs came in which batch."""

    families, size, fit = ("a", "b"), 1, "crop"

    def __init__(self):
        self.begun, self.gate, self.batches = threading.Semaphore(0), threading.Event(), []

    def answer(self, batch):
        from raravis.serve.predictor import Answer

        self.begun.release()
        self.gate.wait(60)
        self.batches.append(batch[:, 0, 0, 0].tolist())
        if 255 in self.batches[-1]:
            raise RunError("the model is damaged")
        return Answer(np.tile(np.array([[0.25, 0.75]], np.float32), (len(batch), 1)), features=batch[:, 0, 0])


class Fragile(Slow):
    """It has no evidence for the photograph 2, and its training photographs are damaged."""

    def heat(self, batch, classes):
        if 2 in batch:
            raise RunError("no finite numbers")
        return batch[:, :, :, 0].astype(np.float32)

    def nearest(self, features, count):
        raise RunError("damaged")


class Pair(Slow):
    """Two threads may ask it."""

    at_once = 2


class Leaving(Slow):
    """While it is at work on more than one, a client leaves."""

    leaving = None

    def answer(self, batch):
        try:
            return super().answer(batch)
        finally:
            if len(batch) > 1:
                left = threading.Event()
                self.leaving.get_loop().call_soon_threadsafe(lambda: (self.leaving.cancel(), left.set()))
                left.wait(60)


async def ask(batcher, number, client, *, more=False):
    future = asyncio.get_running_loop().create_future()
    batcher.put(Photo(np.full((1, 1, 3), number, np.uint8)), client, future, more=more)
    return await future


def serve(work, *, batch=4, linger=0.0, waiting=64, kind=Slow):
    """Run `work(batcher, model)` and stop the batcher."""
    model = kind()

    async def all_of_it():
        batcher = Batcher(Model(model), batch=batch, linger=linger, waiting=waiting)
        try:
            return await asyncio.wait_for(work(batcher, model), 120)
        finally:
            model.gate.set()
            await asyncio.to_thread(batcher.close)

    return asyncio.run(all_of_it()), model


async def gathered(batcher, *asks):
    """Start asks one after the other; give their tasks."""
    tasks = []
    for number, client in asks:
        tasks.append(asyncio.ensure_future(ask(batcher, number, client)))
        await asyncio.sleep(0)
    return tasks


async def at_work(model):
    """Wait until the model is asked about a further batch."""
    assert await asyncio.to_thread(model.begun.acquire, timeout=60)


async def ending(batcher):
    """Begin to close it; gives the task of that."""
    task = asyncio.create_task(asyncio.to_thread(batcher.close))
    while not batcher._closed:
        await asyncio.sleep(0.005)
    return task


def test_clients_take_turns_photograph_by_photograph():
    async def work(batcher, model):
        first = await gathered(batcher, (0, "first"))
        await at_work(model)
        many = await gathered(batcher, *((10 + i, "many") for i in range(6)))
        one = await gathered(batcher, (20, "one"), (21, "one"))
        model.gate.set()
        return await asyncio.gather(*first, *many, *one)

    said, model = serve(work)
    assert model.batches == [[0], [10, 20, 11, 21], [12, 13, 14, 15]]
    assert len(said) == 9


def test_what_waits_while_the_model_works_becomes_one_batch_and_every_answer_finds_its_asker():
    async def work(batcher, model):
        first = await gathered(batcher, (0, "x"))
        await at_work(model)
        rest = await gathered(batcher, (1, "a"), (2, "b"), (3, "c"))
        model.gate.set()
        return await asyncio.gather(*first, *rest)

    said, model = serve(work)
    assert model.batches == [[0], [1, 2, 3]]
    assert [one.number for one in said] == [0, 0, 1, 2]


def test_a_first_photograph_lingers_for_others():
    async def work(batcher, model):
        model.gate.set()
        first = await gathered(batcher, (0, "a"))
        await asyncio.sleep(0.05)
        return await asyncio.gather(*first, *(await gathered(batcher, (1, "b"), (2, "c"), (3, "d"))))

    _, model = serve(work, linger=20.0)
    assert model.batches == [[0, 1, 2, 3]]  # full, so nobody waited for the rest of the twenty seconds


def test_who_has_waited_already_does_not_linger():
    async def work(batcher, model):
        full = await gathered(batcher, *((number, "a") for number in range(4)))
        await at_work(model)
        late = await gathered(batcher, (4, "a"))
        (lane,) = batcher._jobs._lanes.values()
        lane[0] = dataclasses.replace(lane[0], since=lane[0].since - 1000)
        model.gate.set()
        return await asyncio.gather(*full, *late)

    _, model = serve(work, linger=1000.0)
    assert model.batches == [[0, 1, 2, 3], [4]]


def test_of_a_model_that_two_threads_may_ask_the_second_batch_begins_before_the_first_ends():
    async def work(batcher, model):
        many = await gathered(batcher, *((number, "a") for number in range(5)))
        for _ in range(2):  # two batches begin before the gate lets one of them end
            await at_work(model)
        closing = await ending(batcher)
        model.gate.set()
        await closing
        return await asyncio.gather(*many, ask(batcher, 9, "a"), return_exceptions=True)

    said, model = serve(work, kind=Pair)
    answered = sorted(number for batch in model.batches for number in batch)
    assert len(model.batches) == 3
    assert max(map(len, model.batches)) <= 2
    assert [isinstance(one, RunError) for one in said] == [number not in answered for number in (0, 1, 2, 3, 4, 9)]


def test_a_photograph_that_the_model_fails_on_fails_alone():
    async def work(batcher, model):
        first = await gathered(batcher, (0, "x"))
        await at_work(model)
        rest = await gathered(batcher, (1, "a"), (255, "b"), (3, "c"))
        model.gate.set()
        return await asyncio.gather(*first, *rest, return_exceptions=True)

    said, model = serve(work)
    assert model.batches == [[0], [1, 255, 3], [1], [255], [3]]
    assert [isinstance(one, RunError) for one in said] == [False, False, True, False]
    assert said[3].photo.pixels.max() == 3


def test_nobody_is_asked_for_again_who_has_gone_or_while_the_server_ends():
    async def work(batcher, model):
        first = await gathered(batcher, (0, "x"))
        await at_work(model)
        gone, *rest = await gathered(batcher, (1, "a"), (255, "b"), (3, "c"))
        model.leaving = gone
        model.gate.set()
        return await asyncio.gather(*first, *rest, return_exceptions=True)

    said, model = serve(work, kind=Leaving)
    assert model.batches == [[0], [1, 255, 3], [255], [3]]
    assert [isinstance(one, RunError) for one in said] == [False, True, False]


def test_an_error_of_the_model_is_the_answer_and_the_next_batch_goes_on():
    async def work(batcher, model):
        model.gate.set()
        with pytest.raises(RunError, match="damaged"):
            await ask(batcher, 255, "a")
        return await ask(batcher, 1, "a")

    said, _ = serve(work)
    np.testing.assert_allclose(said.answer.probabilities[said.number], [0.25, 0.75])


def test_what_a_page_lacks_is_nobodys_error(caplog):
    async def work(batcher, model):
        first = await gathered(batcher, (0, "x"))
        await at_work(model)
        page = [asyncio.ensure_future(ask(batcher, number, "a", more=True)) for number in (1, 2)]
        await asyncio.sleep(0)
        rest = await gathered(batcher, (3, "b"))
        model.gate.set()
        return await asyncio.gather(*first, *page, *rest)

    said, model = serve(work, kind=Fragile)
    assert model.batches == [[0], [1, 3, 2]]
    assert [None if one.heat is None else one.heat.tolist() for one in said] == [None, [[1.0]], None, None]
    assert [one.nearest for one in said] == [()] * 4
    assert [record.getMessage() for record in caplog.records] == [
        "An answer lacks its heat map: RunError: no finite numbers",
        "An answer lacks its training photographs: RunError: damaged",
    ]


def test_who_went_away_is_not_asked_for():
    async def work(batcher, model):
        first = await gathered(batcher, (0, "a"))
        await at_work(model)
        gone, stayed = await gathered(batcher, (1, "b"), (2, "b"))
        gone.cancel()
        await asyncio.sleep(0)
        model.gate.set()
        return await asyncio.gather(*first, stayed)

    _, model = serve(work)
    assert model.batches == [[0], [2]]


def test_places_are_bounded_in_all_and_to_half_for_one_client():
    async def work(batcher, model):
        with batcher.places("a", 4):
            with pytest.raises(BusyError), batcher.places("a", 1):
                pass
            with batcher.places("b", 4):
                assert batcher.waiting == 8
                with pytest.raises(BusyError), batcher.places("c", 1):
                    pass
        assert batcher.waiting == 0
        with batcher.places("a", 4):
            pass

    serve(work, waiting=8)


def test_closing_tells_those_who_wait_and_a_later_photograph_starts_it_again():
    async def work(batcher, model):
        first = await gathered(batcher, (0, "a"))
        await at_work(model)
        waiting = await gathered(batcher, (1, "a"))
        closing = await ending(batcher)
        model.gate.set()
        await closing
        again = await ask(batcher, 2, "a")
        return again, await asyncio.gather(*first, *waiting, return_exceptions=True)

    (again, (first, waiting)), model = serve(work)
    assert first.number == again.number == 0
    assert isinstance(waiting, RunError)
    assert model.batches == [[0], [2]]


def test_a_server_that_is_full_says_when_to_come_back(make, visit, draw, fake, monkeypatch, until):
    from raravis.web.limits import Limits

    gate = threading.Event()
    answer = type(fake).answer
    monkeypatch.setattr(type(fake), "answer", lambda self, batch: (gate.wait(60), answer(self, batch))[1])

    async def work():
        app = make(limits=Limits(files=2, waiting=4))
        async with visit(app) as client:
            two = [("files", ("x.jpg", draw(), "image/jpeg"))] * 2
            held = asyncio.create_task(client.post("/api/v1/identify", files=two))
            await asyncio.to_thread(until, lambda: app.state.rooms.desk._batcher.waiting)
            busy = await client.post("/api/v1/identify", files=two)
            gate.set()
            return busy, await held, await client.post("/api/v1/identify", files=two)

    busy, held, after = asyncio.run(work())
    assert (busy.status_code, busy.headers["retry-after"]) == (503, "2")
    assert (held.status_code, after.status_code) == (200, 200)


def test_an_answer_that_takes_too_long(make, visit, draw, fake, monkeypatch):
    from raravis.web.limits import Limits

    gate = threading.Event()
    monkeypatch.setattr(type(fake), "answer", lambda self, batch: gate.wait(60))

    async def work():
        async with visit(make(limits=Limits(answer_seconds=0.2))) as client:
            return await client.post("/api/v1/identify", files={"files": ("x.jpg", draw(), "image/jpeg")})

    answer = asyncio.run(work())
    gate.set()
    assert answer.status_code == 503
    assert "too long" in answer.json()["detail"]


@pytest.mark.parametrize("number", [1, 255])
def test_who_has_an_answer_finds_its_batch_counted(number):
    counted = []

    def told(size, seconds):
        time.sleep(0.05)
        counted.append(size)

    async def work():
        model = Slow()
        model.gate.set()
        batcher = Batcher(Model(model), batch=4, linger=0.0, waiting=64, told=told)
        await asyncio.gather(ask(batcher, number, "one"), return_exceptions=True)
        found = list(counted)
        await asyncio.to_thread(batcher.close)
        return found

    assert asyncio.run(work()) == [1]
