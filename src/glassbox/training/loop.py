"""The training loop: forward, loss, backward, update, again and again.

`step` is one update, `learn` the loop around it.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from glassbox.training.batches import epoch_order
from glassbox.training.capture import Steps, why_not_capture
from glassbox.training.checkpoint import (
    CheckpointError,
    Checkpoints,
    optimizer_tensors,
    parse,
    refuse_other_run,
    set_optimizer_tensors,
    warn_of_differences,
)
from glassbox.training.device import (
    describe_device,
    move_optimizer,
    numbers,
    random_states,
    seed_random,
    set_random_states,
)
from glassbox.training.distributed import Workers
from glassbox.training.divergence import Watch
from glassbox.training.evaluation import measure
from glassbox.training.history import Epoch, History
from glassbox.training.interrupt import Interrupt
from glassbox.training.meters import Meter
from glassbox.training.progress import Progress, someone_watches
from glassbox.training.settings import Augment, Settings


def step(run: Run, indices: Tensor) -> None:
    """Make one update from the examples of a batch: forward, loss, backward, update."""
    asked, workers = run.settings, run.workers
    inputs, targets = asked.train.take(workers.share(indices))
    if asked.augment is not None:
        inputs = augmented(asked.augment, inputs, run.generator)
    with numbers(asked.precision, workers.device.type):
        outputs, targets = workers.whole(run.network(inputs), targets, len(indices))
        loss = asked.loss(outputs, targets)
    run.meter.add(loss.detach(), outputs.detach(), targets)
    if workers.device.type == "cpu":  # elsewhere a look would wait for the device: `look` does, now and then
        run.watch.before_update(run.at.step + 1, run.meter.total, asked.schedule.now, inputs, targets)
    asked.optimizer.zero_grad()
    loss.backward()
    asked.optimizer.step()


def learn(run: Run) -> None:
    """Make the epochs that are left: each meets the examples in its own order, batch after batch."""
    asked, at = run.settings, run.at
    with run.progress:
        for epoch in range(at.epoch, asked.epochs):
            asked.model.train()
            order = epoch_order(len(asked.train), asked.seed, epoch, asked.train.storage)
            batches = order.split(asked.batch_size)
            for batch in batches[at.batch :]:
                asked.schedule.set(at.step)
                run.steps(run, batch)
                asked.schedule.advance()
                at.count(len(batch))
                if pause(run, examples=len(batch), is_last=at.batch == len(batches)):
                    return
            if finish_epoch(run):
                return


@dataclass
class Position:
    """Where a run stands."""

    epoch: int = 0  # finished
    batch: int = 0  # finished, of the epoch under way
    step: int = 0  # updates made, in all epochs
    seen: int = 0  # examples learned from in the epoch under way, by all workers
    seconds: float = 0.0  # spent on them before the run was taken up
    clock: float = field(default_factory=time.perf_counter)  # when it was, or when the epoch began

    def count(self, examples: int) -> None:
        """Count an update."""
        self.batch += 1
        self.step += 1
        self.seen += examples

    def next_epoch(self) -> None:
        """Count an epoch."""
        self.epoch += 1
        self.batch = self.seen = 0
        self.seconds, self.clock = 0.0, time.perf_counter()

    def saved(self) -> dict[str, Any]:
        """Return what a checkpoint remembers."""
        return {"epoch": self.epoch, "batch": self.batch, "step": self.step, "seen": self.seen, "seconds": self.spent}

    @property
    def spent(self) -> float:
        """Seconds spent on the epoch under way."""
        return self.seconds + time.perf_counter() - self.clock


@dataclass
class Run:
    """A run of `fit` on its device."""

    settings: Settings
    workers: Workers
    network: nn.Module  # the model, or what averages its gradients over the workers
    generator: torch.Generator  # of the augmentation
    meter: Meter  # of the epoch under way
    watch: Watch
    steps: Steps
    at: Position
    history: History
    progress: Progress
    store: Checkpoints | None  # at the worker that writes, if there is a folder
    interrupt: Interrupt


def begin(settings: Settings, workers: Workers, store: Checkpoints | None, interrupt: Interrupt) -> Run:
    """Make a run ready: at its start, or where a checkpoint left off."""
    device, validation = workers.device, settings.validation
    settings = replace(
        settings,
        train=settings.train.to(device),
        validation=None if validation is None else validation.to(device),
    )
    seed_random(settings.seed + workers.rank, device)
    generator = torch.Generator(device).manual_seed(settings.seed + workers.rank)
    meter, history = Meter(settings.loss, device), History(device=describe_device(device))
    at = take_up(settings, workers, store, generator, meter, history)
    obstacle = why_not_capture(device, workers.size, settings.train.storage == device, settings.schedule)
    return Run(
        settings=settings,
        workers=workers,
        network=workers.wrap(settings.model, unused=bool(settings.unused)),
        generator=generator,
        meter=meter,
        watch=Watch(settings.model, at.step),
        steps=Steps(step, settings.batch_size, device, capture=settings.capture, obstacle=obstacle),
        at=at,
        history=history,
        progress=Progress(
            shown=workers.leads and (someone_watches() if settings.progress is None else settings.progress),
            total=settings.epochs * len(settings.train),
            done=at.epoch * len(settings.train) + at.seen,
            device=history.device,
        ),
        store=store,
        interrupt=interrupt,
    )


def pause(run: Run, *, examples: int, is_last: bool) -> bool:
    """Look after the run, and write a checkpoint, when it is time. Tell whether to stop."""
    asked, at = run.settings, run.at
    if run.progress.advance(examples):
        run.progress.show(at.epoch + 1, asked.epochs, run.meter.loss, run.meter.accuracy)
    due = asked.checkpoint_every is not None and at.step % asked.checkpoint_every == 0
    if is_last or not (due or run.interrupt.is_due(at.step, run.workers.size)):
        return False
    stop = look(run)
    if due or stop:
        save(run)
    return stop


def look(run: Run) -> bool:
    """Raise if the run diverges. Tell whether a signal wants it to end, at any worker."""
    run.watch.after_update(run.at.step, run.meter.total, run.settings.schedule.now)
    run.history.interrupted_by = run.interrupt.look(run.at.step, run.workers)
    run.history.interrupted = run.history.interrupted_by != ""
    return run.history.interrupted


def finish_epoch(run: Run) -> bool:
    """Add a row to the history, and write a checkpoint. Tell whether to stop."""
    asked, at, meter = run.settings, run.at, run.meter
    stop = look(run)
    seconds = at.spent
    meter.require_answers(f"the labels of epoch {at.epoch + 1} are all ignored: its loss is the mean of nothing")
    validation = validate(run)
    row = Epoch(
        epoch=at.epoch + 1,
        steps=at.step,
        loss=meter.loss,
        accuracy=meter.accuracy,
        validation_loss=validation.loss if validation else None,
        validation_accuracy=validation.accuracy if validation else None,
        learning_rate=asked.schedule.now,
        seconds=seconds,
        images_per_second=at.seen / seconds,
    )
    run.history.epochs.append(row)
    run.progress.show(row.epoch, asked.epochs, row.loss, row.accuracy)
    at.next_epoch()
    meter.reset()
    if run.workers.leads and asked.on_epoch is not None:
        asked.on_epoch(row)
    at.clock = time.perf_counter()
    save(run)
    if row.epoch == asked.epochs:  # a signal in the last step interrupts nothing
        run.history.interrupted, run.history.interrupted_by = False, ""
    return stop


def validate(run: Run) -> Meter | None:
    """Measure the model on the validation data, if there are any, each worker on its part of them."""
    asked = run.settings
    if asked.validation is None:
        return None
    meter = measure(asked.model, asked.validation, asked.loss, workers=run.workers)
    meter.require_answers("the labels of the validation data are all ignored: their loss is the mean of nothing")
    run.watch.after_validation(run.at.step, meter.loss, asked.schedule.now)
    return meter


def save(run: Run) -> None:
    """Write a checkpoint, if there is a folder for it."""
    asked, at, workers = run.settings, run.at, run.workers
    if asked.checkpoint is None:
        return
    tensors = optimizer_tensors(asked.optimizer)
    for name, mine in own_states(workers, run.generator, run.meter).items():
        for rank, tensor in enumerate(workers.gather(mine)):
            tensors[f"worker.{rank}.{name}"] = tensor
    if run.store is None:
        return
    state = {
        "position": at.saved(),
        "settings": asked.description,
        "schedule": asked.schedule.state(),
        "history": [asdict(row) for row in run.history.epochs],
    }
    run.store.save(at.step, asked.model.state_dict(), tensors, state)


def take_up(
    settings: Settings,
    workers: Workers,
    store: Checkpoints | None,
    generator: torch.Generator,
    meter: Meter,
    history: History,
) -> Position:
    """Put everything back to where the newest checkpoint left it, if there is one to go on from."""
    if settings.checkpoint is None or not settings.resume:
        return Position()
    files = workers.broadcast((store.newest() if store else None) or {})
    if not files:
        return Position()
    weights, tensors, state = parse(files)
    refuse_other_run(str(settings.checkpoint), state["settings"], settings.description)
    if store is not None:
        warn_of_differences(str(settings.checkpoint), state["settings"], settings.description, weights)
    settings.description["initial weights"] = state["settings"]["initial weights"]
    at = Position(**state["position"])
    if (at.epoch, at.batch) > (settings.epochs, 0):
        part = f" and {at.batch} batches of the next" if at.batch else ""
        raise CheckpointError(
            f"the run in {settings.checkpoint} has made {at.epoch} epochs{part}, more than epochs={settings.epochs}: "
            f"ask for {at.epoch + (at.batch > 0)} or more, or give this run a folder of its own"
        )
    settings.model.load_state_dict(weights)
    set_optimizer_tensors(settings.optimizer, tensors)
    move_optimizer(settings.optimizer, workers.device)
    settings.schedule.set_state(state["schedule"])
    mine = {name: tensors[f"worker.{workers.rank}.{name}"] for name in own_states(workers, generator, meter)}
    set_random_states(mine, workers.device)
    generator.set_state(mine["augment"])
    meter.sums.copy_(mine["sums"])
    history.epochs = [Epoch(**row) for row in state["history"]]
    return at


def own_states(workers: Workers, generator: torch.Generator, meter: Meter) -> dict[str, Tensor]:
    """Return what differs from worker to worker, and the sums of the epoch under way."""
    return random_states(workers.device) | {"augment": generator.get_state(), "sums": meter.sums}


def augmented(augment: Augment, inputs: Tensor, generator: torch.Generator) -> Tensor:
    """Return a batch of inputs as the augmentation changes them; raise if it returns anything else."""
    changed = augment(inputs, generator)
    if not isinstance(changed, Tensor):
        raise TypeError(f"augment returned {changed!r}; expects the changed inputs, a tensor")
    if len(changed) != len(inputs) or changed.dtype != inputs.dtype:
        raise ValueError(
            f"augment turned inputs of shape {tuple(inputs.shape)} and type {inputs.dtype} into "
            f"{tuple(changed.shape)} and {changed.dtype}; expects as many rows, of the same type"
        )
    return changed
