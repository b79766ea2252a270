import pytest
import torch
from torch.nn import functional

from glassbox import nn
from glassbox.models import MLP, DigitCNN, SmallCNN, SmallVGG


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


class LectureCNN(torch.nn.Module):
    """The lecture's way of writing SmallCNN: layers in the constructor, functions between them."""

    def __init__(self):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(1, 2, 2, padding=1)
        self.conv2 = torch.nn.Conv2d(2, 4, 2, padding=1)
        self.conv3 = torch.nn.Conv2d(4, 8, 2, padding=1)
        self.fc1 = torch.nn.Linear(128, 32)
        self.fc2 = torch.nn.Linear(32, 10)

    def forward(self, x):
        for conv in (self.conv1, self.conv2, self.conv3):
            x = functional.max_pool2d(functional.relu(conv(x)), 2)
        return self.fc2(functional.relu(self.fc1(x.flatten(1))))


@pytest.mark.parametrize(("size", "convolved"), [(28, (29, 15, 8)), (32, (33, 17, 9))])
def test_small_cnn_has_the_lecture_s_shapes(size, convolved):
    model, x = SmallCNN(), torch.rand(3, 1, size, size)
    shapes = {}
    for name, part in model.named_children():
        x = part(x)
        shapes[name] = tuple(x.shape)
    for i, side in enumerate(convolved, start=1):
        assert shapes[f"conv{i}"] == (3, 2**i, side, side)
    assert (shapes["pool3"], shapes["flatten"], shapes["fc2"]) == ((3, 8, 4, 4), (3, 128), (3, 10))
    assert list(shapes) == [
        *("conv1", "relu1", "pool1", "conv2", "relu2", "pool2", "conv3", "relu3", "pool3"),
        *("flatten", "fc1", "relu4", "fc2"),
    ]


def test_small_cnn_has_4640_parameters():
    assert count(SmallCNN()) == 4640


def test_small_cnn_s_weights_load_into_the_lecture_s_module():
    ours, theirs = SmallCNN(), LectureCNN()
    theirs.load_state_dict(ours.state_dict())
    x = torch.rand(4, 1, 28, 28)
    torch.testing.assert_close(ours(x), theirs(x))


def test_the_same_seed_gives_the_lecture_s_initial_weights():
    torch.manual_seed(5)
    ours = SmallCNN().state_dict()
    torch.manual_seed(5)
    theirs = LectureCNN().state_dict()
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_slice_keeps_parts_and_names():
    model = SmallCNN()
    first = model[:3]
    assert list(dict(first.named_children())) == ["conv1", "relu1", "pool1"]
    assert first.conv1 is model[0] is model.conv1
    assert first(torch.rand(1, 1, 28, 28)).shape == (1, 2, 14, 14)


def test_digit_cnn():
    assert DigitCNN()(torch.rand(2, 1, 28, 28)).shape == (2, 10)
    assert count(DigitCNN(width=2)) < count(DigitCNN())
    with pytest.raises(ValueError, match="a width of 1 or more, got 0"):
        DigitCNN(width=0)
    with pytest.raises(ValueError, match="shipped weights are for width=16, not 8"):
        DigitCNN(width=8, pretrained=True)


def test_mlp_computes_the_formula():
    model = MLP(3, 4, 2, activation=nn.Sigmoid).double()
    x = torch.randn(5, 3, dtype=torch.float64)
    hidden = torch.sigmoid(x @ model.fc1.weight.T + model.fc1.bias)
    torch.testing.assert_close(model(x), hidden @ model.fc2.weight.T + model.fc2.bias)
    assert list(dict(model.named_children())) == ["flatten", "fc1", "sigmoid1", "fc2"]
    assert list(dict(MLP(3, 2).named_children())) == ["flatten", "fc1"]


@pytest.mark.parametrize("sizes", [(), (3,), (3, 0)])
def test_mlp_needs_two_sizes(sizes):
    with pytest.raises(ValueError, match="at least an input and an output size, each 1 or more"):
        MLP(*sizes)


def test_mlp_needs_whole_numbers():
    with pytest.raises(TypeError, match=r"got \(784, 10\); try MLP\(784, 64, 10\)"):
        MLP((784, 10))


@pytest.mark.parametrize("size", [48, (40, 32), 49])
def test_small_vgg_gives_one_score_an_answer(size):
    height, width = (size, size) if isinstance(size, int) else size
    model = SmallVGG(3, image_size=size)
    assert model(torch.rand(2, 3, height, width)).shape == (2, 3)
    assert [name for name in dict(model.named_children()) if name.startswith("conv")] == [
        f"conv{block}{which}" for block in (1, 2, 3) for which in "ab"
    ]


def test_small_vgg_refuses_what_it_cannot_be():
    with pytest.raises(ValueError, match="4 x 4 cannot be halved 3 times; take images of at least 8 pixels"):
        SmallVGG(2, image_size=4)
    with pytest.raises(ValueError, match="to be 1 or more"):
        SmallVGG(0)
