"""Batch normalization: give each channel the mean 0 and the variance 1, then a mean and a variance that are learned."""

from __future__ import annotations

from typing import Any, overload

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm  # by this base, which holds the numbers, torch's tools know a layer

from glassbox.nn import _fast
from glassbox.nn._bridge import Gradients, differentiable
from glassbox.nn._by_hand import by_hand
from glassbox.nn._checks import require_batch_norm
from glassbox.nn._precision import in_float32


@in_float32
def normalize_forward(
    input: Tensor,
    mean: Tensor,
    variance: Tensor,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    from_batch: bool = False,
    eps: float = 1e-5,
) -> Tensor:
    r"""Compute :math:`\hat x = (x - \mu) / \sqrt{\sigma^2 + \epsilon}` and :math:`y = \gamma\, \hat x + \beta`."""
    inverse_deviation = (variance + eps).rsqrt()  # (1, C, 1, 1), as are all but the input
    x_hat = (input - mean) * inverse_deviation  # (N, C, H, W)
    output = x_hat if weight is None else weight * x_hat
    return output if bias is None else output + bias


@in_float32
def normalize_backward(
    grad_output: Tensor,
    input: Tensor,
    mean: Tensor,
    variance: Tensor,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    output: Tensor | None = None,
    needs: tuple[bool, ...] = (True, False, False, True, True),
    from_batch: bool = False,
    eps: float = 1e-5,
) -> Gradients:
    r"""Compute :math:`\bar\beta = \sum \bar y`, :math:`\bar\gamma = \sum \bar y\, \hat x`; with them :math:`\bar x`.

    :math:`\bar x = \gamma / \sqrt{\sigma^2 + \epsilon}\; (\bar y - \bar\beta / m - \hat x\, \bar\gamma / m)` for
    statistics of the batch's m numbers. Of fixed ones only the first term of the bracket is left.
    """
    if from_batch and torch.is_grad_enabled():  # a second derivative goes through the statistics too
        mean, variance = statistics(input)
    inverse_deviation = (variance + eps).rsqrt()  # (1, C, 1, 1)
    x_hat = (input - mean) * inverse_deviation  # (N, C, H, W)
    grad_bias = grad_output.sum(all_but_channels(input), keepdim=True)  # (1, C, 1, 1)
    grad_weight = (grad_output * x_hat).sum(all_but_channels(input), keepdim=True)  # (1, C, 1, 1)
    bracket = grad_output  # (N, C, H, W): all that is left of it where the statistics are fixed
    if from_batch:
        m = input.numel() // mean.numel()
        bracket = grad_output - grad_bias / m - x_hat * (grad_weight / m)
    grad_input = (1 if weight is None else weight) * inverse_deviation * bracket
    return grad_input, None, None, grad_weight if needs[3] else None, grad_bias if needs[4] else None


@in_float32
def statistics(input: Tensor) -> tuple[Tensor, Tensor]:
    r"""Compute the mean :math:`\mu` and the variance :math:`\sigma^2` of each channel, (1, C, 1, 1)."""
    mean = input.mean(all_but_channels(input), keepdim=True)
    return mean, ((input - mean) ** 2).mean(all_but_channels(input), keepdim=True)


def all_but_channels(input: Tensor) -> list[int]:
    """Return the dimensions of the examples and of the pixels, over which a channel is one."""
    return [dim for dim in range(input.dim()) if dim != 1]


_normalize = differentiable(normalize_forward, normalize_backward, fast=_fast.normalization)


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    r"""Normalize each channel, by the statistics of the batch in training and by running averages of these afterwards.

    With the mean :math:`\mu` and the variance :math:`\sigma^2` over the :math:`m` entries of a channel,

    .. math::
        y_i = \gamma\, \hat x_i + \beta, \qquad \hat x_i = \frac{x_i - \mu}{\sqrt{\sigma^2 + \epsilon}},
        \qquad \mu = \frac{1}{m} \sum_i x_i, \qquad \sigma^2 = \frac{1}{m} \sum_i (x_i - \mu)^2 .

    With :math:`\bar y = \partial L / \partial y`, the gradient that arrives,

    .. math::
        \bar\beta = \sum_i \bar y_i, \qquad
        \bar\gamma = \sum_i \bar y_i\, \hat x_i, \qquad
        \bar x_i = \frac{\gamma}{\sqrt{\sigma^2 + \epsilon}}
        \Bigl( \bar y_i - \frac{1}{m} \sum_j \bar y_j - \hat x_i\, \frac{1}{m} \sum_j \bar y_j\, \hat x_j \Bigr) .

    The two means are there because :math:`\mu` and :math:`\sigma^2` depend on the input as well. With running averages,
    which do not, only the first term is left.

    Parameters
    ----------
    input : Tensor
        (N, C), or (N, C, d1, ...).
    running_mean, running_var : Tensor or None
        Running averages, (C,). In training each moves towards the batch's statistic by :math:`\alpha` of the way, in
        place; for this the variance is divided by :math:`m - 1` instead of :math:`m`. An empty batch leaves them alone.
    weight : Tensor, optional
        :math:`\gamma`, (C,). By default 1.
    bias : Tensor, optional
        :math:`\beta`, (C,). By default 0.
    training : bool, default False
        Take the statistics of the batch.
    momentum : float, default 0.1
        :math:`\alpha`, the share of the batch in the new average.
    eps : float, default 1e-5
        :math:`\epsilon`, which keeps the division from overflowing.

    Returns
    -------
    Tensor
        The shape of the input.

    Raises
    ------
    TypeError
        ``input`` holds no floating-point numbers, or another tensor is of a type that does not go with it.
    ValueError
        A shape does not fit, a channel has a single entry to train on, or ``eps`` is too small.

    References
    ----------
    Ioffe and Szegedy, Batch normalization: accelerating deep network training by reducing internal covariate shift,
    2015. https://doi.org/10.48550/arXiv.1502.03167

    Examples
    --------
    >>> import torch
    >>> from glassbox.nn.functional import batch_norm, batch_norm_backward
    >>> x = torch.tensor([[1.0], [3.0]])
    >>> batch_norm(x, None, None, training=True)
    tensor([[-1.0000],
            [ 1.0000]])

    Back-propagation by hand. Shifting all entries changes nothing in training, so that the gradient sums to zero:

    >>> x = torch.tensor([[1.0], [2.0], [4.0]])
    >>> grad_input, *_ = batch_norm_backward(torch.tensor([[1.0], [0.0], [0.0]]), x, training=True)
    >>> bool(grad_input.sum().abs() < 1e-6)
    True
    """
    require_batch_norm(input, running_mean, running_var, weight, bias, training=training, eps=eps)
    mean, variance, from_batch = _statistics_to_use(input, running_mean, running_var, training)
    if from_batch and running_mean is not None and running_var is not None:
        m = input.numel() // len(running_mean)
        with torch.no_grad():
            running_mean.mul_(1 - momentum).add_(mean.flatten(), alpha=momentum)
            running_var.mul_(1 - momentum).add_(variance.flatten(), alpha=momentum * m / (m - 1))
    weight, bias = _per_channel(weight, input), _per_channel(bias, input)
    return _normalize(input, mean, variance, weight, bias, from_batch=from_batch, eps=eps)


