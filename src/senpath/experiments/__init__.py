"""Comparing ways to learn: streams of tasks, many runs that can be stopped, records and pages."""
