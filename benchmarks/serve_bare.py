"""What any HTTP server here can do at most: `python -m benchmarks.serve_bare PORT`.

uvicorn with an application of a few lines, which parses the same body, makes an array of it and answers a constant as long as an answer of
senpath's.
"""

import sys
from typing import Any

import numpy as np
import orjson
import uvicorn

PART = {"task": "fashion", "label": 7, "probability": 0.9876543210123456}
RAN = {"tasks": ["fashion", "mnist"], "sources": [], "weights": 123456, "of": 987654}
ONE = {"task": "fashion", "label": 7, "confidence": 0.9876543210123456, "top": [PART] * 5, "ood_score": 0.5, "reason": None, "ran": RAN}
ANSWER = orjson.dumps({"version": 4, "answers": [ONE | {"modality": "image"}]})
START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(ANSWER)).encode())],
}


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    if scope["path"] == "/predict":
        np.array(orjson.loads(body)["input"])
    await send(START)
    await send({"type": "http.response.body", "body": ANSWER})


if __name__ == "__main__":
    uvicorn.run(application, port=int(sys.argv[1]), lifespan="off", access_log=False, log_level="error", server_header=False)  # type: ignore[arg-type]
