"""Layers and losses with the names of `torch.nn`, every forward and every backward written out as an equation.

Read the files in this order: ``autograd`` (the bridge to torch), ``linear``, ``activation``, ``convolution``,
``pooling``, ``normalization``, ``dropout``, ``loss``.
"""

from torch.nn import Module, Parameter, Sequential, init

from glassbox.nn import functional
from glassbox.nn.activation import LogSoftmax, ReLU, Sigmoid, Softmax, Tanh
from glassbox.nn.convolution import Conv2d
from glassbox.nn.dropout import Dropout
from glassbox.nn.linear import Linear
from glassbox.nn.loss import BCEWithLogitsLoss, CrossEntropyLoss, MSELoss, NLLLoss
from glassbox.nn.normalization import BatchNorm2d
from glassbox.nn.pooling import AvgPool2d, Flatten, MaxPool2d

__all__ = [
    "AvgPool2d",
    "BCEWithLogitsLoss",
    "BatchNorm2d",
    "Conv2d",
    "CrossEntropyLoss",
    "Dropout",
    "Flatten",
    "Linear",
    "LogSoftmax",
    "MSELoss",
    "MaxPool2d",
    "Module",
    "NLLLoss",
    "Parameter",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "functional",
    "init",
]
