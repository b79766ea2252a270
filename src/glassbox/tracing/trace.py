"""What every layer of a network received and made, during one call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import Module

from glassbox.tracing.terms import Explanation, explained

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, eq=False)
class Record:
    """What one layer did during one call.

    Attributes
    ----------
    name : str
        The layer's name in the model. A layer that is called again is recorded as ``name#2``, ``name#3``...
    kind : str
        The name of its class, for instance ``"Conv2d"``.
    input, output : Tensor
        Copies of what came in and what went out. A tuple of copies where a layer takes or gives several tensors.
    parameters : int
        How many numbers the layer learns, without those of the layers inside it. Numbers that were already counted
        in an earlier record (the same layer again, a shared weight) are not counted twice.
    gradient : Tensor or None
        The derivative of the loss with respect to `output`, when `trace` was given a loss.
    layer : Module
        The layer itself.
    state : dict of str to Tensor
        Copies of its own parameters and buffers, as they were during the call.
    """

    name: str
    kind: str
    input: Any
    output: Any
    parameters: int
    gradient: Tensor | None
    layer: Module
    state: dict[str, Tensor]

    @property
    def shape(self) -> Any:
        """The shape of the output; a tuple of shapes where there are several outputs."""
        return _shape(self.output)

    def terms(self, *index: int) -> Explanation:
        """Show one number of the output as the sum, or the maximum, that made it.

        Parameters
        ----------
        *index : int
            Which number of the output: n, channel, row, column of an image, or n, feature of a vector. The n may be
            left out for a batch of one.

        Returns
        -------
        Explanation
            The terms (where in the input, value, weight, contribution), the bias and the total. Print it, or take
            ``to_frame()``.

        Raises
        ------
        IndexError
            If there is no such number in the output.
        NotImplementedError
            If the layer is of a kind that cannot be written as such a sum here.

        Examples
        --------
        >>> import torch
        >>> layer = torch.nn.Linear(3, 1)
        >>> with torch.no_grad():
        ...     _ = layer.weight.copy_(torch.tensor([[0.5, 0.25, -1.0]])), layer.bias.fill_(0.5)
        >>> number = trace(layer, torch.tensor([12.0, 8.0, 4.0]))["Linear"].terms(0)
        >>> print(number)
        Linear[0] = 4.5, the sum of the last column
                  input at        value       weight   contribution
                      (0,)           12          0.5              6
                      (1,)            8         0.25              2
                      (2,)            4           -1             -4
                      bias                                      0.5
                       sum                                      4.5
        >>> number.total
        4.5
        """
        return explained(self, index)

    def __repr__(self) -> str:
        return f"{self.name}: {self.kind} {_shape(self.input)} -> {self.shape}, {self.parameters:,} parameters"


class Trace(Mapping[str, Record]):
    """The records of one pass through a model, in the order of the calls. Made by `trace`.

    Attributes
    ----------
    output : Tensor
        What the whole model gave.
    parameters : int
        How many numbers the whole model learns.
    """

    def __init__(self, records: list[Record], output: Any, parameters: int) -> None:
        self._records = {record.name: record for record in records}
        self.output = output
        self.parameters = parameters

    def __getitem__(self, name: str) -> Record:
        try:
            return self._records[name]
        except KeyError:
            raise KeyError(f"no layer {name!r} was called; the layers are {', '.join(self._records)}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)

    def __repr__(self) -> str:
        return self.to_frame().to_string()

    def _repr_html_(self) -> str:
        return self.to_frame().to_html()

    def to_frame(self) -> pandas.DataFrame:
        """One row for each layer: kind, input shape, output shape, parameters. The last row is the total."""
        import pandas

        rows: list[tuple[Any, ...]] = [
            (record.name, record.kind, str(_shape(record.input)), str(record.shape), record.parameters)
            for record in self.values()
        ]
        rows.append(("total", "", "", "", self.parameters))
        columns = ["layer", "kind", "input shape", "output shape", "parameters"]
        return pandas.DataFrame(rows, columns=columns).set_index("layer")


def trace(model: Module, x: Tensor, *, loss: Callable[[Any], Tensor] | None = None) -> Trace:
    r"""Run a model once and keep what every layer received and made.

    The model works in the mode that it is in: call ``model.eval()`` first to see what it does when it predicts. The
    look changes nothing: mode, gradients, running statistics and random state are afterwards what they were before.

    A layer is a module without modules inside, or one with parameters of its own. What a model computes between its
    layers by plain functions shows in the input of the next layer.

    Parameters
    ----------
    model : Module
        Any `torch.nn.Module`, ours or torch's.
    x : Tensor
        Its input. One image of shape (C, H, W), for a model that begins with an image layer (``Conv2d``,
        ``MaxPool2d``...), is passed on as a batch of one, (1, C, H, W).
    loss : callable, optional
        A function of the model's output that gives one number. With it every record also holds
        :math:`\partial\,\text{loss} / \partial\,\text{output}` in ``gradient``.

    Returns
    -------
    Trace
        A mapping from the layer's name to its `Record`; ``to_frame()`` makes a table of it.

    Raises
    ------
    TypeError
        If `model` is not a module, or `x` not a tensor.
    ValueError
        If `loss` gives anything but one number.

    Examples
    --------
    >>> import torch
    >>> model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU())
    >>> inside = trace(model, torch.ones(1, 3))
    >>> inside["0"].shape
    (1, 2)
    >>> print(inside)  # doctest: +NORMALIZE_WHITESPACE
             kind input shape output shape  parameters
    layer
    0      Linear      (1, 3)       (1, 2)           8
    1        ReLU      (1, 2)       (1, 2)           0
    total                                            8
    """
    if not isinstance(model, Module):
        raise TypeError(f"trace expects a torch.nn.Module as model, got {type(model).__name__}: try trace(model, x)")
    if not isinstance(x, Tensor):
        raise TypeError(f"trace expects a tensor as input, got {type(x).__name__}: try torch.as_tensor(x)")
    layers = _layers(model)
    if x.ndim == 3 and next(iter(layers)).__class__.__name__.endswith("2d"):
        x = x.unsqueeze(0)
    with _untouched(model, x), torch.set_grad_enabled(loss is not None):
        if loss is not None and x.is_floating_point():
            x = x.detach().requires_grad_()
        calls, output = _watch(model, layers, x)
        gradients = _gradients([made for _, _, made in calls], output, loss)
        return Trace(_records(calls, layers, gradients), _copy(output), sum(p.numel() for p in model.parameters()))


def _layers(model: Module) -> dict[Module, str]:
    """Map each layer to its name, in the order of definition."""
    return {
        module: name or type(module).__name__
        for name, module in model.named_modules()
        if not any(module.children()) or any(True for _ in module.parameters(recurse=False))
    }


@contextmanager
def _untouched(model: Module, x: Tensor) -> Iterator[None]:
    """Give buffers (the running statistics of a batch-norm layer) and random states back as they were."""
    buffers = [
        (module, name, buffer, buffer.clone())
        for module in model.modules()
        for name, buffer in module._buffers.items()
        if buffer is not None
    ]
    tensors = [x, *model.parameters(), *model.buffers()]
    devices = sorted({tensor.get_device() for tensor in tensors if tensor.is_cuda})
    state = torch.mps.get_rng_state() if any(tensor.is_mps for tensor in tensors) else None  # not known to fork_rng
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        if state is not None:
            torch.mps.set_rng_state(state)
        with torch.no_grad():
            for module, name, buffer, before in buffers:
                module._buffers[name] = buffer.copy_(before)


def _watch(model: Module, layers: dict[Module, str], x: Tensor) -> tuple[list[tuple[Module, Any, Any]], Any]:
    """Call the model; return (layer, copy of the input, output) for each call of a layer, and the model's output."""
    received: list[Any] = []  # a stack: a layer with parameters may hold other layers
    calls: list[tuple[Module, Any, Any]] = []

    def before(layer: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        values = (*args, *kwargs.values())
        received.append(_copy(values[0] if len(values) == 1 else values))

    def after(layer: Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> Any:
        calls.append((layer, received.pop(), output))
        # The next layer goes on with a copy: one that works in place must not overwrite what we keep.
        return output.clone() if isinstance(output, Tensor) else output

    handles = [layer.register_forward_pre_hook(before, with_kwargs=True) for layer in layers]
    handles += [layer.register_forward_hook(after, with_kwargs=True) for layer in layers]
    try:
        return calls, model(x)
    except Exception as error:
        error.add_note(f"trace: the layers that had finished are {[layers[layer] for layer, _, _ in calls]}")
        raise
    finally:
        for handle in handles:
            handle.remove()


def _gradients(made: list[Any], output: Any, loss: Callable[[Any], Tensor] | None) -> list[Tensor | None]:
    """Return the derivative of the loss with respect to each of the tensors made."""
    if loss is None:
        return [None] * len(made)
    value = loss(output)
    if not isinstance(value, Tensor) or value.numel() != 1:
        got = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
        raise ValueError(f"trace expects one number from loss, got {got}: try a mean over the batch")
    wanted = [tensor for tensor in made if isinstance(tensor, Tensor) and tensor.requires_grad]
    found = dict(zip(map(id, wanted), torch.autograd.grad(value, wanted, allow_unused=True), strict=True))
    return [found.get(id(tensor)) for tensor in made]


def _records(
    calls: list[tuple[Module, Any, Any]], layers: dict[Module, str], gradients: list[Tensor | None]
) -> list[Record]:
    records: list[Record] = []
    counted: set[int] = set()
    times: dict[Module, int] = {}
    for (layer, received, made), gradient in zip(calls, gradients, strict=True):
        times[layer] = times.get(layer, 0) + 1
        own = [p for p in layer.parameters(recurse=False) if id(p) not in counted]
        counted.update(map(id, own))
        tensors = {**layer._parameters, **layer._buffers}
        records.append(
            Record(
                name=layers[layer] + (f"#{times[layer]}" if times[layer] > 1 else ""),
                kind=type(layer).__name__,
                input=received,
                output=_copy(made),
                parameters=sum(p.numel() for p in own),
                gradient=gradient,
                layer=layer,
                state={name: _copy(tensor) for name, tensor in tensors.items() if tensor is not None},
            )
        )
    return records


def _copy(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, (tuple, list)):
        return tuple(_copy(part) for part in value)
    return value


def _shape(value: Any) -> Any:
    if isinstance(value, Tensor):
        return tuple(value.shape)
    if isinstance(value, tuple):
        return tuple(_shape(part) for part in value)
    return type(value).__name__
