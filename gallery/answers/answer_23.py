r"""
Without their means the columns no longer imitate the constant: that does nearly all of
it here, and the division, by deviations that are much alike, little. It matters when
the columns have different scales. The column in hundredths of a mark asks for so short
a step that gradient descent and momentum hardly move any other weight. Adam divides by
the size of the gradients, so it suffers least.
"""

import torch

from glassbox import datasets
from glassbox.descent import condition_number, gradient_descent, standardize, step_limit

marks = datasets.load_exam()
X = torch.tensor(marks[["Maths", "CS", "French"]].to_numpy())
y = torch.tensor(marks["Exam"].to_numpy())
centered = X - X.mean(dim=0)
for name, data in {"raw": X, "centered": centered, "both": standardize(X)[0]}.items():
    print(f"{name:8}: condition number {condition_number(data):,.1f}")
assert condition_number(standardize(X)[0]) < condition_number(centered)
assert condition_number(centered) < condition_number(X) / 3000

hundredths = X * torch.tensor([100.0, 1, 1])
start, limit = torch.zeros(4, dtype=torch.float64), step_limit(hundredths)
risks = {}
for method, step in {
    "gradient": 0.8 * limit,
    "momentum": 0.8 * limit,
    "adam": 0.1,
}.items():
    descent = gradient_descent(
        start, hundredths, y, step=step, iterations=1000, method=method
    )
    risks[method] = descent.risks[-1].item()
    print(f"{method:8}: risk {risks[method]:.3g} after 1,000 iterations")
assert min(risks, key=risks.get) == "adam"
