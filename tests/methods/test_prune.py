"""Pruning: a smaller pathway that answers as well, or no change; whoever read the old one goes on with it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_diabetes

from senpath import InputError, Network, Prune, UnknownTaskError, data
from senpath.components import Pruned
from senpath.learning import propose_revision
from senpath.methods.prune.units import cut_units, fewer, layers_of
from senpath.methods.sen.own_part import take_out
from senpath.snapshot import encode_examples

Labelled = tuple[np.ndarray, np.ndarray]
WHAT = ("weights", "units")
WHOLE = 64 * 32 + 32 + 32 * 10 + 10
"""Weights of the base network's task."""
LENIENT: dict[str, Any] = {"tolerance": 1.0, "epochs": 1}
"""Pruning that never declines, in a moment."""


def right(net: Network, task: str, tests: Labelled) -> float:
    return float((net.predict(tests[0], task=task).label == tests[1]).mean())


def logits(net: Network, task: str, x: np.ndarray) -> torch.Tensor:
    return net.view.logits(task, encode_examples(net.view, x, np.arange(len(x)) % 2).inputs)


def body(net: Network, task: str = "digits") -> Any:
    return net.view.component(net.view.pathway(task).components[0])


@pytest.fixture
def chain(base: Network, fresh: Labelled, words: np.ndarray, few: Callable[..., Labelled], quick: dict[str, Any]) -> Network:
    """Knows "digits", and "named", which has a link to it and a hidden layer of its own."""
    base.learn("named", *few(fresh[0][400:], words[fresh[1][400:]], 10), **quick)
    assert base.view.pathway("named").sources == ("digits",)
    return base


@pytest.mark.parametrize("keep", [0.5, 0.3])
def test_of_all_weights_the_share_asked_for_is_kept(base: Network, train: Labelled, keep: float) -> None:
    found = base.prune("digits", keep, *train, **LENIENT)
    assert found.changed
    assert found.version == base.version == 2
    kept = int(keep * WHOLE)
    assert base.tasks["digits"].weights == kept
    assert found.record["weights"] == {"before": WHOLE, "after": kept}
    weight = body(base).module.dense().get_parameter("layers.0.weight")
    assert int((weight != 0).sum()) == kept - (WHOLE - 64 * 32)  # biases and the output layer stay
    assert base.log[-1]["method"] == "prune"
    assert base.tasks["digits"].provenance.revisions_by("prune")[0].record["settings"]["keep"] == keep
    assert base.tasks["digits"].examples == 1000
    base.verify()


@pytest.mark.parametrize("keep", [0.5, 0.25])
def test_of_each_layer_the_share_of_units_asked_for_is_kept(base: Network, train: Labelled, keep: float) -> None:
    found = base.prune("digits", keep, *train, what="units", **LENIENT)
    units = round(keep * 32)
    assert (body(base).kind.name, body(base).config) == ("mlp.v1", {"inputs": 64, "hidden": [units]})
    assert base.tasks["digits"].weights == 64 * units + units + units * 10 + 10 == found.record["weights"]["after"]
    base.verify()


@pytest.mark.parametrize("what", WHAT)
def test_half_of_it_answers_as_well(base: Network, train: Labelled, fresh: Labelled, what: str) -> None:
    before = right(base, "digits", fresh)
    found = base.prune("digits", 0.5, *train, what=what, tolerance=0.02)
    assert found.changed, found.reason
    assert right(base, "digits", fresh) >= before - 0.015
    assert found.record["measured"]["examples"] == 200
    assert found.record["training"]["examples"] == 800
    assert f"{100 * found.record['measured']['after']:.2f} % after" in found.reason


@pytest.mark.parametrize("what", WHAT)
def test_with_examples_it_loses_less_than_without(base: Network, train: Labelled, fresh: Labelled, tmp_path: Path, what: str) -> None:
    other = Network(shutil.copytree(base.path, tmp_path / "other.sen"))
    base.prune("digits", 0.25, *train, what=what, tolerance=1)
    blind = other.prune("digits", 0.25, what=what)
    assert right(base, "digits", fresh) > right(other, "digits", fresh) + 0.03
    assert blind.changed
    assert "measured" not in blind.record
    assert blind.record["training"] == {}
    assert "nothing was measured, for there were no examples" in blind.reason


@pytest.mark.parametrize("what", WHAT)
def test_one_that_would_lose_too_much_is_declined(base: Network, train: Labelled, unchanged: Any, what: str) -> None:
    with unchanged(base.path / "components"):
        found = base.prune("digits", 0.25, *train, what=what, tolerance=0.0, epochs=0)
    assert not found.changed
    assert found.version == base.version == 1
    assert found.reason.endswith("after: more than 0 points would be lost")
    measured = found.record["measured"]
    assert f"accuracy {100 * measured['before']:.2f} % on 200 held-out examples before" in found.reason
    assert measured["after"] < measured["before"]
    assert base.tasks["digits"].weights == WHOLE


