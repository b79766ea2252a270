"""What the lessons of part 1 say in general, on networks and data that they do not show."""

from __future__ import annotations

import pytest
import torch

from glassbox import datasets, models, optim, tracing, training
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
def test_untrained_layers_lose_the_digit_on_the_way(digits, seed, claim):
    torch.manual_seed(seed)
    shares = readable(models.SmallCNN(), *digits)
    said = (
        "untrained layers lose the digit on the way: what one dense layer reads from the first pooling and at the end"
    )
    holds = shares[0] > 0.75 and shares[-1] < shares[0] - 0.3
    claim("1.4", said, f"start {seed}", f"{shares[0]:.0%}, {shares[-1]:.0%}", holds)


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_one_number_of_conv3_has_seen_eleven_rows(seed):
    torch.manual_seed(seed)
    image = torch.rand(1, 1, 28, 28, requires_grad=True)
    models.SmallCNN()[:7](image)[..., 4, :].sum().backward()
    touched = image.grad[0, 0].any(dim=1).nonzero()
    # Downwards, a row is two rows before a pooling, and one more above for a convolution: 4, 6-9, 5-9, 10-19, 9-19.
    assert 9 <= touched.min() < touched.max() <= 19


# -- Trained again: what only several trainings can tell --------------------------------------------------------------

STARTS = (21, 22, 23)


@pytest.fixture(scope="module", params=STARTS)
def trained(request):
    """SmallCNN after four passes through 12,000 images, from a start that no lesson shows; how it went; test images."""
    data = datasets.mnist("train")
    torch.manual_seed(request.param)
    model = models.SmallCNN()
    history = training.fit(
        model,
        data[2_000:14_000],
        validation=data[:2_000],
        epochs=4,
        batch_size=64,
        optimizer=lambda parameters: optim.Adam(parameters, lr=0.01),
        schedule=training.OneCycle(),
        seed=request.param,
        device="cpu",
        progress=False,
    )
    return f"start {request.param}", model.eval(), history.to_frame(), datasets.mnist("test")[:3_000]


@pytest.mark.slow
def test_validation_begins_above_training(trained, claim):
    start, _, history, _ = trained
    first = history.iloc[0]
    figure = f"{first['accuracy']:.0%}, {first['validation_accuracy']:.0%}"
    said = "after the first epoch, the accuracy on validation images is above the mean on those learned from"
    claim("1.3", said, start, figure, first["validation_accuracy"] > first["accuracy"])


@pytest.mark.slow
def test_a_start_may_stay_near_chance(claim):
    data = datasets.mnist("train")
    torch.manual_seed(3)
    model = models.SmallCNN()
    history = training.fit(
        model,
        data[5_000:],
        validation=data[:5_000],
        epochs=14,
        batch_size=256,
        optimizer=lambda parameters: optim.Adam(parameters, lr=0.02),
        schedule=training.OneCycle(),
        seed=0,
        device="cpu",
        progress=False,
    )
    right = history.to_frame()["validation_accuracy"].iloc[-1]
    said = "trained as in the lesson, the network stays near chance from start 3"
    claim("1.3", said, "start 3", f"{right:.0%}", right < 0.15)


def change(before, after):
    before, after = before.flatten(1), after.flatten(1)
    return ((after - before).norm(dim=1) / before.norm(dim=1)).mean().item()


@pytest.mark.slow
def test_the_largest_of_four_is_calmer_than_the_first(trained, claim):
    start, model, _, test = trained
    with torch.no_grad():
        seen = [tracing.trace(model, images) for images in (test.images, test.images.roll(1, dims=3))]
    figures, holds = [], True
    for layer in (1, 2, 3):
        maps = [each[f"relu{layer}"].output for each in seen]
        half = 2 * (maps[0].shape[-1] // 2)
        largest = change(*(each[f"pool{layer}"].output for each in seen))
        first = change(*(each[..., :half:2, :half:2] for each in maps))
        figures.append(f"{largest:.0%}/{first:.0%}")
        holds = holds and largest < first
    said = "a move by one pixel changes the largest of four less than the first of each four, at all three poolings"
    claim("1.3", said, start, " ".join(figures), holds)


@pytest.mark.slow
def test_certainty_is_not_being_right(trained, claim):
    start, model, _, test = trained
    with torch.no_grad():
        says = model(test.images.rot90(1, dims=(2, 3))).softmax(dim=1).max(dim=1)
    sure = says.values > 0.99
    right = (says.indices == test.labels)[sure].double().mean().item()
    said = "of the digits on their side that are read with more than 99 %, less than half are right"
    claim("1.3", said, start, f"{sure.double().mean():.0%} sure, {right:.0%} right", sure.any() and right < 0.5)


@pytest.mark.slow
def test_relu_drops_more_in_the_end_than_at_first(trained, claim):
    start, model, _, test = trained
    seen = tracing.trace(model, test.images)
    zero = [(seen[f"relu{layer}"].output == 0).double().mean().item() for layer in (1, 2, 3, 4)]
    said = "ReLU puts a larger share of its numbers to zero in the last layer than in the first: relu1 to relu4"
    claim("1.4", said, start, " ".join(f"{share:.0%}" for share in zero), zero[3] > zero[0])


@pytest.mark.slow
def test_training_is_what_keeps_the_digit(trained, claim):
    start, model, _, test = trained
    shares = readable(model, test[:2_000], test[2_000:])
    said = "trained layers keep the digit: what one dense layer reads from the first pooling and at the end"
    claim("1.4", said, start, f"{shares[0]:.0%}, {shares[-1]:.0%}", shares[-1] > shares[0] - 0.05)


def test_trained_layers_keep_it(digits):
    shares = readable(models.SmallCNN(pretrained=True), *digits)
    assert min(shares) > 0.8
    assert shares[-1] > shares[0] - 0.05


@pytest.mark.parametrize(("name", "row", "column"), [("flower", 60, 100), ("flower", 40, 300), ("china", 100, 200)])
def test_a_move_follows_a_convolution_and_breaks_what_is_bound_to_places(name, row, column, claim):
    picture = datasets.photo(name)[:, :, row : row + 300, column : column + 300].double()
    kernel = torch.tensor([[-1.0, 0.0, 1.0]] * 3, dtype=torch.float64)[None, None] / 3
    moved = picture.roll(8, dims=3)
    edges, moved_edges = (torch.nn.functional.conv2d(image, kernel) for image in (picture, moved))
    torch.testing.assert_close(moved_edges[..., 10:-10], edges.roll(8, dims=3)[..., 10:-10])
    left = [
        ((before * after).sum().abs() / before.square().sum()).item()
        for before, after in ((edges, moved_edges), (picture - picture.mean(), moved - picture.mean()))
    ]
    said = (
        "after a move by eight pixels little of the answer is left of a layer that is bound to the places of upright "
        "edges, and most of one that is bound to light and dark"
    )
    figures = ", ".join(f"{share:.0%}" for share in left)
    claim("1.2", said, f"{name} at ({row}, {column})", figures, left[0] < 0.4 and left[1] > 0.7)


def test_no_single_layer_tells_exactly_one_of_two_switches():
    switches = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
    rows = torch.nn.functional.pad(switches, (0, 1), value=1.0)
    wanted = torch.tensor([[0.0], [1.0], [1.0], [0.0]], dtype=torch.float64)
    nearest = rows @ torch.linalg.lstsq(rows, wanted).solution
    torch.testing.assert_close(nearest, torch.full((4, 1), 0.5, dtype=torch.float64))  # it says one half to all
