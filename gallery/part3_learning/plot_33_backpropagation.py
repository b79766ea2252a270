r"""
3.3 Back-propagation, layer by layer
====================================

A network answers, and the answer is wrong. **How much of the error is the fault of each
single weight, also of those far from the output?**

*After this lesson you can* compute the gradient of every weight and bias of a small
network by hand, check it in two ways, say why it costs only a few times what the
prediction costs, and train the network with your own lines.

*Time*: 60 minutes. *Before*: lessons 2.2, 3.1 and 3.2.
"""

# %%
# One observation goes forward
# ----------------------------
# The network has two inputs, two hidden layers of three and two units, and two outputs:
# layers :math:`l = 1, \dots, L` with :math:`L = 4`. Each layer is a weighted sum and
# the logistic function :math:`\varphi` (lesson 3.1):
#
# .. math:: o^1 = x, \qquad s_k^{l+1} = b_k^l + \sum_{p=1}^{N_l} w_{pk}^l \, o_p^l,
#
# .. math:: o_k^{l+1} = \varphi(s_k^{l+1}) = \frac{1}{1 + e^{-s_k^{l+1}}} .
#
# The weight :math:`w_{pk}^l` leads **from** unit :math:`p` of layer :math:`l` **to**
# unit :math:`k` of the next. The code stores it as ``w[l][k][p]``, one row for each
# unit that it leads to. That is the layout of ``Linear``. The weights are chosen so
# that you can follow with a pocket calculator.

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
# bias stands above its unit. Orange arrows are positive, blue ones negative.

titles = ["l = 1: input", "l = 2", "l = 3", "l = 4: output"]
biases = [["", ""], *([f"b = {value:.1f}" for value in b[l]] for l in range(1, L))]

fig, ax = plt.subplots(figsize=(7.2, 4.2))
plots.perceptron(ax, list(o.values()), list(w.values()), above=biases, titles=titles)
fig.alt_text = (
    "The network from left to right: inputs 1.0 and 0.5, three units, two units, two "
    "outputs, with every weight on its arrow."
)
plt.show()

# %%
# How wrong is it?
# ----------------
# The loss of one observation is half the sum of the squared errors,
#
# .. math:: R = \frac{1}{2} \sum_{k'=1}^{K} (o_{k'}^L - y_{k'})^2,
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
# The chain of three factors
# --------------------------
# A weight acts on the loss through a chain: it changes the sum :math:`s_k`, which
# changes the output :math:`o_k`, which changes the loss. The derivative is the product:
#
# .. math:: \frac{\partial R}{\partial w_{pk}^l}
#    = \frac{\partial R}{\partial o_k^{l+1}} \cdot \varphi'(s_k^{l+1}) \cdot o_p^l .
#
# The three factors are *what the loss asks*, *how far the unit gives way*, and *what
# came in*. For a bias the last factor is 1. The logistic function has the slope
# :math:`\varphi'(s) = \varphi(s)\,(1 - \varphi(s))`: 1/4 at most, and almost 0 far from
# :math:`s = 0`.

slope = {l: [value * (1 - value) for value in o[l]] for l in range(2, L + 1)}


def layer_gradients(l, dR_do, slope, o):
    """Return the gradients of the weights and biases between layers l and l + 1."""
    dR_dw, dR_db = [], []
    for k in range(len(o[l + 1])):
        dR_ds = dR_do[l + 1][k] * slope[l + 1][k]
        dR_dw.append([dR_ds * o[l][p] for p in range(len(o[l]))])
        dR_db.append(dR_ds)
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
    columns = [f"l = {l}", "dR/do_k", "phi'(s_k)", "o_p", "gradient"]
    return pd.DataFrame(rows, columns=columns).set_index(f"l = {l}")


print(table_of_factors(3).to_string(float_format="{:+.4f}".format))

# %%
# The same numbers on the network, whose arrows now point back. The two factors of unit
# :math:`k` stand below it, :math:`o_p` is in the circle that the arrow points to, and
# their product, the gradient of the weight, is on the arrow.


