"""The source of the site: the repository's documents as they are, with links that lead where the site has what they link to."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from posixpath import dirname, join, normpath, relpath

from tools.site.navigation import ROOT_PAGES, SECTIONS, Section

ROOT = Path(__file__).resolve().parents[2]
BLOCK = r"^(?P<indent> *)(?P<fence>`{3,}|~{3,}).*?^(?P=indent)(?P=fence)[ ]*$"
CODE = re.compile(rf"{BLOCK}|(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`)", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^\[\]]*)\]\((?P<target>[^)\s]+)\)")

PICTURE = re.compile(r'(?P<before><(?:img|source)\b[^>]*?\b(?:src|srcset)=")(?P<target>[^"]+)(?P<after>")')
"""A picture that a document shows by HTML, such as one for dark pages."""


def repository_path(page: str, target: str) -> str:
    """Which file of the repository a relative link of one of its documents leads to."""
    return normpath(join(dirname(page), target))


def site_path(path: str) -> str | None:
    """Where the site has a file of the repository; None where it has it not."""
    if path in ROOT_PAGES:
        return ROOT_PAGES[path]
    return path.removeprefix("docs/") if path.startswith("docs/") and (ROOT / path).is_file() else None


def relink(text: str, page: str) -> str:
    """A document's text with its relative links as the site needs them.

    What the site has not, such as a folder of tests, is named by its path in the repository instead.
    """

    def change(link: re.Match[str]) -> str:
        target, hash_, anchor = link["target"].partition("#")
        if not target or re.match(r"[a-z]+:", target):
            return link[0]
        path = repository_path(page, target)
        there = site_path(path)
        if there is None:
            return f"{link['text']} (`{path}`)" if link["text"].strip("`") != path else link["text"]
        here = site_path(page) or page
        return f"{link['image']}[{link['text']}]({relpath(there, dirname(here) or '.')}{hash_}{anchor})"

    def change_picture(picture: re.Match[str]) -> str:
        there = site_path(repository_path(page, picture["target"]))
        return (
            picture["before"] + (relpath(there, dirname(site_path(page) or page) or ".") if there else picture["target"]) + picture["after"]
        )

    def change_all(text: str) -> str:
        return PICTURE.sub(change_picture, LINK.sub(change, text))

    pieces, end = [], 0
    for code in CODE.finditer(text):
        pieces += [change_all(text[end : code.start()]), code[0]]
        end = code.end()
    return "".join([*pieces, change_all(text[end:])])


def stage(folder: Path) -> None:
    """Write the documents, and what they show, into an empty folder."""
    shutil.copytree(ROOT / "docs", folder)
    documents = [*ROOT_PAGES, *(path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "docs").rglob("*.md")))]
    for page in documents:
        there = folder / str(site_path(page))
        there.write_text(relink((ROOT / page).read_text(encoding="utf-8"), page), encoding="utf-8")


def copy_pictures(source: Path, made: Path) -> None:
    """Copy what documents show by HTML, which Sphinx leaves alone, from the staged site to the one that was made of it."""
    for page in source.rglob("*.md"):
        for picture in PICTURE.finditer(page.read_text(encoding="utf-8")):
            file = (page.parent / picture["target"]).resolve().relative_to(source.resolve())
            (made / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / file, made / file)


def write_menu(folder: Path) -> None:
    """Write the page of each section, and the menu at the end of the home page. Every page has to be in one section."""
    pages = {path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.md")} - {"index"}
    named = {page for section in SECTIONS for group in section.groups.values() for page in group}
    if missing := named - pages:
        raise ValueError(f"tools/site/navigation.py names pages that are not there: {', '.join(sorted(missing))}")
    left = pages - named - {section.place for section in SECTIONS}
    for section in SECTIONS:
        groups = {title: list(group) for title, group in section.groups.items()}
        others = sorted(page for page in left if section.folder is not None and dirname(page) == section.folder)
        if others:
            groups.setdefault(section.rest, []).extend(others)
        left -= {*others}
        _write_section(folder, section, groups)
    if left - {page for page in left if dirname(page) == "reference"}:
        raise ValueError(f"in no section of tools/site/navigation.py: {', '.join(sorted(left))}")
    with (folder / "index.md").open("a", encoding="utf-8") as file:
        file.write(toctree([section.place for section in SECTIONS]))


def toctree(pages: list[str]) -> str:
    """A menu of pages, by their places in the site, that is not shown where it stands."""
    return "\n```{toctree}\n:hidden:\n\n" + "".join(f"/{page}\n" for page in pages) + "```\n"


def _write_section(folder: Path, section: Section, groups: dict[str, list[str]]) -> None:
    """A page with a line for each page of the section. A page of that name that somebody wrote keeps its text."""
    file = folder / f"{section.place}.md"
    if file.exists():
        text = file.read_text(encoding="utf-8")
    else:
        lines = [f"# {section.title}", section.about, ""]
        for title, group in groups.items():
            lines += [f"## {title}", ""] if title else []
            lines += [f"- [{title_of(folder, page)}]({relpath(page, dirname(section.place) or '.')}.md)" for page in group]
            lines.append("")
        text = "\n".join(lines)
    file.write_text(text + toctree([page for group in groups.values() for page in group]), encoding="utf-8")


def title_of(folder: Path, page: str) -> str:
    """The first heading of a page."""
    heading = re.search(r"^# +(.+)$", (folder / f"{page}.md").read_text(encoding="utf-8"), re.MULTILINE)
    if heading is None:
        raise ValueError(f"{page}.md has no heading")
    return heading[1]
