"""The training loop: forward, loss, backward, update, again and again.

`_Run.step` is one step, `_Run.learn` the loop around it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from glassbox.training.batches import Rows, epoch_order
from glassbox.training.capture import CapturedStep, capturable, why_not_capture
from glassbox.training.checkpoint import (
    CheckpointError,
    Checkpoints,
    optimizer_tensors,
    parse,
    refuse_other_run,
    set_optimizer_tensors,
)
from glassbox.training.device import (
    describe_device,
    move_optimizer,
    random_states,
    seed_random,
    set_random_states,
)
from glassbox.training.distributed import Workers
from glassbox.training.divergence import Watch
from glassbox.training.evaluation import measure
from glassbox.training.history import Epoch, History
from glassbox.training.interrupt import SIGNALS, Interrupt
from glassbox.training.progress import Progress
from glassbox.training.task import Loss, adds_up, predict

STEPS_BETWEEN_LOOKS = 50
"""Steps between two looks at what a GPU or another worker must be waited for."""


@dataclass
class _Position:
    """Where a run stands."""

    epoch: int = 0  # finished
    batch: int = 0  # finished, of the epoch under way
    step: int = 0  # updates made, in all epochs
    seen: int = 0  # examples learned from in the epoch under way, by all workers
    seconds: float = 0.0  # spent on them


@dataclass
class _Run:
    """A run of `fit` whose arguments have been checked, on its device."""

    model: nn.Module
    rows: Rows
    validation: Rows | None
    loss: Loss
    optimizer: Optimizer
    schedule: Callable[[float], float] | None
    augment: Callable[[Tensor, torch.Generator], Tensor] | None
    workers: Workers
    epochs: int
    batch_size: int
    seed: int
    precision: str
    answers: int  # per example, that are right or wrong; 0 where the targets are numbers
    folder: Path | None
    store: Checkpoints | None  # that folder, at the worker that writes into it
    checkpoint_every: int | None
    settings: dict[str, object]
    on_epoch: Callable[[Epoch], object] | None
    interrupt: Interrupt
    at: _Position = field(default_factory=_Position)
    history: History = field(default_factory=History)

    def __post_init__(self) -> None:
        device = self.workers.device
        self.history.device = describe_device(device)
        self.network = self.workers.wrap(self.model)
        self.rates = [float(group["lr"]) for group in self.optimizer.param_groups]
        self.generator = torch.Generator(device).manual_seed(self.seed + self.workers.rank)
        seed_random(self.seed + self.workers.rank, device)
        # Sums over the epoch so far, and over this worker's examples: they stay on the device until someone looks.
        self.sums = torch.zeros(2, device=device, dtype=torch.float32 if device.type == "mps" else torch.float64)
        self.loss_sum, self.right_sum = self.sums
        self.autocast: AbstractContextManager[object] = nullcontext()
        if self.precision == "bfloat16":  # a CUDA graph could not see a cached copy of the weights change
            self.autocast = torch.autocast(device.type, torch.bfloat16, cache_enabled=device.type != "cuda")
        self.loss_is_at_hand = device.type == "cpu" and self.workers.size == 1

    def step(self, indices: Tensor, count: int, weight: float) -> None:
        """Make one update: forward, loss, backward, update.

        The first ``count`` of the indices (all, or none) are examples of this worker; ``weight`` scales their loss.
        """
        inputs, targets = self.rows.take(indices)
        if self.augment is not None:
            inputs = self.augment(inputs, self.generator)
        with self.autocast:
            outputs = self.network(inputs)
            loss = self.loss(outputs, targets)
        if self.loss_is_at_hand:
            self.watch.before_update(self.at.step + 1, loss.item(), self.rate)
        self.optimizer.zero_grad()
        (loss if weight == 1 else loss * weight).backward()
        self.optimizer.step()
        self.add_up(loss.detach(), outputs.detach(), targets, count)

    def add_up(self, loss: Tensor, outputs: Tensor, targets: Tensor, count: int) -> None:
        """Add a batch's loss and right answers to the sums of the epoch."""
        if count:
            self.loss_sum.add_(loss, alpha=1 if adds_up(self.loss) else count)
            if self.answers:
                predictions = cast(Tensor, predict(outputs, targets, self.loss))
                self.right_sum.add_((predictions == targets).sum())

    def learn(self, *, shown: bool) -> None:
        """Make the epochs that are left."""
        self.watch = Watch(self.model, self.at.step)
        total, done = self.epochs * len(self.rows), self.at.epoch * len(self.rows) + self.at.seen
        with Progress(shown=shown, total=total, done=done, device=self.history.device) as self.progress:
            for epoch in range(self.at.epoch, self.epochs):
                self.model.train()
                batches = epoch_order(len(self.rows), self.seed, epoch, self.rows.storage).split(self.batch_size)
                self.clock = time.perf_counter() - self.at.seconds
                for batch in batches[self.at.batch :]:
                    self.set_rate()
                    self.make_step(*self.workers.share(batch, adds_up=adds_up(self.loss)))
                    if self.pause(len(batch), is_last=self.at.batch + 1 == len(batches)):
                        return
                if self.finish_epoch():
                    return

    def pause(self, examples: int, *, is_last: bool) -> bool:
        """Count a step; look after the run, and write a checkpoint, when it is time. Tell whether to stop."""
        self.at.step += 1
        self.at.batch += 1
        self.at.seen += examples
        if self.progress.advance(examples):
            means = self.means(self.sums.tolist(), self.at.seen / self.workers.size)
            self.progress.show(self.at.epoch + 1, self.epochs, *means)
        due = self.checkpoint_every is not None and self.at.step % self.checkpoint_every == 0
        pressed = self.interrupt.signal and self.workers.size == 1
        if is_last or not (due or pressed or self.at.step % STEPS_BETWEEN_LOOKS == 0):
            return False
        stop = self.look()
        if due or stop:
            self.save()
        return stop

    def look(self) -> bool:
        """Raise if the run diverges, at any worker. Tell whether a signal wants it to end, at any worker."""
        here = [float(self.interrupt.signal == name) for name in SIGNALS]
        loss_sum, *anywhere = self.workers.sum([self.loss_sum.item(), *here])
        self.watch.after_update(self.at.step, loss_sum, self.rate)
        self.history.interrupted_by = next((name for name, count in zip(SIGNALS, anywhere, strict=True) if count), "")
        self.history.interrupted = self.history.interrupted_by != ""
        return self.history.interrupted

    def finish_epoch(self) -> bool:
        """Add a row to the history, and write a checkpoint. Tell whether to stop."""
        stop = self.look()
        seconds = time.perf_counter() - self.clock
        loss, accuracy = self.means(self.workers.sum(self.sums.tolist()), self.at.seen)
        validation_loss, validation_accuracy = self.validate()
        row = Epoch(
            epoch=self.at.epoch + 1,
            steps=self.at.step,
            loss=loss,
            accuracy=accuracy,
            validation_loss=validation_loss,
            validation_accuracy=validation_accuracy,
            learning_rate=self.rate,
            seconds=seconds,
            images_per_second=self.at.seen / seconds,
        )
        self.history.epochs.append(row)
        self.progress.show(row.epoch, self.epochs, row.loss, row.accuracy)
        self.at = _Position(epoch=row.epoch, step=row.steps)
        self.sums.zero_()
        if self.workers.leads and self.on_epoch is not None:
            self.on_epoch(row)
        self.clock = time.perf_counter()
        self.save()
        if row.epoch == self.epochs:  # a signal in the last step interrupts nothing
            self.history.interrupted, self.history.interrupted_by = False, ""
        return stop

    def validate(self) -> tuple[float | None, float | None]:
        """Measure loss and accuracy on the validation data, each worker on its part of them."""
        if self.validation is None:
            return None, None
        start, stop = self.workers.part(len(self.validation))
        sums = [0.0, 0.0]
        if start < stop:
            part = measure(self.model, self.validation, self.loss, between=(start, stop))
            sums = [part.loss * (stop - start), (part.accuracy or 0.0) * (stop - start) * self.answers]
        return self.means(self.workers.sum(sums), len(self.validation))

    def means(self, sums: list[float], examples: float) -> tuple[float, float | None]:
        """Turn the sums over some examples into a mean loss and an accuracy."""
        loss, right = sums
        return loss / examples, right / (examples * self.answers) if self.answers else None

    @property
    def rate(self) -> float:
        """The learning rate of the first group of parameters."""
        return float(self.optimizer.param_groups[0]["lr"])

    def set_rate(self) -> None:
        """Set the learning rates for the update to come."""
        if self.schedule is None:
            return
        steps = self.epochs * math.ceil(len(self.rows) / self.batch_size)
        factor = self.schedule(self.at.step / steps)
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate * factor)
            else:
                group["lr"] = rate * factor

    @contextmanager
    def stepping(self, capture: Literal["auto"] | bool) -> Iterator[None]:
        """Decide, for the block, whether steps are run or replayed from a CUDA graph."""
        device = self.workers.device
        reason = why_not_capture(device, self.workers.size, self.rows.storage == device, self.optimizer)
        if capture is True and reason:
            raise ValueError(f'capture=True is not possible: {reason}; use capture="auto"')
        if reason or not capture:
            self.make_step = self.step
            self.history.capture = f"off: {reason or 'not asked for'}"
            yield
            return
        captured = CapturedStep(self.step, self.batch_size, self.generator, required=capture is True)
        self.make_step = captured
        with capturable(self.optimizer, device):
            yield
        self.history.capture = f"off: {captured.failure}" if captured.failure else "on"

    def save(self) -> None:
        """Write a checkpoint, if there is a folder for it, and keep the one before it."""
        if self.folder is None:
            return
        self.at.seconds = time.perf_counter() - self.clock
        tensors = optimizer_tensors(self.optimizer)
        for name, mine in self.own_states().items():
            for rank, tensor in enumerate(self.workers.gather(mine)):
                tensors[f"worker.{rank}.{name}"] = tensor
        if self.store is None:
            return
        rows = [asdict(row) for row in self.history.epochs]
        state = {"position": asdict(self.at), "settings": self.settings, "history": rows, "torch": torch.__version__}
        self.store.save(self.at.step, self.model.state_dict(), tensors, state)

    def own_states(self) -> dict[str, Tensor]:
        """Return what differs from worker to worker."""
        return random_states(self.workers.device) | {"augment": self.generator.get_state(), "sums": self.sums}

    def take_up(self) -> None:
        """Go on from the newest checkpoint, if there is one."""
        if self.folder is None:
            return
        files = self.workers.broadcast((self.store.newest() if self.store else None) or {})
        if not files:
            return
        weights, tensors, state = parse(files)
        refuse_other_run(str(self.folder), state["settings"], self.settings)
        at = _Position(**state["position"])
        if (at.epoch, at.batch) > (self.epochs, 0):
            part = f" and {at.batch} batches of the next" if at.batch else ""
            raise CheckpointError(
                f"the run in {self.folder} has made {at.epoch} epochs{part}, more than epochs={self.epochs}: ask for "
                f"{at.epoch + (at.batch > 0)} or more, or give this run a folder of its own"
            )
        self.model.load_state_dict(weights)
        set_optimizer_tensors(self.optimizer, tensors)
        move_optimizer(self.optimizer, self.workers.device)
        mine = {name: tensors[f"worker.{self.workers.rank}.{name}"] for name in self.own_states()}
        set_random_states(mine, self.workers.device)
        self.generator.set_state(mine["augment"])
        self.sums.copy_(mine["sums"])
        self.at = at
        self.history.epochs = [Epoch(**row) for row in state["history"]]
