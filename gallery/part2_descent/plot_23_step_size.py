r"""
2.3 Step size, scaling, momentum
================================

After a thousand iterations the descent of lesson 2.2 had not arrived at its lowest
point, and yet its forecast had long settled. **What holds the descent back, and what
helps?**

*After this lesson you can* compute the longest step that a descent bears, split a risk
into directions that do not disturb each other, say what the condition number measures,
and choose between scaling the data, momentum and Adam.

*Time*: 45 minutes. *Before*: lesson 2.2.
"""

# %%
# One parameter, one parabola
# ---------------------------
# Begin with the simplest valley there is: one parameter :math:`w`, and the risk
# :math:`R(w) = \tfrac12 \ell\, w^2`, lowest at 0. Its derivative is :math:`\ell w`. The
# number :math:`\ell` is its **curvature**: how fast the slope grows with the distance.
# A step of gradient descent goes from :math:`w` to
#
# .. math:: w - \lambda \, \ell w = (1 - \lambda \ell)\, w ,
#
# so that every step multiplies the distance to the lowest point by the same factor. Six
# steps from 1, four times, with the curvature 2:

import matplotlib.pyplot as plt
import pandas as pd
import torch

from glassbox import datasets, plots
from glassbox.descent import (
    condition_number,
    gradient_descent,
    hessian,
    least_squares,
    predict,
    standardize,
    step_limit,
)

plots.style.use()
curvature = 2.0
walks = {}
for name, step in [("short", 0.1), ("right", 0.5), ("long", 0.9), ("too long", 1.05)]:
    walk = [1.0]
    for _ in range(6):
        walk.append(walk[-1] - step * curvature * walk[-1])
    walks[name] = walk
    places = " ".join(f"{w:5.2f}" for w in walk)
    print(f"{name:8} step {step}: factor {1 - step * curvature:4.1f}, places {places}")
assert walks["right"][1] == 0
assert abs(walks["too long"][-1]) > 1.7

# %%
w = torch.linspace(-2, 2, 200)
fig, axes = plt.subplots(1, 4, figsize=(7.2, 2.6), sharey=True)
for ax, (name, walk) in zip(axes, walks.items(), strict=True):
    walk = torch.tensor(walk)
    ax.plot(w, curvature * w**2 / 2, color=plots.style.MUTED, linewidth=1)
    ax.plot(walk, curvature * walk**2 / 2, "o-", color=plots.style.ORANGE, markersize=4)
    ax.set(title=name, xlabel="w", xticks=[-1, 0, 1])
axes[0].set(ylabel="risk", ylim=(-0.2, 3.6))
fig.alt_text = (
    "Four parabolas with six steps from the same place: short steps creep down one "
    "side, the right step lands at the bottom at once, long ones cross from side to "
    "side and come down, and those that are too long cross and climb."
)
plt.show()

# %%
# A short step creeps. The step :math:`1/\ell` arrives at once. A longer one lands on
# the other side, and as long as it lands nearer than it started, the descent settles:
# the factor must lie between -1 and 1, which means :math:`\lambda < 2/\ell`. Beyond
# that each step lands further up.
#
# Four parameters, four parabolas
# -------------------------------
# The risk of the exam has four parameters. Its second derivatives fill a matrix, the
# **Hessian**. The entry in row :math:`j` and column :math:`k` says how fast the slope
# along :math:`w_j` changes when :math:`w_k` moves. For a linear model it is the same
# everywhere: :math:`H = \tfrac{2}{n} X^\top X`, with the column of ones in :math:`X`.
#
# The weights do disturb each other. But there are four *directions* that do not: along
# each of them the gradient points straight away from the lowest point, so that a step
# goes straight back, and its length is a number :math:`\ell` times the distance, as in
# the parabola. Such directions are called **eigenvectors** of the matrix, the numbers
# its **eigenvalues**, and ``torch.linalg.eigh`` finds both.

marks = datasets.load_exam()
X = torch.tensor(marks[["Maths", "CS", "French"]].to_numpy())
y = torch.tensor(marks["Exam"].to_numpy())


