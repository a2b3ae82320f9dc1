"""The how-to about notebooks, run in a real one."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

DOCUMENT = Path(__file__).parents[2] / "docs" / "howto" / "notebook.md"
LONG = """
data = {name: (pixels[:300], digits.target[:300], pixels[300:400], digits.target[300:400])
        for name, pixels in (("plain", digits.images / 16), ("turned", 1 - digits.images / 16))}
done = sp.experiment({name: ((x, y), (a, b)) for name, (x, y, a, b) in data.items()}, ["sen", "ncm"], seeds=1, settings={"epochs": 20})
together = sp.Network()
told = together.learn_many({name: some[:2] for name, some in data.items()}, method="allocation", steps=60)
"""
BLOCK = re.compile(r"(?<!-->\n)^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.slow("starts a kernel of Jupyter, which loads torch, and learns two tasks")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_how_to_runs_and_shows(tmp_path: Path) -> None:
    client, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    cells = [nbformat.v4.new_code_cell(dedent(code)) for code in BLOCK.findall(DOCUMENT.read_text(encoding="utf-8"))]
    cells.append(nbformat.v4.new_code_cell(LONG))
    notebook = nbformat.v4.new_notebook(cells=cells)
    seen: list[str] = []

    class Watched(client.NotebookClient):  # type: ignore[misc, name-defined]
        """Notes every picture of an output, those too that were replaced."""

        def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
            seen.append(str(msg["content"].get("data", {}).get("text/html", "")))
            return super().process_message(msg, cell, cell_index)

    Watched(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    drawn = [html for html in seen if html.startswith("<progress")]
    assert any("learn digits: train · loss" in html for html in drawn)
    assert any("experiment: runs" in html for html in drawn)
    assert any("learn_many: train" in html for html in drawn)
    assert not any("<progress" in str(cell.outputs) for cell in notebook.cells)  # gone when the work was done
    outputs = [output for cell in notebook.cells for output in cell.outputs]
    pages = [output.data["text/html"] for output in outputs if "text/html" in output.get("data", {})]
    for text in ("learned digits", "borrows from", "Prediction(30 inputs", 'src="data:image/png;base64,'):
        assert any(text in page for page in pages), text
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 4  # one for each chart
    assert not [output for output in outputs if output.output_type == "error"]
