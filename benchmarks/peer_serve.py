"""Other servers with a bare MLP, run by a Python that has litserve and mlflow: `python -m benchmarks.peer_serve litserve|mlflow PORT`."""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import nn


def make_model() -> nn.Module:
    """784 numbers to 10 probabilities."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10), nn.Softmax(1)).eval()


def serve_litserve(port: int) -> None:
    """Serve it by LitServe, with its batching."""
    import litserve

    class Mlp(litserve.LitAPI):  # type: ignore[misc]
        def setup(self, device: str) -> None:
            self.model = make_model()

        def decode_request(self, request: Any) -> torch.Tensor:
            return torch.tensor(request["input"])

        def batch(self, inputs: list[torch.Tensor]) -> torch.Tensor:
            return torch.stack(inputs)

        def predict(self, x: torch.Tensor) -> torch.Tensor:
            with torch.inference_mode():
                return self.model(x)

        def encode_response(self, output: torch.Tensor) -> Any:
            return {"probabilities": output.tolist()}

    server = litserve.LitServer(Mlp(max_batch_size=64, batch_timeout=0.002), accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=port, generate_client_file=False, log_level="error")


def serve_mlflow(port: int) -> None:
    """Serve it by MLflow, as `mlflow models serve` does."""
    import mlflow.pyfunc

    class Mlp(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
        def load_context(self, context: Any) -> None:
            self.model = make_model()

        def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
            with torch.inference_mode():
                return self.model(torch.as_tensor(model_input, dtype=torch.float32)).numpy()

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        mlflow.pyfunc.save_model(path, python_model=Mlp(), pip_requirements=[])
        command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", str(path), "--env-manager", "local"]
        process = subprocess.Popen([*command, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"])
        try:
            process.wait()
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    {"litserve": serve_litserve, "mlflow": serve_mlflow}[sys.argv[1]](int(sys.argv[2]))
