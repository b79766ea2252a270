"""The step as a CUDA graph, other devices, and what can be held of them without a GPU."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from glassbox import optim
from glassbox.models import SmallCNN
from glassbox.training import evaluate, fit
from glassbox.training.capture import Steps, capturable, why_not_capture
from glassbox.training.device import choose_device, move_optimizer
from glassbox.training.schedule import Rates
from tests.training.runs import assert_same_weights, blobs, half_way_down, network

CUDA = torch.device("cuda")
CPU = torch.device("cpu")


def parameters() -> list[nn.Parameter]:
    return [nn.Parameter(torch.ones(2))]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((CPU, 1, True, optim.Adam(parameters())), "cpu has no CUDA graphs"),
        ((CUDA, 2, True, optim.Adam(parameters())), "several workers train together"),
        ((CUDA, 1, False, optim.Adam(parameters())), "the data do not stay on the GPU"),
        ((CUDA, 1, True, torch.optim.SparseAdam(parameters())), "SparseAdam has no option 'capturable'"),
        ((CUDA, 1, True, optim.Adam(parameters())), None),
        ((CUDA, 1, True, optim.SGD(parameters())), None),
        ((CUDA, 1, True, torch.optim.SGD(parameters())), None),
        ((CUDA, 1, True, torch.optim.Adadelta(parameters())), None),
    ],
)
def test_says_why_a_step_is_not_captured(arguments: Any, reason: str | None) -> None:
    *rest, optimizer = arguments
    assert why_not_capture(*rest, Rates(None, optimizer, 1)) == reason


def test_a_scheduler_of_torch_is_not_captured() -> None:
    optimizer = torch.optim.SGD(parameters(), momentum=0.9)
    rates = Rates(torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9), optimizer, 1)
    assert why_not_capture(CUDA, 1, True, rates) == "ExponentialLR may change more than the learning rate"


@pytest.mark.parametrize("kind", [optim.Adam, optim.SGD, torch.optim.SGD])
def test_a_capturable_optimizer_steps_as_before_and_is_given_back(kind: Any) -> None:
    ours, reference = parameters(), parameters()
    optimizer, plain = kind(ours, lr=0.1), kind(reference, lr=0.1)
    for step in range(4):
        for parameter in (*ours, *reference):
            parameter.grad = torch.tensor([1.0, -2.0]) * (step + 1)
        if step == 1:
            with capturable(optimizer, CPU):
                assert isinstance(optimizer.param_groups[0]["lr"], Tensor)
                optimizer.step()
        else:
            optimizer.step()
        plain.step()
    torch.testing.assert_close(ours, reference)
    assert optimizer.param_groups[0]["lr"] == 0.1
    assert not optimizer.param_groups[0].get("capturable")


def test_an_optimizer_moves_with_its_model_and_keeps_its_count() -> None:
    model = nn.Linear(2, 1)
    optimizer = optim.Adam(model.parameters())
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    move_optimizer(optimizer, torch.device("meta"))
    state = optimizer.state[model.weight]
    assert (state["exp_avg"].device.type, state["step"].device.type) == ("meta", "cpu")


def test_auto_takes_the_first_device_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device() == torch.device("mps")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device() == CPU


def test_a_graph_is_recorded_on_the_device_of_the_run_and_not_on_the_current_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    second = torch.device("cuda:1")
    used: list[tuple[str, Any]] = []

    class Stream:
        def __init__(self, device: Any = "the current device") -> None:
            self.device = device

        def wait_stream(self, other: Stream) -> None:
            used.append(("waits", (self.device, other.device)))

    class Graph:
        def register_generator_state(self, generator: Any) -> None:
            used.append(("draws", generator))

        def replay(self) -> None:
            used.append(("replays", None))

    def inside(kind: str) -> Any:
        @contextmanager
        def block(*arguments: Any, stream: Any = "torch's own") -> Any:
            where = arguments[0] if kind != "graph" else stream
            used.append((kind, getattr(where, "device", where)))
            yield

        return block

    for name, stand_in in {"Stream": Stream, "current_stream": Stream, "CUDAGraph": Graph}.items():
        monkeypatch.setattr(torch.cuda, name, stand_in)
    for name in ("stream", "graph", "device"):
        monkeypatch.setattr(torch.cuda, name, inside(name))
    steps = Steps(lambda run, indices: used.append(("steps", None)), 4, second, capture=True, obstacle=None)
    for _ in range(6):
        steps(SimpleNamespace(generator="the augmentation's"), torch.arange(4))
    assert str(steps) == "on"
    assert [kind for kind, _ in used].count("steps") == 4
    assert [kind for kind, _ in used].count("replays") == 3
    assert {place for kind, place in used if kind == "waits"} == {(second, second)}
    assert {place for kind, place in used if kind in ("stream", "graph", "device")} == {second}
    assert ("draws", "the augmentation's") in used


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
class TestOnCuda:
    @pytest.mark.parametrize("kind", [optim.Adam, optim.SGD, torch.optim.Adam])
    def test_a_captured_run_equals_one_that_is_not(self, kind: Any) -> None:
        captured, plain = network(), network()
        options: dict[str, Any] = {"epochs": 3, "batch_size": 10, "schedule": half_way_down, "device": "cuda"}
        options["optimizer"] = lambda parameters: kind(parameters, lr=0.05)
        history = fit(captured, blobs(), capture=True, **options)
        reference = fit(plain, blobs(), capture=False, **options)
        assert history.capture == "on"
        assert reference.capture == "off: not asked for"
        assert [row.loss for row in history] == pytest.approx([row.loss for row in reference], rel=1e-4)
        torch.testing.assert_close(dict(captured.state_dict()), dict(plain.state_dict()), rtol=1e-4, atol=1e-5)

    def test_small_cnn_is_captured_and_handed_back(self) -> None:
        model = SmallCNN()
        images = torch.rand(200, 1, 28, 28)
        history = fit(model, (images, torch.zeros(200, dtype=torch.int64)), epochs=3, device="cuda")
        assert history.capture == "on"
        assert history.device.startswith("cuda:0 (")
        assert history[-1].loss < history[0].loss
        assert {parameter.device.type for parameter in model.parameters()} == {"cpu"}

    def test_dropout_and_augmentation_draw_anew_in_each_replay(self) -> None:
        def shaken(inputs: Tensor, generator: torch.Generator) -> Tensor:
            return inputs + torch.randn(inputs.shape, generator=generator, device=inputs.device)

        first, second, still = network(dropout=0.5), network(dropout=0.5), network(dropout=0.5)
        for model in (first, second):
            fit(model, blobs(), epochs=3, batch_size=10, augment=shaken, device="cuda", capture=True)
        fit(still, blobs(), epochs=3, batch_size=10, device="cuda", capture=True)
        assert_same_weights(first, second)
        assert not torch.equal(first[0].weight, still[0].weight)

    @pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")
    def test_the_second_device_is_as_good_as_the_first(self) -> None:
        models = {device: network() for device in ("cuda:0", "cuda:1")}
        for device, model in models.items():
            history = fit(model, blobs(), batch_size=10, epochs=3, device=device, capture=True)
            assert (history.capture, history.device[:6]) == ("on", device)
        assert_same_weights(*models.values())

    def test_an_optimizer_of_the_callers_own_comes_back_with_the_model(self) -> None:
        model = network()
        optimizer = torch.optim.Adam(model.parameters())
        fit(model, blobs(), optimizer=optimizer, batch_size=10, device="cuda")
        assert {value.device.type for state in optimizer.state.values() for value in state.values()} == {"cpu"}
        fit(model, blobs(), optimizer=optimizer, batch_size=10, device="cpu")

    def test_class_weights_and_ignored_labels_are_captured(self) -> None:
        inputs, labels = blobs()
        labels = labels.clone()
        labels[:20] = 255
        weighted = nn.CrossEntropyLoss(torch.tensor([1.0, 3.0, 0.2]), ignore_index=255)
        captured, plain = network(), network()
        options: dict[str, Any] = {"loss": weighted, "batch_size": 10, "epochs": 2, "device": "cuda"}
        first = fit(captured, (inputs, labels), capture=True, **options)
        second = fit(plain, (inputs, labels), capture=False, **options)
        assert first.capture == "on"
        assert [row.loss for row in first] == pytest.approx([row.loss for row in second], rel=1e-4)
        assert [row.accuracy for row in first] == [row.accuracy for row in second]
        assert weighted.weight.device.type == "cpu"

    def test_what_cannot_be_captured_is_run(self) -> None:
        class Reads(nn.Linear):
            def forward(self, inputs: Tensor) -> Tensor:
                outputs = super().forward(inputs)
                return outputs if outputs.sum().item() < 1e9 else -outputs

        history = fit(Reads(4, 3), blobs(), batch_size=10, epochs=2, device="cuda")
        assert history.capture.startswith("off: the step cannot be recorded")

    def test_bfloat16_and_evaluation(self) -> None:
        model = network()
        history = fit(model, blobs(), batch_size=10, epochs=3, device="cuda", precision="bfloat16")
        assert history[-1].loss < history[0].loss
        on_gpu, on_cpu = (evaluate(model, blobs(), device=device) for device in ("cuda", "cpu"))
        assert on_gpu.loss == pytest.approx(on_cpu.loss, rel=1e-4)
