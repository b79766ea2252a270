r"""
3.3 Back-propagation, layer by layer
====================================

A network answers, and the answer is wrong. **How much of the error is the fault of each
single weight, also of those far from the output?**

*After this lesson you can* compute the gradient of every weight and bias of a small
network by hand, check it in three ways, say why it costs only a few times what the
prediction costs, and train the network with your own lines.

*Time*: 45 minutes. *Before*: lessons 2.2, 3.1 and 3.2.
"""

# %%
# One observation goes forward
# ----------------------------
# The network has two inputs, two hidden layers of three and two units, and two outputs:
# layers :math:`l = 1, \dots, L` with :math:`L = 4`. Each layer is a weighted sum and
# the logistic function :math:`\varphi` (lesson 3.1):
#
# .. math:: o^1 = x, \qquad s_k^{l+1} = b_k^l + \sum_p w_{pk}^l \, o_p^l,
#
# .. math:: o_k^{l+1} = \varphi(s_k^{l+1}), \qquad \varphi(s) = \frac{1}{1 + e^{-s}} .
#
# The weight :math:`w_{pk}^l` leads **from** unit :math:`p` of layer :math:`l` **to**
# unit :math:`k` of the next; the bias :math:`b_k^l` belongs to that unit too. The code
# stores the weight as ``w[l][k][p]``, one row for each unit that it leads to. That is
# the layout of ``Linear``. The weights are chosen so that you can follow with a pocket
# calculator.

import math

import matplotlib.pyplot as plt
import pandas as pd
import torch

from glassbox import gradients, models, nn, plots
from glassbox.nn import functional as F

plots.style.use()
L = 4
w = {
    1: [[1.0, -1.0], [-1.0, 1.0], [0.8, 0.6]],
    2: [[-1.2, -0.9, 0.3], [0.2, 0.5, 1.1]],
    3: [[1.5, -0.4], [-0.7, 1.3]],
}
b = {1: [-0.5, -0.5, 0.2], 2: [0.4, -0.6], 3: [-0.3, 0.1]}


def forward(x, w, b):
    """Return every weighted sum s and every output o, layer by layer."""
    s, o = {}, {1: x}
    for l in range(1, L):
        s[l + 1], o[l + 1] = [], []
        for k in range(len(w[l])):
            total = b[l][k]
            for p in range(len(o[l])):
                total += w[l][k][p] * o[l][p]
            s[l + 1].append(total)
            o[l + 1].append(1 / (1 + math.exp(-total)))
    return s, o


x, y = [1.0, 0.5], [1.0, 0.0]
s, o = forward(x, w, b)
print("Prediction:  ", [round(value, 3) for value in o[4]])
print("Right answer:", y)

# %%
# A number in a circle is an output :math:`o`, a number on an arrow is a weight, and the
# bias stands at its unit. Orange is positive, blue negative, and the thicker the
# arrow, the larger its number.

titles = ["l = 1: input", "l = 2", "l = 3", "l = 4: output"]
biases = [["", ""], *([f"b = {value:.1f}" for value in b[l]] for l in range(1, L))]

fig, ax = plt.subplots(figsize=(4.8, 4.4))
plots.perceptron(ax, list(o.values()), list(w.values()), labels=biases, titles=titles)
fig.alt_text = (
    "The network from left to right: inputs 1.0 and 0.5, three units, two units, two "
    "outputs, with every weight on its arrow."
)
plt.show()

# %%
# The chain of three factors
# --------------------------
# First, how wrong is it? The loss of one observation is half the sum of the squared
# errors,
#
# .. math:: R = \frac{1}{2} \sum_{j=1}^{K} (o_j^L - y_j)^2,
#    \qquad \frac{\partial R}{\partial o_k^L} = o_k^L - y_k .
#
# The half cancels the 2 of the derivative. There is one observation, hence no
# :math:`1/n` yet. It will come once, when we take the mean over all observations.


def risk_of_one(o, y):
    return sum((o[L][k] - y[k]) ** 2 for k in range(len(y))) / 2


dR_do = {L: [o[L][k] - y[k] for k in range(len(y))]}
print(f"R = {risk_of_one(o, y):.4f}")
print("dR/do of the outputs:", ", ".join(f"{value:+.3f}" for value in dR_do[L]))

