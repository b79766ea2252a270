"""What one operation's record holds: its rows, one call, planted mistakes, wrong calls. See the package."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

Target = Callable[[torch.Generator], Tensor]
Gradients = tuple[Tensor | None, ...]
Call = tuple[tuple[Tensor, ...], dict[str, Any]]


@dataclass(frozen=True)
class Row:
    """One module with its arguments, and the shape of what it receives."""

    name: str
    arguments: tuple[Any, ...]
    shape: tuple[int, ...]
    options: dict[str, Any] = field(default_factory=dict)
    target: Target | None = None

    def make(self, library: Any) -> nn.Module:
        """Make the module of one library as its constructor does."""
        options = {key: value.clone() if isinstance(value, Tensor) else value for key, value in self.options.items()}
        return getattr(library, self.name)(*self.arguments, **options)

    def build(self, library: Any, dtype: torch.dtype = torch.float64, device: str = "cpu") -> nn.Module:
        """Make the module of one library, its initial weights drawn from a fixed seed in float64."""
        torch.manual_seed(0)
        module = self.make(library)
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


def tensor(*shape: int, grad: bool = True, seed: int = 0) -> Tensor:
    """Draw a tensor of normal numbers."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_(grad)


CLASS_WEIGHTS = torch.tensor([0.5, 2.0, 1.0, 0.25], dtype=torch.float64)
IMAGE = (2, 3, 7, 8)
LABELS = torch.tensor([0, 1, 2])  # of wrong calls
X = torch.zeros  # their tensors
CLEAR = (ValueError, TypeError, IndexError)


@dataclass(frozen=True)
class Planted:
    """A derivative with one mistake in it that people make: the comparisons must catch it.

    It is called as autograd calls ours: ``backward(slope, *tensors, output, needs, **options)``.
    """

    backward: Callable[..., Gradients]
    call: Call | None = None  # one that tells it from the right one, where the record's own does not
    differences: bool = True  # False at a tie, or at zero, where there is no derivative to find by differences


@dataclass(frozen=True)
class Wrong:
    """A call that must be refused: by which error, and what its message must hold (what came, what was expected)."""

    name: str
    call: Callable[[], Any]
    kind: type[Exception] | tuple[type[Exception], ...]
    words: tuple[str, ...]


@dataclass(frozen=True)
class Record:
    """What the tests know of one operation.

    Attributes
    ----------
    module : str
        Its class, in `glassbox.nn` and in `torch.nn`.
    rows : list of Row
        The class over its arguments: outputs, gradients, second derivatives, layouts, precisions, initial weights,
        copies and borrowed operators are compared with torch's for each.
    errors : list of Wrong
        Wrong calls.
    function : str or None
        Its name in `glassbox.nn.functional`, beside ``<function>_backward``.
    reference : callable or None
        The same of torch.
    call : tuple or None
        One call of the function: tensors, options. Its gradients by hand and its second derivative are tested there, so
        each tensor that can have a gradient asks for it, and none stands at a corner.
    planted : list of Planted
        Mistakes in the derivative.
    signature : str or None
        The function's, where torch's is written in C++ and keeps none.
    samples : bool
        Whether PyTorch's tables of tests have samples under these names.
    borrows : bool
        Whether torch's own layer calls an operator that ours may not.
    apart : str or None
        Where the function is tested instead, when it has no call that gives the same numbers twice.
    """

    module: str
    rows: list[Row]
    errors: list[Wrong]
    function: str | None = None
    reference: Callable[..., Any] | None = None
    call: Call | None = None
    planted: list[Planted] = field(default_factory=list)
    signature: str | None = None
    samples: bool = True
    borrows: bool = True
    apart: str | None = None

    @property
    def is_loss(self) -> bool:
        """Whether it compares with a target."""
        return any(row.target is not None for row in self.rows)
