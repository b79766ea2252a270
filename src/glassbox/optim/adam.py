"""Adam and AdamW: a step of about the same length for every parameter, whatever the scale of its gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.optimizer import ParamsT

from glassbox.optim._checks import (
    require_at_least_zero,
    require_no_recording,
    require_real,
    require_unset,
    with_gradients,
)


class Adam(Optimizer):
    r"""Divide a running mean of the gradient by the root of a running mean of its square.

    With the gradient :math:`g_t` at the parameters :math:`\theta_{t-1}`, the learning rate :math:`\gamma` and
    :math:`m_0 = v_0 = 0`,

    .. math::
        \begin{aligned}
        m_t &= \beta_1 m_{t-1} + (1 - \beta_1)\, g_t, & \hat m_t &= m_t / (1 - \beta_1^t) \\
        v_t &= \beta_2 v_{t-1} + (1 - \beta_2)\, g_t^2, & \hat v_t &= v_t / (1 - \beta_2^t) \\
        \theta_t &= \theta_{t-1} - \gamma\, \hat m_t / \bigl(\sqrt{\hat v_t} + \epsilon\bigr) . &&
        \end{aligned}

    The two means start at zero and are therefore too small at first; the divisions by :math:`1 - \beta^t` put that
    right. A weight decay :math:`\lambda` adds :math:`\lambda\, \theta_{t-1}` to :math:`g_t`.

    Parameters
    ----------
    params : iterable of Parameter, of (name, Parameter) pairs or of dict
        What to update. Each dict is a group with options of its own.
    lr : float or Tensor, default 1e-3
        Learning rate :math:`\gamma`: about the length of each parameter's step.
    betas : tuple of float, default (0.9, 0.999)
        :math:`\beta_1` and :math:`\beta_2`, the share of each running mean that is kept.
    eps : float, default 1e-8
        :math:`\epsilon`, which keeps the division from overflowing.
    weight_decay : float, default 0
        Factor :math:`\lambda` of the penalty :math:`\tfrac{\lambda}{2} \lVert \theta \rVert^2`.
    amsgrad : bool, default False
        Divide by the largest :math:`v_t` met so far, in place of the latest.
    foreach : bool, optional
        Of ``torch.optim.Adam``, accepted without effect: here the parameters are updated one after another.
    maximize : bool, default False
        Climb instead of descending: the sign of every gradient is changed first.
    capturable : bool, default False
        Keep the count :math:`t`, and the rate if it is a tensor, on the parameters' device, so that a CUDA graph that
        recorded one step goes on counting at each replay.
    differentiable, fused : bool, optional
        Of ``torch.optim.Adam``, not supported.
    decoupled_weight_decay : bool, default False
        Shrink the parameters directly instead of adding to the gradient: this is `AdamW`.

    Raises
    ------
    ValueError
        An option is out of its range.
    NotImplementedError
        An unsupported argument is set, a parameter is complex, or a gradient is sparse.
    RuntimeError
        A CUDA graph records a step without ``capturable=True``: every replay would repeat the same :math:`t`.

    References
    ----------
    Kingma and Ba, Adam: a method for stochastic optimization, 2015. https://doi.org/10.48550/arXiv.1412.6980

    Reddi, Kale and Kumar, On the convergence of Adam and beyond, 2018. https://doi.org/10.48550/arXiv.1904.09237

    Examples
    --------
    Two parameters whose gradients are 1,000 times apart take steps of the same length, the learning rate.

    >>> import torch
    >>> from glassbox.optim import Adam
    >>> theta = torch.nn.Parameter(torch.tensor([1.0, 1.0]))
    >>> optimizer = Adam([theta], lr=0.1)
    >>> (theta * torch.tensor([1.0, 1000.0])).sum().backward()
    >>> optimizer.step()
    >>> theta.data
    tensor([0.9000, 0.9000])
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        require_at_least_zero(lr=lr, eps=eps, weight_decay=weight_decay)
        require_unset(differentiable=differentiable, fused=fused)
        if any(isinstance(beta, Tensor) for beta in betas):
            raise NotImplementedError(f"glassbox.optim expects betas as floats, got betas={betas}: try .item()")
        if not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas expects two numbers from 0 to below 1, got betas={betas}: try (0.9, 0.999)")
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
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
            require_no_recording(type(self).__name__, group)
            self._descend(group)
        return loss

    def _descend(self, group: dict[str, Any]) -> None:
        """Apply the equations of the class to the parameters of a group, one after another."""
        (beta1, beta2), lr, eps, decay = group["betas"], group["lr"], group["eps"], group["weight_decay"]
        for theta, g in with_gradients(group):
            t, m, v = self._t_m_v(theta, group)
            if group["decoupled_weight_decay"]:
                theta *= 1 - lr * decay
            elif decay != 0:
                g = g + decay * theta
            m.mul_(beta1).add_(g, alpha=1 - beta1)  # m ← β₁ m + (1 − β₁) g
            v.mul_(beta2).addcmul_(g, g, value=1 - beta2)  # v ← β₂ v + (1 − β₂) g²
            if group["amsgrad"]:
                v = self._largest(theta, v)
            m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
            theta -= lr * m_hat / (v_hat.sqrt() + eps)

    def _t_m_v(self, theta: Tensor, group: dict[str, Any]) -> tuple[Any, Tensor, Tensor]:
        """Count a step of a parameter; return t, and m and v themselves, to be written over. All start at zero."""
        state = self.state[theta]
        if not state:
            device = theta.device if group["capturable"] else "cpu"  # a count on the CPU is read without waiting
            state["step"] = torch.zeros((), dtype=torch.float32, device=device)
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(theta), torch.zeros_like(theta)
            if group["amsgrad"]:
                state["max_exp_avg_sq"] = torch.zeros_like(theta)
        state["step"] += 1
        t = state["step"] if group["capturable"] else state["step"].item()  # a tensor for a CUDA graph to read anew
        return t, state["exp_avg"], state["exp_avg_sq"]

    def _largest(self, theta: Tensor, v: Tensor) -> Tensor:
        """Return the largest of :math:`v_1, ..., v_t` (AMSGrad)."""
        largest = self.state[theta]["max_exp_avg_sq"]
        return largest.copy_(torch.maximum(largest, v))


