"""Neural networks with the box open.

The layers and losses are in `glassbox.nn`, the update rules in `glassbox.optim`, ready networks in `glassbox.models`,
data in `glassbox.datasets`, the training loop in `glassbox.training`. `glassbox.tracing` shows what each layer made,
`glassbox.explain` puts a network into a page where every number opens.
"""

from __future__ import annotations

from importlib import import_module, metadata
from types import ModuleType

try:
    __version__ = metadata.version("glassbox-course")
except metadata.PackageNotFoundError:  # run from a checkout, by PYTHONPATH=src
    __version__ = "0+checkout"

_ROOMS = (
    *("datasets", "descent", "exercises", "explain", "gradients", "models", "nn", "optim", "plots", "tracing"),
    "training",
)

__all__ = ["__version__"]


def __getattr__(name: str) -> ModuleType:
    """Import `glassbox.nn` and the others on first use: `import glassbox` alone does not wait for torch."""
    if name in _ROOMS:
        return import_module(f"glassbox.{name}")
    raise AttributeError(f"module 'glassbox' has no attribute {name!r}; it holds {', '.join(_ROOMS)}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_ROOMS])
