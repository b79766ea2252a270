"""Exercises of part 2: the risk, its gradient, and how long a step may be."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from glassbox.exercises.reading import COMMA
from glassbox.exercises.record import Exercise, drawn, table
from glassbox.gradients import central_difference
from glassbox.nn import functional as F


def _predictions(w: Tensor, X: Tensor) -> Tensor:
    return F.linear(X, w[None, 1:], w[:1])[:, 0]


# -- 2.1-a: a risk by hand -------------------------------------------------------------------------------------------

PUPILS = table([12.0, 9.0], [8.0, 14.0], [15.0, 11.0])
EXAM = torch.tensor([11.0, 10.0, 16.0], dtype=torch.float64)
GUESS = torch.tensor([1.0, 0.5, 0.5], dtype=torch.float64)


def risk(w: Tensor, X: Tensor, y: Tensor) -> Tensor:
    return F.mse_loss(_predictions(w, X), y)


def errors_summed(w: Tensor, X: Tensor, y: Tensor) -> Tensor:
    return F.mse_loss(_predictions(w, X), y, reduction="sum")


def risk_halved(w: Tensor, X: Tensor, y: Tensor) -> Tensor:
    return risk(w, X, y) / 2


def constant_forgotten(w: Tensor, X: Tensor, y: Tensor) -> Tensor:
    return F.mse_loss(_predictions(w, X) - w[0], y)


def absolute_errors(w: Tensor, X: Tensor, y: Tensor) -> Tensor:
    return (_predictions(w, X) - y).abs().mean()


def mean_error_squared(w: Tensor, X: Tensor, y: Tensor) -> Tensor:
    return (_predictions(w, X) - y).mean() ** 2


def root_taken(w: Tensor, X: Tensor, y: Tensor) -> Tensor:
    return risk(w, X, y).sqrt()


# -- 2.1-b: one mark for everyone ------------------------------------------------------------------------------------

RESULTS = torch.tensor([8.0, 11.0, 12.0, 19.0], dtype=torch.float64)


def best_constant(y: Tensor) -> Tensor:
    """Solve the one equation that the derivative makes, 2/n sum (c - y) = 0."""
    return torch.linalg.lstsq(torch.ones_like(y)[:, None], y[:, None]).solution[0, 0]


def median_mark(y: Tensor) -> Tensor:
    return y.quantile(0.5)


def halfway(y: Tensor) -> Tensor:
    return (y.min() + y.max()) / 2


def risk_of_the_constant(y: Tensor) -> Tensor:
    return F.mse_loss(best_constant(y).expand(len(y)), y)


def sum_of_marks(y: Tensor) -> Tensor:
    return y.sum()


# -- 2.2-a: the gradient of the risk ---------------------------------------------------------------------------------


def risk_gradient(w: Tensor, X: Tensor, y: Tensor) -> Tensor:
    upstream: Any = F.mse_loss_backward(torch.ones((), dtype=w.dtype), _predictions(w, X), y)[0]
    gradients: Any = F.linear_backward(upstream[:, None], X, w[None, 1:], w[:1])
    _, weights, constant = gradients
    return torch.cat([constant, weights[0]])


def mean_missing(w: Tensor, X: Tensor, y: Tensor) -> Tensor:
    return risk_gradient(w, X, y) * len(y)


def two_missing(w: Tensor, X: Tensor, y: Tensor) -> Tensor:
    return risk_gradient(w, X, y) / 2


def mean_taken_twice(w: Tensor, X: Tensor, y: Tensor) -> Tensor:
    return risk_gradient(w, X, y) / len(y)


def target_minus_prediction(w: Tensor, X: Tensor, y: Tensor) -> Tensor:
    return -risk_gradient(w, X, y)


def constant_left_out(w: Tensor, X: Tensor, y: Tensor) -> Tensor:
    return risk_gradient(w, X, y)[1:]


def targets_ignored(w: Tensor, X: Tensor, y: Tensor) -> Tensor:
    return risk_gradient(w, X, torch.zeros_like(y))


TABLES = (
    (drawn(4, seed=20), drawn(6, 3, seed=21), drawn(6, seed=22)),
    (GUESS, PUPILS, EXAM),
    (drawn(3, seed=23), drawn(1, 2, seed=24), drawn(1, seed=25)),  # one pupil
)

# -- 2.2-b: the error in a descent -----------------------------------------------------------------------------------


def descend(w: Tensor, X: Tensor, y: Tensor, step: float, iterations: int) -> Tensor:
    for _ in range(iterations):
        w = w - step * risk_gradient(w, X, y)
    return w


def one_weight_at_a_time(w: Tensor, X: Tensor, y: Tensor, step: float, iterations: int) -> Tensor:
    w = w.clone()
    for _ in range(iterations):
        for j in range(len(w)):
            w[j] -= step * risk_gradient(w, X, y)[j]
    return w


def climbs(w: Tensor, X: Tensor, y: Tensor, step: float, iterations: int) -> Tensor:
    return descend(w, X, y, -step, iterations)


def stops_one_step_early(w: Tensor, X: Tensor, y: Tensor, step: float, iterations: int) -> Tensor:
    return descend(w, X, y, step, iterations - 1)


def gradient_of_the_start(w: Tensor, X: Tensor, y: Tensor, step: float, iterations: int) -> Tensor:
    return w - iterations * step * risk_gradient(w, X, y)


DESCENTS = (
    (*TABLES[0], 0.05, 3),
    (*TABLES[1], 0.001, 10),
    (*TABLES[2], 0.1, 1),
)

# -- 2.3-a: the longest step -----------------------------------------------------------------------------------------

COLUMN = table([1.0], [2.0], [4.0], [5.0])


def _curvatures(X: Tensor) -> Tensor:
    """Return the eigenvalues of the risk's Hessian, from the slopes of its gradient."""
    w = torch.zeros(X.shape[1] + 1, dtype=torch.float64)
    y = torch.zeros(len(X), dtype=torch.float64)

    def slope_along(direction: Tensor) -> Tensor:
        return central_difference(lambda moved: risk_gradient(moved, X, y) @ direction, w)

    return torch.linalg.eigvalsh(torch.stack([slope_along(unit) for unit in torch.eye(len(w), dtype=w.dtype)]))


