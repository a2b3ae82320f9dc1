"""What people do at a page without thinking of it: two clicks, many tabs, words of an input method, a network that is gone for a moment."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from browser import Visit, launched, tone, wav
from fastapi import FastAPI
from PIL import Image
from playwright.sync_api import Browser, Route, expect

from senpath.server.app import create_app
from senpath.serving.settings import ServerSettings
from senpath.testing import ConstantMethod, tiny_network, tiny_task

pytestmark = pytest.mark.slow("a real browser")
LARGE = 2**60 + 1  # which is no float
OUT_OF_SIGHT = "Object.defineProperty(document, 'hidden', {get: () => true})"
NO_STORAGE = "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('closed', 'SecurityError'); }})"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    heard = tmp_path_factory.mktemp("heard") / "tone.wav"
    heard.write_bytes(wav(tone(440, 16_000)))
    with launched(heard) as browser:
        yield browser


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, listening: Callable[[FastAPI], AbstractContextManager[str]]) -> Iterator[str]:
    net = tiny_network(Path(tmp_path_factory.mktemp("page") / "team.sen"), ["low"])
    x, y = tiny_task("weather")
    net.learn("codes", x, [20231105 if label == "warm" else LARGE for label in y], method=ConstantMethod())
    rows = [{"size": float(place % 7), "part": f"p{place % 40}"} for place in range(80)]
    net.learn("parts", rows, ["big" if row["size"] > 3 else "small" for row in rows], method=ConstantMethod())
    net.learn("constructor", [f"{text} again" for text in x], y, method=ConstantMethod())  # as something of every object in JavaScript
    with listening(create_app(net.path, ServerSettings(body_bytes=200_000))) as address:
        yield address


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Visit]:
    visit = Visit(browser, address).ready()
    yield visit
    visit.context.close()


def add(visit: Visit, kind: int, *texts: str) -> None:
    """Add examples to a kind."""
    visit.page.locator("#teach .kind").nth(kind).get_by_role("radio").check()
    for text in texts:
        visit.page.locator("#teach textarea").fill(text)
        visit.page.locator("#teach textarea").press("Enter")


def test_two_clicks_teach_once_and_a_lost_stream_is_no_end(visit: Visit, address: str) -> None:
    page = visit.page
    page.route("**/jobs/*/events", lambda route: route.fulfill(status=502, body="no server behind the proxy"))
    visit.open("Teach")
    page.locator("#teach").get_by_role("radio", name="Text", exact=True).check()
    text, examples = page.locator("#teach textarea"), page.locator("#teach .kind .examples li:not(.free)")
    text.fill("にほん")
    text.evaluate("area => area.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true}))")
    expect(text).to_have_value("にほん")  # which is not written yet
    for kind in (0, 1):
        page.locator("#teach .kind").nth(kind).get_by_label("Name of this kind").fill("good")
    add(visit, 0, "a good day", "a fine day")
    add(visit, 1, "a bad day", "a poor day")
    expect(examples).to_have_count(4)
    expect(page.locator("#teach-body")).to_contain_text("Give at least two kinds")  # of one name they are one
    page.locator("#teach .kind").nth(1).get_by_label("Name of this kind").fill("bad")
    page.get_by_label("What is the new task called?").fill("moods")
    page.get_by_label("What is the new task called?").blur()
    expect(page.locator("#teach .score")).to_be_visible()
    assert [draft["task"] for draft in httpx.get(f"{address}/drafts").json()["drafts"]] == ["moods"]  # as it was named after its examples
    page.get_by_role("button", name="Learn it", exact=True).dblclick()
    expect(page.get_by_role("heading", name="Learned “moods”")).to_be_visible(timeout=60_000)
    assert len(httpx.get(f"{address}/jobs").json()["jobs"]) == 1
    expect(page.locator("#teach .trouble")).to_have_count(0)


def test_tabs_out_of_sight_hold_no_connection(browser: Browser, address: str) -> None:
    context = browser.new_context()
    context.add_init_script(OUT_OF_SIGHT)
    pages = [context.new_page() for _ in range(8)]  # of six connections that a browser opens to one server
    for page in pages:
        page.goto(f"{address}/", timeout=10_000)
        page.wait_for_selector("body[data-ready]", timeout=10_000)
    assert pages[0].evaluate("fetch('tasks').then((answer) => answer.status)") == 200
    context.close()


def test_numbers_that_are_names_stay_as_they_are(visit: Visit) -> None:
    page, sent = visit.page, list[Any]()
    visit.open("Network")
    expect(page.locator("#network-body")).to_contain_text(f"20231105, {LARGE}")
    visit.open("Ask")
    page.on("request", lambda request: sent.append(request.post_data_json) if request.url.endswith("/predict") else None)
    page.locator("#ask").get_by_role("radio", name="Row").check()
    part = page.locator("#ask").get_by_label("part", exact=True)
    expect(part).to_have_attribute("inputmode", "text")  # of many words: a telephone would offer figures alone
    part.fill("007")
    page.locator("#ask").get_by_label("size", exact=True).fill("5.5")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator("#answer-body:not(.busy) .from").first).to_be_visible()
    assert sent == [{"input": {"row": {"size": "5.5", "part": "007"}}}]


def test_a_correction_sends_large_numbers_as_they_are(visit: Visit) -> None:
    page, sent = visit.page, list[str]()

    def refuse(route: Route) -> None:
        sent.append(str(route.request.post_data))
        route.abort()

    page.route("**/tasks/codes", refuse)
    visit.open("Ask")
    page.locator("#ask").get_by_role("radio", name="Text").check()
    page.locator("#ask textarea").fill("a cold night 3")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator("#answer-body:not(.busy) .from").first).to_be_visible()
    page.get_by_role("button", name="Not right?").click()
    page.get_by_label("Task", exact=True).select_option("codes")
    for place, label in enumerate((LARGE, LARGE + 1)):  # one that the task has, and a new one
        page.get_by_label("Or another label").fill(str(label))
        page.get_by_role("button", name="Learn it so").click()
        expect(page.locator(".fix").get_by_role("alert")).to_contain_text("The server cannot be reached")
        assert f'"label":{label}}}' in sent[place]


def test_names_that_every_object_has(visit: Visit) -> None:
    visit.open("Network")
    row = visit.page.locator("#network-body tr").filter(has=visit.page.get_by_role("rowheader", name="constructor"))
    expect(row.locator("[data-name=Answers]")).to_have_text("0")
    visit.page.goto(f"{visit.address}/#toString")
    visit.page.reload()
    visit.ready()
    expect(visit.page.locator("#ask")).to_be_visible()


def test_more_pictures_than_a_request_may_have_are_taught(visit: Visit, address: str) -> None:
    visit.open("Teach")
    visit.page.locator("#teach").get_by_role("radio", name="Picture").check()
    noise, files = np.random.default_rng(0), []
    for place in range(8):
        file = io.BytesIO()
        Image.fromarray(noise.integers(0, 256, (120, 120, 3), dtype=np.uint8)).save(file, "PNG")
        files.append({"name": f"{place}.png", "mimeType": "image/png", "buffer": file.getvalue()})
    assert sum(len(file["buffer"]) for file in files) > 200_000
    visit.page.locator("#teach").get_by_label("Choose pictures").set_input_files(files)
    expect(visit.page.locator("#teach .kind .examples li:not(.free)")).to_have_count(8)

    def kept() -> list[int]:
        return [draft["examples"] for draft in httpx.get(f"{address}/drafts").json()["drafts"]]

    until = time.monotonic() + 20
    while 8 not in kept() and time.monotonic() < until:
        visit.page.wait_for_timeout(100)
    assert 8 in kept()
    expect(visit.page.locator("#teach .trouble")).to_have_count(0)


def test_a_browser_that_keeps_nothing_draws(browser: Browser, address: str) -> None:
    visit = Visit(browser, address)
    visit.context.add_init_script(NO_STORAGE)
    visit.page.reload()
    visit.ready()
    visit.page.locator("#ask").get_by_role("radio", name="Draw").check()
    visit.draw([[(0.3, 0.3), (0.7, 0.7)]])
    expect(visit.page.locator("#answer-body:not(.busy) .from").first).to_be_visible()
    expect(visit.page.locator("#ask .trouble")).to_have_count(0)
    visit.close()
