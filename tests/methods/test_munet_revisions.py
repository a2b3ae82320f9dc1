"""Tasks that `munet` learned: what changes them, what borrows from them, and what is declined, with the reason."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_diabetes

import senpath as sp
from senpath.components import unpruned
from senpath.inputs.modalities import MODALITIES
from senpath.methods.munet.record import MunetRecord
from senpath.methods.munet.session import path_of
from senpath.snapshot import encode_examples

Labelled = tuple[np.ndarray, np.ndarray]
Unchanged = Callable[[Path], AbstractContextManager[None]]
BUDGET: dict[str, Any] = {
    "method": "munet",
    "schedule": "evolve",
    "root": "mlp",
    "generations": 2,
    "children": 2,
    "cycles": 1,
    "examples": 200,
}
ALONE: dict[str, Any] = {"adapters": "none", "layers": False, "others": False}
OWN: dict[str, Any] = {**BUDGET, **ALONE, "blocks": 0, "clone": "all"}
"""One hidden layer, trained for the task."""
SHARED: dict[str, Any] = {**BUDGET, **ALONE, "blocks": 0, "clone": "none"}
"""One hidden layer, the root's."""
DEEP: dict[str, Any] = {**BUDGET, "blocks": 2, "layers": False, "adapters": "all", "clone": "all", "start": {"learning_rate": 0.2}}
"""Three hidden layers and adapters, trained for the task."""
VIT: dict[str, Any] = {**BUDGET, "root": "vit", "blocks": 1}
BORROWS: dict[str, Any] = {"hidden": 16, "epochs": 5, "augment": 0.0, "threshold": 0.1, "min_separability": 0}


@pytest.fixture(scope="module")
def _learned(built_once: Callable[[str, Callable[[Path], object]], Path], train: Labelled) -> Path:
    def build(path: Path) -> None:
        x, y = train
        net, low = sp.Network(path), y < 5
        settings: dict[str, dict[str, Any]] = {"own": OWN, "shared": SHARED, "deep": {**DEEP, "examples": 2_000}, "vit": VIT}
        for task, how in settings.items():
            mine = low if task in ("deep", "vit") else slice(None)
            net.learn(task, x[mine], y[mine], work=path.with_name("munet searches"), **how)

    return built_once("munet.sen", build)


