"""Sounds behind the speech embedding: speakers who were never heard, known ones, noises, and which encoder is chosen by itself.

    python -m benchmarks.speech [PART ...] [--seeds 5] [--jobs 1] [--folder runs/speech]

Parts: strangers, known, noises, voices, refused, choice, clip, page; all of them by default, for the section
"Speech" of docs/results/senses.md.
Needs SENPATH_DATA, the extras [demo] and [speech], and for voices `pip install --no-deps Resemblyzer`.

The encoder was set (its pooling, the quiet around a recording) on training recordings of the three speakers of TUNED_ON, each in turn left
out; the rule of the choice on training recordings of these and of ESC-10; and what strangers are allowed with these speakers as strangers,
and training recordings of ESC-10. The pooling was set without a look at the other three.
"""

from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from itertools import product
from pathlib import Path
from statistics import mean, median
from time import process_time

import numpy as np
import torch

import senpath as sp
from benchmarks.harness import Benchmark, Part, Record, Records, interval, percent, spread, table_of
from benchmarks.senses import peer
from senpath.data import few_shot, load, speakers
from senpath.data.speech import RATE, say_digits
from senpath.experiments.encoded import read_examples, write_examples
from senpath.inputs.encoders import ENCODERS as MADE_BY
from senpath.inputs.modalities import is_speech, waves_of
from senpath.inputs.modalities.voice import RATE as LOOKED_AT_RATE
from senpath.inputs.modalities.voice import sounds_like_speech
from senpath.snapshot import encode_examples
from senpath.types import Audio, Examples

FEATURES = Path("runs/speech/features")
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
TUNED_ON = SPEAKERS[:3]
SHOTS = (5, 10, None)
ENCODERS = ("sound-statistics", "speech", "speech-and-statistics")
VOICES = ("speaker", "sound-statistics")
SPOKEN, NOISES = "speech", "esc10"
PER_DIGIT = 20
"""Recordings of the synthesiser."""
CLIPS, ALONE = 80, 10
"""Recordings that are timed together, and one by one."""


@cache
def encoded(name: str, encoder: str, split: str) -> Examples:
    """A set behind an encoder, from its file, which is written the first time."""
    file = FEATURES / f"{name}-{encoder}-{split}.npz"
    if not file.exists():
        like = encoded(name, encoder, "train") if split == "test" else None
        write_examples(file, {split: encode_examples(sp.Network(encoders={"audio": encoder}).view, *load(name, split), like=like)})
    return read_examples(file)[0][split]


def _compare(learned: Examples, test: Examples, shots: int | None, seed: int) -> Record:
    """senpath alone in a network, beside a tuned logistic regression on the same vectors."""
    net = sp.Network(random_state=seed)
    report = net.learn("task", learned, random_state=seed)
    truth = np.array(learned.classes, dtype=object)[test.targets.numpy()]
    choice = peer.choose(learned, shots, seed)["log loss"]
    inputs, targets = peer.arrays(test)
    logistic = percent(peer.fit(learned, choice).predict(inputs) == targets)
    right = percent(net.predict(test, task="task").label == truth)
    return {"examples": len(learned), "sen": right, "logistic": logistic, "seconds": report.seconds}


def _drawn(examples: Examples, places: np.ndarray, shots: int | None, seed: int) -> Examples:
    labels = examples.targets.numpy()[places]
    return examples.subset(torch.from_numpy(places if shots is None else places[few_shot(labels, labels, shots, seed)]))


def strangers(speaker: str, shots: int | None, seed: int) -> Iterator[Record]:
    """Digits learned from five speakers, all splits, and asked in the voice of the sixth."""
    everyone, who = encoded(SPOKEN, "speech", "all"), speakers("all")
    learned = _drawn(everyone, np.flatnonzero(who != speaker), shots, seed)
    yield _compare(learned, everyone.subset(torch.from_numpy(np.flatnonzero(who == speaker))), shots, seed)


def known(shots: int | None, seed: int) -> Iterator[Record]:
    """The official split of the spoken digits."""
    train, test = (encoded(SPOKEN, "speech", split) for split in ("train", "test"))
    yield _compare(_drawn(train, np.arange(len(train)), shots, seed), test, shots, seed)


def noises(encoder: str, shots: int | None, seed: int) -> Iterator[Record]:
    """ESC-10, by its fifth fold."""
    train, test = (encoded(NOISES, encoder, split) for split in ("train", "test"))
    yield _compare(_drawn(train, np.arange(len(train)), shots, seed), test, shots, seed)


