"""From labelled examples and a method to the network's next version."""

from senpath.learning.learn import Learned, TaskChange
from senpath.learning.propose import propose, propose_jointly, propose_revision
from senpath.learning.stream import Routed

__all__ = ["Learned", "Routed", "TaskChange", "propose", "propose_jointly", "propose_revision"]
