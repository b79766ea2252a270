"""Every exercise: the right answer by another way passes, each listed slip is told, and nothing malformed raises."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as torch_F
from sklearn.metrics import accuracy_score, precision_score, recall_score
from torch import Tensor, tensor

from glassbox import exercises
from glassbox.exercises import EXERCISES, part1, part2, part3
from glassbox.exercises.judging import UNTOUCHED, judge

F64 = torch.float64
SLIPS = [(name, slip) for name, exercise in EXERCISES.items() for slip in exercise.slips]
FUNCTIONS = [name for name, exercise in EXERCISES.items() if exercise.asks_function]
VALUES = [name for name in EXERCISES if name not in FUNCTIONS]


def slopes(function: Callable[..., Tensor], *tensors: Tensor) -> Any:
    """Differentiate by torch's autograd, through torch's own functions."""
    leaves = [part.detach().clone().requires_grad_() for part in tensors]
    gradients = torch.autograd.grad(function(*leaves).sum(), leaves)
    return gradients if len(gradients) > 1 else gradients[0]


# -- The right answers, by torch and by hand -------------------------------------------------------------------------


def torch_network() -> torch.nn.Sequential:
    return torch.nn.Sequential(
        *(torch.nn.Conv2d(3, 6, 5), torch.nn.ReLU(), torch.nn.MaxPool2d(2)),
        *(torch.nn.Conv2d(6, 12, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2), torch.nn.Flatten()),
    )


def risk(w: Tensor, X: Tensor, y: Tensor) -> Tensor:
    return ((w[0] + X @ w[1:] - y) ** 2).mean()


def descend(w: Tensor, X: Tensor, y: Tensor, step: float, iterations: int) -> Tensor:
    w = torch.nn.Parameter(w.clone())
    optimizer = torch.optim.SGD([w], lr=step)
    for _ in range(iterations):
        optimizer.zero_grad()
        risk(w, X, y).backward()
        optimizer.step()
    return w


def momentum(w: Tensor, v: Tensor, gradient: Tensor, lr: float, momentum: float) -> tuple[Tensor, Tensor]:
    w = torch.nn.Parameter(w.clone())
    optimizer = torch.optim.SGD([w], lr=lr, momentum=momentum)
    optimizer.state[w]["momentum_buffer"] = v.clone()
    w.grad = gradient
    optimizer.step()
    return w, optimizer.state[w]["momentum_buffer"]


def convolve(image: Tensor, kernel: Tensor, **options: Any) -> Tensor:
    return torch_F.conv2d(image[None, None], kernel[None, None], **options)[0, 0]


def network_loss(x: Tensor, y: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor) -> Tensor:
    output = ((x @ w1.T + b1).sigmoid() @ w2.T + b2).sigmoid()
    return ((output - y) ** 2).sum() / 2 / len(x)


def kernel_gradient(grad_output: Tensor, image: Tensor) -> Tensor:
    return convolve(image, grad_output)  # the image seen through the slopes


def image_gradient(grad_output: Tensor, kernel: Tensor) -> Tensor:
    return torch_F.conv_transpose2d(grad_output[None, None], kernel[None, None])[0, 0]


def pool_gradient(grad_output: Tensor, image: Tensor) -> Tensor:
    return slopes(lambda image: torch_F.max_pool2d(image[None, None], 2)[0, 0] * grad_output, image)


def one_weight_of_two_layers() -> Tensor:
    x, y = tensor([[1.0, 0.5]], dtype=F64), tensor([[1.0]], dtype=F64)
    return slopes(lambda w1: network_loss(x, y, w1, part3.W1[1], *part3.W2), part3.W1[0])[0, 1]


def by_loops(image: list[list[float]], kernel: list[list[float]], bias: float) -> list[list[float]]:
    places = range(len(image) - len(kernel) + 1)
    taps = [(m, n) for m in range(len(kernel)) for n in range(len(kernel))]
    return [[bias + sum(image[i + m][j + n] * kernel[m][n] for m, n in taps) for j in places] for i in places]


ANSWERS: dict[str, Any] = {
    "1.1-a": [-1, 0, 0.5, 0.5],
    "1.1-b": torch_F.linear(part1.MARKS, part1.WEIGHT, part1.BIAS).relu(),
    "1.1-c": (
        part1.SECOND[0] @ part1.FIRST[0],
        part1.SECOND[0] @ part1.FIRST[1] + part1.SECOND[1],
    ),
    "1.2-a": by_loops(part1.IMAGE.tolist(), part1.KERNEL.tolist(), 0.5),
    "1.2-b": list(torch.nn.Conv2d(1, 1, (5, 3), stride=3, padding=2)(torch.zeros(1, 1, 30, 41)).shape[-2:]),
    "1.2-c": [[0, 0, 0], [0, 0, 1], [0, 0, 0]],
    "1.2-d": lambda image, kernel, stride, padding: convolve(image, kernel, stride=stride, padding=padding),
    "1.3-a": torch_network()(torch.zeros(1, 3, 32, 32)).numel(),
    "1.3-b": sum(part.numel() for part in torch_network().parameters()) + torch.nn.Linear(588, 10).weight.numel() + 10,
    "1.3-c": lambda scores: scores.softmax(dim=1),
    "1.3-d": min(range(1, 11), key=lambda epoch: part1.VALIDATION[epoch - 1]),
    "1.4-a": "right",
    "1.4-b": ((1 + 1) * 2 + 1) * 2 + 1,  # from the last layer to the first: a convolution adds 1, a pooling doubles
    "2.1-a": risk(part2.GUESS, part2.PUPILS, part2.EXAM),
    "2.1-b": sum([8, 11, 12, 19]) / 4,
    "2.2-a": lambda w, X, y: slopes(lambda w: risk(w, X, y), w),
    "2.2-b": descend,
    "2.3-a": 2 / torch.linalg.eigvalsh(2 / 4 * (lambda X: X.T @ X)(tensor([[1.0, x] for x in (1, 2, 4, 5)])))[-1],
    "2.3-b": 0.07,
    "2.3-c": momentum,
    "2.3-d": [np.linalg.cond(tensor([[1.0, a, b] for a in (1, -1) for b in (20, -20)]).numpy()) ** 2, 20],
    "3.1-a": torch_F.linear(torch_F.linear(part3.X, *part3.HIDDEN).relu(), *part3.OUTPUT).sigmoid(),
    "3.1-b": [-1, 1, 2, -2, 8],
    "3.2-a": lambda scores, labels: slopes(lambda s: torch_F.cross_entropy(s, labels), scores),
    "3.2-b": torch_F.binary_cross_entropy_with_logits,
    "3.3-a": one_weight_of_two_layers(),
    "3.3-b": lambda grad_output, x, weight: slopes(
        lambda x, weight, bias: torch_F.linear(x, weight, bias) * grad_output, x, weight, weight.new_zeros(len(weight))
    ),
    "3.3-c": lambda x, y, first, second: slopes(lambda *layers: network_loss(x, y, *layers), *first, *second),
    "3.4-a": lambda gradients, sizes: (
        sum(size * row for size, row in zip(sizes.tolist(), gradients, strict=True)) / sum(sizes.tolist())
    ),
    "3.4-b": min(size for size in range(1, 1000) if 20 / math.sqrt(size) <= 4 / 2),
    "3.4-c": [
        sum(2 + 0.04 * size for _ in range(steps)) / 1e3 for size, steps in part3.STEPS_TO_THE_GOAL.int().tolist()
    ],
    "3.5-a": kernel_gradient,
    "3.5-b": image_gradient,
    "3.5-c": pool_gradient,
    "3.6-a": lambda scores, answers: [
        np.mean([(s > 0) == bool(a) for s, a in zip(*columns, strict=True)])
        for columns in zip(scores.T.tolist(), answers.T.tolist(), strict=True)
    ],
    "3.6-b": [
        metric(yes, says)
        for yes, says in [(np.repeat([1, 1, 0, 0], [45, 5, 30, 920]), np.repeat([1, 0, 1, 0], [45, 5, 30, 920]))]
        for metric in (accuracy_score, precision_score, recall_score)
    ],
    "3.6-c": 45 / (45 + 298.5),  # of 10,000 faces
    "3.7-a": 150,
    "3.7-b": torch.linalg.solve(torch.eye(3, dtype=F64) / 3, part3.PARTS / 50).tolist(),
    "3.7-c": [*np.linalg.solve([[1, 10], [1, 100]], [4.4, 8.0]), 100],
}


def test_every_exercise_has_an_answer_by_another_way():
    assert list(ANSWERS) == exercises.names()
    assert len(ANSWERS) >= 18


@pytest.mark.parametrize("name", ANSWERS)
def test_the_right_answer_is_right(name, capsys):
    verdict = exercises.check(name, ANSWERS[name])
    assert verdict, verdict.message
    assert verdict.right
    assert capsys.readouterr().out.startswith(f"{name}: right")


@pytest.mark.parametrize(("name", "slip"), SLIPS, ids=[f"{name}-{slip.__name__}" for name, slip in SLIPS])
def test_each_slip_is_told(name, slip, capsys):
    exercise = EXERCISES[name]
    verdict = exercises.check(name, exercise.answer_by(slip))
    assert not verdict
    if slip is exercise.handed_out:
        assert verdict.slip is None
        assert verdict.message.startswith(UNTOUCHED)
        return
    assert verdict.slip == slip.__name__, verdict.message
    assert exercise.slips[slip] in capsys.readouterr().out
    if verdict.entry is not None:
        assert str(list(verdict.entry)) in verdict.message


@pytest.mark.parametrize("name", [name for name, exercise in EXERCISES.items() if exercise.handed_out])
def test_a_function_that_nobody_touched_is_told_where_it_fails_and_nothing_of_its_slip(name):
    message = judge(EXERCISES[name], EXERCISES[name].handed_out).message
    assert re.match(re.escape(UNTOUCHED) + r" On input \d of \d: .*\.$", message)
    assert not any(words in message for words in EXERCISES[name].slips.values())
    assert message.count(":") <= 3


def test_every_exercise_knows_at_least_three_slips():
    assert [name for name, exercise in EXERCISES.items() if len(exercise.slips) < 3] == []


# -- Malformed answers -----------------------------------------------------------------------------------------------

MALFORMED = {
    "left blank": (..., "not answered yet"),
    "None": (None, "None came"),
    "NaN": ([1.0, math.nan, 0.0, 0.0], r"entry \[1\] is nan, which is not a finite number"),
    "infinite": ([-1.0, 0.0, 0.5, math.inf], r"entry \[3\] is inf, which is not a finite number"),
    "shape": ([1.0, 2.0], r"has the shape \(2,\), but \(4,\) is expected"),
    "ragged": ([[1.0, 2.0], [3.0]], "entries of different shapes"),
    "a string": ("0.5", "leave out the quotes"),
    "a dictionary": ({"Maths": -1}, "dict came, but numbers are expected"),
    "a function": (lambda: [-1, 0, 0.5, 0.5], "call it"),
    "complex": (torch.zeros(4, dtype=torch.complex64), "complex"),
    "words in an array": (np.array(["a", object()], dtype=object), "something else than numbers"),
    "blanks in a list": ([-1, 0, ..., ...], "not answered yet"),
    "empty": ([], r"shape \(0,\)"),
}


@pytest.mark.parametrize(("answer", "says"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_answer_gets_one_sentence(answer, says):
    verdict = judge(EXERCISES["1.1-a"], answer)
    assert not verdict
    assert verdict.slip is None
    assert len(verdict.message) < 200
    assert re.search(says, verdict.message, re.IGNORECASE), verdict.message


@pytest.mark.parametrize("name", EXERCISES)
@pytest.mark.parametrize("answer", [..., None, "nothing", {"a": 1}, math.nan, [], object(), (1, 2, 3, 4, 5), print])
def test_nothing_malformed_raises_or_passes(name, answer):
    assert not judge(EXERCISES[name], answer)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_that_stops_or_returns_nothing_is_told(name):
    def stops(*inputs):
        return {}["missing"]

    def returns_nothing(*inputs):
        pass

    def left_blank(*inputs):
        return ...

    line = stops.__code__.co_firstlineno + 1
    assert (
        f"Your function stopped with KeyError: 'missing' (line {line} of its cell)"
        in judge(EXERCISES[name], stops).message
    )
    assert "does your function end with return?" in judge(EXERCISES[name], returns_nothing).message
    assert "not answered yet" in judge(EXERCISES[name], left_blank).message
    assert "takes 0 positional arguments" in judge(EXERCISES[name], lambda: 0).message
    assert "hand in its name alone" in judge(EXERCISES[name], 3).message


def test_parts_are_counted_and_named():
    message = judge(EXERCISES["1.1-c"], [1.0]).message
    assert "2 tensors are expected, weight, bias" in message
    assert "one int came" in judge(EXERCISES["1.1-c"], 3).message


def test_a_choice_is_one_of_the_words():
    assert judge(EXERCISES["1.4-a"], " Right ")
    assert "the answer is one of 'top', 'bottom', 'left', 'right'" in judge(EXERCISES["1.4-a"], "up").message
    assert "3 came" in judge(EXERCISES["1.4-a"], 3).message


@pytest.mark.parametrize("kind", [tuple, np.array, tensor, pd.Series, lambda v: [tensor(x) for x in v]])
def test_an_answer_may_come_in_many_forms(kind):
    assert judge(EXERCISES["1.1-a"], kind([-1.0, 0.0, 0.5, 0.5]))


@pytest.mark.parametrize("answer", [0.42556, [0.42556], [[0.42556]], tensor(0.42556)])
def test_one_number_may_stand_in_brackets(answer):
    assert judge(EXERCISES["3.1-a"], answer)


def two_errors(x, y, first, second):
    return part3.back_propagate(x, y, first, second, hidden_slope=False, divisor=1)


def test_of_two_slips_the_one_that_shows_alone_is_told_first():
    verdict = judge(replace(EXERCISES["3.3-c"], handed_out=None), two_errors)
    assert verdict.slip == "no_mean"
    assert "grad_w2 entry" in verdict.message


def test_a_slip_is_told_although_another_shows_on_a_later_input():
    def overflows_and_forgets_a_mean(scores, answers):
        return part3.logarithm_of_zero(scores, answers) * scores.shape[1]

    verdict = judge(replace(EXERCISES["3.2-b"], handed_out=None), overflows_and_forgets_a_mean)
    assert verdict.slip == "mean_over_faces_only"


def test_an_answer_may_ask_for_gradients():
    assert judge(EXERCISES["1.1-a"], torch.nn.Parameter(tensor([-1.0, 0.0, 0.5, 0.5])))


# -- Functions that are right on tame inputs only --------------------------------------------------------------------


def without(taken: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Give the softmax of a learner who takes something away from the scores first."""

    def probabilities(scores: Tensor) -> Tensor:
        powers = (scores - taken(scores)).exp()
        return powers / powers.sum(dim=1, keepdim=True)

    return probabilities


