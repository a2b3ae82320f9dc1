"""On the Hugging Face hub: a model card that says what is known, a repository, and data sets in and out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from inspect import signature
from pathlib import Path

import datasets
import numpy as np
import pandas as pd
import pytest
import yaml
from huggingface_hub import ModelCard, ModelHubMixin
from PIL import Image

import senpath as sp
from senpath.testing import ConstantMethod
from tests.network.fake_hub import fake_hub
from tests.raising import raises_error

Labelled = tuple[np.ndarray, np.ndarray]
STRANGE = "iris|<b>`x`"


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory, digits: Labelled, iris: Labelled) -> sp.Network:
    net = sp.Network(tmp_path_factory.mktemp("hub") / "net")
    x, y = digits
    net.learn("low", x[y < 5], y[y < 5], method=ConstantMethod())
    net.learn("few", x[y >= 5][:12], y[y >= 5][:12], method=ConstantMethod())
    net.learn(STRANGE, *iris, method=ConstantMethod())
    sp.evaluate(net, {"low": (x[y < 5][:50], y[y < 5][:50]), STRANGE: iris}, record=True)
    return net


def card_of(net: sp.Network, folder: Path) -> str:
    net.save_pretrained(folder)
    return (folder / "README.md").read_text(encoding="utf-8")


def test_the_card_says_what_is_known(net: sp.Network, tmp_path: Path) -> None:
    text = card_of(net, tmp_path / "saved")
    for task, info in net.tasks.items():
        assert info.provenance.data in text
        assert f"{info.examples:,}" in text
        assert task in text or task == STRANGE
    score = sp.recorded_evaluations(net)[-1].evaluation.scores["low"]
    assert f"| low | 50 | {round(score.accuracy, 4)} | {round(score.accuracy_unlabelled, 4)} |" in text
    assert "Learned from fewer than 10 examples of some class: few." in text
    assert "Never measured: few." in text
    assert "<b>" not in text.split("---", 2)[2]  # what people call their tasks is text, and no part of the page
    assert "iris\\|&lt;b&gt;\\`x\\`" in text


def test_the_hub_reads_its_head(net: sp.Network, tmp_path: Path) -> None:
    text = card_of(net, tmp_path / "saved")
    head = yaml.safe_load(text.split("---")[1])
    assert head["library_name"] == "senpath"
    assert {"image", "table"} <= {*head["tags"]}
    results = ModelCard(text).data.eval_results
    assert results is not None
    assert {result.dataset_name for result in results} == {"test examples of low", f"test examples of {STRANGE}"}
    assert [result.metric_value for result in results] == pytest.approx(
        [score.accuracy for score in sp.recorded_evaluations(net)[-1].evaluation.scores.values()], abs=1e-4
    )


def test_names_that_yaml_would_take_apart(tmp_path: Path, iris: Labelled) -> None:
    net = sp.Network()
    net.learn("😀 flowers", *iris, method=ConstantMethod())
    sp.evaluate(net, {"😀 flowers": iris}, record=True)
    results = ModelCard(card_of(net, tmp_path / "saved")).data.eval_results
    assert results is not None
    assert results[0].dataset_name == "test examples of 😀 flowers"


def test_a_stream_is_refused_with_what_to_do() -> None:
    datasets = pytest.importorskip("datasets", reason="needs datasets of Hugging Face")
    stream = datasets.Dataset.from_dict({"a": [0.0, 1.0], "label": [0, 1]}).to_iterable_dataset()
    with raises_error(sp.InputError, what="data set", got="a stream", do="Load it with streaming=False"):
        sp.Network().learn("flowers", stream)


def test_a_card_of_nothing(tmp_path: Path, digits: Labelled) -> None:
    net = sp.Network(tmp_path / "net")
    assert "0 tasks" in card_of(net, tmp_path / "empty")
    net.learn("digits", *digits, method=ConstantMethod())
    for line in ({"scores": 3}, {"scores": {"digits": 1}, "identities": {}}, {"scores": {"digits": {}}, "identities": ["digits"]}):
        with (net.path / "evaluations.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"version": 1, "time": "now", **line}) + "\n")
    assert "None were recorded" in card_of(net, tmp_path / "saved")
    labels = np.arange(400) % 50
    net.learn("many", digits[0], [f"class {label:02}" for label in labels], method=ConstantMethod())
    assert "class 19, … (50 in all)" in card_of(net, tmp_path / "more")


def test_it_is_called_as_the_hubs_own_models_are() -> None:
    mine, theirs = (signature(owner.push_to_hub).parameters for owner in (sp.Network, ModelHubMixin))
    assert {*mine} <= {*theirs}


@pytest.mark.parametrize("name", ["", "no id", "a/b/c", 3])
def test_ids_that_are_none(net: sp.Network, name: str) -> None:
    with raises_error(sp.InputError, "id of the repository", expected="a name like someone/digits", got=repr(name)):
        net.push_to_hub(name)


def test_without_the_library(net: sp.Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with raises_error(sp.MissingExtraError, "network to upload to 'someone/digits'", do="pip install 'senpath[hub]'"):
        net.push_to_hub("someone/digits")


@pytest.mark.slow("a program of its own, for the library reads the hub's address once")
def test_a_repository_is_written_and_read(net: sp.Network, tmp_path: Path) -> None:
    program = """
