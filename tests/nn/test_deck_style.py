"""A script written for torch.nn gives the same printed tensors when only its import changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

import glassbox.nn
import glassbox.nn.functional
from tests.nn.compare import upstream
from tests.nn.records import LAYERS, LOSSES, parameters
from tests.nn.records.record import Row

GRADES = [
    [12.6, 10.6, 14.2, 12.3, 10.2, 9.3, 7.7],
    [13.9, 12.9, 17.9, 12.8, 8.8, 12.0, 10.9],
    [11.3, 10.2, 10.6, 10.4, 5.4, 9.4, 7.0],
    [10.8, 12.2, 7.7, 13.2, 4.8, 11.1, 10.6],
    [11.8, 11.3, 9.6, 11.7, 10.4, 9.9, 7.6],
    [11.9, 11.5, 13.9, 14.1, 8.5, 9.3, 10.3],
    [11.0, 11.7, 10.1, 13.4, 13.5, 6.3, 7.5],
    [10.4, 9.2, 12.8, 6.8, 5.1, 6.7, 7.3],
    [10.1, 8.7, 11.0, 16.2, 13.2, 9.4, 6.3],
    [10.2, 7.8, 13.9, 10.0, 3.6, 9.4, 8.2],
    [12.6, 10.7, 15.2, 11.5, 12.1, 9.9, 7.8],
]
# What the deck prints for its two outputs, sciences and languages, after b = (-10, -10) and a ReLU.
SELECTED = [
    [0.88, 1.25],
    [3.52, 0.80],
    [0.0, 0.0],
    [0.48, 0.0],
    [0.04, 1.05],
    [1.38, 1.30],
    [0.0, 3.45],
    [0.0, 0.0],
    [0.0, 4.70],
    [0.0, 0.0],
    [1.24, 1.80],
]

DENSE_SCRIPT = """
import torch
import torch.nn as nn

layer = nn.Linear(7, 2, dtype=torch.float64)
layer.weight = nn.Parameter(torch.tensor([[.2, .2, .2, 0, 0, .2, .2], [0, 0, 0, .5, .5, 0, 0]], dtype=torch.float64))
layer.bias = nn.Parameter(torch.full((2,), -10.0, dtype=torch.float64))
selected = nn.ReLU()(layer(torch.tensor(GRADES, dtype=torch.float64)))
print(selected)
print(torch.round(selected.detach(), decimals=2).tolist())
"""

NETWORK_SCRIPT = """
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(1)

class Digits(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 2, 2, padding=1)
        self.conv2 = nn.Conv2d(2, 4, 2, padding=1)
        self.conv3 = nn.Conv2d(4, 8, 2, stride=1, padding=1)
        self.pool = nn.MaxPool2d(2, 2)
        self.fc1 = nn.Linear(8 * 4 * 4, 32)
        self.fc2 = nn.Linear(32, 10)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = self.pool(torch.nn.functional.relu(self.conv3(x)))
        x = x.view(-1, 8 * 4 * 4)
        return self.fc2(F.relu(self.fc1(x)))

net = Digits()
print(net)
images = torch.rand(20, 1, SIDE, SIDE)
labels = torch.randint(0, 10, (20,))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
for epoch in range(3):
    for first in range(0, 20, 5):
        optimizer.zero_grad()
        loss = criterion(net(images[first:first + 5]), labels[first:first + 5])
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.4f}")
with torch.no_grad():
    logits = net(images[:2])
    print(logits)
    print(F.softmax(logits, dim=1))
    print(nn.Softmax(dim=1)(logits).sum(1).round(decimals=4))  # torch prints a 1 whose last bit is off in another way
    print(logits.argmax(1))
print(net.conv1.weight.grad)
print(net.state_dict())
"""


class Reader:
    """Run a script and keep what it prints."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, script: str, **given: Any) -> list[str]:
        self.lines = []
        exec(script, {"print": lambda *values: self.lines.append(" ".join(map(str, values))), **given})
        return self.lines


