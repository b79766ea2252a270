r"""
Within a hidden layer all units get the same gradients: the rows are equal, and so are
the units after every step. The output units differ, because their right answers do.
From the second layer on the columns are equal too. The units of a hidden layer stay
copies of each other, and the layer counts as one unit. Random first weights break the
tie.
"""

import torch

from glassbox import models, nn

network = models.MLP(2, 3, 2, 2, activation=nn.Sigmoid).double()
with torch.no_grad():
    for name, parameter in network.named_parameters():
        parameter.fill_(0.5 if "weight" in name else 0.0)
x, y = torch.tensor([[1.0, 0.5]]).double(), torch.tensor([[1.0, 0.0]]).double()
(nn.MSELoss(reduction="sum")(network(x).sigmoid(), y) / 2).backward()

layers = [layer for layer in network.modules() if isinstance(layer, nn.Linear)]
for layer in layers:
    print([[round(v, 4) for v in row] for row in layer.weight.grad.tolist()])
for hidden in layers[:-1]:
    torch.testing.assert_close(
        hidden.weight.grad, hidden.weight.grad[:1].expand_as(hidden.weight)
    )
for later in layers[1:]:
    torch.testing.assert_close(
        later.weight.grad, later.weight.grad[:, :1].expand_as(later.weight)
    )
