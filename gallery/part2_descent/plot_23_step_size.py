r"""
2.3 Step size, scaling, momentum
================================

After a thousand iterations the descent of lesson 2.2 had not arrived at its lowest
point, and yet its forecast had long settled. **What holds the descent back, and what
helps?**

*After this lesson you can* compute the longest step with which a descent settles, split
a risk into directions that do not disturb each other, say what the condition number
measures, standardize a table and a new row, and say what momentum and Adam change.

*Time*: 45 minutes. *Before*: lesson 2.2.
"""

# %%
# One parameter, one parabola
# ---------------------------
# Begin with the simplest valley there is: one parameter :math:`w`, and the risk
# :math:`R(w) = \tfrac12 \ell\, w^2`, lowest at 0. Its derivative is :math:`\ell w`. The
# number :math:`\ell` is its **curvature**: how fast the slope grows with the distance.
# With the step size :math:`\lambda`, gradient descent goes from :math:`w` to
#
# .. math:: w - \lambda \, \ell w = (1 - \lambda \ell)\, w ,
#
# so that every step multiplies the distance to the lowest point by the same factor. Six
# steps from 1, four times, with the curvature 2:

import itertools

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
fig, axes = plt.subplots(2, 2, figsize=(5.6, 4.8), sharex=True, sharey=True)
for ax, (name, walk) in zip(axes.flat, walks.items(), strict=True):
    walk = torch.tensor(walk)
    ax.plot(w, curvature * w**2 / 2, color=plots.style.MUTED, linewidth=1)
    ax.plot(walk, curvature * walk**2 / 2, "o-", color=plots.style.ORANGE, markersize=4)
    ax.set(title=name, xticks=[-1, 0, 1], ylim=(-0.2, 3.6))
fig.supxlabel("w", fontsize=11)
fig.supylabel("risk", fontsize=11)
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
# everywhere: :math:`\tfrac{2}{n} X^\top X`, with the column of ones in :math:`X`.
#
# A move of one weight changes the slopes along the others too. But there are four
# *directions* at right angles to each other: a move along one of them does not change
# the slopes along the other three. Walk along one of them from the lowest point: the
# risk is a parabola, and the gradient points straight on, :math:`\ell` times as long as
# the way so far. So a step goes straight back. Such directions are called
# **eigenvectors** of the matrix, their curvatures :math:`\ell` its **eigenvalues**, and
# ``torch.linalg.eigh`` finds both.

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
# :math:`d_1, \dots, d_4` are four parameters that do not disturb each other. The risk
# is its lowest value (zero here, with four pupils and four parameters) plus four
# parabolas:
#
# .. math:: R = \sum_{k=1}^{4} \tfrac12\, \ell_k\, d_k^2 .
#
# A step multiplies each distance by a factor of its own, :math:`1 - \lambda \ell_k`. So
# the largest curvature :math:`L` sets the limit for all: :math:`\lambda < 2 / L`.

distances = (start - best) @ directions
parts = curvatures * distances**2 / 2
print("With all weights at zero:", " + ".join(f"{part:.4f}" for part in parts), end="")
print(f" = {parts.sum():.1f}")
descent = gradient_descent(start, X, y, step=0.001, iterations=2)
assert abs(parts.sum() - descent.risks[0]) < 1e-9

factors = (descent.parameters[1] - best) @ directions / distances
print("A step with 0.001 multiplies the distances by", end=" ")
print(", ".join(f"{factor:.5f}" for factor in factors))
torch.testing.assert_close(factors, 1 - 0.001 * curvatures)
limit = step_limit(X)
print(f"Limit: 2 / L = 2 / {curvatures[0]:.2f} = {limit:.6f}")
assert abs(limit - 2 / curvatures[0]) < 1e-12

# %%
# What happens beyond the limit? Take one hundredth more, from all weights at zero, and
# from guess A, with which lesson 2.2 began.

first_guess = torch.tensor([0, 0.333, 0.333, 0.333], dtype=torch.float64)
for name, place in {"zero": start, "guess A": first_guess}.items():
    risks = gradient_descent(place, X, y, step=1.01 * limit, iterations=200).risks
    print(f"From {name}: risk {risks[0]:.1f} at iteration 1,", end=" ")
    print(f"{risks[28]:.1f} at 29, {risks[-1]:,.0f} at 200")
assert risks.argmin() == 28

# %%
# In the steepest direction each step lands a little further out, on the other side, and
# in the end this part is all of the risk. Where little of the risk lies in that
# direction, as from guess A, a step that is too long even looks like success at first.
#
# Where the risk is left
# ----------------------
# Back to lesson 2.2, with its start and its step size of 0.001. No descent needs to
# run: the factors tell how much of each parabola is left after any number of steps.
#
# .. predict:: what-is-left

