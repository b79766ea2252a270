"""The layers and losses of ``torch.nn``, opened: each is an equation and its derivative that one can read.

Names, arguments, defaults, initial weights and ``state_dict`` keys are those of ``torch.nn``: change the import of a
script that needs no others, and its numbers stay. To read them, begin with ``_bridge.py``, the bridge to torch; then
one file per family.
"""

from torch.nn import Identity, Module, ModuleDict, ModuleList, Parameter, Sequential, init

from glassbox.nn import functional
from glassbox.nn._bridge import by_the_equation
from glassbox.nn.activation import LogSoftmax, ReLU, Sigmoid, Softmax, Tanh
from glassbox.nn.binary_cross_entropy import BCEWithLogitsLoss
from glassbox.nn.convolution import Conv2d
from glassbox.nn.cross_entropy import CrossEntropyLoss, NLLLoss
from glassbox.nn.dropout import Dropout
from glassbox.nn.linear import Flatten, Linear
from glassbox.nn.normalization import BatchNorm2d
from glassbox.nn.pooling import AvgPool2d, MaxPool2d
from glassbox.nn.squared_error import MSELoss

__all__ = [
    "AvgPool2d",
    "BCEWithLogitsLoss",
    "BatchNorm2d",
    "Conv2d",
    "CrossEntropyLoss",
    "Dropout",
    "Flatten",
    "Identity",
    "Linear",
    "LogSoftmax",
    "MSELoss",
    "MaxPool2d",
    "Module",
    "ModuleDict",
    "ModuleList",
    "NLLLoss",
    "Parameter",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "by_the_equation",
    "functional",
    "init",
]
