"""The training loop: forward, loss, backward, update, again and again.

`fit` checks everything before the first step; `_Run.step` is one step, `_Run.learn` the loop around it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from glassbox.optim import Adam
from glassbox.training import checkpoint as checkpoints
from glassbox.training.batches import Data, Rows, epoch_order, read_rows
from glassbox.training.capture import CapturedStep, capturable, why_not_capture
from glassbox.training.checks import (
    check_data_fit_model,
    check_functions,
    check_settings,
    make_optimizer,
    settings_of,
)
from glassbox.training.device import (
    describe_device,
    lent,
    modes_kept,
    move_optimizer,
    random_numbers_kept,
    random_states,
    seed_random,
    set_random_states,
)
from glassbox.training.distributed import Workers, refuse_batch_statistics, refuse_weighted_mean
from glassbox.training.divergence import Watch
from glassbox.training.evaluation import measure
from glassbox.training.history import Epoch, History
from glassbox.training.interrupt import Interrupt
from glassbox.training.progress import Progress, someone_watches
from glassbox.training.task import Loss, adds_up, default_loss, predict

STEPS_BETWEEN_LOOKS = 50
"""Steps between two looks at what a GPU or another worker must be waited for."""


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
    r"""Train a model by mini-batch gradient descent.

    An epoch cuts the examples, in a random order, into batches :math:`B`; each batch makes one update of the
    parameters :math:`\theta` along the gradient of its mean loss,

    .. math:: g = \frac{1}{|B|} \sum_{i \in B} \nabla_\theta\, \ell\bigl(f_\theta(x_i), y_i\bigr) .

    How :math:`g` moves :math:`\theta` is the optimizer's affair. The model is trained in place. Afterwards it is on the
    device and in the mode (training or evaluation) that it came in, and torch's global random numbers are where they
    were: dropout draws from a stream of its own, given by ``seed``.

    Parameters
    ----------
    model : torch.nn.Module
        What to train; it maps inputs (N, ...) to outputs (N, ...).
    train : LabelledImages, pair of Tensor or Dataset
        Inputs (N, ...) and targets (N, ...). Tensors that fit stay on the device for the whole run. The items of a
        Dataset are read one by one, again in each epoch, because a transform may be random.
    loss : callable, optional
        Function of (outputs, targets) that returns the mean over the batch. By default it follows from the targets:
        cross-entropy for integers, binary cross-entropy with logits for floats that are all 0 or 1, else squared error.
    optimizer : Optimizer or callable, optional
        An optimizer of the model's parameters, or a function of the parameters that makes one. By default
        `glassbox.optim.Adam` with a learning rate of 0.001.
    epochs : int
        How often each example is used.
    batch_size : int
        Examples per update, over all workers together. The last batch of an epoch has those that are left.
    validation : LabelledImages, pair of Tensor or Dataset, optional
        Data to measure the model on after each epoch.
    schedule : callable, optional
        Function of the progress, from 0 at the first update towards 1 after the last, that returns the factor of the
        learning rate: ``lambda progress: 1 - progress`` lets it fall to zero.
    device : str or torch.device
        Where to compute. ``"auto"`` takes CUDA, then MPS, then the CPU; the history and the progress bar say which.
    seed : int
        Gives the order of the examples, dropout and ``augment``. The initial weights are the model's own.
    precision : {"float32", "bfloat16"}
        ``"bfloat16"`` runs matrix products and convolutions with 8 bits of mantissa; weights stay in float32.
    augment : callable, optional
        Function of a batch of inputs and a generator on their device that returns changed inputs, of one shape. It
        must draw from the generator only.
    progress : bool, optional
        Whether to show a progress bar. By default on a terminal and in a notebook, and not in a pipe.
    checkpoint : str or Path, optional
        Folder for checkpoints, written at the end of each epoch. A run that was killed and is started again with the
        same arguments ends, on the CPU, with the very weights that it would have had.
    checkpoint_every : int, optional
        Write a checkpoint after this many updates, too.
    resume : bool
        Go on from the newest checkpoint in the folder; otherwise start over, and replace those that are there.
    capture : {"auto", True, False}
        Record the step as a CUDA graph. ``"auto"`` does so where it can; ``History.capture`` says whether, or why not.
    on_epoch : callable, optional
        Called with each finished row of the history; under several workers, by the first one only.

    Returns
    -------
    History
        One row per epoch. After Ctrl-C the step under way is finished, a checkpoint is written if there is a folder,
        and the history so far is returned with ``interrupted`` set; a second Ctrl-C raises `KeyboardInterrupt`.

    Raises
    ------
    DivergenceError
        If the loss or a weight is no longer finite.
    CheckpointError
        If the folder's checkpoint belongs to another model, other data or other settings, or all are damaged.
    WorkerError
        If another worker ended before its time.
    ValueError, TypeError
        If an argument is wrong: before the first step.

    Notes
    -----
    Started by ``torchrun``, each worker takes its part of every batch and all make the same update, to rounding error
    that of one process. Dropout and ``augment`` draw other numbers then, one stream per worker.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from glassbox.optim import SGD
    >>> from glassbox.training import fit
    >>> x = torch.linspace(-1, 1, 100).unsqueeze(1)
    >>> line = nn.Linear(1, 1)
    >>> history = fit(line, (x, 3 * x + 1), optimizer=lambda p: SGD(p, lr=0.1), epochs=20, batch_size=10)
    >>> line.weight.item(), line.bias.item()
    (2.99..., 1.0...)
    """
    check_settings(
        epochs=epochs,
        batch_size=batch_size,
        seed=seed,
        precision=precision,
        capture=capture,
        checkpoint=checkpoint,
        every=checkpoint_every,
    )
    check_functions(loss=loss, schedule=schedule, augment=augment, on_epoch=on_epoch)
    rows = read_rows(train, "train")
    validation_rows = None if validation is None else read_rows(validation, "validation")
    loss = default_loss(rows.sample_targets()) if loss is None else loss
    answers = check_data_fit_model(model, rows, loss, "train")
    if validation_rows is not None:
        check_data_fit_model(model, validation_rows, loss, "validation")
    made = make_optimizer(Adam if optimizer is None else optimizer, model)
    workers = Workers(device)
    refuse_batch_statistics(model, workers)
    refuse_weighted_mean(loss, workers)
    settings = (
        {}
        if checkpoint is None
        else settings_of(
            model,
            made,
            loss,
            rows,
            validation_rows,
            batch_size=batch_size,
            seed=seed,
            precision=precision,
            augment=augment,
            schedule=schedule,
            epochs=epochs if schedule else "any",
            device=workers.device.type,
            workers=workers.size,
        )
    )
    shown = workers.leads and (someone_watches() if progress is None else progress)
    with (
        workers.together(),
        lent(model, made, workers.device),
        random_numbers_kept(workers.device),
        modes_kept(model),
        Interrupt() as interrupt,
    ):
        run = _Run(
            model=model,
            rows=rows.to(workers.device),
            validation=None if validation_rows is None else validation_rows.to(workers.device),
            loss=loss,
            optimizer=made,
            schedule=schedule,
            augment=augment,
            workers=workers,
            epochs=epochs,
            batch_size=batch_size,
            seed=seed,
            precision=precision,
            answers=answers,
            folder=None if checkpoint is None else Path(checkpoint),
            checkpoint_every=checkpoint_every,
            settings=settings,
            on_epoch=on_epoch,
            interrupt=interrupt,
        )
        with run.stepping(capture):
            if resume:
                run.take_up()
            run.learn(shown=shown)
    return run.history


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
        self.saved: list[Path] = []

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
        pressed = self.interrupt.requested and self.workers.size == 1
        if is_last or not (due or pressed or self.at.step % STEPS_BETWEEN_LOOKS == 0):
            return False
        stop = self.look()
        if due or stop:
            self.save()
        return stop

    def look(self) -> bool:
        """Raise if the run diverges, at any worker. Tell whether Ctrl-C was pressed, at any worker."""
        loss_sum, pressed = self.workers.sum([self.loss_sum.item(), float(self.interrupt.requested)])
        self.watch.after_update(self.at.step, loss_sum, self.rate)
        self.history.interrupted = pressed > 0
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
        self.history.interrupted = stop and row.epoch < self.epochs
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
        tensors = checkpoints.optimizer_tensors(self.optimizer)
        for name, mine in self.own_states().items():
            for rank, tensor in enumerate(self.workers.gather(mine)):
                tensors[f"worker.{rank}.{name}"] = tensor
        if not self.workers.leads:
            return
        rows = [asdict(row) for row in self.history.epochs]
        state = {"position": asdict(self.at), "settings": self.settings, "history": rows, "torch": torch.__version__}
        new = checkpoints.save(self.folder, self.at.step, self.model.state_dict(), tensors, state)
        self.saved = [*[path for path in self.saved if path != new][-1:], new]
        checkpoints.prune(self.folder, keep=self.saved)

    def own_states(self) -> dict[str, Tensor]:
        """Return what differs from worker to worker."""
        return random_states(self.workers.device) | {"augment": self.generator.get_state(), "sums": self.sums}

    def take_up(self) -> None:
        """Go on from the newest checkpoint, if there is one."""
        if self.folder is None:
            return
        found = checkpoints.load_newest(self.folder) if self.workers.leads else None
        files = self.workers.broadcast({} if found is None else found[1])
        if not files:
            return
        self.saved = [] if found is None else [found[0]]
        weights, tensors, state = checkpoints.parse(files)
        checkpoints.refuse_other_run(str(self.folder), state["settings"], self.settings)
        self.model.load_state_dict(weights)
        checkpoints.set_optimizer_tensors(self.optimizer, tensors)
        move_optimizer(self.optimizer, self.workers.device)
        mine = {name: tensors[f"worker.{self.workers.rank}.{name}"] for name in self.own_states()}
        set_random_states(mine, self.workers.device)
        self.generator.set_state(mine["augment"])
        self.sums.copy_(mine["sums"])
        self.at = _Position(**state["position"])
        self.history.epochs = [Epoch(**row) for row in state["history"]]
