r"""
3.2 Measuring the error
=======================

Two networks are both wrong about a picture. One said "no glasses" with a doubt, the
other was sure of it. **What number should each of them be charged, so that paying less
means getting better?**

*After this lesson you can* compute squared error, cross-entropy and binary
cross-entropy and their derivatives, say why softmax goes with cross-entropy, and why no
network is trained on its accuracy.

*Time*: 45 minutes. *Before*: lessons 2.2 and 3.1.
"""

# %%
# A betting game
# --------------
# Ten pictures, one question: glasses, yes or no? Three players start with 1 coin each.
# Before every answer a player divides all that they have between *yes* and *no*. What
# lies on the right answer is doubled, the rest is lost. One player always puts half on
# each, one 70 % on what they think, one 99 %. The second and the third think the same,
# and are right eight times out of ten.
#
# .. predict:: who-wins

import math

import matplotlib.pyplot as plt
import pandas as pd
import torch

from glassbox import gradients, nn, plots
from glassbox.nn import functional as F

plots.style.use()
right = [True, True, True, False, True, True, True, False, True, True]
on_the_answer = {
    "half each": [0.5] * 10,
    "70 %": [0.7 if ok else 0.3 for ok in right],
    "99 %": [0.99 if ok else 0.01 for ok in right],
}
coins = pd.DataFrame(
    {
        name: [math.prod(2 * p for p in shares[:t]) for t in range(11)]
        for name, shares in on_the_answer.items()
    },
    index=pd.RangeIndex(11, name="answers"),
)
print(coins.loc[[0, 3, 4, 10]].round(2).to_string())
assert coins.iloc[-1].idxmax() == "70 %"

# %%
fig, ax = plt.subplots(figsize=(6.0, 3.4))
ax.set_yscale("log", base=2)
plots.curves(ax, coins)
ax.set(ylabel="coins", xlim=(0, 12.6), xticks=range(0, 11, 2))
ax.yaxis.set_major_formatter("{x:g}")
fig.alt_text = (
    "Coins of three players after each of ten answers: who puts half on each stays at "
    "one coin; 70 percent grows, loses twice and ends highest; 99 percent grows "
    "fastest until a wrong answer costs nearly all, and ends below one coin."
)
plt.show()

# %%
# A wrong answer leaves the third player two hundredths of what it had. It takes six
# right ones in a row to win that back, and here there are never more than three.
# Doubling apart, the fortune is the product of the shares :math:`p` that were put on
# the right answers. If the answers are independent, this product is the probability
# that the player gave to *all ten as they came*. It is called the **likelihood** of the
# answers, and training looks for the parameters that make it largest.
#
# A product of thousands of numbers below 1 can be too small for a computer to hold.
# Its logarithm is a sum, and with a minus, since logarithms of numbers below 1 are
# negative, it is what a player is charged:
#
# .. math:: -\log \prod_i p_i = \sum_i -\log p_i .
#
# The logarithm grows with its number. So the largest product and the smallest charge
# belong to the same parameters.

for name, shares in on_the_answer.items():
    likelihood = math.prod(shares)
    charge = sum(-math.log(p) for p in shares) / 10
    print(f"{name:9} likelihood {likelihood:.5f}, mean charge {charge:.3f}")
    assert abs(math.exp(-10 * charge) / likelihood - 1) < 1e-12

# %%
# With :math:`y` = 1 for yes and 0 for no, and :math:`p` for the probability of yes, a
# single charge is the **binary cross-entropy**. Beside it stands the **squared error**,
# which part 2 used (log is the natural logarithm, *ln* on a pocket calculator):
#
# .. math:: -y \log p - (1 - y) \log(1 - p) \qquad \text{and} \qquad (p - y)^2 .


def squared(p, y):
    return (p - y) ** 2


def binary_cross_entropy(p, y):
    return -y * math.log(p) - (1 - y) * math.log(1 - p)


for p in (0.9, 0.5, 0.4, 0.01):
    print(f"y = 1, p = {p:4}: {binary_cross_entropy(p, 1):.2f} or {squared(p, 1):.2f}")

