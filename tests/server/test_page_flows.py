"""What a person does at the page, in a real browser: ask, teach, correct, name what it did not know, look at the network."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import numpy as np
import pytest
from browser import RATE, SCRIBBLE, THREE, ZERO, Visit, build_network, house, in_a_room, launched, star, tone, wav
from fastapi import FastAPI
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Locator, expect
from running import running

import senpath as sp
from senpath.data import moving_pictures
from senpath.server.app import create_app
from senpath.serving.keys import add_key
from senpath.serving.settings import ServerSettings
from senpath.testing import ConstantMethod, tiny_task
from tests.data_files import write_video

pytestmark = pytest.mark.slow("a real browser")
Listening = Callable[[FastAPI], AbstractContextManager[str]]


@pytest.fixture(scope="module")
def network(built_once: Callable[[str, Callable[[Path], None]], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shutil.copytree(built_once("page.sen", build_network), tmp_path_factory.mktemp("page") / "team.sen")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    heard = tmp_path_factory.mktemp("heard") / "high.wav"
    heard.write_bytes(wav(np.tile(tone(1500, RATE) * 0.7, 8)))
    with launched(heard) as browser:
        yield browser


@pytest.fixture(scope="module")
def address(network: Path) -> Iterator[str]:
    with running(network, "--inbox") as (_, address):
        yield address


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Visit]:
    visit = Visit(browser, address).ready()
    yield visit
    visit.close()


def version(address: str) -> int:
    return int(httpx.get(f"{address}/session").json()["version"])


def tasks(address: str) -> dict[str, list[object]]:
    return {task["name"]: task["classes"] for task in httpx.get(f"{address}/tasks").json()["tasks"]}


def test_a_drawing_is_answered_while_it_is_made_and_its_way_lights_up(visit: Visit) -> None:
    page = visit.page
    visit.draw(THREE)
    visit.says("3")
    expect(page.locator("#answer-body")).to_contain_text("from digits")
    expect(page.get_by_role("img", name="The pathway of digits answered.")).to_be_visible()
    expect(page.locator("#ask-graph text.lit")).to_contain_text(re.compile(r"digits .*%"))
    page.get_by_role("button", name="Why?").click()
    expect(page.get_by_role("heading", name="Which task it looks like")).to_be_visible()
    assert re.search(r"[\d,]+ of [\d,]+ weights ran", page.inner_text(".why"))
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#answer-body")).to_have_text("The answer comes here.")


def test_a_picture_is_read_as_it_is(visit: Visit, tmp_path: Path) -> None:
    picture = Image.new("L", (280, 280))
    ImageDraw.Draw(picture).ellipse((80, 50, 200, 230), outline=255, width=24)
    picture.save(tmp_path / "zero.png")
    visit.page.get_by_label("Picture", exact=True).check()
    visit.page.get_by_label("Choose a picture").set_input_files(tmp_path / "zero.png")
    visit.says("0")
    (tmp_path / "broken.png").write_bytes((tmp_path / "zero.png").read_bytes()[:60])
    visit.page.get_by_label("Choose a picture").set_input_files(tmp_path / "broken.png")
    expect(visit.page.locator("#answer").get_by_role("alert")).to_contain_text("a readable picture file")
    assert [complaint for complaint in visit.complaints if "422" not in complaint] == []
    visit.complaints.clear()  # the browser tells of the refusal by itself


def test_a_sound_from_a_file_and_from_the_microphone(visit: Visit, tmp_path: Path) -> None:
    page = visit.page
    (tmp_path / "low.wav").write_bytes(wav(in_a_room(tone(300, RATE), np.random.default_rng(3))))
    page.get_by_label("Sound", exact=True).check()
    page.get_by_label("Choose a sound").set_input_files(tmp_path / "low.wav")
    visit.says("low")
    page.get_by_role("button", name="Record").click()
    page.wait_for_timeout(900)
    page.get_by_role("button", name="Stop").click()
    # What the microphone hears is no file of the task's: refused or not, it is taken for the high one.
    expect(page.locator("#answer-body")).to_contain_text("high")


def test_a_text_and_a_row_are_asked_with_the_keyboard_alone(visit: Visit) -> None:
    page = visit.page
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    while page.evaluate("document.activeElement.name") != "ask-mode":
        page.keyboard.press("Tab")
        assert (
            page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
            or page.evaluate("document.activeElement.type") == "radio"
        )
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    page.keyboard.type("what a lovely surprise")
    page.keyboard.press("Control+Enter")
    visit.says("good")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("ArrowRight")
    for value in ("6.5", "66", "green"):
        page.keyboard.press("Tab")
        page.keyboard.type(value)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#answer-body .said")).to_have_text("melon")


def test_a_row_may_have_empty_fields_but_not_only_those(visit: Visit) -> None:
    page = visit.page
    page.get_by_label("Row", exact=True).check()
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator("#ask-composer").get_by_role("alert")).to_contain_text("All fields are empty")
    page.get_by_label("height").fill("6.5")
    page.get_by_label("weight").fill("66")
    page.get_by_role("button", name="Ask", exact=True).click()
    visit.says("melon")


def test_clips_are_asked_and_taught(browser: Browser, listening: Listening, tmp_path: Path) -> None:
    pictures = (255 * tiny_task("low")[0][:40]).astype(np.uint8)
    clips, ways = moving_pictures(pictures, 0)
    sp.Network(tmp_path / "clips.sen").learn("way", clips, ways, method=ConstantMethod())
    for place in range(4):
        write_video(tmp_path / f"{place}.mp4", np.repeat(clips[place][..., None], 3, axis=3), "libx264")
    with listening(create_app(tmp_path / "clips.sen")) as address:
        visit = Visit(browser, address).ready()
        page = visit.page
        page.get_by_label("Choose a clip").set_input_files(tmp_path / "0.mp4")
        expect(page.locator("#answer-body")).to_contain_text("from way")
        shown = "async node => (node.readyState || (await new Promise((go) => (node.onloadeddata = go))), node.videoWidth)"
        assert page.locator("#ask-composer video").evaluate(shown) > 0
        visit.open("Teach")
        page.get_by_role("radio", name="Clip").check()
        for kind in range(2):
            page.get_by_role("radio", name=re.compile("^Add examples to")).nth(kind).check()
            page.get_by_label("Choose clips").set_input_files([tmp_path / f"{2 * kind}.mp4", tmp_path / f"{2 * kind + 1}.mp4"])
            expect(page.locator("#teach .kind").nth(kind).locator("video")).to_have_count(2)
        expect(page.locator("#teach .score")).to_contain_text("each of the 4 examples is left out")
        visit.close()


def test_texts_are_taught_with_the_keyboard_alone(visit: Visit) -> None:
    page = visit.page

    def reach(control: Locator) -> None:
        for _ in range(60):
            if control.evaluate("node => node === document.activeElement"):
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"{control} is not reached with Tab")

    reach(page.get_by_role("link", name="Teach"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Teach something new")).to_be_focused()
    reach(page.get_by_label("What is the new task called?"))
    page.keyboard.type("tone of voice")
    page.keyboard.press("Tab")
    while page.evaluate("document.activeElement.name") != "teach-mode":
        page.keyboard.press("Tab")
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    for kind, texts in (
        ("question", ("where is it", "who said that", "what time is it")),
        ("order", ("go home now", "shut the door", "stop that now")),
    ):
        reach(page.get_by_label("Name of this kind").nth(0 if kind == "question" else 1))
        page.keyboard.type(kind)
        while page.evaluate("document.activeElement.tagName") != "TEXTAREA":
            page.keyboard.press("Shift+Tab")
        for text in texts:
            page.keyboard.type(text)
            page.keyboard.press("Enter")
    expect(page.locator("#teach .score")).to_contain_text("each of the 6 examples is left out")
    reach(page.get_by_role("button", name="Start over"))
    page.keyboard.press("Enter")
    expect(page.get_by_label("What is the new task called?")).to_be_focused()


def teach(visit: Visit, name: str, times: int) -> None:
    """Teach a task of two signs that are drawn so many times each."""
    page, random = visit.page, np.random.default_rng(5)
    visit.open("Teach")
    page.get_by_label("What is the new task called?").fill(name)
    for place, (kind, strokes) in enumerate({"star": star, "house": house}.items()):
        page.get_by_label("Name of this kind").nth(place).fill(kind)
        for count in range(1, times + 1):
            visit.draw(strokes(random, 0.04), "teach")
            page.get_by_role("button", name=f"Add to “{kind}”").click()
            expect(page.locator("#teach .kind").nth(place).get_by_role("button", name="Remove example")).to_have_count(count)
    expect(page.locator("#teach .score")).to_contain_text(f"each of the {2 * times} examples is left out")
    page.get_by_role("button", name="Learn it").click()
    expect(page.get_by_role("heading", name=f"Learned “{name}”")).to_be_focused(timeout=60_000)


def test_a_task_is_taught_by_drawing_and_taken_back(visit: Visit, address: str) -> None:
    page, before = visit.page, version(address)
    teach(visit, "signs", 5)
    assert tasks(address)["signs"] == ["house", "star"]
    assert page.inner_text("#teach .score strong") in ("100 %", "90 %", "80 %")
    expect(page.locator("#teach .done")).to_contain_text("orrowed")
    page.get_by_role("link", name="Ask it something").click()
    visit.draw(house(np.random.default_rng(9)))
    visit.says("house")
    visit.open("Teach")
    page.locator("#teach .done").get_by_role("button", name="Undo").click()
    expect(page.get_by_text("“signs” is gone again")).to_be_visible()
    assert "signs" not in tasks(address)
    assert version(address) == before + 2


def test_undo_asks_once_when_more_would_go_and_names_stay_text(visit: Visit, address: str) -> None:
    page, before = visit.page, set(tasks(address))
    teach(visit, "first", 2)
    labels = ("<img src=x onerror=alert(1)>", "</td><script>alert(2)</script>")
    later = {"examples": [{"input": text, "label": labels[place % 2]} for place, text in enumerate(("red", "two", "blue", "six"))]}
    job = httpx.post(f"{address}/tasks/second", json=later).json()["job"]
    with httpx.stream("GET", f"{address}/jobs/{job['id']}/events", timeout=60) as events:
        assert json.loads([line for line in events.iter_lines() if line.startswith("data:")][-1][5:])["state"] == "done"
    visit.open("Network")
    expect(page.get_by_role("row", name="second")).to_contain_text(labels[0])  # as text: the picture was not asked for
    assert page.locator("#network img, #network script").count() == 0
    visit.open("Teach")
    undo, dialog = page.locator("#teach .done").get_by_role("button", name="Undo"), page.get_by_role("dialog")
    undo.click()
    expect(dialog).to_contain_text("learned second")
    dialog.get_by_role("button", name="Leave it").click()
    assert {"first", "second"} <= set(tasks(address))
    undo.click()
    dialog.get_by_role("button", name="Undo all of it").click()
    expect(page.get_by_text("“first” is gone again")).to_be_visible()
    assert set(tasks(address)) == before


def test_a_wrong_answer_becomes_an_example(visit: Visit, address: str) -> None:
    page, before = visit.page, version(address)
    visit.draw(ZERO)
    visit.says("0")
    page.get_by_role("button", name="Not right?").click()
    page.get_by_label("Or another label").fill("egg")
    page.get_by_role("button", name="Learn it so").click()
    said = "whole numbers, as the task's other labels are"
    expect(page.locator(".fix").get_by_role("alert")).to_contain_text(said, timeout=60_000)  # the first that is taught takes longest
    page.get_by_label("Task", exact=True).select_option("letters")
    page.get_by_label("Or another label").fill("egg")
    page.get_by_role("button", name="Learn it so").click()
    expect(page.locator("#answer-body .note")).to_contain_text("egg", timeout=60_000)
    assert "egg" in tasks(address)["letters"]
    expect(page.locator("#last-change")).to_contain_text("added examples to letters")
    page.locator("#last-change").get_by_role("button", name="Undo").click()
    expect(page.locator("#last-change")).to_contain_text(f"returned to version {before}")
    assert "egg" not in tasks(address)["letters"]


def test_an_answer_that_comes_late_takes_no_correction_away(visit: Visit) -> None:
    page, label = visit.page, visit.page.get_by_label("Or another label")
    visit.draw(ZERO)
    visit.says("0")
    page.get_by_role("button", name="Not right?").click()
    label.fill("egg")
    with page.expect_response("**/explain"):
        visit.draw(SCRIBBLE)
    expect(page.locator("#answer-body:not(.busy)")).to_be_visible()
    expect(label).to_have_value("egg")
    page.get_by_role("button", name="Clear").click()
    expect(label).to_have_count(0)


def test_what_is_none_of_these_begins_a_new_task(visit: Visit, address: str) -> None:
    page = visit.page
    visit.draw(house(np.random.default_rng(2)))
    page.get_by_role("button", name=re.compile("Not right|It should know")).click()
    page.get_by_label("Task", exact=True).select_option("")
    page.get_by_label("Name of the new task").fill("buildings")
    page.get_by_label("What it is", exact=True).fill("house")
    page.get_by_role("button", name="Keep it").click()
    page.get_by_role("link", name="Go on teaching it").click()
    expect(page.get_by_label("What is the new task called?")).to_have_value("buildings")
    expect(page.get_by_label("Name of this kind").first).to_have_value("house")
    expect(page.get_by_role("button", name="Remove example 1 of house")).to_be_visible()
    page.get_by_role("button", name="Start over").click()
    expect(page.get_by_label("What is the new task called?")).to_have_value("")


def test_a_group_of_the_inbox_is_named(visit: Visit, address: str) -> None:
    page = visit.page
    httpx.delete(f"{address}/inbox")
    visit.draw(SCRIBBLE)
    visit.says("Nothing fits")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator("#inbox-count")).to_have_text("1")
    visit.open("Inbox")
    group = page.locator(".group")
    expect(group.get_by_role("img", name="drawing")).to_be_visible()
    group.get_by_label("What is it?").fill("scribble")
    group.get_by_label("It goes to").select_option("letters")
    group.get_by_role("button", name="Name it").click()
    expect(page.locator("#inbox").get_by_text("letters has these as “scribble” now.")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("heading", name="Nothing waits")).to_be_visible()
    assert "scribble" in tasks(address)["letters"]
    page.locator("#last-change").get_by_role("button", name="Undo").click()
    expect(page.locator("#last-change")).to_contain_text("returned to version")


def test_the_network_shows_its_tasks_versions_and_drift(visit: Visit, address: str) -> None:
    page = visit.page
    visit.draw(THREE)
    visit.says("3")
    page.get_by_role("button", name="Ask", exact=True).click()
    page.wait_for_timeout(300)
    visit.open("Network")
    expect(page.get_by_role("table").get_by_role("rowheader")).to_have_text(["digits", "letters", "pitch", "mood", "fruit"])
    expect(page.get_by_role("img", name=re.compile(r"digits: .* of \d+ inputs? beyond"))).to_be_visible()
    assert page.locator(".versions li").first.inner_text().startswith(f"Version {version(address)}")
    report = page.get_by_role("link", name="Open the whole report").get_attribute("href")
    assert httpx.get(f"{address}/{report}", timeout=60).headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_every_view_is_accessible_and_fits(browser: Browser, address: str, width: int, dark: bool) -> None:
    visit = Visit(browser, address, width=width, dark=dark).ready()
    page, flaws = visit.page, {}
    for mode in ("Picture", "Sound", "Text", "Row", "Draw"):
        page.locator("#ask-composer").get_by_label(mode, exact=True).first.check()
        flaws[mode] = visit.flaws()
    visit.draw(THREE)
    visit.says("3")
    for name in ("Why?", "Not right?"):
        page.get_by_role("button", name=name).click()
        page.wait_for_selector(".why, .fix")
        flaws[name] = visit.flaws()
    for view in ("Teach", "Inbox", "Network"):
        visit.open(view)
        expect(page.locator(f"#{view.lower()} .card").first).to_be_visible()
        flaws[view] = visit.flaws()
    visit.close()
    assert not {view: told for view, told in flaws.items() if told}


def test_nothing_moves_for_those_who_do_not_want_it(visit: Visit) -> None:
    visit.draw(THREE)
    visit.says("3")
    way = visit.page.locator("path.lit.run")
    for motion, moving in (("reduce", "none"), ("no-preference", "run")):
        visit.page.emulate_media(reduced_motion=motion)
        assert way.evaluate("line => getComputedStyle(line).animationName") == moving


def test_a_task_gets_another_name_and_words_on_what_it_is_for(visit: Visit, address: str) -> None:
    page = visit.page
    visit.open("Network")
    page.get_by_role("button", name="Edit digits").click()
    dialog = page.get_by_role("dialog", name="Name and description")
    assert visit.flaws() == []
    dialog.get_by_label("Name").fill("numerals")
    dialog.get_by_label("What it is for").fill("Digits that people write by hand.")
    dialog.get_by_role("button", name="Save").click()
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="numerals"))
    expect(row).to_contain_text("Digits that people write by hand.")
    expect(page.locator(".versions")).to_contain_text("renamed digits to numerals")
    assert "numerals" in tasks(address)
    page.get_by_role("button", name="Edit numerals").click()
    dialog.get_by_label("What it is for").fill("")
    dialog.get_by_label("Name").fill("digits")
    dialog.get_by_label("Name").press("Enter")
    expect(page.get_by_role("button", name="Edit digits")).to_be_visible()


def test_a_key_is_asked_for_and_says_what_one_may_do(browser: Browser, listening: Listening, network: Path, tmp_path: Path) -> None:
    key = add_key(tmp_path / "keys.jsonl", "Ada", "read")
    with listening(create_app(network, ServerSettings(keys=str(tmp_path / "keys.jsonl")))) as address:
        visit = Visit(browser, address)
        dialog = visit.page.get_by_role("dialog", name="This network asks for a key")
        dialog.get_by_label("Key").fill("none of them")
        dialog.get_by_role("button", name="Open").click()
        expect(dialog.get_by_role("alert")).to_contain_text("one that this server knows")
        assert [complaint for complaint in visit.complaints if "401" not in complaint] == []
        visit.complaints.clear()  # the browser tells of the refusal by itself
        assert visit.flaws() == []
        dialog.get_by_label("Key").fill(key)
        dialog.get_by_role("button", name="Open").click()
        visit.ready()
        expect(dialog).to_be_hidden()
        visit.draw(THREE)
        visit.says("3")
        expect(visit.page.get_by_role("button", name="Not right?")).to_have_count(0)
        visit.open("Teach")
        expect(visit.page.get_by_role("heading", name="Teaching is closed")).to_be_visible()
        visit.close()