def draw_back_to(first):
    """Draw the layers from ``first`` on with the gradients between them."""
    layers = range(first, L + 1)
    below, above = [[""] * len(o[first])], [[""] * len(o[first])]
    for l in layers[1:]:
        pairs = zip(slope[l], dR_do[l], strict=True)
        below.append([f"φ' = {f:.3f}\n∂R/∂o = {error:+.3f}" for f, error in pairs])
        above.append([f"∂R/∂b = {value:+.3f}" for value in dR_db[l - 1]])
    fig, ax = plt.subplots(figsize=(1.95 * len(layers), 5.6 if first < 3 else 4.0))
    plots.perceptron(
        ax,
        [o[l] for l in layers],
        [dR_dw[l] for l in layers[:-1]],
        above=above,
        below=below,
        titles=titles[first - 1 :],
        backward=True,
        number_format="{:.3f}".format,
    )
    return fig


fig = draw_back_to(3)
fig.alt_text = (
    "The last two layers: below each output phi' and dR/do, above it the gradient of "
    "its bias, and on four arrows back the gradients of the weights."
)
plt.show()

# %%
# The first output is too low: its error is negative, so its gradients are negative, and
# a step *against* the gradient raises its weights. The second output is too high, and
# its weights will fall.
#
# One layer down
# --------------
# For :math:`l = 2` one factor is missing: what does the loss ask of a *hidden* unit?
# Unit :math:`k` of layer :math:`l` feeds every unit :math:`p` of the next layer,
# through :math:`w_{kp}^l`. So the demands of all of them come back to it, and add up:
#
# .. math:: \frac{\partial R}{\partial o_k^l} = \sum_{p=1}^{N_{l+1}}
#    \frac{\partial R}{\partial o_p^{l+1}} \; \varphi'(s_p^{l+1}) \; w_{kp}^l .
#
# Mind the order of the indices: the weight leads from our unit :math:`k` to the next
# layer's :math:`p`. (The course's slides have it the other way round in this sum, and
# :math:`k` in place of :math:`p` in the first two factors.) Everything in the sum is
# known from the step before.


def errors_below(l, dR_do, slope, w):
    """Return dR/do of each unit of layer l, from that of layer l + 1."""
    errors = []
    for k in range(len(w[l][0])):
        total = 0.0
        for p in range(len(w[l])):
            total += dR_do[l + 1][p] * slope[l + 1][p] * w[l][p][k]
        errors.append(total)
    return errors


dR_do[3] = errors_below(3, dR_do, slope, w)
for p in range(2):
    term = dR_do[4][p] * slope[4][p] * w[3][p][0]
    print(f"{dR_do[4][p]:+.4f} x {slope[4][p]:.4f} x {w[3][p][0]:+.1f} = {term:+.4f}")
print(f"The sum is dR/do of the first unit of layer 3: {dR_do[3][0]:+.4f}.")

# %%
# With it, the three factors of :math:`l = 2` are complete.

dR_dw[2], dR_db[2] = layer_gradients(2, dR_do, slope, o)
print(table_of_factors(2).to_string(float_format="{:+.4f}".format))

# %%
fig = draw_back_to(2)
fig.alt_text = (
    "The last three layers: the two units of layer 3 now carry phi' and dR/do, and "
    "six gradients stand on the arrows back to layer 2."
)
plt.show()

# %%
# To the first weights
# --------------------
# The same two functions once more, for :math:`l = 1`, and every parameter has its
# gradient.
#
# .. predict:: first-layer

dR_do[2] = errors_below(2, dR_do, slope, w)
dR_dw[1], dR_db[1] = layer_gradients(1, dR_do, slope, o)
print(table_of_factors(1).to_string(float_format="{:+.4f}".format))

# %%
fig = draw_back_to(1)
fig.alt_text = (
    "The whole network with all sixteen gradients of weights; those of the first "
    "layer are much smaller than those of the last."
)
plt.show()

# %%
largest = {l: max(abs(v) for row in dR_dw[l] for v in row) for l in (1, 2, 3)}
print(", ".join(f"l = {l}: largest {value:.4f}" for l, value in largest.items()))
assert largest[1] < largest[2] < largest[3]

# %%
# The gradients shrink on the way back, for every layer multiplies by a slope of 1/4 at
# most. With many logistic layers nothing is left: the **vanishing gradient**. ReLU,
# whose slope is 1 where it is active, was the cure.
#
# First check: autograd
# ---------------------
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
# The package's backward functions can be called by hand too. ``grad_output`` is the
# derivative for what a layer made; what comes back are those for what it received.

