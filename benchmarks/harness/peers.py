"""Another library as a peer, in the Python of an environment of its own (`make peer` makes one)."""

import json
import os
import signal
import subprocess
import tempfile
from pathlib import Path

from senpath.experiments.records import Record

PEER = {"--peer": {"help": "a Python with avalanche-lib 0.6", "metavar": "PYTHON"}}
"""The option that names it."""


def ask_peer(python: str, module: str, *arguments: object) -> Record:
    """What a script says last.

    Raises:
        RuntimeError: if it fails.
    """
    records, reason = follow_peer(python, module, *arguments)
    if reason:
        raise RuntimeError(f"{python} -m {module}: {reason}")
    return records[-1]


def follow_peer(python: str, module: str, *arguments: object, most: float | None = None) -> tuple[list[Record], str | None]:
    """All that a script says, a JSON object a line, and why it did not end by itself, if so.

    Args:
        python: the interpreter.
        module: of the script.
        arguments: for it.
        most: seconds after which it is ended.
    """
    command = [python, "-m", module, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2]), "PYTHONWARNINGS": "ignore"}
    with tempfile.TemporaryDirectory() as folder:
        told, errors = Path(folder) / "told", Path(folder) / "errors"  # files, so that nothing is lost when it is ended
        with told.open("w") as out, errors.open("w") as err:
            try:
                code = subprocess.run(command, stdout=out, stderr=err, env=environment, timeout=most, check=False).returncode
                reason = _reason(code, errors) if code else None
            except subprocess.TimeoutExpired:
                reason = f"ended after {most:g} s"
        # A line that was cut off has no end.
        return [json.loads(line) for line in told.read_text(encoding="utf-8").splitlines(keepends=True) if line.endswith("\n")], reason


def _reason(code: int, errors: Path) -> str:
    if code == -signal.SIGKILL:
        return "killed, as a system out of memory does"
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
    lines = errors.read_text(encoding="utf-8", errors="replace").splitlines()
    return f"{how}: {lines[-1].strip() if lines else 'nothing said'}"
