"""Kinds of components that others bring: by registering them, by installing a package, and modules as tasks' backbones."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from senpath import InputError, Network, StoreError
from senpath.components import ComponentKind, Mlp, find_kind, freeze, register, register_backbone
from senpath.testing import check_kind

Labelled = tuple[np.ndarray, np.ndarray]
PACKAGE = """
from torch import nn
from senpath.components import ComponentKind, register_backbone

class Twice(nn.Module):
    def forward(self, inputs):
        return 2 * inputs

TWICE = ComponentKind("acme-nets:twice.v1", Twice)

@register_backbone("acme-nets:net.v1")
class Net(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.inputs = inputs
        self.layer = nn.Linear(inputs, 8)

    def forward(self, inputs):
        return self.layer(inputs).relu()
"""
NET = """
from torch import nn
from senpath.components import register_backbone

@register_backbone("{package}:net.v1")
class Net(nn.Module):
    def __init__(self, sides, width=12):
        super().__init__()
        self.sides, self.width = sides, width
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(sides[0] * sides[1], width), nn.BatchNorm1d(width), nn.Tanh())
        self.register_buffer("scale", nn.Parameter().new_tensor(2.0), persistent=False)

    def forward(self, images):
        return self.layers(images * self.scale)
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An installed distribution "Acme.Nets" that provides the kind "twice.v1", as pip would lay it down."""
    (tmp_path / "acme_nets.py").write_text(PACKAGE)
    info = tmp_path / "acme_nets-3.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: Acme.Nets\nVersion: 3.1\n")
    entries = ["twice.v1 = acme_nets:TWICE", "net.v1 = acme_nets:Net", "wrong.v1 = acme_nets:TWICE", "other.v1 = no_such_module:OTHER"]
    (info / "entry_points.txt").write_text("\n".join(["[senpath.components]", *entries]))
    monkeypatch.syspath_prepend(str(tmp_path))
    return "acme-nets"


def test_a_kind_of_an_installed_package(package: str) -> None:
    assert "acme_nets" not in sys.modules
    kind = find_kind(f"{package}:twice.v1")
    assert find_kind(f"{package}:twice.v1") is kind
    assert find_kind(f"{package}:net.v1").module.__name__ == "Net"
    with pytest.raises(StoreError, match=r"expected that kind at acme_nets:TWICE, got .*twice\.v1.*Tell the authors of acme-nets"):
        find_kind(f"{package}:wrong.v1")
    assert check_kind(kind, {}, (3,), onnx=False)(torch.ones(1, 3)).tolist() == [[2.0, 2.0, 2.0]]


@pytest.mark.slow("starts a process of its own")
def test_the_command_line_opens_what_an_installed_package_brings(package: str, iris: Labelled, tmp_path: Path) -> None:
    rows = [[*row, f"kind {label}"] for row, label in zip(*iris, strict=True)]
    for name, columns, chosen in (
        ("train", ["a", "b", "c", "d", "label"], rows),
        ("flowers", ["a", "b", "c", "d"], [r[:4] for r in rows[:20]]),
    ):
        (tmp_path / f"{name}.csv").write_text("\n".join(",".join(map(str, row)) for row in [columns, *chosen]))
    module = find_kind(f"{package}:net.v1").module(4)
    Network(tmp_path / "net.sen").learn("iris", tmp_path / "train.csv", "label", model=module)
    command = [sys.executable, "-m", "senpath", "predict", "net.sen", "flowers.csv", "--task", "iris"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("kind ") >= 20


@pytest.mark.parametrize(
    ("name", "expected", "got", "do"),
    [
        ("nobody-has-this:net.v1", "the package nobody-has-this", "not installed", "pip install nobody-has-this, or import"),
        ("acme-nets:thrice.v1", "a kind that acme-nets provides", "none in version 3.1", "Upgrade acme-nets"),
        ("numpy:os.v1", "a kind that numpy provides", f"none in version {np.__version__}", "Upgrade numpy"),
    ],
)
def test_a_kind_that_is_not_there_says_what_to_install(package: str, name: str, expected: str, got: str, do: str) -> None:
    with pytest.raises(StoreError) as caught:
        find_kind(name)
    error = caught.value
    assert (error.what, error.expected, error.got) == (f"kind of component {name!r}", expected, got)
    assert do in str(error.do)


@pytest.mark.parametrize("name", ["mine", "Mine.v1", "mine.v1 ", "a:b:c.v1", "mine.v1:other", "", 3])
def test_names_that_no_kind_can_have(name: Any) -> None:
    with pytest.raises(InputError, match=r"name of a kind of component: expected 'name\.v1' or 'package:name\.v1'"):
        ComponentKind(name, Mlp)


def test_a_name_that_another_kind_has() -> None:
    with pytest.raises(InputError, match=r"kind of component 'mlp\.v1': expected a name that is free, got one that .*Mlp.* has"):
        register(ComponentKind("mlp.v1", nn.Identity))


def test_promises_that_are_broken_are_named() -> None:
    class Noisy(nn.Module):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return inputs + torch.rand_like(inputs)

    class Crowded(nn.Module):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return inputs - inputs.mean(0)

    for name, module, broken in (
        ("noisy", Noisy, "a component answers as the module"),
        ("crowded", Crowded, "does not depend on the inputs"),
    ):
        kind = ComponentKind(f"tests:{name}.v1", module)
        with pytest.raises(AssertionError, match=r"is registered: senpath\.components\.register"):
            check_kind(kind, {}, (3,))
        with pytest.raises(AssertionError, match=broken):
            check_kind(register(kind), {}, (3,))


@pytest.fixture
def net_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Any:
    """A module of a user's own, with a backbone, in a file."""
    name = f"mine_{abs(hash(request.node.name)) % 10**8}"
    (tmp_path / f"{name}.py").write_text(NET.format(package=name))
    monkeypatch.syspath_prepend(str(tmp_path))
    return __import__(name)


