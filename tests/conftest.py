"""What all tests share: small real data, networks that are grown once, and looking at what a network's folder holds."""

from __future__ import annotations

import gc
import hashlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock
from sklearn.datasets import load_digits, load_iris
from xdist.scheduler import LoadScopeScheduling

from benchmarks.cloud.service import environment, running_moto
from senpath import data
from senpath.inputs.encoders import ENCODERS
from senpath.methods.registry import METHODS

Labelled = tuple[np.ndarray, np.ndarray]
Build = Callable[[Path], object]


TOGETHER = {
    "Ray": (
        "tests/parallel/test_pool.py",
        "tests/cluster/",
        "tests/documents/test_api_reference.py",
        "tests/experiments/test_experiment.py",
        "tests/methods/munet/test_interrupted.py",
        "tests/server/test_ray.py",
    )
}
"""Files whose slow tests are for one test process, one after the other, for they share a Ray (`with_ray`); the first begins with tests
that end theirs."""
ALONE = FileLock(Path(tempfile.gettempdir()) / "senpath-tests-ray.lock")
"""Held while there is a Ray: on two cores two of them take each other for dead."""
LONG = (
    "Ray",
    "tests/test_docs.py",
    "tests/server/test_jobs.py",
    "tests/components/test_exported_kinds.py",
    "tests/server/test_page_flows.py",
    "tests/server/test_document.py",
    "tests/documents/test_site.py",
    "tests/methods/test_extend.py",
    "tests/network/test_many_tasks.py",
)
"""Groups and files of slow tests that take longest. They begin, so that no test process has much to do when the other has ended."""


def pytest_configure() -> None:
    """Ctrl-C is heard here and in processes that tests start, also where the tests themselves were started in the background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that is marked as slow says why; those that take longest come first, and a group's files in its order."""
    for item in items:
        mark = item.get_closest_marker("slow")
        if mark is None:
            continue
        if not (len(mark.args) == 1 and isinstance(mark.args[0], str) and mark.args[0]):
            raise pytest.UsageError(f"{item.nodeid}: write @pytest.mark.slow(reason), with a reason")
    items.sort(key=lambda item: turn_of(item.nodeid))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """The Ray that tests share ends with the last of them."""
    yield
    if group_of(item.nodeid) == "Ray" and (nextitem is None or group_of(nextitem.nodeid) != "Ray"):
        end_ray()


def end_ray() -> None:
    """End the Ray of this process, if there is one; others may have theirs."""
    if "ray" in sys.modules:
        sys.modules["ray"].shutdown()
    ALONE.release(force=True)


def turn_of(test: str) -> tuple[int, int]:
    """When a test's file comes: of all groups, and in its own."""
    group = group_of(test)
    place = next((place for place, file in enumerate(TOGETHER.get(group, ())) if test.startswith(file)), 0)
    return LONG.index(group) if group in LONG else len(LONG), place


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where slow tests alone are asked for, files that do not speak of any are not even imported."""
    alone = config.getoption("markexpr") == "slow" and collection_path.match("test_*.py")
    return True if alone and "slow" not in collection_path.read_text(encoding="utf-8") else None


def group_of(test: str) -> str:
    """Its file, or the group that the file is in."""
    file = test.partition("::")[0]
    return next((group for group, files in TOGETHER.items() if file.startswith(files)), file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """With `--dist loadfile` the tests of a file, or of a group of files, stay together."""
    return _Groups(config, log) if config.getoption("dist") == "loadfile" else None


class _Groups(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: the garbage collector need not look through it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def no_waiting_for_the_disk() -> Iterator[None]:
    """Tests end processes, not the machine: what was written need not have reached the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