# %%
# A weight acts on the loss through a chain: it changes the sum :math:`s_k`, which
# changes the output :math:`o_k`, which changes the loss. The derivative is the product:
#
# .. math:: \frac{\partial R}{\partial w_{pk}^l}
#    = \frac{\partial R}{\partial o_k^{l+1}} \cdot \varphi'(s_k^{l+1}) \cdot o_p^l .
#
# The three factors are *how the loss changes with the output*, *how much the output
# moves when the sum moves*, and *what came in*. For a bias the last factor is 1. The
# first two belong to the unit, and their product :math:`\partial R / \partial s_k` is
# called :math:`\delta_k`. The slope of the logistic function is
# :math:`\varphi'(s) = \varphi(s)\,(1 - \varphi(s))`: 1/4 at most, and almost 0 far from
# :math:`s = 0`. Another activation changes this factor only: for ReLU it is 1 where
# :math:`s > 0` and 0 elsewhere, and for an output without activation it is 1.

slope = {l: [value * (1 - value) for value in o[l]] for l in range(2, L + 1)}


def layer_gradients(l, dR_do, slope, o):
    """Return the gradients of the weights and biases between layers l and l + 1."""
    dR_dw, dR_db = [], []
    for k in range(len(o[l + 1])):
        delta = dR_do[l + 1][k] * slope[l + 1][k]
        dR_dw.append([delta * o[l][p] for p in range(len(o[l]))])
        dR_db.append(delta)
    return dR_dw, dR_db


dR_dw, dR_db = {}, {}
dR_dw[3], dR_db[3] = layer_gradients(3, dR_do, slope, o)

# %%
# All three factors are known for the last weights, :math:`l = 3`. The table shows them.


def table_of_factors(l):
    """Return one row per parameter between layers l and l + 1."""
    rows = []
    for k in range(len(o[l + 1])):
        for p in range(len(o[l])):
            name, gradient = f"w from {p + 1} to {k + 1}", dR_dw[l][k][p]
            rows.append((name, dR_do[l + 1][k], slope[l + 1][k], o[l][p], gradient))
        rows.append((f"b of {k + 1}", dR_do[l + 1][k], slope[l + 1][k], 1, dR_db[l][k]))
    columns = [f"l = {l}", "dR/do", "slope", "o_p", "gradient"]
    return pd.DataFrame(rows, columns=columns).set_index(f"l = {l}")


form = dict.fromkeys(("dR/do", "slope", "o_p"), "{:+.3f}".format)
form["gradient"] = "{:+.4f}".format
print(table_of_factors(3).to_string(formatters=form))

# %%
# The same numbers on the network, whose arrows now point back. At unit :math:`k`
# stands its :math:`\delta_k`, which is also the gradient of its bias. On an arrow
# stands the gradient of the weight: the :math:`\delta_k` that it comes from, times the
# :math:`o_p` in the circle that it points to.


def draw_back_to(first):
    """Draw the layers from ``first`` on with the gradients between them."""
    layers = range(first, L + 1)
    delta = [[f"δ = {value:+.3f}" for value in dR_db[l - 1]] for l in layers[1:]]
    fig, ax = plt.subplots(figsize=(1.2 * len(layers), 5.2 if first < 3 else 3.6))
    plots.perceptron(
        ax,
        [o[l] for l in layers],
        [dR_dw[l] for l in layers[:-1]],
        labels=[[""] * len(o[first]), *delta],
        titles=titles[first - 1 :],
        backward=True,
        number_format="{:.3f}".format,
    )
    return fig


fig = draw_back_to(3)
fig.alt_text = (
    "The last two layers: at each output its delta, and on four arrows back the "
    "gradients of the weights."
)
plt.show()

# %%
# The first output is too low: its error is negative, so its gradients are negative, and
# a step *against* the gradient raises its weights. The second output is too high, and
# its weights will fall.
#
# One layer down
# --------------
# For :math:`l = 2` one factor is missing: how does the loss change with the output of
# a *hidden* unit? Unit :math:`p` of layer :math:`l` feeds every unit :math:`k` of the
# next layer, through :math:`w_{pk}^l`. If its output grows by a little, the sum of unit
# :math:`k` grows by :math:`w_{pk}^l` times that, and the loss by :math:`\delta_k` times
# what the sum grew by. All these changes add up:
#
# .. math:: \frac{\partial R}{\partial o_p^l}
#    = \sum_k \delta_k^{l+1} \, w_{pk}^l ,
#    \qquad \delta_k^{l+1} = \frac{\partial R}{\partial o_k^{l+1}} \,
#    \varphi'(s_k^{l+1}) .
#
# Everything in the sum is known from the step before. That is why one starts at the
# loss and goes back: each :math:`\delta` is computed once, and serves all weights that
# lead to its unit and all units below it.


