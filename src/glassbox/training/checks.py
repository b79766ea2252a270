"""What can be wrong with a model, its data and its loss together, found before the first step."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.optim import LBFGS, Optimizer

from glassbox.training.batches import DatasetRows, Rows
from glassbox.training.device import device_of, lent, modes_kept, random_numbers_kept
from glassbox.training.task import PER_LABEL, Loss, Objective, Task, default_loss

MODEL_ERRORS = (RuntimeError, ValueError, TypeError, IndexError, KeyError, AttributeError, NotImplementedError)
"""What a module raises on input that it cannot read."""
TAKE_SPARSE = (torch.optim.SGD, torch.optim.SparseAdam, torch.optim.Adagrad)
"""Optimizers that take sparse gradients."""


def check_model(model: Any) -> nn.Module:
    """Return a model; raise unless it is a module with parameters that hold numbers."""
    if isinstance(model, type) and issubclass(model, nn.Module):
        raise TypeError(f"model is the class {model.__name__}; pass an instance: {model.__name__}(...)")
    if not isinstance(model, nn.Module):
        kind = "a function" if callable(model) else f"of type {type(model).__name__}"
        raise TypeError(
            f"model must be a torch.nn.Module, and this one is {kind}: try nn.Sequential(...), or a class that "
            "inherits from nn.Module"
        )
    device_of(model)
    return model


def make_optimizer(optimizer: Any, model: nn.Module, trial: Trial) -> Optimizer:
    """Return an optimizer for the parameters of a model.

    Parameters
    ----------
    optimizer : Optimizer or callable
        A ready optimizer, or a function of the parameters that makes one.
    model : torch.nn.Module
        What to train.
    trial : Trial
        What its gradients are like.

    Raises
    ------
    TypeError
        If it is neither, or the function returned something else.
    ValueError
        If nothing in the model can be trained, a ready optimizer is that of another model, or it cannot make a step
        from these gradients.
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
    if isinstance(made, LBFGS):
        raise ValueError(
            "LBFGS computes the loss several times a step, from a function that fit does not have; try Adam or SGD"
        )
    held = {id(parameter) for group in made.param_groups for parameter in group["params"]}
    if held.isdisjoint(map(id, trainable)):
        raise ValueError("the optimizer holds no parameter of this model; build it from model.parameters()")
    _check_takes(made, {id(value): name for name, value in model.named_parameters()}, trial)
    left = [name for name, value in model.named_parameters() if value.requires_grad and id(value) not in held]
    for why, names in (("the optimizer does not hold", left), ("the loss does not depend on", trial.unused)):
        if names:
            warnings.warn(
                f"{why} {_listed(names)} of {type(model).__name__}, which stay as they are; if that is meant, say so "
                "with requires_grad_(False)",
                stacklevel=4,
            )
    return made


def _check_takes(optimizer: Optimizer, names: dict[int, str], trial: Trial) -> None:
    """Raise unless an optimizer takes the kind of gradient, sparse or dense, that each parameter has."""
    kind = type(optimizer).__name__
    for group in optimizer.param_groups:
        for name in (names.get(id(parameter)) for parameter in group["params"]):
            if name in trial.sparse and type(optimizer) not in TAKE_SPARSE:
                raise ValueError(f"{kind} takes no sparse gradient, and that of {name} is: try torch.optim.SGD")
            if name is not None and name not in (*trial.sparse, *trial.unused) and kind == "SparseAdam":
                raise ValueError(f"SparseAdam takes sparse gradients only, and that of {name} is dense: try Adam")


def make_objective(loss: Loss | None, rows: Rows, task: Task | None, name: str) -> Objective:
    """Return the loss that is asked for, or that the targets ask for, with its task.

    Raises
    ------
    ValueError
        If neither says what the targets are.
    """
    if loss is not None:
        return Objective.of(loss, task)
    with random_numbers_kept(rows.device):
        targets = rows.between(0, 2)[1] if isinstance(rows, DatasetRows) else rows.targets
    if isinstance(rows, DatasetRows) and task is None and targets.is_floating_point():
        raise ValueError(
            f"the targets of {name} are floats that are read one by one, so that fit cannot tell yes/no answers from "
            'numbers: pass task="multilabel" or task="regression", or a loss'
        )
    return Objective.of(default_loss(targets, task), task)


@dataclass(frozen=True)
class Trial:
    """What a model and a loss were found to be like on two examples.

    Attributes
    ----------
    objective : Objective
        The loss with its task, if outputs and targets tell.
    unused : tuple of str
        Parameters that learn, and took no part in the loss.
    sparse : tuple of str
        Those whose gradient is sparse.
    """

    objective: Objective
    unused: tuple[str, ...] = ()
    sparse: tuple[str, ...] = ()


