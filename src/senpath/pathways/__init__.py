"""A task's route through the network, and running it."""

from senpath.pathways.activation import Activation, count_activation, pathways_touched
from senpath.pathways.run import run_batch, run_chain, run_pathway
from senpath.pathways.spec import LearningCost, Link, Pathway, Provenance, RevisionRecord, Transfer

__all__ = [
    "Activation",
    "LearningCost",
    "Link",
    "Pathway",
    "Provenance",
    "RevisionRecord",
    "Transfer",
    "count_activation",
    "pathways_touched",
    "run_batch",
    "run_chain",
    "run_pathway",
]
