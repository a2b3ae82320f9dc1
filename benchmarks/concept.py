"""One digit seen, heard and read: errors of each sense and of all together, by examples a class and by noise in one sense.

    python -m benchmarks.concept [--seeds 5] [--workers 2] [--folder runs/concept] [--page]

MNIST, spoken digits (FSDD) and typed words, paired by label on the test parts. Writes docs/results/concept.md and its figure from the
records in the folder; a run that was stopped goes on with what has no record, and --page measures nothing. Needs SENPATH_DATA.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

import senpath as sp
from benchmarks.harness import Benchmark, Part, Record, Records, figure, interval, markdown_table, percent, spread
from senpath.data import few_shot, load
from senpath.data.speech import WORDS

PHRASES = ("{}", "{}.", "it is {}", "i think {}", "{} i guess", "number {}", "the answer is {}", "{} please", "maybe {}?", "that says {}")
CASES = (str.lower, str.upper, str.capitalize)
LETTERS = "abcdefghijklmnopqrstuvwxyz"
ERRORS = (0.4, 0.35, 0.25)
"""How often a word has none, one or two typing errors."""


def write_digits(digits: Iterable[int], seed: int) -> list[str]:
    """Each digit as a word that somebody typed."""
    generator = np.random.default_rng(seed)
    return [_written(WORDS[digit], generator) for digit in digits]


def _written(word: str, generator: np.random.Generator) -> str:
    for _ in range(generator.choice(len(ERRORS), p=ERRORS)):
        word = _misspelt(word, generator)
    case, phrase = CASES[generator.integers(len(CASES))], PHRASES[generator.integers(len(PHRASES))]
    return phrase.format(case(word))


def _misspelt(word: str, generator: np.random.Generator) -> str:
    """With a letter left out, replaced, put in, or changing places with the next."""
    place, letter = int(generator.integers(len(word))), LETTERS[generator.integers(len(LETTERS))]
    before, here, after = word[:place], word[place], word[place + 1 :]
    return (before + after, before + letter + after, before + letter + here + after, before + after[:1] + here + after[1:])[
        generator.integers(4)
    ]


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
NOISES = {"image": "sigma", "audio": "signal-to-noise, dB"}
STYLES = {"image": ("C0", "o:"), "audio": ("C1", "s:"), "text": ("C2", "^:"), "two": ("C3", "o-"), "three": ("0.2", "D-")}
TITLES = {"two": "image + audio", "three": "image + audio + text"}
Senses = dict[str, Any]


def _study(seed: int, shots: int) -> Iterator[Record]:
    """One network: its errors, and with `NOISY` shots those with noise."""
    start = time.perf_counter()
    net = sp.Network()
    net.learn_many({TASKS[sense]: data for sense, data in _train(shots, seed).items()}, concept="digit", random_state=seed)
    temperatures = {sense: net.view.pathway(task).temperature for sense, task in TASKS.items()}
    yield {"seconds": time.perf_counter() - start, "temperatures": temperatures}
    senses, digits = _things(THINGS, seed)
    for given in (True, False):
        yield {"given": given, "errors": _errors(net, senses, digits, given)}
    if shots != NOISY:
        return
    senses, digits = _things(NOISY_THINGS, seed)
    generator = np.random.default_rng([seed, 1])
    for sense, levels, disturb in (("image", SIGMAS, _blurred), ("audio", RATIOS, _drowned)):
        for level in levels:
            noisy = {**senses, sense: [disturb(item, level, generator) for item in senses[sense]]}
            for given in (True, False):
                yield {"noise": sense, "level": level, "given": given, "errors": _errors(net, noisy, digits, given)}


def _train(shots: int, seed: int) -> dict[str, tuple[Any, np.ndarray]]:
    """Examples of each sense, drawn one independently of the other."""
    examples: dict[str, tuple[Any, np.ndarray]] = {}
    for sense, name in (("image", "mnist"), ("audio", "speech")):
        x, y = load(name)
        chosen = few_shot(x, y, shots, seed)
        examples[sense] = [x[place] for place in chosen], np.asarray(y)[chosen]
    digits = np.repeat(np.arange(10), shots)
    examples["text"] = write_digits(digits, seed), digits
    return examples


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
    refused is an error. And how much of each sense is refused. `given`: the concept is, else the dispatcher has to find that it fits."""
    errors: dict[str, float] = {}
    for name, together in TOGETHER.items():
        answers = net.predict({sense: senses[sense] for sense in together}, concept="digit" if given else None)
        errors[name] = percent(answers.label != digits)
        if given:
            errors[f"{name}, untempered"] = percent(_untempered(net, answers.modalities) != digits)
    for sense, alone in answers.modalities.items():
        errors[sense] = percent(alone.label != digits)
        errors[f"{sense}, refused"] = percent([task is None for task in alone.task])
    return errors


def _untempered(net: sp.Network, senses: Mapping[str, sp.Prediction]) -> np.ndarray:
    """The digits that the plain product of softmax outputs would answer; softmax(z) ∝ softmax(z / T)^T."""
    logs = [
        np.log(alone.probabilities[TASKS[sense]] + 1e-300) * net.view.pathway(TASKS[sense]).temperature for sense, alone in senses.items()
    ]
    plain = [part - np.logaddexp.reduce(part, axis=1, keepdims=True) for part in logs]
    return np.asarray(sum(plain).argmax(1))  # type: ignore[union-attr]


def _blurred(image: np.ndarray, sigma: float, generator: np.random.Generator) -> np.ndarray:
    noisy = image / 255 + generator.normal(0, sigma, image.shape)
    return np.round(255 * noisy.clip(0, 1)).astype(np.uint8)


