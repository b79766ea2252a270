r"""
1.1 A dense layer is a weighted sum
===================================

Eleven pupils, seven marks each: 77 numbers. **How can a few weights bring out what
interests us, and hide the rest?**

*After this lesson you can* compute a dense layer by hand, choose weights and a bias
that answer a question about a table, say what ReLU does to the answer, and read
``nn.Linear(7, 2)`` as a formula.

*Time*: 35 minutes. *Before*: a little Python. The text says what the code does, so that
you can read past a line that you do not know.
"""

# %%
# The table
# ---------
# A row is an observation, here a pupil. A column is a variable, here a subject; LV1 and
# LV2 are the first and the second foreign language. Every mark is out of 20; the higher
# it is, the darker is its cell.

import matplotlib.pyplot as plt
import pandas as pd
import torch

from glassbox import datasets, nn, plots

plots.style.use()
grades = datasets.load_grades()

# %%
fig, ax = plt.subplots(figsize=(6.0, 4.4))
plots.weighted_table(ax, grades)
fig.alt_text = (
    "Heat map of the marks of eleven pupils in seven subjects, each mark written in "
    "its cell."
)
plt.show()

# %%
# Can you tell at a glance who is good at languages? Who is better at computer science
# than at mathematics? The numbers are there, but the answer is spread over several
# columns. A
# sum with the right weights gathers it into one number per pupil.
#
# The weighted sum
# ----------------
# Pupil :math:`i` has the marks :math:`x_i^1, \dots, x_i^7`: the lower number counts
# pupils, the upper one subjects, and is not a power. Choose one weight :math:`w_j` per
# subject, and add up:
#
# .. math:: s_i = \sum_{j=1}^{7} w_j \, x_i^j .
#
# With all weights equal to 1/7, the sum is the mean. Here is the first pupil's, term by
# term.

marks = grades.loc["E01"]
total = 0.0
for subject, mark in marks.items():
    total += mark / 7
    print(f"{subject:>9}: 1/7 x {mark:4.1f} = {mark / 7:.4f}   sum so far {total:7.4f}")

# %%
# The same weights serve every pupil. So the whole column of results is one product of
# the table with the weights, which Python writes ``@``.


def weighted_sums(name, weights):
    """Return the weights as a table, zero where none is given, and each pupil's sum."""
    row = [weights.get(subject, 0.0) for subject in grades.columns]
    sums = pd.Series(grades.to_numpy() @ row, index=grades.index, name=name)
    return pd.DataFrame([row], index=["weights"], columns=grades.columns), sums


weights, mean = weighted_sums("mean", dict.fromkeys(grades.columns, 1 / 7))
print(f"Highest mean: {mean.idxmax()} with {mean.max():.2f}")
print(f"Lowest mean:  {mean.idxmin()} with {mean.min():.2f}")
assert abs(mean["E01"] - total) < 1e-12

# %%
# In the figure the weights stand above their columns and the sums beside their rows.

fig, ax = plt.subplots(figsize=(6.0, 4.8))
plots.weighted_table(
    ax,
    grades,
    weights=weights,
    results=mean,
    weight_format=lambda _: "1/7",
)
fig.alt_text = (
    "The table with the weight 1/7 above each column and each pupil's mean beside "
    "the row, from 8.3 to 12.7."
)
plt.show()

# %%
# Other weights, other questions
# ------------------------------
# A weight of zero switches a column off. Half for each language, nothing for the rest:
# the mean in languages. What is faded in the figure no longer counts.

weights, languages = weighted_sums("languages", {"LV1": 0.5, "LV2": 0.5})
print(f"Highest: {languages.idxmax()} with {languages.max():.2f}")
print(f"Lowest:  {languages.idxmin()} with {languages.min():.2f}")

# %%
fig, ax = plt.subplots(figsize=(6.0, 4.8))
plots.weighted_table(ax, grades, weights=weights, results=languages)
fig.alt_text = (
    "Only the two language columns have weights, 0.5 each; E09 stands out with "
    "14.70, E08 is last with 5.95."
)
plt.show()

# %%
# A negative weight sets a column *against* another. One for mathematics and minus one
# for computer science: the sign of the result tells which of the two a pupil is better
# at.

weights, difference = weighted_sums("Maths − CS", {"Maths": 1, "CS": -1})
better_at_maths = difference.index[difference > 0]
print(f"Better at mathematics than at computer science: {', '.join(better_at_maths)}.")
assert list(better_at_maths) == ["E03", "E04", "E05", "E07"]

# %%
fig, ax = plt.subplots(figsize=(6.0, 4.8))
plots.weighted_table(ax, grades, weights=weights, results=difference)
fig.alt_text = (
    "Weights 1 for Maths and -1 for CS; bars to the right for pupils better at "
    "maths, to the left for the others."
)
plt.show()

