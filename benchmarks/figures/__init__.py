"""Every figure of docs/results: which command makes it, on which code it was measured, and making it again."""
