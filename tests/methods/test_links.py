"""What a new task borrows: similarity by the source's own predictions, and links that start as copies of the source's rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from senpath import Examples, Network
from senpath.methods.sen.links import PER_CLASS, similarities
from senpath.pathways import Pathway, run_pathway
from senpath.snapshot import encode_examples

Labelled = tuple[np.ndarray, np.ndarray]


def own_logits(net: Network, task: str, examples: Examples) -> torch.Tensor:
    """What a task's own layers answer, its links left out."""
    pathway = net.view.pathway(task)
    own = Pathway(task, pathway.data_type, pathway.classes, pathway.components)
    return run_pathway(own, examples.inputs, net.view.component)


def shares_by_hand(net: Network, task: str, examples: Examples) -> np.ndarray:
    answers = own_logits(net, task, examples).argmax(1)
    shares = np.zeros((len(examples.classes), len(net.tasks[task].classes_)))
    for target, answer in zip(examples.targets.tolist(), answers.tolist(), strict=True):
        shares[target, answer] += 1
    return shares / shares.sum(1, keepdims=True)


@pytest.fixture
def named(base: Network, fresh: Labelled, words: np.ndarray) -> tuple[np.ndarray, np.ndarray, Examples]:
    """Unseen digits under their English names, some of them drawn upside down, and encoded."""
    x, y = fresh[0].copy(), words[fresh[1]]
    turned = np.isin(fresh[1], (2, 3, 4, 5))
    x[turned] = x[turned][:, ::-1]
    return x, y, encode_examples(base.view, x, y)


def test_similarity_is_the_share_that_the_source_predicts(base: Network, named: Any) -> None:
    _, _, examples = named
    (found,) = similarities(base.view, examples, seed=0)
    assert found.source == "digits"
    assert found.examples == len(examples)
    np.testing.assert_allclose(found.shares.numpy(), shares_by_hand(base, "digits", examples))
    best, classes = found.best()
    assert best[examples.classes.index("zero")] > 0.9
    assert classes[examples.classes.index("zero")] == 0


def test_similarity_is_measured_on_a_bounded_sample(base: Network, train: Labelled) -> None:
    x = np.concatenate([train[0]] * 3)
    examples = encode_examples(base.view, x, np.concatenate([train[1]] * 3))
    (found,) = similarities(base.view, examples, seed=0)
    counts = examples.targets.bincount().clamp(max=PER_CLASS)
    assert found.examples == int(counts.sum()) < len(x)
    assert torch.equal(found.shares, similarities(base.view, examples, seed=0)[0].shares)


def test_an_empty_network_has_nothing_to_lend(tmp_path: Any, train: Labelled) -> None:
    net = Network(tmp_path / "n.sen")
    assert similarities(net.view, encode_examples(net.view, *train), seed=0) == []


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.95])
def test_the_threshold_decides_which_classes_are_linked(base: Network, named: Any, threshold: float) -> None:
    x, y, examples = named
    shares = shares_by_hand(base, "digits", examples)
    net = base
    net.learn("named", x, y, links="similar", threshold=threshold, epochs=1, hidden=4)
    (link,) = net.view.pathway("named").links
    expected = {examples.classes[index]: index for index in range(10) if shares[index].max() >= threshold}
    assert 0 < len(expected) < 10
    assert [transfer.target for transfer in link.transfers] == list(expected)
    for transfer in link.transfers:
        row = shares[expected[str(transfer.target)]]
        assert transfer.source == int(row.argmax())
        assert transfer.share == pytest.approx(row.max(), abs=1e-4)
    assert (link.source, link.examples, link.reads) == ("digits", len(x), net.view.pathway("digits").components[:-1])


@pytest.mark.parametrize("links", ["similar", "all", "none"])
def test_where_nothing_is_similar_nothing_is_linked(base: Network, fresh: Labelled, links: str) -> None:
    labels = np.random.default_rng(0).integers(0, 6, len(fresh[0]))
    base.learn("mixed up", fresh[0], labels, links=links, epochs=1, hidden=4)
    assert base.view.pathway("mixed up").links == ()
    assert base.tasks["mixed up"].transfers == ()
    assert base.tasks["mixed up"].provenance.sources_tried.get("digits", 0) < 0.7


