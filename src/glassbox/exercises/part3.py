"""Exercises of part 3: predictions, losses, and back-propagation through every layer."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from glassbox.exercises.record import Exercise, drawn, table
from glassbox.nn import functional as F

# -- 3.1-a: a prediction by hand -------------------------------------------------------------------------------------

X = torch.tensor([2.0, 1.0], dtype=torch.float64)
HIDDEN = table([1.0, -1.0], [-2.0, 1.5]), torch.tensor([0.5, 1.0], dtype=torch.float64)
OUTPUT = table([0.8, -1.2]), torch.tensor([-1.5], dtype=torch.float64)
Layer = tuple[Tensor, Tensor]


def prediction(x: Tensor, hidden: Layer, output: Layer) -> Tensor:
    return F.sigmoid(F.linear(F.relu(F.linear(x, *hidden)), *output))


def hidden_relu_missing(x: Tensor, hidden: Layer, output: Layer) -> Tensor:
    return F.sigmoid(F.linear(F.linear(x, *hidden), *output))


def logistic_missing(x: Tensor, hidden: Layer, output: Layer) -> Tensor:
    return F.linear(F.relu(F.linear(x, *hidden)), *output)


def biases_missing(x: Tensor, hidden: Layer, output: Layer) -> Tensor:
    return F.sigmoid(F.linear(F.relu(F.linear(x, hidden[0])), output[0]))


def weights_read_by_column(x: Tensor, hidden: Layer, output: Layer) -> Tensor:
    return prediction(x, (hidden[0].T, hidden[1]), output)


def relu_at_the_end_too(x: Tensor, hidden: Layer, output: Layer) -> Tensor:
    return F.sigmoid(F.relu(logistic_missing(x, hidden, output)))


# -- 3.1-b: a pizzeria that moves ------------------------------------------------------------------------------------

CROSSING, REACH = torch.tensor([1.0, -2.0], dtype=torch.float64), 4.0
FOUR_WAYS = table([1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0])


def biases_of(place: Tensor, reach: float) -> Tensor:
    """Each hinge has the sum zero at the crossing; the output is zero where the way is the reach."""
    return torch.cat([-F.linear(place, FOUR_WAYS), torch.tensor([2 * reach], dtype=place.dtype)])


def hinges_turned(place: Tensor, reach: float) -> Tensor:
    return biases_of(-place, reach)


def reach_not_doubled(place: Tensor, reach: float) -> Tensor:
    return biases_of(place, reach / 2)


def streets_exchanged(place: Tensor, reach: float) -> Tensor:
    return biases_of(place.flip(0), reach)


def reach_subtracted(place: Tensor, reach: float) -> Tensor:
    return biases_of(place, -reach)


# -- 3.2-a: the slope of the cross-entropy ---------------------------------------------------------------------------


def cross_entropy_slope(scores: Tensor, labels: Tensor) -> Tensor:
    gradients: Any = F.cross_entropy_backward(torch.ones((), dtype=scores.dtype), scores, labels)
    return gradients[0]


def batch_mean_missing(scores: Tensor, labels: Tensor) -> Tensor:
    return cross_entropy_slope(scores, labels) * len(labels)


def truth_not_subtracted(scores: Tensor, labels: Tensor) -> Tensor:
    return F.softmax(scores, dim=1) / len(labels)


def truth_minus_probability(scores: Tensor, labels: Tensor) -> Tensor:
    return -cross_entropy_slope(scores, labels)


def mean_over_classes_too(scores: Tensor, labels: Tensor) -> Tensor:
    return cross_entropy_slope(scores, labels) / scores.shape[1]


def scores_in_place_of_probabilities(scores: Tensor, labels: Tensor) -> Tensor:
    return cross_entropy_slope(scores, labels) + (scores - F.softmax(scores, dim=1)) / len(labels)


def classes_counted_from_the_labels(scores: Tensor, labels: Tensor) -> Tensor:
    truth = torch.nn.functional.one_hot(labels)
    return (F.softmax(scores, dim=1) - truth) / len(labels)


LABELLED = (
    (drawn(4, 3, seed=40), torch.tensor([2, 0, 1, 1])),
    (drawn(6, 10, seed=41), torch.tensor([3, 3, 0, 9, 5, 1])),
    (drawn(1, 2, seed=42), torch.tensor([0])),  # one example, and a class that does not occur
)

# -- 3.2-b: several answers at once ----------------------------------------------------------------------------------


def several_answers_loss(scores: Tensor, answers: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(scores, answers)


def logarithm_of_zero(scores: Tensor, answers: Tensor) -> Tensor:
    p = F.sigmoid(scores)
    return -(answers * p.log() + (1 - answers) * (1 - p).log()).mean()


def _capped(smallest: float) -> Callable[[Tensor, Tensor], Tensor]:
    def loss_is_capped(scores: Tensor, answers: Tensor) -> Tensor:
        p = F.sigmoid(scores)
        yes, no = p.clamp(min=smallest), (1 - p).clamp(min=smallest)
        return -(answers * yes.log() + (1 - answers) * no.log()).mean()

    return loss_is_capped


CAPPED = (
    "The loss is capped: p was kept from 0 and 1 before its logarithm, so that an answer that is surely wrong costs "
    "too little or too much. Write the loss with the score itself."
)
# As far as a probability is kept from zero by hand, and by torch's loss of probabilities, whose logarithms end at -100.
SMALLEST = (
    *(10.0**-power for power in range(4, 17)),
    *(torch.finfo(kind).eps for kind in (torch.float32, torch.float64)),
    math.exp(-100),
)


def mean_over_faces_only(scores: Tensor, answers: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(scores, answers, reduction="sum") / len(scores)


def logarithms_of_each_face(scores: Tensor, answers: Tensor) -> Tensor:
    return logarithm_of_zero(scores, answers) * scores.shape[1]


def yes_answers_only(scores: Tensor, answers: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(scores, answers, weight=answers)


def yes_and_no_exchanged(scores: Tensor, answers: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(scores, 1 - answers)


def softmax_over_the_answers(scores: Tensor, answers: Tensor) -> Tensor:
    return -(answers * F.log_softmax(scores, dim=1)).mean()


FACES = (
    (drawn(5, 3, seed=43), (drawn(5, 3, seed=44) > 0).double()),
    (drawn(2, 2, seed=45), table([1.0, 1.0], [0.0, 1.0])),
    (table([800.0, -800.0, 3.0]), table([1.0, 0.0, 1.0])),  # one face, two answers that are beyond doubt
    (table([50.0, -50.0]), table([0.0, 1.0])),  # two that are surely wrong
)

# -- 3.3-a: the gradient of one weight -------------------------------------------------------------------------------

W1 = table([0.5, -1.0], [1.5, 0.4]), torch.tensor([0.1, -0.3], dtype=torch.float64)
W2 = table([1.2, -0.7]), torch.tensor([0.2], dtype=torch.float64)
INPUT, TARGET = torch.tensor([1.0, 0.5], dtype=torch.float64), torch.tensor([1.0], dtype=torch.float64)


def _through_logistic(grad_output: Tensor, output: Tensor) -> Tensor:
    gradients: Any = F.sigmoid_backward(grad_output, None, output=output)
    return gradients[0]


def _factors(x: Tensor, y: Tensor, first: Layer, second: Layer) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return dR/do of the output, its slope, dR/do of the hidden units and their slopes."""
    hidden = F.sigmoid(F.linear(x, *first))
    output = F.sigmoid(F.linear(hidden, *second))
    output_slope = _through_logistic(torch.ones_like(output), output)
    below, _, _ = dense_backward((output - y) * output_slope, hidden, second[0])
    return output - y, output_slope, below, _through_logistic(torch.ones_like(hidden), hidden)


