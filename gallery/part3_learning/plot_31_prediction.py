r"""
3.1 From input to prediction
============================

A pizzeria delivers to every address within three kilometers of *walking*, along streets
that run north-south and east-west. On the map its district is a diamond. **How can a
network, made of straight cuts only, tell who lives inside?**

*After this lesson you can* compute the prediction of a multi-layer perceptron weight by
weight and as matrices with their shapes, say what ReLU and the logistic function are
for, and draw what each unit of a small network sees.

*Time*: 40 minutes. *Before*: lesson 1.1.
"""

# %%
# One unit, two steps
# -------------------
# Every unit does two things. It adds up what comes in, times weights, plus a bias; then
# a function :math:`\varphi` bends the sum. Without the bend, layers on top of each
# other would be one weighted sum again. Two such functions will do here: ReLU inside
# the network, and the **logistic** function at its end, which turns any sum into a
# number between 0 and 1.
#
# .. math:: \text{ReLU}(s) = \max(0, s), \quad
#    \text{logistic}(s) = \frac{1}{1 + e^{-s}} .

import copy
import math

import matplotlib.pyplot as plt
import pandas as pd
import torch

from glassbox import models, nn, optim, plots

plots.style.use()


def relu(s):
    return max(0.0, s)


def logistic(s):
    return 1 / (1 + math.exp(-s))


# %%
sums = [step / 10 for step in range(-40, 41)]
both = {"ReLU": [relu(s) for s in sums], "logistic": [logistic(s) for s in sums]}

fig, ax = plt.subplots(figsize=(6.4, 3.0))
plots.curves(ax, pd.DataFrame(both, index=sums).rename_axis("sum s"), markers=False)
fig.alt_text = (
    "ReLU is zero up to zero and then rises like its input; the logistic function "
    "climbs smoothly from 0 through one half to 1."
)
plt.show()

# %%
# A network for the district
# --------------------------
# The pizzeria is at the crossing :math:`(2, 1)`. Walking to :math:`(x_1, x_2)` takes
# :math:`|x_1 - 2| + |x_2 - 1|` kilometers. ReLU can make absolute values, because
# :math:`|d| = \max(0, d) + \max(0, -d)`. So four units measure how far the address is
# to the east, west, north and south; two units add these up; the output subtracts both
# from three kilometers, and doubles what is left, for a sharper border:
#
# - layer 1, the input: :math:`o^1 = (x_1, x_2)`;
# - layer 2: four units, ReLU;
# - layer 3: two units, ReLU;
# - layer 4, the output: one unit, logistic.
#
# ``w[l][k][p]`` is :math:`w_{pk}^l`, the weight **from** unit :math:`p` of layer
# :math:`l` **to** unit :math:`k` of the next. In the code the receiving unit comes
# first, so that ``w[l][k]`` is the row of all weights of that unit, as in the matrices
# of lesson 1.1. ``b[l][k]`` is its bias.

w = {
    1: [[1, 0], [-1, 0], [0, 1], [0, -1]],
    2: [[1, 1, 0, 0], [0, 0, 1, 1]],
    3: [[-2, -2]],
}
b = {1: [-2, 2, -1, 1], 2: [0, 0], 3: [6]}
phi = {2: relu, 3: relu, 4: logistic}
weights = sum(len(row) for layer in w.values() for row in layer)
biases = sum(len(layer) for layer in b.values())
print(f"{weights} weights and {biases} biases: {weights + biases} parameters")

# %%
# With loops over p and k
# -----------------------
# Layer by layer, for each unit :math:`k` of the next layer:
#
# .. math:: o^1 = x, \qquad s_k^{l+1} = b_k^l + \sum_{p=1}^{N_l} w_{pk}^l \, o_p^l,
#
# .. math:: o_k^{l+1} = \varphi(s_k^{l+1}) .
#
# Here the biases of layer 2 hold the place of the pizzeria. An image comes in the same
# way, as the row of its pixels, and a network with :math:`K` questions to answer has
# :math:`K` units in its last layer: its prediction is
# :math:`h(x) = (o_1^L, \dots, o_K^L)`.


def predict(x):
    """Return every weighted sum s and every output o, layer by layer."""
    s, o = {}, {1: list(x)}
    for l in (1, 2, 3):
        s[l + 1], o[l + 1] = [], []
        for k in range(len(w[l])):
            total = b[l][k]
            for p in range(len(o[l])):
                total += w[l][k][p] * o[l][p]
            s[l + 1].append(total)
            o[l + 1].append(phi[l + 1](total))
    return s, o


address = [3.5, 0.5]
s, o = predict(address)
for l in (2, 3, 4):
    print(f"layer {l}: s = {s[l]}, o = {[round(value, 3) for value in o[l]]}")
