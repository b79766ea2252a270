"""The text of a page that explains itself: a network or several, their weights and a few samples."""

from __future__ import annotations

import copy
import html
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import Module

import glassbox
from glassbox.explain._bundle import JS, script
from glassbox.explain._describe import TENSORS, check_finite, describe, stored
from glassbox.explain._policy import policy
from glassbox.explain._recorder import Recorder

HERE = Path(__file__).parent
LIMIT = 500_000
"""How many numbers the samples of a page may hold: 637 digits of MNIST, 2.7 megabytes."""
LIMIT_OF_RUN = 1_000_000
"""How many weights the states of a recorded run may hold together: 5.3 megabytes."""


def page_of(
    model: Module | Mapping[str, Module] | Recorder,
    samples: Any,
    *,
    title: str,
    labels: Tensor | Sequence[int] | None,
    classes: Sequence[str] | None,
    loss: str,
    in_frame: bool = False,
) -> str:
    """Return the page of `glassbox.explain.export`; in a frame it is smaller and has no address of its own."""
    if not isinstance(samples, Tensor) and isinstance(getattr(samples, "images", None), Tensor):
        labels = samples.labels if labels is None else labels
        classes = (samples.class_names or None) if classes is None else classes
        samples = samples.images
    if not isinstance(title, str):
        raise TypeError(f"title expects a string, got {type(title).__name__}: leave it out for the usual one")
    samples = _samples(samples)
    options = {"input_shape": samples.shape[1:], "classes": classes, "loss": loss}
    networks, film = _film(model, **options) if isinstance(model, Recorder) else (_networks(model, **options), None)
    data = {"title": title, "networks": networks, "samples": stored(samples), "arePhotos": _are_photos(samples)}
    data |= {"film": film}
    data |= _answers(labels, len(samples), networks[0]) | {"isInFrame": in_frame}
    return _fill(title, data)


def _networks(model: Module | Mapping[str, Module], input_shape: Sequence[int], **options: Any) -> list[dict[str, Any]]:
    """Describe one network, or each of those that are compared, with its name."""
    if not isinstance(model, Mapping):
        return [{"title": None, **describe(model, input_shape, **options)}]
    if not model:
        raise ValueError('model expects a network for each name, got none: try {"untrained": first, "trained": second}')
    networks = []
    for name, each in model.items():
        if isinstance(each, Recorder):
            raise TypeError(f"{name}: a comparison expects networks, got a Recorder: try one page for each run")
        try:
            networks.append({"title": str(name), **describe(each, input_shape, **options)})
        except (TypeError, ValueError, NotImplementedError) as error:
            raise type(error)(f"{name}: {error}") from error
    first = networks[0]
    for other in networks[1:]:
        if other["outputs"] != first["outputs"]:
            raise ValueError(
                f"networks that are compared expect the same number of outputs, got {first['outputs']} of "
                f"{first['title']} and {other['outputs']} of {other['title']}: try one page for each"
            )
    return networks