def curved_directions(data, start):
    """Return the curvatures, the directions and the lowest point, steepest first."""
    curvatures, directions = torch.linalg.eigh(hessian(data))
    best = least_squares(data, y)
    signs = torch.sign((start - best) @ directions)  # each points towards the start
    return curvatures.flip(0), (directions * signs).flip(1), best


start = torch.zeros(4, dtype=torch.float64)
curvatures, directions, best = curved_directions(X, start)
for curvature, direction in zip(curvatures, directions.T, strict=True):
    weights = ", ".join(f"{part:5.2f}" for part in direction.tolist())
    print(f"curvature {curvature:8.4f} along ({weights})")

# %%
# The steepest direction changes the three weights together: it makes all predictions
# larger or smaller. The flattest changes the constant :math:`w_0` and lets the weights
# make up for it, so that hardly any prediction moves.
#
# Measured along these directions from the lowest point, the distances
# :math:`d_1, \dots, d_4` are four parameters that know nothing of each other, and the
# risk is its lowest value, here zero, plus four parabolas:
#
# .. math:: R = \sum_{i=1}^{4} \tfrac12\, \ell_i\, d_i^2 .

distances = (start - best) @ directions
parts = curvatures * distances**2 / 2
print("With all weights at zero:", " + ".join(f"{part:.4f}" for part in parts), end="")
print(f" = {parts.sum():.1f}")
descent = gradient_descent(start, X, y, step=0.001, iterations=2)
assert abs(parts.sum() - descent.risks[0]) < 1e-9

# %%
# A step multiplies each distance by a factor of its own, :math:`1 - \lambda \ell_i`. So
# the largest curvature :math:`L` sets the limit for all: :math:`\lambda < 2 / L`.

limit = step_limit(X)
print(f"2 / L = 2 / {curvatures[0]:.2f} = {2 / curvatures[0]:.6f}")
print("One step of 0.001, the distance after it over the distance before:")
factors = ((descent.parameters[1] - best) @ directions / distances).tolist()
for factor, curvature in zip(factors, curvatures, strict=True):
    print(f"  in the run {factor:.6f}, by the formula {1 - 0.001 * curvature:.6f}")
    assert abs(factor - (1 - 0.001 * curvature)) < 1e-7
assert abs(limit - 2 / curvatures[0]) < 1e-12

# %%
# One of the four steps below is one hundredth longer than the limit.
#
# .. predict:: one-percent

steps = {
    "too small": 1e-5,
    "good": 0.8 * limit,
    "at the limit": limit,
    "beyond it": 1.01 * limit,
}
risks = {
    name: gradient_descent(start, X, y, step=step, iterations=200).risks.numpy()
    for name, step in steps.items()
}
table = pd.DataFrame(risks, index=pd.RangeIndex(1, 201, name="iteration"))
print(table.loc[[1, 10, 100, 200]].map("{:.4g}".format).to_string())
assert table["good"].iloc[-1] < 0.1 < 100 < table["at the limit"].iloc[-1]
assert (table["beyond it"].diff().dropna() > 0).mean() > 0.9

# %%
fig, ax = plt.subplots(figsize=(7.2, 3.4))
ax.set_yscale("log")
plots.curves(ax, table, markers=False)
ax.set(ylabel="risk", xlim=(0, 245))
ax.yaxis.set_major_formatter("{x:g}")
fig.alt_text = (
    "Risk against iterations for four steps: one creeps, one drops, one stays level, "
    "one rises without end."
)
plt.show()

# %%
# At the limit the steepest part of the risk stays for ever, on the one side and on the
# other. With one hundredth more it grows, and soon it is all of the risk.
#
# Where the risk is left
# ----------------------
# Back to lesson 2.2, with its start and its step of 0.001. No descent needs to run: the
# factors tell how much of each parabola is left after any number of steps.
#
# .. predict:: what-is-left

