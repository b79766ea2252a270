"""What a network was at some moments of its training, for a page on which they are played."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from torch import Tensor
from torch.nn import Module

ALL_AT_FIRST = 32
"""Steps of which every state is kept, as in ``js/film.js``."""


class Recorder:
    r"""Record the states that a network goes through while it is trained, for `export` and `show` to play.

    The first state is that of its making. Each call keeps one more. Where `glassbox.training.fit` calls it, after
    each epoch, all states are kept, and bear the epoch's numbers. Called after each step, it keeps the first 32 states,
    then every second, fourth, ... as the steps double, and always the last one.

    Parameters
    ----------
    model : Module
        The network that is trained, as `export` takes it.

    Raises
    ------
    TypeError
        If the model is no module.

    Examples
    --------
    Once an epoch:

    >>> import torch
    >>> from glassbox import explain, nn
    >>> from glassbox.training import fit
    >>> images, labels = torch.rand(60, 1, 4, 4), torch.arange(60) % 2
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(16, 3), nn.ReLU(), nn.Linear(3, 2))
    >>> recorder = explain.Recorder(model)
    >>> history = fit(model, (images, labels), epochs=3, on_epoch=recorder)
    >>> [name.split(":")[0] for name, state in recorder]
    ['start', 'epoch 1, step 2', 'epoch 2, step 4', 'epoch 3, step 6']
    >>> frame = explain.show(recorder, images[:5], labels=labels[:5])

    After each step of any optimizer of torch, in a loop of one's own or in `fit`, where it captures no CUDA graph:

    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> recorder = explain.Recorder(model)
    >>> handle = optimizer.register_step_post_hook(recorder)
    >>> for _ in range(100):
    ...     optimizer.zero_grad()
    ...     nn.functional.cross_entropy(model(images), labels).backward()
    ...     optimizer.step()
    >>> handle.remove()
    >>> len(recorder), list(recorder)[-1][0]
    (58, 'step 100')
    """

    def __init__(self, model: Module) -> None:
        if not isinstance(model, Module):
            raise TypeError(f"Recorder expects a network, got {type(model).__name__}: try Recorder(model)")
        self.model = model
        self.calls = 0
        self._kept: list[tuple[str, dict[str, Tensor]]] = []
        self._last = ("start", _copied(model))
        self._keep()

    def __call__(self, row: Any = None, *_: object) -> None:
        """Keep the state of now. A row of a history names it; whatever else a hook hands over does not matter."""
        self.calls += 1
        is_row = hasattr(row, "epoch") and hasattr(row, "steps")
        self._last = (_words(row) if is_row else f"step {self.calls}", _copied(self.model))
        gap = 2 ** max(0, math.floor(math.log2(self.calls / (ALL_AT_FIRST / 2))))
        if is_row or self.calls % gap == 0:
            self._keep()

    def __iter__(self) -> Iterator[tuple[str, dict[str, Tensor]]]:
        """Give the name of each state and its ``state_dict``, on the CPU."""
        yield from self._kept
        if self._kept[-1] is not self._last:
            yield self._last

    def __len__(self) -> int:
        return len(self._kept) + (self._kept[-1] is not self._last)

    def _keep(self) -> None:
        self._kept.append(self._last)


def _copied(model: Module) -> dict[str, Tensor]:
    """Copy the state: torch's own refers to the weights, and changes with them."""
    return {name: tensor.detach().to("cpu", copy=True) for name, tensor in model.state_dict().items()}


def _words(row: Any) -> str:
    """Say what a row of a history knows of its epoch."""
    measured = [f"loss {row.loss:.3f}"]
    measured += [] if row.accuracy is None else [f"{row.accuracy:.1%} right"]
    if row.validation_loss is not None:
        measured.append(f"validation loss {row.validation_loss:.3f}")
    if row.validation_accuracy is not None:
        measured.append(f"{row.validation_accuracy:.1%} right")
    return f"epoch {row.epoch}, step {row.steps}: {', '.join(measured)}"
