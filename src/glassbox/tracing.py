"""Look inside a network: what each layer received, what it made, and where one number comes from."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import Module

if TYPE_CHECKING:
    import pandas

__all__ = ["Explanation", "Record", "Term", "Trace", "explain", "trace"]

Index = tuple[int, ...]


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
    >>> print(inside)
             kind input shape output shape  parameters
    layer
    0      Linear      (1, 3)       (1, 2)           8
    1        ReLU      (1, 2)       (1, 2)           0
    total                                            8
    """
    if not isinstance(model, Module):
        raise TypeError(f"trace expects a torch.nn.Module as model, got {type(model).__name__}")
    if not isinstance(x, Tensor):
        raise TypeError(f"trace expects a tensor as input, got {type(x).__name__}; try torch.as_tensor(x)")
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
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
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
        raise ValueError(f"loss must give one number, got {got}; try a mean over the batch")
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


@dataclass(frozen=True)
class Term:
    """One part of an explained number.

    Attributes
    ----------
    index : tuple of int or None
        Where the value stands in the layer's input; None for a zero of the padding, and for the 0 in a ReLU's
        max(0, x).
    value : float
        The value there.
    weight : float or None
        What it is multiplied by; None where nothing is multiplied.
    contribution : float
        What it brings: value times weight for a sum, the value itself for a maximum, its exponential for softmax.
    """

    index: Index | None
    value: float
    weight: float | None
    contribution: float


_TOTALS: dict[str, Callable[[list[float], float | None, int], float]] = {
    "sum": lambda parts, bias, own: math.fsum([*parts, bias or 0.0]),
    "maximum": lambda parts, bias, own: math.nan if any(map(math.isnan, parts)) else max(parts),
    "share": lambda parts, bias, own: parts[own] / math.fsum(parts),
    "log of the share": lambda parts, bias, own: math.log(parts[own] / math.fsum(parts)),
}


@dataclass(frozen=True)
class Explanation:
    """One number of a layer's output and the terms that made it. Made by `explain`; print it to read it as a table.

    Attributes
    ----------
    layer, kind : str
        The name of the layer and of its class.
    index : tuple of int
        Where the number stands in the output.
    value : float
        The number, as the layer made it.
    operation : str
        How the contributions make the number: ``"sum"`` (with the bias), ``"maximum"``, ``"share"`` (this term's part
        of all, as in softmax) or ``"log of the share"``.
    terms : list of Term
        The parts.
    bias : float or None
        What is added to the sum, where there is such a thing.
    own : int
        For a share, which term is this output's own.
    """

    layer: str
    kind: str
    index: Index
    value: float
    operation: str
    terms: list[Term]
    bias: float | None = None
    own: int = 0

    @property
    def total(self) -> float:
        """The number made again from its terms, in double precision."""
        return _TOTALS[self.operation]([term.contribution for term in self.terms], self.bias, self.own)

    def to_frame(self) -> pandas.DataFrame:
        """One row for each term: index, value, weight, contribution."""
        import pandas

        rows = [(term.index, term.value, term.weight, term.contribution) for term in self.terms]
        return pandas.DataFrame(rows, columns=["index", "value", "weight", "contribution"])

    def __str__(self) -> str:
        shown = range(len(self.terms))
        if len(self.terms) > 32:  # the terms that weigh most, in their own order
            shown = sorted(sorted(shown, key=lambda i: -abs(self.terms[i].contribution))[:32])  # type: ignore[assignment]
        lines = [f"{self.layer}{list(self.index)} = {self.value:.6g}, the {self.operation} of the last column"]
        lines.append(f"{'input at':>18} {'value':>12} {'weight':>12} {'contribution':>14}")
        for term in (self.terms[i] for i in shown):
            nowhere = "zero" if self.operation == "maximum" else "padding"
            place = nowhere if term.index is None else str(term.index)
            weight = "" if term.weight is None else f"{term.weight:.6g}"
            contribution = term.contribution + 0.0  # prints -0.0 as 0
            lines.append(f"{place:>18} {term.value:>12.6g} {weight:>12} {contribution:>14.6g}")
        if len(shown) < len(self.terms):
            rest = math.fsum(self.terms[i].contribution for i in set(range(len(self.terms))) - set(shown))
            lines.append(f"{f'{len(self.terms) - len(shown)} smaller ones':>18} {'':>25} {rest:>14.6g}")
        if self.bias is not None:
            lines.append(f"{'bias':>18} {'':>25} {self.bias:>14.6g}")
        lines.append(f"{self.operation:>18} {'':>25} {self.total:>14.6g}")
        return "\n".join(lines)


