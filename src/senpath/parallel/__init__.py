"""Where work runs: in this process, on processes of this machine, or on a Ray cluster.

Every worker computes with one thread and the results come in the order of the items, so they do not depend on how many workers there are.
What fails stops `in_order`; a `crew` tries it once more and goes on without it.
"""

from senpath.parallel.base import Prepare, check_jobs
from senpath.parallel.crew import Crew, Lost, crew
from senpath.parallel.here import one_thread
from senpath.parallel.pool import in_order

__all__ = ["Crew", "Lost", "Prepare", "check_jobs", "crew", "in_order", "one_thread"]
