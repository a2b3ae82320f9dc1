"""The figures of docs/results/foundation.md."""
