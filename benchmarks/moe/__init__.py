"""What docs/results/moe.md shows."""