assert o[3] == [1.5, 0.5]

# %%
# The address is 1.5 km to the east and 0.5 km to the south: 2 km on foot, one less than
# three, and doubled: :math:`s = 2`. Its 0.881 is a score for *inside*, above one half;
# we made the weights up, so nothing says that 88 of 100 such addresses get their pizza.
# A score can be read as a probability once it was trained to be one (lesson 3.2). The
# same on the network: outputs in the circles,
# weights on the arrows (orange above zero, blue below, thin and gray for a weight of
# 0), biases above.

biases = [[f"b = {value}" for value in b[l]] for l in (1, 2, 3)]
fig, ax = plt.subplots(figsize=(7.2, 5.2))
plots.perceptron(
    ax,
    list(o.values()),
    list(w.values()),
    above=[["", ""], *biases],
    titles=["l = 1: address", "l = 2: ReLU", "l = 3: ReLU", "l = 4: logistic"],
    number_format="{:.3g}".format,
)
fig.alt_text = (
    "The network with the values of one address: 3.5 and 0.5 become 1.5, 0, 0, 0.5, "
    "then 1.5 and 0.5, then an output of 0.881."
)
plt.show()

# %%
# With matrices
# -------------
# Stack the weights of a layer into a matrix, one row per unit, and many addresses into
# :math:`X`, one row each. The double loop becomes one product:
#
# .. math:: O^{l+1} = \varphi(O^l \, {W^l}^\top + b^l),
#
# .. math:: (N, N_l)\,(N_l, N_{l+1}) \to (N, N_{l+1}) .

generator = torch.Generator().manual_seed(0)
X = torch.rand(150, 2, generator=generator, dtype=torch.float64) * 8 + torch.tensor(
    [-2, -3]
)
W = {l: torch.tensor(w[l], dtype=torch.float64) for l in w}
B = {l: torch.tensor(b[l], dtype=torch.float64) for l in b}
PHI = {2: nn.ReLU(), 3: nn.ReLU(), 4: nn.Sigmoid()}

O = {1: X}
for l in (1, 2, 3):
    O[l + 1] = PHI[l + 1](O[l] @ W[l].T + B[l])
    shapes = [tuple(t.shape) for t in (O[l], W[l].T, B[l], O[l + 1])]
    print("{} @ {} + {} -> {}".format(*shapes))

by_loops = torch.tensor([predict(x)[1][4] for x in X.tolist()])
torch.testing.assert_close(O[4], by_loops.double(), rtol=0, atol=1e-6)

# %%
# The package has these layers ready: a ``Sequential`` of ``Linear``, ``ReLU`` and
# ``Sigmoid``, which is the name of the logistic function in libraries.

network = nn.Sequential(
    nn.Linear(2, 4),
    nn.ReLU(),
    nn.Linear(4, 2),
    nn.ReLU(),
    nn.Linear(2, 1),
    nn.Sigmoid(),
).double()
with torch.no_grad():
    for l, dense in zip(w, network[::2], strict=True):
        dense.weight.copy_(W[l])
        dense.bias.copy_(B[l])
    output = network(X)
print(f"Largest difference from ours: {(output - O[4]).abs().max():.0e}.")
torch.testing.assert_close(output, O[4])


def walking(addresses):
    """Return the kilometers on foot from the pizzeria."""
    return (addresses - torch.tensor([2, 1])).abs().sum(dim=-1)


inside = walking(X) < 3
assert ((output[:, 0] > 0.5) == inside).all()
print(f"All {len(X)} addresses are judged right; {inside.sum()} are inside.")

# %%
# What each hidden unit sees
# --------------------------
# A unit of layer 2 is zero on one side of a straight line and rises on the other: a
# **hinge** over the plane. The line is where its sum is zero, and its weights point to
# the active side. The fuller the color, the larger the output.
#
# .. predict:: west

plane = (-2, 6), (-3, 5)


@torch.no_grad()
def unit(layers, k):
    """Return what unit k says after so many layers, as a function of points."""
    return lambda points: network[:layers](points)[..., k]


fig, axes = plt.subplots(1, 4, figsize=(7.2, 2.7), sharey=True)
for k, (ax, name) in enumerate(
    zip(axes, ["east", "west", "north", "south"], strict=True)
):
    plots.activity(ax, unit(2, k), *plane)
    plots.hinge_lines(ax, W[1][[k]], B[1][[k]])
    ax.set_title(f"{k + 1}: {name}")
axes[0].set_ylabel("$x_2$, to the north")
fig.supxlabel("$x_1$, kilometers to the east", fontsize=11)
fig.alt_text = (
    "Four hinges: each unit of layer 2 is zero on one side of a street through the "
    "pizzeria and grows on the other."
)
plt.show()