# %%
# Such a charge for one answer is a **loss**, and its mean over all answers the risk.
# The network that doubted (``p = 0.4``) is charged 0.92, the one that was sure (``p =
# 0.01``) five times as much. The squared error asks 0.36 and 0.98.
#
# Someone who knows nothing and always says one half pays :math:`\log 2`, about 0.69,
# for each answer; with :math:`K` classes and :math:`1/K` for each it is :math:`\log K`.
# A network whose mean charge is about that does no better than someone who says
# :math:`1/K` each time, and as a rule has learned nothing yet. One that pays much more
# does worse, however many of its answers are right: it is too often sure and wrong.
#
# What training sees
# ------------------
# A step of a descent never looks at a loss, only at its derivatives. By :math:`p`, for
# squared error and cross-entropy (the second is :math:`-1/p` for :math:`y = 1` and
# :math:`1/(1 - p)` for :math:`y = 0`),
#
# .. math:: 2\,(p - y) \qquad \text{and} \qquad \frac{p - y}{p\,(1 - p)} .
#
# When the right answer is 1, both losses fall to zero at :math:`p = 1`. But the squared
# error never charges more than 1, and its slope is never steeper than -2. The
# cross-entropy has no limit. When the right answer is 0, the picture is mirrored. These
# are slopes by :math:`p`. What a network moves is the sum before its last function, the
# **score**; by the score, as we shall see, the cross-entropy is never steeper than 1.

p = torch.linspace(0.04, 1, 97, dtype=torch.float64)
at = pd.Index(p.numpy(), name="p, when the answer is yes")
charge = pd.DataFrame({"squared": (p - 1) ** 2, "cross-entropy": -p.log()}, index=at)
slope = pd.DataFrame({"squared": 2 * (p - 1), "cross-entropy": -1 / p}, index=at)

fig, (top, bottom) = plt.subplots(2, 1, figsize=(6.0, 5.2), sharex=True)
plots.curves(top, charge, markers=False).set(title="loss", xlabel="", xlim=(0, 1.3))
plots.curves(bottom, slope, markers=False).set_title("derivative")
bottom.set_xticks([0, 0.25, 0.5, 0.75, 1])
fig.alt_text = (
    "Loss and derivative against p: the squared error stays below 1, the "
    "cross-entropy and its slope grow without limit towards p = 0."
)
plt.show()

# %%
# Several classes: softmax and cross-entropy
# ------------------------------------------
# One answer out of :math:`K`: the network gives a score :math:`s_k` for each class. The
# **softmax** turns scores, also called *logits*, into probabilities that sum to 1. The
# **cross-entropy** charges minus the logarithm of the one that belongs to the right
# class :math:`c`:
#
# .. math:: p_k = \frac{e^{s_k}}{\sum_{k'=1}^{K} e^{s_{k'}}},
#
# .. math:: -\log p_c = -s_c + \log \sum_{k'=1}^{K} e^{s_{k'}} .
#
# As a function of :math:`p_c`, that is the dashed curve above. Write the right answer
# as a row of zeros with a single 1 at the right class, :math:`y_c = 1`; such a row is
# called **one-hot**. Now differentiate the right-hand side by :math:`s_k`. The first
# term gives -1 for the right class and 0 for the others: that is :math:`-y_k`. The
# second gives
# :math:`e^{s_k} / \sum_{k'} e^{s_{k'}}`: that is :math:`p_k`. So
#
# .. math:: \frac{\partial (-\log p_c)}{\partial s_k} = p_k - y_k .
#
# *What you said, minus what is right.*

scores, right_class = [2.0, 1.0, -1.0], 1
total = sum(math.exp(score) for score in scores)
probabilities, gradient = [], []
for k, score in enumerate(scores):
    probabilities.append(math.exp(score) / total)
    gradient.append(probabilities[k] - (1 if k == right_class else 0))
print("p    =", [round(value, 3) for value in probabilities])
print("p - y =", [round(value, 3) for value in gradient])

s = torch.tensor([scores], dtype=torch.float64)
label = torch.tensor([right_class])
ours = torch.tensor([gradient], dtype=torch.float64)
by_differences = gradients.central_difference(lambda t: F.cross_entropy(t, label), s)
torch.testing.assert_close(by_differences, ours, rtol=0, atol=1e-9)
error = (by_differences - ours).abs().max()
print(f"Largest difference from central differences: {error:.0e}.")

# %%
# The score with the negative gradient will rise, since a step goes against it. The row
# sums to zero: what the right score gains, the wrong ones lose together, the likeliest
# of them most.

assert abs(sum(gradient)) < 1e-15

