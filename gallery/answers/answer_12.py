r"""
Letters are thin strokes, darker or lighter than the wall on *both* sides: a kernel that
compares the middle with its neighbors, such as the Laplacian, finds them whatever their
direction, and ReLU after it keeps the dark ones. Ten blurs are one kernel of 21 × 21:
each blur adds a pixel on every side, and its weights fall off like a bell.
"""

import torch

from glassbox import datasets
from glassbox.nn import functional as F

blur = torch.full((1, 1, 3, 3), 1 / 9, dtype=torch.float64)
bell = torch.zeros(1, 1, 21, 21, dtype=torch.float64)
bell[0, 0, 10, 10] = 1
by_ten = photo = datasets.photo("china").double()
for _ in range(10):
    bell = F.conv2d(bell, blur, padding=1)
    by_ten = F.conv2d(by_ten, blur)
at_once = F.conv2d(photo, bell)
torch.testing.assert_close(at_once, by_ten)
print(
    f"Ten blurs and one kernel of 21 × 21: {(at_once - by_ten).abs().max():.0e} apart."
)
print(
    f"Its weights: {bell.max():.4f} in the middle, {bell[0, 0, 10, 0]:.0e} at the rim."
)
