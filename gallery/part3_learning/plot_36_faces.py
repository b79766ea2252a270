r"""
3.6 Several answers about one face
==================================

Does this person wear glasses? Smile? Wear a hat? One look answers all of it. **How does
one network give several answers about one picture, and can we see where it looks for
each?**

*After this lesson you can* build a network in the style of VGG block by block, train it
on several yes/no questions at once, judge it where the answer is rarely yes, and draw a
map of what it looks at, which tells a habit from an eye.

*Time*: 45 minutes. *Before*: lessons 1.3 and 3.2.
"""

# %%
# Faces and five questions
# ------------------------
# ``datasets.faces`` gives faces and, for each, the answers to the questions that you
# ask. If you have CelebA, a collection of 200,000 photographs, it reads that.
# Otherwise the package draws faces itself. They vary in pose, skin, clothes, light and
# background. Half of them have each attribute, and the answer to one question tells
# nothing about the others: a *balanced* set, to begin with.

import math
from itertools import pairwise

import matplotlib.pyplot as plt
import pandas as pd
import torch

from glassbox import datasets, models, nn, optim, plots, tracing, training

plots.style.use()
questions = ("glasses", "smile", "hat", "beard", "hair")
train = datasets.faces("train", attributes=questions, n=2000, size=32)
test = datasets.faces("test", attributes=questions, n=1000, size=32)
print(f"{len(train):,} faces to learn from, {len(test):,} to test.")
print(f"Source: {train.source}.")
shares = train.labels.mean(dim=0)
for name, share in zip(questions, shares, strict=True):
    print(f"{name}: yes for {share:.0%}")
if train.is_standin:
    assert ((shares > 0.45) & (shares < 0.55)).all()

# %%
# Above, faces as we would like to see them. Below, the same faces as the network gets
# them, 32 × 32 pixels in three channels: red, green and blue. Under each stand the
# questions whose answer is yes. *Hair* asks whether there is any on the head; it may
# have nearly the color of the skin, and so may a beard.

large = datasets.faces("train", attributes=questions, n=5, size=128)
torch.testing.assert_close(large.labels, train.labels[:5])

# %%
said_yes = [
    ", ".join(name for name, yes in zip(questions, labels, strict=True) if yes)
    for labels in large.labels.tolist()
]
captions = [text.replace(", ", "\n") or "none of them" for text in said_yes]

coarse = train.images[:5].repeat_interleave(4, dim=2).repeat_interleave(4, dim=3)
fig, ax = plt.subplots(figsize=(7.2, 4.6))
plots.image_grid(ax, torch.cat([large.images, coarse]), [""] * 5 + captions)
ax.set(title=f"Source: {large.source}", ylim=(3.3 * 128, -8))
fig.alt_text = (
    "Five faces in 128 by 128 pixels and the same in 32 by 32, with the questions that "
    f"are answered by yes ({train.source}): " + "; ".join(said_yes) + "."
)
plt.show()

# %%
# A network, block by block
# -------------------------
# VGG is a family of networks with one idea: use small kernels, 3 × 3, and many layers.
# A **block** is two convolutions, each with a ReLU, then max-pooling, which halves
# height and width. From block to block the channels double. The original networks have
# five such blocks of up to four convolutions, with 64 to 512 channels, for photographs
# of 224 × 224 pixels; ours has three.
#
# Between convolution and ReLU stands ``BatchNorm2d``, which came after VGG. It takes
# the mean :math:`\mu_c` and the variance :math:`v_c` of channel :math:`c` over all
# pixels of all faces of the batch, and makes :math:`\gamma_c (s - \mu_c) / \sqrt{v_c +
# \varepsilon} + \beta_c` of each value :math:`s`, where :math:`\gamma_c` and
# :math:`\beta_c` are learned. So no channel starts out too large or too small. Its
# :math:`\beta_c` is a bias, so the convolution before it needs none.


