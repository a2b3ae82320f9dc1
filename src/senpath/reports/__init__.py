"""Pictures of a network."""

from senpath.reports.growth import Growth, Stage, draw_growth

__all__ = ["Growth", "Stage", "draw_growth"]
