"""Learning rates: functions of progress, and torch's schedulers, stepped and remembered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim import lr_scheduler as torch_schedules

from glassbox.training import OneCycle, fit
from tests.training.runs import assert_same_weights, before_each_step, blobs, network, shaken
from tests.training.test_fit import Recorder, fit_on_cpu

STEPS = 14  # of two epochs of 64 examples, ten at a time


def adam(parameters: Any) -> Optimizer:
    return torch.optim.Adam(parameters, lr=0.02)


def sequence(optimizer: Optimizer) -> torch_schedules.LRScheduler:
    parts = [torch_schedules.LinearLR(optimizer, 0.1, total_iters=3), torch_schedules.ExponentialLR(optimizer, 0.8)]
    return torch_schedules.SequentialLR(optimizer, parts, milestones=[4])


SCHEDULES: dict[str, Callable[[Optimizer], torch_schedules.LRScheduler]] = {
    "StepLR": lambda optimizer: torch_schedules.StepLR(optimizer, 3, 0.5),
    "MultiStepLR": lambda optimizer: torch_schedules.MultiStepLR(optimizer, [2, 5, 9], 0.5),
    "ExponentialLR": lambda optimizer: torch_schedules.ExponentialLR(optimizer, 0.8),
    "OneCycleLR, betas too": lambda optimizer: torch_schedules.OneCycleLR(optimizer, 0.05, total_steps=STEPS),
    "CosineAnnealingWarmRestarts": lambda optimizer: torch_schedules.CosineAnnealingWarmRestarts(optimizer, 3),
    "LambdaLR": lambda optimizer: torch_schedules.LambdaLR(optimizer, lambda step: 1 / (1 + step)),
    "SequentialLR": sequence,
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_scheduler_of_torch_is_stepped_after_each_update(name: str) -> None:
    inputs, labels = blobs(64)
    ours, theirs, recorder = network(), network(), Recorder()
    history = fit_on_cpu(
        ours,
        (inputs, labels),
        optimizer=adam,
        epochs=2,
        schedule=SCHEDULES[name],
        augment=recorder,
        loss=nn.CrossEntropyLoss(),
    )
    optimizer = adam(theirs.parameters())
    schedule, rates = SCHEDULES[name](optimizer), []
    for batch in recorder.batches:
        rows = (batch.unsqueeze(1) == inputs).all(2).nonzero()[:, 1]
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.zero_grad()
        nn.functional.cross_entropy(theirs(batch), labels[rows]).backward()
        optimizer.step()
        schedule.step()
    assert_same_weights(ours, theirs)
    assert [row.learning_rate for row in history] == [rates[6], rates[13]]


class Stop(Exception):
    """Ends a run from inside."""


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_stopped_run_goes_on_where_its_scheduler_was(tmp_path: Path, name: str) -> None:
    def run(folder: str, stop: int | None = None) -> nn.Module:
        steps = 0

        def count() -> None:
            nonlocal steps
            steps += 1
            if steps == stop:
                raise Stop

        model = network()
        options: dict[str, Any] = {"optimizer": adam, "epochs": 2, "batch_size": 10, "device": "cpu"}
        options |= {"checkpoint": tmp_path / folder, "checkpoint_every": 2}
        with before_each_step(count):
            fit(model, blobs(64), schedule=SCHEDULES[name], augment=shaken, **options)
        return model

    with pytest.raises(Stop):
        run("stopped", stop=10)
    assert_same_weights(run("stopped"), run("whole"))


def test_a_scheduler_of_the_callers_own_goes_on_in_the_next_run() -> None:
    model, optimizer = network(), None
    optimizer = adam(model.parameters())
    schedule = torch_schedules.ExponentialLR(optimizer, 0.9)
    first = fit_on_cpu(model, blobs(64), optimizer=optimizer, schedule=schedule)
    second = fit_on_cpu(model, blobs(64), optimizer=optimizer, schedule=schedule)
    assert first[-1].learning_rate == pytest.approx(0.02 * 0.9**6)
    assert second[-1].learning_rate == pytest.approx(0.02 * 0.9**13)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.02 * 0.9**14)


def test_an_optimizer_has_its_options_back() -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    before = {name: value for name, value in optimizer.param_groups[0].items() if name != "params"}
    fit_on_cpu(
        model, blobs(64), optimizer=optimizer, schedule=lambda o: torch_schedules.OneCycleLR(o, 0.1, total_steps=7)
    )
    assert {name: value for name, value in optimizer.param_groups[0].items() if name != "params"} == before


def test_one_cycle_is_continuous_and_ends_at_zero() -> None:
    factor = OneCycle(warm_up=0.3, start=0.2)
    assert factor(0) == 0.2
    assert factor(0.3 - 1e-9) == pytest.approx(factor(0.3), abs=1e-6)
    assert factor(0.3) == 1
    assert factor(1) == 0
    assert OneCycle(warm_up=0.0)(0.0) == 1