def block(in_channels, out_channels):
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False),
        nn.BatchNorm2d(out_channels), nn.ReLU(),
        nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False),
        nn.BatchNorm2d(out_channels), nn.ReLU(),
        nn.MaxPool2d(2),
    )  # fmt: skip


torch.manual_seed(0)
blocks = [block(3, 8), block(8, 16), block(16, 32)]
head = [nn.Flatten(), nn.Linear(32 * 4 * 4, 64), nn.ReLU(), nn.Linear(64, 5)]

x = train.images[:50]
print("faces     ", tuple(x.shape))
for number, part in enumerate(blocks, start=1):
    x = part(x)
    print(f"block {number}   ", tuple(x.shape))
for part in head:
    x = part(x)
    print(f"{type(part).__name__:10}", tuple(x.shape))

# %%
# Why two small kernels instead of one large? An output of the second convolution sees 3
# × 3 outputs of the first, and so 5 × 5 pixels. With :math:`C` channels everywhere, two
# kernels of 3 × 3 have :math:`2 \cdot 9\, C^2` weights, and one of 5 × 5 has
# :math:`25\, C^2`. You save, and get one more ReLU.

C = 32
two, one = 2 * 9 * C**2, 25 * C**2
print(f"{C} channels: {two:,} weights instead of {one:,}, {1 - two / one:.0%} saved.")

# %%
# ``models.SmallVGG`` is this chain with a name for every part. From the same seed it
# starts with the same weights. Its ``dropout`` is the share of hidden values that are
# set to zero at random at each step of training, against learning by heart. We leave it
# out.

torch.manual_seed(0)
model = models.SmallVGG(5, image_size=32, widths=(8, 16, 32), dropout=0.0)
scores = model(train.images[:50])
torch.testing.assert_close(scores, x)
inside = tracing.trace(model, train.images[:1])

sizes = {
    name: sum(parameter.numel() for parameter in part.parameters())
    for name, part in model.named_children()
}
rows = {
    f"block {k}": sum(n for name, n in sizes.items() if str(k) in name[:-1])
    for k in (1, 2, 3)
}
rows |= {"fc1": sizes["fc1"], "fc2": sizes["fc2"]}
print(f"{inside.parameters:,} parameters, five scores for each face.")
for name, count in rows.items():
    print(f"{name}: {count:6,} parameters, {count / inside.parameters:4.1%}")
assert sum(rows.values()) == inside.parameters

# %%
shown = [f"pool{name[-1]}" if "block" in name else name for name in rows]
outputs = {name: inside[at].output for name, at in zip(rows, shown, strict=True)}
notes = {name: f"{count:,} parameters" for name, count in rows.items()}

fig, ax = plt.subplots(figsize=(7.2, 6.4))
plots.network(ax, {"input": train.images[:1]} | outputs, notes=notes, values=True)
ax.set_title(f"One of the {train.source}")
fig.alt_text = (
    f"The network to scale, untrained, with its values ({train.source}): the face, 8 "
    "maps of 16 by 16 pixels, 16 of 8 by 8, 32 of 4 by 4, then 64 numbers and five "
    "scores; beside each its parameters, most of them in the first dense layer."
)
plt.show()

# %%
# The maps shrink, their number grows, and most of the parameters wait where the last
# maps become one row of numbers. So it is in the original. Beside ours stands VGG-16
# :cite:`simonyan2015`, counted by the same rule: 9 weights for each pair of channels,
# in its case with a bias for each kernel, and a weight for each pair in a dense layer.


def vgg_parameters(groups, dense, bias=True):
    """Return the parameters of the convolutions and of the dense layers."""
    convolutions, before = 0, 3
    for channels in groups:
        for c in channels:
            convolutions += 9 * before * c + (c if bias else 2 * c)
            before = c
    return convolutions, sum(n * m + m for n, m in pairwise(dense))


