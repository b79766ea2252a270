r"""Several workers that train one model: each takes a part of every batch, and all make the same update.

A launcher such as ``torchrun`` starts one process per worker and tells each its rank; `fit` does the rest. With the
batch :math:`B` cut into parts :math:`B_1, \dots, B_W`, the gradient of the mean over the batch is

.. math::
    \frac{1}{|B|} \sum_{i \in B} \nabla \ell_i
    = \frac{1}{W} \sum_{w=1}^{W} \Bigl( \frac{W |B_w|}{|B|} \Bigr)
      \frac{1}{|B_w|} \sum_{i \in B_w} \nabla \ell_i .

``DistributedDataParallel`` computes the outer mean over the workers. The factor in parentheses is what `Workers.share`
returns: without it, unequal parts would count alike.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from glassbox.training.device import choose_device


class WorkerError(RuntimeError):
    """Another worker ended before its time, so that this one cannot go on."""


class Workers:
    """The processes that train together; one when there is no launcher.

    Parameters
    ----------
    device : str or torch.device
        As for `fit`. Each worker of a machine gets a GPU of its own where there are GPUs.

    Attributes
    ----------
    rank, size : int
        Number of this worker, from 0, and how many there are.
    device : torch.device
        Where this worker computes.
    """

    def __init__(self, device: str | torch.device = "auto") -> None:
        self.size = int(os.environ.get("WORLD_SIZE", "1"))
        self.rank = int(os.environ.get("RANK", "0")) if self.size > 1 else 0
        self.device = choose_device(device)
        if self.size == 1:
            return
        if self.device.type == "cuda" and str(device) in ("auto", "cuda"):
            self.device = choose_device(f"cuda:{os.environ.get('LOCAL_RANK', '0')}")
            torch.cuda.set_device(self.device)
        if not dist.is_initialized():
            _join("nccl" if self.device.type == "cuda" else "gloo")

    @property
    def leads(self) -> bool:
        """Whether this is the one worker that prints and writes."""
        return self.rank == 0

    def wrap(self, model: nn.Module) -> nn.Module:
        """Return a model that runs like this one and averages the gradients of all workers in its backward pass."""
        return model if self.size == 1 else DistributedDataParallel(model)

    def share(self, indices: Tensor, *, adds_up: bool = False) -> tuple[Tensor, int, float]:
        """Cut this worker's part out of a batch.

        Parameters
        ----------
        indices : Tensor
            Shape (B,): the rows of the whole batch, the same at every worker.
        adds_up : bool
            Whether the loss is the sum over its examples, and not the mean.

        Returns
        -------
        part : Tensor
            The rows for this worker. A worker without a part computes on the batch's first row all the same, because
            the others wait for its gradient.
        count : int
            How many of them count: 0 for such a worker.
        weight : float
            What to multiply the loss of the part by: 0 for such a worker. For a mean over the part it is 1 where all
            parts are equal; a sum over the part undoes the mean over the workers.
        """
        if self.size == 1:
            return indices, len(indices), 1.0
        part = indices.tensor_split(self.size)[self.rank]
        count = len(part)
        if count == 0:
            return indices[:1], 0, 0.0
        return part, count, self.size * (1.0 if adds_up else count / len(indices))

    def part(self, count: int) -> tuple[int, int]:
        """Return the first row and the row after the last that this worker takes of so many."""
        return count * self.rank // self.size, count * (self.rank + 1) // self.size

    def sum(self, values: list[float]) -> list[float]:
        """Add numbers up over the workers."""
        if self.size == 1:
            return values
        total = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(total)
        return total.tolist()

    def gather(self, tensor: Tensor) -> list[Tensor]:
        """Return the tensors of all workers, which have one shape and type, in the order of their ranks."""
        if self.size == 1:
            return [tensor]
        mine = tensor.to(self.device)
        all_of_them = [torch.empty_like(mine) for _ in range(self.size)]
        dist.all_gather(all_of_them, mine)
        return [one.to(tensor.device) for one in all_of_them]

    def broadcast(self, files: dict[str, bytes]) -> dict[str, bytes]:
        """Give every worker the files that the first one read; an empty dict where it found none."""
        if self.size == 1:
            return files
        # Names and contents in turn, as bytes: no object is ever pickled.
        pieces = [piece for name, content in files.items() for piece in (name.encode(), content)]
        count = torch.tensor([len(pieces)], device=self.device)
        dist.broadcast(count, src=0)
        lengths = torch.tensor([len(piece) for piece in pieces] if self.leads else [0] * int(count), device=self.device)
        received = []
        dist.broadcast(lengths, src=0)
        for index, length in enumerate(lengths.tolist()):
            content = torch.empty(length, dtype=torch.uint8)
            if self.leads:
                content = torch.frombuffer(bytearray(pieces[index]), dtype=torch.uint8)
            content = content.to(self.device)
            dist.broadcast(content, src=0)
            received.append(content.cpu().numpy().tobytes())
        return {name.decode(): content for name, content in zip(received[::2], received[1::2], strict=True)}

    @contextmanager
    def together(self) -> Iterator[None]:
        """Turn the failure to reach another worker into one message, printed by one of those that are left."""
        try:
            yield
        except RuntimeError as error:
            if self.size == 1 or not _lost_a_worker(error):
                raise
            if _speaks_first():
                raise WorkerError(
                    f"worker {self.rank} of {self.size} stops, because another worker ended: see that worker's own "
                    "message or exit code. Start all of them again; with checkpoint=... they go on where the last "
                    "checkpoint was written"
                ) from None
            raise SystemExit(1) from None


def _lost_a_worker(error: RuntimeError) -> bool:
    text = str(error).lower()
    return isinstance(error, dist.DistError) or any(word in text for word in ("gloo", "nccl", "connection closed"))


def _speaks_first() -> bool:
    """Tell whether no other worker has reported the loss; the launcher's own store counts."""
    try:
        store: Any = dist.distributed_c10d._get_default_store()
        return int(store.add("glassbox/lost a worker", 1)) == 1
    except RuntimeError:
        return True


