r"""
1.4 Layer by layer inside the CNN
=================================

The network of lesson 1.3 takes an image and gives ten probabilities. **What happens
to one digit on its way through, and where is the answer found?**

*After this lesson you can* recompute any number inside the network, read feature maps
and filters, and show with a measurement what "transforming the information" means.

*Time*: 50 minutes. *Before*: lessons 1.1 to 1.3.
"""

# %%
# One digit, every layer
# ----------------------
# We take the trained network that comes with the package and a four from the test
# images, and look at what each layer hands on. Rows with values of both signs are red
# above zero and blue below; rows after a ReLU run from dark, zero, to yellow.

import matplotlib.pyplot as plt
import torch

from glassbox import datasets, models, plots, tracing

plots.style.use()
test = datasets.mnist("test")
model = models.SmallCNN(pretrained=True)
print(f"Digits: {test.source}.")

digit = test.images[test.labels == 4][:1]
inside = tracing.trace(model, digit)

# %%
outputs = {"input": digit} | {
    name: record.output for name, record in inside.items() if name != "flatten"
}

fig, ax = plt.subplots(figsize=(6.4, 12.6))
plots.network(ax, outputs, values=True)
fig.alt_text = (
    "A handwritten four and its feature maps, layer under layer: two maps of its "
    "outline, then four and eight ever smaller ones, ever less like a four, then "
    "strips of 32 and 10 numbers."
)
plt.show()

# %%
# At the top one still sees *where* the ink is. Further down the maps are few pixels
# wide, most of them dark, and each answers a question such as "is there a stroke of
# this direction, roughly here?". The last strip holds ten scores.

scores = inside["fc2"].output[0]
print(
    "Scores:",
    " ".join(
        f"{name}: {score:.1f}"
        for name, score in zip(test.class_names, scores, strict=True)
    ),
)
print(f"The highest is that of class {scores.argmax().item()}.")

# %%
# One number of the first layer, by hand
# --------------------------------------
# Number the layers: the image :math:`X` is layer 1, the maps of ``conv1`` are layer 2.
# The upper 2 below is this number, no square. Each value is a bias plus four pixels
# times four weights,
#
# .. math::
#
#    \begin{aligned}
#    &I^{2,c}(p_x, p_y) = b_c^2 + {} \\
#    &\quad \sum_{k=0}^{1} \sum_{l=0}^{1} X(p_x + k,\, p_y + l)\; w_c^2(k, l) ,
#    \end{aligned}
#
# followed by :math:`\max(0, \cdot)`. The image has a border of zeros, one pixel wide,
# so row 0 of the sum is the border. Take the strongest value of all.

maps = inside["conv1"].output[0]
channel, row, column = (int(i) for i in torch.unravel_index(maps.argmax(), maps.shape))
bordered = torch.zeros(30, 30)
bordered[1:29, 1:29] = digit[0, 0]

patch = bordered[row : row + 2, column : column + 2]
kernel, bias = model.conv1.weight[channel, 0].detach(), model.conv1.bias[channel].item()
by_hand = bias + (patch * kernel).sum()
print(
    f"Channel {channel}, row {row}, column {column}: bias {bias:.3f} + products "
    f"{(patch * kernel).sum():.3f} "
    f"= {by_hand:.3f}"
)
torch.testing.assert_close(by_hand, maps[channel, row, column])

# %%
# The frames mark the patch in the image and the value in the map.

fig, axes = plt.subplots(1, 4, figsize=(7.2, 2.3), width_ratios=[1.5, 1, 1, 1.5])
plots.outline(plots.image(axes[0], digit), row - 1, column - 1, 2, 2)
plots.cells(axes[1], patch, kind="photo", number_format="{:.2f}".format)
plots.cells(axes[2], kernel, number_format="{:.2f}".format)
plots.outline(plots.image(axes[3], maps[channel], kind="signed"), row, column, 1, 1)
for ax, title in zip(
    axes, ["image", "patch", "kernel", f"map: {by_hand:.2f}"], strict=True
):
    ax.set_title(title)
fig.alt_text = (
    "The four with a framed patch, the four pixels, the kernel's four weights, the "
    "map with the framed value."
)
plt.show()

