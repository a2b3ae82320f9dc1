"""A person at the page: a real browser, a hand that draws, and a network of every type of data."""

from __future__ import annotations

import io
import math
import shutil
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import senpath as sp
from senpath import Audio, data

try:
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import Browser, Page, expect, sync_playwright
except ImportError:
    pytest.skip("the page's tests need Playwright: pip install playwright axe-playwright-python", allow_module_level=True)
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
if CHROMIUM is None:
    pytest.skip("the page's tests need Chromium: apt-get install chromium", allow_module_level=True)

Strokes = list[list[tuple[float, float]]]
RATE = 16_000


def build_network(path: Path) -> None:
    """Handwritten digits, capital letters from five examples a class, low and high tones, moods of sentences, and flowers."""
    net = sp.Network(path)
    known = data.embedded_tasks(small=True)
    net.learn("digits", *known["mnist"].train, epochs=12)
    x, y = known["upper"].train
    some = [place for place in data.few_shot(x, y, 5, 0) if y[place] in "ABCDEF"]
    net.learn("letters", np.asarray(x)[some], np.asarray(y)[some])
    random = np.random.default_rng(0)
    tones = [Audio(in_a_room(tone(pitch + random.uniform(-60, 60), 8000), random), 8000) for pitch in [300] * 24 + [1500] * 24]
    net.learn("pitch", tones, ["low"] * 24 + ["high"] * 24, epochs=20)
    good = ["what a lovely day", "I love this", "how kind of you", "wonderful, thank you", "this is great", "a happy surprise"]
    bad = ["awful weather", "I hate this", "how rude of you", "terrible, go away", "this is bad", "a sad mistake"]
    net.learn("mood", good + bad, ["good"] * 6 + ["bad"] * 6, epochs=20)
    random = np.random.default_rng(1)
    sizes = random.uniform([[1, 10]] * 30 + [[6, 60]] * 30, [[2, 20]] * 30 + [[7, 70]] * 30)
    colours = [None if place % 5 == 0 else "red" if h < 4 else "green" for place, h in enumerate(sizes[:, 0])]
    rows = [{"height": h, "weight": w, "colour": colour} for (h, w), colour in zip(sizes.tolist(), colours, strict=True)]
    net.learn("fruit", rows, ["cherry"] * 30 + ["melon"] * 30, epochs=20)


def in_a_room(samples: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A tone as a room would have it: louder or not, longer or shorter, with some noise."""
    samples = samples[: random.integers(len(samples) // 2, len(samples))] * random.uniform(0.3, 0.9)
    return (samples + random.normal(0, random.uniform(0.001, 0.03), len(samples))).astype(np.float32)


def tone(pitch: float, rate: int) -> np.ndarray:
    """Three quarters of a second, float32."""
    return np.sin(2 * np.pi * pitch * np.arange(int(0.75 * rate)) / rate).astype(np.float32)


def wav(samples: np.ndarray, rate: int = RATE) -> bytes:
    """A file of samples in [-1, 1]."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples * 30_000).astype("<i2").tobytes())
    return out.getvalue()


@contextmanager
def launched(heard: Path) -> Iterator[Browser]:
    """A browser whose microphone hears this file over and over."""
    hear = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={heard}"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *hear])
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """One person's visit: the page, and whatever went wrong in the browser meanwhile.

    Attributes:
        complaints: errors of the console and of scripts.
        hosts: where requests went.
    """

    def __init__(self, browser: Browser, address: str, *, width: int = 1280, dark: bool = False) -> None:
        self.address, self.complaints, self.hosts = address, [], set[str]()
        scheme = "dark" if dark else "light"
        self.context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce")
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.page.on("console", lambda message: message.type == "error" and self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]) if request.url.startswith("http") else None)
        self.page.goto(f"{address}/")

    def open(self, view: str) -> None:
        """Go to a view by its link."""
        self.page.get_by_role("navigation").get_by_role("link", name=view).click()
        expect(self.page.locator(f"#{view.lower()}")).to_be_visible()  # the last one has controls of the same names

    def ready(self) -> Visit:
        """Wait until the page knows its network."""
        self.page.wait_for_selector("body[data-ready]")
        return self

    def draw(self, strokes: Strokes, view: str = "ask") -> None:
        """Draw on a view's sheet."""
        sheet = self.page.locator(f"#{view} .sheet canvas")
        sheet.scroll_into_view_if_needed()
        box = sheet.bounding_box()
        assert box is not None
        for stroke in strokes:
            (x, y), *rest = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
            self.page.mouse.move(x, y)
            self.page.mouse.down()
            for x, y in rest:
                self.page.mouse.move(x, y, steps=3)
            self.page.mouse.up()

    def says(self, answer: str) -> None:
        """Wait for an answer; while it is drawn, an unfinished drawing may have had another."""
        expect(self.page.locator("#answer-body:not(.busy) .said")).to_have_text(answer, timeout=30_000)

    def flaws(self) -> list[str]:
        """What axe has against the view as it is, from serious on; and whether it is wider than the window."""
        axe = Axe("0") if self.page.evaluate("'axe' in window") else Axe()  # its script takes longer than its look at a page
        serious = [rule for rule in axe.run(self.page).response["violations"] if rule["impact"] in ("serious", "critical")]
        told = [f"{rule['id']}: {[node['html'][:200] for node in rule['nodes']]}" for rule in serious]
        wide = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        return [*told, *([f"{wide} pixels too wide"] if wide > 0 else [])]

    def close(self) -> None:
        """Leave; a script's error or a request to elsewhere is a failure of any test."""
        self.context.close()
        assert self.complaints == []
        assert self.hosts <= {self.address.split("/")[2]}


def arc(x: float, y: float, width: float, height: float, start: float, stop: float) -> list[tuple[float, float]]:
    """Points of an ellipse between two angles, in degrees."""
    angles = [math.radians(start + (stop - start) * place / 16) for place in range(17)]
    return [(x + width * math.cos(angle), y + height * math.sin(angle)) for angle in angles]


THREE = [arc(0.48, 0.35, 0.15, 0.14, 200, 440) + arc(0.48, 0.64, 0.18, 0.16, -90, 140)]
ZERO = [arc(0.5, 0.5, 0.2, 0.3, -90, 270)]


SCRIBBLE = [[(0.2 + 0.03 * place, 0.2 if place % 2 else 0.8) for place in range(20)], [(0.2, 0.2 + 0.06 * place) for place in range(10)]]


def star(random: np.random.Generator, loose: float = 0.02) -> Strokes:
    """A star of five points, drawn more or less loosely."""
    angles = [math.pi * (-0.5 + 0.8 * place) for place in range(6)]
    return _loosely([[(0.5 + 0.3 * math.cos(angle), 0.5 + 0.3 * math.sin(angle)) for angle in angles]], random, loose)


def house(random: np.random.Generator, loose: float = 0.02) -> Strokes:
    """Walls and a roof."""
    walls, roof = [(0.3, 0.8), (0.3, 0.5), (0.7, 0.5), (0.7, 0.8), (0.3, 0.8)], [(0.25, 0.52), (0.5, 0.2), (0.75, 0.52)]
    return _loosely([walls, roof], random, loose)


def _loosely(strokes: Strokes, random: np.random.Generator, loose: float) -> Strokes:
    return [[(x + random.normal(0, loose), y + random.normal(0, loose)) for x, y in stroke] for stroke in strokes]
