"""A client of `senpath serve`; needs the extra `serve`. It loads no torch."""

from senpath.client.answers import RemoteAnswers, RemoteExplanation, RemoteThingAnswers
from senpath.client.client import Client, Taught

__all__ = ["Client", "RemoteAnswers", "RemoteExplanation", "RemoteThingAnswers", "Taught"]
