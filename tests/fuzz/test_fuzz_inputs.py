"""Whatever is given to a network: an error of senpath that says why, or a right answer; and a refusal changes nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from fuzz_tools import check_prediction, in_time, refused, tries
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

import senpath as sp

Fresh = Callable[[Path], Path]

DTYPES = [
    "?",
    "u1",
    "i1",
    "u2",
    "i4",
    "i8",
    "u8",
    "f2",
    "f4",
    "f8",
    "g",
    "c8",
    "c16",
    "O",
    "U3",
    "S3",
    "M8[D]",
    "m8[s]",
    ">f4",
    ">i2",
    "V4",
]
DTYPES += [[("a", "f4"), ("b", "i4")]]
FILLS = ["unit", "unit", "whole", "bytes", "normal", "huge", "beyond float32", "nan", "inf", "constant", "zero", "tiny"]
SENSIBLE = [(6, 8, 8), (8, 4), (6, 8, 8, 3), (4, 3, 8, 8), (7, 1), (2, 1, 1), (3, 12, 2), (12, 12)]


def numbers(generator: np.random.Generator, shape: tuple[int, ...], fill: str) -> np.ndarray:
    """float64 of this shape."""
    values = generator.random(shape)
    if fill == "whole":
        return np.floor(values * 3)
    if fill == "bytes":
        return np.floor(values * 256)
    if fill in ("nan", "inf") and values.size:
        values.flat[generator.integers(values.size)] = np.nan if fill == "nan" else -np.inf
    scales = {"normal": generator.normal(0, 1, shape), "huge": 1e37, "beyond float32": 1e300, "zero": 0, "tiny": 1e-300}
    return np.full(shape, 0.5) if fill == "constant" else values * scales.get(fill, 1)


def as_dtype(values: np.ndarray, dtype: Any) -> np.ndarray:
    """These numbers as near as the type comes to them."""
    with np.errstate(all="ignore"):
        if isinstance(dtype, list):
            found = np.zeros(np.shape(values), dtype)
            found["a"] = values
            return found
        if dtype == "V4":
            return np.zeros(np.shape(values), dtype)
        if np.dtype(dtype).kind in "iumM":
            whole = np.nan_to_num(values, nan=0, posinf=100, neginf=-100).clip(-1e18, 1e18).astype(np.int64)
            return np.asarray(np.asarray(whole).astype(dtype))
        return np.asarray(np.asarray(values).astype(dtype))


@st.composite
def arrays(draw: Any, axes: int = 4) -> np.ndarray:
    """Arrays of every type and of any shape, half of them of a shape and type that could be learned."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if draw(st.booleans()):
        return as_dtype(
            numbers(generator, draw(st.sampled_from(SENSIBLE)), draw(st.sampled_from(FILLS))),
            draw(st.sampled_from(["f4", "f8", "u1", "i8"])),
        )
    shape = tuple(draw(st.lists(st.integers(0, 12), max_size=axes)))
    found = as_dtype(numbers(generator, shape, draw(st.sampled_from(FILLS))), draw(st.sampled_from(DTYPES)))
    if found.dtype == object and found.size and draw(st.booleans()):
        found.flat[0] = draw(st.sampled_from([None, "x", [], 10**400, np.nan, pd.NA, b"x", 1 + 2j, found.size]))
    how = draw(st.sampled_from(["plain", "plain", "transposed", "backwards", "read-only", "masked", "fortran"]))
    if how == "transposed":
        return found.T
    if how == "backwards" and found.ndim:
        return found[::-1]
    if how == "masked":
        return np.ma.masked_array(found, mask=False)
    if how == "fortran":
        return np.asfortranarray(found)
    found.setflags(write=how != "read-only")
    return found


