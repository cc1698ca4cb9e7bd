"""The page as people meet it, in headless Chromium: every picture is of an animal that our own code draws.

`RARAVIS_SCREENSHOTS` names a folder that keeps what was seen.
"""

import base64
import os
import shutil
import threading
from pathlib import Path

import pytest
from PIL import Image

from raravis.data import decode
from raravis.serve.corrections import Corrections
from raravis.web import app as module
from raravis.web import server
from raravis.web.gate import LOOPBACK
from raravis.web.limits import Limits

CHROMIUM = os.environ.get("RARAVIS_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SLOW = 60_000

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = playwright.expect
expect.set_options(timeout=SLOW)
if not CHROMIUM:
    pytest.skip("no Chromium is at hand (RARAVIS_CHROMIUM)", allow_module_level=True)


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS, timeout=2 * SLOW)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def animals(small_model, tmp_path_factory):
    return small_model.animals(tmp_path_factory.mktemp("animals"))


@pytest.fixture(scope="module")
def model(small_model, animals):
    return small_model.fitted(animals)


@pytest.fixture(scope="module")
def site(model, tmp_path_factory):
    """A server on a port of this machine; gives its address and its corrections."""
    with Corrections.open(tmp_path_factory.mktemp("kept") / "corrections.sqlite") as kept:
        app = module.create(model, name="bestiary", corrections=kept, hosts=LOOPBACK, limits=Limits(file_bytes=1 << 20))
        listening, _ = server.bound("127.0.0.1", 0, token=None)
        up = threading.Event()
        running = server.Running(app, listening, idle_seconds=15, ready=up.set)
        thread = threading.Thread(target=running.run)
        thread.start()
        assert up.wait(60)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", kept
        running.stop()
        thread.join(60)


