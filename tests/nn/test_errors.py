"""A wrong call is answered at once, by one error that says what came and what was expected.

Never by a ``RuntimeError`` from inside torch, and never by a wrong number.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

import glassbox.nn as nn
import glassbox.nn.functional as F
from tests.nn.records import FUNCTIONS, RECORDS
from tests.nn.records.record import CLEAR, Wrong, X


def answer(call: Callable[[], Any]) -> Exception:
    """Make the wrong call and give its error."""
    try:
        result = call()
    except Exception as error:
        return error
    pytest.fail(f"nothing was raised; the call returned {result}")


WRONG = [pytest.param(wrong, id=f"{record.module}: {wrong.name}") for record in RECORDS for wrong in record.errors]


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_call(wrong: Wrong) -> None:
    error = answer(wrong.call)
    assert isinstance(error, wrong.kind), f"{type(error).__name__}: {error}"
    assert isinstance(error, CLEAR)
    message = str(error)
    for word in wrong.words:
        assert word in message, f"{word!r} is not in the message: {message}"
    assert len(message.splitlines()) == 1
    assert 20 <= len(message) <= 300, message


# --- PyTorch's own wrong inputs ------------------------------------------------------------------------------------


@functools.cache
def wrong_functions() -> list[tuple[str, Any]]:
    """Give the error inputs of PyTorch's table of operators."""
    from torch.testing._internal.common_methods_invocations import op_db

    names = {f"nn.functional.{name}": name for name in dir(F)}
    return [
        (names[info.name], wrong)
        for info in op_db
        if info.name in names and info.error_inputs_func is not None and info.name != "nn.functional.dropout"
        for wrong in info.error_inputs("cpu")
    ]


def wrong_modules() -> Iterator[tuple[str, Any]]:
    """Give the error inputs of PyTorch's table of modules."""
    from torch.testing._internal.common_modules import module_db

    for info in module_db:
        name = info.name.removeprefix("nn.")
        if not hasattr(nn, name) or info.module_error_inputs_func is None:
            continue
        for training in (True, False):
            yield from (
                (name, wrong)
                for wrong in info.module_error_inputs_func(
                    info, device="cpu", dtype=torch.float32, requires_grad=False, training=training
                )
            )


def test_pytorch_wrong_function_inputs() -> None:
    wrong_inputs = wrong_functions()
    assert {"conv2d", "max_pool2d", "avg_pool2d"} <= {name for name, _ in wrong_inputs}
    unclear = []
    for name, wrong in wrong_inputs:
        sample = wrong.sample_input
        try:
            result = getattr(F, name)(sample.input, *sample.args, **sample.kwargs)
        except CLEAR:
            continue
        except Exception as error:
            result = error
        unclear.append(f"{name}: {type(result).__name__} {str(result)[:80]}, where torch says {wrong.error_regex}")
    assert not unclear, "\n".join(unclear)


def test_pytorch_wrong_module_inputs() -> None:
    unclear, seen = [], set()
    for name, wrong in wrong_modules():
        seen.add(name)
        made, given = wrong.module_error_input.constructor_input, wrong.module_error_input.forward_input
        try:
            result = getattr(nn, name)(*made.args, **made.kwargs)
            if given is not None:
                result = result(*given.args, **given.kwargs)
        except CLEAR:
            continue
        except Exception as error:
            result = error
        unclear.append(f"{name}: {type(result).__name__} {str(result)[:80]}, where torch says {wrong.error_regex}")
    assert {"BatchNorm2d", "MaxPool2d", "CrossEntropyLoss", "NLLLoss", "Softmax"} <= seen
    assert not unclear, "\n".join(unclear)


# --- What is not supported is named -----------------------------------------------------------------------


@pytest.mark.parametrize("name", FUNCTIONS)
def test_complex_numbers_are_refused_by_name(name: str) -> None:
    """No derivative here conjugates, as theirs would have to."""
    (first, *others), options = FUNCTIONS[name].call
    with pytest.raises(TypeError, match=rf"{name} expects .*, got torch.complex64: try"):
        getattr(F, name)(first.detach().to(torch.complex64), *others, **options)


def test_unknown_argument_is_refused() -> None:
    for call in (lambda: nn.Conv2d(1, 1, 1, strides=2), lambda: F.conv2d(X(1, 1, 2, 2), X(1, 1, 1, 1), strides=2)):
        with pytest.raises(TypeError, match="strides"):
            call()
