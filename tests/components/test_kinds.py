"""What every kind of component has to keep: one suite for all of them."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from component_examples import EXAMPLES
from safetensors.torch import load as load_tensors

import senpath as sp
from senpath.components import (
    PLAIN,
    Component,
    Composite,
    Estimator,
    PlainEstimator,
    build,
    content_hash,
    find_kind,
    freeze,
    known_kinds,
    load,
)
from senpath.components.estimators.kinds import arrays_of
from senpath.components.limits import outline
from senpath.errors import InputError, StoreError
from senpath.tasks import Classification
from senpath.testing import check_kind

SKLEARN = "sklearn.v1"


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_keeps_its_promises(name: str) -> None:
    example = EXAMPLES[name]
    check_kind(find_kind(example.kind), example.config, example.inputs, module=example.make(), children=example.children, onnx=False)


def test_every_kind_has_an_example(example_kinds: set[str]) -> None:
    assert example_kinds == {kind.name for kind in known_kinds() if ":" not in kind.name}, "senpath's own"


def reload(component: Component, folder: Path) -> Component:
    path = folder / (component.hash + component.kind.files.suffix)
    path.write_bytes(component.payload or b"")
    loaded = load(component.kind, json.loads(json.dumps(component.config)), path, component.hash)
    if isinstance(component.module, Composite) and isinstance(loaded.module, Composite):
        loaded.module.bind(component.module.parts)
    return loaded


def changed_weight(example: Any) -> torch.nn.Module:
    """The example's module with one number moved."""
    module = example.make()
    if isinstance(module, Estimator):
        module.estimator.coef_.flat[0] += 1e-3
    elif isinstance(module, PlainEstimator):
        next(array for array in arrays_of(module.step).values() if array.dtype.kind == "f").flat[0] += 1e-3
    else:
        next(iter(module.state_dict().values())).flatten()[0] += 1e-3
    return module


def test_equal_content_has_one_hash(example: Any) -> None:
    first, second = example.freeze(), example.freeze()
    assert first.hash == second.hash
    assert len(first.hash) == 64
    assert first.payload is not None
    assert first.hash == content_hash(first.kind, first.config, first.payload)


def test_another_weight_is_another_component(weighted_example: Any) -> None:
    example = weighted_example
    assert freeze(example.kind, example.config, changed_weight(example)).hash != example.freeze().hash


def test_another_configuration_is_another_component(example: Any) -> None:
    component = example.freeze()
    assert content_hash(component.kind, example.other, component.payload) != component.hash
    assert content_hash("other.v1", component.config, component.payload) != component.hash


def test_training_on_does_not_change_it(example: Any) -> None:
    module, batch = example.make(), example.batch(5)
    component = freeze(example.kind, example.config, module)
    component.bind({child.hash: child for child in example.children}.__getitem__)
    before = component(batch)
    with torch.no_grad():
        for values in module.state_dict().values():
            values.add_(1)
    if isinstance(module, Estimator):
        x = np.random.default_rng(0).random((30, 4), dtype=np.float32)
        module.estimator.fit(x, np.arange(30) % 3)
    assert torch.equal(component(batch), before)
    assert component.hash == content_hash(component.kind, component.config, component.payload or b"")


@pytest.mark.parametrize("size", [0, 1, 4])
def test_shape_and_type_of_the_output(example: Any, size: int) -> None:
    output = example.freeze()(example.batch(size))
    assert output.shape == (size, *example.outputs)
    assert output.dtype == torch.float32
    assert torch.isfinite(output).all()


def numbers_in(payload: bytes, kind: str) -> int:
    """The numbers in a component's file, counted from the file alone."""
    if kind == PLAIN.name:
        return sum(values.numel() for values in load_tensors(payload).values())
    if kind != SKLEARN:
        # Bits of a mask are no weights.
        return sum(values.numel() for values in load_tensors(payload).values() if values.is_floating_point())
    total = 0
    with zipfile.ZipFile(io.BytesIO(payload)) as parts:
        for name in parts.namelist():
            if name.endswith(".npy"):
                array = np.load(io.BytesIO(parts.read(name)), allow_pickle=False)
                total += array.size * len(array.dtype.names or "1") * (array.ndim > 0)
    return total


def test_weights_are_the_numbers_in_the_file(example: Any) -> None:
    component = example.freeze()
    assert component.payload is not None
    assert component.weights == numbers_in(component.payload, component.kind.name)
    assert (component.weights > 0) == bool(component.module.state_dict() or isinstance(component.module, PlainEstimator))
    assert f"{component.weights:,} weights" in repr(component)


