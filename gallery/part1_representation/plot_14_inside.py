r"""
1.4 Layer by layer inside the CNN
=================================

The network of lesson 1.3 takes an image and gives ten scores. **What becomes of one
digit on its way through, and what does the answer hang on?**

*After this lesson you can* recompute any number inside the network, say which pixels it
has seen, measure how far each layer has brought the answer, and measure which digits
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

from glassbox import datasets, models, nn, plots, tracing

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
fig, ax = plt.subplots(figsize=(6.0, 11.8))
plots.network(ax, outputs, values=True)
fig.alt_text = (
    "A handwritten seven and its feature maps, layer under layer: two maps that still "
    "show it, then four and eight ever smaller ones, ever less like a seven, then "
    "strips of 32 and 10 numbers."
)
plt.show()

# %%
# Orange is above zero, blue below; each row has a scale of its own. In the first maps
# one still sees the seven. In the last ones one sees spots: something was found there;
# which map it is in tells what. The strip at the end holds the ten scores; the highest
# decides.
#
# One number, by hand
# -------------------
# Every number of a convolution or a dense layer is a sum that you can write down; ReLU
# and pooling only choose. Layers go by their names in the code, places by (channel,
# row, column), counted from 0. A value of ``conv1`` in channel :math:`c` is a bias plus
# four pixels times four weights,
#
# .. math::
#
#    s^{c}_{ij} = b^{c} + \sum_{m=0}^{1} \sum_{n=0}^{1} x_{i+m,\, j+n}\; w^{c}_{mn} ,
#
# where :math:`x` is the image with a border of zeros, one pixel wide. Take the largest
# value of all.

maps = inside["conv1"].output[0]
channel, row, column = (int(i) for i in torch.unravel_index(maps.argmax(), maps.shape))
bordered = torch.zeros(30, 30)
bordered[1:29, 1:29] = digit[0, 0]

patch = bordered[row : row + 2, column : column + 2]
kernel, bias = model.conv1.weight[channel, 0].detach(), model.conv1.bias[channel].item()
by_hand = bias + (patch * kernel).sum()
print(f"conv1, channel {channel}, row {row}, column {column}:")
for pixel, weight in zip(patch.flatten(), kernel.flatten(), strict=True):
    print(f"{pixel:.4f} x {weight:7.4f} = {pixel * weight + 0:.4f}")
print(f"with the bias, {bias:.4f}, together {by_hand:.3f}")
torch.testing.assert_close(by_hand, maps[channel, row, column])

# %%
fig, axes = plt.subplots(1, 4, figsize=(6.0, 2.0), width_ratios=[1.5, 1, 1, 1.5])
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
# ReLU then puts zero in the place of what is negative, and pooling keeps the largest of
# each 2 × 2 block. So the next convolution, ``conv2``, does not read ``conv1`` but
# ``pool1``, and it reads *both* channels of it: one kernel for each, and everything
# added up,
#
# .. math::
#
#    s^{c}_{ij} = b^{c} + \sum_{c'=0}^{1} \sum_{m=0}^{1} \sum_{n=0}^{1}
#    o^{c'}_{i+m,\, j+n}\; w^{cc'}_{mn} ,
#
# with :math:`o` for what ``pool1`` made, again within a border of zeros. ``terms``
# writes this sum for any number of any layer. Its first column says which value comes
# in, by (image, channel, row, column); a row of -1 is the border.

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
# Every other number opens in the same way: :doc:`in a digit that you draw
# </play/digit>`, in :exported:`one file that holds the network <small-cnn>`, and in a
# notebook after ``glassbox.explain.show(model, digit)``. How the weights came to be
# what they are, you can watch: here the same network starts from random ones and
# learns, and every number opens at any moment. :doc:`Its own page </play/train>` has
# more room.
#
# .. play:: train
#    :embed:
#
# What one number has seen
# ------------------------
# A value of ``conv1`` has seen four pixels. A value of ``conv2`` sees four places of
# ``pool1``, in both of its channels; each value there saw four of ``conv1``, and so on
# back to the image. The pixels
# that can change a number are its **receptive field** (lesson 1.2). On the way back, a
# row after a pooling stands for two rows before it; row :math:`i` after a convolution
# comes, because of the border above, from rows :math:`i - 1` and :math:`i` before it.
# So one row of ``conv2`` comes from 2 of ``pool1``, 4 of ``conv1`` and 5 of the image.

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
print(f"One number in the middle of pool3 has seen {last - first + 1}.")

row, column = 2, 4

# %%
panels = {
    "conv3": (inside["conv3"].output[0, 3], []),
    "conv2": (inside["conv2"].output[0, 1], way_down[:2]),
    "conv1": (inside["conv1"].output[0, 0], way_down[:4]),
    "image": (digit, way_down),
}
fig, axes = plt.subplots(1, 4, figsize=(6.0, 2.0))
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
# ReLU puts every negative number to zero. How many are these, over the whole test set?
# The other rows are three networks with random weights, on at most 1,000 of its images.

relus = ["relu1", "relu2", "relu3", "relu4"]
layers = tracing.trace(model, test.images)
traces = {"trained": layers}
for seed in range(3):
    torch.manual_seed(seed)
    traces[f"untrained {seed}"] = tracing.trace(models.SmallCNN(), test.images[:1000])
dropped = pd.DataFrame(
    {
        name: [
            (trace[name].output == 0).double().mean().item()
            for trace in traces.values()
        ]
        for name in relus
    },
    index=list(traces),
)
print(dropped.map("{:.0%}".format).to_string())
silent = (layers["relu4"].output == 0).all(dim=0)
print(f"{silent.sum()} of the {len(silent)} units of relu4 are zero for every digit.")
assert test.is_standin or dropped.loc["trained"].is_monotonic_increasing

# %%
# In the trained network few in the first layer, and more in each that follows. That is
# no rule: with random weights it is as chance has it. The silent units could be left
# out, and no answer to these images would change.
#
# Where the answer can be read
# ----------------------------
# The network has the answer at its end. Where does it come into being? Put a reader at
# each layer: *one* dense layer on the numbers that it finds there, with the weights
# that bring its ten outputs closest to 1 for the digit's class and 0 for the others
# (least squares, lesson 2.1). If it reads the digit well, the answer lies open. Such a
# reader is called a **linear probe**. The control is the same network *before* it
# learned anything, with random weights, three times.
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
places = ["pool1", "pool2", "pool3", "relu4", "fc2"]


def readable(network):
    """Return the share of digits that a probe reads at each layer."""
    learn, read = (
        tracing.trace(network, train.images),
        tracing.trace(network, judged.images),
    )
    right = [
        probe(learn[place].output, train.labels, read[place].output) == judged.labels
        for place in places
    ]
    return [answers.double().mean().item() for answers in right]


halve = nn.AvgPool2d(2)  # means of 2 x 2 pixels
before_any = {}
for name, learn, read in [
    ("pixels", train.images, judged.images),
    ("means of 2 x 2 pixels", halve(train.images), halve(judged.images)),
]:
    right = probe(learn, train.labels, read) == judged.labels
    before_any[name] = 100 * right.double().mean().item()
    print(f"From the {name} a probe reads {before_any[name]:.1f} %.")
table = pd.DataFrame({"trained": readable(model)}, index=places)
for seed in range(3):
    torch.manual_seed(seed)
    table[f"untrained {seed}"] = readable(models.SmallCNN())
table = 100 * table
numbers = [layers[place].output[0].numel() for place in places]
print(table.round(1).assign(numbers=numbers).to_string())
untrained = table.drop(columns="trained")
if not test.is_standin:
    assert (table["trained"].diff().dropna() > 0).all()
    assert (untrained.loc["pool1"] > max(80, *before_any.values())).all()
    assert (untrained.loc["fc2"] < untrained.loc["pool1"] - 30).all()

# %%
fig, ax = plt.subplots(figsize=(6.0, 3.6))
x = range(len(places))
for name in untrained:
    ax.plot(x, untrained[name], "o--", color=plots.style.MUTED, markersize=4)
for share in before_any.values():
    ax.axhline(share, color=plots.style.MUTED, linestyle=":", linewidth=1.5, zorder=0)
ax.text(4.2, max(before_any.values()) + 1, "pixels, and their means", ha="right")
ax.plot(x, table["trained"], "o-", color=plots.style.INK, linewidth=2.5)
ax.annotate("trained", (1, table.loc["pool2", "trained"] + 5), ha="center", va="center")
ax.annotate(
    "untrained, three times",
    (1.6, untrained.loc["pool3"].min() - 14),
    ha="center",
    va="center",
    color=plots.style.MUTED,
)
ax.set(ylabel="digits read by a linear probe, %", ylim=(0, 100), xlim=(-0.2, 4.2))
ax.set_xticks(x, places)
fig.alt_text = (
    "The share of digits that a linear probe reads at five layers. In the trained "
    "network it begins at about 90 percent and ends higher; in three untrained ones it "
    "begins nearly as high and falls far below at the last layers."
)
plt.show()

# %%
# Both begin nearly alike, and above the pixels. A part of that is that fewer numbers
# are easier to fit, as the means show. The rest is ReLU and pooling: they are no
# weighted sums, so that even random maps offer the reader something that no weighted
# sum of pixels can make. Then the random network loses the digit on its way: from row
# to row of the table fewer numbers are left, and nothing told it which ones matter. The
# trained one is left with as few, and keeps it; on MNIST the answer lies more open from
# row to row, up to relu4. (``fc2`` is itself a weighted sum of it.) No layer adds
# information. Training decides *what is kept*, and in which form.
#
# What each channel looks for
# ---------------------------
# Average each channel of ``relu3`` over all test digits of a class. Where a map lights
# up, in strong orange, tells what it looks for; dark are the values near zero, drawn
# nearly as the ground.

output = layers["relu3"].output
means = torch.stack([output[test.labels == k].mean(dim=0) for k in range(10)], dim=1)
top_bar = means[3, :, 2].mean(dim=1)
print("Channel 3, mean of its row 2, digit by digit:")
print("  ".join(f"{k}: {value:.2f}" for k, value in enumerate(top_bar)))
assert test.is_standin or top_bar.topk(2).indices.tolist() == [7, 5]

# %%
fig, ax = plt.subplots(figsize=(6.0, 5.2))
plots.image_grid(
    ax,
    means.flatten(0, 1),
    columns=10,
    kind="positive",
    row_names=[str(index) for index in range(len(means))],
    column_names=test.class_names,
)
ax.set_title("relu3: a row for each channel, a column for each digit")
fig.alt_text = (
    "Mean feature maps of relu3: one row per channel, one column per digit. In row 2 "
    "of its maps, channel 3 is brightest for 7 and 5, and nearly dark for 1, 4 and 6."
)
plt.show()

# %%
# Look along the row of channel 3: it answers to a level stroke wherever it lies, the
# bar of 7 and 5 in its row 2, the foot of 2 and the bow of 6 further down. In row 2 it
# is nearly dark for 1, 4 and 6. Channel 7 is bright nearly everywhere that there is
# ink.
#
# Which digit breaks?
# -------------------
# If row 2 of channel 3 finds the bar at the top, the digits with such a bar should
# suffer most when the channel is switched off. Put one channel of ``pool3`` to zero,
# leave the rest alone, and count the points of accuracy that each digit loses.
#
# .. predict:: switched-off

tail = model[9:]  # flatten, fc1, relu4, fc2
last = layers["pool3"].output


def at_zero(channel, maps):
    maps = maps.clone()
    maps[:, channel] = 0
    return maps


def accuracy_per_digit(maps):
    with torch.no_grad():
        right = tail(maps).argmax(dim=1) == test.labels
    return torch.stack([right[test.labels == k].double().mean() for k in range(10)])


full = accuracy_per_digit(last)


def points_lost(switch_off):
    """Return the points that each digit loses, a row for each channel switched off."""
    rows = [
        full - accuracy_per_digit(switch_off(channel, last)) for channel in range(8)
    ]
    return 100 * torch.stack(rows)


lost = points_lost(at_zero)
print("Points lost without channel 3:", [round(points) for points in lost[3].tolist()])
print(
    "Lost by 7, channel by channel:", [round(points) for points in lost[:, 7].tolist()]
)
if not test.is_standin:
    assert lost[3].topk(2).indices.tolist() == [7, 5]
    assert set(lost[:, 7].topk(2).indices.tolist()) == {1, 7}

# %%
# On MNIST, without channel 3 it is 7 that loses most, and 5 after it. There a 1 loses
# nothing: its map of channel 3 is nearly dark, and the nearer to zero, the less is
# switched off; a map of zeros would change no score. But the second line seems to say
# that 7 hangs more on channels 1 and 7. Before you believe it, a control. Zero does two
# things: it takes away what the channel says of this image, and it takes away the
# channel's usual brightness, which the next layer always meets. Put in its place the
# *mean of its maps over all digits*, the same for every image: then the brightness
# stays, and only the message is gone.

whole = (last == 0).flatten(2).all(dim=2).any(dim=1).double().mean()
print(f"A channel is zero all over in {whole:.1%} of the images.")


def at_its_mean(channel, maps):
    maps = maps.clone()
    maps[:, channel] = last[:, channel].mean(dim=0)
    return maps


lost_at_mean = points_lost(at_its_mean)
print(
    "Lost by 7, at the mean maps:",
    [round(points) for points in lost_at_mean[:, 7].tolist()],
)
if not test.is_standin:
    assert lost_at_mean[:, 7].argmax() == 3
    assert lost_at_mean[5].argmax() == 1

# %%
fig, axes = plt.subplots(1, 2, figsize=(6.0, 3.0), sharey=True)
for ax, (title, points) in zip(
    axes, {"at zero": lost, "at its mean map": lost_at_mean}.items(), strict=True
):
    plots.cells(ax, points, limit=70, number_format=lambda lost: str(round(lost)))
    ax.set_title(title)
    ax.set_axis_on()
    ax.spines[:].set_visible(False)
    ax.set(xticks=range(10), yticks=range(8), xlabel="digit")
    ax.tick_params(length=0)
axes[0].set_ylabel("channel switched off")
fig.alt_text = (
    "Two tables of the points of accuracy that each of ten digits loses when each of "
    "eight channels is put to zero or to its mean map. At zero, channels 1 and 7 cost "
    "most in all; at the mean map most of that is gone, and on MNIST channel 3 costs "
    "digit 7 most."
)
plt.show()

# %%
# On MNIST 7 hangs on its bar after all: of what channel 3 costs it, most remains. What
# zero broke in channels 1 and 7 was mostly the missing brightness. How you switch
# something off decides what you find. And brightness does not tell what an answer hangs
# on: channel 5 is darker for a 1 than for any other digit, and at its mean it is 1 that
# loses most. To be dark is a message too. And our own seven?

with torch.no_grad():
    ours = tail(at_its_mean(3, inside["pool3"].output))[0]
for name, result in {"as it is": scores, "without channel 3": ours}.items():
    first, second = result.topk(2).indices.tolist()
    print(
        f"{name:17} {first} with {result[first]:5.1f}, then {second} with "
        f"{result[second]:5.1f}"
    )

# %%
# It bears the loss, and so does the network as a whole with any one channel at its
# mean. Does a channel know little, then, when little is lost without it? Ask the probe
# what it reads from one channel alone.

learn = tracing.trace(model, train.images)["pool3"].output
alone = [
    probe(learn[:, [channel]], train.labels, last[: len(judged), [channel]])
    for channel in range(8)
]
known = pd.DataFrame(
    {
        "read from it alone": [
            (answers == judged.labels).double().mean().item() for answers in alone
        ],
        "lost without it": (lost_at_mean.mean(dim=1) / 100).tolist(),
    }
)
print(known.map("{:z.0%}".format).to_string())
mean = nn.AvgPool2d(7)  # as many numbers, 16, without any network
right = probe(mean(train.images), train.labels, mean(judged.images)) == judged.labels
print(f"Read from 16 means of 7 x 7 pixels: {right.double().mean():.0%}")
assert (known["read from it alone"] > 0.5).all()
assert (known["lost without it"] < 0.1).all()

# %%
# Each channel alone gives half of the digits or more away, some of them more than a
# thumbnail of as many numbers, and the network without it loses few: the others know
# much of the same. So a small loss does not prove that a channel knows nothing.
#
# What to remember
# ----------------
# - Any number of a network is a sum over the layer below, or the choice that ReLU and
#   pooling make from it. With every convolution and pooling it has seen a larger window
#   of the image, until a dense layer sees all of it.
# - Untrained layers lose the digit on the way; trained ones keep it, in a form that a
#   weighted sum can read.
# - The means of each class show what a channel answers to. Which digits need it, only a
#   test tells: put its mean over all digits in its place. Zero takes away its usual
#   brightness too.
# - A small loss is no proof that a channel knows nothing: others may know the same.
#
# **Try this.** Put channel 7 to zero, which costs 1 most. As what are those ones read
# now? Look at the mean maps again: which three maps of a 1 are the brightest?
