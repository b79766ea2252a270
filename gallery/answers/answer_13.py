r"""
With padding 1, a kernel of 3 keeps the height, and pooling halves it: 28, 14, 7, 3. So
fewer numbers reach the dense layer, which held most of the parameters. Larger kernels
cost little, and the network gets smaller. Whether it reads as well takes a training
like the one above; compare the two on the *validation* images.
"""

import torch

from glassbox import nn, tracing

network = nn.Sequential(
    nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(4, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Linear(8 * 3 * 3, 32), nn.ReLU(),
    nn.Linear(32, 10),
)  # fmt: skip
inside = tracing.trace(network, torch.zeros(1, 1, 28, 28))
for record in inside.values():
    if record.parameters:
        print(f"to {tuple(record.output.shape)}: {record.parameters:,} parameters")
print(f"Together {inside.parameters:,} instead of 4,640.")
assert inside.parameters == 20 + 76 + 296 + (72 * 32 + 32) + (32 * 10 + 10) < 4640
