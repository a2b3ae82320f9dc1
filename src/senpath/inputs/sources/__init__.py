"""Reading data as people have it: files, folders, tables, data frames, data sets of other libraries."""

from senpath.inputs.sources.containers import tasks_of
from senpath.inputs.sources.dataset import Data
from senpath.inputs.sources.parts import WantedPart
from senpath.inputs.sources.read import read, read_labelled, read_part
from senpath.inputs.sources.unlabelled import read_unlabelled

__all__ = ["Data", "WantedPart", "read", "read_labelled", "read_part", "read_unlabelled", "tasks_of"]
