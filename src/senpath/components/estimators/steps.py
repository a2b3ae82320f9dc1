"""The steps that a fitted scikit-learn estimator is computed in: plain arrays, checked before they run.

A step maps an array (n, width) to another one (n, outputs). A file cannot make a step do anything else: before it runs, `check` compares
its arrays with each other and with the width of what it gets. So no index leads out of an array, and no output is larger than limits say.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from senpath.components.limits import NUMBERS

Arrays = Mapping[str, np.ndarray]
DEEPEST = 32
"""How deep steps may lie in each other."""
MOST_STEPS = 20_000
FACTORS = 64
"""Of a product, at most."""
MOST_WORK = 2**30
"""Numbers that all steps together may make of one input."""


class Meter:
    """What all steps of an estimator cost for one input; refuses what is out of proportion.

    Attributes:
        broadest: most numbers that one step makes.
    """

    def __init__(self) -> None:
        self.broadest, self._steps, self._work = 1, 0, 0

    def add(self, numbers: int, depth: int) -> None:
        """Count a step.

        Raises:
            ValueError: if it is one too many, too deep or too broad.
        """
        self.broadest, self._steps, self._work = max(self.broadest, numbers), self._steps + 1, self._work + numbers
        require(depth <= DEEPEST, f"steps at most {DEEPEST} deep")
        require(self._steps <= MOST_STEPS, f"at most {MOST_STEPS:,} steps")
        require(numbers <= NUMBERS and self._work <= MOST_WORK, f"at most {NUMBERS:,} numbers in a step, {MOST_WORK:,} in all")


def require(holds: bool, what: str) -> None:
    """Raise ValueError unless this holds."""
    if not holds:
        raise ValueError(f"expected {what}")


@dataclass(frozen=True, eq=False)
class Step(ABC):
    """One step.

    Args:
        arrays: floating-point arrays are finite; their number of axes and kind of numbers are those of `layout`.
        settings: JSON values.
        parts: steps within.

    Attributes:
        layout: by name of an array: its axes, "f" for floating-point or "i" for whole numbers, "?" behind what may be missing.
        allowed: by name of a setting what it may be: a type or several values.
        nested: whether there are steps within.
        in_sequence: whether each of these gets what the one before made, not what the step gets.
    """

    arrays: Arrays
    settings: Mapping[str, Any]
    parts: tuple[Step, ...] = ()

    layout: ClassVar[Mapping[str, str]] = {}
    allowed: ClassVar[Mapping[str, type | tuple[str, ...]]] = {}
    nested: ClassVar[bool] = False
    in_sequence: ClassVar[bool] = False

    @abstractmethod
    def width(self, width: int, *parts: int) -> int:
        """Numbers that it makes of `width` ones.

        Args:
            parts: how many its parts make.

        Raises:
            ValueError: if it cannot.
        """

    def breadth(self, width: int, output: int) -> int:
        """Most numbers that it holds for one input at a time."""
        return max(width, output)

    @abstractmethod
    def __call__(self, x: np.ndarray) -> np.ndarray:
        """The step of (n, width)."""

    @final
    def check(self, width: int, meter: Meter, depth: int = 0) -> int:
        """See `width`; this looks at arrays, settings and parts first.

        Raises:
            ValueError: if something does not fit.
        """
        meter.add(width, depth)
        require(self.nested == bool(self.parts), f"parts within {type(self).__name__}" if self.nested else "no parts")
        self._check_arrays()
        require(self.settings.keys() == self.allowed.keys(), f"settings {sorted(self.allowed)}, not {sorted(self.settings)}")
        for name, rule in self.allowed.items():
            value = self.settings[name]
            right = type(value) is rule if isinstance(rule, type) else isinstance(value, str) and value in rule
            require(right and not (isinstance(value, float) and not np.isfinite(value)), f"another {name} than {value!r}")
        within: list[int] = []
        for part in self.parts:
            within.append(part.check(within[-1] if within and self.in_sequence else width, meter, depth + 1))
        output = self.width(width, *within)
        meter.add(self.breadth(width, output), depth)
        return output

    def _check_arrays(self) -> None:
        names = {name for name, what in self.layout.items() if not what.endswith("?")}
        require(names <= self.arrays.keys() <= self.layout.keys(), f"arrays {sorted(self.layout)}, not {sorted(self.arrays)}")
        for name, array in self.arrays.items():
            what = self.layout[name]
            types = ("float32", "float64") if what[1] == "f" else ("int64",)
            require(array.ndim == int(what[0]) and array.dtype.name in types, f"{name} with {what[0]} axes, of {' or '.join(types)}")
            require(array.dtype.kind != "f" or bool(np.isfinite(array).all()), f"finite numbers in {name}")


class Chain(Step):
    """One step after another."""

    nested, in_sequence = True, True

    def width(self, width: int, *parts: int) -> int:
        return parts[-1]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        for part in self.parts:
            x = part(x)
        return x


class Concat(Step):
    """What several steps make of the same input, side by side."""

    nested = True

    def width(self, width: int, *parts: int) -> int:
        return sum(parts)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return np.hstack([part(x) for part in self.parts])


class Average(Step):
    """The weighted mean of what several steps make of the same input."""

    nested = True
    layout: ClassVar = {"weights": "1f"}

    def width(self, width: int, *parts: int) -> int:
        require(len({*parts}) == 1 and len(self.arrays["weights"]) == len(parts), "parts of one width, and a weight for each")
        require(float(self.arrays["weights"].sum()) > 0, "weights with a positive sum")
        return parts[0]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        total, weights = 0.0, self.arrays["weights"]
        for weight, part in zip(weights, self.parts, strict=True):
            total = total + weight * part(x)
        return np.asarray(total / weights.sum())


class Pick(Step):
    """Some of the columns, by their numbers; −1 is a column of zeros."""

    layout: ClassVar = {"index": "1i"}

    def width(self, width: int, *parts: int) -> int:
        index = self.arrays["index"]
        require(len(index) > 0 and bool(((index >= -1) & (index < width)).all()), f"columns from -1 to {width - 1}")
        return len(index)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        index = self.arrays["index"]
        picked = x[:, np.maximum(index, 0)]
        return np.where(index < 0, x.dtype.type(0), picked) if (index < 0).any() else picked


class Products(Step):
    """Products of columns, `index` (outputs, factors); −1 is the factor 1. Polynomial features."""

    layout: ClassVar = {"index": "2i"}

    def width(self, width: int, *parts: int) -> int:
        index = self.arrays["index"]
        require(1 <= index.shape[1] <= FACTORS, f"1 to {FACTORS} factors")
        require(len(index) > 0 and bool(((index >= -1) & (index < width)).all()), f"columns from -1 to {width - 1}")
        return len(index)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        padded = np.hstack([x, np.ones((len(x), 1), x.dtype)])
        output = np.ones((len(x), len(self.arrays["index"])), x.dtype)
        for column in self.arrays["index"].T:
            output *= padded[:, column]
        return output


class Affine(Step):
    """x · weightᵀ + bias, of weight (outputs, width) and bias (outputs,)."""

    layout: ClassVar = {"weight": "2f", "bias": "1f?"}

    def width(self, width: int, *parts: int) -> int:
        weight = self.arrays["weight"]
        require(weight.shape[1] == width and len(weight) > 0, f"weights for {width} columns")
        require("bias" not in self.arrays or self.arrays["bias"].shape == (len(weight),), f"{len(weight)} biases")
        return len(weight)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        output = x @ self.arrays["weight"].T
        return output + self.arrays["bias"] if "bias" in self.arrays else output


class Scale(Step):
    """Each column less `subtract`, by `divide`, times `multiply`, plus `add`; the type of the numbers stays, as in scikit-learn.

    Setting `rounded`: whether the arrays are brought to that type first.
    """

    layout: ClassVar = {"subtract": "1f?", "divide": "1f?", "multiply": "1f?", "add": "1f?"}
    allowed: ClassVar = {"rounded": bool}

    def width(self, width: int, *parts: int) -> int:
        require(all(array.shape == (width,) for array in self.arrays.values()), f"a number for each of {width} columns")
        require("divide" not in self.arrays or bool((self.arrays["divide"] != 0).all()), "no division by 0")
        return width

    def __call__(self, x: np.ndarray) -> np.ndarray:
        x = x.copy()
        for name, by in (("subtract", np.subtract), ("divide", np.divide), ("multiply", np.multiply), ("add", np.add)):
            if name in self.arrays:
                array = self.arrays[name]
                by(x, array.astype(x.dtype) if self.settings["rounded"] else array, out=x, casting="same_kind")
        return x


class Distances(Step):
    """Squared distances from centres (outputs, width), each axis divided by its variance, (outputs, width)."""

    layout: ClassVar = {"centres": "2f", "variances": "2f"}

    def width(self, width: int, *parts: int) -> int:
        centres, variances = self.arrays["centres"], self.arrays["variances"]
        require(centres.shape[1] == width and centres.shape == variances.shape and len(centres) > 0, f"centres of {width} columns")
        require(bool((variances > 0).all()), "positive variances")
        return len(centres)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        rows = zip(self.arrays["centres"], self.arrays["variances"], strict=True)
        return np.stack([np.sum(((x - centre) ** 2) / variance, axis=1) for centre, variance in rows], 1)


def _softmax(x: np.ndarray) -> np.ndarray:
    exponentials = np.exp(x - x.max(1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(1, keepdims=True))


def _posterior(x: np.ndarray) -> np.ndarray:
    from scipy.special import logsumexp  # large, and rarely needed

    return np.asarray(np.exp(x - logsumexp(x, axis=1, keepdims=True)))


def _logistic(x: np.ndarray) -> np.ndarray:
    from scipy.special import expit  # large, and rarely needed

    return np.asarray(expit(x))


def _shares(x: np.ndarray) -> np.ndarray:
    """Rows that add up to 1; all alike where a row is 0."""
    sums = x.sum(1, keepdims=True)
    return np.where(sums == 0, 1 / x.shape[1], x / np.where(sums == 0, 1, sums))


def _unit(x: np.ndarray) -> np.ndarray:
    lengths = np.sqrt((x * x).sum(1, keepdims=True))
    return np.asarray(x / np.where(lengths == 0, 1, lengths))


ONE, PAIR = "one", "pair"
POSTERIOR = 16
"""Times what another function takes, in memory and time."""
FUNCTIONS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], str]] = {
    "double": (lambda x: x.astype(np.float64), ""),
    "exp": (np.exp, ""),
    "log": (np.log, ""),
    "cos": (np.cos, ""),
    "logistic": (_logistic, ""),
    "tanh": (np.tanh, ""),
    "relu": (lambda x: np.maximum(x, 0), ""),
    "hinge": (lambda x: (np.clip(x, -1, 1) + 1) / 2, ""),
    "positive": (lambda x: (x > 0).astype(x.dtype), ""),
    "softmax": (_softmax, ""),
    "posterior": (_posterior, ""),
    "shares": (_shares, ""),
    "unit": (_unit, ""),
    "squares": (lambda x: (x * x).sum(1, keepdims=True), ONE),
    "complement": (lambda x: np.hstack([1 - x, x]), PAIR),
}
"""Functions of each number or each row, and how many numbers they answer: as many as they get, one, or two for one."""


class Map(Step):
    """A function of each number or of each row, one of `FUNCTIONS`."""

    allowed: ClassVar = {"function": tuple(FUNCTIONS)}

    def width(self, width: int, *parts: int) -> int:
        answers = FUNCTIONS[self.settings["function"]][1]
        require(answers != PAIR or width == 1, "one column")
        return {ONE: 1, PAIR: 2}.get(answers, width)

    def breadth(self, width: int, output: int) -> int:
        return max(width, output) * (POSTERIOR if self.settings["function"] == "posterior" else 1)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(FUNCTIONS[self.settings["function"]][0](x))


class Interpolate(Step):
    """A piecewise linear function of one column, constant beyond its ends: through (x, y), x ascending."""

    layout: ClassVar = {"x": "1f", "y": "1f"}

    def width(self, width: int, *parts: int) -> int:
        x = self.arrays["x"]
        require(width == 1 and len(x) > 0 and x.shape == self.arrays["y"].shape and bool((np.diff(x) >= 0).all()), "points in order")
        return 1

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(np.interp(x[:, 0], self.arrays["x"], self.arrays["y"]))[:, None]


class Choose(Step):
    """The label of the largest number in a row; of one column the first label, or the second where it is more than the threshold."""

    layout: ClassVar = {"labels": "1i"}
    allowed: ClassVar = {"threshold": float}

    def width(self, width: int, *parts: int) -> int:
        require(len(self.arrays["labels"]) == max(width, 2), "a label for each column")
        return 1

    def __call__(self, x: np.ndarray) -> np.ndarray:
        places = x.argmax(1) if x.shape[1] > 1 else (x[:, 0] > self.settings["threshold"]).astype(np.int64)
        return np.asarray(self.arrays["labels"][places], dtype=np.float64)[:, None]


class Compare(Step):
    """For each label whether one column is it: 1 or 0."""

    layout: ClassVar = {"labels": "1i"}

    def width(self, width: int, *parts: int) -> int:
        require(width == 1 and len(self.arrays["labels"]) > 0, "one column, and labels")
        return len(self.arrays["labels"])

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(x == self.arrays["labels"], dtype=np.float64)


def run(step: Step, x: np.ndarray) -> np.ndarray:
    """The step; overflow is not complained about, as numbers of a file may lead to it."""
    with np.errstate(all="ignore"):
        return step(x)


def chain(*steps: Step) -> Step:
    """One step after another; chains within are joined to one."""
    flat = [part for step in steps for part in (step.parts if isinstance(step, Chain) else (step,))]
    return flat[0] if len(flat) == 1 else Chain({}, {}, tuple(flat))


def concat(steps: Sequence[Step]) -> Step:
    """What several steps make, side by side."""
    return Concat({}, {}, tuple(steps)) if len(steps) > 1 else steps[0]


def mean(steps: Sequence[Step], weights: Any = None) -> Step:
    """The weighted mean of several steps; None weighs all alike."""
    return Average({"weights": np.ones(len(steps)) if weights is None else np.asarray(weights, np.float64)}, {}, tuple(steps))


def mapped(function: str) -> Step:
    """See `FUNCTIONS`."""
    return Map({}, {"function": function})
