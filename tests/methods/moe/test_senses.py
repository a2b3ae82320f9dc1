"""The method `moe` on pictures, sounds and vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn import datasets

import senpath as sp
from senpath.errors import InputError
from senpath.types import Audio

QUICK: dict[str, Any] = {"method": "moe", "experts": 2, "least_steps": 1}


def kinds_of(net: sp.Network, task: str) -> list[str]:
    return [net.view.component(name).kind.name for name in net.view.pathway(task).components]


@pytest.mark.slow("trains a mixture of experts on pictures")
def test_pictures(digits: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = digits[0][:400], digits[1][:400]
    net = sp.Network(encoders={"image": "patches"})
    net.learn_many({"digits": (x, y), "odd": (x, y % 2)}, **QUICK, epochs=6)
    assert kinds_of(net, "digits") == ["encoder-block.v1", "attention.v1", "experts.v2", "token-mean.v1", "linear.v1"]
    assert (net.predict(x, task="digits").label == y).mean() > 0.7
    again = sp.Network(net.path)  # by its name
    assert (again.predict(x, task="odd").label == y % 2).mean() > 0.7
    net.verify()


def test_sounds() -> None:
    random, names = np.random.default_rng(0), ["low", "high"]
    tones = {"low": 0.2, "high": 1.2}
    y = [names[place % 2] for place in range(60)]
    x = [Audio(np.sin(np.arange(random.integers(2000, 5000)) * tones[name] * random.uniform(0.9, 1.1)), 8000) for name in y]
    net = sp.Network(encoders={"audio": "sound-frames"})
    net.learn("tones", x, y, **QUICK, epochs=3)
    assert (net.predict(x, task="tones").label == np.array(y)).mean() > 0.9


def test_rows_of_a_table_are_one_token_each() -> None:
    x, y = datasets.load_wine(return_X_y=True)
    net = sp.Network()
    net.learn_many({"wine": (x, y), "first": (x, y == 0)}, **QUICK, epochs=15)
    assert kinds_of(net, "wine")[0] == "token-embedding.v1"
    net.learn("last", x, y == 2, **QUICK, epochs=10)
    net.learn("head", x, y == 2, **QUICK, tune="head", epochs=10)
    assert net.view.pathway("head").components[0] in {net.view.pathway(task).components[0] for task in ("wine", "last")}, "it is shared"
    for task, right in {"wine": y, "last": y == 2, "head": y == 2}.items():
        assert (net.predict(x, task=task).label == right).mean() > 0.9, task
    net.verify()
    with pytest.raises(InputError, match=r"setting 'width': expected 64, as '\w+' has it, which the task is added to, got 32"):
        net.learn("other", x, y, **QUICK, width=32)


def test_tokens_may_be_brought_to_another_width(digits: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = digits[0][:80], digits[1][:80]
    net = sp.Network(encoders={"image": "patches"})
    net.learn("digits", x, y, **QUICK, width=16, epochs=1)
    assert kinds_of(net, "digits")[0] == "token-embedding.v1"
    assert net.view.component(net.view.pathway("digits").components[0]).config == {"inputs": 128, "width": 16}
    net.learn("later", x, y, **QUICK, epochs=1)
    assert net.log[-1]["settings"]["width"] == 16
    net.verify()
