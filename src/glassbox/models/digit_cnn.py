"""The larger convolutional network of lesson 1.3."""

from __future__ import annotations

from glassbox import nn
from glassbox.models.parts import NamedParts
from glassbox.models.pretrained import load_weights


class DigitCNN(NamedParts):
    """A network that reads handwritten digits nearly as well as people do.

    Three blocks of a 3x3 convolution, max-pooling, batch normalization and ReLU, then one dense layer. Channels double
    as the image shrinks: 28x28 to 14x14 to 7x7 to 3x3. ReLU and the maximum may change places without a change in
    what they give; pooling first leaves a quarter of the numbers to normalize.

    Parameters
    ----------
    width : int
        Channels of the first convolution; the others have 2 and 4 times as many.
    pretrained : bool
        Load the weights that the package ships, trained on MNIST at the width 16, and set the network to predict
        (``eval()``). `weights_card` says how they were made.

    Raises
    ------
    ValueError
        If the width is below 1, or `pretrained` is asked for at a width other than 16.

    References
    ----------
    S. Ioffe and C. Szegedy, "Batch normalization: accelerating deep network training by reducing internal covariate
    shift", 2015, https://doi.org/10.48550/arXiv.1502.03167

    Examples
    --------
    >>> import torch
    >>> model = DigitCNN()
    >>> model(torch.zeros(5, 1, 28, 28)).shape
    torch.Size([5, 10])
    """

    def __init__(self, *, width: int = 16, pretrained: bool = False) -> None:
        if width < 1:
            raise ValueError(f"DigitCNN expects a width of 1 or more, got {width}")
        if pretrained and width != 16:
            raise ValueError(f"the shipped weights are for width=16, not {width}; leave out width or pretrained")
        # A bias before a batch normalization is subtracted again with the mean: none is learned.
        super().__init__(
            conv1=nn.Conv2d(1, width, 3, padding=1, bias=False),
            pool1=nn.MaxPool2d(2),
            norm1=nn.BatchNorm2d(width),
            relu1=nn.ReLU(),
            conv2=nn.Conv2d(width, 2 * width, 3, padding=1, bias=False),
            pool2=nn.MaxPool2d(2),
            norm2=nn.BatchNorm2d(2 * width),
            relu2=nn.ReLU(),
            conv3=nn.Conv2d(2 * width, 4 * width, 3, padding=1, bias=False),
            pool3=nn.MaxPool2d(2),
            norm3=nn.BatchNorm2d(4 * width),
            relu3=nn.ReLU(),
            flatten=nn.Flatten(),
            fc=nn.Linear(4 * width * 3 * 3, 10),
        )
        if pretrained:
            load_weights(self, "digit_cnn")
