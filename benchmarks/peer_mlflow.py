"""MLflow with a bare MLP, run by a Python that has mlflow: `python -m benchmarks.peer_mlflow PORT`.

The application is that of `mlflow models serve --env-manager local`, run by uvicorn as there.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import mlflow.pyfunc  # type: ignore[import-not-found]
import torch
import uvicorn
from mlflow.pyfunc.scoring_server import init  # type: ignore[import-not-found]

from benchmarks.peer_mlp import make_model


class Mlp(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """784 numbers to 10 probabilities."""

    def load_context(self, context: Any) -> None:
        self.model = make_model()

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        with torch.inference_mode():
            return self.model(torch.as_tensor(model_input, dtype=torch.float32)).numpy()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        mlflow.pyfunc.save_model(path, python_model=Mlp(), pip_requirements=[])
        uvicorn.run(init(mlflow.pyfunc.load_model(str(path))), host="127.0.0.1", port=int(sys.argv[1]), log_level="error")
