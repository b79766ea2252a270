"""A network as data that the page's script can read: its layers, their options and their weights."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module, Sequential

from glassbox import nn

LIMIT = 100_000
"""How many weights a page may hold: about half a megabyte."""

TENSORS = ("weight", "bias", "runningMean", "runningVar")
"""What a layer may hold of numbers that change in training, as the page names it."""

LOSSES = ("cross_entropy", "mse_loss", "binary_cross_entropy_with_logits")

_SHORT = {
    "Conv2d": "conv",
    "MaxPool2d": "pool",
    "AvgPool2d": "pool",
    "AdaptiveAvgPool2d": "pool",
    "Linear": "fc",
    "BatchNorm1d": "norm",
    "BatchNorm2d": "norm",
    "ReLU": "relu",
    "LeakyReLU": "relu",
    "GELU": "gelu",
    "SiLU": "silu",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Softmax": "softmax",
    "Flatten": "flatten",
}
_WITHOUT_EFFECT = (  # what they do when the network predicts
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Dropout3d",
    "AlphaDropout",
    "FeatureAlphaDropout",
    "Identity",
)
_ON_IMAGES = ("Conv2d", "MaxPool2d", "AvgPool2d", "AdaptiveAvgPool2d", "BatchNorm2d")
_ON_VECTORS = ("Linear", "Softmax", "BatchNorm1d")
_SAME_AS = {"AdaptiveAvgPool2d": "AvgPool2d"}  # of one number for each channel: a window as large as the image
_INSTEAD = {
    "LogSoftmax": "leave it out: the page shows the probabilities of the scores and their cross-entropy",
}


def describe(
    model: Module,
    input_shape: Sequence[int],
    *,
    classes: Sequence[str] | None = None,
    loss: str = "cross_entropy",
) -> dict[str, Any]:
    """Describe a network in terms that JSON can hold.

    Layers that do nothing when the network predicts are left out, and so is a softmax at the end where the loss is
    the cross-entropy, which takes scores: the page shows their probabilities.

    Parameters
    ----------
    model : Sequential or Module
        Of ours or of torch, with sequences inside it or not; or one layer alone.
    input_shape : sequence of int
        The shape of one input, without the batch: (C, H, W) or (features,).
    classes : sequence of str, optional
        The names of the outputs.
    loss : {"cross_entropy", "mse_loss", "binary_cross_entropy_with_logits"}
        What the gradient is of.

    Returns
    -------
    dict
        ``input``, ``outputs``, ``classes``, ``loss`` and ``layers``, each with its ``name``, ``kind``, options,
        ``weight`` and ``bias``.

    Raises
    ------
    TypeError
        If the model is no sequence of layers.
    NotImplementedError
        If a layer, or an option of one, is not among those that the page can open.
    ValueError
        If the input does not fit, there are too many weights, or one is not a finite number.
    """
    if loss not in LOSSES:
        raise ValueError(f"loss must be one of {', '.join(LOSSES)}, got {loss!r}")
    layers = [(name, layer) for name, layer in _parts(model) if _kind(name, layer) not in _WITHOUT_EFFECT]
    if layers and loss == "cross_entropy" and _kind(*layers[-1]) == "Softmax":
        layers.pop()
    if not layers:
        raise ValueError("the network has no layer to open; give a Sequential with at least one")
    _check_weights(layers)
    described, outputs = _follow(layers, tuple(input_shape))
    if outputs == 1 and loss == "cross_entropy":
        raise ValueError(
            "the cross-entropy expects two outputs or more: of a single class the probability is always 1; try "
            "loss='binary_cross_entropy_with_logits' for a yes or no, loss='mse_loss' for a quantity"
        )
    names = None if classes is None else _names(classes, outputs)
    return {"input": list(input_shape), "outputs": outputs, "classes": names, "loss": loss, "layers": described}


def _names(classes: Sequence[str], outputs: int) -> list[str]:
    """Check the names of the outputs."""
    if not isinstance(classes, Sequence):
        hint = "list(classes.values())" if isinstance(classes, Mapping) else "list(classes)"
        raise TypeError(f"classes expects a sequence of names, got {type(classes).__name__}: try {hint}")
    if len(classes) != outputs:
        raise ValueError(
            f"classes expects a name for each output: the network has {outputs}, got {len(classes)} class names"
        )
    return [str(name) for name in classes]


def stored(numbers: Tensor) -> dict[str, Any]:
    """Store a tensor as text: its shape, and its numbers as base64 of little-endian bytes, float64 where they are."""
    dtype = torch.float64 if numbers.dtype == torch.float64 else torch.float32
    array = numbers.detach().to("cpu", dtype).contiguous().numpy()
    raw = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
    return {"shape": list(array.shape), "data": base64.b64encode(raw).decode(), "dtype": array.dtype.name}


def _parts(model: Module, prefix: str = "") -> Iterator[tuple[str, Module]]:
    """Give the layers in the order in which they are applied; one that is used twice comes twice."""
    if not prefix and type(model) in _classes(_SHORT):
        yield "0", model
        return
    if not isinstance(model, Sequential) or type(model).forward is not Sequential.forward:
        raise TypeError(
            f"explain expects a Sequential of layers, got {type(model).__name__}: what another module computes "
            "between its layers cannot be seen; write the network as Sequential(...)"
        )
    for name, part in model._modules.items():
        if isinstance(part, Sequential):
            yield from _parts(part, f"{prefix}{name}.")
        elif part is not None:
            yield f"{prefix}{name}", part


def _classes(kinds: Iterable[str]) -> dict[type, str]:
    """Give the classes of these names, ours and torch's."""
    return {getattr(home, kind): kind for kind in kinds for home in (nn, torch.nn) if hasattr(home, kind)}


