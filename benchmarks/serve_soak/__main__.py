"""A server that answers, is taught and is taken back at the same time, for minutes: what every request got, and the server's memory.

    python -m benchmarks.serve_soak [--minutes 15] [--clients 8] [--workers 1] [--seed 0] [--page docs/results/serve.md]

`senpath serve` on a port of this machine, on a network of pictures (MNIST), sounds (spoken digits), texts (TREC) and rows (iris, wine).
Clients ask with single inputs of every type in every form, several senses of one thing, batches, the Open Inference Protocol, earlier
versions, and broken inputs, while another one teaches, extends, prunes, removes and takes back. Needs SENPATH_DATA and Linux. Exit code 1
where one of these does not hold:
- No request is without an answer, and none gets a status that it is not expected to; 503, with Retry-After, is asked again and counted.
- An answer is the one that the library gives at the version that the answer names.
- The median memory of the process that answers grows by at most 64 MB from the second quarter to the last, if
  the run takes five minutes or more: a server keeps a few earlier versions open that were asked for, and each takes some 40 MB.
- Told to stop, the server ends, and the network verifies.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

from benchmarks.harness import markdown_table, write_section
from benchmarks.serve_soak.questions import make_network, questions_of
from benchmarks.serve_soak.run import Seen, Server, Soak
from senpath import Network


def table_of_requests(seen: Seen) -> str:
    """What every kind of request got, and how fast."""
    rows = []
    for form in sorted(seen.statuses):
        p50, p99 = np.percentile(np.array(seen.seconds[form]) * 1000, [50, 99])
        statuses = ", ".join(f"{status}: {count:,}" for status, count in sorted(seen.statuses[form].items()))
        rows.append([form, statuses, f"{p50:.0f}", f"{p99:.0f}"])
    return markdown_table(["request", "status: how often", "ms, median", "ms, 99 %"], rows)


def table_of_memory(soak: Soak) -> str:
    """Memory by quarter of the run."""
    rows = []
    for number in range(4):
        part = soak.quarter(number)
        medians = [f"{np.median([row[column] for row in part]):.0f}" for column in (1, 2)]
        rows.append([f"{part[0][0] / 60:.1f} to {part[-1][0] / 60:.1f}", *medians, f"{max(row[1] for row in part):.0f}"])
    return markdown_table(["minutes", "MB of what answers, median", "MB of all processes, median", "MB of what answers, most"], rows)


def page_of(soak: Soak, arguments: argparse.Namespace) -> str:
    """The section of the page."""
    seen, changes = soak.seen, ", ".join(f"{what} {count}" for what, count in soak.seen.changes.items())
    requests = sum(sum(counts.values()) for counts in seen.statuses.values())
    command = f"python -m benchmarks.serve_soak --minutes {arguments.minutes:g} --clients {arguments.clients} --workers {arguments.workers}"
    wrong = "\n".join(f"- {count} ×: {what}" for what, count in Counter(seen.wrong).most_common(20)) or "Nothing was wrong."
    return (
        f"`{command} --seed {arguments.seed}`: {requests:,} requests and {sum(seen.changes.values())} changes ({changes}) that made "
        f"{len(soak.right)} versions; {len(seen.told):,} answers were compared with the library's at the version that they name.\n\n"
        f"{wrong}\n\n{table_of_requests(seen)}\n\n{table_of_memory(soak)}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--page", type=Path, help="results page with marks for the section")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        path = Path(folder) / "team.sen"
        questions = questions_of(make_network(path))
        server = Server(path, arguments.workers, Path(folder) / "log")
        try:
            soak = Soak(Network(path), questions, server.url, 60 * arguments.minutes, arguments.seed)
            soak.run(server, arguments.clients)
        finally:
            code = server.stop()
        soak.judge()
        if code not in (0, -signal.SIGTERM):
            soak.seen.wrong.append(f"the server ended with code {code}")
        Network(path).verify()
    text = page_of(soak, arguments)
    if arguments.page is None:
        print(text)
    else:
        write_section(arguments.page, "soak", text)
    return int(bool(soak.seen.wrong))


if __name__ == "__main__":
    sys.exit(main())