# %%
# A unit of layer 3 adds hinges to a valley. The output adds two valleys, and where
# their sum reaches three kilometers there is a boundary: four straight sides, one for
# each pair of active hinges.

fig, axes = plt.subplots(1, 3, figsize=(7.2, 3.1), sharey=True)
plots.activity(axes[0], unit(4, 0), *plane).set_title("east or west")
plots.activity(axes[1], unit(4, 1), *plane).set_title("north or south")
plots.activity(axes[2], unit(6, 0), *plane, boundary=0.5).set_title("output")
plots.yes_no_points(axes[2], X, inside)
axes[0].set_ylabel("$x_2$, to the north")
fig.supxlabel("$x_1$, kilometers to the east", fontsize=11)
fig.alt_text = (
    "Two valleys, one along each street, and the output: high inside a diamond whose "
    "border separates full from hollow points."
)
plt.show()

# %%
# The place of the pizzeria stands in the biases of layer 2 alone, and the reach in the
# bias of the output. So it moves to another crossing without a weight being touched.


def open_at(east, north, reach):
    """Return the network of a pizzeria there, which delivers so many kilometers."""
    moved = copy.deepcopy(network)
    with torch.no_grad():
        moved[0].bias.copy_(torch.tensor([-east, east, -north, north]))
        moved[4].bias.fill_(2 * reach)
    return moved


places = [(2, 1, 3), (0, -1, 2), (4, 3, 1.5)]
pizzerias = [open_at(*place) for place in places]
for (east, north, reach), pizzeria in zip(places, pizzerias, strict=True):
    on_foot = (X - torch.tensor([east, north])).abs().sum(dim=1)
    with torch.no_grad():
        says = pizzeria(X)[:, 0] > 0.5
    assert (says == (on_foot < reach)).all()
    print(f"at ({east}, {north}), {reach} km: {says.sum()} of the 150 addresses")

# %%
fig, axes = plt.subplots(1, 3, figsize=(7.2, 3.1), sharey=True)
for ax, (east, north, reach), pizzeria in zip(axes, places, pizzerias, strict=True):
    with torch.no_grad():
        plots.activity(
            ax, lambda at, net=pizzeria: net(at)[..., 0], *plane, boundary=0.5
        )
    ax.plot(east, north, "*", color=plots.style.INK, markersize=11)
    ax.set_title(f"({east}, {north}), {reach} km")
axes[0].set_ylabel("$x_2$, to the north")
fig.supxlabel("$x_1$, kilometers to the east", fontsize=11)
fig.alt_text = (
    "Three diamonds of different sizes, each around a star, the place of its pizzeria."
)
plt.show()

# %%
# How layers fold the plane
# -------------------------
# Take the plane as a sheet of paper with a grid on it. Layer 3 sends a point to
# :math:`(|x_1 - 2|, |x_2 - 1|)`: that folds the sheet along one street, then along the
# other, and four quarters lie on top of each other. On the folded sheet *one straight
# cut*, the output unit, is enough. Unfold it, and the cut is a diamond.

diamond = torch.tensor([[5, 1], [2, 4], [-1, 1], [2, -2], [5, 1]], dtype=torch.float64)
with torch.no_grad():
    cut = network[:4](diamond)

# %%
east, north = torch.meshgrid(
    torch.linspace(*plane[0], 9), torch.linspace(*plane[1], 9), indexing="xy"
)
sheet = torch.stack([east, north], dim=-1).double()
with torch.no_grad():
    hinges = network[:2](sheet)
    folded = network[:4](sheet)
once = torch.stack([hinges[..., 0] + hinges[..., 1], sheet[..., 1]], dim=-1)
half = torch.stack([cut[:, 0], diamond[:, 1]], dim=-1)
west = sheet[:, :5] - torch.tensor([2, 0])  # what is folded over, where it lay before
south = once[:5] - torch.tensor([0, 1])

fig, axes = plt.subplots(1, 3, figsize=(7.2, 3.6), width_ratios=[8, 8, 4])
steps = [
    ("the plane", sheet, diamond, []),
    ("folded once", once, half, west),
    ("twice", folded, cut, south),
]
for ax, (title, grid, border, ghost) in zip(axes, steps, strict=True):
    for line in [*ghost, *(ghost.transpose(0, 1) if len(ghost) else [])]:
        ax.plot(*line.T, ":", color=plots.style.MUTED, linewidth=0.8)
    plots.mapped_grid(ax, grid).set_title(title)
    ax.plot(*border.T, color=plots.style.INK, linewidth=2.5)
