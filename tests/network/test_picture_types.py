"""Pictures of every kind in one network: types that are opened and joined, and inputs routed among them."""

import warnings
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import senpath as sp
from senpath.store.manifest import CHECKSUM
from senpath.testing import ConstantMethod, tiny_task
from tests.raising import raises_error

Labelled = tuple[np.ndarray, np.ndarray]
QUICK = {"method": ConstantMethod()}


@pytest.fixture(scope="module")
def photographs() -> Labelled:
    """Parts of two photographs that scikit-learn has, 150 of each as uint8 (300, 48, 64, 3), and which of the two each is of."""
    from sklearn.datasets import load_sample_images

    random, parts = np.random.default_rng(0), []
    for image in load_sample_images().images:
        places = random.integers(0, [image.shape[0] - 48, image.shape[1] - 64], (150, 2))
        parts.append(np.stack([image[top : top + 48, left : left + 64] for top, left in places]))
    return np.concatenate(parts), np.repeat(["temple", "flower"], 150)


@pytest.fixture
def both(photographs: Labelled) -> sp.Network:
    """Digits of 8 × 8, then photographs in colour; every third picture is left to ask about."""
    net = sp.Network()
    for name, (x, y) in {"low": tiny_task("low"), "photographs": photographs}.items():
        net.learn(name, x[np.arange(len(x)) % 3 > 0], y[np.arange(len(x)) % 3 > 0], **QUICK)
    return net


def test_pictures_that_would_lose_what_they_show_open_a_type(both: sp.Network, photographs: Labelled) -> None:
    assert {key: kind.shape for key, kind in both.view.types.items()} == {"image": (1, 8, 8), "image-3x48x64": (3, 48, 64)}
    assert both.log[-1]["read_as"]["photographs"].startswith("opened the type 'image-3x48x64' (64×48 pixels, in colour): 'image' ")
    learned = both.learn("high", *tiny_task("high"), **QUICK)
    assert both.tasks["high"].data_type == "image"
    assert learned.read_as == "joined the type 'image' (8×8 pixels, grey), which keeps 100.0% of what these pictures show"
    grey = photographs[0][:, ::2, ::2].mean(-1) / 255
    assert both.learn("grey", grey, photographs[1], **QUICK).read_as.startswith("joined the type 'image-3x48x64' ")  # grey loses nothing
    both.verify()


def test_each_picture_finds_its_type(both: sp.Network, photographs: Labelled) -> None:
    x, y = photographs[0][::3], photographs[1][::3]
    digits = tiny_task("low")[0][::3]
    mixed = [*x, *digits]
    answers = both.predict(mixed, reject=False)
    assert np.mean(answers.task[: len(x)] == "photographs") >= 0.99
    assert np.mean(answers.task[len(x) :] == "low") >= 0.99
    assert np.mean(answers.label[: len(x)] == y) > 0.7
    again = both.predict(both.encode(mixed), reject=False)
    assert again.task.tolist() == answers.task.tolist()
    np.testing.assert_allclose(again.confidence, answers.confidence, atol=1e-5)
    assert set(both.predict(mixed, task="low").task) == {"low"} == set(both.predict(both.encode(mixed), task="low").task)
    why = both.explain(x[0])
    assert (why.candidates, list(why.scores)) == (("photographs",), ["photographs"])
    assert why.ood_score == pytest.approx(answers.ood_score[0], rel=1e-5)


def test_what_is_learned_in_a_second_type_is_a_task_like_any_other(both: sp.Network, photographs: Labelled, tmp_path: Path) -> None:
    x, y = photographs
    both.export("photographs", tmp_path / "photographs.sentask")
    assert both.extend("photographs", x[:30], y[:30]).task == "photographs"
    digits, numbers = tiny_task("low")
    routed = both.extend([*x[:4], *digits[:4]], [*y[:4], *numbers[:4]])
    assert sum(len(rows) for rows in routed.sent.values()) >= 6
    assert sp.evaluate(both, {"photographs": (x[::3], y[::3])}).scores["photographs"].task >= 0.99
    before = both.predict(tiny_task("low")[0][:20])
    both.remove("photographs")
    assert [*both.view.types] == ["image"]
    both.rollback(both.version - 1)
    assert [*both.view.types] == ["image", "image-3x48x64"]
    alone = sp.Network()
    alone.learn("low", *tiny_task("low"), **QUICK)
    assert alone.import_task(tmp_path / "photographs.sentask").data_type == "image-3x48x64"
    assert set(alone.predict([*x[:20]], reject=False).task) == {"photographs"}
    assert len(before) == 20


def test_a_network_of_one_size_has_one_type(photographs: Labelled) -> None:
    net = sp.Network(image_shape=(1, 8, 8))
    net.learn("low", *tiny_task("low"), **QUICK)
    assert net.learn("photographs", *photographs, **QUICK).read_as == ""
    assert [*net.view.types] == ["image"]


def test_it_is_said_what_further_pictures_of_a_task_lose(photographs: Labelled) -> None:
    net, (x, y) = sp.Network(), tiny_task("low")
    net.learn("low", x[:20], y[:20], **QUICK)
    with pytest.warns(sp.SenpathWarning, match=r"% of what these pictures show is lost in the task's type 'image' \(8×8 pixels, grey\)"):
        net.extend("low", photographs[0][:2], [0, 1], epochs=1)


@pytest.mark.parametrize("dark", [np.uint8, np.int64])
def test_it_is_said_that_whole_numbers_are_shares_of_255(dark: type) -> None:
    x, y = tiny_task("low")
    levels = (x * 16).round().astype(dark)
    with pytest.warns(sp.SenpathWarning, match="none of these is above 16: if that is white, divide them by it"):
        sp.Network().encode_examples(levels, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for fine in (levels * 3, x, [*(levels > 8).astype(dark)], [Image.fromarray(np.uint8(levels[0] * 3))] * len(y)):
            sp.Network().encode_examples(fine, y)


def test_several_tasks_in_one_call(photographs: Labelled) -> None:
    net = sp.Network()
    tasks = {"low": tiny_task("low"), "photographs": photographs, "odd": tiny_task("odd")}
    learned = net.learn_many(tasks, **QUICK)
    assert [net.tasks[name].data_type for name in tasks] == ["image", "image-3x48x64", "image"]
    assert [bool(one.read_as) for one in learned.values()] == [False, True, True]


def test_a_name_of_a_type_that_its_encoding_does_not_have(both: sp.Network) -> None:
    file = both.path / "network.json"
    body = file.read_bytes().partition(CHECKSUM)[0]
    body = body.replace(b'"name":"3x48x64"', b'"name":"3x64x48"').replace(b"image-3x48x64", b"image-3x64x48")
    file.write_bytes(body + CHECKSUM + sha256(body).hexdigest().encode() + b'"}\n')
    with raises_error(sp.StoreError, expected="parts that fit each other"):
        sp.Network(both.path)
