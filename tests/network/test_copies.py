"""Networks that are pickled, copied, or inherited by a forked child."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np
import pytest
from raising import raises_error
from sklearn.base import clone

import senpath as sp
from senpath.sklearn import SENClassifier
from senpath.testing import ConstantMethod, tiny_network, tiny_task

Copy = Callable[[sp.Network, Path], sp.Network]


def by_joblib(net: sp.Network, scratch: Path) -> sp.Network:
    joblib.dump(net, scratch / "net.joblib")
    restored: sp.Network = joblib.load(scratch / "net.joblib")
    return restored


def by_pickle(net: sp.Network, scratch: Path) -> sp.Network:
    restored: sp.Network = pickle.loads(pickle.dumps(net))  # noqa: S301
    return restored


COPIES: dict[str, Copy] = {"pickle": by_pickle, "deepcopy": lambda net, _: copy.deepcopy(net), "joblib": by_joblib}


WAYS = ["pickle", *(pytest.param(way, marks=pytest.mark.slow("as pickle does")) for way in ("deepcopy", "joblib"))]


@pytest.mark.parametrize("way", WAYS)
def test_a_copy_opens_the_same_folder(way: str, tmp_path: Path) -> None:
    net = tiny_network(tmp_path / "net", ["low"], lock_seconds=3.0)
    twin = COPIES[way](net, tmp_path)
    assert twin.path == net.path
    twin.learn("iris", *tiny_task("iris"), method=ConstantMethod())
    assert net.refresh()
    assert [*net.tasks] == ["low", "iris"]


@pytest.mark.parametrize("way", WAYS)
def test_a_copy_of_a_temporary_network_has_its_content(way: str, tmp_path: Path) -> None:
    net, (x, _) = tiny_network(tasks=["low", "high"]), tiny_task("low")
    expected, folder = net.predict(x).label.tolist(), net.path
    twin = COPIES[way](net, tmp_path)
    del net
    gc.collect()
    assert not folder.exists()
    assert twin.predict(x).label.tolist() == expected
    folder = twin.path
    del twin
    gc.collect()
    assert not folder.exists()


def test_caches_tell_versions_apart(tmp_path: Path) -> None:
    """What keeps results by what went into them, as joblib.Memory does, knows a network by its pickle."""
    net, (x, y) = tiny_network(tmp_path / "net", ["low"]), tiny_task("iris")
    reader = sp.Network(tmp_path / "net")
    before = joblib.hash(reader)
    assert joblib.hash(sp.Network(tmp_path / "net")) == before
    net.learn("iris", x, y, method=ConstantMethod())
    assert joblib.hash(reader) == before
    reader.refresh()
    assert joblib.hash(reader) != before
    trusted = net.__reduce__()[1][3]["trust"]
    assert trusted == sorted(trusted)  # so that another process makes the same bytes
    assert pickle.loads(pickle.dumps(net)).predict(x[:2]).label.tolist() == net.predict(x[:2]).label.tolist()  # noqa: S301


def test_a_pickle_whose_folder_is_gone(tmp_path: Path) -> None:
    packed = pickle.dumps(tiny_network(tmp_path / "net", ["low"]))
    shutil.rmtree(tmp_path / "net")
    with raises_error(sp.StoreError, "which was pickled", expected="a folder with network.json", got="none", do="copy the folder along"):
        pickle.loads(packed)  # noqa: S301
    assert not (tmp_path / "net").exists()


def test_a_pickle_whose_folder_is_another_networks(tmp_path: Path) -> None:
    packed = pickle.dumps(tiny_network(tmp_path / "net", ["low"]))
    shutil.rmtree(tmp_path / "net")
    tiny_network(tmp_path / "net", ["low"])
    with raises_error(sp.StoreError, "which was pickled", expected="the network that it was", got="another one"):
        pickle.loads(packed)  # noqa: S301


@pytest.mark.slow("learns twice")
@pytest.mark.parametrize("way", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_view_says_what_is_to_be_sent(way: Callable[[object], object]) -> None:
    net = tiny_network(tasks=["iris"])
    with pytest.raises(TypeError, match=r"a view of .* cannot be pickled or copied; send the network, or what Network.opener"):
        way(net.view)
    assert pickle.loads(pickle.dumps(net.opener()))().version == net.version  # noqa: S301 (its own)


def test_classifiers_are_copied_and_cloned() -> None:
    x, y = tiny_task("iris")
    fitted = SENClassifier("mlp", epochs=1, hidden=4).fit(x, y)
    expected = fitted.predict_proba(x)
    for twin in (copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted)), clone(fitted).fit(x, y)):  # noqa: S301
        np.testing.assert_array_equal(twin.predict_proba(x), expected)


@pytest.mark.parametrize(
    "make",
    [
        lambda folder: tiny_network(tasks=["low"]),
        lambda folder: sp.Network.from_pretrained(tiny_network(folder / "net", ["low"]).path),
        lambda folder: copy.deepcopy(tiny_network(tasks=["low"])),
    ],
    ids=["Network()", "from_pretrained", "deepcopy"],
)
def test_a_forked_child_leaves_the_folder(make: Callable[[Path], sp.Network], tmp_path: Path) -> None:
    nets = [make(tmp_path)]
    folder = nets[0].path
    child = os.fork()
    if child == 0:  # in which the network goes
        nets.clear()
        gc.collect()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert nets[0].predict(tiny_task("low")[0][:2]).task.tolist() == ["low", "low"]
    nets[0].remove("low")
    nets.clear()
    gc.collect()
    assert not folder.exists()


AFTER_THREADS = """
import os, signal, sys
import numpy as np, torch, senpath as sp
from senpath.testing import ConstantMethod, tiny_task
torch.set_num_threads(2)  # whatever the environment says
net = sp.Network(sys.argv[1])
x = np.random.default_rng(0).random((200, 32, 32))
net.learn("a", x, np.arange(200) % 4, method=ConstantMethod())
expected = net.predict(x, task="a").label.tolist()
torch.rand(800, 800) @ torch.rand(800, 800)
assert torch.get_num_threads() == 2
child = os.fork()
if child == 0:
    signal.alarm(60)
    right = net.predict(x, task="a").label.tolist() == expected
    net.learn("b", *tiny_task("low"), epochs=1)
    os._exit(0 if right and torch.get_num_threads() == 2 else 1)
assert os.waitpid(child, 0)[1] == 0
assert net.refresh()
"""


@pytest.mark.slow("starts a process that forks")
def test_a_child_that_is_forked_after_torchs_threads_worked(tmp_path: Path) -> None:
    """They are not there in the child, where OpenMP waits for them for ever: workers of a server that answered before it forked."""
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
    command = [sys.executable, "-W", "ignore", "-c", AFTER_THREADS, str(tmp_path / "net")]
    subprocess.run(command, env=environment, check=True, timeout=120)
    assert [*sp.Network(tmp_path / "net").tasks] == ["a", "b"]
