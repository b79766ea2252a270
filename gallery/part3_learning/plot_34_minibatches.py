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
# Two hundred pupils
# ------------------
# The exam of part 2 again, with 200 made-up pupils. Two of their marks, in maths and in
# computer science, predict the exam, so that everything fits on a map. The marks are
# standardized (lesson 2.3).

from itertools import combinations

import matplotlib.pyplot as plt
import pandas as pd
import torch

from glassbox import datasets, models, nn, optim, plots, training
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
# A gradient from a few
# ---------------------
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
# **stochastic** when it holds one, and **mini-batch** in between. (Usage varies: the
# course's slides call anything less than all examples stochastic.)
#
# A mini-batch gives a wrong gradient, but not a biased one: too much here, too little
# there, and *right on average*. The four pupils of lesson 2.1 prove it: they make six
# pairs, and the mean of the six pairs' gradients is the gradient.

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
# By hand
# -------
# Each **epoch** shuffles the 200 pupils and cuts the row into mini-batches, so that it
# meets every pupil once. Then it begins again, in a new order. We start with the
# constant at its best, the mean of the exam, and with two bad weights.

start = torch.tensor([y.mean().item(), -1.5, 2.5], dtype=torch.float64)
step = 0.05


def descend(batch_size, epochs, seed=0):
    generator = torch.Generator().manual_seed(seed)
    w, path = start.clone(), [start.clone()]
    for _ in range(epochs):
        order = torch.randperm(n, generator=generator)
        for B in order.split(batch_size):
            errors = X[B] @ w - y[B]
            w = w - step * 2 * (errors @ X[B]) / len(B)
            path.append(w)
    return torch.stack(path)


by_hand = descend(batch_size=20, epochs=3)
packaged = gradient_descent(start, Z, y, step=step, iterations=31, batch_size=20)
torch.testing.assert_close(packaged.parameters, by_hand)
difference = (packaged.parameters - by_hand).abs().max()
print(
    f"{len(by_hand) - 1} steps of 20 pupils by hand; largest difference from the "
    f"package {difference:.0e}."
)

# %%
# Three ways on one map
# ---------------------
# Three epochs each. All three have computed the gradient of one pupil 600 times. Only
# the number of steps differs.
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


# %%
def risk_on_map(places):
    """Return the risk of (w1, w2), with the constant at its best."""
    constant = best[0].expand(*places.shape[:-1], 1)
    return empirical_risk(torch.cat([constant, places], dim=-1), Z, y)


fig, axes = plt.subplots(1, 3, figsize=(7.2, 2.7), sharey=True)
for ax, (name, run) in zip(axes, runs.items(), strict=True):
    plots.contours(
        ax, risk_on_map, (-2, 2.9), (-0.2, 3.2), levels=[1.2, 2, 4, 8], labels=False
    )
    plots.path(ax, run.parameters[:, 1:], dots=len(run) < 100, notes={0: "start"})
    ax.set(title=name, xlabel="w1 Maths", aspect="equal")
axes[0].set_ylabel("w2 CS")
fig.alt_text = (
    "Three paths over the same contours: three long steps that have hardly begun, "
    "thirty that reach the floor, six hundred that dance around it."
)
plt.show()

# %%
for name, run in runs.items():
    excess = run.risks[-1] - lowest
    print(f"{name:15} {len(run) - 1:3} steps, risk {excess:.3f} above the lowest")
assert runs["batch: 200"].risks[-1] > 4
assert runs["mini-batch: 20"].risks[-1] - lowest < 0.5

# %%
# Batch descent goes straight and has hardly left. The mini-batches wobble, and are
# nearly there. The single pupils got there first, and cannot rest: at the lowest point
# the *mean* of the gradients is zero, but those of single pupils are not.
#
# Counted in steps, counted in work
# ---------------------------------
# One stochastic run may be lucky, so take a hundred of each kind, all at once, and the
# mean of their risks.

generator = torch.Generator().manual_seed(0)


