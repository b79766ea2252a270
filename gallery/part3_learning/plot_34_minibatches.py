r"""
3.4 Batch, stochastic, mini-batch
=================================

A step of gradient descent looks at every example before it moves. With four pupils that
is nothing. With 60,000 images it is a long look for one short step. **How many examples
are enough for a step?**

*After this lesson you can* tell batch, stochastic and mini-batch descent apart, say how
the noise of a gradient depends on the size of its batch, and choose a size from what it
costs and what it buys.

*Time*: 45 minutes. *Before*: lessons 2.3 and 3.3.
"""

# %%
# A gradient from a few
# ---------------------
# The exam of part 2 again, with 200 made-up pupils. Two of their marks, in maths and in
# computer science, predict the exam, so that everything fits on a map. The marks are
# standardized (lesson 2.3).

from itertools import combinations

import matplotlib.pyplot as plt
import pandas as pd
import torch

from glassbox import datasets, models, optim, plots, tracing, training
from glassbox.descent import (
    empirical_risk,
    gradient_descent,
    least_squares,
    risk_gradient,
    standardize,
    with_ones,
)

plots.style.use()
pupils = datasets.make_pupils(200)
Z, _, _ = standardize(pupils[["Maths", "CS"]].to_numpy())
y = torch.tensor(pupils["Exam"].to_numpy())
X, n = with_ones(Z), len(y)
print(pupils.head(3).to_string())

best = least_squares(Z, y)
lowest = empirical_risk(best, Z, y)
print(f"{n} pupils; no weights do better than a risk of {lowest:.3f}.")

# %%
# The gradient of the risk is the mean of the gradients of its :math:`n` examples. Any
# part :math:`B` of them, a **mini-batch**, has a mean too. With the error
# :math:`e_i = \hat y_i - y_i` of pupil :math:`i`, as in lesson 2.2,
#
# .. math:: g_B(w) = \frac{1}{|B|} \sum_{i \in B} \nabla R^i(w), \quad
#    \nabla R^i(w) = 2 \, e_i \, x_i,
#
# .. math:: w \leftarrow w - \lambda \, g_B(w) .
#
# It is called **batch** descent when :math:`B` holds all :math:`n` examples,
# **stochastic** when it holds one, and **mini-batch** in between. (Usage varies: many
# call anything less than all examples stochastic.)
#
# A mini-batch gives a wrong gradient, but not a biased one: too much here, too little
# there, and *right on average*. For each example is as likely to be drawn as any other,
# so over all draws each has the same weight. The four pupils of lesson 2.1 show it:
# they make six pairs, and each pupil is in three of them. The mean of the six pairs'
# gradients is the gradient.

marks = datasets.load_exam()
four_X = with_ones(marks[["Maths", "CS", "French"]])
four_y = torch.tensor(marks["Exam"].to_numpy())
w = torch.tensor([0, 0.333, 0.333, 0.333], dtype=torch.float64)

each = []  # the gradient of each pupil alone
for i in range(4):
    error = four_X[i] @ w - four_y[i]
    each.append(2 * error * four_X[i])

pairs = []
for i, k in combinations(range(4), 2):
    pairs.append((each[i] + each[k]) / 2)
    print(f"pupils {i + 1} and {k + 1}:", [round(v, 2) for v in pairs[-1].tolist()])

full = sum(each) / 4
print(
    "mean of the six:", [round(v, 2) for v in torch.stack(pairs).mean(dim=0).tolist()]
)
print("the gradient:   ", [round(v, 2) for v in full.tolist()])
torch.testing.assert_close(torch.stack(pairs).mean(dim=0), full)

