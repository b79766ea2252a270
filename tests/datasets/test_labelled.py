"""What one can do with images and their labels."""

from __future__ import annotations

import pytest
import torch

from glassbox.datasets import LabelledImages


@pytest.fixture
def data() -> LabelledImages:
    images = torch.arange(5.0)[:, None, None, None].expand(5, 1, 2, 2)
    return LabelledImages(images, torch.tensor([3, 1, 2, 1, 0]), "made up", is_standin=True, class_names=tuple("abcd"))


def test_an_integer_gives_a_pair(data: LabelledImages) -> None:
    for index in (1, -4, torch.tensor(1)):
        image, label = data[index]
        assert image.shape == (1, 2, 2)
        assert (float(image.max()), int(label)) == (1.0, 1)
    with pytest.raises(IndexError):
        data[5]


@pytest.mark.parametrize(
    "index", [slice(1, 4, 2), [1, 3], torch.tensor([1, 3]), torch.tensor([False, True, False, True, False])]
)
def test_several_give_the_same_kind_of_data(data: LabelledImages, index: object) -> None:
    part = data[index]
    assert isinstance(part, LabelledImages)
    assert part.labels.tolist() == [1, 1]
    assert part.images[:, 0, 0, 0].tolist() == [1, 3]
    assert (part.source, part.is_standin, part.class_names) == ("made up", True, ("a", "b", "c", "d"))


def test_one_can_go_through_it_and_hand_it_to_a_loader(data: LabelledImages) -> None:
    assert [int(label) for _, label in data] == [3, 1, 2, 1, 0]
    batches = list(torch.utils.data.DataLoader(data, batch_size=2))
    assert [labels.tolist() for _, labels in batches] == [[3, 1], [2, 1], [0]]


def test_it_goes_to_a_device(data: LabelledImages, device: str) -> None:
    moved = data.to(device)
    assert moved.images.device.type == moved.labels.device.type == device
    assert torch.equal(moved.labels.cpu(), data.labels)
    assert moved.source == data.source


def test_labels_must_fit_the_images() -> None:
    with pytest.raises(ValueError, match=r"3 images came with 2 labels"):
        LabelledImages(torch.zeros(3, 1, 2, 2), torch.zeros(2), "wrong")


def test_it_shows_what_it_is(data: LabelledImages) -> None:
    assert repr(data) == "LabelledImages('made up', images (5, 1, 2, 2), labels (5,))"
