"""What every strategy has to keep, SEN and its baselines alike: one suite for all of them."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from senpath import Examples, InputError, Network, SenSettings
from senpath.evaluation.baselines import Pnn, Shared, Single
from senpath.evaluation.protocol import Split
from senpath.evaluation.strategy import BATCH, Growing, Strategy
from senpath.snapshot import encode_examples

Labelled = tuple[np.ndarray, np.ndarray]
STRATEGIES: dict[str, Callable[[], Strategy]] = {
    "Single": Single,
    "Multi-task (seq)": Shared,
    "EWC": lambda: Shared(strength=10),
    "PNN": Pnn,
    "SEN": Growing,
}
SETTINGS = SenSettings(hidden=32, epochs=30, augment=0.0, learning_rate=1e-2, links="all", min_separability=0.0)
BODY, HEAD = 64 * 32 + 32, 32 * 5 + 5
LATERAL = 1 + (32 * 32 + 32) + 32 * 5
"""Of a second column: α, V and U."""
LINK = 5 * 32 + 5


@pytest.fixture(scope="module")
def raw() -> dict[str, Labelled]:
    """The digits 0 … 4 and 5 … 9: float (n, 8, 8) in [0, 1], in random order."""
    bunch = load_digits()
    order = np.random.default_rng(0).permutation(len(bunch.target))
    x, y = bunch.images[order] / 16, bunch.target[order]
    return {"low": (x[y < 5], y[y < 5]), "high": (x[y >= 5], y[y >= 5])}


@pytest.fixture(scope="module")
def halves(raw: dict[str, Labelled]) -> dict[str, Split]:
    """Both encoded: 400 to learn from, and the rest."""
    view = Network().view
    return {task: Split(encode_examples(view, x[:400], y[:400]), encode_examples(view, x[400:], y[400:])) for task, (x, y) in raw.items()}


@pytest.fixture(scope="module")
def flowers(iris: Labelled) -> Examples:
    """Examples of another type."""
    return encode_examples(Network().view, *iris)


@pytest.fixture(scope="module", params=STRATEGIES)
def empty(request: pytest.FixtureRequest) -> Strategy:
    """One that has learned nothing."""
    return STRATEGIES[request.param]()


@pytest.fixture(scope="module")
def first(empty: Strategy, halves: dict[str, Split]) -> Strategy:
    """The next moment: it has learned "low"."""
    return empty.learn("low", halves["low"].train, SETTINGS)


@pytest.fixture(scope="module")
def second(first: Strategy, halves: dict[str, Split]) -> Strategy:
    """The moment after: it has learned "high" too."""
    return first.learn("high", halves["high"].train, SETTINGS)


def bits(strategy: Strategy, halves: dict[str, Split], *tasks: str) -> bytes:
    """What it answers to the tasks' test examples, to the last bit."""
    return b"".join(strategy.logits(task, halves[task].test.inputs).numpy().tobytes() for task in tasks)


def test_the_tables_name_tells_which_it_is(empty: Strategy, second: Strategy, request: pytest.FixtureRequest) -> None:
    assert empty.name == second.name == request.node.callspec.params["empty"]


def test_it_solves_one_task_after_another(first: Strategy, second: Strategy, halves: dict[str, Split]) -> None:
    assert first.accuracy("low", halves["low"].test) >= 0.9
    assert second.accuracy("high", halves["high"].test) >= 0.9


def test_logits_are_one_row_for_each_input(second: Strategy, halves: dict[str, Split]) -> None:
    answers = second.logits("high", halves["high"].test.inputs[:7])
    assert (answers.dtype, answers.shape, answers.requires_grad) == (torch.float32, (7, 5), False)


def test_a_moment_stays_as_it_is_whatever_follows(empty: Strategy, first: Strategy, halves: dict[str, Split]) -> None:
    before = bits(first, halves, "low"), first.cost, first.weights, first.activated("low")
    one = first.learn("high", halves["high"].train, SETTINGS)
    seen = bits(one, halves, "low", "high")
    other = first.learn("again", halves["low"].train, replace(SETTINGS, random_state=1))
    assert (bits(first, halves, "low"), first.cost, first.weights, first.activated("low")) == before
    assert bits(one, halves, "low", "high") == seen
    assert other.accuracy("again", halves["low"].test) >= 0.9
    assert empty.cost is None
    assert empty.weights == 0