def errors_below(l, delta, w):
    """Return dR/do of each unit of layer l, from the delta of layer l + 1."""
    errors = []
    for p in range(len(w[l][0])):
        total = 0.0
        for k in range(len(w[l])):
            total += delta[k] * w[l][k][p]
        errors.append(total)
    return errors


deltas = dR_db[3]  # a bias has the last factor 1, so its gradient is delta
dR_do[3] = errors_below(3, deltas, w)
for k in range(2):
    print(f"{deltas[k]:+.4f} x {w[3][k][0]:+.1f} = {deltas[k] * w[3][k][0]:+.4f}")
print(f"The sum is dR/do of the first unit of layer 3: {dR_do[3][0]:+.4f}.")

# %%
# This is what travels back: on each arrow a :math:`\delta` times the weight of the
# arrow, and in each circle on the left the sum of what arrives there.

fig, ax = plt.subplots(figsize=(3.4, 3.6))
plots.perceptron(
    ax,
    [dR_do[3], deltas],
    [[[deltas[k] * w[3][k][p] for p in range(2)] for k in range(2)]],
    titles=["∂R/∂o, the sums", "δ"],
    backward=True,
    number_format="{:+.2f}".format,
)
fig.alt_text = (
    "The backward sum: from each of two output units an arrow with delta times weight "
    "leads to each hidden unit, and each hidden unit holds the sum of its two arrows."
)
plt.show()

# %%
# With it, the three factors of :math:`l = 2` are complete.

dR_dw[2], dR_db[2] = layer_gradients(2, dR_do, slope, o)
print(table_of_factors(2).to_string(formatters=form))

# %%
# The same two functions once more, for :math:`l = 1`, and every parameter has its
# gradient.
#
# .. predict:: first-layer

dR_do[2] = errors_below(2, dR_db[2], w)
dR_dw[1], dR_db[1] = layer_gradients(1, dR_do, slope, o)
print(table_of_factors(1).to_string(formatters=form))

# %%
fig = draw_back_to(1)
fig.alt_text = (
    "The whole network with all sixteen gradients of weights; those of the first "
    "layer are several times smaller than those of the last."
)
plt.show()

# %%
largest = {l: max(abs(v) for row in dR_dw[l] for v in row) for l in (1, 2, 3)}
print(", ".join(f"l = {l}: largest {value:.4f}" for l, value in largest.items()))
assert largest[1] < largest[2] < largest[3]

# %%
# Now you. The same network asks for each of its numbers. If one is wrong, it says which
# factor is off, where it can tell; or let it show them. :doc:`Its own page
# </play/backprop>` has new exercises, and in :doc:`the digit that you draw
# </play/digit>` every gradient of ``SmallCNN`` opens into its sum by the chain rule.
#
# .. play:: backprop
#    :embed:
#
# Why the gradients shrink
# ------------------------
# On the way back every layer multiplies by the slopes, 1/4 at most for the logistic
# function, *and by its weights*. Take ten layers of twenty units, with weights drawn at
# random and scaled. Take the sum of the last layer's outputs in place of a loss. How
# long is the list of its derivatives by the first layer's outputs (as a vector),
# compared with that by the last layer's? From the one to the other it is nine steps.


def first_over_last(activation, scale, seed, layers=10, units=20):
    """Return how long dR/do is at the first layer, over how long it is at the last."""
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(1, units, generator=generator, dtype=torch.float64)
    outputs = []
    for _ in range(layers):
        weight = torch.randn(units, units, generator=generator, dtype=torch.float64)
        values = activation(F.linear(values, weight * scale / units**0.5))
        outputs.append(values.requires_grad_() if not outputs else values)
    first, last = torch.autograd.grad(values.sum(), [outputs[0], outputs[-1]])
    return (first.norm() / last.norm()).item()


scales = [1, 1.4, 4, 8]
table = pd.DataFrame(
    {
        name: [
            sum(first_over_last(activation, scale, seed) for seed in range(5)) / 5
            for scale in scales
        ]
        for name, activation in {"logistic": nn.Sigmoid(), "ReLU": nn.ReLU()}.items()
    },
    index=pd.Index(scales, name="scale"),
)
print(table.map("{:.0e}".format).to_string())
print(f"Nine factors: of 1/4 {0.25**9:.0e}, of 3 {3.0**9:.0e}.")
draws = [first_over_last(nn.Sigmoid(), 32, seed) for seed in range(5)]
print(f"Logistic, scale 32: {min(draws):.0e} to {max(draws):.0e} in 5 draws.")
assert max(draws) > 100 * min(draws)
assert table["logistic"][1] < 1e-3
assert 0.01 < table["ReLU"][1.4] < 100 < table["ReLU"][8]

