"""Makes the networks of `data/`: small folders of every format up to 7, and what the code that wrote format 5, 6 or 7 answers from them.

The networks were grown by the last commits that wrote their formats and can be imported, and they are kept as these wrote them:

    format 1: ab19b7c    format 2: 21cba3a    format 3: 45e9481    format 4: 0adce8a    format 5: bbb93e7    format 6: 0a24353
    format 7: ad4c098

With a work tree of such a commit (`git worktree add --detach DIR COMMIT`), from the repository root:

    PYTHONPATH=DIR/src:. python -m tests.compat.make_networks grow format-1 FOLDER       # likewise format-2 to format-5
    PYTHONPATH=DIR/src:. python -m tests.compat.make_networks grow sen munet … FOLDER    # format 5
    PYTHONPATH=DIR/src:. python -m tests.compat.make_networks answer FOLDER              # format 5: packs all that were grown
    PYTHONPATH=DIR/src:. python -m tests.compat.make_networks grow format-6 FOLDER       # format 6, likewise format-7
    PYTHONPATH=DIR/src:. python -m tests.compat.make_networks answer FOLDER              # format 6 or 7: with that network alone in FOLDER

Present code cannot run it: it reaches into the old packages to make networks small. Feature maps get 32 numbers where they have a thousand,
and layers fewer filters and units; the folder keeps both as it keeps any. Weights of the mixture of experts are rounded, so that they pack
well.
"""

from __future__ import annotations

import lzma
import os

os.environ["OMP_NUM_THREADS"] = "1"

import importlib.util
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits, load_iris

import senpath as sp

DATA = Path(__file__).parent / "data"
QUICK: dict[str, Any] = {"hidden": 8, "epochs": 20, "learning_rate": 1e-2}
WORDS = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
NOUNS = {
    "fruit": ["apple", "pear", "plum", "cherry", "melon", "grape"],
    "tool": ["saw", "drill", "file", "hammer", "wrench", "chisel"],
    "town": ["paris", "lima", "oslo", "cairo", "delhi", "quito"],
    "beast": ["cat", "cow", "horse", "goat", "dog", "sheep"],
}
OPENINGS = ["the {} is", "I saw a {}", "where did the {} go ?", "{}", "they like no {} at all", "one {} or another"]
torch.set_num_threads(1)

_bunch, _flowers = load_digits(), load_iris()
IMAGES, DIGITS = (_bunch.images * 255 / 16).round().astype(np.uint8), _bunch.target
_order = np.random.default_rng(0).permutation(len(_flowers.target))
FLOWERS, SPECIES = _flowers.data[_order], _flowers.target_names[_flowers.target[_order]]


