r"""
1.4 Layer by layer inside the CNN
=================================

The network of lesson 1.3 takes an image and gives ten scores. **What becomes of one
digit on its way through, and what does the answer hang on?**

*After this lesson you can* recompute any number inside the network, say which pixels it
has seen, measure how far each layer has brought the answer, and predict which digits
break when a channel is switched off.

*Time*: 45 minutes. *Before*: lessons 1.1 to 1.3.
"""

# %%
# A seven goes in
# ---------------
# We follow the first seven of the test images through the trained network that comes
# with the package, and look at what each layer hands on.

import matplotlib.pyplot as plt
import pandas as pd
import torch

from glassbox import datasets, explain, models, plots, tracing

plots.style.use()
test = datasets.mnist("test")
model = models.SmallCNN(pretrained=True)
print(f"Digits: {test.source}.")

digit = test.images[test.labels == 7][:1]
inside = tracing.trace(model, digit)
scores = inside["fc2"].output[0]
for name, score in zip(test.class_names, scores, strict=True):
    print(f"score of {name}: {score:6.1f}")

# %%
outputs = {"input": digit} | {
    name: record.output for name, record in inside.items() if name != "flatten"
}
fig, ax = plt.subplots(figsize=(6.4, 12.6))
plots.network(ax, outputs, values=True)
fig.alt_text = (
    "A handwritten seven and its feature maps, layer under layer: two maps of its "
    "outline, then four and eight ever smaller ones, ever less like a seven, then "
    "strips of 32 and 10 numbers."
)
plt.show()

# %%
# In the first maps one still sees the seven. In the last ones one sees spots: something
# was found there, and what it was is told by the number of the map. The strip at the
# end holds the ten scores; the highest decides.
#
# One number, by hand
# -------------------
# Every number in this picture is a sum that you can write down. Layers go by their
# names in the code, places by (channel, row, column), counted from 0. A value of
# ``conv1`` in channel :math:`c` is a bias plus four pixels times four weights,
#
# .. math::
#
#    s^{c}_{ij} = b^{c} + \sum_{m=0}^{1} \sum_{n=0}^{1} x_{i+m,\, j+n}\; w^{c}_{mn} ,
#
# where :math:`x` is the image with a border of zeros, one pixel wide. Take the
# strongest value of all.

maps = inside["conv1"].output[0]
channel, row, column = (int(i) for i in torch.unravel_index(maps.argmax(), maps.shape))
bordered = torch.zeros(30, 30)
bordered[1:29, 1:29] = digit[0, 0]

patch = bordered[row : row + 2, column : column + 2]
kernel, bias = model.conv1.weight[channel, 0].detach(), model.conv1.bias[channel].item()
by_hand = bias + (patch * kernel).sum()
print(f"conv1, channel {channel}, row {row}, column {column}:")
print(f"bias {bias:.3f} + products {(patch * kernel).sum():.3f} = {by_hand:.3f}")
torch.testing.assert_close(by_hand, maps[channel, row, column])

# %%
fig, axes = plt.subplots(1, 4, figsize=(7.2, 2.3), width_ratios=[1.5, 1, 1, 1.5])
plots.outline(plots.image(axes[0], digit, kind="ink"), row - 1, column - 1, 2, 2)
plots.cells(axes[1], patch, kind="ink", number_format="{:.2f}".format)
plots.cells(axes[2], kernel, number_format="{:.2f}".format)
plots.outline(plots.image(axes[3], maps[channel], kind="signed"), row, column, 1, 1)
titles = ["image", "patch", "kernel", f"conv1: {by_hand:.2f}"]
for ax, title in zip(axes, titles, strict=True):
    ax.set_title(title)
fig.alt_text = (
    "The seven with a framed patch, the four pixels, the kernel's four weights, and "
    "the map with the framed value."
)
plt.show()

# %%
# The next convolution, ``conv2``, does not read ``conv1``. Between them stand ReLU and
# pooling, so that it reads ``pool1``, and it reads *both* channels of it: one kernel
# for each, and everything added up,
#
# .. math::
#
#    s^{c}_{ij} = b^{c} + \sum_{c'=0}^{1} \sum_{m=0}^{1} \sum_{n=0}^{1}
#    o^{c'}_{i+m,\, j+n}\; w^{cc'}_{mn} ,
#
# with :math:`o` for what ``pool1`` made, again within a border of zeros. ``terms``
# writes this sum for any number of any layer; a window that begins at row -1 begins in
# the border.

