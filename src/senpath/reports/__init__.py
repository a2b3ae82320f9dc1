"""Pictures of a network, and a page on it."""

from senpath.reports.growth import Growth, Stage, draw_growth
from senpath.reports.page import report

__all__ = ["Growth", "Stage", "draw_growth", "report"]