def _kind(name: str, layer: Module) -> str:
    """Give the name of a layer's class where it is exactly ours or torch's; a subclass may compute something else."""
    known = _classes((*_SHORT, *_WITHOUT_EFFECT))
    if type(layer) in known:
        return known[type(layer)]
    kind = type(layer).__name__
    hint = _INSTEAD.get(kind, f"build the network of {', '.join(_SHORT)}")
    raise NotImplementedError(f"{name}: explain cannot open a {kind}; {hint}")


def _readable(name: str, kind: str) -> str:
    """Put a word before a layer's bare number: in a page ``conv0[2, 1, 1]`` reads better than ``0[2, 1, 1]``."""
    return f"{_SHORT[kind]}{name}" if name.rpartition(".")[2].isdecimal() else name


def _check_weights(layers: list[tuple[str, Module]]) -> None:
    """Refuse too many weights, weights that two layers share, and numbers that are not finite."""
    owners: dict[int, str] = {}
    count = 0
    for name, layer in layers:
        for buffer_name, buffer in layer.named_buffers():
            if not torch.isfinite(buffer).all():
                raise ValueError(f"{name}.{buffer_name} holds a number that is not finite; did training diverge?")
        for parameter_name, parameter in layer.named_parameters():
            if id(parameter) in owners:
                raise NotImplementedError(f"{name} shares its weights with {owners[id(parameter)]}; give it its own")
            if not parameter.is_floating_point() or not torch.isfinite(parameter).all():
                raise ValueError(f"{name}.{parameter_name} holds a number that is not finite; did training diverge?")
            owners[id(parameter)] = name
            count += parameter.numel()
    if count > LIMIT:
        raise ValueError(f"the network has {count:,} weights, a page holds at most {LIMIT:,}; try a narrower one")


def _follow(layers: list[tuple[str, Module]], shape: tuple[int, ...]) -> tuple[list[dict[str, Any]], int]:
    """Describe each layer for the shape that reaches it; return the descriptions and the number of outputs."""
    if len(shape) not in (1, 3) or min(shape) < 1:
        raise ValueError(f"an input must be an image (C, H, W) or a vector (features,), got the shape {shape}")
    described = []
    for name, layer in layers:
        kind = _kind(name, layer)
        parts = _describe_layer(name, kind, layer, shape)
        described.append({"name": _readable(name, kind), "kind": _SAME_AS.get(kind, kind), **parts})
        shape = _shape_after(name, kind, layer, shape)
    if len(shape) != 1:
        raise ValueError(f"the network must end with a vector, its output has the shape {shape}; add a Flatten")
    return described, shape[0]