def test_a_seed_decides_every_bit(first: Strategy, second: Strategy, halves: dict[str, Split]) -> None:
    state = torch.get_rng_state()
    torch.manual_seed(17)  # what the caller has drawn before does not matter
    expected = torch.get_rng_state()
    again = first.learn("high", halves["high"].train, SETTINGS)
    other = first.learn("high", halves["high"].train, replace(SETTINGS, random_state=1))
    assert torch.equal(torch.get_rng_state(), expected)
    torch.set_rng_state(state)
    assert bits(again, halves, "low", "high") == bits(second, halves, "low", "high")
    assert again.cost == second.cost
    assert bits(other, halves, "high") != bits(second, halves, "high")


def test_no_epochs_add_the_task_untrained(empty: Strategy, first: Strategy, second: Strategy, halves: dict[str, Split]) -> None:
    blank = empty.learn("low", halves["low"].train, replace(SETTINGS, epochs=0))
    assert not blank.logits("low", halves["low"].test.inputs).any()  # an output layer says nothing before it is trained
    assert blank.weights == BODY + HEAD
    more = first.learn("high", halves["high"].train, replace(SETTINGS, epochs=0))
    assert bits(more, halves, "low") == bits(first, halves, "low")
    assert more.accuracy("high", halves["high"].test) < second.accuracy("high", halves["high"].test) - 0.2
    later = more.learn("again", halves["low"].train, SETTINGS)
    assert later.accuracy("again", halves["low"].test) >= 0.9


EXPECTED: dict[str, dict[str, Any]] = {
    "Single": {"read": 0, "updated": BODY + HEAD, "weights": 2 * (BODY + HEAD), "activated": BODY + HEAD},
    "Multi-task (seq)": {"read": 0, "updated": BODY + HEAD, "weights": BODY + 2 * HEAD, "activated": BODY + HEAD},
    "EWC": {"read": 0, "updated": BODY + HEAD, "weights": BODY + 2 * HEAD, "activated": BODY + HEAD},
    "PNN": {
        "read": BODY,
        "updated": BODY + HEAD + LATERAL,
        "weights": 2 * (BODY + HEAD) + LATERAL,
        "activated": 2 * BODY + HEAD + LATERAL,
    },
    # To find out whether "low" is similar its output layer runs too; the link then reads its hidden layer.
    "SEN": {"read": BODY + HEAD, "updated": BODY + HEAD + LINK, "weights": 2 * (BODY + HEAD) + LINK, "activated": 2 * BODY + HEAD + LINK},
}


def test_costs_add_up(first: Strategy, second: Strategy) -> None:
    assert first.cost is not None
    assert second.cost is not None
    assert (first.cost.read, first.cost.updated) == (0, BODY + HEAD)
    assert first.weights == first.activated("low") == BODY + HEAD
    expected = EXPECTED[second.name]
    assert {"read": second.cost.read, "updated": second.cost.updated} == {name: expected[name] for name in ("read", "updated")}
    assert (second.weights, second.activated("high")) == (expected["weights"], expected["activated"])
    assert second.activated("low") == first.activated("low")
    for moment in (first, second):
        assert moment.cost is not None
        if isinstance(moment, Growing):  # it has a dispatcher too
            assert moment.cost.total == moment.net.weights["total"] > moment.weights
        else:
            assert moment.cost.total == moment.weights
            assert (moment.cost.dispatcher_read, moment.cost.dispatcher_updated) == (0, 0)
        assert 0 < moment.cost.updated_share <= 1
        assert 0 < moment.cost.run_share <= 1


def test_what_it_takes_it_learns_and_the_rest_it_refuses(
    empty: Strategy, first: Strategy, halves: dict[str, Split], flowers: Examples
) -> None:
    assert empty.takes(flowers.data_type)
    assert first.takes(halves["high"].train.data_type)
    if first.takes(flowers.data_type):
        both = first.learn("iris", flowers, replace(SETTINGS, epochs=100, model="mlp"))
        assert both.accuracy("iris", flowers) >= 0.9
        assert bits(both, halves, "low") == bits(first, halves, "low")
    else:
        with pytest.raises(InputError, match=r"^task 'iris': expected inputs .*, got .*table-"):
            first.learn("iris", flowers, SETTINGS)


def test_each_takes_what_it_is_made_for(flowers: Examples, first: Strategy) -> None:
    assert first.takes(flowers.data_type) is (first.name in ("Single", "SEN"))


def test_images_of_another_size_are_refused_where_layers_are_shared(first: Strategy, raw: dict[str, Labelled]) -> None:
    small = encode_examples(Network().view, raw["high"][0][:20, 2:6, 2:6], raw["high"][1][:20])
    if first.name == "Single":
        assert first.learn("small", small, replace(SETTINGS, epochs=0)).activated("small") == 16 * 32 + 32 + HEAD
    else:
        with pytest.raises(InputError, match=r"^(task 'small'|encoded examples): expected .*, got .*"):
            first.learn("small", small, SETTINGS)


