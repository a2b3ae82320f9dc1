"""Who opens a network of torch pathways, asks it or teaches it images does not pay for libraries that only other tasks need."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import senpath as sp

Labelled = tuple[np.ndarray, np.ndarray]
STATM = Path("/proc/self/statm")
MOST = 60 * 2**20
"""Bytes that the import and an opened network may add; scikit-learn, skops and scipy alone are over 100 MB."""
LARGE = ("jinja2", "librosa", "matplotlib", "pandas", "scipy", "sklearn", "skops")
SMALL = (
    "net.predict(x); net.predict(x, task='digits'); net.explain(x[0]); net.verify()",
    "net.learn('more', x, y, epochs=1, hidden=8, min_separability=0)",
    "net.learn('folded', x, y, model='cnn', epochs=1, hidden=8, min_separability=0)",
    "senpath.evaluate(net, {'digits': (x, [0, 1] * 20)}, record=True)",
    "other = senpath.Network(sys.argv[2])",
)
"""What needs no large library."""
TEXTS = "net.learn('texts', ['one text', 'two words'] * 5, y[:10], epochs=1, hidden=8)"
FITTED = "assert len(other.predict(x, task='fitted').label) == 40"
STEPS = ("import senpath", "net = senpath.Network(sys.argv[1])", *SMALL, TEXTS, FITTED)
PROGRAM = f"""
import json, os, sys
import numpy, torch

def resident():
    try:
        with open({str(STATM)!r}) as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0

x, y = numpy.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=numpy.uint8), [*'ab'] * 20
told, start = {{}}, resident()
for step in {STEPS!r}:
    exec(step)
    told[step] = resident() - start, [name for name in {LARGE!r} if name in sys.modules]
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, digits: Labelled) -> dict[str, tuple[int, list[str]]]:
    """For each step, taken one after another in a process of its own, the bytes added until then and the large libraries loaded."""
    folder = tmp_path_factory.mktemp("light")
    net, other = sp.Network(folder / "net.sen"), sp.Network(folder / "other.sen")
    x, y = digits[0][:60], digits[1][:60]
    net.learn("digits", x, y, epochs=1, hidden=8)
    other.learn("fitted", x, y, model="svm")
    run = subprocess.run([sys.executable, "-c", PROGRAM, net.path, other.path], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    answer: dict[str, tuple[int, list[str]]] = json.loads(run.stdout)
    return answer


@pytest.mark.slow("starts processes of its own")
@pytest.mark.parametrize("step", [*STEPS[:2], *SMALL])
def test_images_and_torch_models_load_no_large_library(told: dict[str, tuple[int, list[str]]], step: str) -> None:
    assert told[step][1] == []


def test_an_import_and_an_opened_network_are_small(told: dict[str, tuple[int, list[str]]]) -> None:
    if not STATM.exists():
        pytest.skip(f"{STATM} is not there: resident memory cannot be read on this system")
    assert all(told[step][0] < MOST for step in STEPS[:2])


def test_texts_need_no_more(told: dict[str, tuple[int, list[str]]]) -> None:
    assert told[TEXTS][1] == []


def test_a_fitted_estimator_needs_scipy_alone(told: dict[str, tuple[int, list[str]]]) -> None:
    assert "skops" not in told[FITTED][1]
    assert "scipy" in told[FITTED][1]
