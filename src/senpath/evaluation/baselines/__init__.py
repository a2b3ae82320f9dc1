"""The baselines of Ling et al., section 4, on SEN's own components and recipe."""

from senpath.evaluation.baselines.parts import Single
from senpath.evaluation.baselines.progressive import Pnn
from senpath.evaluation.baselines.shared import Shared

__all__ = ["Pnn", "Shared", "Single"]