def _drowned(sound: sp.Audio, ratio: float, generator: np.random.Generator) -> sp.Audio:
    """White noise, so much weaker than the recording's mean power."""
    scale = np.sqrt(np.mean(np.square(sound.samples)) / 10 ** (ratio / 10))
    noisy = sound.samples + generator.normal(0, scale, sound.samples.shape)
    return sp.Audio(noisy.clip(-1, 1).astype(np.float32), sound.rate)


def _errors_of(records: Records, given: bool = True) -> Records:
    """Those without noise."""
    return records.where(lambda one: "errors" in one, noise=None, given=given)


def _spreads(records: Records, keys: Iterable[str]) -> list[str]:
    """Of errors by these names."""
    return [spread([one["errors"][key] for one in records]) for key in keys]


def _gain(records: Records, key: str) -> list[str]:
    """How much lower than that of the sense that is best on average: in % of it, and in points with their interval."""
    together = np.array([one["errors"][key] for one in records])
    best = min((np.array([one["errors"][sense] for one in records]) for sense in TOGETHER[key]), key=np.mean)
    return [f"{100 * (1 - together.mean() / best.mean()):.0f} %", interval(best - together)]


def _error_table(records: Records) -> str:
    records = _errors_of(records)
    group = ["lower by", "points, 95 % interval", "no temperature"]
    columns = ["shots", *TASKS, "image + audio", *group, "with text", *group]
    rows = []
    for shots in SHOTS:
        mine = records.where(shots=shots)
        cells = _spreads(mine, TASKS)
        for name in TOGETHER:
            cells += [*_spreads(mine, [name]), *_gain(mine, name), *_spreads(mine, [f"{name}, untempered"])]
        rows.append([shots, *cells])
    seeds = len(records.distinct("seed"))
    return f"Test errors in %, {THINGS:,} things a seed, mean ± standard deviation over {seeds} seeds.\n\n" + markdown_table(columns, rows)


def _routed_table(records: Records) -> str:
    records = _errors_of(records, given=False)
    columns = ["shots", *TASKS, "image + audio", "with text", *(f"{sense} refused" for sense in TASKS)]
    keys = [*TASKS, *TOGETHER, *(f"{sense}, refused" for sense in TASKS)]
    return markdown_table(columns, [[shots, *_spreads(records.where(shots=shots), keys)] for shots in SHOTS])


def _temperature_table(records: Records) -> str:
    rows = []
    for shots in SHOTS:
        mine = records.where(lambda one: "temperatures" in one, shots=shots)
        temperatures = [spread([one["temperatures"][sense] for one in mine], 2) for sense in TASKS]
        rows.append([shots, *temperatures, f"{np.median(mine.values('seconds')):.0f}"])
    return markdown_table(["shots", *TASKS, "seconds to learn all three"], rows)


def _noise_tables(records: Records) -> str:
    parts = []
    for sense, title in NOISES.items():
        rows = []
        for level, mine in records.where(noise=sense).by("level").items():
            given = _spreads(mine.where(given=True), [*TASKS, *TOGETHER])
            rows.append([level, *given, *_spreads(mine.where(given=False), [*TOGETHER, f"{sense}, refused"])])
        columns = [title, *TASKS, "image + audio", "with text", "found: image + audio", "found: with text", f"found: {sense} refused"]
        parts.append(f"Noise in the {sense}, {NOISY} shots:\n\n{markdown_table(columns, rows)}")
    return "\n\n".join(parts)


def _draw(records: Records) -> None:
    """Errors against examples a class, and against noise in either sense."""

    def plot(panel: Any, by: Mapping[Any, Records], key: str, style: str, **more: Any) -> None:
        panel.plot([*by], [mine.mean(lambda one: one["errors"][key]) for mine in by.values()], style, color=STYLES[key][0], **more)

    of_shots = {shots: _errors_of(records).where(shots=shots) for shots in SHOTS}
    with figure("concept.png", (12, 4), columns=3) as (drawing, panels):
        shots_panel, image_panel, sound_panel = panels[0]
        for key, (_, style) in STYLES.items():
            plot(shots_panel, of_shots, key, style, markersize=4, label=TITLES.get(key, key))
            for panel, sense in ((image_panel, "image"), (sound_panel, "audio")):
                noisy = records.where(noise=sense)
                plot(panel, noisy.where(given=True).by("level"), key, style, markersize=4)
                if key in TOGETHER:
                    label = f"{TITLES[key]}, concept not given" if sense == "image" else None
                    plot(panel, noisy.where(given=False).by("level"), key, "--", label=label)
        shots_panel.set(title="examples a class", xscale="log", yscale="log", ylabel="test error, %", xticks=SHOTS, xticklabels=SHOTS)
        shots_panel.minorticks_off()
        image_panel.set(title=f"noise in the image, {NOISY} shots", xlabel="standard deviation (values in 0 … 1)")
        sound_panel.set(title=f"noise in the sound, {NOISY} shots", xlabel="signal-to-noise ratio, dB")
        sound_panel.invert_xaxis()
        for panel in panels[0]:
            panel.grid(alpha=0.3)
        drawing.legend(loc="outside lower center", ncols=4, fontsize=8)


PART = Part(_study, {"seed": "seeds", "shots": ORDER}, {"sigmas": SIGMAS, "ratios": RATIOS, "things": [THINGS, NOISY_THINGS]})
SECTIONS = {"errors": _error_table, "routed": _routed_table, "temperatures": _temperature_table, "noise": _noise_tables, "figure": _draw}
BENCHMARK = Benchmark("concept", __doc__, {"concept": PART}, SECTIONS, seeds=5, jobs=2)

if __name__ == "__main__":
    BENCHMARK.main()
