"""PyTorch's own test inputs: what its developers found worth testing, each name on its own.

A sample matches (output and every gradient, in float64) or raises ``NotImplementedError``; at most one in twenty of a
name's samples may raise. The run ends with a table of the counts.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

import glassbox.nn as ours
import glassbox.nn.functional as F
from tests.nn.compare import assert_same, call_of, state_of
from tests.nn.conftest import Count
from tests.nn.records import RECORDS

pytestmark = [
    pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths"),
    pytest.mark.filterwarnings("ignore:Using a target size:UserWarning"),
]

SAMPLED = [record for record in RECORDS if record.samples and record.call is not None]
MOST_REFUSED = 0.05

Call = tuple[Callable[..., Any], Callable[..., Any], tuple[Any, ...], dict[str, Any]]


@functools.cache
def module_samples() -> dict[str, Any]:
    """Read PyTorch's table of modules; importing it takes seconds, so only when a test asks."""
    from torch.testing._internal.common_modules import module_db

    return {info.name.removeprefix("nn."): info for info in module_db}


@functools.cache
def function_samples() -> dict[str, list[Any]]:
    """Read PyTorch's table of operators: a name has one entry or several variants."""
    from torch.testing._internal.common_methods_invocations import op_db

    table: dict[str, list[Any]] = {}
    for info in op_db:
        table.setdefault(info.name.removeprefix("nn.functional."), []).append(info)
    return table


def module_calls(name: str, device: str) -> Iterator[Call]:
    """Give each module sample as a pair of functions with their arguments, in training and in evaluation."""
    info = module_samples()[name]
    for training in (True, False):
        samples = info.module_inputs_func(
            info, device=device, dtype=torch.float64, requires_grad=True, training=training
        )
        for sample in samples:
            made = sample.constructor_input
            pair = []
            for library in (ours, torch.nn):
                torch.manual_seed(0)
                try:
                    module = getattr(library, name)(*made.args, **made.kwargs)
                except NotImplementedError as refusal:
                    pair.append(functools.partial(refuse, refusal))
                    continue
                pair.append(module.to(device, torch.float64).train(training))
            mine, reference = pair
            state = state_of(reference)
            ours_call = call_of(mine) if isinstance(mine, torch.nn.Module) else mine
            given = sample.forward_input
            yield ours_call, call_of(reference), (state, *given.args, *given.kwargs.values()), {}


def refuse(refusal: NotImplementedError, *_: Any) -> None:
    """Stand in for a module that would not be built."""
    raise refusal


def function_calls(name: str, device: str) -> Iterator[Call]:
    """Give each operator sample as a pair of functions with their arguments."""
    for info in function_samples()[name]:
        for sample in info.sample_inputs(device, torch.float64, requires_grad=True):
            yield getattr(F, name), info.op, (sample.input, *sample.args), sample.kwargs


def tally(calls: Iterable[Call], check: Callable[..., None] = assert_same) -> Count:
    """Compare every sample and count what became of it."""
    count = Count()
    for mine, reference, arguments, options in calls:
        try:
            check(mine, reference, *arguments, **options)
        except NotImplementedError:
            count.refused += 1
        except Exception as error:
            count.differing.append(f"{describe(arguments)} {describe(options)}: {error!r}")
        else:
            count.matched += 1
    return count


def describe(value: Any) -> str:
    """Write the arguments of a sample in short: a tensor by its shape."""
    if isinstance(value, Tensor):
        return f"tensor{tuple(value.shape)}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={describe(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "(" + ", ".join(describe(part) for part in value) + ")"
    return repr(value)


def judge(count: Count) -> None:
    """Fail on a sample that differs, and on too many refusals."""
    assert count.total > 0
    assert not count.differing, f"{len(count.differing)} of {count.total} differ, first: " + "\n".join(
        count.differing[:5]
    )
    assert count.refused <= MOST_REFUSED * count.total, f"{count.refused} of {count.total} samples are refused"


@pytest.mark.parametrize("name", [record.module for record in SAMPLED])
def test_module_samples(name: str, device: str, counts: dict[str, Count]) -> None:
    count = counts[f"{name} ({device})"] = tally(module_calls(name, device))
    judge(count)


@pytest.mark.parametrize("name", [record.function for record in SAMPLED])
def test_function_samples(name: str, device: str, counts: dict[str, Count]) -> None:
    count = counts[f"{name} ({device})"] = tally(function_calls(name, device))
    judge(count)


