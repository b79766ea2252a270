"""Batch normalization: give each channel the mean 0 and the variance 1, then a mean and a variance that are learned."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module, Parameter, init

from glassbox.nn._bridge import Gradients, differentiable


def normalize_forward(
    input: Tensor,
    mean: Tensor,
    variance: Tensor,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    training: bool = False,
    eps: float = 1e-5,
) -> Tensor:
    r"""Compute :math:`y = \gamma\, (x - \mu) / \sqrt{v + \epsilon} + \beta` with the statistics given."""
    scale = (variance + eps).rsqrt()  # (C,), as are all but the input
    scale = scale if weight is None else scale * weight
    output = (input - _per_channel(mean, input)).mul_(_per_channel(scale, input))  # in place: a third of the memory
    return (output if bias is None else output.add_(_per_channel(bias, input))).to(input.dtype)


def normalize_backward(
    grad_output: Tensor,
    input: Tensor,
    mean: Tensor,
    variance: Tensor,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    output: Tensor | None = None,
    needs: tuple[bool, ...] | None = None,
    training: bool = False,
    eps: float = 1e-5,
) -> Gradients:
    r"""Compute the gradients of `normalize_forward`; in training the statistics depend on the input too."""
    if training and torch.is_grad_enabled():
        raise NotImplementedError(
            "batch_norm in training has no second derivative: its statistics come from outside of the equation"
        )
    inverse = (variance + eps).rsqrt()
    scale = inverse if weight is None else inverse * weight
    centered = input - _per_channel(mean, input)
    grad_bias = _sum_per_channel(grad_output)
    grad_weight = _sum_per_channel(grad_output * centered) * inverse

    slope = grad_output
    if training:  # minus its mean, and minus its part along the normalized input
        count = input.numel() / len(mean)
        tilt = _per_channel(grad_weight * inverse / count, input)
        slope = (slope - _per_channel(grad_bias / count, input)).sub_(centered.mul_(tilt))
    grad_input = (slope * _per_channel(scale, input)).to(input.dtype)
    return (
        grad_input,
        None,
        None,
        None if weight is None else grad_weight.to(weight.dtype),
        None if bias is None else grad_bias.to(bias.dtype),
    )


_normalize = differentiable(normalize_forward, normalize_backward)


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

    With the mean :math:`\mu` and the variance :math:`v` over the :math:`m` entries of a channel,

    .. math::
        y_i = \gamma\, \hat x_i + \beta, \qquad \hat x_i = \frac{x_i - \mu}{\sqrt{v + \epsilon}},
        \qquad \mu = \frac{1}{m} \sum_i x_i, \qquad v = \frac{1}{m} \sum_i (x_i - \mu)^2 .

    With :math:`\bar y = \partial L / \partial y`, the gradient that arrives,

    .. math::
        \bar\beta = \sum_i \bar y_i, \qquad
        \bar\gamma = \sum_i \bar y_i\, \hat x_i, \qquad
        \bar x_i = \frac{\gamma}{\sqrt{v + \epsilon}}
        \Bigl( \bar y_i - \frac{1}{m} \sum_j \bar y_j - \hat x_i\, \frac{1}{m} \sum_j \bar y_j\, \hat x_j \Bigr) .

    The two means are there because :math:`\mu` and :math:`v` depend on the input as well. With running averages, which
    do not, only the first term is left.

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
    _check(input, running_mean, running_var, weight, bias, training, eps)
    mean, variance, training = _statistics(input, running_mean, running_var, training)
    if training and running_mean is not None and running_var is not None:
        count = input.numel() // len(mean)
        with torch.no_grad():
            running_mean.mul_(1 - momentum).add_(mean, alpha=momentum)
            running_var.mul_(1 - momentum).add_(variance, alpha=momentum * count / (count - 1))
    return _normalize(input, mean, variance, weight, bias, training=training, eps=eps)


@torch.no_grad()
def batch_norm_backward(
    grad_output: Tensor,
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    *,
    output: Tensor | None = None,
    needs: tuple[bool, ...] | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Gradients:
    r"""Compute :math:`\bar x`, :math:`\bar\gamma` and :math:`\bar\beta`, None for the averages; see `batch_norm`.

    In training the running averages play no part: the statistics are those of the batch, as in the forward.
    """
    _check(input, running_mean, running_var, weight, bias, training, eps)
    if grad_output.shape != input.shape:
        raise ValueError(
            f"batch_norm_backward needs a gradient of the input's shape {tuple(input.shape)}, "
            f"but one of shape {tuple(grad_output.shape)} came."
        )
    mean, variance, training = _statistics(input, running_mean, running_var, training)
    return normalize_backward(grad_output, input, mean, variance, weight, bias, training=training, eps=eps)


class BatchNorm2d(Module):
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

    _version = 2  # as in torch.nn.BatchNorm2d: since version 2 a state_dict holds num_batches_tracked
    weight: Parameter | None
    bias: Parameter | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

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
        super().__init__()
        if num_features < 0:
            raise ValueError(f"BatchNorm2d needs num_features of 0 or more, but {num_features} came.")
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        for name, present in (("weight", affine), ("bias", affine and bias)):
            values = Parameter(torch.empty(num_features, device=device, dtype=dtype)) if present else None
            self.register_parameter(name, values)
        for name in ("running_mean", "running_var"):
            average = torch.empty(num_features, device=device, dtype=dtype) if track_running_stats else None
            self.register_buffer(name, average)
        self.register_buffer("num_batches_tracked", torch.tensor(0, device=device) if track_running_stats else None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Start the running averages anew, at mean 0 and variance 1."""
        if self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Set the scale to 1, the shift to 0, and start the running averages anew."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        """Return images (N, C, H, W), normalized channel by channel."""
        if input.dim() != 4:
            raise ValueError(
                f"BatchNorm2d needs images in 4 dimensions (N, C, H, W), but {input.dim()} dimensions "
                f"{tuple(input.shape)} came: add what is missing with .unsqueeze."
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


def _per_channel(values: Tensor, input: Tensor) -> Tensor:
    """Return one number per channel, shaped to meet the input: (C,) becomes (C, 1, 1) for (N, C, H, W)."""
    return values.view(len(values), *[1] * (input.dim() - 2))


def _sum_per_channel(values: Tensor) -> Tensor:
    """Return the sum over all dimensions but the channels, in float32 at least."""
    dims = [dim for dim in range(values.dim()) if dim != 1]
    return values.sum(dims, dtype=torch.promote_types(values.dtype, torch.float32))


def _statistics(
    input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, training: bool
) -> tuple[Tensor, Tensor, bool]:
    """Return mean and variance per channel, in float32 at least, and whether they come from the batch."""
    wide = torch.promote_types(input.dtype, torch.float32)
    if training and input.numel() > 0:
        entries = input.detach().to(wide)
        dims = [dim for dim in range(input.dim()) if dim != 1]
        mean = entries.mean(dims)
        return mean, (entries - _per_channel(mean, input)).square_().mean(dims), True
    if running_mean is None or running_var is None:  # an empty batch: there is nothing to normalize
        none = input.new_zeros(_channel_count(input), dtype=wide)
        return none, none, False
    return running_mean.to(wide), running_var.to(wide), False


def _channel_count(input: Tensor) -> int:
    """Return the number of channels; a vector has none, and only an empty one passes."""
    return input.shape[1] if input.dim() > 1 else 0


def _check(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None,
    bias: Tensor | None,
    training: bool,
    eps: float,
) -> None:
    """Raise unless all tensors and options go together."""
    if not input.is_floating_point():
        raise TypeError(f"batch_norm needs floating-point numbers, but {input.dtype} came: call .float() first.")
    channels = _channel_count(input)
    if input.dim() < 2 and (input.numel() or weight is not None or bias is not None):
        raise ValueError(
            f"batch_norm needs an input of shape (N, C) or (N, C, d1, ...), but {tuple(input.shape)} came."
        )
    if (running_mean is None) != (running_var is None):
        raise ValueError("batch_norm needs both running_mean and running_var or neither, but one of them came.")
    if running_mean is None and not training:
        raise ValueError("batch_norm needs running_mean and running_var unless training=True, but None came.")
    if training and math.prod(input.shape[:1] + input.shape[2:]) == 1:
        raise ValueError(
            f"batch_norm needs more than 1 value per channel in training, but an input of shape {tuple(input.shape)} "
            "came: enlarge the batch, or call .eval() on the module."
        )
    if not (eps > 0 or (eps == 0 and not training)):
        raise ValueError(f"batch_norm needs eps above 0 (or 0 in evaluation), but eps={eps} came.")
    for name, tensor in (
        ("running_mean", running_mean),
        ("running_var", running_var),
        ("weight", weight),
        ("bias", bias),
    ):
        if tensor is not None:
            _check_statistic(name, tensor, input, channels)


def _check_statistic(name: str, tensor: Tensor, input: Tensor, channels: int) -> None:
    """Raise unless the tensor holds one number per channel, of a type that goes with the input's."""
    if tensor.shape != (channels,):
        raise ValueError(
            f"batch_norm needs {name} to hold one number for each of the {channels} channels of an input of shape "
            f"{tuple(input.shape)}, but the shape {tuple(tensor.shape)} came."
        )
    if tensor.dtype not in (input.dtype, torch.promote_types(input.dtype, torch.float32)):
        raise TypeError(
            f"batch_norm needs {name} to be of the input's type {input.dtype}, but {tensor.dtype} came: "
            "bring both to one type with .to(dtype)."
        )
