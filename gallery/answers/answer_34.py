r"""
Mini-batches of 20 take ten steps in an epoch. With the falling step these are soon too
short to arrive, and what is left is distance, not noise: a step must fall only once the
floor is reached. Drawn with replacement, the floor goes about with the step and one
over the size of the batch. Here, without, errors cancel within an epoch, and at its end
the floor goes about with the square of both. Either way batches of 5 need about a
quarter of the step of batches of 20.
"""

import torch

from glassbox import datasets
from glassbox.descent import empirical_risk, least_squares, standardize, with_ones

pupils = datasets.make_pupils(200)
Z, _, _ = standardize(pupils[["Maths", "CS"]].to_numpy())
y, X = torch.tensor(pupils["Exam"].to_numpy()), with_ones(Z)
lowest = empirical_risk(least_squares(Z, y), Z, y)
generator = torch.Generator().manual_seed(0)


def floor(size, step_in_epoch, epochs=40, copies=100):
    """Return the risk above the lowest, a mean over many runs and the last epochs."""
    w = torch.tensor([y.mean(), -1.5, 2.5]).double().expand(copies, 3)
    ends = []
    for epoch in range(1, epochs + 1):
        order = torch.rand(copies, 200, generator=generator).argsort(dim=1)
        for B in order.split(size, dim=1):
            errors = (X[B] @ w[:, :, None])[:, :, 0] - y[B]
            w = w - step_in_epoch(epoch) * 2 * (errors[:, None] @ X[B])[:, 0] / size
        ends.append((empirical_risk(w, Z, y) - lowest).mean().item())
    return sum(ends[-10:]) / 10


same, falling = floor(20, lambda t: 0.05, 20), floor(20, lambda t: 0.05 / t, 20)
print(f"Batches of 20 end {same:.4f} above the lowest, {falling:.4f} with 0.05 / t.")
assert falling > 10 * same

twenty = floor(20, lambda t: 0.05)
for share in (1, 1 / 2, 1 / 4):
    five = floor(5, lambda t, share=share: 0.05 * share)
    print(f"Batches of 5, step {0.05 * share:.4f}: {five:.5f}; of 20: {twenty:.5f}")
assert 0.5 < five / twenty < 2
