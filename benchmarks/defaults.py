"""What `learn` gets out of pictures of 8 to 224 pixels as it is, beside tuned logistic regression and an SVC on the same pixels.

    python -m benchmarks.defaults [pictures] [choice] [own] [--seeds 1] [--only signdigits …]

The tables of docs/results/defaults.md: on test data, and, of models that may be the default, on training data that are held out; what few
examples are learned by heart. About ten, twenty and five minutes of one core for each seed. Needs SENPATH_DATA.
"""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

from benchmarks.harness import Benchmark, Part, Record, Records, markdown_table, spread
from senpath import Audio, Network, data

TRAIN, TEST = 600, 400
"""Pictures, at most."""
CHARACTERS = 60
"""Classes of Omniglot that are drawn; a character's 20 drawings are divided."""
SETS = {
    "digits": "8×8, grey",
    "semeion": "16×16, grey",
    "mnist": "28×28, grey",
    "pneumonia": "28×28, grey",
    "bangla": "32×32, colour",
    "cifar10": "32×32, colour",
    "signdigits": "64×64, colour",
    "grocery": "72×72, colour",
    "clothing": "96×96, colour",
    "omniglot": "105×105, grey",
    "clothing at 224": "224×224, colour",
}
WAYS = {"learn": "`learn` as it is", "logistic": "logistic regression", "svc": "SVC"}
CHOSEN_FROM, MINUTES = 400, 60
"""Training examples that models are chosen by, and recordings of a minute, at most."""
TABLES = ("wine", "breast cancer", "signdigits as a table", "clothing at 82 as a table", "noise, larger")
SOUNDS = ("speech", "esc10", "speech, a minute")
CHOICE = {
    ("wide-and-deep", "mlp", "svm"): TABLES,
    ("mlp", "pooled-cnn"): tuple(dict.fromkeys(("bangla", "cifar10", "devanagari", "telugu", *SETS))),
    ("lstm", "mlp"): SOUNDS,
}
"""Models that may be the default, and what they are chosen by."""
OWN = ("noise", "iris", "wine", "breast cancer", "semeion", "pneumonia", "mnist", "fashion", "lower", "upper", "trec", "bangla", "speech")
OWN_SHOTS = (1, 2, 5, 10)
"""What is learned of few examples a class, to see whether it knows them."""
Labelled = tuple[np.ndarray, np.ndarray]


def _read(name: str, seed: int) -> tuple[Labelled, Labelled]:
    """Training and test data."""
    random = np.random.default_rng(seed)
    if name in ("digits", "omniglot"):  # which have no test part of the same classes
        x, y = _characters(random) if name == "omniglot" else load_digits(return_X_y=True)
        x = x.reshape(-1, 8, 8) / 16 if name == "digits" else x
        order = random.permutation(len(y))
        return (x[order[:TRAIN]], y[order[:TRAIN]]), (x[order[TRAIN:][:TEST]], y[order[TRAIN:][:TEST]])
    parts = []
    for split, most in (("train", TRAIN), ("test", TEST)):
        images, labels = data.load(name.split(" at ")[0], split)
        chosen = random.permutation(len(labels))[:most]
        chosen_images = np.asarray(images)[chosen]
        if " at " in name:
            side = int(name.split()[2])
            chosen_images = np.stack([np.asarray(Image.fromarray(image).resize((side, side))) for image in chosen_images])
        parts.append((chosen_images, np.asarray(labels)[chosen]))
    return parts[0], parts[1]


def _characters(random: np.random.Generator) -> Labelled:
    x, y = data.load("omniglot", "background")
    mine = np.isin(y, random.choice(np.unique(y), CHARACTERS, replace=False))
    return np.asarray(x)[mine], np.asarray(y)[mine]