step = 0.001
first_guess = torch.tensor([0, 0.333, 0.333, 0.333], dtype=torch.float64)
distances = (first_guess - best) @ directions
iterations = torch.cat([torch.arange(1, 10), torch.logspace(1, 6, 200).round()])
left = distances * (1 - step * curvatures) ** (iterations[:, None] - 1)
parts = curvatures * left**2 / 2

at_1000 = distances * (1 - step * curvatures) ** 999
parts_at_1000 = curvatures * at_1000**2 / 2
print(f"Risk at iteration 1000: {parts_at_1000.sum():.5f},")
print(f"of which {parts_at_1000[-1]:.5f} in the flattest direction")
walked = gradient_descent(first_guess, X, y, step=step, iterations=1000)
assert abs(parts_at_1000.sum() - walked.risks[-1]) < 1e-9
assert parts_at_1000[-1] > 0.99 * parts_at_1000.sum()

# %%
colors = [plots.style.ORANGE, plots.style.BLUE, plots.style.GREEN, plots.style.PURPLE]
fig, ax = plt.subplots(figsize=(7.2, 4.0))
ax.stackplot(
    iterations,
    (parts / parts.sum(dim=1, keepdim=True)).T,
    colors=colors,
    labels=[f"curvature {curvature:.3g}" for curvature in curvatures],
    alpha=0.5,
)
ax.axvline(1000, color=plots.style.INK, linestyle="--", linewidth=1)
ax.annotate("lesson 2.2\nends here", (1000, 0.5), (6, 0), textcoords="offset points")
ax.set(xscale="log", xlim=(1, 1e6), ylim=(0, 1))
ax.set(xlabel="iteration", ylabel="share of the risk that is left")
ax.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
risk = ax.twinx()
risk.plot(iterations, parts.sum(dim=1), color=plots.style.INK, linewidth=2)
risk.set(yscale="log", ylabel="risk (line)")
risk.yaxis.set_major_formatter("{x:g}")
fig.legend(
    *ax.get_legend_handles_labels(),
    loc="outside lower center",
    ncols=2,
    frameon=False,
)
fig.alt_text = (
    "Which direction holds the risk that is left, against the iteration. The steepest "
    "is gone after a few iterations, the next dominates until a hundred, the third "
    "until a few hundred, and from then on nearly all of the risk lies in the "
    "flattest. The risk itself, a line, drops in two stages and then stays on a plain."
)
plt.show()

# %%
# One direction after the other is done, the steepest first. The line falls in two
# stages; by a thousand iterations three of the directions have arrived, and the plain
# is the flattest on its way. What does it still cost the forecast for the new pupil?

new_pupil = torch.tensor([1.0, 13, 14, 11], dtype=torch.float64)
owed = (new_pupil @ directions) * at_1000
print("Marks by which each direction is still off:", [f"{mark:.4f}" for mark in owed])
print(
    f"Distance still to go: {at_1000.norm():.2f}; length of the gradient there: ",
    end="",
)
print(f"{(curvatures * at_1000).norm():.3f}")
forecast = predict(walked.parameters[-1], new_pupil[None, 1:])
assert abs(owed.sum() - (forecast - predict(best, new_pupil[None, 1:]))) < 1e-9

# %%
# A hundredth of a mark for the new pupil, and a tenth for the four of the table, the
# root of the risk above. The parameters have a long way to go in a direction in which
# it makes little difference: that is why the forecast could settle while the constant
# had hardly moved. It is also why neither a slow risk nor a short gradient proves that
# a descent has arrived.
#
# How long does the flattest direction take? It loses the share :math:`\lambda \ell` of
# its distance at each step, and the longest step is set by the steepest. So what counts
# is the ratio of the two curvatures, the **condition number**.

condition = condition_number(X)
share = 0.8 * limit * curvatures[-1].item()
print(f"Condition number: {curvatures[0]:.1f} / {curvatures[-1]:.5f} = ", end="")
print(f"{condition:,.0f}")
print(f"With 0.8 of the limit, the flattest direction loses {share:.4%} a step,")
print(f"and half of its distance in about {round(0.693 / share, -3):,.0f} steps.")
assert 80_000 < condition < 85_000

