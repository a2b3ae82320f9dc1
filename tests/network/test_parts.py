"""Large batches are encoded and answered in parts: the same answers, in bounded memory."""

from __future__ import annotations

import subprocess
import sys

import pytest

from senpath.testing import tiny_network, tiny_task

MEASURE = """
import resource
from senpath.testing import tiny_network

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

net = tiny_network(tasks=["weather"])
texts = [f"a cold night {number % 977} and {number % 31}" for number in range(20_000)]
net.predict(texts[:3000])
before = peak()
answers, encoded = net.predict(texts), net.encode(texts)
print(len(answers), len(encoded), peak() - before)
"""


def test_parts_change_no_bit() -> None:
    net, (texts, _) = tiny_network(tasks=["weather"]), tiny_task("weather")
    many = [f"{text} once more" for text in texts] * 40  # more than are encoded at once, and no multiple of it
    answers, halves = net.predict(many), net.predict(net.encode(many))
    assert (answers.confidence == halves.confidence).all()
    assert list(answers.label[-60:]) == list(answers.label[:60]) == list(net.predict(many[:60]).label)


@pytest.mark.slow("encodes 40,000 texts in a process of its own")
def test_memory_does_not_grow_with_the_batch() -> None:
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", MEASURE], capture_output=True, text=True, check=True)
    answered, encoded, megabytes = done.stdout.split()
    assert (answered, encoded) == ("20000", "20000")
    assert float(megabytes) < 250  # all of them encoded at once: 330 MB, and twice that on the way