vgg16 = [[64] * 2, [128] * 2, [256] * 3, [512] * 3, [512] * 3]
counted = {
    "VGG-16": vgg_parameters(vgg16, [512 * 7 * 7, 4096, 4096, 1000]),
    "SmallVGG": vgg_parameters([[8] * 2, [16] * 2, [32] * 2], [512, 64, 5], bias=False),
}
assert sum(counted["SmallVGG"]) == inside.parameters
sides = {"VGG-16": (224, 13, 1000), "SmallVGG": (32, 6, 5)}
for name, (convolutions, dense) in counted.items():
    side, layers, answers = sides[name]
    share = dense / (convolutions + dense)
    print(f"{name}: {side} x {side} pixels, {layers} convolutions, {answers} answers,")
    print(f"   {convolutions + dense:,} parameters, {share:.0%} in the dense layers.")

# %%
# Five losses, one mean
# ---------------------
# Each score :math:`s_k^i` gets a logistic function of its own, :math:`p_k^i = 1 / (1 +
# e^{-s_k^i})`, the probability of a yes. A softmax would share out one whole among the
# five, and a face may well have glasses *and* a hat. The loss is the binary
# cross-entropy (lesson 3.2), averaged over :math:`N` faces and :math:`K` questions:
#
# .. math::
#
#    \begin{aligned}
#    &R = -\frac{1}{N K} \sum_{i=1}^{N} \sum_{k=1}^{K} \\
#    &\quad \Big( y_k^i \log p_k^i + (1 - y_k^i) \log (1 - p_k^i) \Big) .
#    \end{aligned}

y, p = train.labels[:50], scores.sigmoid()
by_hand = -(y * p.log() + (1 - y) * (1 - p).log()).mean()
by_package = nn.BCEWithLogitsLoss()(scores, y)
torch.testing.assert_close(by_hand, by_package)
print(f"By hand {by_hand:.4f}, by the package {by_package:.4f}.")
print(f"Saying one half to everything costs log 2 = {math.log(2):.4f}.")

# %%
# ``fit`` sees answers that are all 0 or 1 and takes this loss by itself. Beside the
# network learns a **linear model**: five weighted sums of all 3 × 32 × 32 numbers. A
# rival is to be met at its best, so it gets 40 epochs, and the learning rate that does
# best on 400 of the training faces, held out.


def rise_and_fall(progress):
    """Grow the steps at first, then make them ever finer."""
    return min(progress / 0.15, (1 - progress) / 0.85)


def learn(model, rate, epochs, faces=train):
    return training.fit(
        model,
        faces,
        epochs=epochs,
        batch_size=50,
        optimizer=lambda parameters: optim.Adam(parameters, lr=rate),
        schedule=rise_and_fall,
        seed=0,
    ).to_frame()


def linear_model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 5))


tried = {}
for rate in (0.001, 0.003, 0.01):
    rival = linear_model()
    learn(rival, rate, epochs=40, faces=train[:1600])
    tried[rate] = training.evaluate(rival, train[1600:]).accuracy
best = max(tried, key=tried.get)
print("Linear, right on held-out faces:", ", ".join(f"{a:.1%}" for a in tried.values()))
print(f"The best learning rate is {best:g}.")

linear = linear_model()
histories = {
    "SmallVGG": learn(model, 0.01, epochs=6),
    "linear": learn(linear, best, epochs=40),
}

# %%
losses = pd.DataFrame({name: table["loss"] for name, table in histories.items()})

fig, ax = plt.subplots(figsize=(6.4, 3.4))
plots.curves(ax, losses).set(ylabel="loss", title=f"Learning from {train.source}")
ax.axhline(math.log(2), color=plots.style.MUTED, linestyle=":")
ax.text(losses.index[-1], math.log(2), "guessing", ha="right", va="bottom")
fig.alt_text = (
    f"Loss on {train.source}: SmallVGG falls steeply within six epochs, far below "
    "that of guessing; the linear model only a little in forty."
)
plt.show()