# --- Dropout: drawn at random, so compared by its statistics --------------------------------------------------------


def assert_dropout(mine: Callable[..., Tensor], _: Callable[..., Tensor], given: Tensor, **options: Any) -> None:
    """In evaluation nothing changes; in training each entry is 0 or scaled by 1 / (1 - p), and its gradient as well."""
    p, training = options.get("p", 0.5), options.get("training", True)
    repeated = given.detach().expand(1000, *given.shape).clone().requires_grad_()
    output = mine(repeated, **options)
    (slope,) = torch.autograd.grad(output.sum(), repeated)
    assert (output.shape, output.dtype) == (repeated.shape, repeated.dtype)
    if not training or p == 0:
        assert torch.equal(output, repeated)
        assert torch.equal(slope, torch.ones_like(slope))
        return
    if p == 1:
        assert not output.any()
        assert not slope.any()
        return
    kept = output != 0
    torch.testing.assert_close(output, repeated * kept / (1 - p))
    torch.testing.assert_close(slope, kept.double() / (1 - p))
    # Six standard deviations of the mean of independent draws.
    room = 6 * (p * (1 - p) / kept.numel()) ** 0.5
    assert abs(kept.double().mean() - (1 - p)) < room
    each = kept.double().mean(0)
    assert ((each - (1 - p)).abs() < 6 * (p * (1 - p) / 1000) ** 0.5).all()


def test_dropout_samples(device: str, counts: dict[str, Count]) -> None:
    torch.manual_seed(0)
    count = counts[f"dropout ({device})"] = tally(function_calls("dropout", device), assert_dropout)
    judge(count)


def dropout_without_the_scale(given: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    return given * (torch.rand_like(given) >= p) if training else given


def dropout_of_whole_rows(given: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    return given * (torch.rand_like(given[0]) >= p) / (1 - p) if training and p < 1 else given * (1 - p * training)


@pytest.mark.parametrize("broken", [dropout_without_the_scale, dropout_of_whole_rows])
def test_the_check_of_dropout_can_fail(broken: Callable[..., Tensor]) -> None:
    torch.manual_seed(0)
    count = tally([(broken, broken, (torch.ones(5, 5),), {"p": 0.5})], assert_dropout)
    assert len(count.differing) == 1


# --- Flatten: PyTorch has no samples for it -------------------------------------------------------------------------

FLATTEN = [
    (shape, start, end)
    for shape in ((), (4,), (2, 3), (2, 3, 4), (2, 0, 4), (2, 1, 3, 2))
    for start in range(-max(len(shape), 1), max(len(shape), 1))
    for end in range(-max(len(shape), 1), max(len(shape), 1))
    if start % max(len(shape), 1) <= end % max(len(shape), 1)
]


def flatten_calls(library: Any, device: str) -> Iterator[Call]:
    """Give every choice of the first and last dimension on several shapes."""
    for shape, start, end in FLATTEN:
        given = torch.rand(shape, dtype=torch.float64, device=device, requires_grad=True)
        yield library.Flatten(start, end), torch.nn.Flatten(start, end), (given,), {}


def test_flatten_cases(device: str, counts: dict[str, Count]) -> None:
    count = counts[f"Flatten, own cases ({device})"] = tally(flatten_calls(ours, device))
    judge(count)


# --- The tally itself ----------------------------------------------------------------------------------------------


def test_a_wrong_value_is_counted_as_differing() -> None:
    given = (torch.ones(3, dtype=torch.float64, requires_grad=True),)
    calls = [
        (torch.tanh, torch.tanh, given, {}),
        (lambda x: torch.tanh(x) + 1e-6, torch.tanh, given, {}),  # the output
        (lambda x: torch.tanh(x.detach()) + 0 * x, torch.tanh, given, {}),  # only the gradient
        (functools.partial(refuse, NotImplementedError("stride")), torch.tanh, given, {}),
    ]
    count = tally(calls)
    assert (count.matched, count.refused, len(count.differing)) == (1, 1, 2)
    with pytest.raises(AssertionError, match="2 of 4 differ"):
        judge(count)


def test_too_many_refusals_fail() -> None:
    judge(Count(matched=19, refused=1))
    with pytest.raises(AssertionError, match="2 of 20 samples are refused"):
        judge(Count(matched=18, refused=2))
    with pytest.raises(AssertionError):
        judge(Count())