# %%
# With weights of the usual size, one over the root of the number of inputs, the weights
# keep a vector about as long as it is, and the slopes are left: nine of about 1/4, the
# **vanishing gradient**. Larger weights make up for most of it here, but with much
# larger ones most slopes are almost 0, and the gradient is a matter of luck.
# ReLU has the slope 1 where it is active and 0 elsewhere, and needs weights of about
# 1.4 in this measure (the root of 2: half of the units sleep); with 4 each layer
# multiplies by about 3, and the gradient *explodes*. So neither function is safe by
# itself: what counts is slope times weights, layer after layer.
#
# Is it true?
# -----------
# **First check: nudge.** Move one weight of the first layer a little and watch the
# change run forward to the loss: one unit of layer 2 moves, then all of layers 3 and 4.
# The last line compares with what the gradient promised.

nudge = 0.01
nudged = {**w, 1: [[w[1][0][0] + nudge, w[1][0][1]], *w[1][1:]]}
_, after = forward(x, nudged, b)
for l in (2, 3, 4):
    moves = [f"{new - old:+.6f}" for new, old in zip(after[l], o[l], strict=True)]
    print(f"layer {l}: outputs change by {', '.join(moves)}")
change = risk_of_one(after, y) - risk_of_one(o, y)
print(f"R changes by {change:+.3e}; gradient x nudge = {dR_dw[1][0][0] * nudge:+.3e}")
assert abs(change / (dR_dw[1][0][0] * nudge) - 1) < 0.05

# %%
# **Second check: autograd.**
# The same network from the package, with our weights, in double precision. PyTorch's
# autograd calls the package's backward functions.

layers = []
for l in range(1, L):
    dense = nn.Linear(len(w[l][0]), len(w[l]), dtype=torch.float64)
    with torch.no_grad():
        dense.weight.copy_(torch.tensor(w[l], dtype=torch.float64))
        dense.bias.copy_(torch.tensor(b[l], dtype=torch.float64))
    layers += [dense, nn.Sigmoid()]
network = nn.Sequential(*layers)

target = torch.tensor([y], dtype=torch.float64)
output = network(torch.tensor([x], dtype=torch.float64))
(nn.MSELoss(reduction="sum")(output, target) / 2).backward()

ours = torch.cat(
    [
        torch.tensor(values, dtype=torch.float64).flatten()
        for l in range(1, L)
        for values in (dR_dw[l], dR_db[l])
    ]
)
theirs = torch.cat([parameter.grad.flatten() for parameter in network.parameters()])
difference = (ours - theirs).abs().max()
print(f"{len(ours)} gradients; largest difference from autograd {difference:.0e}.")
assert difference < 1e-15

# %%
# **Third check: no derivatives at all.**
# Move one parameter a little up and a little down, and see how the loss changes:
#
# .. math:: \frac{\partial R}{\partial \theta}
#    \approx \frac{R(\theta + h) - R(\theta - h)}{2h} .
#
# Such a **central difference** knows nothing about chains and layers. It needs two
# predictions for each parameter.
#
# .. predict:: short-step

theta = torch.cat([parameter.detach().flatten() for parameter in network.parameters()])


def unpack(theta):
    """Cut one long list of parameters into weights and biases."""
    values = iter(theta.tolist())
    w_new, b_new = {}, {}
    for l in range(1, L):
        w_new[l] = [[next(values) for _ in w[l][0]] for _ in w[l]]
        b_new[l] = [next(values) for _ in b[l]]
    return w_new, b_new


def risk_at(theta):
    return risk_of_one(forward(x, *unpack(theta))[1], y)


for step in (1e-1, 1e-3, 1e-5, 1e-7, 1e-9, 1e-11):
    estimate = gradients.central_difference(risk_at, theta, step=step)
    print(f"h = {step:.0e}: largest error {(estimate - ours).abs().max():.0e}")
    assert step != 1e-5 or (estimate - ours).abs().max() < 1e-9

# %%
# A long step cuts across the curve, and the error grows as :math:`h^2`. A short one
# compares two numbers that are almost equal, and their rounding, divided by :math:`h`,
# takes over. Does the check find a mistake? Forget the slope in the last layer:

