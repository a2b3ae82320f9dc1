"""One digit seen, heard and read: errors of each sense and of all together, by examples a class and by noise in one sense.

    python -m benchmarks.concept [--seeds 5] [--workers 2] [--folder runs/concept] [--page]

MNIST, spoken digits (FSDD) and typed words, paired by label on the test parts. Writes docs/results/concept.md and its figure from the
records in the folder; a run that was stopped goes on with what has no record, and --page measures nothing. Needs SENPATH_DATA.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")

import matplotlib.pyplot as plt

import senpath as sp
from benchmarks.common import DOCS, RESULTS, write_section
from benchmarks.words import write_digits
from senpath.data import few_shot, load
from senpath.reports.markdown import interval, markdown_table, spread
from senpath.reproduce.jobs import Job, Record, Tell, claimed, read_records, run_jobs

PAGE, FIGURE = RESULTS / "concept.md", DOCS / "figures" / "concept.png"
SHOTS = (5, 10, 20, 100)
ORDER = (20, 10, 5, 100)
"""In which they are learned, so that a run that was stopped has what matters most."""
NOISY = 20
"""Examples a class of the networks that are asked with noise."""
SIGMAS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
"""Standard deviations of Gaussian noise on images, whose values are in 0 … 1."""
RATIOS = (30, 20, 10, 5, 0, -5, -10)
"""Signal-to-noise ratios of recordings, in decibels."""
THINGS, NOISY_THINGS = 1_000, 500
TASKS = {"image": "seen", "audio": "heard", "text": "read"}
TOGETHER = {"two": ("image", "audio"), "three": ("image", "audio", "text")}
Senses = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=Path("runs/concept"))
    parser.add_argument("--page", action="store_true", help="only write the page, from what is measured")
    arguments = parser.parse_args()
    jobs = [Job(f"{shots}-{seed}", partial(_study, shots, seed)) for seed in range(arguments.seeds) for shots in ORDER]
    if not arguments.page:
        with claimed(arguments.folder, {"shots": SHOTS, "sigmas": SIGMAS, "ratios": RATIOS, "things": [THINGS, NOISY_THINGS]}):
            run_jobs(jobs, arguments.folder, arguments.workers, look=_say())
    _write(read_records(jobs, arguments.folder))


def _say() -> Any:
    told = [-1]

    def look(done: int, jobs: int) -> None:
        if told[0] != done:
            told[0] = done
            print(f"{done} of {jobs}", flush=True)

    return look


def _study(shots: int, seed: int, tell: Tell) -> None:
    """One network: its errors, and with `NOISY` shots those with noise."""
    start = time.perf_counter()
    net = sp.Network()
    net.learn_many({TASKS[sense]: data for sense, data in _train(shots, seed).items()}, concept="digit", random_state=seed)
    temperatures = {sense: net.view.pathway(task).temperature for sense, task in TASKS.items()}
    tell({"shots": shots, "seed": seed, "seconds": time.perf_counter() - start, "temperatures": temperatures})
    senses, digits = _things(THINGS, seed)
    for given in (True, False):
        tell({"shots": shots, "seed": seed, "given": given, "errors": _errors(net, senses, digits, given)})
    if shots != NOISY:
        return
    senses, digits = _things(NOISY_THINGS, seed)
    generator = np.random.default_rng([seed, 1])
    for sense, levels, disturb in (("image", SIGMAS, _blurred), ("audio", RATIOS, _drowned)):
        for level in levels:
            noisy = {**senses, sense: [disturb(item, level, generator) for item in senses[sense]]}
            for given in (True, False):
                tell({"noise": sense, "level": level, "seed": seed, "given": given, "errors": _errors(net, noisy, digits, given)})


def _train(shots: int, seed: int) -> dict[str, tuple[Any, np.ndarray]]:
    """Examples of each sense, drawn one independently of the other."""
    found: dict[str, tuple[Any, np.ndarray]] = {}
    for sense, name in (("image", "mnist"), ("audio", "speech")):
        x, y = load(name)
        chosen = few_shot(x, y, shots, seed)
        found[sense] = [x[place] for place in chosen], np.asarray(y)[chosen]
    digits = np.repeat(np.arange(10), shots)
    found["text"] = write_digits(digits, seed), digits
    return found


def _things(count: int, seed: int) -> tuple[Senses, np.ndarray]:
    """Test images, each with a recording and a word of the same digit."""
    generator = np.random.default_rng([seed, 0])
    (images, digits), (sounds, spoken) = load("mnist", "test"), load("speech", "test")
    places = generator.permutation(len(digits))[:count]
    digits = np.asarray(digits)[places]
    heard = [int(generator.choice(np.flatnonzero(np.asarray(spoken) == digit))) for digit in digits]
    words = write_digits(digits, 1_000_000 + seed)
    return {"image": [images[place] for place in places], "audio": [sounds[place] for place in heard], "text": words}, digits


def _errors(net: sp.Network, senses: Senses, digits: np.ndarray, given: bool) -> dict[str, float]:
    """In %: of each sense, of two and three together, and of the product of probabilities that no temperature was applied to; what is
    refused is an error. And how much of each sense is refused.

    Args:
        given: whether the concept is given, else the dispatcher has to find that it fits.
    """
    errors: dict[str, float] = {}
    for name, together in TOGETHER.items():
        found = net.predict({sense: senses[sense] for sense in together}, concept="digit" if given else None)
        errors[name] = _wrong(found.label, digits)
        if given:
            errors[f"{name}, untempered"] = _wrong(_untempered(net, found.senses), digits)
    for sense, alone in found.senses.items():
        errors[sense] = _wrong(alone.label, digits)
        errors[f"{sense}, refused"] = 100 * float(np.mean([task is None for task in alone.task]))
    return errors


def _untempered(net: sp.Network, senses: Mapping[str, sp.Prediction]) -> np.ndarray:
    """The digits that the plain product of softmax outputs would answer; softmax(z) ∝ softmax(z / T)^T."""
    logs = [
        np.log(found.probabilities[TASKS[sense]] + 1e-300) * net.view.pathway(TASKS[sense]).temperature for sense, found in senses.items()
    ]
    plain = [part - np.logaddexp.reduce(part, axis=1, keepdims=True) for part in logs]
    return np.asarray(sum(plain).argmax(1))  # type: ignore[union-attr]


def _wrong(labels: np.ndarray, digits: np.ndarray) -> float:
    return 100 * float(np.mean([label != digit for label, digit in zip(labels, digits, strict=True)]))


def _blurred(image: np.ndarray, sigma: float, generator: np.random.Generator) -> np.ndarray:
    noisy = image / 255 + generator.normal(0, sigma, image.shape)
    return np.round(255 * noisy.clip(0, 1)).astype(np.uint8)


def _drowned(sound: sp.Audio, ratio: float, generator: np.random.Generator) -> sp.Audio:
    """White noise, so much weaker than the recording's mean power."""
    scale = np.sqrt(np.mean(np.square(sound.samples)) / 10 ** (ratio / 10))
    noisy = sound.samples + generator.normal(0, scale, sound.samples.shape)
    return sp.Audio(noisy.clip(-1, 1).astype(np.float32), sound.rate)