def tensor(draw: Any, array: np.ndarray) -> Any:
    """The array as a tensor of some type and kind, or as it is if there is no such tensor."""
    how = draw(st.sampled_from(["plain", "plain", "half", "bfloat16", "complex", "gradients", "sparse", "meta", "expanded"]))
    try:
        found = torch.from_numpy(np.array(array))
        if how in ("half", "bfloat16", "gradients") and not found.is_complex():
            return {"half": found.half(), "bfloat16": found.bfloat16(), "gradients": found.float().requires_grad_()}[how]
        if how == "sparse" and found.ndim:
            return found.to_sparse()
        if how == "expanded" and found.ndim and len(found):
            return found[:1].expand(found.shape)
        return found.to("meta") if how == "meta" else found.to(torch.complex64) if how == "complex" else found
    except (TypeError, ValueError, RuntimeError):  # not every type of numpy is one of torch
        return array


WORDS = st.sampled_from(["a cat", "", " ", "ein Haus", "\x00", "123", "\ud800", "猫 が いる", "x" * 500, "http://a.b/c", "…", "🙂"])
PLAIN = [
    None,
    0,
    1.5,
    float("nan"),
    True,
    "x",
    "",
    b"x",
    1j,
    10**400,
    [],
    (),
    {},
    [[]],
    [None],
    [[], []],
    ["a", 1],
    [b"x"],
    Path("none.png"),
]
PLAIN += [Path("none.wav"), Path("none.txt"), Path("none"), object(), int, len, Ellipsis, NotImplemented, slice(2), range(6), range(0)]
PLAIN += [
    np.float64(3),
    np.array(3.0),
    [np.zeros((8, 8)), np.zeros((9, 9, 9, 9))],
    [torch.zeros(4), np.zeros(4)],
    [torch.zeros(8, 8), np.ones(4)],
]
PLAIN += [memoryview(b"abcdef"), bytearray(b"abc"), deque([np.zeros(4)] * 3), [{"a": 1}, {"b": 1}], [{}], [{"a": None}], [{1: 2, "1": 3}]]
PLAIN += [
    [[1, 2], [3]],
    [[True, False]] * 4,
    [["a", "b"]] * 4,
    [(1, 2.5), (3, np.float32(4))],
    [[10**400, 1]] * 4,
    pd.DataFrame(),
    [range(4)] * 4,
]
PLAIN += [[Image.new(mode, (5, 4)) for mode in ("L", "RGB", "1", "P")], [Image.new("CMYK", (2, 2))] * 3, [Image.new("L", (0, 3))] * 3]
PLAIN += [
    pd.DataFrame({"a": [1, None], "b": ["x", 2]}),
    pd.DataFrame({"a": pd.Categorical(["u", "v"])}),
    pd.DataFrame({1: [1, 2], "1": [1, 2]}),
]
PLAIN += [
    pd.Series([1, 2, 3]),
    pd.Series(["a text", "b", "c"]),
    pd.DataFrame({"a": pd.to_datetime(["2020-01-01"] * 3)}),
    pd.Series([None, "a"]),
]
PLAIN += [
    pd.DataFrame({"a": pd.array([1, None, 3], dtype="Int64"), "b": [1.0, 2, 3]}),
    pd.DataFrame([[1, 2]] * 3, columns=pd.MultiIndex.from_tuples([(1, 2), (3, 4)])),
]


@st.composite
def sounds(draw: Any) -> Any:
    """One recording, mostly a wrong one."""
    samples = draw(
        st.one_of(arrays(2), st.integers(0, 3000).map(lambda n: np.sin(np.arange(n) / 5).astype(np.float32)), st.sampled_from(PLAIN))
    )
    return sp.Audio(
        samples, draw(st.sampled_from([8000, 16000, 1000, 44100, 0, -1, 8000.5, None, "8000", np.int64(8000), float("nan"), 10**9]))
    )


@st.composite
def inputs(draw: Any) -> Any:
    """Anything that somebody may take for inputs."""
    how = draw(
        st.sampled_from(
            ["array"] * 5 + ["tensor"] * 2 + ["list", "tuple", "nested", "dicts", "frame", "texts", "sounds", "mixed"] + ["plain"] * 2
        )
    )
    if how == "plain":
        return draw(st.sampled_from(PLAIN))
    if how == "texts":
        return draw(st.lists(WORDS, max_size=12))
    if how == "sounds":
        return draw(st.lists(sounds(), max_size=3))
    if how == "mixed":
        return draw(st.lists(st.one_of(WORDS, arrays(3), st.sampled_from(PLAIN), sounds()), max_size=6))
    array = draw(arrays())
    if how == "tensor":
        return tensor(draw, array)
    if how in ("list", "tuple") and array.ndim:
        return (list if how == "list" else tuple)(array)
    if how == "nested":
        return array.tolist()
    if how == "dicts" and array.ndim == 2:
        return [{f"c{place}": value for place, value in enumerate(row)} for row in array]
    if how == "frame" and array.ndim == 2 and array.dtype.kind not in "Vg" and array.dtype.isnative:
        return pd.DataFrame(array)
    return array


