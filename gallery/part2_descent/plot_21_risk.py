r"""
2.1 Predicting a mark: model and risk
=====================================

Four pupils sat an exam last year. A new pupil asks what to expect. **Of all the
formulas that turn marks into a prediction, which one is best, and what does best
mean?**

*After this lesson you can* write a linear model, measure how wrong it is on a table,
read a map of that risk, find its lowest point, by hand for one weight and by least
squares for more, and say why a perfect fit proves nothing.

*Time*: 30 minutes. *Before*: lesson 1.1.
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
print(marks.to_string())

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
# The package predicts for a whole table at once. In the figure, for A and for C, a dot
# is the mark in the exam, a cross the prediction, and the number beside the line
# between them is the error :math:`\hat y_i - y_i`.

predictions = pd.DataFrame(
    predict(guesses, X).numpy(), index=guesses.index, columns=X.index
)
print(predictions.round(2).to_string())

# %%
fig, axes = plt.subplots(1, 2, figsize=(5.5, 3.8), sharey=True)
for ax, name in zip(axes, predictions.index[[0, 2]], strict=True):
    row = predictions.loc[name]
    plots.prediction_errors(ax, y.rename("exam"), row.rename("prediction"))
    ax.set_title(name)
axes[0].set_ylabel("mark")
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
fig.alt_text = (
    "Exam marks and predictions of four pupils: by guess A the errors are -2.0, 1.7, "
    "0.7 and 1.3, by guess C -0.5, 0, 0.5 and 0."
)
plt.show()

# %%
# From A to C the crosses come closer to the dots.
#
# The risk: one number for all errors
# -----------------------------------
# To compare guesses we need one number. The mean of the errors would not do: it calls C
# perfect, since -0.5 and +0.5 cancel. So square each error first: its sign no longer
# matters, and a large error weighs more. The mean of the squares is the **empirical
# risk**:
#
# .. math:: R(w) = \frac{1}{n} \sum_{i=1}^{n} \bigl( \hat y_i - y_i \bigr)^2 ,
#
# and the best parameters are those at which it is lowest, :math:`\hat w = \arg\min_w
# R(w)` (read: the :math:`w` at which :math:`R` is smallest). What is averaged, here the
# square, is called the **loss**. It is a choice: the absolute error :math:`|\hat y_i -
# y_i|` is another, for which an error of 10 counts as much as ten errors of 1. With
# squares it counts ten times as much.


def risk_by_hand(parameters):
    total = 0.0
    for marks_of_pupil, exam in zip(X.to_numpy(), y, strict=True):
        error = parameters[0] + sum(parameters[1:] * marks_of_pupil) - exam
        total += error**2
    return total / len(y)


for name, parameters in guesses.iterrows():
    risk = risk_by_hand(parameters.to_numpy())
    assert abs(risk - empirical_risk(parameters, X, y).item()) < 1e-12
    errors = (predictions.loc[name] - y).round(9)
    print(
        f"{name:16} risk {risk:.4f}; mean error {errors.mean():.2f}, "
        f"absolute {abs(errors).mean():.2f}"
    )
assert errors.mean() == 0

# %%
# The risk as a landscape
# -----------------------
# The marks are fixed; what we choose are the weights. So the risk is a function of the
# weights, and a function of two numbers is a landscape: the weights are the two axes,
# each point of the ground is one model, and the height above it is the risk of that
# model. Our three guesses have :math:`w_0 = 0` and give maths and CS the same weight,
# :math:`w_1 = w_2`; so they have a place on the map of that weight and of :math:`w_3`.


def risk_of_two_weights(places):
    w1, w3 = places[..., 0], places[..., 1]
    return empirical_risk(torch.stack([torch.zeros_like(w1), w1, w1, w3], dim=-1), X, y)


places = torch.tensor([[0.333, 0.333], [0.4, 0.2], [0.5, 0.0]], dtype=torch.float64)
print("The heights of A, B and C:", risk_of_two_weights(places).numpy().round(4))

# %%
# A map shows height by **contours**: along a line the risk keeps one value, and the
# fuller the color, the lower the risk. It is a valley with steep sides.

fig, ax = plt.subplots(figsize=(5.5, 4.6))
plots.contours(
    ax, risk_of_two_weights, (0.25, 0.65), (-0.25, 0.45), levels=[0.3, 1, 3, 10, 20, 40]
)
for name, place in zip("ABC", places, strict=True):
    plots.path(ax, place[None], notes={0: name})
ax.set(xlabel="weight of maths and of CS", ylabel="weight of French")
fig.alt_text = (
    "Contours of the risk: slanted ellipses; A lies outside the line 1, B just inside "
    "it, C inside 0.3."
)
plt.show()

# %%
# Why is the valley slanted? Going along it, from A to C, French loses about twice what
# maths and CS each win: one prediction rises, three fall, and none moves by 2 marks.
# Across it all weights grow together, and all predictions with them: 0.1 more on each
# weight moves every one of them by more than 2 marks.

moved = predictions.iloc[2] - predictions.iloc[0]
assert (moved > 0).sum() == 1
assert moved.abs().max() < 2 < 0.1 * X.sum(axis=1).min()

# %%
# The lowest point
# ----------------
# The lowest point is where the slope is zero in every direction. The slope along one
# weight, say that of maths, is the derivative of the risk. The derivative of a square
# :math:`e^2` is :math:`2e` times that of :math:`e`, and the error of pupil :math:`i`
# grows by :math:`x_i^1` when :math:`w_1` grows by 1. So
#
# .. math:: \frac{\partial R}{\partial w_1} = \frac{2}{n} \sum_{i=1}^{n}
#     \Bigl( w_0 + \sum_{j=1}^{3} w_j x_i^j - y_i \Bigr)\, x_i^1 = 0 .
#
# No weight stands in it squared or multiplied by another: it is a linear equation. With
# one weight alone, :math:`w` for the marks :math:`m_i` in maths and no constant, it can
# be solved by hand: from :math:`\sum_i (w\, m_i - y_i)\, m_i = 0` follows :math:`w =
# \sum_i m_i y_i / \sum_i m_i m_i`. For the constant alone, put 1 in the place of each
# mark: then the best is the sum of the exam marks divided by their number,
# their mean.

maths = X["Maths"]
alone = (maths * y).sum() / (maths**2).sum()
print(f"w = {(maths * y).sum()} / {(maths**2).sum()} = {alone:.3f}, ", end="")
print(f"with the risk {((alone * maths - y) ** 2).mean():.2f}")

# %%
one_weight = np.linspace(0.4, 1.75, 100)
curve = ((one_weight[:, None] * maths.to_numpy() - y.to_numpy()) ** 2).mean(axis=1)
fig, ax = plt.subplots(figsize=(5.2, 3.0))
ax.plot(one_weight, curve, color=plots.style.GREEN)
ax.plot(alone, curve.min(), "o", color=plots.style.ORANGE, markersize=8)
ax.annotate(
    "slope zero", (alone, curve.min()), (0, 9), textcoords="offset points", ha="center"
)
ax.set(xlabel="weight of maths, alone", ylabel="risk", ylim=(0, None))
fig.alt_text = "The risk of one weight is a parabola; its lowest point is at 1.07."
plt.show()

# %%
# A sum of squares of such errors curves upward, so that this is a lowest point and not
# a highest. Cut the landscape of any linear model along a straight line, and you find
# such a parabola, or a level line along which no prediction changes. So the whole risk
# is a bowl, here a long one: its contours are ellipses, and there is one lowest point.
# (Where there is a level line the bowl is a trough, with a line of lowest points, all
# at one height.)
#
# With four parameters there are four such equations, and a computer solves them at
# once. This is the method of **least squares**.

best = least_squares(X, y)
print(
    "w0, w1, w2, w3 =",
    ", ".join(f"{value:.4f}" for value in (best + 0.0).round(decimals=9).tolist()),
)
print(
    f"Risk: {empirical_risk(best, X, y).item():.4f}. The new pupil: "
    f"{predict(best, [[13, 14, 11]]).item():.2f}."
)
torch.testing.assert_close(
    best, torch.tensor([-5 / 3, 1 / 3, 7 / 9, 0], dtype=torch.float64)
)
assert empirical_risk(best, X, y) < 1e-20

# %%
# The risk is zero but for rounding: all four predictions are exact. Is this the perfect
# model? No: **it had to be so**. Each pupil gives one equation, :math:`w_0 + \sum_j w_j
# x_i^j = y_i`. Four equations with four unknowns, none of which follows from the
# others, have a solution whatever the exam marks are. Put nonsense in their place, and
# the fit is still perfect.

nonsense = torch.tensor([3.0, 19.0, 0.0, 8.0])
fitted = least_squares(X, nonsense)
print(
    "Risk on marks that mean nothing: "
    f"{empirical_risk(fitted, X, nonsense).item():.4f}."
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
# What counts is the risk on pupils that the model has not seen, and with four rows none
# is left to judge on. So we make up 2,000 pupils: their exam is half maths, four tenths
# CS, one tenth French, plus luck, a random number around zero whose square is 1 on
# average. Luck cannot be predicted: even the true formula errs by it.
#
# We fit on :math:`n` pupils out of the first thousand, and **validate** on the other
# thousand: the risk there is an honest one. One draw of few pupils may be lucky or
# unlucky, so we draw a thousand times. Of the thousand risks we take the median: a few
# are huge (four pupils that nearly repeat each other) and would decide the mean. The
# rival to beat is guess A, a third each, which was fitted to nobody.
#
# .. predict:: more-pupils

pupils = datasets.make_pupils(2000)
subjects = pupils[["Maths", "CS", "French"]].to_numpy()
exam = pupils["Exam"].to_numpy()
rng = np.random.default_rng(0)

luck = empirical_risk([0, 0.5, 0.4, 0.1], subjects[1000:], exam[1000:]).item()
third = empirical_risk([0, 0.333, 0.333, 0.333], subjects[1000:], exam[1000:]).item()
print(f"Risk on the other thousand: {luck:.2f} by the true formula,")
print(f"{third:.2f} by a third each.")

risks, forecasts = {}, []
for n in [4, 5, 6, 8, 12, 20, 40, 100]:
    both = []
    for _ in range(1000):
        rows = rng.choice(1000, size=n, replace=False)
        fit = least_squares(subjects[rows], exam[rows])
        if n == 4:
            forecasts.append(predict(fit, [[13, 14, 11]]).item())
        both.append(
            [
                empirical_risk(fit, subjects[r], exam[r]).item()
                for r in (slice(1000, 2000), rows)
            ]
        )
    risks[n] = np.median(both, axis=0)
table = pd.DataFrame(risks, index=["on other pupils", "on those fitted"]).T.rename_axis(
    "pupils in the fit"
)
print(table.round(2).to_string(), end="\n\n")
low, high = np.percentile(forecasts, [5, 95])
print("The new pupil's mark by nine in ten")
print(f"fits on four pupils: {low:.1f} to {high:.1f}.")
print(f"By the true formula: {0.5 * 13 + 0.4 * 14 + 1.1:.1f}.")
assert low < 8
assert high > 20
assert table["on those fitted"][4] < 1e-9
assert abs(table["on other pupils"][100] - luck) < 0.1
assert (table["on other pupils"] > luck).all()
assert table["on those fitted"].is_monotonic_increasing
assert table["on those fitted"][100] < luck
assert (table["on other pupils"][[4, 5, 6, 8]] > third).all()
assert (table["on other pupils"][[20, 40, 100]] < third).all()

# %%
# With four pupils the model knows them by heart, and is at its worst on others:
# **over-fitting**. Zero is the lowest risk that there is, and yet most of these fits do
# worse on others than a third each, which fits nobody exactly; they promise the new
# pupil nearly any mark. Here it takes a dozen pupils to draw level with that guess.
# (The formula behind these pupils is not far from a third each; if it lay far off, the
# guess would do worse.) With more pupils the risk on others comes down to that of the
# true formula, and the risk on those fitted comes up towards it from below.

fig, ax = plt.subplots(figsize=(6.0, 4.0))
ax.set_xscale("log")
ax.set(ylim=(-0.2, 8))  # first, so that the names stand beside their curves
for name, risk, left in [("a third each", third, 31), ("true formula", luck, 3.7)]:
    ax.hlines(risk, 3.6, 100, color=plots.style.MUTED, linestyle=":", linewidth=1.5)
    ax.annotate(
        name, (left, risk), (0, 2), textcoords="offset points", color=plots.style.MUTED
    )
plots.curves(ax, table)
ax.set(ylabel="risk (median of 1,000 draws)", xlim=(3.6, 420))
ax.set_xticks(table.index, table.index)
ax.minorticks_off()
fig.alt_text = (
    "Risk against the number of pupils: on others it falls from 7 and crosses that of "
    "a third each near 12 pupils; on those fitted it rises from zero; both end close "
    "to the risk of the true formula."
)
plt.show()

# %%
# What to remember
# ----------------
# - A model is a formula with parameters; the **empirical risk** is the mean of its
#   squared errors on a table.
# - The risk is a function of the *parameters*: a landscape, and for a linear model with
#   squared errors a bowl or a trough. Learning is looking for its low ground.
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
