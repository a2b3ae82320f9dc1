"""Where work runs: in this process, on processes of this machine, or on a Ray cluster.

Every worker computes with one thread and the results come in the order of the items, so they do not depend on how many workers there are.
What fails stops `in_order`; a `crew` tries it once more and goes on without it.
"""

from senpath.execution.base import Prepare, check_jobs
from senpath.execution.crew import Crew, Lost, crew
from senpath.execution.here import one_thread
from senpath.execution.pool import in_order

__all__ = ["Crew", "Lost", "Prepare", "check_jobs", "crew", "in_order", "one_thread"]