# %%
rows = torch.tensor([probabilities, [0.0, 1.0, 0.0], gradient])
fig, ax = plt.subplots(figsize=(5.6, 3.0))
plots.cells(ax, rows, limit=1, number_format="{:.3f}".format)
for row, name in enumerate(["p: said", "y: right", "p − y: gradient"]):
    ax.text(-0.65, row, name, ha="right", va="center")
for column, name in enumerate(["cat", "dog", "bird"]):
    ax.text(column, -0.65, name, ha="center", va="bottom")
fig.alt_text = (
    "A table of three classes: the probabilities, the right answer, and their "
    "difference, negative only for the right class."
)
plt.show()

# %%
# The second way of writing the loss, with the sum inside the logarithm, is also how a
# computer should do it, after subtracting the largest score from all, which changes no
# probability. Otherwise :math:`e^{s}` overflows. So ``nn.CrossEntropyLoss`` and
# ``nn.BCEWithLogitsLoss`` take scores and not probabilities.

large = torch.tensor([[1000.0, 0.0]])
wrong_class = torch.tensor([1])
naive = -(large.exp() / large.exp().sum()).log()[0, 1]
print(f"By the first formula: {naive}; by the package: ", end="")
print(f"{F.cross_entropy(large, wrong_class):.0f}")
assert not torch.isfinite(naive)

# %%
# Why not squared error on a logistic output?
# -------------------------------------------
# With two classes, divide both numerator and denominator of the softmax by
# :math:`e^{s_1}`: it becomes
# :math:`p_1 = 1 / (1 + e^{-(s_1 - s_2)})`, the logistic function of the difference
# :math:`s = s_1 - s_2`. So :math:`p = \varphi(s)`, whose slope :math:`\varphi' = e^{-s}
# / (1 + e^{-s})^2` is :math:`p` times :math:`1 - p`: almost zero where the network is
# sure, *also where it is sure and wrong*. By the chain rule the derivative by the score
# is the derivative by :math:`p` times this slope. In the cross-entropy's it cancels, in
# the squared error's it stays:
#
# .. math:: \frac{p - y}{p\,(1 - p)} \; p\,(1 - p) = p - y
#     \qquad \text{and} \qquad 2\,(p - y) \; p\,(1 - p) .

s = torch.linspace(-8, 8, 161, dtype=torch.float64)
p = s.sigmoid()
by_cross_entropy, by_squared = p - 1, 2 * (p - 1) * p * (1 - p)
at = 20  # s = -6
print(f"At s = {s[at]:.0f}, where p = {p[at]:.4f}: {by_cross_entropy[at]:.4f} ", end="")
print(f"for the cross-entropy, {by_squared[at]:.4f} for the squared error")
assert s[at] == -6
for loss, slope in [
    (lambda s: -s.sigmoid().log().sum(), by_cross_entropy),
    (lambda s: ((s.sigmoid() - 1) ** 2).sum(), by_squared),
]:
    by_differences = gradients.central_difference(loss, s)
    torch.testing.assert_close(by_differences, slope, rtol=0, atol=1e-8)

# %%
# Now let a score start at -6, sure and wrong, and take steps against each gradient,
# with the step size 0.5.
#
# .. predict:: stuck


def walk(slope, start=-6.0, steps=600):
    """Return the probability after each step of a descent of one score."""
    score, ways = start, []
    for _ in range(steps + 1):
        p = 1 / (1 + math.exp(-score))
        ways.append(p)
        score -= 0.5 * slope(p)
    return ways


def by_squared_error(p):
    return 2 * (p - 1) * p * (1 - p)


def by_the_cross_entropy(p):
    return p - 1


ways = pd.DataFrame(
    {"squared": walk(by_squared_error), "cross-entropy": walk(by_the_cross_entropy)}
).rename_axis("step")

# %%
slopes = pd.DataFrame(
    {"squared": by_squared, "cross-entropy": by_cross_entropy},
    index=pd.Index(s.numpy(), name="score s, when the answer is yes"),
)

fig, (top, bottom) = plt.subplots(2, 1, figsize=(6.0, 5.8))
plots.curves(top, slopes, markers=False).set(title="gradient", xlim=(-8.4, 13))
plots.curves(bottom, ways, markers=False).set_title("p on the way")
top.set_xticks(range(-8, 9, 4))
bottom.set(ylim=(-0.03, 1.03), xlim=(-15, 790), xticks=[0, 200, 400, 600])
fig.alt_text = (
    "Above: at a score of -8 the cross-entropy has the gradient -1, the squared error "
    "0. Below: the cross-entropy learns within a few dozen steps; the squared error "
    "stays near 0 for four hundred and then rises steeply."
)
plt.show()