# %%
# One number of the second layer, by hand
# ---------------------------------------
# The second convolution reads *both* channels of the first: it has one kernel per
# channel :math:`c'` and adds up,
#
# .. math::
#
#    \begin{aligned}
#    &I^{3,c}(p_x, p_y) = b_c^3 + {} \\
#    &\; \sum_{c'=1}^{2} \sum_{k=0}^{1} \sum_{l=0}^{1}
#    I^{2,c'}(p_x + k,\, p_y + l)\; w_{c,c'}^3(k, l) .
#    \end{aligned}
#
# ``terms`` writes the same sum for any number of any layer. Places are written
# (image, channel, row, column), counted from 0. A window begins one row above and one
# column before its number's place, for the border took the first ones.

pooled = inside["pool1"].output[0]
maps = inside["conv2"].output[0]
channel = 1  # it listens to both channels below
strongest = maps[channel, 1:-1, 1:-1].argmax().item()  # the border left out
row, column = 1 + strongest // 13, 1 + strongest % 13

patches = pooled[:, row - 1 : row + 1, column - 1 : column + 1]
kernels, bias = model.conv2.weight[channel].detach(), model.conv2.bias[channel].item()
by_hand = bias + (patches * kernels).sum()
torch.testing.assert_close(by_hand, maps[channel, row, column])
print(inside["conv2"].terms(channel, row, column))

# %%
# Both rows of the figure add into the one framed value.

limit = pooled.max().item()
fig, axes = plt.subplots(2, 4, figsize=(7.2, 4.2), width_ratios=[1.5, 1, 1, 1.5])
for source, line in enumerate(axes):
    plots.outline(
        plots.image(line[0], pooled[source], kind="positive", limit=limit),
        row - 1,
        column - 1,
        2,
        2,
    )
    plots.cells(line[1], patches[source], number_format="{:.2f}".format)
    plots.cells(line[2], kernels[source], number_format="{:.2f}".format)
    line[0].set_title(f"pool1, channel {source}")
    line[1].set_title("patch")
    line[2].set_title("kernel")
    line[3].set_axis_off()
plots.outline(plots.image(axes[0, 3], maps[channel], kind="signed"), row, column, 1, 1)
axes[0, 3].set_title(f"conv2, channel {channel}: {by_hand:.2f}")
fig.alt_text = (
    "Two pooled maps with framed patches, a kernel for each, and the map with the "
    "value that they add up to."
)
plt.show()

# %%
# Every other number of the network opens in the same way, without a line of code:
# :doc:`in a digit that you draw </play/digit>`, or in
# :exported:`one file that holds the network <small-cnn>`, which
# ``glassbox.explain.export`` writes for your own networks too.
#
# The learned filters
# -------------------
# All kernels of the network, one row per output channel, one column per input channel.
# Two pixels wide, they can only compare neighbors: above with below, left with right,
# corner with corner.

fig, axes = plt.subplots(1, 3, figsize=(6.4, 4.6), width_ratios=[1, 2, 4])
for ax, name in zip(axes, ["conv1", "conv2", "conv3"], strict=True):
    weight = inside[name].state["weight"]
    names = [str(index) for index in range(len(weight))]
    plots.image_grid(
        ax,
        weight.flatten(0, 1),
        columns=weight.shape[1],
        kind="signed",
        row_names=names,
    )
    ax.set_title(name)
fig.alt_text = (
    "The two, eight and thirty-two kernels of the three convolutions, two by two "
    "weights each, red and blue."
)
plt.show()

# %%
# What ReLU drops
# ---------------
# One digit is an example; a thousand are a measurement. For each channel, how many of
# its values does ReLU put to zero?

sample = test[:1000]
layers = tracing.trace(model, sample.images)
zeros, names = [], []
for name in ["relu1", "relu2", "relu3"]:
    share = (layers[name].output == 0).double().mean(dim=(0, 2, 3))
    zeros += share.tolist()
    names += [f"{name}, channel {index}" for index in range(len(share))]
zeros = torch.tensor(zeros)

# %%
fig, ax = plt.subplots(figsize=(6.4, 4.6))
plots.named_bars(ax, zeros, names, number_format="{:.0%}".format)
ax.set_title("values put to zero")
fig.alt_text = (
    "Bars: the share of values that ReLU puts to zero in each of the fourteen channels."
)
plt.show()

# %%
hidden = (layers["relu4"].output == 0).double().mean()
print(
    f"Over all channels ReLU drops {zeros.mean():.0%}; of the 32 numbers of the first "
    f"dense layer {hidden:.0%}."
)

# %%
# What pooling keeps
# ------------------
# From every 2 × 2 block only the largest value goes on. The frames mark the winners.

