"""What the files of a page that runs in a browser say, whatever tasks, labels and columns are called."""

from __future__ import annotations

import json

from senpath.export.browser import MODELS, RUNTIME, page_files


def test_a_script_has_every_label_and_column_as_they_are() -> None:
    classes = [1, 2**53 - 1, 2**53 + 1, -(2**60) - 1]
    about = {"tasks": [{"name": "</script>\u2028", "kind": "classification", "classes": classes}], "categories": {"__proto__": ["a"]}}
    files = page_files(dict.fromkeys(RUNTIME, b""), [(about, b"model")])
    script = files["models.js"].decode("ascii")
    assert script.startswith(f"{MODELS}JSON.parse(")
    (model,) = json.loads(json.loads(script.removeprefix(f"{MODELS}JSON.parse(").removesuffix(");\n")))
    assert model["about"]["categories"] == {"__proto__": ["a"]}
    (task,) = model["about"]["tasks"]
    assert task["name"] == about["tasks"][0]["name"]
    # JavaScript would read another number in place of these.
    assert task["classes"] == [1, 2**53 - 1, str(2**53 + 1), str(-(2**60) - 1)]
