"""From raw inputs to answers: encode, route, run, answer, explain."""

from senpath.inference.answered import InputAnswer, ThingAnswer
from senpath.inference.explanation import Explanation, LinkUse
from senpath.inference.limits import Refusals, SuggestedLimit
from senpath.inference.multimodal import MultimodalPrediction
from senpath.inference.predict import Encoded, Routing
from senpath.inference.prediction import Prediction, Probabilities

__all__ = [
    "Encoded",
    "Explanation",
    "InputAnswer",
    "LinkUse",
    "MultimodalPrediction",
    "Prediction",
    "Probabilities",
    "Refusals",
    "Routing",
    "SuggestedLimit",
    "ThingAnswer",
]