over = {"arrowstyle": "-|>", "color": plots.style.PURPLE, "linewidth": 1.5}
bent = {**over, "connectionstyle": "arc3,rad=-0.4"}
axes[1].annotate("", (2, 2.5), (-2, 2.5), arrowprops=bent)
axes[2].annotate(
    "", (2, 2), (2, -2), arrowprops={**bent, "connectionstyle": "arc3,rad=0.4"}
)
fig.alt_text = (
    "A grid with a diamond on it. Its western half is folded over the eastern one, "
    "then the southern over the northern; dots show where each half lay before. The "
    "diamond becomes one straight line."
)
plt.show()

# %%
on_the_cut = cut.sum(dim=1)
print("Corners of the diamond, folded twice:", cut[:4].tolist())
torch.testing.assert_close(on_the_cut, torch.full_like(on_the_cut, 3))

# %%
# A network that finds its own hinges
# -----------------------------------
# Nobody has to think of north and south. Take eight hidden units with random weights,
# and a few hundred steps down a loss (lesson 3.2) along its gradient (lesson 3.3). The
# network sees the 150 addresses; judge it on 20,000 others.
#
# .. predict:: fresh-addresses

torch.manual_seed(3)
learner = models.MLP(2, 8, 1)
start = [t.detach().clone() for t in (learner.fc1.weight, learner.fc1.bias)]
loss = nn.BCEWithLogitsLoss()
optimizer = optim.Adam(learner.parameters(), lr=0.05)
for _ in range(400):
    optimizer.zero_grad()
    loss(learner(X.float())[:, 0], inside.float()).backward()
    optimizer.step()


def share_right(addresses):
    """Return how many addresses the network judges as the walk does."""
    says = learner(addresses.float())[:, 0] > 0
    return (says == (walking(addresses) < 3)).double().mean().item()


fresh = torch.rand(20_000, 2, generator=generator).double() * 8 + torch.tensor([-2, -3])
print(f"{share_right(X):.1%} of the addresses that it has seen are judged right,")
print(f"{share_right(fresh):.1%} of 20,000 others")
assert share_right(X) > share_right(fresh) > 0.9

with torch.no_grad():
    says_yes = learner(fresh.float())[:, 0] > 0
wrong = fresh[says_yes != (walking(fresh) < 3)]
distance = (walking(wrong) - 3).abs()
print(f"Half of those misjudged lie within {distance.median():.2f} km of the border,")
print(f"all of them within {distance.max():.2f} km.")


# %%
@torch.no_grad()
def probability(points):
    return learner(points.float().reshape(-1, 2)).sigmoid().reshape(points.shape[:-1])


fig, axes = plt.subplots(1, 3, figsize=(7.2, 3.1), sharey=True)
axes[0].set(xlim=plane[0], ylim=plane[1], aspect="equal", title="before")
plots.yes_no_points(plots.hinge_lines(axes[0], *start), X, inside)
plots.activity(axes[1], probability, *plane, boundary=0.5).set_title("after")
plots.yes_no_points(axes[1], X, inside)
plots.hinge_lines(axes[1], learner.fc1.weight, learner.fc1.bias)
plots.activity(axes[2], probability, *plane, boundary=0.5)
axes[2].set_title("fresh, misjudged")
axes[2].plot(*diamond.T, "--", color=plots.style.INK, linewidth=1)
axes[2].plot(*wrong.T, ".", color=plots.style.PURPLE, markersize=2)
fig.alt_text = (
    "Before training eight hinge lines lie anywhere; after it the border encloses the "
    "full points, and it bends where it crosses a hinge line. The fresh addresses that "
    "are misjudged fill the gaps between this border and the diamond."
)
plt.show()

# %%
# Between two hinges the border is straight, and it bends where it crosses one. Some
# hinges went elsewhere and take no part. No address that the network saw lies between
# its border and the diamond, so nothing told it where the true border runs. The fresh
# ones that do lie there, it misjudges.
#
# What to remember
# ----------------
# - A unit adds up and bends: :math:`s_k = b_k + \sum_p w_{pk} o_p`, then
#   :math:`o_k = \varphi(s_k)`.
# - In matrices a layer is :math:`\varphi(O W^\top + b)`. The shapes tell where a
#   transpose is needed.
# - A ReLU unit sees one straight hinge. The next layers add hinges, which folds the
#   plane, and one straight cut on the folded sheet is a bent border on the map.
# - The logistic function at the end turns the sum into a score between 0 and 1, one
#   half on the border.
# - What counts is how a network does on addresses that it has not seen.
#
# **Try this.** Move the pizzeria to :math:`(0, 0)` and let it deliver twice as far to
# the east as to the west. Which numbers in ``w`` and ``b`` change? Then leave out all
# the ReLU: what shape has the border now, and why?
