"""
Only the input 1: above zero what comes out is what goes in, and below it is zero.
"""

import torch

from glassbox import nn

inputs = torch.arange(-3, 4.0)
ones = inputs[nn.ReLU()(inputs) == 1].tolist()
print("An output of 1 comes from", ones)
assert ones == [1]
