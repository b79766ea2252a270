r"""
3.6 Several answers about one face
==================================

Does this person wear glasses? Smile? Wear a hat? One look answers all of it. **How does
one network give several answers about one picture, and can we see where it looks for
each?**

*After this lesson you can* build a network in the style of VGG block by block, train it
on several yes/no questions at once, judge it by an ROC curve that you compute yourself,
and draw a map of what it looks at.

*Time*: 45 minutes. *Before*: lessons 1.3 and 3.2.
"""

# %%
# Faces and five questions
# ------------------------
# ``datasets.faces`` gives faces and, for each, the answers to the questions that you
# ask. If you have CelebA, a collection of 200,000 photographs, it reads that.
# Otherwise the package draws faces itself. They vary in pose, skin, clothes, light and
# background, and the answer to one question tells nothing about the others.

import math

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
# them, 32 × 32 pixels in three channels: red, green and blue. Under each stands what is
# answered by yes. *Hair* asks whether there is any on the head; it may have nearly the
# color of the skin, and so may a beard.

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
# height and width. From block to block the channels double. The first VGG has five
# such groups, with 64 to 512 channels, for photographs of 224 × 224 pixels; ours has
# three.
#
# Between convolution and ReLU stands ``BatchNorm2d``, which came after VGG. It takes
# the mean :math:`\mu_c` and the variance :math:`v_c` of channel :math:`c` over all
# pixels of all faces of the batch, and makes :math:`\gamma_c (s - \mu_c) / \sqrt{v_c +
# \varepsilon} + \beta_c` of each value :math:`s`, where :math:`\gamma_c` and
# :math:`\beta_c` are learned. So no channel starts out too large or too small.


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
# starts with the same weights. (Its ``dropout`` is the share of hidden values that are
# set to zero at random at each step of training, against learning by heart. We leave it
# out.)

torch.manual_seed(0)
model = models.SmallVGG(5, image_size=32, widths=(8, 16, 32), dropout=0.0)
scores = model(train.images[:50])
torch.testing.assert_close(scores, x)
inside = tracing.trace(model, train.images[:1])
parts = model.named_children()
sizes = pd.Series(
    {name: sum(p.numel() for p in part.parameters()) for name, part in parts}
)
print(f"{inside.parameters:,} parameters, five scores for each face. They sit in:")
for name, count in sizes[sizes > 0].items():
    print(f"{name:6} {count:6,}  {count / inside.parameters:4.0%}")
assert sizes.sum() == inside.parameters

# %%
# Most of them are in the first dense layer, as in the original.

# %%
shown = ("pool1", "pool2", "pool3", "fc1", "fc2")
rows = {f"block {name[-1]}" if "pool" in name else name: inside[name] for name in shown}
outputs = {name: row.output for name, row in rows.items()}
notes = {}
for name in ("block 1", "block 2", "block 3"):  # half of the channels fill the width
    shape = outputs[name].shape[1:]
    outputs[name] = outputs[name][:, : shape[0] // 2]
    notes[name] = "half of " + " × ".join(map(str, shape))

fig, ax = plt.subplots(figsize=(6.4, 4.6))
plots.network(ax, {"input": train.images[:1]} | outputs, notes=notes, values=True)
ax.set_title(f"One of the {train.source}")
fig.alt_text = (
    f"The network to scale, untrained, with its values ({train.source}): the face, "
    "maps of 16 by 16 pixels, of 8 by 8, of 4 by 4, then 64 numbers and five scores."
)
plt.show()

# %%
# Five losses, one mean
# ---------------------
# Each score :math:`s_k^i` gets a logistic function of its own, :math:`p_k^i = 1 / (1 +
# e^{-s_k^i})`, the probability of a yes. The loss is the binary cross-entropy (lesson
# 3.2), averaged over :math:`N` faces and :math:`K` questions:
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
print(f"Guessing costs log 2 = {math.log(2):.4f}.")

# %%
# Training: mini-batches of 50
# ----------------------------
# ``fit`` sees answers that are all 0 or 1 and takes this loss by itself. Beside the
# network learns a **linear model**: five weighted sums of all 3 × 32 × 32 numbers. It
# is quicker, so it gets more epochs, and the best of the few learning rates that we
# tried.


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


torch.manual_seed(0)
linear = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 5))
histories = {
    "SmallVGG": learn(model, 0.01, epochs=6),
    "linear": learn(linear, 0.003, epochs=20),
}

# %%
losses = pd.DataFrame({name: table["loss"] for name, table in histories.items()})

fig, ax = plt.subplots(figsize=(6.4, 3.4))
plots.curves(ax, losses).set(ylabel="loss", title=f"Learning from {train.source}")
fig.alt_text = (
    f"Loss on {train.source}: SmallVGG falls steeply within six epochs, the linear "
    "model only a little in twenty."
)
plt.show()

# %%
# Accuracy, question by question
# ------------------------------
# A yes is a probability above one half, a score above zero. Beside the faces that
# neither of the two has seen stand those that they learned from: what is lost between
# them was learned by heart.

both = {"linear": linear, "SmallVGG": model}
results = {name: training.evaluate(network, test) for name, network in both.items()}
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
    assert accuracy["SmallVGG"].min() > 0.75
    assert accuracy["linear"].min() < 0.65
    assert (accuracy["SmallVGG"] > accuracy["linear"] + 0.05).all()
    assert (learned["SmallVGG"] > accuracy["SmallVGG"]).all()

# %%
# (One run of each. From another start a question may be answered a few percent better
# or worse; the gap between the two models is larger than that.)
#
# Why is the linear model so much worse? Its weights are a fixed picture that is
# multiplied with the face, pixel by pixel.
#
# .. predict:: stains

stains = linear[1].weight.detach().reshape(5, 3, 32, 32).mean(dim=1)
fig, ax = plt.subplots(figsize=(7.2, 2.2))
plots.image_grid(ax, stains, list(questions), kind="signed")
ax.set_title(f"weights of the linear model, {train.source}")
fig.alt_text = (
    f"The weights of the linear model ({train.source}) as five pictures in orange "
    "and blue: mostly speckles, with a stain here and there."
)
plt.show()

# %%
# A pixel that is an eye on one face is a cheek on the next, and glasses may be dark on
# one and light on the other. Only what lies at nearly the same place on all faces
# leaves a stain. The network looks for small patterns first, wherever they are.
#
# Every threshold at once: ROC
# ----------------------------
# One half is only one threshold :math:`t`. A low one finds more of the faces with
# glasses, and raises more false alarms. For each :math:`t`, count (# is *number of*)
# the share of the faces with glasses that are found, the **true-positive rate**,
#
# .. math:: \text{TPR}(t) = \frac{\#\{i : p^i \ge t,\; y^i = 1\}}{\#\{i : y^i = 1\}} ,
#
# and the share of the others that raise a false alarm, the **false-positive rate**,
#
# .. math:: \text{FPR}(t) = \frac{\#\{i : p^i \ge t,\; y^i = 0\}}{\#\{i : y^i = 0\}} .
#
# The **ROC curve** is TPR against FPR. Sort the faces by score, which is the order of
# their probabilities, the highest first. Let the threshold pass one face after the
# other: a few lines.
#
# ``model.eval()`` tells the network that it is judged now: ``BatchNorm2d`` then takes
# the mean and the variance that it has gathered while learning, so that an answer does
# not depend on the other faces of the batch, and dropout would drop nothing.


def roc(scores, yes):
    """Return false- and true-positive rates, from the highest threshold down."""
    sorted_yes = yes[scores.argsort(descending=True)].double()
    true = sorted_yes.cumsum(0) / sorted_yes.sum()
    false = (1 - sorted_yes).cumsum(0) / (1 - sorted_yes).sum()
    start = torch.zeros(1, dtype=torch.float64)
    return torch.cat([start, false]), torch.cat([start, true])


model.eval()
with torch.no_grad():
    test_scores = {"SmallVGG": model(test.images), "linear": linear(test.images)}

# %%
# The area under the curve, **AUC**, is 1 for a perfect order and one half for guessing.
# It is the probability that a face with the attribute gets a higher score than one
# without. So one can also count pairs. Both must agree, and scikit-learn with them.

from sklearn.metrics import roc_auc_score, roc_curve

k = questions.index("glasses")
glasses, yes = test_scores["SmallVGG"][:, k], test.labels[:, k] == 1
false, true = roc(glasses, yes)
area = torch.trapezoid(true, false).item()
pairs = (glasses[yes][:, None] > glasses[~yes]).double().mean().item()
print(f"{len(false)} thresholds; area {area:.4f}; pairs in the right order {pairs:.4f}")
assert abs(area - pairs) < 1e-3

theirs = roc_curve(yes, glasses, drop_intermediate=False)
torch.testing.assert_close(false, torch.tensor(theirs[0]))
torch.testing.assert_close(true, torch.tensor(theirs[1]))
assert abs(area - roc_auc_score(yes, glasses)) < 1e-9

# %%
# All five questions. The number is the area.

curves = {
    (who, name): roc(scores[:, k], test.labels[:, k])
    for k, name in enumerate(questions)
    for who, scores in test_scores.items()
}
areas = {key: torch.trapezoid(*curve[::-1]).item() for key, curve in curves.items()}
assert all(areas["SmallVGG", name] > areas["linear", name] for name in questions)

# %%
fig, axes = plt.subplots(2, 3, figsize=(7.2, 5.4))
for ax, name in zip(axes.flat, questions, strict=False):
    rates = {f"{who} {areas[who, name]:.2f}": curves[who, name] for who in test_scores}
    plots.roc_curves(ax, rates).set_title(name)
axes[0, 0].set_ylabel("true-positive rate")
axes[1, 0].set(xlabel="false-positive rate", ylabel="true-positive rate")
axes[1, 2].set_axis_off()
axes[1, 2].text(0, 0.9, f"{len(test):,} test faces\n({test.source})", va="top")
fig.alt_text = (
    f"ROC curves for five questions ({test.source}): SmallVGG bends to the upper left "
    "corner, the linear model stays near the diagonal for most."
)
plt.show()

# %%
# Five faces and what the network says
# ------------------------------------
# A bar is the probability of a yes. The dot is the truth: full at *yes*, hollow at
# *no*. A wrong answer is orange.

probabilities = test_scores["SmallVGG"].sigmoid()

# %%
fig, axes = plt.subplots(2, 5, figsize=(7.2, 3.6))
for i, (above, below) in enumerate(axes.T):
    plots.image(above, test.images[i])
    names = questions if i == 0 else ()
    plots.yes_no_bars(below, probabilities[i], test.labels[i], names)
axes[0, 2].set_title(f"Source: {test.source}")
fig.alt_text = (
    f"Five test faces ({test.source}); under each five bars, the probabilities of "
    "glasses, smile, hat, beard and hair, with the truth as dots."
)
plt.show()

# %%
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
# A face that the network reads well. In orange, what spoke for a yes; in blue, what
# spoke against it. The map is padded by half a square, where no square has its center.


