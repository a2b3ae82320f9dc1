"""Notebooks of the tutorials, made of their Markdown: the same words, and cells with the same code."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools.site.pages import LINK, repository_path

FENCE = re.compile(r"^(?P<indent> *)```(?P<language>python|sh)\n(?P<code>.*?)^(?P=indent)```[ ]*$\n?", re.MULTILINE | re.DOTALL)
NO_RUN = re.compile(r"<!-- no-run\b[^\n]*-->\s*$")


def notebook_of(text: str, page: str) -> nbformat.NotebookNode:
    """The notebook of a document: a cell of code for each block that is to run, and of words for what is between them.

    A block that the document does not run stays in the words. Commands have "!" before them, which is how a notebook runs a command.

    Args:
        text: the document's Markdown.
        page: its path in the repository, such as "docs/tutorials/text.md"; relative links are named by where they lead.
    """

    def name_target(link: re.Match[str]) -> str:
        target = link["target"].partition("#")[0]
        if link["image"] or not target or re.match(r"[a-z]+:", target):
            return link["text"] if not re.match(r"[a-z]+:", link["target"]) else link[0]
        return f"{link['text']} (`{repository_path(page, target)}`)"

    cells, words = [], ""

    def end_words() -> None:
        nonlocal words
        if words.strip():
            cells.append(new_markdown_cell(LINK.sub(name_target, words.strip())))
        words = ""

    end = 0
    for fence in FENCE.finditer(text):
        words += text[end : fence.start()]
        end = fence.end()
        if NO_RUN.search(words):
            words += fence[0]
            continue
        end_words()
        code = dedent(fence["code"]).rstrip()
        cells.append(new_code_cell(code if fence["language"] == "python" else re.sub(r"^(?=[^\s#])", "!", code, flags=re.MULTILINE)))
    words += text[end:]
    end_words()
    for place, cell in enumerate(cells):
        cell.id = f"cell-{place}"  # nbformat draws them at random
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})


def write_notebooks(root: Path, folder: Path) -> None:
    """Write a notebook beside each tutorial of a staged site, and a link to it under the tutorial's heading."""
    for file in sorted((folder / "tutorials").glob("*.md")):
        page = f"docs/tutorials/{file.name}"
        if not (root / page).exists():
            continue
        notebook = notebook_of((root / page).read_text(encoding="utf-8"), page)
        nbformat.validate(notebook)
        file.with_suffix(".ipynb").write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
        text = file.read_text(encoding="utf-8")
        heading, rest = text.split("\n", 1)
        link = f"[Download this page as a notebook](<path:{file.stem}.ipynb>)"
        file.write_text(f"{heading}\n{link}\n\n{rest}", encoding="utf-8")
