"""SEN: a new pathway per task, links from one earlier task (Ling, Wang and Wang)."""

from senpath.methods.sen.config import SenSettings
from senpath.methods.sen.method import Sen

__all__ = ["Sen", "SenSettings"]