step = 0.001
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
assert 0.04 < parts[0, 0] / parts[0].sum() < 0.06

# %%
colors = [plots.style.ORANGE, plots.style.BLUE, plots.style.GREEN, plots.style.PURPLE]
fig, ax = plt.subplots(figsize=(6.0, 4.2))
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
    "is gone after a few iterations, the next dominates until nearly a hundred, the "
    "third until a few hundred, and from then on nearly all of the risk lies in the "
    "flattest. The risk itself, a line, drops until some five hundred iterations, "
    "stays on a plain until beyond ten thousand, and then falls again, below a "
    "billionth at a million."
)
plt.show()

# %%
# One direction after the other is done, the steepest first; it holds only 5 % at the
# start, since the predictions of guess A already have the right size. By a thousand
# iterations three directions have arrived, and the plain is the flattest on its way.
# What does it still cost the forecast for the new pupil?

new_pupil = torch.tensor([[13.0, 14, 11]], dtype=torch.float64)
forecast = predict(walked.parameters[-1], new_pupil).item()
lowest = predict(best, new_pupil).item()
print(f"Forecast {forecast:.2f}, at the lowest point {lowest:.2f}")
print(f"Distance still to go: {at_1000.norm():.2f}")
print(f"Length of the gradient there: {(curvatures * at_1000).norm():.3f}")
assert abs(forecast - lowest) < 0.02

# %%
# A hundredth of a mark. The parameters have a long way to go in a direction in which it
# makes little difference: that is why the forecast could settle while the constant had
# hardly moved. It is also why neither a slow risk nor a short gradient proves that a
# descent has arrived.
#
# How long does the flattest direction take? It loses the share :math:`\lambda \ell` of
# its distance at each step, and the longest step is set by the steepest. So what counts
# is the ratio of the two curvatures, the **condition number**.

condition = condition_number(X)
share = 0.8 * limit * curvatures[-1].item()
print(f"Condition number: {curvatures[0]:.1f} / {curvatures[-1]:.5f} = ", end="")
print(f"{condition:,.0f}")
print(f"With 0.8 of the limit, the flattest direction loses {share:.4%} a step.")
assert 80_000 < condition < 85_000

# %%
# Is a zig-zag bad?
# -----------------
# A step just below the limit throws the point from one side of the valley to the other,
# and a shorter one goes down smoothly. Which of them arrives first?

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
assert table["risk at 60"][0.999] > 90
assert table["iterations to 0.01"].tolist() == [23726, 8898, 7339, 7126]
balanced = 2 / (curvatures[0] + curvatures[-1])
print(f"At 2 / (L + l) = {balanced / limit:.6f} of the limit:")
print(f"{iterations_to(0.01, balanced, curvatures, from_zero):,} iterations to 0.01")


# %%
def on_map(descent, directions, best):
    """Return where a descent went along the second steepest direction and the first."""
    return (descent.parameters - best) @ directions[:, [1, 0]]


def risk_on_map(curvatures):
    return lambda places: (curvatures[[1, 0]] * places**2).sum(dim=-1) / 2


ranges, levels = ((-0.1, 0.7), (-0.7, 0.7)), [0.3, 3, 15, 50, 100, 180]

fig, axes = plt.subplots(1, 2, figsize=(5.5, 3.8), sharey=True)
for ax, each in zip(axes, [0.97, 0.3], strict=True):
    plots.contours(ax, risk_on_map(curvatures), *ranges, levels=levels)
    plots.path(ax, on_map(runs[each], directions, best), notes={0: "start"})
    risk_at_60 = f"risk {runs[each].risks[-1]:.2f} after 60"
    ax.set(title=f"{each:g} of the limit:\n{risk_at_60}", xlabel="second steepest")
axes[0].set_ylabel("steepest direction")
fig.alt_text = (
    "Left: a path jumps from side to side of a narrow valley and gets far along it. "
    "Right: a shorter step goes straight to the floor and then creeps along it."
)
plt.show()

# %%
# On this map of the two steepest directions the smooth path on the right is the slower
# one, after sixty iterations and to the end. A zig-zag looks bad, but only the steepest
# direction pays for it; all the others gain by the longer step. So in the table's last
# column a longer step arrives earlier, up to 0.999 of the limit; after sixty iterations
# the steepest may still be paying, as in the first. Closer still, the steepest becomes
# the slow one: at :math:`2 / (L + \ell)`, with :math:`\ell` for the smallest curvature,
# it loses no more at each step than the flattest. One stays below, at 0.8 or 0.9 of the
# limit.
#
# Change the valley: scaling
# --------------------------
# Why are the curvatures so unlike? All marks are positive and around 11: raising any
# weight raises every prediction, and so does the constant. So **standardize** the
# columns: subtract from each its mean, and divide by its standard deviation, the root
# of the mean squared distance from the mean. The model can say the same as before, with
# other weights, but its valley is another one.