relu, pool = inside["relu2"].output[0, channel], inside["pool2"].output[0, channel]
top, left_edge = 2 * max(0, row // 2 - 1), 2 * max(0, column // 2 - 1)
block = relu[top : top + 6, left_edge : left_edge + 6]
winners = pool[top // 2 : top // 2 + 3, left_edge // 2 : left_edge // 2 + 3]

fig, (left, right) = plt.subplots(1, 2, figsize=(6.4, 4.2), width_ratios=[2, 1])
plots.cells(left, block, number_format="{:.1f}".format)
plots.cells(
    right, winners, limit=block.abs().max().item(), number_format="{:.1f}".format
)
for i in range(3):
    for j in range(3):
        winner = int(block[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].argmax())
        plots.outline(left, 2 * i + winner // 2, 2 * j + winner % 2, 1, 1)
for border in (1.5, 3.5):  # between the blocks
    left.axhline(border, color=plots.style.MUTED, linewidth=3)
    left.axvline(border, color=plots.style.MUTED, linewidth=3)
left.set_title("after ReLU")
right.set_title("after pooling")
fig.alt_text = (
    "Six by six values in blocks of four, the largest of each framed; beside them "
    "the nine winners."
)
plt.show()

# %%
for index in (1, 2, 3):
    before, after = layers[f"relu{index}"].output, layers[f"pool{index}"].output
    print(
        f"pool{index} keeps {after[0].numel() / before[0].numel():.0%} of the numbers "
        "and "
        f"{after.sum() / before.sum():.0%} of their sum."
    )

# %%
# The dense part
# --------------
# ``fc1`` weighs the 128 numbers that are left, 16 for each of eight channels, into 32.
# ``fc2`` weighs those into ten scores: its row for a digit says which of the 32 speak
# for it, in red, and which against it, in blue.

fig, (upper, lower) = plt.subplots(
    2, 1, figsize=(7.2, 4.4), height_ratios=[32 * 32 / 128, 10]
)
plots.cells(upper, inside["fc1"].state["weight"], number_format=None)
plots.cells(lower, inside["fc2"].state["weight"], number_format=None)
lower.set_axis_on()
lower.set(xticks=[], yticks=range(10))
lower.tick_params(length=0)
upper.set_title("fc1: 32 rows, 128 columns")
lower.set_title("fc2: one row per digit, 32 columns")
fig.alt_text = "Two matrices of weights, 32 by 128 and 10 by 32, in red and blue."
plt.show()

# %%
# Mean maps per class
# -------------------
# Average the maps over all test digits of a class: what a channel looks for shows in
# where it lights up for each digit.

every = tracing.trace(model, test.images)

# %%
for name, height in [("relu2", 3.0), ("relu3", 5.4)]:
    output = every[name].output
    means = torch.stack(
        [output[test.labels == label].mean(dim=0) for label in range(10)], dim=1
    )
    fig, ax = plt.subplots(figsize=(6.4, height))
    plots.image_grid(
        ax,
        means.flatten(0, 1),
        columns=10,
        kind="positive",
        row_names=[str(index) for index in range(len(means))],
        column_names=test.class_names,
    )
    ax.set_title(f"{name}: the mean of each channel, for each digit")
    fig.alt_text = (
        f"Mean feature maps of {name}: one row per channel, one column per digit, "
        "bright in other places."
    )
    plt.show()

# %%
# The information is transformed
# ------------------------------
# Now the central picture. Take 1,000 test digits at every layer, as long rows of
# numbers, and draw each set in the two directions in which it varies most (**principal
# components**: the first two columns of a singular value decomposition).


def two_main_directions(features):
    centered = features - features.mean(dim=0)
    U, S, _ = torch.linalg.svd(centered, full_matrices=False)
    return U[:, :2] * S[:2]


steps = ["input", "pool1", "pool2", "pool3", "relu4", "fc2"]
features = {"input": sample.images.flatten(1)} | {
    name: layers[name].output.flatten(1) for name in steps[1:]
}

# %%
fig, axes = plt.subplots(3, 2, figsize=(6.4, 8.8))
for ax, (name, values) in zip(axes.flat, features.items(), strict=True):
    plots.class_map(ax, two_main_directions(values), sample.labels, sample.class_names)
    ax.set_title(f"{name}: {values.shape[1]} numbers")
fig.alt_text = (
    "Six maps of a thousand digits, one per layer: mixed at the input, in separate "
    "groups at the last layer."
)
plt.show()

# %%
# The digits get sorted. A measurement without the eye: how well can *one* dense layer
# read the digit from each layer's numbers? Such a reader is called a **linear probe**.
# We fit it by least squares on training images: for each class, the weights whose sum
# is nearest to 1 for its digits and to 0 for the others.
#
# .. predict:: probe

train = datasets.mnist("train")[:6000]
learn = tracing.trace(model, train.images)
targets = torch.eye(10, dtype=torch.float64)[train.labels]


def with_ones(features):
    return torch.cat(
        [features.double(), torch.ones(len(features), 1, dtype=torch.float64)], dim=1
    )


accuracies = {}
for name in steps:
    A = with_ones(
        train.images.flatten(1) if name == "input" else learn[name].output.flatten(1)
    )
    B = with_ones(
        test.images.flatten(1) if name == "input" else every[name].output.flatten(1)
    )
    penalty = (
        1e-4 * (A * A).sum() / A.shape[1] * torch.eye(A.shape[1], dtype=torch.float64)
    )
    weights = torch.linalg.solve(A.T @ A + penalty, A.T @ targets)
    accuracies[f"{name}, {A.shape[1] - 1} numbers"] = (
        ((B @ weights).argmax(dim=1) == test.labels).double().mean()
    )

readable = torch.stack(list(accuracies.values()))

# %%
fig, ax = plt.subplots(figsize=(6.4, 3.2))
plots.named_bars(
    ax, readable, list(accuracies), highlight=5, number_format="{:.1%}".format
)
ax.set_title("digits read by a linear probe")
fig.alt_text = (
    "Bars: the share of digits that a linear probe reads from each layer's numbers, "
    "from 784 pixels to ten scores."
)
plt.show()

# %%
print(
    f"From {readable[0]:.1%} on the pixels to {readable[-1]:.1%} on the last ten "
    "numbers."
)
if not test.is_standin:
    assert readable[-1] > readable[0] + 0.05
    assert (readable.diff() > 0).all()

# %%
# On MNIST, which the network was trained on, the accuracy rises at every step. No layer
# adds information: each only computes from what it gets. But the answer, at
# first spread over hundreds of pixels, becomes easy to read off. That is what
# "transforming the representation" means.
#
# Switch a channel off
# --------------------
# What is each of the eight last channels good for? Put one to zero, leave the rest
# alone, and count the points of accuracy that each digit loses.
#
# .. predict:: switched-off

tail = model[9:]  # flatten, fc1, relu4, fc2
last = every["pool3"].output


def accuracy_per_digit(maps):
    with torch.no_grad():
        right = tail(maps).argmax(dim=1) == test.labels
    return torch.stack(
        [right[test.labels == label].double().mean() for label in range(10)]
    )


full = accuracy_per_digit(last)
losses = []
for index in range(8):
    without = last.clone()
    without[:, index] = 0
    losses.append(100 * (full - accuracy_per_digit(without)))
losses = torch.stack(losses)

# %%
fig, ax = plt.subplots(figsize=(6.4, 5.0))
plots.cells(ax, losses, number_format=lambda points: str(round(points)))
ax.set_axis_on()
ax.spines[:].set_visible(False)
ax.set(xticks=range(10), yticks=range(8), xlabel="digit", ylabel="channel switched off")
ax.tick_params(length=0)
fig.alt_text = (
    "Points of accuracy that each of ten digits loses when each of eight channels "
    "is put to zero."
)
plt.show()

# %%
worst, victim = divmod(int(losses.argmax()), 10)
print(
    f"Without channel {worst}, {victim} loses {losses[worst, victim]:.0f} points of "
    "accuracy."
)
print(f"Over all channels and digits the mean loss is {losses.mean():.0f} points.")
assert test.is_standin or losses.max() > 10

# %%
# What to remember
# ----------------
# - **Filters pick properties.** Each kernel compares neighboring pixels; its map is
#   bright where the property is (learned filters, mean maps).
# - **Channels mix them.** A deeper value adds up patches of *all* channels below (the
#   sum by hand), and several channels share the work (the channels switched off).
# - **Bias and ReLU drop the useless.** A large part of all values becomes zero (the
#   bars).
# - **Pooling keeps the strongest.** A quarter of the numbers goes on, and with it much
#   more than a quarter of the sum (the printed shares).
#
# **Try this.** Take the most confident mistake of lesson 1.3 instead of the four. At
# which layer does it still look like what its writer meant? Fit the probe's reading to
# it at every layer and see where the answer tips.
