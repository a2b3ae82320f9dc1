"""What the paper printed (Ling, Wang and Wang, "Sparse and Expandable Network for Google's Pathways", Frontiers)."""

from __future__ import annotations

from itertools import pairwise

TASKS = ("fashion", "mnist", "lower", "upper", "speech")
"""In the order of learning; the paper calls them T1 … T5."""
IMAGES = TASKS[:4]
"""Those of images, which all strategies can learn in turn."""
SHOTS = ("0", "5", "10", "all")
"""Examples a class in Table 2."""
TITLES = {"fashion": "T1 Fashion", "mnist": "T2 MNIST", "lower": "T3 LOWER", "upper": "T4 UPPER", "speech": "T5 Audio"}
METHODS = ("Single", "Multi-task (seq)", "EWC", "PNN", "SEN")

TABLE_1 = {
    "lower": {("0", "o"): 0.936, ("1", "l"): 0.907, ("5", "s"): 0.840, ("2", "z"): 0.764},
    "upper": {
        ("z", "Z"): 0.912,
        ("s", "S"): 0.897,
        ("4", "H"): 0.857,
        ("o", "O"): 0.855,
        ("t", "T"): 0.855,
        ("v", "V"): 0.838,
        ("m", "M"): 0.837,
        ("f", "F"): 0.836,
        ("u", "U"): 0.821,
        ("x", "X"): 0.815,
        ("c", "C"): 0.768,
        ("w", "W"): 0.753,
        ("k", "K"): 0.752,
        ("0", "D"): 0.743,
        ("p", "P"): 0.735,
        ("1", "1 (first)"): 0.715,
        ("1", "1 (second)"): 0.709,
    },
}
"""Similarity by (source class, target class). Two rows are printed "1→1"; which letters they mean is unclear, as is "0→D"."""

_ROWS = """
0   Single 11.1±1.7 11.2±1.7 2.5±2.2 3.5±1.1 -
0   EWC    11±1.1   11.6±1.5 3.9±0.5 1.9±0.5 -
0   PNN    9.8±2.7  8.4±2.7  1.7±1.2 3.7±4.5 -
0   SEN    9.1±2.6  10.4±1.6 13.2±1.8 53.3±6.1 9.9±0.5
5   Single 69.2±0.3 63.4±0.5 50.4±1.0 53.5±0.3 -
5   EWC    66.9±2.0 40.9±3.2 15.3±5.3 21.0±3.4 -
5   PNN    67.8±1.4 61.1±2.6 48.7±1.3 51.8±1.6 -
5   SEN    69.4±0.3 64.0±0.6 50.6±1.3 69.2±2.1 45.8±0.2
10  Single 71.4±0.1 68.9±0.6 56.8±0.3 61.7±0.6 -
10  EWC    71.4±0.4 54.8±2.4 34.0±5.8 34.1±4.3 -
10  PNN    71.2±0.7 69.2±0.1 56.1±1.6 61.9±0.1 -
10  SEN    71.6±0.4 69.0±0.4 56.6±1.1 73.6±1.1 57.6±0.7
all Single 86.4±0.9 96.5±0.3 91.5±2.3 93.5±0.5 -
all EWC    86.9±0.4 96.2±0.1 89.3±0.4 93.1±3.8 -
all PNN    81.1±1.0 91.3±0.9 87.9±1.2 92.1±0.4 -
all SEN    87.0±0.5 96.5±0.4 90.5±0.3 93.2±0.2 86.0±1.9
"""

TABLE_2 = {
    (method, shots, task): cell.replace("±", " ± ")
    for shots, method, *cells in map(str.split, _ROWS.strip().splitlines())
    for task, cell in zip(TASKS, cells, strict=True)
    if cell != "-"
}
"""Test accuracy in % by (method, shots a class, task). In the rows of few shots only the row's own task has few examples."""

ACTIVATED = {"fashion": 6.7, "mnist": 6.7, "lower": 13.6, "upper": 13.8, "speech": 72.8}
"""Share of all weights that run to predict each task, in %."""


def activated_shares(mels: int) -> dict[str, float]:
    """The paper's activated weights by arithmetic, in %.

    Image models are 784-128-10 or 784-128-26, the audio model is an LSTM of 500 units with one bias vector a gate (as Keras has it; torch
    keeps two), then 128-64-10. A linked class has 128 weights. A task runs its own model, its links and its source's whole model; the
    dispatcher is not counted. With 16 inputs a frame this gives what the paper printed; its text says 64.

    Args:
        mels: numbers in one frame of sound.
    """
    digits, letters = _dense(784, 128, 10), _dense(784, 128, 26)
    audio = 4 * 500 * (mels + 500 + 1) + _dense(500, 128, 64, 10)
    links = {"lower": 128 * len(TABLE_1["lower"]), "upper": 128 * len(TABLE_1["upper"])}
    own = {"fashion": digits, "mnist": digits, "lower": letters, "upper": letters, "speech": audio}
    source = {"lower": digits, "upper": letters}
    total = sum(own.values()) + sum(links.values())
    return {task: 100 * (own[task] + links.get(task, 0) + source.get(task, 0)) / total for task in TASKS}


def _dense(*widths: int) -> int:
    return sum((before + 1) * after for before, after in pairwise(widths))