# %%
# Three ways on one map
# ---------------------
# An **epoch** has met every pupil once. Batch descent takes one step in it. The others
# cut a shuffled row of pupils and take a step for each piece: :math:`n / |B|` steps,
# rounded up, since the last piece may be smaller.
# These are the two algorithms, with one stopping rule:
#
# .. list-table::
#    :header-rows: 1
#    :widths: 50 50
#
#    * - Batch
#      - Stochastic and mini-batch
#    * - Choose :math:`w` and :math:`\lambda`.
#      - Choose :math:`w`, :math:`\lambda` and :math:`|B|`.
#    * - Repeat:
#      - Repeat: shuffle, cut into :math:`B_1, B_2, \dots`; for each :math:`B`:
#    * - :math:`\quad w \leftarrow w - \lambda \, \nabla R(w)`
#      - :math:`\quad w \leftarrow w - \lambda \, g_B(w)`
#    * - until an epoch changes :math:`R` by less than a share :math:`\varepsilon` of
#        it.
#      - until an epoch changes :math:`R` by less than a share :math:`\varepsilon` of
#        it.
#
# With :math:`|B| = n` the right column is the left one, so one function does both. We
# start with the constant at its best, the mean of the exam, and with two bad weights.

bad_weights = [-1.5, 2.5]
start = torch.tensor([y.mean().item(), *bad_weights], dtype=torch.float64)
step = 0.05


def constant(epoch):
    return step


def descend(batch_size, epochs, rate=constant, share=0.0, seed=0):
    """Return every point on the way, the start first."""
    generator = torch.Generator().manual_seed(seed)
    w, path = start.clone(), [start.clone()]
    for epoch in range(1, epochs + 1):
        before = empirical_risk(w, Z, y)
        order = torch.randperm(n, generator=generator)
        for B in order.split(batch_size):
            errors = X[B] @ w - y[B]
            w = w - rate(epoch) * 2 * (errors @ X[B]) / len(B)
            path.append(w)
        if abs(empirical_risk(w, Z, y) - before) < share * before:
            break
    return torch.stack(path)


by_hand = descend(batch_size=20, epochs=3)
# 30 steps: the start counts as the first of the iterations
packaged = gradient_descent(start, Z, y, step=step, iterations=31, batch_size=20)
torch.testing.assert_close(packaged.parameters, by_hand)
difference = (packaged.parameters - by_hand).abs().max()
print(
    f"{len(by_hand) - 1} steps of 20 pupils by hand; largest difference from the "
    f"package {difference:.0e}."
)

# %%
# Three epochs each, all with the same step size, 0.05. Each of the three has computed
# 600 gradients of single pupils. Only the number of steps differs. A cross marks the
# lowest point.
#
# .. predict:: who-arrives

epochs = 3
sizes = {"batch: 200": 200, "mini-batch: 20": 20, "stochastic: 1": 1}
runs = {
    name: gradient_descent(
        start,
        Z,
        y,
        step=step,
        iterations=1 + epochs * n // size,
        batch_size=size,
    )
    for name, size in sizes.items()
}
colors = dict(
    zip(
        sizes,
        [plots.style.MUTED, plots.style.ORANGE, plots.style.BLUE],
        strict=True,
    )
)


# %%
def risk_on_map(places):
    """Return the risk of (w1, w2), with the constant at its best."""
    constant = best[0].expand(*places.shape[:-1], 1)
    return empirical_risk(torch.cat([constant, places], dim=-1), Z, y)


fig, axes = plt.subplot_mosaic(
    "bm;ss", figsize=(4.8, 5.6), height_ratios=[1, 1.7], layout="constrained"
)
for name, run in runs.items():
    ax = axes[name[0]]
    plots.contours(
        ax, risk_on_map, (-2, 2.9), (-0.2, 3.2), levels=[1.2, 2, 4, 8], labels=False
    )
    few = len(run) < 100
    plots.path(
        ax, run.parameters[:, 1:], color=colors[name], dots=few, notes={0: "start"}
    )
    ax.plot(*best[1:], "x", color=plots.style.INK, markersize=8, zorder=4)
    ax.set(title=name, xlabel="w1 Maths", ylabel="w2 CS", aspect="equal")
fig.alt_text = (
    "Three paths over the same contours: three steps that have hardly begun, thirty "
    "that come near the lowest point, six hundred that dance around it."
)
plt.show()

# %%
for name, run in runs.items():
    excess = run.risks[-1] - lowest
    print(f"{name:15} {len(run) - 1:3} steps, risk {excess:.3f} above the lowest")
assert runs["batch: 200"].risks[-1] > 4
assert runs["mini-batch: 20"].risks[-1] - lowest < 0.5

