"""Reading a report as a browser would, and making networks to report on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
from hypothesis import strategies as st
from sklearn.datasets import load_digits, load_iris

import senpath as sp
from senpath.evaluation import record_evaluation
from senpath.learning import propose
from senpath.methods import find_method
from senpath.reports.network_summary import measured_stages, summarize
from senpath.sections import NetworkSummary, Section
from senpath.snapshot import encode_examples

VOID = {"meta", "br"}
"""Elements of HTML that have no end."""
CLOSED = {"path", "circle"}
"""Elements of SVG that end where they begin."""
FLOWERS = load_iris()
LESSON, BORROWED = sp.Sen(epochs=1, hidden=4), sp.Sen(epochs=0, threshold=0)
TAGS = {
    *("html", "head", "meta", "title", "style", "body", "main", "header", "section", "footer", "p", "h1", "h2", "h3", "div", "span"),
    *("small", "strong", "b", "i", "bdi", "code", "pre", "br", "sub", "ul", "ol", "li", "dl", "dt", "dd", "details", "summary"),
    *("table", "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "svg", "g", "path", "circle"),
}
ATTRIBUTES = {
    *("lang", "charset", "name", "content", "http-equiv", "class", "id", "title", "style", "tabindex", "scope", "colspan", "open", "role"),
    *("aria-label", "aria-hidden", "viewbox", "width", "height", "preserveaspectratio", "d", "cx", "cy", "r"),
    *("stroke", "stroke-width", "stroke-dasharray", "stroke-linecap"),
}
HOSTILE = st.one_of(
    st.sampled_from(
        [
            *("<script>alert(1)</script>", "</title><img src=x onerror=alert(1)>", '" onmouseover="alert(1)', "' style='x", "</style><b>"),
            *("]]><!--", "{{ 7 * 7 }}", "{% raw %}", "&lt;b&gt;&amp;#x27;", "javascript:alert(1)", "\u202egnp", "\ufeff", "-", "=", "None"),
        ]
    ),
    st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"]), min_size=1, max_size=13).filter(str.strip),
)
"""Names and labels that a page must show as they are."""


@dataclass
class Page(HTMLParser):
    """A parsed page; `strict` structure is checked while reading.

    Attributes:
        tags: in the order of their beginnings.
        attributes: all, as (tag, name, value).
        texts: every text that a reader sees, stripped.
        rows: per table, in order, its rows of cells' texts.
    """

    tags: list[str] = field(default_factory=list)
    attributes: list[tuple[str, str, str]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    rows: list[list[list[str]]] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID | CLOSED:
            self.open.append(tag)
        if tag == "table":
            self.rows.append([])
        elif tag == "tr":
            self.rows[-1].append([])
        elif tag in ("td", "th"):
            self.rows[-1][-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in CLOSED
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> ends nothing"
        assert self.open[-1] == tag, f"</{tag}> ends <{self.open[-1]}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            return
        self.texts.append(data.strip())
        if {"td", "th"} & {*self.open}:
            self.rows[-1][-1][-1] += f" {data}"

    def table(self, first: str) -> list[list[str]]:
        """The rows below the head of the first table whose head begins with this, runs of blanks made one."""
        found = next(rows for rows in self.rows if rows[0][0].strip().startswith(first))
        return [[" ".join(cell.split()) for cell in row] for row in found[1:]]

    @property
    def text(self) -> str:
        """All texts, runs of blanks made one."""
        return " ".join(" ".join(self.texts).split())


def read(path: Path) -> Page:
    """Parse a file; fails where elements do not nest, an attribute comes twice, or anything is left open."""
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    page.close()
    assert page.open == []
    return page


def check_inert(page: Page) -> None:
    """Nothing runs, nothing is fetched, and nothing is there that the template did not put there."""
    assert {*page.tags} <= TAGS
    assert {name for _, name, _ in page.attributes} <= ATTRIBUTES
    for _, name, value in page.attributes:
        if name != "title":
            assert "://" not in value
            assert "url(" not in value.lower()
    assert ("meta", "content", "default-src 'none'; style-src 'unsafe-inline'") in page.attributes


def style_of(path: Path) -> str:
    return path.read_text(encoding="utf-8").split("<style>")[1].split("</style>")[0]


def unstyled(path: Path) -> set[str]:
    """Classes that a page uses and its style does not name."""
    used = {name for _, attribute, value in read(path).attributes if attribute == "class" for name in value.split()}
    return {name for name in used if not re.search(rf"\.{re.escape(name)}\b", style_of(path))}


def report(net: sp.Network, folder: Path) -> Page:
    """Write a network's report and read it."""
    sp.report(net, folder / "report.html")
    return read(folder / "report.html")


