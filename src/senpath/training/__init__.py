"""The fitting loop, seeds, progress."""

from senpath.training.augment import distort
from senpath.training.fit import fit
from senpath.training.progress import Progress, silent
from senpath.training.recipe import Recipe
from senpath.training.seeds import derive, seeded

__all__ = ["Progress", "Recipe", "derive", "distort", "fit", "seeded", "silent"]
