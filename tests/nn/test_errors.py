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

X = torch.zeros
LABELS = torch.tensor([0, 1, 2])
CLEAR = (ValueError, TypeError, IndexError)

# What to call, which error, and what its message must hold: what came, what was expected.
Wrong = tuple[str, Callable[[], Any], type[Exception] | tuple[type[Exception], ...], tuple[str, ...]]

LINEAR: list[Wrong] = [
    ("features", lambda: nn.Linear(5, 3)(X(4, 17)), ValueError, ("17", "5")),
    ("number", lambda: nn.Linear(5, 3)(X(())), ValueError, ("5",)),
    ("integers", lambda: nn.Linear(5, 3)(X(4, 5).long()), TypeError, ("int64", "float")),
    ("dtype", lambda: nn.Linear(5, 3)(X(4, 5).double()), TypeError, ("float64", "float32")),
    ("list", lambda: nn.Linear(5, 3)([[1.0] * 5]), TypeError, ("list", "tensor")),
    ("none", lambda: nn.Linear(5, 3)(None), TypeError, ("None", "tensor")),
    ("negative features", lambda: nn.Linear(-5, 3), ValueError, ("-5",)),
    ("weight rank", lambda: F.linear(X(4, 5), X(1, 3, 5)), ValueError, ("3",)),
    ("bias", lambda: F.linear(X(4, 5), X(3, 5), X(13)), ValueError, ("13", "3")),
    ("bias dtype", lambda: F.linear(X(4, 5), X(3, 5), X(3).double()), TypeError, ("float64", "float32")),
]

CONVOLUTION: list[Wrong] = [
    ("channels", lambda: nn.Conv2d(3, 4, 2)(X(1, 17, 9, 9)), ValueError, ("17", "3")),
    ("two dimensions", lambda: nn.Conv2d(3, 4, 2)(X(19, 23)), ValueError, ("19", "23")),
    ("five dimensions", lambda: nn.Conv2d(3, 4, 2)(X(1, 3, 9, 9, 17)), ValueError, ("17",)),
    ("integers", lambda: nn.Conv2d(3, 4, 2)(X(1, 3, 9, 9).int()), TypeError, ("int32", "float")),
    ("bytes of an image", lambda: nn.Conv2d(3, 4, 2)(X(1, 3, 9, 9).byte()), TypeError, ("uint8", "float")),
    ("dtype", lambda: nn.Conv2d(3, 4, 2)(X(1, 3, 9, 9).double()), TypeError, ("float64", "float32")),
    ("larger than the image", lambda: nn.Conv2d(3, 4, 11)(X(1, 3, 9, 7)), ValueError, ("11", "9")),
    (
        "dilated larger than the image",
        lambda: nn.Conv2d(3, 4, 5, dilation=4)(X(1, 3, 9, 9)),
        ValueError,
        ("17", "4", "9"),
    ),
    ("negative stride", lambda: nn.Conv2d(3, 4, 2, stride=-2)(X(1, 3, 9, 9)), ValueError, ("stride", "-2")),
    ("zero stride", lambda: nn.Conv2d(3, 4, 2, stride=0)(X(1, 3, 9, 9)), ValueError, ("stride", "0")),
    ("zero kernel", lambda: nn.Conv2d(3, 4, 0)(X(1, 3, 9, 9)), ValueError, ("kernel", "0")),
    ("negative padding", lambda: nn.Conv2d(3, 4, 2, padding=-1)(X(1, 3, 9, 9)), ValueError, ("padding", "-1")),
    ("zero dilation", lambda: nn.Conv2d(3, 4, 2, dilation=0)(X(1, 3, 9, 9)), ValueError, ("dilation", "0")),
    ("fractional stride", lambda: nn.Conv2d(3, 4, 2, stride=1.5)(X(1, 3, 9, 9)), TypeError, ("stride", "1.5")),
    ("three strides", lambda: nn.Conv2d(3, 4, 2, stride=(1, 2, 1))(X(1, 3, 9, 9)), CLEAR, ("stride", "(1, 2, 1)")),
    ("groups and inputs", lambda: nn.Conv2d(5, 4, 2, groups=2), ValueError, ("5", "groups", "2")),
    ("groups and outputs", lambda: nn.Conv2d(4, 5, 2, groups=2), ValueError, ("5", "groups", "2")),
    ("no groups", lambda: nn.Conv2d(4, 5, 2, groups=0), ValueError, ("groups", "0")),
    ("padding word", lambda: nn.Conv2d(3, 4, 2, padding="full"), ValueError, ("full", "same", "valid")),
    ("same with stride", lambda: nn.Conv2d(3, 4, 2, padding="same", stride=2), ValueError, ("same", "2")),
    ("padding mode", lambda: nn.Conv2d(3, 4, 2, padding_mode="mirror"), ValueError, ("mirror", "reflect")),
    (
        "reflection wider than the image",
        lambda: nn.Conv2d(3, 4, 3, padding=9, padding_mode="reflect")(X(1, 3, 9, 9)),
        ValueError,
        ("9", "reflect"),
    ),
    (
        "circle wider than the image",
        lambda: nn.Conv2d(3, 4, 3, padding=11, padding_mode="circular")(X(1, 3, 9, 9)),
        ValueError,
        ("11", "9", "circular"),
    ),
    ("weight rank", lambda: F.conv2d(X(1, 3, 9, 9), X(3, 2, 2)), ValueError, ("3",)),
    ("weight groups", lambda: F.conv2d(X(1, 4, 9, 9), X(6, 4, 2, 2), groups=2), ValueError, ("4", "2")),
    ("weight outputs", lambda: F.conv2d(X(1, 4, 9, 9), X(5, 2, 2, 2), groups=2), ValueError, ("5", "2")),
    ("bias length", lambda: F.conv2d(X(1, 3, 9, 9), X(4, 3, 2, 2), X(13)), ValueError, ("13", "4")),
    ("bias dtype", lambda: F.conv2d(X(1, 3, 9, 9), X(4, 3, 2, 2), X(4).double()), TypeError, ("float64", "float32")),
    (
        "same with stride, as a function",
        lambda: F.conv2d(X(1, 3, 9, 9), X(4, 3, 2, 2), stride=2, padding="same"),
        ValueError,
        ("same", "2"),
    ),
]

