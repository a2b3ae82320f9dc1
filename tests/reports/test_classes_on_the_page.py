"""The report names classes, and says which were taken for which."""

from __future__ import annotations

from pathlib import Path

import senpath as sp
from senpath.testing import ConstantMethod, tiny_network, tiny_task


def test_classes_and_their_confusions(tmp_path: Path) -> None:
    net = tiny_network(tmp_path / "net", tasks=["iris"])
    x, y = tiny_task("low")
    labels = [f"<b>digit {label}</b>" for label in y]
    net.learn("low", x, labels, method=ConstantMethod())
    sp.report(net, tmp_path / "before.html")
    assert "Which classes are confused" not in (tmp_path / "before.html").read_text()
    measured = sp.evaluate(net, {"low": (x, labels), "iris": tiny_task("iris")}, record=True)
    sp.report(net, tmp_path / "after.html")
    page = (tmp_path / "after.html").read_text()
    section = page[page.index('<section id="classes">') :].partition("</section>")[0]
    pairs = [pair for of in measured.by_class.values() for pair in of.worst]
    assert section.count("<tr>") == 1 + len(pairs)
    assert "&lt;b&gt;digit" in section
    assert "<b>digit" not in page
    assert "&lt;b&gt;digit 0&lt;/b&gt;, &lt;b&gt;digit 1" in page  # among the tasks