# %%
# With the cross-entropy the score learns at once. With the squared error it waits, for
# hundreds of steps, until it has crept to where the slope is, and then it is quick. How
# long it waits depends on how sure it was, and on the step size. Steps twenty times as
# long would help from -6, and from -10 it would still take a thousand; and they may be
# too long for other examples, which share the weights.

print(ways.loc[[0, 120, 400, 600]].round(4).to_string(), end="\n\n")
rows = {}
for start in (-2.0, -6.0, -10.0):
    for name, slope in [
        ("squared", by_squared_error),
        ("cross-entropy", by_the_cross_entropy),
    ]:
        way = walk(slope, start, steps=25_000)
        half, done = (next(t for t, p in enumerate(way) if p >= q) for q in (0.5, 0.9))
        rows[start, name] = {"steps to p = 0.5": half, "steps to p = 0.9": done}
print(pd.DataFrame(rows).T.rename_axis(["start", "loss"]).to_string())
assert rows[-6.0, "squared"]["steps to p = 0.5"] == 426
assert rows[-10.0, "squared"]["steps to p = 0.5"] > 20_000
print("Twenty times the step size, squared error:")
for start in (-6.0, -10.0):
    longer = walk(lambda p: 20 * by_squared_error(p), start, steps=1500)
    done = next(t for t, p in enumerate(longer) if p >= 0.9)
    print(f"from {start:.0f}, p = 0.9 at step {done}")

# %%
# The squared error of several outputs, :math:`\sum_k (o_k - y_k)^2`, is nevertheless
# the loss of lesson 3.3, with a factor of one half. There the way back through the
# layers is the subject, and this loss has the plainest start for it,
# :math:`o_k - y_k`. With another loss only this first factor changes; all that follows
# stays.
#
# Several yes/no answers at once
# ------------------------------
# A face may have glasses *and* smile: the answers do not exclude each other, so their
# probabilities need not sum to 1. Each output gets a logistic function and a binary
# cross-entropy of its own, and the loss is the mean. With :math:`N` faces and :math:`K`
# questions,
#
# .. math:: R = \frac{1}{N K} \sum_{i=1}^{N} \sum_{k=1}^{K} R_k^i, \qquad
#    \frac{\partial R}{\partial s_k^i} = \frac{p_k^i - y_k^i}{N K} .

scores = torch.tensor([[3.0, 2.0, -4.0], [-1.0, 0.5, -2.0]], dtype=torch.float64)
answers = torch.tensor([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]], dtype=torch.float64)

risk = 0.0
for i in range(2):
    for k in range(3):
        p = 1 / (1 + math.exp(-scores[i, k]))
        risk += binary_cross_entropy(p, answers[i, k].item()) / 6
scores.requires_grad_()
loss = nn.BCEWithLogitsLoss()(scores, answers)
loss.backward()
difference = (scores.grad - (scores.detach().sigmoid() - answers) / 6).abs().max()
print(f"Risk by loops {risk:.6f}, by the package {loss.item():.6f}.")
print(f"Gradient against (p - y) / 6: largest difference {difference:.0e}.")
assert abs(risk - loss.item()) < 1e-12
assert difference < 1e-15

# %%
# The first face, glasses and a smile and no hat, is answered well, and its gradients
# are small. Softmax could not give it two probabilities near 1: it would have to
# choose.

alone, shared = scores.detach().sigmoid(), scores.detach().softmax(dim=1)
fig, axes = plt.subplots(2, 2, figsize=(5.4, 4.0))
shown = {
    "right": answers,
    "logistic": alone,
    "p − y": alone - answers,
    "softmax": shared,
}
for ax, (title, values) in zip(axes.flat, shown.items(), strict=True):
    plots.cells(ax, values, limit=1, number_format="{:.2f}".format).set_title(title)
    for column, name in enumerate(["glasses", "smile", "hat"]):
        ax.text(column, 1.6, name, ha="center", va="top", fontsize=10)
fig.alt_text = (
    "Two faces, three questions: right answers, logistic probabilities, their "
    "difference, and softmax, whose rows must sum to 1."
)
plt.show()