@by_hand(require_batch_norm)
def batch_norm_backward(
    grad_output: Tensor,
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    output: Tensor | None = None,
    needs: tuple[bool, ...] = (True, False, False, True, True),
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Gradients:
    r"""Compute :math:`\bar x`, :math:`\bar\gamma` and :math:`\bar\beta`, None for the averages; see `batch_norm`.

    In training the running averages play no part: the statistics are those of the batch, as in the forward.
    """
    mean, variance, from_batch = _statistics_to_use(input, running_mean, running_var, training)
    tensors = (input, mean, variance, _per_channel(weight, input), _per_channel(bias, input))
    found = normalize_backward(grad_output, *tensors, needs=needs, from_batch=from_batch, eps=eps)
    return found[0], None, None, *(None if gradient is None else gradient.flatten() for gradient in found[3:])


class BatchNorm2d(_BatchNorm):
    r"""Normalize each channel of a batch of images: see `glassbox.nn.functional.batch_norm`.

    Parameters
    ----------
    num_features : int
        Number of channels C.
    eps : float, default 1e-5
        Added to the variance.
    momentum : float or None, default 0.1
        Share of the newest batch in the running averages. With None they are the plain averages over all batches.
    affine : bool, default True
        Learn a scale and a shift of each channel.
    track_running_stats : bool, default True
        Keep running averages for evaluation. With False the batch's own statistics are used there too.
    device, dtype : optional
        Of the parameters and the running averages.
    bias : bool, default True
        With False no shift is learned.

    Examples
    --------
    >>> import torch
    >>> from glassbox import nn
    >>> layer = nn.BatchNorm2d(3)
    >>> output = layer(5 + 2 * torch.randn(4, 3, 8, 8))
    >>> bool(output.mean().abs() < 1e-5)
    True
    >>> list(layer.state_dict())
    ['weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked']
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        if num_features < 0:
            raise ValueError(f"BatchNorm2d expects num_features of 0 or more, got {num_features}: try 1 or more")
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype)
        if not bias:
            self.register_parameter("bias", None)

    def forward(self, input: Tensor) -> Tensor:
        """Return images (N, C, H, W), normalized channel by channel."""
        if input.dim() != 4:
            raise ValueError(
                f"BatchNorm2d expects images in 4 dimensions (N, C, H, W), got {input.dim()} dimensions "
                f"{tuple(input.shape)}: try .unsqueeze(0)"
            )
        share = 0.0 if self.momentum is None else self.momentum
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:  # the plain average over all batches
                share = 1 / float(self.num_batches_tracked)
        known = self.track_running_stats or not self.training
        return batch_norm(
            input,
            self.running_mean if known else None,
            self.running_var if known else None,
            self.weight,
            self.bias,
            self.training or self.running_mean is None,
            share,
            self.eps,
        )

    def extra_repr(self) -> str:
        """Return the arguments, as torch prints them."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


def _statistics_to_use(
    input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, training: bool
) -> tuple[Tensor, Tensor, bool]:
    """Return mean and variance per channel, in float32 at least, and whether they come from the batch."""
    if training and input.numel() > 0:
        return *statistics(input.detach()), True  # detached: normalize_backward goes through them itself
    wide = torch.promote_types(input.dtype, torch.float32)
    if running_mean is None or running_var is None or input.dim() < 2:  # there is nothing to normalize
        zeros = input.new_zeros([1] * input.dim(), dtype=wide)
        return zeros, zeros, False
    return _per_channel(running_mean.to(wide), input), _per_channel(running_var.to(wide), input), False


@overload
def _per_channel(values: Tensor, input: Tensor) -> Tensor: ...
@overload
def _per_channel(values: Tensor | None, input: Tensor) -> Tensor | None: ...
def _per_channel(values: Tensor | None, input: Tensor) -> Tensor | None:
    """Return one number per channel, shaped to meet the input: (C,) becomes (1, C, 1, 1) for (N, C, H, W)."""
    return None if values is None else values.view(1, -1, *[1] * (input.dim() - 2))
