"""Comparing ways to learn: streams of tasks, many runs that can be stopped, records, tables and pages (docs/howto/experiment.md)."""

from senpath.experiments.results import FIGURES, ExperimentResults
from senpath.experiments.run import experiment
from senpath.experiments.streams import Stream, StreamSettings

__all__ = ["FIGURES", "ExperimentResults", "Stream", "StreamSettings", "experiment"]
