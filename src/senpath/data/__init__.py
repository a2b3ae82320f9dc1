"""Data sets by name, the streams of tasks made of them, and the demo's default data."""

from senpath.data.download import download
from senpath.data.embedded import embedded_missing, embedded_tasks
from senpath.data.idx import read_idx
from senpath.data.paths import data_root, download_folder
from senpath.data.sources import Available, available, describe, load, speakers
from senpath.data.streams import few_shot, paper_tasks
from senpath.data.task import Items, Labelled, Task

__all__ = [
    "Available",
    "Items",
    "Labelled",
    "Task",
    "available",
    "data_root",
    "describe",
    "download",
    "download_folder",
    "embedded_missing",
    "embedded_tasks",
    "few_shot",
    "load",
    "paper_tasks",
    "read_idx",
    "speakers",
]
