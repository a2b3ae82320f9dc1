"""Data sets by name, the streams of tasks made of them, and the demo's default data."""

from senpath.cache import cache_folder
from senpath.data.downloads import download
from senpath.data.embedded import embedded_missing, embedded_tasks
from senpath.data.moving import WAYS, moving_pictures
from senpath.data.registry import Items, Labelled, Task
from senpath.data.sources import Available, available, data_root, describe, few_shot, load, paper_tasks, speakers
from senpath.inputs.sources.arrays import read_idx

__all__ = [
    "WAYS",
    "Available",
    "Items",
    "Labelled",
    "Task",
    "available",
    "cache_folder",
    "data_root",
    "describe",
    "download",
    "embedded_missing",
    "embedded_tasks",
    "few_shot",
    "load",
    "moving_pictures",
    "paper_tasks",
    "read_idx",
    "speakers",
]
