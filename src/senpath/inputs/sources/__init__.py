"""Reading data as people have it: files, folders, tables, data frames, data sets of other libraries."""

from senpath.inputs.sources.containers import tasks_of
from senpath.inputs.sources.dataset import Data
from senpath.inputs.sources.read import read, read_labelled, read_unlabelled

__all__ = ["Data", "read", "read_labelled", "read_unlabelled", "tasks_of"]
