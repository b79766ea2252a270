r"""
3.1 From input to prediction
============================

A pizzeria delivers to every address within three kilometers of *walking*, along streets
that run north-south and east-west. On the map its district is a diamond. **How can a
network, made of straight cuts only, tell who lives inside?**

*After this lesson you can* compute the prediction of a multi-layer perceptron weight by
weight and as matrices with their shapes, say what ReLU and the logistic function are
for, and draw what each unit of a small network sees.

*Time*: 45 minutes. *Before*: lesson 1.1.
"""

# %%
# One unit, two steps
# -------------------
# Every unit does two things. It adds up what comes in, times weights, plus a bias; then
# a function :math:`\varphi` bends the sum. Two such functions will do here: ReLU inside
# the network, and the **logistic** function at its end, which turns any sum into a
# number between 0 and 1, and 0 into one half.
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

fig, ax = plt.subplots(figsize=(6.0, 3.0))
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
# to the east, west, north and south; two units add these up in pairs; the output
# subtracts both from three kilometers, and doubles what is left, for a sharper border:
#
# - layer 1, the input: :math:`o^1 = (x_1, x_2)`;
# - layer 2: four units, ReLU;
# - layer 3: two units, ReLU;
# - layer 4, the output: one unit, logistic.
#
# Layers 2 and 3 are called **hidden**, for nobody asks for their values. A network of
# such layers, each unit joined to all units of the layer before, is a **multi-layer
# perceptron**. (The ReLU of layer 3 has nothing to cut, since distances are never
# negative. The layer is there so that the two distances can be seen.)
#
# The weights :math:`w^l` and biases :math:`b^l` lead out of layer :math:`l`. Mind the
# order: the formula writes :math:`w_{pk}^l` for the weight **from** unit :math:`p`
# **to** unit :math:`k` of the next layer; the code puts the receiving unit first,
# ``w[l][k][p]``, so that ``w[l][k]`` is the row of all weights of that unit, as in the
# matrices of lesson 1.1.

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
# .. math:: o_k^{l+1} = \varphi(s_k^{l+1}) ,
#
# with :math:`N_l` for the number of units of layer :math:`l`. An image comes in the
# same way, as the row of its pixels, and a network with several questions to answer has
# a unit for each in its last layer.


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
# three, and doubled: :math:`s = 2`. The output 0.881 is above one half, so it says
# *inside*. We made the weights up: nothing says that 88 of 100 such addresses get their
# pizza. Only training makes an output stand for a probability (lesson 3.2), and even
# then one must check that on fresh examples. The same on the network: outputs in the
# circles, weights on the arrows (orange above zero, blue below, thin and gray for a
# weight of 0), a bias at each unit.

