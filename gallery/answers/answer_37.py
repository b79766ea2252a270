r"""
A batch of 51 is cut into 26 and 25. Weighed by count, the parts still give the gradient
of the whole, so the weights agree with those of one process but for rounding. As for
the two numbers: ``DigitCNN`` computes far more for each image with about as many
operations, so it is the cost per image, :math:`b`, that changes more.
"""

import torch
from torch.utils.flop_counter import FlopCounterMode

from glassbox import models, nn

torch.manual_seed(0)
images, labels = torch.rand(51, 1, 28, 28).double(), torch.randint(10, (51,))
network = models.SmallCNN().double()


def gradient(rows):
    network.zero_grad()
    nn.CrossEntropyLoss()(network(images[rows]), labels[rows]).backward()
    return torch.cat([parameter.grad.flatten() for parameter in network.parameters()])


whole, first, second = (gradient(slice(*r)) for r in ((0, 51), (0, 26), (26, 51)))
weighed = (26 * first + 25 * second) / 51
print(f"26 + 25 examples, weighed by count: {(weighed - whole).abs().max():.0e} apart.")
assert (weighed - whole).abs().max() < 1e-14

for model in (models.SmallCNN(), models.DigitCNN()):
    with FlopCounterMode(display=False) as flops:
        model(torch.zeros(1, 1, 28, 28))
    count = flops.get_total_flops() // 2
    print(f"{type(model).__name__}: {count:,} multiplications for an image")
