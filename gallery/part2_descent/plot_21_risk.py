r"""
2.1 Predicting a mark: model and risk
=====================================

Four pupils sat an exam last year. A new pupil asks what to expect. **Of all the
formulas that turn marks into a prediction, which one is best, and what does best
mean?**

*After this lesson you can* write a linear model, measure how wrong it is on a table,
read a map of that risk, find its lowest point for a small table, and say why a
perfect fit proves nothing.

*Time*: 20 minutes. *Before*: lesson 1.1.
"""

# %%
# Four pupils
# -----------
# Each row is a pupil: the marks of the year in three subjects, and the mark in the exam
# at its end, all out of 20.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch

from glassbox import datasets, plots
from glassbox.descent import empirical_risk, least_squares, predict

plots.style.use()
marks = datasets.load_exam()
X, y = marks[["Maths", "CS", "French"]], marks["Exam"]

# %%
fig, ax = plt.subplots(figsize=(5.2, 2.6))
plots.weighted_table(ax, X, results=y.to_frame(), result_format="{:.0f}".format)
fig.alt_text = (
    "Marks of four pupils in maths, CS and French, and beside them the exam: 14, 7, "
    "12 and 11."
)
plt.show()

# %%
# The linear model
# ----------------
# A prediction is a weighted sum of the marks, plus a constant :math:`w_0`, the bias: a
# dense layer with one output (lesson 1.1). Pupil :math:`i` has the marks
# :math:`x_i^1, x_i^2, x_i^3` (the upper number is the subject's and not a power), and
# the model has four parameters:
#
# .. math:: \hat y_i = w_0 + \sum_{j=1}^{3} w_j \, x_i^j .
#
# Say that every subject counts for a third, and that :math:`w_0 = 0`. The new pupil has
# 13 in maths, 14 in CS and 11 in French.

new_pupil = {"Maths": 13, "CS": 14, "French": 11}
w0, w = 0.0, {"Maths": 0.333, "CS": 0.333, "French": 0.333}

prediction = w0
for subject, mark in new_pupil.items():
    prediction += w[subject] * mark
    print(
        f"{subject:>6}: {w[subject]} x {mark} = {w[subject] * mark:.2f}   sum so far "
        f"{prediction:5.2f}"
    )
assert round(prediction, 2) == 12.65

# %%
# The package does the same for a whole table at once.

by_package = predict([0, 0.333, 0.333, 0.333], [list(new_pupil.values())])
print(f"By the package: {by_package.item():.2f}")
assert abs(by_package.item() - prediction) < 1e-12

# %%
# Three guesses
# -------------
# Is a third each a good choice? The four pupils can tell, since their exam marks are
# known. Here are three sets of parameters, picked by hand.

guesses = pd.DataFrame(
    [[0, 0.333, 0.333, 0.333], [0, 0.4, 0.4, 0.2], [0, 0.5, 0.5, 0]],
    index=["A: a third each", "B: less French", "C: no French"],
    columns=["w0", "w1 Maths", "w2 CS", "w3 French"],
)
print(guesses.to_string())

# %%
# A dot is the mark in the exam, a cross the prediction, and the number beside the line
# between them is the error :math:`\hat y_i - y_i`.

predictions = pd.DataFrame(
    predict(guesses, X).numpy(), index=guesses.index, columns=X.index
)
print(predictions.round(2).to_string())

# %%
fig, axes = plt.subplots(1, 3, figsize=(7.2, 3.8), sharey=True)
for ax, (name, row) in zip(axes, predictions.iterrows(), strict=True):
    plots.prediction_errors(ax, y.rename("exam"), row.rename("prediction"))
    ax.set_title(name)
axes[0].set_ylabel("mark")
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
fig.alt_text = (
    "Exam marks and predictions of four pupils for three guesses; the errors shrink "
    "from guess A to guess C."
)
plt.show()

# %%
# From left to right the crosses come closer to the dots.
#
# The risk: one number for all errors
# -----------------------------------
# To compare guesses we need one number. Square each error, so that its sign does not
# matter and a large one weighs more, and take the mean. This is the **empirical risk**:
#
# .. math:: R(w) = \frac{1}{n} \sum_{i=1}^{n} \bigl( \hat y_i - y_i \bigr)^2 ,
#
# and the best parameters are those at which it is lowest,
# :math:`\hat w = \arg\min_w R(w)`. What is averaged, here the square, is called the
# **loss**. It is a choice: the absolute error :math:`|\hat y_i - y_i|` is another, for
# which an error of 10 counts as much as ten errors of 1. With squares it counts ten
# times as much.