# %%
# A yes is a probability above one half, a score above zero. Beside the test faces,
# which neither of the two has seen, stand those that they learned from: what is lost
# between them was learned by heart.

both = {"linear": linear, "SmallVGG": model}
accuracy, learned = (
    pd.DataFrame(
        {
            name: training.evaluate(network, faces).per_class_accuracy
            for name, network in both.items()
        },
        index=pd.Index(questions, name=test.source),
    )
    for faces in (test, train)
)
table = pd.concat({"test": accuracy, "training": learned}, axis=1)
print(table.map("{:.0%}".format).to_string())
if test.is_standin:
    assert accuracy["SmallVGG"].min() > 0.7
    assert (accuracy["SmallVGG"] > accuracy["linear"] + 0.05).all()
    assert (learned["SmallVGG"] > accuracy["SmallVGG"]).all()

# %%
# Is that one lucky start? *Recorded* from five: the lowest and the highest test
# accuracy of each.

starts = datasets.recorded("faces_starts")
recorded = starts.to_frame()
print(f"Drawn faces, {starts}: {starts.made_with['command']}")
lowest, highest = (
    recorded.groupby(level=0)[list(questions)].agg(how) for how in ("min", "max")
)
for name in ("linear", "balanced"):
    ranges = zip(questions, lowest.loc[name], highest.loc[name], strict=True)
    print(f"{'SmallVGG' if name == 'balanced' else name}:")
    print("   " + ", ".join(f"{which} {a:.0%}-{b:.0%}" for which, a, b in ranges))
assert (lowest.loc["balanced"] > highest.loc["linear"]).all()

# %%
# For each question the network's worst start beats the linear model's best. Why? The
# linear model multiplies the face with a fixed picture of weights, pixel by pixel. A
# pixel that is an eye on one face is a cheek on the next, and glasses may be dark on
# one and light on the other: its sums can use only what lies at nearly the same place
# on all faces. The network looks for small patterns first, wherever they are.
#
# Five test faces and all that the network says of them. They are not chosen to please:
# for each question, the one on which it is surest and *wrong*. A bar is the probability
# of a yes; the dot is the truth, full at *yes*, hollow at *no*. A wrong answer is
# orange.
#
# ``model.eval()`` tells the network that it is judged now: ``BatchNorm2d`` then takes
# the mean and the variance that it has gathered while learning, so that an answer does
# not depend on the other faces of the batch, and dropout would drop nothing.

model.eval()
with torch.no_grad():
    probabilities = model(test.images).sigmoid()
wrongness = (probabilities - test.labels).abs()
surest = wrongness.argmax(dim=0)

# %%
fig, axes = plt.subplots(2, 5, figsize=(7.2, 3.8))
for (above, below), k, i in zip(axes.T, range(5), surest, strict=True):
    plots.image(above, test.images[i]).set_title(f"{questions[k]}?")
    names = questions if k == 0 else ()
    plots.yes_no_bars(below, probabilities[i], test.labels[i], names)
fig.suptitle(f"Source: {test.source}", fontsize=11)
fig.alt_text = (
    f"Five test faces ({test.source}), for each question the one on which the network "
    "is surest and wrong; under each five bars, its probabilities, and the truth as "
    "dots."
)
plt.show()

# %%
# Look for the reason: something that hides the answer, colors that are nearly the same,
# a shape that resembles another.

all_right = ((probabilities > 0.5) == (test.labels > 0.5)).all(dim=1).double().mean()
print(f"Single answers are right in {(wrongness < 0.5).double().mean():.1%},")
print(f"all five of a face for {all_right:.1%} of the faces.")

# %%
# Faces as one finds them
# -----------------------
# Real collections are not balanced. In CelebA one face in twenty wears a hat, and some
# attributes come together. So choose other faces: *hats on one in twenty, and glasses
# nearly only with a smile, a smile nearly only with glasses.* The same network trains
# on as many of them, in the same way; new faces of the same kind test it. First the
# hats.
#
# .. predict:: rare


