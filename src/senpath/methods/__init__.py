"""Ways to change a network, by name."""

from senpath.methods.sen import Sen
from senpath.methods.settings import SenSettings

METHODS = {"sen": Sen}
"""Every method that `Network.learn` knows by name."""

__all__ = ["METHODS", "Sen", "SenSettings"]