def test_examples_that_it_knows_by_heart_are_not_held_against_it(base: Network, train: Labelled) -> None:
    # Labels at random can be learned by heart only, so nothing is lost by forgetting them.
    noise = np.random.default_rng(0).integers(0, 2, 200)
    base.learn("noise", train[0][:200], noise, links="none", hidden=128, epochs=300, learning_rate=1e-2, augment=0.0)
    assert right(base, "noise", (train[0][:200], noise)) > 0.9
    strict = base.prune("noise", 0.3, train[0][:200], noise, epochs=100, tolerance=0.0)
    measured = strict.record["measured"]
    assert measured["unpruned"] < measured["before"]
    assert "trained on unpruned" in strict.reason
    lost = measured["unpruned"] - measured["after"]
    assert strict.changed == (lost <= 0)
    assert lost < measured["before"] - measured["after"]
    # What is tolerated is compared with the pathway that was trained on as well.
    assert strict.changed or base.prune("noise", 0.3, train[0][:200], noise, epochs=100, tolerance=lost + 1e-6).changed


@pytest.mark.parametrize("what", WHAT)
def test_readers_of_the_old_component_go_on_with_it(chain: Network, train: Labelled, fresh: Labelled, what: str) -> None:
    before, old = logits(chain, "named", fresh[0]), chain.view.pathway("digits").components
    found = chain.prune("digits", 0.5, *train, what=what, tolerance=1)
    assert torch.equal(logits(chain, "named", fresh[0]), before)
    assert old[0] in chain.view.manifest.components
    assert old[1] not in chain.view.manifest.components
    assert found.record["readers"] == ["named"]
    size = found.record["bytes"]
    assert size["saved"] < 0
    assert f"'named' still reads what was replaced, so the network's files change by {-size['saved']:+,} bytes" in found.reason
    chain.verify()
    again = Network(chain.path)
    for task in ("digits", "named"):
        assert torch.equal(logits(again, task, fresh[0]), logits(chain, task, fresh[0]))


@pytest.mark.parametrize("what", WHAT)
def test_a_task_with_links_keeps_them(chain: Network, fresh: Labelled, words: np.ndarray, what: str) -> None:
    links = chain.view.pathway("named").links
    before = right(chain, "named", (fresh[0], words[fresh[1]]))
    found = chain.prune("named", 0.5, fresh[0][400:], words[fresh[1][400:]], what=what, tolerance=0.05)
    assert found.changed, found.reason
    assert chain.view.pathway("named").links == links
    assert found.record["readers"] == []
    assert right(chain, "named", (fresh[0], words[fresh[1]])) >= before - 0.02
    chain.verify()


@pytest.mark.parametrize("what", WHAT)
def test_bytes_are_those_of_the_files(base: Network, train: Labelled, what: str) -> None:
    def of_files(names: tuple[str, ...]) -> int:
        return sum((base.path / "components" / f"{name}.safetensors").stat().st_size for name in names)

    before = of_files(base.view.pathway("digits").components)
    found = base.prune("digits", 0.5, *train, what=what, **LENIENT)
    after = of_files(base.view.pathway("digits").components)
    assert found.record["bytes"] == {"before": before, "after": after, "saved": before - after}
    assert after < 0.7 * before


def test_a_pruned_source_lends_what_a_dense_one_does(
    base: Network, fresh: Labelled, train: Labelled, words: np.ndarray, few: Callable[..., Labelled]
) -> None:
    base.prune("digits", 0.5, *train, tolerance=1)
    x, y = few(fresh[0], words[fresh[1]], 20)
    how: dict[str, Any] = {"hidden": 32, "epochs": 1, "batch_size": 20, "learning_rate": 1e-8, "augment": 0.0}
    base.learn("linked", x, y, **how)
    assert base.view.pathway("linked").links[0].reads == base.view.pathway("digits").components[:1]
    base.learn("copied", x, y, links="none", start="copy", **how)
    copied = body(base, "copied")
    assert base.tasks["copied"].provenance.record["copied_from"] in ("digits", "linked")
    assert copied.kind.name == "mlp.v1"
    torch.testing.assert_close(
        copied.module.get_parameter("layers.0.weight"), body(base).module.dense().get_parameter("layers.0.weight"), atol=1e-5, rtol=0
    )
    assert right(base, "linked", (x, y)) > 0.8
    base.verify()