def over_the_whole_table(scores: Tensor) -> Tensor:
    powers = (scores - scores.max(dim=1, keepdim=True).values).exp()
    return powers / powers.sum()


def with_logarithms(change: Callable[[Tensor], Tensor], inside: float = 0.0) -> Callable[[Tensor, Tensor], Tensor]:
    """Give the loss of several answers from probabilities that a learner has changed so that no logarithm is of 0."""

    def loss(scores: Tensor, answers: Tensor) -> Tensor:
        p = change(scores.sigmoid())
        return -(answers * (p + inside).log() + (1 - answers) * (1 - p + inside).log()).mean()

    return loss


def slope_of_classes_seen(scores: Tensor, labels: Tensor) -> Tensor:
    return (scores.softmax(dim=1) - torch_F.one_hot(labels)) / len(labels)


def pool_from_zero(grad_output: Tensor, image: Tensor) -> Tensor:
    gradient = torch.zeros_like(image)
    for i in range(grad_output.shape[0]):
        for j in range(grad_output.shape[1]):
            largest, place = 0.0, (2 * i, 2 * j)
            for at in [(2 * i, 2 * j), (2 * i, 2 * j + 1), (2 * i + 1, 2 * j), (2 * i + 1, 2 * j + 1)]:
                if image[at] > largest:
                    largest, place = image[at].item(), at
            gradient[place] = grad_output[i, j]
    return gradient