# %%
# Batch descent has hardly begun. The mini-batches wobble, and are nearly there. The
# single pupils got there first, and cannot rest: at the lowest point the *mean* of the
# gradients is zero, but those of single pupils are not. The smallest example: one
# number :math:`b` is to be near two marks, 10 and 14, with the risk :math:`(b - y)^2 /
# 2`, whose gradient is :math:`b - y`, and the step 0.5. The lowest point is their mean.

b, visited = 12.0, [12.0]
for mark in (10, 14, 10, 14):
    b = b - 0.5 * (b - mark)
    visited.append(b)
print("one mark at a time:", " -> ".join(f"{value:g}" for value in visited))
print(f"both marks: the gradient is {((12 - 10) + (12 - 14)) / 2:g}, and b stays at 12")

# %%
# Let them race. A clock gives each of the three the same number of gradients per
# second; :doc:`its own page </play/race>` has more to try.
#
# .. play:: race
#    :embed:
#
# Counted in steps, counted in work
# ---------------------------------
# One stochastic run may be lucky, so take a hundred of each kind, all at once, and the
# mean of their risks.
#
# .. predict:: twenty

generator = torch.Generator().manual_seed(0)


def mean_excess(batch_size, epochs, rate=constant, replacement=False, copies=100):
    """Return the risk above the lowest after each step, a mean over many runs."""
    w = start.expand(copies, 3)
    excess = [(empirical_risk(w, Z, y) - lowest).mean().item()]
    for epoch in range(1, epochs + 1):
        order = torch.rand(copies, n, generator=generator).argsort(dim=1)
        if replacement:
            order = torch.randint(n, (copies, n), generator=generator)
        for B in order.split(batch_size, dim=1):
            errors = (X[B] @ w[:, :, None])[:, :, 0] - y[B]
            w = w - rate(epoch) * 2 * (errors[:, None] @ X[B])[:, 0] / batch_size
            excess.append((empirical_risk(w, Z, y) - lowest).mean().item())
    return excess


tables = {
    name: pd.Series(mean_excess(size, epochs=60 if size == n else 6))
    for name, size in sizes.items()
}

# %%
# In the upper panel every *step* counts the same, in the lower one every *gradient of
# one pupil*: the work. (A step has a fixed price besides, which the last section
# measures.) An epoch is 200 of them, whatever the mini-batch.

fig, (upper, lower) = plt.subplots(2, 1, figsize=(4.8, 6.4))
for (name, excess), style in zip(tables.items(), ["-", "--", "-."], strict=True):
    color = colors[name]
    upper.plot(excess[:61], style, color=color, label=name.split(":")[0])
    lower.plot(excess.index * sizes[name], excess, style, color=color)
upper.set(xlabel="steps")
upper.legend(loc="lower left")
lower.set(xlabel="gradients of one pupil (200: one epoch)", xlim=(0, 1200))
lower.set_xticks(range(0, 1201, 200))
for ax in (upper, lower):
    ax.set(ylabel="risk above the lowest", yscale="log", ylim=(5e-3, 9))
    ax.grid(axis="y", color=plots.style.FAINT)
fig.alt_text = (
    "Risk above the lowest, logarithmic. Against steps the curves of batches and of "
    "mini-batches lie on each other; against gradients stochastic descent drops at "
    "once and stays on a high floor, and mini-batches pass below it."
)
plt.show()


# %%
# The upper panel holds the surprise: *here 20 pupils step as well as 200, at a tenth of
# the price.* The mean of 20 errs too, but each time to another side, and over the steps
# this cancels. Single pupils err several times as much: where we start, some would even
# go uphill.

twenty, all_of_them = (tables[name] for name in ("mini-batch: 20", "batch: 200"))
for steps in (10, 30, 60):
    print(
        f"after {steps} steps: {twenty[steps]:.3f} with 20 pupils, "
        f"{all_of_them[steps]:.3f} with 200"
    )
    assert abs(twenty[steps] / all_of_them[steps] - 1) < 0.1

for name, size in sizes.items():
    excess = tables[name]
    gradients = int((excess <= excess[0] / 10).argmax()) * size
    print(f"{name:15} down to a tenth after {gradients:5,} gradients")
assert tables["stochastic: 1"][400:].mean() > 4 * twenty.iloc[-10:].mean()