def weight_gradient(x: Tensor, y: Tensor, first: Layer, second: Layer) -> Tensor:
    """Give dR/dw from the second input to the first hidden unit."""
    _, _, below, slope = _factors(x, y, first, second)
    return below[0] * slope[0] * x[1]


def hidden_slope_missing(x: Tensor, y: Tensor, first: Layer, second: Layer) -> Tensor:
    return _factors(x, y, first, second)[2][0] * x[1]


def output_slope_missing(x: Tensor, y: Tensor, first: Layer, second: Layer) -> Tensor:
    return weight_gradient(x, y, first, second) / _factors(x, y, first, second)[1][0]


def half_forgotten(x: Tensor, y: Tensor, first: Layer, second: Layer) -> Tensor:
    return 2 * weight_gradient(x, y, first, second)


def wrong_end_of_the_weight(x: Tensor, y: Tensor, first: Layer, second: Layer) -> Tensor:
    hidden = F.sigmoid(F.linear(x, *first))
    return weight_gradient(x, y, first, second) / x[1] * hidden[0]


def weight_the_other_way(x: Tensor, y: Tensor, first: Layer, second: Layer) -> Tensor:
    _, _, below, slope = _factors(x, y, first, second)
    return below[1] * slope[1] * x[0]


def weight_on_the_way_missing(x: Tensor, y: Tensor, first: Layer, second: Layer) -> Tensor:
    return weight_gradient(x, y, first, second) / second[0][0, 0]


# -- 3.3-b: the backward of a dense layer ----------------------------------------------------------------------------

Gradients = tuple[Tensor, ...]


def dense_backward(grad_output: Tensor, x: Tensor, weight: Tensor) -> Gradients:
    gradients: Any = F.linear_backward(grad_output, x, weight, weight.new_zeros(len(weight)))
    return gradients


def weight_gradient_transposed(grad_output: Tensor, x: Tensor, weight: Tensor) -> Gradients:
    below, grad_weight, grad_bias = dense_backward(grad_output, x, weight)
    return below, grad_weight.T, grad_bias


def weight_transposed_on_the_way(grad_output: Tensor, x: Tensor, weight: Tensor) -> Gradients:
    return grad_output @ weight.T, *dense_backward(grad_output, x, weight)[1:]


def batch_averaged(grad_output: Tensor, x: Tensor, weight: Tensor) -> Gradients:
    below, grad_weight, grad_bias = dense_backward(grad_output, x, weight)
    return below, grad_weight / len(x), grad_bias / len(x)


def batch_summed_twice(grad_output: Tensor, x: Tensor, weight: Tensor) -> Gradients:
    below, _, grad_bias = dense_backward(grad_output, x, weight)
    return below, torch.outer(grad_output.sum(dim=0), x.sum(dim=0)), grad_bias


def bias_not_summed(grad_output: Tensor, x: Tensor, weight: Tensor) -> Gradients:
    return *dense_backward(grad_output, x, weight)[:2], grad_output