def _film(recorder: Recorder, **options: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Describe the last state of a recorded run, and what each state has of its own: its name, its layers' numbers."""
    weights = sum(parameter.numel() for parameter in recorder.model.parameters())
    if len(recorder) * weights > LIMIT_OF_RUN:
        raise ValueError(
            f"the recorded run has {len(recorder)} states of {weights:,} weights, a page holds {LIMIT_OF_RUN:,} "
            "together: try to record it less often, as in fit(..., on_epoch=recorder)"
        )
    model = copy.deepcopy(recorder.model).cpu()
    film = []
    for name, state in recorder:
        model.load_state_dict(state)
        try:
            described = describe(model, **options)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
        layers = [{part: layer[part] for part in TENSORS if part in layer} for layer in described["layers"]]
        film.append({"name": name, "layers": layers})
    return [{"title": None, **described}], film


def _samples(samples: Any) -> Tensor:
    """Check the samples, and give them as a tensor."""
    if isinstance(samples, np.ndarray):
        samples = torch.from_numpy(np.ascontiguousarray(samples))
    if not isinstance(samples, Tensor):
        hint = "a tensor (N, C, H, W) or (N, features)"
        if isinstance(samples, tuple) and len(samples) == 2:
            hint = "the images, and labels=labels beside them"
        raise TypeError(
            f"samples expects a tensor, an array or LabelledImages, got {type(samples).__name__}: try {hint}"
        )
    if samples.ndim not in (2, 4) or len(samples) == 0:
        raise ValueError(
            f"samples must have the shape (N, C, H, W) or (N, features), got {tuple(samples.shape)}; "
            "one image alone becomes a batch by image[None]"
        )
    if samples.numel() > LIMIT:
        fitting = LIMIT // samples[0].numel()
        raise ValueError(f"{len(samples)} samples are too many for one page; try samples[:{max(1, min(20, fitting))}]")
    if samples.is_complex():
        raise TypeError(f"samples expects real numbers, got {samples.dtype}: try samples.abs()")
    check_finite("samples", samples)
    return samples


def _are_photos(samples: Tensor) -> bool:
    """Tell photographs, whose light is never turned into ink: they have three channels, or edges that are not empty."""
    if samples.ndim == 2:
        return False
    edges = [samples[:, :, [0, -1]].flatten(), samples[..., [0, -1]].flatten()]
    return samples.shape[1] == 3 or (torch.cat(edges) == 0).float().mean().item() < 0.5


def _answers(labels: Any, count: int, network: dict[str, Any]) -> dict[str, Any]:
    """Give the right answers as the page reads them: class numbers, or the outputs that were expected."""
    if labels is None:
        return {"labels": None, "targets": None}
    outputs = network["outputs"]
    labels = _numbers(labels)
    if network["loss"] != "cross_entropy":
        if labels.shape != (count, outputs):
            raise ValueError(
                f"labels expects the shape {(count, outputs)} for {network['loss']}, got {tuple(labels.shape)}"
            )
        check_finite("labels", labels)
        return {"labels": None, "targets": stored(labels)}
    if labels.shape != (count,) or labels.is_floating_point():
        hint = ""
        if labels.shape == (count, outputs):
            hint = ": try labels.argmax(1), or loss='binary_cross_entropy_with_logits' where several may be right"
        raise ValueError(
            f"labels must be {count} class numbers, got {labels.dtype} of shape {tuple(labels.shape)}{hint}"
        )
    if labels.min() < 0 or labels.max() >= outputs:
        raise ValueError(f"labels must lie between 0 and {outputs - 1}, got {labels.min()} to {labels.max()}")
    return {"labels": labels.tolist(), "targets": None}


def _numbers(labels: Any) -> Tensor:
    """Give labels as a tensor."""
    try:
        return torch.as_tensor(labels)
    except (TypeError, ValueError, RuntimeError):
        first = next(iter(labels), None) if isinstance(labels, Iterable) else labels
        raise TypeError(
            f"labels expects numbers, got {first!r}: try labels=[classes.index(name) for name in names]"
        ) from None


def _fill(title: str, data: dict[str, Any]) -> str:
    """Put title, style and script into the template; what was put in is not searched for further places."""
    code = script(JS / "tracer.js", selector='[data-play="tracer"]', data=data)
    style = "".join((HERE / name).read_text(encoding="utf-8") for name in ("page.css", "colors.css", "tracer.css"))
    parts = {
        "generator": html.escape(f"glassbox {glassbox.__version__}"),
        "policy": policy([code], [style]),  # the one script that the browser runs: text in the page is never one
        "title": html.escape(title),
        "style": style,
        "place": "in-frame" if data["isInFrame"] else "page",
        "summary": f"{_summary(data)}, {_count(data['samples']['shape'][0], 'sample')}.",
        "script": code,
    }
    template = (HERE / "page.html").read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda place: parts[place[1]], template)


def _summary(data: dict[str, Any]) -> str:
    """Say how many layers and weights there are, once where several networks have as many, and states of a run."""
    networks = data["networks"]
    sizes = [
        f"{_count(len(network['layers']), 'layer')}, {_count(sum(map(_size, network['layers'])), 'weight')}"
        for network in networks
    ]
    if data["film"] is not None:
        return f"{sizes[0]}, {_count(len(data['film']), 'state')} of its training"
    if len(networks) == 1:
        return sizes[0]
    if len(set(sizes)) == 1:
        return f"{len(networks)} networks of {sizes[0]} each"
    return "; ".join(f"{network['title']}: {size}" for network, size in zip(networks, sizes, strict=True))


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _size(layer: dict[str, Any]) -> int:
    tensors = (layer.get("weight"), layer.get("bias"))
    return sum(math.prod(tensor["shape"]) for tensor in tensors if tensor is not None)
