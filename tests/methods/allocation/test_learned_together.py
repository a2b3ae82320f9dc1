"""What is learned together, in a network: answers, files, weights, records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from senpath import Network
from senpath.errors import InputError
from senpath.learning import propose_jointly
from senpath.methods.allocation import PAPER, Allocation, AllocationSettings, Training
from senpath.methods.allocation.blueprint import make_blueprint
from senpath.methods.allocation.method import results_of
from senpath.pathways import run_pathway
from senpath.snapshot import MethodResult, encode_examples, try_out
from senpath.training import TaskSplit
from senpath.types import DataType

Labelled = tuple[np.ndarray, np.ndarray]
SOME: dict[str, Any] = {"p0": 0.55, "router_rate": 0.05, "steps": 20, "random_state": 1}


@pytest.fixture
def net(tmp_path: Path, halves_of_digits: dict[str, Labelled], small: dict[str, Any]) -> Network:
    """Has learned both halves together, and not everything is used by everyone."""
    net = Network(tmp_path / "n.sen")
    net.learn_many(halves_of_digits, method="allocation", **{**small, **SOME})
    return net


def test_tasks_are_one_version(net: Network, halves_of_digits: dict[str, Labelled]) -> None:
    assert net.version == 1
    assert [*net.tasks] == [*halves_of_digits]
    net.verify()
    for task, (x, y) in halves_of_digits.items():
        answers = net.predict(x, task=task)
        assert set(answers.label) <= set(y)
        again = Network(net.path).predict(x, task=task)
        np.testing.assert_array_equal(answers.label, again.label)


def test_pathways_have_what_the_record_says(net: Network) -> None:
    used = {task: info.provenance.record["used"] for task, info in net.tasks.items()}
    assert used["low"] != used["high"]
    for task, info in net.tasks.items():
        pathway, record = net.view.pathway(task), info.provenance.record
        composites = [name for name in pathway.components if net.view.component(name).kind.name == "mean.v1"]
        assert [len(pathway.children[name]) for name in composites] == record["active"] == [sum(layer) for layer in record["used"]]
        assert [[value > 0.5 for value in layer] for layer in record["probabilities"]] == record["used"]
        assert info.weights == sum(net.view.component(name).weights for name in pathway.references)
    stems = {net.view.pathway(task).components[0] for task in net.tasks}
    assert len(stems) == 1
    together = frozenset().union(*(net.view.pathway(task).references for task in net.tasks))
    maps = {known.features for known in net.view.manifest.types.values()}
    assert {*net.view.manifest.components} == together | maps  # nothing is kept that no task uses


@pytest.mark.parametrize("settings", [SOME, {"allocation": "shared"}, {"components": 2, **SOME}])
def test_pathways_answer_as_the_model_did(
    tmp_path: Path, halves_of_digits: dict[str, Labelled], small: dict[str, Any], settings: dict[str, Any]
) -> None:
    net = Network(tmp_path / "n.sen")
    tasks = {name: encode_examples(net.view, *data) for name, data in halves_of_digits.items()}
    chosen = AllocationSettings(**{**small, **settings})
    everything = [torch.arange(len(examples)) for examples in tasks.values()]
    splits = [TaskSplit(examples, places, places) for examples, places in zip(tasks.values(), everything, strict=True)]
    training = Training(splits, chosen, net.view.device)
    training.run()
    results = results_of([*tasks], training)

    class Trained(Allocation):
        """Has been trained already."""

        def propose_many(self, *given: Any) -> dict[str, MethodResult]:
            return results

    proposal = propose_jointly(net.view, Trained(), tasks)
    for place, examples in enumerate(tasks.values()):
        expected = training.answers(place, examples.inputs)
        torch.testing.assert_close(try_out(net.view, proposal, examples.inputs, place), expected, rtol=1e-4, atol=1e-5)
    net.commit(proposal)
    for place, (task, examples) in enumerate(tasks.items()):
        expected = training.answers(place, examples.inputs)
        found = run_pathway(net.view.pathway(task), examples.inputs, net.view.component)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_tasks_of_one_allocation_share_their_layers(tmp_path: Path, halves_of_digits: dict[str, Labelled], small: dict[str, Any]) -> None:
    net = Network(tmp_path / "n.sen")
    net.learn_many(halves_of_digits, method="allocation", **small, allocation="shared")
    first, other = (net.view.pathway(task).components for task in net.tasks)
    assert first[:-1] == other[:-1]
    assert first[-1] != other[-1]


def test_numbers_and_several_labels(tmp_path: Path, halves_of_digits: dict[str, Labelled], small: dict[str, Any]) -> None:
    x, y = (part[:300] for part in halves_of_digits["low"])
    place = 1000 + 50 * (x.sum(1) @ np.arange(8)) / x.sum((1, 2))  # of the ink, from left to right
    labels = [["even"] * int(digit % 2 == 0) + ["small"] * int(digit < 3) for digit in y]
    net = Network(tmp_path / "n.sen")
    settings = {**small, "steps": 150, "learning_rate": 1e-2, "dropout": 0.0}
    net.learn_many({"place": (x, place)}, method="allocation", kind="regression", **settings)
    net.learn("kinds", x, labels, method="allocation", kind="multilabel", **settings)
    net.verify()
    found = np.asarray(net.predict(x, task="place").label, dtype=float).reshape(-1)
    assert np.abs(found - place).mean() < 0.6 * np.abs(place - place.mean()).mean()
    assert net.view.pathway("kinds").kind == "multilabel"


def test_a_table(tmp_path: Path, iris: Labelled) -> None:
    net, (x, y) = Network(tmp_path / "n.sen"), iris
    net.learn_many({"one": (x[:100], y[:100]), "two": (x[:100], y[:100] == 1)}, method="allocation", steps=100, kind="classification")
    assert (net.predict(x[100:], task="one").label == y[100:]).mean() > 0.8
    assert [net.view.component(name).kind.name for name in net.view.pathway("one").components] == [
        "dense.v1",
        *["mean.v1", "normed.v1"] * 3,
        "linear.v1",
    ]


def test_types_do_not_mix(tmp_path: Path, halves_of_digits: dict[str, Labelled], iris: Labelled) -> None:
    net = Network(tmp_path / "n.sen")
    with pytest.raises(InputError, match="inputs of one type"):
        net.learn_many({"low": halves_of_digits["low"], "iris": iris}, method="allocation")
    assert net.version == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"layers": 0}, "setting 'layers': expected a whole number from 1 to 24, got 0"),
        ({"width": 6}, "setting 'width': expected a multiple of 4, the groups of its normalisation, to 4096, or None, got 6"),
        ({"p0": 1.0}, "setting 'p0': expected a number from 0.01 to 0.99"),
        ({"budget": 2}, "setting 'budget': expected a number from 0 to 1"),
        ({"strides": (2, 2)}, "setting 'strides': expected 3 numbers, 1 or 2, one of each layer"),
        ({"strides": (2, 2, 3)}, "setting 'strides': expected numbers, 1 or 2, one of each layer"),
        ({"components": ()}, "setting 'components': expected .*1 to 64 names"),
        ({"components": 0}, "setting 'components': expected a whole number from 1 to 64, or 1 to 64 names, or None, got 0"),
        ({"evaluate": "some"}, "setting 'evaluate': expected one of all, used, got 'some'"),
        ({"entropy_penalty": -1.0}, "setting 'entropy_penalty': expected a number from 0 to"),
        ({"allocation": "own"}, "setting 'allocation': expected one of learned, shared, got 'own'"),
        ({"tasks_per_update": 0}, "setting 'tasks_per_update': expected a whole number from 1"),
        ({"rounds": 3}, "setting 'rounds' of method allocation: expected one of layers, components"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Allocation(**settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"components": ("9x9",)}, "setting 'components': expected for images names out of 3x3, 5x5, 7x7, 1x7, max, avg, identity"),
        ({"components": ("max", "max")}, "setting 'components': expected 'max' once, got 2 times"),
    ],
)
def test_settings_that_do_not_fit_images(splits: list[TaskSplit], settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Allocation(**settings).check(splits[0].examples.data_type)


def test_tables_have_no_strides(tmp_path: Path, iris: Labelled) -> None:
    with pytest.raises(InputError, match="setting 'strides': expected None, for table"):
        Network(tmp_path / "n.sen").learn("iris", *iris, method="allocation", strides=(1, 1, 1))


def test_the_configuration_of_the_paper() -> None:

    blueprint = make_blueprint(DataType("image", (1, 105, 105)), AllocationSettings(**PAPER))
    assert [shape[1] for shape in blueprint.shapes] == [53, 27, 27, 14, 7, 7, 4, 4]
    assert blueprint.features == 48 * 4 * 4


@pytest.mark.slow("learns 1,600 pictures for 400 steps")
def test_what_is_committed_is_within_the_budget_and_right(tmp_path: Path) -> None:
    bunch = load_digits()
    x, y = bunch.images / 16, bunch.target
    tasks = {"upright": x, "turned": x.swapaxes(1, 2)[:, ::-1]}
    net = Network(tmp_path / "n.sen")
    settings = {"layers": 2, "components": 3, "width": 8, "steps": 400, "learning_rate": 3e-3, "router_rate": 0.02}
    net.learn_many({name: (images[:800], y[:800]) for name, images in tasks.items()}, method="allocation", budget=0.5, **settings)
    for name, images in tasks.items():
        record = net.tasks[name].provenance.record
        assert np.mean(record["probabilities"]) <= 0.52
        assert all(1 <= count <= 2 for count in record["active"])
        assert (net.predict(images[800:], task=name).label == y[800:]).mean() > 0.8


@pytest.mark.parametrize("count", [1, 4])
def test_no_class_of_few_examples_is_left_out_of_training(tmp_path: Path, count: int) -> None:
    """Held out to validate on, a class's only example would be seen by nobody."""
    bunch = load_digits()
    chosen = np.concatenate([np.flatnonzero(bunch.target == digit)[:count] for digit in range(4)])
    x, y = bunch.images[chosen] / 16, bunch.target[chosen]
    net = Network(tmp_path / "n.sen")
    net.learn("few", x, y, method="allocation", layers=1, components=2, width=8, steps=60, learning_rate=1e-2, dropout=0.0)
    assert (net.predict(x, task="few").label == y).all()
    assert net.tasks["few"].provenance.record["quality"] is None


def test_tasks_of_two_types_are_refused(tmp_path: Path, digits: Labelled, iris: Labelled) -> None:
    view = Network(tmp_path / "n.sen").view
    examples = {"digits": encode_examples(view, *digits), "iris": encode_examples(view, *iris)}
    with pytest.raises(InputError, match="expected inputs of one type, got several: 'digits' of image and 'iris' of table"):
        propose_jointly(view, Allocation(), examples)
