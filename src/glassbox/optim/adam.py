"""Adam and AdamW: a step of about the same length for every parameter, whatever the scale of its gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.optimizer import ParamsT

from glassbox.optim.common import Tensors, is_capturing, refuse, refuse_complex, require_at_least_zero, with_gradients


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
        ``False`` updates one parameter at a time, which takes less memory and more time.
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
        refuse(differentiable=differentiable, fused=fused)
        if any(isinstance(beta, Tensor) for beta in betas):
            raise NotImplementedError("betas as tensors are not supported by glassbox.optim: pass two floats.")
        if not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas must be two numbers from 0 up to, but not including, 1, but betas={betas} came.")
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
        refuse_complex(self.param_groups[-1])

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
            for parameters, gradients in with_gradients(group):
                if is_capturing(parameters) and not group["capturable"]:
                    raise RuntimeError(
                        f"A CUDA graph is recording a step of {type(self).__name__}, which would repeat the same step "
                        "count at every replay: build the optimizer with capturable=True."
                    )
                self._descend(parameters, gradients, group)
        return loss

    def _descend(self, parameters: list[Tensor], gradients: Tensors, group: dict[str, Any]) -> None:
        """Apply the equations of the class to a list of parameters."""
        (beta1, beta2), weight_decay = group["betas"], group["weight_decay"]
        lr = group["lr"] if group["capturable"] else float(group["lr"])
        states = [self._state(parameter, group) for parameter in parameters]
        mean, square, steps = ([state[key] for state in states] for key in ("exp_avg", "exp_avg_sq", "step"))
        torch._foreach_add_(steps, 1)
        if group["maximize"]:
            gradients = torch._foreach_neg(gradients)
        if weight_decay != 0 and group["decoupled_weight_decay"]:  # θ ← θ − γ λ θ
            torch._foreach_mul_(parameters, 1 - lr * weight_decay)
        elif weight_decay != 0:  # g + λ θ
            gradients = torch._foreach_add(gradients, parameters, alpha=weight_decay)

        torch._foreach_lerp_(mean, gradients, 1 - beta1)  # m ← β₁ m + (1 − β₁) g
        torch._foreach_mul_(square, beta2)  # v ← β₂ v + (1 − β₂) g²
        torch._foreach_addcmul_(square, gradients, gradients, 1 - beta2)
        if group["amsgrad"]:
            largest = [state["max_exp_avg_sq"] for state in states]
            torch._foreach_maximum_(largest, square)
            square = largest

        rates, roots = _corrected(lr, beta1, beta2, steps, capturable=group["capturable"])
        denominators = torch._foreach_sqrt(square)  # √v̂ + ε
        torch._foreach_div_(denominators, roots)
        torch._foreach_add_(denominators, group["eps"])
        changes = torch._foreach_div(mean, denominators)  # γ m̂ / (√v̂ + ε)
        torch._foreach_mul_(changes, rates)
        torch._foreach_sub_(parameters, changes)

    def _state(self, parameter: Tensor, group: dict[str, Any]) -> dict[str, Tensor]:
        """Return the running means of a parameter, which start at zero."""
        state = self.state[parameter]
        if not state:
            device = parameter.device if group["capturable"] else "cpu"  # a count on the CPU is read without waiting
            state["step"] = torch.zeros((), dtype=torch.float32, device=device)
            state["exp_avg"] = torch.zeros_like(parameter)
            state["exp_avg_sq"] = torch.zeros_like(parameter)
            if group["amsgrad"]:
                state["max_exp_avg_sq"] = torch.zeros_like(parameter)
        return state


def _corrected(
    lr: float | Tensor, beta1: float, beta2: float, steps: list[Tensor], *, capturable: bool
) -> tuple[Any, Any]:
    """Return γ / (1 − β₁ᵗ) and √(1 − β₂ᵗ) for each parameter: numbers, or tensors that a CUDA graph computes anew."""
    if capturable:
        first, second = (
            torch._foreach_add(torch._foreach_neg(torch._foreach_pow(beta, steps)), 1) for beta in (beta1, beta2)
        )
        return torch._foreach_mul(torch._foreach_reciprocal(first), lr), torch._foreach_sqrt(second)
    counts = [step.item() for step in steps]
    return [lr / (1 - beta1**count) for count in counts], [(1 - beta2**count) ** 0.5 for count in counts]


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
