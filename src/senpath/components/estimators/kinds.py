"""Scikit-learn estimators as components: an SVM or a random forest is a pathway like any other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load as read_arrays
from safetensors.numpy import save
from torch import nn

from senpath.components.base import Component, freeze
from senpath.components.estimators import composed, ensembles, linear, models, steps  # noqa: F401 - translators register themselves
from senpath.components.estimators.fitted import Fitted, UntranslatableError, translate
from senpath.components.estimators.skops_files import count_numbers, dump_estimator, load_estimator, read_fitted
from senpath.components.estimators.steps import Meter, Step, require, run
from senpath.components.files import FileFormat
from senpath.components.kind import ComponentKind, register
from senpath.components.limits import NUMBERS
from senpath.confined import read_plain
from senpath.errors import StoreError
from senpath.tasks import TASK_KINDS, Classification, TaskKind

STEPS: dict[str, type[Step]] = {
    "chain": steps.Chain,
    "concat": steps.Concat,
    "average": steps.Average,
    "pick": steps.Pick,
    "products": steps.Products,
    "affine": steps.Affine,
    "scale": steps.Scale,
    "distances": steps.Distances,
    "map": steps.Map,
    "interpolate": steps.Interpolate,
    "choose": steps.Choose,
    "compare": steps.Compare,
    "trees": models.Trees,
    "neighbours": models.Neighbours,
    "support-vectors": models.SupportVectors,
    "votes": models.Votes,
    "couple": models.Couple,
}
"""Steps by the names that files have for them."""
NAMES = {cls: name for name, cls in STEPS.items()}
AT_ONCE = 2**20
"""Numbers that a step holds at once, about: inputs are run in parts of as many."""


class PlainEstimator(nn.Module):
    """An estimator as steps over plain arrays; its output, (n, outputs), is what a torch pathway of the task's kind would give.

    Args:
        step: from inputs to the answer.
        asked: which of scikit-learn's methods gives this answer.
        inputs: numbers in one input, or None for as many as come: they are checked at the first input.
        outputs: of the task.
        kind: of the task.
        numbers: how many the estimator holds; None counts those of the steps.
        double: whether the output is float64, as of regressors since format 7; else it is float32.

    Raises:
        ValueError: if the steps do not fit each other, or what they get.
    """

    def __init__(
        self, step: Step, asked: str, inputs: int | None, outputs: int, kind: TaskKind, numbers: int | None = None, *, double: bool = False
    ) -> None:
        super().__init__()
        self.precision = np.float64 if double else np.float32
        self.step, self.asked, self.inputs, self.outputs, self.kind = step, asked, inputs, outputs, kind
        self.numbers = sum(array.size for array in arrays_of(step).values()) if numbers is None else numbers
        self._breadths: dict[int, int] = {}
        if inputs is not None:
            self._breadth(inputs)

    def _breadth(self, width: int) -> int:
        """Most numbers that a step holds for one input of this width; all steps are checked before they first run."""
        if width not in self._breadths:
            require(self.inputs is None or width == self.inputs, f"inputs of {self.inputs} numbers, not {width}")
            meter = Meter()
            answer = self.step.check(width, meter)
            require(self.kind.answered_outputs(self.asked, answer, self.outputs) == self.outputs, f"{self.outputs} outputs")
            self._breadths = {width: meter.broadest}
        return self._breadths[width]

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        flat = inputs.detach().flatten(1).cpu().numpy()
        rows = max(1, AT_ONCE // self._breadth(flat.shape[1]))
        parts = [
            self.kind.decode_estimator(self.asked, run(self.step, flat[start : start + rows]), self.outputs)
            for start in range(0, len(flat), rows)
        ]
        joined = np.concatenate(parts) if parts else np.zeros((0, self.outputs))
        return torch.from_numpy(joined.astype(self.precision, copy=False)).to(inputs.device)

    def stored_numbers(self) -> int:
        """Numbers in the arrays (support vectors, tree nodes, …)."""
        return self.numbers


class Estimator(nn.Module):
    """Wraps a fitted estimator of which there are no steps; else as `PlainEstimator`.

    Args:
        estimator: a classifier whose classes are 0 … outputs − 1, with scikit-learn's `predict_proba`, `decision_function` or `predict`; a
            classifier of several labels with `predict_proba`; a regressor.
        outputs: of the task.
        kind: of the task.
        double: as for `PlainEstimator`.
    """

    def __init__(self, estimator: Any, outputs: int, kind: TaskKind, *, double: bool = False) -> None:
        super().__init__()
        self.precision = np.float64 if double else np.float32
        self.estimator = estimator
        self.outputs, self.kind = outputs, kind

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        flat = inputs.detach().flatten(1).cpu().numpy()
        answers = self.kind.estimator_outputs(self.estimator, flat, self.outputs) if len(flat) else np.zeros((0, self.outputs))
        return torch.from_numpy(answers.astype(self.precision, copy=False)).to(inputs.device)

    def stored_numbers(self) -> int:
        """Numbers in the fitted arrays."""
        return count_numbers(self.estimator)


class EstimatorOutline(nn.Module):
    """The shape of an estimator's answer.

    Args:
        module: whose it is.
    """

    def __init__(self, module: PlainEstimator | Estimator) -> None:
        super().__init__()
        self.outputs = module.outputs

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs.new_zeros(len(inputs), self.outputs)


class PlainFile(FileFormat):
    """Arrays as safetensors; the steps are in the configuration."""

    suffix = ".safetensors"

    def dump(self, module: nn.Module) -> bytes:
        return save({name: np.ascontiguousarray(array) for name, array in arrays_of(_plain_module(module).step).items()})

    def restore(self, kind: ComponentKind, config: Mapping[str, Any], payload: bytes) -> nn.Module:
        return self._opened(config, payload, kind.name)

    def read(self, kind: ComponentKind, config: Mapping[str, Any], path: Path, *, trust: bool = False) -> nn.Module:
        return self._opened(config, read_plain(path), path.name)

    def _opened(self, config: Mapping[str, Any], payload: bytes, where: str) -> PlainEstimator:
        outputs, kind = _outputs(config), _kind(config)
        try:
            arrays = read_arrays(payload)
            step = _built(config["step"], arrays, "", 0)
            require(not arrays, "no arrays but those of the steps")
            asked, inputs = config["asked"], config["inputs"]
            require(isinstance(asked, str) and type(inputs) is int and 0 < inputs <= NUMBERS, "a method, and numbers of an input")
            return PlainEstimator(step, asked, inputs, outputs, kind, double=_double(config))
        except (SafetensorError, ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
            expected, got = "the arrays of an estimator's steps", f"{type(error).__name__}: {error}"
            raise StoreError(f"{where}: estimator", expected=expected, got=got) from error


class SkopsFile(FileFormat):
    """An estimator in the skops format, which holds no code."""

    suffix = ".skops"

    def dump(self, module: nn.Module) -> bytes:
        return dump_estimator(module.estimator)

    def restore(self, kind: ComponentKind, config: Mapping[str, Any], payload: bytes) -> nn.Module:
        return self._opened(config, payload, kind.name, trust=True)  # it comes from this process, or one that this one started

    def read(self, kind: ComponentKind, config: Mapping[str, Any], path: Path, *, trust: bool = False) -> nn.Module:
        return self._opened(config, read_plain(path), path.name, trust=trust)

    def _opened(self, config: Mapping[str, Any], payload: bytes, where: str, *, trust: bool) -> nn.Module:
        outputs, kind = _outputs(config), _kind(config)
        try:
            fitted = read_fitted(payload)
        except Exception as error:  # the zip, JSON and array readers under it raise what they like
            got = f"{type(error).__name__}: {error}"
            raise StoreError(f"{where}: scikit-learn component", expected="a skops file", got=got) from error
        try:
            return _plain(fitted, kind, outputs, double=_double(config))
        except (UntranslatableError, ValueError) as error:
            if trust:
                return Estimator(load_estimator(payload, where), outputs, kind, double=_double(config))
            name = f"{fitted.module}.{fitted.name}" if isinstance(fitted, Fitted) else type(fitted).__name__
            raise StoreError(
                f"{where}: scikit-learn component",
                expected="an estimator that is opened as plain arrays (docs/howto/estimators.md)",
                got=f"{name}, of which there are none ({error})",
                do="If you trust whoever made the file, open the network with trust=True, on the command line `senpath --trust …`",
            ) from error


def _plain(fitted: Any, kind: TaskKind, outputs: int, *, double: bool) -> PlainEstimator:
    """An estimator's steps, by the first method of those that its kind of task can use.

    Raises:
        UntranslatableError, ValueError: if there are none.
    """
    last: UntranslatableError | None = None
    for asked in kind.estimator_methods:
        try:
            step = translate(fitted, asked)
        except UntranslatableError as error:
            last = last or error
        else:
            return PlainEstimator(step, asked, None, outputs, kind, count_numbers(fitted), double=double)
    raise last or UntranslatableError("an estimator that cannot be asked anything")


def freeze_estimator(estimator: Any, inputs: np.ndarray, outputs: int, kind: TaskKind) -> Component:
    """A fitted estimator as a component: as plain arrays, or, if there are no steps for it, as a skops file.

    Args:
        inputs: some that it was fitted on, float32 (n, width), to which both have to answer alike.

    Raises:
        InputError: if it is neither.
    """
    double = {} if kind.has_labels else {"double": True}
    try:
        asked = kind.asked_method(estimator)
        plain = PlainEstimator(translate(estimator, asked), asked, inputs.shape[1], outputs, kind, double=bool(double))
        config: dict[str, Any] = {"outputs": outputs, "kind": kind.name, "inputs": inputs.shape[1], "asked": asked, **double}
        config["step"] = _described(plain.step)
        component = freeze(PLAIN, config, plain)
        if _alike(component, estimator, inputs[:CHECKED]):
            return component
    except (UntranslatableError, ValueError):
        pass
    config = {"outputs": outputs, **({} if kind.exclusive else {"kind": kind.name}), **double}  # as the first format had it
    return freeze(ESTIMATOR, config, Estimator(estimator, outputs, kind, double=bool(double)))


CHECKED = 256
"""Inputs on which a translated estimator is compared with the original."""
ALIKE = 1e-4
"""By how much the two may differ, in the middle and as a share of the size of the answers: float32 was rounded to."""


def _alike(component: Component, estimator: Any, inputs: np.ndarray) -> bool:
    """Whether most answers are equal: of neighbours at one distance scikit-learn may count others."""
    module = _plain_module(component.module)
    theirs = module.kind.estimator_outputs(estimator, inputs, module.outputs)
    mine = module(torch.from_numpy(inputs)).numpy()
    # Numbers may lie far from 0, or be tiny: what counts is how much they differ.
    size = 1 + np.abs(theirs).max(1) if module.kind.has_labels else np.ptp(theirs, axis=0).max() or 1e-6 * np.abs(theirs).max() or 1.0
    return bool(np.median(np.abs(mine - theirs).max(1) / size) <= ALIKE)


def _plain_module(module: nn.Module) -> PlainEstimator:
    if not isinstance(module, PlainEstimator):
        raise TypeError(f"expected a PlainEstimator, got {type(module).__name__}")
    return module


def arrays_of(step: Step, path: str = "") -> dict[str, np.ndarray]:
    """All arrays of a step and those within: by name, after the places of the parts that lead to it, "0.2.weight"."""
    own = {path + name: array for name, array in step.arrays.items()}
    for place, part in enumerate(step.parts):
        own |= arrays_of(part, f"{path}{place}.")
    return own


def _described(step: Step) -> dict[str, Any]:
    """A step as JSON values, without its arrays."""
    described: dict[str, Any] = {"name": NAMES[type(step)], **step.settings}
    return described | ({"parts": [_described(part) for part in step.parts]} if step.parts else {})


def _built(described: Any, arrays: dict[str, np.ndarray], path: str, depth: int) -> Step:
    """The step of this description; takes its arrays from `arrays`."""
    require(depth <= steps.DEEPEST and isinstance(described, dict), f"steps at most {steps.DEEPEST} deep")
    parts = described.get("parts", [])
    cls = STEPS[described["name"]]
    settings = {name: value for name, value in described.items() if name not in ("name", "parts")}
    own = {name: arrays.pop(path + name) for name in cls.layout if path + name in arrays}
    return cls(own, settings, tuple(_built(part, arrays, f"{path}{place}.", depth + 1) for place, part in enumerate(parts)))


def _double(config: Mapping[str, Any]) -> bool:
    return config.get("double") is True


def _outputs(config: Mapping[str, Any]) -> int:
    outputs = config.get("outputs")
    if type(outputs) is not int or not 1 <= outputs <= NUMBERS:
        raise StoreError("component configuration field 'outputs'", expected="a positive integer", got=repr(outputs))
    return outputs


def _kind(config: Mapping[str, Any]) -> TaskKind:
    kind = config.get("kind", Classification.name)  # the first format had classifications only
    if not isinstance(kind, str) or kind not in TASK_KINDS:
        raise StoreError("component configuration field 'kind'", expected=f"one of {', '.join(TASK_KINDS)}", got=repr(kind))
    return TASK_KINDS[kind]


PLAIN = register(
    ComponentKind("estimator.v1", PlainEstimator, trainable=False, exportable=None, outline=EstimatorOutline, files=PlainFile())
)
ESTIMATOR = register(ComponentKind("sklearn.v1", Estimator, trainable=False, exportable=None, outline=EstimatorOutline, files=SkopsFile()))
"""As formats 1 to 6 kept every estimator, and as those are kept of which there are no steps."""


def is_estimator(component: Component) -> bool:
    """Whether a component is a scikit-learn estimator."""
    return component.kind in (PLAIN, ESTIMATOR)
