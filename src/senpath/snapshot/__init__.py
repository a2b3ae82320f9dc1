"""A network at one version, read-only, and what may be proposed to change it."""

from senpath.snapshot.examples import encode_examples, one_type
from senpath.snapshot.proposal import Declined, Joint, Method, Proposal, Revised, Revision, try_out
from senpath.snapshot.settings import NetworkSettings
from senpath.snapshot.task_info import TaskInfo, task_info
from senpath.snapshot.view import View

__all__ = [
    "Declined",
    "Joint",
    "Method",
    "NetworkSettings",
    "Proposal",
    "Revised",
    "Revision",
    "TaskInfo",
    "View",
    "encode_examples",
    "one_type",
    "task_info",
    "try_out",
]