def test_zero_shot_is_a_copy_of_the_sources_rows(base: Network, named: Any) -> None:
    x, y, examples = named
    base.learn("named", x, y, links="similar", epochs=0)
    pathway = base.view.pathway("named")
    assert pathway.components == ()
    assert base.tasks["named"].provenance.record["link_examples"] == len(x)
    logits, source = base.view.logits("named", examples.inputs), own_logits(base, "digits", examples)
    linked = {str(transfer.target): transfer.source for transfer in pathway.links[0].transfers}
    for index, name in enumerate(examples.classes):
        expected = source[:, linked[str(name)]] if name in linked else torch.zeros(len(x))
        torch.testing.assert_close(logits[:, index], expected, rtol=1e-5, atol=1e-5)


def test_links_to_all_classes_start_as_what_the_source_makes_of_them(base: Network, named: Any) -> None:
    x, y, examples = named
    base.learn("named", x, y, links="all", epochs=0)
    shares = torch.from_numpy(shares_by_hand(base, "digits", examples)).float()
    similar = shares.max(1).values >= 0.7
    assert similar.any()
    assert not similar.all()
    shares[similar] = torch.nn.functional.one_hot(shares[similar].argmax(1), 10).float()
    logits = base.view.logits("named", examples.inputs)
    torch.testing.assert_close(logits, own_logits(base, "digits", examples) @ shares.T, rtol=1e-4, atol=1e-4)
    assert len(base.tasks["named"].transfers) == 10


def test_zero_shot_answers_like_the_similarity_says(base: Network, fresh: Labelled, words: np.ndarray) -> None:
    base.learn("named", fresh[0][:400], words[fresh[1][:400]], epochs=0)
    answers = base.predict(fresh[0][400:], task="named").label
    assert (answers == words[fresh[1][400:]]).mean() > 0.9


def test_zero_shot_without_a_source_is_at_chance(tmp_path: Any, train: Labelled) -> None:
    net = Network(tmp_path / "n.sen")
    net.learn("digits", *train, epochs=0, hidden=8)
    assert len(net.view.pathway("digits").components) == 2
    assert (net.predict(train[0], task="digits").label == train[1]).mean() < 0.2


def shares_of_both(net: Network, examples: Examples) -> tuple[list[str], np.ndarray]:
    """For each task the highest share of each new class."""
    sources = list(net.tasks)
    return sources, np.stack([shares_by_hand(net, source, examples).max(1) for source in sources])


def worth_by_hand(net: Network, source: str, examples: Examples) -> float:
    """What links alone would get right: of the similar classes that copy one class of the source, the most similar."""
    best: dict[int, float] = {}
    for row in shares_by_hand(net, source, examples):
        if row.max() >= 0.7:
            best[row.argmax()] = max(best.get(row.argmax(), 0), row.max())
    return sum(best.values())


@pytest.mark.parametrize("missing", ["zero", "nine"])  # one class less makes one source poorer
def test_one_source_is_the_one_with_most_to_lend(halves: Network, fresh: Labelled, words: np.ndarray, missing: str) -> None:
    mine = words[fresh[1]] != missing
    x, y = fresh[0][mine], words[fresh[1][mine]]
    examples = encode_examples(halves.view, x, y)
    sources, best = shares_of_both(halves, examples)
    expected = max(sources, key=lambda source: worth_by_hand(halves, source, examples))
    assert expected == {"zero": "high", "nine": "low"}[missing]
    halves.learn("named", x, y, links="similar", source="one", epochs=0)
    (link,) = halves.view.pathway("named").links
    assert link.source == expected
    linked = best[sources.index(expected)] >= 0.7
    assert [transfer.target for transfer in link.transfers] == list(np.unique(y)[linked])


