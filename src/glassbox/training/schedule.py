"""How the learning rate changes while a network learns."""

from __future__ import annotations

import math
from dataclasses import dataclass


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