Z, mean, deviation = standardize(X)
Z_limit = step_limit(Z)
print("Means", mean.tolist(), "and deviations", [f"{value:.2f}" for value in deviation])
print(f"Condition number {condition_number(Z):.1f} in place of {condition:,.0f};")
print(f"limit {Z_limit:.2f}, {Z_limit / limit:.0f} times as long as before")

Z_curvatures, Z_directions, Z_best = curved_directions(Z, start)
raw = gradient_descent(start, X, y, step=0.8 * limit, iterations=30)
scaled = gradient_descent(start, Z, y, step=0.8 * Z_limit, iterations=30)
print(f"Risk after 30 iterations: {raw.risks[-1]:.2g}, now {scaled.risks[-1]:.1g}")
flattest = 0.8 * Z_limit * Z_curvatures[-1]
print(f"The flattest direction now loses {flattest:.1%} of its distance a step.")
assert condition_number(Z) < 20
assert marks["Maths"].corr(marks["CS"]) > 0.7
assert scaled.risks[-1] < 0.001 < 0.1 < raw.risks[-1]

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(6.0, 3.6))
plots.contours(
    left,
    risk_on_map(curvatures),
    (-0.3, 0.8),
    (-0.55, 0.75),
    levels=levels,
    labels=False,
)
plots.contours(
    right, risk_on_map(Z_curvatures), (-8, 20), (-14, 16), levels=levels, labels=False
)
plots.path(left, on_map(raw, directions, best), notes={0: "start"})
plots.path(right, on_map(scaled, Z_directions, Z_best), notes={0: "start"})
for ax, title in [(left, "marks as they are"), (right, "standardized")]:
    ax.set(title=title, xlabel="second steepest", aspect="equal")
left.set_ylabel("steepest direction")
fig.alt_text = (
    "Thirty iterations: the path creeps in the narrow valley, and is soon at the "
    "center of a much rounder bowl."
)
plt.show()

# %%
# In each map both axes have one scale: a gorge on the left, a bowl on the right. It is
# not quite round, since the marks in maths and CS go together.
#
# The weights found now expect standardized marks. So a new pupil's marks are shifted
# and scaled as well, by the means and deviations of *the four*. By others the
# same mark would be another number, and the weights were not found for that one.

as_found = (new_pupil - mean) / deviation
print("The new pupil, standardized:", [f"{mark:.3f}" for mark in as_found[0]])
print(f"Forecast {predict(Z_best, as_found).item():.2f}, ", end="")
print(f"and by the marks as they are {predict(Z_best, new_pupil).item():.1f} out of 20")
assert abs(predict(Z_best, as_found).item() - lowest) < 1e-9

# %%
# Change the rule: momentum and Adam
# ----------------------------------
# Where the data cannot be changed, the rule can. **Momentum** keeps a share :math:`\mu`
# of its last move, like a ball that rolls:
#
# .. math:: v \leftarrow \mu v + \nabla R, \qquad w \leftarrow w - \lambda v .
#
# Some write :math:`v \leftarrow \mu v - \lambda \nabla R` and :math:`w \leftarrow w +
# v`. While the step size stays the same, the weights go the same way.
#
# .. predict:: momentum-factor

rolling = gradient_descent(
    start, X, y, step=0.8 * limit, iterations=1_000, method="momentum", momentum=0.9
)


def reached(goal, descent):
    """Return the first iteration at which the risk is at most ``goal``."""
    return int((descent.risks <= goal).nonzero()[0]) + 1


counts = [table["iterations to 0.01"][0.8], reached(0.01, rolling)]
print(f"To the risk 0.01: {counts[0]:,} iterations plain, {counts[1]} with momentum,")
print(f"{counts[0] / counts[1]:.1f} times fewer")
assert counts == [8898, 899]

# %%
# Why about ten times? Take a gradient that is 1 at every step, and one that is 1 and -1
# by turns, and watch :math:`v`.

velocities = {}
for name, sign in [("always 1", 1), ("1 and -1 by turns", -1)]:
    v, velocities[name] = 0.0, []
    for t in range(40):
        v = 0.9 * v + sign**t
        velocities[name].append(v)
    print(f"{name:>17}: v = {', '.join(f'{v:.2f}' for v in velocities[name][:5])}, ...")
velocities = pd.DataFrame(velocities, index=pd.RangeIndex(1, 41, name="step"))
print("If they never end:", f"{1 / (1 - 0.9):.2f} and {1 / (1 + 0.9):.2f} in size")
assert abs(velocities["always 1"].iloc[-1] - 10) < 0.2
assert abs(abs(velocities["1 and -1 by turns"].iloc[-1]) - 1 / 1.9) < 0.01

