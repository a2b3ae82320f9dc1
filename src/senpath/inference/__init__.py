"""From raw inputs to answers: encode, route, run, answer, explain."""

from senpath.inference.encode import Encoded
from senpath.inference.multimodal import Fused
from senpath.inference.predict import Routing
from senpath.inference.prediction import Explanation, LinkUse, Prediction, Probabilities

__all__ = ["Encoded", "Explanation", "Fused", "LinkUse", "Prediction", "Probabilities", "Routing"]
