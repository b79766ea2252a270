"""What the networks of the course have in common: a sequence of named parts."""

from __future__ import annotations

from typing import Any

from glassbox import nn


class NamedParts(nn.Sequential):
    """A sequence of layers with names.

    Parameters
    ----------
    **parts : Module
        The layers, in the order in which they are applied.

    Examples
    --------
    >>> model = NamedParts(fc1=nn.Linear(3, 2), relu1=nn.ReLU())
    >>> model.fc1.weight.shape
    torch.Size([2, 3])
    """

    def __init__(self, **parts: nn.Module) -> None:
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)

    def __getitem__(self, index: Any) -> Any:
        """Return one part, or a slice of the sequence with the same parts and names."""
        if isinstance(index, slice):
            # Sequential would call the constructor of the subclass, which has arguments of its own.
            return NamedParts(**dict(list(self._modules.items())[index]))
        return super().__getitem__(index)
