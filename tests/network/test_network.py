"""One network of images, tables, texts and sounds: what it answers, what it runs, and what stays as it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open

import senpath as sp

Labelled = tuple[np.ndarray, np.ndarray]
GOOD = ["a lovely film", "what a lovely story", "great fun, great songs", "I enjoyed it a great deal", "lovely, warm and great"]
BAD = ["a dull film", "what a boring story", "no fun, awful songs", "I was bored to tears", "dull, cold and awful"]


def tone(pitch: float, seed: int) -> sp.Audio:
    """A third of a second of this pitch in hertz, with noise."""
    time = np.arange(2400) / 8000
    return sp.Audio((np.sin(2 * np.pi * pitch * time) + 0.1 * np.random.default_rng(seed).normal(size=2400)).astype(np.float32), 8000)


@dataclass
class Grown:
    """A network, what its tasks were learned from, and what each task answered right after it was learned."""

    net: sp.Network
    data: dict[str, tuple[Any, Any]]
    first: dict[str, np.ndarray]

    def alone(self, task: str) -> np.ndarray:
        """P(class | input) of a task's own inputs, the task given."""
        return self.net.predict(self.data[task][0], task=task).probabilities[task]


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory, digits: Labelled, iris: Labelled) -> Grown:
    x, y = digits
    sounds = [tone(pitch * (1 + number / 100), number) for number in range(10) for pitch in (300, 900)]
    found = Grown(sp.Network(tmp_path_factory.mktemp("grown") / "net"), {}, {})
    found.data = {
        "low": (x[y < 5], y[y < 5]),
        "high": (x[y >= 5], y[y >= 5]),
        "iris": iris,
        "mood": (GOOD + BAD, ["good"] * 5 + ["bad"] * 5),
        "tones": (sounds, ["deep", "shrill"] * 10),
        "bright": (255 - x[:200], y[:200] % 2),
    }
    for task, (inputs, labels) in found.data.items():
        model = {"model": "mlp"} if task == "tones" else {}
        found.net.learn(task, inputs, labels, hidden=32, epochs=40, threshold=0.3, **model)
        found.first[task] = found.alone(task)
    return found


def test_every_type_is_learned(grown: Grown) -> None:
    for task, (inputs, labels) in grown.data.items():
        given = grown.net.predict(inputs, task=task)
        assert set(given.task) == {task}
        assert np.mean(given.label == np.asarray(labels, dtype=object)) > 0.9
    assert {task: info.data_type for task, info in grown.net.tasks.items()} == {
        "low": "image",
        "high": "image",
        "iris": grown.net.tasks["iris"].data_type,
        "mood": "text",
        "tones": "audio",
        "bright": "image",
    }


def test_nothing_learned_later_changes_an_answer(grown: Grown) -> None:
    for task, before in grown.first.items():
        assert (grown.alone(task) == before).all()


def test_tasks_and_log(grown: Grown) -> None:
    net = grown.net
    assert (net.version, len(net.log)) == (6, 6)
    assert [entry["tasks"] for entry in net.log] == [[task] for task in grown.data]
    for version, (task, info) in enumerate(net.tasks.items(), start=1):
        labels = grown.data[task][1]
        assert info.classes_ == tuple(sorted({str(label) if isinstance(label, str) else int(label) for label in labels}))
        assert (info.version, info.examples, info.method) == (version, len(labels), "sen")
        assert info.weights <= info.run_weights
    assert {source for source, _ in net.tasks["high"].transfers} == {"low"}
    assert net.tasks["high"].run_weights > net.tasks["high"].weights
    assert not net.tasks["mood"].transfers


def mixed(grown: Grown) -> tuple[list[Any], list[str]]:
    """Inputs of all types in a random order, and the tasks they belong to."""
    pairs = [(x, task) for task, (inputs, _) in grown.data.items() for x in list(inputs)[:8]]
    order = np.random.default_rng(0).permutation(len(pairs))
    return [pairs[place][0] for place in order], [pairs[place][1] for place in order]


def test_a_mixed_batch_keeps_its_order(grown: Grown) -> None:
    inputs, tasks = mixed(grown)
    types = {task: info.data_type for task, info in grown.net.tasks.items()}
    together = grown.net.predict(inputs, reject=False)
    assert [types[task] for task in together.task] == [types[task] for task in tasks]
    assert np.mean(together.task == np.array(tasks, dtype=object)) > 0.9
    for place, x in enumerate(inputs):
        alone = grown.net.predict([x], reject=False)
        assert (alone.task[0], alone.label[0]) == (together.task[place], together.label[place])
        assert alone.confidence[0] == pytest.approx(together.confidence[place], abs=1e-5)


def test_shapes_and_probabilities(grown: Grown) -> None:
    inputs, _ = mixed(grown)
    answers = grown.net.predict(inputs, reject=False, admit=1e-9)
    assert len(answers) == len(inputs) == 48
    for field in (answers.task, answers.label, answers.activated, answers.candidates):
        assert field.shape == (48,)
        assert field.dtype == object
    assert answers.confidence.dtype == np.float64
    total = np.zeros(48)
    for task, chances in answers.probabilities.items():
        asked = np.array([task in names for names in answers.candidates])
        assert chances.shape == (48, len(grown.net.tasks[task].classes_))
        assert (np.isnan(chances).all(1) == ~asked).all()
        total += np.nan_to_num(chances).sum(1)
    assert (total > 0.5).all()
    assert (total <= 1 + 1e-9).all()
    for place, best in enumerate(answers.top(3)):
        assert best[0] == (answers.task[place], answers.label[place], answers.confidence[place])
        assert [chance for _, _, chance in best] == sorted((chance for _, _, chance in best), reverse=True)
        assert len(best) == min(3, sum(len(grown.net.tasks[task].classes_) for task in answers.candidates[place]))


