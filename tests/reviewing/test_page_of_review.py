"""The page in a browser: keys answer, answers outlive a reload, and the file that is saved is taken in."""

import base64
import io
import re
import shutil
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest
from PIL import Image

from raravis.credits import Rights
from raravis.data.sources import bestiary
from raravis.reviewing import answers, sheet
from raravis.reviewing.item import Item
from raravis.reviewing.sheet import Beside

BOX = (0.5, 0.25, 0.5, 0.75)
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def written(tmp_path):
    """A review of three photographs and of two animals in a fourth; two paths try to be more than words."""
    names = ["a.jpg", 'b "x", <b>y</b>.jpg', "c.jpg", "</script>.jpg"]
    items = []
    for number, name in enumerate(names):
        file = tmp_path / f"{number}.png"
        Image.fromarray(np.full((30, 40, 3), 60 * number, np.uint8)).save(file)
        likely = (("felidae", 0.5), ("canidae", 0.4))
        items.append(Item(name, file, "felidae", 0.5, "uncertain", "why", 0.5, candidates=likely, image_id="ab" * 32))
    items[3:] = [replace(items[3], box=box) for box in (BOX, (0.0, 0.0, 0.5, 1.0))]
    sheet.write(tmp_path, items, title="T", lead="L", families=["canidae", "felidae"], beside={}, quiet=True)
    return tmp_path, names


@pytest.fixture
def served(written):
    """The address of that folder: a headless Chromium does not always keep what a page of a file stores."""
    folder, _ = written
    handler = partial(Silent, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_words_of_others_are_words_on_the_page(written):
    folder, _ = written
    text = (folder / sheet.PAGE).read_text()
    assert "<b>y</b>" not in text
    assert text.count("</script>") == 1


def test_whose_a_photograph_is_stands_beside_it_and_only_web_addresses_are_links(tmp_path):
    file = tmp_path / "0.png"
    Image.fromarray(np.full((30, 40, 3), 60, np.uint8)).save(file)
    own = Rights("https://example.org/licence", "Ada <b>", "https://www.example.net/page")
    other = Rights("javascript:alert(1)//x", 'Bo" onload="x')
    items = [
        Item("a.jpg", file, "felidae", 0.5, "label in doubt", "why", 0.5, label="canidae", rights=own),
        Item("b.jpg", file, "felidae", 0.5, "uncertain", "why", 0.5),
    ]
    beside = {"a.jpg": [Beside("felidae", file, other)], "b.jpg": [Beside("felidae", file, Rights())]}
    sheet.write(tmp_path, items, title="T", lead="L", families=["felidae"], beside=beside, quiet=True)
    text = (tmp_path / sheet.PAGE).read_text()
    link = '<a href="{}" rel="noopener noreferrer">{}</a>'
    licence = link.format("https://example.org/licence", "https://example.org/licence")
    page = link.format("https://www.example.net/page", "example.net")
    assert f'<p class="file">a.jpg · © Ada &lt;b&gt;, {licence}, {page}</p>' in text
    assert '<span class="whose">© Bo&#34; onload=&#34;x, javascript:alert(1)//x</span>' in text
    assert '<p class="file">b.jpg</p>' in text, "of no data"
    assert '<span class="whose">licence unknown</span>' in text
    assert text.count("<a href=") == 2


def test_an_animal_is_shown_large_and_framed_in_its_photograph(tmp_path):
    image = np.full((200, 400, 3), 255, np.uint8)
    image[50:100, 300:350] = (255, 0, 0)
    Image.fromarray(image).save(tmp_path / "0.png")
    item = Item("a.jpg", tmp_path / "0.png", "felidae", 0.5, "uncertain", "why", 0.5, box=(0.75, 0.25, 0.125, 0.25))
    near = [Beside("canidae", tmp_path / "0.png", Rights())]
    sheet.write(tmp_path, [item], title="T", lead="L", families=["felidae"], beside={item.name: near}, quiet=True)
    text = (tmp_path / sheet.PAGE).read_text()
    large, whole, _ = (
        Image.open(io.BytesIO(base64.b64decode(data))) for data in re.findall(r"data:image/jpeg;base64,([^\"]+)", text)
    )
    assert large.size == (55, 55)
    assert np.asarray(large)[..., 1].mean() < 60
    assert whole.size == (320, 160)
    assert '<span style="left: 75.00%; top: 25.00%; width: 12.50%; height: 25.00%"></span>' in text
    assert 'data-bbox="0.75|0.25|0.125|0.25"' in text
    assert (tmp_path / sheet.TABLE).read_text().splitlines()[1].endswith(",0.75|0.25|0.125|0.25")


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is at hand")
def test_keys_answer_and_what_is_saved_is_taken_in(written, served):
    playwright = pytest.importorskip("playwright.sync_api")
    folder, names = written
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"], timeout=120_000)
        page = browser.new_page(viewport={"width": 390, "height": 844})
        page.set_default_timeout(60_000)
        faults = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text))
        page.goto(f"{served}/{sheet.PAGE}")
        for key in ("Enter", "2", "0", "f"):
            page.keyboard.press(key)
        page.keyboard.type("Ursidae")
        page.keyboard.press("Enter")
        page.keyboard.press("2")
        page.locator(".note").nth(1).fill('a "note", really')
        page.fill("#who", "Ada")
        page.reload()
        assert page.locator("#count").text_content() == "5 of 5 answered"
        page.locator("#item-1").focus()
        page.keyboard.press("u")
        assert page.locator("#count").text_content() == "4 of 5 answered"
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        with page.expect_download() as saved:
            page.click("#save")
        saved.value.save_as(folder / "answers.csv")
        browser.close()
    assert faults == []
    found = answers.read(folder / "answers.csv").answers
    assert [one.file_path for one in found] == [*names[1:], names[3]]
    assert [one.family for one in found] == ["canidae", "-", "Ursidae", "canidae"]
    assert [one.box for one in found] == [None, None, BOX, (0.0, 0.0, 0.5, 1.0)]
    assert (found[0].note, found[0].who) == ('a "note", really', "Ada")


