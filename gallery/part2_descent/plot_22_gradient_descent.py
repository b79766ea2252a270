r"""
2.2 Rolling down the risk
=========================

The risk of lesson 2.1 is a landscape over four parameters, too many to look at. **How
does one get down to low ground without seeing it?**

*After this lesson you can* compute a gradient by its formula, check it in two other
ways, take the steps of a gradient descent by hand, and read the path that it leaves.

*Time*: 35 minutes. *Before*: lesson 2.1.
"""

# %%
# Where we start
# --------------
# The four pupils again, and guess A: every subject counts for a third. The column of
# ones before the marks lets the constant :math:`w_0` take part like any other weight:
# its "mark" is 1 for everyone.

import matplotlib.pyplot as plt
import pandas as pd
import torch

from glassbox import datasets, gradients, plots
from glassbox.descent import (
    empirical_risk,
    gradient_descent,
    least_squares,
    predict,
    risk_gradient,
    with_ones,
)

plots.style.use()
marks = datasets.load_exam()
features = torch.tensor(marks[["Maths", "CS", "French"]].to_numpy())
y = torch.tensor(marks["Exam"].to_numpy())
X = with_ones(features)
names = ["w0", "w1 Maths", "w2 CS", "w3 French"]

start = torch.tensor([0, 0.333, 0.333, 0.333], dtype=torch.float64)
print(X)
print(f"Risk at the start: {empirical_risk(start, features, y).item():.4f}")

# %%
# The gradient
# ------------
# Move one weight :math:`w_j` a little and leave the others: how fast does the risk
# change? That is the derivative of the risk with respect to :math:`w_j`. The risk is a
# mean of squares, and the derivative of a square :math:`e^2` is :math:`2e` times the
# derivative of :math:`e`. The error :math:`e_i = \hat y_i - y_i` changes by
# :math:`x_i^j` when :math:`w_j` changes by 1. Together, with :math:`x_i^0 = 1`,
#
# .. math:: \frac{\partial R}{\partial w_j} = \frac{2}{n} \sum_{i=1}^{n} e_i \, x_i^j .
#
# All four derivatives in a row are the **gradient** :math:`\nabla R`. Here are its two
# loops.


def gradient_by_formula(w, X, y):
    n, parameters = X.shape
    gradient = torch.zeros(parameters, dtype=torch.float64)
    for j in range(parameters):
        for i in range(n):
            error = X[i] @ w - y[i]
            gradient[j] += 2 / n * error * X[i, j]
    return gradient


gradient = gradient_by_formula(start, X, y)
slides = torch.tensor([0.81, 2.93, 7.23, 12.03], dtype=torch.float64)
for name, ours, printed in zip(names, gradient, slides, strict=True):
    print(f"dR/d{name:9} = {ours:6.2f}   the slides print {printed:5.2f}")
torch.testing.assert_close(
    gradient, torch.tensor([0.8105, 2.929, 4.221, 15.0525], dtype=torch.float64)
)
torch.testing.assert_close(gradient[:2], slides[:2], rtol=0, atol=0.005)

# %%
# (The right column is what the course's slides print: skip it if you like.) All four
# derivatives are positive: from here, making any weight smaller lowers the risk, that
# of French most of all. But the last two differ from the slides. Who is right? Two ways
# of checking know nothing of our formula. **Autograd** differentiates the code of the
# risk, operation by operation. **Central differences** move each weight a little up and
# down, and divide the change of the risk by the move.

table = gradients.check(
    lambda w: ((X @ w - y) ** 2).mean(),
    start,
    backward=lambda grad_output, w: grad_output * gradient_by_formula(w, X, y),
)
print(table)
torch.testing.assert_close(risk_gradient(start, features, y), gradient)

# %%
# The largest relative errors of autograd (``autograd``) and of our formula
# (``backward``), both against central differences, are tiny. For *these four rows* our
# numbers are right. The slides' gradient must come from other rows. A first pupil with
# 12 in every subject fits: the marks have the same sum, so the prediction, the risk and
# the first derivative stay the same.

other = X.clone()
other[0, 1:] = 12
print(
    "With 12, 12, 12 in the first row:",
    [round(value, 2) for value in gradient_by_formula(start, other, y).tolist()],
)
torch.testing.assert_close(
    gradient_by_formula(start, other, y), slides, rtol=0, atol=0.01
)

# %%
# Which way is down
# -----------------
# The gradient points the way in which the risk rises fastest; its opposite points down.
# On the left the map over :math:`w_1` and :math:`w_2`, on the right over :math:`w_2`
# and :math:`w_3`, each a **slice** of the landscape: the other two weights stay as they
# are at the start. Arrows show the way down, and each stands at a right angle to the
# contour that it leaves. The steeper the slope, the longer the arrow.


