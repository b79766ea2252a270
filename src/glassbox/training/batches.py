"""The examples that a network learns from: kept on the device, and drawn from it in batches."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset, default_collate

from glassbox.datasets import LabelledImages
from glassbox.training.device import fits, random_numbers_kept

Data = LabelledImages | tuple[Tensor, Tensor] | Dataset[Any]
"""What `fit` and `evaluate` learn from and measure on."""


class Rows:
    """Inputs and targets in two tensors, from which a batch is one selection of rows.

    Parameters
    ----------
    inputs : Tensor
        Shape (N, ...).
    targets : Tensor
        Shape (N, ...).
    """

    def __init__(self, inputs: Tensor, targets: Tensor) -> None:
        self.inputs = inputs
        self.targets = targets
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

    def sample_targets(self) -> Tensor:
        """Return targets from which their kind can be told."""
        return self.targets

    def take(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Return the inputs and the targets of some rows, on the device."""
        return self._send(self.inputs.index_select(0, indices), self.targets.index_select(0, indices))

    def between(self, start: int, stop: int) -> tuple[Tensor, Tensor]:
        """Return the inputs and the targets from row ``start`` up to, but not including, row ``stop``."""
        return self._send(self.inputs[start:stop], self.targets[start:stop])

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
    """

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset
        self.device = torch.device("cpu")

    def __len__(self) -> int:
        return len(self.dataset)

    def to(self, device: torch.device) -> DatasetRows:
        """Return the examples for use on a device, where each batch is sent."""
        moved = DatasetRows(self.dataset)
        moved.device = device
        return moved

    @property
    def storage(self) -> torch.device:
        """The device where the rows lie, and where indices into them belong."""
        return torch.device("cpu")

    def sample_targets(self) -> Tensor:
        """Return targets from which their kind can be told."""
        with random_numbers_kept(self.device):
            return self.between(0, 100)[1]

    def take(self, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Return the inputs and the targets of some rows, on the device."""
        return self._read(indices.tolist())

    def between(self, start: int, stop: int) -> tuple[Tensor, Tensor]:
        """Return the inputs and the targets from row ``start`` up to, but not including, row ``stop``."""
        return self._read(list(range(start, min(stop, len(self)))))

    def _read(self, indices: list[int]) -> tuple[Tensor, Tensor]:
        inputs, targets = default_collate([self.dataset[index] for index in indices])
        return self._send(inputs, targets)


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


def _examples(data: Any, name: str) -> Rows:
    if isinstance(data, LabelledImages):
        return Rows(data.images, data.labels)
    if isinstance(data, TensorDataset) and len(data.tensors) == 2:
        return Rows(*data.tensors)
    if isinstance(data, tuple | list) and len(data) == 2:
        return _pair(data[0], data[1], name)
    if isinstance(data, DataLoader):
        raise TypeError(f"{name} is a DataLoader; pass its dataset ({name}.dataset), fit draws the batches itself")
    if isinstance(data, IterableDataset):
        raise TypeError(f"{name} is an IterableDataset, which cannot be shuffled; pass a dataset with a length")
    if not isinstance(data, Tensor) and hasattr(data, "__getitem__") and hasattr(data, "__len__"):
        return DatasetRows(data)
    raise TypeError(
        f"{name} is of type {type(data).__name__}; pass LabelledImages, a pair (inputs, targets) of tensors or a "
        "torch.utils.data.Dataset"
    )


def _pair(inputs: Any, targets: Any, name: str) -> Rows:
    for what, values in (("inputs", inputs), ("targets", targets)):
        if not isinstance(values, Tensor):
            raise TypeError(f"the {what} of {name} are of type {type(values).__name__}; pass tensors: torch.as_tensor")
        if values.dim() == 0:
            raise ValueError(f"the {what} of {name} are a single number; pass one row per example")
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
    generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    return torch.randperm(count, generator=generator).to(device)
