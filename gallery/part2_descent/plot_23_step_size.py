r"""
2.3 Step size, scaling, momentum
================================

Four pupils, four weights, and after a thousand iterations the descent of lesson 2.2
had still not arrived. **What holds it back, and what helps?**

*After this lesson you can* compute the longest step that a descent bears, recognize a
zig-zag, say what the condition number measures, and choose between scaling the data,
momentum and Adam.

*Time*: 45 minutes. *Before*: lesson 2.2.
"""

# %%
# Four steps
# ----------
# This time we start from zero, as one who knows nothing. The same descent, with four
# lengths of the step :math:`\lambda`. ``step_limit`` computes a length that we explain
# below.
#
# .. predict:: one-percent

import matplotlib.pyplot as plt
import pandas as pd
import torch

from glassbox import datasets, plots
from glassbox.descent import (
    condition_number,
    gradient_descent,
    hessian,
    least_squares,
    standardize,
    step_limit,
)

plots.style.use()
marks = datasets.load_exam()
X, y = (
    torch.tensor(marks[["Maths", "CS", "French"]].to_numpy()),
    torch.tensor(marks["Exam"].to_numpy()),
)
start = torch.zeros(4, dtype=torch.float64)
limit = step_limit(X)

steps = {
    "too small": 1e-5,
    "good": 0.8 * limit,
    "at the limit": limit,
    "beyond it": 1.01 * limit,
}
descents = {
    name: gradient_descent(start, X, y, step=step, iterations=200)
    for name, step in steps.items()
}
for name, descent in descents.items():
    print(
        f"{name:12} step {steps[name]:.6f}: risk {descent.risks[0]:.1f} at first, "
        f"{descent.risks[-1]:.4g} at last"
    )
assert (
    descents["good"].risks[-1]
    < 0.1
    < 100
    < descents["at the limit"].risks[-1]
    < descents["beyond it"].risks[-1]
)

# %%
# Too small a step creeps. A good one drops fast. At the limit the risk hardly moves,
# and with one hundredth more it *grows* at every step: the descent climbs.

table = pd.DataFrame(
    {name: descent.risks.numpy() for name, descent in descents.items()}
)
table.index = pd.RangeIndex(1, 201, name="iteration")

fig, ax = plt.subplots(figsize=(7.2, 3.8))
for (name, risks), color, style in zip(
    table.items(), plots.style.SERIES, ["-", "--", "-.", ":"], strict=True
):
    ax.plot(table.index, risks, style, color=color)
    ax.annotate(
        name,
        (200, risks.iloc[-1]),
        (6, 0),
        textcoords="offset points",
        color=color,
        va="center",
    )
ax.set(xlabel="iteration", ylabel="risk", yscale="log", xlim=(0, 245))
ax.yaxis.set_major_formatter("{x:g}")
fig.alt_text = (
    "Risk against iterations for four steps: one creeps, one drops, one stays level, "
    "one rises without end."
)
plt.show()

# %%
# Where the limit comes from
# --------------------------
# How curved is the risk? Its second derivatives make a matrix, the **Hessian**, and for
# a linear model it is the same everywhere: :math:`H = \tfrac{2}{n} X^\top X`, with the
# column of ones in :math:`X`. Some directions are curved more than others. Four of them
# are special: a step along one changes nothing in the other three, so that each can be
# looked at alone. They are the **eigenvectors** of :math:`H`, the curvature along each
# is its **eigenvalue**, and ``torch.linalg.eigh`` finds both.


def curved_directions(data):
    """Return the curvatures from the smallest, their directions, the lowest point."""
    curvatures, directions = torch.linalg.eigh(hessian(data))
    best = least_squares(data, y)
    signs = torch.sign(
        (start - best) @ directions
    )  # of the two ways along a direction, the one towards the start
    return curvatures, directions * signs, best


curvatures, directions, best = curved_directions(X)
for curvature, direction in zip(curvatures.flip(0), directions.T.flip(0), strict=True):
    print(
        f"curvature {curvature:8.4f} along "
        f"({', '.join(f'{part:5.2f}' for part in direction.tolist())})"
    )

# %%
# The steepest direction changes the three weights together, the flattest hardly more
# than the constant :math:`w_0`.
#
# Along an eigenvector the risk is a parabola with curvature :math:`\ell`, and at
# distance :math:`d` from its lowest point the slope is :math:`\ell d`. A step takes
# away :math:`\lambda \ell d`, so that
#
# .. math:: d^{(t+1)} = (1 - \lambda \ell) \, d^{(t)}.
#
# The descent settles if this factor lies between -1 and 1 in every direction. With
# :math:`L` the largest curvature, that means :math:`\lambda < 2 / L`.

largest = curvatures[-1].item()
print(f"2 / L = 2 / {largest:.1f} = {2 / largest:.6f}; step_limit says {limit:.6f}.")
assert abs(2 / largest - limit) < 1e-12