import sys
import senpath as sp
net = sp.Network(sys.argv[1])
print(net.push_to_hub("someone/digits", token="hf_secret"))
net.remove("few")
net.push_to_hub("someone/digits", token="hf_secret", commit_message="Without few")
copy = sp.Network.from_pretrained("someone/digits", sys.argv[2], token="hf_reads")
copy.verify()
try:
    sp.Network.from_pretrained("someone/else")
except sp.DownloadError as error:
    print(error.got)
"""
    (tmp_path / "own").mkdir()
    net.save_pretrained(tmp_path / "own" / "net")
    with fake_hub() as hub:
        environment = {**os.environ, "HF_ENDPOINT": hub.address, "HF_HOME": str(tmp_path / "cache")}
        arguments = [sys.executable, "-c", program, str(tmp_path / "own" / "net"), str(tmp_path / "copy")]
        done = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        commits = hub.files["someone/digits"]
    assert f"{hub.address}/someone/digits/commit/" in done.stdout
    assert "Repository Not Found" in done.stdout
    assert len(commits) == 3
    assert {name for name in commits[1] if name.startswith("components/")} > {name for name in commits[2] if name.startswith("components/")}
    assert 'from_pretrained("someone/digits")' in commits[2]["README.md"].decode()
    assert hub.tokens == ["Bearer hf_secret"] * 2
    assert "Bearer hf_reads" in hub.readers
    assert list(sp.Network(tmp_path / "copy").tasks) == ["low", STRANGE]


def test_data_sets_come_in_and_answers_go_out(digits: Labelled) -> None:
    x, y = digits[0][:60], digits[1][:60]
    names = [f"digit {label}" for label in range(10)]
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=names)})
    data = datasets.Dataset.from_dict({"image": [Image.fromarray(image) for image in x], "label": y.tolist()}, features=features)
    net = sp.Network()
    net.learn("digits", data, method=ConstantMethod())
    assert net.tasks["digits"].classes_ == tuple(names)
    answers = net.predict(data)
    assert answers.label.tolist() == net.predict(x).label.tolist()
    out = datasets.Dataset.from_dict(answers.to_dict())
    assert len(out) == 60
    assert out["label"][:5] == answers.label[:5].tolist()
    asked = data.select(range(5)).map(lambda batch: {"answer": [*net.predict(batch["image"]).label]}, batched=True)
    assert asked["answer"][:] == answers.label[:5].tolist()


@pytest.mark.parametrize("form", ["folder", "array", "numbers", "texts", "rows"])
def test_what_is_read_goes_out_and_comes_back(form: str, digits: Labelled, tmp_path: Path) -> None:
    x, y = digits[0][:20], np.array([f"digit {label}" for label in digits[1][:20]])
    if form == "folder":
        for place, (image, label) in enumerate(zip(x, y, strict=True)):
            (tmp_path / label).mkdir(exist_ok=True)
            Image.fromarray(image).save(tmp_path / label / f"{place}.png")
        data = sp.read(tmp_path)
    elif form == "rows":
        (tmp_path / "t.csv").write_text("size,town,kind\n" + "1.5,Graz,a\n,Oslo,b\n2.5,,a\n" * 4)
        data = sp.read(tmp_path / "t.csv", label="kind")
    else:
        data = sp.Data({"array": x, "numbers": x / 255, "texts": [*y]}[form], y, "text" if form == "texts" else "image", "")
    out = data.to_dataset()
    back = sp.read(out)
    assert len(out) == len(data)
    assert back.y.tolist() == np.asarray(data.y).tolist()
    net = sp.Network()
    one, two = (net.encode_examples(some.x, some.y) for some in (data, back))
    assert one.data_type == two.data_type
    assert np.allclose(one.inputs, two.inputs, atol=1e-6)


def test_what_cannot_go_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = sp.read(pd.DataFrame({"label": [1.0, 2.0], "kind": ["a", "b"]}), label="kind")
    with raises_error(sp.InputError, "columns of the data set", expected="none named 'label'"):
        rows.to_dataset()
    with raises_error(sp.InputError, "clips of a data set", expected="files"):
        sp.Data([sp.Video(np.zeros((3, 8, 8), np.uint8))], ["a"], "video", "").to_dataset()
    monkeypatch.setitem(sys.modules, "datasets", None)
    with raises_error(sp.MissingExtraError, "data set", do="pip install datasets"):
        rows.to_dataset()
