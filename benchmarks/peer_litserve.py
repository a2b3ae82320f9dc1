"""LitServe with a bare MLP, run by a Python that has litserve: `python -m benchmarks.peer_litserve PORT`."""

import sys
from typing import Any

import litserve  # type: ignore[import-not-found]
import torch

from benchmarks.peer_mlp import make_model


class Mlp(litserve.LitAPI):  # type: ignore[misc]
    """784 numbers to 10 probabilities, up to 64 requests at once."""

    def setup(self, device: str) -> None:
        self.model = make_model()

    def decode_request(self, request) -> torch.Tensor:  # type: ignore[no-untyped-def]  # LitServe reads the annotation
        return torch.tensor(request["input"])

    def batch(self, inputs: list[torch.Tensor]) -> torch.Tensor:
        return torch.stack(inputs)

    def predict(self, x: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            return self.model(x)

    def encode_response(self, output: torch.Tensor) -> Any:
        return {"probabilities": output.tolist()}


if __name__ == "__main__":
    server = litserve.LitServer(Mlp(max_batch_size=64, batch_timeout=0.002), accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="error")