for name, descent in descents.items():
    distances = (descent.parameters[:2] - best) @ directions[:, -1]
    factor = (distances[1] / distances[0]).item()
    print(
        f"{name:12} factor along the steepest direction: 1 - step x L = "
        f"{1 - steps[name] * largest:6.3f}, ",
        end="",
    )
    print(f"in the run {factor:6.3f}")
    assert abs(factor - (1 - steps[name] * largest)) < 1e-9

# %%
# The zig-zag
# -----------
# A negative factor means that each step lands on the *other side* of the valley. Turn
# the map so that its axes run along the two most curved directions. On it a step just
# below the limit goes to and fro, while the way along the valley gets done little by
# little. A shorter step goes straight to the floor. The contours are the part of the
# risk that these two directions make up.


def on_map(descent, directions, best):
    """Return where a descent went along the two most curved directions."""
    return (descent.parameters - best) @ directions[:, [-2, -1]]


def risk_on_map(curvatures):
    return lambda places: (curvatures[[-2, -1]] * places**2).sum(dim=-1) / 2


ranges, levels = ((-0.1, 0.7), (-0.7, 0.7)), [0.3, 3, 15, 50, 100, 180]

fig, axes = plt.subplots(1, 2, figsize=(7.2, 3.9), sharey=True)
for ax, share in zip(axes, [0.97, 0.3], strict=True):
    descent = gradient_descent(start, X, y, step=share * limit, iterations=60)
    plots.contours(ax, risk_on_map(curvatures), *ranges, levels=levels)
    plots.path(ax, on_map(descent, directions, best), notes={0: "start"})
    ax.set(title=f"step {share:g} × 2 / L", xlabel="along the valley")
axes[0].set_ylabel("across the valley")
fig.alt_text = (
    "Left: a path jumps from side to side of a narrow valley. Right: a shorter step, "
    "straight to the floor."
)
plt.show()

# %%
# The condition number
# --------------------
# So the steepest direction sets the step. The flattest has to live with it: there, a
# step takes away only the share :math:`\lambda \ell` of the distance. The ratio of the
# largest to the smallest curvature is the **condition number**.

condition = condition_number(X)
print(
    f"Condition number: {curvatures[-1]:.1f} / {curvatures[0]:.5f} = {condition:,.0f}"
)
share = 0.8 * limit * curvatures[0].item()
print(
    f"With the good step, one iteration covers {share:.4%} of the way along the "
    "flattest direction;"
)
print(f"half of the way takes about {0.693 / share:,.0f} iterations.")
assert 80_000 < condition < 85_000

# %%
# Standardized columns
# --------------------
# Why are the curvatures so unlike? All marks are positive and around 11: raising any
# weight raises every prediction, and so does the constant. Subtract from each column
# its mean, and divide by its standard deviation. The model can say the same as before,
# with other weights, but its valley is another one.

Z, mean, deviation = standardize(X)
print(
    "Means",
    mean.tolist(),
    "and deviations",
    [round(value, 2) for value in deviation.tolist()],
)
Z_limit = step_limit(Z)
print(
    f"Condition number {condition_number(Z):.1f}; limit {Z_limit:.2f}, "
    f"{Z_limit / limit:.0f} times as long as before"
)
assert condition_number(Z) < 20 < condition / 1000

# %%
# The two maps have the same scale along both axes. On the left the valley that we know,
# on the right the bowl of the standardized columns. There the step may be much longer,
# and no direction is left behind.

raw = gradient_descent(start, X, y, step=0.8 * limit, iterations=30)
scaled = gradient_descent(start, Z, y, step=0.8 * Z_limit, iterations=30)

assert scaled.risks[-1] < 0.001 < 0.1 < raw.risks[-1]
assert Z_limit > 200 * limit

# %%
Z_curvatures, Z_directions, Z_best = curved_directions(Z)

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
for ax, title, descent in [
    (left, "marks as they are", raw),
    (right, "standardized", scaled),
]:
    ax.set(
        title=f"{title}: risk {descent.risks[-1]:.1g}",
        xlabel="second most curved direction",
        aspect="equal",
    )
left.set_ylabel("most curved direction")
fig.alt_text = (
    "Thirty iterations: the path creeps in the narrow valley, and is soon at the "
    "center of the round bowl."
)
plt.show()