POOLING: list[Wrong] = [
    wrong
    for name, pool in (("max", nn.MaxPool2d), ("avg", nn.AvgPool2d))
    for wrong in (
        (f"{name}: two dimensions", lambda pool=pool: pool(2)(X(19, 23)), ValueError, ("19", "23")),
        (f"{name}: list", lambda pool=pool: pool(2)([1.0]), TypeError, ("list", "tensor")),
        (f"{name}: larger than the image", lambda pool=pool: pool(11)(X(1, 3, 9, 7)), ValueError, ("11", "9")),
        (f"{name}: zero kernel", lambda pool=pool: pool(0)(X(1, 3, 9, 9)), ValueError, ("kernel", "0")),
        (f"{name}: negative stride", lambda pool=pool: pool(2, -3)(X(1, 3, 9, 9)), ValueError, ("stride", "-3")),
        (f"{name}: zero stride", lambda pool=pool: pool(2, 0)(X(1, 3, 9, 9)), ValueError, ("stride", "0")),
        (f"{name}: negative padding", lambda pool=pool: pool(2, 2, -1)(X(1, 3, 9, 9)), ValueError, ("padding", "-1")),
        (
            f"{name}: padding over half",
            lambda pool=pool: pool(3, 2, 2)(X(1, 3, 9, 9)),
            ValueError,
            ("padding", "2", "3"),
        ),
        (
            f"{name}: three kernels",
            lambda pool=pool: pool((2, 2, 5))(X(1, 3, 9, 9)),
            CLEAR,
            ("kernel", "(2, 2, 5)"),
        ),
        (f"{name}: fractional kernel", lambda pool=pool: pool(2.5)(X(1, 3, 9, 9)), TypeError, ("kernel", "2.5")),
        (f"{name}: no width", lambda pool=pool: pool(2)(X(1, 3, 9, 0)), ValueError, ("0",)),
    )
] + [
    ("max: zero dilation", lambda: nn.MaxPool2d(2, dilation=0)(X(1, 3, 9, 9)), ValueError, ("dilation", "0")),
    ("max: no channel", lambda: nn.MaxPool2d(2)(X(1, 0, 9, 9)), ValueError, ("0",)),
    ("avg: zero divisor", lambda: nn.AvgPool2d(2, divisor_override=0)(X(1, 3, 9, 9)), ValueError, ("divisor", "0")),
    ("avg: integers", lambda: nn.AvgPool2d(2)(X(1, 3, 9, 9).long()), TypeError, ("int64", "float")),
]

