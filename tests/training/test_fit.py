"""What `fit` computes, and what it leaves as it was."""

from __future__ import annotations

import copy
import dataclasses
import io
import math
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset, TensorDataset

from glassbox.datasets import LabelledImages
from glassbox.optim import SGD
from glassbox.training import DivergenceError, History, evaluate, fit
from glassbox.training import progress as progress_module
from tests.training.runs import assert_same_weights, blobs, everything_run, half_way_down, network


def sgd(parameters: Any) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=0.1, momentum=0.9)


def fit_on_cpu(model: nn.Module, data: Any, **options: Any) -> History:
    return fit(model, data, **{"device": "cpu", "batch_size": 10} | options)


def by_hand(model: nn.Module, data: tuple[Tensor, Tensor], orders: list[Tensor], schedule: Any = None) -> list[float]:
    """Train with torch alone, on batches of ten from given orders; return the mean loss of each epoch."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    criterion, losses, step = nn.CrossEntropyLoss(), [], 0
    steps = len(orders) * math.ceil(len(data[0]) / 10)
    for order in orders:
        total = 0.0
        for indices in order.split(10):
            if schedule is not None:
                optimizer.param_groups[0]["lr"] = 0.1 * schedule(step / steps)
            loss = criterion(model(data[0][indices]), data[1][indices])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(indices)
            step += 1
        losses.append(total / len(data[0]))
    return losses


class Recorder:
    """Stands in for an augmentation, and remembers the inputs of every batch."""

    def __init__(self) -> None:
        self.batches: list[Tensor] = []

    def __call__(self, inputs: Tensor, generator: torch.Generator) -> Tensor:
        self.batches.append(inputs.clone())
        return inputs


@pytest.mark.parametrize("schedule", [None, half_way_down])
def test_equals_a_loop_written_by_hand(schedule: Any) -> None:
    inputs, labels = blobs(64)
    ours, theirs, recorder = network(), network(), Recorder()
    history = fit_on_cpu(
        ours, (inputs, labels), optimizer=sgd, epochs=2, schedule=schedule, augment=recorder, loss=nn.CrossEntropyLoss()
    )
    seen = torch.cat(recorder.batches)
    rows = (seen.unsqueeze(1) == inputs).all(2).nonzero()[:, 1]  # which example each was
    losses = by_hand(theirs, (inputs, labels), list(rows.split(64)), schedule)
    assert_same_weights(ours, theirs)
    assert [row.loss for row in history] == pytest.approx(losses, rel=1e-6)
    assert [row.steps for row in history] == [7, 14]


def test_an_epoch_uses_each_example_once_in_another_order() -> None:
    inputs, labels = torch.arange(23.0).unsqueeze(1), torch.zeros(23, dtype=torch.int64)
    recorder = Recorder()
    fit_on_cpu(nn.Linear(1, 2), (inputs, labels), epochs=2, batch_size=5, augment=recorder)
    assert [len(batch) for batch in recorder.batches] == [5, 5, 5, 5, 3] * 2
    first, second = torch.cat(recorder.batches).flatten().split(23)
    assert first.sort().values.tolist() == second.sort().values.tolist() == list(range(23))
    assert not torch.equal(first, second)
    assert not torch.equal(first, first.sort().values)


def test_the_seed_decides() -> None:
    first, same, other = network(), network(), network()
    histories = [fit_on_cpu(model, blobs(), seed=seed) for model, seed in ((first, 3), (same, 3), (other, 4))]
    assert_same_weights(first, same)
    assert histories[0] == histories[1] != histories[2]


def test_all_kinds_of_data_give_the_same() -> None:
    class Items(Dataset):
        def __len__(self) -> int:
            return len(labels)

        def __getitem__(self, index: int) -> tuple[Tensor, int]:
            return images[index], int(labels[index])

    images, labels = blobs(30)
    kinds = [
        (images, labels),
        TensorDataset(images, labels),
        LabelledImages(images, labels, source="blobs"),
        Items(),
    ]
    reference = network()
    expected = fit_on_cpu(reference, kinds[0])
    for data in kinds[1:]:
        model = network()
        assert fit_on_cpu(model, data) == expected
        assert_same_weights(model, reference)
        assert evaluate(model, data, device="cpu").accuracy == evaluate(reference, kinds[0], device="cpu").accuracy


def test_random_numbers_modes_and_rates_stay_as_they_were() -> None:
    model = network(dropout=0.5)
    model[0].eval()
    optimizer = sgd(model.parameters())
    torch.manual_seed(7)
    state = torch.get_rng_state()
    fit_on_cpu(model, blobs(), optimizer=optimizer, schedule=half_way_down, validation=blobs(20))
    evaluate(model, blobs(), device="cpu")
    assert torch.equal(torch.get_rng_state(), state)
    assert [module.training for module in model] == [False, True, True, True]
    assert optimizer.param_groups[0]["lr"] == 0.1


def test_dropout_follows_the_seed_and_not_the_global_numbers() -> None:
    first, second = network(dropout=0.5), network(dropout=0.5)
    fit_on_cpu(first, blobs())
    torch.rand(3)
    fit_on_cpu(second, blobs())
    assert_same_weights(first, second)


def test_yes_no_answers_and_numbers() -> None:
    inputs, labels = blobs(60)
    answers = nn.functional.one_hot(labels, 3).float()
    faces = fit_on_cpu(network(), (inputs, answers), epochs=9, optimizer=sgd, validation=(inputs, answers))
    assert 0.8 < faces[-1].accuracy <= 1
    assert 0.8 < faces[-1].validation_accuracy <= 1
    values = fit_on_cpu(network(), (inputs, answers + 0.5), epochs=3, validation=(inputs, answers + 0.5))
    assert values[-1].accuracy is None
    assert values[-1].validation_accuracy is None
    assert values[-1].loss < values[0].loss


def test_the_history_measures_the_epoch() -> None:
    model, data, rows = network(), blobs(), []
    history = fit_on_cpu(model, data, epochs=2, validation=blobs(20, seed=1), on_epoch=rows.append)
    assert list(history) == rows
    measured = evaluate(model, blobs(20, seed=1), device="cpu")
    assert (history[-1].validation_loss, history[-1].validation_accuracy) == (measured.loss, measured.accuracy)
    assert history.device == "cpu"
    assert history.capture.startswith("off: cpu")


def test_a_sum_is_as_good_as_a_mean_with_another_rate() -> None:
    mean, total = network(dtype=torch.float64), network(dtype=torch.float64)
    data = blobs(60, dtype=torch.float64)
    rates = {mean: 0.1, total: 0.01}
    histories = []
    for model, reduction in ((mean, "mean"), (total, "sum")):
        optimizer = SGD(model.parameters(), lr=rates[model])
        histories.append(fit_on_cpu(model, data, loss=nn.CrossEntropyLoss(reduction=reduction), optimizer=optimizer))
    assert histories[0][0].loss == pytest.approx(histories[1][0].loss, rel=1e-12)
    torch.testing.assert_close(mean.state_dict(), total.state_dict())


def test_bfloat16_computes_in_bfloat16_and_keeps_float32() -> None:
    seen = []
    model = network()
    model[0].register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
    fit_on_cpu(model, blobs(), precision="bfloat16")
    assert torch.bfloat16 in seen
    assert model[0].weight.dtype == torch.float32


def test_no_epochs_change_nothing() -> None:
    model, untouched = network(), network()
    assert len(fit_on_cpu(model, blobs(), epochs=0)) == 0
    assert_same_weights(model, untouched)


class TestDivergence:
    def test_says_what_happened_and_keeps_good_weights(self) -> None:
        model = network()
        data = blobs()
        with pytest.raises(DivergenceError, match=r"rate 1e\+30.*largest gradient.*Try a learning rate") as error:
            fit_on_cpu(model, data, optimizer=lambda p: SGD(p, lr=1e30), epochs=50)
        assert error.value.step > 1
        assert error.value.parameter in dict(model.named_parameters())
        assert error.value.largest_gradient is not None
        assert all(value.isfinite().all() for value in model.parameters())
        assert math.isfinite(evaluate(model, data, device="cpu").loss)

    def test_at_the_first_step(self) -> None:
        with pytest.raises(DivergenceError, match="No update had been made") as error:
            fit_on_cpu(network(), blobs(), loss=lambda outputs, targets: outputs.sum() * math.inf)
        assert error.value.step == 1

    def test_weights_are_looked_at_too(self) -> None:
        def poisoned(outputs: Tensor, targets: Tensor) -> Tensor:
            loss = outputs.square().mean()
            outputs.register_hook(lambda gradient: gradient * math.nan) if outputs.requires_grad else None
            return loss

        model = network()
        with pytest.raises(DivergenceError, match="holds values that are not finite"):
            fit_on_cpu(model, blobs(10), loss=poisoned)
        assert all(value.isfinite().all() for value in model.parameters())

    def test_is_never_written_to_a_checkpoint(self, tmp_path: Path) -> None:
        with pytest.raises(DivergenceError):
            everything_run(tmp_path, optimizer=lambda p: SGD(p, lr=1e30), checkpoint_every=1, schedule=None)
        model, history = network(dropout=0.3), None
        with pytest.raises(DivergenceError):
            history = everything_run(tmp_path, optimizer=lambda p: SGD(p, lr=1e30), checkpoint_every=1, schedule=None)
        assert history is None
        assert model is not None


class TestProgress:
    def test_silent_in_a_pipe(self, capfd: pytest.CaptureFixture[str]) -> None:
        fit_on_cpu(network(), blobs())
        assert capfd.readouterr() == ("", "")

    def test_shown_when_asked_for_and_on_80_columns_to_the_accuracy(self, capfd: pytest.CaptureFixture[str]) -> None:
        fit_on_cpu(network(), blobs(), epochs=12, progress=True)
        shown = capfd.readouterr().err.split("\r")[-1].rstrip()
        for part in ("cpu", "100%", "epoch=12/12", "loss=", "images/s"):
            assert part in shown
        assert re.search(r"accuracy=[\d.]+%$", shown)
        assert len(re.sub("█+", "█", shown)) < 80

    def test_shown_on_a_terminal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Terminal(io.StringIO):
            def isatty(self) -> bool:
                return True

        monkeypatch.setattr(progress_module.sys, "stderr", Terminal())
        assert progress_module.someone_watches()
        monkeypatch.setattr(progress_module.sys, "stderr", io.StringIO())
        assert not progress_module.someone_watches()


def test_optimizer_state_survives_between_runs() -> None:
    """A second run with the same optimizer goes on with its momentum."""
    model, reference = network(), network()
    optimizer = sgd(model.parameters())
    orders = []
    for seed in (0, 1):
        recorder = Recorder()
        fit_on_cpu(model, blobs(), optimizer=optimizer, seed=seed, augment=recorder, loss=nn.CrossEntropyLoss())
        seen = torch.cat(recorder.batches)
        orders.append((seen.unsqueeze(1) == blobs()[0]).all(2).nonzero()[:, 1])
    by_hand(reference, blobs(), orders)
    assert_same_weights(model, reference)


def test_the_record_of_a_run_is_small_and_complete_where_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = []
    room = sys.modules["glassbox.training.fit"]
    learn = room.learn
    monkeypatch.setattr(room, "learn", lambda run: (runs.append((run, set(vars(run)))), learn(run)))
    fit_on_cpu(network(), blobs(), epochs=2, validation=blobs(20))
    ((run, made),) = runs
    assert made == set(vars(run)) == {field.name for field in dataclasses.fields(run)}
    assert len(made) <= 12


def test_the_model_is_trained_in_place() -> None:
    model = network()
    before = copy.deepcopy(model)
    weight = model[0].weight
    fit_on_cpu(model, blobs())
    assert model[0].weight is weight
    assert not torch.equal(weight, before[0].weight)