def _shape_after(name: str, kind: str, layer: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Give the shape of what a layer makes of an input of a shape."""
    try:
        if kind in ("BatchNorm1d", "BatchNorm2d"):  # to call it would move its statistics
            if shape[0] != layer.num_features:
                raise ValueError(f"expected {layer.num_features} channels, got {shape[0]}")
            return shape
        like = next(layer.parameters(), torch.empty(0))  # its device and type
        with torch.no_grad():
            return tuple(layer(like.new_zeros(1, *shape)).shape[1:])
    except (ValueError, RuntimeError, IndexError) as error:
        raise ValueError(f"{name}: {kind} does not take an input of shape {shape}: {error}") from error


def _describe_layer(name: str, kind: str, layer: Any, shape: tuple[int, ...]) -> dict[str, Any]:
    """Give the weights and options of one layer, in torch's names as JavaScript writes them."""
    if kind in _ON_IMAGES and len(shape) != 3:
        raise ValueError(f"{name}: {kind} takes an image (C, H, W), what reaches it has the shape {shape}")
    if kind in _ON_VECTORS and len(shape) != 1:
        raise NotImplementedError(f"{name}: {kind} opens on a vector, an image {shape} reaches it; put Flatten before")
    if kind == "Softmax":
        _allow(name, dim=(layer.dim, (1, -1)))
    if kind == "Flatten":
        _allow(name, start_dim=(layer.start_dim, (1,)), end_dim=(layer.end_dim, (-1, len(shape))))
    described: dict[str, Any] = {}
    if kind in ("Conv2d", "Linear", "BatchNorm1d", "BatchNorm2d"):
        described |= {part: _stored_or_none(getattr(layer, part)) for part in ("weight", "bias")}
    if kind == "Conv2d":
        _allow(name, padding_mode=(layer.padding_mode, ("zeros",)))
        described["groups"] = layer.groups
        described["padding"] = _padding(name, layer)
        described["stride"], described["dilation"] = _pair(layer.stride), _pair(layer.dilation)
    if kind in ("BatchNorm1d", "BatchNorm2d"):
        described |= _describe_normalization(name, layer)
    if kind in ("MaxPool2d", "AvgPool2d"):
        described |= _describe_pooling(name, kind, layer)
    if kind == "AdaptiveAvgPool2d":
        _allow(name, output_size=(layer.output_size, (1, (1, 1), [1, 1])))
        whole = list(shape[1:])
        described |= {"kernelSize": whole, "stride": whole, "padding": [0, 0], "dilation": [1, 1]}
        described |= {"countIncludePad": True, "divisorOverride": None}
    if kind == "LeakyReLU":
        described["negativeSlope"] = layer.negative_slope
    if kind == "GELU":
        described["approximate"] = layer.approximate
    return described


def _stored_or_none(tensor: Tensor | None) -> dict[str, Any] | None:
    return None if tensor is None else stored(tensor)


def _describe_normalization(name: str, layer: Any) -> dict[str, Any]:
    """Give the statistics that a batch normalization predicts with."""
    if layer.running_mean is None:
        raise NotImplementedError(
            f"{name}: explain cannot open track_running_stats=False: what it makes of one image depends on the others "
            "of its batch; train it with track_running_stats=True"
        )
    return {"runningMean": stored(layer.running_mean), "runningVar": stored(layer.running_var), "eps": layer.eps}


def _describe_pooling(name: str, kind: str, layer: Any) -> dict[str, Any]:
    _allow(name, ceil_mode=(layer.ceil_mode, (False,)))
    described: dict[str, Any] = {
        "kernelSize": _pair(layer.kernel_size),
        "stride": _pair(layer.kernel_size if layer.stride in (None, ()) else layer.stride),
        "padding": _pair(layer.padding),
        "dilation": _pair(getattr(layer, "dilation", 1)),
    }
    if kind == "MaxPool2d":
        _allow(name, return_indices=(layer.return_indices, (False,)))
        return described
    return described | {"countIncludePad": layer.count_include_pad, "divisorOverride": layer.divisor_override}


def _padding(name: str, layer: Any) -> list[int]:
    """Give the zeros on each side of rows and columns."""
    if layer.padding == "valid":
        return [0, 0]
    if layer.padding != "same":
        return _pair(layer.padding)
    around = [d * (k - 1) for d, k in zip(_pair(layer.dilation), _pair(layer.kernel_size), strict=True)]
    if any(zeros % 2 for zeros in around):
        raise NotImplementedError(
            f"{name}: padding='same' with a kernel of {layer.kernel_size} pads one side more than the other; "
            "give an odd kernel, or the padding as a number"
        )
    return [zeros // 2 for zeros in around]


def _pair(option: Any) -> list[int]:
    return [int(number) for number in option] if isinstance(option, (tuple, list)) else [int(option)] * 2


def _allow(name: str, **options: tuple[Any, tuple[Any, ...]]) -> None:
    """Refuse an option that the page cannot compute with."""
    for option, (value, allowed) in options.items():
        if value not in allowed:
            raise NotImplementedError(
                f"{name}: explain cannot open {option}={value!r}; it takes {' or '.join(map(repr, allowed))}"
            )


def check_finite(name: str, numbers: Tensor) -> None:
    """Refuse what is no finite number."""
    if not all(map(math.isfinite, (numbers.min().item(), numbers.max().item()))):
        raise ValueError(f"{name} hold a number that is not finite")
