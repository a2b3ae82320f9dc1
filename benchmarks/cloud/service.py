"""A real S3 interface on this machine: `moto`, in a process of its own, on loopback."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

BUCKET = "bucket"
SECRET = "a-secret-that-nobody-may-see"
SERVER = """
import logging, sys
logging.disable()
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
port = server.get_host_and_port()[1]
import urllib.request
for bucket in sys.argv[1:]:
    urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/{bucket}", method="PUT", headers={"Host": f"127.0.0.1:{port}"}))
print(port, flush=True)
sys.stdin.read()
"""


def environment(endpoint: str) -> dict[str, str]:
    """What has to be in the environment so that s3:// is this server."""
    return {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
    }


@contextmanager
def running_moto() -> Iterator[str]:
    """Its endpoint, with the bucket `BUCKET`.

    Raises:
        RuntimeError: if it does not start, because moto is not installed.
    """
    plain = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, BUCKET], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**plain, **environment("")}
    )
    assert process.stdout is not None
    try:
        port = process.stdout.readline().strip()
        if not port:
            raise RuntimeError("moto did not start; pip install 'moto[s3]' flask flask-cors")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.communicate(timeout=10)
