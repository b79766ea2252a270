r"""
Without ReLU the two layers are :math:`W_2 (W_1 x + b_1) + b_2`. That is one layer with
the weights :math:`W_2 W_1` and the bias :math:`W_2 b_1 + b_2`. Whether both switches
are on takes no second layer: :math:`\max(0, x_1 + x_2 - 1)` is 1 for two, and 0 for
none or one. A threshold on the count is one hinge; *exactly one* needs two.
"""

import torch

from glassbox import datasets, nn

X = torch.tensor(datasets.load_grades().to_numpy())
torch.manual_seed(0)
first, second, one = (nn.Linear(*size).double() for size in ((7, 2), (2, 1), (7, 1)))
with torch.no_grad():
    one.weight.copy_(second.weight @ first.weight)
    one.bias.copy_(second.weight @ first.bias + second.bias)
    difference = (one(X) - second(first(X))).abs().max()
print(f"One layer instead of two: largest difference {difference:.0e}.")
assert difference < 1e-12

switches = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
both = nn.Linear(2, 1)
with torch.no_grad():
    both.weight.fill_(1)
    both.bias.fill_(-1)
    answers = nn.ReLU()(both(switches))[:, 0].tolist()
print("Both on?", answers)
assert answers == [0, 0, 0, 1]