NEARLY_RIGHT = {
    "the table's maximum": ("1.3-c", without(lambda s: s.max()), "largest_of_the_table"),
    "the row's mean": ("1.3-c", without(lambda s: s.mean(dim=1, keepdim=True)), "mean_of_the_row"),
    "the first score": ("1.3-c", without(lambda s: s[:, :1]), "first_of_the_row"),
    "the row's minimum": ("1.3-c", without(lambda s: s.amin(dim=1, keepdim=True)), "smallest_of_the_row"),
    "nan made a one": ("1.3-c", lambda s: part1.exponentials_overflow(s).nan_to_num(nan=1.0), None),
    "a number of one's own": ("1.3-c", without(lambda s: torch.tensor(1000.0)), None),
    "scores cut at 80": ("1.3-c", lambda s: part1.exponentials_overflow(s.clamp(max=80)), "scores_cut"),
    "scores cut at 700": ("1.3-c", lambda s: part1.exponentials_overflow(s.clamp(max=700)), "scores_cut"),
    "the whole table's sum": ("1.3-c", over_the_whole_table, "divided_by_the_whole_table"),
    "a label that does not occur": ("3.2-a", slope_of_classes_seen, "classes_counted_from_the_labels"),
    "p + 1e-8": ("3.2-b", with_logarithms(lambda p: p, inside=1e-8), "loss_is_capped"),
    "p + 1e-12": ("3.2-b", with_logarithms(lambda p: p, inside=1e-12), "loss_is_capped"),
    "p cut at 1e-7": ("3.2-b", with_logarithms(lambda p: p.clamp(1e-7, 1 - 1e-7)), "loss_is_capped"),
    "p cut at float32's epsilon": (
        "3.2-b",
        with_logarithms(lambda p: p.clamp(torch.finfo(torch.float32).eps, 1 - torch.finfo(torch.float32).eps)),
        "loss_is_capped",
    ),
    "torch's loss of probabilities": (
        "3.2-b",
        lambda scores, answers: torch_F.binary_cross_entropy(scores.sigmoid(), answers),
        "loss_is_capped",
    ),
    "the largest above zero": ("3.5-c", pool_from_zero, "largest_sought_above_zero"),
    "a score of zero is a yes": (
        "3.6-a",
        lambda scores, answers: ((scores >= 0) == (answers == 1)).double().mean(dim=0),
        "half_is_a_yes",
    ),
}


