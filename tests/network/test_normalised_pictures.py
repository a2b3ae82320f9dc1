"""Pictures as torch's transforms leave them: conventions that are recognised, and ranges of their own."""

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_sample_images

import senpath as sp
from senpath.inputs.modalities.image import normalisation_of
from senpath.inputs.modalities.normalised import CONVENTIONS
from senpath.testing import ConstantMethod, tiny_task
from tests.raising import raises_error

QUICK = {"method": ConstantMethod()}


def normalised(x: np.ndarray, mean: tuple[float, ...], std: tuple[float, ...]) -> torch.Tensor:
    """What torchvision's `ToTensor` and `Normalize` make of whole numbers (n, c, h, w)."""
    return (torch.from_numpy(x).float() / 255 - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]


def digits(task: str = "low") -> tuple[np.ndarray, np.ndarray]:
    """Digits in grey levels of 255: uint8 (150, 1, 8, 8), and their labels."""
    x, y = tiny_task(task)
    return np.round(255 * x).astype(np.uint8)[:, None], y


@pytest.mark.parametrize("name", CONVENTIONS)
def test_conventions_are_recognised(name: str) -> None:
    photograph = load_sample_images().images[0].transpose(2, 0, 1)
    parts = np.stack([photograph[:, place : place + 40, place : place + 40] for place in range(0, 240, 40)])
    parts[:, :, 0, 0] = 0  # of a picture of bright pixels alone, −1 … 1 cannot be told from 0 … 1
    if len(CONVENTIONS[name][0]) == 1:
        parts = parts[:, :1]
    tensors = normalised(parts, *CONVENTIONS[name])
    told: Any = [normalisation_of(tensors), *(normalisation_of([one]) for one in tensors)]
    assert [one.name for one in told] == [name] * 7
    assert normalisation_of(parts) is None
    assert normalisation_of(parts / 255) is None


def test_normalised_and_raw_pictures_are_the_same_to_a_network() -> None:
    x, y = digits()
    tensors = normalised(x, *CONVENTIONS["MNIST"])
    raw, net = sp.Network(), sp.Network()
    raw.learn("low", x, y, **QUICK)
    assert "normalised as for MNIST: taken as number · 0.3081 + 0.1307" in net.learn("low", tensors, y, **QUICK).read_as
    expected = raw.predict(x)
    for asked in (x, x / 255, tensors, [*tensors], [*tensors[:75].numpy(), *x[75:]]):
        for answers in (net.predict(asked), raw.predict(asked)):
            np.testing.assert_allclose(answers.confidence, expected.confidence, atol=1e-6)
    assert raw.learn("high", normalised(digits("high")[0], *CONVENTIONS["MNIST"]), digits("high")[1], **QUICK)
    assert [*raw.view.types] == ["image"]
    np.testing.assert_array_equal(net.predict([tensors[0]]).confidence, net.predict([x[0]]).confidence)


def test_what_was_learned_tells_how_a_blurred_picture_is_read() -> None:
    x, y = digits()
    tensors = normalised(x, *CONVENTIONS["MNIST"])
    net, raw = sp.Network(), sp.Network()
    net.learn("low", tensors, y, **QUICK)
    raw.learn("low", x, y, **QUICK)
    blurred = torch.nn.functional.avg_pool2d(tensors[:1, :, :, 1:6], 2)
    assert net.predict([blurred[0]], errors="none").reason[0] is None or "pixel" not in net.predict([blurred[0]]).reason[0]
    with raises_error(sp.InputError, expected="floats in 0 … 1"):
        raw.predict([blurred[0]])


def test_a_range_of_its_own_is_a_type_that_reads_nothing_else() -> None:
    x, y = digits()
    numbers = x[:, 0] / 3.7 - 20.0
    net = sp.Network()
    learned = net.learn("low", numbers, y, **QUICK)
    assert learned.read_as == "pictures are of a range of their own, -20 … 48.9, brought to 0 … 1; no other pictures are read as this type"
    assert net.log[-1]["read_as"] == {"low": learned.read_as}
    raw = sp.Network()
    raw.learn("low", x, y, **QUICK)
    np.testing.assert_allclose(net.predict(numbers).confidence, raw.predict(x).confidence, atol=1e-4)
    for asked in (x, x / 255, numbers * 10):
        with raises_error(sp.InputError, "pictures of these numbers", expected="floats from -20 to 48.9", do="Prepare them"):
            net.predict(asked)
        assert set(net.predict(asked, errors="none").task) == {None}
    net.learn("high", *digits("high"), **QUICK)
    assert [kind.shape for kind in net.view.types.values()] == [(1, 8, 8)] * 2
    answers = net.predict([*x[:30], *numbers[:30], *normalised(x[:30], *CONVENTIONS["MNIST"])], reject=False)
    assert answers.task.tolist() == ["high"] * 30 + ["low"] * 30 + ["high"] * 30
    net.learn("odd", digits("odd")[0][:, 0] / 3.7 - 20.0, digits("odd")[1], **QUICK)
    assert net.tasks["odd"].data_type == "image"
    net.verify()
    with raises_error(sp.InputError, "pixel values", expected="floats from -20 to 48.9"):
        net.extend("low", x[:10], y[:10])


def test_each_picture_of_a_list_speaks_for_itself() -> None:
    x, y = digits()
    raw = [*(x[:, 0] / np.float32(255))]
    among = [*raw, *((x[:16, 0] / np.float32(255) - np.float32(0.1307)) / np.float32(0.3081))]  # as for MNIST
    net = sp.Network()
    net.learn("low", x, y, epochs=5)
    alone, beside = (net.predict(given, task="low").probabilities.parts["low"].probabilities for given in (raw, among))
    np.testing.assert_allclose(beside[: len(raw)], alone, atol=1e-6)
    np.testing.assert_allclose(beside[len(raw) :], alone[:16], atol=1e-6)
