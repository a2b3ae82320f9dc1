"""Networks as MLflow models: what is written, what is read, and what is served."""

from __future__ import annotations

import importlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import senpath as sp
from senpath.testing import ConstantMethod
from tests.raising import raises_error

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
with warnings.catch_warnings():  # of its own types, when it is imported
    warnings.simplefilter("ignore")
    mlflow = pytest.importorskip("mlflow", reason="needs senpath[mlflow]")
    from senpath.mlflow import log_model, save_model

Labelled = tuple[np.ndarray, np.ndarray]
pytestmark = pytest.mark.filterwarnings("default:Operation with range is deprecated")  # MLflow's, with pandas 3
NAMES = ["sepal length", "sepal width", "petal length", "petal width"]


@pytest.fixture(scope="module")
def net(digits: Labelled, iris: Labelled) -> sp.Network:
    net = sp.Network()
    net.learn("digits", digits[0][:100], digits[1][:100], method=ConstantMethod())
    net.learn(
        "iris", pd.DataFrame(iris[0], columns=NAMES), np.array(["setosa", "versicolor", "virginica"])[iris[1]], method=ConstantMethod()
    )
    net.learn("mood", ["fine", "good", "bad", "poor"] * 3, ["up", "up", "down", "down"] * 3, method=ConstantMethod())
    return net


def rows(iris: Labelled) -> pd.DataFrame:
    return pd.DataFrame(iris[0][::30], columns=NAMES)


@pytest.mark.parametrize("form", ["rows", "pictures", "texts"])
def test_a_saved_model_answers_as_the_network_does(net: sp.Network, digits: Labelled, iris: Labelled, tmp_path: Path, form: str) -> None:
    inputs: Any = {"rows": rows(iris), "pictures": digits[0][:5], "texts": ["fine", "poor"]}[form]
    save_model(net, tmp_path / "model", inputs)
    files = {str(path.relative_to(tmp_path / "model")) for path in (tmp_path / "model").rglob("*") if path.is_file()}
    assert {"served.py", "artifacts/network/network.json", "artifacts/network/README.md", "input_example.json"} <= files
    assert not [name for name in files if name.endswith((".pkl", ".pickle"))]
    model = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    given = pd.DataFrame({"text": inputs}) if form == "texts" else inputs
    told, expected = model.predict(given), net.predict(inputs)
    assert told["task"].tolist() == expected.task.tolist()
    assert told["label"].tolist() == [
        label if isinstance(label, str) or label is None else json.dumps(int(label)) for label in expected.label
    ]
    np.testing.assert_allclose(told["confidence"], expected.confidence, atol=1e-6)
    signature = model.metadata.signature
    assert signature.inputs.is_tensor_spec() == (form == "pictures")
    assert signature.outputs.input_names() == ["task", "label", "confidence", "ood_score", "reason"]
    assert len(model.input_example) == len(inputs)
    assert model.metadata.metadata["senpath"]["tasks"] == ["digits", "iris", "mood"]


def test_the_signature_refuses_other_columns(net: sp.Network, iris: Labelled, tmp_path: Path) -> None:
    save_model(net, tmp_path / "model", rows(iris))
    model = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    with pytest.raises(mlflow.MlflowException, match="sepal width"):
        model.predict(rows(iris).drop(columns="sepal width"))


def test_nobody_has_to_send_the_labels_that_an_example_has(net: sp.Network, iris: Labelled, tmp_path: Path) -> None:
    frame = rows(iris)
    save_model(net, tmp_path / "model", frame.assign(kind="setosa", price=1))
    model = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    assert model.metadata.signature.inputs.input_names() == NAMES
    assert model.predict(frame)["task"].tolist() == ["iris"] * len(frame)


def test_a_run_logs_it(net: sp.Network, iris: Labelled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "runs").as_uri())
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # the small package has no database
    with mlflow.start_run():
        info = log_model(net, rows(iris))
    model = mlflow.pyfunc.load_model(info.model_uri)
    assert set(model.predict(rows(iris))["task"].dropna()) <= {"iris"}


@pytest.mark.parametrize("example", [None, [], [1.0, 2.0], pd.DataFrame(), "text"])
def test_examples_that_say_nothing(net: sp.Network, tmp_path: Path, example: Any) -> None:
    with raises_error(sp.InputError, "example", expected="a data frame, a list of texts, or an array of pictures"):
        save_model(net, tmp_path / "model", example)
    assert not (tmp_path / "model").exists()


def test_an_example_that_no_task_reads(net: sp.Network, tmp_path: Path) -> None:
    with raises_error(sp.InputError):
        save_model(net, tmp_path / "model", pd.DataFrame({"other": [1.0, 2.0]}))
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("dtype", "other", "values"),
    [("Int64", float, [0, 1, None]), ("boolean", object, [True, False, None]), ("category", object, ["u", "v", "u"])],
)
def test_columns_of_types_that_mlflow_does_not_take(tmp_path: Path, dtype: str, other: type, values: list[Any]) -> None:
    frame = pd.DataFrame({"size": np.arange(30.0), "part": pd.Series(values * 10, dtype=dtype)})
    net = sp.Network()
    net.learn("parts", frame, ["small"] * 15 + ["big"] * 15, method=ConstantMethod())
    do = f"Give it as {other.__name__}, here and whenever the model is asked: frame.astype({{'part': {other.__name__}}})"
    with raises_error(sp.InputError, "column 'part' of the example", expected="a type that MLflow takes", got=dtype, do=do):
        save_model(net, tmp_path / "model", frame)
    plain, expected = frame.astype({"part": other}), net.predict(frame)
    save_model(net, tmp_path / "model", plain)
    answers = mlflow.pyfunc.load_model(tmp_path / "model").predict(plain)
    assert answers["label"].tolist() == expected.label.tolist()
    np.testing.assert_allclose(answers["confidence"], expected.confidence, rtol=1e-5)


@contextmanager
def served(model: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    scripts = Path(sys.executable).parent  # mlflow starts uvicorn by its name
    command = [str(scripts / "mlflow"), "models", "serve", "-m", str(model), "--env-manager", "local"]
    around = {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
    process = subprocess.Popen([*command, "-h", "127.0.0.1", "-p", str(port)], stderr=subprocess.PIPE, text=True, env=around)
    try:
        address, end = f"http://127.0.0.1:{port}", time.monotonic() + 240
        while True:
            try:
                urllib.request.urlopen(f"{address}/ping").close()
                break
            except OSError:
                assert process.poll() is None, process.stderr.read() if process.stderr else ""
                assert time.monotonic() < end
                time.sleep(1)
        yield address
    finally:
        process.terminate()
        process.communicate(timeout=60)


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    for name in [name for name in sys.modules if name.startswith("senpath.mlflow")]:
        monkeypatch.delitem(sys.modules, name)
    with raises_error(sp.MissingExtraError, "senpath.mlflow", expected="mlflow", do="pip install 'senpath[mlflow]'"):
        importlib.import_module("senpath.mlflow")


@pytest.mark.slow("starts MLflow's server")
def test_mlflow_serves_it(net: sp.Network, iris: Labelled, tmp_path: Path) -> None:
    save_model(net, tmp_path / "model", rows(iris))
    body = (tmp_path / "model" / "serving_input_example.json").read_bytes()
    with served(tmp_path / "model") as address:
        request = urllib.request.Request(f"{address}/invocations", data=body, headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            told = json.load(answer)["predictions"]
    expected = net.predict(rows(iris))
    assert [row["label"] for row in told] == expected.label.tolist()
    np.testing.assert_allclose([row["confidence"] for row in told], expected.confidence, atol=1e-6)
