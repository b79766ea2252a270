"""What the lessons of part 3 say in general, on starts and data that they do not show."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

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
