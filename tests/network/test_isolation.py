"""What a program sets for its process or thread decides nothing that senpath computes, and stays as it was set."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest
import sklearn
import torch

import senpath as sp
from senpath.parallel import Processes, WorkerPool, one_thread
from senpath.sklearn import SENClassifier
from senpath.testing import tiny_network, tiny_task


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


@contextmanager
def coarse_products() -> Iterator[None]:
    torch.set_float32_matmul_precision("medium")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision("highest")


@contextmanager
def deterministic() -> Iterator[None]:
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)


STATES: dict[str, AbstractContextManager[object]] = {
    "float64": default_dtype(torch.float64),
    "bfloat16": default_dtype(torch.bfloat16),
    "a device": torch.device("meta"),
    "autocast": torch.autocast("cpu", torch.bfloat16),
    "no_grad": torch.no_grad(),
    "inference_mode": torch.inference_mode(),
    "coarse products": coarse_products(),
    "deterministic algorithms": deterministic(),
    "numpy that raises": np.errstate(all="raise"),
    "data frames out of scikit-learn": sklearn.config_context(transform_output="pandas"),
}


def components(net: sp.Network) -> dict[str, tuple[str, ...]]:
    """Their hashes say what was learned to the last bit."""
    return {name: net.view.pathway(name).components for name in net.tasks}


def learned(model: str = "mlp", x: object = None) -> sp.Network:
    net = sp.Network()
    rows, labels = tiny_task("iris")
    net.learn("iris", rows if x is None else x, labels, model=model, epochs=1, hidden=4)
    return net


@pytest.fixture(scope="module")
def plain() -> dict[str, tuple[str, ...]]:
    return components(learned())


SOON = ("float64", "a device", "inference_mode")


@pytest.mark.parametrize("state", [name if name in SOON else pytest.param(name, marks=pytest.mark.slow("one of many")) for name in STATES])
def test_learning_and_answering(state: str, plain: dict[str, tuple[str, ...]]) -> None:
    known, (x, _) = tiny_network(tasks=["iris"]), tiny_task("iris")
    expected = known.predict(x)
    with STATES[state]:
        net = learned()
        answer = sp.Network(known.path).predict(x)
    assert components(net) == plain
    assert answer.task.tolist() == expected.task.tolist()
    np.testing.assert_array_equal(answer.confidence, expected.confidence)


def test_the_state_stays_as_it_was_set() -> None:
    with default_dtype(torch.float64), torch.device("meta"), torch.no_grad():
        learned()
        assert torch.get_default_dtype() == torch.float64
        assert torch.empty(0).is_meta
        assert not torch.is_grad_enabled()


def test_threads_with_a_state_share_it_until_the_last_is_done() -> None:
    known, (x, _) = tiny_network(tasks=["iris"]), tiny_task("iris")
    raised: list[BaseException] = []

    def ask() -> None:
        try:
            for _ in range(10):
                known.predict(x[:5])
        except BaseException as error:
            raised.append(error)

    with default_dtype(torch.float64):
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert torch.get_default_dtype() == torch.float64
    assert raised == []


def test_inputs_made_in_inference_mode(plain: dict[str, tuple[str, ...]]) -> None:
    with torch.inference_mode():
        x = torch.from_numpy(tiny_task("iris")[0].copy())
    assert components(learned(x=x)) == plain


@pytest.mark.slow("learns twice more")
def test_a_classifier() -> None:
    x, y = tiny_task("iris")
    settings = {"model": "mlp", "epochs": 1, "hidden": 4}
    expected = SENClassifier(**settings).fit(x, y).predict_proba(x)
    with default_dtype(torch.float64), torch.no_grad(), sklearn.config_context(transform_output="pandas"):
        np.testing.assert_array_equal(SENClassifier(**settings).fit(x, y).predict_proba(x), expected)


def _dtype_of_a_worker(item: int) -> str:
    return str(torch.zeros(item).dtype)


def _set_float64() -> object:
    torch.set_default_dtype(torch.float64)
    return _dtype_of_a_worker


@pytest.mark.slow("starts a process")
def test_a_worker_whose_script_sets_a_default() -> None:
    with WorkerPool(_set_float64, 1, backend=Processes()) as pool:
        assert list(pool.in_order([1])) == ["torch.float32"]


def test_another_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    net = tiny_network("net", ["low"])
    monkeypatch.chdir(tmp_path / "b")
    tiny_network("net", ["iris"])
    net.learn("more", *tiny_task("odd"), epochs=1, hidden=4)
    assert [*sp.Network(tmp_path / "a" / "net").tasks] == ["low", "more"]
    assert [*sp.Network(tmp_path / "b" / "net").tasks] == ["iris"]


def test_a_working_directory_that_is_gone(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    before = Path.cwd()
    os.chdir(tmp_path / "gone")
    try:
        (tmp_path / "gone").rmdir()
        with pytest.raises(sp.InputError) as caught:
            sp.Network("net")
    finally:
        os.chdir(before)
    assert caught.value.expected == "an absolute path"


def test_what_is_drawn_does_not_depend_on_other_threads() -> None:
    models = ["mlp", "wide-and-deep"]
    alone = [components(learned(model)) for model in models]
    torch.manual_seed(7)
    state, others = torch.get_rng_state(), dict[str, dict[str, tuple[str, ...]]]()

    def learn(model: str) -> None:
        others[model] = components(learned(model))

    threads = [threading.Thread(target=learn, args=(model,)) for model in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [others[model] for model in models] == alone
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.slow("learns twice more")
def test_learning_while_another_thread_draws() -> None:
    alone, stop = components(learned("mlp")), threading.Event()

    def draw() -> None:
        while not stop.is_set():
            torch.rand(100)

    drawing = threading.Thread(target=draw)
    drawing.start()
    try:
        assert components(learned("mlp")) == alone
    finally:
        stop.set()
        drawing.join()


def test_threads_that_learn_several_tasks_leave_the_number_of_torchs_threads() -> None:
    before, both = torch.get_num_threads(), threading.Barrier(2)
    torch.set_num_threads(2)

    def compute(order: int) -> None:
        with one_thread():
            both.wait()
            if order:
                left.wait()
        left.set()

    left = threading.Event()
    threads = [threading.Thread(target=compute, args=(order,)) for order in (0, 1)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        fresh: list[int] = []
        later = threading.Thread(target=lambda: fresh.append(torch.get_num_threads()))
        later.start()
        later.join()
        assert (torch.get_num_threads(), fresh) == (2, [2])
    finally:
        torch.set_num_threads(before)


def test_the_cost_is_that_of_its_own_learning() -> None:
    net, (x, y) = tiny_network(tasks=["low", "iris"]), tiny_task("high")
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            net.predict(x[:5])
            net.predict(tiny_task("iris")[0][:5])

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        cost = net.learn("high", x, y, epochs=3, hidden=8, links="none").cost
    finally:
        stop.set()
        asking.join()
    assert cost.read == 0  # it reads no task's pathway itself
