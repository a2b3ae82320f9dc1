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
PROGRAM = f"""
import json, os, sys
import torch

def resident():
    try:
        with open({str(STATM)!r}) as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0

def tell():
    told.append([resident() - start, [name for name in {LARGE!r} if name in sys.modules]])

told, start = [], resident()
import senpath
tell()
net = senpath.Network(sys.argv[1])
tell()
%s
tell()
print(json.dumps(told))
"""


def told(net: Path, *lines: str) -> list[tuple[int, list[str]]]:
    """Bytes added and large libraries loaded: after the import, after opening, and after these lines, in a process of their own."""
    program = PROGRAM % "\n".join(["import numpy", *lines])
    run = subprocess.run([sys.executable, "-c", program, str(net)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    answer: list[tuple[int, list[str]]] = json.loads(run.stdout)
    return answer


@pytest.fixture
def folder(tmp_path: Path, digits: Labelled) -> Path:
    """A network of one torch pathway for images of 8 × 8 pixels."""
    net = sp.Network(tmp_path / "net.sen")
    net.learn("digits", *digits, epochs=1, hidden=8)
    return net.path


IMAGES = "x, y = numpy.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=numpy.uint8), [*'ab'] * 20"


@pytest.mark.parametrize(
    "line",
    [
        "net.predict(x); net.predict(x, task='digits'); net.explain(x[0]); net.verify()",
        "net.learn('more', x, y, epochs=1, hidden=8, min_separability=0)",
        "net.learn('more', x, y, model='cnn', epochs=1, hidden=8, min_separability=0)",
        "senpath.evaluate(net, {'digits': (x, y)}, record=True)",
    ],
    ids=["ask", "learn", "learn-cnn", "evaluate"],
)
def test_images_and_torch_models_load_no_large_library(folder: Path, line: str) -> None:
    assert [names for _, names in told(folder, IMAGES, line)] == [[], [], []]


def test_an_import_and_an_opened_network_are_small(folder: Path) -> None:
    if not STATM.exists():
        pytest.skip(f"{STATM} is not there: resident memory cannot be read on this system")
    imported, opened, _ = (size for size, _ in told(folder))
    assert imported < MOST
    assert opened < MOST


def test_scikit_learn_comes_with_the_pathway_that_needs_it(folder: Path, digits: Labelled) -> None:
    x, y = digits
    sp.Network(folder).learn("fitted", x, y + 10, model="svm")
    imported, _, answered = told(folder, IMAGES, "assert len(net.predict(x, task='fitted').label) == 40")
    assert imported[1] == []
    assert {"sklearn", "skops"} <= set(answered[1])


def test_it_comes_with_texts(folder: Path) -> None:
    _, opened, learned = told(folder, IMAGES, "net.learn('texts', ['one text', 'two words'] * 5, y[:10], epochs=1, hidden=8)")
    assert opened[1] == []
    assert "sklearn" in learned[1]
