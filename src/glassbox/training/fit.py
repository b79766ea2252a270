"""`fit`: its arguments, checked before the first step and handed to the loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from glassbox.optim import Adam
from glassbox.training.batches import Data, read_rows
from glassbox.training.checkpoint import Checkpoints, expected_size
from glassbox.training.checks import check_data_fit_model, make_optimizer
from glassbox.training.device import lent, modes_kept, random_numbers_kept
from glassbox.training.distributed import Workers, refuse_batch_statistics, refuse_weighted_mean
from glassbox.training.fingerprint import settings_of
from glassbox.training.history import Epoch, History
from glassbox.training.interrupt import Interrupt
from glassbox.training.loop import _Run
from glassbox.training.progress import someone_watches
from glassbox.training.settings import check_functions, check_settings
from glassbox.training.task import Loss, default_loss


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
    opened: AbstractContextManager[Checkpoints | None] = nullcontext()
    if checkpoint is not None and workers.leads:
        opened = Checkpoints(Path(checkpoint), resume=resume, size=expected_size(model))
    with (
        workers.together(),
        opened as store,
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
            store=store,
            checkpoint_every=checkpoint_every,
            settings=settings,
            on_epoch=on_epoch,
            interrupt=interrupt,
        )
        with run.stepping(capture):
            if resume:
                run.take_up()
            run.learn(shown=shown)
        if store is not None and run.history.interrupted:
            store.leave_note()
    return run.history
