"""From raw inputs to answers: encode, route, run, answer, explain."""

from senpath.inference.multimodal import MultimodalPrediction
from senpath.inference.predict import Encoded, Routing
from senpath.inference.prediction import Explanation, LinkUse, Prediction, Probabilities

__all__ = ["Encoded", "Explanation", "LinkUse", "MultimodalPrediction", "Prediction", "Probabilities", "Routing"]