def _join(backend: str) -> None:
    """Meet the other workers, at the address that the launcher gives."""
    store, rank, size = next(dist.rendezvous("env://"))
    # torchrun starts lost workers again, and its store still has the addresses of those that are gone.
    attempt = dist.PrefixStore(f"attempt {os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", store)
    dist.init_process_group(backend, store=attempt, rank=rank, world_size=size)
    atexit.register(_leave)


def _leave() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()


def refuse_batch_statistics(model: nn.Module, workers: Workers) -> None:
    """Raise if a layer takes statistics over its worker's part of the batch alone.

    Parameters
    ----------
    model : torch.nn.Module
        The model to train.
    workers : Workers
        Who trains it.

    Raises
    ------
    ValueError
        If several workers would train a batch normalization that is not synchronized.
    """
    if workers.size == 1:
        return
    names = [
        name or type(module).__name__
        for name, module in model.named_modules()
        if type(module).__name__.startswith("BatchNorm") and getattr(module, "track_running_stats", True)
    ]
    if names:
        raise ValueError(
            f"{', '.join(names)}: batch normalization would take its mean and variance over the part of one worker "
            f"instead of the whole batch, and {workers.size} workers would not train the model that one trains. Train "
            "with one process; or, on GPUs, convert the layers with "
            "torch.nn.SyncBatchNorm.convert_sync_batchnorm(model)"
        )


def refuse_weighted_mean(loss: object, workers: Workers) -> None:
    """Raise if a loss divides by the weights in the batch, which no worker knows as a whole.

    Raises
    ------
    ValueError
        If several workers would train with class weights and the mean over them.
    """
    weighted = getattr(loss, "weight", None) is not None and getattr(loss, "reduction", None) == "mean"
    if workers.size > 1 and weighted and type(loss).__name__ in ("CrossEntropyLoss", "NLLLoss"):
        raise ValueError(
            f"{type(loss).__name__} with class weights divides by the sum of the weights in the batch, which differs "
            "from worker to worker; train with one process, or use reduction='sum' with a smaller learning rate"
        )