wrong_dw, wrong_db = layer_gradients(3, dR_do, {4: [1, 1]}, o)
wrong = ours.clone()
wrong[-6:] = torch.tensor([*wrong_dw[0], *wrong_dw[1], *wrong_db])
for step in (1e-1, 1e-3, 1e-5):
    estimate = gradients.central_difference(risk_at, theta, step=step)
    errors = [(estimate - formula).abs().max() for formula in (ours, wrong)]
    print(f"h = {step:.0e}: right formula {errors[0]:.0e}, wrong one {errors[1]:.3f}")
assert errors[1] > 0.1

# %%
# The verdict: with a step ten times shorter the difference of a right formula falls a
# hundredfold, until rounding takes over. That of a wrong one stays, however small it
# is.
#
# What it costs
# -------------
# Differences would be enough to learn, if they did not cost so much: with :math:`P`
# parameters, :math:`2P` predictions for one gradient. Back-propagation goes through the
# network once forward and once back. Back, each layer needs two products where the
# prediction needed one: :math:`\delta` times what came in, for its own gradients, and
# :math:`\delta` times the weights, for the layer below. The first layer has none below
# and saves the second. PyTorch can count the multiplications of these products. The
# table is in units of one prediction.

from torch.utils.flop_counter import FlopCounterMode  # one multiply-add is two flops

costs = {}
for width in (4, 16, 64, 256, 1024):
    model = models.MLP(10, width, width, 2, activation=nn.Sigmoid)
    count = sum(parameter.numel() for parameter in model.parameters())
    with FlopCounterMode(display=False) as ahead:
        answer = model(torch.zeros(1, 10))
    with FlopCounterMode(display=False) as back:
        answer.sum().backward()
    one = ahead.get_total_flops() // 2
    both = one + back.get_total_flops() // 2
    costs[count] = {"one prediction": one, "back-propagation": both}
    costs[count]["differences"] = 2 * count * one
table = pd.DataFrame(costs).T.rename_axis("parameters")
ratio = table.div(table.pop("one prediction"), axis=0)
form = {"back-propagation": "{:.2f}".format, "differences": "{:,.0f}".format}
print(ratio.to_string(formatters=form))
assert ratio["back-propagation"].max() < 3.01

# %%
# The price of back-propagation stays below three predictions, that of differences grows
# with every parameter. There is a price in memory too: every :math:`o` of the forward
# pass is kept until the way back has used it, as what came in, and for the slope
# :math:`o\,(1 - o)`.
#
# Many observations
# -----------------
# The risk of :math:`n` observations is the mean of theirs, and so is its gradient: here
# :math:`1/n` enters. In matrices, with a row for each observation, the loops become
# products, and back-propagation fits into a few lines:
#
# .. math:: \Delta^L = \tfrac1n\,(O^L - Y) \odot \varphi'(S^L),
#
# .. math:: \Delta^l = (\Delta^{l+1} W^l) \odot \varphi'(S^l),
#
# .. math:: \frac{\partial R}{\partial W^l} = {\Delta^{l+1}}^\top O^l, \qquad
#    \frac{\partial R}{\partial b^l} = \sum_i \Delta_i^{l+1} ,
#
# where :math:`\odot` multiplies entry by entry, and row :math:`k` of :math:`W^l` holds
# the weights that lead to unit :math:`k`, as in the code above. For one observation,
# written as a column, the second formula is :math:`\delta^l = ({W^l}^\top \delta^{l+1})
# \odot \varphi'(s^l)`.


def gradient_by_matrices(X, Y, W, B):
    """Return the risk, and the gradients of the weights and of the biases."""
    O = {1: X}
    for l in range(1, L):
        O[l + 1] = torch.sigmoid(O[l] @ W[l].T + B[l])
    delta = {L: (O[L] - Y) / len(X) * O[L] * (1 - O[L])}
    for l in reversed(range(2, L)):
        delta[l] = (delta[l + 1] @ W[l]) * O[l] * (1 - O[l])
    risk = ((O[L] - Y) ** 2).sum() / 2 / len(X)
    grad_W = {l: delta[l + 1].T @ O[l] for l in W}
    return risk, grad_W, {l: delta[l + 1].sum(dim=0) for l in W}


W = {l: torch.tensor(w[l], dtype=torch.float64) for l in w}
B = {l: torch.tensor(b[l], dtype=torch.float64) for l in b}
one = torch.tensor([x], dtype=torch.float64), torch.tensor([y], dtype=torch.float64)
_, grad_W, grad_B = gradient_by_matrices(*one, W, B)
for l in W:
    torch.testing.assert_close(grad_W[l], torch.tensor(dR_dw[l], dtype=torch.float64))
    torch.testing.assert_close(grad_B[l], torch.tensor(dR_db[l], dtype=torch.float64))