def as_found(faces, n=2000, seed=0):
    """Choose faces: hats are rare, glasses and smile mostly come together."""
    glasses, smile, hat = faces.labels[:, :3].T
    luck = torch.rand(2, len(hat), generator=torch.Generator().manual_seed(seed))
    hats = 0.05 / 0.95 * (1 - hat.mean()) / hat.mean()
    kept = ((glasses == smile) | (luck[0] < 0.05)) & ((hat == 0) | (luck[1] < hats))
    return faces[kept.nonzero().flatten()[:n]]


many = {
    split: datasets.faces(split, attributes=questions, n=8000, size=32)
    for split in ("train", "test")
}
found = as_found(many["train"])
found_test = as_found(many["test"], seed=1)

torch.manual_seed(0)
habitual = models.SmallVGG(5, image_size=32, widths=(8, 16, 32), dropout=0.0)
learn(habitual, 0.01, epochs=6, faces=found)
habitual.eval()

pair = {"balanced": model, "as found": habitual}
with torch.no_grad():
    hat_scores = {name: net(found_test.images)[:, 2] for name, net in pair.items()}
has_hat = found_test.labels[:, 2] == 1
print(f"{len(found_test):,} new faces, {has_hat.sum()} with a hat.")
print(f"Always no: {(~has_hat).double().mean():.1%} right, no hat found.")
for name, scores in hat_scores.items():
    says, right = scores > 0, (scores > 0) == has_hat
    print(f"Learned from {name}: {right.double().mean():.1%} right;")
    print(f"   {(says & has_hat).sum()} hats found, ", end="")
    print(f"{(~says & has_hat).sum()} missed, {(says & ~has_hat).sum()} false alarms.")

# %%
# Here two networks have nearly the same accuracy, and what a difference: one hardly
# raises a false alarm and misses about half of the hats, the other finds nearly all of
# them and cries *hat* at many heads without. Accuracy is blind to it, for most of what
# it counts are faces without a hat. Two shares look at the hats alone. With :math:`TP`
# hats found, :math:`FN` missed and :math:`FP` false alarms,
#
# .. math:: \text{recall} = \frac{TP}{TP + FN}, \qquad
#    \text{precision} = \frac{TP}{TP + FP} .
#
# *Of the hats, how many are found? Of the alarms, how many are true?* And one half is
# only one threshold: a lower one finds no fewer hats and raises no fewer false alarms.


def at_threshold(scores, t):
    """Return accuracy, precision and recall if a probability of t or more is a yes."""
    says = scores.sigmoid() >= t
    found_hats = (says & has_hat).sum().item()
    return {
        "accuracy": (says == has_hat).double().mean().item(),
        "precision": found_hats / says.sum().item() if says.any() else float("nan"),
        "recall": found_hats / has_hat.sum().item(),
    }


