"""One number of a layer's output as the sum, or the maximum, that made it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas

    from glassbox.tracing.trace import Record

Index = tuple[int, ...]


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
    """One number of a layer's output and the terms that made it: from `Record.terms`. Print it to read it as a table.

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


def explained(record: Record, index: Index) -> Explanation:
    """Return the terms of one number of a layer's output: see `Record.terms`."""
    names = [parent.__name__ for parent in type(record.layer).__mro__]
    kind = next((name for name in names if name in _EXPLAINERS), None)
    if kind is None:
        raise NotImplementedError(
            f"terms expects a layer that is one of {', '.join(sorted(_EXPLAINERS))}, got {record.kind}: try the layers "
            "inside it"
        )
    place = _place(index, record.shape)
    return Explanation(
        layer=record.name,
        kind=record.kind,
        index=place,
        value=record.output[place].item(),
        **_EXPLAINERS[kind](record, place),
    )


def _place(given: Index, shape: Index) -> Index:
    """Check an index, count negative ones from the end, and add the n that was left out."""
    place = (0, *given) if len(given) == len(shape) - 1 and shape[0] == 1 else given
    if len(place) != len(shape):
        raise IndexError(
            f"terms expects {len(shape)} indices for an output of shape {shape}, got {given}: try terms(0, ...)"
        )
    if not all(-size <= i < size for i, size in zip(place, shape, strict=True)):
        raise IndexError(
            f"terms expects a place in an output of shape {shape}, got {given}: try one from 0 to the size, less 1"
        )
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
        raise NotImplementedError("terms expects a softmax that was given its dim, got dim=None: try Softmax(dim=1)")
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
