"""Benchmarks that anybody can run and add a row to: finding the right task of an input that does not say it."""

from senpath.bench.measure import FORMULAS
from senpath.bench.protocol import BenchCell, BenchRow, RowAnswers, TaskLesson, Unlabelled, best_two, held_out
from senpath.bench.rows import ColumnRow, find_row, known_rows
from senpath.bench.run import BenchPlan, BenchProgress, bench_routing
from senpath.bench.streams import STREAMS

__all__ = [
    "FORMULAS",
    "STREAMS",
    "BenchCell",
    "BenchPlan",
    "BenchProgress",
    "BenchRow",
    "ColumnRow",
    "RowAnswers",
    "TaskLesson",
    "Unlabelled",
    "bench_routing",
    "best_two",
    "find_row",
    "held_out",
    "known_rows",
]