# %%
# Is a zig-zag bad?
# -----------------
# On a map whose axes are the two steepest directions, a step just below the limit
# throws the point from one side of the valley to the other. A shorter step goes down
# smoothly.

shares = [0.3, 0.8, 0.97, 0.999]
runs = {
    each: gradient_descent(start, X, y, step=each * limit, iterations=60)
    for each in shares
}


def iterations_to(goal, step, curvatures, distances):
    """Count the iterations of plain descent until the risk is at most ``goal``."""
    t = torch.arange(200_000)[:, None]
    left = distances * (1 - step * curvatures) ** t
    return int(((curvatures * left**2).sum(dim=1) / 2 <= goal).nonzero()[0]) + 1


from_zero = (start - best) @ directions
table = pd.DataFrame(
    {
        "risk at 60": [runs[each].risks[-1].item() for each in shares],
        "iterations to 0.01": [
            iterations_to(0.01, each * limit, curvatures, from_zero) for each in shares
        ],
    },
    index=pd.Index(shares, name="step over limit"),
)
print(table.round(3).to_string())
assert table["risk at 60"][0.97] < table["risk at 60"][0.3]
assert table["iterations to 0.01"].tolist() == [23726, 8898, 7339, 7126]
balanced = 2 / (curvatures[0] + curvatures[-1])
print(f"At 2 / (L + l) = {balanced / limit:.6f} of the limit: ", end="")
print(f"{iterations_to(0.01, balanced, curvatures, from_zero):,} iterations to 0.01")


# %%
def on_map(descent, directions, best):
    """Return where a descent went along the second steepest direction and the first."""
    return (descent.parameters - best) @ directions[:, [1, 0]]


def risk_on_map(curvatures):
    return lambda places: (curvatures[[1, 0]] * places**2).sum(dim=-1) / 2


ranges, levels = ((-0.1, 0.7), (-0.7, 0.7)), [0.3, 3, 15, 50, 100, 180]

fig, axes = plt.subplots(1, 2, figsize=(7.2, 3.9), sharey=True)
for ax, each in zip(axes, [0.97, 0.3], strict=True):
    plots.contours(ax, risk_on_map(curvatures), *ranges, levels=levels)
    plots.path(ax, on_map(runs[each], directions, best), notes={0: "start"})
    risk_at_60 = f"risk {runs[each].risks[-1]:.2f} after 60"
    ax.set(title=f"{each:g} of the limit: {risk_at_60}", xlabel="second steepest")
axes[0].set_ylabel("steepest direction")
fig.alt_text = (
    "Left: a path jumps from side to side of a narrow valley and gets far along it. "
    "Right: a shorter step goes straight to the floor and then creeps along it."
)
plt.show()

# %%
# The smooth path is the slower one, after sixty iterations and to the end. A zig-zag
# looks bad, but only the steepest direction pays for it; all the others gain by the
# longer step. In the very long run the best step is the one with which the steepest and
# the flattest lose the same share, :math:`\lambda = 2 / (L + \ell)`. With curvatures as
# unlike as these it lies so close to the limit that the steepest hardly shrinks, and
# the risk 0.01 is far away. One stays a little below: from 0.9 to 0.999 of the limit it
# makes little difference.
#
# Change the valley: scaling
# --------------------------
# Why are the curvatures so unlike? All marks are positive and around 11: raising any
# weight raises every prediction, and so does the constant. Subtract from each column
# its mean, and divide by its standard deviation. The model can say the same as before,
# with other weights, but its valley is another one.

Z, mean, deviation = standardize(X)
Z_limit = step_limit(Z)
print("Means", mean.tolist(), "and deviations", [f"{value:.2f}" for value in deviation])
print(f"Condition number {condition_number(Z):.1f} in place of {condition:,.0f};")
print(f"limit {Z_limit:.2f}, {Z_limit / limit:.0f} times as long as before")