thresholds = [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
swept = {
    name: pd.DataFrame({t: at_threshold(scores, t) for t in thresholds}).T
    for name, scores in hat_scores.items()
}
at_half = pd.DataFrame({name: table.loc[0.5] for name, table in swept.items()})
print(at_half.map("{:.0%}".format).to_string())
if found_test.is_standin:
    accuracies, recalls = at_half.loc["accuracy"], at_half.loc["recall"]
    assert abs(accuracies["balanced"] - accuracies["as found"]) < 0.03
    assert recalls["balanced"] > 0.85 > 0.65 > recalls["as found"]

# %%
fig, axes = plt.subplots(1, 2, figsize=(7.2, 3.4), sharey=True)
for ax, (name, table) in zip(axes, swept.items(), strict=True):
    plots.curves(ax, table.rename_axis("threshold"), percent=True, markers=False)
    ax.set(title=f"learned from {name}", xlim=(0, 1.35), xticks=[0, 0.5, 1])
    ax.axvline(0.5, color=plots.style.FAINT, zorder=0)
fig.suptitle(f"hats on one face in twenty, {found_test.source}", fontsize=11)
fig.alt_text = (
    f"Accuracy, precision and recall for hats against the threshold, for two networks "
    f"({found_test.source}): accuracy is high and flat in both, precision rises and "
    "recall falls with the threshold."
)
plt.show()

# %%
for name, table in swept.items():
    span = (table.loc[0.2:].max() - table.loc[0.2:].min()).map("{:.0%}".format)
    print(f"{name}, from a threshold of 0.2 on: " + ", ".join(span.index + " " + span))

# %%
# Accuracy moves by a few percent, precision by tens, and so does recall in the network
# that met few hats. Nothing that the threshold does is learning: it chooses between two
# kinds of mistakes, and which of them costs more is no question to the network.
#
# **Every threshold at once.** Recall has a second name, the **true-positive rate**, and
# a partner, the **false-positive rate**. For a threshold :math:`t` (# is *number of*):
#
# .. math:: \text{TPR}(t) = \frac{\#\{i : p^i \ge t,\; y^i = 1\}}{\#\{i : y^i = 1\}} ,
#
# .. math:: \text{FPR}(t) = \frac{\#\{i : p^i \ge t,\; y^i = 0\}}{\#\{i : y^i = 0\}} .
#
# The **ROC curve** is TPR against FPR. Sort the faces by score, which is the order of
# their probabilities, the highest first. Let the threshold pass one face after the
# other: a few lines. The area under the curve, **AUC**, is 1 for a perfect order and
# one half for guessing. It is the probability that a face with a hat gets a higher
# score than one without, so one can also count pairs.


def roc(scores, yes):
    """Return false- and true-positive rates, from the highest threshold down."""
    sorted_yes = yes[scores.argsort(descending=True)].double()
    true = sorted_yes.cumsum(0) / sorted_yes.sum()
    false = (1 - sorted_yes).cumsum(0) / (1 - sorted_yes).sum()
    start = torch.zeros(1, dtype=torch.float64)
    return torch.cat([start, false]), torch.cat([start, true])


from sklearn.metrics import roc_auc_score, roc_curve

curves = {name: roc(scores, has_hat) for name, scores in hat_scores.items()}
areas = {name: torch.trapezoid(t, f).item() for name, (f, t) in curves.items()}
for name, scores in hat_scores.items():
    pairs = (scores[has_hat][:, None] > scores[~has_hat]).double().mean().item()
    print(f"{name}: area {areas[name]:.4f}; pairs in the right order {pairs:.4f}")
    assert abs(areas[name] - pairs) < 1e-3
    assert abs(areas[name] - roc_auc_score(has_hat, scores)) < 1e-9
    theirs = roc_curve(has_hat, scores, drop_intermediate=False)
    for ours, peer in zip(curves[name], theirs, strict=False):
        torch.testing.assert_close(ours, torch.tensor(peer))

# %%
# Both rates are shares *within* one group, so they do not ask how frequent hats are.
# Precision does. With :math:`\pi` for the share of faces that wear a hat,
#
# .. math:: \text{precision} = \frac{\pi \, \text{TPR}}
#    {\pi \, \text{TPR} + (1 - \pi) \, \text{FPR}} .

says = hat_scores["balanced"] > 0
true_rate = says[has_hat].double().mean().item()
false_rate = says[~has_hat].double().mean().item()
print(f"The balanced network at one half: TPR {true_rate:.1%}, FPR {false_rate:.1%}.")
for share in (has_hat.double().mean().item(), 0.5):
    alarms = share * true_rate + (1 - share) * false_rate
    print(
        f"Hats on {share:.1%} of the faces: precision {share * true_rate / alarms:.0%}."
    )

# %%
fig, ax = plt.subplots(figsize=(3.9, 3.7))
named = {f"learned from {name}: {areas[name]:.3f}": curves[name] for name in curves}
plots.roc_curves(ax, named)
ax.set(xlabel="false-positive rate", ylabel="true-positive rate (recall)")
ax.set_title(f"hats, {found_test.source}")
for scores, color in zip(hat_scores.values(), plots.style.SERIES, strict=False):
    says = scores > 0
    at = [says[group].double().mean().item() for group in (~has_hat, has_hat)]
    ax.plot(*at, "o", color=color, markersize=8)
fig.alt_text = (
    f"ROC curves for hats ({found_test.source}): both bend far to the upper left; the "
    "threshold of one half, a dot, lies low on the one that learned from few hats."
)
plt.show()

# %%
# The dots are the threshold of one half. The network that met few hats is not blind to
# them: its curve bends far to the upper left as well. For whoever wants to find hats,
# its threshold stands too high.
#
# Where does it look?
# -------------------
# Cover a square of the face with gray and ask again. If the score falls, the square
# mattered. Slide the square over the whole face and you have an **occlusion map**:
#
# .. math::
#
#    \begin{aligned}
#    &M_k(u, v) = s_k(x) \\
#    &\quad - s_k(x \text{ with the square at } (u, v) \text{ gray}).
#    \end{aligned}


@torch.no_grad()
def occlusion_map(face, side=8, stride=2, network=model):
    """Return, for each question, how far the score falls when a square is covered."""
    places = range(0, 32 - side + 1, stride)
    covered = face.repeat(len(places) ** 2, 1, 1, 1)
    corners = [(row, column) for row in places for column in places]
    for picture, (row, column) in zip(covered, corners, strict=True):
        picture[:, row : row + side, column : column + side] = 0.5
    drop = network(face[None]) - network(covered)
    return drop.T.reshape(-1, len(places), len(places))


# %%
# A mean over 16 faces that have the attribute: for each question, the mean map over the
# mean face. In orange, what spoke for a yes; in blue, what spoke against it. (A map is
# padded by half a square, where no square has its center.)


def padded(heat, side=8, stride=2):
    return torch.nn.functional.pad(heat, [side // stride // 2] * 4)


mean_faces, mean_maps = {}, {}
for k, name in enumerate(questions):
    faces = test.images[test.labels[:, k] == 1][:16]
    heat = torch.stack([occlusion_map(face, stride=4)[k] for face in faces]).mean(dim=0)
    mean_faces[name], mean_maps[name] = faces.mean(dim=0), padded(heat, stride=4)

# %%
fig, axes = plt.subplots(1, 5, figsize=(7.2, 2.1))
for ax, name in zip(axes, questions, strict=True):
    plots.heat_over(ax, mean_faces[name], mean_maps[name]).set_title(name)
fig.suptitle(f"mean maps, {test.source}", fontsize=11)
fig.alt_text = (
    f"Mean occlusion maps over mean faces ({test.source}): glasses around the eyes, "
    "smile and beard further down, hat and hair above."
)
plt.show()

# %%
# Nobody told the network where a mouth is. It was told *whether* there was a smile, two
# thousand times. Mind the pale spots far from a feature: a gray square is something
# that the network has never seen, and may disturb a score without being read.
#
# **An eye or a habit?** Now the other half of the faces as one finds them. Where most
# who wear glasses smile, a network that answers "smile" has nearly answered "glasses".
#
# .. predict:: together

together = (found.labels[:, 0] == found.labels[:, 1]).double().mean()
print(f"Glasses and smile agree on {together:.0%} of the {len(found):,} faces.")
for name, network in pair.items():
    right = training.evaluate(network, found_test).per_class_accuracy[0]
    print(f"Learned from {name}: glasses right on {right:.0%} of new faces like these.")

answer = {1: "yes", 0: "no"}
groups = {}
for name, network in pair.items():
    with torch.no_grad():
        says_glasses = (network(test.images)[:, 0] > 0).double()
    groups[name] = {}
    for g, s in ((1, 1), (1, 0), (0, 1), (0, 0)):
        group = (test.labels[:, 0] == g) & (test.labels[:, 1] == s)
        title = f"glasses {answer[g]}, smile {answer[s]}"
        groups[name][title] = says_glasses[group].mean().item()
print("On the balanced test faces the network says glasses:")
print(pd.DataFrame(groups).map("{:.0%}".format).to_string())

with_glasses = test.images[test.labels[:, 0] == 1][:40]
glasses_maps = {
    name: torch.stack(
        [occlusion_map(face, stride=4, network=network)[0] for face in with_glasses]
    ).mean(dim=0)
    for name, network in pair.items()
}
low = {}
for name, heat in glasses_maps.items():
    positive = heat.clamp(min=0)
    low[name] = (positive[-2:].sum() / positive.sum()).item()
    print(f"{name}: {low[name]:.0%} of the map lies in the lowest third of the face")
if test.is_standin:
    smiling = "glasses no, smile yes"
    assert groups["as found"][smiling] > groups["balanced"][smiling] + 0.15
    assert low["as found"] > low["balanced"] + 0.05

# %%
fig, axes = plt.subplots(1, 2, figsize=(5.4, 2.9))
for ax, (name, heat) in zip(axes, glasses_maps.items(), strict=True):
    plots.heat_over(ax, with_glasses.mean(dim=0), padded(heat, stride=4))
    ax.set_title(f"learned from {name}")
fig.suptitle(f"glasses: mean maps, {test.source}", fontsize=11)
fig.alt_text = (
    f"Mean occlusion maps for glasses ({test.source}): learned from balanced faces, "
    "the eyes alone are warm; learned from faces as found, the warm part reaches down "
    "to the mouth."
)
plt.show()

# %%
# **The map slides to the mouth.** On new faces of its own kind this network even looks
# like the better one: the habit helps there. A test on such faces holds hardly any that
# break the habit. Those tell, and the map says why: asked about the eyes, the network
# looks at the mouth too. Once more from all five recorded starts, the lowest and the
# highest:

words = {
    "hat accuracy": "hats, as found: right",
    "hat recall": "hats, as found: recall",
    "glasses for none": "says glasses: none, no smile",
    "glasses for a smile": "says glasses: none, but smile",
    "map below": "map in the lowest third",
}
ranges = {
    name: {
        text: f"{recorded.loc[name, column].min():.0%} to "
        f"{recorded.loc[name, column].max():.0%}"
        for column, text in words.items()
    }
    for name in pair
}
print(pd.DataFrame(ranges).to_string())
habit = recorded["glasses for a smile"]
assert habit.loc["as found"].min() > 2 * habit.loc["balanced"].max()
below = recorded["map below"]
assert below.loc["as found"].min() > below.loc["balanced"].max()
assert recorded.loc["as found", "hat recall"].max() < 0.6

# %%
# What to remember
# ----------------
# - Several yes/no questions are several scores of *one* network. They share all layers
#   but the last row of weights.
# - Each score has its logistic function and its binary cross-entropy. The loss is their
#   mean.
# - VGG: blocks of two 3 × 3 convolutions and a pooling. Half the size, twice the
#   channels.
# - Where yes is rare, accuracy hides what happens to it: ask for precision and recall.
#   A threshold trades one for the other. The ROC curve holds all thresholds, and its
#   area is the share of pairs in the right order.
# - Cover a part and see what changes: it shows where a network looks.
# - What nearly always comes together in the training faces, a network may take for one
#   another. Judge it on the groups that break the habit.
#
# **Try this.** Train with ``attributes=("smile",)`` only, on the same faces. Is the
# smile read better alone or among five questions? Then cover the test faces with a gray
# square on the mouth: which answers suffer? Last, give the hats of the faces as found
# more weight, each nine times as much, and see what becomes of recall and precision.
#
# **Read on.** VGG: :cite:`simonyan2015`. Batch normalization: :cite:`ioffe2015`.
# CelebA: :cite:`liu2015`.