def risk_by_hand(parameters):
    total = 0.0
    for marks_of_pupil, exam in zip(X.to_numpy(), y, strict=True):
        error = parameters[0] + sum(parameters[1:] * marks_of_pupil) - exam
        total += error**2
    return total / len(y)


for name, parameters in guesses.iterrows():
    risk = risk_by_hand(parameters.to_numpy())
    assert abs(risk - empirical_risk(parameters, X, y).item()) < 1e-12
    absolute = abs(predictions.loc[name] - y).mean()
    print(f"{name:16} risk {risk:.4f}, mean absolute error {absolute:.2f}")

# %%
# The risk as a landscape
# -----------------------
# The marks are fixed; what we choose are the weights. So the risk is a function of the
# weights, and a function of two numbers is a landscape. Our three guesses have
# :math:`w_0 = 0` and give maths and CS the same weight. Let :math:`a` be that weight,
# :math:`b` the one of French, and compute the risk at every :math:`(a, b)`.


def risk_of_two_weights(points):
    a, b = points[..., 0], points[..., 1]
    return empirical_risk(torch.stack([torch.zeros_like(a), a, a, b], dim=-1), X, y)


places = {"A": (0.333, 0.333), "B": (0.4, 0.2), "C": (0.5, 0.0)}
for name, place in places.items():
    risk = risk_of_two_weights(torch.tensor(place, dtype=torch.float64))
    print(f"{name} lies at {place}, at the height {risk:.3f}")

# %%
# A map shows it by **contours**: along a line the risk keeps one value, and the fuller
# the color, the lower the risk. It is a valley with steep sides.

fig, ax = plt.subplots(figsize=(6.4, 5.0))
plots.contours(
    ax, risk_of_two_weights, (0.25, 0.65), (-0.25, 0.45), levels=[0.3, 1, 3, 10, 20, 40]
)
for name, place in places.items():
    plots.path(ax, torch.tensor([place]), notes={0: name})
ax.set(xlabel="a: weight of maths and of CS", ylabel="b: weight of French")
fig.alt_text = (
    "Contours of the risk: slanted ellipses; A lies outside the line 1, B just inside "
    "it, C inside 0.3."
)
plt.show()

# %%
# Why is the valley slanted? Going along it, French loses about twice what maths and CS
# each win, so that the predictions keep their size. Across it all weights grow
# together, and every prediction goes wrong at once.
#
# The lowest point
# ----------------
# The map shows two of four directions. With all four parameters free, the lowest point
# is where the slope is zero in every direction. The slope along one weight, say that of
# maths, is the derivative of the risk:
#
# .. math:: \frac{\partial R}{\partial w_1} = \frac{2}{n} \sum_{i=1}^{n}
#     \Bigl( w_0 + \sum_{j=1}^{3} w_j x_i^j - y_i \Bigr)\, x_i^1 = 0 .
#
# No weight stands in it squared or multiplied by another: it is a linear equation. With
# one weight alone, :math:`w` for maths and no constant, it can be solved by hand: from
# :math:`\sum_i (w\, x_i - y_i)\, x_i = 0` follows :math:`w = \sum_i x_i y_i / \sum_i
# x_i^2`. A sum of squares curves upward, so that this is a lowest point and not a
# highest.

maths = X["Maths"]
alone = (maths * y).sum() / (maths**2).sum()
print(f"w = {(maths * y).sum()} / {(maths**2).sum()} = {alone:.3f}, ", end="")
print(f"with the risk {((alone * maths - y) ** 2).mean():.2f}")
for other in (alone - 0.01, alone + 0.01):
    assert ((other * maths - y) ** 2).mean() > ((alone * maths - y) ** 2).mean()

# %%
# With four parameters there are four such equations, and a computer solves them at
# once. This is the method of **least squares**.

best = least_squares(X, y)
print(
    "w0, w1, w2, w3 =",
    ", ".join(f"{value:.4f}" for value in (best + 0.0).round(decimals=9).tolist()),
)
print(
    f"Risk: {empirical_risk(best, X, y).item():.0e}. The new pupil: "
    f"{predict(best, [[13, 14, 11]]).item():.2f}."
)
torch.testing.assert_close(
    best, torch.tensor([-5 / 3, 1 / 3, 7 / 9, 0], dtype=torch.float64)
)
assert empirical_risk(best, X, y) < 1e-20

# %%
# The risk is zero but for rounding: all four predictions are exact. Is this the perfect
# model? No: **it had to be so**. Each pupil gives one equation, :math:`w_0 + \sum_j w_j
# x_i^j = y_i`. Four equations with four unknowns, none of which repeats the others,
# have a solution whatever the exam marks are. Put nonsense in their place, and the fit
# is still perfect.