def mean_excess(batch_size, epochs, replacement=False, copies=100):
    """Return the risk above the lowest after each step, a mean over many runs."""
    w = start.expand(copies, 3)
    excess = [(empirical_risk(w, Z, y) - lowest).mean().item()]
    for _ in range(epochs):
        order = torch.rand(copies, n, generator=generator).argsort(dim=1)
        if replacement:
            order = torch.randint(n, (copies, n), generator=generator)
        for B in order.split(batch_size, dim=1):
            errors = (X[B] @ w[:, :, None])[:, :, 0] - y[B]
            w = w - step * 2 * (errors[:, None] @ X[B])[:, 0] / batch_size
            excess.append((empirical_risk(w, Z, y) - lowest).mean().item())
    return excess


tables = {
    name: pd.Series(mean_excess(size, epochs=60 if size == n else 6))
    for name, size in sizes.items()
}

# %%
# On the left every *step* counts the same: the better informed a step is, the lower it
# leads. On the right every *gradient of one pupil* counts the same, and that is what
# takes time. An epoch is 200 of them whatever the mini-batch, so the axis counts both.

fig, (left, right) = plt.subplots(1, 2, figsize=(7.2, 3.9), sharey=True)
for (name, excess), color, style in zip(
    tables.items(), plots.style.SERIES, ["-", "--", "-."], strict=False
):
    left.plot(excess[:61], style, color=color, label=name.split(":")[0])
    right.plot(excess.index * sizes[name], excess, style, color=color)
left.set(xlabel="steps", ylabel="risk above the lowest", yscale="log", ylim=(5e-3, 9))
left.legend(loc="lower left")
right.set(xlabel="gradients of one pupil", xticks=range(0, 1201, 400), xlim=(0, 1200))
above = right.secondary_xaxis("top", functions=(lambda k: k / n, lambda e: e * n))
above.set(xlabel="epochs", xticks=range(7))
for ax in (left, right):
    ax.grid(axis="y", color=plots.style.FAINT)
fig.alt_text = (
    "Risk above the lowest, logarithmic. Against steps batch descent is the lowest; "
    "against gradients stochastic descent drops at once and stays on a high floor, and "
    "mini-batches pass below it."
)
plt.show()


# %%
def work_until(share, name):
    """Return how many gradients of one pupil bring the excess risk to a share."""
    excess = tables[name]
    return int((excess <= share * excess[0]).argmax()) * sizes[name]


needed = {name: work_until(0.1, name) for name in sizes}
for name, gradients in needed.items():
    print(f"{name:15} down to a tenth after {gradients:5,} gradients")
assert needed["stochastic: 1"] < needed["mini-batch: 20"] < needed["batch: 200"]
assert tables["stochastic: 1"][400:].mean() > tables["mini-batch: 20"].iloc[-1]

# %%
# Small batches are quick to the neighborhood of the lowest point, and then stay on a
# floor that their noise sets. A shorter step lowers the floor. That is why one begins
# with long steps and shortens them on the way: a **schedule**.
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

gradients = 2 * (X @ start - y)[:, None] * X  # one row per pupil
full = gradients.mean(dim=0)
torch.testing.assert_close(full, risk_gradient(start, Z, y))
sigma = ((gradients - full) ** 2).sum(dim=1).mean().sqrt()

counts = [1, 2, 5, 10, 20, 50, 100, 150, 200]
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

ratio = (measured / formula)[:-1]
print(f"Measured and formula differ by at most {abs(ratio - 1).max().max():.1%}.")
assert abs(ratio - 1).max().max() < 0.05
assert measured["without"].iloc[-1] < 1e-12

# %%
# Dots are measured, lines are the formula. From the dotted line on down, the noise is
# shorter than the gradient itself. Without replacement the line falls to zero at 200,
# and a logarithmic axis has no zero: the last dots are below the picture.

fig, ax = plt.subplots(figsize=(6.4, 3.8))
smooth = pd.Index(range(1, 201), name="size of the mini-batch", dtype=float)
lines = pd.DataFrame({"with": sigma.item() / smooth**0.5}, index=smooth)
lines["without"] = lines["with"] * ((n - smooth) / (n - 1)) ** 0.5
lines.loc[181:, "without"] = float("nan")
ax.set(xscale="log", yscale="log", ylabel="noise of the gradient", ylim=(0.18, 14))
plots.curves(ax, lines, markers=False)
for name, color in zip(measured, plots.style.SERIES, strict=False):
    ax.plot(measured[name], "o", color=color, markersize=6)