def _write(records: Sequence[Record]) -> None:
    main_ = [record for record in records if "shots" in record and "errors" in record]
    write_section(PAGE, "errors", _error_table([record for record in main_ if record["given"]]))
    write_section(PAGE, "routed", _routed_table([record for record in main_ if not record["given"]]))
    write_section(PAGE, "temperatures", _temperature_table([record for record in records if "temperatures" in record]))
    noise = [record for record in records if "noise" in record]
    write_section(PAGE, "noise", "\n\n".join(_noise_table(noise, sense, title) for sense, title in NOISES.items()))
    _draw([record for record in main_ if record["given"]], noise)


NOISES = {"image": "sigma", "audio": "signal-to-noise, dB"}


def _values(records: Sequence[Record], key: str, **which: Any) -> list[float]:
    return [record["errors"][key] for record in records if all(record[name] == value for name, value in which.items())]


def _gain(records: Sequence[Record], key: str, shots: int) -> list[str]:
    """How much lower than that of the sense that is best on average: in % of it, and in points with their interval."""
    together = np.array(_values(records, key, shots=shots))
    best = min((np.array(_values(records, sense, shots=shots)) for sense in TOGETHER[key]), key=np.mean)
    return [f"{100 * (1 - together.mean() / best.mean()):.0f} %", interval(best - together)]