# %%
fig, ax = plt.subplots(figsize=(6.0, 3.2))
plots.curves(ax, velocities, markers=False)
ax.set(ylabel="v", xlim=(0, 58), xticks=range(0, 41, 10))
fig.alt_text = (
    "What momentum of 0.9 makes of a gradient: one that is always 1 grows to moves of "
    "10; one that is 1 and -1 by turns shrinks to moves of about one half."
)
plt.show()

# %%
# Where the gradient stays the same, as along the flat direction, what is kept adds up
# to :math:`1 + \mu + \mu^2 + \dots = 1 / (1 - \mu)`, so that moves are ten times as
# long. Where it changes its sign at each step, as across the valley, what is kept works
# against it: :math:`1 - \mu + \mu^2 - \dots = 1 / (1 + \mu)`, and moves are about half
# as long. So with momentum the step size may go past the limit of plain descent, up to
# :math:`1 + \mu` times.
#
# **Adam** goes another way. It gives each weight a step size of its own, divided by the
# typical size of that weight's gradients: a weight whose gradients are a hundred times
# as large does not move further for it. With :math:`g` for the derivative by one
# weight, it keeps two running means; the root of the second, that of the squares, is
# the typical size:
#
# .. math:: \overline{g} \leftarrow 0.9\, \overline{g} + 0.1\, g, \qquad
#     \overline{g^2} \leftarrow 0.999\, \overline{g^2} + 0.001\, g^2,
#
# .. math::
#     w \leftarrow w - \lambda \,
#     \frac{\overline{g}}{\sqrt{\overline{g^2}} + \varepsilon} .
#
# The tiny :math:`\varepsilon` avoids a division by zero. (Both means start at zero and
# are too small at first; Adam corrects for that.)
#
# A fair comparison lets each rule choose among several settings. The table keeps the
# best of each, with the marks as they are and with standardized columns.


def fewest(method, data, steps, shares_kept=(0.9,)):
    """Return the fewest iterations to the risk 0.01 with any of these settings."""
    counts = []
    for step, mu in itertools.product(steps, shares_kept):
        descent = gradient_descent(
            start, data, y, step=step, iterations=500, method=method, momentum=mu
        )
        if descent.risks.min() <= 0.01:
            counts.append(reached(0.01, descent))
    return min(counts)


raw_steps = [share * limit for share in (0.8, 1.5, 1.9)]
scaled_steps = [share * Z_limit for share in (0.7, 0.8, 0.9, 0.97, 0.999)]
adam_steps = [0.1, 0.3, 0.7, 1.3, 3]
needed = pd.DataFrame(
    {
        "marks as they are": {
            "gradient": table["iterations to 0.01"].min(),  # of the steps above
            "momentum": fewest("momentum", X, raw_steps, (0.95, 0.965, 0.98)),
            "adam": fewest("adam", X, adam_steps),
        },
        "standardized": {
            "gradient": fewest("gradient", Z, scaled_steps),
            "momentum": fewest("momentum", Z, scaled_steps, (0.1, 0.2, 0.3)),
            "adam": fewest("adam", Z, adam_steps),
        },
    }
)
print("Fewest iterations to the risk 0.01, among the settings tried of each rule:")
print(needed.to_string())
assert needed["standardized"].max() < needed["marks as they are"].min()

# %%
# In the gorge both rules need a small part of what plain descent needs. Scaling the
# data saves plain descent far more, for one subtraction and one division a mark. In
# the bowl that it leaves there is little to win: momentum saves two iterations, and
# Adam needs longer than either.
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
# - The largest curvature :math:`L` sets the limit of the step size of plain descent,
#   :math:`2 / L`. Beyond it the risk grows without end from almost every start, even
#   where it falls at first.
# - Well below the limit, what is left of the risk after a while lies in the flattest
#   direction. How slow it is depends on the condition number, the largest curvature
#   over the smallest.
# - Standardize the columns first, and every new row by the same means and deviations.
#   Then choose a step size, then a rule.
# - In the long run momentum makes moves :math:`1 / (1 - \mu)` times as long where the
#   gradient stays the same, and :math:`1 / (1 + \mu)` times where it changes its sign
#   at each step. Adam divides each weight's step size by the typical size of its own
#   gradients.
#
# **Try this.** Only subtract the means, without dividing: what is the condition number
# now? Then multiply the maths column by 100, as if it were in hundredths of a mark, and
# see which of the three rules suffers least.
#
# **Read on.** Momentum comes from :cite:`polyak1964`, Adam from :cite:`kingma2015`. Why
# scaled inputs help every network: :cite:`lecun1998efficient`.