@pytest.fixture(scope="session")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Build], Path]:
    """A function: a name, and how to build something in a new folder → that folder, built by the first test process that asks for it.

    It belongs to all test processes: copy what a test changes.
    """
    own = tmp_path_factory.getbasetemp()
    shared = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "built once"

    def look_up(name: str, build: Build) -> Path:
        folder = shared / name
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not folder.exists():
                half = folder.with_name(f"{folder.name} (half built)")
                shutil.rmtree(half, ignore_errors=True)
                build(half)
                half.rename(folder)
        return folder

    return look_up


@pytest.fixture(scope="session")
def digits() -> Labelled:
    """400 handwritten digits (UCI, in scikit-learn): uint8 (400, 8, 8) in 0 … 255, read-only as memory maps are, and int labels."""
    bunch = load_digits()
    x = (bunch.images[:400] * 255 / 16).round().astype(np.uint8)
    x.setflags(write=False)
    return x, bunch.target[:400]


@pytest.fixture
def without_ray() -> Iterator[None]:
    """There is no Ray yet: the test begins and ends its own."""
    end_ray()
    with ALONE:
        yield


@pytest.fixture(scope="module")
def with_ray(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A Ray of two CPUs, which modules share, for it takes seconds to start; what they call leaves it as it is.

    For its processes s3:// is the service of `moto`.
    """
    ray = pytest.importorskip("ray", reason="needs senpath[ray]")
    if not ray.is_initialized():
        ALONE.acquire()
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(Path(__file__).parent)  # its processes start here, also when a test's own folder is gone
            for name, value in environment(request.getfixturevalue("moto")).items():
                patch.setenv(name, value)
            quiet = {"include_dashboard": False, "log_to_driver": False, "logging_level": "ERROR"}
            ray.init(address="local", num_cpus=2, object_store_memory=2 * 10**8, **quiet)
    yield ray
    assert ray.is_initialized()


@pytest.fixture(scope="session")
def iris() -> Labelled:
    """150 flowers in 4 numbers, shuffled: float64 (150, 4), read-only, and int labels."""
    bunch = load_iris()
    order = np.random.default_rng(0).permutation(len(bunch.target))
    x = bunch.data[order]
    x.setflags(write=False)
    return x, bunch.target[order]


@pytest.fixture(scope="session")
def letters() -> dict[str, Labelled]:
    """Real handwritten letters, "lower" and "upper": 1,000 images of 28 × 28 pixels each, and labels. Skips without SENPATH_DATA."""
    if not os.environ.get("SENPATH_DATA"):
        pytest.skip("SENPATH_DATA is not set: this test reads real letters")
    random = np.random.default_rng(0)
    sets = {}
    for name in ("lower", "upper"):
        x, y = data.load(name)
        chosen = random.choice(len(y), 1000, replace=False)
        sets[name] = x[chosen], np.asarray(y)[chosen]
    return sets


@pytest.fixture(scope="session")
def contents() -> Callable[[Path], dict[str, str]]:
    """A function: folder → for every file in it, its relative path and a hash of its content; folders have the hash ''."""

    def look(folder: Path) -> dict[str, str]:
        return {
            str(path.relative_to(folder)): "" if path.is_dir() else hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*"))
        }

    return look


@pytest.fixture(scope="session")
def unchanged(contents: Callable[[Path], dict[str, str]]) -> Callable[[Path], AbstractContextManager[None]]:
    """A context manager: what is in a folder after is, byte by byte, what was in it before."""

    @contextmanager
    def watch(folder: Path) -> Iterator[None]:
        before = contents(folder)
        yield
        assert contents(folder) == before

    return watch


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    """The endpoint of a real S3 interface, see `running_moto`."""
    pytest.importorskip("obstore")
    pytest.importorskip("moto")
    with running_moto() as endpoint:
        yield endpoint


@pytest.fixture
def registries() -> Iterator[None]:
    """What a test registers, as a document or an example does, is forgotten after it."""
    tables = (METHODS, ENCODERS)
    before = [dict(table) for table in tables]
    yield
    for table, content in zip(tables, before, strict=True):
        table.clear()
        table.update(content)
