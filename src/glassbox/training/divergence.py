"""Stop a run whose loss is no longer finite, and keep the last weights that were good."""

from __future__ import annotations

import math
from typing import NoReturn

import torch
from torch import Tensor, nn

STEPS_BETWEEN_COPIES = 100


class DivergenceError(ArithmeticError):
    """The loss, that on the validation data, or a weight is no longer a finite number.

    The model has its last good weights back.

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
        self,
        what: str,
        *,
        step: int,
        learning_rate: float,
        gradient: tuple[float, str] | None,
        kept_from: int,
        cause: str | None,
    ) -> None:
        self.step = step
        self.learning_rate = learning_rate
        self.largest_gradient = gradient[0] if gradient else None
        self.parameter = gradient[1] if gradient else None
        if cause is None and gradient is None:
            cause = (
                "No update had been made, so that the learning rate is not the cause: look at the inputs, the targets, "
                "ignored labels, class weights and the initial weights."
            )
        if cause is None:
            cause = (
                f"The largest gradient so far was {self.largest_gradient:.3g}, in {self.parameter}. Try a learning "
                f"rate ten times smaller ({learning_rate / 10:g}), a schedule that starts low, or inputs scaled to "
                "about [0, 1]."
            )
        super().__init__(
            f"{what} at step {step}, with learning rate {learning_rate:g}. {cause} "
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

    def before_update(self, step: int, loss: float, rate: float, inputs: Tensor, targets: Tensor) -> None:
        """Raise if the loss of update ``step`` is not finite. The gradients still are those of the update before."""
        if math.isfinite(loss):
            return
        cause = None
        for what, values in (("inputs", inputs), ("targets", targets)):
            if values.is_floating_point() and not torch.isfinite(values).all():
                cause = f"The {what} of its batch hold values that are not finite: look at the data, or at augment."
        self.stop(f"the loss is {loss}", step, rate, cause)

    def after_update(self, step: int, loss: float, rate: float) -> None:
        """Raise if the loss, or a weight after ``step`` updates, is not finite; copy the weights now and then."""
        if not math.isfinite(loss):
            self.stop(f"the loss is {loss}", step, rate)
        bad = [name for name, value in self.model.named_parameters() if not torch.isfinite(value).all()]
        if bad:
            self.stop(f"{bad[0]} holds values that are not finite", step, rate)
        if step >= self.kept_from + STEPS_BETWEEN_COPIES:
            self._copy(step)

    def after_validation(self, step: int, loss: float, rate: float) -> None:
        """Raise if the loss on the validation data is not finite, though that on the training data was."""
        if not math.isfinite(loss):
            cause = (
                "That on the training data is finite: look at the inputs, the targets and the ignored labels of the "
                "validation data, and at the running statistics of the model."
            )
            self.stop(f"the validation loss is {loss}", step, rate, cause)

    @torch.no_grad()
    def stop(self, what: str, step: int, rate: float, cause: str | None = None) -> NoReturn:
        """Give the model its last good weights back, and raise."""
        parameters = dict(self.model.named_parameters())
        gradients = [
            (float(_largest(parameter.grad)), name)
            for name, parameter in parameters.items()
            if parameter.grad is not None and parameter.grad.numel()
        ]
        # Every comparison with NaN is false, so that max() would pass over it.
        largest = max(gradients, key=lambda pair: math.inf if math.isnan(pair[0]) else pair[0], default=None)
        if cause is None and any(parameter.dtype == torch.float16 for parameter in parameters.values()):
            cause = (
                "The weights are of type float16, in which 65504 is the largest number: train model.float(), with "
                'precision="bfloat16" where half the memory is wanted.'
            )
        for name, value in self._tensors().items():
            value.copy_(self.kept[name])
        raise DivergenceError(
            what, step=step, learning_rate=rate, gradient=largest, kept_from=self.kept_from, cause=cause
        )


def _largest(gradient: Tensor) -> Tensor:
    return (gradient.coalesce().values() if gradient.is_sparse else gradient).abs().max()
