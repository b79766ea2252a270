"""What can be wrong with a run, found before its first step."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from glassbox.training.batches import DatasetRows, Rows
from glassbox.training.device import device_of, modes_kept, random_numbers_kept
from glassbox.training.task import Loss, name_of, predict


def make_optimizer(optimizer: Any, model: nn.Module) -> Optimizer:
    """Return an optimizer for the parameters of a model.

    Parameters
    ----------
    optimizer : Optimizer or callable
        A ready optimizer, or a function of the parameters that makes one.
    model : torch.nn.Module
        What to train.

    Raises
    ------
    TypeError
        If it is neither, or the function returned something else.
    ValueError
        If nothing in the model can be trained, or a ready optimizer is that of another model.
    """
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not trainable:
        raise ValueError(
            f"every parameter of {type(model).__name__} has requires_grad=False: there is nothing to train"
        )
    made = optimizer(trainable) if callable(optimizer) and not isinstance(optimizer, Optimizer) else optimizer
    if not isinstance(made, Optimizer):
        raise TypeError(
            f"optimizer gave {made!r}; pass an optimizer, or a function of the parameters that returns one, such as "
            "lambda parameters: SGD(parameters, lr=0.1)"
        )
    held = {id(parameter) for group in made.param_groups for parameter in group["params"]}
    if held.isdisjoint(map(id, trainable)):
        raise ValueError("the optimizer holds no parameter of this model; build it from model.parameters()")
    return made


def check_data_fit_model(model: nn.Module, rows: Rows, loss: Loss, name: str) -> int:
    """Try the model and the loss on two examples, and raise if they do not go together.

    The model is tried without dropout and without touching running statistics, and the random numbers stay where they
    were.

    Parameters
    ----------
    model : torch.nn.Module
        On any device.
    rows : Rows
        Read on the device where they lie.
    loss : callable
        Function of (outputs, targets).
    name : str
        What the caller calls the data.

    Returns
    -------
    int
        Answers per example that are right or wrong: 1 for a class, K for K yes/no answers, 0 for numbers.

    Raises
    ------
    ValueError
        If the model cannot read the inputs, the targets do not fit the outputs, or the loss is no single number.
    """
    device = device_of(model)
    inputs, targets = (tensor.to(device) for tensor in rows.between(0, 2))
    with random_numbers_kept(device), modes_kept(model), torch.no_grad():
        model.eval()
        try:
            outputs = model(inputs)
        except (RuntimeError, ValueError, TypeError, IndexError, NotImplementedError) as error:
            raise ValueError(
                f"{type(model).__name__} cannot read inputs of {name} with shape {tuple(inputs.shape)} and type "
                f"{inputs.dtype}: {error}"
            ) from error
        _check_outputs(outputs, targets, name)
        _check_targets(outputs, targets, rows, loss, name)
        try:
            value = loss(outputs, targets)
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            raise ValueError(
                f"the loss {name_of(loss)} cannot compare outputs of shape {tuple(outputs.shape)} with targets of "
                f"shape {tuple(targets.shape)} and type {targets.dtype}: {error}"
            ) from error
    if not isinstance(value, Tensor) or value.numel() != 1:
        raise ValueError(f"the loss {name_of(loss)} must return one number; use reduction='mean'")
    _check_finite(rows, name)
    return 0 if predict(outputs, targets, loss) is None else targets[0].numel()


def _check_finite(rows: Rows, name: str) -> None:
    if isinstance(rows, DatasetRows) or not rows.inputs.is_floating_point():
        return
    # The sum is quick and shows any value that is not finite; it may also be too large itself.
    if not torch.isfinite(rows.inputs.sum()) and not torch.isfinite(rows.inputs).all():
        raise ValueError(f"the inputs of {name} hold values that are not finite; remove these examples first")


def _check_outputs(outputs: Any, targets: Tensor, name: str) -> None:
    if not isinstance(outputs, Tensor):
        raise ValueError(f"the model returns a {type(outputs).__name__}; fit and evaluate need one tensor of outputs")
    if outputs.shape[:1] != targets.shape[:1]:
        raise ValueError(
            f"the model turned {len(targets)} examples of {name} into outputs of shape {tuple(outputs.shape)}; the "
            "first dimension must remain the number of examples"
        )


def _check_targets(outputs: Tensor, targets: Tensor, rows: Rows, loss: Loss, name: str) -> None:
    kind = name_of(loss).replace("_", "").lower()
    if kind.startswith(("crossentropy", "nllloss")) and not targets.is_floating_point() and outputs.dim() > 1:
        ignored = getattr(loss, "ignore_index", -100)
        labels = targets if isinstance(rows, DatasetRows) else rows.targets
        labels = labels[labels != ignored]
        if labels.numel() and (labels.min() < 0 or labels.max() >= outputs.shape[1]):
            raise ValueError(
                f"the labels of {name} run from {int(labels.min())} to {int(labels.max())}, but the model has "
                f"{outputs.shape[1]} outputs, for the classes 0 to {outputs.shape[1] - 1}"
            )
    if kind.startswith(("mseloss", "bcewithlogits", "l1loss")) and outputs.shape != targets.shape:
        raise ValueError(
            f"the model's outputs have shape {tuple(outputs.shape)} and the targets of {name} {tuple(targets.shape)}; "
            f"{name_of(loss)} needs the same shape (for one output per example: targets.unsqueeze(1))"
        )
