"""A whole training step recorded as a CUDA graph.

A small network keeps a GPU waiting: starting its hundreds of kernels from Python takes longer than running them. A
graph records the kernels of one step, with the addresses of their tensors, and starts them all at once from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import Tensor
from torch.optim import Optimizer

from glassbox.training.device import current, move_optimizer
from glassbox.training.schedule import Rates

STEPS_BEFORE = 3
"""Steps on a side stream before the recording: libraries choose their kernels, and the optimizer makes its state."""

Step = Callable[[Any, Tensor], None]
"""A function of a run and the rows of a batch."""


def why_not_capture(device: torch.device, workers: int, rows_stay: bool, rates: Rates) -> str | None:
    """Return why the steps of a run cannot be captured, or None if that can be tried.

    Examples
    --------
    >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))])
    >>> why_not_capture(torch.device("cpu"), 1, True, Rates(None, optimizer, 10))
    'cpu has no CUDA graphs'
    """
    if device.type != "cuda":
        return f"{device.type} has no CUDA graphs"
    if workers > 1:
        return "several workers train together"
    if not rows_stay:
        return "the data do not stay on the GPU"
    optimizer = rates.optimizer
    if any("capturable" not in group for group in optimizer.param_groups) and type(optimizer).__name__ != "SGD":
        return f"{type(optimizer).__name__} has no option 'capturable'"
    if rates.scheduler is not None:  # a graph sees the rate change, and neither momentum nor betas
        return f"{type(rates.scheduler).__name__} may change more than the learning rate"
    return None


class Steps:
    """Makes steps: where a GPU can, the first few are run, one is recorded, and that is replayed from then on.

    Parameters
    ----------
    step : callable
        The step, a function of (run, indices). To be recorded it must not read a result back from the GPU.
    batch_size : int
        Steps on other sizes, such as the last batch of an epoch, are run and not replayed.
    device : torch.device
        Where the step computes.
    capture : {"auto", True, False}
        Whether to record: if it can be done, at any price, or not at all.
    obstacle : str or None
        Why it cannot be done, if it cannot.

    Attributes
    ----------
    off : str or None
        Why every step is run, or None.

    Raises
    ------
    ValueError
        If there is an obstacle and ``capture=True``.
    """

    def __init__(
        self,
        step: Step,
        batch_size: int,
        device: torch.device,
        *,
        capture: Literal["auto"] | bool,
        obstacle: str | None,
    ) -> None:
        if capture is True and obstacle:
            raise ValueError(f'capture=True is not possible: {obstacle}; use capture="auto"')
        self.step = step
        self.batch_size = batch_size
        self.device = device
        self.required = capture is True
        self.off = obstacle or (None if capture else "not asked for")
        self._graph: torch.cuda.CUDAGraph | None = None
        self._steps_run = 0
        if self.off is None:
            self._stream = torch.cuda.Stream(device)

    def __str__(self) -> str:
        return "on" if self.off is None else f"off: {self.off}"

    def __call__(self, run: Any, indices: Tensor) -> None:
        """Make a step, in whichever way."""
        if self.off is not None or len(indices) != self.batch_size:
            self.step(run, indices)
        elif self._graph is not None:
            self._indices.copy_(indices)
            self._graph.replay()
        elif self._steps_run < STEPS_BEFORE:
            self._run_aside(run, indices)
        else:
            self._record(run, indices)
            self(run, indices)

    def _run_aside(self, run: Any, indices: Tensor) -> None:
        self._steps_run += 1
        before = torch.cuda.current_stream(self.device)
        self._stream.wait_stream(before)
        with torch.cuda.stream(self._stream):
            self.step(run, indices)
        before.wait_stream(self._stream)

    def _record(self, run: Any, indices: Tensor) -> None:
        """Record the step, which changes no weight yet."""
        self._indices = indices.clone()
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(run.generator)
        try:
            # On a stream of this device: torch's own for graphs belongs to the device that was recorded on first.
            with current(self.device), torch.cuda.graph(graph, stream=self._stream):
                self.step(run, self._indices)
        except Exception as error:  # whatever a model does in its forward pass
            torch.cuda.synchronize(self.device)
            if self.required:
                raise
            self.off = f"the step cannot be recorded: {str(error).splitlines()[0]}"
        else:
            self._graph = graph

    @contextmanager
    def ready(self, optimizer: Optimizer) -> Iterator[None]:
        """Make an optimizer, inside the block, one whose steps can be recorded, if any will be."""
        if self.off is not None:
            yield
            return
        with capturable(optimizer, self.device):
            yield


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
