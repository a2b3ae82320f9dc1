"""EfficientNet-Lite0 in components answers as the package's own model, and each component as it did before it was saved."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from senpath.components import build, freeze, thaw
from senpath.components.mobile import EPSILON, FixedNorm, NormedConv
from senpath.errors import StoreError
from senpath.inputs.encoders import efficientnet_blocks
from senpath.inputs.encoders.efficientnet import EFFICIENTNET_PACKAGES, MEAN, STD, pretrained_model
from senpath.pathways import run_chain
from senpath.seeds import seeded

Parts = list[tuple[str, str, dict[str, Any], nn.Module]]
NAMES = ["stem", *(f"block {number}" for number in range(1, 17)), "tail"]
SKIPS = {"block 3", "block 5", "block 7", "block 8", "block 10", "block 11", "block 13", "block 14", "block 15"}
STEM: dict[str, Any] = {"kernel": 3, "stride": 2, "side": None, "mean": 0.5, "std": 0.25}


@pytest.fixture(scope="module")
def package() -> nn.Module:
    """The package's own model, in evaluation mode."""
    for name in EFFICIENTNET_PACKAGES:
        pytest.importorskip(name, reason="needs the extra [image]")
    return pretrained_model().eval()


@pytest.fixture(scope="module")
def parts(package: nn.Module) -> Parts:
    """All parts, which no test may change."""
    return efficientnet_blocks(64)


def images(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0))


def answer(parts: Parts, inputs: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return run_chain([module for *_, module in parts], inputs)


def random_norm(maps: int, epsilon: float = EPSILON) -> FixedNorm:
    norm = FixedNorm(maps, epsilon)
    with seeded(1), torch.no_grad():
        for values in norm.state_dict().values():
            values.copy_(torch.rand_like(values) + 0.1)
    return norm


def test_the_chain_is_the_package_s_model(package: Any) -> None:
    x = images(2, 3, 224, 224)
    with torch.no_grad():
        expected = package.extract_features((x - MEAN) / STD).mean((2, 3))
    found = answer(efficientnet_blocks(), x)
    assert found.shape == (2, 1280)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)


def test_parts_have_names_and_kinds(parts: Parts) -> None:
    assert [name for name, *_ in parts] == NAMES
    assert [kind.name for _, kind, *_ in parts] == ["conv-stem.v1", *["mbconv.v1"] * 16, "conv-tail.v1"]


def test_all_weights_but_the_classifier_are_there(package: nn.Module, parts: Parts) -> None:
    theirs = {name: values for name, values in package.state_dict().items() if not name.startswith("_fc.")}
    expected = sum(values.numel() for name, values in theirs.items() if not name.endswith("num_batches_tracked"))
    assert sum(freeze(*part[1:]).weights for part in parts) == expected == 3_413_024


def test_frozen_and_thawed_parts_give_the_same_bits(parts: Parts) -> None:
    values = images(3, 3, 70, 50)
    for _, kind, config, module in parts:
        component = freeze(kind, config, module)
        again = thaw(kind, json.loads(json.dumps(config)), component.payload or b"")
        assert again.hash == component.hash
        assert again.config == config
        assert all(weights.dtype == torch.float32 for weights in module.state_dict().values())
        with torch.no_grad():
            before = module(values)
        assert torch.equal(component(values), before)
        assert torch.equal(again(values), before)
        values = before


def test_in_training_mode_they_answer_as_in_evaluation_mode(package: nn.Module) -> None:
    parts, x = efficientnet_blocks(64), images(2, 3, 64, 64)
    modules = [module for *_, module in parts]
    expected = answer(parts, x)
    before = [{name: values.clone() for name, values in module.state_dict().items()} for module in modules]
    for module in modules:
        module.train()
    assert torch.equal(answer(parts, x), expected)
    torch.testing.assert_close(answer(parts, x[:1]), expected[:1], rtol=1e-4, atol=1e-4)
    for module, state in zip(modules, before, strict=True):
        assert all(torch.equal(values, state[name]) for name, values in module.state_dict().items())


def test_skip_connections_are_where_they_should_be(parts: Parts) -> None:
    for name, kind, config, module in parts:
        if kind != "mbconv.v1":
            continue
        fits = config["stride"] == 1 and config["inputs"] == config["outputs"]
        assert fits == (name in SKIPS), name
        again = build(kind, config)
        again.load_state_dict(module.state_dict())
        with torch.no_grad():  # without what the block computes, only its skip connection is left
            again.get_parameter("narrow.norm.scale").zero_()
            again.get_parameter("narrow.norm.shift").zero_()
            again.get_buffer("narrow.norm.mean").zero_()
            x = images(2, config["inputs"], 6, 5)
            left = again(x)
        assert torch.equal(left, x if fits else torch.zeros_like(left)), name


