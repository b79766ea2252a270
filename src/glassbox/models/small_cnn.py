"""The small convolutional network of lessons 1.3 and 1.4."""

from __future__ import annotations

from glassbox import nn
from glassbox.models.parts import NamedParts
from glassbox.models.pretrained import load_weights


class SmallCNN(NamedParts):
    """A network with 4,640 parameters that reads a handwritten digit.

    Three times a convolution, a ReLU and a max-pooling; then two dense layers. The output is one score (a logit) for
    each of the ten classes; a softmax makes probabilities of them.

    ========  =================  ================  ================
    part      input of 28 x 28   input of 32 x 32  parameters
    ========  =================  ================  ================
    conv1     (N, 2, 29, 29)     (N, 2, 33, 33)    10
    pool1     (N, 2, 14, 14)     (N, 2, 16, 16)
    conv2     (N, 4, 15, 15)     (N, 4, 17, 17)    36
    pool2     (N, 4, 7, 7)       (N, 4, 8, 8)
    conv3     (N, 8, 8, 8)       (N, 8, 9, 9)      136
    pool3     (N, 8, 4, 4)       (N, 8, 4, 4)
    flatten   (N, 128)           (N, 128)
    fc1       (N, 32)            (N, 32)           4,128
    fc2       (N, 10)            (N, 10)           330
    ========  =================  ================  ================

    Parameters
    ----------
    pretrained : bool
        Load the weights that the package ships, trained on MNIST, and set the network to predict (``eval()``).
        `weights_card` says how they were made.

    Examples
    --------
    >>> import torch
    >>> model = SmallCNN()
    >>> model(torch.zeros(5, 1, 28, 28)).shape
    torch.Size([5, 10])
    >>> sum(parameter.numel() for parameter in model.parameters())
    4640
    """

    def __init__(self, *, pretrained: bool = False) -> None:
        super().__init__(
            conv1=nn.Conv2d(1, 2, kernel_size=2, padding=1),
            relu1=nn.ReLU(),
            pool1=nn.MaxPool2d(2),
            conv2=nn.Conv2d(2, 4, kernel_size=2, padding=1),
            relu2=nn.ReLU(),
            pool2=nn.MaxPool2d(2),
            conv3=nn.Conv2d(4, 8, kernel_size=2, padding=1),
            relu3=nn.ReLU(),
            pool3=nn.MaxPool2d(2),
            flatten=nn.Flatten(),
            fc1=nn.Linear(8 * 4 * 4, 32),
            relu4=nn.ReLU(),
            fc2=nn.Linear(32, 10),
        )
        if pretrained:
            load_weights(self, "small_cnn")
