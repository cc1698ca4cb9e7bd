"""The page of corrections: the newest first, and what of them it leaves out."""

import asyncio

from raravis.web import pages


async def page_of(app, visit):
    async with visit(app) as client:
        return (await client.get("/corrections")).text


def test_the_page_of_corrections_says_that_there_are_older_ones(make, visit, kept, monkeypatch):
    monkeypatch.setattr(pages, "SHOWN", 2)
    for number in range(3):
        kept.add(b"x", suffix=".jpg", file_name=f"{number}.jpg", told="canidae", family="felidae", who="", model="")
        page = asyncio.run(page_of(make(), visit))
        assert ("The newest 2 are shown" in page) is (number == 2)
    assert [name in page for name in ("0.jpg", "1.jpg", "2.jpg")] == [False, True, True]
