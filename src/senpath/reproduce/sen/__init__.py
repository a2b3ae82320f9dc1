"""Ling, Wang and Wang, "Sparse and Expandable Network for Google's Pathways": the experiment of section 4."""

from senpath.reproduce.sen.records import Found
from senpath.reproduce.sen.run import Progress, reproduce_sen
from senpath.reproduce.sen.setup import Setup

__all__ = ["Found", "Progress", "Setup", "reproduce_sen"]