def longest_step(X: Tensor) -> Tensor:
    return 2 / _curvatures(X)[-1]


def one_over_the_curvature(X: Tensor) -> Tensor:
    return 1 / _curvatures(X)[-1]


def flattest_direction(X: Tensor) -> Tensor:
    return 2 / _curvatures(X)[0]


def curvature_itself(X: Tensor) -> Tensor:
    return _curvatures(X)[-1]


def hessian_without_mean(X: Tensor) -> Tensor:
    return longest_step(X) / len(X)


def hessian_without_two(X: Tensor) -> Tensor:
    return 2 * longest_step(X)


def no_column_of_ones(X: Tensor) -> Tensor:
    return len(X) / (X**2).sum()


# -- 2.3-b: choose a step --------------------------------------------------------------------------------------------

LINE = torch.tensor([3.0, 5.0, 9.0, 11.0], dtype=torch.float64)
STEPS = 60


def what_happens(step: Tensor) -> str:
    """Say in a word where the descent with this step has come to."""
    if step.numel() != 1:
        return "several"
    if not step > 0:
        return "climbs"
    start = torch.zeros(2, dtype=torch.float64)
    last = risk(descend(start, COLUMN, LINE, step.item(), STEPS), COLUMN, LINE)
    if not last <= risk(start, COLUMN, LINE):
        return "diverges"
    return "arrives" if last < 0.02 else "creeps"


def good_step() -> Tensor:
    return 0.9 * longest_step(COLUMN)


def too_long() -> Tensor:
    return 1.1 * longest_step(COLUMN)


def too_short() -> Tensor:
    return 0.05 * longest_step(COLUMN)


def uphill() -> Tensor:
    return -good_step()


def several_steps() -> Tensor:
    return torch.stack([too_short(), good_step()])


# -- 2.3-c: momentum -------------------------------------------------------------------------------------------------

Move = tuple[Tensor, Tensor]


def momentum_step(w: Tensor, v: Tensor, gradient: Tensor, lr: float, momentum: float) -> Move:
    v = momentum * v + gradient
    return w - lr * v, v


def no_memory(w: Tensor, v: Tensor, gradient: Tensor, lr: float, momentum: float) -> Move:
    return w - lr * gradient, gradient


def old_velocity_used(w: Tensor, v: Tensor, gradient: Tensor, lr: float, momentum: float) -> Move:
    return w - lr * v, momentum * v + gradient


def gradient_damped(w: Tensor, v: Tensor, gradient: Tensor, lr: float, momentum: float) -> Move:
    v = momentum * v + (1 - momentum) * gradient
    return w - lr * v, v


def velocity_never_fades(w: Tensor, v: Tensor, gradient: Tensor, lr: float, momentum: float) -> Move:
    return momentum_step(w, v, gradient, lr, 1.0)


def moves_uphill(w: Tensor, v: Tensor, gradient: Tensor, lr: float, momentum: float) -> Move:
    return momentum_step(w, v, gradient, -lr, momentum)


MOVES = (
    (drawn(3, seed=26), drawn(3, seed=27), drawn(3, seed=28), 0.1, 0.9),
    (drawn(2, 4, seed=29), drawn(2, 4, seed=30), drawn(2, 4, seed=31), 0.5, 0.5),
    (drawn(3, seed=32), torch.zeros(3, dtype=torch.float64), drawn(3, seed=33), 0.1, 0.9),  # the first step
)

# -- 2.3-d: what scaling buys ----------------------------------------------------------------------------------------

WIDE = table([1.0, 20.0], [-1.0, 20.0], [1.0, -20.0], [-1.0, -20.0])


def condition_and_divisor(X: Tensor) -> Tensor:
    curvatures = _curvatures(X)
    spreads = X.std(dim=0, correction=0)
    return torch.stack([curvatures[-1] / curvatures[0], spreads[1] / spreads[0]])


