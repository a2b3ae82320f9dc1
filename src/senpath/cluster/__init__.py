"""A network on many machines, with Ray: serving it, and answering and measuring large sets."""
