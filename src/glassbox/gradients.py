"""Check a gradient: compare what autograd and a backward function say with differences of the function itself."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["GradientCheck", "GradientError", "GradientRow", "central_difference", "check", "relative_error"]


class GradientError(ValueError):
    """Two ways of computing the same gradient disagree."""


def central_difference(function: Callable[[Tensor], Any], tensor: Tensor, *, step: float | None = None) -> Tensor:
    r"""Estimate the gradient of a function of one tensor, entry by entry, without any derivative.

    .. math::
        \frac{\partial f}{\partial x_i} \approx \frac{f(x + h_i e_i) - f(x - h_i e_i)}{2 h_i},
        \qquad h_i = h \max(1, |x_i|)

    The error of the formula grows like :math:`h^2`, the error of the rounding like :math:`1 / h`. The cube root of the
    machine's precision balances the two. In float64 about ten digits are then right, in float32 about four.

    Parameters
    ----------
    function : callable
        Takes a tensor like ``tensor`` and returns one number: a float or a tensor with a single entry.
    tensor : Tensor
        Floating-point tensor :math:`x` of any shape, which stays as it is.
    step : float, optional
        :math:`h`. By default the cube root of the precision of the tensor's dtype: 6e-6 in float64.

    Returns
    -------
    Tensor
        The estimate, with the shape and the dtype of ``tensor``. It takes two calls of ``function`` per entry.

    Raises
    ------
    TypeError
        ``tensor`` does not hold floating-point numbers.
    ValueError
        ``function`` returns more than one number, or ``step`` is not above zero.

    References
    ----------
    Press et al., Numerical Recipes, 3rd edition, 2007, section 5.7. https://numerical.recipes

    Examples
    --------
    >>> import torch
    >>> from glassbox.gradients import central_difference
    >>> x = torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64)
    >>> central_difference(lambda x: (x**2).sum(), x)
    tensor([ 2.0000, -4.0000,  6.0000], dtype=torch.float64)
    """
    if not tensor.is_floating_point():
        raise TypeError(f"tensor must hold floating-point numbers, but came as {tensor.dtype}: call .double() first.")
    if step is None:
        step = torch.finfo(tensor.dtype).eps ** (1 / 3)
    if not step > 0:
        raise ValueError(f"step must be above zero, but step={step} came.")
    moved = tensor.detach().clone(memory_format=torch.contiguous_format)
    gradient = torch.empty_like(moved)
    entries, slopes = moved.view(-1), gradient.view(-1)
    with torch.no_grad():
        for index, value in enumerate(entries.tolist()):
            h = step * max(1.0, abs(value))
            entries[index] = value + h
            above, right = _number(function(moved)), entries[index].item()
            entries[index] = value - h
            below, left = _number(function(moved)), entries[index].item()
            entries[index] = value
            slopes[index] = (above - below) / (right - left)  # the width as rounded, not as asked for
    return gradient


def _number(value: Any) -> float:
    """Return the one number that a function gave."""
    if isinstance(value, Tensor) and value.numel() != 1:
        raise ValueError(
            f"function must return one number, but returned a tensor of shape {tuple(value.shape)}: sum it, "
            "or weight it and sum it."
        )
    return float(value)


def relative_error(a: Tensor, b: Tensor, *, floor: float = 1e-3) -> float:
    r"""Return the largest relative difference between the entries of two tensors.

    .. math::
        \max_i \frac{|a_i - b_i|}{\max(|a_i|,\; |b_i|,\; \varphi M)}, \qquad M = \max_j \max(|a_j|, |b_j|)

    The floor :math:`\varphi` keeps entries near zero, which are all rounding, from deciding.

    Parameters
    ----------
    a, b : Tensor
        Two tensors of the same shape.
    floor : float, default 1e-3
        :math:`\varphi`. Entries smaller than this share of the largest one are compared with that share.

    Returns
    -------
    float
        0 for equal tensors, at most 2, and NaN where a NaN or an infinity takes part.

    Raises
    ------
    ValueError
        The shapes differ.

    Examples
    --------
    >>> import torch
    >>> from glassbox.gradients import relative_error
    >>> relative_error(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0]))
    0.5
    """
    errors = _relative_errors(a, b, floor)
    return errors.max().item() if errors.numel() else 0.0


def _relative_errors(a: Tensor, b: Tensor, floor: float = 1e-3) -> Tensor:
    """Return the relative difference of every pair of entries."""
    if a.shape != b.shape:
        raise ValueError(f"a and b must have one shape, but {tuple(a.shape)} and {tuple(b.shape)} came.")
    a, b = a.detach(), b.detach()
    sizes = torch.maximum(a.abs(), b.abs())
    if sizes.numel():  # a NaN or an infinity must not blur the errors of all other entries
        sizes = sizes.clamp(min=sizes.nan_to_num(nan=0.0, posinf=0.0).max() * floor)
    return torch.where(a == b, 0.0, (a - b).abs() / sizes)


@dataclass(frozen=True)
class GradientRow:
    """What the check found for one tensor.

    Attributes
    ----------
    tensor : str
        Name of the tensor.
    shape : tuple of int
        Its shape.
    autograd : float
        Largest relative error of autograd's gradient, against central differences.
    backward : float or None
        The same for the backward function, where one was given.
    """

    tensor: str
    shape: tuple[int, ...]
    autograd: float
    backward: float | None


@dataclass(frozen=True)
class GradientCheck:
    """The table that `check` returns: a row for each tensor.

    Attributes
    ----------
    rows : tuple of GradientRow
        One row for each floating-point tensor.
    """

    rows: tuple[GradientRow, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return the table as a pandas DataFrame, indexed by the tensors' names."""
        import pandas as pd

        return pd.DataFrame([asdict(row) for row in self.rows]).set_index("tensor")

    def __str__(self) -> str:
        width = max(6, *(len(row.tensor) for row in self.rows))
        lines = [f"{'tensor':<{width}}  {'shape':<16}  {'autograd':>8}  {'backward':>8}"]
        for row in self.rows:
            backward = "-" if row.backward is None else f"{row.backward:.1e}"
            lines.append(f"{row.tensor:<{width}}  {row.shape!s:<16}  {row.autograd:>8.1e}  {backward:>8}")
        return "\n".join(lines)