def bias_summed_over_outputs(grad_output: Tensor, x: Tensor, weight: Tensor) -> Gradients:
    return *dense_backward(grad_output, x, weight)[:2], grad_output.sum(dim=1)


DENSE = (
    (drawn(4, 3, seed=46), drawn(4, 3, seed=47), drawn(3, 3, seed=48)),
    (drawn(5, 2, seed=49), drawn(5, 4, seed=50), drawn(2, 4, seed=51)),
    (drawn(1, 3, seed=52), drawn(1, 2, seed=53), drawn(3, 2, seed=54)),  # a batch of one
)

# -- 3.3-c: back-propagation through two layers ----------------------------------------------------------------------


def back_propagate(
    x: Tensor,
    y: Tensor,
    first: Layer,
    second: Layer,
    *,
    hidden_slope: bool = True,
    output_slope: bool = True,
    transposed: bool = False,
    divisor: float | None = None,
) -> Gradients:
    """Give the gradients of R = 1/(2n) sum of squared errors; the options leave something out."""
    hidden = F.sigmoid(F.linear(x, *first))
    output = F.sigmoid(F.linear(hidden, *second))
    error = (output - y) / (len(x) if divisor is None else divisor)
    at_output = _through_logistic(error, output) if output_slope else error
    below, w2, b2 = dense_backward(at_output, hidden, second[0])
    below = at_output @ second[0].T if transposed else below
    at_hidden = _through_logistic(below, hidden) if hidden_slope else below
    _, w1, b1 = dense_backward(at_hidden, x, first[0])
    return w1, b1, w2, b2


def no_slope_in_the_hidden_layer(x: Tensor, y: Tensor, first: Layer, second: Layer) -> Gradients:
    return back_propagate(x, y, first, second, hidden_slope=False)


def no_slope_at_the_output(x: Tensor, y: Tensor, first: Layer, second: Layer) -> Gradients:
    return back_propagate(x, y, first, second, output_slope=False)


def weights_the_wrong_way_round(x: Tensor, y: Tensor, first: Layer, second: Layer) -> Gradients:
    return back_propagate(x, y, first, second, transposed=True)


def no_mean(x: Tensor, y: Tensor, first: Layer, second: Layer) -> Gradients:
    return back_propagate(x, y, first, second, divisor=1)


def mean_twice(x: Tensor, y: Tensor, first: Layer, second: Layer) -> Gradients:
    return back_propagate(x, y, first, second, divisor=len(x) ** 2)


def both_halves_lost(x: Tensor, y: Tensor, first: Layer, second: Layer) -> Gradients:
    return back_propagate(x, y, first, second, divisor=len(x) / 2)


def neither_slope_nor_mean(x: Tensor, y: Tensor, first: Layer, second: Layer) -> Gradients:
    return back_propagate(x, y, first, second, hidden_slope=False, divisor=1)


NETWORKS = (
    (
        drawn(5, 3, seed=55),
        (drawn(5, 2, seed=56) > 0).double(),
        (drawn(2, 3, seed=57), drawn(2, seed=58)),
        (drawn(2, 2, seed=59), drawn(2, seed=60)),
    ),
    (
        drawn(3, 2, seed=61),
        (drawn(3, 1, seed=62) > 0).double(),
        (drawn(4, 2, seed=63), drawn(4, seed=64)),
        (drawn(1, 4, seed=65), drawn(1, seed=66)),
    ),
    (
        drawn(1, 2, seed=67),
        (drawn(1, 2, seed=68) > 0).double(),
        (drawn(2, 2, seed=69), drawn(2, seed=70)),
        (drawn(2, 2, seed=71), drawn(2, seed=72)),
    ),  # one observation
)

# -- 3.4-a: one gradient from mini-batches ---------------------------------------------------------------------------


def gradient_of_all(gradients: Tensor, sizes: Tensor) -> Tensor:
    # One weighted sum for each parameter: a dense layer whose weights are the shares.
    return F.linear(gradients.T, sizes[None] / sizes.sum())[:, 0]


def mean_of_means(gradients: Tensor, sizes: Tensor) -> Tensor:
    return gradients.mean(dim=0)


def sum_of_means(gradients: Tensor, sizes: Tensor) -> Tensor:
    return gradients.sum(dim=0)


def never_divided(gradients: Tensor, sizes: Tensor) -> Tensor:
    return gradient_of_all(gradients, sizes) * sizes.sum()


def divided_by_the_batches(gradients: Tensor, sizes: Tensor) -> Tensor:
    return never_divided(gradients, sizes) / len(sizes)


BATCHES = (
    (drawn(4, 3, seed=73), torch.tensor([50.0, 50.0, 50.0, 10.0], dtype=torch.float64)),
    (drawn(2, 5, seed=74), torch.tensor([3.0, 1.0], dtype=torch.float64)),
    (drawn(1, 2, seed=75), torch.tensor([7.0], dtype=torch.float64)),  # a single batch
)

# -- 3.4-b: how many examples for a gradient that can be trusted? -----------------------------------------------------

SIGNAL, SPREAD = 4.0, 20.0  # the length of the gradient, and the root mean square distance of single ones from it


def batch_for_half_the_signal(signal: float, spread: float) -> float:
    return (spread / (signal / 2)) ** 2


