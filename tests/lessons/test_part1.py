"""What the lessons of part 1 say in general, on networks and data that they do not show."""

from __future__ import annotations

import pytest
import torch

from glassbox import datasets, models, tracing
from glassbox.datasets import LabelledImages
from glassbox.datasets._standin import standin_digits

STEPS = ("pool1", "pool2", "pool3", "relu4", "fc2")


@pytest.fixture(scope="module")
def digits() -> tuple[LabelledImages, LabelledImages]:
    return standin_digits("train")[:700], standin_digits("test")


def readable(network, learn, read):
    """Return the share of digits that one dense layer, fitted by torch's least squares, reads at each layer."""
    made = [tracing.trace(network, each.images) for each in (learn, read)]
    shares = []
    for step in STEPS:
        A, B = (torch.nn.functional.pad(trace[step].output.flatten(1), (0, 1), value=1.0).double() for trace in made)
        ridge = 1e-2 * A.norm() / A.shape[1] ** 0.5 * torch.eye(A.shape[1], dtype=torch.float64)
        targets = torch.nn.functional.one_hot(learn.labels, 10).double()
        rows, goals = torch.cat([A, ridge]), torch.cat([targets, targets.new_zeros(len(ridge), 10)])
        weights = torch.linalg.lstsq(rows, goals).solution
        shares.append(((B @ weights).argmax(dim=1) == read.labels).double().mean().item())
    return shares


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_untrained_layers_lose_the_digit_on_the_way(digits, seed):
    torch.manual_seed(seed)
    shares = readable(models.SmallCNN(), *digits)
    assert shares[0] > 0.75
    assert shares[-1] < shares[0] - 0.3


def test_trained_layers_keep_it(digits):
    shares = readable(models.SmallCNN(pretrained=True), *digits)
    assert min(shares) > 0.8
    assert shares[-1] > shares[0] - 0.05


@pytest.mark.parametrize(("name", "row", "column"), [("flower", 60, 100), ("flower", 40, 300), ("china", 100, 200)])
def test_a_move_follows_a_convolution_and_breaks_what_is_bound_to_places(name, row, column):
    picture = datasets.photo(name)[:, :, row : row + 300, column : column + 300].double()
    kernel = torch.tensor([[-1.0, 0.0, 1.0]] * 3, dtype=torch.float64)[None, None] / 3
    edges, moved = (torch.nn.functional.conv2d(picture.roll(by, dims=3), kernel) for by in (0, 8))
    torch.testing.assert_close(moved[..., 10:-10], edges.roll(8, dims=3)[..., 10:-10])
    assert (edges * moved).sum().abs() < 0.4 * (edges * edges).sum()


def test_no_single_layer_tells_exactly_one_of_two_switches():
    switches = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
    rows = torch.nn.functional.pad(switches, (0, 1), value=1.0)
    wanted = torch.tensor([[0.0], [1.0], [1.0], [0.0]], dtype=torch.float64)
    nearest = rows @ torch.linalg.lstsq(rows, wanted).solution
    torch.testing.assert_close(nearest, torch.full((4, 1), 0.5, dtype=torch.float64))  # it says one half to all