@st.composite
def labels(draw: Any, count: int) -> Any:
    """Anything that somebody may take for labels; mostly of the right length."""
    size = max(0, count + draw(st.sampled_from([0] * 8 + [1, -1, 5])))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    places = generator.permutation(np.arange(size) % draw(st.integers(1, 4)))
    how = draw(
        st.sampled_from(["ints"] * 4 + ["list"] * 2 + ["strings", "array", "other", "mixed", "tensor", "series", "iterator", "plain"])
    )
    if how in ("ints", "list"):
        whole = places.astype(draw(st.sampled_from(["i8", "u1", "?", "f4", "u8", ">i4", "O"])))
        return whole if how == "ints" else whole.tolist()
    if how == "strings":
        words = np.array(draw(st.lists(st.text(max_size=5), min_size=4, max_size=4)), dtype=object)[places]
        return words.tolist() if draw(st.booleans()) else words.astype(draw(st.sampled_from(["O", "U2", "U"]))) if size else []
    if how == "array":
        return as_dtype(numbers(generator, (size,), draw(st.sampled_from(FILLS))), draw(st.sampled_from(DTYPES)))
    if how == "other":
        return draw(arrays(2))
    if how == "mixed":
        values = st.sampled_from(
            [0, 1, "a", None, 1.5, 2**70, -(2**63), 2**63, True, b"a", np.int8(1), np.str_("a"), (1,), float("nan"), torch.tensor(1)]
        )
        return draw(st.lists(values, min_size=size, max_size=size))
    if how == "tensor":
        return tensor(draw, places)
    if how == "series":
        return pd.Series(places, index=range(5, size + 5), dtype=draw(st.sampled_from(["int64", "Int64", "category", "object", "string"])))
    if how == "iterator":
        return draw(
            st.sampled_from([iter(places), (label for label in places), set(places.tolist()), dict.fromkeys(range(size)), range(size)])
        )
    return draw(st.sampled_from(PLAIN))


NAMES = st.one_of(
    st.just("new"),
    st.just("new"),
    st.text(max_size=10),
    st.sampled_from(["low", "a/b", "../x", ".", "CON", "x" * 200, "𝔘", "a\u200b", None, 3, ("a",), ["a"], b"a"]),
)
WRONG = st.one_of(st.sampled_from(PLAIN), st.integers(), st.floats(), st.text(max_size=8))


@pytest.fixture(scope="module")
def subject(grown: Path, fresh: Fresh) -> Callable[[], sp.Network]:
    """A function: the network at its version 3; a copy of its own again after it has learned something."""
    kept = [sp.Network(fresh(grown))]

    def give() -> sp.Network:
        if kept[0].version != 3:
            kept[0] = sp.Network(fresh(grown))
        return kept[0]

    return give


def check_state(net: sp.Network, error: sp.SenpathError | None, learned: int = 0) -> None:
    assert net.version == 3 + (0 if error else learned)
    assert sp.Network(net.path).version == net.version


def count(x: Any) -> int:
    try:
        return len(x)
    except (TypeError, AttributeError):
        return 4


def check_learned(net: sp.Network, name: Any, x: Any) -> None:
    found, error = refused(lambda: net.predict(x, task=name))
    assert error is None
    check_prediction(net, found)
    assert set(found.task) == {name}


@tries(80)
@given(data=st.data())
def test_learning(subject: Callable[[], sp.Network], data: st.DataObject) -> None:
    net, x, name = subject(), data.draw(inputs(), label="x"), data.draw(NAMES, label="task")
    y = data.draw(labels(count(x)), label="y")
    with in_time():
        _, error = refused(lambda: net.learn(name, x, y, epochs=1, hidden=2))
        check_state(net, error, 1)
        if error is None and not isinstance(x, Path):
            check_learned(net, name, x)


