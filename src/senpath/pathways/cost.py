"""What learning a task runs and changes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LearningCost:
    """What learning one task ran and changed, in numbers of weights; a component counts once, however often it ran.

    Attributes:
        read: weights of earlier tasks that ran, the search for a source included.
        updated: weights that were trained and are kept. What a search or a joint method trains and leaves out is not among them.
        dispatcher_read: numbers of the dispatcher that ran.
        dispatcher_updated: numbers of the dispatcher that were learned or changed; the fixed features of a new data type are none of these.
        total: all weights of the network that has the task.
        encoder_read: weights of the pretrained encoder that read the examples.
    """

    read: int
    updated: int
    dispatcher_read: int
    dispatcher_updated: int
    total: int
    encoder_read: int = 0

    @property
    def run_share(self) -> float:
        """Of all weights, the part that ran, in 0 … 1."""
        # What the dispatcher adds or changes is written, not run through.
        return (self.read + self.updated + self.dispatcher_read + self.encoder_read) / max(1, self.total)

    @property
    def updated_share(self) -> float:
        """Of all weights, the part that was learned or changed, in 0 … 1."""
        return (self.updated + self.dispatcher_updated) / max(1, self.total)
