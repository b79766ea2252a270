"""What the lessons of part 2 say in general, on tables that they do not show."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from glassbox.datasets import make_pupils
from glassbox.descent import empirical_risk, gradient_descent, hessian, least_squares, risk_gradient, step_limit

SEEDS = (1, 2, 3)


def table(seed: int, pupils: int = 30) -> tuple[torch.Tensor, torch.Tensor]:
    drawn = make_pupils(pupils, seed=seed)
    return tuple(torch.tensor(drawn[names].to_numpy()) for names in (["Maths", "CS", "French"], "Exam"))


@pytest.mark.parametrize("seed", SEEDS)
def test_no_short_move_lowers_the_risk_more_than_one_against_the_gradient(seed):
    X, y = table(seed)
    generator = torch.Generator().manual_seed(seed)
    w = torch.randn(4, generator=generator, dtype=torch.float64)
    gradient = risk_gradient(w, X, y)
    moves = torch.cat([-gradient[None], torch.randn(500, 4, generator=generator, dtype=torch.float64)])
    moves *= 1e-6 / moves.norm(dim=1, keepdim=True)
    assert empirical_risk(w + moves, X, y).argmin() == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_the_risk_splits_along_the_eigenvectors_and_ends_in_the_flattest(seed):
    X, y = table(seed)
    curvatures, directions = np.linalg.eigh(hessian(X).numpy())
    best = least_squares(X, y)
    descent = gradient_descent(torch.zeros(4).double(), X, y, step=0.8 * step_limit(X), iterations=3000)
    distances = (descent.parameters - best).numpy() @ directions
    parts = curvatures * distances**2 / 2
    np.testing.assert_allclose(parts.sum(axis=1), descent.risks - empirical_risk(best, X, y), atol=1e-9)
    assert parts[-1, 0] > 0.99 * parts[-1].sum()
    assert parts[0, 0] < 0.5 * parts[0].sum()


def excess_risks(X, y, share, iterations):
    """Return how far plain descent from zero is above the lowest risk, by NumPy's eigenvectors."""
    curvatures, directions = np.linalg.eigh(hessian(X).numpy())
    distances = -least_squares(X, y).numpy() @ directions
    t = np.arange(iterations)[:, None]
    left = distances * (1 - share * step_limit(X) * curvatures) ** t
    return (curvatures * left**2 / 2).sum(axis=1)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_path_that_zig_zags_arrives_before_the_smooth_one(seed, claim):
    X, y = table(seed)
    zig_zag, smooth = (excess_risks(X, y, share, 3000)[-1] for share in (0.97, 0.3))
    said = "a step of .97 of the limit, which zig-zags, ends lower than one of .3: risk above the lowest, 3,000 steps"
    claim("2.3", said, f"table {seed}", f"{zig_zag:.3g}, {smooth:.3g}", zig_zag < smooth)


@pytest.mark.parametrize("seed", SEEDS)
def test_momentum_is_a_factor_of_ten_where_a_flat_direction_holds_the_risk(seed, claim):
    X, y = table(seed)
    plain = excess_risks(X, y, 0.8, 40_000)
    begun = plain[3000]
    rolling = gradient_descent(
        torch.zeros(4).double(), X, y, step=0.8 * step_limit(X), iterations=2500, method="momentum", momentum=0.9
    )
    rolled = (rolling.risks - empirical_risk(least_squares(X, y), X, y)).numpy()
    needed = [np.argmax(risks < begun / 4) - np.argmax(risks < begun) for risks in (plain, rolled)]
    factor = needed[0] / needed[1]
    said = "momentum 0.9 is a factor of ten in steps where a flat direction holds the risk"
    claim("2.3", said, f"table {seed}", f"{factor:.2f}", factor == pytest.approx(10, rel=0.1))


@pytest.mark.parametrize("seed", SEEDS)
def test_four_pupils_are_fitted_whatever_their_marks_and_the_fit_says_nothing(seed, claim):
    X, y = table(seed, pupils=2000)
    fitted = least_squares(X[:4], y[:4])
    assert empirical_risk(fitted, X[:4], y[:4]) < 1e-15
    fit, true = (empirical_risk(w, X[1000:], y[1000:]).item() for w in (fitted, [0, 0.5, 0.4, 0.1]))
    said = "four weights fitted to four pupils do worse on others than the true ones: risk of both on 1,000 others"
    claim("2.1", said, f"table {seed}", f"{fit:.2f}, {true:.2f}", fit > 1.5 * true)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("momentum", [0.5, 0.9])
def test_with_momentum_the_limit_is_one_plus_mu_times_as_far(seed, momentum, claim):
    X, y = table(seed)
    lowest = empirical_risk(least_squares(X, y), X, y)
    within, beyond = (
        gradient_descent(
            torch.zeros(4).double(),
            X,
            y,
            step=share * (1 + momentum) * step_limit(X),
            iterations=600,
            method="momentum",
            momentum=momentum,
        ).risks
        - lowest
        for share in (0.98, 1.02)
    )
    said = "with momentum mu the limit is 1 + mu times as large: risk above the lowest at .98 and 1.02 of that"
    figure = f"{within[-1]:.2g}, {beyond[-1]:.2g}"
    claim("2.3", said, f"table {seed}, mu {momentum}", figure, within[-1] < within[0] < beyond[-1])
