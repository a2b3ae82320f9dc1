"""Ling, Wang and Wang, "Sparse and Expandable Network for Google's Pathways": the experiment of section 4."""

from senpath.reproduce.sen.run import RunProgress, reproduce_sen
from senpath.reproduce.sen.setup import Setup
from senpath.reproduce.sen.tables import Results

__all__ = ["Results", "RunProgress", "Setup", "reproduce_sen"]