def noise_as_long_as_the_signal(signal: float, spread: float) -> float:
    return (spread / signal) ** 2


def noise_falls_with_the_size(signal: float, spread: float) -> float:
    return spread / (signal / 2)


def half_squared_wrongly(signal: float, spread: float) -> float:
    return 2 * (spread / signal) ** 2


# -- 3.4-c: which batch is first at the goal? ------------------------------------------------------------------------

START, EACH = 2.0, 0.04  # milliseconds: to start a step, and for each image
STEPS_TO_THE_GOAL = torch.tensor([[10, 900], [50, 400], [200, 320], [1000, 300]], dtype=torch.float64)


def seconds_to_the_goal(start: float, each: float, needed: Tensor) -> Tensor:
    size, steps = needed.T
    return steps * (start + each * size) / 1000


def every_step_costs_the_same(start: float, each: float, needed: Tensor) -> Tensor:
    return needed[:, 1] * start / 1000


def start_paid_once(start: float, each: float, needed: Tensor) -> Tensor:
    return (start + each * needed[:, 0] * needed[:, 1]) / 1000


def images_alone(start: float, each: float, needed: Tensor) -> Tensor:
    return each * needed[:, 0] * needed[:, 1] / 1000


def milliseconds_kept(start: float, each: float, needed: Tensor) -> Tensor:
    return 1000 * seconds_to_the_goal(start, each, needed)


# -- 3.5-a and 3.5-b: back through a convolution ---------------------------------------------------------------------


def kernel_gradient(grad_output: Tensor, image: Tensor) -> Tensor:
    sides = [big - small + 1 for big, small in zip(image.shape, grad_output.shape, strict=True)]
    kernel = image.new_zeros(1, 1, *sides)
    gradients: Any = F.conv2d_backward(grad_output[None, None], image[None, None], kernel, None)
    return gradients[1][0, 0]


def kernel_gradient_flipped(grad_output: Tensor, image: Tensor) -> Tensor:
    return kernel_gradient(grad_output, image).flip(0, 1)


def slopes_flipped(grad_output: Tensor, image: Tensor) -> Tensor:
    return kernel_gradient(grad_output.flip(0, 1), image)


def kernel_gradient_averaged(grad_output: Tensor, image: Tensor) -> Tensor:
    return kernel_gradient(grad_output, image) / grad_output.numel()


def image_summed_alone(grad_output: Tensor, image: Tensor) -> Tensor:
    return kernel_gradient(torch.ones_like(grad_output), image)


def image_gradient(grad_output: Tensor, kernel: Tensor) -> Tensor:
    sides = [small + k - 1 for small, k in zip(grad_output.shape, kernel.shape, strict=True)]
    image = kernel.new_zeros(1, 1, *sides)
    gradients: Any = F.conv2d_backward(grad_output[None, None], image, kernel[None, None], None)
    return gradients[0][0, 0]


def kernel_not_flipped(grad_output: Tensor, kernel: Tensor) -> Tensor:
    return image_gradient(grad_output, kernel.flip(0, 1))


def flipped_in_one_direction(grad_output: Tensor, kernel: Tensor) -> Tensor:
    return image_gradient(grad_output, kernel.flip(0))


def kernel_turned_into_its_transpose(grad_output: Tensor, kernel: Tensor) -> Tensor:
    return image_gradient(grad_output, kernel.T)


def border_of_the_image_lost(grad_output: Tensor, kernel: Tensor) -> Tensor:
    rows, columns = (side - 1 for side in kernel.shape)
    whole = image_gradient(grad_output, kernel)
    return whole[rows : whole.shape[0] - rows, columns : whole.shape[1] - columns]


KERNEL_CASES = (
    (drawn(3, 3, seed=76), drawn(5, 5, seed=77)),
    (drawn(2, 5, seed=78), drawn(4, 6, seed=79)),
    (drawn(1, 1, seed=80), drawn(2, 3, seed=81)),  # one output pixel
)
IMAGE_CASES = (
    (drawn(5, 5, seed=82), drawn(3, 3, seed=83)),
    (drawn(6, 4, seed=84), drawn(2, 3, seed=85)),
    (drawn(1, 1, seed=86), drawn(2, 2, seed=87)),  # one output pixel
)

# -- 3.5-c: back through a maximum -----------------------------------------------------------------------------------


def pool_backward(grad_output: Tensor, image: Tensor) -> Tensor:
    gradients: Any = F.max_pool2d_backward(grad_output[None, None], image[None, None], kernel_size=2)
    return gradients[0][0, 0]


def _blocks(image: Tensor) -> Tensor:
    """Return the 2 x 2 blocks of an image as rows of four pixels, (rows / 2, columns / 2, 4)."""
    return torch.stack([image[i::2, j::2] for i in (0, 1) for j in (0, 1)], dim=-1)


def _to_winners(grad_output: Tensor, image: Tensor, shared: bool) -> Tensor:
    blocks = _blocks(image)
    winners = (blocks == blocks.amax(dim=-1, keepdim=True)).double()
    given = grad_output[..., None] * (winners / winners.sum(dim=-1, keepdim=True) if shared else winners)
    result = torch.zeros_like(image)
    for place, (i, j) in enumerate((i, j) for i in (0, 1) for j in (0, 1)):
        result[i::2, j::2] = given[..., place]
    return result


