"""Whether the server keeps its OpenAPI document, whatever it is asked: schemathesis, for minutes.

    python -m benchmarks.serve_contract [--minutes 10] [--seed 1] [--page docs/results/serve.md]

`senpath serve` on a small network, with an inbox, a draft and its owner's rights, on a port of this machine. Exit code 1 if something is
answered otherwise than declared, or the server wrote more on its standard error than a line of log a request.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx

from benchmarks.harness import write_section
from benchmarks.serve_soak.run import Server
from senpath.testing import tiny_network

OF_PARSERS = ("Invalid HTTP request", "Found invalid character")
"""How lines begin in which the parsers of HTTP and of uploads tell of what they refused."""
HOOKS = Path(__file__).resolve().parent.parent / "tests" / "server"


def ask(url: str, folder: Path, minutes: float, seed: int) -> tuple[bool, str]:
    """Let schemathesis ask; returns whether all was as declared, and the end of what it says."""
    draft = httpx.post(f"{url}/drafts", json={"task": "new"}).json()["id"]
    httpx.post(f"{url}/drafts/{draft}/examples", json={"examples": [{"input": "one", "label": "a"}]}).raise_for_status()
    known = {"name": ["low", "weather", "team"], "version": [1, 2], "draft": [draft], "n": [0, 1], "number": [1], "group": [1]}
    environment = {**os.environ, "SENPATH_KNOWN": json.dumps(known)}
    environment["PYTHONPATH"] = os.pathsep.join([str(HOOKS), environment.get("PYTHONPATH", "")])
    limits = ["--max-time", str(round(60 * minutes)), "--max-examples", str(max(20, int(60 * minutes))), "--seed", str(seed)]
    limits += ["--no-color", "--generation-database", "none"]
    command = [Path(sys.executable).with_name("st"), "--config-file", HOOKS / "schemathesis.toml", "run", f"{url}/openapi.json", *limits]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    print(done.stdout, done.stderr)
    return done.returncode == 0, done.stdout.rpartition("= SUMMARY")[2].partition("\n")[2].strip()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--page", type=Path, help="results page with marks for the section")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="contract-") as folder:
        path, log = tiny_network(Path(folder) / "team.sen", ["low", "weather"]).path, Path(folder) / "log"
        server = Server(path, 1, log)
        try:
            kept, summary = ask(server.url, Path(folder), arguments.minutes, arguments.seed)
        finally:
            server.stop()
        lines = log.read_text().splitlines()
    statuses: dict[int, int] = {}
    for line in lines:
        if line.startswith("{"):
            status = json.loads(line)["status"]
            statuses[status] = statuses.get(status, 0) + 1
    others = [line for line in lines if not line.startswith(("{", *OF_PARSERS))]
    told = ", ".join(f"{status}: {count:,}" for status, count in sorted(statuses.items()))
    cases = re.search(r"[\d,]+ generated.*", summary)
    text = (
        f"`python -m benchmarks.serve_contract --minutes {arguments.minutes:g} --seed {arguments.seed}`: {cases[0] if cases else summary}. "
        f"Statuses of all requests: {told}. Further lines on the server's standard error: {len(others)}."
    )
    print("\n".join(others[:40]), file=sys.stderr)
    if arguments.page is None:
        print(text)
    else:
        write_section(arguments.page, "contract", text)
    return int(not kept or bool(others))


if __name__ == "__main__":
    sys.exit(main())
