"""The tables against the deck's printed numbers, and the made-up pupils against what they promise."""

from __future__ import annotations

import numpy as np
import pytest

from glassbox.datasets import load_exam, load_grades, make_pupils


def test_grades_give_the_means_of_the_deck() -> None:
    grades = load_grades()
    assert grades.index.tolist() == [f"E{number:02}" for number in range(1, 12)]
    assert grades.index.name == "pupil"
    assert grades.columns.tolist() == ["Maths", "Physics", "CS", "LV1", "LV2", "Biology", "Chemistry"]
    printed = [10.9857, 12.7429, 9.1857, 10.0571, 10.3286, 11.3571, 10.5000, 8.3286, 10.7000, 9.0143]
    assert grades.mean(axis=1).tolist()[:10] == pytest.approx(printed, abs=5e-5)
    assert grades.loc["E11"].tolist() == [12.6, 10.7, 15.2, 11.5, 12.1, 9.9, 7.8]


@pytest.mark.parametrize(
    ("weights", "printed"),
    [
        ([0, 0, 0, 0.5, 0.5, 0, 0], [11.25, 10.80, 7.90, 9.00, 11.05, 11.30, 13.45, 5.95, 14.70, 6.80]),
        ([1, 0, -1, 0, 0, 0, 0], [-1.6, -4.0, 0.7, 3.1, 2.2, -2.0, 0.9, -2.4, -0.9, -3.7]),
        ([0.2, 0.2, 0.2, 0, 0, 0.2, 0.2], [10.88, 13.52, 9.70, 10.48, 10.04, 11.38, 9.32, 9.28, 9.10, 9.90]),
    ],
)
def test_grades_give_the_sums_of_the_deck(weights: list[float], printed: list[float]) -> None:
    assert (load_grades() @ np.array(weights)).tolist()[:10] == pytest.approx(printed)


def test_exam_is_the_table_of_the_deck() -> None:
    marks = load_exam()
    assert marks.columns.tolist() == ["Maths", "CS", "French", "Exam"]
    assert marks.to_numpy().tolist() == [[12, 15, 9, 14], [5, 9, 12, 7], [13, 12, 13, 12], [10, 12, 15, 11]]
    assert {kind.name for kind in marks.dtypes} == {"float64"}


def test_pupils_look_like_the_exam_and_depend_on_the_seed() -> None:
    pupils = make_pupils()
    assert pupils.shape == (200, 4)
    assert pupils.columns.tolist() == load_exam().columns.tolist()
    assert pupils.index.is_unique
    assert pupils.to_numpy().min() >= 0
    assert pupils.to_numpy().max() <= 20
    assert pupils.equals(make_pupils(200, seed=0))
    assert not pupils.equals(make_pupils(200, seed=1))


def test_pupils_follow_the_rule_that_made_them() -> None:
    pupils = make_pupils(20_000, seed=3)
    columns = np.column_stack([np.ones(len(pupils)), pupils[["Maths", "CS", "French"]]])
    weights, residual, *_ = np.linalg.lstsq(columns, pupils["Exam"])
    assert weights.tolist() == pytest.approx([0, 0.5, 0.4, 0.1], abs=0.06)
    assert residual[0] / len(pupils) == pytest.approx(1, abs=0.05)


def test_pupils_need_a_count() -> None:
    with pytest.raises(ValueError, match="n must be at least 1 pupil, not 0"):
        make_pupils(0)
