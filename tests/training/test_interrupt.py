"""Ctrl-C, and the signals that take a machine away: the step is finished, and the history so far returned."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from glassbox.training import History, fit
from glassbox.training.checkpoint import CONTINUED
from glassbox.training.interrupt import SIGNALS, Interrupt
from tests.training.runs import assert_same_weights, before_each_step, blobs, everything_run, network

LAST_STEP = 7
"""Of an epoch of 64 examples in batches of 10."""


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Handle signals as Python does at its start, wherever the tests run: a background job ignores Ctrl-C."""
    before = {name: signal.getsignal(getattr(signal, name)) for name in SIGNALS}
    for name in SIGNALS:
        default = signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL
        signal.signal(getattr(signal, name), default)
    yield
    for name, handler in before.items():
        signal.signal(getattr(signal, name), handler)


def send_at(step: int, *names: str) -> Callable[[], None]:
    """Give a function that sends signals to this process when it is called for the so-manieth time."""
    count = 0

    def send() -> None:
        nonlocal count
        count += 1
        if count == step:
            for name in names:
                signal.raise_signal(getattr(signal, name))

    return send


def run(call: Callable[[], None], epochs: int) -> History:
    def augment(inputs: Tensor, generator: torch.Generator) -> Tensor:
        call()
        return inputs

    return fit(network(), blobs(), batch_size=10, epochs=epochs, augment=augment, device="cpu")


@pytest.mark.parametrize("name", SIGNALS)
def test_the_run_ends_with_the_history_so_far_and_goes_on_later(tmp_path: Path, name: str) -> None:
    with before_each_step(send_at(9, name)):
        _, stopped = everything_run(tmp_path / "a")
    assert (stopped.interrupted, stopped.interrupted_by, len(stopped)) == (True, name, 1)
    assert (tmp_path / "a" / CONTINUED).exists()
    model, resumed = everything_run(tmp_path / "a")
    reference, whole = everything_run(tmp_path / "b")
    assert (resumed.interrupted, resumed.interrupted_by) == (False, "")
    assert not (tmp_path / "a" / CONTINUED).exists()
    assert resumed == whole
    assert_same_weights(model, reference)


def test_in_the_last_batch_of_an_epoch() -> None:
    history = run(send_at(LAST_STEP, "SIGTERM"), epochs=3)
    assert (history.interrupted, history.interrupted_by, len(history)) == (True, "SIGTERM", 1)


def test_in_the_last_batch_of_all() -> None:
    history = run(send_at(LAST_STEP, "SIGTERM"), epochs=1)
    assert (history.interrupted, history.interrupted_by, len(history)) == (False, "", 1)


@pytest.mark.parametrize("first", SIGNALS)
def test_a_ctrl_c_after_a_signal_is_meant(first: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(send_at(2, first, "SIGINT"), epochs=1)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("second", [name for name in SIGNALS if name != "SIGINT"])
def test_a_cluster_may_send_twice(second: str) -> None:
    history = run(send_at(2, "SIGTERM", second), epochs=1)
    assert (history.interrupted, history.interrupted_by) == (True, "SIGTERM")


def test_a_signal_that_is_ignored_stays_ignored_and_the_others_work() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    assert not run(send_at(2, "SIGINT", "SIGINT"), epochs=1).interrupted
    assert run(send_at(2, "SIGTERM"), epochs=1).interrupted_by == "SIGTERM"
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_a_signal_that_someone_else_handles_is_theirs() -> None:
    theirs: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: theirs.append(number))
    assert not run(send_at(2, "SIGTERM"), epochs=1).interrupted
    assert theirs == [signal.SIGTERM]


def test_every_handler_is_put_back() -> None:
    before = [signal.getsignal(getattr(signal, name)) for name in SIGNALS]
    with Interrupt():
        assert [signal.getsignal(getattr(signal, name)) for name in SIGNALS] != before
    assert [signal.getsignal(getattr(signal, name)) for name in SIGNALS] == before