def test_accuracy_is_the_share_of_right_answers(second: Strategy, halves: dict[str, Split]) -> None:
    test = halves["high"].test
    right = second.logits("high", test.inputs).argmax(1) == test.targets
    assert second.accuracy("high", test) == pytest.approx(right.float().mean().item())
    wrong = Examples(test.data_type, test.inputs, (test.targets + 1) % 5, test.classes)
    assert second.accuracy("high", wrong) < 0.1
    rows = torch.arange(BATCH + 10) % len(test)  # more than run at once
    assert second.accuracy("high", test.subset(rows)) == pytest.approx(right[rows].float().mean().item())
    assert second.accuracy("high", test.subset(rows[:0])) == 0


def test_a_network_given_to_start_with_is_not_changed(tmp_path: Path, flowers: Examples, unchanged: Any) -> None:
    net = Network(tmp_path / "n.sen", device="cpu:0")
    net.learn("known", flowers, epochs=0, hidden=4)
    start = Growing(net)
    with unchanged(net.path):
        grown = start.learn("new", flowers, replace(SETTINGS, epochs=0))
    assert list(net.tasks) == ["known"]
    assert list(grown.net.tasks) == ["known", "new"]
    assert grown.net.device == net.device
    assert torch.equal(grown.logits("known", flowers.inputs), net.view.logits("known", flowers.inputs))


def test_a_moment_of_a_network_goes_with_its_folder(flowers: Examples) -> None:
    start = Growing()
    grown = start.learn("iris", flowers, replace(SETTINGS, epochs=0))
    folder = grown.net.path
    assert folder.exists()
    del grown
    gc.collect()
    assert not folder.parent.exists()
    assert start.net.path.exists()


def test_encoded_examples_are_learned_like_what_they_were_encoded_from(iris: Labelled, digits: Labelled) -> None:
    plain, encoded = Network(), Network()
    for task, data in {"digits": (digits[0][:200], digits[1][:200]), "iris": iris, "again": iris}.items():
        plain.learn(task, *data, epochs=1, hidden=4, model="mlp")
        encoded.learn(task, encode_examples(encoded.view, *data), epochs=1, hidden=4, model="mlp")
    for task in plain.tasks:
        assert encoded.view.pathway(task) == plain.view.pathway(task)
        assert encoded.tasks[task] == plain.tasks[task]
    assert encoded.view.manifest.components == plain.view.manifest.components
    assert [entry["cost"] for entry in encoded.log] == [entry["cost"] for entry in plain.log]


ENCODED_WRONG: dict[str, tuple[Callable[[Examples], Examples], str]] = {
    "another size": (
        lambda good: replace(good, data_type=replace(good.data_type, shape=(1, 4, 4)), inputs=good.inputs[:, :, :4, :4]),
        r"the network's type DataType\(modality='image', shape=\(1, 8, 8\), .*got DataType\(.*shape=\(1, 4, 4\)",
    ),
    "another standardisation": (
        lambda good: replace(good, data_type=replace(good.data_type, options={"scale": 2})),
        r"the network's type DataType\(.*options=\{\}\), got DataType\(.*options=\{'scale': 2\}\)",
    ),
    "not what they say": (
        lambda good: replace(good, inputs=good.inputs[:, :, :4, :4]),
        r"inputs of shape \(1, 8, 8\) each, as their type says, got \(1, 4, 4\)",
    ),
}


@pytest.fixture(scope="module", params=["learned", "set"])
def of_one_size(request: pytest.FixtureRequest, halves: dict[str, Split]) -> Network:
    """A network whose images have a size, by what it has learned or by its settings."""
    net = Network(image_shape=(1, 8, 8) if request.param == "set" else None)
    if request.param == "learned":
        net.learn("low", halves["low"].train.subset(torch.arange(40)), epochs=0, hidden=4)
    return net


@pytest.mark.parametrize("name", ENCODED_WRONG)
def test_encoded_examples_of_another_shape_are_refused(of_one_size: Network, halves: dict[str, Split], unchanged: Any, name: str) -> None:
    change, message = ENCODED_WRONG[name]
    with unchanged(of_one_size.path), pytest.raises(InputError, match=f"^encoded examples: expected {message}"):
        of_one_size.learn("other", change(halves["low"].train), epochs=0, hidden=4)


def test_encoded_examples_have_their_labels_already(halves: dict[str, Split]) -> None:
    with pytest.raises(InputError, match=r"^labels y: expected None beside Examples, which hold their own labels, got list"):
        Network().learn("low", halves["low"].train, [0, 1])