def check(
    function: Callable[..., Tensor],
    *tensors: Tensor,
    backward: Callable[..., Any] | None = None,
    grad_output: Tensor | None = None,
    names: Sequence[str] | None = None,
    step: float | None = None,
    tolerance: float = 1e-6,
) -> GradientCheck:
    r"""Compute the same gradients in up to three ways, and raise where they disagree.

    An output that is not a single number is first turned into one: :math:`L = \sum_i g_i y_i`, with the upstream
    gradient :math:`g`. Then :math:`\partial L / \partial x` comes from autograd, from ``backward(g, *tensors)``, and
    from central differences of :math:`L`, which know nothing about derivatives and serve as the reference.

    Parameters
    ----------
    function : callable
        Takes the tensors and returns a tensor :math:`y`. It must be smooth where it is checked: at a kink, such as
        ReLU at 0, there is no derivative to compare with.
    *tensors : Tensor
        What ``function`` takes. Every floating-point tensor is checked and must be float64; others, such as labels, are
        handed on.
    backward : callable, optional
        Takes the upstream gradient and the tensors, and returns one gradient per tensor (a tensor, or a tuple with
        None or anything else at the place of a tensor that is not checked).
    grad_output : Tensor, optional
        The upstream gradient :math:`g`, of the shape of :math:`y`. By default 1 for a single number, else numbers
        between 0.5 and 1.5, the same at every call.
    names : sequence of str, optional
        A name for each tensor. By default the names of the function's parameters.
    step : float, optional
        Step of `central_difference`.
    tolerance : float, default 1e-6
        Largest relative error (`relative_error`) that passes.

    Returns
    -------
    GradientCheck
        A table with the largest relative error of each way for each tensor; print it, or call ``to_frame()``.

    Raises
    ------
    GradientError
        A gradient is off: the message says which, where, and the two values at the worst entry.
    TypeError
        A floating-point tensor is not float64, or none is floating-point.
    ValueError
        The number of names or of gradients, or a shape, does not fit.

    Examples
    --------
    >>> import torch
    >>> from glassbox.gradients import check
    >>> x = torch.tensor([1.0, 2.0], dtype=torch.float64)
    >>> table = check(lambda x: x**2, x, backward=lambda grad_output, x: grad_output * 2 * x)
    >>> table.rows[0].backward < 1e-8
    True

    A backward that forgets the factor 2 is caught.

    >>> check(lambda x: x**2, x, backward=lambda grad_output, x: grad_output * x)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    glassbox.gradients.GradientError: The gradient of x from backward is off at (1,): it is ..., but ...
    """
    labels = _names(function, len(tensors)) if names is None else list(names)
    if len(labels) != len(tensors):
        raise ValueError(f"{len(tensors)} tensors came with {len(labels)} names: give one name for each.")
    checked = [index for index, tensor in enumerate(tensors) if tensor.is_floating_point()]
    wrong = [f"{labels[index]} ({tensors[index].dtype})" for index in checked if tensors[index].dtype != torch.float64]
    if wrong or not checked:
        raise TypeError(
            "Central differences need float64 tensors, but "
            + (f"these came: {', '.join(wrong)}." if wrong else "no floating-point tensor came.")
            + " Call .double() on the tensors, and on the module if there is one."
        )
    leaves = [tensor.detach().requires_grad_(tensor.is_floating_point()) for tensor in tensors]
    output = function(*leaves)
    grad_output = _upstream(output, grad_output)
    automatic = torch.autograd.grad(output, [leaves[index] for index in checked], grad_output, materialize_grads=True)
    manual = _call_backward(backward, grad_output, [leaf.detach() for leaf in leaves]) if backward else None

    rows = []
    for index, from_autograd in zip(checked, automatic, strict=True):

        def loss(moved: Tensor, index: int = index) -> Tensor:
            return (function(*leaves[:index], moved, *leaves[index + 1 :]) * grad_output).sum()

        reference = central_difference(loss, tensors[index], step=step)
        error = _compare("autograd", labels[index], from_autograd, reference, tolerance)
        own = None if manual is None else _compare("backward", labels[index], manual[index], reference, tolerance)
        rows.append(GradientRow(labels[index], tuple(reference.shape), error, own))
    return GradientCheck(tuple(rows))


