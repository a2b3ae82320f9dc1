from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from senpath.data import few_shot, paper_tasks
from senpath.errors import InputError

Y = np.array(["b", "a", "b", "a", "b", "a", "b"])


def test_few_shot_draws_k_of_each_class() -> None:
    index = few_shot(np.zeros(7), Y, 2, seed=3)
    assert Y[index].tolist() == ["a", "a", "b", "b"]
    assert len(set(index.tolist())) == 4
    assert (index == few_shot(np.zeros(7), Y, 2, seed=3)).all()
    assert len({tuple(few_shot(np.zeros(7), Y, 2, seed=seed)) for seed in range(20)}) > 5


@pytest.mark.parametrize(
    ("count", "k", "message"),
    [
        (7, 4, "the class a is too small: expected 4 examples, got 3"),
        (7, 0, "a sample needs examples: expected k >= 1, got 0"),
        (6, 1, r"do not go together: expected labels of shape \(6,\), got \(7,\)"),
    ],
)
def test_few_shot_refuses(count: int, k: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        few_shot(np.zeros(count), Y, k, seed=0)


def test_paper_tasks_name_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"data set 'fashion': expected the file .*, got nothing of that name"):
        paper_tasks(tmp_path)
