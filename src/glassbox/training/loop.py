"""The training loop: forward, loss, backward, update, again and again."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from glassbox.optim import Adam
from glassbox.training.batches import Data, Rows, epoch_order, read_examples
from glassbox.training.device import (
    choose_device,
    describe_device,
    device_of,
    modes_kept,
    random_numbers_kept,
    seed_random,
)
from glassbox.training.history import Epoch, History
from glassbox.training.progress import Progress, someone_watches
from glassbox.training.task import Loss, default_loss, predict


class DivergenceError(ArithmeticError):
    """The loss is no longer a finite number."""


def fit(
    model: nn.Module,
    train: Data,
    *,
    loss: Loss | None = None,
    optimizer: Optimizer | Callable[[Iterable[nn.Parameter]], Optimizer] | None = None,
    epochs: int = 1,
    batch_size: int = 50,
    validation: Data | None = None,
    schedule: Callable[[float], float] | None = None,
    device: str | torch.device = "auto",
    seed: int = 0,
    precision: Literal["float32", "bfloat16"] = "float32",
    augment: Callable[[Tensor, torch.Generator], Tensor] | None = None,
    progress: bool | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: int | None = None,
    resume: bool = True,
    capture: Literal["auto"] | bool = "auto",
    on_epoch: Callable[[Epoch], object] | None = None,
) -> History:
    """Train a model."""
    examples = read_examples(train, "train")
    target_device = choose_device(device)
    origin = device_of(model)
    lossf = default_loss(examples.targets) if loss is None else loss
    model.to(target_device)
    if optimizer is None:
        optimizer = Adam(model.parameters(), lr=3e-3)
    elif not isinstance(optimizer, Optimizer):
        optimizer = optimizer(model.parameters())
    examples = examples.to(target_device)
    base = [group["lr"] for group in optimizer.param_groups]
    generator = torch.Generator(target_device).manual_seed(seed)
    history = History(device=describe_device(target_device))
    steps_per_epoch = -(-len(examples) // batch_size)
    shown = someone_watches() if progress is None else progress
    bar = Progress(shown=shown, total=epochs * len(examples), done=0, device=history.device)
    step = 0
    with random_numbers_kept(target_device), modes_kept(model):
        seed_random(seed, target_device)
        for epoch in range(epochs):
            model.train()
            begin = time.perf_counter()
            loss_sum = torch.zeros((), dtype=torch.float64)
            right, answers, seen = torch.zeros((), dtype=torch.int64), 0, 0
            for indices in epoch_order(len(examples), seed, epoch, examples.storage).split(batch_size):
                if schedule is not None:
                    factor = schedule(step / (epochs * steps_per_epoch))
                    for group, rate in zip(optimizer.param_groups, base, strict=True):
                        group["lr"] = rate * factor
                inputs, targets = examples.take(indices)
                if augment is not None:
                    inputs = augment(inputs, generator)
                with torch.autocast(target_device.type, torch.bfloat16, enabled=precision == "bfloat16"):
                    outputs = model(inputs)
                    value = lossf(outputs, targets)
                if not math.isfinite(value.item()):
                    raise DivergenceError(f"the loss is {value.item()} at step {step + 1}")
                optimizer.zero_grad()
                value.backward()
                optimizer.step()
                step += 1
                loss_sum += value.detach().cpu() * len(inputs)
                seen += len(inputs)
                predictions = predict(outputs.detach(), targets, lossf)
                if predictions is not None:
                    right += (predictions == targets).sum().cpu()
                    answers += targets.numel()
                if bar.advance(len(inputs)):
                    bar.show(epoch + 1, epochs, loss_sum.item() / seen, right.item() / answers if answers else None)
            seconds = time.perf_counter() - begin
            measured = None if validation is None else evaluate(model, validation, loss=lossf, device=target_device)
            row = Epoch(
                epoch=epoch + 1,
                steps=step,
                loss=loss_sum.item() / seen,
                accuracy=right.item() / answers if answers else None,
                validation_loss=None if measured is None else measured.loss,
                validation_accuracy=None if measured is None else measured.accuracy,
                learning_rate=float(optimizer.param_groups[0]["lr"]),
                seconds=seconds,
                images_per_second=seen / seconds,
            )
            history.epochs.append(row)
            if on_epoch is not None:
                on_epoch(row)
    bar.close()
    for group, rate in zip(optimizer.param_groups, base, strict=True):
        group["lr"] = rate
    model.to(origin)
    return history


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What `evaluate` measured.

    Attributes
    ----------
    loss : float
        Mean over the examples.
    accuracy : float or None
        Share of right answers, or None where the answers are numbers.
    per_class_accuracy : Tensor or None
        Shape (K,): the same for the examples of each class, or for each yes/no answer; NaN for a class without example.
    predictions : Tensor
        Shape (N,), int64: a class each; or (N, K), bool: whether each answer is yes; or the outputs.
    """

    loss: float
    accuracy: float | None
    per_class_accuracy: Tensor | None
    predictions: Tensor

    def __str__(self) -> str:
        accuracy = "" if self.accuracy is None else f", accuracy {self.accuracy:.2%}"
        return f"loss {self.loss:.4f}{accuracy} on {len(self.predictions)} examples"


def evaluate(
    model: nn.Module,
    data: Data,
    *,
    loss: Loss | None = None,
    batch_size: int = 500,
    device: str | torch.device = "auto",
) -> Evaluation:
    """Measure a model on data."""
    target_device = choose_device(device)
    origin = device_of(model)
    examples: Rows = read_examples(data, "data")
    lossf = default_loss(examples.targets) if loss is None else loss
    examples = examples.to(target_device)
    total, predicted, targeted, classes = 0.0, [], [], 0
    with random_numbers_kept(target_device), modes_kept(model), torch.inference_mode():
        model.to(target_device).eval()
        for start in range(0, len(examples), batch_size):
            inputs, targets = examples.between(start, start + batch_size)
            outputs = model(inputs)
            total += lossf(outputs, targets).item() * len(inputs)
            predictions = predict(outputs, targets, lossf)
            classes = outputs.shape[1] if outputs.dim() > 1 else 0
            predicted.append(outputs.cpu() if predictions is None else predictions.cpu())
            targeted.append(targets.cpu())
        model.to(origin)
    found, wanted = torch.cat(predicted), torch.cat(targeted)
    accuracy, per_class = None, None
    if predictions is not None:
        right = (found == wanted).double()
        accuracy = right.mean().item()
        if wanted.is_floating_point():
            per_class = right.mean(0)
        else:
            per_class = torch.stack([right[wanted == k].mean() for k in range(classes)])
    return Evaluation(total / len(examples), accuracy, per_class, found)