def every_winner_gets_all(grad_output: Tensor, image: Tensor) -> Tensor:
    return _to_winners(grad_output, image, shared=False)


def winners_share(grad_output: Tensor, image: Tensor) -> Tensor:
    return _to_winners(grad_output, image, shared=True)


def last_winner_gets_it(grad_output: Tensor, image: Tensor) -> Tensor:
    return pool_backward(grad_output.flip(0, 1), image.flip(0, 1)).flip(0, 1)


def everyone_gets_a_quarter(grad_output: Tensor, image: Tensor) -> Tensor:
    gradients: Any = F.avg_pool2d_backward(grad_output[None, None], image[None, None], kernel_size=2)
    return gradients[0][0, 0]


def maximum_in_place_of_slope(grad_output: Tensor, image: Tensor) -> Tensor:
    return pool_backward(_blocks(image).amax(dim=-1), image)


def largest_sought_above_zero(grad_output: Tensor, image: Tensor) -> Tensor:
    return pool_backward(grad_output, image.clamp(min=0))


MAXIMA = (
    (drawn(2, 2, seed=88), drawn(4, 4, seed=89)),
    (drawn(1, 3, seed=90), drawn(2, 6, seed=91)),
    (drawn(2, 1, seed=92), table([0.0, 0.0], [0.0, 0.0], [1.0, 3.0], [3.0, 2.0])),  # ties, as ReLU leaves them
    (drawn(1, 1, seed=95), table([-3.0, -1.0], [-2.0, -5.0])),  # nothing above zero
)

# -- 3.6-a: accuracy of several answers ------------------------------------------------------------------------------


def accuracy_of_each(scores: Tensor, answers: Tensor) -> Tensor:
    return ((F.sigmoid(scores) > 0.5) == (answers > 0.5)).double().mean(dim=0)


def half_against_the_scores(scores: Tensor, answers: Tensor) -> Tensor:
    return ((scores > 0.5) == (answers > 0.5)).double().mean(dim=0)


def half_is_a_yes(scores: Tensor, answers: Tensor) -> Tensor:
    return ((scores >= 0) == (answers > 0.5)).double().mean(dim=0)


def accuracy_of_each_face(scores: Tensor, answers: Tensor) -> Tensor:
    return ((scores > 0) == (answers > 0.5)).double().mean(dim=1)


def one_number_for_all(scores: Tensor, answers: Tensor) -> Tensor:
    return accuracy_of_each(scores, answers).mean()


def largest_score_wins(scores: Tensor, answers: Tensor) -> Tensor:
    chosen = torch.zeros_like(scores).scatter(1, scores.argmax(dim=1, keepdim=True), 1.0)
    return (chosen == answers).double().mean(dim=0)


def share_of_yes(scores: Tensor, answers: Tensor) -> Tensor:
    return (scores > 0).double().mean(dim=0)


ATTRIBUTES = (
    (drawn(8, 3, seed=93), (drawn(8, 3, seed=94) > 0).double()),
    (table([0.2, -1.0], [0.4, 2.0], [-0.1, 0.3]), table([1.0, 0.0], [1.0, 1.0], [0.0, 0.0])),
    (table([0.3, -2.0, 0.0]), table([1.0, 1.0, 1.0])),  # one face, one probability of exactly one half
)

# -- 3.6-b: three shares of one table --------------------------------------------------------------------------------

TABLE_OF_HATS = 1000.0, 50.0, 45.0, 30.0  # faces, hats, hats found, false alarms


def accuracy_precision_recall(faces: float, hats: float, found: float, alarms: float) -> list[float]:
    return [(faces - (hats - found) - alarms) / faces, found / (found + alarms), found / hats]


def precision_and_recall_exchanged(faces: float, hats: float, found: float, alarms: float) -> list[float]:
    accuracy, precision, recall = accuracy_precision_recall(faces, hats, found, alarms)
    return [accuracy, recall, precision]


def missed_hats_forgotten(faces: float, hats: float, found: float, alarms: float) -> list[float]:
    return [(faces - alarms) / faces, *accuracy_precision_recall(faces, hats, found, alarms)[1:]]


def false_alarms_forgotten(faces: float, hats: float, found: float, alarms: float) -> list[float]:
    return [(faces - (hats - found)) / faces, *accuracy_precision_recall(faces, hats, found, alarms)[1:]]


def found_hats_alone_are_right(faces: float, hats: float, found: float, alarms: float) -> list[float]:
    return [found / faces, *accuracy_precision_recall(faces, hats, found, alarms)[1:]]


def false_alarm_rate_for_precision(faces: float, hats: float, found: float, alarms: float) -> list[float]:
    accuracy, _, recall = accuracy_precision_recall(faces, hats, found, alarms)
    return [accuracy, 1 - alarms / (faces - hats), recall]


# -- 3.6-c: the same network where hats are rarer --------------------------------------------------------------------

RARER = 0.9, 0.03, 0.005  # true-positive rate, false-positive rate, share of faces with a hat


def precision_of_rates(true: float, false: float, share: float) -> float:
    return share * true / (share * true + (1 - share) * false)


def in_percent(true: float, false: float, share: float) -> float:
    return 100 * precision_of_rates(true, false, share)


def precision_unchanged(true: float, false: float, share: float) -> float:
    return accuracy_precision_recall(*TABLE_OF_HATS)[1]


def share_forgotten(true: float, false: float, share: float) -> float:
    return true / (true + false)