alone = 2 * (X @ start - y)[:, None] * X  # the gradient of each pupil
uphill = (alone @ alone.mean(dim=0) < 0).sum()
drawn = torch.rand(2000, n, generator=generator).argsort(dim=1)[:, :20]
uphill_of_20 = (alone[drawn].mean(dim=1) @ alone.mean(dim=0) < 0).sum()
print(f"Uphill at the start: {uphill} of {n} pupils,", end=" ")
print(f"{uphill_of_20} of {len(drawn):,} draws of 20.")

# %%
# One step size cannot suit all three: an exact gradient can take longer steps, a noisy
# one needs shorter ones. So give each the best of seven, for the same three epochs.

rates = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
for name, size in sizes.items():
    tried = {r: mean_excess(size, epochs, lambda epoch, r=r: r)[-1] for r in rates}
    rate = min(tried, key=tried.get)
    print(f"{name:15} step {rate:<5}: {tried[rate]:.3f} above the lowest")

# %%
# Small batches are quick to the neighborhood of the lowest point, and then stay on a
# floor that their noise sets. At the lowest point the gradient of the risk is zero, and
# a step moves :math:`w` only by :math:`\lambda` times the error of its mini-batch, the
# noise: so a shorter step has a lower floor. But it is slow at first. So begin with the
# long step and shorten it on the way, a **schedule**. In epoch :math:`t` the single
# pupils now step by :math:`\lambda / t`, in a third run by :math:`\lambda / 100^{t-1}`:


def falling(epoch):
    return step / epoch


def falling_too_fast(epoch):
    return step / 100 ** (epoch - 1)


schedules = {"constant": constant, "λ / t": falling, "too fast": falling_too_fast}
resting = {
    name: pd.Series(mean_excess(1, epochs=20, rate=rate))[::20]
    for name, rate in schedules.items()
}
table = pd.DataFrame(resting)
table.index = table.index / n
table = table.rename_axis("epoch")

# %%
fig, ax = plt.subplots(figsize=(4.8, 3.6))
ax.set(yscale="log", ylabel="risk above the lowest")
plots.curves(ax, table, markers=False)
fig.alt_text = (
    "Mean risk of a hundred stochastic runs over twenty epochs: with a constant step "
    "it stays on a floor, with a falling one it goes on falling, and with one that "
    "falls too fast it stops early on a level in between."
)
plt.show()

# %%
ends = table.loc[19:].mean()
print("The risk above the lowest in the last epoch, a mean of 100 runs:")
for name, excess in ends.items():
    print(f"{name:9} {excess:.4f}")
assert ends["λ / t"] < ends["constant"] / 20
assert ends["too fast"] > 3 * ends["λ / t"]

# %%
# A step that falls too fast stops on the way: after the first epoch its steps together
# are too short to leave the noise behind. Had the descent not arrived by then, they
# would be too short for the rest of the way, too.
#
# How much noise?
# ---------------
# Take a mean of :math:`|B|` numbers drawn at random, and its error shrinks as
# :math:`1/\sqrt{|B|}`. A gradient is such a mean. With :math:`\sigma^2` for the mean
# squared distance of the single gradients from their mean,
#
# .. math:: \text{noise} = \sqrt{\text{mean of } \lVert g_B - \nabla R \rVert^2}
#    = \frac{\sigma}{\sqrt{|B|}}
#
# or
#
# .. math:: \frac{\sigma}{\sqrt{|B|}} \sqrt{\frac{n - |B|}{n - 1}} .
#
# The first holds when pupils are drawn **with replacement**: each draw is from all 200,
# and one may come twice. The second holds **without**: nobody comes twice. Its extra
# factor is 1 for one pupil, and 0 for all of them, since there is only one way to draw
# everybody. We draw 2,000 mini-batches of each size and measure.

gradients = alone  # one row per pupil
full = gradients.mean(dim=0)
torch.testing.assert_close(full, risk_gradient(start, Z, y))
sigma = ((gradients - full) ** 2).sum(dim=1).mean().sqrt()