# %%
# Why not train on accuracy?
# --------------------------
# In the end one counts right answers. But the count has no slope. Below, one weight
# :math:`w` turns a number :math:`x` into a score :math:`w x - 1`. Move it, and the
# accuracy stands still, until an answer flips and it jumps. Its derivative is 0 almost
# everywhere, and a descent has nowhere to go. The loss moves with every move of the
# weight.

generator = torch.Generator().manual_seed(0)
x = torch.rand(20, generator=generator, dtype=torch.float64) * 4 - 1
noise = torch.randn(20, generator=generator, dtype=torch.float64) * 0.4
yes = (x + noise > 1).double()


def loss_at(weight):
    return F.binary_cross_entropy_with_logits(weight * x - 1, yes)


def accuracy_at(weight):
    return (((weight * x - 1) > 0) == (yes > 0.5)).double().mean()


weights = torch.linspace(-1, 4, 501, dtype=torch.float64)
losses = [loss_at(weight).item() for weight in weights]
accuracies = [accuracy_at(weight).item() for weight in weights]

# %%
fig, axes = plt.subplots(2, 1, figsize=(6.0, 4.6), sharex=True)
for ax, values, name in zip(
    axes, (accuracies, losses), ("accuracy", "loss"), strict=True
):
    table = pd.DataFrame({name: values}, index=weights.tolist())
    plots.curves(ax, table, markers=False)
axes[0].yaxis.set_major_formatter("{x:.0%}")
axes[1].set(xlabel="weight w", xlim=(-1.2, 5.2), xticks=range(-1, 5))
fig.alt_text = (
    "Above, the accuracy is a staircase with flat steps. Below, the loss is a smooth "
    "valley."
)
plt.show()

# %%
best = weights[losses.index(min(losses))].item()
most = max(accuracies)
winners = [
    w for w, value in zip(weights.tolist(), accuracies, strict=True) if value == most
]
print(f"Lowest loss at w = {best:.2f}, where the accuracy is {accuracy_at(best):.0%};")
print(
    f"highest accuracy {most:.0%}, from w = {min(winners):.2f} to {max(winners):.2f}."
)
at = torch.tensor([0.2], dtype=torch.float64)
slopes = [gradients.central_difference(f, at).item() for f in (accuracy_at, loss_at)]
print(f"Slopes at w = 0.2: accuracy {slopes[0]:.2f}, loss {slopes[1]:+.2f}.")
assert slopes[0] == 0
assert slopes[1] < -0.1

# %%
# The two need not agree where it is best. The loss charges for every score, also for
# those that are right but close; the accuracy counts who is on the right side. And here
# one weight has two tasks: the answer flips at :math:`x = 1/w`, and the same :math:`w`
# says how fast the score grows around that place. A bias that may move as well takes
# the first.

design = torch.stack([x, torch.ones_like(x)], dim=1)
both = torch.zeros(2, dtype=torch.float64)
for _ in range(5000):
    p = torch.sigmoid(design @ both)
    both = both - 1.0 * design.T @ (p - yes) / len(x)
scores = design @ both
both_right = ((scores > 0) == (yes > 0.5)).double().mean()
print(f"With a bias: loss {F.binary_cross_entropy_with_logits(scores, yes):.3f} at")
print(f"w = {both[0]:.2f}, b = {both[1]:.2f}, accuracy {both_right:.0%}.")
assert both_right == most

# %%
# Here the two agree now. On other numbers they may still differ by a few answers. So
# one trains on the loss, and reports the accuracy, on data that the training has not
# seen.
#
# What to remember
# ----------------
# - A loss says how wrong an answer is, and its derivative says which way is better.
# - The probabilities of independent answers multiply, their logarithms add: the
#   cross-entropy is :math:`-\log` of the probability given to what is right. To be sure
#   and wrong costs most, and to say :math:`1/K` for every class costs :math:`\log K`.
# - Softmax or logistic, with its cross-entropy: the gradient of the score is
#   :math:`p - y`. With the squared error it vanishes where the network is most wrong,
#   and learning has to wait.
# - One class out of :math:`K`: softmax. Several yes/no answers: a logistic function for
#   each.
# - Train on the loss, report the accuracy.
#
# **Try this.** Play the betting game yourself: which share, the same for every answer,
# ends with most coins when eight of ten are right? Then invent a loss of your own. How
# steep is it at :math:`p = 0.01`?
#
# **Read on.** Softmax and its loss, derived from probabilities: :cite:`bridle1990`.