def explain(record: Record, index: Index | int) -> Explanation:
    r"""Show one number of a layer's output as the sum, or the maximum, that made it.

    Parameters
    ----------
    record : Record
        What the layer did: ``trace(model, x)["conv1"]``.
    index : tuple of int
        Which number of the output: (n, channel, row, column) for an image, (n, feature) for a vector. The n may be
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
    >>> number = explain(trace(layer, torch.tensor([12.0, 8.0, 4.0]))["Linear"], 0)
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
    if not isinstance(record, Record):
        raise TypeError(f"explain expects a record such as trace(model, x)['conv1'], got {type(record).__name__}")
    names = [parent.__name__ for parent in type(record.layer).__mro__]
    kind = next((name for name in names if name in _EXPLAINERS), None)
    if kind is None:
        raise NotImplementedError(f"explain knows {', '.join(sorted(_EXPLAINERS))}, not {record.kind}")
    place = _place(index, record.shape)
    return Explanation(
        layer=record.name,
        kind=record.kind,
        index=place,
        value=record.output[place].item(),
        **_EXPLAINERS[kind](record, place),
    )


def _place(index: Index | int, shape: Index) -> Index:
    """Check an index, count negative ones from the end, and add the n that was left out."""
    given = (index,) if isinstance(index, int) else tuple(index)
    place = (0, *given) if len(given) == len(shape) - 1 and shape[0] == 1 else given
    if len(place) != len(shape):
        raise IndexError(f"the output has shape {shape}: give {len(shape)} indices, not {given}")
    if not all(-size <= i < size for i, size in zip(place, shape, strict=True)):
        raise IndexError(f"the output has shape {shape}: there is no number at {given}")
    return tuple(i % size for i, size in zip(place, shape, strict=True))


def _term(record: Record, index: Index | None, weight: float | None = None, outside: float = 0.0) -> Term:
    value = outside if index is None else record.input[index].item()
    return Term(index, value, weight, value if weight is None else value * weight)


def _linear(record: Record, place: Index) -> dict[str, Any]:
    *batch, feature = place
    weights = record.state["weight"][feature].tolist()
    bias = record.state["bias"][feature].item() if "bias" in record.state else None
    terms = [_term(record, (*batch, j), weight) for j, weight in enumerate(weights)]
    return {"operation": "sum", "terms": terms, "bias": bias}


def _conv2d(record: Record, place: Index) -> dict[str, Any]:
    layer = record.layer
    *batch, channel, row, column = place
    kernel = record.state["weight"][channel]  # (C_in / groups, kernel height, kernel width)
    first = channel // (record.output.shape[-3] // layer.groups) * kernel.shape[0]  # this group's first input channel
    rows = _window(record, layer, -2, row, kernel.shape[1])
    columns = _window(record, layer, -1, column, kernel.shape[2])
    terms = []
    for c, k, m in product(*map(range, kernel.shape)):
        inside = rows[k] is not None and columns[m] is not None
        source = (*batch, first + c, rows[k], columns[m]) if inside else None
        terms.append(_term(record, source, kernel[c, k, m].item()))
    bias = record.state["bias"][channel].item() if "bias" in record.state else None
    return {"operation": "sum", "terms": terms, "bias": bias}


def _window(record: Record, layer: Any, axis: int, position: int, size: int) -> list[Any]:
    """Return the input rows (axis -2) or columns (axis -1) that one output sees; None outside the image."""
    side = axis + 2
    stride, dilation = _pair(layer.stride)[side], _pair(getattr(layer, "dilation", 1))[side]
    named = {"valid": 0, "same": dilation * (size - 1) // 2}
    before = named[layer.padding] if isinstance(layer.padding, str) else _pair(layer.padding)[side]
    length = record.input.shape[axis]
    start = position * stride - before
    mode = getattr(layer, "padding_mode", "zeros")
    return [_source(start + k * dilation, length, mode) for k in range(size)]


def _source(position: int, length: int, mode: str) -> int | None:
    if 0 <= position < length:
        return position
    if mode == "circular":
        return position % length
    if mode == "replicate":
        return min(max(position, 0), length - 1)
    if mode == "reflect":
        return -position if position < 0 else 2 * (length - 1) - position
    return None


def _pair(value: Any) -> tuple[int, int]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


def _relu(record: Record, place: Index) -> dict[str, Any]:
    return {"operation": "maximum", "terms": [Term(None, 0.0, None, 0.0), _term(record, place)]}


def _max_pool2d(record: Record, place: Index) -> dict[str, Any]:
    *before, row, column = place
    height, width = _pair(record.layer.kernel_size)
    rows = _window(record, record.layer, -2, row, height)
    columns = _window(record, record.layer, -1, column, width)
    seen = [(*before, i, j) for i, j in product(rows, columns) if i is not None and j is not None]
    return {"operation": "maximum", "terms": [_term(record, source) for source in seen]}


def _avg_pool2d(record: Record, place: Index) -> dict[str, Any]:
    layer: Any = record.layer
    *before, row, column = place
    size = _pair(layer.kernel_size)
    rows, columns = _window(record, layer, -2, row, size[0]), _window(record, layer, -1, column, size[1])
    seen = [(*before, i, j) for i, j in product(rows, columns) if i is not None and j is not None]
    if layer.divisor_override is not None:
        count = layer.divisor_override
    elif layer.count_include_pad:
        count = math.prod(_within_padding(record, side, place[side - 2], size[side]) for side in (0, 1))
    else:
        count = len(seen)
    return {"operation": "sum", "terms": [_term(record, source, 1 / count) for source in seen]}


def _within_padding(record: Record, side: int, position: int, size: int) -> int:
    """Count the window's rows or columns in the padded image; with ceil_mode a window may reach beyond it."""
    stride, padding = _pair(record.layer.stride)[side], _pair(record.layer.padding)[side]
    end = record.input.shape[side - 2] + padding
    start = position * stride - padding
    return min(start + size, end) - start