o3, o4 = (torch.tensor([o[l]], dtype=torch.float64) for l in (3, 4))
(dR_ds,) = F.sigmoid_backward(o4 - target, None, output=o4)
below, grad_weight, _ = F.linear_backward(dR_ds, o3, layers[4].weight, layers[4].bias)
torch.testing.assert_close(below[0], torch.tensor(dR_do[3], dtype=torch.float64))
torch.testing.assert_close(grad_weight, torch.tensor(dR_dw[3], dtype=torch.float64))
print("dR/do of layer 3 by linear_backward:", [round(v, 4) for v in below[0].tolist()])

# %%
# Second check: no derivatives at all
# -----------------------------------
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


errors = {}
for exponent in range(-26, 1):
    step = 10 ** (exponent / 2)
    estimate = gradients.central_difference(risk_at, theta, step=step)
    errors[step] = (estimate - ours).abs().max().item()
best = min(errors, key=errors.get)
print(f"Best step about {best:.0e}: largest difference {errors[best]:.0e}.")
assert errors[best] < 1e-9

# %%
# The choice of the step :math:`h` matters. A long step cuts across the curve, and the
# error grows as :math:`h^2`. A short one compares two numbers that are almost equal,
# and their rounding, divided by :math:`h`, takes over. Between the two lies a valley.

fig, ax = plt.subplots(figsize=(6.4, 3.8))
ax.set(xscale="log", yscale="log", ylim=(1e-13, 1e-1), ylabel="largest error")
plots.curves(ax, pd.DataFrame({"": errors}).rename_axis("step h"))
ax.text(2e-11, 1e-4, "rounding ∝ 1/h", ha="left")
ax.text(1e-3, 1e-4, "curvature ∝ h²", ha="right")
fig.alt_text = (
    "Error of the central difference against the step on logarithmic scales: a V with"
    " its lowest point near 1e-5."
)
plt.show()

# %%
# What it costs
# -------------
# Differences would do to learn, if they were not so dear. With :math:`P` parameters
# they take :math:`2P` predictions, for one gradient. Back-propagation goes through the
# network once forward and once back. PyTorch can count the multiplications of both.

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
print(table.map("{:,}".format).to_string())
ratio = table.div(table.pop("one prediction"), axis=0)
ratio.index = ratio.index.astype(float)
assert ratio["back-propagation"].max() < 3.01

# %%
# In units of one prediction: the price of back-propagation stays, that of differences
# grows with every parameter.

fig, ax = plt.subplots(figsize=(7.2, 3.6))
ax.set(xscale="log", yscale="log", ylabel="cost of a gradient, in predictions")
plots.curves(ax, ratio)
fig.alt_text = (
    "Cost of one gradient in predictions: back-propagation stays below three, central "
    "differences rise to two million."
)
plt.show()

# %%
for name, cost in ratio.iloc[-1].items():
    print(f"{table.index[-1]:,} parameters, {name}: {cost:,.1f} predictions.")

# %%
# Many observations
# -----------------
# The risk of :math:`n` observations is the mean of theirs, and so is its gradient. Here
# :math:`1/n` enters, once (the slides write it twice: inside :math:`R^i`, and in front
# of the sum).
#
# .. math:: R = \frac{1}{n} \sum_{i=1}^{n} R^i, \qquad
#    \frac{\partial R}{\partial w_{pk}^l}
#    = \frac{1}{n} \sum_{i=1}^{n} \frac{\partial R^i}{\partial w_{pk}^l} .


def gradient_of_mean(points, answers, w, b):
    """Return the risk, and the gradient of every weight and every bias."""
    n, risk = len(points), 0.0
    grad_w = {l: [[0.0] * len(row) for row in w[l]] for l in w}
    grad_b = {l: [0.0] * len(b[l]) for l in b}
    for x, y in zip(points, answers, strict=True):
        _, o = forward(x, w, b)
        slope = {l: [value * (1 - value) for value in o[l]] for l in range(2, L + 1)}
        dR_do = {L: [o[L][k] - y[k] for k in range(len(y))]}
        for l in reversed(range(1, L)):
            dR_do[l] = errors_below(l, dR_do, slope, w)
            dR_dw, dR_db = layer_gradients(l, dR_do, slope, o)
            for k in range(len(dR_dw)):
                grad_b[l][k] += dR_db[k] / n
                for p in range(len(dR_dw[k])):
                    grad_w[l][k][p] += dR_dw[k][p] / n
        risk += risk_of_one(o, y) / n
    return risk, grad_w, grad_b


