r"""
Mini-batches of 20 end after about ten epochs, all near the lowest point. Single pupils
stop by chance, once two epochs in a row end almost alike, or not at all, and stay high
on the floor. The rule tells something only of a descent that comes to rest. Drawn
with replacement, the floor goes about with the step and one over the size of the batch.
Here, without, errors cancel within an epoch, and at its end the floor falls faster:
half the step takes it to about a quarter, and half of that to less than a quarter
again. Either way batches of 5 need about a quarter of the step of batches
of 20.
"""

import torch

from glassbox import datasets
from glassbox.descent import empirical_risk, least_squares, standardize, with_ones

pupils = datasets.make_pupils(200)
Z, _, _ = standardize(pupils[["Maths", "CS"]].to_numpy())
y, X = torch.tensor(pupils["Exam"].to_numpy()), with_ones(Z)
lowest = empirical_risk(least_squares(Z, y), Z, y)
start = torch.tensor([y.mean(), -1.5, 2.5]).double()
generator = torch.Generator().manual_seed(0)


def descend(size, share, epochs=100):
    """Return the risk above the lowest after each epoch, until it rests."""
    w, risks = start, [empirical_risk(start, Z, y).item()]
    for _ in range(epochs):
        for B in torch.randperm(200, generator=generator).split(size):
            w = w - 0.05 * 2 * ((X[B] @ w - y[B]) @ X[B]) / len(B)
        risks.append(empirical_risk(w, Z, y).item())
        if abs(risks[-1] - risks[-2]) < share * risks[-2]:
            break
    return [risk - lowest for risk in risks]


last = {}
for size in (20, 1):
    runs = [descend(size, share=0.001) for _ in range(4)]
    last[size] = [run[-1] for run in runs]
    ends = [f"{len(run) - 1}: {run[-1]:.3f}" for run in runs]
    print(f"{size} a step, epochs and height:", ", ".join(ends))
assert max(last[20]) < 0.02 < min(last[1])


def floor(size, step, epochs=40, copies=100):
    """Return the risk above the lowest, a mean over many runs and the last epochs."""
    w, ends = start.expand(copies, 3), []
    for _ in range(epochs):
        order = torch.rand(copies, 200, generator=generator).argsort(dim=1)
        for B in order.split(size, dim=1):
            errors = (X[B] @ w[:, :, None])[:, :, 0] - y[B]
            w = w - step * 2 * (errors[:, None] @ X[B])[:, 0] / size
        ends.append((empirical_risk(w, Z, y) - lowest).mean().item())
    return sum(ends[-10:]) / 10


twenty = floor(20, 0.05)
for share in (1, 1 / 2, 1 / 4):
    five = floor(5, 0.05 * share)
    print(f"Batches of 5, step {0.05 * share:.4f}: {five:.5f}; of 20: {twenty:.5f}")
assert 0.5 < five / twenty < 2
