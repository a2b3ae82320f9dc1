"""What a stranger's folder tells of itself, with hashes that fit: shown without harm, or refused, whatever it says."""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from raising import raises_error
from safetensors.numpy import save
from sklearn.linear_model import LogisticRegression

import senpath as sp
from benchmarks.fuzz_folders.folders import Folder
from senpath.cli.main import main
from senpath.cli.show import commit_in_words
from senpath.inference.records import answer_records
from senpath.reports.network_summary import first_entries
from senpath.server.bodies import dumps
from senpath.testing import ConstantMethod, tiny_network, tiny_task

BIG = 10**400
SECONDS = 2


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tasks, one of which borrows from the other, and a measurement."""
    net = tiny_network(tmp_path_factory.mktemp("kept") / "net", ("low", "high"))
    x, y = tiny_task("low")
    sp.evaluate(net, {"low": (x[:20], y[:20])}, record=True)
    return Path(net.path)


@pytest.fixture
def folder(kept: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(kept, tmp_path / "net"))


def changed(folder: Path, change: Callable[[dict[str, Any]], object], task: str = "low") -> Path:
    made = Folder.read(folder)
    change(made.network["tasks"][task])
    made.write(folder)
    return folder


def told(capsys: pytest.CaptureFixture[str], *command: object) -> str:
    """What a command prints; it may not end as a bug does."""
    with pytest.raises(SystemExit) as ended:
        main([*map(str, command)])
    shown = capsys.readouterr()
    assert ended.value.code in (0, None), shown.err
    return shown.out


ENTRIES: list[dict[str, Any]] = [
    {"tasks": 5, "removed": 5, "renamed": 5, "rollback": "x", "limit": [1], "described": {"a": 1}},
    {"removed": [["x"]], "tasks": [["a"], {"b": 1}], "renamed": {"from": ["x"], "to": 1}, "rollback": BIG},
    {"tasks": ["low"], "time": math.nan, "author": {"a": math.inf}, "examples": math.nan, "settings": {"a": [math.inf]}},
    {"tasks": ["low"], "method": "extend", "revision": {"classes": 5}, "rollback": True, "time": 5},
]


@pytest.mark.parametrize("entries", [ENTRIES[:2], ENTRIES[2:]])
def test_entries_of_the_log_that_are_none(folder: Path, capsys: pytest.CaptureFixture[str], entries: list[dict[str, Any]]) -> None:
    lines = [json.dumps({"version": version, **entry}) for version, entry in enumerate(entries, start=1)]
    (folder / "log.jsonl").write_text("\n".join(lines) + "\n")
    for command in ("log", "rollback", "tasks"):
        for line in told(capsys, command, folder, "--json").splitlines():
            json.loads(line, parse_constant=pytest.fail)
    assert [entry["version"] for entry in sp.Network(folder).log] == [1, 2]


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_last_entry_that_is_none(folder: Path, entry: dict[str, Any]) -> None:
    (folder / "log.jsonl").unlink()
    made = Folder.read(folder)
    made.network["last"] = {"version": "abc", **entry}
    made.write(folder)
    (last,) = sp.Network(folder).log
    assert last["version"] == 2
    assert commit_in_words(last)


def test_a_log_that_is_nested_deeply(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "log.jsonl").write_text('{"version": 1, "tasks": ["low"], "settings": ' + '{"a":' * 800 + "1" + "}" * 801 + "\n")
    told(capsys, "log", folder, "--csv")
    sp.report(sp.Network(folder), folder.parent / "page.html")


def test_a_commit_after_a_line_of_no_version(folder: Path) -> None:
    with (folder / "log.jsonl").open("a") as log:
        log.write('{"version": Infinity}\n')
    net = sp.Network(folder)
    net.describe("low", "digits")
    assert net.version == 3


@pytest.mark.parametrize("half", [b"\\ud800", b"\xed\xa0\x80"])
def test_a_log_with_half_a_character(folder: Path, half: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "log.jsonl").write_bytes(b'{"version": 1, "tasks": ["low"], "author": "a%sb"}\n' % half)
    assert [entry["version"] for entry in sp.Network(folder).log] == [2]
    told(capsys, "log", folder, "--output", folder.parent / "log.csv")
    sp.Network(folder).save_pretrained(folder.parent / "saved")


def test_many_rollbacks_take_no_time_nor_memory() -> None:
    log = [{"version": number, "tasks": [f"task {number}"]} for number in range(10_000)]
    log += [{"version": 10_000 + number, "rollback": number} for number in range(10_000)]
    start = time.process_time()
    assert len(first_entries(log)) > 1
    assert time.process_time() - start < SECONDS


MEASURED: dict[str, Callable[[dict[str, Any]], object]] = {
    "confusion": lambda line: line["confusion"]["low"].update(low=BIG, high=-BIG),
    "refused": lambda line: line["refused"].update(low=BIG),
    "examples": lambda line: line["scores"]["low"].update(examples=BIG),
    "pairs": lambda line: line["by_class"].update(low={"classes": [0, 1], "pairs": [[0, 1, BIG]]}),
}


def measured(folder: Path, change: Callable[[dict[str, Any]], object]) -> sp.Network:
    line = json.loads((folder / "evaluations.jsonl").read_text())
    change(line)
    (folder / "evaluations.jsonl").write_text(json.dumps(line) + "\n")
    return sp.Network(folder)


@pytest.mark.parametrize("what", MEASURED)
def test_measurements_of_more_than_can_be(folder: Path, what: str) -> None:
    net = measured(folder, MEASURED[what])
    with raises_error(sp.StoreError, "evaluations.jsonl: line 1", expected="a measurement"):
        sp.recorded_evaluations(net)


def test_a_measurement_of_very_many_classes_has_no_matrix(folder: Path) -> None:
    of = {"classes": list(range(100_000)), "pairs": [[0, 1, 5]]}
    (recorded,) = sp.recorded_evaluations(measured(folder, lambda line: line["by_class"].update(low=of)))
    assert recorded.evaluation.by_class["low"].worst == [(0, 1, 5, 1.0)]
    with raises_error(sp.InputError, "confusion matrix", expected="at most 4,096 classes", got="100,000"):
        recorded.evaluation.plot("low")


HISTORIES: dict[str, Callable[[dict[str, Any]], object]] = {
    "examples": lambda task: task["pathway"]["provenance"].update(examples=BIG),
    "fewest": lambda task: task["pathway"]["provenance"].update(fewest_per_class=-1),
    "cost": lambda task: task["pathway"]["provenance"].update(
        cost=dict.fromkeys(("read", "updated", "dispatcher_read", "dispatcher_updated", "total"), BIG)
    ),
    "revisions": lambda task: task["pathway"]["provenance"].update(revisions=[{"revision": "prune", "version": BIG, "record": {}}]),
    "sources": lambda task: task["pathway"]["provenance"].update(sources_tried={"low": math.nan}),
    "labels": lambda task: task["pathway"].update(classes=[BIG, 1, 2, 3, 4]),
    "misled": lambda task: task.update(misled=math.nan),
    "transfers": lambda task: [one.update(share=math.inf) for one in task["pathway"]["links"][0]["transfers"]],
    "link": lambda task: task["pathway"]["links"][0].update(examples=BIG),
}


@pytest.mark.parametrize("what", HISTORIES)
def test_what_is_told_of_learning_are_numbers_that_can_be_computed_with(folder: Path, what: str) -> None:
    with raises_error(sp.StoreError, expected="parts that fit each other", got="tasks.high"):
        sp.Network(changed(folder, HISTORIES[what], "high"))


def test_settings_of_any_size_are_shown(folder: Path) -> None:
    changed(folder, lambda task: task["pathway"]["provenance"]["settings"].update(threshold=BIG, random_state=BIG), "high")
    sp.report(sp.Network(folder), folder.parent / "page.html")


def test_a_card_has_each_task_on_a_line_of_its_own(folder: Path) -> None:
    changed(folder, lambda task: task["pathway"].update(classes=["a |\n\n# Read me\n\n![x](http://x)", "\u202eb", "c", "d", "e"]))
    changed(folder, lambda task: task["pathway"]["provenance"].update(data="x |\n\n# Read me", method="~~~\n<b>"))
    net = measured(folder, lambda line: line["scores"]["low"].update(accuracy=-BIG))
    net.save_pretrained(folder.parent / "saved")
    card = (folder.parent / "saved" / "README.md").read_text(encoding="utf-8")
    assert not any(line.startswith(("# Read", "![", "~~~", "<b>")) for line in card.splitlines())
    assert "a \\| # Read me !\\[x\\](http://x)" in card
    assert "\u202e" not in card


def test_doctor_loads_nothing_of_the_hub_that_only_the_network_names(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Folder.read(folder)
    encoder = {"name": "hf:somebody/model", "sha256": "0" * 64, "weights": 5}
    made.network["types"]["image"]["data_type"].update(
        shape=[64], options={"encoder": encoder, "reads": {"shape": [3, 8, 8], "options": {}}}
    )
    made.write(folder)
    monkeypatch.setattr("senpath.inputs.encoders.registry.from_hugging_face", lambda *_: pytest.fail("it was loaded"))
    with pytest.raises(SystemExit):
        main(["doctor", str(folder)])
    assert "If you trust that model" in capsys.readouterr().out


def test_doctor_follows_no_link(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "secret").write_text('{"format_version": 777777}')
    (folder / "network.json").unlink()
    (folder / "network.json").symlink_to(tmp_path / "secret")
    with pytest.raises(SystemExit):
        main(["doctor", str(folder)])
    assert "777777" not in capsys.readouterr().out


STEPS: dict[str, tuple[dict[str, Any], dict[str, np.ndarray], str]] = {
    "products of nothing": ({"name": "products"}, {"index": np.zeros((2**24, 0), np.int64)}, "1 to 64 factors"),
    "products of very much": ({"name": "products"}, {"index": np.zeros((1, 65), np.int64)}, "1 to 64 factors"),
    "machines of very many classes": (
        {"name": "support-vectors", "kernel": "linear", "degree": 1, "gamma": 1.0, "coef0": 0.0},
        {
            "vectors": np.zeros((0, 4), np.float32),
            "dual": np.zeros((1024, 0), np.float32),
            "counts": np.zeros(1025, np.int64),
            "intercept": np.zeros(1025 * 512, np.float32),
        },
        "at most 1024 classes",
    ),
    "posteriors of very many": (
        {"name": "chain", "parts": [{"name": "pick"}, {"name": "map", "function": "posterior"}]},
        {"0.index": np.zeros(2**20 + 1, np.int64)},
        "numbers in a step",
    ),
}


@pytest.mark.parametrize("what", STEPS)
def test_steps_that_take_much_more_than_their_arrays_are_long(tmp_path: Path, what: str) -> None:
    net = sp.Network(tmp_path / "net")
    net.learn("iris", *tiny_task("iris"), model=LogisticRegression(max_iter=20), links="none")
    made, (step, arrays, got) = Folder.read(tmp_path / "net"), STEPS[what]
    old = next(name for name, (described, _, _) in made.components.items() if described["kind"] == "estimator.v1")
    config = made.components[old][0]["config"]
    made.replace(old, {"kind": "estimator.v1", "config": {**config, "step": step}}, save(arrays))
    made.write(tmp_path / "net")
    with raises_error(sp.StoreError, got=got):
        sp.Network(tmp_path / "net").predict(tiny_task("iris")[0][:1], task="iris")


def test_a_day_that_no_calendar_has_stands_for_a_gap(tmp_path: Path) -> None:
    days = pd.to_datetime(["2020-01-01", "2021-02-03", None, "2022-01-01"] * 5)
    table = pd.DataFrame({"day": days, "number": range(20), "label": ["u", "v"] * 10})
    sp.Network(tmp_path / "net").learn("days", table, "label", method=ConstantMethod())
    made = Folder.read(tmp_path / "net")
    for record in made.network["types"].values():
        record["data_type"]["options"]["fill"][0] = 1e30
    made.write(tmp_path / "net")
    why = sp.Network(tmp_path / "net").explain({"day": None, "number": 1}, errors="none")
    assert any("read as the median, 1e+30" in note for note in why.notes)


def test_sides_of_pictures_are_no_longer_than_can_be_read(tmp_path: Path) -> None:
    sp.Network(tmp_path / "net")
    made = Folder.read(tmp_path / "net")
    made.network["settings"]["image_shape"] = [1, 10**9, 10**9]
    made.write(tmp_path / "net")
    with raises_error(sp.StoreError, "settings of the network"):
        sp.Network(tmp_path / "net")


def test_labels_that_have_no_place_in_64_bits_are_answered(tmp_path: Path) -> None:
    x, y = tiny_task("low")
    net = sp.Network(tmp_path / "net")
    net.learn("low", x, [-(2**63) - 5 if label < 2 else 7 for label in y], method=ConstantMethod())
    answers = answer_records(net.view, net.predict(x[:20], task="low"))
    labels = {answer["label"] for answer in json.loads(dumps(answers))}
    assert labels == {-(2**63) - 5, 7}
    assert json.loads(dumps({"a": math.nan, "b": 2**70})) == {"a": None, "b": 2**70}
