"""Tasks learned together, each with components of its own choice: docs/results/allocation.md."""
