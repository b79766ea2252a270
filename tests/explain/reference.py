"""What torch computes in float64: every value and gradient of the shipped network, of ten random ones, of more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import (
    GELU,
    AdaptiveAvgPool2d,
    AvgPool2d,
    BatchNorm1d,
    BatchNorm2d,
    Conv2d,
    Flatten,
    LeakyReLU,
    Linear,
    MaxPool2d,
    Module,
    ReLU,
    Sequential,
    Sigmoid,
    SiLU,
    Softmax,
    Tanh,
)

from glassbox import models
from glassbox.explain._describe import describe, stored

SEEDS = range(10)
RATE = 0.05


def random_network(seed: int) -> tuple[Sequential, Tensor, str]:
    """Draw layers and options by the seed; return them with an input and the loss."""
    torch.manual_seed(seed)
    loss = "mse_loss" if seed % 2 else "cross_entropy"
    shape = (pick(2, 4), pick(20, 23), pick(18, 20))
    # Rounded, so that the largest number of a window is there twice now and then.
    input = (torch.randn(1, *shape, dtype=torch.float64) * 4).round() / 4
    layers: list[Module] = []
    reached = input
    for block in range(2):
        drawn = [convolution(reached.shape[1]), pick(ReLU, Sigmoid, Tanh)(), pooling((seed + block) % 2)]
        for layer in drawn[block % 2 :] if seed % 5 == 4 else drawn:
            reached = layer.double()(reached)
            layers.append(layer)
    layers += [
        Flatten(),
        Linear(reached[0].numel(), 6),
        pick(ReLU, Sigmoid, Tanh)(),
        Linear(6, 4, bias=pick(True, False)),
    ]
    if loss == "mse_loss" and seed % 4 == 1:
        layers.append(Softmax(dim=1))
    return Sequential(*layers).double(), input, loss


def normalized_network(loss: str) -> tuple[Sequential, Tensor, str]:
    """Normalize with statistics that are not 0 and 1, and bend numbers on both sides of 0, near and far."""
    torch.manual_seed(20)
    layers: list[Module] = [
        *(Conv2d(3, 4, 3, bias=False), BatchNorm2d(4), LeakyReLU(0.2), Conv2d(4, 6, 3), BatchNorm2d(6, affine=False)),
        *(GELU(), Conv2d(6, 5, 2), LeakyReLU(), AdaptiveAvgPool2d(1), Flatten(), Linear(5, 8)),
        *(BatchNorm1d(8, eps=1e-3), SiLU(), Linear(8, 7), GELU("tanh"), Linear(7, 4)),
    ]
    model = Sequential(*layers).double()
    for layer in model:
        if isinstance(layer, BatchNorm1d | BatchNorm2d):
            layer.running_mean.uniform_(-1, 1)
            layer.running_var.uniform_(0.05, 2)
            if layer.affine:
                torch.nn.init.uniform_(layer.weight, -2, 2)
                torch.nn.init.uniform_(layer.bias, -1, 1)
    return model.eval(), 6 * torch.randn(1, 3, 8, 9, dtype=torch.float64), loss


def pick(*options: Any) -> Any:
    return options[int(torch.randint(len(options), ()))]


def convolution(channels: int) -> Conv2d:
    groups = 2 if channels % 2 == 0 and pick(True, False) else 1
    kernel_size = pick(1, 2, 3, (2, 3))
    return Conv2d(
        channels,
        pick(2, 4),
        kernel_size,
        stride=pick(1, 1, 2, (2, 1)),
        padding=pick(0, 1, (2, 1)),
        dilation=pick(1, 2, (1, 2)) if kernel_size == 2 else 1,
        groups=groups,
        bias=pick(True, False),
    )


def pooling(mean: bool) -> Module:
    window = {"kernel_size": pick(2, (3, 2)), "stride": pick(None, 1, (2, 1)), "padding": pick(0, 1)}
    if mean:
        return AvgPool2d(**window, count_include_pad=pick(True, False), divisor_override=pick(None, None, 5))
    return MaxPool2d(**window, dilation=pick(1, (1, 2)) if window["kernel_size"] == 2 else 1)


def case(model: Sequential, input: Tensor, loss: str) -> dict[str, Any]:
    """Run the network by torch and store all that it made."""
    parameters = [parameter.requires_grad_() for parameter in model.parameters()]
    values = [input.requires_grad_()]
    for layer in model:
        values.append(layer(values[-1]))
    if loss == "cross_entropy":
        target = torch.tensor([values[-1].numel() // 2])
        error = torch.nn.functional.cross_entropy(values[-1], target)
    elif loss == "binary_cross_entropy_with_logits":
        target = torch.tensor([[0, 1, 1, 0.25]], dtype=torch.float64)
        error = torch.nn.functional.binary_cross_entropy_with_logits(values[-1], target)
    else:
        target = torch.linspace(-1, 1, values[-1].numel(), dtype=torch.float64)[None]
        error = torch.nn.functional.mse_loss(values[-1], target)
    gradients = torch.autograd.grad(error, [*values, *parameters])
    of = dict(zip(map(id, [*values, *parameters]), gradients, strict=True))
    content = {
        "network": describe(model, input.shape[1:], loss=loss),
        "input": pack(input[0]),
        "target": int(target) if loss == "cross_entropy" else pack(target[0]),
        "rate": RATE,
        "values": [pack(value[0]) for value in values],
        "probabilities": pack(values[-1].softmax(1)[0]),
        "loss": error.item(),
        "slopes": [pack(of[id(value)][0]) for value in values],
    }
    for name in ("weight", "bias"):
        tensors = [getattr(layer, name, None) for layer in model]
        content[f"{name}Slopes"] = [None if tensor is None else pack(of[id(tensor)]) for tensor in tensors]
    with torch.no_grad():
        for parameter in parameters:
            parameter -= RATE * of[id(parameter)]
        content["outputAfterStep"] = pack(model(input)[0])
    return content


def pack(numbers: Tensor) -> dict[str, Any]:
    return stored(numbers.double())


def write_cases(folder: Path) -> list[Sequential]:
    """Write one file for each network; return the networks."""
    torch.manual_seed(0)
    shipped = models.SmallCNN(pretrained=True).double()
    stroke = torch.rand(1, 1, 28, 28, dtype=torch.float64) * (torch.rand(1, 1, 28, 28) > 0.7)
    cases = {"small_cnn": (shipped, stroke, "cross_entropy")}
    cases |= {f"random_{seed}": random_network(seed) for seed in SEEDS}
    cases["normalized"] = normalized_network("cross_entropy")
    cases["yes_or_no"] = normalized_network("binary_cross_entropy_with_logits")
    cases["alone"] = (Sequential(Linear(3, 2)).double(), torch.randn(1, 3, dtype=torch.float64), "cross_entropy")
    for name, parts in cases.items():
        (folder / f"{name}.json").write_text(json.dumps(case(*parts)), encoding="utf-8")
    return [model for model, _, _ in cases.values()]
