"""Answers as JSON values: they say what the objects say, and nothing that JSON has not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import senpath as sp
from senpath.inference.records import answer_records, explanation_record, task_record
from senpath.testing import tiny_network, tiny_task


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> sp.Network:
    return tiny_network(Path(tmp_path_factory.mktemp("records")) / "n.sen", ["low", "iris"])


def test_a_record_says_what_the_answer_says(net: sp.Network) -> None:
    x = [*tiny_task("low")[0][:2], "no task is of texts"]
    answers = net.predict(x, errors="none")
    records = answer_records(net.view, answers, top=2)
    assert json.loads(json.dumps(records, allow_nan=False)) == records
    assert [record["task"] for record in records] == answers.task.tolist()
    assert [record["label"] for record in records] == answers.label.tolist()
    assert [record["reason"] for record in records] == answers.reason.tolist()
    assert records[0]["confidence"] == answers.confidence[0]
    assert records[0]["modality"] == "image"
    assert records[0]["ran"] == {
        "tasks": [*answers.candidates[0]],
        "sources": [],
        "weights": answers.activated[0].total,
        "of": net.weights["total"],
    }
    best = answers.top(2)[0][0]
    assert (records[0]["top"][0]["task"], records[0]["top"][0]["label"], records[0]["top"][0]["probability"]) == best
    assert (records[2]["ood_score"], records[2]["modality"], records[2]["top"]) == (None, None, [])
    assert answer_records(net.view, net.predict(x[:1], task="low"))[0]["ood_score"] is None


def test_an_explanation_says_the_same_of_its_answer(net: sp.Network) -> None:
    image = tiny_task("low")[0][0]
    why = explanation_record(net.view, net.explain(image))
    json.dumps(why, allow_nan=False)
    assert why["answer"] == answer_records(net.view, net.predict([image]))[0]
    assert [task["task"] for task in why["tasks"] if task["candidate"]] == why["answer"]["ran"]["tasks"]


def test_a_task_is_described(net: sp.Network) -> None:
    record = task_record(net.view, "iris")
    json.dumps(record, allow_nan=False)
    info = net.tasks["iris"]
    assert (record["name"], record["kind"], record["modality"], record["examples"]) == ("iris", info.kind, "table", info.examples)
    assert record["classes"] == [*info.classes_]
    assert record["weights"] < record["run"] <= net.weights["total"]


def test_a_thing_in_two_modalities_has_the_record_of_each(tmp_path: Path) -> None:
    net, (images, labels) = sp.Network(tmp_path / "n.sen"), tiny_task("low")
    words = [f"number {label}" for label in labels]
    net.learn("seen", images, labels, concept="digit", epochs=1, hidden=4, model="mlp")
    net.learn("read", words, labels, concept="digit", epochs=1, hidden=4)
    answer = net.predict({"image": images[:1], "text": words[:1]}, reject=False)
    (record,) = answer_records(net.view, answer)
    json.dumps(record, allow_nan=False)
    assert (record["concept"], record["task"], record["label"]) == ("digit", answer.tasks[0][0], answer.label.tolist()[0])
    assert {name: own["modality"] for name, own in record["senses"].items()} == {"image": "image", "text": "text"}
    assert np.isclose(record["top"][0]["probability"], answer.confidence[0])
