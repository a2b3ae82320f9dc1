"""A component of which some weights are kept: it is the dense one with zeros, in less space."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load as read_tensors
from safetensors.torch import save

from senpath.components import LINEAR, MLP, Component, Linear, Mlp, Pruned, content_hash, freeze, load, thaw, unpruned
from senpath.components.pruned import pack, unpack
from senpath.errors import StoreError
from senpath.seeds import seeded


def pruned(mask: np.ndarray) -> tuple[Component, torch.Tensor]:
    """A linear layer with the weights of a mask (outputs, inputs), and its weight with zeros for the others."""
    outputs, inputs = mask.shape
    with seeded(1):
        dense = Linear(inputs, outputs)
    config = {"inputs": inputs, "outputs": outputs}
    module = Pruned.of(LINEAR, config, dense, {"weight": torch.from_numpy(mask)})
    zeroed = torch.where(torch.from_numpy(mask), dense.weight.detach(), 0.0)
    return freeze("pruned.v1", {"kind": "linear.v1", "config": config, "kept": module.kept}, module), zeroed


def masks() -> st.SearchStrategy[np.ndarray]:
    sizes = st.tuples(st.integers(1, 6), st.integers(1, 11))
    return sizes.flatmap(
        lambda size: st.lists(st.booleans(), min_size=size[0] * size[1], max_size=size[0] * size[1]).map(
            lambda bits: np.array(bits, dtype=bool).reshape(size)
        )
    )


@given(st.lists(st.booleans(), min_size=1, max_size=70))
def test_bits_are_packed_as_numpy_packs_them(bits: list[bool]) -> None:
    mask = torch.tensor(bits)
    assert pack(mask).numpy().tolist() == np.packbits(np.array(bits)).tolist()
    assert unpack(pack(mask))[: len(bits)].tolist() == bits


@given(masks())
def test_any_mask_is_saved_and_read_again(mask: np.ndarray) -> None:
    component, zeroed = pruned(mask)
    again = thaw(component.kind, component.config, component.payload or b"")
    assert again.hash == component.hash
    assert again.weights == component.weights == mask.sum() + len(mask)
    for found in (component, again):
        assert isinstance(found.module, Pruned)
        assert torch.equal(found.module.dense().get_parameter("weight"), zeroed)
        assert np.array_equal(found.module.kept_places()["weight"].numpy(), mask)
    batch = torch.rand(3, mask.shape[1], generator=torch.Generator().manual_seed(0))
    assert torch.equal(component(batch), again(batch))


def test_half_the_weights_take_half_the_space_and_a_bit_each() -> None:
    config = {"inputs": 784, "hidden": [128]}
    dense = Mlp(**config)
    weight = dense.state_dict()["layers.0.weight"]
    module = Pruned.of(MLP, config, dense, {"layers.0.weight": weight >= weight.median()})
    small = freeze("pruned.v1", {"kind": "mlp.v1", "config": config, "kept": module.kept}, module)
    whole = freeze("mlp.v1", config, dense)
    assert len(small.payload or b"") / len(whole.payload or b"") == pytest.approx(1 / 2 + 1 / 32, abs=0.002)


def test_what_runs_is_built_once_and_again_where_it_is_moved() -> None:
    module = pruned(np.eye(4, dtype=bool))[0].module
    assert isinstance(module, Pruned)
    assert module.dense() is module.dense()
    before = module.dense()
    module.to("cpu")
    assert module.dense() is not before


def test_a_pruned_component_counts_as_its_dense_self() -> None:
    component, zeroed = pruned(np.eye(3, 5, dtype=bool))
    kind, config, module = unpruned(component)
    assert (kind, config) == (LINEAR, {"inputs": 5, "outputs": 3})
    assert torch.equal(module.get_parameter("weight"), zeroed)
    plain = freeze("linear.v1", config, module)
    assert unpruned(plain) == (LINEAR, config, plain.module)


def hand_made(folder: Path, **tensors: Any) -> Component:
    """A pruned layer with other tensors in its file, under the hash that they give; None leaves one out."""
    component, _ = pruned(np.eye(3, 5, dtype=bool))
    held = {**read_tensors(component.payload or b""), **{name.replace("_", "."): value for name, value in tensors.items()}}
    payload = save({name: value for name, value in held.items() if value is not None})
    (folder / "component").write_bytes(payload)
    return load("pruned.v1", component.config, folder / "component", content_hash("pruned.v1", component.config, payload))


@pytest.mark.parametrize(
    ("tensors", "match"),
    [
        ({"masks_weight": torch.tensor([255, 0], dtype=torch.uint8)}, r"the mask of 'weight' has 8 bits set, 3 of 15 were expected"),
        ({"masks_weight": torch.tensor([0, 0], dtype=torch.uint8)}, r"has 0 bits set"),
        ({"masks_weight": torch.tensor([192, 3], dtype=torch.uint8)}, r"has 4 bits set"),
        ({"masks_weight": torch.tensor([192, 1], dtype=torch.uint8)}, r"has 3 bits set"),
        ({"masks_weight": torch.zeros(3, dtype=torch.uint8)}, r"size mismatch for masks\.weight"),
        ({"masks_weight": torch.zeros(2)}, r"the mask of 'weight' is of torch\.float32"),
        ({"masks_weight": None}, r"Missing key\(s\) in state_dict: \"masks\.weight\""),
        ({"values_weight": torch.zeros(4)}, r"size mismatch for values\.weight"),
        ({"values_weight": None}, r"Missing key"),
        ({"whole_bias": None}, r"Missing key"),
        ({"more": torch.zeros(1)}, r"Unexpected key"),
    ],
)
def test_a_file_made_by_hand_that_does_not_fit_is_refused(tmp_path: Path, tensors: dict[str, Any], match: str) -> None:
    with pytest.raises(StoreError, match=rf"(?s)component: expected the weights of a pruned\.v1, got .*{match}"):
        hand_made(tmp_path, **tensors)


def test_values_of_another_type_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="component: expected float32 weights"):
        hand_made(tmp_path, values_weight=torch.zeros(3, dtype=torch.float64))


def test_a_huge_configuration_allocates_nothing(tmp_path: Path) -> None:
    config = {"kind": "mlp.v1", "config": {"inputs": 2**24, "hidden": [2**24]}, "kept": {"layers.0.weight": 2**40}}
    payload = pruned(np.eye(2, dtype=bool))[0].payload or b""
    (tmp_path / "component").write_bytes(payload)
    with pytest.raises(StoreError, match=r"expected a configuration that builds.*more than 67,108,864 weights"):
        load("pruned.v1", config, tmp_path / "component", content_hash("pruned.v1", config, payload))
