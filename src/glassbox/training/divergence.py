"""Stop a run whose loss is no longer finite, and keep the last weights that were good."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

STEPS_BETWEEN_COPIES = 100


class DivergenceError(ArithmeticError):
    """The loss or a weight is no longer a finite number. The model has its last good weights back.

    Attributes
    ----------
    step : int
        The update at which this was seen, 1 for the first.
    learning_rate : float
        Of that update.
    parameter : str or None
        The parameter with the largest gradient of the update before, if there was one.
    largest_gradient : float or None
        That gradient's largest element, without its sign.
    """

    def __init__(
        self, what: str, *, step: int, learning_rate: float, gradient: tuple[float, str] | None, kept_from: int
    ) -> None:
        self.step = step
        self.learning_rate = learning_rate
        self.largest_gradient = gradient[0] if gradient else None
        self.parameter = gradient[1] if gradient else None
        if gradient is None:
            cause = "No update had been made: the initial weights or the loss are the cause."
        else:
            cause = f"The largest gradient so far was {self.largest_gradient:.3g}, in {self.parameter}."
        super().__init__(
            f"{what} at step {step}, with learning rate {learning_rate:g}. {cause} Try a learning rate ten times "
            f"smaller ({learning_rate / 10:g}), a schedule that starts low, or inputs scaled to about [0, 1]. "
            f"The model has its weights of step {kept_from} back."
        )


class Watch:
    """Looks at the loss and the weights, and copies the weights while they are good.

    Parameters
    ----------
    model : torch.nn.Module
        Whose weights to keep.
    step : int
        Updates so far.
    """

    def __init__(self, model: nn.Module, step: int) -> None:
        self.model = model
        self._copy(step)

    def _copy(self, step: int) -> None:
        self.kept = {name: value.detach().clone() for name, value in self._tensors().items()}
        self.kept_from = step

    def _tensors(self) -> dict[str, Tensor]:
        return dict(self.model.named_parameters()) | dict(self.model.named_buffers())

    def before_update(self, step: int, loss: float, learning_rate: float) -> None:
        """Raise if the loss of update ``step`` is not finite. The gradients still are those of the update before."""
        if not math.isfinite(loss):
            self._stop(f"the loss is {loss}", step, learning_rate)

    def after_update(self, step: int, loss: float, learning_rate: float) -> None:
        """Raise if the loss, or a weight after ``step`` updates, is not finite; copy the weights now and then."""
        if not math.isfinite(loss):
            self._stop(f"the loss is {loss}", step, learning_rate)
        bad = [name for name, value in self.model.named_parameters() if not torch.isfinite(value).all()]
        if bad:
            self._stop(f"{bad[0]} holds values that are not finite", step, learning_rate)
        if step >= self.kept_from + STEPS_BETWEEN_COPIES:
            self._copy(step)

    @torch.no_grad()
    def _stop(self, what: str, step: int, learning_rate: float) -> None:
        gradients = [
            (float(parameter.grad.abs().max()), name)
            for name, parameter in self.model.named_parameters()
            if parameter.grad is not None and parameter.grad.numel()
        ]
        # Every comparison with NaN is false, so that max() would pass over it.
        largest = max(gradients, key=lambda pair: math.inf if math.isnan(pair[0]) else pair[0], default=None)
        for name, value in self._tensors().items():
            value.copy_(self.kept[name])
        raise DivergenceError(what, step=step, learning_rate=learning_rate, gradient=largest, kept_from=self.kept_from)
