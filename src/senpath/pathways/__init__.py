"""A task's route through the network, and running it."""

from senpath.pathways.account import Activation, LearningCost, count_activation, pathways_touched
from senpath.pathways.run import run_batch, run_chain, run_pathway
from senpath.pathways.spec import Link, Pathway, Transfer

__all__ = [
    "Activation",
    "LearningCost",
    "Link",
    "Pathway",
    "Transfer",
    "count_activation",
    "pathways_touched",
    "run_batch",
    "run_chain",
    "run_pathway",
]