# %%
# A bias and ReLU select
# ----------------------
# Now a question with a threshold: *who is above 10 in sciences, and by how much?* The
# mean in sciences has five weights of 0.2. Two more steps turn it into an answer:
#
# .. math:: s_i = b + \sum_{j=1}^{7} w_j \, x_i^j, \qquad y_i = \max(0, s_i).
#
# The left formula is the dense layer. The **bias** :math:`b = -10` moves the threshold
# to zero. No weights could do that: to seven marks of zero they give zero, and with a
# bias the sum of such a pupil is :math:`b`. The right one is a step of its own that
# often follows, the **rectified linear unit**: ReLU keeps what is positive and puts
# zero in the place of the rest.
#
# .. predict:: threshold

subjects = ["Maths", "Physics", "CS", "Biology", "Chemistry"]
weights, sciences = weighted_sums("sciences", dict.fromkeys(subjects, 0.2))
before = (sciences - 10).rename("s")
after = before.clip(lower=0).rename("max(0, s)")
selected = after.index[after > 0]
print(f"Above 10 in sciences: {', '.join(selected)}.")
print(f"The other {len(after) - len(selected)} became zero.")
assert len(selected) == 6

# %%
fig, ax = plt.subplots(figsize=(6.0, 4.8))
results = pd.concat([before, after], axis=1)
plots.weighted_table(ax, grades, weights=weights, bias=[-10], results=results)
fig.alt_text = (
    "Science weights with bias -10: the sums before ReLU, of both signs, and after "
    "it, with zeros for the negative."
)
plt.show()

# %%
# Five pupils are left with a zero: ReLU has *dropped* what the question does not ask
# for. Seen as a curve, it is a hinge. It lies where the weighted sum makes up for the
# bias, here at a mean of 10.

fig, ax = plt.subplots(figsize=(6.0, 3.4))
plots.hinge(ax, sciences, bias=-10)
ax.set(xlabel="mean in sciences", ylabel="after ReLU")
fig.alt_text = (
    "ReLU with bias -10: zero up to a mean of 10, rising from there; five pupils "
    "lie flat, six on the slope."
)
plt.show()

# %%
# Two outputs: from seven dimensions to two
# -----------------------------------------
# One row of weights asks one question. Two rows ask two questions of the same marks,
# and every pupil becomes two numbers. Stack the rows into a matrix :math:`W` of shape
# (2, 7), the biases into :math:`b`, the pupils into :math:`X` of shape (11, 7). Then
# the layer with its ReLU is one line:
#
# .. math::
#
#    \begin{gathered}
#    Y = \max(0,\; X W^\top + b), \\
#    (11 \times 7)(7 \times 2) \to (11 \times 2).
#    \end{gathered}
#
# The number of columns is called the number of dimensions: seven become two. The two
# biases are added in each of the eleven rows. Each row of :math:`W` belongs to one
# *output*; an output with its weights and its bias is also called a **neuron**. In the
# product an output needs a column, so :math:`W` is turned over: its transpose
# :math:`W^\top` has rows and columns exchanged.

X = torch.tensor(grades.to_numpy())
W = torch.tensor(
    [[0.2, 0.2, 0.2, 0.0, 0.0, 0.2, 0.2], [0.0, 0.0, 0.0, 0.5, 0.5, 0.0, 0.0]],
    dtype=torch.float64,
)
b = torch.tensor([-10.0, -10.0], dtype=torch.float64)

S = X @ W.T + b
Y = S.clamp(min=0)
print(f"{tuple(X.shape)} times {tuple(W.T.shape)} gives {tuple(S.shape)}.")

names = ["sciences", "languages"]
S_table = pd.DataFrame(S.numpy(), index=grades.index, columns=names)
Y_table = pd.DataFrame(Y.numpy(), index=grades.index, columns=names)
at_zero = Y_table.index[(Y_table == 0).all(axis=1)]

# %%
# The first column of results is the one that we already know. The second is the mean in
# languages, now with a bias and ReLU too.

W_table = pd.DataFrame(W.numpy(), index=names, columns=grades.columns)
fig, ax = plt.subplots(figsize=(6.0, 5.0))
plots.weighted_table(ax, grades, weights=W_table, bias=b.tolist(), results=Y_table)
fig.alt_text = (
    "Two rows of weights above the table, sciences and languages, and two columns "
    "of results beside it."
)
plt.show()

# %%
# Two numbers are a place on a map. Before ReLU the pupils lie all over the plane; ReLU
# moves each one that is below 10 in a subject group onto an axis. The arrows show the
# move.
#
# .. predict:: below-both

fig, ax = plt.subplots(figsize=(6.0, 6.0))
plots.named_points(ax, S_table, moved_to=Y_table)
ax.set(xlabel="sciences, points above 10", ylabel="languages, points above 10")
ax.annotate(", ".join(at_zero), (0, 0), (-9, 9), textcoords="offset points", ha="right")
ax.set(xlim=(-5.5, 5.5), ylim=(-5.5, 5.5), aspect="equal")
fig.alt_text = (
    "Map of the pupils: the upper right quarter stays, the others move onto an "
    "axis, three of them to zero."
)
plt.show()