Z_curvatures, Z_directions, Z_best = curved_directions(Z, start)
raw = gradient_descent(start, X, y, step=0.8 * limit, iterations=30)
scaled = gradient_descent(start, Z, y, step=0.8 * Z_limit, iterations=30)
print(f"Risk after 30 iterations: {raw.risks[-1]:.2g}, now {scaled.risks[-1]:.1g}")
assert condition_number(Z) < 20
assert scaled.risks[-1] < 0.001 < 0.1 < raw.risks[-1]

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(7.2, 4.0))
plots.contours(
    left,
    risk_on_map(curvatures),
    (-0.3, 0.8),
    (-0.55, 0.75),
    levels=levels,
    labels=False,
)
plots.contours(
    right, risk_on_map(Z_curvatures), (-6, 16), (-12, 14), levels=levels, labels=False
)
plots.path(left, on_map(raw, directions, best), notes={0: "start"})
plots.path(right, on_map(scaled, Z_directions, Z_best), notes={0: "start"})
for ax, title in [(left, "marks as they are"), (right, "standardized")]:
    ax.set(title=title, xlabel="second steepest direction", aspect="equal")
left.set_ylabel("steepest direction")
fig.alt_text = (
    "Thirty iterations: the path creeps in the narrow valley, and is soon at the "
    "center of a much rounder bowl."
)
plt.show()

# %%
# In each map both axes have one scale, so that the shape of the valley can be seen: a
# gorge on the left, a bowl on the right. It is not quite round, since the marks of
# different subjects go together, and the slowest of its directions now loses a good
# part of its distance at each step.
#
# Change the rule: momentum and Adam
# ----------------------------------
# Where the data cannot be changed, the rule can. **Momentum** keeps a share :math:`\mu`
# of its last move, like a ball that rolls.
#
# .. predict:: momentum-factor

plain = gradient_descent(start, X, y, step=0.8 * limit, iterations=10_000)
rolling = gradient_descent(
    start, X, y, step=0.8 * limit, iterations=1_000, method="momentum", momentum=0.9
)


def reached(goal, descent):
    return int((descent.risks <= goal).nonzero()[0]) + 1


counts = [reached(0.01, descent) for descent in (plain, rolling)]
print(f"To the risk 0.01: {counts[0]:,} iterations plain, {counts[1]} with momentum,")
print(f"{counts[0] / counts[1]:.1f} times fewer; 1 / (1 - 0.9) = {1 / (1 - 0.9):.1f}")
assert counts == [8898, 899]

# %%
# In the flat direction that holds the risk, the gradient hardly changes from step to
# step. What each step keeps of the moves before adds up to :math:`1 + \mu + \mu^2 +
# \dots = 1 / (1 - \mu)`, so that each move is ten times as long. **Adam** goes another
# way. It divides the move of each weight by the typical size of that weight's own
# gradient, so that all weights move alike:
#
# .. math::
#     \begin{aligned}
#     \text{momentum:} \quad & v \leftarrow \mu v + \nabla R, \quad
#     w \leftarrow w - \lambda v ; \\
#     \text{Adam:} \quad & w \leftarrow w
#     - \lambda \, \frac{\hat m}{\sqrt{\hat s} + \varepsilon} .
#     \end{aligned}
#
# Here :math:`m` and :math:`s` are running means of the gradients and of their squares,
# and :math:`\varepsilon` is a tiny number that avoids a division by zero. Both means
# start at zero and are too small at first; the hats say that this is corrected: after
# :math:`t` steps, :math:`m` is divided by :math:`1 - 0.9^t` and :math:`s` by
# :math:`1 - 0.999^t`. Sixty iterations of each, with 0.8 of the limit, the same with
# momentum 0.9, and with the step 0.1 for Adam:

rules = {"gradient": 0.8 * limit, "momentum": 0.8 * limit, "adam": 0.1}
paths = {
    method: gradient_descent(start, X, y, step=step, iterations=60, method=method)
    for method, step in rules.items()
}

