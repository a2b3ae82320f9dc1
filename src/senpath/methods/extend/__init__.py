"""Extend: more examples of a task, or classes that are new to it."""

from senpath.methods.extend.config import ExtendSettings
from senpath.methods.extend.method import Extend

__all__ = ["Extend", "ExtendSettings"]
