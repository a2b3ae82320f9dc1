"""The figures of docs/results/foundation.md: transfer, forgetting, routing, unknown inputs, the dispatcher's features.

    python -m benchmarks.foundation transfer forgetting routing few binary unknown features [--seeds 5]

Needs the real data (SENPATH_DATA). Choices are made on validation data: training examples that were not drawn or were held out.
"""

from benchmarks.foundation import features, growing, routing, transfer, unknown
from benchmarks.harness import Benchmark, Part

MEASURED = {
    "transfer": (transfer.measure, transfer.table),
    "forgetting": (growing.measure, growing.table),
    "routing": (routing.measure, routing.table),
    "few": (routing.measure_few, routing.few_table),
    "binary": (routing.measure_binary, routing.binary_table),
    "unknown": (unknown.measure, unknown.table),
    "features": (features.measure, features.table),
}
PARTS = {name: Part(measure, {"seed": "seeds"}) for name, (measure, _) in MEASURED.items()}
SECTIONS = {name: table for name, (_, table) in MEASURED.items()}
BENCHMARK = Benchmark("foundation", __doc__, PARTS, SECTIONS, seeds=5, anew=True)

if __name__ == "__main__":
    BENCHMARK.main()
