"""A method, a kind of component and an encoder, each in one file, registered and offered as any package's are, and used in both ways."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from raising import raises_error
from toy_encoder import Colours
from toy_kind import NEARNESS
from toy_method import NearestMean

import senpath as sp
from senpath import methods
from senpath.cli.main import main
from senpath.inputs import encoders
from senpath.testing import check_encoder, check_kind, check_method

Labelled = tuple[np.ndarray, np.ndarray]
HERE = Path(__file__).parent
ENTRY_POINTS = """
[senpath.methods]
nearest-mean = toy_method:NearestMean
[senpath.components]
nearness.v1 = toy_kind:NEARNESS
[senpath.encoders]
toy-colours = toy_encoder:Colours
"""


@pytest.fixture
def pictures(tmp_path: Path) -> Labelled:
    """40 pictures, red or blue, also in the file pictures.npz."""
    random = np.random.default_rng(0)
    y = np.array(["red", "blue"])[np.arange(40) % 2]
    x = random.integers(0, 90, (40, 20, 20, 3), dtype=np.uint8)
    x[y == "red", :, :, 0] += 120
    x[y == "blue", :, :, 2] += 120
    np.savez(tmp_path / "pictures.npz", x=x, y=y)
    return x, y


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the metadata of an installed package that offers all three."""
    information = tmp_path / "site" / "senpath_toys-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: senpath-toys\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(str(information.parent))
    return information.parent


@pytest.fixture
def registered() -> Iterator[None]:
    """The method and the encoder are known by name in this process, as the kind is; for the time of a test."""
    before = dict(methods.METHODS), dict(encoders.ENCODERS)
    methods.register("nearest-mean", NearestMean)
    encoders.register("toy-colours", "image", Colours)
    yield
    for table, content in zip((methods.METHODS, encoders.ENCODERS), before, strict=True):
        table.clear()
        table.update(content)


def test_each_keeps_its_promises() -> None:
    check_method(NearestMean, draws=False)
    check_kind(NEARNESS, {"inputs": 4, "points": 3}, (4,))
    check_encoder(Colours())


def test_registered_by_call_they_are_used_from_python(registered: None, tmp_path: Path, pictures: Labelled) -> None:
    net = sp.Network(tmp_path / "net", encoders={"image": "toy-colours"})
    learned = net.learn("colours", *pictures, method="nearest-mean", shrink=0.1)
    assert (learned.provenance.method, learned.provenance.settings) == ("nearest-mean", {"shrink": 0.1})
    again = sp.Network(net.path)
    assert (again.predict(pictures[0], task="colours").label == pictures[1]).all()
    assert again.encoders == {"image": "toy-colours"}
    again.learn("borrows", *pictures, epochs=3, hidden=4)
    again.verify()


def test_offered_by_entry_points_they_are_used_from_the_command_line(
    installed: Path, tmp_path: Path, pictures: Labelled, capsys: object
) -> None:
    net, file = str(tmp_path / "net"), str(tmp_path / "pictures.npz")
    for arguments in (
        ["learn", net, "colours", file, "--method", "nearest-mean", "--encoder", "toy-colours", "--set", "shrink=0.1"],
        ["learn", net, "by its place", file, "--method", "toy_method:NearestMean"],
        ["predict", net, file, "--task", "colours"],
        ["verify", net],
    ):
        with pytest.raises(SystemExit, match=r"^0$"):
            main(arguments)
    assert {info.provenance.method for info in sp.Network(net).tasks.values()} == {"nearest-mean"}


@pytest.mark.slow("starts the command line as a process of its own")
def test_another_process_finds_all_by_their_entry_points(installed: Path, tmp_path: Path, pictures: Labelled) -> None:
    net = sp.Network(tmp_path / "net", encoders={"image": "toy-colours"})
    net.learn("colours", *pictures, method="nearest-mean")
    command = [sys.executable, "-m", "senpath", "predict", str(net.path), str(tmp_path / "pictures.npz"), "--no-reject"]
    paths = [str(HERE), os.environ.get("PYTHONPATH", "")]
    for places, code, said in (([str(installed), *paths], 0, "red"), (paths, 4, "senpath-toys")):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
        run = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert run.returncode == code, run.stderr
        assert said in run.stdout + run.stderr


def test_a_kind_of_task_that_the_method_does_not_learn(registered: None, iris: Labelled) -> None:
    with raises_error(sp.InputError, "method 'nearest-mean'", expected="a task of kind classification", got="a regression"):
        sp.Network().learn("numbers", iris[0][:, :3], iris[0][:, 3], kind="regression", method="nearest-mean")
