"""The fitting loop."""

from senpath.training.fit import fit
from senpath.training.recipe import Recipe

__all__ = ["Recipe", "fit"]