def voices(encoder: str, shots: int | None, seed: int) -> Iterator[Record]:
    """Who speaks, learned from the words zero to four and asked with five to nine."""
    parts = []
    for split, least in (("train", 0), ("test", 5)):
        spoken, who = encoded(SPOKEN, encoder, split), np.unique(speakers(split), return_inverse=True)
        names, targets = tuple(map(str, who[0])), torch.from_numpy(who[1])
        words = np.flatnonzero((spoken.targets.numpy() >= least) & (spoken.targets.numpy() < least + 5))
        parts.append(_drawn(replace(spoken, targets=targets, classes=names), words, shots if split == "train" else None, seed))
    yield _compare(parts[0], parts[1], shots, seed)


def refused(speaker: str, shots: int | None) -> Iterator[Record]:
    """What the dispatcher, which never heard this speaker, takes for nothing that it knows: of the speaker's digits, of noises."""
    everyone, who = encoded(SPOKEN, "speech", "all"), speakers("all")
    learned = _drawn(everyone, np.flatnonzero(who != speaker), shots, 0)
    asked = everyone.inputs[torch.from_numpy(np.flatnonzero(who == speaker))], encoded(NOISES, "speech", "test").inputs
    for lenient in (False, True):
        encoder = {**learned.data_type.options["encoder"], "strangers": lenient}
        kind = replace(learned.data_type, options={**learned.data_type.options, "encoder": encoder})
        net = sp.Network(random_state=0)
        net.learn("task", replace(learned, data_type=kind), epochs=1, hidden=2)  # the dispatcher asks no pathway
        shares = [percent(net.view.dispatcher("audio").decide(inputs).ood_score > 1) for inputs in asked]
        yield {"lenient": lenient, "stranger": shares[0], "noises": shares[1]}


def choice() -> Iterator[Record]:
    """What share of the recordings of each kind sounds like speech, and what the rule says of all together."""
    for split in ("train", "test"):
        sounds, who = load(SPOKEN, split)[0], speakers(split)
        yield from _heard("spoken digits", split, sounds, [f"{name}{' (set on)' if name in TUNED_ON else ''}" for name in who])
        said = say_digits(split, PER_DIGIT, seed=0)[0]
        yield from _heard("synthesiser", split, [Audio(samples.astype(np.float32) / 32768, RATE) for samples in said], [""] * len(said))
        yield from _heard("ESC-10", split, *load(NOISES, split))


def _heard(name: str, split: str, sounds: list[Audio], kinds: list[str]) -> Iterator[Record]:
    like_speech = np.array([sounds_like_speech(wave) for wave in waves_of(sounds, LOOKED_AT_RATE)])
    shares = {kind: percent(like_speech[np.array(kinds) == kind]) for kind in sorted(set(map(str, kinds)))}
    yield {"set": name, "split": split, "shares": shares, "all": percent(like_speech), "speech": is_speech(sounds)}


def clip(encoder: str) -> Iterator[Record]:
    """Seconds of the processor, on one thread, that reading takes a recording of many, or one alone; and looking which encoder fits."""
    torch.set_num_threads(1)
    reader = MADE_BY[encoder][1]()
    for name in (SPOKEN, NOISES):
        sounds = load(name, "test")[0][:CLIPS]
        of_type = reader.define(sounds)
        together = _cpu_seconds(partial(reader.encode, sounds, of_type)) / len(sounds)
        alone = median(_cpu_seconds(partial(reader.encode, [sound], of_type)) for sound in sounds[:ALONE])
        length = mean(len(sound.samples) / sound.rate for sound in sounds)
        yield {"set": name, "length": length, "together": together, "alone": alone, "look": _cpu_seconds(partial(is_speech, sounds))}


def _cpu_seconds(job: Callable[[], object]) -> float:
    start = process_time()
    job()
    return process_time() - start


def _results(records: Records, rows: dict[str, Callable[[Records], object]], *by: str) -> str:
    columns: dict[str, Callable[[Records], object]] = {
        **rows,
        "shots": lambda some: some[0]["shots"] or "all",
        "runs": len,
        "senpath": lambda some: spread(some.values("sen")),
        "LR": lambda some: spread(some.values("logistic")),
        "difference [95 %]": lambda some: interval(some.values(lambda one: one["sen"] - one["logistic"]), sign=True),
        "seconds to learn": lambda some: f"{median(some.values('seconds')):.1f}",
    }
    return table_of(records.by(*by, "shots").values(), columns)


