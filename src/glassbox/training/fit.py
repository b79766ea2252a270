"""`fit`: its arguments, checked before the first step and handed to the loop."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from glassbox.optim import Adam
from glassbox.training.batch_statistics import refuse_batch_statistics, shared_statistics
from glassbox.training.batches import Data, read_rows
from glassbox.training.checkpoint import Checkpoints, expected_size
from glassbox.training.checks import check_last_batch, check_model, make_objective, make_optimizer, try_out
from glassbox.training.device import lent, modes_kept, optimizer_lent, random_numbers_kept
from glassbox.training.distributed import Workers
from glassbox.training.fingerprint import describe, describe_worker
from glassbox.training.history import Epoch, History
from glassbox.training.interrupt import Interrupt
from glassbox.training.loop import begin, learn
from glassbox.training.schedule import Rates
from glassbox.training.settings import Settings, check_functions, check_plain
from glassbox.training.task import Loss, Task, choose_task


def fit(
    model: nn.Module,
    train: Data,
    *,
    loss: Loss | None = None,
    task: Task | None = None,
    optimizer: Optimizer | Callable[[Iterable[nn.Parameter]], Optimizer] | None = None,
    epochs: int = 1,
    batch_size: int = 50,
    validation: Data | None = None,
    schedule: Callable[[float], float] | Callable[[Optimizer], LRScheduler] | LRScheduler | None = None,
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
        Floats of a Dataset, which are not all at hand, need ``task`` or a loss.
    task : {"classification", "multilabel", "regression"}, optional
        What is right or wrong: one class per target, the largest of its outputs; yes/no answers, each yes where its
        logit is above 0; or nothing, because the targets are numbers. The losses of `torch.nn` and `glassbox.nn`, and
        whole numbers as targets, tell; a function of one's own on floats does not.
    optimizer : Optimizer or callable, optional
        An optimizer of the model's parameters, or a function of the parameters that makes one. By default
        `glassbox.optim.Adam` with a learning rate of 0.001.
    epochs : int
        How often each example is used.
    batch_size : int
        Examples per update, over all workers together. The last batch of an epoch has those that are left.
    validation : LabelledImages, pair of Tensor or Dataset, optional
        Data to measure the model on after each epoch.
    schedule : callable or LRScheduler, optional
        Function of the progress, from 0 at the first update towards 1 after the last, that returns the factor of the
        learning rate: ``lambda progress: 1 - progress`` lets it fall to zero, `OneCycle` first grows it. Or a scheduler
        of ``torch.optim.lr_scheduler`` that belongs to ``optimizer``, or a function of the optimizer that makes one:
        it is stepped after each update, not after each epoch.
    device : str or torch.device
        Where to compute. ``"auto"`` takes CUDA, then MPS, then the CPU; the history and the progress bar say which.
    seed : int
        Gives the order of the examples, dropout and ``augment``. The initial weights are the model's own.
    precision : {"float32", "bfloat16"}
        ``"bfloat16"`` runs matrix products and convolutions with 8 bits of mantissa; weights stay in float32.
    augment : callable, optional
        Function of a batch of inputs and a generator on their device that returns changed inputs, as many. It must
        draw from the generator only.
    progress : bool, optional
        Whether to show a progress bar. By default on a terminal and in a notebook, and not in a pipe.
    checkpoint : str or Path, optional
        Folder for checkpoints, written at the end of each epoch: a new folder, an empty one, or that of an earlier
        start. A run that was killed and is started again with the same arguments ends, on the CPU, with the very
        weights that it would have had. Other files in the folder are left alone.
    checkpoint_every : int, optional
        Write a checkpoint after this many updates, too.
    resume : bool
        Go on from the newest checkpoint in the folder; otherwise start over: the first checkpoint of the new run
        replaces those of the old one.
    capture : {"auto", True, False}
        Record the step as a CUDA graph. ``"auto"`` does so where it can; ``History.capture`` says whether, or why not.
    on_epoch : callable, optional
        Called with each finished row of the history, before its checkpoint is written; under several workers, by the
        first one only. A run that is killed in between makes the same row again.

    Returns
    -------
    History
        One row per epoch. After Ctrl-C, SIGTERM or SIGUSR1 the step under way is finished, a checkpoint is written if
        there is a folder, and the history so far is returned with ``interrupted`` set; another Ctrl-C raises
        `KeyboardInterrupt`.

    Raises
    ------
    DivergenceError
        If the loss, that on the validation data, or a weight is no longer finite.
    CheckpointError
        If the folder's checkpoint belongs to another model, other data or other settings, or all are damaged; if the
        folder holds other files and no checkpoints, cannot be written, or another process trains into it.
    WorkerError
        If another worker ended before its time.
    ValueError, TypeError
        If an argument is wrong: before the first step.

    Notes
    -----
    The model sees copies of the data, and may write over them. The loss of an epoch is the mean over its batches, each
    by what its own mean divides by: the sum of the weights of its labels for a cross-entropy, without those that are
    ignored, else the number of its examples. Ignored labels are neither right nor wrong.

    Started by ``torchrun``, each worker takes its part of every batch and all make the same update, to rounding error
    that of one process: each has the loss of the whole batch, and batch normalization its statistics. Dropout and
    ``augment`` draw other numbers then, one stream per worker.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from glassbox.optim import SGD
    >>> from glassbox.training import fit
    >>> generator = torch.manual_seed(0)
    >>> x = torch.linspace(-1, 1, 100).unsqueeze(1)
    >>> line = nn.Linear(1, 1)
    >>> history = fit(line, (x, 3 * x + 1), optimizer=lambda p: SGD(p, lr=0.1), epochs=20, batch_size=10)
    >>> round(line.weight.item(), 2), round(line.bias.item(), 2)
    (3.0, 1.0)
    """
    settings = settle(**locals())
    workers = Workers(settings.device)
    refuse_batch_statistics(settings.model, workers)
    description = describe(settings, workers) if settings.checkpoint or workers.size > 1 else {}
    opened: AbstractContextManager[Checkpoints | None] = nullcontext()
    if settings.checkpoint is not None and workers.leads:
        opened = Checkpoints(settings.checkpoint, resume=settings.resume, size=expected_size(settings.model))
    with (
        workers.together(),
        opened as store,
        settings.schedule.lent(),
        optimizer_lent(settings.optimizer, workers.device),
        lent(workers.device, settings.model, settings.loss.loss),
        random_numbers_kept(workers.device),
        modes_kept(settings.model),
        shared_statistics(settings.model, workers),
        Interrupt() as interrupt,
    ):
        if workers.size > 1:
            workers.refuse_differences(describe_worker(settings, description))
        run = begin(replace(settings, description=description), workers, store, interrupt)
        with run.steps.ready(settings.optimizer):
            learn(run)
        run.history.capture = str(run.steps)
        if store is not None and run.history.interrupted:
            store.leave_note()
    return run.history


def settle(**asked: Any) -> Settings:
    """Check the arguments of `fit`, and fill in what follows from them; raise if a run cannot be made of them."""
    plain = check_plain(asked)
    check_functions(**{name: asked[name] for name in ("loss", "schedule", "augment", "on_epoch")})
    model, rows = check_model(asked["model"]), read_rows(asked["train"], "train")
    validation = None if asked["validation"] is None else read_rows(asked["validation"], "validation")
    objective = make_objective(asked["loss"], rows, choose_task(asked["task"]), "train")
    trial = try_out(model, rows, objective, "train", learns=True)
    check_last_batch(model, rows, plain["batch_size"], "train")
    if validation is not None:
        try_out(model, validation, trial.objective, "validation", learns=False)
    optimizer = make_optimizer(Adam if asked["optimizer"] is None else asked["optimizer"], model, trial)
    steps = plain["epochs"] * math.ceil(len(rows) / plain["batch_size"])
    settled = {
        "train": rows,
        "validation": validation,
        "loss": trial.objective,
        "task": trial.objective.task,
        "optimizer": optimizer,
        "schedule": Rates(asked["schedule"], optimizer, steps),
        "unused": trial.unused,
    }
    return Settings(**asked | plain | settled)
