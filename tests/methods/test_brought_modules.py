"""Modules that users bring as backbones: what they draw, freeze and share, what they write into, and what they may not depend on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from senpath import InputError, Munet, Network, Root, TorchEncoder
from senpath.components import register_backbone
from senpath.seeds import derive
from senpath.tasks import task_kind
from senpath.training import hold_out
from tests.raising import raises_error

pytestmark = pytest.mark.filterwarnings("ignore:task .* hardly tells")
QUICK: dict[str, Any] = {"epochs": 2, "batch_size": 16, "learning_rate": 1e-2}
Y = np.arange(40) % 2
X = np.random.default_rng(0).normal(size=(40, 4)) + Y[:, None]
ASKED = np.random.default_rng(1).normal(size=(20, 4))


class Layers(nn.Module):
    """Two hidden layers; classes below differ in what they do with them."""

    def __init__(self, units: int = 16) -> None:
        super().__init__()
        self.units = units
        self.first, self.second = nn.Linear(4, units), nn.Linear(units, units)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.second(self.first(rows).relu()).relu()
        return output


@register_backbone("tests:plain.v1")
class Plain(Layers):
    """Nothing else."""


@register_backbone("tests:empty.v1")
class Empty(Layers):
    """It answers nothing."""

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return super().forward(rows)[:, :0]


@register_backbone("tests:constant.v1")
class Constant(Layers):
    """It answers the same to every input."""

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return torch.zeros(len(rows), 3)


@register_backbone("tests:dropping.v1")
class Dropping(Layers):
    """It drops out units while training."""

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return functional.dropout(super().forward(rows), 0.4, self.training)


@register_backbone("tests:always-dropping.v1")
class AlwaysDropping(Layers):
    """It forgets to say when."""

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return functional.dropout(super().forward(rows), 0.5)


@register_backbone("tests:moving.v1")
class Moving(Layers):
    """It brings its inputs to another range where they lie."""

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return super().forward(rows.sub_(0.5).mul_(2))


@register_backbone("tests:moved.v1")
class Moved(Layers):
    """The same without writing."""

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return super().forward((rows - 0.5) * 2)


@register_backbone("tests:sharing.v1")
class Sharing(Layers):
    """Both layers behind the first have one weight."""

    def __init__(self, units: int = 16) -> None:
        super().__init__(units)
        self.third = nn.Linear(units, units)
        self.third.weight = self.second.weight

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.third(super().forward(rows)).relu()
        return output


@register_backbone("tests:across.v1")
class Across(Layers):
    """Its softmax is over the inputs, not over the units."""

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return super().forward(rows).softmax(0)


@register_backbone("tests:attribute.v1")
class Attribute(Layers):
    """Part of what it computes with is neither an argument nor a tensor of it."""

    factor = 1.0

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return super().forward(rows * self.factor)


def seeded_module(cls: type[Layers]) -> Layers:
    torch.manual_seed(0)
    return cls()


def test_what_a_module_drops_out_follows_from_the_seed() -> None:
    learned = []
    for place in range(2):
        net, module = Network(), seeded_module(Dropping)
        torch.manual_seed(place)
        before = torch.get_rng_state()
        net.learn("t", X, Y, model=module, **QUICK)
        assert torch.equal(torch.get_rng_state(), before), "the caller's random numbers are left alone"
        learned.append(net.view.pathway("t").components)
    assert learned[0] == learned[1]


def test_what_a_module_writes_into_is_a_copy() -> None:
    answers = []
    for cls in (Moving, Moved):
        net = Network()
        net.learn("first", X[:20], Y[:20], model=seeded_module(cls), validation=0.2, **QUICK)
        examples = net.encode_examples(X[20:], Y[20:])
        given = examples.inputs.clone()
        net.learn("second", examples, model=seeded_module(cls), threshold=0.1, min_separability=0, **QUICK)
        assert torch.equal(examples.inputs, given)
        encoded = net.encode(ASKED)
        net.predict(encoded, reject=False)
        answers.append([*(net.view.logits(task, examples.inputs) for task in net.tasks), net.predict(encoded, reject=False).confidence])
    for mine, theirs in zip(*answers, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-4)


def test_parameters_that_need_no_gradient_stay() -> None:
    module = seeded_module(Plain)
    module.first.requires_grad_(False)
    net = Network()
    net.learn("t", X, Y, model=module, **QUICK)
    kept = net.view.component(net.view.pathway("t").components[0]).module
    assert isinstance(kept, Plain)
    assert torch.equal(kept.first.weight, module.first.weight)
    assert not torch.equal(kept.second.weight, module.second.weight)


def test_layers_may_share_a_weight() -> None:
    net = Network()
    net.learn("t", X, Y, model=seeded_module(Sharing), **QUICK)
    again = Network(net.path)
    again.verify()
    expected = net.predict(ASKED, task="t").probabilities["t"]
    np.testing.assert_array_equal(again.predict(ASKED, task="t").probabilities["t"], expected)


@pytest.mark.parametrize(
    ("cls", "expected", "do"),
    [
        (Across, "the same answer to an input whatever is beside it, and each time", "no statistics of the batch"),
        (AlwaysDropping, "the same answer to an input whatever is beside it, and each time", "F.dropout(x, p, self.training)"),
        (Attribute, "the same answers once it is built again", "as the constructor's arguments, as parameters, or as buffers"),
    ],
)
def test_what_a_network_could_not_keep_is_refused(cls: type[Layers], expected: str, do: str) -> None:
    net, module = Network(), seeded_module(cls)
    if isinstance(module, Attribute):
        module.factor = 3.0
    with raises_error(InputError, f"model {cls.__name__}", expected=expected, got="other answers", do=do):
        net.learn("t", X, Y, model=module, **QUICK)
    assert net.version == 0


@register_backbone("tests:lazy.v1")
class Lazy(nn.Module):
    """It does not say what it reads."""

    def __init__(self, units: int = 8) -> None:
        super().__init__()
        self.units, self.layer = units, nn.LazyLinear(units)


@pytest.mark.parametrize(
    ("module", "expected", "got"),
    [
        (Lazy(), "arguments that build a Lazy with all its tensors", "uninitialized"),
        (Plain().to("meta"), "a vector for each input", "meta"),
        (Empty(), "a vector for each input", "shape (3, 0)"),
    ],
    ids=["lazy layers", "no numbers", "no units"],
)
def test_modules_that_are_not_there_yet(module: nn.Module, expected: str, got: str) -> None:
    with raises_error(InputError, expected=expected, got=got):
        Network().learn("t", X, Y, model=module)


def test_a_module_that_answers_the_same_to_all_is_not_exported(tmp_path: Path) -> None:
    net = Network()
    net.learn("t", X, Y, model=Constant(), epochs=1)
    with raises_error(InputError, expected="parts that make a whole ONNX model"):
        net.export_onnx("t", tmp_path / "t.onnx")
    assert not (tmp_path / "t.onnx").exists()


def test_a_review_is_declined() -> None:
    net = Network()
    net.learn("earlier", X, Y, model=seeded_module(Plain), **QUICK)
    net.learn("later", X + 1, Y, model="mlp", **QUICK)
    assert net.review("earlier", X, Y).reason == "it was learned with a module of your own, tests:plain.v1, and how that began is not kept"


def test_an_encoder_that_looks_at_the_whole_batch_is_refused() -> None:
    encoder = TorchEncoder("rows", "table", nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8, track_running_stats=False)))
    with raises_error(InputError, "encoder 'rows'", got="ValueError"):
        Network(encoders={"table": encoder}).learn("t", X, Y)
    across = TorchEncoder("rows", "table", nn.Sequential(nn.Linear(4, 8), nn.Softmax(0)), unit=False)
    with raises_error(InputError, "encoder 'rows'", expected="whatever is beside it", got="another one beside other inputs"):
        Network(encoders={"table": across}).learn("t", X, Y)


def test_evolution_validates_what_it_keeps() -> None:
    learned = []
    for place in range(2):
        root = Root.of("dropping", [("tests:dropping.v1", {"units": 16}, seeded_module(Dropping))])
        torch.manual_seed(place)
        net = Network()
        munet = Munet(root=root, schedule="once", generations=1, children=1, cycles=2, examples=80, batch_size=16)
        record = net.learn("t", X, Y, method=munet).provenance.record
        examples = net.encode_examples(X, Y)
        held = examples.subset(hold_out(examples, 2_000, derive(0, "held out"))[1])
        score = task_kind("classification").score(net.view.logits("t", held.inputs), held.targets)
        assert record["quality"] == pytest.approx(score, abs=1e-6)
        learned.append(net.view.pathway("t").components)
    assert learned[0] == learned[1]