@pytest.mark.parametrize(("name", "answer", "slip"), NEARLY_RIGHT.values(), ids=NEARLY_RIGHT)
def test_what_is_right_on_tame_inputs_only_is_refused_and_named(name, answer, slip):
    verdict = judge(EXERCISES[name], answer)
    assert not verdict
    assert verdict.slip == slip, verdict.message


# -- What holds for any answer in numbers ----------------------------------------------------------------------------

GENERAL = {
    "transposed": ("1.2-a", tensor(ANSWERS["1.2-a"]).T, "right table, transposed"),
    "a sign": ("1.2-c", -tensor(ANSWERS["1.2-c"]), "sign is wrong"),
    "a factor": ("1.1-b", 3 * ANSWERS["1.1-b"], "Every entry is 3 times"),
    "an offset": ("1.2-a", tensor(ANSWERS["1.2-a"]) + 7, "off by the same amount"),
    "flat": ("1.2-c", tensor(ANSWERS["1.2-c"]).flatten(), "in another shape"),
    "rounded": ("3.1-a", [0.43], "at least four digits"),
    "decimal commas": ("1.1-a", [-1, 0, 0, 5, 0, 5], "decimals with a point, 0.5"),
    "a decimal comma": ("3.1-a", (0, 43), "decimals with a point, 0.5"),
    "a decimal comma in quotes, or two numbers": ("3.1-a", "0,43", "or [0, 43] for two numbers"),
    "a decimal comma in a row of a table": ("1.1-b", [[0, 5, 6], [1, 5, 0, 0]], "decimals with a point, 0.5"),
    "a decimal comma in quotes": ("3.1-a", "0,43", "write 0.43, with a point and without quotes"),
    "a comma for thousands": ("1.3-b", (7, 10), "thousands without a sign, 7010"),
    "a count nearly right": ("1.3-b", 7000, "A count has to be exact"),
    "another count nearly right": ("1.3-b", 7005, "A count has to be exact"),
}


