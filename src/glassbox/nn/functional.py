"""The layers and losses as functions, under the names of ``torch.nn.functional``, each with its ``_backward``.

``<name>_backward(grad_output, *tensors, output=None, needs=None, **options)`` takes the gradient that arrives at the
output and gives one gradient for each tensor, by the sums that training computes. `needs` says which are wanted (all by
default); `output`, what the forward gave, spares some of them work.
"""

from glassbox.nn.activation import (
    log_softmax,
    log_softmax_backward,
    relu,
    relu_backward,
    sigmoid,
    sigmoid_backward,
    softmax,
    softmax_backward,
    tanh,
    tanh_backward,
)
from glassbox.nn.binary_cross_entropy import binary_cross_entropy_with_logits, binary_cross_entropy_with_logits_backward
from glassbox.nn.convolution import conv2d, conv2d_backward
from glassbox.nn.cross_entropy import cross_entropy, cross_entropy_backward, nll_loss, nll_loss_backward
from glassbox.nn.dropout import dropout, dropout_backward
from glassbox.nn.linear import linear, linear_backward
from glassbox.nn.normalization import batch_norm, batch_norm_backward
from glassbox.nn.pooling import avg_pool2d, avg_pool2d_backward, max_pool2d, max_pool2d_backward
from glassbox.nn.squared_error import mse_loss, mse_loss_backward

__all__ = [
    "avg_pool2d",
    "avg_pool2d_backward",
    "batch_norm",
    "batch_norm_backward",
    "binary_cross_entropy_with_logits",
    "binary_cross_entropy_with_logits_backward",
    "conv2d",
    "conv2d_backward",
    "cross_entropy",
    "cross_entropy_backward",
    "dropout",
    "dropout_backward",
    "linear",
    "linear_backward",
    "log_softmax",
    "log_softmax_backward",
    "max_pool2d",
    "max_pool2d_backward",
    "mse_loss",
    "mse_loss_backward",
    "nll_loss",
    "nll_loss_backward",
    "relu",
    "relu_backward",
    "sigmoid",
    "sigmoid_backward",
    "softmax",
    "softmax_backward",
    "tanh",
    "tanh_backward",
]