nonsense = torch.tensor([3.0, 19.0, 0.0, 8.0])
fitted = least_squares(X, nonsense)
print(
    "Risk on marks that mean nothing: "
    f"{empirical_risk(fitted, X, nonsense).item():.0e}."
)
for name, parameters in {"fitted to the exam": best, "to nonsense": fitted}.items():
    mark = predict(parameters, [[13, 14, 11]]).item()
    print(f"The new pupil's mark, {name}: {mark:.2f}")
assert empirical_risk(fitted, X, nonsense) < 1e-18

# %%
# Both risks are zero, and nothing in the zero tells the forecast from the nonsense.
#
# Fitting is not predicting
# -------------------------
# What counts is the risk on pupils that the model has not seen. Four rows cannot tell.
# So we make up 2,000 pupils: their exam is half maths, four tenths CS, one tenth
# French, plus luck, a random number around zero whose square is 1 on average. Luck
# cannot be predicted: even the true formula errs by it.
#
# We fit on :math:`n` pupils out of the first thousand, and **validate** on the other
# thousand: the risk there is an honest one. One draw of few pupils may be lucky, so we
# draw a thousand times and take the median. A model that looks at no mark, and
# forecasts for everybody the mean exam of the first thousand, is the rival to beat.
#
# .. predict:: more-pupils

pupils = datasets.make_pupils(2000)
subjects = pupils[["Maths", "CS", "French"]].to_numpy()
exam = pupils["Exam"].to_numpy()
rng = np.random.default_rng(0)

luck = empirical_risk([0, 0.5, 0.4, 0.1], subjects[1000:], exam[1000:]).item()
rival = ((exam[1000:] - exam[:1000].mean()) ** 2).mean()
print(f"Risk on the other thousand: {luck:.2f} by the true formula,")
print(f"{rival:.2f} by one mark for everybody.")

risks = {}
for n in [4, 5, 6, 8, 12, 20, 40, 100]:
    both = []
    for _ in range(1000):
        rows = rng.choice(1000, size=n, replace=False)
        fit = least_squares(subjects[rows], exam[rows])
        both.append(
            [
                empirical_risk(fit, subjects[r], exam[r]).item()
                for r in (rows, slice(1000, 2000))
            ]
        )
    risks[n] = np.median(both, axis=0)
table = pd.DataFrame(
    risks, index=["on the pupils fitted", "on other pupils"]
).T.rename_axis("pupils in the fit")
print(table.round(2).to_string())
assert table.iloc[0, 0] < 1e-9 < 2 < table.iloc[0, 1]
assert abs(table.iloc[-1, 1] - luck) < 0.1
assert (table["on other pupils"] > luck).all()
assert table["on other pupils"][4] > rival
assert table["on other pupils"][6] < 0.5 * rival

# %%
# With four pupils the model knows them by heart, and is at its worst on others:
# **over-fitting**. Here it does no better than one mark for everybody. With more pupils
# the risk on others comes down to the dashed line, that of the true formula, and the
# risk on those fitted comes up to about as much. (The first point on other pupils lies
# above the picture.)

fig, ax = plt.subplots(figsize=(7.2, 3.8))
ax.set_xscale("log")
ax.set(ylim=(-0.2, 6))  # first, so that the names stand beside their curves
ax.axhline(luck, color=plots.style.MUTED, linestyle="--", linewidth=1)
plots.curves(ax, table)
ax.set(ylabel="risk (median of 1,000 draws)", xlim=(3.6, 260))
ax.set_xticks(table.index, table.index)
ax.minorticks_off()
fig.alt_text = (
    "Risk against the number of pupils: on those fitted it rises from zero, on others "
    "it falls; both end close to a dashed line, the risk of the true formula."
)
plt.show()

# %%
# What to remember
# ----------------
# - A model is a formula with parameters; the **empirical risk** is the mean of its
#   squared errors on a table.
# - The risk is a function of the *parameters*: a landscape. Learning is looking for its
#   low ground.
# - As many parameters as rows: a perfect fit, and no proof of anything. Judge a model
#   on data that it has not seen.
# - For a linear model the lowest point can be computed. For a network there is no such
#   formula, and one walks: lesson 2.2.
#
# On the page :doc:`/play/descent` you choose weights on a map of this risk and let them
# roll, as lesson 2.2 does.
#
# **Try this.** Drop French, and fit ``marks[["Maths", "CS"]]`` with ``least_squares``.
# Three parameters, four rows: why is the risk still zero here? Look at the weights
# above. Then change P4's exam mark to 12, and look again.