def _flatten(record: Record, place: Index) -> dict[str, Any]:
    flat = 0
    for i, length in zip(place, record.shape, strict=True):
        flat = flat * length + i
    source: list[int] = []
    for length in reversed(record.input.shape):
        flat, i = divmod(flat, length)
        source.insert(0, i)
    return {"operation": "sum", "terms": [_term(record, tuple(source))]}


def _softmax(record: Record, place: Index) -> dict[str, Any]:
    axis = record.layer.dim
    if axis is None:
        raise NotImplementedError("explain needs a softmax that was given its dim, as in Softmax(dim=1)")
    axis %= record.input.ndim
    indices = [(*place[:axis], j, *place[axis + 1 :]) for j in range(record.input.shape[axis])]
    values = [record.input[source].item() for source in indices]
    largest = max(values)  # the same shares, without overflow
    terms = [Term(i, value, None, math.exp(value - largest)) for i, value in zip(indices, values, strict=True)]
    return {"operation": "share", "terms": terms, "own": place[axis]}


def _log_softmax(record: Record, place: Index) -> dict[str, Any]:
    return {**_softmax(record, place), "operation": "log of the share"}


def _sigmoid(record: Record, place: Index) -> dict[str, Any]:
    value = record.input[place].item()
    return {"operation": "sum", "terms": [Term(place, value, None, (1 + math.tanh(value / 2)) / 2)]}


def _tanh(record: Record, place: Index) -> dict[str, Any]:
    value = record.input[place].item()
    return {"operation": "sum", "terms": [Term(place, value, None, math.tanh(value))]}


def _batch_norm2d(record: Record, place: Index) -> dict[str, Any]:
    layer: Any = record.layer
    channel = place[-3]
    if layer.training or "running_mean" not in record.state:
        values = record.input.transpose(0, 1)[channel].double()
        mean, variance = values.mean().item(), values.var(correction=0).item()
    else:
        mean, variance = (record.state[name][channel].item() for name in ("running_mean", "running_var"))
    gain = record.state["weight"][channel].item() if "weight" in record.state else 1.0
    shift = record.state["bias"][channel].item() if "bias" in record.state else 0.0
    slope = gain / math.sqrt(variance + layer.eps)
    return {"operation": "sum", "terms": [_term(record, place, slope)], "bias": shift - mean * slope}


def _dropout(record: Record, place: Index) -> dict[str, Any]:
    value, kept = record.input[place].item(), record.output[place].item()
    return {"operation": "sum", "terms": [_term(record, place, kept / value if value else 1.0)]}


_EXPLAINERS: dict[str, Callable[[Record, Index], dict[str, Any]]] = {
    "AvgPool2d": _avg_pool2d,
    "BatchNorm2d": _batch_norm2d,
    "Conv2d": _conv2d,
    "Dropout": _dropout,
    "Flatten": _flatten,
    "Linear": _linear,
    "LogSoftmax": _log_softmax,
    "MaxPool2d": _max_pool2d,
    "ReLU": _relu,
    "Sigmoid": _sigmoid,
    "Softmax": _softmax,
    "Tanh": _tanh,
}
