r"""
1.3 Stacking layers: a small CNN reads digits
=============================================

A dense layer weighs numbers (lesson 1.1); a convolution filters an image (lesson
1.2). **What happens when we stack a few of them, and can fewer than 5,000 numbers
read handwriting?**

*After this lesson you can* follow an image's shape through a network, count its
parameters by hand, train it, read its ten output numbers as probabilities, and say
where it goes wrong, and how sure of it.

*Time*: 45 minutes. *Before*: lessons 1.1 and 1.2. How training works inside is the
subject of parts 2 and 3.
"""

# %%
# The digits
# ----------
# Each image has 28 × 28 gray pixels between 0, paper, and 1, ink, and a label: the
# digit that its writer meant.

import matplotlib.pyplot as plt
import pandas as pd
import torch

from glassbox import datasets, models, nn, optim, plots, tracing, training

plots.style.use()
train, test = datasets.mnist("train"), datasets.mnist("test")
print(
    f"{len(train):,} images to learn from, {len(test):,} to be tested on. Source: "
    f"{train.source}."
)

# %%
fig, ax = plt.subplots(figsize=(6.0, 3.2))
plots.image_grid(
    ax,
    train.images[:10],
    [str(int(label)) for label in train.labels[:10]],
    columns=5,
    kind="ink",
)
fig.alt_text = "Ten handwritten digits, dark on white, with their labels."
plt.show()

# %%
# The stack
# ---------
# The network is a chain of functions. Each one takes the output of the one before:
#
# .. math::
#
#    \begin{gathered}
#    \text{image} \to
#    \underbrace{\text{conv} \to \text{ReLU} \to \text{pool}}_{\text{three times}} \to
#    \text{flatten} \\
#    \to \text{dense} \to \text{ReLU} \to \text{dense} \to \text{10 scores}.
#    \end{gathered}
#
# A convolution with several output channels has one kernel per pair of input and output
# channel, and one bias per output channel. What it makes in one channel is called a
# **map**. **Max-pooling** keeps the largest of each 2 × 2 block of pixels; an odd row
# or column at the end is left out. So it halves height and width of every map, and
# leaves as many maps as there were.
#
# What is pooling for? A map has a high value where its kernel found something. Let that
# place move to the right, one pixel at a time, and pool.
#
# .. predict:: pooled

spots = [2, 3, 4]
moving = torch.zeros(3, 1, 2, 6)
for one_map, spot in zip(moving, spots, strict=True):
    one_map[0, 0, spot] = 9
pooled = nn.MaxPool2d(2)(moving)
for spot, values in zip(spots, pooled.flatten(1).tolist(), strict=True):
    print(f"9 in column {spot}: pooled {values}")
assert pooled[0].equal(pooled[1])
assert not pooled[1].equal(pooled[2])

# %%
fig, axes = plt.subplots(2, 3, figsize=(6.0, 2.3), height_ratios=[2, 1.3])
for (above, below), before, after, spot in zip(
    axes.T, moving, pooled, spots, strict=True
):
    plots.cells(above, before[0], kind="positive").set_title(f"column {spot}")
    plots.cells(below, after[0], kind="positive")
    for column in (0, 2, 4):
        plots.outline(above, 0, column, 2, 2)
fig.alt_text = (
    "Three maps of two by six pixels with a nine in column 2, 3 and 4, and the three "
    "numbers that pooling leaves: the same for columns 2 and 3, others for column 4."
)
plt.show()

# %%
# Of two moves pooling notices one. What is left says *that* something was found, and
# where to within two pixels. The section *What pooling calms* measures how much this
# calms the layers of a network.
#
# ``Flatten`` writes all that is left in one row. We build the chain part by part;
# ``models.SmallCNN`` is the same with a name for each part. From the same seed both
# start with the same random weights, so they give the same ten scores.

