"""The table that `fit` returns."""

from __future__ import annotations

from pathlib import Path

import pytest

from glassbox.plots import style
from glassbox.training import Epoch, History, fit
from tests.training.runs import blobs, network


@pytest.fixture(scope="module")
def history() -> History:
    return fit(network(), blobs(), epochs=3, validation=blobs(20, seed=1), device="cpu")


def test_json_there_and_back(history: History, tmp_path: Path) -> None:
    text = history.to_json(tmp_path / "history.json")
    for read in (History.from_json(text), History.from_json(tmp_path / "history.json")):
        assert read == history
        assert read.device == history.device
        assert [row.seconds for row in read] == [row.seconds for row in history]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"epochs": [{"epoch": 1}]}', '{"epochs": [], "speed": 3}'])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"this is no history written by History\.to_json"):
        History.from_json(text)


def test_equal_whatever_the_time_it_took() -> None:
    row = Epoch(1, 10, 0.5, 0.9, None, None, 0.1, seconds=1.0, images_per_second=10.0)
    slow = Epoch(1, 10, 0.5, 0.9, None, None, 0.1, seconds=9.0, images_per_second=1.0)
    other = Epoch(1, 10, 0.6, 0.9, None, None, 0.1, seconds=1.0, images_per_second=10.0)
    assert History([row], device="cpu") == History([slow], device="cuda:0")
    assert History([row]) != History([other])
    assert History([row]) != History([row], interrupted=True)


def test_frame_has_a_row_per_epoch_and_only_columns_that_apply(history: History) -> None:
    frame = history.to_frame()
    assert frame.index.tolist() == [1, 2, 3]
    assert frame["validation_loss"].tolist() == [row.validation_loss for row in history]
    inputs, _ = blobs()
    numbers = fit(network(), (inputs, inputs[:, :3] * 3), device="cpu").to_frame()
    assert list(numbers) == ["steps", "loss", "learning_rate", "seconds", "images_per_second"]
    assert len(History().to_frame()) == 0


def test_plot_draws_both_curves_on_the_given_axes(history: History) -> None:
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots()
    assert history.plot(ax) is ax
    training, validation = ax.lines
    assert training.get_ydata().tolist() == [row.loss for row in history]
    assert validation.get_ydata().tolist() == [row.validation_loss for row in history]
    assert (training.get_color(), validation.get_color()) == (style.BLUE, style.ORANGE)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["training", "validation"]
    assert ax.get_ylim()[1] > max(row.loss for row in history)
    assert History().plot(figure.add_subplot()).lines[:] == []
    plt.close(figure)