def slice_at(point, first, second):
    """Return the risk of two weights, the others fixed at those of ``point``."""

    def risk(places):
        w = point.expand(*places.shape[:-1], 4).clone()
        w[..., [first, second]] = places
        return empirical_risk(w, features, y)

    return risk


ticks = torch.tensor([0.1, 0.22, 0.44, 0.56], dtype=torch.float64)
places = torch.cartesian_prod(ticks, ticks)

fig, axes = plt.subplots(1, 2, figsize=(7.2, 3.9))
for ax, (first, second) in zip(axes, [(1, 2), (2, 3)], strict=True):
    plots.contours(
        ax,
        slice_at(start, first, second),
        (0, 0.66),
        (0, 0.66),
        levels=[2, 5, 10, 20, 40],
    )
    w = start.repeat(len(places), 1)
    w[:, [first, second]] = places
    slopes = risk_gradient(w, features, y)[:, [first, second]]
    plots.downhill_arrows(ax, places, slopes, scale=0.0007)
    plots.path(ax, start[None, [first, second]], notes={0: "start"})
    ax.set(xlabel=names[first], ylabel=names[second], aspect="equal")
fig.alt_text = (
    "Contours in two slices and arrows at right angles to them, long on the slopes, "
    "short in the valley."
)
plt.show()

# %%
# Step after step
# ---------------
# So take a step against the gradient, look again, take the next. With the step
# :math:`\lambda`,
#
# .. math:: w^{(t+1)} = w^{(t)} - \lambda \, \nabla R\bigl(w^{(t)}\bigr).
#
# That is **gradient descent**. Iteration 1 is the start, and :math:`\lambda = 0.001`.

step = 0.001
w, path = start.clone(), [start.clone()]
while len(path) < 1000:
    w = w - step * 2 / len(y) * X.T @ (
        X @ w - y
    )  # the two loops of the formula as two products
    path.append(w)
path = torch.stack(path)

shown = [1, 2, 3, 1000]
rows = pd.DataFrame(
    path[[t - 1 for t in shown]].numpy(),
    columns=names,
    index=pd.Index(shown, name="iteration"),
)
rows["risk"] = [empirical_risk(path[t - 1], features, y).item() for t in shown]
from_other_rows = gradient_descent(start, other[:, 1:], y, step=step, iterations=1000)
rows["with 12, 12, 12"] = from_other_rows.risks[[t - 1 for t in shown]].numpy()
rows["slides"] = [2.24, 2.09, 2.04, 0.08]
print(rows.round(3).to_string())
for risk, expected in zip(rows["risk"], [2.242, 2.060, 1.982, 0.013], strict=True):
    assert abs(risk - expected) < 0.0006

# %%
# The risk falls at every step, most at the first. The last two columns are the same
# descent with 12, 12, 12 in the first row, and what the slides print. From the second
# iteration on, neither table gives the slides' risks: their descent ran on rows that
# they do not show. Ours runs on the four rows above, so that you can compute it again.
#
# The package takes the same steps and keeps the whole **trajectory**: parameters,
# risks, gradients.

descent = gradient_descent(start, features, y, step=step, iterations=1000)
print(descent)
torch.testing.assert_close(descent.parameters, path)
lengths = descent.gradients.norm(dim=1)
print(f"Length of the gradient: {lengths[0]:.2f} at first, {lengths[-1]:.3f} at last.")

# %%
# Logarithmic axes show the first steps and the last alike. After a long slope the risk
# reaches a plain, where almost nothing happens any more.

fig, ax = plt.subplots(figsize=(7.2, 3.6))
risks = pd.DataFrame(
    {"risk": descent.risks.numpy()}, index=pd.RangeIndex(1, 1001, name="iteration")
)
plots.curves(ax, risks, markers=False)
ax.set(ylabel="risk", xscale="log", yscale="log", xlim=(0.9, 1800))
ax.xaxis.set_major_formatter("{x:g}")
ax.yaxis.set_major_formatter("{x:g}")
fig.alt_text = (
    "The risk against iterations, both axes logarithmic: from 2.2 down to 0.013, flat "
    "at the end."
)
plt.show()

# %%
# The path on the map
# -------------------
# The path runs in four dimensions; a map shows two. Here are two slices through its
# *end*: the contours are right there, and only roughly where the path began. Numbers
# count iterations.
#
# .. predict:: half-way