def try_out(model: nn.Module, rows: Rows, objective: Objective, name: str, *, learns: bool) -> Trial:
    """Try the model and the loss on two examples, and raise if they do not go together.

    Running statistics, gradients and random numbers are afterwards what they were.

    Parameters
    ----------
    model : torch.nn.Module
        On any device.
    rows : Rows
        Read on the device where they lie.
    objective : Objective
        The loss.
    name : str
        What the caller calls the data.
    learns : bool
        Whether to compute gradients too, in the mode that the model learns in.

    Returns
    -------
    Trial
        What was seen.

    Raises
    ------
    TypeError, ValueError
        If the model cannot read the inputs, the targets do not fit the outputs, or the loss is no single number.
    """
    device = device_of(model)
    with (
        random_numbers_kept(device),
        modes_kept(model),
        _tensors_kept(model),
        lent(device, objective.loss),
        torch.set_grad_enabled(learns),
    ):
        model.train(learns)
        inputs, targets = (tensor.to(device) for tensor in rows.between(0, 2))
        outputs = _outputs(model, inputs, len(targets), name)
        objective = objective.told_by(outputs, targets)
        _check_targets(outputs, targets, rows, objective, name)
        loss = _loss(objective, outputs, targets)
        _check_pairs(outputs.detach(), targets, objective, name)
        trial = _gradients(model, outputs, loss, objective) if learns else Trial(objective)
    _check_finite(rows, objective, name)
    return trial


@contextmanager
def _tensors_kept(model: nn.Module) -> Iterator[None]:
    """Put the running statistics and the gradients of a model back at the end of the block."""
    buffers = [
        (module, name, value, value.detach().clone())
        for module in model.modules()
        for name, value in module.named_buffers(recurse=False)
        if not is_lazy(value)
    ]
    gradients = [(parameter, parameter.grad) for parameter in model.parameters()]
    for parameter, _ in gradients:
        parameter.grad = None
    try:
        yield
    finally:
        with torch.no_grad():
            for module, name, value, before in buffers:
                module._buffers[name] = value.copy_(before)
        for parameter, gradient in gradients:
            parameter.grad = gradient


def _outputs(model: nn.Module, inputs: Tensor, count: int, name: str) -> Tensor:
    """Return what the model makes of some inputs, which `fit` or `evaluate` can use."""
    shape, kind = tuple(inputs.shape), inputs.dtype
    try:
        outputs = model(inputs)
    except MODEL_ERRORS as error:
        raise ValueError(
            f"{type(model).__name__} cannot read inputs of {name} with shape {shape} and type {kind}: {error}"
        ) from error
    if not isinstance(outputs, Tensor):
        raise ValueError(f"the model returns a {type(outputs).__name__}; fit and evaluate need one tensor of outputs")
    if outputs.shape[:1] != (count,):
        raise ValueError(
            f"the model turned {count} examples of {name} into outputs of shape {tuple(outputs.shape)}; the first "
            "dimension must remain the number of examples"
        )
    return outputs


def _check_targets(outputs: Tensor, targets: Tensor, rows: Rows, objective: Objective, name: str) -> None:
    """Raise unless targets are what the task takes."""
    found = f"outputs have shape {tuple(outputs.shape)} and the targets of {name} {tuple(targets.shape)}"
    if objective.task == "classification":
        if objective.kind is None and not (objective.has_labels(targets) and outputs.dim() == targets.dim() + 1):
            raise ValueError(
                f"the model's {found}, of type {targets.dtype}; classification takes outputs (N, classes, ...) and "
                "whole numbers (N, ...): give another task"
            )
        if objective.has_labels(targets) and objective.kind in PER_LABEL and outputs.dim() > 1:
            labels = targets if isinstance(rows, DatasetRows) else rows.targets
            counted = labels[objective.counted(outputs, labels)]
            if counted.numel():
                _check_labels(counted, outputs.shape[1], name)
            elif labels is not targets:
                raise ValueError(
                    f"every label of {name} is {objective.ignored}, which {objective.name} ignores: none is left"
                )
    elif objective.task is not None and objective.kind != "MultiMarginLoss" and outputs.shape != targets.shape:
        same = f"{objective.name} needs the same shape" if objective.kind else f"{objective.task} takes the same shape"
        raise ValueError(f"the model's {found}; {same} (for one output per example: targets.unsqueeze(1))")


def _check_labels(labels: Tensor, classes: int, name: str) -> None:
    """Raise unless labels are the numbers of classes."""
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            f"the labels of {name} run from {int(labels.min())} to {int(labels.max())}, but the model has {classes} "
            f"outputs, for the classes 0 to {classes - 1}"
        )