biases = [[f"b = {value}" for value in b[l]] for l in (1, 2, 3)]
fig, ax = plt.subplots(figsize=(4.95, 5.0))
plots.perceptron(
    ax,
    list(o.values()),
    list(w.values()),
    labels=[["", ""], *biases],
    titles=["1\naddress", "2\nReLU", "3\nReLU", "4\nlogistic"],
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
# Stack the weights of a layer into a matrix :math:`W^l` with one row for each unit of
# the next layer, :math:`(N_{l+1}, N_l)`, and :math:`N` addresses into :math:`X`, one
# row each. The double loop becomes one product:
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
# In this form one sees what the bends are for. Leave them out, and two layers are
#
# .. math:: W^2 (W^1 x + b^1) + b^2 = (W^2 W^1)\, x + (W^2 b^1 + b^2) ,
#
# one matrix and one bias: a single layer, whose border is one straight line. So it is
# with any number of layers. In this network even that line is lost, since east and west
# cancel without ReLU:

flat = X
for l in (1, 2, 3):
    flat = flat @ W[l].T + B[l]
print("Without ReLU, every address has the sum", flat.unique().numpy().round(9))
assert (flat - 6).abs().max() < 1e-12

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
# the active side. The fuller the color, the larger the output, up to the largest of
# each panel.
#
# .. predict:: west

plane = (-2, 6), (-3, 5)


@torch.no_grad()
def unit(layers, k):
    """Return what unit k says after so many layers, as a function of points."""
    return lambda points: network[:layers](points)[..., k]


fig, axes = plt.subplots(2, 2, figsize=(5.4, 5.4), sharex=True, sharey=True)
for k, (ax, name) in enumerate(
    zip(axes.flat, ["east", "west", "north", "south"], strict=True)
):
    plots.activity(ax, unit(2, k), *plane)
    plots.hinge_lines(ax, W[1][[k]], B[1][[k]])
    ax.set_title(f"{k + 1}: {name}")
fig.supxlabel("$x_1$, kilometers to the east", fontsize=11)
fig.supylabel("$x_2$, to the north", fontsize=11)
fig.alt_text = (
    "Four hinges: each unit of layer 2 is zero on one side of a street through the "
    "pizzeria and grows on the other."
)
plt.show()

# %%
# A unit of layer 3 adds two opposite hinges: together they make a trough. The output
# adds both troughs, which makes the kilometers on foot; where they come to three there
# is a boundary: four straight sides, one for each pair of active hinges. The biases
# :math:`b^1` alone hold the place of the pizzeria, and the bias of the output its
# reach: exercise 3.1-b changes both.

fig, axes = plt.subplots(2, 2, figsize=(5.4, 5.4), sharex=True, sharey=True)
(east_west, north_south), (on_foot, answer) = axes
plots.activity(east_west, unit(4, 0), *plane).set_title("east or west")
plots.activity(north_south, unit(4, 1), *plane).set_title("north or south")
plots.activity(
    on_foot, lambda at: unit(4, 0)(at) + unit(4, 1)(at), *plane, boundary=3
).set_title("their sum, a line at 3")
plots.activity(answer, unit(6, 0), *plane, boundary=0.5).set_title("output")
plots.yes_no_points(answer, X, inside)
fig.supxlabel("$x_1$, kilometers to the east", fontsize=11)
fig.supylabel("$x_2$, to the north", fontsize=11)
fig.alt_text = (
    "Two troughs, one along each street; their sum, which is 3 on a diamond; and the "
    "output, high inside the diamond, whose border separates full from hollow points."
)
plt.show()

# %%
# How layers fold the plane
# -------------------------
# Take the plane as a sheet of paper with a grid on it. The two troughs of layer 3 send
# a point to :math:`(|x_1 - 2|, |x_2 - 1|)`: the first folds the sheet along one street,
# the second along the other, and four quarters lie on top of each other. On the folded
# sheet *one straight cut*, the output unit, is enough: the whole border of the district
# comes to lie on one line, where the two distances make three. Unfold it, and the cut
# is a diamond.

diamond = torch.tensor([[5, 1], [2, 4], [-1, 1], [2, -2], [5, 1]], dtype=torch.float64)
with torch.no_grad():
    cut = network[:4](diamond)
print("Corners of the diamond, folded twice:", cut[:4].tolist())
torch.testing.assert_close(cut.sum(dim=1), torch.full((5,), 3.0, dtype=torch.float64))

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

fig, axes = plt.subplots(1, 3, figsize=(6.0, 2.8), width_ratios=[8, 8, 4])
steps = [
    ("the plane", sheet, diamond, []),
    ("folded once", once, half, west),
    ("twice", folded, cut, south),
]
for ax, (title, grid, border, ghost) in zip(axes, steps, strict=True):
    for line in [*ghost, *(ghost.transpose(0, 1) if len(ghost) else [])]:
        ax.plot(*line.T, ":", color=plots.style.MUTED, linewidth=0.8)
    plots.mapped_grid(ax, grid).set_title(title)
    ax.xaxis.set_major_locator(plt.MultipleLocator(2))
    ax.plot(*border.T, color=plots.style.INK, linewidth=2.5)
over = {"arrowstyle": "-|>", "color": plots.style.PURPLE, "linewidth": 1.5}
bent = {**over, "connectionstyle": "arc3,rad=-0.4"}
axes[1].annotate("", (2, 2.5), (-2, 2.5), arrowprops=bent)
axes[2].annotate(
    "", (2, 2), (2, -2), arrowprops={**bent, "connectionstyle": "arc3,rad=0.4"}
)
for ax, name in zip(
    axes, ["km to the east", "km east or west", "east or west"], strict=True
):
    ax.set_xlabel(name)
axes[0].set_ylabel("km to the north")
axes[2].set_ylabel("north or south")
fig.alt_text = (
    "A grid with a diamond on it. Its western half is folded over the eastern one, "
    "then the southern over the northern; dots show where each half lay before. The "
    "diamond becomes one straight line."
)
plt.show()

# %%
# A network that finds its own hinges
# -----------------------------------
# Nobody has to think of north and south. Take eight hidden units with random weights,
# and a few hundred steps down a loss (lesson 3.2) along its gradient (lesson 3.3). This
# network ends with the sum, before the logistic function: above 0 is inside. It sees
# the 150 addresses; judge it on 20,000 others.
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


@torch.no_grad()
def share_right(network, addresses):
    """Return how many addresses the network judges as the walk does."""
    says = network(addresses.float())[:, 0] > 0
    return (says == (walking(addresses) < 3)).double().mean().item()


fresh = torch.rand(20_000, 2, generator=generator).double() * 8 + torch.tensor([-2, -3])
seen, others = share_right(learner, X), share_right(learner, fresh)
outside = (walking(fresh) >= 3).double().mean().item()
print(f"{seen:.1%} of the addresses that it has seen are judged right,")
print(f"{others:.1%} of 20,000 others. To say outside each time is right for ", end="")
print(f"{outside:.1%}.")
assert seen == 1 > others > 0.9 > 0.75 > outside

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


fig, axes = plt.subplots(1, 3, figsize=(6.0, 2.8), sharey=True)
axes[0].set(xlim=plane[0], ylim=plane[1], aspect="equal", title="before")
plots.hinge_lines(axes[0], *start)
plots.activity(axes[1], probability, *plane, boundary=0.5).set_title("after")
plots.yes_no_points(axes[1], X, inside)
plots.hinge_lines(axes[1], learner.fc1.weight, learner.fc1.bias)
plots.activity(axes[2], probability, *plane).set_title("misjudged")
axes[2].plot(*wrong.T, ".", color=plots.style.MUTED, markersize=2)
axes[2].plot(*diamond.T, "--", color=plots.style.INK, linewidth=1.2)
fig.alt_text = (
    "Before training eight hinge lines lie anywhere; after it the border encloses the "
    "full points, and it bends where it crosses a hinge line. The fresh addresses that "
    "are misjudged fill the gaps between this border and the diamond."
)
plt.show()

# %%
# Between the hinge lines every unit is either asleep or a weighted sum, so that the
# sum at the end is one weighted sum there: a flat piece of a folded sheet. So the
# border is straight there, and bends only where it crosses a hinge line. No address
# that the network saw lies between its border and the diamond (dashed), so nothing told
# it where the true border runs. The fresh ones that do lie there (gray), it misjudges.
#
# Do all eight units work? Switch each one off in turn.

units = {"awake inside": [], "outside": [], "right without": []}
at_home = walking(fresh) < 3
for k in range(8):
    without = copy.deepcopy(learner)
    with torch.no_grad():
        without.fc2.weight[0, k] = 0
        awake = (learner.fc1(fresh.float())[:, k] > 0).double()
    units["awake inside"].append(awake[at_home].mean().item())
    units["outside"].append(awake[~at_home].mean().item())
    units["right without"].append(share_right(without, fresh))
units = pd.DataFrame(units, index=pd.RangeIndex(1, 9, name="unit"))
print(units.map("{:.1%}".format).to_string())
assert units["awake inside"][4] == 1
assert units["awake inside"][8] == 0
assert units["right without"][[4, 5, 6]].max() < 0.8
assert units["outside"][1] > 3 * units["awake inside"][1]
assert units["right without"][1] < others - 0.05
assert learner.fc2.weight[0, 0] < 0
assert units["right without"][8] > others - 0.005

# %%
# The last unit sleeps in the whole district, and nobody misses it. Without 4, 5 or 6
# the network does little better than someone who always says *outside*. Unit 4 is awake
# in the whole district: its hinge line runs outside and bends nothing inside, but it
# tilts the sheet. Unit 1 is awake mostly outside the district, and is missed all the
# same: its weight is negative and keeps the sum down there.
#
# What to remember
# ----------------
# - A unit adds up and bends: :math:`s_k = b_k + \sum_p w_{pk} o_p`, then
#   :math:`o_k = \varphi(s_k)`.
# - In matrices a layer is :math:`\varphi(O W^\top + b)`. The shapes tell where a
#   transpose is needed, unless the two numbers of units are equal.
# - A ReLU unit on the inputs sees one straight hinge. Between the hinges the network's
#   sum is one weighted sum: a flat, tilted piece. Two opposite hinges, added, fold the
#   plane, and one straight cut on the folded sheet is a bent border on the map.
# - Without the bends, layers on top of each other are one layer.
# - The logistic function at the end turns the sum into a number between 0 and 1, one
#   half on the border.
# - What counts is how a network does on addresses that it has not seen.
#
# **Try this.** Move the pizzeria to :math:`(0, 0)` and let it deliver twice as far to
# the east as to the west. Which numbers in ``w`` and ``b`` change? Then leave out all
# the ReLU: what shape has the border now, and why?
