"""Pictures of the server's page, light and dark, with a letter drawn on it: `python -m tools.picture_page NETWORK FILE.png [LETTER]`.

Beside FILE.png, which is light, stands FILE-dark.png. The network is one that reads drawings, such as the demo's. Needs the extra `dev` and
Chromium (`apt-get install chromium`).
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image
from playwright.sync_api import Page, Playwright, sync_playwright

SIZE = {"width": 1180, "height": 1400}
SCALE = 1.5
MARGIN = 24
COLOURS = 128

Scheme = Literal["light", "dark"]
LETTERS = {
    "R": [
        [(0.36, 0.8), (0.35, 0.5), (0.37, 0.22)],
        [(0.37, 0.22), (0.52, 0.2), (0.63, 0.3), (0.56, 0.45), (0.38, 0.5), (0.52, 0.64), (0.66, 0.8)],
    ],
    "A": [[(0.31, 0.8), (0.41, 0.5), (0.51, 0.2), (0.6, 0.5), (0.69, 0.8)], [(0.38, 0.58), (0.5, 0.56), (0.64, 0.57)]],
    "B": [
        [(0.37, 0.2), (0.36, 0.5), (0.37, 0.8)],
        [(0.37, 0.21), (0.56, 0.22), (0.61, 0.34), (0.53, 0.47), (0.38, 0.49), (0.6, 0.55), (0.65, 0.68), (0.55, 0.79), (0.36, 0.8)],
    ],
    "3": [[(0.35, 0.28), (0.48, 0.2), (0.62, 0.26), (0.6, 0.4), (0.46, 0.48), (0.62, 0.54), (0.66, 0.68), (0.52, 0.8), (0.35, 0.75)]],
}
"""Where the pen goes, stroke by stroke, as shares of the sheet."""


@contextmanager
def served(network: Path) -> Iterator[str]:
    """The address at which a server answers, as long as it is wanted."""
    command = [sys.executable, "-m", "senpath", "serve", str(network), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout is not None
            address = re.search(r"http://[\w.:]+", server.stdout.readline())
            if address is None:
                raise SystemExit(f"the server did not start; see what `senpath serve {network}` says")
            while unanswered(f"{address[0]}/health/ready") and server.poll() is None:
                time.sleep(0.2)
            yield address[0]
        finally:
            server.terminate()


def unanswered(address: str) -> bool:
    """Whether nobody answers there yet: the address is printed before the server listens."""
    try:
        urllib.request.urlopen(address).close()
    except OSError:
        return True
    return False


def smooth(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """A stroke through these points without corners (Catmull and Rom, 1974)."""
    ends = [points[0], *points, points[-1]]
    curve = []
    for place, (start, stop) in enumerate(pairwise(points)):
        before, start, stop, after = map(np.array, (ends[place], start, stop, ends[place + 3]))
        for t in np.linspace(0, 1, 10, endpoint=False):
            bent = (2 * before - 5 * start + 4 * stop - after) * t**2 + (3 * start - before - 3 * stop + after) * t**3
            curve.append(tuple((2 * start + (stop - before) * t + bent) / 2))
    return [*curve, points[-1]]


def draw(page: Page, strokes: list[list[tuple[float, float]]]) -> None:
    """Draw with the mouse on the sheet of the view Ask."""
    box = page.locator("#ask-composer .sheet canvas").bounding_box()
    assert box is not None
    for stroke in strokes:
        (x, y), *rest = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in smooth(stroke)]
        page.mouse.move(x, y)
        page.mouse.down()
        for x, y in rest:
            page.mouse.move(x, y)
        page.mouse.up()


def photograph(playwright: Playwright, address: str, strokes: list[list[tuple[float, float]]], scheme: Scheme) -> Image.Image:
    """The view Ask in this colour scheme, after the letter was drawn and answered; without the page's head and foot."""
    browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
    page = browser.new_page(viewport=SIZE, device_scale_factor=SCALE, reduced_motion="reduce", color_scheme=scheme)
    page.goto(address)
    page.wait_for_selector("body[data-ready]")
    draw(page, strokes)
    page.wait_for_selector("#answer .said")
    page.wait_for_timeout(500)
    boxes = [box for box in (each.bounding_box() for each in page.locator("#ask .head, #ask .card").all()) if box is not None]
    top = min(box["y"] for box in boxes) - MARGIN
    bottom = max(box["y"] + box["height"] for box in boxes) + MARGIN
    picture = Image.open(io.BytesIO(page.screenshot(clip={"x": 0, "y": top, "width": SIZE["width"], "height": bottom - top})))
    browser.close()
    return picture


def main(network: str, out: str, letter: str = "R") -> None:
    """Write the pictures."""
    light = Path(out)
    files: dict[Scheme, Path] = {"light": light, "dark": light.with_stem(f"{light.stem}-dark")}
    with served(Path(network)) as address, sync_playwright() as playwright:
        for scheme, file in files.items():
            picture = photograph(playwright, address, LETTERS[letter], scheme)
            picture.convert("RGB").quantize(COLOURS).save(file, optimize=True)
            print(f"{file}: {file.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(*sys.argv[1:])
