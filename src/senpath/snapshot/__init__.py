"""A network at one version, read-only, and what may be proposed to change it."""

from senpath.snapshot.examples import encode_examples, one_type
from senpath.snapshot.proposal import (
    Declined,
    JointMethod,
    Method,
    MethodResult,
    Proposal,
    Revised,
    Revision,
    RevisionResult,
    run_new,
    try_out,
)
from senpath.snapshot.settings import NetworkSettings
from senpath.snapshot.task_info import TaskInfo, task_info
from senpath.snapshot.thresholds import Threshold
from senpath.snapshot.view import View

__all__ = [
    "Declined",
    "JointMethod",
    "Method",
    "MethodResult",
    "NetworkSettings",
    "Proposal",
    "Revised",
    "Revision",
    "RevisionResult",
    "TaskInfo",
    "Threshold",
    "View",
    "encode_examples",
    "one_type",
    "run_new",
    "task_info",
    "try_out",
]