def test_it_can_be_pruned_again(base: Network, train: Labelled) -> None:
    base.prune("digits", 0.5, *train, **LENIENT)
    first = body(base).module.kept_places()["layers.0.weight"]
    base.prune("digits", 0.7, *train, **LENIENT)
    second = body(base).module.kept_places()["layers.0.weight"]
    assert base.tasks["digits"].weights == int(0.7 * int(0.5 * WHOLE))
    assert not bool((second & ~first).any())
    base.prune("digits", 0.5, *train, what="units", **LENIENT)
    assert isinstance(body(base).module, Pruned)
    assert body(base).module.config == {"inputs": 64, "hidden": [16]}
    base.verify()


@pytest.mark.parametrize("what", WHAT)
def test_a_seed_reproduces(base: Network, train: Labelled, what: str) -> None:
    state = torch.get_rng_state()
    examples = encode_examples(base.view, *train)
    proposals: list[Any] = [
        propose_revision(base.view, Prune(keep=0.5, what=what, tolerance=1.0, epochs=2, random_state=seed), "digits", examples)[1]  # type: ignore[index]
        for seed in (3, 3, 4)
    ]
    assert torch.equal(torch.get_rng_state(), state)
    first, again, other = ([component.hash for component in proposal.components] for proposal in proposals)
    assert first == again != other
    assert proposals[0].entry == proposals[1].entry


def test_the_network_is_left_alone_by_proposing(base: Network, train: Labelled, unchanged: Any) -> None:
    before = logits(base, "digits", train[0])
    with unchanged(base.path):
        propose_revision(base.view, Prune(keep=0.3, tolerance=1.0, epochs=1), "digits", encode_examples(base.view, *train))
    assert torch.equal(logits(base, "digits", train[0]), before)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"keep": 0}, "'keep': expected a number above 0 and below 1, got 0"),
        ({"keep": 1}, "'keep': expected a number above 0 and below 1, got 1"),
        ({"keep": float("nan")}, "'keep'"),
        ({"keep": "half"}, "'keep'"),
        ({"keep": True}, "'keep'"),
        ({"what": "layers"}, "'what': expected one of weights, units, got 'layers'"),
        ({"tolerance": -0.1}, "'tolerance': expected a number from 0 to 1, got -0.1"),
        ({"tolerance": None}, "'tolerance'"),
        ({"epochs": 1.5}, "'epochs': expected a whole number from 0 to 1000000, or None, got 1.5"),
        ({"epochs": -1}, "'epochs'"),
        ({"learning_rate": 0}, "'learning_rate'"),
        ({"random_state": -1}, "'random_state'"),
        ({"share": 0.5}, "setting 'share' of prune: expected one of keep, what, tolerance"),
    ],
)
def test_wrong_settings_are_refused(base: Network, settings: dict[str, Any], match: str) -> None:
    with pytest.raises(InputError, match=match):
        base.prune("digits", **{"keep": 0.5, **settings})
    assert base.version == 1


def test_numbers_of_numpy_are_numbers() -> None:
    assert Prune(keep=np.float32(0.5), random_state=np.int64(3)).settings.random_state == 3


def test_an_unknown_task_and_other_labels_are_refused(base: Network, train: Labelled) -> None:
    with pytest.raises(UnknownTaskError, match="task 'letters'"):
        base.prune("letters", 0.5)
    with pytest.raises(InputError, match="label"):
        base.prune("digits", 0.5, train[0], train[1] + 5)
    with pytest.raises(InputError, match="examples to prune with: expected 5 or more, or none, got 4"):
        base.prune("digits", 0.5, train[0][:4], train[1][:4])


def test_what_has_no_layers_of_its_own_is_declined(base: Network, fresh: Labelled, words: np.ndarray) -> None:
    base.learn("links alone", fresh[0][:200], words[fresh[1][:200]], epochs=0)
    base.learn("svm", fresh[0][:200], words[fresh[1][:200]], model="svm", links="none")
    found = base.prune("links alone", 0.5)
    assert (found.changed, found.reason) == (False, "links alone answer, it has no layers of its own")
    assert "it is a scikit-learn model" in base.prune("svm", 0.5, what="units").reason
    assert base.version == 3


def test_layers_too_small_to_lose_a_unit_are_declined(tmp_path: Path, train: Labelled) -> None:
    net = Network(tmp_path / "n.sen")
    net.learn("digits", *train, hidden=4, epochs=1)
    assert net.prune("digits", 0.9, what="units").reason == "its layers are so small that 90 % of each is all of it"
    assert net.version == 1


def test_a_share_that_biases_and_the_output_layer_fill_alone_is_declined(base: Network) -> None:
    found = base.prune("digits", 0.1)
    assert not found.changed
    assert found.reason == (f"biases and the output layer, which stay, are 362 of its {WHOLE:,} weights: keep 0.151 or more")
    assert base.prune("digits", 0.152).changed


