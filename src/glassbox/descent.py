r"""Gradient descent on a linear model, with every step kept.

The model predicts :math:`w_0 + \sum_j w_j x_j` from the features :math:`x_1 \dots x_p` of one observation. Its risk is
the mean of the squared errors over the n observations. Everything here is computed in float64, since lessons compare
the digits; arrays, tables and tensors are all taken as they come.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from glassbox import optim

if TYPE_CHECKING:
    import pandas as pd


def predict(parameters: Any, features: Any) -> Tensor:
    r"""Apply the linear model to every observation.

    .. math::
        \hat y_i = w_0 + \sum_{j=1}^{p} w_j x_{ij}

    Parameters
    ----------
    parameters : array_like
        Shape (p + 1,) or (..., p + 1): the constant :math:`w_0`, then one weight per feature.
    features : array_like
        Shape (n, p), one observation per row.

    Returns
    -------
    Tensor
        Shape (n,) or (..., n), float64.

    Raises
    ------
    ValueError
        If the shapes do not fit each other.

    Examples
    --------
    >>> round(float(predict([0, 0.33, 0.33, 0.33], [[13, 14, 11]])), 2)
    12.54
    """
    parameters, features, _ = _checked(parameters, features, torch.zeros(len(_table(features))))
    return parameters[..., :1] + parameters[..., 1:] @ features.T


def empirical_risk(parameters: Any, features: Any, targets: Any) -> Tensor:
    r"""Compute the mean of the squared errors of the linear model.

    .. math::
        R(w) = \frac{1}{n} \sum_{i=1}^{n} \Bigl( w_0 + \sum_{j=1}^{p} w_j x_{ij} - y_i \Bigr)^2

    Parameters
    ----------
    parameters : array_like
        Shape (p + 1,): the constant :math:`w_0`, then one weight per feature. Any shape (..., p + 1) gives as many
        risks: the points of a grid, or the rows of ``Trajectory.parameters``.
    features : array_like
        Shape (n, p), one observation per row.
    targets : array_like
        Shape (n,), what should be predicted.

    Returns
    -------
    Tensor
        Shape (...), float64, in the squared unit of the targets.

    Raises
    ------
    ValueError
        If the shapes do not fit each other.

    Examples
    --------
    >>> from glassbox.datasets import load_exam
    >>> marks = load_exam()
    >>> features, targets = marks[["Maths", "CS", "French"]], marks["Exam"]
    >>> round(float(empirical_risk([0, 0.333, 0.333, 0.333], features, targets)), 4)
    2.2425
    """
    parameters, features, targets = _checked(parameters, features, targets)
    errors = predict(parameters, features) - targets
    return (errors**2).mean(dim=-1)


def risk_gradient(parameters: Any, features: Any, targets: Any) -> Tensor:
    r"""Compute the gradient of the risk by its formula.

    With the error :math:`e_i = w_0 + \sum_j w_j x_{ij} - y_i` of observation i,

    .. math::
        \frac{\partial R}{\partial w_0} = \frac{2}{n} \sum_{i=1}^{n} e_i , \qquad
        \frac{\partial R}{\partial w_j} = \frac{2}{n} \sum_{i=1}^{n} e_i \, x_{ij} .

    Parameters
    ----------
    parameters, features, targets : array_like
        As for :func:`empirical_risk`.

    Returns
    -------
    Tensor
        Shape (..., p + 1), float64: one derivative per parameter.

    Raises
    ------
    ValueError
        If the shapes do not fit each other.

    Examples
    --------
    >>> from glassbox.datasets import load_exam
    >>> marks = load_exam()
    >>> gradient = risk_gradient([0, 0.333, 0.333, 0.333], marks[["Maths", "CS", "French"]], marks["Exam"])
    >>> [round(derivative, 2) for derivative in gradient.tolist()]
    [0.81, 2.93, 4.22, 15.05]
    """
    parameters, features, targets = _checked(parameters, features, targets)
    errors = predict(parameters, features) - targets
    return 2 / len(targets) * errors @ with_ones(features)


def with_ones(features: Any) -> Tensor:
    """Put a column of ones before the features, so that the constant is one more weight.

    Parameters
    ----------
    features : array_like
        Shape (n, p).

    Returns
    -------
    Tensor
        Shape (n, p + 1), float64.

    Examples
    --------
    >>> with_ones([[12, 15, 9]])
    tensor([[ 1., 12., 15.,  9.]], dtype=torch.float64)
    """
    features = _table(features)
    return torch.cat([torch.ones_like(features[:, :1]), features], dim=1)


def least_squares(features: Any, targets: Any) -> Tensor:
    r"""Compute the parameters of least risk without descending.

    They solve :math:`X w = y` in the sense of least squares, X being the features after a column of ones. Where many
    parameters do equally well, as with fewer observations than parameters, those of least norm are returned.

    Parameters
    ----------
    features, targets : array_like
        As for :func:`empirical_risk`.

    Returns
    -------
    Tensor
        Shape (p + 1,), float64.

    Raises
    ------
    ValueError
        If the shapes do not fit each other.

    Examples
    --------
    >>> from glassbox.datasets import load_exam
    >>> marks = load_exam()
    >>> features, targets = marks[["Maths", "CS", "French"]], marks["Exam"]
    >>> best = least_squares(features, targets)
    >>> bool(empirical_risk(best, features, targets) < 1e-20)  # four rows, four parameters: a perfect fit
    True
    """
    features = _table(features)
    _, features, targets = _checked(torch.zeros(features.shape[1] + 1), features, targets)
    return torch.linalg.lstsq(with_ones(features), targets[:, None], driver="gelsd").solution[:, 0]


def hessian(features: Any) -> Tensor:
    r"""Compute the second derivatives of the risk, the same at every point.

    .. math:: H = \frac{2}{n} X^\top X

    with the features after a column of ones in X. Along an eigenvector of H the risk is a parabola whose curvature is
    the eigenvalue.

    Parameters
    ----------
    features : array_like
        Shape (n, p).

    Returns
    -------
    Tensor
        Shape (p + 1, p + 1), float64.

    Examples
    --------
    >>> hessian([[0.0], [2.0]])
    tensor([[2., 2.],
            [2., 4.]], dtype=torch.float64)
    """
    ones_and_features = with_ones(features)
    return 2 / len(ones_and_features) * ones_and_features.T @ ones_and_features


def step_limit(features: Any) -> float:
    r"""Compute the step from which plain gradient descent no longer settles.

    It is :math:`2 / L`, L being the largest eigenvalue of the :func:`hessian`. A step multiplies the distance to the
    minimum along that eigenvector by :math:`1 - \lambda L`: beyond the limit by less than -1.

    Parameters
    ----------
    features : array_like
        Shape (n, p).

    Returns
    -------
    float
        The limit, in the unit of the ``step`` of :func:`gradient_descent`.

    Examples
    --------
    >>> from glassbox.datasets import load_exam
    >>> round(step_limit(load_exam()[["Maths", "CS", "French"]]), 5)
    0.00249
    """
    return 2 / float(torch.linalg.eigvalsh(hessian(features))[-1])


def condition_number(features: Any) -> float:
    """Divide the largest curvature of the risk by the smallest.

    The larger it is, the longer and narrower the valley: the step is held down by the steepest direction, and it takes
    about as many steps as the condition number to get along the flattest.

    Parameters
    ----------
    features : array_like
        Shape (n, p).

    Returns
    -------
    float
        1 for a round bowl; infinite where the risk has a flat direction.

    Examples
    --------
    >>> from glassbox.datasets import load_exam
    >>> round(condition_number(load_exam()[["Maths", "CS", "French"]]), -3)
    83000.0
    """
    ones_and_features = with_ones(features)
    if torch.linalg.matrix_rank(ones_and_features) < ones_and_features.shape[1]:
        return float("inf")
    singular_values = torch.linalg.svdvals(ones_and_features)  # their squares are the eigenvalues of n H / 2
    return float((singular_values[0] / singular_values[-1]) ** 2)


def standardize(features: Any) -> tuple[Tensor, Tensor, Tensor]:
    r"""Give every column mean 0 and standard deviation 1.

    .. math:: z_{ij} = (x_{ij} - \mu_j) / \sigma_j

    Parameters
    ----------
    features : array_like
        Shape (n, p).

    Returns
    -------
    standardized : Tensor
        Shape (n, p), float64.
    mean, deviation : Tensor
        Shape (p,), float64. A new observation x is standardized as ``(x - mean) / deviation``.

    Raises
    ------
    ValueError
        If a column holds one value only.

    Examples
    --------
    >>> standardized, mean, deviation = standardize([[12.0], [5.0], [13.0], [10.0]])
    >>> float(mean[0]), round(float(deviation[0]), 3)
    (10.0, 3.082)
    """
    features = _table(features)
    mean, deviation = features.mean(dim=0), features.std(dim=0, correction=0)
    if not (deviation > 0).all():
        constant = (deviation == 0).nonzero()[:, 0].tolist()
        raise ValueError(f"columns {constant} hold the same value in every row and cannot be scaled; leave them out")
    return (features - mean) / deviation, mean, deviation


@dataclass(frozen=True, eq=False)
class Trajectory:
    """The points that a descent went through; the first is where it started.

    Parameters
    ----------
    parameters : Tensor
        Shape (T, p + 1). Row t - 1 holds the parameters of iteration t.
    risks : Tensor
        Shape (T,), the risk over all observations.
    gradients : Tensor
        Shape (T, p + 1), the gradient of that risk.
    batches : tuple of Tensor
        T - 1 tensors: which observations each step used.
    diverged : bool
        Whether the descent ended early because the risk grew past what a float64 holds.
    """

    parameters: Tensor
    risks: Tensor
    gradients: Tensor
    batches: tuple[Tensor, ...] = ()
    diverged: bool = False

    def __len__(self) -> int:
        return len(self.risks)

    def __repr__(self) -> str:
        end = "diverged" if self.diverged else f"risk {float(self.risks[-1]):.4g}"
        return f"Trajectory({len(self)} iterations, risk {float(self.risks[0]):.4g} at first, {end} at last)"

    def to_frame(self) -> pd.DataFrame:
        """Return one row per iteration, counted from 1: the parameters, the risk, the derivatives.

        Returns
        -------
        pandas.DataFrame
            Columns w0, w1, ..., risk, dR/dw0, dR/dw1, ...

        Examples
        --------
        >>> path = gradient_descent([0.0, 0.0], [[1.0], [2.0]], [1.0, 2.0], step=0.1, iterations=2)
        >>> path.to_frame().round(3)  # doctest: +NORMALIZE_WHITESPACE
                    w0   w1   risk  dR/dw0  dR/dw1
        iteration
        1          0.0  0.0  2.500    -3.0    -5.0
        2          0.3  0.5  0.265    -0.9    -1.6
        """
        import pandas as pd

        count = self.parameters.shape[1]
        columns = [f"w{j}" for j in range(count)] + ["risk"] + [f"dR/dw{j}" for j in range(count)]
        rows = torch.cat([self.parameters, self.risks[:, None], self.gradients], dim=1).numpy()
        return pd.DataFrame(rows, columns=columns, index=pd.RangeIndex(1, len(self) + 1, name="iteration"))


def gradient_descent(
    parameters: Any,
    features: Any,
    targets: Any,
    *,
    step: float,
    iterations: int,
    method: str = "gradient",
    momentum: float = 0.9,
    batch_size: int | None = None,
    replacement: bool = False,
    seed: int = 0,
) -> Trajectory:
    r"""Go down the risk of the linear model and keep every point.

    From iteration t to the next, with the step :math:`\lambda`,

    .. math::
        w^{(t+1)} = w^{(t)} - \lambda \, \nabla R\bigl(w^{(t)}\bigr) .

    Iteration 1 is the starting point, so that T iterations take T - 1 steps. A step beyond :func:`step_limit` makes the
    risk grow without end: the descent then stops before the first point whose risk a float64 cannot hold, and
    ``diverged`` is true. Every number kept is finite.

    Parameters
    ----------
    parameters : array_like
        Shape (p + 1,), where to start: the constant, then one weight per feature.
    features, targets : array_like
        As for :func:`empirical_risk`.
    step : float
        The step :math:`\lambda`, called the learning rate elsewhere.
    iterations : int
        How many points to keep, the starting point among them.
    method : {"gradient", "momentum", "adam"}, default "gradient"
        The rule of :class:`glassbox.optim.SGD`, the same with momentum, or that of :class:`glassbox.optim.Adam`.
    momentum : float, default 0.9
        The share of the last move that ``"momentum"`` keeps.
    batch_size : int, optional
        How many observations the gradient of one step is the mean of; all of them if not given.
    replacement : bool, default False
        Draw the observations of each mini-batch from all n. Otherwise each epoch goes through the n observations once,
        in a new order, and its last mini-batch holds what is left.
    seed : int, default 0
        Where the drawing of mini-batches starts from.

    Returns
    -------
    Trajectory
        The points, the risk at each over all n observations and its gradient.

    Raises
    ------
    ValueError
        If shapes do not fit each other, an option is out of its range, or a number to start from is not finite.

    References
    ----------
    A. Cauchy, "Méthode générale pour la résolution des systèmes d'équations simultanées", Comptes rendus 25, 1847.

    Examples
    --------
    >>> from glassbox.datasets import load_exam
    >>> marks = load_exam()
    >>> features, targets = marks[["Maths", "CS", "French"]], marks["Exam"]
    >>> descent = gradient_descent([0, 0.333, 0.333, 0.333], features, targets, step=0.001, iterations=1000)
    >>> [round(float(descent.risks[iteration - 1]), 3) for iteration in (1, 2, 3, 1000)]
    [2.242, 2.06, 1.982, 0.013]
    >>> gradient_descent([0, 0, 0, 0], features, targets, step=0.01, iterations=1000).diverged
    True
    """
    parameters, features, targets = _checked(parameters, features, targets)
    _check_options(parameters, len(targets), step, iterations, batch_size)
    if not torch.isfinite(empirical_risk(parameters, features, targets)):
        raise ValueError("the risk at the starting point is not finite; look for NaN or infinity in what you passed in")
    point = torch.nn.Parameter(parameters.detach().clone())
    optimizer = _optimizer(method, point, step, momentum)
    drawn = _batches(len(targets), batch_size, replacement, torch.Generator().manual_seed(seed))
    points, batches = [point.detach().clone()], []
    diverged = False
    while len(points) < iterations:
        batch = next(drawn)
        point.grad = risk_gradient(point.detach(), features[batch], targets[batch])
        optimizer.step()
        diverged = not torch.isfinite(empirical_risk(point.detach(), features, targets))
        if diverged:
            break
        points.append(point.detach().clone())
        batches.append(batch)
    kept = torch.stack(points)
    risks, gradients = empirical_risk(kept, features, targets), risk_gradient(kept, features, targets)
    return Trajectory(kept, risks, gradients, tuple(batches), diverged)


def _float64(values: Any) -> Tensor:
    if isinstance(values, Tensor):
        return values.to(torch.float64)
    return torch.tensor(np.asarray(values, dtype=np.float64))


def _table(features: Any) -> Tensor:
    features = _float64(features)
    if features.dim() != 2 or len(features) == 0:
        raise ValueError(
            f"features have shape {tuple(features.shape)} where (n, p) is expected: a row per observation and a column "
            "per feature"
        )
    return features


def _checked(parameters: Any, features: Any, targets: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Return the three as float64 tensors whose shapes fit each other."""
    parameters, features, targets = _float64(parameters), _table(features), _float64(targets)
    if targets.shape != features.shape[:1]:
        raise ValueError(
            f"targets have shape {tuple(targets.shape)} where ({len(features)},) is expected: a number per row of the "
            "features"
        )
    expected = features.shape[1] + 1
    if parameters.dim() == 0 or parameters.shape[-1] != expected:
        raise ValueError(
            f"parameters have shape {tuple(parameters.shape)} where {expected} numbers are expected: the constant and "
            f"one weight for each of the {features.shape[1]} features"
        )
    return parameters, features, targets