maps = inside["conv2"].output[0]
channel = 1
strongest = maps[channel, 1:-1, 1:-1].argmax().item()  # the border left out
row, column = 1 + strongest // 13, 1 + strongest % 13

patches = inside["pool1"].output[0, :, row - 1 : row + 1, column - 1 : column + 1]
kernels, bias = model.conv2.weight[channel].detach(), model.conv2.bias[channel].item()
by_hand = bias + (patches * kernels).sum()
torch.testing.assert_close(by_hand, maps[channel, row, column])
print(inside["conv2"].terms(channel, row, column))

# %%
# Every other number of the network opens in the same way:
# :doc:`in a digit that you draw </play/digit>`, in
# :exported:`one file that holds the network <small-cnn>`, which
# ``glassbox.explain.export`` writes for your own networks too, and, if you read this as
# a notebook, below the next line.

explain.show(model, digit, labels=[7])

# %%
# How such numbers come to be what they are shows where :doc:`the network learns in the
# page </play/train>`.
#
# What one number has seen
# ------------------------
# A value of ``conv1`` has seen four pixels. A value of ``conv2`` sees four values of
# ``pool1``, each of them saw four of ``conv1``, and so on down to the image. The pixels
# that can change a number are its **receptive field**. Going down, each row of a
# pooling stands for two rows, and each window of a convolution reaches one row further
# up.

way_down = ["conv3", "pool2", "conv2", "pool1", "conv1"]


def seen(place, layers):
    """Return the first and the last row (or column) below these layers."""
    first = last = place
    for layer in layers:
        first, last = (
            (2 * first, 2 * last + 1) if "pool" in layer else (first - 1, last)
        )
    return first, last


for name in ["conv1", "conv2", "conv3"]:
    first, last = seen(5, way_down[way_down.index(name) :])
    print(f"One number of {name} has seen {last - first + 1} rows of the image.")
first, last = seen(2, ["pool3", *way_down])
print(f"One number of pool3 has seen {last - first + 1}.")

row, column = 2, 4
one_image = digit.clone().requires_grad_()
model[:7](one_image)[0, :, row, column].sum().backward()  # [:7] ends with conv3
touched = one_image.grad[0, 0].nonzero()
top, bottom = seen(row, way_down)
assert top <= touched[:, 0].min() <= touched[:, 0].max() <= bottom

# %%
panels = {
    "conv3": (inside["conv3"].output[0, 3], []),
    "conv2": (inside["conv2"].output[0, 1], way_down[:2]),
    "conv1": (inside["conv1"].output[0, 0], way_down[:4]),
    "image": (digit, way_down),
}
fig, axes = plt.subplots(1, 4, figsize=(7.2, 2.3))
for ax, (name, (values, layers)) in zip(axes, panels.items(), strict=True):
    plots.image(ax, values, kind="ink" if name == "image" else "signed")
    (top, bottom), (left, right) = seen(row, layers), seen(column, layers)
    plots.outline(ax, top, left, bottom - top + 1, right - left + 1)
    ax.set_title(name)
fig.alt_text = (
    "One framed number of conv3, the block of conv2 and of conv1 that it comes from, "
    "and the eleven by eleven pixels of the image that it has seen."
)
plt.show()

# %%
# A few such windows cover the whole digit. That is how a map of eight rows, or of four
# after ``pool3``, can answer questions such as "is there a bar at the top?".
#
# What ReLU drops
# ---------------
# One digit is an example; the whole test set is a measurement. How many of all numbers
# does each ReLU put to zero?

layers = tracing.trace(model, test.images)
relus = ["relu1", "relu2", "relu3", "relu4"]
dropped = []
for name in relus:
    zero = (layers[name].output == 0).double()
    of_each = zero.transpose(0, 1).flatten(1).mean(dim=1)  # channel, or unit of relu4
    dropped.append(zero.mean())
    print(
        f"{name} puts {dropped[-1]:.0%} of its numbers to zero, from "
        f"{of_each.min():.0%} to {of_each.max():.0%} by channel or unit."
    )
dropped = torch.stack(dropped)
assert test.is_standin or (dropped.diff() > 0).all()

# %%
# Few in the first layer, more in each that follows. Look closer at both ends, before
# you make a rule of it.

paper = layers["conv1"].output == model.conv1.bias[:, None, None]  # a blank window
on_ink = (layers["relu1"].output == 0)[~paper].double().mean()
biases = ", ".join(f"{bias:.3f}" for bias in model.conv1.bias.tolist())
print(f"{paper.double().mean():.0%} of the windows of conv1 see blank paper: there it")
print(f"gives its biases, {biases}. Of the other numbers relu1 drops {on_ink:.0%}.")