counts = [1, 4, 10, 20, 50, 100, 200]
measured, formula = {}, {}
for size in counts:
    with_return = torch.randint(n, (2000, size), generator=generator)
    orders = torch.rand(2000, n, generator=generator).argsort(dim=1)
    drawn = {"with": with_return, "without": orders[:, :size]}
    noise = {
        name: ((gradients[B].mean(dim=1) - full) ** 2).sum(dim=1).mean().sqrt().item()
        for name, B in drawn.items()
    }
    plain = (sigma / size**0.5).item()
    exact = plain * ((n - size) / (n - 1)) ** 0.5
    measured[size], formula[size] = noise, {"with": plain, "without": exact}
measured = pd.DataFrame(measured).T.rename_axis("size of the mini-batch")
formula = pd.DataFrame(formula).T.rename_axis("size of the mini-batch")
print(pd.concat({"measured": measured, "formula": formula}, axis=1).round(3))

length = full.norm().item()
ratio = (measured / formula)[:-1]
print(f"Measured and formula differ by at most {abs(ratio - 1).max().max():.1%}.")
assert abs(ratio - 1).max().max() < 0.05
assert measured["without"].iloc[-1] < 1e-12

# %%
# Dots are measured, lines are the formula. The dotted line is the length of the
# gradient, the *signal*. Where the noise lies below it, the signal is the longer of the
# two. Without replacement the line falls to zero at 200, and a logarithmic axis has no
# zero: the last dot of it is below the picture.

fig, ax = plt.subplots(figsize=(4.8, 3.8))
smooth = pd.Index(range(1, 201), name="size of the mini-batch", dtype=float)
lines = pd.DataFrame({"with": sigma.item() / smooth**0.5}, index=smooth)
lines["without"] = lines["with"] * ((n - smooth) / (n - 1)) ** 0.5
lines.loc[181:, "without"] = float("nan")
ax.set(xscale="log", yscale="log", ylabel="noise of the gradient", ylim=(0.18, 14))
plots.curves(ax, lines, markers=False)
for name, color in zip(measured, plots.style.SERIES, strict=False):
    ax.plot(measured[name], "o", color=color, markersize=6)
ax.axhline(length, color=plots.style.MUTED, linewidth=1.5, linestyle=":")
ax.text(100, 1.07 * length, "length of the gradient", ha="right", va="bottom")
ax.set_xticks([1, 10, 100], ["1", "10", "100"])
ax.set_yticks([0.2, 0.5, 1, 2, 5, 10], ["0.2", "0.5", "1", "2", "5", "10"])
ax.minorticks_off()
fig.alt_text = (
    "Noise against the size of the mini-batch on logarithmic scales: a straight line "
    "with replacement, one that bends down towards zero at 200 without."
)
plt.show()

# %%
# Here is why small batches pay. Twice the precision costs *four times* the examples:
# from 1 pupil to 4 the noise halves, for 3 pupils more; from 50 to 200 (with
# replacement) it halves again, for 150 more. And why the floor: the signal goes to
# zero, and the noise does not.

noise_of_20 = (sigma / 20**0.5).item()
end_gradients = 2 * (X @ best - y)[:, None] * X
end_noise = ((end_gradients**2).sum(dim=1).mean().sqrt() / 20**0.5).item()
print(f"20 pupils at the start: signal {length:.2f}, noise {noise_of_20:.2f}")
print(f"20 pupils at the end: signal {end_gradients.mean(dim=0).norm():.2f}, ", end="")
print(f"noise {end_noise:.2f}")

# %%
# With or without replacement
# ---------------------------
# Draw 200 times with replacement, and some pupils come twice or more, while others
# never come: a share of :math:`(1 - 1/n)^n`, about :math:`1/e`, more than a third of
# all. Cut a shuffled row instead, and each comes once.
#
# Does it matter? A hundred runs of each kind, with mini-batches of 10. Without
# replacement, what one mini-batch misses comes in another one of the same epoch, and
# at the *end of an epoch* the errors have mostly canceled. In the middle of an epoch
# they have not. So look at every step.

steps_of_epoch = n // 10
kinds = {
    name: pd.Series(mean_excess(10, epochs=16, replacement=name == "with"))
    for name in ("with", "without")
}
table = pd.DataFrame(kinds)
table.index = table.index / steps_of_epoch
table = table.rename_axis("epoch")

