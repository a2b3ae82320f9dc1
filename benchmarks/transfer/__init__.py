"""Negative transfer: what borrowing from each earlier task gains or costs, and which measure would have known."""