def rates_exchanged(true: float, false: float, share: float) -> float:
    return precision_of_rates(false, true, share)


def all_faces_may_raise_alarms(true: float, false: float, share: float) -> float:
    return share * true / (share * true + false)


def alarms_per_hat(true: float, false: float, share: float) -> float:
    return share * true / ((1 - share) * false)


# -- 3.7-a: from which batch size on is the GPU worth it? ------------------------------------------------------------

CPU, GPU = (2.0, 0.05), (8.0, 0.01)  # milliseconds: to start a step, and for each image
Cost = tuple[float, float]


def break_even(cpu: Cost, gpu: Cost) -> float:
    return (gpu[0] - cpu[0]) / (cpu[1] - gpu[1])


def image_on_the_gpu_is_free(cpu: Cost, gpu: Cost) -> float:
    return (gpu[0] - cpu[0]) / cpu[1]


def start_of_the_cpu_forgotten(cpu: Cost, gpu: Cost) -> float:
    return gpu[0] / (cpu[1] - gpu[1])


def costs_added(cpu: Cost, gpu: Cost) -> float:
    return (gpu[0] - cpu[0]) / (cpu[1] + gpu[1])


# -- 3.7-b: by what each worker multiplies its loss ------------------------------------------------------------------

PARTS = torch.tensor([20.0, 20.0, 10.0], dtype=torch.float64)


def factors_of_the_workers(sizes: Tensor) -> Tensor:
    return len(sizes) * sizes / sizes.sum()


def number_of_workers_missing(sizes: Tensor) -> Tensor:
    return sizes / sizes.sum()


def all_count_alike(sizes: Tensor) -> Tensor:
    return torch.ones_like(sizes)


def small_parts_made_up_for(sizes: Tensor) -> Tensor:
    return sizes.sum() / (len(sizes) * sizes)


def relative_to_the_largest(sizes: Tensor) -> Tensor:
    return sizes / sizes.max()


# -- 3.7-c: two times, two numbers -----------------------------------------------------------------------------------

TIMES = (10.0, 4.4), (100.0, 8.0)  # images in a batch, milliseconds of a step
Time = tuple[float, float]


def fixed_each_and_bend(few: Time, many: Time) -> list[float]:
    each = (many[1] - few[1]) / (many[0] - few[0])
    fixed = few[1] - each * few[0]
    return [fixed, each, fixed / each]


def smaller_time_taken_as_fixed(few: Time, many: Time) -> list[float]:
    each = (many[1] - few[1]) / (many[0] - few[0])
    return [few[1], each, few[1] / each]


def time_over_images(few: Time, many: Time) -> list[float]:
    each = many[1] / many[0]
    return [few[1] - each * few[0], each, (few[1] - each * few[0]) / each]


def a_and_b_exchanged(few: Time, many: Time) -> list[float]:
    fixed, each, bend = fixed_each_and_bend(few, many)
    return [each, fixed, bend]


def bend_the_other_way(few: Time, many: Time) -> list[float]:
    fixed, each, bend = fixed_each_and_bend(few, many)
    return [fixed, each, 1 / bend]


