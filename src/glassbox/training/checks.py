"""What can be wrong with a run, found before its first step."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from glassbox.training.batches import DatasetRows, Rows
from glassbox.training.device import device_of, modes_kept, random_numbers_kept
from glassbox.training.task import Loss, name_of, predict

PRECISIONS = ("float32", "bfloat16")


def check_number(name: str, value: object, least: int) -> None:
    """Raise unless a setting is a whole number that is large enough."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number, not {value!r}")
    if value < least:
        raise ValueError(f"{name} must be {least} or more, not {value}")


def check_functions(**functions: object) -> None:
    """Raise unless every argument is None or can be called."""
    takes = {"loss": "(outputs, targets)", "schedule": "the progress", "augment": "(inputs, generator)"}
    for name, function in functions.items():
        if function is not None and not callable(function):
            raise TypeError(f"{name} must be a function of {takes.get(name, 'an epoch')}, not {function!r}")


def check_settings(
    *, epochs: int, batch_size: int, seed: int, precision: str, capture: object, checkpoint: object, every: int | None
) -> None:
    """Raise if a setting of `fit` that has nothing to do with the data is out of range."""
    check_number("epochs", epochs, 0)
    check_number("batch_size", batch_size, 1)
    check_number("seed", seed, 0)
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, not {precision!r}")
    if capture not in ("auto", True, False):
        raise ValueError(f'capture must be "auto", True or False, not {capture!r}')
    if checkpoint is not None and Path(str(checkpoint)).is_file():
        raise ValueError(f"checkpoint={str(checkpoint)!r} is a file, not a folder; name a folder for the checkpoints")
    if every is not None:
        check_number("checkpoint_every", every, 1)
        if checkpoint is None:
            raise ValueError("checkpoint_every needs a folder to write to: pass checkpoint=... too")


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


def settings_of(
    model: nn.Module, optimizer: Optimizer, loss: Loss, rows: Rows, validation: Rows | None, **others: object
) -> dict[str, object]:
    """Describe a run so that another one can be told from it: one word or number for each thing that matters.

    Parameters
    ----------
    model, optimizer, loss, rows, validation
        Of the run.
    **others : object
        Settings to add as they are; functions by their name.

    Returns
    -------
    dict
        Settings by name, ready for JSON.
    """
    settings: dict[str, object] = {
        f"tensor {name}": f"{tuple(value.shape)} {value.dtype}" for name, value in model.state_dict().items()
    }
    for index, group in enumerate(optimizer.param_groups):
        for name, value in group.items():
            if name != "params":
                settings[f"optimizer group {index}, {name}"] = repr(
                    float(value) if isinstance(value, Tensor) else value
                )
    settings["optimizer"] = type(optimizer).__name__
    settings["loss"] = _describe(loss)
    settings["training data"] = fingerprint(rows)
    settings["validation data"] = None if validation is None else fingerprint(validation)
    return settings | {name: _describe(value) if callable(value) else value for name, value in others.items()}


def _describe(function: Any) -> str:
    """Name a function, with the arguments that a partial function holds, or an object with its attributes."""
    if isinstance(function, nn.Module):  # the text of a loss leaves its options out
        options = {name: value for name, value in vars(function).items() if not name.startswith("_")}
        tensors = {name: value.tolist() for name, value in function.state_dict().items()}
        return f"{type(function).__name__}({', '.join(f'{k}={v!r}' for k, v in (options | tensors).items())})"
    if isinstance(function, partial):
        arguments = [repr(value) for value in function.args] + [f"{k}={v!r}" for k, v in function.keywords.items()]
        return f"{_describe(function.func)}({', '.join(arguments)})"
    text = repr(function)
    # The default text of an object ends in its address, which is another one in the next run.
    return name_of(function) if " at 0x" in text or hasattr(function, "__name__") else text


def fingerprint(rows: Rows) -> str:
    """Describe data by shape, type and the checksum of all targets and of about a thousand inputs."""
    if isinstance(rows, DatasetRows):
        return f"{len(rows)} items of {type(rows.dataset).__name__}"
    digest = hashlib.sha256()
    for tensor in (rows.targets, rows.inputs[:: len(rows) // 1000 + 1]):
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return f"{tuple(rows.inputs.shape)} {rows.inputs.dtype}, SHA-256 of a sample {digest.hexdigest()[:16]}"