ACTIVATION: list[Wrong] = [
    *[
        (f"{name}: list", lambda name=name: getattr(F, name)([1.0]), TypeError, ("list", "tensor"))
        for name in ("relu", "sigmoid", "tanh")
    ],
    *[
        wrong
        for name in ("Softmax", "LogSoftmax")
        for wrong in (
            (f"{name}: dimension", lambda name=name: getattr(nn, name)(dim=7)(X(2, 3)), IndexError, ("7", "2")),
            (f"{name}: negative", lambda name=name: getattr(nn, name)(dim=-3)(X(2, 3)), IndexError, ("-3", "2")),
            (f"{name}: true", lambda name=name: getattr(nn, name)(dim=True), TypeError, ("True", "int")),
            (f"{name}: text", lambda name=name: getattr(nn, name)(dim="rows"), TypeError, ("rows", "int")),
            (
                f"{name}: integers",
                lambda name=name: getattr(nn, name)(dim=1)(X(2, 3).long()),
                TypeError,
                ("int64", "float"),
            ),
        )
    ],
    ("flatten: dimension", lambda: nn.Flatten(5)(X(2, 3)), IndexError, ("5", "2")),
    ("flatten: end before start", lambda: nn.Flatten(2, 1)(X(2, 3, 4)), ValueError, ("2", "1")),
]

NORMALIZATION: list[Wrong] = [
    ("two dimensions", lambda: nn.BatchNorm2d(3)(X(2, 3)), ValueError, ("(2, 3)", "(N, C, H, W)")),
    ("three dimensions", lambda: nn.BatchNorm2d(3)(X(3, 5, 5)), ValueError, ("(3, 5, 5)", "(N, C, H, W)")),
    ("channels", lambda: nn.BatchNorm2d(3)(X(2, 17, 5, 5)), ValueError, ("17", "3")),
    ("dtype", lambda: nn.BatchNorm2d(3)(X(2, 3, 5, 5).double()), TypeError, ("float64", "float32")),
    ("integers", lambda: nn.BatchNorm2d(3)(X(2, 3, 5, 5).long()), TypeError, ("int64", "float")),
    ("one value per channel", lambda: nn.BatchNorm2d(3)(X(1, 3, 1, 1)), ValueError, ("1", "3")),
    ("negative eps", lambda: nn.BatchNorm2d(3, eps=-1.0)(X(2, 3, 5, 5)), ValueError, ("eps", "-1")),
    ("zero eps", lambda: nn.BatchNorm2d(3, eps=0.0)(X(2, 3, 5, 5)), ValueError, ("eps", "0")),
    ("evaluation without statistics", lambda: F.batch_norm(X(2, 3), None, None), ValueError, ("running_mean",)),
    ("statistics length", lambda: F.batch_norm(X(2, 3), X(5), X(5)), ValueError, ("5", "3")),
    ("weight length", lambda: F.batch_norm(X(2, 3), X(3), X(3), X(7), X(3)), ValueError, ("7", "3")),
    ("one dimension", lambda: F.batch_norm(X(3), None, None, training=True), ValueError, ("(3,)",)),
    ("dropout over 1", lambda: nn.Dropout(1.5), ValueError, ("1.5", "1")),
    ("dropout under 0", lambda: nn.Dropout(-0.5), ValueError, ("-0.5", "0")),
    ("dropout over 1, as a function", lambda: F.dropout(X(3), 1.5), ValueError, ("1.5", "1")),
    ("dropout nan", lambda: F.dropout(X(3), float("nan")), ValueError, ("nan",)),
]

