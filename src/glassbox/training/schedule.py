"""How the learning rate changes while a network learns."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

TRIED = 1000
"""At so many moments of the run, at most, a function of progress is tried before the first step."""


@dataclass(frozen=True)
class OneCycle:
    r"""A schedule: the step size grows in a straight line, then falls to zero along half a cosine.

    .. math::

        f(p) = \begin{cases}
            s + (1 - s)\, p / w & p < w \\
            \tfrac12 \left(1 + \cos \pi \tfrac{p - w}{1 - w}\right) & p \ge w
        \end{cases}

    It is a function of progress :math:`p` in [0, 1] for the argument ``schedule`` of `glassbox.training.fit`.

    Parameters
    ----------
    warm_up : float
        The share :math:`w` of the run that the growth takes.
    start : float
        The factor :math:`s` at the beginning.

    References
    ----------
    L. N. Smith and N. Topin, "Super-convergence: very fast training of neural networks using large learning rates",
    2019, https://doi.org/10.1117/12.2520589

    Examples
    --------
    >>> factor = OneCycle(warm_up=0.2, start=0.1)
    >>> [round(factor(p), 2) for p in (0, 0.1, 0.2, 0.6, 1)]
    [0.1, 0.55, 1.0, 0.5, 0.0]
    """

    warm_up: float = 0.2
    start: float = 0.1

    def __call__(self, progress: float) -> float:
        """Return the factor on the learning rate."""
        if progress < self.warm_up:
            return self.start + (1 - self.start) * progress / self.warm_up
        return 0.5 * (1 + math.cos(math.pi * (progress - self.warm_up) / (1 - self.warm_up)))


class Rates:
    """The learning rates of an optimizer over a run, whoever sets them.

    Parameters
    ----------
    schedule : callable, LRScheduler or None
        A function of progress that returns a factor, a scheduler of torch, or a function of the optimizer that makes
        one.
    optimizer : Optimizer
        Whose rates they are.
    steps : int
        Updates of the whole run.

    Attributes
    ----------
    asked : object
        The schedule as it was given.
    scheduler : LRScheduler or None
        Torch's, if it is one.
    now : float
        The rate of the first group of parameters at the update under way.

    Raises
    ------
    TypeError, ValueError
        If the schedule gives no rates.
    """

    def __init__(self, schedule: Any, optimizer: Optimizer, steps: int) -> None:
        self.asked = schedule
        self.optimizer = optimizer
        self.steps = steps
        self._before = [_copy(group) for group in optimizer.param_groups]
        self._first = [float(group["lr"]) for group in optimizer.param_groups]
        self.now = self._first[0]
        try:
            self.scheduler = _scheduler(schedule, optimizer)
            self._factor = schedule if self.scheduler is None else None
            if self._factor is not None:
                for moment in range(min(steps, TRIED)):
                    _checked_factor(self._factor, moment / min(steps, TRIED))
        except BaseException:
            self._put_back()
            raise

    def set(self, step: int) -> None:
        """Set the rates for an update, 0 being the first."""
        if self.scheduler is not None:
            self.now = float(self.optimizer.param_groups[0]["lr"])
        if self._factor is None:
            return
        factor = _checked_factor(self._factor, step / self.steps)
        self.now = self._first[0] * factor
        for group, rate in zip(self.optimizer.param_groups, self._first, strict=True):
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate * factor)
            else:
                group["lr"] = rate * factor

    def advance(self) -> None:
        """Tell torch's scheduler, if there is one, that an update was made."""
        if self.scheduler is None:
            return
        self.scheduler.step()
        rates = [float(group["lr"]) for group in self.optimizer.param_groups]
        if not all(math.isfinite(rate) and rate >= 0 for rate in rates):
            raise ValueError(f"{type(self.scheduler).__name__} set the learning rate {rates}; it must not be negative")

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Put the optimizer's options back at the end of the block, unless a scheduler of the caller's set them."""
        try:
            yield
        finally:
            if self.scheduler is None or self.scheduler is not self.asked:
                self._put_back()

    def _put_back(self) -> None:
        for group, before in zip(self.optimizer.param_groups, self._before, strict=True):
            for name in set(group) - set(before) - {"params"}:
                del group[name]
            for name, value in before.items():
                if isinstance(value, Tensor) and isinstance(group[name], Tensor):
                    group[name].copy_(value)
                else:
                    group[name] = value

    def state(self) -> dict[str, Any] | None:
        """Return what a checkpoint must remember, ready for JSON: nothing where rates follow from progress."""
        if self.scheduler is None:
            return None
        groups = [{name: _plain(value) for name, value in _copy(group).items()} for group in self._groups()]
        return {"scheduler": _plain(self.scheduler.state_dict()), "groups": groups}

    def set_state(self, state: dict[str, Any] | None) -> None:
        """Take up what `state` returned."""
        if state is None or self.scheduler is None:
            return
        self.scheduler.load_state_dict(_like(self.scheduler.state_dict(), state["scheduler"]))
        for group, saved in zip(self._groups(), state["groups"], strict=True):
            group.update(_like(_copy(group), saved))

    def _groups(self) -> list[dict[str, Any]]:
        return self.optimizer.param_groups


def _scheduler(schedule: Any, optimizer: Optimizer) -> LRScheduler | None:
    """Return the scheduler of torch that a schedule is or makes, or None if it is a function of progress."""
    made = schedule
    if schedule is None:
        return None
    if not isinstance(schedule, LRScheduler):
        try:
            schedule(0.0)
        except Exception as error:
            try:
                made = schedule(optimizer)
            except Exception:
                raise ValueError(
                    f"schedule cannot be called with the progress 0.0: {error}; expects a function of the progress "
                    "that returns a factor, or one of the optimizer that returns an LRScheduler: "
                    "lambda optimizer: StepLR(optimizer, 100)"
                ) from error
            if not isinstance(made, LRScheduler):
                raise ValueError(f"schedule cannot be called with the progress 0.0: {error}") from error
        else:
            return None
    if isinstance(made, ReduceLROnPlateau):
        raise ValueError(
            "ReduceLROnPlateau waits for a measurement, and fit steps a schedule at every update: try a function of "
            "the progress, such as glassbox.training.OneCycle(), or another scheduler"
        )
    if made.optimizer is not optimizer:
        raise ValueError(
            f"the schedule, {type(made).__name__}, belongs to another optimizer: pass that optimizer too, or a "
            f"function that makes it, lambda optimizer: {type(made).__name__}(optimizer, ...)"
        )
    return made


def _checked_factor(schedule: Callable[[float], Any], progress: float) -> float:
    """Return the factor at a moment; raise unless it is a number that a rate can be multiplied by."""
    factor = schedule(progress)
    try:
        number = float(factor) if not isinstance(factor, str) else math.nan
    except (TypeError, ValueError, RuntimeError):
        number = math.nan
    if not 0 <= number < math.inf:
        raise ValueError(
            f"schedule returned {factor!r} at progress {progress:.3g}; expects the factor of the learning rate, a "
            "finite number that is 0 or more"
        )
    return number


def _copy(group: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a group of parameters, which later changes leave alone."""
    return {
        name: value.detach().clone() if isinstance(value, Tensor) else value
        for name, value in group.items()
        if name != "params"
    }


def _plain(value: Any) -> Any:
    """Turn a state into numbers, texts, lists and dicts."""
    if isinstance(value, dict):
        return {str(name): _plain(held) for name, held in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(held) for held in value]
    if isinstance(value, Tensor):
        return value.tolist()
    return value if isinstance(value, bool | int | float | str) else None


def _like(fresh: Any, saved: Any) -> Any:
    """Turn what `_plain` made back into the kinds that a fresh state has."""
    if isinstance(fresh, dict):
        names = {str(name): name for name in fresh}
        merged = {names.get(name, name): _like(fresh.get(names.get(name, name)), held) for name, held in saved.items()}
        return type(fresh)(merged)
    if isinstance(fresh, list | tuple) and isinstance(saved, list):
        pairs = zip(fresh, saved, strict=True) if len(fresh) == len(saved) else ((None, held) for held in saved)
        return type(fresh)(_like(was, held) for was, held in pairs)
    if isinstance(fresh, Tensor):
        return fresh.new_tensor(saved)
    return fresh if saved is None else saved
