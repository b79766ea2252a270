"""What an answer hangs on, as the pages compute it, against torch in float64: climbs, covers and receptive fields."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import AvgPool2d, Conv2d, Flatten, Linear, Module, Sequential, Sigmoid

from glassbox import models
from glassbox.datasets._standin import standin_digits
from glassbox.explain._bundle import JS, join
from glassbox.explain._describe import describe
from tests.explain.node import node
from tests.explain.reference import pack

SIDE = 4


def ask(folder: Path, model: Module, data: dict[str, Any], question: str, wrong: tuple[str, str] | None = None) -> Any:
    """Give node a network and data, and return what the question's expression makes of them."""
    code = join(JS / "saliency.js")
    if wrong is not None:
        assert code.count(wrong[0]) == 1, f"{wrong[0]!r} must stand once"
        code = code.replace(*wrong)
    shape = data["input"].shape[1:]
    content = {"network": describe(model, shape), **data, "input": pack(data["input"][0])}
    (folder / "data.json").write_text(json.dumps(content), encoding="utf-8")
    script = f"""
    import {{ readFileSync }} from "node:fs";
    {code}
    const data = JSON.parse(readFileSync(process.env.DATA, "utf8"));
    const [network, input] = [decode(data.network), decodeTensor(data.input)];
    console.log(JSON.stringify({question}));
    """
    (folder / "ask.mjs").write_text(script, encoding="utf-8")
    run = node(folder / "ask.mjs", DATA=folder / "data.json")
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.fixture(scope="module")
def reader() -> tuple[Module, Tensor]:
    """The shipped network, and a seven that it reads."""
    data = standin_digits("test")
    seven = data.images[int((data.labels == 7).nonzero()[0])][None].double()
    return models.SmallCNN(pretrained=True).double(), seven


def climbed(model: Module, image: Tensor, target: int) -> list[Tensor]:
    """Climb with torch's own gradient."""
    images = [image]
    while len(images) <= 60:
        at = images[-1].clone().requires_grad_()
        loss = torch.nn.functional.cross_entropy(model(at), torch.tensor([target]))
        if loss.neg().exp() >= 0.9:
            break
        (slope,) = torch.autograd.grad(loss, at)
        images.append((images[-1] - 0.05 * slope / slope.abs().max()).clamp(0, 1))
    return images


CLIMB = "(({ inputs, shares }) => [inputs.map(({ data }) => [...data]), shares])(climb(network, input, data.target))"


def test_a_seven_climbs_to_a_nine_as_with_torch(tmp_path, reader):
    model, seven = reader
    assert model(seven).argmax() == 7
    expected = climbed(model, seven, 9)
    inputs, shares = ask(tmp_path, model, {"input": seven, "target": 9}, CLIMB)
    assert len(inputs) == len(expected) <= 12
    found = torch.tensor(inputs, dtype=torch.float64)
    torch.testing.assert_close(found, torch.cat(expected).flatten(1), rtol=0, atol=1e-9)
    answers = model(torch.cat(expected)).softmax(1)
    torch.testing.assert_close(torch.tensor(shares, dtype=torch.float64), answers[:, 9].detach(), rtol=0, atol=1e-9)
    assert answers[-1].argmax() == 9


COVER = """(() => {
  const { target, side } = data;
  const losses = cornersOf(input.shape, side).map((corner) => lossOfCover(network, input, target, corner, side));
  return [losses, [...meanOfCovers(input.shape, side, losses).data]];
})()"""


def covered(model: Module, image: Tensor, target: int) -> tuple[Tensor, Tensor]:
    """What each cover takes from the probability, and the mean of that at each pixel."""
    height, width = image.shape[2:]
    losses = torch.zeros(height - SIDE + 1, width - SIDE + 1, dtype=torch.float64)
    sums, counts = torch.zeros(2, height, width, dtype=torch.float64)
    with torch.no_grad():
        share = model(image).softmax(1)[0, target]
        for top in range(losses.shape[0]):
            for left in range(losses.shape[1]):
                square = slice(top, top + SIDE), slice(left, left + SIDE)
                hidden = image.clone()
                hidden[..., square[0], square[1]] = 0
                losses[top, left] = share - model(hidden).softmax(1)[0, target]
                sums[square] += losses[top, left]
                counts[square] += 1
    return losses, sums / counts


def test_what_is_lost_under_a_cover_is_what_torch_loses(tmp_path, reader):
    model, seven = reader
    losses, mean = covered(model, seven, 7)
    found = ask(tmp_path, model, {"input": seven, "target": 7, "side": SIDE}, COVER)
    for numbers, expected in zip(found, (losses, mean), strict=True):
        torch.testing.assert_close(torch.tensor(numbers, dtype=torch.float64), expected.flatten(), rtol=0, atol=1e-9)
    assert losses.max() > 0.1


PLANTED = {
    "a climb downhill": ("x - (length * slope[place])", "x + (length * slope[place])", CLIMB),
    "a climb out of the image": ("Math.max(0, Math.min(1, x -", "(1 * (1, x -", CLIMB),
    "a cover of one row": (
        "row < top + side; row += 1) {\n      const",
        "row < top + 1; row += 1) {\n      const",
        COVER,
    ),
    "a mean that is a sum": ("sum / counts[place]", "sum", COVER),
}


@pytest.mark.parametrize("wrong", PLANTED.values(), ids=PLANTED)
def test_a_planted_error_is_caught(tmp_path, reader, wrong):
    model, seven = reader
    *change, question = wrong
    data = {"input": seven, "target": 9 if question is CLIMB else 7, "side": SIDE}
    right = ask(tmp_path, model, data, question)
    found = ask(tmp_path, model, data, question, wrong=tuple(change))
    assert found != right


# Receptive fields -----------------------------------------------------------------------------------------------------

NETWORKS = {
    "strides and padding": (
        (2, 13, 11),
        [Conv2d(2, 3, 3, stride=2, padding=1), Sigmoid(), AvgPool2d(2, 1), Conv2d(3, 2, 2), Flatten(), Linear(40, 3)],
    ),
    "groups and dilation": (
        (4, 12, 12),
        [Conv2d(4, 4, 2, dilation=2, groups=2, padding=2), AvgPool2d(2), Conv2d(4, 2, 1, groups=2), Flatten()],
    ),
}


def extents(gradient: Tensor) -> list[list[int]]:
    """The box of what is not zero."""
    places = gradient.nonzero()
    return [[int(part.min()), int(part.max())] for part in places.T]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_receptive_field_is_where_autograd_finds_a_gradient(tmp_path, name):
    torch.manual_seed(0)
    shape, layers = NETWORKS[name]
    model = Sequential(*layers).double()
    for parameter in model.parameters():
        parameter.data = parameter.data.abs() + 0.1  # no gradient is zero by chance
    values = [torch.rand(1, *shape, dtype=torch.float64).requires_grad_()]
    for layer in model:
        values.append(layer(values[-1]))
    questions, expected = [], []
    for i, value in enumerate(values[1:], start=1):
        for place in torch.randperm(value.numel())[:12].tolist():
            index = torch.unravel_index(torch.tensor(place), value[0].shape)
            gradients = torch.autograd.grad(value[0][index], values[:i], retain_graph=True)
            expected.append([extents(gradient[0]) for gradient in gradients])
            questions.append([i, [int(part) for part in index]])
    ask_all = "data.questions.map(([i, index]) => reachOf(network, i, index).slice(0, -1))"
    found = ask(tmp_path, model, {"input": values[0].detach(), "questions": questions}, ask_all)
    assert found == expected