print("One observation by matrices: the gradients that the loops gave.")

# %%
# Two questions about a point of the plane: is it in the band along the diagonal, and is
# it in the upper right half? The mean gradient over all points agrees with autograd.

generator = torch.Generator().manual_seed(1)
points = torch.rand(60, 2, generator=generator, dtype=torch.float64) * 4 - 2
in_band = (points[:, 0] - points[:, 1]).abs() < 1
upper_right = points.sum(dim=1) > 0
answers = torch.stack([in_band, upper_right], dim=1).double()

risk, grad_W, grad_B = gradient_by_matrices(points, answers, W, B)
network.zero_grad()
(nn.MSELoss(reduction="sum")(network(points), answers) / 2 / len(points)).backward()
for l in range(1, L):
    dense = layers[2 * (l - 1)]
    torch.testing.assert_close(grad_W[l], dense.weight.grad)
    torch.testing.assert_close(grad_B[l], dense.bias.grad)
print(f"Mean over {len(points)} points: risk {risk:.4f}, all gradients agree.")

# %%
# Now take a step against the gradient, and again (lesson 2.2):
# :math:`\theta \leftarrow \theta - \lambda \, \partial R / \partial \theta`. The step
# is long, since the slopes of the logistic function are small.

lr, history = 4.0, {}
for step in range(601):
    risk, grad_W, grad_B = gradient_by_matrices(points, answers, W, B)
    history[step] = risk.item()
    for l in W:
        W[l] = W[l] - lr * grad_W[l]
        B[l] = B[l] - lr * grad_B[l]


def outputs_at(places):
    """Return the two outputs at places of the plane, in the last dimension."""
    values = places
    for l in range(1, L):
        values = torch.sigmoid(values @ W[l].T + B[l])
    return values


def shares_right(values):
    """Return the share of right answers to each of the two questions."""
    return ((values > 0.5) == (answers > 0.5)).double().mean(dim=0)


right = shares_right(outputs_at(points))
print(f"Risk {history[0]:.3f} -> {history[600]:.4f}. Right on these points:")
print(f"the band {right[0]:.0%}, upper right {right[1]:.0%}")
assert right.min() > 0.95

# %%
# The maps show what the two outputs have learned: full points are those with the answer
# yes, the color is the output, the line is where it is one half.

fig, axes = plt.subplot_mosaic("rr;bu", figsize=(4.8, 4.9), height_ratios=[1, 1.7])
plots.curves(axes["r"], pd.DataFrame({"": history}).rename_axis("step"), markers=False)
axes["r"].set(ylim=(0, None), xticks=[0, 300, 600], title="risk")
for k, title in enumerate(["in the band?", "upper right?"]):
    ax = axes[title[0].replace("i", "b")]
    plots.activity(
        ax,
        lambda at, k=k: outputs_at(at.double())[..., k],
        (-2, 2),
        (-2, 2),
        boundary=0.5,
        resolution=61,
    )
    plots.yes_no_points(ax, points, answers[:, k]).set_title(title)
fig.alt_text = (
    "Above: the risk falls towards zero. Below: the network has found the band along "
    "the diagonal and the upper right half."
)
plt.show()

# %%
# The start was chosen for it: the first two units look across the band, from either
# side, and the third to the upper right.
#
# What to remember
# ----------------
# - The gradient of a weight is a product of three numbers:
#   :math:`\partial R/\partial o_k` of the unit that it leads to, the slope
#   :math:`\varphi'(s_k)` of that unit, and :math:`o_p` of the unit that it comes from.
# - What reaches a hidden unit is the sum of the :math:`\delta` of all units that it
#   feeds, each times the weight between: the same weights, the other way.
# - On the way back slopes and weights multiply: where the products are small gradients
#   vanish, where they are large they explode.
# - One pass forward, which keeps every :math:`o`, and one pass back, which uses them:
#   all gradients for about three predictions.
# - Central differences need no derivation. They check a gradient; they do not train.
# - The gradient over many observations is the mean of theirs.
#
# **Try this.** Set all weights to the same number and all biases to zero, and compute
# the gradients. Which of them are equal? What can the network never learn from that
# start?
#
# **Read on.** The four pages that made it known: :cite:`rumelhart1986`.
