"""What a page of the site fetches, and where it leads."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

FETCHING = {
    ("script", "src"),
    ("img", "src"),
    ("iframe", "src"),
    ("source", "src"),
    ("source", "srcset"),
    ("video", "src"),
    ("audio", "src"),
    ("link", "href"),
}


class _Addresses(HTMLParser):
    """Addresses in a page: what it fetches by itself, and what people may follow."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.inside: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.ids.add(value)
            elif name in ("href", "src", "srcset") and value and not re.match(r"[a-z]+:|//", value):
                self.inside.append(value)
            elif value and value.startswith(("http:", "https:", "//")):
                if (tag, name) in FETCHING:
                    self.fetched.append(value)
                elif (tag, name) == ("a", "href"):
                    self.links.append(value)


@cache
def _addresses(page: Path) -> _Addresses:
    reader = _Addresses()
    reader.feed(page.read_text(encoding="utf-8"))
    return reader


def remote_parts(site: Path) -> list[str]:
    """What pages and styles fetch from elsewhere, as "page: address"."""
    parts = [f"{page.relative_to(site)}: {address}" for page in sorted(site.rglob("*.html")) for address in _addresses(page).fetched]
    for style in sorted(site.rglob("*.css")):
        text = style.read_text(encoding="utf-8")
        parts += [f"{style.relative_to(site)}: {start}" for start in ("url(http", 'url("http', "url(//", "@import") if start in text]
    return parts


def dead_links(site: Path) -> list[str]:
    """Links of the site's pages to a file or a place of a page that is not there, as "page: link"."""
    dead = []
    for page in sorted(site.rglob("*.html")):
        for link in dict.fromkeys(_addresses(page).inside):
            file, _, anchor = link.partition("#")
            there = (page.parent / unquote(file.partition("?")[0])).resolve() if file else page.resolve()
            of_page = there.suffix == ".html" and there.is_file()
            if not there.exists() or (anchor and of_page and unquote(anchor) not in _addresses(there).ids):
                dead.append(f"{page.relative_to(site)}: {link}")
    return dead


def external_links(site: Path) -> str:
    """A line for each address outside the site that its pages link to, and the pages. Nothing is fetched."""
    pages: dict[str, set[str]] = defaultdict(set)
    for page in sorted(site.rglob("*.html")):
        for address in _addresses(page).links:
            pages[address].add(str(page.relative_to(site)))
    return "".join(f"{address}\t{', '.join(sorted(pages[address]))}\n" for address in sorted(pages))