def _measure(name: str, seed: int) -> Iterator[Record]:
    (x, y), (test, truth) = _read(name, seed)
    start = time.process_time()
    net = Network(random_state=seed)
    learned = net.learn("task", x, y, random_state=seed)
    taken = time.process_time() - start
    right = net.predict(test, task="task").label == truth
    model = net.view.component(net.view.pathway("task").components[0]).kind.name
    about = {"model": model, "classes": len(np.unique(y)), "warned": learned.warning is not None}
    yield {"way": "learn", "accuracy": float(np.mean(right)), "seconds": taken, **about}
    pixels, others = _turned(_pixels(net, x), _pixels(net, test))
    for way, model_class, strengths in (
        ("logistic", LogisticRegression(max_iter=500), 10.0 ** np.arange(-4, 2)),
        ("svc", SVC(), (1, 10, 100)),
    ):
        start = time.process_time()
        search = GridSearchCV(model_class, {"C": [float(strength) for strength in strengths]}, cv=3).fit(pixels, y)
        yield {"way": way, "accuracy": float(search.score(others, truth)), "seconds": time.process_time() - start}


def _pixels(net: Network, images: np.ndarray) -> np.ndarray:
    """As the network reads them: float64 (n, numbers)."""
    return np.concatenate([batch.inputs.flatten(1).double().numpy() for batch in net.encode(images).batches])