def summary(net: sp.Network) -> NetworkSummary:
    """What a report says of a network."""
    return summarize(net, measured_stages(net))


def section_of(net: sp.Network | NetworkSummary, method: str) -> Section | None:
    """What a method says of its tasks."""
    network = net if isinstance(net, NetworkSummary) else summary(net)
    tasks = {name: task for name, task in network.tasks.items() if task.info.method == method}
    section: Section | None = find_method(method).report_section(network, tasks)  # type: ignore[attr-defined]
    return section


def grow(
    path: Path,
    names: Sequence[str],
    *,
    links: bool = False,
    classes: Sequence[str] = ("x", "y", "z"),
    record: bool = True,
    every: int = 1,
) -> sp.Network:
    """A network of tasks with these names, quickly: one lesson, committed again and again; each links to the one before if `links`.

    Args:
        record: after each commit keep figures, made up from the task's place, of every `every`-th task and the last.
    """
    net = sp.Network(path)
    alone = propose(net.view, LESSON, "", encode_examples(net.view, FLOWERS.data, FLOWERS.target)) if net.tasks else _first_lesson()
    linked: sp.Proposal | None = None
    for place, name in enumerate(names):
        pathway = replace(alone.pathways[0], task=name, classes=tuple(classes))
        parts = alone
        if links and place:
            parts = linked = linked or propose(net.view, BORROWED, "", encode_examples(net.view, FLOWERS.data[::7], FLOWERS.target[::7]))
            pathway = _linked(linked.pathways[0], names[place - 1], name, classes)
        net.commit(replace(parts, pathways=(pathway,), statistics={name: alone.statistics[""]}))
        if record and (place % every == 0 or place == len(names) - 1):
            record_evaluation(net, made_up(names[: place + 1]))
    return net


@cache
def _first_lesson() -> sp.Proposal:
    """What a network makes of flowers that knows nothing yet: the same whichever it is."""
    net = sp.Network()
    return propose(net.view, LESSON, "", encode_examples(net.view, FLOWERS.data, FLOWERS.target))


def _linked(found: sp.Pathway, source: str, name: str, classes: Sequence[str]) -> sp.Pathway:
    (link,) = found.links
    transfers = tuple(replace(transfer, target=classes[place]) for place, transfer in enumerate(link.transfers))
    link = replace(link, source=source, transfers=transfers)
    provenance = replace(found.provenance, settings={**found.provenance.settings, "threshold": 0.25})
    return replace(found, task=name, classes=tuple(classes), links=(link,), provenance=provenance)


def made_up(names: Sequence[str]) -> sp.Evaluation:
    """Figures of tasks, each a little different from the others, and sinking as more tasks come."""
    scores, confusion = {}, {}
    for place, name in enumerate(names):
        given = 1 - 0.3 * ((place * 37) % 100) / 100
        found = max(0.0, given - 0.002 * (len(names) - place) * ((place * 13) % 7))
        right = int(1000 * found)
        row: dict[str | None, int] = {name: right, None: 10}
        others = [other for other in names if other != name]
        if others:
            row[others[place % len(others)]] = 990 - right
        scores[name] = sp.TaskScore(1000, given, found, found, found, 1.0, 1 + place % 5 / 10, 0.01)
        confusion[name] = row
    return sp.Evaluation(scores, confusion)


def shuffled_digits() -> tuple[np.ndarray, np.ndarray]:
    """Real handwritten digits in a seeded order: float (1797, 8, 8) in 0 … 1, and labels."""
    bunch = load_digits()
    order = np.random.default_rng(0).permutation(len(bunch.target))
    return bunch.images[order] / 16, bunch.target[order]