def test_a_module_is_a_task_s_backbone(net_module: Any, digits: Labelled, tmp_path: Path) -> None:
    torch.manual_seed(0)
    (x, y), module = digits, net_module.Net((8, 8))
    before = {name: value.clone() for name, value in module.state_dict().items()}
    net = Network(tmp_path / "net.sen")
    net.learn("digits", x[:300], y[:300], model=module)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items()), "a copy is trained"
    assert net.tasks["digits"].provenance.settings["model"] == f"{net_module.__name__}:net.v1"
    accuracy = (net.predict(x[300:], task="digits").label == y[300:]).mean()
    assert accuracy > 0.6
    some = np.isin(y[:300], (3, 7))
    net.learn("letters", x[:300][some], np.where(y[:300][some] == 3, "three", "seven"), links="all", threshold=0.1)
    assert net.view.pathway("letters").links[0].source == "digits"
    again = Network(tmp_path / "net.sen")
    again.verify()
    assert (again.predict(x[300:], task="digits").label == y[300:]).mean() == accuracy
    kind, config = net.view.component(net.view.pathway("digits").components[0]).kind, {"sides": [8, 8], "width": 3}
    check_kind(kind, config, (1, 8, 8), onnx=False)


@pytest.mark.slow("starts a process of its own")
def test_a_folder_whose_kind_is_not_registered_says_so(net_module: Any, digits: Labelled, tmp_path: Path) -> None:
    Network(tmp_path / "net.sen").learn("digits", *digits, model=net_module.Net((8, 8)), epochs=1)
    program = "import numpy, senpath, sys; senpath.Network(sys.argv[1]).predict(numpy.zeros((2, 8, 8), dtype='uint8'), task='digits')"
    run = subprocess.run([sys.executable, "-c", program, str(tmp_path / "net.sen")], capture_output=True, text=True, check=False)
    package = net_module.__name__
    assert f"StoreError: kind of component '{package}:net.v1': expected the package {package}, got not installed" in run.stderr
    assert f"pip install {package}, or import the module that registers the kind" in run.stderr


@register_backbone("tests:forgetful.v1")
class Forgetful(nn.Module):
    """It keeps not what it was built from."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.layer = nn.Linear(64, units)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.layer(inputs.flatten(1))
        return output


@register_backbone("tests:resized.v1", config_of=lambda module: {"units": module.layer.out_features})
class Resized(Forgetful):
    """It says what it was built from."""


def test_modules_that_cannot_be_backbones(digits: Labelled) -> None:
    net, resized = Network(), Resized(4)
    net.learn("resized", *digits, model=resized, epochs=1)
    resized.layer = nn.Linear(64, 4, bias=False)
    for module, message in (
        (
            nn.Linear(64, 3),
            r"a module whose class is registered.*got Linear\. Put it into a module of a class of your own",
        ),
        (Forgetful(3), r"model Forgetful: expected an attribute 'units', got none\. Keep the constructor's argument as `self\.units`"),
        (resized, r"expected arguments that build one with the same tensors as this Resized"),
    ):
        with pytest.raises(InputError, match=message):
            net.learn("more", *digits, model=module)
    with pytest.raises(InputError, match=r"model Resized: expected a vector for each input of shape \(4,\), got RuntimeError"):
        net.learn("table", np.random.default_rng(0).random((20, 4)), [0, 1] * 10, model=Resized(3))
    with pytest.raises(InputError, match="backbone: expected a class of torch modules"):
        register_backbone("tests:no-class.v1")(resized)  # type: ignore[type-var]


def test_a_component_of_a_backbone_is_frozen_as_any_other() -> None:
    with torch.no_grad():
        component = freeze("tests:resized.v1", {"units": 2}, Resized(2))
    assert component.kind is find_kind("tests:resized.v1")