# %%
# Two questions about a point of the plane: is it in the band along the diagonal, and is
# it in the upper right half? The mean gradient over all points agrees with autograd.

generator = torch.Generator().manual_seed(1)
points = torch.rand(60, 2, generator=generator, dtype=torch.float64) * 4 - 2
in_band = (points[:, 0] - points[:, 1]).abs() < 1
upper_right = points.sum(dim=1) > 0
answers = torch.stack([in_band, upper_right], dim=1).double()
points_list, answers_list = points.tolist(), answers.tolist()

risk, grad_w, grad_b = gradient_of_mean(points_list, answers_list, w, b)
network.zero_grad()
(nn.MSELoss(reduction="sum")(network(points), answers) / 2 / len(points)).backward()
for l in range(1, L):
    dense = layers[2 * (l - 1)]
    torch.testing.assert_close(torch.tensor(grad_w[l]).double(), dense.weight.grad)
    torch.testing.assert_close(torch.tensor(grad_b[l]).double(), dense.bias.grad)
print(f"Mean over {len(points)} points: risk {risk:.4f}, all gradients agree.")

# %%
# Learning
# --------
# Nothing else is needed to learn. Take a step against the gradient, and again:
# :math:`\theta \leftarrow \theta - \lambda \, \partial R / \partial \theta` (lesson
# 2.2).

lr, history = 4.0, {}
for step in range(601):
    risk, grad_w, grad_b = gradient_of_mean(points_list, answers_list, w, b)
    history[step] = risk
    for l in range(1, L):
        for k in range(len(w[l])):
            b[l][k] -= lr * grad_b[l][k]
            for p in range(len(w[l][k])):
                w[l][k][p] -= lr * grad_w[l][k][p]

outputs = torch.tensor([forward(x, w, b)[1][L] for x in points_list])
right = ((outputs > 0.5) == (answers > 0.5)).double().mean()
print(f"Risk {history[0]:.3f} -> {history[600]:.4f}; {right:.0%} of the answers right.")
assert right > 0.95

# %%
# The maps show what the two outputs have learned: full points are those with the answer
# yes, the color is the probability, the line is where it is one half.


def output_map(k):
    """Return a function that computes output k at every point of a grid."""

    def at(grid):
        values = [forward(x, w, b)[1][L][k] for x in grid.reshape(-1, 2).tolist()]
        return torch.tensor(values).reshape(grid.shape[:-1])

    return at


fig, axes = plt.subplots(1, 3, figsize=(7.2, 2.9), width_ratios=[1.1, 1, 1])
plots.curves(axes[0], pd.DataFrame({"": history}).rename_axis("step"), markers=False)
axes[0].set(ylim=(0, None), xticks=[0, 300, 600], title="risk")
for k, title in enumerate(["in the band?", "upper right?"]):
    ax = axes[k + 1]
    plots.activity(ax, output_map(k), (-2, 2), (-2, 2), boundary=0.5, resolution=61)
    plots.yes_no_points(ax, points, answers[:, k]).set_title(title)
fig.alt_text = (
    "Left: the risk falls towards zero. Middle and right: the network has "
    "found the band along the diagonal and the upper right half."
)
plt.show()

# %%
# Under your hands
# ----------------
# The same network asks for each of its numbers. Type it, and learn, where the page can
# tell, which factor is off if it is wrong; or let it be shown.
# :doc:`Its own page </play/backprop>` has new exercises.
#
# .. play:: backprop
#    :embed:
#
# A network of thousands of weights goes backward in the same way. In :doc:`the digit
# that you draw </play/digit>` every gradient of ``SmallCNN`` opens into its sum by the
# chain rule.
#
# What to remember
# ----------------
# - The gradient of a weight is a product of three numbers:
#   :math:`\partial R/\partial o_k` of the unit that it leads to, the slope
#   :math:`\varphi'(s_k)` of that unit, and :math:`o_p` of the unit that it comes from.
# - The demand on a hidden unit is the sum of the demands of all units that it feeds,
#   carried back through the same weights.
# - One pass forward, one pass back: all gradients for about three predictions.
# - Central differences need no derivation. They check a gradient; they do not train.
# - The gradient over many observations is the mean of theirs.
#
# **Try this.** Set all weights to the same number and all biases to zero, and compute
# the gradients. Which of them are equal? What can the network never learn from that
# start?
#
# **Read on.** The four pages that made it known: :cite:`rumelhart1986`.