def spreads_compared(X: Tensor) -> Tensor:
    return condition_and_divisor(X)[[1, 1]]


def divided_by_the_condition(X: Tensor) -> Tensor:
    return condition_and_divisor(X)[[0, 0]]


def upside_down(X: Tensor) -> Tensor:
    condition, divisor = condition_and_divisor(X)
    return torch.stack([1 / condition, divisor])


def largest_curvature_itself(X: Tensor) -> Tensor:
    return torch.stack([_curvatures(X)[-1], condition_and_divisor(X)[1]])


EXERCISES = (
    Exercise(
        "2.1-a",
        risk,
        {
            errors_summed: "This is the sum of the squared errors: the risk is their mean, with its 1/n.",
            risk_halved: "This is half of the risk: in part 2 there is no factor of one half.",
            constant_forgotten: "The constant w0 is missing from the predictions.",
            absolute_errors: "This is the mean of the absolute errors: square them.",
            mean_error_squared: "Errors of opposite signs have canceled: square each one, then take the mean.",
            root_taken: "This is the square root of the risk.",
        },
        cases=((GUESS, PUPILS, EXAM),),
    ),
    Exercise(
        "2.1-b",
        best_constant,
        {
            median_mark: "This is the median: it has the least mean of absolute errors, not of squared ones.",
            halfway: "This is half way between the lowest and the highest: the two others count as much.",
            risk_of_the_constant: "This is the risk of the best constant: the constant itself is asked for.",
            sum_of_marks: "This is the sum of the marks: the 1/n is missing.",
        },
        cases=((RESULTS,),),
    ),
    Exercise(
        "2.2-a",
        risk_gradient,
        {
            mean_missing: "The 1/n is missing: the gradient of a mean is the mean of the gradients.",
            two_missing: "The 2 of the square is missing.",
            mean_taken_twice: "There is one 1/n too many: the mean is taken once.",
            target_minus_prediction: "The sign is wrong: the error is the prediction minus the target.",
            constant_left_out: "The derivative for the constant w0 is missing: its mark is 1 for everyone.",
            targets_ignored: "The targets y are not used: the gradient needs the errors, not the predictions.",
        },
        cases=TABLES,
        asks_function=True,
        by_hand=(table(1.0, 2.0), table([0.0], [1.0], [2.0]), table(1.0, 0.0, 2.0)),
    ),
    Exercise(
        "2.2-b",
        descend,
        {
            one_weight_at_a_time: "Each weight already moves before the next derivative is computed: take the whole "
            "gradient at one point, then move.",
            climbs: "It climbs: a step goes against the gradient.",
            stops_one_step_early: "One iteration is missing.",
            gradient_of_the_start: "The gradient is that of the start at each iteration: compute it again.",
        },
        cases=DESCENTS,
        asks_function=True,
        handed_out=one_weight_at_a_time,
        by_hand=(table(1.0, 2.0), table([0.0], [2.0]), table(3.0, 4.0), 0.1, 2),
    ),
    Exercise(
        "2.3-a",
        longest_step,
        {
            one_over_the_curvature: "This is 1 / L: the safest step, but a descent bears twice as much.",
            flattest_direction: "This uses the smallest curvature: the steepest direction sets the limit.",
            curvature_itself: "This is the largest curvature L itself.",
            hessian_without_mean: "The Hessian lacks its 1/n.",
            hessian_without_two: "The Hessian lacks its factor 2, from the square.",
            no_column_of_ones: "The column of ones is missing from X: the constant w0 is a parameter too.",
        },
        cases=((COLUMN,),),
    ),
    Exercise(
        "2.3-b",
        good_step,
        {
            too_long: "With this step the risk grows without end: stay below 2 / L.",
            too_short: "With this step the descent is still on its way: take a longer one.",
            uphill: "A step that is not positive leads nowhere: the minus stands in the rule already.",
            several_steps: f"One number is expected. {COMMA}",
        },
        same_if=what_happens,
    ),
    Exercise(
        "2.3-c",
        momentum_step,
        {
            no_memory: "The old velocity is not used: that is plain gradient descent.",
            old_velocity_used: "The weights moved with the old velocity: update v first.",
            gradient_damped: "The gradient is damped by 1 - momentum: here it is added whole, as in torch.optim.SGD.",
            velocity_never_fades: "The old velocity is kept whole: only the share momentum of it stays.",
            moves_uphill: "The weights move along the gradient: they must go against it.",
        },
        cases=MOVES,
        asks_function=True,
        by_hand=(table(1.0, -2.0), table(0.5, 1.0), table(2.0, -1.0), 0.1, 0.9),
        parts=("w", "v"),
    ),
    Exercise(
        "2.3-d",
        condition_and_divisor,
        {
            spreads_compared: "The ratio of the spreads is the divisor: a curvature goes with the spread's square.",
            divided_by_the_condition: "The condition number is right. The spreads differ by its square root.",
            upside_down: "The condition number is the largest curvature over the smallest.",
            largest_curvature_itself: "This is the largest curvature: divide it by the smallest.",
        },
        cases=((WIDE,),),
        entries=("condition number", "divisor"),
    ),
)