@pytest.fixture
def net(_learned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> sp.Network:
    """Knows "own", "shared", "deep" and "vit", all of them learned by `munet`; the last two know the digits 0 … 4. The test's own copy."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return sp.Network(shutil.copytree(_learned, tmp_path / "net.sen"))


@pytest.fixture
def some(fresh: Labelled) -> Labelled:
    """60 digits that no task has seen."""
    return fresh[0][:60], fresh[1][:60]


def kinds(net: sp.Network, task: str) -> list[str]:
    return [net.view.component(name).kind.name for name in net.view.pathway(task).components]


def origins(net: sp.Network, task: str) -> list[str | None]:
    """Who trained each component of a task: what was changed since it was learned is the task's own."""
    pathway = net.view.pathway(task)
    record = MunetRecord.of(pathway)
    assert record is not None
    return [layer.trainer(task, name) for layer, name in zip(record.layers, pathway.components, strict=True)]


def logits(net: sp.Network, task: str, x: np.ndarray) -> torch.Tensor:
    data_type = net.view.manifest.types[net.view.pathway(task).data_type].data_type
    return net.view.logits(task, MODALITIES[data_type.modality].encode(x, data_type))


def test_the_tasks_are_what_they_are_said_to_be(net: sp.Network) -> None:
    assert (kinds(net, "own"), origins(net, "own")) == (["mlp.v1", "linear.v1"], ["own", "own"])
    assert (kinds(net, "shared"), origins(net, "shared")) == (["mlp.v1", "linear.v1"], [None, "shared"])
    assert kinds(net, "deep") == ["mlp.v1", "mlp.v1", "adapter.v1", "mlp.v1", "adapter.v1", "linear.v1"]
    assert {"patches.v1", "class-token.v1", "positions.v1", "class-norm.v1", "linear.v1"} <= {*kinds(net, "vit")}


@pytest.mark.parametrize("task", ["own", "shared", "deep", "vit"])
def test_a_review_is_declined(net: sp.Network, train: Labelled, unchanged: Unchanged, task: str) -> None:
    with unchanged(net.path):
        found = net.review(task, *train) if task in ("own", "shared") else net.review(task, *of(train, range(5)))
    assert not found.changed
    assert found.reason == "it was learned by the method 'munet', and a review would learn it again by 'sen'"


def of(data: Labelled, digits: Any) -> Labelled:
    mine = np.isin(data[1], list(digits))
    return data[0][mine], data[1][mine]


@pytest.mark.parametrize("what", ["weights", "units"])
@pytest.mark.parametrize(
    ("task", "reason"),
    [
        ("deep", "it consists of 6 layers, not of a backbone and an output layer"),
        (
            "shared",
            "its hidden layer is the root model's, which further tasks may share, so that a smaller copy would make the network larger",
        ),
    ],
)
def test_what_is_shared_or_long_is_not_pruned(
    net: sp.Network, some: Labelled, unchanged: Unchanged, what: str, task: str, reason: str
) -> None:
    with unchanged(net.path):
        found = net.prune(task, 0.5, *of(some, range(5)), what=what, tolerance=1.0)
    assert (found.changed, found.reason) == (False, reason)


def test_what_another_task_runs_too_is_not_pruned(net: sp.Network, tmp_path: Path) -> None:
    net.export("own", tmp_path / "own.sentask")
    net.import_task(tmp_path / "own.sentask", "twin")
    found = net.prune("own", 0.5)
    assert not found.changed
    assert found.reason == "its hidden layer is also that of task 'twin', so that a smaller copy would make the network larger"
    net.remove("twin")
    assert net.prune("own", 0.5).changed


@pytest.mark.parametrize("what", ["weights", "units"])
def test_one_hidden_layer_of_its_own_is_pruned(net: sp.Network, train: Labelled, some: Labelled, what: str) -> None:
    before, weights = {task: logits(net, task, some[0]) for task in ("shared", "deep", "vit")}, net.weights["pathways"]
    found = net.prune("own", 0.5, *train, what=what, tolerance=1.0, epochs=1)
    assert found.changed
    assert net.tasks["own"].weights == found.record["weights"]["after"] < found.record["weights"]["before"]
    assert net.weights["pathways"] < weights
    assert origins(net, "own") == ["own", "own"]
    net.learn("next", *some, **{**BUDGET, "blocks": 0, "children": 6})  # may have "shared" as a parent, but not what was pruned
    tried = [child["parent_task"] for generation in net.log[-1]["generations"] for child in generation]
    assert "own" not in tried
    assert "shared" in tried
    for task, answers in before.items():
        assert torch.equal(logits(net, task, some[0]), answers)
    net.verify()


@pytest.mark.parametrize("task", ["own", "shared", "deep"])
def test_more_examples_leave_the_path_as_it_is(net: sp.Network, some: Labelled, task: str) -> None:
    data, before = of(some, range(5)), net.view.pathway(task)
    found = net.extend(task, *data)
    assert found.changed
    after = net.view.pathway(task)
    assert (after.components, after.provenance.record) == (before.components, before.provenance.record)
    assert after.provenance.examples == before.provenance.examples + len(data[1])
    net.verify()


@pytest.mark.parametrize("task", ["deep", pytest.param("vit", marks=pytest.mark.slow("trains a transformer for seconds"))])
def test_new_classes_get_rows_and_later_children_a_path(net: sp.Network, fresh: Labelled, some: Labelled, task: str) -> None:
    (x, y), tests = of((fresh[0][:500], fresh[1][:500]), (5, 6, 7)), of((fresh[0][500:], fresh[1][500:]), (5, 6, 7))
    before, old, parts = net.view.pathway(task), logits(net, task, some[0]), origins(net, task)
    net.extend(task, x, y, most_lost=1)
    after = net.view.pathway(task)
    assert after.classes == (*range(8),)
    assert after.components[:-1] == before.components[:-1]
    assert origins(net, task) == parts
    torch.testing.assert_close(logits(net, task, some[0])[:, :5], old, rtol=0, atol=1e-5)
    assert (net.predict(tests[0], task=task).label == tests[1]).mean() > 0.6
    record = MunetRecord.of(after)
    assert record is not None
    path = path_of(net.view, task, record, "another")
    assert [layer.component for layer in path.layers] == [*after.components]
    assert path.layers[-1].config["outputs"] == 8
    settings = DEEP if task == "deep" else VIT
    net.learn("child", *some, **{**settings, "clone": "none", "children": 6})
    assert task in [child["parent_task"] for generation in net.log[-1]["generations"] for child in generation]
    assert logits(net, "child", some[0]).shape == (60, 10)
    net.verify()


@pytest.mark.parametrize("task", ["own", "shared"])
def test_one_hidden_layer_may_move_and_is_the_tasks_own_then(net: sp.Network, some: Labelled, task: str) -> None:
    root, others = (
        net.view.pathway("shared").components[0],
        {name: logits(net, name, some[0]) for name in ("own", "shared") if name != task},
    )
    before = net.view.pathway(task)
    assert net.extend(task, *some, finetune=True, epochs=1, most_lost=1).changed
    after = net.view.pathway(task)
    assert not {*after.components} & {*before.components}
    assert origins(net, task) == [task, task]
    for name, answers in others.items():
        assert torch.equal(logits(net, name, some[0]), answers)
    if task == "shared":
        net.learn("next", *some, **SHARED)  # the root is what it was, for those that come
        assert net.view.pathway("next").components[0] == root
        assert net.prune("shared", 0.5).changed  # what it has now is nobody else's
    net.verify()


@pytest.mark.parametrize(("task", "layers"), [("deep", "6 layers"), ("vit", "[67] layers")])
def test_a_long_path_does_not_move(net: sp.Network, some: Labelled, unchanged: Unchanged, task: str, layers: str) -> None:
    data = of(some, range(5))
    with unchanged(net.path):
        found = net.extend(task, *data, finetune=True)
        with pytest.raises(
            sp.InputError, match=f"may_change: task '{task}': expected one with a hidden layer .* consists of {layers}, not"
        ):
            net.learn("new", *data, may_change=[task], hidden=4)
    assert not found.changed
    assert found.reason.startswith(f"nothing of '{task}' can move: it consists of ")


def test_a_stream_extends_them(net: sp.Network, some: Labelled) -> None:
    before = {task: net.view.pathway(task).components for task in net.tasks}
    found = net.extend(*some)
    assert sum(map(len, found.sent.values())) + len(found.left) == 60
    assert found.sent
    assert all(revised.changed for revised in found.revised.values())
    assert before == {task: net.view.pathway(task).components for task in net.tasks}
    moved = net.extend(*some, finetune=True, epochs=1, most_lost=1)
    assert {task for task, revised in moved.revised.items() if revised.changed} == {*moved.sent} & {"own", "shared"}
    net.verify()


def test_tasks_may_be_changed_along(net: sp.Network, fresh: Labelled, some: Labelled) -> None:
    deep, root = logits(net, "deep", some[0]), net.view.pathway("shared").components[0]
    learned = net.learn("new", *some, may_change=["own", "shared"], hidden=0, epochs=3, augment=0.0, measure={"own": fresh})
    assert learned.changed["own"].before is not None
    for task in ("own", "shared"):
        assert origins(net, task) == [task, task]
        assert net.tasks[task].provenance.revisions[-1].record == {"along_with": "new"}
    assert [link.reads for link in net.view.pathway("new").links] == [net.view.pathway(task).components[:1] for task in ("own", "shared")]
    assert root not in net.view.manifest.components
    assert torch.equal(logits(net, "deep", some[0]), deep)
    net.verify()


@pytest.mark.parametrize("source", ["deep", "vit"])
def test_links_read_a_chain_of_layers(net: sp.Network, some: Labelled, tmp_path: Path, source: str) -> None:
    for other in {"own", "shared", "deep", "vit"} - {source}:
        net.remove(other)
    net.learn("new", *some, **BORROWS)
    (link,) = net.view.pathway("new").links
    assert (link.source, link.reads) == (source, net.view.pathway(source).components[:-1])
    answers = logits(net, "new", some[0])
    net.export("new", tmp_path / "new.sentask")
    removed = net.remove(source)
    assert {*link.reads} <= {*removed.shared}
    net.gc(1)
    net.verify()
    assert torch.equal(logits(sp.Network(net.path), "new", some[0]), answers)
    elsewhere = sp.Network(tmp_path / "elsewhere.sen")
    elsewhere.import_task(tmp_path / "new.sentask", "imported")
    assert torch.equal(logits(elsewhere, "imported", some[0]), answers)


def test_a_hidden_layer_is_copied_where_there_is_one_of_its_shape(net: sp.Network, some: Labelled) -> None:
    net.remove("own")
    for task in ("deep", "vit"):
        net.remove(task)
    learned = net.learn("new", *some, **{**BORROWS, "hidden": 128, "epochs": 1, "model": "mlp"})
    assert learned.provenance.record["copied_from"] == "shared"
    _, config, _ = unpruned(net.view.component(net.view.pathway("new").components[0]))
    assert config == {"inputs": 64, "hidden": [128]}


def test_a_task_of_sen_may_be_reviewed_for_one_of_munet(train: Labelled, few: Any, words: np.ndarray, tmp_path: Path) -> None:
    early, net = few(train[0], words[train[1]], 3), sp.Network(tmp_path / "n.sen")
    net.learn("early", *early, links="none", hidden=16, epochs=20, augment=0.0)
    net.learn("late", *train, work=tmp_path / "work", **{**DEEP, "examples": 2_000})
    found = net.review("early", *early, threshold=0.3, min_separability=0)
    assert found.changed, found.reason
    (link,) = net.view.pathway("early").links
    assert (link.source, len(link.reads)) == ("late", 5)
    net.verify()


def test_removed_and_brought_back(net: sp.Network, some: Labelled) -> None:
    net.learn("second", *some, **SHARED)
    root = net.view.pathway("shared").components[0]
    assert net.view.pathway("second").components[0] == root
    answers = {task: logits(net, task, some[0]) for task in ("shared", "second")}
    removed = net.remove("shared")
    assert root in removed.shared
    assert torch.equal(logits(net, "second", some[0]), answers["second"])
    assert net.rollback(removed.version - 1).restored == ("shared",)
    assert torch.equal(logits(net, "shared", some[0]), answers["shared"])
    net.remove("second")
    net.remove("shared")
    net.gc(1)
    assert root not in net.view.manifest.components
    net.verify()


@pytest.mark.slow("searches again")
def test_a_path_goes_on_in_another_network(net: sp.Network, some: Labelled, tmp_path: Path) -> None:
    net.export("deep", tmp_path / "deep.sentask")
    elsewhere = sp.Network(tmp_path / "elsewhere.sen")
    elsewhere.import_task(tmp_path / "deep.sentask", "imported")
    assert torch.equal(logits(elsewhere, "imported", some[0]), logits(net, "deep", some[0]))
    elsewhere.learn("child", *some, **{**DEEP, "clone": "none", "children": 6})
    assert "imported" in [child["parent_task"] for generation in elsewhere.log[-1]["generations"] for child in generation]
    assert elsewhere.extend("imported", *some).changed
    elsewhere.verify()


def test_two_pathways_at_most_in_strict_mode(net: sp.Network, some: Labelled) -> None:
    net.learn("new", *some, **BORROWS)
    found = net.predict(some[0], strict=True, reject=False)
    assert all(len(names) <= 2 for names in found.candidates)
    assert {*found.task} <= {*net.tasks}


def test_of_a_concept(net: sp.Network, train: Labelled, some: Labelled) -> None:
    net.learn("first", train[0][:500], train[1][:500], concept="digit", **{**OWN, "generations": 1, "children": 1})
    net.learn("second", train[0][500:], train[1][500:], concept="digit", hidden=16, epochs=3)
    before = net.view.pathway("first")
    assert before.temperature != 1
    assert net.extend("first", *some, finetune=True, epochs=1, most_lost=1).changed
    assert net.prune("first", 0.5).changed
    after = net.view.pathway("first")
    assert (after.concept, after.temperature) == ("digit", before.temperature)
    net.verify()


@pytest.mark.slow("searches, extends and borrows")
def test_of_several_labels(net: sp.Network, train: Labelled, some: Labelled, words: np.ndarray) -> None:
    labels = [{words[digit], "low" if digit < 5 else "high"} for digit in train[1]]
    net.learn("several", train[0], labels, **{**DEEP, "blocks": 1})
    old, parts = logits(net, "several", some[0]), origins(net, "several")
    net.extend("several", some[0], [{words[digit], "even" if digit % 2 == 0 else "odd"} for digit in some[1]])
    assert net.tasks["several"].classes_[-2:] == ("even", "odd")
    assert origins(net, "several") == parts
    torch.testing.assert_close(logits(net, "several", some[0])[:, : old.shape[1]], old, rtol=0, atol=1e-5)
    learned = net.learn("borrows", some[0], [{"even"} if digit % 2 == 0 else {"high", "odd"} for digit in some[1]], **BORROWS)
    assert {source for source, _ in learned.transfers} <= {"own", "shared", "deep", "vit", "several"}
    assert not net.review("several", train[0], labels).changed
    net.verify()


def test_of_numbers(net: sp.Network) -> None:
    x, y = load_diabetes(return_X_y=True)
    net.learn("numbers", 10 * x, y, kind="regression", **OWN)
    before = logits(net, "numbers", 10 * x)
    assert net.extend("numbers", 10 * x[:50], y[:50]).changed
    assert torch.equal(logits(net, "numbers", 10 * x), before)
    assert net.extend("numbers", 10 * x, y, finetune=True, epochs=10, most_lost=1).changed
    assert float(np.square(net.predict(10 * x, task="numbers").label - y).mean()) < float(np.var(y))
    assert net.prune("numbers", 0.5, 10 * x, y, what="units", tolerance=1.0, epochs=5).changed
    assert not net.review("numbers", 10 * x, y).changed
    net.learn("borrows", 10 * x[:100], y[:100], kind="regression", threshold=0.0, model="mlp", epochs=5)
    assert net.view.pathway("borrows").sources == ("numbers",)
    net.verify()


@pytest.mark.slow("several processes that load all of torch")
def test_many_at_once(tmp_path: Path, train: Labelled) -> None:
    tasks = {"low": of(train, range(5)), "high": of(train, range(5, 10))}
    nets = [sp.Network(tmp_path / f"{jobs}.sen") for jobs in (1, 2)]
    for jobs, net in enumerate(nets, 1):
        assert list(net.learn_many(tasks, jobs=jobs, work=tmp_path / "work", **DEEP)) == ["low", "high"]
        net.verify()
    for task, (x, _) in tasks.items():
        assert nets[0].view.pathway(task) == nets[1].view.pathway(task)
        assert torch.equal(logits(nets[0], task, x), logits(nets[1], task, x))


def test_none_of_many_that_the_root_cannot_read(tmp_path: Path, iris: Labelled, train: Labelled, unchanged: Unchanged) -> None:
    net = sp.Network(tmp_path / "n.sen")
    with unchanged(net.path), pytest.raises(sp.InputError, match="task 'iris': root 'vit': expected images, got table inputs"):
        net.learn_many({"digits": train, "iris": iris}, jobs=2, **{**DEEP, "root": "vit"})
    assert encode_examples(net.view, *iris).data_type.form == "table"