@tries(15)
@given(data=st.data())
def test_learning_several(subject: Callable[[], sp.Network], data: st.DataObject) -> None:
    net = subject()
    tasks: dict[Any, Any] = {}
    for _ in range(data.draw(st.integers(0, 2))):
        x = data.draw(inputs(), label="x")
        tasks[data.draw(NAMES.filter(lambda name: not isinstance(name, list)), label="task")] = (x, data.draw(labels(count(x)), label="y"))
    wrong = data.draw(st.sampled_from([None] * 6 + PLAIN), label="instead")
    given_tasks = tasks if wrong is None else wrong
    with in_time():
        _, error = refused(lambda: net.learn_many(given_tasks, jobs=1, epochs=1, hidden=2))
        if error is None:
            assert net.version == 3 + len(given_tasks)
            for name, (x, _) in tasks.items() if wrong is None else ():
                check_learned(net, name, x)
        else:  # an error that shows while a task is learned leaves those before it
            assert 3 <= net.version < 3 + max(1, len(tasks))
            net.verify()


@tries(150)
@given(data=st.data())
def test_predicting(subject: Callable[[], sp.Network], data: st.DataObject) -> None:
    net, x = subject(), data.draw(inputs(), label="x")
    task = data.draw(st.sampled_from([None] * 5 + ["low", "iris", "high", "none", 5, ["low"], ""]), label="task")
    with in_time():
        found, error = refused(lambda: net.predict(x, task=task))
        check_state(net, error)
        if error is None:
            check_prediction(net, found)
            one_picture = isinstance(x, np.ndarray) and x.ndim == 3 and x.shape[2] in (1, 3, 4)
            assert len(found) == len(x) or (one_picture and len(found) == 1)
            assert task is None or not len(found) or set(found.task) == {task}


@tries(60)
@given(data=st.data())
def test_explaining(subject: Callable[[], sp.Network], data: st.DataObject) -> None:
    net, x = subject(), data.draw(st.one_of(inputs(), arrays(3), sounds(), WORDS), label="x")
    with in_time():
        found, error = refused(lambda: net.explain(x))
        check_state(net, error)
        if error is None:
            again = net.predict([x])
            assert (found.task, found.label, found.confidence) == (again.task[0], again.label[0], again.confidence[0])


@tries(60)
@given(data=st.data())
def test_evaluating(subject: Callable[[], sp.Network], data: st.DataObject) -> None:
    net, x = subject(), data.draw(inputs(), label="x")
    y = data.draw(labels(count(x)), label="y")
    task = data.draw(st.sampled_from(["low", "iris", "high", "none", 5, None]), label="task")
    tests = data.draw(
        st.sampled_from([{task: (x, y)}] * 8 + [{task: x}, {task: (x, y, y)}, {task: ()}, {task: [x, y]}, {}, *PLAIN]), label="tests"
    )
    record = data.draw(st.booleans(), label="record")
    with in_time():
        found, error = refused(lambda: sp.evaluate(net, tests, record=record))
        check_state(net, error)
        if error is None:
            assert all(0 <= score.accuracy <= 1 and 0 <= score.refused <= 1 for score in found.scores.values())
        assert len(sp.recorded_evaluations(net)) <= 1 + 60 * 100


MODELS = [
    "auto",
    "mlp",
    "cnn",
    "lstm",
    "svm",
    "forest",
    LogisticRegression(),
    DecisionTreeClassifier(),
    LogisticRegression,
    DecisionTreeClassifier(max_depth=-3),
]
SETTINGS: dict[str, Any] = {
    "model": st.sampled_from(MODELS),
    "hidden": st.sampled_from([2, 3, np.int64(4), 2.0, 1]),
    "links": st.sampled_from(["all", "similar", "none"]),
    "source": st.sampled_from(["one", "per-class"]),
    "threshold": st.floats(0, 1),
    "start": st.sampled_from(["copy", "random", None]),
    "augment": st.sampled_from([None, 0, 0.5, 3]),
    "guard": st.booleans(),
    "epochs": st.sampled_from([0, 1, 2]),
    "batch_size": st.sampled_from([None, 1, 3, 10**6]),
    "learning_rate": st.sampled_from([None, 1e-8, 0.1, 10]),
    "random_state": st.integers(0, 2**32 - 1),
}


