"""µ2Net: paths of shared and cloned layers, found by evolution."""

from senpath.methods.munet.child import Grown
from senpath.methods.munet.config import MunetSettings
from senpath.methods.munet.method import Munet, Status, Watch
from senpath.methods.munet.mutate import Blueprint, Rules
from senpath.methods.munet.path import Part, Path
from senpath.methods.munet.roots import ROOTS, Layer, Root
from senpath.methods.munet.search import Budget, Child, Outcome, Penalty, Search, Tried

__all__ = [
    "ROOTS",
    "Blueprint",
    "Budget",
    "Child",
    "Grown",
    "Layer",
    "Munet",
    "MunetSettings",
    "Outcome",
    "Part",
    "Path",
    "Penalty",
    "Root",
    "Rules",
    "Search",
    "Status",
    "Tried",
    "Watch",
]
