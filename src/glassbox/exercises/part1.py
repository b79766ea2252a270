"""Exercises of part 1: dense layers, convolutions, a small network, and what happens inside."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from glassbox import nn
from glassbox.exercises.record import Exercise, drawn, table
from glassbox.gradients import central_difference
from glassbox.nn import functional as F

# -- 1.1-a: weights that answer a question ---------------------------------------------------------------------------


def question_weights() -> Tensor:
    # A sum's weights are its slopes.
    return central_difference(lambda marks: marks[2:].mean() - marks[0], torch.zeros(4, dtype=torch.float64))


def languages_summed() -> Tensor:
    return central_difference(lambda marks: marks[2:].sum() - marks[0], torch.zeros(4, dtype=torch.float64))


def maths_minus_languages() -> Tensor:
    return -question_weights()


def languages_alone() -> Tensor:
    return question_weights().clamp(min=0)


# -- 1.1-b: one dense layer by hand ----------------------------------------------------------------------------------

MARKS = table([12.0, 8.0, 15.0], [9.0, 14.0, 6.0])
WEIGHT = table([0.5, 0.5, 0.0], [0.0, 0.0, 1.0], [1.0, -1.0, 0.0])
BIAS = torch.tensor([-10.0, -10.0, 2.0], dtype=torch.float64)


def dense_relu(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return F.relu(F.linear(x, weight, bias))


def without_relu(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return F.linear(x, weight, bias)


def bias_forgotten(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return F.relu(F.linear(x, weight))


def relu_before_bias(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return F.relu(F.linear(x, weight)) + bias


def bias_subtracted(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return F.relu(F.linear(x, weight, -bias))


def weight_not_transposed(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return F.relu(F.linear(x, weight.T, bias))


# -- 1.1-c: two layers in one ----------------------------------------------------------------------------------------

FIRST = table([1.0, 2.0, 0.0], [0.0, -1.0, 3.0]), torch.tensor([1.0, -2.0], dtype=torch.float64)
SECOND = table([2.0, 1.0], [-1.0, 0.5]), torch.tensor([0.5, 4.0], dtype=torch.float64)
Layer = tuple[Tensor, Tensor]


def merged(first: Layer, second: Layer) -> Layer:
    """Ask the two layers themselves: a zero gives the bias, the unit vectors give the columns of the weight."""

    def both(x: Tensor) -> Tensor:
        return F.linear(F.linear(x, *first), *second)

    bias = both(torch.zeros(3, dtype=torch.float64))
    return (both(torch.eye(3, dtype=torch.float64)) - bias).T, bias


def first_bias_lost(first: Layer, second: Layer) -> Layer:
    return merged(first, second)[0], second[1]


def second_bias_lost(first: Layer, second: Layer) -> Layer:
    weight, bias = merged(first, second)
    return weight, bias - second[1]


def biases_added(first: Layer, second: Layer) -> Layer:
    return merged(first, second)[0], first[1] + second[1]


def second_weight_transposed(first: Layer, second: Layer) -> Layer:
    return second[0].T @ first[0], second[0].T @ first[1] + second[1]


# -- 1.2-a: a convolution by hand ------------------------------------------------------------------------------------

IMAGE = table([0.0, 1.0, 2.0, 0.0], [1.0, 3.0, 1.0, 0.0], [0.0, 2.0, 4.0, 1.0], [1.0, 0.0, 1.0, 2.0])
KERNEL = table([1.0, 0.0], [2.0, -1.0])


def convolved(image: Tensor, kernel: Tensor, bias: float, **options: Any) -> Tensor:
    shift = torch.full((1,), bias, dtype=image.dtype)
    return F.conv2d(image[None, None], kernel[None, None], shift, **options)[0, 0]


def kernel_flipped(image: Tensor, kernel: Tensor, bias: float, **options: Any) -> Tensor:
    return convolved(image, kernel.flip(0, 1), bias, **options)


def kernel_transposed(image: Tensor, kernel: Tensor, bias: float, **options: Any) -> Tensor:
    return convolved(image, kernel.T, bias, **options)


def no_bias(image: Tensor, kernel: Tensor, bias: float) -> Tensor:
    return convolved(image, kernel, 0.0)


def bias_for_each_weight(image: Tensor, kernel: Tensor, bias: float) -> Tensor:
    return convolved(image, kernel, bias * kernel.numel())


def bordered_with_zeros(image: Tensor, kernel: Tensor, bias: float) -> Tensor:
    return convolved(image, kernel, bias, padding=1)


FLIPPED = "The kernel looks turned by 180 degrees: the convolution of a network multiplies it as it stands."

# -- 1.2-b: the size of an output ------------------------------------------------------------------------------------

HEIGHT, WIDTH, KERNEL_SIZE, STRIDE, PADDING = 30, 41, (5, 3), 3, 2


def output_size() -> list[int]:
    layer = nn.Conv2d(1, 1, KERNEL_SIZE, stride=STRIDE, padding=PADDING)
    return list(layer(torch.zeros(1, 1, HEIGHT, WIDTH)).shape[-2:])


def _sizes(padding: float = 2 * PADDING, stride: float = STRIDE, plus: int = 1, up: bool = False) -> list[int]:
    quotients = [(side + padding - k) / stride for side, k in zip((HEIGHT, WIDTH), KERNEL_SIZE, strict=True)]
    return [int(-(-quotient // 1) if up else quotient // 1) + plus for quotient in quotients]


def one_window_missing() -> list[int]:
    return _sizes(plus=0)


def padded_on_one_side() -> list[int]:
    return _sizes(padding=PADDING)


def padding_ignored() -> list[int]:
    return _sizes(padding=0)


def stride_ignored() -> list[int]:
    return _sizes(stride=1)


def rounded_up() -> list[int]:
    return _sizes(up=True)


def width_first() -> list[int]:
    return output_size()[::-1]


# -- 1.2-c: a kernel that moves the image ----------------------------------------------------------------------------


def one_tap(row: int, column: int) -> Tensor:
    kernel = torch.zeros(3, 3, dtype=torch.float64)
    kernel[row, column] = 1.0
    return kernel


def kernel_that_moves_left() -> Tensor:
    """Try the nine kernels with a single one, and keep the one that does what is asked."""
    image = drawn(5, 5, seed=0)
    moved = torch.cat([image[:, 1:], torch.zeros(5, 1, dtype=torch.float64)], dim=1)
    kernels = (one_tap(row, column) for row in range(3) for column in range(3))
    return next(kernel for kernel in kernels if torch.equal(convolved(image, kernel, 0.0, padding=1), moved))


def moves_right() -> Tensor:
    return kernel_that_moves_left().flip(1)


def moves_up() -> Tensor:
    return kernel_that_moves_left().T


def moves_down() -> Tensor:
    return kernel_that_moves_left().T.flip(0)


def stays() -> Tensor:
    return one_tap(1, 1)


# -- 1.2-d: a convolution with stride and padding --------------------------------------------------------------------


def convolution(image: Tensor, kernel: Tensor, stride: int, padding: int) -> Tensor:
    return convolved(image, kernel, 0.0, stride=stride, padding=padding)


def convolution_flipped(image: Tensor, kernel: Tensor, stride: int, padding: int) -> Tensor:
    return kernel_flipped(image, kernel, 0.0, stride=stride, padding=padding)


def stride_left_out(image: Tensor, kernel: Tensor, stride: int, padding: int) -> Tensor:
    return convolution(image, kernel, 1, padding)


def padding_left_out(image: Tensor, kernel: Tensor, stride: int, padding: int) -> Tensor:
    return convolution(image, kernel, stride, 0)


def padded_top_left_only(image: Tensor, kernel: Tensor, stride: int, padding: int) -> Tensor:
    bordered = image.new_zeros(image.shape[0] + padding, image.shape[1] + padding)
    bordered[padding:, padding:] = image
    return convolution(bordered, kernel, stride, 0)


def last_window_missing(image: Tensor, kernel: Tensor, stride: int, padding: int) -> Tensor:
    return convolution(image, kernel, stride, padding)[:-1, :-1]


def border_of_ones(image: Tensor, kernel: Tensor, stride: int, padding: int) -> Tensor:
    bordered = image.new_ones(image.shape[0] + 2 * padding, image.shape[1] + 2 * padding)
    bordered[padding : padding + image.shape[0], padding : padding + image.shape[1]] = image
    return convolution(bordered, kernel, stride, 0)


CONVOLUTIONS = (
    (drawn(5, 5, seed=1), drawn(3, 3, seed=2), 1, 0),
    (drawn(6, 7, seed=3), drawn(3, 2, seed=4), 2, 1),
    (drawn(4, 9, seed=5), drawn(2, 3, seed=6), 3, 2),
    (drawn(3, 3, seed=7), drawn(3, 3, seed=8), 1, 0),  # the window fits once
)

# -- 1.3-a and 1.3-b: sizes and parameters of a network --------------------------------------------------------------


def _network(in_features: int, padding: int = 1, pools: int = 2) -> nn.Sequential:
    second_pool = [nn.MaxPool2d(2)] if pools == 2 else []
    return nn.Sequential(
        *(nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 12, 3, padding=padding), nn.ReLU()),
        *(*second_pool, nn.Flatten(), nn.Linear(in_features, 10)),
    )


def _features(**options: int) -> int:
    # All but the dense layer, whose size is what we look for.
    features = _network(1, **options)[:-1](torch.zeros(1, 3, 32, 32))
    return int(features.shape[1])


def in_features() -> int:
    return _features()


def channels_forgotten() -> int:
    return _features() // 12


def second_pool_forgotten() -> int:
    return _features(pools=1)


def padding_of_network_ignored() -> int:
    return _features(padding=0)


def first_convolution_keeps_size() -> int:
    return 12 * (32 // 2 // 2) ** 2


def _counts() -> list[tuple[int, int, int]]:
    """Return weights, biases and inputs (channels or features) of each layer that has parameters."""
    layers = [layer for layer in _network(_features()) if isinstance(layer, nn.Conv2d | nn.Linear)]
    return [(layer.weight.numel(), layer.weight.shape[0], layer.weight.shape[1]) for layer in layers]


def parameters() -> int:
    return sum(tensor.numel() for tensor in _network(_features()).parameters())


def biases_forgotten() -> int:
    return sum(weights for weights, _, _ in _counts())


def input_channels_forgotten() -> int:
    first, second, dense = _counts()
    return sum(weights // inputs + biases for weights, biases, inputs in (first, second)) + sum(dense[:2])


def bias_for_each_kernel() -> int:
    first, second, dense = _counts()
    return sum(weights + biases * inputs for weights, biases, inputs in (first, second)) + sum(dense[:2])


# -- 1.3-c: the error in a softmax -----------------------------------------------------------------------------------


def probabilities(scores: Tensor) -> Tensor:
    return F.softmax(scores, dim=1)


def exponentials_overflow(scores: Tensor) -> Tensor:
    return scores.exp() / scores.exp().sum(dim=1, keepdim=True)


def largest_of_the_table(scores: Tensor) -> Tensor:
    return exponentials_overflow(scores - scores.max())


def mean_of_the_row(scores: Tensor) -> Tensor:
    return exponentials_overflow(scores - scores.mean(dim=1, keepdim=True))


def first_of_the_row(scores: Tensor) -> Tensor:
    return exponentials_overflow(scores - scores[:, :1])


def smallest_of_the_row(scores: Tensor) -> Tensor:
    return exponentials_overflow(scores - scores.amin(dim=1, keepdim=True))


def scores_cut(scores: Tensor) -> Tensor:
    return exponentials_overflow(scores.clamp(max=80))


def divided_by_the_whole_table(scores: Tensor) -> Tensor:
    powers = (scores - scores.amax(dim=1, keepdim=True)).exp()
    return powers / powers.sum()


def over_the_images(scores: Tensor) -> Tensor:
    return F.softmax(scores, dim=0)


def over_everything(scores: Tensor) -> Tensor:
    return F.softmax(scores.flatten(), dim=0).reshape(scores.shape)


def divided_without_exponential(scores: Tensor) -> Tensor:
    return scores / scores.sum(dim=1, keepdim=True)


SCORES = (
    (table([1.0, 2.0, 0.5], [0.0, -1.0, 3.0]),),
    (drawn(4, 10, seed=9),),
    (drawn(1, 4, seed=10),),  # one image
    (table([1000.0, 998.0, 900.0], [900.0, 1000.0, 998.0]),),  # too large for exp, and not to be cut at a limit
    (table([1000.0, 1001.0], [0.0, 1.0]),),  # a row far below the other, whose exponentials must not all be zero
    # A row's first score, its mean and its smallest score leave an exponential of more than 709 in one of these.
    (table([0.0, 800.0, 0.0, 0.0], [2000.0, 0.0, 0.0, 0.0]),),
)

# -- 1.3-d: when to stop ---------------------------------------------------------------------------------------------

TRAINING = (1.20, 0.80, 0.55, 0.40, 0.30, 0.22, 0.16, 0.11, 0.08, 0.06)
VALIDATION = (1.10, 0.78, 0.60, 0.50, 0.46, 0.47, 0.50, 0.55, 0.61, 0.68)


def epoch_to_keep() -> int:
    return int(torch.tensor(VALIDATION).argmin()) + 1


def lowest_training_loss() -> int:
    return int(torch.tensor(TRAINING).argmin()) + 1


def epochs_from_zero() -> int:
    return epoch_to_keep() - 1


def where_the_curves_cross() -> int:
    return next(epoch for epoch, (a, b) in enumerate(zip(TRAINING, VALIDATION, strict=True), start=1) if b > a)


def first_worse_epoch() -> int:
    return epoch_to_keep() + 1


# -- 1.4-a: which kernel made this map? ------------------------------------------------------------------------------

DRAWING = table(
    [0, 0, 0, 0, 0, 0],
    [0, 1, 1, 1, 1, 0],
    [0, 0, 0, 1, 0, 0],
    [0, 0, 0, 1, 0, 0],
    [0, 0, 0, 1, 0, 0],
    [0, 0, 0, 0, 0, 0],
)
KERNELS = {
    "top": table([-1.0, -1.0], [1.0, 1.0]),
    "bottom": table([1.0, 1.0], [-1.0, -1.0]),
    "left": table([-1.0, 1.0], [-1.0, 1.0]),
    "right": table([1.0, -1.0], [1.0, -1.0]),
}
SHOWN = table([0, 0, 0, 0, 1], [0, 0, 0, 1, 1], [0, 0, 0, 2, 0], [0, 0, 0, 2, 0], [0, 0, 0, 1, 0])


def kernel_of_map() -> str:
    maps = {name: F.relu(convolved(DRAWING, kernel, 0.0)) for name, kernel in KERNELS.items()}
    return next(name for name, seen in maps.items() if torch.equal(seen, SHOWN))


def other_side() -> str:
    return "left"


def upper_edges() -> str:
    return "top"


def lower_edges() -> str:
    return "bottom"


# -- 1.4-b: how much of the image one value sees ---------------------------------------------------------------------


def receptive_field() -> int:
    """Send a gradient back from one value, and count the rows that it reaches."""
    convolution = nn.Conv2d(1, 1, 2)
    torch.nn.init.ones_(convolution.weight)
    pool = nn.AvgPool2d(2)  # the same window as a maximum, and a gradient for each of its pixels
    image = torch.zeros(1, 1, 40, 40, requires_grad=True)
    seen = convolution(pool(convolution(pool(convolution(image)))))
    (gradient,) = torch.autograd.grad(seen[0, 0, 3, 3], image)
    return int((gradient[0, 0] != 0).any(dim=1).sum())


def strides_forgotten() -> int:
    return 1 + 5 * (2 - 1)


def pools_forgotten() -> int:
    return 1 + 3 * (2 - 1)


def doubled_each_time() -> int:
    return 2**5


def first_convolution_forgotten() -> int:
    return receptive_field() - 1


def last_convolution_alone() -> int:
    return (1 + 1) * 2 * 2


def whole_square_counted() -> int:
    return receptive_field() ** 2


EXERCISES = (
    Exercise(
        "1.1-a",
        question_weights,
        {
            languages_summed: "The two languages are summed: a mean gives each of the two a half.",
            maths_minus_languages: "The signs are the other way round: better at languages must come out positive.",
            languages_alone: "Maths is ignored: a subject to compare against has a negative weight.",
        },
        entries=("Maths", "Physics", "LV1", "LV2"),
    ),
    Exercise(
        "1.1-b",
        dense_relu,
        {
            without_relu: "ReLU is missing: what is below zero becomes zero.",
            bias_forgotten: "The bias is missing.",
            relu_before_bias: "The bias comes before ReLU: add it to the sum, then drop what is below zero.",
            bias_subtracted: "The bias is subtracted: it is added, and brings its own sign.",
            weight_not_transposed: "Rows and columns of the weights are mixed up: one row belongs to one output.",
        },
        cases=((MARKS, WEIGHT, BIAS),),
    ),
    Exercise(
        "1.1-c",
        merged,
        {
            first_bias_lost: "The bias of the first layer is lost: it goes through the weights of the second.",
            second_bias_lost: "The bias of the second layer is lost: it is added at the end.",
            biases_added: "The biases are added as they are: that of the first goes through the second's weights.",
            second_weight_transposed: "The second weight is transposed: y = W2 (W1 x + b1) + b2.",
        },
        cases=((FIRST, SECOND),),
        parts=("weight", "bias"),
    ),
    Exercise(
        "1.2-a",
        convolved,
        {
            kernel_flipped: FLIPPED,
            kernel_transposed: "Rows and columns of the kernel are exchanged.",
            no_bias: "The bias is missing.",
            bias_for_each_weight: "The bias is added for each weight of the kernel: it comes once for each output.",
            bordered_with_zeros: "Zeros were put around the image: without padding the window stays inside.",
        },
        cases=((IMAGE, KERNEL, 0.5),),
    ),
    Exercise(
        "1.2-b",
        output_size,
        {
            one_window_missing: "One window is missing each way: after dividing by the stride, add the first place.",
            padded_on_one_side: "The padding was counted once: it is added on both sides.",
            padding_ignored: "The padding is missing.",
            stride_ignored: "The stride is missing: the window moves by three pixels.",
            rounded_up: "Rounded up: a window that does not fit is left out.",
            width_first: "Width came first: a shape is height, then width.",
        },
        entries=("height", "width"),
    ),
    Exercise(
        "1.2-c",
        kernel_that_moves_left,
        {
            moves_right: "This kernel moves the image to the right: each output pixel takes what lies to its right.",
            moves_up: "This kernel moves the image up.",
            moves_down: "This kernel moves the image down.",
            stays: "This kernel leaves the image where it is.",
        },
    ),
    Exercise(
        "1.2-d",
        convolution,
        {
            convolution_flipped: FLIPPED,
            stride_left_out: "The stride is ignored: output pixel i starts at image row i times stride.",
            padding_left_out: "The padding is ignored.",
            padded_top_left_only: "The padding stands at the top and on the left only: it surrounds the image.",
            last_window_missing: "The last window each way is missing: there is one place more than there are steps.",
            border_of_ones: "The border is not zero.",
        },
        cases=CONVOLUTIONS,
        asks_function=True,
        by_hand=(table([1.0, 2.0], [3.0, -1.0]), table([1.0, 2.0], [0.0, -1.0]), 2, 1),
    ),
    Exercise(
        "1.3-a",
        in_features,
        {
            channels_forgotten: "These are the pixels of one channel: Flatten writes all channels in one row.",
            second_pool_forgotten: "The second pooling is missing.",
            padding_of_network_ignored: "The padding of the second convolution is missing.",
            first_convolution_keeps_size: "The first convolution has no padding: its output is smaller than its input.",
        },
    ),
    Exercise(
        "1.3-b",
        parameters,
        {
            biases_forgotten: "The biases are missing: one for each output.",
            input_channels_forgotten: "A convolution has one kernel for each pair of an output and an input channel.",
            bias_for_each_kernel: "There is one bias for each output channel, not for each kernel.",
        },
    ),
    Exercise(
        "1.3-c",
        probabilities,
        {
            exponentials_overflow: "exp(1000) is infinite: subtract each row's largest score first, which changes no "
            "probability.",
            largest_of_the_table: "The largest score of the whole table was taken away: in a row far below it all "
            "exponentials are zero. Take the largest of each row.",
            mean_of_the_row: "The row's mean was taken away: a score far above it is still too large for exp. Take the "
            "row's largest.",
            first_of_the_row: "The row's first score was taken away: a score far above it is still too large for exp. "
            "Take the row's largest.",
            smallest_of_the_row: "The row's smallest score was taken away: what is left is still too large for exp. "
            "Take the row's largest.",
            scores_cut: "Scores above a limit all count the same here: take the row's largest away, and cut nothing.",
            divided_by_the_whole_table: "Divided by the sum of the whole table: each row has a sum of its own.",
            over_the_images: "Each column sums to 1: it is the scores of one image, a row, that compete.",
            over_everything: "All images together sum to 1: each image has probabilities of its own.",
            divided_without_exponential: "The exponential is missing: a negative score gives a negative probability.",
        },
        cases=SCORES,
        asks_function=True,
        handed_out=exponentials_overflow,
        by_hand=(table([0.0, 1.0], [-1.0, 3.0]),),
    ),
    Exercise(
        "1.3-d",
        epoch_to_keep,
        {
            lowest_training_loss: "There the training loss is lowest, and the validation loss has long been rising.",
            epochs_from_zero: "Epochs are counted from 1 on this axis.",
            where_the_curves_cross: "From there on the validation loss is the higher one, but both still fall.",
            first_worse_epoch: "There the validation loss has risen for the first time: the epoch before was better.",
        },
    ),
    Exercise(
        "1.4-a",
        kernel_of_map,
        {
            other_side: "That kernel answers where it gets brighter to the right: left of the stroke, not right of it.",
            upper_edges: "The strongest values follow the upright stroke: the kernel compares columns, not rows.",
            lower_edges: "The strongest values follow the upright stroke: the kernel compares columns, not rows.",
        },
        choices=tuple(KERNELS),
    ),
    Exercise(
        "1.4-b",
        receptive_field,
        {
            strides_forgotten: "After a pooling one step is two pixels of the image: what follows reaches further.",
            pools_forgotten: "The poolings are missing: each value of theirs comes from 2 x 2.",
            doubled_each_time: "Windows overlap: a convolution of size 2 adds one row, it does not double them.",
            first_convolution_forgotten: "The first convolution is missing: it reaches one row further as well.",
            last_convolution_alone: "Two convolutions are missing: each of the three adds a row, at its own place.",
            whole_square_counted: "That is how many pixels the square holds: the question asks for its rows.",
        },
    ),
)