@pytest.mark.parametrize("model", ["cnn", "lstm"])
@pytest.mark.parametrize("what", WHAT)
def test_other_bodies(tmp_path: Path, train: Labelled, model: str, what: str) -> None:
    net = Network(tmp_path / "n.sen")
    x, y = train[0][:200], train[1][:200]
    if model == "lstm":
        net.learn("task", *spoken(x, y), model="lstm", hidden=8, epochs=1)
        x, y = spoken(x, y)
    else:
        net.learn("task", x, y, model="cnn", hidden=16, epochs=1)
    before = net.tasks["task"].weights
    found = net.prune("task", 0.5, x, y, what=what, **LENIENT)
    assert found.changed
    if what == "weights":
        assert net.tasks["task"].weights == pytest.approx(0.5 * before, abs=8)
    else:
        assert (
            body(net, "task").config
            == {
                "cnn": {"shape": [1, 8, 8], "filters": [16, 32], "hidden": 8},
                "lstm": {"inputs": 64, "units": 248, "hidden": [4, 2]},
            }[model]
        )
    net.verify()


def spoken(x: np.ndarray, y: np.ndarray) -> tuple[list[Any], np.ndarray]:
    """Twenty short sounds, a tone for each of two labels."""
    from senpath import Audio

    time = np.arange(1600) / 8000
    sounds = [Audio(np.sin(2 * np.pi * 440 * (1 + label) * time).astype(np.float32), 8000) for label in np.arange(20) % 2]
    return sounds, np.arange(20) % 2


@pytest.mark.parametrize(
    ("keep", "units", "left"), [(0.5, 32, 16), (0.1, 128, 12), (0.25, 50, 12), (0.3, 50, 16), (0.3, 20, 6), (0.01, 5, 1), (0.99, 13, 12)]
)
def test_wide_layers_keep_a_multiple_of_four(keep: float, units: int, left: int) -> None:
    assert fewer(keep, units) == left


def test_units_that_say_nothing_go_first_and_nothing_changes(base: Network, train: Labelled) -> None:
    """Cutting units that are never heard leaves the answers as they were."""
    inputs = encode_examples(base.view, *train).inputs[:300]
    part = take_out(base.view, base.view.pathway("digits"))
    assert not isinstance(part, str)
    (layer,) = layers_of(part)
    assert layer.units == 32
    with torch.no_grad():
        part.head.weight[:, ::2] = 0
        before = part.head(part.backbone(inputs))
        for measured in (inputs, None):
            cut = cut_units(part, 0.5, measured)
            torch.testing.assert_close(cut.head(cut.backbone(inputs)), before, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("what", WHAT)
def test_a_regression(tmp_path: Path, what: str) -> None:
    x, y = load_diabetes(return_X_y=True)
    net = Network(tmp_path / "n.sen")
    net.learn("progress", x[:400], y[:400], kind="regression", epochs=100)
    found = net.prune("progress", 0.5, x[:400], y[:400], what=what, tolerance=0.2)
    assert found.changed, found.reason
    answers = net.predict(x[400:], task="progress").label
    assert np.corrcoef(answers, y[400:])[0, 1] > 0.5
    assert abs(answers.mean() - y[400:].mean()) < 40


@pytest.mark.parametrize("what", WHAT)
def test_a_task_of_several_labels(tmp_path: Path, train: Labelled, what: str) -> None:
    x, y = train
    labels = np.stack([y % 2 == 0, y < 5, np.isin(y, [0, 6, 8, 9])], axis=1).astype(int)
    net = Network(tmp_path / "n.sen")
    net.learn("several", x, labels, kind="multilabel", hidden=32, epochs=20, augment=0.0, learning_rate=1e-2)
    found = net.prune("several", 0.5, x, labels, what=what, tolerance=0.05)
    assert found.changed, found.reason
    assert found.record["measured"]["after"] > 0.85


@pytest.mark.slow("learns, prunes and measures 1,797 digits")
def test_on_real_digits_half_the_weights_go_for_nothing(tmp_path: Path) -> None:
    if not os.environ.get("SENPATH_DATA"):
        pytest.skip("SENPATH_DATA is not set: this test reads MNIST")
    x, y = data.load("mnist")
    tests = data.load("mnist", "test")
    x, y = np.asarray(x)[:6000], y[:6000]
    net = Network(tmp_path / "n.sen")
    net.learn("mnist", x, y, epochs=8)
    before = right(net, "mnist", tests)
    assert net.prune("mnist", 0.3, x, y, epochs=4, tolerance=0.02).changed
    assert right(net, "mnist", tests) >= before - 0.01
