"""The descent against the deck's numbers, autograd, central differences and numpy's linear algebra."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from glassbox import descent
from glassbox.datasets import load_exam, make_pupils

START = [0, 0.333, 0.333, 0.333]


@pytest.fixture
def exam() -> tuple[pd.DataFrame, pd.Series]:
    marks = load_exam()
    return marks[["Maths", "CS", "French"]], marks["Exam"]


@pytest.fixture
def pupils() -> tuple[Tensor, Tensor]:
    marks = make_pupils(40)
    standardized, _, _ = descent.standardize(marks[["Maths", "CS", "French"]])
    return standardized, torch.tensor(marks["Exam"].to_numpy())


# The risk and its gradient


@pytest.mark.parametrize(
    ("parameters", "printed"),
    [([0, 0.4, 0.4, 0.2], [12.6, 8.0, 12.6, 11.8]), ([0, 0.5, 0.5, 0], [13.5, 7.0, 12.5, 11.0])],
)
def test_predictions_of_the_deck(
    exam: tuple[pd.DataFrame, pd.Series], parameters: list[float], printed: list[float]
) -> None:
    assert descent.predict(parameters, exam[0]).tolist() == pytest.approx(printed)
    assert descent.predict([1, *parameters[1:]], exam[0]).tolist() == pytest.approx([mark + 1 for mark in printed])


@pytest.mark.parametrize(
    ("parameters", "printed", "tolerance"),
    [(START, 2.2425, 5e-5), ([0, 0.4, 0.4, 0.2], 0.99, 1e-12), ([0, 0.5, 0.5, 0], 0.125, 1e-12)],
)
def test_risks_of_the_deck(
    exam: tuple[pd.DataFrame, pd.Series], parameters: list[float], printed: float, tolerance: float
) -> None:
    assert float(descent.empirical_risk(parameters, *exam)) == pytest.approx(printed, abs=tolerance)


def test_gradient_of_the_deck(exam: tuple[pd.DataFrame, pd.Series]) -> None:
    gradient = descent.risk_gradient(START, *exam)
    assert gradient.tolist() == pytest.approx([0.81, 2.93, 4.22, 15.05], abs=0.005)


def test_descent_of_the_deck(exam: tuple[pd.DataFrame, pd.Series]) -> None:
    trajectory = descent.gradient_descent(START, *exam, step=0.001, iterations=1000)
    risks = trajectory.to_frame()["risk"]
    assert [round(risks[iteration], 3) for iteration in (2, 3, 1000)] == [2.060, 1.982, 0.013]
    assert round(risks[1], 4) == 2.2425


def test_gradient_is_autograds(exam: tuple[pd.DataFrame, pd.Series]) -> None:
    parameters = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    descent.empirical_risk(parameters, *exam).backward()
    torch.testing.assert_close(descent.risk_gradient(START, *exam), parameters.grad, rtol=1e-13, atol=1e-13)


def test_gradient_is_the_central_difference(exam: tuple[pd.DataFrame, pd.Series]) -> None:
    moves = 1e-4 * torch.eye(4, dtype=torch.float64)
    point = torch.tensor(START, dtype=torch.float64)
    differences = descent.empirical_risk(point + moves, *exam) - descent.empirical_risk(point - moves, *exam)
    torch.testing.assert_close(descent.risk_gradient(START, *exam), differences / 2e-4, rtol=1e-8, atol=1e-8)


def test_many_points_at_once(exam: tuple[pd.DataFrame, pd.Series]) -> None:
    grid = torch.randn(5, 6, 4, generator=torch.Generator().manual_seed(0))
    risks, gradients = descent.empirical_risk(grid, *exam), descent.risk_gradient(grid, *exam)
    assert (risks.shape, gradients.shape) == ((5, 6), (5, 6, 4))
    torch.testing.assert_close(risks[2, 3], descent.empirical_risk(grid[2, 3], *exam))
    torch.testing.assert_close(gradients[2, 3], descent.risk_gradient(grid[2, 3], *exam))


def test_float32_numbers_are_computed_in_float64(exam: tuple[pd.DataFrame, pd.Series]) -> None:
    assert descent.empirical_risk(torch.tensor(START, dtype=torch.float32), *exam).dtype == torch.float64


# What the risk's bowl looks like


def test_least_squares_is_numpys(pupils: tuple[Tensor, Tensor]) -> None:
    features, targets = pupils
    columns = np.column_stack([np.ones(len(targets)), features.numpy()])
    expected = np.linalg.lstsq(columns, targets.numpy())[0]
    torch.testing.assert_close(descent.least_squares(features, targets), torch.tensor(expected))
    assert descent.risk_gradient(descent.least_squares(*pupils), *pupils).abs().max() < 1e-12


def test_least_squares_takes_the_least_norm_where_many_fit() -> None:
    features, targets = [[1.0, 1.0]], [3.0]
    torch.testing.assert_close(descent.least_squares(features, targets), torch.ones(3, dtype=torch.float64))


def test_four_rows_and_four_parameters_fit(exam: tuple[pd.DataFrame, pd.Series]) -> None:
    assert descent.empirical_risk(descent.least_squares(*exam), *exam) < 1e-20


def test_hessian_is_autograds(exam: tuple[pd.DataFrame, pd.Series]) -> None:
    def risk(parameters: Tensor) -> Tensor:
        return descent.empirical_risk(parameters, *exam)

    expected = torch.autograd.functional.hessian(risk, torch.tensor(START, dtype=torch.float64))
    torch.testing.assert_close(descent.hessian(exam[0]), expected)


def test_curvatures_give_limit_and_condition(exam: tuple[pd.DataFrame, pd.Series]) -> None:
    curvatures = np.linalg.eigvalsh(descent.hessian(exam[0]).numpy())
    assert descent.step_limit(exam[0]) == pytest.approx(2 / curvatures[-1])
    assert descent.condition_number(exam[0]) == pytest.approx(curvatures[-1] / curvatures[0], rel=1e-6)
    assert descent.condition_number(exam[0]) == pytest.approx(80_000, rel=0.05)


def test_condition_is_infinite_for_a_flat_direction() -> None:
    assert descent.condition_number([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]]) == float("inf")


def test_standardize(exam: tuple[pd.DataFrame, pd.Series]) -> None:
    standardized, mean, deviation = descent.standardize(exam[0])
    torch.testing.assert_close(standardized.mean(dim=0), torch.zeros(3, dtype=torch.float64))
    torch.testing.assert_close(standardized.std(dim=0, correction=0), torch.ones(3, dtype=torch.float64))
    torch.testing.assert_close(standardized * deviation + mean, torch.tensor(exam[0].to_numpy()))
    assert descent.condition_number(standardized) < descent.condition_number(exam[0]) / 1000
    with pytest.raises(ValueError, match=r"columns \[1\] hold the same value"):
        descent.standardize([[1.0, 2.0], [2.0, 2.0]])


# The descent


@pytest.mark.parametrize("share", [0.99, 1.01])
def test_the_limit_parts_settling_from_diverging(exam: tuple[pd.DataFrame, pd.Series], share: float) -> None:
    step = share * descent.step_limit(exam[0])
    trajectory = descent.gradient_descent(START, *exam, step=step, iterations=500)
    assert (trajectory.risks[-1] > trajectory.risks[0]) == (share > 1)


def test_a_diverging_descent_stops_and_says_so(exam: tuple[pd.DataFrame, pd.Series]) -> None:
    trajectory = descent.gradient_descent(START, *exam, step=0.01, iterations=1000)
    assert trajectory.diverged
    assert len(trajectory) < 1000
    assert trajectory.risks.isfinite().all()
    assert trajectory.parameters.isfinite().all()
    assert trajectory.gradients.isfinite().all()
    assert trajectory.risks[-1] > 1e290
    assert len(trajectory.batches) == len(trajectory) - 1
    assert "diverged" in repr(trajectory)


@pytest.mark.parametrize(
    ("method", "optimizer", "options"),
    [
        ("gradient", torch.optim.SGD, {}),
        ("momentum", torch.optim.SGD, {"momentum": 0.8}),
        ("adam", torch.optim.Adam, {}),
    ],
)
def test_methods_are_those_of_torch(
    pupils: tuple[Tensor, Tensor], method: str, optimizer: type[torch.optim.Optimizer], options: dict[str, float]
) -> None:
    trajectory = descent.gradient_descent(START, *pupils, step=0.05, iterations=30, method=method, momentum=0.8)
    point = torch.nn.Parameter(torch.tensor(START, dtype=torch.float64))
    theirs = optimizer([point], lr=0.05, **options)
    for iteration in range(30):
        torch.testing.assert_close(trajectory.parameters[iteration], point.detach())
        theirs.zero_grad()
        descent.empirical_risk(point, *pupils).backward()
        torch.testing.assert_close(trajectory.gradients[iteration], point.grad)
        theirs.step()


def test_trajectory_keeps_what_it_says(pupils: tuple[Tensor, Tensor]) -> None:
    trajectory = descent.gradient_descent(START, *pupils, step=0.1, iterations=7)
    assert len(trajectory) == 7
    assert trajectory.parameters[0].tolist() == START
    torch.testing.assert_close(trajectory.risks, descent.empirical_risk(trajectory.parameters, *pupils))
    torch.testing.assert_close(trajectory.gradients, descent.risk_gradient(trajectory.parameters, *pupils))
    frame = trajectory.to_frame()
    assert frame.index.tolist() == list(range(1, 8))
    assert frame.columns.tolist() == ["w0", "w1", "w2", "w3", "risk", "dR/dw0", "dR/dw1", "dR/dw2", "dR/dw3"]
    assert frame.loc[3, "w2"] == float(trajectory.parameters[2, 2])
    assert frame.loc[7, "dR/dw3"] == float(trajectory.gradients[6, 3])


def test_one_iteration_is_the_starting_point(pupils: tuple[Tensor, Tensor]) -> None:
    trajectory = descent.gradient_descent(START, *pupils, step=0.1, iterations=1)
    assert trajectory.parameters.tolist() == [START]
    assert trajectory.batches == ()


def test_the_start_is_left_as_it_was(pupils: tuple[Tensor, Tensor]) -> None:
    start = torch.zeros(4, dtype=torch.float64)
    descent.gradient_descent(start, *pupils, step=0.1, iterations=5)
    assert start.tolist() == [0, 0, 0, 0]


# Mini-batches


def test_an_epoch_takes_every_observation_once(pupils: tuple[Tensor, Tensor]) -> None:
    trajectory = descent.gradient_descent(START, *pupils, step=0.01, iterations=9, batch_size=12)
    assert [len(batch) for batch in trajectory.batches] == [12, 12, 12, 4, 12, 12, 12, 4]
    first, second = torch.cat(trajectory.batches[:4]), torch.cat(trajectory.batches[4:])
    assert first.sort().values.tolist() == second.sort().values.tolist() == list(range(40))
    assert first.tolist() != second.tolist()


def test_with_replacement_an_observation_may_come_twice(pupils: tuple[Tensor, Tensor]) -> None:
    trajectory = descent.gradient_descent(START, *pupils, step=0.01, iterations=5, batch_size=10, replacement=True)
    assert [len(batch) for batch in trajectory.batches] == [10] * 4
    assert torch.cat(trajectory.batches).unique().numel() < 40


def test_a_step_uses_the_gradient_of_its_batch(pupils: tuple[Tensor, Tensor]) -> None:
    features, targets = pupils
    trajectory = descent.gradient_descent(START, features, targets, step=0.1, iterations=4, batch_size=5)
    for here, there, batch in zip(
        trajectory.parameters[:-1], trajectory.parameters[1:], trajectory.batches, strict=True
    ):
        gradient = descent.risk_gradient(here, features[batch], targets[batch])
        torch.testing.assert_close(there, here - 0.1 * gradient)


def test_the_seed_decides_the_batches(pupils: tuple[Tensor, Tensor]) -> None:
    def run(seed: int) -> Tensor:
        options = {"step": 0.1, "iterations": 4, "batch_size": 5, "seed": seed}
        return descent.gradient_descent(START, *pupils, **options).parameters

    state = torch.get_rng_state()
    assert torch.equal(run(1), run(1))
    assert not torch.equal(run(1), run(2))
    assert torch.equal(torch.get_rng_state(), state)


# What does not fit


@pytest.mark.parametrize(
    ("parameters", "features", "targets", "message"),
    [
        ([0, 1], [1.0, 2.0], [1.0, 2.0], r"features have shape \(2,\) where \(n, p\) is expected"),
        ([0, 1], np.zeros((0, 1)), [], r"features have shape \(0, 1\)"),
        ([0, 1], [[1.0], [2.0]], [1.0], r"targets have shape \(1,\) where \(2,\) is expected"),
        ([0, 1], [[1.0], [2.0]], [[1.0], [2.0]], r"targets have shape \(2, 1\) where \(2,\) is expected"),
        ([1], [[1.0], [2.0]], [1.0, 2.0], r"parameters have shape \(1,\) where 2 numbers are expected"),
        (1.0, [[1.0], [2.0]], [1.0, 2.0], r"parameters have shape \(\)"),
    ],
)
def test_shapes_that_do_not_fit_are_named(parameters: object, features: object, targets: object, message: str) -> None:
    for function in (descent.empirical_risk, descent.risk_gradient):
        with pytest.raises(ValueError, match=message):
            function(parameters, features, targets)


def test_one_observation_needs_a_row_of_its_own() -> None:
    for function in (descent.with_ones, descent.hessian, descent.step_limit, descent.standardize):
        with pytest.raises(ValueError, match=r"features have shape \(3,\) where \(n, p\) is expected"):
            function([13, 14, 11])
    with pytest.raises(ValueError, match=r"features have shape \(3,\)"):
        descent.predict([0, 1, 1, 1], [13, 14, 11])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step": 0.0}, "step must be positive and finite, not 0.0"),
        ({"step": -0.1}, "step must be positive"),
        ({"step": float("nan")}, "step must be positive"),
        ({"iterations": 0}, "iterations must be at least 1"),
        ({"batch_size": 0}, "batch_size must lie between 1 and the 40 observations, not 0"),
        ({"batch_size": 41}, "batch_size must lie between 1 and the 40"),
        ({"method": "newton"}, "method must be 'gradient', 'momentum' or 'adam', not 'newton'"),
        ({"parameters": [START, START]}, "a descent starts from one point"),
        ({"parameters": [0, float("nan"), 0, 0]}, "risk at the starting point is not finite"),
    ],
)
def test_options_out_of_range_are_named(
    pupils: tuple[Tensor, Tensor], options: dict[str, object], message: str
) -> None:
    features, targets = pupils
    arguments = {"parameters": START, "features": features, "targets": targets, "step": 0.1, "iterations": 3}
    with pytest.raises(ValueError, match=message):
        descent.gradient_descent(**arguments | options)
