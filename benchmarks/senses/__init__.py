"""Tasks learned on top of pretrained senses: from few examples and all of them, with and without borrowing, and what fits no task."""