def _names(function: Callable[..., Any], count: int) -> list[str]:
    """Return a name for each tensor: the function's own where it has one."""
    fallback = [f"tensor {index}" for index in range(count)]
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # a function written in C has no signature
        return fallback
    named = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return (named + fallback[len(named) :])[:count]


def _upstream(output: Tensor, grad_output: Tensor | None) -> Tensor:
    """Return the gradient that arrives at the output: the one given, or one that no sum can hide behind."""
    if grad_output is None:
        generator = torch.Generator().manual_seed(0)
        drawn = torch.rand(output.shape, generator=generator, dtype=output.dtype) + 0.5
        return torch.ones_like(output) if output.numel() == 1 else drawn.to(output.device)
    if grad_output.shape != output.shape:
        raise ValueError(
            f"grad_output must have the shape of the output, {tuple(output.shape)}, but came as "
            f"{tuple(grad_output.shape)}."
        )
    return grad_output


def _call_backward(backward: Callable[..., Any], grad_output: Tensor, tensors: list[Tensor]) -> tuple[Any, ...]:
    """Call the backward function and return its gradients, one for each tensor."""
    gradients = backward(grad_output, *tensors)
    gradients = (gradients,) if isinstance(gradients, Tensor) else tuple(gradients)
    if len(gradients) != len(tensors):
        raise ValueError(
            f"backward returned {len(gradients)} gradients for {len(tensors)} tensors: return one for each, "
            "None for a tensor that needs none."
        )
    return gradients


def _compare(way: str, name: str, gradient: Any, reference: Tensor, tolerance: float) -> float:
    """Return the largest relative error of a gradient, or raise with the place of the worst entry."""
    if not isinstance(gradient, Tensor) or gradient.shape != reference.shape:
        what = f"a tensor of shape {tuple(gradient.shape)}" if isinstance(gradient, Tensor) else repr(gradient)
        raise GradientError(
            f"The gradient of {name} from {way} is {what}, but {name} has the shape {tuple(reference.shape)}."
        )
    errors = _relative_errors(gradient, reference)
    if errors.numel() == 0:
        return 0.0
    worst = int(errors.argmax())  # argmax takes a NaN for the largest
    error = errors.view(-1)[worst].item()
    if not error <= tolerance:
        place = tuple(int(i) for i in torch.unravel_index(torch.tensor(worst), errors.shape))
        raise GradientError(
            f"The gradient of {name} from {way} is off at {place}: it is {gradient[place].item():.10g}, but central "
            f"differences give {reference[place].item():.10g} (relative error {error:.1e}, allowed {tolerance:.1e})."
        )
    return error
