"""Encoders of texts in several languages: sentences beside their translations, and English tasks under logistic regression.

    python -m benchmarks.languages [PART ...] [--encoders minilm multilingual-e5-small] [--seeds 5] [--folder runs/languages]

Parts: pairs, english. The sentences are in sentences.tsv, each in five languages: any encoder of texts may be tried on them. Writes a
section of docs/results/senses.md. Needs SENPATH_DATA and the extras [text] and [languages]. Texts are encoded once, into the folder.
"""

from argparse import Namespace

from benchmarks.harness import Benchmark, Part, Record, Records, Section, interval, markdown_table
from benchmarks.languages.measure import english, translations

ENCODERS = ("minilm", "multilingual-e5-small")
LANGUAGES = ("german", "spanish", "french", "russian")
ENGLISH = {"trec": (2_000, 4_350), "clinc150": (3_000,)}
"""Tasks, and how many examples of each are learned from: those that a seed draws."""


def page(pairs: Records, tasks: Records) -> str:
    """A row an encoder."""
    rows = []
    for encoder, mine in pairs.by("encoder").items():
        own = [mine.where(language=language)[0] for language in LANGUAGES]
        rows.append([encoder, *(f"{one['right']} of {one['of']}" for one in own)])
    sizes = [(name, most) for name, counts in ENGLISH.items() for most in counts]
    cells = [
        [encoder, *(interval(mine.where(lambda one, size=size: tuple(one["task"]) == size).values("accuracy")) for size in sizes)]
        for encoder, mine in tasks.by("encoder").items()
    ]
    parts = [
        "Sentences whose translation is the nearest of thirty, from English and to English:",
        markdown_table(["encoder", *LANGUAGES], rows),
        f"Test accuracy in English, %, logistic regression, {len(tasks.distinct('seed'))} seeds, mean and 95 % interval:",
        markdown_table(["encoder", *(f"{name}, {most:,} examples" for name, most in sizes)], cells),
    ]
    return "\n\n".join(parts)


def _tasks(arguments: Namespace) -> list[Record]:
    sizes = [(name, most) for name, counts in ENGLISH.items() for most in counts]
    return [{"task": size, "seed": seed, "encoder": one} for size in sizes for seed in range(arguments.seeds) for one in arguments.encoders]


PARTS = {
    "pairs": Part(translations, lambda arguments: [{"encoder": one, "language": lang} for one in arguments.encoders for lang in LANGUAGES]),
    "english": Part(english, _tasks),
}
BENCHMARK = Benchmark(
    "languages",
    __doc__,
    PARTS,
    {"languages": Section(page, ["pairs", "english"])},
    page="senses.md",
    seeds=5,
    options={"--encoders": {"nargs": "+", "default": list(ENCODERS), "help": "encoders of texts, by name (default: %(default)s)"}},
)

if __name__ == "__main__":
    BENCHMARK.main()