def test_gradients_reach_all_parameters(package: nn.Module) -> None:
    parts = efficientnet_blocks(32)
    run_chain([module for *_, module in parts], images(4, 3, 32, 32)).square().sum().backward()
    for name, _, _, module in parts:
        assert list(module.parameters())
        for inside, parameter in module.named_parameters():
            assert parameter.grad is not None, (name, inside)
            assert torch.isfinite(parameter.grad).all(), (name, inside)
            assert parameter.grad.abs().max() > 0, (name, inside)


@pytest.mark.parametrize("shape", [(3, 64, 64), (3, 100, 100), (3, 20, 31), (3, 90, 40), (1, 64, 64), (1, 28, 28)])
def test_images_of_any_size_and_of_one_channel(parts: Parts, shape: tuple[int, ...]) -> None:
    x = images(2, *shape)
    found = answer(parts, x)
    assert found.shape == (2, 1280)
    as_colours = x.expand(-1, 3, -1, -1)
    assert torch.equal(answer(parts, as_colours), found)
    brought = functional.interpolate(as_colours, (64, 64), mode="bilinear", antialias=max(shape[1:]) > 64)
    torch.testing.assert_close(answer(parts, brought), found, rtol=1e-4, atol=1e-4)


def test_without_a_side_images_keep_their_size() -> None:
    stem = build("conv-stem.v1", STEM)
    assert stem(images(2, 3, 11, 8)).shape == (2, 32, 6, 4)
    assert build("conv-stem.v1", {**STEM, "side": 16})(images(2, 3, 11, 8)).shape == (2, 32, 8, 8)


@pytest.mark.parametrize(("kernel", "stride"), [(1, 1), (1, 2), (3, 1), (3, 2), (4, 1), (4, 2), (5, 2), (5, 3)])
@pytest.mark.parametrize("size", [(8, 8), (7, 8), (9, 5), (1, 2)])
def test_a_convolution_is_padded_as_tensorflow_does(kernel: int, stride: int, size: tuple[int, int]) -> None:
    conv, x = NormedConv(3, 4, kernel, stride), images(2, 3, *size)
    conv.norm = random_norm(4)
    ends = []
    for length in reversed(size):  # the last axis first, as functional.pad wants it
        missing = max((-(-length // stride) - 1) * stride + kernel - length, 0)
        ends += [missing // 2, missing - missing // 2]
    with torch.no_grad():
        expected = conv.norm(functional.conv2d(functional.pad(x, ends), conv.weight, stride=stride))
        found = conv(x)
    assert found.shape == (2, 4, *(-(-length // stride) for length in size))
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("epsilon", [1e-3, 0.5])
def test_the_norm_is_torch_s_in_evaluation_mode(epsilon: float) -> None:
    norm, x = random_norm(5, epsilon), images(3, 5, 4, 2)
    theirs = functional.batch_norm(x, norm.mean, norm.variance, norm.scale, norm.shift, False, eps=epsilon)
    torch.testing.assert_close(norm.train()(x), theirs)
    assert {name for name, _ in norm.named_parameters()} == {"scale", "shift"}


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("conv-stem.v1", {}),
        ("conv-stem.v1", {**STEM, "std": 0}),
        ("conv-stem.v1", {**STEM, "side": 0}),
        ("conv-stem.v1", {**STEM, "side": "64"}),
        ("conv-stem.v1", {**STEM, "kernel": 0}),
        ("mbconv.v1", {"inputs": 3, "outputs": 3, "kernel": 3, "stride": 0, "expand": 1}),
        ("mbconv.v1", {"inputs": 3, "outputs": 3, "kernel": 3, "stride": 1, "expand": 0}),
        ("mbconv.v1", {"inputs": 3, "outputs": "3", "kernel": 3, "stride": 1, "expand": 1}),
        ("conv-tail.v1", {"inputs": 3}),
        ("conv-tail.v1", {"inputs": 3, "outputs": -1}),
    ],
)
def test_a_configuration_that_does_not_build(kind: str, config: dict[str, Any]) -> None:
    with pytest.raises(StoreError, match=f"component of kind {kind}: expected a configuration that builds"):
        build(kind, config)
