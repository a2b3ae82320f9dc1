"""The parts of a Vision Transformer, beside torch's own."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save
from torch import nn

from senpath.components import build, content_hash, freeze, load
from senpath.errors import StoreError
from senpath.seeds import seeded


def test_a_block_is_torchs_encoder_layer() -> None:
    with seeded(0):
        block, theirs = (
            build("transformer.v1", {"width": 24, "heads": 3, "hidden": 48}),
            nn.TransformerEncoderLayer(24, 3, 48, dropout=0.0, activation="gelu", layer_norm_eps=1e-6, batch_first=True, norm_first=True),
        )
        for values in theirs.parameters():
            nn.init.normal_(values, std=0.2)
    state = theirs.state_dict()
    names = {
        "norm1": "norm1",
        "norm2": "norm2",
        "attention.qkv": "self_attn.in_proj_",
        "attention.out_proj": "self_attn.out_proj",
        "feed_forward.fc1": "linear1",
        "feed_forward.fc2": "linear2",
    }
    block.load_state_dict(
        {
            f"{mine}.{kind}": state[f"{name}{kind}" if name.endswith("_") else f"{name}.{kind}"]
            for mine, name in names.items()
            for kind in ("weight", "bias")
        }
    )
    tokens = torch.randn(4, 7, 24, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(block(tokens), theirs(tokens), rtol=1e-4, atol=1e-5)


def test_patches_are_squares_of_the_image() -> None:
    patches = build("patches.v1", {"channels": 1, "side": 4, "patch": 2, "width": 1})
    with torch.no_grad():
        patches.get_parameter("project.weight").fill_(0.25)
        patches.get_parameter("project.bias").zero_()
    image = torch.arange(16.0).reshape(1, 1, 4, 4) / 15
    means = image.unfold(2, 2, 2).unfold(3, 2, 2).mean((-1, -2)).flatten()
    torch.testing.assert_close(patches(image).flatten(), means * 2 - 1)


def test_images_of_other_sizes_and_colours_are_brought_to_the_side() -> None:
    patches = build("patches.v1", {"channels": 3, "side": 8, "patch": 4, "width": 5})
    assert patches(torch.rand(2, 3, 20, 12)).shape == (2, 4, 5)
    grey = torch.rand(2, 1, 8, 8)
    assert torch.equal(patches(grey), patches(grey.expand(-1, 3, -1, -1)))


def test_the_class_token_is_first_and_is_read() -> None:
    token, norm = build("class-token.v1", {"width": 6}), build("class-norm.v1", {"width": 6})
    with torch.no_grad():
        token.get_parameter("token").copy_(torch.arange(6.0))
    tokens = token(torch.rand(2, 3, 6))
    assert tokens.shape == (2, 4, 6)
    assert torch.equal(tokens[:, 0], torch.arange(6.0).expand(2, 6))
    expected = nn.functional.layer_norm(torch.arange(6.0), (6,), eps=1e-6)
    torch.testing.assert_close(norm(tokens), expected.expand(2, 6))


@pytest.mark.parametrize(("shape", "axis"), [((2, 5, 8), -1), ((2, 8), -1), ((2, 8, 3, 4), 1)])
def test_an_adapter_changes_nothing_at_first(shape: tuple[int, ...], axis: int) -> None:
    adapter, values = build("adapter.v1", {"features": 8, "hidden": 4, "axis": axis}), torch.rand(shape)
    assert torch.equal(adapter(values), values)
    with torch.no_grad():
        nn.init.normal_(adapter.get_parameter("fc2.weight"))
    moved = adapter(values)
    assert moved.shape == values.shape
    assert not torch.allclose(moved, values)
    if axis == 1:  # every place of a map by itself
        torch.testing.assert_close(adapter(values[:, :, 1:2, 2:3]), moved[:, :, 1:2, 2:3])


@pytest.mark.parametrize(
    ("kind", "config", "message"),
    [
        ("patches.v1", {"channels": 1, "side": 9, "patch": 2, "width": 4}, "patch 2 does not divide side 9"),
        ("transformer.v1", {"width": 10, "heads": 3, "hidden": 4}, "3 heads do not divide width 10"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(kind: str, config: dict[str, int], message: str) -> None:
    with pytest.raises(StoreError, match=message):
        build(kind, config)


OLD_NAMES: dict[str, tuple[dict[str, int], dict[str, str]]] = {
    "transformer.v1": (
        {"width": 6, "heads": 2, "hidden": 7},
        {
            "ask": "attention.qkv",
            "answer": "attention.out_proj",
            "widen": "feed_forward.fc1",
            "narrow": "feed_forward.fc2",
            "before": "norm1",
            "between": "norm2",
        },
    ),
    "attention.v1": ({"width": 6, "heads": 2}, {"ask": "attention.qkv", "answer": "attention.out_proj", "norm": "norm"}),
    "feed-forward.v1": ({"width": 6, "hidden": 7}, {"widen": "fc1", "narrow": "fc2"}),
    "encoder-block.v1": (
        {"width": 6, "heads": 2, "hidden": 7},
        {
            "attention.ask": "attention.attention.qkv",
            "attention.answer": "attention.attention.out_proj",
            "attention.norm": "attention.norm",
            "feed.widen": "feed_forward.fc1",
            "feed.narrow": "feed_forward.fc2",
            "norm": "norm",
        },
    ),
    "adapter.v1": ({"features": 6, "hidden": 3}, {"norm": "norm", "narrow": "fc1", "widen": "fc2"}),
    "positions.v1": ({"tokens": 4, "width": 6}, {"places": "embedding"}),
    "mbconv.v1": (
        {"inputs": 2, "outputs": 3, "kernel": 3, "stride": 2, "expand": 2},
        {"widen": "expand", "depthwise": "depthwise", "narrow": "project"},
    ),
}
"""Kinds whose tensors had other names, or lay in other modules: a configuration, and what each was called."""


@pytest.mark.parametrize("kind", OLD_NAMES)
def test_files_of_before_are_read_by_their_old_names(kind: str, tmp_path: Path) -> None:
    config, names = OLD_NAMES[kind]
    present = freeze(kind, config, build(kind, config))
    state = present.module.state_dict()
    old = {}
    for name, value in state.items():
        before, after = next((before, after) for before, after in names.items() if name == after or name.startswith(f"{after}."))
        old[before + name.removeprefix(after)] = value
    assert len(old) == len(state)
    payload = save(old)
    (tmp_path / "old").write_bytes(payload)
    read = load(kind, config, tmp_path / "old", content_hash(kind, config, payload))
    assert {name: value.tolist() for name, value in read.module.state_dict().items()} == {name: v.tolist() for name, v in state.items()}
    assert freeze(kind, config, read.module).hash == present.hash, "it is written with the new names"