def _error_table(records: Sequence[Record]) -> str:
    seeds = len({record["seed"] for record in records})
    group = ["lower by", "points, 95 % interval", "no temperature"]
    columns = ["shots", *TASKS, "image + audio", *group, "with text", *group]
    rows = []
    for shots in SHOTS:
        cells = [spread(_values(records, sense, shots=shots)) for sense in TASKS]
        for name in TOGETHER:
            cells += [spread(_values(records, name, shots=shots)), *_gain(records, name, shots)]
            cells.append(spread(_values(records, f"{name}, untempered", shots=shots)))
        rows.append([shots, *cells])
    return f"Test errors in %, {THINGS:,} things a seed, mean ± standard deviation over {seeds} seeds.\n\n" + markdown_table(columns, rows)


def _routed_table(records: Sequence[Record]) -> str:
    columns = ["shots", *TASKS, "image + audio", "with text", *(f"{sense} refused" for sense in TASKS)]
    keys = [*TASKS, *TOGETHER, *(f"{sense}, refused" for sense in TASKS)]
    return markdown_table(columns, [[shots, *(spread(_values(records, key, shots=shots)) for key in keys)] for shots in SHOTS])


def _temperature_table(records: Sequence[Record]) -> str:
    rows = []
    for shots in SHOTS:
        mine = [record for record in records if record["shots"] == shots]
        seconds = f"{np.median([record['seconds'] for record in mine]):.0f}"
        rows.append([shots, *(spread([record["temperatures"][sense] for record in mine], 2) for sense in TASKS), seconds])
    return markdown_table(["shots", *TASKS, "seconds to learn all three"], rows)


def _noise_table(records: Sequence[Record], sense: str, title: str) -> str:
    keys = [*TASKS, *TOGETHER]
    rows = []
    for level in dict.fromkeys(record["level"] for record in records if record["noise"] == sense):
        given = [spread(_values(records, key, noise=sense, level=level, given=True)) for key in keys]
        found = [spread(_values(records, key, noise=sense, level=level, given=False)) for key in (*TOGETHER, f"{sense}, refused")]
        rows.append([level, *given, *found])
    columns = [title, *TASKS, "image + audio", "with text", "found: image + audio", "found: with text", f"found: {sense} refused"]
    return f"Noise in the {sense}, {NOISY} shots:\n\n{markdown_table(columns, rows)}"


STYLES = {"image": ("C0", "o:"), "audio": ("C1", "s:"), "text": ("C2", "^:"), "two": ("C3", "o-"), "three": ("0.2", "D-")}
TITLES = {"two": "image + audio", "three": "image + audio + text"}


def _draw(records: Sequence[Record], noise: Sequence[Record]) -> None:
    """Errors against examples a class, and against noise in either sense."""
    figure, panels = plt.subplots(1, 3, figsize=(12, 4), layout="constrained")
    for key, (colour, style) in STYLES.items():
        means = [np.mean(_values(records, key, shots=shots)) for shots in SHOTS]
        panels[0].plot(SHOTS, means, style, color=colour, markersize=4, label=TITLES.get(key, key))
        for panel, sense in zip(panels[1:], NOISES, strict=True):
            levels = list(dict.fromkeys(record["level"] for record in noise if record["noise"] == sense))
            means = [np.mean(_values(noise, key, noise=sense, level=level, given=True)) for level in levels]
            panel.plot(levels, means, style, color=colour, markersize=4)
            if key in TOGETHER:
                means = [np.mean(_values(noise, key, noise=sense, level=level, given=False)) for level in levels]
                panel.plot(levels, means, "--", color=colour, label=f"{TITLES[key]}, concept not given" if sense == "image" else None)
    panels[0].set(title="examples a class", xscale="log", yscale="log", ylabel="test error, %", xticks=SHOTS, xticklabels=SHOTS)
    panels[0].minorticks_off()
    panels[1].set(title=f"noise in the image, {NOISY} shots", xlabel="standard deviation (values in 0 … 1)")
    panels[2].set(title=f"noise in the sound, {NOISY} shots", xlabel="signal-to-noise ratio, dB")
    panels[2].invert_xaxis()
    for panel in panels:
        panel.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=4, fontsize=8)
    figure.savefig(FIGURE, dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    main()