def strangers_table(records: Records) -> str:
    """Every speaker, and means over speakers."""
    each = _results(records, {"left out": lambda some: some[0]["speaker"]}, "speaker")
    lines = []
    for shots, some in records.by("shots").items():
        unseen = some.where(lambda one: one["speaker"] not in TUNED_ON)
        means = [f"senpath {part.mean('sen'):.1f} %, LR {part.mean('logistic'):.1f} %" for part in (some, unseen)]
        lines.append(f"{f'{shots} examples a class' if shots else 'All examples'}: {means[0]}; over the three not looked at {means[1]}.")
    return each + "\n\nMeans over the speakers. " + " ".join(lines)


def refused_table(records: Records) -> str:
    """Means over the speakers."""
    columns: dict[str, Callable[[Records], object]] = {
        "examples a class": lambda some: some[0]["shots"] or "all",
        "strangers are allowed for": lambda some: "yes" if some[0]["lenient"] else "no",
        "of the stranger's digits refused": lambda some: f"{some.mean('stranger'):.1f}",
        "by speaker": lambda some: ", ".join(f"{one['speaker']} {one['stranger']:.0f}" for one in some),
        "of noises refused": lambda some: f"{some.mean('noises'):.1f}",
    }
    return table_of(records.by("shots", "lenient").values(), columns)


def choice_table(records: Records) -> str:
    """One row for each set and split."""
    columns: dict[str, Callable[[Record], object]] = {
        "sounds": lambda one: one["set"],
        "split": lambda one: one["split"],
        "sound like speech, %": lambda one: f"{one['all']:.0f}",
        "taken for speech": lambda one: "yes" if one["speech"] else "no",
        "by kind, %": lambda one: ", ".join(f"{kind} {share:.0f}" for kind, share in one["shares"].items() if kind),
    }
    return table_of(records, columns)


def clip_table(records: Records) -> str:
    """Milliseconds."""
    columns: dict[str, Callable[[Record], object]] = {
        "encoder": lambda one: one["encoder"],
        "recordings": lambda one: f"{'spoken digits' if one['set'] == SPOKEN else 'ESC-10'}, {one['length']:.1f} s on average",
        "ms a recording, of many": lambda one: f"{1000 * one['together']:.1f}",
        "ms, one alone": lambda one: f"{1000 * one['alone']:.1f}",
        "ms to look which encoder fits": lambda one: f"{1000 * one['look']:.0f}",
    }
    return table_of(records, columns)


def _cells(axes: dict[str, tuple[str, ...]]) -> Callable[[Namespace], list[Record]]:
    """All examples with one seed, a few with every one."""

    def cells(arguments: Namespace) -> list[Record]:
        ways = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]
        drawn = [(shots, seed) for shots in SHOTS for seed in range(arguments.seeds if shots else 1)]
        return [{**way, "shots": shots, "seed": seed} for way in ways for shots, seed in drawn]

    return cells


PARTS = {
    "strangers": Part(strangers, _cells({"speaker": SPEAKERS}), prepare=lambda arguments: encoded(SPOKEN, "speech", "all")),
    "known": Part(known, _cells({})),
    "noises": Part(noises, _cells({"encoder": ENCODERS})),
    "voices": Part(voices, {"encoder": VOICES, "shots": (5,), "seed": "seeds"}),
    "refused": Part(refused, {"speaker": SPEAKERS, "shots": (5, None)}),
    "choice": Part(choice),
    "clip": Part(clip, {"encoder": ENCODERS}, workers=0),
}
SECTIONS = {
    "strangers": strangers_table,
    "known": lambda records: _results(records, {}),
    "noises": lambda records: _results(records, {"encoder": lambda some: some[0]["encoder"]}, "encoder"),
    "voices": lambda records: _results(records, {"encoder": lambda some: some[0]["encoder"]}, "encoder"),
    "refused": refused_table,
    "choice": choice_table,
    "clip": clip_table,
}
BENCHMARK = Benchmark("speech", __doc__, PARTS, SECTIONS, page="senses.md", seeds=5, jobs=1)

if __name__ == "__main__":
    BENCHMARK.main()