@pytest.mark.parametrize("place", [0.0, 0.5, 0.999])
def test_a_flipped_bit_is_noticed(example: Any, tmp_path: Path, place: float) -> None:
    component = example.freeze()
    content = bytearray(component.payload or b"")
    content[int(place * len(content))] ^= 1
    path = tmp_path / "component"
    path.write_bytes(bytes(content))
    with pytest.raises(StoreError, match=r"content of component: expected hash .*, got .*restore the folder from a copy"):
        load(component.kind, component.config, path, component.hash)


def test_a_cut_file_is_noticed(example: Any, tmp_path: Path) -> None:
    component = example.freeze()
    path = tmp_path / "component"
    path.write_bytes((component.payload or b"")[:-5])
    with pytest.raises(StoreError, match="content of component: expected hash"):
        load(component.kind, component.config, path, component.hash)


def test_a_missing_file_is_named(example: Any, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="file gone: expected readable, got No such file"):
        load(example.kind, example.config, tmp_path / "gone", "0" * 64)


@pytest.mark.parametrize("content", [b"", b"not weights at all", b"PK\x03\x04 nor an archive"])
def test_a_file_of_another_kind_is_refused(example: Any, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "component"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"expected (the weights of a|the arrays of an estimator|a skops file)"):
        load(example.kind, example.config, path, content_hash(example.kind, example.config, content))


def test_weights_of_another_shape_are_refused(torch_example: Any, tmp_path: Path) -> None:
    kind, config, payload = torch_example.kind, torch_example.other, torch_example.freeze().payload
    path = tmp_path / "component"
    path.write_bytes(payload)
    with pytest.raises(StoreError, match=rf"(?s)component: .*(the weights of a {kind}, got .*size mismatch|4 outputs)"):
        load(kind, config, path, content_hash(kind, config, payload))


@pytest.mark.parametrize("kind", ["mlp.v2", "Mlp", ""])
def test_an_unknown_kind_lists_the_known_ones(kind: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"cnn\.v1.*mlp\.v1.*sklearn\.v1.*A newer senpath may know it"):
        build(kind, {})
    (tmp_path / "component").write_bytes(b"x")
    with pytest.raises(StoreError, match="kind of component: expected one of"):
        load(kind, {}, tmp_path / "component", content_hash(kind, {}, b"x"))


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("mlp.v1", {}),
        ("mlp.v1", {"inputs": 3}),
        ("mlp.v1", {"inputs": "3", "hidden": [2]}),
        ("mlp.v1", {"inputs": 3, "hidden": [-2]}),
        ("mlp.v1", {"inputs": 3, "hidden": [2], "more": 1}),
        ("cnn.v1", {"shape": [1, 8], "filters": [2], "hidden": 2}),
        ("link.v1", {"inputs": 2, "outputs": 2, "classes": "ab"}),
        ("gate.v1", {"inputs": 8, "rank": None}),
        ("pruned.v1", {"kind": "linear.v1", "config": {"inputs": 2, "outputs": 2}}),
        ("pruned.v1", {"kind": "pruned.v1", "config": {}, "kept": {}}),
        ("pruned.v1", {"kind": ["linear.v1"], "config": {"inputs": 2, "outputs": 2}, "kept": {}}),
        ("pruned.v1", {"kind": "linear.v1", "config": None, "kept": {}}),
        ("pruned.v1", {"kind": "linear.v1", "config": {"inputs": 2, "outputs": -2}, "kept": {}}),
        ("pruned.v1", {"kind": "linear.v1", "config": {"inputs": 2, "outputs": 2}, "kept": 4}),
        ("pruned.v1", {"kind": "linear.v1", "config": {"inputs": 2, "outputs": 2}, "kept": {"weight": 5}}),
        ("pruned.v1", {"kind": "linear.v1", "config": {"inputs": 2, "outputs": 2}, "kept": {"weight": -1}}),
        ("pruned.v1", {"kind": "linear.v1", "config": {"inputs": 2, "outputs": 2}, "kept": {"weight": True}}),
        ("pruned.v1", {"kind": "linear.v1", "config": {"inputs": 2, "outputs": 2}, "kept": {"weight": "2"}}),
        ("pruned.v1", {"kind": "linear.v1", "config": {"inputs": 2, "outputs": 2}, "kept": {"others": 1}}),
    ],
)
def test_a_configuration_that_does_not_build(kind: str, config: dict[str, Any]) -> None:
    with pytest.raises(StoreError, match=f"component of kind {kind}: expected a configuration that builds"):
        build(kind, config)