def test_a_source_that_takes_all_for_the_same_lends_nothing(halves: Network, fresh: Labelled, words: np.ndarray, quick: Any) -> None:
    noise = np.random.default_rng(0).random((60, 8, 8)) * np.arange(60)[:, None, None] / 60
    halves.learn("noise", noise, np.arange(60) // 30, links="none", **quick)
    x, y = fresh[0], words[fresh[1]]
    sources, best = shares_of_both(halves, encode_examples(halves.view, x, y))
    # Every class is "similar" to one of the two kinds of noise, more of them than to either half of the digits.
    assert (best >= 0.7).sum(1).argmax() == sources.index("noise")
    halves.learn("named", x, y, epochs=1, hidden=4)
    assert {source for source, _ in halves.tasks["named"].transfers} < {"low", "high"}


def test_each_class_may_have_a_source_of_its_own(halves: Network, fresh: Labelled, words: np.ndarray) -> None:
    x, y = fresh[0], words[fresh[1]]
    sources, best = shares_of_both(halves, encode_examples(halves.view, x, y))
    halves.learn("both", x, y, links="similar", source="per-class", epochs=0)
    links = halves.view.pathway("both").links
    assert [link.source for link in links] == ["low", "high"]
    targets = [transfer.target for link in links for transfer in link.transfers]
    assert sorted(map(str, targets)) == sorted(np.unique(y)[best.max(0) >= 0.7])
    for link in links:
        for transfer in link.transfers:
            column = best[:, list(np.unique(y)).index(str(transfer.target))]
            assert transfer.share == pytest.approx(column.max(), abs=1e-4)
            assert transfer.share == pytest.approx(column[sources.index(link.source)], abs=1e-4)


def test_a_link_reads_layers_never_links(base: Network, fresh: Labelled, words: np.ndarray, quick: dict[str, Any]) -> None:
    base.learn("words", fresh[0][:300], words[fresh[1][:300]], **quick)
    assert base.view.pathway("words").links
    x, y = fresh[0][300:], np.array([f"digit {label}" for label in fresh[1][300:]])
    examples = encode_examples(base.view, x, y)
    found = {similarity.source: similarity.shares.numpy() for similarity in similarities(base.view, examples, 0)}
    for task in ("digits", "words"):
        np.testing.assert_allclose(found[task], shares_by_hand(base, task, examples))
    base.learn("third", x, y, epochs=1, hidden=4)
    links = {link.component for task in ("words", "third") for link in base.view.pathway(task).links}
    assert not links & {name for link in base.view.pathway("third").links for name in link.reads}


def test_a_task_of_links_alone_is_no_source(base: Network, fresh: Labelled, words: np.ndarray) -> None:
    base.learn("zero-shot", fresh[0][:200], words[fresh[1][:200]], epochs=0)
    examples = encode_examples(base.view, fresh[0][200:], fresh[1][200:])
    assert [found.source for found in similarities(base.view, examples, 0)] == ["digits"]


def test_another_data_type_is_no_source(base: Network, iris: Labelled) -> None:
    base.learn("iris", *iris, epochs=1)
    assert base.tasks["iris"].provenance.sources_tried == {}


@pytest.mark.parametrize(("start", "copied"), [("copy", True), ("random", False)])
def test_the_own_hidden_layer_may_start_as_a_copy(base: Network, fresh: Labelled, words: np.ndarray, start: str, copied: bool) -> None:
    x, y = fresh[0][:100], words[fresh[1][:100]]
    base.learn("named", x, y, start=start, epochs=1, hidden=32, learning_rate=1e-8, augment=0.0)
    own, source = (base.view.component(base.view.pathway(task).components[0]) for task in ("named", "digits"))
    inputs = encode_examples(base.view, x, y).inputs
    assert torch.allclose(own(inputs), source(inputs), atol=1e-4) is copied


def test_a_source_of_another_size_is_not_copied(base: Network, fresh: Labelled, words: np.ndarray) -> None:
    base.learn("named", fresh[0][:100], words[fresh[1][:100]], start="copy", epochs=1, hidden=8)
    assert base.view.component(base.view.pathway("named").components[0]).config["hidden"] == [8]
    assert base.tasks["named"].transfers


def test_what_was_learned_before_stays(
    base: Network, fresh: Labelled, words: np.ndarray, few: Callable[..., Labelled], contents: Any
) -> None:
    before, answers = contents(base.path / "components"), base.predict(fresh[0], task="digits")
    logits = base.view.logits("digits", encode_examples(base.view, *fresh).inputs)
    base.learn("named", *few(fresh[0], words[fresh[1]], 5))
    after = contents(base.path / "components")
    assert before.items() <= after.items()
    assert len(after) > len(before)
    again = Network(base.path)
    again.verify()
    assert torch.equal(again.view.logits("digits", encode_examples(base.view, *fresh).inputs), logits)
    assert list(again.predict(fresh[0], task="digits").label) == list(answers.label)
