"""The conformance suite of the store: what is saved is what is loaded, and what is old stays as it is."""

from __future__ import annotations

import copy
import json
import re
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from nursery import Nursery
from safetensors import safe_open

import senpath as sp
from senpath.components import build, freeze
from senpath.learning import propose
from senpath.snapshot import encode_examples

Labelled = tuple[np.ndarray, np.ndarray]
Watch = Callable[[Path], AbstractContextManager[None]]
Contents = Callable[[Path], dict[str, str]]


def a_proposal(net: sp.Network, task: str, data: Labelled, **settings: object) -> sp.Proposal:
    return propose(net.view, sp.Sen(**{"model": "mlp", "epochs": 1, "hidden": 4, **settings}), task, encode_examples(net.view, *data))


def learn(net: sp.Network, task: str, data: Labelled, **settings: object) -> None:
    net.learn(task, *data, **{"model": "mlp", "epochs": 1, "hidden": 4, **settings})


def test_saved_equals_loaded(folder: Path, digits: Labelled, iris: Labelled) -> None:
    net = sp.Network(folder)
    learn(net, "new", iris)
    again = sp.Network(folder)
    for task, x in {"low": digits[0], "high": digits[0], "iris": iris[0], "new": iris[0]}.items():
        known = net.predict(x, task=task).probabilities[task]
        assert (again.predict(x, task=task).probabilities[task] == known).all()


@pytest.mark.slow("starts a process of its own")
def test_another_process_answers_the_same(nursery: Nursery, folder: Path, tmp_path: Path, digits: Labelled, iris: Labelled) -> None:
    net = sp.Network(folder)
    inputs = {"low": digits[0], "high": digits[0], "iris": iris[0]}
    np.savez(tmp_path / "inputs.npz", **inputs)
    files = {"inputs": tmp_path / "inputs.npz", "answers": tmp_path / "answers.npz"}
    assert nursery.run("predict", folder=folder, threads=torch.get_num_threads(), **files) == 0
    with np.load(tmp_path / "answers.npz") as elsewhere:
        for task, x in inputs.items():
            assert (elsewhere[task] == net.predict(x, task=task).probabilities[task]).all()
            assert (elsewhere[f"{task}, task found"] == net.predict(x).confidence).all()


def test_what_is_committed_stays_byte_by_byte(folder: Path, digits: Labelled, iris: Labelled, contents: Contents) -> None:
    before = contents(folder)
    columns = {path: path.read_bytes() for path in folder.glob("dispatcher/*.columns")}
    net = sp.Network(folder)
    learn(net, "more digits", digits)
    learn(net, "more flowers", iris)
    after = contents(folder)
    kept = [name for name in before if name.startswith("components/")]
    assert len(kept) > 10
    assert [after[name] for name in kept] == [before[name] for name in kept]
    assert len(columns) == 2
    assert all(path.read_bytes().startswith(rows) for path, rows in columns.items())


def test_every_commit_is_a_version_and_a_line_of_the_log(tmp_path: Path, iris: Labelled, digits: Labelled) -> None:
    net = sp.Network(tmp_path / "net")
    assert (net.version, net.log) == (0, [])
    for version, (data, seed) in enumerate([(iris, 5), (iris, 6), (digits, 7)], start=1):
        learn(net, f"task {version}", data, random_state=seed)
        assert net.version == net.tasks[f"task {version}"].version == version
        lines = [json.loads(line) for line in (tmp_path / "net" / "log.jsonl").read_text().splitlines()]
        assert lines == net.log
        assert [line["version"] for line in lines] == list(range(1, version + 1))
        assert lines[-1]["tasks"] == [f"task {version}"]
        assert lines[-1]["settings"]["random_state"] == seed
        assert (lines[-1]["method"], lines[-1]["examples"]) == ("sen", len(data[1]))
    first, second, third = (line["data"] for line in net.log)
    assert first == second != third


@pytest.mark.parametrize("cut", [1, 2, 40, "line", "file"])
def test_a_log_that_a_crash_cut_heals(folder: Path, iris: Labelled, cut: int | str) -> None:
    net = sp.Network(folder)
    learn(net, "Größe", iris)
    entries = net.log
    log = folder / "log.jsonl"
    if cut == "file":
        log.unlink()
    elif cut == "line":
        log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]))
    else:
        line = log.read_bytes().splitlines(keepends=True)[-1]
        log.write_bytes(log.read_bytes()[: -len(line)] + line[: line.index("ö".encode()) + int(cut)])
    expected = entries[-1:] if cut == "file" else entries
    assert sp.Network(folder).log == expected
    learn(net, "next", iris)
    assert sp.Network(folder).log == [*expected, net.log[-1]]
    assert len(log.read_bytes().splitlines()) == len(expected) + 1


