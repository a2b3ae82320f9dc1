"""The pages of the reference, made of the public names' docstrings by Sphinx's autodoc."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from tools.site.commands import commands_page
from tools.site.docstrings import public_names, to_rst
from tools.site.pages import toctree
from tools.site.public import PAGES, Page, docstring_of

SETUP = """from pathlib import Path
import numpy as np
import senpath as sp
from senpath.testing import tiny_network, tiny_task

net = tiny_network("tiny.sen")  # knows "low" and "high", digits 0 … 4 and 5 … 9, and "iris"; "high" borrows from "low"
x, y = tiny_task("low")  # 150 pictures, (150, 8, 8), and their digits
"""
EXAMPLES = f"""Examples are pieces of a Python session that begins, in an empty folder, with

```python
{SETUP}```

For a client, `url` is the address of a server of that network (`senpath serve tiny.sen`), and `client` is `sp.Client(url)`.
The tests run every example.
"""


def write_reference(folder: Path) -> None:
    """Write the pages of the reference into a staged site."""
    reference = folder / "reference"
    reference.mkdir()
    (reference / "commands.md").write_text(commands_page(), encoding="utf-8")
    index = ["# Reference", "Every public name, every command, every file.", "", "## Python", ""]
    for page in PAGES:
        (reference / f"{page.place}.md").write_text(page_of(page), encoding="utf-8")
        index.append(f"- [{page.title}]({page.place}.md): " + ", ".join(f"{{py:obj}}`~{page.module}.{name}`" for name in page.names))
    index += ["", "## Examples", "", EXAMPLES, "## The command line, files and terms", ""]
    index += ["- [The command line](commands.md)", "- [What lies in a network's folder](../format.md)", "- [Glossary](../glossary.md)", ""]
    text = "\n".join(index)
    (reference / "index.md").write_text(text + toctree([f"reference/{page.place}" for page in PAGES]), encoding="utf-8")


def page_of(page: Page) -> str:
    """A page's Markdown: a heading for each name, and below it what autodoc makes of it."""
    lines = [f"# {page.title}", page.about, "", "```{py:currentmodule} " + page.module, "```", ""]
    for name, thing in page.objects().items():
        short = name.rpartition(".")[2]
        lines += [f"## {short}", ""] if short != page.title else []
        lines += ["```{eval-rst}", *directive(name, thing), "```", ""]
    return "\n".join(lines)


def directive(name: str, thing: Any) -> list[str]:
    """What tells autodoc to describe a name."""
    if inspect.isclass(thing):
        return [f".. autoclass:: {name}", "   :members:"]
    if callable(thing) and hasattr(thing, "__name__"):
        return [f".. autofunction:: {name}"]
    module, _, short = name.rpartition(".")
    text = to_rst(docstring_of(name, thing).splitlines(), public_names())
    return [f".. py:data:: {short}", f"   :module: {module}", "", *(f"   {line}" for line in text)]
