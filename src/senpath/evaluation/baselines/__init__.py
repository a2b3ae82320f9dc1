"""The baselines of Ling et al., section 4, on SEN's own bricks and recipe."""

from senpath.evaluation.baselines.progressive import Pnn
from senpath.evaluation.baselines.shared import Shared
from senpath.evaluation.baselines.single import Single

__all__ = ["Pnn", "Shared", "Single"]