def test_readers_answer_at_their_version_until_they_refresh(folder: Path, digits: Labelled) -> None:
    writer, reader, late = sp.Network(folder), sp.Network(folder), sp.Network(folder)
    before = reader.predict(digits[0])
    learn(writer, "all", digits)
    for behind in (reader, late):
        assert behind.version == 3
        assert "all" not in behind.tasks
        assert (behind.predict(digits[0]).confidence == before.confidence).all()
        with pytest.raises(sp.UnknownTaskError, match=r"task 'all': expected one that the network has learned: low, high, iris"):
            behind.predict(digits[0], task="all")
    assert reader.refresh()
    assert not reader.refresh()
    assert (reader.version, list(reader.tasks)) == (4, ["low", "high", "iris", "all"])
    assert (reader.predict(digits[0]).confidence == writer.predict(digits[0]).confidence).all()


def test_old_statistics_are_dropped(folder: Path, digits: Labelled) -> None:
    writer, reader, late = sp.Network(folder), sp.Network(folder), sp.Network(folder)
    asked = digits[0][:40]
    before = reader.predict(asked).confidence
    for number in range(11):
        learn(writer, f"more {number}", (digits[0][:30], digits[1][:30]))
    names = {path.name for path in folder.glob("dispatcher/image.*.metric")}
    assert names == {f"image.{version}.metric" for version in range(5, 15)}
    assert writer.versions == tuple(range(5, 14))
    assert (reader.predict(asked).confidence == before).all()
    with pytest.raises(sp.StoreError, match=r"image\.2\.metric: expected readable, got No such file.*Call refresh\(\)"):
        late.predict(asked)
    assert late.refresh()
    assert len(late.predict(asked)) == len(asked)


def test_what_dead_writers_left_pushes_nothing_out(folder: Path, digits: Labelled, iris: Labelled) -> None:
    answers = sp.Network(folder).predict(digits[0]).confidence
    for version in (4, 5, 6, 7):
        (folder / "dispatcher" / f"image.{version}.metric").write_bytes(b"half a mat")
    with open(folder / "dispatcher" / "image.columns", "ab") as file:
        file.write(b"rows without a commit")
    net = sp.Network(folder)
    learn(net, "flowers", iris)
    learn(net, "flowers again", iris)
    net.verify()
    assert sorted(path.name for path in folder.glob("dispatcher/image.*.metric")) == ["image.1.metric", "image.2.metric"]
    assert (sp.Network(folder).predict(digits[0]).confidence == answers).all()
    learn(net, "digits", digits)
    net.verify()


def test_opening_reads_one_file(folder: Path, digits: Labelled, tmp_path: Path) -> None:
    (tmp_path / "alone").mkdir()
    shutil.copy(folder / "network.json", tmp_path / "alone")
    net = sp.Network(tmp_path / "alone")
    assert (net.version, list(net.tasks), net.tasks["low"].classes_) == (3, ["low", "high", "iris"], (0, 1, 2, 3, 4))
    assert net.weights == sp.Network(folder).weights
    first = net.view.pathway("low").components[0]
    for ask in (lambda: net.predict(digits[0], task="low"), lambda: net.view.component(first)):
        with pytest.raises(sp.StoreError, match=rf"component {first[:12]}: {first}\.json.*No such file"):
            ask()
    features = net.view.manifest.types["image"].features
    with pytest.raises(sp.StoreError, match=rf"component {features[:12]}: .*No such file"):
        net.predict(digits[0])


def test_no_file_holds_a_pickle(folder: Path) -> None:
    kinds = {path.suffix or path.name for path in folder.rglob("*") if path.is_file()}
    assert kinds == {".json", ".jsonl", ".safetensors", ".columns", ".covariance", ".metric", ".lock"}
    for path in folder.rglob("*.json*"):
        assert all(json.loads(line) for line in (path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]))
    for path in folder.rglob("*.safetensors"):
        with safe_open(path, framework="numpy") as tensors:
            assert tensors.keys()
    sizes = [path.stat().st_size for path in folder.glob("dispatcher/*.columns")]
    assert all(size % (4 * 512) == 0 for size in sizes)  # rows of plain numbers, nothing around them


def test_a_proposal_commits_on_a_later_version(folder: Path, iris: Labelled, digits: Labelled) -> None:
    net, other = sp.Network(folder), sp.Network(folder)
    proposal = a_proposal(net, "late", iris, threshold=0)
    learn(other, "flowers", iris)
    learn(other, "digits", digits)
    assert (proposal.version, other.version) == (3, 5)
    net.commit(proposal)
    net.verify()
    assert (net.version, list(net.tasks)[3:]) == (6, ["flowers", "digits", "late"])
    assert net.tasks["late"].transfers