EXERCISES = (
    Exercise(
        "3.1-a",
        prediction,
        {
            hidden_relu_missing: "ReLU is missing in the hidden layer.",
            logistic_missing: "This is the sum: the logistic function makes a probability of it.",
            biases_missing: "The biases are missing.",
            weights_read_by_column: "Rows and columns of the first weight are mixed up: row k leads to unit k.",
            relu_at_the_end_too: "The last sum went through ReLU: the logistic function takes it as it is.",
        },
        cases=((X, HIDDEN, OUTPUT),),
    ),
    Exercise(
        "3.1-b",
        biases_of,
        {
            hinges_turned: "The signs of the first four are turned: the sum x1 + b of *east* is zero at x1 = -b.",
            reach_not_doubled: "The last bias is the reach itself: the output counts every kilometer twice.",
            streets_exchanged: "East and north are exchanged: the first coordinate belongs to east and west.",
            reach_subtracted: "The last sign is wrong: at the pizzeria itself the output must be above zero.",
        },
        cases=((CROSSING, REACH),),
        entries=("east", "west", "north", "south", "output"),
    ),
    Exercise(
        "3.2-a",
        cross_entropy_slope,
        {
            batch_mean_missing: "The 1/n is missing: the loss is a mean over the batch.",
            truth_not_subtracted: "The right answers are not subtracted: p - y.",
            truth_minus_probability: "The sign is wrong: what you said minus what is right.",
            mean_over_classes_too: "Divided by the number of classes too: the mean is over the examples only.",
            classes_counted_from_the_labels: "The classes end at the largest label: one_hot(labels, K) has K columns.",
            scores_in_place_of_probabilities: "The softmax is missing: p - y takes probabilities, not scores.",
        },
        cases=LABELLED,
        asks_function=True,
        by_hand=(table([2.0, 0.0, 1.0], [0.0, 0.0, 0.0]), torch.tensor([2, 0])),
    ),
    Exercise(
        "3.2-b",
        several_answers_loss,
        {
            logarithm_of_zero: "A probability that rounds to 0 or 1 has no logarithm: write the loss with the score "
            "itself, max(s, 0) - s y + log(1 + exp(-|s|)).",
            mean_over_faces_only: "Divided by the faces only: the mean is over faces and questions, 1/(N K).",
            **dict.fromkeys(map(_capped, SMALLEST), CAPPED),
            yes_answers_only: "The second half is missing: an answer no is charged too, by -log(1 - p).",
            yes_and_no_exchanged: "Yes and no are exchanged.",
            softmax_over_the_answers: "The softmax lets the answers compete: each has a logistic function of its own.",
        },
        cases=FACES,
        asks_function=True,
        handed_out=logarithms_of_each_face,
        by_hand=(table([2.0, -1.0], [0.5, 1.0]), table([1.0, 0.0], [0.0, 1.0])),
    ),
    Exercise(
        "3.3-a",
        weight_gradient,
        {
            hidden_slope_missing: "The slope of the hidden unit is missing: the first factor after dR/do.",
            output_slope_missing: "The slope of the output is missing on the way back.",
            half_forgotten: "Twice as large: the loss has a factor 1/2, which cancels the 2 of the square.",
            wrong_end_of_the_weight: "The last factor is the output of the unit that the weight comes from.",
            weight_the_other_way: "This is the weight from input 1 to hidden unit 2: w[k, p] leads from p to k.",
            weight_on_the_way_missing: "The weight of the second layer is missing on the way back.",
        },
        cases=((INPUT, TARGET, W1, W2),),
    ),
    Exercise(
        "3.3-b",
        dense_backward,
        {
            weight_gradient_transposed: "It is transposed: it has the shape of the weight, a row for each output.",
            weight_transposed_on_the_way: "The weight is transposed: y = x W^T goes back through W itself.",
            batch_summed_twice: "Summed over the batch twice: multiply within each example, then sum once.",
            batch_averaged: "There is a 1/n too many: if the loss is a mean, grad_output brings it along.",
            bias_not_summed: "The gradient of the bias is not summed over the batch.",
            bias_summed_over_outputs: "The gradient of the bias is summed over the outputs: sum over the batch, dim=0.",
        },
        cases=DENSE,
        asks_function=True,
        by_hand=(table([1.0, -2.0], [2.0, 1.0]), table([1.0, 2.0], [0.0, 3.0]), table([2.0, -1.0], [1.0, 3.0])),
        parts=("grad_x", "grad_weight", "grad_bias"),
    ),
    Exercise(
        "3.3-c",
        back_propagate,
        {
            no_slope_in_the_hidden_layer: "The slope of the hidden units is missing.",
            no_slope_at_the_output: "The slope of the outputs is missing.",
            weights_the_wrong_way_round: "The second weight is used the wrong way round: dR/do_k sums over the units p "
            "that k leads to, w[p, k].",
            no_mean: "The 1/n is missing.",
            mean_twice: "There is one 1/n too many.",
            both_halves_lost: "Twice too large: the loss has a factor 1/2, which cancels the 2 of the square.",
        },
        cases=NETWORKS,
        asks_function=True,
        handed_out=neither_slope_nor_mean,
        by_hand=(
            table([1.0], [2.0], [0.0]),
            table([1.0], [0.0], [1.0]),
            (table([1.0]), table(-1.0)),
            (table([2.0]), table(-1.0)),
        ),
        parts=("grad_w1", "grad_b1", "grad_w2", "grad_b2"),
    ),
    Exercise(
        "3.4-a",
        gradient_of_all,
        {
            mean_of_means: "This is the mean of the means: a batch counts by its size.",
            sum_of_means: "This is the sum: the gradient of a mean is a mean.",
            never_divided: "Not divided by the number of examples.",
            divided_by_the_batches: "Divided by the number of batches: divide by that of the examples.",
        },
        cases=BATCHES,
        asks_function=True,
        handed_out=mean_of_means,
        by_hand=(table([1.0, 2.0], [4.0, -1.0]), table(3.0, 1.0)),
    ),
    Exercise(
        "3.4-b",
        batch_for_half_the_signal,
        {
            noise_as_long_as_the_signal: "With that size the noise is as long as the signal: it is to be half as long.",
            noise_falls_with_the_size: "The noise falls with the root of the size: half takes four times as many.",
            half_squared_wrongly: "The half is squared too: half the noise costs four times the examples, not twice.",
        },
        cases=((SIGNAL, SPREAD),),
    ),
    Exercise(
        "3.4-c",
        seconds_to_the_goal,
        {
            every_step_costs_the_same: "The images cost time too: a step takes the start and its images.",
            start_paid_once: "Every step pays its start, not the first alone.",
            images_alone: "The start of a step is missing: each step pays it.",
            milliseconds_kept: "These are milliseconds: seconds are asked for.",
        },
        cases=((START, EACH, STEPS_TO_THE_GOAL),),
        entries=("10 images", "50", "200", "1,000"),
    ),
    Exercise(
        "3.5-a",
        kernel_gradient,
        {
            kernel_gradient_flipped: "The result is turned by 180 degrees: here nothing is flipped.",
            slopes_flipped: "grad_output is turned by 180 degrees: here nothing is flipped.",
            kernel_gradient_averaged: "Divided by the number of output pixels: their contributions are summed.",
            image_summed_alone: "grad_output is not used: each pixel counts by the slope of its output.",
        },
        cases=KERNEL_CASES,
        asks_function=True,
        by_hand=(table([1.0, 2.0], [0.0, -1.0]), table([1.0, 0.0, 2.0], [3.0, 1.0, 0.0], [0.0, 2.0, 1.0])),
    ),
    Exercise(
        "3.5-b",
        image_gradient,
        {
            kernel_not_flipped: "The kernel is not flipped: pixel (i, j) went into output (i - m, j - n) by K[m, n].",
            flipped_in_one_direction: "The kernel is flipped in one direction only.",
            kernel_turned_into_its_transpose: "The kernel is transposed, not turned.",
            border_of_the_image_lost: "The border is missing: every pixel under some window gets a gradient.",
        },
        cases=IMAGE_CASES,
        asks_function=True,
        handed_out=kernel_not_flipped,
        by_hand=(table([1.0, 2.0], [0.0, -1.0]), table([2.0, 1.0], [0.0, 3.0])),
    ),
    Exercise(
        "3.5-c",
        pool_backward,
        {
            every_winner_gets_all: "Of several equal pixels each gets the whole gradient: only the first does.",
            winners_share: "Equal pixels share the gradient: it goes to the first of them.",
            last_winner_gets_it: "Of equal pixels the last gets the gradient: it goes to the first, row by row.",
            largest_sought_above_zero: "A block whose pixels are all below zero has a largest, too: do not begin at 0.",
            everyone_gets_a_quarter: "Every pixel gets a quarter: that is the backward of a mean.",
            maximum_in_place_of_slope: "The maximum itself is passed back: what goes back is grad_output.",
        },
        cases=MAXIMA,
        asks_function=True,
        by_hand=(table([4.0, -2.0]), table([1.0, 3.0, -4.0, -1.0], [3.0, 2.0, -1.0, -5.0])),
    ),
    Exercise(
        "3.6-a",
        accuracy_of_each,
        {
            half_against_the_scores: "One half is the border of the probabilities: for the scores it is 0.",
            half_is_a_yes: "A score of 0 is a probability of exactly one half, and only one above it is a yes.",
            accuracy_of_each_face: "This is one number for each face: average over the faces, dim=0.",
            one_number_for_all: "This is one number for all questions: each has an accuracy of its own.",
            largest_score_wins: "Only the largest score says yes: several answers can be yes at once.",
            share_of_yes: "This is the share of predicted yes: compare with the answers.",
        },
        cases=ATTRIBUTES,
        asks_function=True,
        handed_out=half_against_the_scores,
        by_hand=(
            table([2.0, 0.3], [-1.0, 0.2], [0.4, -2.0], [0.0, 1.0]),
            table([1.0, 0.0], [0.0, 0.0], [1.0, 0.0], [1.0, 1.0]),
        ),
    ),
    Exercise(
        "3.6-b",
        accuracy_precision_recall,
        {
            precision_and_recall_exchanged: "Precision and recall are exchanged: recall is a share of the hats, "
            "precision one of the alarms.",
            missed_hats_forgotten: "The missed hats are wrong answers too.",
            false_alarms_forgotten: "The false alarms are wrong answers too.",
            found_hats_alone_are_right: "A no to a face without a hat is right as well: count all right answers.",
            false_alarm_rate_for_precision: "Precision is a share of the faces that were called hats, true or false.",
        },
        cases=(TABLE_OF_HATS,),
        entries=("accuracy", "precision", "recall"),
    ),
    Exercise(
        "3.6-c",
        precision_of_rates,
        {
            precision_unchanged: "This is the precision of 3.6-b: fewer hats raise fewer true alarms, and hardly "
            "fewer false ones.",
            in_percent: "This is a percentage: a share is a number between 0 and 1.",
            share_forgotten: "So it would be if half of the faces wore hats: weigh each rate by its group.",
            rates_exchanged: "The two rates are exchanged.",
            all_faces_may_raise_alarms: "False alarms come from the faces without a hat: their share is 1 - π.",
            alarms_per_hat: "These are true alarms for each false one: divide by all alarms.",
        },
        cases=(RARER,),
    ),
    Exercise(
        "3.7-a",
        break_even,
        {
            image_on_the_gpu_is_free: "The images cost time on the GPU too: each saves the difference.",
            start_of_the_cpu_forgotten: "The CPU also takes time to start a step: what counts is the difference.",
            costs_added: "What an image saves is the difference of the two costs, not their sum.",
        },
        cases=((CPU, GPU),),
    ),
    Exercise(
        "3.7-b",
        factors_of_the_workers,
        {
            number_of_workers_missing: "The average divides by the number of workers: a factor 3 is missing.",
            all_count_alike: "Equal factors make a plain mean: each of the ten would count twice.",
            small_parts_made_up_for: "The other way round: the smaller part has the smaller factor.",
            relative_to_the_largest: "The shares are right, their size is not: with equal parts all factors are 1.",
        },
        cases=((PARTS,),),
        entries=("first worker", "second", "third"),
    ),
    Exercise(
        "3.7-c",
        fixed_each_and_bend,
        {
            smaller_time_taken_as_fixed: "The ten images cost something too: take their time off.",
            time_over_images: "That divides the fixed cost among the images as well: take the difference of two times.",
            a_and_b_exchanged: "a and b are exchanged: a is the time of a step without images, b that of each image.",
            bend_the_other_way: "The bend is where a = b B, so at a / b.",
        },
        cases=(TIMES,),
        entries=("a in ms", "b in ms", "images at the bend"),
    ),
)
