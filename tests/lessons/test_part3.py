"""What the lessons of part 3 say in general, on starts and data that they do not show."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from glassbox import datasets
from glassbox.descent import empirical_risk, least_squares, standardize, with_ones

SEEDS = (1, 2, 3)


@pytest.mark.parametrize("start", [-3.0, -5.0, -7.0])
@pytest.mark.parametrize("step", [0.1, 0.5, 1.0])
def test_squared_error_waits_longer_than_cross_entropy_the_surer_it_was(start, step):
    def steps(loss, start):
        score = torch.tensor(start, dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.SGD([score], lr=step)
        for t in range(30_000):
            if score.sigmoid() >= 0.5:
                return t
            optimizer.zero_grad()
            loss(score).backward()
            optimizer.step()
        raise AssertionError("it never arrived")

    one = torch.tensor(1.0, dtype=torch.float64)
    squared = steps(lambda s: (s.sigmoid() - 1) ** 2, start)
    entropy = steps(lambda s: torch.nn.functional.binary_cross_entropy_with_logits(s, one), start)
    assert squared > entropy
    assert squared / entropy > math.exp(-start) / 2 / (4 - start)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_best_share_to_bet_is_how_often_one_is_right(seed):
    often = np.random.default_rng(seed).uniform(0.55, 0.95)
    shares = np.linspace(0.01, 0.99, 981)
    fortunes = often * np.log(2 * shares) + (1 - often) * np.log(2 * (1 - shares))
    assert shares[fortunes.argmax()] == pytest.approx(often, abs=1e-3)


def excess_risk(rows, batch_size, epochs, rate, seed, replacement=False, copies=60):
    """Return the mean excess risk of many descents on standardized made-up pupils after each step."""
    pupils = datasets.make_pupils(200, seed=seed)
    Z, _, _ = standardize(pupils[["Maths", "CS"]].to_numpy())
    y, X = torch.tensor(pupils["Exam"].to_numpy()), with_ones(Z)
    lowest = empirical_risk(least_squares(Z, y), Z, y)
    generator = torch.Generator().manual_seed(seed)
    w, excess = torch.tensor([y.mean(), *rows]).double().expand(copies, 3), []
    for epoch in range(1, epochs + 1):
        order = torch.rand(copies, 200, generator=generator).argsort(dim=1)
        if replacement:
            order = torch.randint(200, (copies, 200), generator=generator)
        for B in order.split(batch_size, dim=1):
            errors = (X[B] @ w[:, :, None])[:, :, 0] - y[B]
            w = w - rate(epoch) * 2 * (errors[:, None] @ X[B])[:, 0] / batch_size
            excess.append((empirical_risk(w, Z, y) - lowest).mean().item())
    return torch.tensor(excess)


def constant(epoch):
    return 0.05


@pytest.mark.parametrize("seed", SEEDS)
def test_20_pupils_step_as_well_as_200_on_the_way_down(seed):
    few = excess_risk((-1.5, 2.5), 20, 6, constant, seed)
    full = excess_risk((-1.5, 2.5), 200, 60, constant, seed)
    assert (few[:30] / full[:30] - 1).abs().max() < 0.1


@pytest.mark.parametrize("seed", SEEDS)
def test_a_falling_rate_takes_single_pupils_below_their_floor(seed):
    floor = excess_risk((-1.5, 2.5), 1, 12, constant, seed)[-200:].mean()
    assert excess_risk((-1.5, 2.5), 1, 12, lambda epoch: 0.05 / epoch, seed)[-200:].mean() < floor / 10


@pytest.mark.parametrize("seed", SEEDS)
def test_without_replacement_the_floor_is_lower_over_whole_epochs_too(seed):
    with_, without = (excess_risk((-1.5, 2.5), 10, 16, constant, seed, kind)[120:] for kind in (True, False))
    assert without.mean() < 0.75 * with_.mean()
    assert without[19::20].mean() < without.mean()
