"""Stochastic gradient descent: a step against the gradient, with a memory of the steps before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.optimizer import ParamsT

from glassbox.optim._checks import require_at_least_zero, require_real, require_unset, with_gradients


class SGD(Optimizer):
    r"""Move every parameter against its gradient, with momentum if asked for.

    With the gradient :math:`g_t` at the parameters :math:`\theta_{t-1}`, the learning rate :math:`\gamma`, the weight
    decay :math:`\lambda`, the momentum :math:`\mu` and the dampening :math:`\tau`,

    .. math::
        \begin{aligned}
        g_t &\leftarrow g_t + \lambda\, \theta_{t-1} \\
        b_t &= \mu\, b_{t-1} + (1 - \tau)\, g_t, \qquad b_1 = g_1 \\
        \theta_t &= \theta_{t-1} - \gamma\, b_t .
        \end{aligned}

    With ``nesterov=True`` the last line takes :math:`g_t + \mu\, b_t` in place of :math:`b_t`; without momentum it
    takes :math:`g_t`. The gradient is computed on a mini-batch drawn at random: this is where *stochastic* comes from.

    Parameters
    ----------
    params : iterable of Parameter, of (name, Parameter) pairs or of dict
        What to update. Each dict is a group with options of its own.
    lr : float or Tensor, default 1e-3
        Learning rate :math:`\gamma`. A tensor stays a tensor, so that a CUDA graph can read it anew.
    momentum : float, default 0
        Momentum :math:`\mu`.
    dampening : float, default 0
        Dampening :math:`\tau` of the gradient that enters the momentum.
    weight_decay : float, default 0
        Factor :math:`\lambda` of the penalty :math:`\tfrac{\lambda}{2} \lVert \theta \rVert^2`.
    nesterov : bool, default False
        Use Nesterov's momentum. It needs a momentum and no dampening.
    maximize : bool, default False
        Climb instead of descending: the sign of every gradient is changed first.
    foreach : bool, optional
        Of ``torch.optim.SGD``, accepted without effect: here the parameters are updated one after another.
    differentiable, fused : bool, optional
        Of ``torch.optim.SGD``, not supported.

    Raises
    ------
    ValueError
        An option is out of its range.
    NotImplementedError
        An unsupported argument is set, a parameter is complex, or a gradient is sparse.

    References
    ----------
    Robbins and Monro, A stochastic approximation method, 1951. https://doi.org/10.1214/aoms/1177729586

    Polyak, Some methods of speeding up the convergence of iteration methods, 1964.
    https://doi.org/10.1016/0041-5553(64)90137-5

    Sutskever et al., On the importance of initialization and momentum in deep learning, 2013.
    https://proceedings.mlr.press/v28/sutskever13.html

    Examples
    --------
    One step on :math:`\theta^2`, whose gradient at 3 is 6.

    >>> import torch
    >>> from glassbox.optim import SGD
    >>> theta = torch.nn.Parameter(torch.tensor([3.0]))
    >>> optimizer = SGD([theta], lr=0.1)
    >>> (theta**2).sum().backward()
    >>> optimizer.step()
    >>> theta.data
    tensor([2.4000])
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        require_at_least_zero(lr=lr, momentum=momentum, weight_decay=weight_decay)
        require_unset(differentiable=differentiable, fused=fused)
        if nesterov and (momentum == 0 or dampening != 0):
            raise ValueError(
                "nesterov=True expects a momentum above zero and no dampening, "
                f"got momentum={momentum} and dampening={dampening}: try momentum=0.9"
            )
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters, as a dict of ``params`` and of the options that differ from the defaults."""
        super().add_param_group(param_group)
        require_real(self.param_groups[-1])

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters once.

        Parameters
        ----------
        closure : callable, optional
            Clears the gradients, computes the loss and its gradients, and returns the loss.

        Returns
        -------
        object
            What the closure returned, or None.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            self._descend(group)
        return loss

    def _descend(self, group: dict[str, Any]) -> None:
        """Apply the equations of the class to the parameters of a group, one after another."""
        lr, mu, tau, decay = group["lr"], group["momentum"], group["dampening"], group["weight_decay"]
        for theta, g in with_gradients(group):
            if decay != 0:
                g = g + decay * theta
            if mu != 0:
                b = self.state[theta].get("momentum_buffer")
                # b ← μ b + (1 − τ) g: it will be written over, and g is the parameter's own.
                b = g.clone() if b is None else b.mul_(mu).add_(g, alpha=1 - tau)
                self.state[theta]["momentum_buffer"] = b
                step = g + mu * b if group["nesterov"] else b
            else:
                step = g
            if isinstance(lr, Tensor):
                theta -= lr * step  # a CUDA graph reads the tensor anew
            else:
                theta.sub_(step, alpha=lr)  # θ ← θ − γ step, without a second tensor as large