def test_inputs_that_fit_no_task(grown: Grown) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (50, 8, 8), dtype=np.uint8)
    refused, answered = grown.net.predict(noise), grown.net.predict(noise, reject=False)
    strange = np.array([task is None for task in refused.task])
    assert strange.mean() > 0.8
    assert all(label is None for label in refused.label[strange])
    assert not refused.confidence[strange].any()
    assert all(ran.total for ran in refused.activated)  # saying no is work too
    assert None not in set(answered.task)
    assert (answered.confidence > 0).all()
    known = grown.net.predict(grown.data["low"][0])
    assert np.mean([task is None for task in known.task]) < 0.1


def file_weights(net: sp.Network, names: Any) -> int:
    """Numbers in these components' files."""
    total = 0
    for name in set(names):
        with safe_open(net.path / "components" / f"{name}.safetensors", framework="numpy") as tensors:
            total += sum(tensors.get_tensor(key).size for key in tensors.keys())  # noqa: SIM118
    return total


def dispatcher_weights(net: sp.Network, key: str) -> int:
    """Numbers that the dispatcher of a type has on disk."""
    record = net.view.manifest.types[key]
    folder = net.path / "dispatcher"
    return file_weights(net, [record.features]) + record.width * (record.width + 1) // 2 + (folder / f"{key}.columns").stat().st_size // 4


@pytest.mark.parametrize("how", [{}, {"admit": 1e-9}, {"admit": 1e-9, "strict": True}, {"candidates": 1}])
def test_activation_is_what_the_files_hold(grown: Grown, how: dict[str, Any]) -> None:
    inputs, _ = mixed(grown)
    net = grown.net
    answers = net.predict(inputs, **how)
    for ran, names in zip(answers.activated, answers.candidates, strict=True):
        pathways = [net.view.pathway(name) for name in names]
        own = {name for pathway in pathways for name in pathway.components}
        read = {name for pathway in pathways for link in pathway.links for name in link.reads} - own
        links = {link.component for pathway in pathways for link in pathway.links}
        assert ran.tasks == names
        assert ran.sources == tuple(dict.fromkeys(link.source for pathway in pathways for link in pathway.links))
        assert ran.components == own | read | links
        assert ran.pathway_weights == file_weights(net, own)
        assert ran.source_weights == file_weights(net, read)
        assert ran.link_weights == file_weights(net, links)
        assert ran.dispatcher_weights == dispatcher_weights(net, pathways[0].data_type)
        assert ran.total == ran.pathway_weights + ran.source_weights + ran.link_weights + ran.dispatcher_weights


def test_all_weights_are_what_the_files_hold(grown: Grown) -> None:
    net = grown.net
    types = net.view.manifest.types
    everything = [path.stem for path in (net.path / "components").glob("*.safetensors")]
    pathways = file_weights(net, set(everything) - {record.features for record in types.values()})
    dispatcher = sum(dispatcher_weights(net, key) for key in types)
    assert net.weights == {"pathways": pathways, "dispatcher": dispatcher, "encoders": 0, "total": pathways + dispatcher}


def test_how_many_pathways_may_run(grown: Grown) -> None:
    x = np.random.default_rng(0).integers(0, 256, (200, 8, 8), dtype=np.uint8)  # fits nothing, so any two tasks may come first
    usual, one = grown.net.predict(x, admit=1e-12, reject=False), grown.net.predict(x, admit=1e-12, reject=False, candidates=1)
    strict = grown.net.predict(x, admit=1e-12, reject=False, strict=True)
    assert max(len(names) for names in usual.candidates) == 2
    assert {len(names) for names in one.candidates} == {1}
    assert [names[0] for names in one.candidates] == [names[0] for names in usual.candidates]
    touched = [{*ran.tasks, *ran.sources} for ran in strict.activated]
    assert max(map(len, touched)) == 2
    assert any(len(names) == 2 for names in strict.candidates)  # where no more than two are touched, a second one may run
    assert any(len({*ran.tasks, *ran.sources}) > 2 for ran in usual.activated)


@pytest.mark.parametrize("task", ["high", "iris", "mood", "tones"])
def test_explaining_one_input(grown: Grown, task: str) -> None:
    x = grown.data[task][0][0]
    why, answer = grown.net.explain(x, reject=False), grown.net.predict([x], reject=False)
    assert (why.task, why.label, why.candidates) == (answer.task[0], answer.label[0], answer.candidates[0])
    assert why.confidence == answer.confidence[0]
    assert why.activated == answer.activated[0]
    assert why.share == why.activated.total / grown.net.weights["total"]
    assert list(why.top) == answer.top(5)[0]
    assert set(why.scores) == set(grown.net.view.tasks_of_type(grown.net.tasks[task].data_type))
    assert sum(why.scores.values()) == pytest.approx(1)
    assert list(why.scores.values()) == sorted(why.scores.values(), reverse=True)
    assert [use.source for use in why.links] == [link.source for link in grown.net.view.pathway(why.task).links]
    assert all(use.transfer is None or use.transfer.target == why.label for use in why.links)


def test_strangeness_says_what_is_refused(grown: Grown) -> None:
    own = [*grown.data["low"][0][:20]]
    inputs = [*own, np.eye(8), np.ones(7)]  # no task is of tables with seven columns
    found = grown.net.predict(inputs, errors="none")
    assert [task is None for task in found.task] == list(found.ood_score > 1)
    assert np.isinf(found.ood_score[-1])
    assert (found.ood_score > 0).all()
    assert found.ood_score[0] == pytest.approx(grown.net.explain(inputs[0]).ood_score, rel=1e-5)  # of float32 features
    assert np.isnan(grown.net.predict(own, task="low").ood_score).all()
