"""Settings of published work without task ids, as streams; and the figures that were found stated for them, with where."""

from __future__ import annotations

from dataclasses import dataclass

from senpath.bench.sets import BenchSet


@dataclass(frozen=True)
class PublishedFigure:
    """An accuracy in % that somebody states for a setting, the task not given.

    Args:
        who: the method.
        accuracy: as stated.
        setting: what differs, or what it needs.
        source: where it is stated.
    """

    who: str
    accuracy: str
    setting: str
    source: str


DIGITS = range(10)
LEL = "C. H. Valencia Niño, repository chvn00/LEL, README"
CLS_ER = "Arani et al. 2022, repository neurai-lab/cls-er, README"
BASELINES = "ContinualAI, continual-learning-baselines, tests/target_results.csv (results of Avalanche or of the papers that it follows)"


def split(name: str, sense: str, labels: tuple[object, ...] = tuple(DIGITS)) -> tuple[BenchSet, ...]:
    """A set's classes in tasks of two."""
    return tuple(BenchSet(name, sense, classes=labels[start : start + 2]) for start in range(0, len(labels), 2))


def permuted(tasks: int) -> tuple[BenchSet, ...]:
    """MNIST under so many permutations of its pixels (Kirkpatrick et al. 2017); the first is MNIST as it is."""
    return tuple(BenchSet("mnist", "image", permute=number) for number in range(tasks))


def rotated(step: int) -> tuple[BenchSet, ...]:
    """MNIST turned all round in steps of so many degrees."""
    return tuple(BenchSet("mnist", "image", turn=float(angle)) for angle in range(0, 360, step))


FIGURES: dict[str, tuple[PublishedFigure, ...]] = {
    "split-mnist": (
        PublishedFigure("learning without forgetting", "23", "keeps no examples", BASELINES),
        PublishedFigure("generative replay", "75", "keeps a generator of examples", BASELINES),
        PublishedFigure("GSS", "78", "keeps examples", BASELINES),
        PublishedFigure("CoPE", "93", "keeps examples", BASELINES),
        PublishedFigure("GDumb", "97", "keeps examples, and trains anew from them", BASELINES),
        PublishedFigure("CLS-ER", "89.54 ± 0.21", "keeps 200 examples", CLS_ER),
        PublishedFigure("CLS-ER", "95.73 ± 0.11", "keeps 5,120 examples", CLS_ER),
        PublishedFigure("EWC, SI", "about 19", "keep no examples", LEL),
        PublishedFigure("local generative dreaming", "86.8 ± 0.2", "keeps no examples", LEL),
    ),
    "split-fashion": (),
    "split-cifar10": (
        PublishedFigure("CLS-ER", "66.19 ± 0.75", "no pretrained encoder; all 50,000 images, of which it keeps 200", CLS_ER),
        PublishedFigure("CLS-ER", "86.78 ± 0.17", "no pretrained encoder; all 50,000 images, of which it keeps 5,120", CLS_ER),
    ),
    "permuted-mnist-250": (PublishedFigure("SupSup", "94.91", "all 60,000 images a task, 250 tasks", "Wortsman et al. 2020"),),
    "permuted-mnist-1000": (),
    "rotated-mnist": (),
}
"""By stream; where none is given, none was found that could be checked."""