@pytest.mark.slow("learns with many settings")
@tries(35)
@given(data=st.data())
def test_settings_of_learning(subject: Callable[[], sp.Network], digits: tuple[np.ndarray, np.ndarray], data: st.DataObject) -> None:
    net = subject()
    chosen = {
        name: data.draw(SETTINGS[name], label=name)
        for name in data.draw(st.sets(st.sampled_from(sorted(SETTINGS)), max_size=5), label="names")
    }
    if data.draw(st.booleans(), label="spoil"):
        chosen[data.draw(st.sampled_from([*SETTINGS, "more", "method"]), label="name")] = data.draw(WRONG, label="value")
    chosen.setdefault("epochs", 1)
    chosen.setdefault("hidden", 2)
    x, y = data.draw(st.sampled_from([(digits[0][:20], digits[1][:20]), (np.arange(48.0).reshape(12, 4), [0, 1, 2] * 4)]), label="data")
    if isinstance(chosen["epochs"], int) and chosen["epochs"] > 2 and isinstance(chosen["epochs"], int):
        chosen["epochs"] = 2  # allowed, and only slow
    if isinstance(chosen["hidden"], int) and chosen["hidden"] > 100:
        chosen["hidden"] = 10**9
    with in_time():
        _, error = refused(lambda: net.learn("new", x, y, **chosen))
        check_state(net, error, 1)
        if error is None:
            check_learned(net, "new", x)


@tries(40)
@given(data=st.data())
def test_options_of_predicting(subject: Callable[[], sp.Network], digits: tuple[np.ndarray, np.ndarray], data: st.DataObject) -> None:
    net = subject()
    options = {
        "candidates": st.one_of(st.sampled_from([1, 2]), WRONG),
        "admit": st.one_of(st.sampled_from([None, 0.5, 0.1, 1e-9]), WRONG),
        "reject": st.one_of(st.booleans(), WRONG),
        "strict": st.one_of(st.booleans(), WRONG),
    }
    chosen = {name: data.draw(options[name], label=name) for name in data.draw(st.sets(st.sampled_from(sorted(options))), label="names")}
    with in_time():
        found, error = refused(lambda: net.predict(digits[0][:3], **chosen))
        check_state(net, error)
        if error is None:
            check_prediction(net, found)
        _, again = refused(lambda: net.explain(digits[0][0], **chosen))
        assert (error is None) == (again is None)


@tries(30)
@given(data=st.data())
def test_settings_of_a_network(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    options = {
        "dispatcher": st.one_of(st.sampled_from(["discriminant", "binary"]), WRONG),
        "image_shape": st.one_of(
            st.sampled_from([(1, 8, 8), (3, 1, 1), [1, 4, 5], (1, 0, 8), (2, 8, 8), (1, 8), np.array([1, 8, 8])]), WRONG
        ),
        "random_state": st.one_of(st.integers(0, 2**32), WRONG),
        "lock_seconds": st.sampled_from([30, 1.5, "x", None, []]),
        "device": st.sampled_from(["cpu", "x", None, 5, torch.device("cpu"), "cuda:99", "meta", []]),
    }
    chosen = {name: data.draw(options[name], label=name) for name in data.draw(st.sets(st.sampled_from(sorted(options))), label="names")}
    folder = tmp_path_factory.mktemp("settings") / "net"
    with in_time():
        net, error = refused(lambda: sp.Network(folder, **chosen))
        if error is None:
            x = np.linspace(0, 1, 6 * 64).reshape(6, 8, 8)
            net.learn("new", x, [0, 1] * 3, epochs=1, hidden=2)
            check_learned(net, "new", x)


def test_nothing_was_harmed(subject: Callable[[], sp.Network]) -> None:
    subject().verify()