@pytest.mark.parametrize(("name", "answer", "says"), GENERAL.values(), ids=GENERAL)
def test_what_is_wrong_everywhere_is_told(name, answer, says):
    assert says in judge(EXERCISES[name], answer).message


SLIPS_OF_VALUES = {
    "precision unchanged": ("3.6-c", 0.6, "precision_unchanged"),
    "a percentage": ("3.6-c", 13.1, "in_percent"),
    "a and b exchanged": ("3.7-c", [0.04, 4, 100], "a_and_b_exchanged"),
    "the second bias forgotten": ("1.1-c", ([[2, 3, 3], [-1, -2.5, 1.5]], [0, -2]), "second_bias_lost"),
}


@pytest.mark.parametrize(("name", "answer", "slip"), SLIPS_OF_VALUES.values(), ids=SLIPS_OF_VALUES)
def test_a_slip_that_a_class_makes_is_named(name, answer, slip):
    assert judge(EXERCISES[name], answer).slip == slip


def test_a_long_string_is_echoed_in_short():
    words = "a file of someone else's " * 100
    for name in ("1.1-a", "1.4-a"):
        message = judge(EXERCISES[name], words).message
        assert len(message) < 200
        assert words[:40] not in message


def test_a_large_count_is_written_in_full():
    assert "The answer is 1234567, which is too large" in judge(EXERCISES["1.3-b"], 1_234_567).message


