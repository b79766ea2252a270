"""The examples that a network learns from: kept on the device, and drawn from it in batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset, default_collate

from glassbox.datasets import LabelledImages
from glassbox.training.device import fits

Data = LabelledImages | tuple[Tensor, Tensor] | Dataset[Any]
"""What `fit` and `evaluate` learn from and measure on."""


class Rows:
    """Inputs and targets in two tensors, from which a batch is one selection of rows.

    What is drawn is always a copy: a model may write over its input, and the caller's data stay as they are.

    Parameters
    ----------
    inputs : Tensor
        Shape (N, ...).
    targets : Tensor
        Shape (N, ...).
    """

    def __init__(self, inputs: Tensor, targets: Tensor) -> None:
        self.inputs = inputs.detach()
        self.targets = targets.detach()
        self.device = inputs.device

    def __len__(self) -> int:
        return len(self.inputs)

    def to(self, device: torch.device) -> Rows:
        """Return the examples for use on a device: kept there if they fit, or sent there batch by batch."""
        moved = Rows(self.inputs, self.targets)
        moved.device = device
        if fits(self.inputs.nbytes + self.targets.nbytes, device):
            moved.inputs, moved.targets = self.inputs.to(device), self.targets.to(device)
        return moved

    @property
    def storage(self) -> torch.device:
        """The device where the rows lie, and where indices into them belong."""
        return self.inputs.device

    def take(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Return the inputs and the targets of some rows, on the device."""
        return self._send(self.inputs.index_select(0, indices), self.targets.index_select(0, indices))

    def between(self, start: int, stop: int) -> tuple[Tensor, Tensor]:
        """Return the inputs and the targets from row ``start`` up to, but not including, row ``stop``."""
        inputs, targets = self.inputs[start:stop], self.targets[start:stop]
        if self.storage == self.device:  # sending would copy
            return inputs.clone(), targets.clone()
        return self._send(inputs, targets)

    def _send(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        if self.storage == self.device:
            return inputs, targets
        return inputs.to(self.device, non_blocking=True), targets.to(self.device, non_blocking=True)


class DatasetRows(Rows):
    """The items of a dataset, read again at each draw because its transform may be random.

    Parameters
    ----------
    dataset : torch.utils.data.Dataset
        Has a length, and gives one pair (input, target) per index.
    name : str
        What the caller calls it, for the messages.
    """

    def __init__(self, dataset: Any, name: str) -> None:
        self.dataset = dataset
        self.name = name
        self.device = torch.device("cpu")

    def __len__(self) -> int:
        return len(self.dataset)

    def to(self, device: torch.device) -> DatasetRows:
        """Return the examples for use on a device, where each batch is sent."""
        moved = DatasetRows(self.dataset, self.name)
        moved.device = device
        return moved

    @property
    def storage(self) -> torch.device:
        """The device where the rows lie, and where indices into them belong."""
        return torch.device("cpu")

    def take(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Return the inputs and the targets of some rows, on the device."""
        return self._read(indices.tolist())

    def between(self, start: int, stop: int) -> tuple[Tensor, Tensor]:
        """Return the inputs and the targets from row ``start`` up to, but not including, row ``stop``."""
        return self._read(list(range(start, min(stop, len(self)))))

    def _read(self, indices: list[int]) -> tuple[Tensor, Tensor]:
        items = [self.dataset[index] for index in indices]
        for index, item in zip(indices, items, strict=True):
            if not isinstance(item, tuple | list) or len(item) != 2:
                size = f" and length {len(item)}" if isinstance(item, tuple | list) else ""
                raise TypeError(
                    f"item {index} of {self.name} is of type {type(item).__name__}{size}; expects (input, target)"
                )
        inputs = self._stack([item[0] for item in items], indices, "input")
        return self._send(inputs, self._stack([item[1] for item in items], indices, "target"))

    def _stack(self, values: list[Any], indices: list[int], what: str) -> Tensor:
        """Make one tensor of the inputs, or of the targets, of some items."""
        kind = f"the {what} of item {indices[0]} of {self.name} is of type {type(values[0]).__name__}"
        if isinstance(values[0], str | bytes | dict | tuple | list | None):
            raise TypeError(f"{kind}; expects a tensor, an array or a number (a class is a number from 0)")
        shapes = [tuple(getattr(value, "shape", ())) for value in values]
        for index, shape in zip(indices, shapes, strict=True):
            if shape != shapes[0]:
                raise ValueError(
                    f"the {what}s of {self.name} have several shapes, {shapes[0]} for item {indices[0]} and {shape} "
                    f"for item {index}; expects one: try a transform that resizes or crops"
                )
        try:
            return default_collate(values)
        except (TypeError, RuntimeError) as error:
            raise TypeError(
                f"{kind}, which cannot become a tensor: {error}; try a transform, such as ToTensor"
            ) from error


def read_rows(data: Data, name: str) -> Rows:
    """Check data, and make them ready to be drawn from.

    Parameters
    ----------
    data : LabelledImages, pair of Tensor or Dataset
        The examples.
    name : str
        What the caller calls them, for the messages.

    Returns
    -------
    Rows
        The rows, where they lie now.

    Raises
    ------
    TypeError
        If the data are of another kind.
    ValueError
        If there are no examples, or not as many targets as inputs.
    """
    examples = _examples(data, name)
    if len(examples) == 0:
        raise ValueError(f"{name} holds no examples; give at least one input with its target")
    return examples


EXPECTED = "pass LabelledImages, a pair (inputs, targets) of tensors or a torch.utils.data.Dataset"


def _examples(data: Any, name: str) -> Rows:
    if isinstance(data, LabelledImages):
        return _pair(data.images, data.labels, name)
    if isinstance(data, TensorDataset) and len(data.tensors) == 2:
        return _pair(*data.tensors, name)
    if isinstance(data, DataLoader):
        raise TypeError(f"{name} is a DataLoader; pass its dataset, {name}.dataset: batches are drawn here")
    if isinstance(data, IterableDataset):
        raise TypeError(f"{name} is an IterableDataset, which cannot be shuffled; pass a dataset with a length")
    if isinstance(data, tuple) or (isinstance(data, list) and any(isinstance(part, Tensor) for part in data)):
        if len(data) != 2:
            raise TypeError(f"{name} is of type {type(data).__name__} and length {len(data)}; {EXPECTED}")
        return _pair(data[0], data[1], name)
    kind = type(data)
    if kind.__module__.partition(".")[0] == "pandas":
        raise TypeError(
            f"{name} is a {kind.__name__}; expects tensors: try (torch.tensor({name}[columns].to_numpy()), "
            f"torch.tensor({name}[column].to_numpy()))"
        )
    is_items = hasattr(data, "__getitem__") and hasattr(data, "__len__")
    if is_items and not isinstance(data, Tensor | np.ndarray | Mapping | str | bytes):
        return DatasetRows(data, name)
    advice = ": try torch.from_numpy" if isinstance(data, np.ndarray) else ""
    raise TypeError(f"{name} is of type {kind.__name__}; {EXPECTED}{advice}")


def _pair(inputs: Any, targets: Any, name: str) -> Rows:
    for what, values in (("inputs", inputs), ("targets", targets)):
        if not isinstance(values, Tensor):
            raise TypeError(f"the {what} of {name} are of type {type(values).__name__}; pass tensors: torch.as_tensor")
        if values.dim() == 0:
            raise ValueError(f"the {what} of {name} are a single number; pass one row per example")
        if values.layout != torch.strided:
            raise TypeError(f"the {what} of {name} are a sparse tensor; expects a dense one: try .to_dense()")
        if values.device.type == "meta":
            raise ValueError(f"the {what} of {name} are on the device meta, where tensors have a shape and no numbers")
    if targets.is_complex():
        raise TypeError(f"the targets of {name} are complex; expects real numbers: try torch.view_as_real")
    if len(inputs) != len(targets):
        raise ValueError(f"{name} has {len(inputs)} inputs and {len(targets)} targets; give one target per input")
    if inputs.device != targets.device:
        raise ValueError(
            f"{name} has inputs on {inputs.device} and targets on {targets.device}; put both on one device"
        )
    return Rows(cast(Tensor, inputs), cast(Tensor, targets))


def epoch_order(count: int, seed: int, epoch: int, device: torch.device) -> Tensor:
    """Draw the order in which an epoch meets the examples: each once.

    The order depends on the seed and the epoch alone, so that a run taken up again has nothing to remember. It is drawn
    on the CPU, so that every device and every worker has the same one.

    Parameters
    ----------
    count : int
        Number of examples.
    seed, epoch : int
        Which order.
    device : torch.device
        Where to put it.

    Returns
    -------
    Tensor
        Shape (count,), int64: a permutation of 0, ..., count - 1.

    Examples
    --------
    >>> epoch_order(5, seed=0, epoch=0, device=torch.device("cpu")).sort().values
    tensor([0, 1, 2, 3, 4])
    """
    generator = torch.Generator().manual_seed((seed * 1_000_003 + epoch) % 2**64)
    return torch.randperm(count, generator=generator).to(device)