class AdamW(Adam):
    r"""Adam that shrinks the parameters directly, beside the step and not through the gradient.

    With the weight decay :math:`\lambda`, and :math:`\hat m_t`, :math:`\hat v_t` as in `Adam`,

    .. math::
        \theta_t = (1 - \gamma \lambda)\, \theta_{t-1} - \gamma\, \hat m_t / \bigl(\sqrt{\hat v_t} + \epsilon\bigr) .

    In `Adam` the decay is divided by :math:`\sqrt{\hat v_t}` like the rest of the gradient, so that parameters with
    large gradients decay less. Here all decay alike.

    Parameters
    ----------
    params, lr, betas, eps, amsgrad, maximize, foreach, capturable, differentiable, fused
        As for `Adam`.
    weight_decay : float, default 1e-2
        :math:`\lambda`.

    References
    ----------
    Loshchilov and Hutter, Decoupled weight decay regularization, 2019. https://doi.org/10.48550/arXiv.1711.05101

    Examples
    --------
    Without a gradient to follow, a parameter shrinks by :math:`\gamma \lambda`.

    >>> import torch
    >>> from glassbox.optim import AdamW
    >>> theta = torch.nn.Parameter(torch.tensor([1.0]))
    >>> theta.grad = torch.zeros(1)
    >>> AdamW([theta], lr=0.1, weight_decay=0.5).step()
    >>> theta.data
    tensor([0.9500])
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            maximize=maximize,
            foreach=foreach,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:  # also when a state of Adam is loaded
            group["decoupled_weight_decay"] = True
