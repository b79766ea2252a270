r"""Several workers that train one model: each takes a part of every batch, and all make the same update.

A launcher such as ``torchrun`` starts one process per worker and tells each its rank; `fit` does the rest. With the
batch :math:`B` cut into parts :math:`B_1, \dots, B_W`, each worker computes the outputs of its part and receives those
of the others, so that each has the loss of the whole batch, :math:`L`, whatever that divides by. It differentiates
:math:`L` for its own outputs only, and the chain rule adds the workers up:

.. math:: \nabla_\theta L = \sum_{w=1}^{W} \sum_{i \in B_w} \frac{\partial L}{\partial f_\theta(x_i)}\,
    \nabla_\theta f_\theta(x_i) .

``DistributedDataParallel`` takes the mean over the workers in place of this sum, so each multiplies its share by
:math:`W`.
"""

from __future__ import annotations

import atexit
import json
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
    has_part : bool
        Whether the part of the batch under way that `share` gave counts.
    """

    def __init__(self, device: str | torch.device = "auto") -> None:
        self.size = int(os.environ.get("WORLD_SIZE", "1"))
        self.rank = int(os.environ.get("RANK", "0")) if self.size > 1 else 0
        self.device = choose_device(device)
        self.has_part = True
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

    def wrap(self, model: nn.Module, *, unused: bool) -> nn.Module:
        """Return a model that runs like this one and averages the gradients of all workers in its backward pass.

        A model with parameters that the loss does not depend on must say so: no gradient of theirs is waited for.
        """
        return model if self.size == 1 else DistributedDataParallel(model, find_unused_parameters=unused)

    def lengths(self, count: int) -> list[int]:
        """Return how many of so many rows each worker takes: as equal as can be."""
        return [count // self.size + (rank < count % self.size) for rank in range(self.size)]

    def part(self, count: int) -> tuple[int, int]:
        """Return the first row and the row after the last that this worker takes of so many."""
        lengths = self.lengths(count)
        start = sum(lengths[: self.rank])
        return start, start + lengths[self.rank]

    def share(self, indices: Tensor) -> Tensor:
        """Cut this worker's part out of a batch.

        Parameters
        ----------
        indices : Tensor
            Shape (B,): the rows of the whole batch, the same at every worker.

        Returns
        -------
        Tensor
            The rows for this worker. A worker without a part computes on the batch's first row all the same, because
            the others wait for its gradient.
        """
        start, stop = self.part(len(indices))
        self.has_part = start < stop
        return indices[start:stop] if start < stop else indices[:1]

    def whole(self, outputs: Tensor, targets: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """Return the outputs and the targets of a whole batch, of which each worker has its part.

        Parameters
        ----------
        outputs, targets : Tensor
            Of the rows that `share` gave: at least one.
        count : int
            Examples of the whole batch.

        Returns
        -------
        outputs, targets : Tensor
            Shape (count, ...). Gradients flow to this worker's own outputs, multiplied by the number of workers.
        """
        if self.size == 1:
            return outputs, targets
        lengths = self.lengths(count)
        mine = lengths[self.rank]
        sizes = [max(lengths) * tensor[0].nbytes for tensor in (outputs, targets)]
        sent = outputs.new_zeros(sum(sizes), dtype=torch.uint8)
        for tensor, start in ((outputs.detach(), 0), (targets, sizes[0])):
            content = tensor[:mine].contiguous().flatten().view(torch.uint8)
            sent[start : start + len(content)] = content
        received = self.gather(sent)
        parts = [_rows(one[: sizes[0]], outputs, length) for one, length in zip(received, lengths, strict=True)]
        parts[self.rank] = outputs[:mine]
        joined = torch.cat(parts)
        if joined.requires_grad:
            joined.register_hook(lambda gradient: gradient * self.size)
        return joined, torch.cat(
            [_rows(one[sizes[0] :], targets, length) for one, length in zip(received, lengths, strict=True)]
        )

    def refuse_differences(self, run: dict[str, object]) -> None:
        """Raise, at every worker, unless all of them describe their run alike.

        Raises
        ------
        ValueError
            If they differ, with the first difference of each worker.
        """
        if self.size == 1:
            return
        own = json.dumps({name: str(value) for name, value in run.items()}).encode()
        counts = self.gather(torch.tensor([len(own)]))
        sent = torch.zeros(int(max(counts)), dtype=torch.uint8)
        sent[: len(own)] = torch.frombuffer(bytearray(own), dtype=torch.uint8)
        first, *others = [
            json.loads(one[: int(count)].numpy().tobytes())
            for one, count in zip(self.gather(sent), counts, strict=True)
        ]
        differences = [
            f"{name} is {other.get(name, '(none)')} at worker {rank} and {first.get(name, '(none)')} at worker 0"
            for rank, other in enumerate(others, start=1)
            for name in first | other
            if first.get(name) != other.get(name)
        ]
        if differences:
            raise ValueError(
                "the workers would train different things: "
                + "; ".join(differences)
                + ". Give all of them the same data, model and arguments"
            )

    def sum(self, values: list[float]) -> list[float]:
        """Add numbers up over the workers."""
        if self.size == 1:
            return values
        total = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(total)
        return total.tolist()

    def add_up(self, sums: Tensor) -> None:
        """Replace sums over this worker's part by those over all parts."""
        if self.size > 1:
            dist.all_reduce(sums)

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


def _rows(content: Tensor, like: Tensor, count: int) -> Tensor:
    """Turn bytes back into so many rows of the type and the shape of others."""
    row = like[0]
    return content[: count * row.nbytes].clone().view(like.dtype).reshape(count, *row.shape)


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
    try:
        store, rank, size = next(dist.rendezvous("env://"))
        # torchrun starts lost workers again, and its store still has the addresses of those that are gone.
        attempt = dist.PrefixStore(f"attempt {os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", store)
        dist.init_process_group(backend, store=attempt, rank=rank, world_size=size)
    except dist.DistError as error:
        reason = str(error).partition("\n")[0]
        raise WorkerError(
            f"this worker did not meet the others ({reason}): see their own messages, then start all of them again"
        ) from None
    atexit.register(_leave)


def _leave() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()