LOSS: list[Wrong] = [
    ("mse: shapes", lambda: nn.MSELoss()(X(3, 4), X(3, 7)), ValueError, ("(3, 4)", "(3, 7)")),
    ("mse: integers", lambda: nn.MSELoss()(X(3).long(), X(3).long()), TypeError, ("int64", "float")),
    ("mse: text", lambda: nn.MSELoss(reduction="average")(X(3), X(3)), ValueError, ("average", "mean", "sum", "none")),
    ("mse: list", lambda: nn.MSELoss()(X(3), [1.0]), TypeError, ("list", "tensor")),
    *[
        wrong
        for name, loss in (("nll", nn.NLLLoss), ("cross entropy", nn.CrossEntropyLoss))
        for wrong in (
            (
                f"{name}: label too large",
                lambda loss=loss: loss()(X(3, 4), LABELS[[2, 0, 1]] + 15),
                IndexError,
                ("17", "4"),
            ),
            (f"{name}: label 4 of 4", lambda loss=loss: loss()(X(3, 4), LABELS + 2), IndexError, ("4", "3")),
            (f"{name}: negative label", lambda loss=loss: loss()(X(3, 4), LABELS - 7), IndexError, ("-7", "4")),
            (f"{name}: batch", lambda loss=loss: loss()(X(17, 4), LABELS), ValueError, ("17", "3")),
            (f"{name}: places", lambda loss=loss: loss()(X(3, 4, 5), X(3, 7).long()), ValueError, ("5", "7")),
            (f"{name}: number", lambda loss=loss: loss()(X(()), X(()).long()), ValueError, ("()",)),
            (f"{name}: integers", lambda loss=loss: loss()(X(3, 4).long(), LABELS), TypeError, ("int64", "float")),
            (f"{name}: weights", lambda loss=loss: loss(weight=X(7))(X(3, 4), LABELS), ValueError, ("7", "4")),
            (
                f"{name}: dtype of the weights",
                lambda loss=loss: loss(weight=X(4).half())(X(3, 4), LABELS),
                TypeError,
                ("float16", "float32"),
            ),
            (
                f"{name}: reduction",
                lambda loss=loss: loss(reduction="average")(X(3, 4), LABELS),
                ValueError,
                ("average", "mean", "sum", "none"),
            ),
            (f"{name}: int16 labels", lambda loss=loss: loss()(X(3, 4), LABELS.short()), TypeError, ("int16", "int64")),
        )
    ],
    ("nll: label as number", lambda: nn.NLLLoss()(X(3, 4), X(3)), TypeError, ("float32", "int64")),
    (
        "cross entropy: label as number",
        lambda: nn.CrossEntropyLoss()(X(3, 4), X(3)),
        (ValueError, TypeError),
        ("(3,)",),
    ),
    (
        "cross entropy: whole probabilities",
        lambda: nn.CrossEntropyLoss()(X(3, 4), X(3, 4).long()),
        (ValueError, TypeError),
        ("(3, 4)",),
    ),
    (
        "cross entropy: ignored probability",
        lambda: nn.CrossEntropyLoss(ignore_index=1)(X(3, 4), X(3, 4)),
        ValueError,
        ("ignore_index", "1"),
    ),
    (
        "cross entropy: smoothing",
        lambda: nn.CrossEntropyLoss(label_smoothing=1.5)(X(3, 4), LABELS),
        ValueError,
        ("label_smoothing", "1.5"),
    ),
    ("bce: shapes", lambda: nn.BCEWithLogitsLoss()(X(3, 4), X(3, 7)), ValueError, ("(3, 4)", "(3, 7)")),
    ("bce: whole labels", lambda: nn.BCEWithLogitsLoss()(X(3), LABELS), TypeError, ("int64", "float")),
    ("bce: weights", lambda: nn.BCEWithLogitsLoss(weight=X(7))(X(3, 4), X(3, 4)), ValueError, ("7", "4")),
    ("bce: positive weights", lambda: nn.BCEWithLogitsLoss(pos_weight=X(7))(X(3, 4), X(3, 4)), ValueError, ("7", "4")),
    ("bce: reduction", lambda: nn.BCEWithLogitsLoss(reduction="all")(X(3), X(3)), ValueError, ("all", "mean")),
]

FAMILIES = {
    "linear": LINEAR,
    "convolution": CONVOLUTION,
    "pooling": POOLING,
    "activation": ACTIVATION,
    "normalization": NORMALIZATION,
    "loss": LOSS,
}


def answer(call: Callable[[], Any]) -> Exception:
    """Make the wrong call and give its error."""
    try:
        result = call()
    except Exception as error:
        return error
    pytest.fail(f"nothing was raised; the call returned {result}")


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        pytest.param(call, kind, words, id=f"{family}: {name}")
        for family, table in FAMILIES.items()
        for name, call, kind, words in table
    ],
)
def test_wrong_call(call: Callable[[], Any], kind: type[Exception], words: tuple[str, ...]) -> None:
    error = answer(call)
    assert isinstance(error, kind), f"{type(error).__name__}: {error}"
    assert isinstance(error, CLEAR)
    message = str(error)
    for word in words:
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


def test_complex_numbers_are_refused_by_name() -> None:
    with pytest.raises(TypeError, match="complex64"):
        F.linear(X(4, 5, dtype=torch.complex64), X(3, 5, dtype=torch.complex64))


def test_unknown_argument_is_refused() -> None:
    for call in (lambda: nn.Conv2d(1, 1, 1, strides=2), lambda: F.conv2d(X(1, 1, 2, 2), X(1, 1, 1, 1), strides=2)):
        with pytest.raises(TypeError, match="strides"):
            call()
