r"""
2.2 Rolling down the risk
=========================

The risk of lesson 2.1 is a landscape over four parameters, too many to look at. **How
does one get down to low ground without seeing it?**

*After this lesson you can* compute a gradient by its formula, check it in two other
ways, say why the way down is against it, take a step of gradient descent by hand, and
tell a descent that is slow from one that has arrived.

*Time*: 40 minutes. *Before*: lesson 2.1.
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
# :math:`x_i^j`, the mark of pupil :math:`i` in subject :math:`j` (no power), when
# :math:`w_j` changes by 1. Together, with :math:`x_i^0 = 1`,
#
# .. math:: \frac{\partial R}{\partial w_j} = \frac{2}{n} \sum_{i=1}^{n} e_i \, x_i^j .
#
# All four derivatives in a row are the **gradient** :math:`\nabla R`. Here it is in
# code: the outer loop goes over the weights, the inner one over the pupils.


def gradient_by_formula(w, X, y):
    n, parameters = X.shape
    gradient = torch.zeros(parameters, dtype=torch.float64)
    for j in range(parameters):
        for i in range(n):
            error = X[i] @ w - y[i]
            gradient[j] += 2 / n * error * X[i, j]
    return gradient


gradient = gradient_by_formula(start, X, y)
products = " ".join(
    f"{error:+.2f}*{mark:.0f}"
    for error, mark in zip(X @ start - y, X[:, 3], strict=True)
)
print(f"For French, with its errors and marks: 2/4 * ({products})")
for name, derivative in zip(names, gradient, strict=True):
    print(f"dR/d{name:9} = {derivative:5.2f}")
torch.testing.assert_close(
    gradient, torch.tensor([0.8105, 2.929, 4.221, 15.0525], dtype=torch.float64)
)

# %%
# All four derivatives are positive: from here, making any weight a little smaller
# lowers the risk, that of French most of all. Is the formula right? Two ways of
# checking know nothing of it. **Autograd** differentiates the code of the risk,
# operation by operation. **Central differences** move each weight a little up, then a
# little down, and divide the difference of the two risks by the distance between the
# two places.

table = gradients.check(
    lambda w: ((X @ w - y) ** 2).mean(),
    start,
    backward=lambda grad_output, w: grad_output * gradient_by_formula(w, X, y),
)
for name in ("autograd", "backward"):
    print(f"Largest relative error, {name}: {table.to_frame()[name].max():.0e}")
torch.testing.assert_close(risk_gradient(start, features, y), gradient)

# %%
# Autograd and our formula (``backward``) agree with the central differences to ten
# digits.
#
# Which way is down
# -----------------
# A small move, by :math:`\Delta_j` in each weight, changes the risk by about the sum of
# what its parts change:
#
# .. math:: R(w + \Delta) \approx R(w) + \sum_j \frac{\partial R}{\partial w_j}\,
#     \Delta_j = R(w) + \nabla R \cdot \Delta .
#
# The sum is the scalar product of the gradient and the move, the product of their
# lengths and of the cosine of the angle between them. Of all moves of one length, which
# lowers the risk most? Try two thousand, all 0.0001 long: one half in directions drawn
# at random, of which few point nearly downhill, and the other half drawn towards
# downhill.

generator = torch.Generator().manual_seed(0)
moves = torch.randn(2000, 4, generator=generator, dtype=torch.float64)
moves[1000:] -= gradient * torch.rand(1000, 1, generator=generator) / 4
moves *= 0.0001 / moves.norm(dim=1, keepdim=True)
against = -0.0001 * gradient / gradient.norm()


def change(move):
    return empirical_risk(start + move, features, y) - empirical_risk(
        start, features, y
    )


cosines = (moves @ gradient) / (moves.norm(dim=1) * gradient.norm())
angles = torch.rad2deg(torch.acos(cosines))
changes = change(moves)
print(f"Largest fall among the two thousand: {changes.min():.7f}")
print(f"Straight against the gradient:       {change(against):.7f}")
print(f"By the scalar product:               {(gradient @ against):.7f}")
assert change(against) < changes.min()
assert abs(change(against) / (gradient @ against) - 1) < 0.003

# %%
fig, ax = plt.subplots(figsize=(6.0, 3.4))
ax.scatter(angles, changes, s=6, color=plots.style.BLUE, linewidths=0)
ax.plot(180, change(against), "o", color=plots.style.ORANGE, markersize=9)
ax.annotate(
    "against the gradient",
    (180, change(against).item()),
    (0, -16),
    textcoords="offset points",
    ha="right",
    color=plots.style.ORANGE,
)
ax.set_ylim(-0.00195, 0.0018)
ax.axhline(0, color=plots.style.MUTED, linewidth=1)
ax.set(xlabel="angle between move and gradient, in degrees", xticks=range(0, 181, 45))
ax.set_ylabel("change of the risk")
fig.alt_text = (
    "The change of the risk for two thousand small moves, against their angle to the "
    "gradient: a cosine, highest at 0 degrees, zero at 90 and lowest at 180, which is "
    "straight against the gradient."
)
plt.show()

# %%
# The points lie nearly on a cosine. Along the gradient the risk rises most, at a right
# angle to it the risk hardly changes, and straight against it the risk falls most. So
# the way down is :math:`-\nabla R`. All this holds for short moves: over a longer one
# the slope changes on the way, so that on this bowl the fall is smaller than the scalar
# product says, and the best direction is another one.
#
# Where the gradient is zero the ground is level, and a descent stands still. On the
# bowl of a linear model that is the lowest point (lesson 2.1); elsewhere it may also be
# the top of a hill, or a pass, lowest in one direction and highest in another.
#
# On a map it looks like this: on the left over :math:`w_1` and :math:`w_2`, on the
# right over :math:`w_2` and :math:`w_3`, each a **slice** of the landscape: the other
# two weights stay as they are at the start. Arrows show the way down.


def slice_at(point, first, second):
    """Return the risk of two weights, the others fixed at those of ``point``."""

    def risk(places):
        w = point.expand(*places.shape[:-1], 4).clone()
        w[..., [first, second]] = places
        return empirical_risk(w, features, y)

    return risk


ticks = torch.tensor([0.1, 0.22, 0.333, 0.44, 0.56], dtype=torch.float64)
places = torch.cartesian_prod(ticks, ticks)  # the start is one of them

fig, axes = plt.subplots(1, 2, figsize=(5.5, 3.2))
for ax, (first, second) in zip(axes, [(1, 2), (2, 3)], strict=True):
    plots.contours(
        ax,
        slice_at(start, first, second),
        (0, 0.66),
        (0, 0.66),
        levels=[2, 4, 8, 16],
    )
    w = start.repeat(len(places), 1)
    w[:, [first, second]] = places
    slopes = risk_gradient(w, features, y)[:, [first, second]]
    plots.downhill_arrows(ax, places, slopes, scale=0.0009)
    plots.path(ax, start[None, [first, second]], notes={0: "start"})
    ax.set(xlabel=names[first], ylabel=names[second], aspect="equal")
fig.alt_text = (
    "Contours in two slices and arrows at right angles to them, long on the slopes, "
    "short in the valley."
)
plt.show()

# %%
# All points of a contour have the same risk: a move along it changes nothing, so the
# way down stands at a right angle to it. Where contours of evenly spaced risks lie
# close together the slope is steep, the gradient long, and so is the arrow. (Here the
# risks double from line to line, so the gaps do not shrink as the arrows grow.)
#
# Step after step
# ---------------
# So take a step against the gradient, look again, take the next. With the **step
# size** :math:`\lambda`,
#
# .. math:: w^{(t+1)} = w^{(t)} - \lambda \, \nabla R\bigl(w^{(t)}\bigr).
#
# That is **gradient descent**. Take :math:`\lambda = 0.001`. The first step by hand:

step = 0.001
for name, weight, derivative in zip(names, start, gradient, strict=True):
    print(
        f"{name:9}: {weight:.3f} - {step} x {derivative:5.2f} = "
        f"{weight - step * derivative:6.3f}"
    )

# %%
# Now 999 of them. Iteration 1 is the start, iteration 2 the place after one step.
#
# .. predict:: second-gradient

w, path = start.clone(), [start.clone()]
while len(path) < 1000:
    w = w - step * 2 / len(y) * X.T @ (X @ w - y)  # both loops as two products
    path.append(w)
path = torch.stack(path)
slopes = 2 / len(y) * (path @ X.T - y) @ X

shown = [0, 1, 2, 999]
rows = pd.DataFrame(
    {
        "risk": empirical_risk(path[shown], features, y).numpy(),
        **dict(zip(names, path[shown].T.numpy(), strict=True)),
    },
    index=pd.Index([1, 2, 3, 1000], name="iteration"),
)
print(rows.round(3).to_string())
derivatives = pd.DataFrame(
    slopes[shown].numpy(), columns=[f"dR/d{name}" for name in names], index=rows.index
)
print(derivatives.round(2).to_string())
at_the_start = path[-1].clone()
at_the_start[[1, 2]] = path[0, [1, 2]]
assert 19 < empirical_risk(at_the_start, features, y) < 22  # on the slice of the end
for risk, expected in zip(rows["risk"], [2.242, 2.060, 1.982, 0.013], strict=True):
    assert abs(risk - expected) < 0.0006

# %%
# After one step, the derivatives of Maths and CS are negative. The first step lowered
# all weights together and went a little too far for two of them, Maths and CS: these
# now grow again. For the
# next hundred iterations French goes on falling, while Maths and CS rise.
#
# The package takes the same steps and keeps the whole **trajectory**: parameters,
# risks, gradients.

descent = gradient_descent(start, features, y, step=step, iterations=1000)
print(descent)
torch.testing.assert_close(descent.parameters, path)
torch.testing.assert_close(descent.gradients, slopes)
falls = -descent.risks.diff()
for t in (1, 10, 100):
    print(f"The step from iteration {t:3} lowers the risk by {falls[t - 1]:.3f}")
assert falls.argmax() == 0
assert (path[1:100].diff(dim=0)[:, 1:3] > 0).all()
assert (path[:100].diff(dim=0)[:, 3] < 0).all()

# %%
# The first step lowers the risk most. On the logarithmic axes below, the first ten
# iterations take as much room as the last nine hundred; that is why the curve starts
# flat.

fig, ax = plt.subplots(figsize=(6.0, 3.6))
risks = pd.DataFrame(
    {"risk": descent.risks.numpy()}, index=pd.RangeIndex(1, 1001, name="iteration")
)
plots.curves(ax, risks, markers=False)
ax.set(ylabel="risk", xscale="log", yscale="log", xlim=(0.9, 3000))
ax.xaxis.set_major_formatter("{x:g}")
ax.set_ylim(0.009, 3)
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
# *end*: there the contours are correct, and where the path began they are not: at 1 the
# left map shows a risk of about 20, and the true one is 2.2, because there the other
# two weights were different. So the path need not cross them at right angles. Nor do
# the two axes have the same scale. Numbers count iterations.
#
# .. predict:: half-way

fig, axes = plt.subplots(1, 2, figsize=(5.5, 3.8))
for ax, (first, second) in zip(axes, [(1, 2), (2, 3)], strict=True):
    x_range, y_range = (
        ((0.25, 0.6), (0.25, 0.75)) if first == 1 else ((0.2, 1.0), (-0.25, 0.45))
    )
    plots.contours(
        ax,
        slice_at(path[-1], first, second),
        x_range,
        y_range,
        levels=[0.2, 1, 4, 10, 20],
    )
    plots.path(
        ax,
        path[:, [first, second]],
        dots=False,
        notes={0: "1", 29: "30", 99: "100", 999: "1000"},
    )
    ax.set(xlabel=names[first], ylabel=names[second])
fig.alt_text = (
    "The path in two slices. On the left it first crosses the contours into the "
    "valley, then turns and creeps along it; on the right it follows the valley."
)
plt.show()

# %%
# How much of the path do the first hundred iterations cover? And how much nearer do
# they come to the lowest point?

walked = path.diff(dim=0).norm(dim=1)
covered = walked[:99].sum() / walked.sum()
print(f"The first hundred iterations cover {covered:.0%} of the path.")
missing = least_squares(features, y) - path
for t in (1, 100, 1000):
    way, without_w0 = missing[t - 1].norm(), missing[t - 1, 1:].norm()
    print(f"From iteration {t:4} to the lowest point: {way:.2f},", end=" ")
    print(f"and without w0 {without_w0:.2f}")
cosine = -gradient @ missing[0] / (gradient.norm() * missing[0].norm())
apart = torch.rad2deg(torch.acos(cosine))
print(f"At the start, downhill and the lowest point are {apart:.0f} degrees apart.")
assert 0.5 < covered < 0.8
assert missing[999].norm() > 0.9 * missing[0].norm()
assert missing[999, 1:].norm() < 0.26 * missing[0, 1:].norm()
assert apart > 75

# %%
# Most of the path is walked early. In the three weights it has gone three quarters of
# the way; what is missing is nearly all in the constant :math:`w_0`, which the maps do
# not show. Downhill is not the direction of the lowest point: the gradient knows the
# slope here and nothing else. What keeps the descent from arriving is the last question
# of this lesson.
#
# To see the true landscape under the point at every moment, the slice must move with
# it. In the film the contours follow the two weights that the map does not show: as
# French loses weight, the valley moves, and the point goes after it. The bars are the
# four derivatives, orange where the risk rises with the weight, blue where it falls.
# Their scale is logarithmic beyond 0.1, so that small ones can be seen beside large.

fig, (left, right) = plt.subplots(1, 2, figsize=(6.0, 3.6))
left.set(xlabel=names[1], ylabel=names[2])
movie = plots.descent_movie(
    left,
    right,
    lambda w: empirical_risk(w, features, y),
    path,
    slopes,
    names=names,
    shown=(1, 2),
    x=(0.2, 0.65),
    y=(0.2, 0.8),
    levels=[0.05, 0.2, 1, 3, 10, 30],
)
fig.alt_text = (
    "Film of the descent: a point follows a valley that shifts as the other weights "
    "change. Beside it, bars of the four derivatives: all positive at first, then "
    "those of Maths and CS turn negative, and all become small."
)
plt.show()

# %%
# What the new pupil may expect
# -----------------------------
# Parameters are a means; the mark is what the new pupil, with 13, 14 and 11, asked for.
# Each iteration has its own answer.

new_pupil = [[13, 14, 11]]
forecasts = predict(descent.parameters, new_pupil)[:, 0]
lowest = predict(least_squares(features, y), new_pupil).item()

# %%
fig, ax = plt.subplots(figsize=(6.0, 3.6))
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
    ylabel="mark of the new pupil", xscale="log", xlim=(0.9, 6000), ylim=(12.2, 13.8)
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
# Are we there? The forecast for this pupil is, the parameters are not.

best = least_squares(features, y)
for name, reached, ideal in zip(names, path[-1], best, strict=True):
    print(
        f"{name:9} {reached:7.3f} after 1,000 iterations, "
        f"{ideal.round(decimals=3) + 0.0:7.3f} at the lowest point"
    )
assert abs(path[-1][0] - best[0]) > 1.6

# %%
# The constant has hardly moved. Is the risk flat along :math:`w_0`? No: changing the
# constant *alone*, by what it still lacks, would spoil everything. But the marks can
# imitate a constant: move all four parameters together by what they still lack, and the
# predictions for the four pupils hardly change.

alone = path[-1].clone()
alone[0] = best[0]
for what, w in [
    ("Now", path[-1]),
    ("w0 alone moved to its best value", alone),
    ("all weights moved to their best", best),
]:
    print(f"{what:33} risk {empirical_risk(w, features, y).abs():.4f}")
assert empirical_risk(alone, features, y) > 2

lacking = (best - path[-1]) / (best - path[-1])[0]
print("For each 1 of w0, the weights:", (lacking[1:] + 0.0).numpy().round(3))
print("and the four predictions move by", (X @ lacking).numpy().round(2))
assert (X @ lacking).abs().max() < 0.12

other_pupil = [[18, 8, 8]]
for name, w in [("now", path[-1]), ("at the lowest point", best)]:
    print(f"A pupil with 18, 8 and 8, {name}: {predict(w, other_pupil).item():.2f}")

factor = torch.eye(4) - step * 2 / len(y) * X.T @ X  # of what is missing, at each step
later = best + torch.linalg.matrix_power(factor, 70_000) @ (path[-1] - best)
print(f"w0 after 70,000 more iterations: {later[0]:.2f}")
assert abs(later[0] - best[0] / 2) < 0.1

# %%
# Add 1 to :math:`w_0`, take about 0.07 from CS and 0.04 from French, whose marks are
# around 12, give Maths a little, and hardly any prediction moves. Along this
# *combination* of all four the risk is nearly flat and the gradient next to nothing:
# seventy thousand more iterations would go half of the way. A pupil unlike the four
# would notice what is missing, for the valley is flat only for marks like theirs.
# Lesson 2.3 measures how flat, and does something about it.
#
# Under your hands
# ----------------
# Start where you like, with a click or tap on the map or the arrow keys, and go down
# step by step. The slice of the landscape moves along with the point. Leave momentum
# (lesson 2.3) and batch size (lesson 3.4) as they are. A step below 2/L,
# the number above its slider, settles, above it the risk grows; lesson 2.3 says why.
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
# - The risk falls fastest straight against the gradient, at a right angle to the
#   contour. Gradient descent repeats one line: **parameters minus step size times
#   gradient**.
# - Slow is not the same as arrived. A small gradient may mean that the lowest point is
#   near, or that the valley is long and flat.
#
# **Try this.** Start from ``[0, 0, 0, 0]`` and from ``[20, -1, 1, 0]``. Do the risks
# after 1,000 iterations agree? Do the forecasts? Then set the step size to 0.003, and
# look at ``descent.risks``: lesson 2.3 says why.