# %%
# Before ReLU, the distance between two pupils on the map is about sciences and
# languages and nothing else. And ReLU loses more: three pupils who differed now lie on
# the same spot. From a zero you learn that the sum was zero or less, and no longer by
# how much.

print(S_table.loc[at_zero].round(2).to_string())
assert list(at_zero) == ["E03", "E08", "E10"]

# %%
# Now push the weights yourself, one slider for each, and the biases. The color of a
# mark is what it adds to the sum or takes away; the bar is the sum, and the map moves
# along. :doc:`Its own page </play/weights>` has more room.
#
# .. play:: weights
#    :embed:
#
# The same with the package
# -------------------------
# A dense layer is called ``Linear``: seven inputs, two outputs. It starts with random
# weights; we put ours in their place, and ``no_grad`` says that this is our doing and
# no step of a training, which finds weights from examples (lesson 1.3). Weights and
# biases together are the **parameters** of the layer.

layer = nn.Linear(7, 2, dtype=torch.float64)
count = layer.weight.numel() + layer.bias.numel()
print(f"2 x 7 weights and 2 biases: {count} parameters")
assert count == 2 * 7 + 2
with torch.no_grad():
    layer.weight.copy_(W)
    layer.bias.copy_(b)
    output = nn.ReLU()(layer(X))

print(output[:3])
torch.testing.assert_close(output, Y)
print(f"Largest difference from our own outputs: {(output - Y).abs().max():.0e}.")

# %%
# A layer has the same name in ``glassbox.nn`` and in ``torch.nn``. Change the import,
# load the same weights, and the numbers stay.

theirs = torch.nn.Linear(7, 2, dtype=torch.float64)
theirs.load_state_dict(layer.state_dict())
their_output = torch.nn.ReLU()(theirs(X)).detach()
torch.testing.assert_close(their_output, output)
print(f"Largest difference from torch.nn: {(their_output - output).abs().max():.0e}.")

# %%
# A question that one layer cannot answer
# ---------------------------------------
# Two switches, each 0 or 1: *is exactly one of them on?* The answers to the four cases
# are 0, 1, 1 and 0. No weighted sum gives them, whatever its weights and bias. For the
# two cases in which exactly one is on, the sums add up to :math:`w_1 + w_2 + 2b`, and
# so do they for the two others. But the answers add up to 2 and to 0. ReLU after the
# sum does not help: the two answers of 1 would still be sums of 1, together 2, and the
# two others at most 0.
#
# A second layer can use what a first one made. One output of the first layer counts the
# switches, the other what there is beyond one (ReLU turns its -1 into 0). The first
# minus twice the second is the answer.

switches = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
wanted = torch.tensor([[0.0], [1.0], [1.0], [0.0]])
one_on, others = torch.tensor([0, 1, 1, 0]) == 1, torch.tensor([0, 1, 1, 0]) == 0

torch.manual_seed(0)
one_layer = nn.Linear(2, 1)
sums = one_layer(switches).detach()
pair, rest = sums[one_on].sum(), sums[others].sum()
print(f"One layer, at random: its sums add up to {pair:.4f} and {rest:.4f}")

first, second = nn.Linear(2, 2), nn.Linear(2, 1)
with torch.no_grad():
    first.weight.copy_(torch.tensor([[1.0, 1.0], [1.0, 1.0]]))
    first.bias.copy_(torch.tensor([0.0, -1.0]))
    second.weight.copy_(torch.tensor([[1.0, -2.0]]))
    second.bias.zero_()
    answers = second(nn.ReLU()(first(switches)))
    without_relu = second(first(switches))
print("Two layers with ReLU between:", answers.flatten().tolist())
print("The same two without it:     ", without_relu.flatten().tolist())
torch.testing.assert_close(answers, wanted)
torch.testing.assert_close(pair, rest)

# %%
# Without ReLU the two layers are one again: a weighted sum of weighted sums is a
# weighted sum. It is the hinge between them that makes a second layer worth having.
#
# What to remember
# ----------------
# - A dense layer is a weighted sum per output: one row of weights, one bias.
# - The weights choose *which property* comes out; a zero weight ignores a column, a
#   negative one sets it against another.
# - Weights and bias together place the threshold, and ReLU puts zero below it: together
#   they **select**.
# - With fewer outputs than inputs the data get smaller. Only the sums are left, and
#   after ReLU only those above the threshold.
#
# **Try this.** Set ``nn.Linear(2, 1)`` on top of the layer of the marks, without ReLU
# between. Show that one layer ``nn.Linear(7, 1)`` gives the same result: multiply the
# two weight matrices. Then find two layers that say whether *both* switches are on. Are
# two needed?
#
# **Read on.** A weighted sum with a threshold, learned from examples, was one of the
# first networks: the perceptron :cite:`rosenblatt1958`.
