"""The worker pool: in this process, on processes of this machine, or on a Ray cluster (`senpath.parallel.ray_backend`).

Every worker computes with one thread and results are given in the order of the items, so they do not depend on how many workers there are.
"""

from senpath.parallel.backend import Backend, InProcess, Prepare, Tell, WorkerDiedError, cores, one_thread, portable
from senpath.parallel.pool import FailedJob, WorkerPool, check_jobs
from senpath.parallel.processes import Processes, end_with_parent

__all__ = [
    "Backend",
    "FailedJob",
    "InProcess",
    "Prepare",
    "Processes",
    "Tell",
    "WorkerDiedError",
    "WorkerPool",
    "check_jobs",
    "cores",
    "end_with_parent",
    "one_thread",
    "portable",
]
