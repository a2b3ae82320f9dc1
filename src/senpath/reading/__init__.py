"""Reading data as people have it: files, folders, tables, data frames, data sets of other libraries."""

from senpath.reading.containers import tasks_of
from senpath.reading.found import Data
from senpath.reading.read import read, read_labelled
from senpath.reading.unlabelled import read_unlabelled

__all__ = ["Data", "read", "read_labelled", "read_unlabelled", "tasks_of"]
