r"""
A share of eight tenths: with eight right answers of ten the coins are :math:`(2p)^8 \,
(2 - 2p)^2`, and their logarithm is highest where :math:`p` is the share of answers that
come true. A loss of your own: :math:`1/p - 1` has the slope -10,000 by :math:`p` at
:math:`p = 0.01` (by the score, times :math:`p\,(1 - p)`, it is -99). It punishes a
small probability so hard that one wrong label can outweigh a hundred others.
"""

import torch

from glassbox import gradients

shares = torch.arange(1, 100, dtype=torch.float64) / 100
coins = (2 * shares) ** 8 * (2 * (1 - shares)) ** 2
best = shares[coins.argmax()].item()
print(f"Best share {best:.2f}: {coins.max():.1f} coins.")
assert best == 0.8

p = torch.tensor([0.01], dtype=torch.float64)
slope = gradients.central_difference(lambda p: (1 / p - 1).sum(), p, step=1e-6).item()
print(f"Slope of 1/p - 1 at 0.01: {slope:,.0f}")
assert abs(slope + 10_000) < 10
