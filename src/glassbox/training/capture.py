"""A whole training step recorded as a CUDA graph.

A small network keeps a GPU waiting: starting its hundreds of kernels from Python takes longer than running them. A
graph records the kernels of one step, with the addresses of their tensors, and starts them all at once from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.optim import Optimizer

from glassbox.training.device import move_optimizer

STEPS_BEFORE = 3
"""Steps on a side stream before the recording: libraries choose their kernels, and the optimizer makes its state."""

Step = Callable[[Tensor, int, float], None]


def why_not_capture(device: torch.device, workers: int, rows_stay: bool, optimizer: Optimizer) -> str | None:
    """Return why the steps of a run cannot be captured, or None if that can be tried.

    Examples
    --------
    >>> parameter = torch.nn.Parameter(torch.zeros(1))
    >>> why_not_capture(torch.device("cpu"), 1, True, torch.optim.SGD([parameter]))
    'cpu has no CUDA graphs'
    """
    if device.type != "cuda":
        return f"{device.type} has no CUDA graphs"
    if workers > 1:
        return "several workers train together"
    if not rows_stay:
        return "the data do not stay on the GPU"
    if any("capturable" not in group for group in optimizer.param_groups) and type(optimizer).__name__ != "SGD":
        return f"{type(optimizer).__name__} has no option 'capturable'"
    return None


class CapturedStep:
    """A step that is run a few times, then recorded, and replayed from then on.

    Parameters
    ----------
    step : callable
        The step, a function of (indices, count, weight). It must not read a result back from the GPU.
    batch_size : int
        Steps on other sizes, such as the last batch of an epoch, are run and not replayed.
    generator : torch.Generator
        Random numbers of the augmentation, which a replay must advance.
    required : bool
        Whether to raise if the recording fails, in place of running every step.

    Attributes
    ----------
    failure : str or None
        Why the recording failed, if it did: then every step is run.
    """

    def __init__(self, step: Step, batch_size: int, generator: torch.Generator, *, required: bool) -> None:
        self.required = required
        self.step = step
        self.batch_size = batch_size
        self.generator = generator
        self.failure: str | None = None
        self._stream = torch.cuda.Stream(generator.device)
        self._graph: torch.cuda.CUDAGraph | None = None
        self._steps_run = 0

    def __call__(self, indices: Tensor, count: int, weight: float) -> None:
        """Make the step, in whichever way."""
        if self.failure is not None or len(indices) != self.batch_size:
            self.step(indices, count, weight)
        elif self._graph is not None:
            self._indices.copy_(indices)
            self._graph.replay()
        elif self._steps_run < STEPS_BEFORE:
            self._run_aside(indices, count, weight)
        else:
            self._record(indices, count, weight)
            self(indices, count, weight)

    def _run_aside(self, indices: Tensor, count: int, weight: float) -> None:
        self._steps_run += 1
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            self.step(indices, count, weight)
        torch.cuda.current_stream().wait_stream(self._stream)

    def _record(self, indices: Tensor, count: int, weight: float) -> None:
        """Record the step, which changes no weight yet."""
        self._indices = indices.clone()
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(self.generator)
        try:
            with torch.cuda.graph(graph):
                self.step(self._indices, count, weight)
        except Exception as error:  # whatever a model does in its forward pass
            torch.cuda.synchronize()
            if self.required:
                raise
            self.failure = f"the step cannot be recorded: {str(error).splitlines()[0]}"
        else:
            self._graph = graph


@contextmanager
def capturable(optimizer: Optimizer, device: torch.device) -> Iterator[None]:
    """Keep an optimizer's step count and rate on the GPU inside the block, where a replay can see them change."""
    before = [(group, group["lr"], group.get("capturable")) for group in optimizer.param_groups]
    for group, rate, option in before:
        group["lr"] = torch.tensor(float(rate), device=device)
        if option is not None:
            group["capturable"] = True
    move_optimizer(optimizer, device)
    try:
        yield
    finally:
        for group, rate, option in before:
            group["lr"] = rate
            if option is not None:
                group["capturable"] = option
        move_optimizer(optimizer, device)
