"""A client of `senpath serve`; needs the extra `serve`. It loads no torch."""

from senpath.client.answers import Answers, Explained, ThingAnswers
from senpath.client.client import Client, Taught

__all__ = ["Answers", "Client", "Explained", "Taught", "ThingAnswers"]