def test_two_proposals_of_one_name(folder: Path, iris: Labelled, unchanged: Watch) -> None:
    net = sp.Network(folder)
    first, second = a_proposal(net, "twin", iris), a_proposal(net, "twin", iris, random_state=1)
    net.commit(first)
    with unchanged(folder), pytest.raises(sp.TaskExistsError, match=r"task 'twin': expected a new name, got one the network has learned"):
        net.commit(second)
    assert net.version == 4


def test_a_proposal_that_builds_on_what_is_gone(folder: Path, tmp_path: Path, digits: Labelled, unchanged: Watch) -> None:
    proposal = a_proposal(sp.Network(folder), "linked", digits, threshold=0)
    assert proposal.pathways[0].links
    elsewhere = sp.Network(tmp_path / "elsewhere")
    learn(elsewhere, "other", digits)
    with unchanged(elsewhere.path), pytest.raises(sp.ConflictError, match=r"'linked': expected components that the network has, got \d"):
        elsewhere.commit(proposal)


def test_a_proposal_of_a_type_that_is_gone(folder: Path, tmp_path: Path, digits: Labelled, unchanged: Watch) -> None:
    proposal = a_proposal(sp.Network(folder), "alone", digits, links="none")
    elsewhere = sp.Network(tmp_path / "elsewhere")
    with unchanged(elsewhere.path), pytest.raises(sp.ConflictError, match=r"'alone': expected the data type 'image', got a network"):
        elsewhere.commit(proposal)


def test_a_type_that_two_writers_establish_differently(tmp_path: Path, digits: Labelled, unchanged: Watch) -> None:
    net = sp.Network(tmp_path / "net")
    proposal = a_proposal(net, "small", digits)
    learn(sp.Network(net.path), "large", (digits[0].repeat(2, 1), digits[1]))
    with unchanged(net.path), pytest.raises(sp.ConflictError, match=r"'image': expected shape \(1, 8, 8\), got shape \(1, 16, 8\)"):
        net.commit(proposal)


def test_a_proposal_that_alters_a_component(folder: Path, digits: Labelled, unchanged: Watch) -> None:
    net = sp.Network(folder)
    proposal = a_proposal(net, "new", digits, links="none")
    altered = copy.copy(proposal.components[0])
    altered.hash = net.view.pathway("low").components[0]
    message = rf"proposed component {altered.hash[:12]}: expected content that has this hash, got other content"
    with unchanged(folder), pytest.raises(sp.InputError, match=message):
        net.commit(replace(proposal, components=(*proposal.components, altered)))


@pytest.mark.parametrize(
    ("field", "number"),
    [("columns", np.nan), ("columns", 1e13), ("covariance", np.inf), ("counts", np.nan), ("counts", 1e-9), ("figures", np.nan)],
)
def test_statistics_that_would_spoil_the_others(folder: Path, digits: Labelled, unchanged: Watch, field: str, number: float) -> None:
    net = sp.Network(folder)
    proposal = a_proposal(net, "new", digits)
    kept = proposal.statistics["new"]
    spoilt = {"limit": number, "few": 0.0} if field == "figures" else np.full_like(getattr(kept, field), number)
    with unchanged(folder), pytest.raises(sp.InputError, match=re.escape("task 'new': the dispatcher's statistics: expected finite")):
        net.commit(replace(proposal, statistics={"new": replace(kept, **{field: spoilt})}))


def test_answers_that_are_no_numbers(folder: Path, digits: Labelled, unchanged: Watch) -> None:
    net = sp.Network(folder)
    proposal = a_proposal(net, "new", digits, links="none")
    body, head = proposal.components
    diverged = build(head.kind, head.config)
    torch.nn.init.constant_(diverged.get_parameter("weight"), torch.nan)
    spoilt = freeze(head.kind, head.config, diverged)
    pathway = replace(proposal.pathways[0], components=(body.hash, spoilt.hash))
    with unchanged(folder), pytest.raises(sp.InputError, match=r"task 'new': its answers: expected finite numbers, got NaN or infinity"):
        net.commit(replace(proposal, pathways=(pathway,), components=(body, spoilt)))


def test_an_entry_that_json_cannot_hold(folder: Path, digits: Labelled, unchanged: Watch) -> None:
    net = sp.Network(folder)
    with unchanged(folder), pytest.raises(sp.InputError, match=r"version 4: expected content that JSON can hold, got .*object"):
        net.commit(replace(a_proposal(net, "new", digits), entry={"what": object()}))
