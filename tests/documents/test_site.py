"""The documentation site: what it is made of, and what a browser without a network makes of it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import nbformat
import pytest

import senpath

pytest.importorskip("sphinx", reason="needs the extra docs")

from tools.site.build import build
from tools.site.commands import commands_page
from tools.site.notebooks import notebook_of
from tools.site.pages import ROOT, relink
from tools.site.public import PAGES

TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.md"))


def test_every_public_name_has_a_place_in_the_reference() -> None:
    names = [name for page in PAGES if page.module == "senpath" for name in page.names]
    assert sorted(names) == sorted(senpath.__all__)


def test_what_documents_import_has_a_place_in_the_reference() -> None:
    public = {(page.module, name) for page in PAGES for name in page.names}
    for path in sorted((ROOT / "docs").rglob("*.md")):
        for module, names in re.findall(r"^ *from (senpath[\w.]+) import ([\w, ]+)$", path.read_text(encoding="utf-8"), re.MULTILINE):
            assert {(module, name.strip()) for name in names.split(",")} <= public, f"{path.name} imports {names} from {module}"


def test_links_are_made_to_fit_the_site() -> None:
    text = "[a](../../README.md#install) ![p](../figures/page.png) [t](../../tests/routing) [w](https://a.b) `[c](d.md)`"
    site = relink(text, "docs/howto/page.md")
    assert relink('<img alt="p" src="docs/figures/page.png">', "README.md") == '<img alt="p" src="figures/page.png">'
    assert site == "[a](../index.md#install) ![p](../figures/page.png) t (`tests/routing`) [w](https://a.b) `[c](d.md)`"


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_a_notebook_has_the_code_of_its_tutorial(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    notebook = notebook_of(text, f"docs/tutorials/{path.name}")
    nbformat.validate(notebook)
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    words = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert words.startswith("# ")
    assert "](.." not in words, "a link that leads nowhere from a notebook"
    for command in re.findall(r"^senpath .*$", text, re.MULTILINE):
        assert f"!{command}" in code or command in words
    for line in re.findall(r"^import .*$", text, re.MULTILINE):
        assert line in code or line in words
    assert notebook_of(text, f"docs/tutorials/{path.name}") == notebook


def test_the_page_of_commands_has_each_with_its_options() -> None:
    page = commands_page()
    for heading in ("## senpath learn\n", "## senpath predict\n", "## senpath keys add\n", "## senpath reproduce sen\n"):
        assert heading in page
    assert "`--shots" in page


@pytest.mark.slow("builds the whole site")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")  # Sphinx's own
def test_the_site_is_read_and_searched_without_a_network(tmp_path: Path) -> None:
    assert build(tmp_path / "docs") == 0
    assert (tmp_path / "docs" / "external-links.txt").read_text(encoding="utf-8")
    sync_api = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("Chromium is not installed: the site was built, and not looked at")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_context(offline=True).new_page()
        asked: list[str] = []
        wrong: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.goto((tmp_path / "docs" / "index.html").as_uri())
        page.get_by_placeholder("Search").first.fill("covariance")
        page.keyboard.press("Enter")
        page.get_by_role("link", name="The dispatcher").first.click()
        assert "concepts/dispatcher.html" in page.url
        page.get_by_role("heading", name="The dispatcher").first.wait_for()  # the address changes before the page is there
        for theme, turned in (("light", "none"), ("dark", "invert(0.93) hue-rotate(180deg)")):
            page.emulate_media(color_scheme=theme)
            for name, filter_ in (("results/sen", turned), ("index", "none")):  # a chart, and a picture of the page
                page.goto((tmp_path / "docs" / f"{name}.html").as_uri())
                assert page.locator("article img").first.evaluate("image => getComputedStyle(image).filter") == filter_
        browser.close()
    assert not wrong
    assert all(url.startswith(("file:", "data:")) for url in asked)