@pytest.fixture
def meadow(tmp_path):
    """A review of a cat and an owl that stand in one photograph, beside pictures like them; all of them drawn."""
    bestiary.draw(tmp_path / "drawn", share=0.05, families=["felidae", "strigidae"], quiet=True)
    cats, owls = (sorted(tmp_path.glob(f"drawn/*{name}/*.jpg")) for name in ("felidae", "strigidae"))
    photograph, items = Image.new("RGB", (960, 540), (196, 205, 172)), []
    for told, other, sure, (left, top), pictures in (
        ("felidae", "mustelidae", 0.52, (80, 250), cats),
        ("strigidae", "falconidae", 0.61, (640, 60), owls),
    ):
        with Image.open(pictures[0]) as drawn:
            photograph.paste(drawn.resize((210, 210)), (left, top))
        likely = ((told, sure), (other, 0.3), ("hylidae", 0.04))
        box = (left / 960, top / 540, 210 / 960, 210 / 540)
        file = tmp_path / "meadow.jpg"
        words = f"uncertain: {told} {sure:.2f}"
        items.append(Item("meadow.jpg", file, told, sure, "uncertain", words, 0.5, candidates=likely, box=box))
    photograph.save(file, quality=90)
    whose = Rights("Apache-2.0", "raravis, drawn by its own code")
    beside = {
        item.name: [Beside(item.told, one, whose) for one in some[1:5]]
        for item, some in zip(items, (cats, owls), strict=True)
    }
    lead = "2 of 2 animals in their boxes that the model named, the most useful first."
    sheet.write(tmp_path, items, title="To look at", lead=lead, families=["felidae"], beside=beside, quiet=True)
    return tmp_path, items


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is at hand")
def test_the_frame_lies_where_the_animal_is_on_every_screen(meadow, seen):
    playwright = pytest.importorskip("playwright.sync_api")
    folder, items = meadow
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"], timeout=120_000)
        for name, size in (("review", (1100, 800)), ("review-phone", (390, 844))):
            page = browser.new_page(viewport={"width": size[0], "height": size[1]})
            page.goto((folder / sheet.PAGE).as_uri())
            page.locator(".nearest img").last.scroll_into_view_if_needed()
            page.evaluate("scrollTo(0, 0)")
            seen(page, name)
            for number, item in enumerate(items):
                rectangles = (
                    page.locator(".framed")
                    .nth(number)
                    .evaluate(
                        "one => ['img', 'span'].map(name => one.querySelector(name).getBoundingClientRect().toJSON())"
                    )
                )
                image, frame = rectangles
                left, top = ((frame[side] - image[side]) / image[of] for side, of in (("x", "width"), ("y", "height")))
                wide, high = (frame[of] / image[of] for of in ("width", "height"))
                assert (left, top, wide, high) == pytest.approx(item.box, abs=0.02)
            assert page.evaluate("document.documentElement.scrollWidth") == size[0]
        browser.close()
