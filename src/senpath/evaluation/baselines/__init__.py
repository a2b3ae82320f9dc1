"""Ways to learn a sequence of tasks that methods are compared with, on SEN's own components and recipe."""

from senpath.evaluation.baselines.known import BASELINES, KnownBaseline
from senpath.evaluation.baselines.parts import Single
from senpath.evaluation.baselines.progressive import Pnn
from senpath.evaluation.baselines.shared import Shared

__all__ = ["BASELINES", "KnownBaseline", "Pnn", "Shared", "Single"]