@pytest.fixture
def visit(browser, site):
    """Open the page; options as for a browser's context. What the page complains of fails the test."""
    contexts, complaints = [], []

    def opened(path="/", **options):
        options = {"viewport": {"width": 1100, "height": 800}, **options}
        context = browser.new_context(**options)
        context.set_default_timeout(SLOW)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda told: complaints.append(told.text) if told.type in ("error", "warning") else None)
        page.goto(site[0] + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert [one for one in complaints if "Failed to load resource" not in one] == []


def answered(page, count):
    """Wait for that many answers."""
    expect(page.locator(".card:not(.waiting)")).to_have_count(count)


def held(animals, *families):
    """A picture of each family that the model has not seen."""
    return [str(sorted(animals.glob(f"*{family}/*.jpg"))[0]) for family in families]


def test_photographs_that_are_picked_become_cards_with_everything_that_is_known(visit, animals, seen):
    page = visit()
    seen(page, "empty")
    page.set_input_files("#files", held(animals, "strigidae", "felidae"))
    answered(page, 2)
    assert page.locator(".card .bars li").count() == 10
    assert page.locator(".card .lineage li").count() >= 4
    assert page.locator(".card .near img").count() >= 6
    assert "2 of 2 done" in page.locator("#status").inner_text()
    seen(page, "answers")


def test_heat_is_laid_over_the_photograph_and_taken_away_with_the_keyboard(visit, animals, seen):
    page = visit()
    page.set_input_files("#files", held(animals, "strigidae"))
    heat, toggle = page.locator(".heat"), page.locator(".show-heat")
    heat.wait_for(state="attached")
    expect(heat).to_have_css("opacity", "0")
    toggle.focus()
    page.keyboard.press("Space")
    expect(heat).to_have_css("opacity", "1")
    boxes = page.locator(".photo img").evaluate_all("all => all.map(one => one.getBoundingClientRect().toJSON())")
    assert boxes[0] == pytest.approx(boxes[1], abs=1)
    seen(page, "heat", ".card")
    page.keyboard.press("Space")
    expect(heat).to_have_css("opacity", "0")


def test_a_wrong_answer_is_corrected_in_two_clicks_and_undone_in_one(visit, animals, site, seen):
    page, (_, kept) = visit(), site
    before = kept.count()
    (photo,) = held(animals, "psittacidae")
    page.set_input_files("#files", photo)
    page.click(".verify summary")
    seen(page, "correcting")
    page.click(".correct .choices button >> nth=0")
    page.wait_for_selector(".noted button")
    assert kept.count() == before + 1
    made = kept.table()[-1]
    assert kept.image(made.image_id) == Path(photo).read_bytes()
    assert made.family != made.told
    seen(page, "corrected", ".card")
    page.click(".noted button")
    expect(page.locator(".noted")).to_contain_text("Taken back")
    assert kept.count() == before


def test_another_family_can_be_typed_and_entered(visit, animals, site):
    page, (_, kept) = visit(), site
    page.set_input_files("#files", held(animals, "felidae"))
    page.click(".verify summary")
    page.fill(".correct [name=who]", "Ada")
    page.fill(".correct [name=other]", "mustelidae")
    page.press(".correct [name=other]", "Enter")
    page.wait_for_selector(".noted")
    assert (kept.table()[-1].family, kept.table()[-1].who) == ("mustelidae", "Ada")


def test_what_is_unfamiliar_cannot_be_overlooked_and_offers_no_name(visit, animals, model, tmp_path, seen):
    strange = tmp_path / "strange.png"
    Image.effect_noise((200, 160), 90).convert("RGB").save(strange)
    assert model.answer(decode.pixels(strange.read_bytes(), model.size, model.fit)[None]).verdicts.verdict[0] == 2
    page = visit()
    page.set_input_files("#files", str(strange))
    page.wait_for_selector(".card.unfamiliar")
    assert "Unlike anything this model was taught" in page.locator(".unfamiliar h2").inner_text()
    assert page.locator(".unfamiliar .lineage").count() == 0
    assert "unfamiliar" in page.locator("#status").inner_text()
    assert page.locator(".unfamiliar .choices button").count() == 6
    seen(page, "unfamiliar")


def test_a_bad_file_says_why_and_the_others_go_on(visit, animals, tmp_path, seen):
    (tmp_path / "notes.txt").write_text("no photograph")
    (tmp_path / "large.jpg").write_bytes(b"\xff\xd8" + bytes(3 << 20))
    page = visit()
    page.set_input_files(
        "#files", [str(tmp_path / "notes.txt"), str(tmp_path / "large.jpg"), *held(animals, "felidae")]
    )
    answered(page, 3)
    told = page.locator("#results").inner_text()
    assert "was sent as text/plain, not as an image" in told
    assert "3.0 MB" in told
    assert page.locator(".card.unreadable .verdict").all_inner_texts() == ["Not readable", "Not taken"]
    assert page.locator(".card .bars").count() == 1
    seen(page, "bad-file", "#results")


def test_photographs_are_dropped_and_pasted(visit, animals):
    page = visit()
    data = base64.b64encode(Path(held(animals, "strigidae")[0]).read_bytes()).decode()
    put = """([data, kind]) => {
        const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0)), carrier = new DataTransfer();
        carrier.items.add(new File([bytes], kind + ".jpg", {type: "image/jpeg"}));
        const options = {bubbles: true, cancelable: true};
        if (kind === "drop") dispatchEvent(new DragEvent("drop", {...options, dataTransfer: carrier}));
        else document.body.dispatchEvent(new ClipboardEvent("paste", {...options, clipboardData: carrier}));
    }"""
    for kind in ("drop", "paste"):
        page.evaluate(put, [data, kind])
    answered(page, 2)
    assert sorted(page.locator("figcaption").all_inner_texts()) == ["drop.jpg", "paste.jpg"]


def test_without_a_script_the_same_forms_work(visit, animals, site, seen):
    page, (_, kept) = visit(java_script_enabled=False), site
    before = kept.count()
    page.set_input_files("#files", held(animals, "strigidae"))
    page.click("#send button")
    page.wait_for_selector(".card .bars")
    seen(page, "without-script")
    page.click(".verify summary")
    page.click(".choices button >> nth=0")
    page.wait_for_selector(".noted button")
    assert kept.count() == before + 1
    page.click(".noted button")
    page.wait_for_selector("text=Taken back")
    assert kept.count() == before


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_nothing_is_wider_than_the_screen(visit, animals, scheme, seen):
    phone = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True, "color_scheme": scheme}
    page = visit(**phone)
    page.set_input_files("#files", held(animals, "papilionidae"))
    answered(page, 1)
    page.tap(".toggle")
    page.tap(".verify summary")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    small = page.evaluate(
        "[...document.querySelectorAll('button:not(.unseen), .toggle')]"
        ".filter(b => b.offsetHeight && b.offsetHeight < 32).length"
    )
    assert small == 0
    seen(page, f"phone-{scheme}")


def test_dark_where_the_reader_wants_it(visit, animals, seen):
    page = visit(color_scheme="dark")
    page.set_input_files("#files", held(animals, "strigidae", "asteriidae"))
    answered(page, 2)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 25, 26)"
    seen(page, "dark")


