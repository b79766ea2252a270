"""Where the computation runs, and the random numbers that are drawn there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.optim import Optimizer


def choose_device(device: str | torch.device = "auto") -> torch.device:
    """Turn a name into a device that is there.

    Parameters
    ----------
    device : str or torch.device, default "auto"
        ``"auto"`` takes CUDA, then MPS (Apple), then the CPU.

    Returns
    -------
    torch.device
        The device.

    Raises
    ------
    ValueError
        If there is no such device.

    Examples
    --------
    >>> choose_device("cpu")
    device(type='cpu')
    """
    if device == "auto":
        device = next(kind for kind in ("cuda", "mps", "cpu") if _count(kind))
    try:
        chosen = torch.device(device)
    except (RuntimeError, TypeError):
        raise ValueError(f"device {device if device is None else str(device)!r} is unknown; {_available()}") from None
    if (chosen.index or 0) >= _count(chosen.type):
        raise ValueError(f"device {str(device)!r} is not there; {_available()}")
    return torch.device(chosen.type, torch.cuda.current_device()) if str(chosen) == "cuda" else chosen


def _count(kind: str) -> int:
    """Return how many devices of a kind there are."""
    if kind == "cuda":
        return torch.cuda.device_count()
    if kind == "mps":
        return int(torch.backends.mps.is_available())
    return int(kind == "cpu")


def _available() -> str:
    names = [f'"{kind}"' for kind in ("cuda", "mps", "cpu") if _count(kind)]
    return f'this machine has {", ".join(names)}, and "auto" takes the first'


def describe_device(device: torch.device) -> str:
    """Return a device in words.

    Examples
    --------
    >>> describe_device(torch.device("cpu"))
    'cpu'
    """
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return str(device)


def fits(nbytes: int, device: torch.device) -> bool:
    """Tell whether data may stay on a device, taking at most half of the memory that is free there."""
    if device.type == "cuda":
        return nbytes <= torch.cuda.mem_get_info(device)[0] // 2
    if device.type == "mps":
        free = torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory()
        return nbytes <= free // 2
    return True


def random_states(device: torch.device) -> dict[str, Tensor]:
    """Return the state of torch's random numbers on the CPU and on a device, by the kind of device."""
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    if device.type == "mps":
        states["mps"] = torch.mps.get_rng_state()
    return states


def set_random_states(states: dict[str, Tensor], device: torch.device) -> None:
    """Put back what `random_states` returned."""
    torch.set_rng_state(states["cpu"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(states["cuda"], device)
    if device.type == "mps":
        torch.mps.set_rng_state(states["mps"])


def seed_random(seed: int, device: torch.device) -> None:
    """Seed torch's random numbers on the CPU and on a device, and on no other device."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.default_generators[device.index or 0].manual_seed(seed)
    if device.type == "mps":
        torch.mps.manual_seed(seed)


@contextmanager
def random_numbers_kept(device: torch.device) -> Iterator[None]:
    """Put torch's random numbers back, at the end of the block, to where they were before it."""
    states = random_states(device)
    try:
        yield
    finally:
        set_random_states(states, device)


@contextmanager
def modes_kept(model: nn.Module) -> Iterator[None]:
    """Put each module back, at the end of the block, into the mode that it was in: training or evaluation."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def device_of(model: nn.Module) -> torch.device:
    """Return the device of a model's parameters.

    Raises
    ------
    ValueError
        If the model has no parameters, or has them on several devices.
    """
    devices = {parameter.device for parameter in model.parameters()}
    if not devices:
        raise ValueError(f"{type(model).__name__} has no parameters: there is nothing to train")
    if len(devices) > 1:
        names = ", ".join(sorted(map(str, devices)))
        raise ValueError(f"{type(model).__name__} has parameters on several devices ({names}); move it to one first")
    device = devices.pop()
    if device.type == "meta":
        raise ValueError(
            f"{type(model).__name__} is on the device meta, where weights have a shape and no numbers: build it "
            'outside torch.device("meta"), or fill it by model.to_empty(device="cpu") and its own initial weights'
        )
    return device


def move_optimizer(optimizer: Optimizer, device: torch.device) -> None:
    """Move what an optimizer remembers to a device, but leave step counts on the CPU where the optimizer wants them."""
    for group in optimizer.param_groups:
        counts_move = group.get("capturable") or group.get("fused")
        for parameter in group["params"]:
            state = optimizer.state.get(parameter, {})
            for name, value in state.items():
                if isinstance(value, Tensor):
                    state[name] = value.to(device if name != "step" or counts_move else "cpu")


@contextmanager
def lent(device: torch.device, *modules: object) -> Iterator[None]:
    """Move modules to a device, and make it the current one; at the end of the block, move each back to where it was.

    What is no module, such as a loss that is a function, stays where it is.
    """
    homes = [(module, _home(module)) for module in modules if isinstance(module, nn.Module)]
    for module, _ in homes:
        module.to(device)
    try:
        with current(device):
            yield
    finally:
        for module, home in homes:
            module.to(home or device)


def _home(module: nn.Module) -> torch.device | None:
    return next((tensor.device for tensor in (*module.parameters(), *module.buffers())), None)


@contextmanager
def optimizer_lent(optimizer: Optimizer, device: torch.device) -> Iterator[None]:
    """Move what an optimizer remembers to a device, and, at the end of the block, back to where its parameters were.

    It stands outside the block that lends the model, whose parameters tell where that was.
    """
    home = optimizer.param_groups[0]["params"][0].device
    move_optimizer(optimizer, device)
    try:
        yield
    finally:
        move_optimizer(optimizer, home)


def current(device: torch.device) -> AbstractContextManager[object]:
    """Make a GPU, inside the block, the one that streams and graphs are made on."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


def numbers(precision: str, kind: str) -> AbstractContextManager[object]:
    """Compute in a precision on a kind of device, inside the block."""
    if precision == "float32":
        return nullcontext()
    # A CUDA graph could not see a cached copy of the weights change.
    return torch.autocast(kind, torch.bfloat16, cache_enabled=kind != "cuda")