# %%
fig, ax = plt.subplots(figsize=(4.8, 3.6))
ax.set(yscale="log", ylabel="risk above the lowest")
plots.curves(ax, table, markers=False)
fig.alt_text = (
    "Mean risk of a hundred runs over sixteen epochs: both fall alike at first; then "
    "the one with replacement stays level, and the one without swings below it, lowest "
    "at the end of each epoch."
)
plt.show()

# %%
floor = table[table.index > 6]
ends = floor[steps_of_epoch - 1 :: steps_of_epoch]
for name, values in {"over whole epochs": floor, "at their ends": ends}.items():
    mean = values.mean()
    print(f"{name}: {mean['with']:.4f} with, {mean['without']:.4f} without")
assert floor["without"].mean() < 0.75 * floor["with"].mean()
assert ends["without"].mean() < floor["without"].mean()

longer = {
    name: pd.Series(mean_excess(10, 16, lambda epoch: 4 * step, name == "with"))
    for name in kinds
}
mean = pd.DataFrame(longer)[7 * steps_of_epoch :: steps_of_epoch].mean()
print(f"steps of {4 * step}: {mean['with']:.4f} with, {mean['without']:.4f} without")
assert mean["without"] > 0.75 * mean["with"]

# %%
# With steps four times as long little of this is left (the last line, at the ends of
# epochs), since the weights move on between the mini-batches. Still, to shuffle and cut
# costs next to nothing, so training loops do it, ``training.fit`` as well.
#
# What a step costs and buys
# --------------------------
# Now the network of lesson 1.3 and its digits. A step with :math:`|B|` images computes
# :math:`|B|` gradients. It also takes memory, for what the layers make is kept until
# the backward pass needs it (lesson 3.3): numbers of four bytes, in proportion to the
# batch.

train, test = datasets.mnist("train"), datasets.mnist("test")
print(f"Images: {train.source}.")

inside = tracing.trace(models.SmallCNN(), train.images[:1])

per_image = sum(inside[name].output.nbytes for name in inside)
print(f"What SmallCNN makes of an image: {per_image:,} bytes.")
print(f"MNIST's 60,000 at once: {60_000 * per_image / 1e9:.2f} GB.")

# %%
# And what does it buy? Give every size the same images once, 5,000 of them where there
# are so many. The small batches take more steps with them. What is fair? One step size
# for all could favor one of them, so each size gets the learning rate of Adam (lesson
# 2.3) that does best on images held out, 2,000 of MNIST's, and then trains from three
# other starts. The network is a dense one with one hidden layer.

