r"""
The biases ``b[1]`` hold the place: they become 0. The weight that carries the way to
the east becomes one half, for twice as far counts as once. Without ReLU the network is
one weighted sum: north and south cancel, east and west do so in part, and the border is
one straight line, at :math:`x_1 = -6`.
"""

import torch

w = {
    1: [[1, 0], [-1, 0], [0, 1], [0, -1]],
    2: [[0.5, 1, 0, 0], [0, 0, 1, 1]],
    3: [[-2, -2]],
}
b = {1: [0, 0, 0, 0], 2: [0, 0], 3: [6]}
W = {l: torch.tensor(w[l], dtype=torch.float64) for l in w}
B = {l: torch.tensor(b[l], dtype=torch.float64) for l in b}


def score(points, bend):
    for l in (1, 2):
        points = bend(points @ W[l].T + B[l])
    return (points @ W[3].T + B[3])[:, 0]


ends = torch.tensor([[6.0, 0], [-3, 0], [0, 3], [0, -3]], dtype=torch.float64)
print("On the border:", score(ends, torch.relu).tolist())
assert score(ends, torch.relu).abs().max() < 1e-12

places = torch.tensor([[0.0, 0], [5, 0], [0, 5], [-4, 2]], dtype=torch.float64)
flat = score(places, lambda sums: sums)
slope = W[3] @ W[2] @ W[1]
print("Without ReLU:", flat.tolist(), "with the slope", slope.tolist())
torch.testing.assert_close(flat, places @ slope[0] + 6)