length = full.norm().item()
ax.axhline(length, color=plots.style.MUTED, linewidth=1.5, linestyle=":")
ax.text(100, 1.07 * length, "length of the gradient", ha="right", va="bottom")
ax.set_xticks([1, 10, 100], ["1", "10", "100"])
ax.set_yticks([0.2, 0.5, 1, 2, 5, 10], ["0.2", "0.5", "1", "2", "5", "10"])
ax.minorticks_off()
fig.alt_text = (
    "Noise against the size of the mini-batch on logarithmic scales: a straight line "
    "with replacement, one that bends down to zero at 200 without."
)
plt.show()

# %%
# Here is why small batches pay. Twice the precision costs *four times* the examples.
# From one pupil to four the noise halves. With replacement, so it does from 50 to 200:
# for 150 pupils more.
#
# With or without replacement
# ---------------------------
# Draw 200 times with replacement, and some pupils come twice or more while others never
# come. The share of those left out is :math:`(1 - 1/n)^n`, about :math:`1/e`. Cut a
# shuffled row instead, and each comes once.

left_out = (1 - 1 / n) ** n
draws = torch.randint(n, (2000, n), generator=generator)
seen = torch.zeros(2000, n).scatter_(1, draws, 1).mean()
print(f"Left out in an epoch: {left_out:.1%} by formula, {1 - seen:.1%} measured.")
assert abs(1 - seen.item() - left_out) < 0.005

# %%
# Does it matter? A hundred runs of each kind, with mini-batches of 10. Without
# replacement, what one mini-batch missed comes in a later one of the same epoch, and
# the errors cancel. The floor is lower.

kinds = {
    name: mean_excess(10, epochs=10, replacement=name == "with")[::20]
    for name in ("with", "without")
}
table = pd.DataFrame(kinds).rename_axis("epoch")

# %%
fig, ax = plt.subplots(figsize=(6.4, 3.6))
ax.set(yscale="log", ylabel="risk above the lowest")
plots.curves(ax, table)
fig.alt_text = (
    "Mean risk of a hundred runs over ten epochs: both fall alike at first, then the "
    "one without replacement ends lower."
)
plt.show()

# %%
floors = table[6:].mean()
print(f"At the end {floors['with']:.4f} with, {floors['without']:.4f} without.")
assert floors["without"] < 0.6 * floors["with"]

# %%
# So training loops shuffle and cut, ``training.fit`` as well.
#
# What a step costs
# -----------------
# Now the network of lesson 1.3 and its digits. A step with :math:`|B|` images computes
# :math:`|B|` gradients. It also takes memory, for what the forward pass makes has to be
# kept until the backward pass needs it (lesson 3.3). PyTorch tells us of every tensor
# that it keeps.

train, test = datasets.mnist("train"), datasets.mnist("test")
print(f"Images: {train.source}.")


def bytes_kept(size):
    """Return how many bytes the forward pass keeps, the parameters apart."""
    torch.manual_seed(0)
    model, kept = models.SmallCNN(), {}

    def keep(tensor):
        kept[tensor.data_ptr()] = tensor.nbytes
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        nn.CrossEntropyLoss()(model(train.images[:size]), train.labels[:size])
    for parameter in model.parameters():
        kept.pop(parameter.data_ptr(), None)
    return sum(kept.values())


for size in (1, 50, 500):
    print(f"{size:3} images in a batch: {bytes_kept(size):,} bytes")
per_image = bytes_kept(500) / 500
assert abs(bytes_kept(50) - 50 * per_image) < per_image
print(f"MNIST's 60,000 at once: {60_000 * per_image / 1e9:.2f} GB.")

# %%
# What a step buys
# ----------------
# Give every size the same images once, 5,000 of them where there are so many, and the
# small batches take more steps with them. Adam (lesson 2.3), the same step for all:

some = train[:5000]
print(f"One epoch of {len(some):,} images:")
accuracy = {}
for size in (5, 20, 50, 200, 1000, len(some)):
    torch.manual_seed(0)
    model = models.SmallCNN()
    training.fit(
        model,
        some,
        optimizer=lambda parameters: optim.Adam(parameters, lr=0.01),
        batch_size=size,
    )
    accuracy[size] = training.evaluate(model, test).accuracy
    steps = -(-len(some) // size)
    print(f"batches of {size:4}, steps: {steps:4}, right: {accuracy[size]:.1%}")
assert test.is_standin or accuracy[50] > accuracy[1000] + 0.3

# %%
# From 1 to 60,000
# ----------------
# A whole epoch of single images takes minutes. So the lower half of the next figure is
# *recorded* on another machine. The accuracies are those of MNIST's test images after
# one epoch of all 60,000 training images, one run for each size, so they are uneven. Of
# several learning rates of Adam each size got the one that did best on images held out.
# The seconds are those of one epoch; below 32 images in a batch, 200 steps stand for
# all.

runs = {name: datasets.recorded(f"batch_{name}") for name in ("accuracy", "time")}
for run in runs.values():
    print(f"{run}: {run.made_with['command']}")
recorded = runs["accuracy"].to_frame().sort_index()["accuracy"]
seconds = runs["time"].to_frame()["seconds per epoch"]

# %%
sizes = recorded.index.tolist()

panels = {
    "gradients per step": {size: size for size in sizes},
    "megabytes kept per step": {size: size * per_image / 1e6 for size in sizes},
    "accuracy after 60,000 images": recorded,
    "seconds per epoch": seconds,
}

fig, axes = plt.subplots(2, 2, figsize=(7.2, 6.2))
for ax, (title, values) in zip(axes.flat, panels.items(), strict=True):
    percent = title.startswith("accuracy")
    ax.set(xscale="log", yscale="linear" if percent else "log", title=title)
    ax.set(xlim=(0.7, 90_000), xlabel="images in a batch")
    ax.axvline(50, color=plots.style.ORANGE, linewidth=1.5, linestyle=":")
    plots.curves(ax, pd.DataFrame({"": values}), percent=percent)
    ax.set_xticks([1, 50, 1000, 60_000], ["1", "50", "1,000", "60,000"])
    ax.minorticks_off()
for ax in axes[1]:
    ax.set_xlabel(f"images in a batch\nrecorded: {runs['time']}")
    ax.xaxis.label.set_fontsize(9)
fig.alt_text = (
    "Four panels against the size of the batch: gradients and memory per step rise in "
    "proportion; accuracy stays near 90 percent up to 1,000 images and then falls to "
    "chance; seconds per epoch fall steeply up to 200 images, then rise a little. A "
    "dotted line marks 50."
)
plt.show()

# %%
# Why 50?
# -------
# Every step has a fixed price besides its gradients: the program goes through all
# layers, whatever the batch. Single images pay it once per image, and an epoch of them
# takes minutes. In a batch the images share it. From the other end: with very large
# batches the steps are few, and accuracy comes with the number of steps.

faster = seconds[1] / seconds[50]
rest = seconds[50] / seconds.min()
print(f"From 1 to 50 images an epoch gets {faster:.0f} times as fast,")
print(f"and with any larger batch at most another {rest:.1f} times.")
print(
    f"Accuracy with 50: {recorded[50]:.1%}; one step of 60,000: {recorded[60_000]:.1%}."
)
print(f"Memory with 50: {50 * per_image / 1e6:.1f} MB.")
assert faster > 10 > rest
assert recorded[50] > recorded.max() - 0.02

# %%
# Fifty lies in between, and 20 or 128 do as well. A larger network, or a GPU, which
# does a thousand images in the time of one, moves the choice to the right (lesson 3.7).
#
# What to remember
# ----------------
# - Batch: all examples for a step. Stochastic: one. Mini-batch: a few. One formula, and
#   only the number of terms of the mean differs.
# - The gradient of a mini-batch is right on average. Its noise falls as
#   :math:`1/\sqrt{|B|}`: twice the precision for four times the work.
# - Shuffle and cut: without replacement everybody comes once in an epoch, the noise is
#   smaller, and at :math:`|B| = n` it is zero.
# - Small batches learn fast per example, and stay on a floor; a shorter step lowers it.
# - Memory grows with the batch, and so does the number of gradients of a step. The
#   number of steps falls.
#
# **Try this.** Let ``descend`` shorten its step, :math:`\lambda = 0.05 / t` in epoch
# :math:`t`, and draw the path of the stochastic descent again. Does it rest now? Then
# find, with ``mean_excess``, the step with which mini-batches of 5 end on the same
# floor as mini-batches of 20.
#
# **Read on.** Why a descent with noise arrives if its steps shrink:
# :cite:`robbins1951`. What this means for large networks: :cite:`bottou2018`.
