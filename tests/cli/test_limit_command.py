"""`senpath limit` on pictures in folders."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

import senpath as sp
from senpath.testing import ConstantMethod
from tests.cli.conftest import Ended

DIGITS = load_digits()
LOW = DIGITS.target < 5


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """A network, and pictures that belong to its task and that do not."""
    net = sp.Network(tmp_path / "net")
    net.learn("low", DIGITS.images[:600][LOW[:600]] / 16, DIGITS.target[:600][LOW[:600]], method=ConstantMethod())
    for folder, images in (("own", DIGITS.images[1200:][LOW[1200:]][:40]), ("others", DIGITS.images[~LOW][:30])):
        (tmp_path / folder).mkdir()
        for place, image in enumerate(images):
            Image.fromarray((image * 15).astype(np.uint8)).save(tmp_path / folder / f"{place}.png")
    return tmp_path


def test_a_limit_is_shown_suggested_set_and_taken_back(senpath: Callable[..., Ended], folders: Path) -> None:
    net = folders / "net"
    assert "limit 1 (version 1): refuses what is further" in senpath("limit", net, "low").out
    end = senpath("limit", net, "low", folders / "own", "--not", folders / "others")
    assert end.code == 0
    assert "that belong                    40                  0" in end.out
    assert "that do not                    30                  0" in end.out
    limit = end.out.split("limit ")[1].split(" ")[0]
    assert f"--to {limit}` sets it" in end.err
    assert sp.Network(net).version == 1
    assert f"set to {limit}" in senpath("limit", net, "low", folders / "own", "--not", folders / "others", "--apply").out
    assert sp.Network(net).thresholds["low"].limit == float(limit)
    assert "limit 1 (version 3)" in senpath("limit", net, "low", "--to", 1).out
    assert f"limit of low: {limit} times the learned one" in senpath("rollback", net).out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("none",), "task 'none'"),
        (("low", "--to", "1000"), "0.01 to 100"),
        (("low", "--apply"), "inputs: expected some that belong to the task"),
        (("low", "EMPTY"), "expected files of inputs, got none"),
        (("low", "--to", "2", "--apply"), "--to: expected nothing to judge a limit by beside it"),
    ],
)
def test_refusals(senpath: Callable[..., Ended], folders: Path, arguments: tuple[str, ...], message: str) -> None:
    (folders / "empty").mkdir()
    end = senpath("limit", folders / "net", *(str(folders / "empty") if part == "EMPTY" else part for part in arguments))
    assert end.code == 2
    assert message in end.err