def _loss(objective: Objective, outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the loss of some outputs, which is one number."""
    shapes = f"outputs of shape {tuple(outputs.shape)} with targets of shape {tuple(targets.shape)}"
    try:
        loss = objective(outputs, targets)
    except MODEL_ERRORS as error:
        kind = targets.dtype
        advice = ""
        if kind != torch.int64 and objective.task == "classification" and not targets.is_floating_point():
            advice = "; labels are of type torch.int64: try targets.long()"
        if kind == torch.bool and outputs.shape == targets.shape and objective.task == "classification":
            advice = "; yes/no answers are floats, 0 or 1: try targets.float()"
        raise ValueError(
            f"the loss {objective.name} cannot compare {shapes} and type {kind}: {str(error).rstrip('.')}{advice}"
        ) from error
    if not isinstance(loss, Tensor):
        advice = ": leave .item() out" if isinstance(loss, float | int) else ""
        raise ValueError(f"the loss {objective.name} must return a tensor, not {loss!r}{advice}")
    if loss.dim() != 0:
        advice = "use reduction='mean'" if loss.numel() > 1 else "try .squeeze() or .mean()"
        raise ValueError(
            f"the loss {objective.name} must return one number; {advice} (its shape is {tuple(loss.shape)}, and that "
            "of a number is ())"
        )
    if not loss.is_floating_point():
        raise ValueError(f"the loss {objective.name} returned a number of type {loss.dtype}; expects a real float")
    return loss


def _check_pairs(outputs: Tensor, targets: Tensor, objective: Objective, name: str) -> None:
    """Raise if the loss compares every output with every target, because one of them has a dimension less."""
    if objective.kind is not None or outputs.shape == targets.shape or len(targets) < 2:
        return
    # Two examples whose outputs and targets differ, so that pairs and all combinations give other losses.
    first = torch.linspace(0.25, 0.75, 2, device=outputs.device).to(outputs.dtype)
    outputs = first.reshape(2, *[1] * (outputs.dim() - 1)).expand(outputs.shape).clone()
    ends = torch.arange(2, device=targets.device).to(targets.dtype)
    targets = ends.reshape(2, *[1] * (targets.dim() - 1)).expand(targets.shape).clone()
    everyone: list[Tensor] = []
    try:
        everyone.extend(tensor.clone() for tensor in torch.broadcast_tensors(outputs, targets))
        loss, of_all = objective(outputs, targets), objective(*everyone)
        alone = torch.stack([objective(outputs[row : row + 1], targets[row : row + 1]) for row in (0, 1)])
    except MODEL_ERRORS:  # not a loss that broadcasts
        return
    of_pairs = alone.sum() if objective.adds_up else alone.mean()
    if torch.isclose(loss, of_all) and not torch.isclose(loss, of_pairs):
        raise ValueError(
            f"the loss {objective.name} compares each of the outputs, {tuple(outputs.shape)}, with all the targets of "
            f"{name}, {tuple(targets.shape)}: give both one shape (for one output per example: targets.unsqueeze(1))"
        )


def _gradients(model: nn.Module, outputs: Tensor, loss: Tensor, objective: Objective) -> Trial:
    """Compute the gradient of the loss; raise if there is none."""
    learning = {name: value for name, value in model.named_parameters() if value.requires_grad}
    if learning and not loss.requires_grad:
        where = f"the loss {objective.name}" if outputs.requires_grad else f"the outputs of {type(model).__name__}"
        raise ValueError(
            f"{where} cannot be differentiated; expects operations on tensors alone: try without detach(), .item(), "
            "numpy and torch.no_grad()"
        )
    if not learning:
        return Trial(objective)
    try:
        loss.backward()
    except MODEL_ERRORS as error:
        raise ValueError(f"the gradient of {objective.name} cannot be computed: {error}") from error
    unused = tuple(name for name, value in learning.items() if value.grad is None)
    sparse = tuple(name for name, value in learning.items() if value.grad is not None and value.grad.is_sparse)
    return Trial(objective, unused, sparse)


def _check_finite(rows: Rows, objective: Objective, name: str) -> None:
    """Raise if numbers that must be finite are not."""
    per_class = objective.option("weight")
    if isinstance(per_class, Tensor) and not torch.isfinite(per_class).all():
        raise ValueError(f"the weights of {objective.name} hold values that are not finite")
    if isinstance(rows, DatasetRows):
        return
    for what, values in (("inputs", rows.inputs), ("targets", rows.targets)):
        if what == "targets" and objective.kind is None:  # a loss of one's own may read NaN as "not known"
            continue
        # The sum is quick and shows any value that is not finite; it may also be too large itself.
        if values.is_floating_point() and not torch.isfinite(values.sum()) and not torch.isfinite(values).all():
            raise ValueError(f"the {what} of {name} hold values that are not finite; remove these examples first")


def check_last_batch(model: nn.Module, rows: Rows, batch_size: int, name: str) -> None:
    """Try the model, as it learns, on one example, if that is what the last batch of an epoch comes to."""
    count = len(rows)
    if min(batch_size, count) > 1 and count % batch_size != 1:
        return
    device = device_of(model)
    with random_numbers_kept(device), modes_kept(model), _tensors_kept(model), torch.no_grad():
        model.train()
        inputs = rows.between(0, 1)[0].to(device)
        try:
            model(inputs)
        except MODEL_ERRORS as error:
            raise ValueError(
                f"with {count} examples and batch_size={batch_size} the last batch of an epoch of {name} holds one "
                f"example, from which {type(model).__name__} cannot learn: {error}; try another batch_size, or leave "
                "an example out"
            ) from error


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown
