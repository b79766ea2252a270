r"""
3.6 Several answers about one face
==================================

Does this person wear glasses? Smile? Wear a hat? One look answers all of it. **How does
one network give several answers about one picture, and can we see where it looks for
each?**

*After this lesson you can* build a network in the style of VGG block by block, train it
on several yes/no questions at once, judge it where the answer is rarely yes, draw a map
of what it looks at, and tell whether that is the thing itself or what usually comes
with it.

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

import matplotlib.pyplot as plt
import pandas as pd
import torch

from glassbox import datasets, models, nn, optim, plots, tracing, training

plots.style.use()
questions = ("glasses", "smile", "hat", "beard", "hair")
many = {
    split: datasets.faces(split, attributes=questions, n=8000, size=32)
    for split in ("train", "test")
}
train, test = many["train"][:2000], many["test"][:1000]
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
fig, ax = plt.subplots(figsize=(4.8, 3.6))
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
# Our **block** is two convolutions, each with a ReLU, then max-pooling, which halves
# height and width. From block to block the channels double. The original, VGG-16
# :cite:`simonyan2015`, has five blocks of two or three convolutions, with 64, 128, 256
# and twice 512 channels, for photographs of 224 × 224 pixels; ours has three.
#
# So that no channel starts out too large or too small, ``BatchNorm2d`` stands between
# convolution and ReLU. It came after VGG. It takes the mean :math:`\mu_c` and the
# variance :math:`v_c` of channel :math:`c` over all pixels of all faces of the batch,
# and makes :math:`\gamma_c (s - \mu_c) / \sqrt{v_c + \varepsilon} + \beta_c` of each
# value :math:`s`, where :math:`\gamma_c` and :math:`\beta_c` are learned and the tiny
# :math:`\varepsilon` guards against dividing by zero. The convolution before it needs
# no bias: :math:`\beta_c` does its work.


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
# :math:`25\, C^2`. You save more than a quarter, and get one more ReLU.
#
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
print(f"{inside.parameters:,} parameters, five scores for each face;")
print(f"{rows['fc1'] / inside.parameters:.0%} of them are in fc1.")
assert sum(rows.values()) == inside.parameters

# %%
shown = [f"pool{name[-1]}" if "block" in name else name for name in rows]
outputs = {name: inside[at].output for name, at in zip(rows, shown, strict=True)}
notes = {name: f"{count:,} parameters" for name, count in rows.items()}

fig, ax = plt.subplots(figsize=(4.8, 5.6))
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
# maps become one row of numbers. So it is in the original: of the 138 million
# parameters of VGG-16, 124 million are in its three dense layers.
#
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
losses = -(y * p.log() + (1 - y) * (1 - p).log())
by_package = nn.BCEWithLogitsLoss()(scores, y)
torch.testing.assert_close(losses.mean(), by_package)
first = pd.DataFrame(
    {"truth": y[0].int(), "p": p[0].detach(), "loss": losses[0].detach()}
)
print(first.set_axis(questions).round(3).to_string())
print(f"Mean of this face {losses[0].mean():.4f}, of 50 faces {losses.mean():.4f}.")
print(f"Saying one half to everything costs log 2 = {math.log(2):.4f}.")

# %%
# ``fit`` chooses this loss for floats that are all 0 or 1.


def rise_and_fall(progress):
    """Grow the steps at first, then make them ever finer."""
    return min(progress / 0.15, (1 - progress) / 0.85)


def learn(model, faces):
    history = training.fit(
        model,
        faces,
        epochs=6,
        batch_size=50,
        optimizer=lambda parameters: optim.Adam(parameters, lr=0.01),
        schedule=rise_and_fall,
        seed=0,
    )
    return [row.loss for row in history]


losses = learn(model, train)
print(f"Loss, epoch by epoch ({train.source}):", ", ".join(f"{v:.2f}" for v in losses))

# %%
# A yes is a probability above one half, a score above zero. Beside the test faces,
# which the network has not seen, stand those that it learned from: what is lost between
# them was learned by heart.

accuracy, learned = (
    training.evaluate(model, faces).per_class_accuracy for faces in (test, train)
)
table = pd.DataFrame({"test": accuracy, "training": learned}, index=questions)
print(table.map("{:.0%}".format).to_string())
if test.is_standin:
    assert accuracy.min() > 0.7
    assert (learned > accuracy).all()

# %%
# Is that much, or one lucky start? *Recorded* for eight random starts: the lowest and
# the highest test accuracy of a **linear model** (five weighted sums of all 3 × 32 × 32
# numbers), of a **dense network** with one hidden layer of 64, and of ours. The rivals
# learn longer, for 40 and 20 epochs, at rates that were tried out.

starts = datasets.recorded("faces_starts")
recorded = starts.to_frame()
print(f"Drawn faces, {starts}:\n{starts.made_with['command']}")
lowest, highest = (
    recorded.groupby(level=0)[list(questions)].agg(how) for how in ("min", "max")
)
names = {"linear": "linear", "dense": "dense", "balanced": "SmallVGG"}
ranges = {
    name: [
        f"{a:.0%}-{b:.0%}"
        for a, b in zip(lowest.loc[key], highest.loc[key], strict=True)
    ]
    for key, name in names.items()
}
print(pd.DataFrame(ranges, index=questions).to_string())
for rival in ("linear", "dense"):
    assert (lowest.loc["balanced"] > highest.loc[rival]).all()

# %%
# For each question the network's worst start beats the best of the two others. Why? A
# weighted sum multiplies the face with a fixed picture of weights, pixel by pixel. A
# pixel that is an eye on one face is a cheek on the next, and glasses may be dark on
# one and light on the other: such sums can use only what lies at nearly the same place
# on all faces, and a hidden layer of them changes little of that here. Our network
# looks for small patterns first, wherever they are.
#
# Five test faces and all that the network says of them. They are not chosen to please:
# for each question, the one on which it is surest and *wrong*. A bar is the probability
# of a yes; the dot is the truth, full at *yes*, hollow at *no*. A wrong answer has an
# orange frame and a hatched bar.
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
fig, axes = plt.subplots(2, 5, figsize=(4.8, 3.6))
for (above, below), k, i in zip(axes.T, range(5), surest, strict=True):
    plots.image(above, test.images[i]).set_title(f"{questions[k]}?", fontsize=10)
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


found = as_found(many["train"])
found_test = as_found(many["test"], seed=1)

torch.manual_seed(0)
habitual = models.SmallVGG(5, image_size=32, widths=(8, 16, 32), dropout=0.0)
learn(habitual, found)
habitual.eval()

pair = {"balanced": model, "as found": habitual}
learned_from = {"balanced": "balanced faces", "as found": "faces as found"}
with torch.no_grad():
    hat_scores = {name: net(found_test.images)[:, 2] for name, net in pair.items()}
has_hat = found_test.labels[:, 2] == 1
print(f"{len(found_test):,} new faces, {has_hat.sum()} with a hat.")
print(f"Always no: {(~has_hat).double().mean():.1%} right, no hat found.")
for name, scores in hat_scores.items():
    says, right = scores > 0, (scores > 0) == has_hat
    print(f"Learned from {learned_from[name]}: {right.double().mean():.1%} right;")
    print(f"   {(says & has_hat).sum()} hats found, ", end="")
    print(f"{(~says & has_hat).sum()} missed, {(says & ~has_hat).sum()} false alarms.")

# %%
# Two networks of nearly the same accuracy, and what a difference: one hardly raises a
# false alarm and misses many of the hats, the other finds nearly all of them and cries
# *hat* at many heads without. Accuracy is blind to it, for most of what it counts are
# faces without a hat. Two shares leave out the many right answers of *no*. With
# :math:`TP` hats found, :math:`FN` missed and :math:`FP` false alarms,
#
# .. math:: \text{recall} = \frac{TP}{TP + FN}, \qquad
#    \text{precision} = \frac{TP}{TP + FP} .
#
# *Of the hats, how many are found? Of the alarms, how many are true?* And one half is
# only one threshold. A lower one finds no fewer hats and raises no fewer false alarms.


def at_threshold(scores, t):
    """Return accuracy, precision and recall if a probability of t or more is a yes."""
    says = scores.sigmoid() >= t
    found_hats = (says & has_hat).sum().item()
    return {
        "accuracy": (says == has_hat).double().mean().item(),
        "precision": found_hats / says.sum().item() if says.any() else float("nan"),
        "recall": found_hats / has_hat.sum().item(),
    }


for name, scores in hat_scores.items():
    swept = pd.DataFrame({t: at_threshold(scores, t) for t in (0.95, 0.5, 0.2, 0.05)})
    print(f"Learned from {learned_from[name]}, with the threshold:")
    print(swept.map("{:.0%}".format).to_string())
    if found_test.is_standin and name == "balanced":
        assert swept.loc["precision", 0.95] - swept.loc["precision", 0.05] > 0.5
        assert swept.loc["accuracy"].max() - swept.loc["accuracy"].min() < 0.1
if found_test.is_standin:
    halves = {name: at_threshold(scores, 0.5) for name, scores in hat_scores.items()}
    assert halves["balanced"]["recall"] > halves["as found"]["recall"] + 0.2
    assert abs(halves["balanced"]["accuracy"] - halves["as found"]["accuracy"]) < 0.03

# %%
# From 0.95 down to 0.05 the balanced network's precision falls by more than 50 points,
# its accuracy moves by less than 10; recall cannot fall. Nothing that the threshold
# does is learning: it chooses between misses and false alarms. If it is worse to miss a
# hat, lower it; if a false alarm is worse, raise it. Learned where every second face
# wears a hat, the balanced network says yes too readily where few do: a higher
# threshold takes most of its false alarms away. The network cannot know which mistake
# is worse: you decide.
#
# **Every threshold at once.** Recall has a second name, the **true-positive rate**. Its
# partner, the **false-positive rate**, is the share of false alarms among the faces
# without a hat.
#
# The **ROC curve** draws the one up and the other across. Sort the faces by score,
# which is the order of their probabilities, the highest first, and let the threshold
# pass one face after the other: each with a hat is a step up, each without one a step
# to the right. The area under the curve, **AUC**, is 1 for a perfect order and one half
# for guessing: the probability that a face with a hat gets a higher score than one
# without.


def roc(scores, yes):
    """Return false- and true-positive rates, from the highest threshold down."""
    sorted_yes = yes[scores.argsort(descending=True)].double()
    true = sorted_yes.cumsum(0) / sorted_yes.sum()
    false = (1 - sorted_yes).cumsum(0) / (1 - sorted_yes).sum()
    start = torch.zeros(1, dtype=torch.float64)
    return torch.cat([start, false]), torch.cat([start, true])


from sklearn.metrics import roc_auc_score

curves = {name: roc(scores, has_hat) for name, scores in hat_scores.items()}
areas = {name: torch.trapezoid(t, f).item() for name, (f, t) in curves.items()}
false_rate = (hat_scores["balanced"][~has_hat] > 0).double().mean()
for name, (false, true) in curves.items():
    at_same = true[false <= false_rate].max()
    print(f"Learned from {learned_from[name]}: area {areas[name]:.3f};")
    print(f"   {at_same:.0%} of the hats at a false-positive rate of {false_rate:.1%}.")
    assert abs(areas[name] - roc_auc_score(has_hat, hat_scores[name])) < 1e-9

# %%
fig, ax = plt.subplots(figsize=(3.9, 3.7))
named = {f"{learned_from[name]}: {areas[name]:.3f}": curves[name] for name in curves}
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
# The dots are the threshold of one half. With a lower one the network that met few hats
# finds more of them, but its curve stays below the other: some it has not learned.
#
# Both rates are shares *within* one group, so they do not ask how frequent hats are.
# Precision does: where hats are rarer still, the same network raises as many false
# alarms for fewer hats (exercise 3.6-c).
#
# Where does it look?
# -------------------
# Cover a square of the face with gray and ask again. If the score falls far, the square
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
# mean face. In orange, where a cover lowers the score; in blue, where it raises it. (A
# map is padded by half a square, where no square has its center.)


def padded(heat, side=8, stride=2):
    return torch.nn.functional.pad(heat, [side // stride // 2] * 4)


mean_faces, mean_maps = {}, {}
for k, name in enumerate(questions):
    faces = test.images[test.labels[:, k] == 1][:16]
    heat = torch.stack([occlusion_map(face, stride=4)[k] for face in faces]).mean(dim=0)
    mean_faces[name], mean_maps[name] = faces.mean(dim=0), padded(heat, stride=4)

# %%
fig, axes = plt.subplots(1, 5, figsize=(4.8, 1.7))
for ax, name in zip(axes, questions, strict=True):
    plots.heat_over(ax, mean_faces[name], mean_maps[name])
    ax.set_title(name, fontsize=10)
fig.suptitle(f"mean maps, {test.source}", fontsize=11)
fig.alt_text = (
    f"Mean occlusion maps over mean faces ({test.source}): glasses around the eyes, "
    "smile and beard further down, hat above, hair at the upper left."
)
plt.show()

# %%
# Nobody told the network where a mouth is. It was told only *whether* there was a
# smile, for two thousand faces. Mind the pale spots far from a feature: a gray square
# is something that the network has never seen, and may disturb a score without being
# read.
#
# **The glasses, or a habit?** Now the other thing about the faces as one finds them:
# glasses and smile come together. Where nearly all who wear glasses smile, and nearly
# all who smile wear glasses, a network that answers "smile" has nearly answered
# "glasses".
#
# .. predict:: together

together = (found.labels[:, 0] == found.labels[:, 1]).double().mean()
print(f"Glasses and smile agree on {together:.0%} of the {len(found):,} faces.")
for name, network in pair.items():
    right = training.evaluate(network, found_test).per_class_accuracy[0]
    print(f"Learned from {learned_from[name]}:")
    print(f"   glasses right on {right:.0%} of new faces like those as found.")

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

glasses, smile = test.labels[:, 0] == 1, test.labels[:, 1] == 1
both = test.images[glasses & smile][:40]
glasses_maps = {
    name: torch.stack(
        [occlusion_map(face, stride=4, network=network)[0] for face in both]
    ).mean(dim=0)
    for name, network in pair.items()
}
bars = {part: test.images.clone() for part in ("mouth", "eyes")}
bars["mouth"][:, :, 20:28, 10:22] = 0.5
bars["eyes"][:, :, 12:20, 6:26] = 0.5
falls = {}
print("Under a gray bar the score for glasses\nof those who wear them changes by:")
for name, network in pair.items():
    for part, covered in bars.items():
        with torch.no_grad():
            fall = (network(test.images) - network(covered))[:, 0]
        with_it, without = fall[glasses & smile].mean(), fall[glasses & ~smile].mean()
        falls[name, part] = with_it, without
        print(f"   {name}, {part}: {-with_it:+.1f} smiling, {-without:+.1f} not")
if test.is_standin:
    smiling = "glasses no, smile yes"
    assert groups["as found"][smiling] > groups["balanced"][smiling] + 0.15
    assert falls["as found", "mouth"][0] > falls["as found", "mouth"][1] + 0.5
    assert min(falls["as found", "eyes"]) > 0.5  # it still looks at the eyes

# %%
largest = max(heat.max().item() for heat in glasses_maps.values())  # one scale for both
fig, axes = plt.subplots(1, 2, figsize=(4.8, 3.2))
for ax, (name, heat) in zip(axes, glasses_maps.items(), strict=True):
    plots.heat_over(ax, both.mean(dim=0), padded(heat, stride=4), limit=largest)
    ax.set_title(learned_from[name])
fig.suptitle(f"glasses? Learned from ({test.source}):", fontsize=11)
fig.alt_text = (
    f"Mean occlusion maps for glasses, of smiling faces ({test.source}): learned from "
    "balanced faces, the eyes alone are warm; learned from faces as found, the warm "
    "part lies at the mouth."
)
plt.show()

# %%
# **The map slides to the mouth**, and the eyes are pale. Has this network stopped
# looking at the eyes? No: a bar over both eyes lowers its score as well. The small
# square of the map hides only a part of the glasses. Where the score falls far, the
# network most likely looked; where it stays, it may have looked all the same.
#
# On new faces of its own kind this network even looks like the better one: the habit
# helps there. A test on such faces holds hardly any that break the habit. Those tell:
# compare the groups, as above. Once more from all eight recorded starts, the lowest and
# the highest; the last row is how much more the score for glasses falls with a smile
# than without when the mouth is covered. One start got stuck on the faces as found; it
# is in the ranges.

words = {
    "hat accuracy": "hats, as found: right",
    "hat recall": "hats, as found: recall",
    "glasses for none": "says glasses: none, no smile",
    "glasses for a smile": "says glasses: none, but smile",
    "mouth": "mouth covered: more fall with smile",
}
ranges = {
    name: {
        text: " to ".join(
            f"{value:.1f}" if column == "mouth" else f"{value:.0%}"
            for value in recorded.loc[name, column].agg(["min", "max"])
        )
        for column, text in words.items()
    }
    for name in pair
}
print(pd.DataFrame(ranges).to_string())
habit = recorded["glasses for a smile"]
assert habit.loc["as found"].min() > 2 * habit.loc["balanced"].max()
mouth = recorded["mouth"]
assert mouth.loc["as found"].min() > mouth.loc["balanced"].max()
assert recorded.loc["as found", "hat recall"].max() < 0.7
assert recorded.loc["balanced", "hat recall"].min() > 0.8

# %%
# What to remember
# ----------------
# - Several yes/no questions are several scores of *one* network. They share all layers;
#   only the row of weights in the last one is each question's own.
# - Each score has its logistic function and its binary cross-entropy. The loss is their
#   mean.
# - VGG: blocks of 3 × 3 convolutions and a pooling. Each halves height and width; the
#   channels mostly double.
# - Where yes is rare, accuracy hides what happens to it: ask for precision and recall.
#   A threshold chooses between misses and false alarms: lower it if a miss is worse.
#   The ROC curve holds all thresholds.
# - Cover a part and see what changes: where the score falls far, the network most
#   likely looked.
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