@pytest.mark.parametrize("config", [{}, {"outputs": 0}, {"outputs": "3"}, {"outputs": None}])
def test_an_estimator_without_its_number_of_classes(config: dict[str, Any], sklearn_example: Any, tmp_path: Path) -> None:
    payload = sklearn_example.freeze().payload
    (tmp_path / "component").write_bytes(payload)
    with pytest.raises(StoreError, match="field 'outputs': expected a positive integer"):
        load(SKLEARN, config, tmp_path / "component", content_hash(SKLEARN, config, payload))


def test_a_huge_configuration_allocates_nothing(tmp_path: Path) -> None:
    config = {"inputs": 2**24, "hidden": [2**24]}
    payload = freeze("linear.v1", {"inputs": 2, "outputs": 2}, build("linear.v1", {"inputs": 2, "outputs": 2})).payload or b""
    (tmp_path / "component").write_bytes(payload)
    with pytest.raises(StoreError, match="expected the weights of a mlp"):
        load("mlp.v1", config, tmp_path / "component", content_hash("mlp.v1", config, payload))


def test_freezing_into_another_shape_is_refused() -> None:
    module = build("linear.v1", {"inputs": 2, "outputs": 2})
    with pytest.raises(RuntimeError, match="size mismatch"):
        freeze("linear.v1", {"inputs": 2, "outputs": 3}, module)


def test_numbers_that_json_cannot_hold_are_refused() -> None:
    with pytest.raises(ValueError, match="Out of range float values are not JSON compliant"):
        content_hash("mlp.v1", {"inputs": float("nan")}, b"")


class Stranger:
    """A classifier that is not scikit-learn's own."""

    def predict_proba(self, inputs: np.ndarray) -> np.ndarray:
        return np.full((len(inputs), 2), 0.5)


def test_an_estimator_with_code_of_its_own_is_refused() -> None:
    with pytest.raises(InputError, match=r"estimator Stranger: expected only types of numpy, scipy and scikit-learn, got .*Stranger"):
        freeze(SKLEARN, {"outputs": 2}, Estimator(Stranger(), 2, Classification()))


def test_what_it_takes_is_known_without_running_it(example: Any) -> None:
    component = example.freeze()
    made = component.outline(example.inputs)
    assert made.shape == example.outputs
    assert 0 < made.largest <= 10_000
    assert 0 < made.work < 10**9


@pytest.mark.parametrize(
    ("name", "config", "shape"),
    [
        ("conv-features.v1", {"channels": 1, "side": 28, "filters": 32, "size": 7, "stride": 1, "grid": 4}, (1, 28, 28)),
        ("conv-features.v1", {"channels": 3, "side": 32, "filters": 16, "size": 6, "stride": 2, "grid": 3}, (3, 64, 40)),
        ("cnn.v1", {"shape": [3, 17, 30], "filters": [8, 16], "hidden": 20}, (3, 17, 30)),
        ("pooled-cnn.v1", {"pool": [2, 3], "shape": [3, 32, 21], "filters": [8, 16], "hidden": 20}, (3, 65, 64)),
    ],
)
def test_what_a_module_tells_of_its_layers_is_what_torch_counts(name: str, config: dict[str, Any], shape: tuple[int, ...]) -> None:
    told = freeze(name, config, build(name, config)).outline(shape)
    with torch.device("meta"):
        counted = outline(build(name, config), shape, name)
    assert told.shape == counted.shape
    assert (told.largest, told.at_once) == (counted.largest, counted.at_once)
    assert counted.work / 2 <= told.work <= 2 * counted.work


def test_a_small_picture_is_answered_without_the_compiler_of_torch(tmp_path: Path) -> None:
    program = """
import sys, numpy as np, senpath as sp
net = sp.Network(sys.argv[1])
before = "torch._dynamo" in sys.modules
print(net.predict(np.zeros((1, 8, 8), np.uint8)).task, before, "torch._dynamo" in sys.modules)
"""
    rng = np.random.default_rng(0)
    sp.Network(tmp_path / "net").learn("digits", rng.integers(0, 255, (20, 8, 8), dtype=np.uint8), [0, 1] * 10, epochs=1)
    run = subprocess.run([sys.executable, "-c", program, str(tmp_path / "net")], capture_output=True, text=True, check=True)
    assert run.stdout.endswith("False False\n"), run.stdout