last = min(2000, len(train) // 10)
some, held_out = train[:-last][:5000], train[-last:]


def train_once(size, rate, seed):
    torch.manual_seed(seed)
    model = models.MLP(28 * 28, 64, 10)
    training.fit(
        model,
        some,
        optimizer=lambda parameters: optim.Adam(parameters, lr=rate),
        batch_size=size,
        seed=seed,
    )
    return model


rows = {}
for size in (20, 50, 128, 500, len(some)):
    tried = {
        rate: training.evaluate(train_once(size, rate, seed=0), held_out).accuracy
        for rate in (0.001, 0.003, 0.01, 0.03, 0.1)
    }
    rate = max(tried, key=tried.get)
    three = [
        training.evaluate(train_once(size, rate, seed), test[:5000]).accuracy
        for seed in (1, 2, 3)
    ]
    rows[size] = {
        "steps": -(-len(some) // size),
        "rate": rate,
        "mean": sum(three) / 3,
        "lowest": min(three),
        "highest": max(three),
    }
table = pd.DataFrame(rows).T.rename_axis("size")
form = {"steps": "{:.0f}".format, "rate": "{:g}".format}
print(table.to_string(formatters=form, float_format="{:.1%}".format))
small = [rows[size]["mean"] for size in (20, 50, 128)]
spread = max(rows[size]["highest"] - rows[size]["lowest"] for size in (20, 50, 128))
if not test.is_standin:
    assert max(small) - min(small) < spread
    assert max(small) - min(small) < 0.03
    assert min(small) > rows[500]["mean"] + 0.02 > rows[len(some)]["mean"] + 0.1

# %%
# On MNIST, from 20 to 128 images a batch, the means differ by less than the three
# starts of one size can, with the best rate tried for each. Then the steps become too
# few.
#
# And the time? A whole epoch of single images takes minutes, so one epoch of SmallCNN
# with each size is *recorded*, on another machine, with all 60,000 training images of
# MNIST and the best of several rates for each size. It is one run for each, so the
# accuracies are uneven. For sizes below 32 only 200 steps were timed, and scaled up to
# an epoch.

runs = {name: datasets.recorded(f"batch_{name}") for name in ("accuracy", "time")}
for run in runs.values():
    print(f"{run}: {run.made_with['command']}")
recorded = runs["accuracy"].to_frame().sort_index()
seconds = runs["time"].to_frame()["seconds per epoch"]
table = recorded.assign(seconds=seconds, megabytes=recorded.index * per_image / 1e6)
form = {
    "learning rate": "{:g}".format,
    "accuracy": "{:.1%}".format,
    "seconds": "{:.1f}".format,
    "megabytes": "{:,.1f}".format,
}
print(table.to_string(formatters=form))
assert recorded["accuracy"].loc[1:1000].min() > 0.85 > 2 * recorded["accuracy"][60_000]
assert seconds[1] / seconds[50] > 10 > seconds[50] / seconds[200] > 2

# %%
fig, ax = plt.subplots(figsize=(4.8, 3.6))
ax.set(xscale="log", yscale="log", ylabel="seconds per epoch", xlim=(0.7, 90_000))
ax.axvspan(50, 500, color=plots.style.FAINT)
plots.curves(ax, pd.DataFrame({"": seconds}))
ax.set_xlabel(f"images in a batch\nrecorded: {runs['time']}")
ax.set_xticks([1, 50, 1000, 60_000], ["1", "50", "1,000", "60,000"])
ax.minorticks_off()
fig.alt_text = (
    "Recorded seconds of an epoch against the size of the batch: they fall steeply up "
    "to 50 images, by more than half from there to 200, and then rise slowly. The "
    "range from 50 to 500 is shaded."
)
plt.show()

# %%
# Every step has a fixed price besides its gradients: the program goes through all
# layers, whatever the batch. Single images pay it once per image. In a batch the images
# share it, until the gradients themselves are what costs. Beyond 200 an epoch gets
# slower again here: likely, so many images no longer fit into the fast memory near the
# processor (lesson 3.7). From the other end: very large batches take few steps, and too
# few steps arrive nowhere.
#
# In these recorded runs any size from 50 to some hundreds (shaded) is a good choice: a
# range, not a number. 500 images take 120 steps there, 1,000 only 60. Where exactly it
# ends was not tried, and a larger network or another machine has another. What stays is
# the way to find it: it begins where a larger batch saves only a few seconds of an
# epoch, and it ends well before the steps become too few.
#
# See it on a network: SmallCNN learns here, in your browser. Train it with batches of
# 1, then of 50: both runs stay on one plot, and the gradient of every digit of a batch
# is written out beside their mean. :doc:`Its own page </play/train>` is larger.
#
# .. play:: train
#    :embed:
#
# What to remember
# ----------------
# - Batch: all examples for a step. Stochastic: one. Mini-batch: a few. One formula, and
#   only the number of terms of the mean differs.
# - The gradient of a mini-batch is right on average. Its noise falls as
#   :math:`1/\sqrt{|B|}`: twice the precision for four times the work, as long as it is
#   a small part of all examples.
# - Shuffle and cut: everybody comes once in an epoch, and if the steps are short the
#   errors of its mini-batches cancel towards its end, so that the floor is lower.
# - Small batches learn fast per example, and stay on a floor, since their noise does
#   not go to zero with the gradient. A step that falls on the way takes them far below
#   it; one that falls too fast stops early, on a level in between.
# - Memory grows with the batch, and so does the number of gradients of a step. The
#   number of steps in an epoch falls.
#
# **Try this.** Let ``descend`` go on until its rule stops it: 100 epochs at most, a
# share of 0.001, 20 pupils and one, with a few seeds. Who has arrived? Then find, with
# ``mean_excess``, the constant step with which mini-batches of 5 end on the same floor
# as mini-batches of 20.
#
# **Read on.** Why a descent with noise arrives if its steps shrink:
# :cite:`robbins1951`. What this means for large networks: :cite:`bottou2018`.
