"""The figures of docs/results/foundation.md: transfer, forgetting, routing, unknown inputs, the dispatcher's features.

    python -m benchmarks.foundation transfer forgetting routing few binary unknown features [--seeds 5]

Needs the real data (SENPATH_DATA). Choices are made on validation data: training examples that were not drawn or were held out.
"""

from __future__ import annotations

import argparse

from benchmarks.foundation import features, forgetting, routing, transfer, unknown

SECTIONS = {
    "transfer": transfer.run,
    "forgetting": forgetting.run,
    "routing": routing.run,
    "few": routing.run_few,
    "binary": routing.run_binary,
    "unknown": unknown.run,
    "features": features.run,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", choices=[*SECTIONS, []], help="by default all")
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    for name in arguments.sections or SECTIONS:
        SECTIONS[name](arguments.seeds)


if __name__ == "__main__":
    main()
