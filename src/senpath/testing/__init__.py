"""What tests and authors of plug-ins need: tasks and networks made in a moment, and checks that what they wrote keeps its promises."""

from senpath.testing.constant import ConstantMethod
from senpath.testing.encoders import check_encoder
from senpath.testing.kinds import check_kind
from senpath.testing.methods import check_method
from senpath.testing.tiny import tiny_network, tiny_task

__all__ = ["ConstantMethod", "check_encoder", "check_kind", "check_method", "tiny_network", "tiny_task"]
