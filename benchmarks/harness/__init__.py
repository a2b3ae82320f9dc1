# ruff: noqa: F401
"""What every benchmark needs: jobs that are run and resumed, their records, tables, figures, and the command itself."""

from benchmarks.harness.cli import Benchmark, Section
from benchmarks.harness.figures import figure
from benchmarks.harness.jobs import Part, read_part
from benchmarks.harness.peers import PEER, ask_peer, follow_peer
from benchmarks.harness.tables import half_interval, interval, markdown_table, mean, percent, spread, table_of, write_section
from benchmarks.harness.timing import in_turn, processor_timed, ratio, seconds, timed
from senpath.experiments.records import Record, Records, differences
