"""Inputs and labels in the forms that torch, pyarrow, Hugging Face and scikit-learn give them: read as what they mean, or refused."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pandas as pd
import pyarrow
import pytest
import torch
from scipy.sparse import csr_array
from torch.utils.data import DataLoader, TensorDataset

import senpath as sp
from senpath.sklearn import SENClassifier, SENRegressor
from senpath.testing import ConstantMethod
from tests.raising import raises_error

KINDS = np.arange(30) % 3
NUMBERS = np.c_[KINDS, np.arange(30) / 10, np.arange(30) % 7].astype(np.float64)
FRAME = pd.DataFrame(NUMBERS, columns=list("abc"))
WORDS = [["p", "q", "r"][kind] for kind in KINDS]


class Pairs(torch.utils.data.Dataset[Any]):
    """A data set of pairs that are made one by one."""

    def __init__(self, pair: Callable[[int], Any]) -> None:
        self.pair = pair

    def __len__(self) -> int:
        return len(KINDS)

    def __getitem__(self, place: int) -> Any:
        return self.pair(place)


def taught(*data: Any, **settings: Any) -> sp.Network:
    net = sp.Network()
    net.learn("t", *data, method=ConstantMethod(), **settings)
    return net


@pytest.mark.parametrize("size", [3, 4, 1, None])
@pytest.mark.parametrize("form", ["list", "tuple", "dict", "tensor"])
def test_rows_of_a_loader_are_rows(form: str, size: int | None) -> None:
    made: dict[str, Callable[[np.ndarray], Any]] = {
        "list": list,
        "tuple": tuple,
        "dict": lambda row: dict(zip("abc", row.tolist(), strict=True)),
        "tensor": torch.from_numpy,
    }
    loader = DataLoader(Pairs(lambda place: (made[form](NUMBERS[place]), int(KINDS[place]))), batch_size=size)
    data = sp.read(loader)
    rows = [[*row.values()] if isinstance(row, dict) else np.asarray(row).tolist() for row in data.x]
    assert (data.modality, rows, [int(label) for label in data.y]) == ("table", NUMBERS.tolist(), KINDS.tolist())


def test_labels_and_texts_of_a_loader() -> None:
    several = DataLoader(Pairs(lambda place: (NUMBERS[place], [int(kind == KINDS[place]) for kind in range(3)])), batch_size=3)
    assert [*map(list, sp.read(several).y)] == np.eye(3, dtype=int)[KINDS].tolist()
    texts = sp.read(DataLoader(Pairs(lambda place: (f"text {place}", WORDS[place])), batch_size=4))
    assert (texts.modality, texts.x[5], texts.y) == ("text", "text 5", WORDS)
    own = DataLoader(
        Pairs(lambda place: (NUMBERS[place], WORDS[place])), batch_size=4, collate_fn=lambda pairs: ([x for x, _ in pairs], ["p"])
    )
    with raises_error(sp.InputError, "batch 0 of the DataLoader", expected="as many labels as inputs", got="1 labels of 4 inputs"):
        sp.read(own)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_tensors_of_a_model_are_numbers_in_every_container(dtype: torch.dtype) -> None:
    x = torch.tensor(NUMBERS, dtype=dtype, requires_grad=True)
    own = taught(x, KINDS).predict(NUMBERS, "t").label.tolist()
    pairs = TensorDataset(x, torch.from_numpy(KINDS))
    for data in ([pairs], [DataLoader(pairs, batch_size=7)], [[*x], KINDS]):
        assert taught(*data).predict(NUMBERS, "t").label.tolist() == own
    for y in (x[:, :2], [*x[:, :2]], [*x[:, 0]]):
        assert taught(NUMBERS, y, kind="regression").tasks["t"].kind == "regression"
    pictures = torch.rand(6, 8, 8, dtype=torch.float32).to(dtype).requires_grad_()
    assert SENClassifier(epochs=1).fit(pictures, [0, 1] * 3).predict(pictures).shape == (6,)


@pytest.mark.parametrize("names", [("x ", "x"), ("caf\u00e9", "cafe\u0301")])
def test_two_columns_of_one_name_are_refused(names: tuple[str, str]) -> None:
    frame = pd.DataFrame(NUMBERS[:, :2], columns=[*names])
    for learn in (lambda: SENClassifier(epochs=1).fit(frame, KINDS), lambda: taught(frame, KINDS)):
        with pytest.raises(sp.InputError, match=r"expected names that differ, got '.*' twice"):
            learn()


def test_outputs_of_an_arrow_table_have_their_names() -> None:
    numbers = pyarrow.table({"u": NUMBERS[:, 0], "v": NUMBERS[:, 1]})
    net = taught(NUMBERS, numbers, kind="regression")
    assert net.tasks["t"].classes_ == ("u", "v")
    turned = numbers.select(["v", "u"])
    assert sp.evaluate(net, {"t": (NUMBERS, turned)}).scores == sp.evaluate(net, {"t": (NUMBERS, numbers)}).scores
    bits = pyarrow.table({"u": KINDS == 0, "v": KINDS == 1})
    assert taught(NUMBERS, bits, kind="multilabel").tasks["t"].classes_ == ("u", "v")
    model = SENClassifier(epochs=1).fit(NUMBERS, pyarrow.table({"u": [0, 1] * 15, "v": [1, 1, 0] * 10}))
    assert [*model.classes_] == ["u", "v"]


def test_a_column_of_label_lists_is_a_list_of_them() -> None:
    lists = [["p"] if kind else ["p", "q"] for kind in KINDS]
    for several in (datasets.Dataset.from_dict({"l": lists})["l"], deque(lists)):
        assert taught(NUMBERS, several, kind="multilabel").tasks["t"].classes_ == ("p", "q")
    bits = datasets.Dataset.from_dict({"l": [[0, 1] if kind else [1, 0] for kind in KINDS]})["l"]
    with pytest.raises(sp.InputError, match="may mean either"):
        taught(NUMBERS, bits, kind="multilabel")


def test_a_format_s_columns_are_those_that_are_read() -> None:
    data = datasets.Dataset.from_dict({"a": NUMBERS[:, 1].tolist(), "leak": KINDS.tolist(), "label": WORDS})
    data.set_format("torch", columns=["a", "label"])
    net = taught(data)
    (kind,) = net.view.types.values()
    assert kind.options["columns"] == ["a"]
    assert len(net.predict([{"a": 0.5}], "t")) == 1
    data.set_format("torch", columns=["a"])  # as people choose inputs
    for more in ([], ["label"], ["leak"]):
        net = taught(data, *more)
        assert net.tasks["t"].classes_ == ((0, 1, 2) if more == ["leak"] else ("p", "q", "r"))
        assert [kind.options["columns"] for kind in net.view.types.values()] == [["a"]]
    assert taught(data.rename_column("label", "kind"), "kind").tasks["t"].classes_ == ("p", "q", "r")
    data.set_format("torch", columns=["a", "label"], output_all_columns=True)
    (kind,) = taught(data).view.types.values()
    assert kind.options["columns"] == ["a", "leak"]


def test_data_sets_and_tables_with_their_labels_apart() -> None:
    own = taught(FRAME, WORDS).predict(FRAME, "t").label.tolist()
    for x in (datasets.Dataset.from_pandas(FRAME), pyarrow.Table.from_pandas(FRAME)):
        for labels in (WORDS, np.array(WORDS)):
            net = taught(x, labels)
            assert net.predict(x, "t").label.tolist() == own
            assert sp.evaluate(net, {"t": (x, labels)}).scores == sp.evaluate(net, {"t": (FRAME, WORDS)}).scores
        assert len(sp.read(x, WORDS)) == 30
    whole = datasets.Dataset.from_pandas(FRAME.assign(label=KINDS, other=WORDS))
    for x in (whole, pyarrow.Table.from_pandas(FRAME.assign(label=KINDS, other=WORDS))):
        (kind,) = taught(x, x["label"]).view.types.values()
        assert kind.options["columns"] == ["a", "b", "c", "other"], "no column that is the labels"
        with pytest.warns(sp.SenpathWarning, match="other"):
            taught(x, x["other"])
    import polars

    assert taught(polars.from_pandas(FRAME), polars.Series(WORDS)).tasks["t"].classes_ == ("p", "q", "r")


def test_rows_of_a_frame_of_intervals_and_days() -> None:
    days = pd.Categorical(pd.to_datetime(["2024-01-10", "2024-01-11", "2024-02-01"] * 10))
    frame = pd.DataFrame({"bin": pd.cut(NUMBERS[:, 1], 4), "day": days, "b": NUMBERS[:, 1]})
    net = taught(frame, WORDS)
    whole = net.predict(frame, "t", reject=False)
    for rows in ([frame.iloc[0]], frame[:1].to_dict("records"), frame[:1].astype({"bin": object, "day": object})):
        assert net.predict(rows, "t", reject=False).ood_score[0] == pytest.approx(whole.ood_score[0], nan_ok=True)
        assert net.predict(rows, "t", reject=False).gaps == {}


def test_what_is_no_category_is_refused_among_words() -> None:
    net = taught(FRAME.assign(word=WORDS), KINDS)
    for nothing in (object(), Path("x"), print):
        with pytest.raises(sp.InputError, match="expected numbers, words or times"):
            net.predict([{**FRAME.iloc[0].to_dict(), "word": nothing}], "t")


def test_recordings_and_pictures_of_a_loader() -> None:
    waves = [torch.sin(torch.arange(4000.0) * (0.1 + kind))[None] for kind in range(3)]
    for size in (4, None):
        data = sp.read(DataLoader(Pairs(lambda place: (waves[place % 3], 8000, WORDS[place], 7)), batch_size=size))
        assert (data.modality, data.y, data.x[4].rate) == ("audio", WORDS, 8000)
    for size in (4, None):
        pictures = sp.read(DataLoader(Pairs(lambda place: (torch.zeros(3, 8, 9), torch.tensor([KINDS[place]]))), batch_size=size))
        assert (pictures.modality, len(pictures.x), [int(label) for label in pictures.y]) == ("image", 30, KINDS.tolist())
    rows = sp.read(DataLoader(Pairs(lambda place: (NUMBERS[place], np.eye(3)[KINDS[place]])), batch_size=None))
    assert (len(rows.x), np.stack(rows.y).shape) == (30, (30, 3))
    either = DataLoader(Pairs(lambda place: (torch.zeros(3, 8, 8), torch.eye(3)[KINDS[place]])), batch_size=None)
    with pytest.raises(sp.InputError, match=r"may be one picture or 3\. Give the DataLoader a batch_size"):
        sp.read(either)
    for wrong in (None, lambda pairs: ({"a": torch.ones(4), "n": 4}, [1] * 4), lambda pairs: (torch.ones(4, 2), None)):
        loader = DataLoader(
            Pairs(lambda place: (NUMBERS[place], None)), **({"batch_size": None} if wrong is None else {"collate_fn": wrong})
        )
        with pytest.raises(sp.InputError):
            taught(loader)


def test_labels_that_differ_by_blanks_are_one() -> None:
    net = taught(NUMBERS, [" p", "q", "r "] * 10)
    right = net.predict(NUMBERS, "t").label.tolist()
    assert {*right} <= {" p", "q", "r "}
    table = FRAME.set_axis(["x0", "x1", "x2"], axis=1).assign(label=[label.strip() for label in right])
    assert sp.evaluate(net, {"t": table}).scores["t"].accuracy == 1
    with pytest.raises(sp.InputError, match="labels that were learned"):
        sp.evaluate(net, {"t": (NUMBERS, ["s"] * 30)})
    assert sp.evaluate(net, {"t": (NUMBERS, ["p", " p", "q", "q ", "r"] * 6)}).scores["t"].examples == 30


def test_a_data_set_of_several_labels_and_of_a_sparse_table() -> None:
    several = sp.read(["cat 1", "dog 2"] * 3, [["a"], ["a", "b"]] * 3).to_dataset()
    assert several[1] == {"text": "dog 2", "label": ["a", "b"]}
    assert sp.read(csr_array(NUMBERS), WORDS).to_dataset()[4]["label"] == "q"


def test_advice_for_dates_can_be_taken() -> None:
    times = pd.Series(pd.date_range("2020", periods=30))
    for moments, to_numbers in (
        (times, lambda y: y.astype("datetime64[s]").astype("int64")),
        (times.to_numpy(), lambda y: y.astype("datetime64[s]").astype("int64")),
        (times - times[0], lambda y: y.astype("timedelta64[s]").astype("int64")),
        (times.dt.tz_localize("Europe/Paris"), lambda y: y.dt.tz_convert(None).astype("datetime64[s]").astype("int64")),
    ):
        with pytest.raises(sp.InputError, match=r"Give times as numbers.*int64"):
            taught(NUMBERS, moments, kind="regression")
        assert taught(NUMBERS, to_numbers(moments), kind="regression").tasks["t"].kind == "regression"
    with pytest.raises(ValueError, match="Give times as numbers"):
        SENRegressor(epochs=1).fit(NUMBERS, [datetime(2020, 1, day + 1) for day in range(30)])


def test_a_decimal_that_is_none_is_a_gap() -> None:
    frame = pd.DataFrame({"e": range(30), "d": [Decimal("NaN") if place % 7 == 0 else Decimal(place) for place in range(30)]})
    assert "values missing: 'd' 5" in sp.read(frame.assign(label=WORDS)).about


@pytest.mark.parametrize(
    ("labels", "got"),
    [
        ([{"p"}, float("nan")] * 15, "a set of input 0"),
        (deque([{"p"}] * 30), "a set of input 0"),
        ([{"p": 1}] * 30, "a dict of input 0"),
    ],
)
def test_labels_that_are_collections_are_named(labels: Any, got: str) -> None:
    with raises_error(sp.InputError, "labels y", expected="one label per input", got=got):
        taught(NUMBERS, labels, kind="classification")


@pytest.mark.parametrize("name", [2.5, True, pd.Timestamp("2024-01-10"), 7])
def test_a_column_of_labels_may_have_any_name(name: Any) -> None:
    net = taught(pd.DataFrame({"a": NUMBERS[:, 0], "b": NUMBERS[:, 1], name: WORDS}), name)
    (kind,) = net.view.types.values()
    assert (net.tasks["t"].classes_, kind.options["columns"]) == (("p", "q", "r"), ["a", "b"])


def test_edges() -> None:
    frame = FRAME.assign(k=KINDS == 0, l=KINDS == 1)
    with pytest.raises(sp.InputError, match=r"frame.drop\(columns=\['k', 'l'\]\), frame\[\['k', 'l'\]\]"):
        taught(frame, ["k", "l"], kind="multilabel")
    net = taught(NUMBERS, KINDS)
    answers = net.predict(NUMBERS[:2], "t")
    for wrong in (-1, 1.5):
        with pytest.raises(sp.InputError, match="expected a whole number of answers"):
            answers.top(wrong)  # type: ignore[arg-type]
    assert net.predict(NUMBERS[:0], "t").probabilities["t"].shape == (0, 3)
    with pytest.raises(sp.InputError):
        net.predict(torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)], layout=torch.jagged))
    words = FRAME.assign(word=WORDS)
    with pytest.raises(ValueError, match="expected at least one, got none"):
        SENClassifier(epochs=1).fit(words, KINDS).predict(words[:0])
    waves = [{"array": torch.sin(torch.arange(4000) * (0.1 + kind)), "sampling_rate": torch.tensor(8000)} for kind in (0, 1)]
    assert taught(waves * 3, [0, 1] * 3).predict(waves, "t").label.shape == (2,)