@pytest.mark.parametrize("rows", [10, 8, 121])
def test_a_wrong_receptive_field_is_explained(rows):
    assert judge(EXERCISES["1.4-b"], rows).slip


def test_a_count_bears_no_rounding():
    assert not judge(EXERCISES["1.3-b"], ANSWERS["1.3-b"] + 1)


def test_a_function_may_change_its_inputs():
    def careless(w, X, y):
        X *= 0
        return w

    before = EXERCISES["2.2-a"].cases[0][1].clone()
    judge(EXERCISES["2.2-a"], careless)
    torch.testing.assert_close(EXERCISES["2.2-a"].cases[0][1], before)


def test_a_function_wrong_on_the_edge_case_alone_is_caught():
    def at_home_with_batches(grad_output, x, weight):
        result = ANSWERS["3.3-b"](grad_output, x, weight)
        return result if len(x) > 1 else (result[0], result[1], result[2] * 0)

    verdict = judge(EXERCISES["3.3-b"], at_home_with_batches)
    assert "On input 3 of 3: grad_bias entry [0]" in verdict.message


# -- The name of the exercise ----------------------------------------------------------------------------------------


def test_an_unknown_exercise_is_an_error_that_suggests():
    with pytest.raises(ValueError, match=r"no exercise '3\.3-z': did you mean 3\.3-[abc]"):
        exercises.check("3.3-z", 0)
    with pytest.raises(ValueError, match=r"no exercise 'convolution': there are 1\.1-a, 1\.1-b"):
        exercises.check("convolution", 0)


def test_arguments_in_the_wrong_order_are_an_error():
    with pytest.raises(TypeError, match=r'check\("3\.3-b", answer\), got list'):
        exercises.check([1, 2], "1.1-a")


def test_a_notebook_shows_the_sentence_once(capsys):
    verdict = exercises.check("1.1-a", [-1, 0, 0.5, 0.5])
    verdict._ipython_display_()
    assert capsys.readouterr().out == "1.1-a: right.\n"