fig, axes = plt.subplots(1, 3, figsize=(7.2, 3.5), sharey=True)
for ax, (method, descent) in zip(axes, paths.items(), strict=True):
    plots.contours(
        ax,
        risk_on_map(curvatures),
        (-0.5, 0.9),
        (-0.7, 0.9),
        levels=levels,
        labels=False,
    )
    plots.path(ax, on_map(descent, directions, best), notes={0: "start"})
    ax.set(title=method, xlabel="second steepest")
axes[0].set_ylabel("steepest direction")
fig.alt_text = (
    "Sixty iterations: plain descent goes along the floor, momentum swings widely, "
    "Adam comes in waves."
)
plt.show()

# %%
# On this map of the two *steepest* directions momentum loses time by swinging. What it
# wins, it wins in the flat ones, which the map does not show. So a fair comparison
# counts all four, and lets each rule choose among several settings. With momentum a
# step may be longer than the limit of plain descent, up to :math:`1 + \mu` times. The
# table keeps the best, with the marks as they are and with standardized columns.

trials = {
    "momentum": [
        {"step": share, "momentum": mu}
        for share in (0.8, 0.9, 1.5, 1.9)
        for mu in (0.1, 0.2, 0.3, 0.95, 0.965, 0.98)
    ],
    "adam": [{"step": step} for step in (0.1, 0.3, 0.7, 1.3, 3)],
}


def fewest(method, data, unit):
    """Return the fewest iterations to the risk 0.01 among the trials of a rule."""
    counts = []
    for settings in trials[method]:
        moved = {**settings, "step": settings["step"] * unit}
        descent = gradient_descent(
            start, data, y, iterations=500, method=method, **moved
        )
        if descent.risks.min() <= 0.01:
            counts.append(reached(0.01, descent))
    return min(counts)


needed = pd.DataFrame(index=["marks as they are", "standardized"])
from_zero_scaled = (start - Z_best) @ Z_directions
needed["gradient"] = [
    min(
        iterations_to(0.01, share * top, *valley)
        for share in (0.7, 0.8, 0.9, 0.97, 0.999)
    )
    for top, valley in [
        (limit, (curvatures, from_zero)),
        (Z_limit, (Z_curvatures, from_zero_scaled)),
    ]
]
needed["momentum"] = [fewest("momentum", X, limit), fewest("momentum", Z, Z_limit)]
needed["adam"] = [fewest("adam", X, 1), fewest("adam", Z, 1)]
print("Fewest iterations to the risk 0.01, among the settings tried of each rule:")
print(needed.T.to_string())
assert needed.loc["standardized"].max() < needed.loc["marks as they are"].min()

# %%
# In the gorge both rules need a small part of what plain descent needs. Scaling the
# data saves plain descent far more, for one subtraction and one division a mark. In
# the bowl that it leaves there is little to win: momentum saves two iterations,
# and Adam, with its usual memory and moves that hardly depend on how steep it is, needs
# longer than either.
#
# Under your hands
# ----------------
# Go just below the limit, then just above. Keep a run, standardize the marks, and
# compare. Give a slow run some momentum. :doc:`Its own page </play/descent>` has more
# room.
#
# .. play:: descent
#    :embed:
#
# What to remember
# ----------------
# - A risk like this one is its lowest value plus a sum of parabolas along directions
#   that do not disturb each other. A step multiplies each distance by its own
#   :math:`1 - \lambda \ell`.
# - The largest curvature :math:`L` sets the longest step of plain descent,
#   :math:`2 / L`. Beyond it the risk grows without end.
# - What is left of the risk after a while lies in the flattest direction. How slow it
#   is depends on the condition number, the largest curvature over the smallest.
# - Standardize the columns first. Then choose a step, then a rule.
# - Momentum makes moves :math:`1 / (1 - \mu)` times as long where the gradient stays
#   the same; Adam makes the moves of all weights alike.
#
# **Try this.** Only subtract the means, without dividing: what is the condition number
# now? Then multiply the maths column by 100, as if it were in hundredths of a mark, and
# see which of the three rules suffers least.
#
# **Read on.** Momentum comes from :cite:`polyak1964`, Adam from :cite:`kingma2015`. Why
# scaled inputs help every network: :cite:`lecun1998efficient`.