torch.manual_seed(1)
by_hand = nn.Sequential(
    nn.Conv2d(1, 2, kernel_size=2, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(2, 4, kernel_size=2, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(4, 8, kernel_size=2, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Linear(8 * 4 * 4, 32), nn.ReLU(),
    nn.Linear(32, 10),
)  # fmt: skip

torch.manual_seed(1)
model = models.SmallCNN()
image = test.images[:1]
torch.testing.assert_close(model(image), by_hand(image))
print(f"The same ten scores, and {len(model)} parts, each with its name.")

# %%
# Shapes and parameters
# ---------------------
# ``trace`` sends one image through and keeps what every layer received and made. A
# shape is written (images, channels, height, width).

inside = tracing.trace(model, image)
inside.to_frame()

# %%
# Three formulas give every line of this table. With an input of height :math:`H`,
# padding :math:`p`, kernel size :math:`k` and stride :math:`s`, the output height is
#
# .. math:: \left\lfloor \frac{H + 2p - k}{s} \right\rfloor + 1 ,
#
# and a layer that turns :math:`C` channels into :math:`C'` has :math:`C' \, C \, k^2`
# weights and :math:`C'` biases. A dense layer from :math:`C` to :math:`C'` numbers has
# :math:`C' \, C` weights and :math:`C'` biases. ReLU, pooling and flatten have nothing
# to learn.
#
# The first formula explains an odd sight, 28, 29, 14. A kernel of 2 has no middle. In
# 28 rows it has room at 27 places. A border of one zero on both sides makes 30 rows,
# and 29 places: no border of equal sides gives 28. Pooling then takes rows 0 and 1, 2
# and 3, and so on up to 26 and 27, and row 28 is left out.


def output_size(size, kernel, padding=0, stride=1):
    return (size + 2 * padding - kernel) // stride + 1


size, channels, total = 28, 1, 0
for layer, more in enumerate([2, 4, 8], start=1):
    filtered = output_size(size, kernel=2, padding=1)
    pooled = output_size(filtered, kernel=2, stride=2)
    parameters = more * channels * 2 * 2 + more
    print(
        f"conv{layer}: {size} -> {filtered}, {more} x {channels} x 4 + {more} = "
        f"{parameters} parameters"
    )
    print(f"pool{layer}: {filtered} -> {pooled}, {more * pooled * pooled} numbers left")
    size, channels, total = pooled, more, total + parameters
for name, inputs, outputs in [("fc1", channels * size * size, 32), ("fc2", 32, 10)]:
    parameters = outputs * inputs + outputs
    print(f"{name}: {outputs} x {inputs} + {outputs} = {parameters:,} parameters")
    total += parameters

print(
    f"Together {total:,} parameters, {4128 / total:.0%} of them in the first dense "
    "layer."
)
assert total == inside.parameters == 4640
assert size == 4

# %%
# Here is the network, to scale. One square is one channel. The convolutions make more
# channels, pooling shrinks them, and after each pooling fewer numbers are left. The
# strips at the end are plain rows of numbers.

shapes = {
    name: record.output
    for name, record in inside.items()
    if not name.startswith(("relu", "flatten"))
}
notes = {
    name: f"{record.parameters:,} parameters"
    for name, record in inside.items()
    if record.parameters
}

fig, ax = plt.subplots(figsize=(6.0, 6.6))
plots.network(ax, {"input": image, **shapes}, notes=notes)
fig.alt_text = (
    "The network from top to bottom, to scale: one 28 by 28 image, two maps of 29, "
    "pooled to 14, four of 15, pooled to 7, eight of 8, pooled to 4, then strips of "
    "32 and 10 numbers."
)
plt.show()

# %%
# Training
# --------
# Nobody chooses these parameters by hand. One call trains them. ``fit`` shows the
# network the images in small portions, the **mini-batches**, with their labels, again
# and again. Each time it moves each parameter a little, so as to lower the error (parts
# 2 and 3). One *epoch* is one pass over all images. Some training images are set aside
# for **validation**: the network never learns from them, so they tell how it does on
# images that it has not seen. (The random weights that it starts from matter: on MNIST,
# with ``torch.manual_seed(3)`` in place of the 1 above, so small a network stays near
# chance. The validation images show such a start, and one takes another.)

held_out = len(train) // 12
learn, validation = train[held_out:], train[:held_out]
fewer = train.is_standin  # fewer images need smaller batches and more passes

history = training.fit(
    model,
    learn,
    validation=validation,
    epochs=60 if fewer else 14,
    batch_size=50 if fewer else 256,
    optimizer=lambda parameters: optim.Adam(parameters, lr=0.02),
    schedule=training.OneCycle(),
    seed=0,
)

# %%
# Adam, its step ``lr`` and the schedule say how the parameters move (lesson 2.3). The
# loss (lesson 3.2) measures the error; the accuracy is the share of digits that are
# read correctly.
#
# .. predict:: first-epoch

epochs = history.to_frame()
first = epochs.iloc[0]
print(
    f"First epoch: {first['accuracy']:.0%} of the images that it learns from, "
    f"{first['validation_accuracy']:.0%} of the others."
)
assert first["validation_accuracy"] > first["accuracy"]
curves = {
    name: epochs[[name, f"validation_{name}"]].set_axis(
        ["training", "validation"], axis=1
    )
    for name in ("loss", "accuracy")
}

# %%
fig, (top, bottom) = plt.subplots(2, 1, figsize=(6.0, 5.0), sharex=True)
top.set(yscale="log")  # first, so that the names stand beside their curves
plots.curves(top, curves["loss"])
plots.curves(bottom, curves["accuracy"], percent=True)
top.set(ylabel="loss", xlabel="")
ticks = [1, 0.1, 0.01, 0.001] if fewer else [1, 0.5, 0.2, 0.1]
top.set_yticks(ticks, [str(tick) for tick in ticks])
bottom.set(ylabel="accuracy")
fig.alt_text = (
    "Loss falling and accuracy rising over the epochs, on the training and on the "
    "validation images."
)
plt.show()

# %%
# The validation accuracy begins *above* that of training, though the network never
# learns from those images. The two are not taken at the same time: the training
# accuracy of an epoch is a mean over the epoch, while the parameters still move, and
# validation comes at its end. Should the validation accuracy fall later, for several
# epochs, while that of training goes on rising, the network learns by heart what only
# its own images have: **over-fitting**.
#
# The exam
# --------
# Whoever keeps the best of several starts, by the validation accuracy, has a number
# that is on average a little lucky (in one run it need not show). So what counts is a
# third set of images, by which nothing was chosen: now, and only now, the test images.
# Whoever chooses by them too reports a lucky number, and has nothing left to judge
# with.

result = training.evaluate(model, test)
print(f"{epochs['validation_accuracy'].iloc[-1]:.2%} of the validation images,")
print(f"{result.accuracy:.2%} of {len(test):,} test images are read correctly.")
if not test.is_standin:
    assert result.accuracy > 0.97

# %%
# What pooling calms
# ------------------
# Move test digits by one pixel, and compare what a layer makes of them before and
# after: the length of the difference (the root of the sum of the squares of all its
# values), as a share of the length of what was there.
# Beside the largest of four stand two controls that leave as few numbers: the first
# of each four, without a look at the other three, and the mean of the four.

digits = test.images[:1000]
shifted = digits.roll(1, dims=3)
still, moved = tracing.trace(model, digits), tracing.trace(model, shifted)
made = {"pixels": (digits, shifted)} | {
    name: (still[name].output, moved[name].output)
    for name in ("relu1", "relu2", "relu3")
}
ways = {
    "all values": lambda maps: maps,
    "first of four": lambda maps: maps[..., 0:-1:2, 0:-1:2],
    "mean of four": nn.AvgPool2d(2),
    "largest of four": nn.MaxPool2d(2),
}


def change(before, after):
    """Return how far the outputs moved, as a share of their own length."""
    before, after = before.flatten(1), after.flatten(1)
    return ((after - before).norm(dim=1) / before.norm(dim=1)).mean().item()


calm = pd.DataFrame(
    {
        way: [
            change(*map(take, before_and_after)) for before_and_after in made.values()
        ]
        for way, take in ways.items()
    },
    index=list(made),
)
print(calm.map("{:.0%}".format).to_string())
assert (calm["largest of four"] < calm["first of four"]).all()

# %%
# A move by a single pixel changes a good part of what each layer says. Fewer numbers
# alone do not calm it: the first of each four changes as much as all values do. Looking
# at four does, and here the mean does so about as well as the largest, or better.
#
# The next examiner is you. The same network, with weights from a longer training, reads
# what you draw. Below the answer, every number opens into the sum that made it.
# :doc:`Its own page </play/digit>` has more room.
#
# .. play:: digit
#    :embed:
#
# From scores to probabilities
# ----------------------------
# The last layer gives ten scores :math:`z_0, \dots, z_9`, called **logits**. They are
# any real numbers. The **softmax** turns them into ten positive numbers that sum to 1:
#
# .. math:: p_k = \frac{e^{z_k}}{\sum_{j=0}^{9} e^{z_j}} .
#
# A higher score means a higher probability, and only differences between scores count.
# For most digits one of the ten is almost 1. More can be seen on one that the network
# hesitates about: take, among the zeros of the test set, the one whose probability of 0
# is nearest to 90 %.
#
# .. predict:: factor

model.eval()
zeros = (test.labels == 0).nonzero().flatten()
with torch.no_grad():
    zero_scores = model(test.images[zeros])
sureness = nn.Softmax(dim=1)(zero_scores)[:, 0]
chosen = (sureness - 0.9).abs().argmin()
index, logits = zeros[chosen], zero_scores[chosen : chosen + 1]

exponentials = torch.exp(
    logits - logits.max()
)  # the largest becomes exp(0) = 1: nothing overflows
probabilities = exponentials / exponentials.sum()
torch.testing.assert_close(probabilities, nn.Softmax(dim=1)(logits))
torch.set_printoptions(precision=4, sci_mode=False)
print(probabilities)
print(
    f"Sum {probabilities.sum().item():.4f}; the digit is read as "
    f"{probabilities.argmax().item()}."
)

# %%
fig, (left, middle, right) = plt.subplots(
    1, 3, figsize=(6.0, 3.4), width_ratios=[1, 1.6, 1.6]
)
names, best, short = test.class_names, int(logits.argmax()), "{:.1f}".format
plots.image(left, test.images[index], kind="ink").set_title("image")
plots.named_bars(middle, logits[0], names, highlight=best, number_format=short)
plots.named_bars(right, probabilities[0], names, highlight=best)
middle.set_title("scores (logits)")
right.set_title("probabilities")
fig.alt_text = (
    "A handwritten zero, its ten scores of both signs, and its ten probabilities, "
    "most of it on class 0."
)
plt.show()

# %%
# Where it goes wrong
# -------------------
# One accuracy hides *which* digits are confused. The **confusion matrix** counts, for
# every true digit, what it was read as.

with torch.no_grad():
    all_probabilities = nn.Softmax(dim=1)(model(test.images))
confidence, reading = all_probabilities.max(dim=1)
pairs = 10 * test.labels + reading  # a number for each pair of truth and reading
counts = torch.bincount(pairs, minlength=100).reshape(10, 10)
assert counts.sum() == len(test)
assert abs(counts.diagonal().sum().item() / len(test) - result.accuracy) < 2e-3

# %%
fig, ax = plt.subplots(figsize=(6.0, 5.4))
plots.confusion_matrix(ax, counts, test.class_names)
fig.alt_text = (
    "Table of true digits against readings; off the diagonal the mistakes, some "
    "pairs of digits many times, others never."
)
plt.show()

# %%
mistakes = counts.clone().fill_diagonal_(0)
truth, taken_for = divmod(int(mistakes.argmax()), 10)
wrong = (reading != test.labels).nonzero().flatten()
print(
    f"{len(wrong)} mistakes, the most frequent {truth} read as {taken_for}, "
    f"{mistakes.max()} times."
)

# %%
# The mistakes that the network is *surest* of teach more than the count of all
# mistakes. Would you have read them as their writers meant?

surest = wrong[confidence[wrong].argsort(descending=True)][:10]
captions = [
    f"{test.labels[i]} read as {reading[i]}\n{confidence[i]:.1%} sure" for i in surest
]

fig, ax = plt.subplots(figsize=(6.0, 3.8))
plots.image_grid(ax, test.images[surest], captions, columns=5, kind="ink")
fig.alt_text = (
    "The ten misread digits with the highest confidence, many of them ambiguous, "
    "with truth and reading."
)
plt.show()

# %%
# A probability near 1 sounds like certainty. How often is the network right when it
# says so? First on the test digits, which are like those that it learned from. Then on
# the same digits turned by a quarter, so that most of them are no digits any more.

with torch.no_grad():
    turned = nn.Softmax(dim=1)(model(test.images.rot90(1, dims=(2, 3))))

parts = [0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99, 1]
shares = {}
for name, answers in {"upright": all_probabilities, "on their side": turned}.items():
    says = answers.max(dim=1)
    agrees = says.indices == test.labels
    sure = says.values > 0.99
    print(
        f"{name:13}: more than 99 % sure of {sure.double().mean():3.0%}, "
        f"and right in {agrees[sure].double().mean():.1%} of these"
    )
    one = pd.DataFrame({"sure": says.values, "right": agrees})
    means = one.groupby(pd.cut(one["sure"], parts), observed=True).mean()
    shares[name] = means.set_index("sure")["right"]
assert agrees[sure].double().mean() < 0.5
certain = wrong[confidence[wrong] > 0.99]
print(f"{len(certain)} of the {len(wrong)} mistakes were made with more than 99 %.")

# %%
fig, ax = plt.subplots(figsize=(6.0, 3.6))
honest = pd.Series([0.4, 1.0], index=[0.4, 1.0])
plots.curves(ax, pd.DataFrame({**shares, "as it says": honest}), percent=True)
ax.xaxis.set_major_formatter("{x:.0%}")
ax.set(xlabel="how sure the network is", ylabel="how often it is right", ylim=(0, 1.05))
fig.alt_text = (
    "Share of right answers against the network's own probability: on MNIST near the "
    "diagonal for upright digits; for digits on their side far below it, even at 100 %."
)
plt.show()

# %%
# Upright, on MNIST, this network is right about as often as it says. Of digits on
# their side it is less often so sure; but where it is, it is mostly wrong. A softmax
# compares ten scores and has no eleventh class for "I have never seen such a thing": to
# be certain is not to be right.
#
# More parameters
# ---------------
# Would a larger network make fewer mistakes? Only networks that were trained alike can
# say, and never the test images: whoever chooses a network by them has learned from
# them.
#
# Here is a study recorded with MNIST. ``DigitCNN`` has three convolutions with kernels
# of 3 × 3 and one dense layer. (It also normalizes each channel over the batch, which
# makes training steadier.) Its channels come in four widths. Each network learned for
# three epochs, from three random starts. It is judged on 5,000 training images held
# out, which also chose the best of four learning rates for each: a little lucky, but
# all in the same way.

recording = datasets.recorded("network_accuracy")
study = recording.to_frame()
starts = study[["seed 0", "seed 1", "seed 2"]]
study["mean"] = starts.mean(axis=1)
print(f"Recorded: {recording}")

is_digit_cnn = study.index.str.startswith("DigitCNN")
lines = {
    name: study[rows].set_index("parameters")["mean"]
    for name, rows in (("DigitCNN", is_digit_cnn), ("SmallCNN", ~is_digit_cnn))
}
small = study.loc["SmallCNN"]
better = study[is_digit_cnn & (study["mean"] > small["mean"])]
narrow = better.sort_values("parameters").iloc[0]
share = (1 - narrow["mean"]) / (1 - small["mean"])
print(
    f"With {narrow['parameters']:,.0f} parameters DigitCNN makes {share:.0%} of the "
    f"mistakes of SmallCNN,\nwhich has {small['parameters']:,.0f}."
)
assert narrow["parameters"] < small["parameters"]

# %%
fig, ax = plt.subplots(figsize=(6.0, 3.6))
plots.curves(ax, pd.DataFrame(lines).sort_index(), percent=True)
for seed in starts:
    ax.plot(study["parameters"], starts[seed], "_", color=plots.style.MUTED)
ax.set(xscale="log", ylabel="accuracy on images held out")
ax.set_xticks([500, 1000, 5000, 10_000], ["500", "1,000", "5,000", "10,000"])
fig.alt_text = (
    "Accuracy on held-out images against the number of parameters at equal training: "
    "DigitCNN rises with its width, ever less, and SmallCNN lies below it; dashes mark "
    "the single starts."
)
plt.show()

# %%
# More channels help, and the count of parameters is not everything: DigitCNN also has
# larger kernels, normalizes its channels and has one dense layer instead of two. The
# study does not tell which of these does it.
#
# Now the test images, for the two networks that the package keeps. Both were trained
# for longer than this page has time for: SmallCNN for more epochs, DigitCNN for fewer
# that cost more.

networks = {
    "small_cnn": models.SmallCNN(pretrained=True),
    "digit_cnn": models.DigitCNN(pretrained=True),
}
runs = {"SmallCNN, this page": (inside.parameters, len(epochs), result.accuracy)}
for name, network in networks.items():
    card = models.weights_card(name)
    runs[f"{card['model']}, shipped"] = (
        card["parameters"],
        card["recipe"]["epochs"],
        training.evaluate(network, test).accuracy,
    )
accuracies = pd.DataFrame(runs, index=["parameters", "epochs", "test"]).T
accuracies["mistakes"] = len(test) * (1 - accuracies["test"])
print(
    accuracies.to_string(
        formatters=["{:,.0f}".format] * 2 + ["{:.2%}".format, "{:.0f}".format]
    )
)
if not test.is_standin:
    assert accuracies["test"].is_monotonic_increasing
    assert accuracies["test"].iloc[-1] > 0.99

print("How sure on average, and how often right, upright and on their side:")
with torch.no_grad():
    for name, network in {
        "SmallCNN, this page": model,
        "DigitCNN": networks["digit_cnn"],
    }.items():
        for images in (digits, digits.rot90(1, dims=(2, 3))):
            sure, says = nn.Softmax(dim=1)(network(images)).max(dim=1)
            agrees = (says == test.labels[:1000]).double()
            print(f"{name:19}: {sure.mean():.1%} sure, {agrees.mean():.1%} right")

# %%
# SmallCNN has two accuracies: the shipped one was trained for longer, on images of
# MNIST that were also moved about a little. What a network is said to reach means
# little without its training. And as the last lines show, the two networks are sure in
# different ways: how far to trust a probability has to be tried for each.
#
# What to remember
# ----------------
# - A network is a chain: each layer's output is the next one's input. Shapes and
#   parameters follow from three formulas.
# - Pooling shrinks the maps, convolutions make more of them. In SmallCNN the first
#   dense layer holds most parameters.
# - The last layer gives scores; the softmax makes probabilities of them.
# - Choose with validation images, judge with test images, once. A high probability is
#   no proof of being right.
#
# **Try this.** Replace ``kernel_size=2`` by 3 in ``by_hand`` and predict all shapes and
# parameter counts before you run ``trace``. Then train it with the same ``fit``. Does
# it read as well?
#
# **Watch it learn.** The same network, from random weights, learns in your browser.
# Stop it anywhere, and every number opens. :doc:`Its own page </play/train>` has more
# room.
#
# .. play:: train
#    :embed:
#
# **Read on.** The network that founded this family, and MNIST with it:
# :cite:`lecun1998`.
