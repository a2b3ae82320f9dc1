"""Answering for a network while it changes, without HTTP: versions that come and go, requests that are answered together."""
