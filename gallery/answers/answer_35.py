r"""
The Laplacian is found like the edge filter. Nine weights cannot be a 5 × 5 filter: the
risk stops where the best nine are found. For a blur of 5 × 5 they are all positive: a
smaller blur.
"""

import torch

from glassbox import datasets
from glassbox.nn import functional as F

picture = datasets.photo("china")[:, :, 120:216, 155:251].double()
picture = picture - picture.mean()
laplacian = torch.tensor([[0, 1, 0], [1, -4, 1], [0, 1, 0]]).double()[None, None] / 4
blur = torch.full((1, 1, 5, 5), 1 / 25, dtype=torch.float64)


def learn(image, wanted, steps=400):
    kernel, velocity = torch.zeros(1, 1, 3, 3).double(), 0.0
    for _ in range(steps):
        error = F.conv2d(image, kernel) - wanted
        delta = 2 * error / error.numel()
        velocity = 0.9 * velocity + F.conv2d_backward(delta, image, kernel)[1]
        kernel = kernel - 0.5 * velocity
    return kernel, (error**2).mean().item()


kernel, risk = learn(picture, F.conv2d(picture, laplacian))
print(f"Laplacian: largest difference {(kernel - laplacian).abs().max():.1e}")
assert (kernel - laplacian).abs().max() < 0.05

kernel, risk = learn(picture[:, :, 1:-1, 1:-1], F.conv2d(picture, blur))
print(f"Blur of 5 × 5: the risk stops at {risk:.1e}, with the kernel")
print("\n".join(" ".join(f"{v:5.2f}" for v in row) for row in kernel[0, 0].tolist()))
assert risk > 1e-6
assert kernel.min() > 0
