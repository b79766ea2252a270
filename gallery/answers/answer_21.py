r"""
The perfect fit with three subjects has a weight of zero for French, so it is a fit with
two subjects as well. Four equations with three unknowns need not have a solution: that
these have one is a property of these four marks. With another mark in the
exam the perfect fit needs French, and without it a risk is left.
"""

import torch

from glassbox import datasets
from glassbox.descent import empirical_risk, least_squares

marks = datasets.load_exam()
y = torch.tensor(marks["Exam"].to_numpy())
print(
    "Weight of French:", f"{least_squares(marks[['Maths', 'CS', 'French']], y)[3]:.0e}"
)
for last in (y[3].item(), 12.0):
    y[3] = last
    two = marks[["Maths", "CS"]]
    risk = empirical_risk(least_squares(two, y), two, y).item()
    print(f"P4's exam {last:g}: risk {risk:.4f} with two subjects")
    assert (risk < 1e-20) == (last != 12)
