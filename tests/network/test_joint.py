"""Tasks that are learned together, and composite components: one commit, children shared, counted, exported and checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits, load_iris

import senpath as sp
from senpath.components import Component, build, freeze
from senpath.progress import Progress, silent
from senpath.seeds import seeded
from senpath.snapshot import MethodResult

Labelled = tuple[np.ndarray, np.ndarray]
WIDTH = 6


def made_layer(seed: int, inputs: int = 64) -> Component:
    """A layer with weights of this seed."""
    config = {"inputs": inputs, "hidden": [WIDTH]}
    with seeded(seed):
        return freeze("mlp.v1", config, build("mlp.v1", config))


def mean_of(*children: Component) -> Component:
    config = {"children": [child.hash for child in children], "shape": [WIDTH]}
    return freeze("mean.v1", config, build("mean.v1", config))


class Together:
    """A joint method that trains nothing: task number i runs the mean of layers i and i + 1, so neighbours share one.

    Args:
        fault: what goes wrong, if anything.
    """

    name = "together"

    def __init__(self, fault: str = "") -> None:
        self.fault = fault

    def propose(self, view: sp.View, task: str, examples: sp.Examples, progress: Progress = silent) -> MethodResult:
        return self.propose_many(view, {task: examples}, progress)[task]

    def propose_many(self, view: sp.View, tasks: Mapping[str, sp.Examples], progress: Progress = silent) -> dict[str, MethodResult]:
        if self.fault == "mistake":
            raise ZeroDivisionError("of the method's own making")
        if self.fault == "stop":
            raise KeyboardInterrupt
        layers = [made_layer(number) for number in range(len(tasks) + 1)]
        results = {}
        for place, (task, examples) in enumerate(tasks.items()):
            both = mean_of(*layers[place : place + 2])
            config = {"inputs": WIDTH, "outputs": len(examples.classes)}
            with seeded(100 + place):
                head = freeze("linear.v1", config, build("linear.v1", config))
            inside = layers[place : place + 2]
            if self.fault == "lost":
                inside = [layer for layer in inside if layer is not layers[0]]
            results[task] = MethodResult((both, head), tuple(inside))
        return results


@pytest.fixture(scope="module")
def digits() -> dict[str, Labelled]:
    """Three tasks of digits."""
    x, y = load_digits(return_X_y=True)
    images = x.reshape(-1, 8, 8) / 16
    return {name: (images[(y >= 3 * i) & (y < 3 * i + 3)][:60], y[(y >= 3 * i) & (y < 3 * i + 3)][:60]) for i, name in enumerate("abc")}


@pytest.fixture
def net(tmp_path: Path, digits: dict[str, Labelled]) -> sp.Network:
    net = sp.Network(tmp_path / "net")
    net.learn_many(digits, method=Together())
    return net


def test_all_are_one_version(net: sp.Network, digits: dict[str, Labelled]) -> None:
    assert net.version == 1
    assert list(net.tasks) == ["a", "b", "c"]
    assert {info.version for info in net.tasks.values()} == {1}
    assert net.log[-1]["tasks"] == ["a", "b", "c"]
    net.verify()


def test_what_came_of_each_has_the_cost_of_all(tmp_path: Path, digits: dict[str, Labelled]) -> None:
    net = sp.Network(tmp_path / "net")
    learned = net.learn_many(digits, method=Together())
    assert list(learned) == ["a", "b", "c"]
    costs = {what.cost for what in learned.values()}
    assert len(costs) == 1
    layer, head = 64 * WIDTH + WIDTH, 3 * WIDTH + 3
    assert next(iter(costs)).updated == 4 * layer + 3 * head


def test_a_composite_is_the_mean_of_its_children(net: sp.Network, digits: dict[str, Labelled]) -> None:
    x = torch.from_numpy(digits["b"][0]).float()[:, None]
    head = net.view.component(net.view.pathway("b").components[1])
    expected = head((made_layer(1)(x) + made_layer(2)(x)) / 2)
    torch.testing.assert_close(net.view.logits("b", x), expected)
    torch.testing.assert_close(sp.Network(net.path).view.logits("b", x), expected)


def test_what_ran_is_counted_with_the_children(net: sp.Network, digits: dict[str, Labelled]) -> None:
    found = net.predict(digits["a"][0][:2], task="a").activated[0]
    layer, head = 64 * WIDTH + WIDTH, 3 * WIDTH + 3
    assert found.pathway_weights == 2 * layer + head
    assert {made_layer(0).hash, made_layer(1).hash} < found.components
    assert made_layer(2).hash not in found.components
    assert net.tasks["a"].weights == net.tasks["a"].run_weights == 2 * layer + head
    # Layers that two tasks share are there once.
    assert net.weights["pathways"] == 4 * layer + 3 * head


def test_what_nobody_needs_goes_and_what_others_share_stays(net: sp.Network, digits: dict[str, Labelled]) -> None:
    x = torch.from_numpy(digits["b"][0]).float()[:, None]
    before = net.view.logits("b", x)
    net.remove("a")
    net.gc(versions=1)
    files = {path.stem for path in (net.path / "components").glob("*.safetensors")}
    assert made_layer(0).hash not in files
    assert made_layer(1).hash in files
    net.verify()
    assert torch.equal(net.view.logits("b", x), before)


def test_a_task_is_exported_with_what_is_inside(net: sp.Network, tmp_path: Path, digits: dict[str, Labelled]) -> None:
    net.export("b", tmp_path / "b.sentask")
    other = sp.Network(tmp_path / "other")
    other.import_task(tmp_path / "b.sentask", name="moved")
    other.verify()
    x, _ = digits["b"]
    assert np.array_equal(other.predict(x, task="moved").label, net.predict(x, task="b").label)
    assert made_layer(0).hash not in other.view.manifest.components
    net.save_pretrained(tmp_path / "saved")
    sp.Network.from_pretrained(tmp_path / "saved").verify()


def test_a_later_task_may_borrow_from_one(net: sp.Network, digits: dict[str, Labelled]) -> None:
    x, y = digits["b"]
    net.learn("again", x[:30], y[:30], epochs=1, hidden=4, threshold=0, min_separability=0, start="random")
    pathway = net.view.pathway("again")
    read = {name for link in pathway.links for name in link.reads}
    assert read
    assert pathway.children.keys() == read
    layer = 64 * WIDTH + WIDTH
    assert net.predict(x[:1], task="again").activated[0].source_weights == 2 * layer * len(pathway.links)
    source = pathway.links[0].source
    net.remove(source)
    net.gc(versions=1)
    net.verify()
    net.predict(x, task="again")


def seal(folder: Path, change: Any) -> None:
    """Change the tasks in network.json, and give it a checksum that fits."""
    body, mark, _ = (folder / "network.json").read_text().rpartition(',\n"checksum":"')
    head, tasks, lines = body.partition(',\n"tasks":{\n')
    found = json.loads("{" + lines.removesuffix("\n}}") + "}")
    change(found)
    body = head + tasks + ",\n".join(f"{json.dumps(name)}:{json.dumps(task)}" for name, task in found.items()) + "\n}}"
    (folder / "network.json").write_text(body + mark + hashlib.sha256(body.encode()).hexdigest() + '"}\n')


def test_forged_children_are_found(net: sp.Network) -> None:
    def swap(tasks: dict[str, Any]) -> None:
        children = tasks["a"]["pathway"]["children"]
        (name,) = children
        children[name] = children[name][:1]

    seal(net.path, swap)
    with pytest.raises(sp.StoreError, match=r"task 'a': what is inside of component .*: expected 2 components.*got 1 in network\.json"):
        sp.Network(net.path).verify()


def test_children_that_are_nowhere_are_refused(net: sp.Network) -> None:
    def swap(tasks: dict[str, Any]) -> None:
        children = tasks["a"]["pathway"]["children"]
        (name,) = children
        children[name] = ["0" * 64, "1" * 64]

    seal(net.path, swap)
    with pytest.raises(sp.StoreError, match=r"expected parts that fit each other, got others at tasks\.a"):
        sp.Network(net.path)


def test_a_proposal_without_a_child_is_refused(tmp_path: Path, digits: dict[str, Labelled]) -> None:
    net = sp.Network(tmp_path / "net")
    with pytest.raises(sp.ConflictError, match=r"component .*: expected its kind and configuration, got No such file"):
        net.learn_many(digits, method=Together("lost"))
    assert net.version == 0


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"jobs": 2}, "jobs: expected 1 with 'together', which learns tasks together, got 2. Leave it out"),
        ({"concept": "digit"}, "concept: expected none with 'together', which learns tasks together, got 'digit'"),
    ],
)
def test_what_does_not_go_together(tmp_path: Path, digits: dict[str, Labelled], options: dict[str, Any], match: str) -> None:
    net = sp.Network(tmp_path / "net")
    with pytest.raises(sp.InputError, match=match):
        net.learn_many(digits, method=Together(), **options)
    assert net.version == 0


def test_inputs_of_two_types_are_refused(tmp_path: Path, digits: dict[str, Labelled]) -> None:
    net = sp.Network(tmp_path / "net")
    with pytest.raises(
        sp.InputError, match=r"expected inputs of one type, got several: 'a' of image and 'iris' of table.* a call of their own"
    ):
        net.learn_many({"a": digits["a"], "iris": load_iris(return_X_y=True)}, method=Together())
    assert net.version == 0


def test_a_name_that_is_taken_is_refused_before_anything_is_learned(net: sp.Network, digits: dict[str, Labelled]) -> None:
    with pytest.raises(sp.TaskExistsError, match="task 'a'"):
        net.learn_many({"new": digits["b"], "a": digits["a"]}, method=Together("mistake"))


def test_a_mistake_of_the_method_leaves_the_network_as_it_was(net: sp.Network, digits: dict[str, Labelled]) -> None:
    with pytest.raises(sp.SenpathError, match=r"'d', 'e': expected a proposal of the method, got ZeroDivisionError: .* at version 1"):
        net.learn_many({"d": digits["a"], "e": digits["b"]}, method=Together("mistake"))
    with pytest.raises(KeyboardInterrupt, match="interrupted; the network is as it was, at version 1"):
        net.learn_many({"d": digits["a"]}, method=Together("stop"))
    assert sp.Network(net.path).version == 1


def test_no_tasks_are_no_change(net: sp.Network) -> None:
    assert net.learn_many({}, method=Together()) == {}
    assert net.version == 1


def test_what_the_caller_raises_to_stop_comes_through(net: sp.Network, digits: dict[str, Labelled]) -> None:
    class Enough(Exception):
        pass

    def stop(stage: str, done: int, total: int) -> None:
        raise Enough(stage)

    with pytest.raises(Enough, match="dispatcher"):
        net.learn_many({"d": digits["a"]}, method=Together(), progress=stop)
    assert net.version == 1