answers = layers["relu4"].output
silent = (answers == 0).all(dim=0)
spoken = (answers[:, ~silent] == 0).double().mean()
print(f"{silent.sum()} of the {len(silent)} units of relu4 are zero for every digit.")
print(f"The others are zero for {spoken:.0%} of the digits.")
assert test.is_standin or (silent.any() and on_ink > dropped[0])

# %%
# The first layer drops little because two small biases let the paper pass, not because
# its kernels agree with the ink. The silent units of the last one could be left out;
# without them about half of its numbers are zero.
#
# Where the answer can be read
# ----------------------------
# The network has the answer at its end. Where does it come into being? Put a reader at
# each layer: *one* dense layer, fitted by least squares to the numbers that it finds
# there. If it reads the digit well, the answer lies open. Such a reader is called a
# **linear probe**. The control is the same network *before* it learned anything, with
# random weights, three times.
#
# .. predict:: probe


def with_ones(features):
    ones = torch.ones(len(features), 1, dtype=torch.float64)
    return torch.cat([features.flatten(1).double(), ones], dim=1)


def probe(learn, labels, read):
    """Fit one dense layer to numbers and labels; return what it says of others."""
    A = with_ones(learn)
    targets = torch.eye(10, dtype=torch.float64)[labels]  # 1 for its class, else 0
    penalty = 1e-6 * (A * A).sum() / A.shape[1] * torch.eye(A.shape[1]).double()
    weights = torch.linalg.solve(A.T @ A + penalty, A.T @ targets)
    return (with_ones(read) @ weights).argmax(dim=1)


train = datasets.mnist("train")[:4000]
judged = test[:2000]
steps = ["pool1", "pool2", "pool3", "relu4", "fc2"]


def readable(network):
    """Return the share of digits that a probe reads at each layer."""
    learn, read = (
        tracing.trace(network, train.images),
        tracing.trace(network, judged.images),
    )
    right = [
        probe(learn[step].output, train.labels, read[step].output) == judged.labels
        for step in steps
    ]
    return [answers.double().mean().item() for answers in right]


pixels = probe(train.images, train.labels, judged.images) == judged.labels
table = pd.DataFrame({"trained": readable(model)}, index=steps)
for seed in range(3):
    torch.manual_seed(seed)
    table[f"untrained {seed}"] = readable(models.SmallCNN())
table = 100 * table
print(f"From the pixels themselves a probe reads {pixels.double().mean():.1%}.")
print(table.round(1).to_string())
untrained = table.drop(columns="trained")
if not test.is_standin:
    assert (table["trained"].diff().dropna() > 0).all()
    assert (untrained.loc["fc2"] < untrained.loc["pool1"] - 30).all()

# %%
fig, ax = plt.subplots(figsize=(7.2, 3.8))
x = range(len(steps))
for name in untrained:
    ax.plot(x, untrained[name], "o--", color=plots.style.MUTED, markersize=4)
ax.plot(x, table["trained"], "o-", color=plots.style.ORANGE, linewidth=2.5)
ax.annotate(
    "trained", (4, table["trained"].iloc[-1]), (8, -3), textcoords="offset points"
)
ax.annotate(
    "untrained,\nthree times",
    (4, untrained.iloc[-1].mean()),
    (8, -3),
    textcoords="offset points",
)
ax.set(ylabel="digits read by a linear probe, %", ylim=(0, 100), xlim=(-0.2, 5))
ax.set_xticks(x, steps)
fig.alt_text = (
    "The share of digits that a linear probe reads at five layers. In the trained "
    "network it rises from about 90 percent to 96 and more; in three untrained ones it "
    "begins nearly as high and falls far below at the last layers."
)
plt.show()

# %%
# Both begin alike, and above the pixels: ReLU and pooling are no weighted sums, so that
# even random maps offer the reader something that no weighted sum of pixels can make.
# Then the random network loses the digit on its way: each layer hands on fewer numbers,
# and nothing told it which ones matter. The trained one hands on fewer numbers too, and
# keeps it; here the answer lies more and more open. No layer adds information; training
# decides *what is kept*.
#
# What each channel looks for
# ---------------------------
# Average each channel of ``relu3`` over all test digits of a class. Where a map lights
# up tells what it looks for.

output = layers["relu3"].output
means = torch.stack([output[test.labels == k].mean(dim=0) for k in range(10)], dim=1)
top_bar = means[3, :, 2].mean(dim=1)
print("Channel 3, mean of its row 2, digit by digit:")
print("  ".join(f"{k}: {value:.2f}" for k, value in enumerate(top_bar)))
assert test.is_standin or top_bar.topk(2).indices.tolist() == [7, 5]