def test_everything_is_reached_by_the_keyboard_in_the_order_of_reading(visit, animals):
    page = visit()
    page.set_input_files("#files", held(animals, "strigidae"))
    answered(page, 1)
    page.locator("body").focus()
    page.evaluate("document.activeElement.blur()")
    reached = []
    for _ in range(7):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("(e => e.className || e.id || e.textContent.trim())(document.activeElement)"))
    assert reached == ["skip", "brand", "Corrections", "API", "files", "show-heat", "Not right? Correct it"]
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.choices') !== null")


def test_every_control_and_picture_has_a_name(visit, animals):
    page = visit()
    page.set_input_files("#files", held(animals, "strigidae"))
    answered(page, 1)
    page.click(".verify summary")
    nameless = page.evaluate("""() => [...document.querySelectorAll('input:not([type=hidden]), button')].filter(e =>
        !e.closest('[aria-hidden]') && !(e.labels?.length || e.textContent.trim() || e.getAttribute('aria-label')))
        .map(e => e.outerHTML)""")
    assert nameless == []
    assert page.locator("img:not([alt])").count() == 0
    assert page.locator("#status[aria-live=polite]").count() == 1


LONG = {
    "file_name": "IMG_" + "0123456789" * 12 + ".jpg",
    "family": "x" * 120,
    "told": "cercopithecidae",
    "who": "y" * 200,
}


@pytest.fixture
def history(site):
    """Corrections as people make them: a short one, one of words without end, one that says little, one taken back."""
    _, kept = site
    short = {"file_name": "owl.jpg", "family": "felidae", "told": "strigidae", "who": "Ada"}
    some = [short, LONG, {**short, "told": "", "who": ""}, {**short, "file_name": "back.jpg"}]
    numbers = [kept.add(b"%d" % i, suffix=".jpg", model="m", **one) for i, one in enumerate(some)]
    kept.undo(numbers[-1])
    yield [one["file_name"] for one in some][::-1]
    for number in numbers:
        kept.undo(number)


WIDER = """() => [document.documentElement, ...document.querySelectorAll('.table, tbody :is(tr, td, th)')]
    .filter(one => one.clientWidth > 1 && one.scrollWidth > one.clientWidth + 1).map(one => one.outerHTML)"""
"""What does not fit into its own width."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_corrections_on_a_phone_are_cards_that_nobody_scrolls_sideways(visit, history, site, scheme, seen):
    phone = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True, "color_scheme": scheme}
    page, (_, kept) = visit("/corrections", **phone), site
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate(WIDER) == []
    card = page.locator(".history tbody tr").nth(3)
    label = "e => getComputedStyle(e, '::before').content"
    shown = [(cell.evaluate(label), cell.inner_text()) for cell in card.locator("td[data-label]").all()]
    assert [text for _, text in shown[:3]] == ["Strigidae", "Felidae", "Ada"]
    assert [told.split('"')[1] for told, _ in shown] == ["Model said", "It is", "Who", "When (UTC)"]
    tops = card.locator("td[data-label]").evaluate_all("all => all.map(one => one.getBoundingClientRect().top)")
    assert tops == sorted(set(tops))  # one beneath the other
    seen(page, f"corrections-phone-{scheme}")
    before = kept.count()
    card.get_by_role("button", name="Undo the correction of owl.jpg").tap()
    page.wait_for_selector("text=Taken back")
    assert kept.count() == before - 1


@pytest.mark.parametrize("width", [320, 390, 768, 1025, 1100])
def test_corrections_are_a_table_to_a_screen_reader_on_every_screen(visit, history, width, seen):
    page = visit("/corrections", viewport={"width": width, "height": 800})
    assert page.evaluate(WIDER) == []
    table = page.get_by_role("table", name="Corrections")
    names = [one.inner_text() for one in table.get_by_role("rowheader").all()]
    assert names[:4] == history
    heads = table.get_by_role("columnheader")
    assert [text.strip() for text in heads.all_text_contents()] == [
        "Photograph", "Model said", "It is", "Who", "When (UTC)", "Undo",
    ]  # fmt: skip
    for row in table.get_by_role("row").all()[1:]:
        assert row.get_by_role("cell").count() == 5
    seen(page, f"corrections-{width}")


def test_other_pages_are_drawn_without_a_network(visit, seen):
    page = visit("/docs")
    assert page.locator(".call").count() == 8
    seen(page, "docs", full_page=False)
    page = visit("/corrections")
    seen(page, "corrections")
