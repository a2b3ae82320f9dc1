"""Pictures of a network, and a page on it."""

from senpath.reports.growth import draw_growth
from senpath.reports.page import report

__all__ = ["draw_growth", "report"]