def padded(heat, side=8, stride=2):
    return torch.nn.functional.pad(heat, [side // stride // 2] * 4)


surest = torch.where(test.labels == 1, probabilities, 1 - probabilities).min(dim=1)
many = test.labels.sum(dim=1) >= test.labels.sum(dim=1).quantile(0.9)
chosen = int(surest.values.where(many, torch.tensor(0.0)).argmax())
face = test.images[chosen]
maps = occlusion_map(face)

fig, axes = plt.subplots(1, 6, figsize=(7.2, 1.9))
plots.image(axes[0], face).set_title(test.source, fontsize=9)
for ax, heat, name in zip(axes[1:], maps, questions, strict=True):
    plots.heat_over(ax, face, padded(heat)).set_title(name)
fig.alt_text = (
    "A test face and five occlusion maps over it, one for each question, orange where "
    "covering lowers the score of a yes."
)
plt.show()

# %%
# One face may be an accident. A mean over 16 faces that have the attribute tells more:
# for each question, the mean map over the mean face.

mean_faces, mean_maps, centers = {}, {}, {}
for k, name in enumerate(questions):
    faces = test.images[test.labels[:, k] == 1][:16]
    heat = torch.stack([occlusion_map(face, stride=4)[k] for face in faces]).mean(dim=0)
    mean_faces[name], mean_maps[name] = faces.mean(dim=0), padded(heat, stride=4)
    rows = heat.clamp(min=0).sum(dim=1)
    centers[name] = (4 * (rows * torch.arange(len(rows))).sum() / rows.sum() + 4).item()

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
heights = ", ".join(f"{name} {row:.0f}" for name, row in centers.items())
print("Mean height at which it looks, in pixels from the top:")
print(heights)
if test.is_standin:
    assert centers["hat"] < centers["glasses"] < centers["smile"]

# %%
# Nobody told the network where a mouth is. It was told *whether* there was a smile, two
# thousand times. Mind the pale spots far from a feature: a gray square is something
# that the network has never seen, and may disturb a score without being read.
#
# When two things go together
# ---------------------------
# In real collections they do: where most who wear sunglasses smile for the camera, a
# network that answers "smile" has nearly answered "glasses". Choose 2,000 faces so that
# glasses and smile nearly always come together, and train the same network on them.
# The test faces stay as they were.
#
# .. predict:: together

many = datasets.faces("train", attributes=questions, n=6000, size=32)
agree = many.labels[:, 0] == many.labels[:, 1]
exceptions = torch.rand(len(agree), generator=torch.Generator().manual_seed(0)) < 0.05
chosen = (agree | exceptions).nonzero().flatten()[:2000]
together = agree[chosen].double().mean()
print(f"Glasses and smile agree on {together:.0%} of the {len(chosen):,} faces.")

torch.manual_seed(0)
biased = models.SmallVGG(5, image_size=32, widths=(8, 16, 32), dropout=0.0)
learn(biased, 0.01, epochs=6, faces=many[chosen])
biased.eval()
pair = {"learned apart": model, "learned together": biased}
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
print("Share of the test faces on which the network says glasses:")
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
    assert groups["learned together"][smiling] > groups["learned apart"][smiling] + 0.15
    assert low["learned together"] > low["learned apart"]

# %%
fig, axes = plt.subplots(1, 2, figsize=(5.4, 2.9))
for ax, (name, heat) in zip(axes, glasses_maps.items(), strict=True):
    plots.heat_over(ax, with_glasses.mean(dim=0), padded(heat, stride=4))
    ax.set_title(name)
fig.suptitle(f"glasses: mean maps, {test.source}", fontsize=11)
fig.alt_text = (
    f"Mean occlusion maps for glasses ({test.source}): learned apart, the eyes alone "
    "are warm; learned together with the smile, the mouth is warm too."
)
plt.show()

# %%
# A test on faces like those it learned from holds hardly any that break the habit.
# Those tell, and the map shows why: here the network looks at the mouth too for an
# answer about the eyes.
#
# What it gets wrong
# ------------------
# For each question, the two faces on which the network is surest, and wrong. Look for
# the reason: something that hides the answer, colors that are nearly the same, a shape
# that resembles another.

wrongness = (probabilities - test.labels).abs()
worst = wrongness.topk(2, dim=0).indices.T.flatten()
asked = [name for name in questions for _ in range(2)]
captions = []
for i, name in zip(worst.tolist(), asked, strict=True):
    k = questions.index(name)
    truth = "yes" if test.labels[i, k] else "no"
    captions.append(f"{name}? {truth}\nsaid {probabilities[i, k]:.1%} yes")

fig, ax = plt.subplots(figsize=(7.2, 4.6))
order = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9]
plots.image_grid(ax, test.images[worst[order]], [captions[j] for j in order])
ax.set_title(f"Source: {test.source}")
fig.alt_text = (
    f"Ten test faces ({test.source}), two for each question, on which the network was "
    "sure and wrong, with the truth and its probability."
)
plt.show()

# %%
all_right = ((probabilities > 0.5) == (test.labels > 0.5)).all(dim=1).double().mean()
print(f"All five answers are right for {all_right:.1%} of the faces.")
print(f"Single answers are right in {results['SmallVGG'].accuracy:.1%}.")

# %%
# What to remember
# ----------------
# - Several yes/no questions are several scores of *one* network. They share all layers
#   but the last row of weights.
# - Each score has its logistic function and its binary cross-entropy. The loss is their
#   mean.
# - VGG: blocks of two 3 × 3 convolutions and a pooling. Half the size, twice the
#   channels.
# - Accuracy is one threshold, the ROC curve is all of them. Its area is the share of
#   pairs in the right order.
# - Cover a part and see what changes: it shows where a network looks.
# - What nearly always comes together in the training faces, a network may take for one
#   another. Judge it on the groups that break the habit.
#
# **Try this.** Train with ``attributes=("smile",)`` only, on the same faces. Is the
# smile read better alone or among five questions? Then cover the test faces with a gray
# square on the mouth: which answers suffer?
#
# **Read on.** VGG: :cite:`simonyan2015`. Batch normalization: :cite:`ioffe2015`.
# CelebA: :cite:`liu2015`.
