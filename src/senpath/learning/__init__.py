"""From labelled examples and a method to the network's next version."""

from senpath.learning.changes import TaskChange
from senpath.learning.learn import Learned
from senpath.learning.statistics import new_statistics
from senpath.learning.stream import Routed

__all__ = ["Learned", "Routed", "TaskChange", "new_statistics"]