def _turned(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same vectors in as many numbers as there are vectors, on which penalties and distances are the same (Trefethen and Bau 1997)."""
    together = np.concatenate([train, test]) - train.mean(0)
    turned = np.linalg.qr(together.T, mode="r").T if together.shape[1] > len(together) else together
    return turned[: len(train)], turned[len(train) :]


def _table(records: Records) -> str:
    rows = []
    for name, mine in records.by("name").items():
        learned = mine.where(way="learn")
        cells = [spread(mine.where(way=way).values("accuracy", 100)) for way in WAYS]
        rows.append(
            [name, SETS[name], learned[0]["classes"], f"`{learned[0]['model']}`", *cells, f"{np.mean(learned.values('seconds')):.0f}"]
        )
    columns = ["set", "pictures", "classes", "model", *WAYS.values(), "seconds of one core"]
    count = len(records.distinct("seed"))
    seeds = f"{count} seeds" if count > 1 else "one seed"
    note = f"Accuracy on at most {TEST} test pictures in %, from at most {TRAIN} training pictures, {seeds}."
    return f"{markdown_table(columns, rows)}\n\n{note}"


def _choice(seed: int, name: str, model: str) -> Iterator[Record]:
    """A model learned from three quarters of some training data, and asked about the rest."""
    x, y = _table_of(name, seed) if name in TABLES else _sounds(name, seed) if name in SOUNDS else _read(name, seed)[0]
    order = np.random.default_rng(seed).permutation(len(y))[:CHOSEN_FROM]
    fitted, held = order[len(order) // 4 :], order[: len(order) // 4]
    start = time.process_time()
    net = Network(random_state=seed)
    learned = net.learn("task", _items(x, fitted), y[fitted], model=model, random_state=seed)
    taken = time.process_time() - start
    accuracy = float(np.mean(net.predict(_items(x, held), task="task").label == y[held]))
    numbers = int(np.prod(net.view.types[net.view.pathway("task").data_type].shape))
    yield {"accuracy": accuracy, "seconds": taken, "numbers": numbers, "warned": learned.warning is not None}


def _own(seed: int, name: str) -> Iterator[Record]:
    """Few examples a class of a set, learned and asked about again; or noise, of one picture a class."""
    x, y = (np.random.default_rng(seed).random((700, 28, 28)), np.arange(700)) if name == "noise" else _labelled(name)
    for shots in (1,) if name == "noise" else OWN_SHOTS:
        chosen = data.few_shot(x, y, shots, seed)
        net = Network(random_state=seed)
        learned = net.learn("task", _items(x, chosen), y[chosen], random_state=seed)
        right = float(np.mean(net.predict(_items(x, chosen), task="task").label == y[chosen]))
        about = {"warned": learned.warning is not None, "tried": net.log[-1].get("recipes_tried")}
        yield {"shots": shots, "accuracy": right, **about}


def _labelled(name: str) -> tuple[Any, np.ndarray]:
    tables = {"iris": load_iris, "wine": load_wine, "breast cancer": load_breast_cancer}
    x, y = tables[name](return_X_y=True) if name in tables else data.load(name)
    return x if isinstance(x, list) else np.asarray(x), np.asarray(y)


def _own_table(records: Records) -> str:
    rows = []
    for name, mine in records.by("name").items():
        cells = [spread(part.values("accuracy", 100)) if (part := mine.where(shots=shots)) else "–" for shots in OWN_SHOTS]
        again = sum(record["tried"] is not None for record in mine)
        rows.append([name, *cells, f"{again} of {len(mine)}", sum(record["warned"] for record in mine)])
    columns = ["set", *(f"{shots} a class" for shots in OWN_SHOTS), "learned again", "warned"]
    count = len(records.distinct("seed"))
    note = f"Accuracy on the very examples that were learned, in %, {f'{count} seeds' if count > 1 else 'one seed'}."
    return f"{markdown_table(columns, rows)}\n\n{note}"


def _cells() -> list[dict[str, str]]:
    return [{"name": name, "model": model} for models, names in CHOICE.items() for name in names for model in models]


def _items(x: Any, places: np.ndarray) -> Any:
    return [x[place] for place in places] if isinstance(x, list) else x[places]


def _table_of(name: str, seed: int) -> Labelled:
    """Rows, at most `TRAIN`."""
    if name in ("wine", "breast cancer"):
        x, y = {"wine": load_wine, "breast cancer": load_breast_cancer}[name](return_X_y=True)
        return x, y
    if name == "noise, larger":  # 20,000 columns on scale 1e4, of which 50 tell four classes apart
        random = np.random.default_rng(seed)
        y = np.arange(CHOSEN_FROM) % 4
        x = random.normal(size=(CHOSEN_FROM, 20_000))
        x[:, :50] += 1.2 * random.normal(size=(4, 50))[y]
        return 1e4 * x, y
    images, y = _read(name.removesuffix(" as a table"), seed)[0]
    return images.reshape(len(y), -1).astype("float32"), y


def _sounds(name: str, seed: int) -> tuple[list[Audio], np.ndarray]:
    """Recordings; "speech, a minute" repeats the words of one digit, by all speakers, for a minute."""
    x, y = data.load(name.split(",")[0])
    y, random = np.asarray(y), np.random.default_rng(seed)
    if name in ("speech", "esc10"):
        order = random.permutation(len(y))[:CHOSEN_FROM]
        return [x[place] for place in order], y[order]
    labels, clips = np.arange(MINUTES) % 10, []
    for digit in labels:
        words = [x[place] for place in random.choice(np.flatnonzero(y == digit), 150)]
        clips.append(Audio(np.concatenate([word.samples for word in words])[: 60 * words[0].rate], words[0].rate))
    return clips, labels


def _choice_table(records: Records) -> str:
    parts = []
    for models, names in CHOICE.items():
        rows = []
        for name in names:
            mine = records.where(name=name)
            each = [mine.where(model=model) for model in models]
            if all(each):
                rows.append([name, f"{mine[0]['numbers']:,}", *(spread(part.values("accuracy", 100)) for part in each)])
        if rows:
            parts.append(markdown_table(["set", "numbers", *(f"`{model}`" for model in models)], rows))
    count = len(records.distinct("seed"))
    seeds = f"mean ± sample standard deviation, {count} seeds" if count > 1 else "one seed"
    return "\n\n".join([*parts, f"Accuracy in % on a quarter of at most {CHOSEN_FROM} training examples, which is held out; {seeds}."])


PARTS = {
    "own": Part(_own, {"seed": "seeds", "name": OWN}),
    "pictures": Part(_measure, {"name": [*SETS], "seed": "seeds"}),
    "choice": Part(_choice, lambda given: [{"seed": seed, **cell} for seed in range(given.seeds) for cell in _cells()]),
}
BENCHMARK = Benchmark("defaults", __doc__, PARTS, {"pictures": _table, "choice": _choice_table, "own": _own_table}, seeds=1, anew=False)

if __name__ == "__main__":
    BENCHMARK.main()
