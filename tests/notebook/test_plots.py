"""Charts of networks, confusions, candidates and ood scores."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import senpath as sp
from senpath.testing import ConstantMethod, tiny_network, tiny_task
from tests.raising import raises_error

pytest.importorskip("matplotlib")


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def net() -> sp.Network:
    net = tiny_network(tasks=["low", "high", "iris"])
    net.learn("$x_1$", *tiny_task("weather"), method=ConstantMethod())
    return net


def words(axes: object) -> list[str]:
    return [text.get_text() for text in axes.findobj(lambda part: hasattr(part, "get_text"))]  # type: ignore[attr-defined]


def test_network(net: sp.Network) -> None:
    axes = net.plot()
    axes.figure.canvas.draw()
    assert {"low", "high", "iris", r"\$x_1\$"} <= {*words(axes)}
    assert [bar.get_width() for bar in axes.patches[:4]] == [task.weights for task in net.tasks.values()]
    assert len([text for text in axes.texts if text.arrow_patch is not None]) == 1


def test_confusion_of_tasks_and_of_classes(net: sp.Network) -> None:
    measured = sp.evaluate(net, {task: tiny_task(task) for task in ("low", "high", "iris")})
    axes = measured.plot()
    assert {"none fits", "low"} <= {*words(axes)}
    assert f"{measured.confusion['iris']['iris']:,}" in words(axes)
    axes = measured.plot("low")
    matrix = measured.by_class["low"].matrix
    np.testing.assert_allclose(axes.images[0].get_array(), matrix / matrix.sum(1, keepdims=True))
    with raises_error(sp.InputError, what="task", expected="a classification that was measured: 'low', 'high', 'iris'", got="'other'"):
        measured.plot("other")


def test_candidates_and_ood_scores(net: sp.Network) -> None:
    answers = net.predict([*tiny_task("low")[0][:30], *tiny_task("iris")[0][:10]])
    left, right = answers.plot()
    assert sum(bar.get_width() for bar in left.containers[1]) + int(np.sum(answers.task == None)) == 40  # noqa: E711
    assert sum(bar.get_height() for bar in right.patches) == 40
    net.predict(tiny_task("low")[0][:3], task="low").plot()  # no scores, for the task was given


def test_on_axes_of_the_caller(net: sp.Network) -> None:
    from matplotlib import pyplot

    axes = pyplot.subplots()[1]
    assert net.plot(axes) is axes