# %%
fig, ax = plt.subplots(figsize=(6.4, 5.4))
plots.image_grid(
    ax,
    means.flatten(0, 1),
    columns=10,
    kind="positive",
    row_names=[str(index) for index in range(len(means))],
    column_names=test.class_names,
)
ax.set_title("relu3: the mean of each channel, for each digit")
fig.alt_text = (
    "Mean feature maps of relu3: one row per channel, one column per digit. Channel 3 "
    "lights up along the top for 2, 3, 5 and 7, and stays dark for 1 and 4."
)
plt.show()

# %%
# Look along the row of channel 3: it answers to a level stroke, most strongly where 7
# and 5 have their bar, and is nearly dark for 1, 4 and 6. Channel 7 is bright nearly
# everywhere that there is ink.
#
# Which digit breaks?
# -------------------
# If that is what channel 3 is for, then the digits with such a bar should suffer most
# when the channel is switched off. Put one channel of ``pool3`` to zero, leave the rest
# alone, and count the points of accuracy that each digit loses.
#
# .. predict:: switched-off

tail = model[9:]  # flatten, fc1, relu4, fc2
last = layers["pool3"].output


def accuracy_per_digit(maps):
    with torch.no_grad():
        right = tail(maps).argmax(dim=1) == test.labels
    return torch.stack([right[test.labels == k].double().mean() for k in range(10)])


def without(channel, maps):
    maps = maps.clone()
    maps[:, channel] = 0
    return maps


full = accuracy_per_digit(last)
lost = torch.stack(
    [100 * (full - accuracy_per_digit(without(channel, last))) for channel in range(8)]
)
print("Points lost without channel 3:", [round(points) for points in lost[3].tolist()])
print(
    "Points that 7 loses by channel:", [round(points) for points in lost[:, 7].tolist()]
)
if not test.is_standin:
    assert lost[3].topk(2).indices.tolist() == [7, 5]
    assert set(lost[:, 7].topk(2).indices.tolist()) == {1, 7}

# %%
fig, ax = plt.subplots(figsize=(6.4, 5.0))
plots.cells(ax, lost, number_format=lambda points: str(round(points)))
ax.set_axis_on()
ax.spines[:].set_visible(False)
ax.set(xticks=range(10), yticks=range(8), xlabel="digit", ylabel="channel switched off")
ax.tick_params(length=0)
fig.alt_text = (
    "Points of accuracy that each of ten digits loses when each of eight channels is "
    "put to zero. Channel 3 costs 7 and 5 most; channel 7 costs 1 far more than any "
    "other digit."
)
plt.show()

# %%
# On MNIST, without channel 3 it is 7 that loses most, and 5 after it, the two digits
# that light it most. But read the table in its columns, too: 7 itself hangs more on
# channels 1 and 7. What a channel answers to is one question, what an answer hangs on
# another.
#
# And zero is a strong thing to say. The next layer hardly ever meets a channel that is
# dark for every digit; it also misses the channel's usual brightness. Put the channel's
# mean map in its place, and only what it says of *this* digit is gone. And our own
# seven?


def at_its_mean(channel, maps):
    maps = maps.clone()
    maps[:, channel] = maps[:, channel].mean(dim=0)
    return maps


for channel, k in [(3, 7), (7, 1)]:
    at_mean = 100 * (full - accuracy_per_digit(at_its_mean(channel, last)))[k]
    print(
        f"Channel {channel} at zero costs {k} {lost[channel, k]:.0f} points, "
        f"at its mean map {at_mean:.0f}."
    )
with torch.no_grad():
    ours = tail(without(3, inside["pool3"].output))[0]
for name, result in {"as it is": scores, "without channel 3": ours}.items():
    first, second = result.topk(2).indices.tolist()
    print(
        f"{name:17} {first} with {result[first]:5.1f}, then {second} with "
        f"{result[second]:5.1f}"
    )

# %%
# What to remember
# ----------------
# - Any number of a network is a short sum over the layer below, and has seen a window
#   of the image that grows with every layer.
# - ReLU drops more in the last layer than in the first. How much depends on the
#   network, and a unit that is silent for every image could be left out.
# - Untrained layers lose the digit on the way; trained ones keep it.
# - What a channel answers to shows in its mean maps; what hangs on it shows when it is
#   switched off.
#
# **Try this.** Switch off channel 7, which costs 1 most. As what are those ones read
# now? Look at the mean maps again: how many bright maps does a 1 have?
