from __future__ import annotations

import pytest

from senpath.reproduce.sen.published import ACTIVATED, TABLE_1, TABLE_2, activated_shares


def test_sixteen_inputs_give_the_printed_activated_weights_exactly() -> None:
    assert {task: round(share, 1) for task, share in activated_shares(16).items()} == ACTIVATED


def test_the_texts_sixty_four_inputs_do_not() -> None:
    rounded = {task: round(share, 1) for task, share in activated_shares(64).items()}
    assert rounded == {"fashion": 6.3, "mnist": 6.3, "lower": 12.7, "upper": 13.0, "speech": 74.4}


@pytest.mark.parametrize(("task", "printed"), [("lower", 13.2), ("upper", 53.3)])
def test_the_printed_similarities_explain_the_printed_accuracy_at_no_shots(task: str, printed: float) -> None:
    expected = 100 * sum(TABLE_1[task].values()) / 26
    assert expected == pytest.approx(printed, abs=0.7)
    assert TABLE_2["SEN", "0", task].startswith(str(printed))


def test_every_printed_cell_is_there() -> None:
    assert len(TABLE_2) == 4 * (3 * 4 + 5)
    assert TABLE_2["SEN", "5", "upper"] == "69.2 ± 2.1"
    assert TABLE_2["EWC", "10", "lower"] == "34.0 ± 5.8"
    assert ("Single", "all", "speech") not in TABLE_2