def _check_options(parameters: Tensor, count: int, step: float, iterations: int, batch_size: int | None) -> None:
    if parameters.dim() != 1:
        raise ValueError(f"parameters have shape {tuple(parameters.shape)}; a descent starts from one point")
    if not 0 < step < float("inf"):
        raise ValueError(f"step must be positive and finite, not {step}")
    if iterations < 1:
        raise ValueError(f"iterations must be at least 1, which is the starting point, not {iterations}")
    if batch_size is not None and not 1 <= batch_size <= count:
        raise ValueError(f"batch_size must lie between 1 and the {count} observations, not {batch_size}")


def _optimizer(method: str, point: torch.nn.Parameter, step: float, momentum: float) -> torch.optim.Optimizer:
    if method == "gradient":
        return optim.SGD([point], lr=step)
    if method == "momentum":
        return optim.SGD([point], lr=step, momentum=momentum)
    if method == "adam":
        return optim.Adam([point], lr=step)
    raise ValueError(f"method must be 'gradient', 'momentum' or 'adam', not {method!r}")


def _batches(count: int, size: int | None, replacement: bool, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield the indices of one mini-batch after the other, without end."""
    if size is None:
        while True:
            yield torch.arange(count)
    while replacement:
        yield torch.randint(count, (size,), generator=generator)
    while True:
        yield from torch.randperm(count, generator=generator).split(size)