# %%
# Momentum and Adam
# -----------------
# Where the data cannot be changed, the rule can. **Momentum** keeps a share :math:`\mu`
# of its last move, like a ball that rolls. In a flat direction all gradients point the
# same way and add up, to :math:`1 / (1 - \mu)` times the step: ten times with
# :math:`\mu = 0.9`. **Adam** divides each weight's move by the typical size of its own
# gradient, so that a weight with small gradients moves as far as the others.
#
# .. math::
#     \begin{aligned}
#     \text{momentum:} \quad & v \leftarrow \mu v + \nabla R, \\
#     & w \leftarrow w - \lambda v ; \\
#     \text{Adam:} \quad & w \leftarrow w
#     - \lambda \, \frac{\hat m}{\sqrt{\hat v} + \varepsilon} .
#     \end{aligned}
#
# Here :math:`v` is the move that is kept. For Adam, :math:`\hat m` is a running mean of
# the gradients, :math:`\hat v` (not the :math:`v` above) one of their squares, and
# :math:`\varepsilon` a tiny number that avoids a division by zero. All three rules
# start at the same place, on the map of the zig-zag. In these two steep directions a
# ball that rolls swings a lot before it rests; what it wins, it wins in the flat
# directions.

rules = {"gradient": 0.8 * limit, "momentum": 0.8 * limit, "adam": 0.1}

fig, axes = plt.subplots(1, 3, figsize=(7.2, 3.5), sharey=True)
for ax, (method, step) in zip(axes, rules.items(), strict=True):
    descent = gradient_descent(start, X, y, step=step, iterations=60, method=method)
    plots.contours(
        ax,
        risk_on_map(curvatures),
        (-0.5, 0.9),
        (-0.7, 0.9),
        levels=levels,
        labels=False,
    )
    plots.path(ax, on_map(descent, directions, best), notes={0: "start"})
    ax.set(title=method, xlabel="along the valley")
axes[0].set_ylabel("across the valley")
fig.alt_text = (
    "Sixty iterations: plain descent goes along the floor, momentum swings widely, "
    "Adam comes in waves."
)
plt.show()

# %%
# How many iterations?
# --------------------
# The map shows two directions; what counts are all four. How many iterations does each
# rule need until the risk is at most 0.01, with the marks as they are and with
# standardized columns?


def iterations_to(risk, descent):
    below = (descent.risks <= risk).nonzero()
    assert len(below), f"the risk never came down to {risk}"
    return int(below[0]) + 1


counts = {}
for method, share in [("gradient", 0.8), ("momentum", 0.8), ("adam", None)]:
    counts[method] = [
        iterations_to(
            0.01,
            gradient_descent(
                start,
                data,
                y,
                step=0.1 if share is None else share * top,
                iterations=most,
                method=method,
            ),
        )
        for data, top, most in [
            (X, limit, 10_000 if method == "gradient" else 1_000),
            (Z, Z_limit, 300),
        ]
    ]
needed = pd.DataFrame(counts, index=["marks as they are", "standardized"]).T
print(needed.to_string())
assert needed.loc["gradient"].tolist() == [8898, 9]

# %%
# Momentum and Adam save most of the iterations in the badly scaled valley. Scaling the
# data saves far more, for one subtraction and one division per mark. In the round bowl
# that it leaves, plain descent is the fastest: momentum overshoots, and Adam with its
# fixed step of 0.1 has a long way to a constant of 11, the mean of the exam.
#
# When to stop
# ------------
# In lesson 2.2 we could look up the lowest point. A network offers no such comfort. Two
# common rules watch the descent itself: stop when the gradient is short, or when the
# risk hardly falls. Both can be fooled by a flat valley.

descent = gradient_descent(start, X, y, step=0.8 * limit, iterations=600)
short = int((descent.gradients.norm(dim=1) < 0.03).nonzero()[0]) + 1
slow = int((descent.risks[:-1] - descent.risks[1:] < 1e-6).nonzero()[0]) + 1
for rule, iteration in [
    ("gradient shorter than 0.03", short),
    ("risk falls by less than 1e-6", slow),
]:
    distance = (descent.parameters[iteration - 1] - best).norm()
    print(
        f"{rule:28}: iteration {iteration:4}, risk "
        f"{descent.risks[iteration - 1]:.4f}, still {distance:.2f} to go"
    )
    assert distance > 1.5

# %%
# Nor is the lowest point of *this* risk what we want: four pupils fitted perfectly
# (lesson 2.1). The rule that serves best looks elsewhere: **stop when the risk on
# validation data no longer falls**. Part 3 trains networks that way.
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
# - The largest curvature :math:`L` sets the longest step, :math:`2 / L`. Beyond it the
#   risk grows without end.
# - The condition number, largest over smallest curvature, says how slow the slowest
#   direction is.
# - Standardize the columns first. Then choose a step, then a rule.
# - Momentum gathers speed in flat directions; Adam gives each weight a step of its own
#   size.
# - A short gradient or a slow risk does not prove arrival. Watch validation data.
#
# **Try this.** Only subtract the means, without dividing: what is the condition number
# now? Then multiply the maths column by 100, as if it were in hundredths of a mark, and
# see which of the three rules suffers least.
#
# **Read on.** Momentum comes from :cite:`polyak1964`, Adam from :cite:`kingma2015`. Why
# scaled inputs help every network: :cite:`lecun1998efficient`.
