"""What docs/results/munet.md shows."""
