"""Review: an earlier task borrows from later ones."""

from senpath.methods.review.method import Review

__all__ = ["Review"]
