"""The reference: what each public name has to say, and its example, which runs as it stands."""

from __future__ import annotations

import doctest
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sphinx", reason="needs the extra docs")

from tools.site.complete import AT_CLASS, faults, public_things
from tools.site.public import docstring_of
from tools.site.reference import SETUP

THINGS = public_things()
NEEDS = {
    "senpath.mlflow.": "mlflow",
    "senpath.tracking.MLflow": "mlflow",
    "senpath.tracking.TensorBoard": "tensorboard",
    "senpath.tracking.WeightsAndBiases": "wandb",
    "senpath.avalanche.": "avalanche",
    "senpath.Network.export_": "onnx",
    "senpath.predict_dataset": "ray",
    "senpath.evaluate_dataset": "ray",
    "senpath.Client": "fastapi",
    "senpath.client.": "fastapi",
}
"""Whose examples need an extra; loading these takes seconds."""
LONG = {
    *("senpath.Network.plot", "senpath.Network.learn_many", "senpath.Network.extend", "senpath.MultimodalPrediction", "senpath.Routed"),
    *("senpath.Extend", "senpath.Allocation", "senpath.Moe", "senpath.Callback", "senpath.TaskChange", "senpath.Learned"),
    *("senpath.testing.check_method", "senpath.sklearn.SENClassifier", "senpath.sklearn.SENRegressor", "senpath.evaluation.Growing"),
    *("senpath.Network.review", "senpath.Network.commit", "senpath.Review", "senpath.Proposal", "senpath.Sen", "senpath.snapshot.Method"),
    *("senpath.testing.ConstantMethod", "senpath.Root", "senpath.Munet", "senpath.evaluation.Growing"),
    *("senpath.data.embedded_tasks", "senpath.experiment", "senpath.ExperimentResults", "senpath.Data"),
}
"""Whose examples train for some tenths of a second."""


def extra_of(name: str) -> str | None:
    return next((extra for start, extra in NEEDS.items() if name.startswith(start)), None)


SHOWN = [name for name in THINGS if not name.startswith(AT_CLASS)]
QUICK = [name for name in SHOWN if extra_of(name) is None and name not in LONG]


@pytest.mark.parametrize("name", THINGS)
def test_a_public_name_is_described(name: str) -> None:
    assert not list(faults(name, THINGS[name])), f"see the docstring of {name}"


def test_a_name_that_says_too_little_is_noticed() -> None:
    def made_up(rows: Any, labels: Any) -> None:
        """Do something.

        Args:
            rows: some numbers.
        """
        raise ValueError

    made_up.__annotations__["rows"] = "np.ndarray"
    assert set(faults("senpath.made_up", made_up)) == {
        "has no example",
        "does not say what labels is",
        "does not say which shape rows has",
        "does not say what it raises",
    }


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the network that examples begin with."""
    folder = tmp_path_factory.mktemp("examples")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        exec(SETUP, {})
    return folder / "tiny.sen"


@pytest.fixture
def run(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registries: None) -> Any:
    """A function: runs the example of a public name, in a folder with a network of its own."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny, "tiny.sen")

    def run_example(name: str, **more: Any) -> None:
        state = {"tiny_network": None}
        exec(SETUP.replace("tiny_network(", "sp.Network("), state)  # the network is there
        exec("from senpath.testing import tiny_network", state)
        example = doctest.DocTestParser().get_doctest(docstring_of(name, THINGS[name]), {**state, **more}, name, None, 0)
        assert example.examples
        said: list[str] = []
        doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS).run(example, out=said.append)
        assert not said, "".join(said)

    return run_example


@pytest.mark.parametrize("name", QUICK)
def test_an_example_runs(name: str, run: Any) -> None:
    run(name)


@pytest.mark.slow("trains, or loads an extra")
@pytest.mark.filterwarnings("ignore:.*ype hint:UserWarning", "ignore::FutureWarning", "ignore::DeprecationWarning")  # of other packages
@pytest.mark.parametrize("name", [name for name in SHOWN if name not in QUICK])
def test_an_example_that_takes_longer_runs(name: str, run: Any, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    extra = extra_of(name)
    if extra is not None and find_spec(extra) is None:
        pytest.skip(f"{extra} is not installed")
    if extra == "ray":
        request.getfixturevalue("with_ray")
    if extra != "fastapi":
        run(name)
        return
    import senpath as sp
    from senpath.server.app import create_app
    from senpath.serving.settings import ServerSettings
    from tests.listening import listen

    with listen(create_app(Path("tiny.sen"), ServerSettings())) as url, sp.Client(url) as client:
        run(name, url=url, client=client)