def tones(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Noisy tones of an eighth of a second, float32 (n, 1000), and which of two each is."""
    generator, time = np.random.default_rng(seed), np.arange(1000) / 8000
    y = np.arange(count) % 2
    pitch = np.where(y, 1100, 400)[:, None] * (1 + generator.normal(size=(count, 1)) / 50)
    noise = generator.normal(size=(count, 1000)) / 20
    return (np.sin(2 * np.pi * pitch * time) / 2 + noise).astype(np.float32), np.array(["low", "high"])[y]


def recordings(count: int, seed: int) -> tuple[list[sp.Audio], np.ndarray]:
    x, y = tones(count, seed)
    return [sp.Audio(samples, 8000) for samples in x], y


def sentences(*classes: str) -> tuple[list[str], list[str]]:
    pairs = [(opening.format(noun), name) for name in classes for noun in NOUNS[name] for opening in OPENINGS]
    return [text for text, _ in pairs], [name for _, name in pairs]


def properties(digits: np.ndarray) -> list[set[str]]:
    """What holds of each digit."""
    holds = {"big": (5, 6, 7, 8, 9), "even": (0, 2, 4, 6, 8), "loop": (0, 6, 8, 9)}
    return [{name for name, of in holds.items() if digit in of} for digit in digits]


def ink(images: np.ndarray) -> np.ndarray:
    """How much of the left and the right half is dark, in per cent."""
    return np.stack([images[:, :, :4].mean((1, 2)), images[:, :, 4:].mean((1, 2))], 1) / 2.55


SEEN = IMAGES[1500:1512]
INPUTS: dict[str, np.ndarray] = {
    "image": SEEN,
    "table": FLOWERS[140:],
    "audio": tones(4, 9)[0],
    "text": np.array(["the apple is red", "my old hammer", "a trip to lima", "no goat here", "zzz qqq", "I saw a fig"]),
}


def shrink() -> None:
    """32 features of images, 16 of tables and sounds, 4 of texts, for their covariances are most of a folder; fewer filters and units."""
    if importlib.util.find_spec("senpath.dispatch") is None:  # from format 6 on
        from senpath.routing import features
    else:
        from senpath.dispatch import features

        from senpath.methods import models

        plain, less = models.Body, {"cnn.v1": {"filters": [4, 8]}, "lstm.v1": {"units": 8}}
        models.Body = lambda kind, config, outputs: plain(kind, {**config, **less.get(kind, {})}, outputs)

    features.image_features.__kwdefaults__.update(filters=4, grid=2)
    features.DENSE_OTHERS = 16
    features.DENSE["text"] = 4


def round_weights() -> None:
    """Leave three bits of the mantissa of components that are made from now on."""
    from senpath import components

    plain = components.save

    def save(tensors: dict[str, torch.Tensor]) -> bytes:
        for value in tensors.values():
            if value.dtype == torch.float32:
                whole = value.view(torch.int32)
                whole.copy_((whole + (1 << 19)) & -(1 << 20))
        return plain(tensors)

    components.save = save


def grow_format(net: sp.Network) -> None:
    """What all formats have: images, a table, sounds; every torch model, a scikit-learn one, links and a copied layer."""
    net.learn("digits", IMAGES[:300], DIGITS[:300], **{**QUICK, "hidden": 16}, augment=0.0)
    net.learn("named", IMAGES[300:350], WORDS[DIGITS[300:350]], **QUICK)
    net.learn("iris", FLOWERS[:60], SPECIES[:60], **QUICK)
    net.learn("tones", *recordings(12, 1), model="lstm", hidden=8, epochs=4)
    net.learn("even", IMAGES[:60], DIGITS[:60] % 2, model="cnn", hidden=8, epochs=4, links="none")
    net.learn("thirds", IMAGES[:40], DIGITS[:40] % 3, model="svm")


def grow_estimators(net: sp.Network) -> None:
    """Scikit-learn models that format 6 keeps as skops files, of every kind of task, one with links; a torch model beside them."""
    from sklearn.decomposition import PCA
    from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.naive_bayes import GaussianNB
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVR

    forest = RandomForestClassifier(4, max_depth=4, random_state=0)
    x, y = IMAGES[:60], DIGITS[:60]
    net.learn("digits", IMAGES[:200], DIGITS[:200], **QUICK, augment=0.0)
    net.learn("thirds", x[:40], y[:40] % 3, model="svm", links="none")
    net.learn("linked", x[:40], y[:40], model="svm", threshold=0.1, min_separability=0.0)
    net.learn("forest", x, y // 4, model=forest, links="none")
    net.learn("properties", x, properties(y), model=forest)
    net.learn("shade", x, ink(x)[:, 0], kind="regression", model=Ridge())
    net.learn("both shades", x, ink(x), kind="regression", model=Ridge())
    net.learn("even", x, y % 2, model=make_pipeline(StandardScaler(), PCA(4), LogisticRegression()), links="none")
    net.learn("iris", FLOWERS[:60], SPECIES[:60], model=GradientBoostingClassifier(n_estimators=3, max_depth=2), links="none")
    net.learn("iris again", FLOWERS[60:100], SPECIES[60:100], model=GaussianNB(), links="none")
    net.learn("two of iris", FLOWERS[60:100], FLOWERS[60:100, 2] > 3, model="svm", links="none")
    net.learn("width", FLOWERS[:40], FLOWERS[:40, 3], kind="regression", model=SVR())


def grow_format_7(net: sp.Network) -> None:
    """What format 7 added: scales of regressions, identities, a covariance of each task, tables with gaps and words, plain estimators."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import Ridge

    still = {**QUICK, "augment": 0.0}
    net.learn("digits", IMAGES[:200], DIGITS[:200], **still)
    net.learn("named", IMAGES[200:250], WORDS[DIGITS[200:250]], threshold=0.4, **still)
    net.learn("properties", IMAGES[:60], properties(DIGITS[:60]), **still)
    net.learn("ink", IMAGES[:60], 1000 + ink(IMAGES[:60]), kind="regression", model="mlp", **still)
    net.learn("forest", IMAGES[:60], DIGITS[:60] // 4, model=RandomForestClassifier(4, max_depth=4, random_state=0))
    net.learn("gone", IMAGES[:40], DIGITS[:40] % 3, **still)
    net.learn("iris", np.where(np.arange(240).reshape(60, 4) % 17 == 3, np.nan, FLOWERS[:60]), SPECIES[:60], model="mlp", **QUICK)
    net.learn("width", FLOWERS[:40], FLOWERS[:40, 3], kind="regression", model=Ridge())
    net.learn("tones", *recordings(12, 1), model="mlp", **QUICK)
    net.remove("gone")
    net.rollback(net.version - 1)
    net.remove("gone")


def grow_sen(net: sp.Network) -> None:
    """The method `sen`: all models, kinds of task, links; encoded sounds."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import Ridge

    digits = {**QUICK, "hidden": 16, "augment": 0.0}
    net.learn("digits", IMAGES[:300], DIGITS[:300], **digits)
    net.learn("named", IMAGES[300:350], WORDS[DIGITS[300:350]], **QUICK)
    net.learn("odd", IMAGES[350:400], DIGITS[350:400] % 2, links="similar", source="per-class", threshold=0.4, apart=0.0, **QUICK)
    net.learn("similar", IMAGES[400:450], WORDS[DIGITS[400:450]], links="similar", threshold=0.6, **QUICK)
    net.learn("zero-shot", IMAGES[400:450], WORDS[DIGITS[400:450]], epochs=0)
    net.learn("properties", IMAGES[:100], properties(DIGITS[:100]), threshold=0.5, **QUICK)
    net.learn("ink", IMAGES[:100], ink(IMAGES[:100]), kind="regression", threshold=0.3, **QUICK)
    net.learn("even", IMAGES[:60], DIGITS[:60] % 2, model="cnn", hidden=8, epochs=4, links="none")
    net.learn("thirds", IMAGES[:40], DIGITS[:40] % 3, model="svm")
    net.learn("forest", IMAGES[:60], DIGITS[:60] // 4, model=RandomForestClassifier(5, max_depth=4, random_state=0))
    net.learn("shade", IMAGES[:60], ink(IMAGES[:60])[:, 0], kind="regression", model=Ridge())
    net.learn("iris", FLOWERS[:60], SPECIES[:60], **QUICK)
    net.learn("iris again", FLOWERS[60:80], SPECIES[60:80], **QUICK)
    net.learn("width", FLOWERS[:60], FLOWERS[:60, 3], kind="regression", model="mlp", **QUICK)
    net.learn("tones", *recordings(20, 1), model="mlp", **QUICK)
    net.learn("things", *sentences("fruit", "tool"), model="mlp", hidden=2, epochs=20)


def grow_munet(net: sp.Network) -> None:
    """The method `munet`: roots of dense layers, of a small transformer, of small convolutions; a task learned by `sen` beside."""
    small: dict[str, Any] = {"method": "munet", "schedule": "evolve", "generations": 2, "children": 2, "cycles": 2, "examples": 200}
    small["work"] = tempfile.mkdtemp()
    low, high = IMAGES[:300][DIGITS[:300] < 5], IMAGES[:300][DIGITS[:300] >= 5]
    net.learn("low", low, DIGITS[:300][DIGITS[:300] < 5], root="mlp", blocks=0, **small)
    net.learn("high", high, DIGITS[:300][DIGITS[:300] >= 5], root="mlp", blocks=0, adapters="all", **small)
    torch.manual_seed(0)
    transformer, mobile = transformer_root(), mobile_root()
    net.learn("named", IMAGES[:200], WORDS[DIGITS[:200]], root=transformer, adapters="all", **small)
    net.learn("properties", IMAGES[:100], properties(DIGITS[:100]), root=transformer, **small)
    net.learn("ink", IMAGES[:200], ink(IMAGES[:200]), kind="regression", root=mobile, layers=False, **small)
    net.learn("digits", IMAGES[400:460], DIGITS[400:460], augment=0.0, **QUICK)


def transformer_root() -> Any:
    from senpath.components import build

    ends = [
        ("patches.v1", {"channels": 1, "side": 8, "patch": 4, "width": 16}),
        ("class-token.v1", {"width": 16}),
        ("positions.v1", {"tokens": 5, "width": 16}),
    ]
    block = ("transformer.v1", {"width": 16, "heads": 2, "hidden": 32})
    layers = [*ends, block, block, ("class-norm.v1", {"width": 16})]
    return sp.Root.of("a small transformer", [(kind, config, build(kind, config)) for kind, config in layers], optional=[3, 4])


def mobile_root() -> Any:
    from senpath.components import build

    layers: list[tuple[str, dict[str, Any]]] = [
        ("conv-stem.v1", {"channels": 1, "filters": 8, "kernel": 3, "stride": 1, "mean": 0.5, "std": 0.25, "side": None}),
        ("mbconv.v1", {"inputs": 8, "outputs": 8, "kernel": 3, "stride": 1, "expand": 2}),
        ("conv-tail.v1", {"inputs": 8, "outputs": 16}),
    ]
    return sp.Root.of("small convolutions", [(kind, config, build(kind, config)) for kind, config in layers], optional=[1])


def grow_allocation(net: sp.Network) -> None:
    """The method `allocation`: images and tables, and a task learned by `sen` beside."""
    small: dict[str, Any] = {"method": "allocation", "layers": 2, "batch": 8, "steps": 60, "p0": 0.55, "router_rate": 0.05}
    x, y = IMAGES[:300], DIGITS[:300]
    tasks = {"low": (x[y < 5], y[y < 5]), "high": (x[y >= 5], y[y >= 5]), "turned": (x[:200].swapaxes(1, 2)[:, ::-1], y[:200])}
    components = ("3x3", "1x7", "max", "avg", "identity")
    net.learn_many(tasks, width=4, components=components, random_state=1, **small)
    net.learn_many({"ink": (x[:150], ink(x[:150])), "size": (x[150:], x[150:].mean((1, 2)))}, kind="regression", width=4, **small)
    net.learn_many({"iris": (FLOWERS[:110], SPECIES[:110]), "wide": (FLOWERS[:110], (FLOWERS[:110, 3] > 1).astype(int))}, width=8, **small)
    net.learn("named", IMAGES[400:460], WORDS[DIGITS[400:460]], **QUICK)


def grow_moe(net: sp.Network) -> None:
    """The method `moe`: two tasks together, one added to them, and one learned by `sen` beside."""
    quick: dict[str, Any] = {"method": "moe", "epochs": 3, "batch_size": 16, "least_steps": 30}
    tasks = {"things": sentences("fruit", "tool"), "nature": sentences("fruit", "beast")}
    net.learn_many(tasks, experts=2, **quick)
    net.learn("places", *sentences("tool", "town"), tune="head", **quick)
    net.learn("beside", *sentences("beast", "town"), hidden=4, epochs=10)


def grow_revised(net: sp.Network) -> None:
    """Tasks that were changed after they were learned, brought from another network, or that share a concept."""
    still = {**QUICK, "augment": 0.0}
    few = np.concatenate([np.flatnonzero(DIGITS[:200] == digit)[:5] for digit in range(10)])
    net.learn("early", IMAGES[few], DIGITS[few], **still)
    net.learn("digits", IMAGES[:300], DIGITS[:300], links="none", **{**still, "hidden": 16})
    net.learn("named", IMAGES[300:350], WORDS[DIGITS[300:350]], **still)
    net.learn("low", IMAGES[:200][DIGITS[:200] < 5], DIGITS[:200][DIGITS[:200] < 5], links="none", **still)
    net.learn("high", IMAGES[:200][DIGITS[:200] >= 5], DIGITS[:200][DIGITS[:200] >= 5], links="none", **still)
    net.learn("gone", IMAGES[:60], DIGITS[:60] % 3, **still)
    net.learn("heir", IMAGES[60:100], DIGITS[60:100] % 3, threshold=0.5, **still)
    sums = np.concatenate([IMAGES.sum(1), IMAGES.sum(2)], axis=1).astype(float)
    concept = {"by image": (IMAGES[:80], DIGITS[:80]), "by table": (sums[80:160], DIGITS[80:160])}
    net.learn("convolved", IMAGES[:60], DIGITS[:60] % 2, model="cnn", hidden=8, epochs=4, links="none")
    net.learn("iris", FLOWERS[:60], SPECIES[:60], **QUICK)
    net.learn_many(concept, concept="digit", model="mlp", links="none", **still)
    other = sp.Network(random_state=0)
    other.learn("base", IMAGES[600:800], DIGITS[600:800], **still)
    other.learn("words", IMAGES[800:850], WORDS[DIGITS[800:850]], **still)
    exported = net.path.with_name("exported.sentask")
    other.export("words", exported, overwrite=True)
    net.import_task(exported, "brought")
    lenient: dict[str, Any] = {"tolerance": 1.0, "epochs": 2}
    x, y = IMAGES[700:800], DIGITS[700:800]
    assert net.review("early", IMAGES[few], DIGITS[few]).changed
    assert net.prune("digits", 0.4, IMAGES[:300], DIGITS[:300], **lenient).changed
    assert net.prune("low", 0.5, IMAGES[:200][DIGITS[:200] < 5], DIGITS[:200][DIGITS[:200] < 5], what="units", **lenient).changed
    assert net.prune("convolved", 0.5).changed
    assert net.prune("iris", 0.7).changed
    assert net.extend("high", x[y >= 3], y[y >= 3]).changed
    assert net.extend("named", x, WORDS[y], may_move=True, epochs=2).changed
    net.learn("changer", x, WORDS[y], may_change=["low"], **{**still, "hidden": 4})
    net.remove("gone")


def grow_binary(net: sp.Network) -> None:
    """The dispatcher's binary form."""
    for name, low in (("low", 0), ("middle", 4), ("high", 7)):
        mine = (DIGITS[:300] >= low) & (DIGITS[:300] < low + 4)
        net.learn(name, IMAGES[:300][mine], DIGITS[:300][mine], augment=0.0, **QUICK)
    net.learn("iris", FLOWERS[:60], SPECIES[:60], **QUICK)


GROW = {
    "sen": grow_sen,
    "munet": grow_munet,
    "allocation": grow_allocation,
    "moe": grow_moe,
    "revised": grow_revised,
    "binary": grow_binary,
    **{f"format-{number}": grow_format for number in range(1, 6)},
    "format-6": grow_estimators,
    "format-7": grow_format_7,
}


def grow(name: str, folder: Path) -> None:
    """Grow one network in `folder`."""
    shrink()
    settings: dict[str, Any] = {"random_state": 0}
    if name == "moe":
        round_weights()
        settings["encoders"] = {"text": "random-tokens"}
    elif name == "sen":
        from tests.compat.queries import encoders_of

        settings["encoders"] = encoders_of(name)
    elif name == "binary":
        settings["dispatcher"] = "binary"
    GROW[name](sp.Network(folder / f"{name}.sen", **settings))


def answer(folder: Path) -> None:
    """Pack every network in `folder`, and keep what it answers."""
    from tests.compat.queries import encoders_of

    for path in sorted(folder.glob("*.sen")):
        name = path.stem
        net = sp.Network(path, encoders=encoders_of(name))
        concept = "digit" if name == "revised" else None
        keep(name, net, {"iris": "table iris"} if name == "revised" else {}, concept)
        pack(path)
    exported = folder / "exported.sentask"
    if exported.exists():
        shutil.copy(exported, DATA)
        net = sp.Network()
        net.import_task(DATA / exported.name)
        keep("exported", net)


def keep(name: str, net: sp.Network, others: Mapping[str, str] = MappingProxyType({}), concept: str | None = None) -> None:
    """Keep what a network answers.

    Args:
        others: for tasks that are not asked the inputs of their modality what they are asked.
    """
    from tests.compat.queries import ask, write

    sums = np.concatenate([SEEN.sum(1), SEEN.sum(2)], axis=1).astype(float)
    given = INPUTS if concept is None else {**INPUTS, "table": sums, "table iris": INPUTS["table"]}
    tasks = {task: info.data_type.split("-")[0] for task, info in net.tasks.items()} | dict(others)
    inputs = {modality: given[modality] for modality in sorted({*tasks.values()})}
    write(DATA / f"{name}.npz", inputs, tasks, concept, ask(net, inputs, tasks, concept))


def pack(path: Path) -> None:
    """Into an archive that says nothing of when, where and by whom."""

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        member.uid = member.gid = member.mtime = 0
        member.uname = member.gname = ""
        return None if member.name.endswith("/.lock") else member

    with tarfile.open(DATA / f"{path.stem}.tar.xz", "w:xz", preset=9 | lzma.PRESET_EXTREME) as archive:
        archive.add(path, path.name, filter=plain)


def main() -> None:
    """See the module's description."""
    what, *names, folder = sys.argv[1:]
    if what == "answer":
        answer(Path(folder))
    for name in names:
        grow(name, Path(folder))


if __name__ == "__main__":
    main()