def swapped(script: str) -> str:
    """Change the imports of a script, and nothing else."""
    changed = script.replace("import torch.nn.functional as F", "import glassbox.nn.functional as F")
    changed = changed.replace("import torch.nn as nn", "import glassbox.nn as nn")
    changed = changed.replace("torch.nn.functional.", "F.")
    assert "torch.nn" not in changed
    return changed


def test_dense_layer_of_the_grades() -> None:
    printed = Reader()(swapped(DENSE_SCRIPT), GRADES=GRADES)
    assert printed[1] == str(SELECTED)
    assert printed[0].replace("ReluBackward0", "") == printed[0], "torch's own ReLU was called"
    without_the_node = [line.split(", grad_fn")[0] for line in printed]
    reference = [line.split(", grad_fn")[0] for line in Reader()(DENSE_SCRIPT, GRADES=GRADES)]
    assert without_the_node == reference


@pytest.mark.parametrize("side", [28, 32])
def test_network_of_the_deck(side: int) -> None:
    printed = Reader()(swapped(NETWORK_SCRIPT), SIDE=side)
    reference = Reader()(NETWORK_SCRIPT, SIDE=side)
    assert len(printed) == 10
    assert printed == reference


def test_a_wrong_layer_changes_what_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Reader()(swapped(NETWORK_SCRIPT), SIDE=28)
    relu = glassbox.nn.functional.relu
    monkeypatch.setattr(glassbox.nn.functional, "relu", lambda x: relu(x) + 1e-3)
    assert Reader()(swapped(NETWORK_SCRIPT), SIDE=28) != right


# --- Autocast: the same dtypes, close to torch's numbers -----------------------------------------------------------


def under_autocast(row: Row, library: Any, device: str) -> list[Tensor]:
    """Run a row in float32 under autocast; give the output and the gradients of input and weights."""
    module = row.build(library, torch.float32, device)
    for name in ("weight", "pos_weight"):
        if isinstance(row.options.get(name), Tensor):
            setattr(module, name, row.options[name].to(device, torch.float32))
    inputs = row.inputs(torch.float32, device)
    with torch.autocast(device, torch.bfloat16):
        returned = module(*inputs)
    output = returned[0] if isinstance(returned, tuple) else returned
    leaves = [tensor for tensor in [*inputs, *module.parameters()] if tensor.requires_grad]
    return [output, *torch.autograd.grad(output, leaves, upstream(output))]


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize("row", parameters([row for row in LAYERS + LOSSES if 0 not in row.shape]))
def test_autocast_of_one_layer(row: Row, device: str) -> None:
    mine, reference = (under_autocast(row, library, device) for library in (glassbox.nn, torch.nn))
    for ours, theirs in zip(mine, reference, strict=True):
        assert ours.dtype == theirs.dtype
        scale = float(theirs.detach().float().nan_to_num().abs().max())
        torch.testing.assert_close(ours, theirs, rtol=0.02, atol=0.02 * scale, equal_nan=True)


def training(nn: Any, device: str) -> tuple[list[torch.dtype], list[float], list[Tensor]]:
    """Train a small network for some steps under autocast."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(144, 5)
    ).to(device)
    images = torch.rand(8, 1, 12, 12).to(device)
    labels = torch.arange(8).to(device) % 5
    criterion: Callable[..., Tensor] = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    dtypes, losses = [], []
    for _ in range(10):
        optimizer.zero_grad()
        with torch.autocast(device, torch.bfloat16):
            logits = model(images)
            loss = criterion(logits, labels)
        loss.backward()
        optimizer.step()
        dtypes += [logits.dtype, loss.dtype]
        losses.append(loss.item())
    return dtypes, losses, [parameter.grad for parameter in model.parameters() if parameter.grad is not None]


def test_autocast_of_a_training(device: str) -> None:
    dtypes, losses, gradients = training(glassbox.nn, device)
    their_dtypes, their_losses, their_gradients = training(torch.nn, device)
    assert dtypes == their_dtypes
    assert losses == pytest.approx(their_losses, rel=0.02)
    assert losses[-1] < losses[0]
    assert [gradient.dtype for gradient in gradients] == [gradient.dtype for gradient in their_gradients]
