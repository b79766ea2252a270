"""Every mirrored name over its arguments: the rows that the tests of this folder run through.

A new layer is tested by adding its rows here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor, nn

Target = Callable[[torch.Generator], Tensor]


@dataclass(frozen=True)
class Row:
    """One module with its arguments, and the shape of what it receives."""

    name: str
    arguments: tuple[Any, ...]
    shape: tuple[int, ...]
    options: dict[str, Any] = field(default_factory=dict)
    target: Target | None = None

    def build(self, library: Any, dtype: torch.dtype = torch.float64, device: str = "cpu") -> nn.Module:
        """Make the module of one library, its initial weights drawn from a fixed seed in float64."""
        torch.manual_seed(0)
        options = {key: value.clone() if isinstance(value, Tensor) else value for key, value in self.options.items()}
        module = getattr(library, self.name)(*self.arguments, **options)
        # Other values than ones and zeros, so that each parameter and running statistic counts.
        generator = torch.Generator().manual_seed(1)
        for value in [*module.parameters(), *module.buffers()]:
            if value.is_floating_point():
                drawn = 0.3 + torch.rand(value.shape, generator=generator, dtype=torch.float64)
                value.data = drawn.to(dtype)
        return module.to(device)

    def inputs(self, dtype: torch.dtype = torch.float64, device: str = "cpu") -> list[Tensor]:
        """Draw the input, and the target of a loss, from a fixed seed in float64."""
        generator = torch.Generator().manual_seed(2)
        made = [torch.randn(self.shape, generator=generator, dtype=torch.float64)]
        if self.name == "MaxPool2d":  # no two numbers so close that a central difference changes who is the largest
            made = [0.01 * (1.0 + torch.randperm(made[0].numel(), generator=generator).double().view(self.shape))]
        if self.target is not None:
            made.append(self.target(generator))
        return [as_input(tensor, dtype, device) for tensor in made]


def as_input(tensor: Tensor, dtype: torch.dtype, device: str) -> Tensor:
    """Bring numbers to the dtype and ask for their gradient; labels stay integers."""
    if not tensor.is_floating_point():
        return tensor.to(device)
    return tensor.to(device, dtype).requires_grad_()


def labels(*shape: int, classes: int = 4) -> Target:
    """Draw class indices."""
    return lambda generator: torch.randint(classes, shape, generator=generator)


def labels_with_ignored(*shape: int, classes: int = 4, ignored: int = -100) -> Target:
    """Draw class indices, every third of them ignored."""

    def draw(generator: torch.Generator) -> Tensor:
        drawn = torch.randint(classes, shape, generator=generator)
        drawn.view(-1)[::3] = ignored
        return drawn

    return draw


def numbers(*shape: int) -> Target:
    """Draw the target of a regression."""
    return lambda generator: torch.randn(shape, generator=generator, dtype=torch.float64)


def probabilities(*shape: int) -> Target:
    """Draw numbers in [0, 1], along dimension 1 (or 0) summing to 1."""

    def draw(generator: torch.Generator) -> Tensor:
        drawn = torch.rand(shape, generator=generator, dtype=torch.float64)
        return drawn / drawn.sum(min(1, len(shape) - 1), keepdim=True)

    return draw


CLASS_WEIGHTS = torch.tensor([0.5, 2.0, 1.0, 0.25], dtype=torch.float64)
IMAGE = (2, 3, 7, 8)

LAYERS = [
    Row("Linear", (5, 3), (4, 5)),
    Row("Linear", (5, 3), (4, 5), {"bias": False}),
    Row("Linear", (5, 3), (5,)),
    Row("Linear", (5, 3), (2, 3, 5)),
    Row("Linear", (5, 3), (2, 1, 3, 2, 5)),
    Row("Linear", (5, 3), (0, 5)),
    Row("Linear", (1, 1), (1, 1)),
    Row("Conv2d", (3, 4, 3), IMAGE),
    Row("Conv2d", (3, 4, 3), IMAGE, {"bias": False}),
    Row("Conv2d", (3, 4, 3), (3, 7, 8)),
    Row("Conv2d", (3, 4, 3), (0, 3, 7, 8)),
    Row("Conv2d", (3, 4, 1), IMAGE),
    Row("Conv2d", (3, 4, (2, 3)), IMAGE, {"stride": (2, 1), "padding": (1, 2)}),
    Row("Conv2d", (3, 4, 3, 2, 1), IMAGE),
    Row("Conv2d", (3, 4, 3), IMAGE, {"stride": 3}),
    Row("Conv2d", (3, 4, 2), IMAGE, {"stride": (3, 4), "padding": 1}),
    Row("Conv2d", (3, 4, 2), IMAGE, {"padding": 3}),
    Row("Conv2d", (3, 4, 3), IMAGE, {"dilation": 2}),
    Row("Conv2d", (3, 4, (3, 2)), IMAGE, {"dilation": (1, 3), "stride": (2, 1), "padding": (0, 2)}),
    Row("Conv2d", (3, 4, (7, 8)), IMAGE),
    Row("Conv2d", (4, 6, 3), (2, 4, 7, 8), {"groups": 2}),
    Row("Conv2d", (4, 4, 3), (2, 4, 7, 8), {"groups": 4, "padding": 1}),
    Row("Conv2d", (4, 8, (2, 3)), (2, 4, 7, 8), {"groups": 4, "stride": 2, "dilation": 2, "padding": 2}),
    Row("Conv2d", (4, 6, 3), (4, 7, 8), {"groups": 2, "padding": "same", "padding_mode": "reflect"}),
    Row("Conv2d", (3, 4, 3), IMAGE, {"padding": "same"}),
    Row("Conv2d", (3, 4, (2, 4)), IMAGE, {"padding": "same"}),
    Row("Conv2d", (3, 4, (4, 2)), IMAGE, {"padding": "same", "dilation": (1, 3)}),
    Row("Conv2d", (3, 4, 3), IMAGE, {"padding": "valid", "stride": 2}),
    Row("Conv2d", (3, 4, 3), IMAGE, {"padding": 1, "padding_mode": "zeros"}),
    Row("Conv2d", (3, 4, 3), IMAGE, {"padding": (2, 1), "padding_mode": "reflect"}),
    Row("Conv2d", (3, 4, 3), IMAGE, {"padding": (1, 2), "padding_mode": "replicate", "stride": 2}),
    Row("Conv2d", (3, 4, 3), IMAGE, {"padding": (7, 8), "padding_mode": "circular"}),
    Row("Conv2d", (3, 4, (2, 4)), IMAGE, {"padding": "same", "padding_mode": "reflect"}),
    Row("Conv2d", (3, 4, (2, 3)), IMAGE, {"padding": "same", "padding_mode": "circular"}),
    Row("Conv2d", (3, 4, (4, 1)), IMAGE, {"padding": "same", "padding_mode": "replicate"}),
    Row("Conv2d", (3, 4, 3), (3, 7, 8), {"padding": 1, "padding_mode": "circular"}),
    Row("MaxPool2d", (2,), IMAGE),
    Row("MaxPool2d", (2,), (3, 7, 8)),
    Row("MaxPool2d", (2,), (0, 3, 7, 8)),
    Row("MaxPool2d", (1,), IMAGE),
    Row("MaxPool2d", ((2, 3),), IMAGE),
    Row("MaxPool2d", (3, 1, 1), IMAGE),
    Row("MaxPool2d", (3,), IMAGE, {"stride": 2}),
    Row("MaxPool2d", (2,), IMAGE, {"stride": (3, 4)}),
    Row("MaxPool2d", (3,), IMAGE, {"stride": (1, 2), "padding": (0, 1)}),
    Row("MaxPool2d", (2,), IMAGE, {"dilation": 2, "stride": 1}),
    Row("MaxPool2d", ((3, 2),), IMAGE, {"dilation": (2, 3), "padding": (1, 1)}),
    Row("MaxPool2d", (3,), IMAGE, {"ceil_mode": True}),
    Row("MaxPool2d", (3,), IMAGE, {"ceil_mode": True, "stride": 2, "padding": 1}),
    Row("MaxPool2d", (2,), IMAGE, {"ceil_mode": True, "stride": 4, "padding": 1}),
    Row("MaxPool2d", (3,), IMAGE, {"ceil_mode": True, "stride": 3, "padding": 1, "dilation": 2}),
    Row("MaxPool2d", (2,), IMAGE, {"return_indices": True}),
    Row("MaxPool2d", (3,), (3, 7, 8), {"return_indices": True, "stride": 2, "padding": 1, "ceil_mode": True}),
    Row("MaxPool2d", (2,), IMAGE, {"return_indices": True, "stride": 1, "dilation": (2, 1)}),
    Row("AvgPool2d", (2,), IMAGE),
    Row("AvgPool2d", (2,), (3, 7, 8)),
    Row("AvgPool2d", (2,), (0, 3, 7, 8)),
    Row("AvgPool2d", ((2, 3),), IMAGE, {"stride": (1, 2)}),
    Row("AvgPool2d", (3, 2, 1), IMAGE),
    Row("AvgPool2d", (3,), IMAGE, {"stride": 1, "padding": 1, "count_include_pad": False}),
    Row("AvgPool2d", (3,), IMAGE, {"stride": 2, "padding": 1, "ceil_mode": True}),
    Row("AvgPool2d", (3,), IMAGE, {"stride": 2, "padding": 1, "ceil_mode": True, "count_include_pad": False}),
    Row("AvgPool2d", (2,), IMAGE, {"stride": 4, "padding": 1, "ceil_mode": True}),
    Row("AvgPool2d", (3,), IMAGE, {"divisor_override": 2}),
    Row("AvgPool2d", (3,), IMAGE, {"divisor_override": 5, "padding": 1, "ceil_mode": True}),
    *[Row(name, (), shape) for name in ("ReLU", "Sigmoid", "Tanh") for shape in ((), (5,), (0, 3), (2, 3, 4, 5))],
    Row("ReLU", (), (4, 3), {"inplace": False}),
    *[
        Row(name, (), shape, {"dim": dim})
        for name in ("Softmax", "LogSoftmax")
        for shape, dim in (
            ((), 0),
            ((5,), 0),
            ((3, 4), 0),
            ((3, 4), 1),
            ((2, 3, 4, 5), 1),
            ((2, 3, 4), -2),
            ((0, 3), 1),
        )
    ],
    Row("Softmax", (), (3, 0), {"dim": 1}),
    Row("LogSoftmax", (1,), (3, 1)),
    Row("Flatten", (), (2, 3, 4, 5)),
    Row("Flatten", (), (0, 3, 4)),
    Row("Flatten", (), (3, 4)),
    Row("Flatten", (0,), (3, 4)),
    Row("Flatten", (0,), ()),
    Row("Flatten", (1, 2), (2, 3, 4, 5)),
    Row("Flatten", (), (2, 3, 4, 5), {"start_dim": -3, "end_dim": -2}),
    Row("Flatten", (2, 2), (2, 3, 4)),
    Row("Dropout", (0.0,), (3, 4)),
    Row("Dropout", (1.0,), (3, 4)),
    Row("Dropout", (), (0, 4), {"p": 0.5}),
    Row("BatchNorm2d", (3,), IMAGE),
    Row("BatchNorm2d", (3, 1e-3, 0.4), IMAGE),
    Row("BatchNorm2d", (3,), IMAGE, {"momentum": None}),
    Row("BatchNorm2d", (3,), IMAGE, {"affine": False}),
    Row("BatchNorm2d", (3,), IMAGE, {"track_running_stats": False}),
    Row("BatchNorm2d", (3,), IMAGE, {"affine": False, "track_running_stats": False, "eps": 0.1}),
    Row("BatchNorm2d", (3,), (1, 3, 2, 1)),
    Row("BatchNorm2d", (3,), (4, 3, 1, 1)),
]

LOSSES = [
    *[
        Row(name, (), (3, 4), {"reduction": reduction}, target)
        for reduction in ("mean", "sum", "none")
        for name, target in (
            ("MSELoss", numbers(3, 4)),
            ("NLLLoss", labels(3)),
            ("CrossEntropyLoss", labels(3)),
            ("CrossEntropyLoss", probabilities(3, 4)),
            ("BCEWithLogitsLoss", probabilities(3, 4)),
        )
    ],
    *[Row("MSELoss", (), shape, {}, numbers(*shape)) for shape in ((), (0, 3), (2, 3, 4, 5))],
    *[
        Row(name, (), shape, {"reduction": reduction, **options}, labels_with_ignored(*target, ignored=ignored))
        for name in ("NLLLoss", "CrossEntropyLoss")
        for reduction in ("mean", "sum", "none")
        for shape, target in (((6, 4), (6,)), ((2, 4, 3, 2), (2, 3, 2)))
        for options, ignored in (
            ({}, -100),
            ({"weight": CLASS_WEIGHTS}, -100),
            ({"ignore_index": 1, "weight": CLASS_WEIGHTS}, 1),
        )
    ],
    *[
        Row(name, (), shape, {}, labels(*target))
        for name in ("NLLLoss", "CrossEntropyLoss")
        for shape, target in (((4,), ()), ((0, 4), (0,)), ((2, 4, 5), (2, 5)), ((2, 4, 2, 3, 2), (2, 2, 3, 2)))
    ],
    *[
        Row("CrossEntropyLoss", (), shape, {"reduction": reduction, "label_smoothing": 0.2, **weights}, target)
        for reduction in ("mean", "sum", "none")
        for weights in ({}, {"weight": CLASS_WEIGHTS})
        for shape, target in (
            ((6, 4), labels_with_ignored(6)),
            ((2, 4, 3), labels_with_ignored(2, 3)),
            ((6, 4), probabilities(6, 4)),
            ((2, 4, 3), probabilities(2, 4, 3)),
        )
    ],
    Row("CrossEntropyLoss", (), (4,), {}, probabilities(4)),
    Row("CrossEntropyLoss", (), (4,), {"label_smoothing": 1.0}, labels()),
    Row("CrossEntropyLoss", (), (3, 4), {}, labels_with_ignored(3, ignored=-100)),
    Row("CrossEntropyLoss", (), (1, 4), {}, labels_with_ignored(1)),  # all ignored: the mean is 0 / 0
    Row("NLLLoss", (), (1, 4), {}, labels_with_ignored(1)),
    *[
        Row("BCEWithLogitsLoss", (), (3, 4), {"reduction": reduction, **options}, probabilities(3, 4))
        for reduction in ("mean", "sum", "none")
        for options in (
            {"weight": CLASS_WEIGHTS},
            {"pos_weight": CLASS_WEIGHTS},
            {"weight": CLASS_WEIGHTS, "pos_weight": CLASS_WEIGHTS},
            {"weight": torch.tensor(2.0, dtype=torch.float64)},
        )
    ],
    *[Row("BCEWithLogitsLoss", (), shape, {}, probabilities(*shape)) for shape in ((5,), (0, 3), (2, 3, 2, 2))],
]


def title(row: Row) -> str:
    """Name a row as the test report shows it: ``Conv2d(3, 4, 3, padding=1)-2x3x7x8``."""
    shown = {key: "given" if isinstance(value, Tensor) else value for key, value in row.options.items()}
    inside = [repr(value) for value in row.arguments] + [f"{key}={value}" for key, value in shown.items()]
    return f"{row.name}({', '.join(inside)})-{'x'.join(map(str, row.shape)) or 'number'}"


def parameters(rows: list[Row]) -> list[Any]:
    """Make the parameter sets of :func:`pytest.mark.parametrize`, each with its title."""
    return [pytest.param(row, id=title(row)) for row in rows]