fig, axes = plt.subplots(1, 2, figsize=(7.2, 4.0))
for ax, (first, second) in zip(axes, [(1, 2), (2, 3)], strict=True):
    x_range, y_range = (
        ((0.25, 0.6), (0.25, 0.75)) if first == 1 else ((0.25, 0.8), (-0.25, 0.45))
    )
    plots.contours(
        ax,
        slice_at(path[-1], first, second),
        x_range,
        y_range,
        levels=[0.1, 0.5, 2, 5, 10, 20, 40],
    )
    plots.path(
        ax,
        path[:, [first, second]],
        dots=False,
        notes={0: "1", 29: "30", 99: "100", 999: "1000"},
    )
    ax.set(xlabel=names[first], ylabel=names[second])
fig.alt_text = (
    "The path in two slices: it first follows the valley, then turns and creeps to "
    "the lowest point."
)
plt.show()

# %%
# On the left, a good half of the way takes the first hundred iterations, the rest the
# remaining nine hundred.
#
# To see the true landscape under the point at every moment, the slice must move with
# it. In the film the contours follow the two weights that the map does not show: as
# French loses weight, the valley moves, and the point goes after it.

fig, (left, right) = plt.subplots(1, 2, figsize=(7.2, 3.8))
left.set(xlabel=names[1], ylabel=names[2])
movie = plots.descent_movie(
    left,
    right,
    lambda w: empirical_risk(w, features, y),
    path,
    shown=(1, 2),
    x=(0.2, 0.65),
    y=(0.2, 0.8),
    levels=[0.05, 0.2, 1, 3, 10, 30],
)
fig.alt_text = (
    "Film of the descent: a point follows a valley that shifts as the other weights "
    "change; the risk falls."
)
plt.show()

# %%
# What the new pupil may expect
# -----------------------------
# Parameters are a means; the mark is what the new pupil, with 13, 14 and 11, asked for.
# Each iteration has its own answer. It settles long before the parameters do.

new_pupil = [[13, 14, 11]]
forecasts = predict(descent.parameters, new_pupil)[:, 0]
lowest = predict(least_squares(features, y), new_pupil).item()

# %%
fig, ax = plt.subplots(figsize=(7.2, 3.6))
ax.hlines(lowest, 1, 1000, color=plots.style.MUTED, linestyle="--", linewidth=1)
ax.annotate(
    "at the lowest risk",
    (1, lowest),
    (0, 5),
    textcoords="offset points",
    color=plots.style.MUTED,
)
plots.curves(
    ax, pd.DataFrame({"forecast": forecasts.numpy()}, index=risks.index), markers=False
)
ax.set(
    ylabel="mark of the new pupil", xscale="log", xlim=(0.9, 2500), ylim=(12.2, 13.8)
)
ax.xaxis.set_major_formatter("{x:g}")
fig.alt_text = (
    "The new pupil's mark against iterations: 12.7, down to 12.4, then up to 13.6, "
    "where least squares ends."
)
plt.show()

# %%
for t in (1, 10, 100, 1000):
    print(f"Iteration {t:4}: {forecasts[t - 1]:.2f}")
print(f"Least squares: {lowest:.2f}")
assert abs(forecasts[-1] - lowest) < 0.02

# %%
# Are we there? The forecast is, the parameters are not.

best = least_squares(features, y)
for name, reached, ideal in zip(names, path[-1], best, strict=True):
    print(
        f"{name:9} {reached:7.3f} after 1,000 iterations, "
        f"{ideal.round(decimals=3) + 0.0:7.3f} at the lowest point"
    )
assert abs(path[-1][0] - best[0]) > 1.6

# %%
# The constant has hardly moved. Along that direction the risk is so flat that the
# gradient is next to nothing. Lesson 2.3 measures how flat, and does something about
# it.
#
# Under your hands
# ----------------
# Start where you like, with a click or tap on the map or the arrow keys, and go down
# step by step. The slice of the landscape moves along with the point. Leave momentum
# (lesson 2.3) and batch size (lesson 3.4) as they are. The number 2/L is the longest
# step that still settles; lesson 2.3 says why.
# :doc:`Its own page </play/descent>` has more room.
#
# .. play:: descent
#    :embed:
#
# What to remember
# ----------------
# - The gradient holds one derivative per parameter: how fast the risk rises when this
#   parameter does.
# - A gradient can be checked: by autograd, and by central differences, which need no
#   derivative at all.
# - Gradient descent repeats one line: **parameters minus step times gradient**.
# - Slow is not the same as arrived. A small gradient may be a lowest point, or a long
#   flat valley.
#
# **Try this.** Start from ``[0, 0, 0, 0]`` and from ``[20, -1, 1, 0]``. Do the risks
# after 1,000 iterations agree? Do the forecasts? Then set the step to 0.003, and look
# at ``descent.risks``: lesson 2.3 says why.
