"""A network on many machines, with Ray."""
