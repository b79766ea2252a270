r"""
The forecasts of the new pupil come close to each other, the risks do not: the second
run is still off by a mark and a half on the four pupils that it learns from. The
constant has hardly left its start in either run. A step of 0.003 is beyond the limit of
these marks, so the risk grows without end.
"""

import torch

from glassbox import datasets
from glassbox.descent import gradient_descent, predict, step_limit

marks = datasets.load_exam()
X = torch.tensor(marks[["Maths", "CS", "French"]].to_numpy())
y = torch.tensor(marks["Exam"].to_numpy())
for start in ([0.0, 0, 0, 0], [20.0, -1, 1, 0]):
    start = torch.tensor(start, dtype=torch.float64)
    descent = gradient_descent(start, X, y, step=0.001, iterations=1000)
    forecast = predict(descent.parameters[-1], [[13, 14, 11]]).item()
    w0 = descent.parameters[-1, 0].item()
    print(f"risk {descent.risks[-1]:.4f}, forecast {forecast:.2f}, w0 {w0:.2f}")
assert 1.4 < descent.risks[-1].sqrt() < 1.6
assert round(forecast, 2) == 13.70

descent = gradient_descent(start, X, y, step=0.003, iterations=20)
print("With 0.003:", [f"{risk:.3g}" for risk in descent.risks[::5].tolist()])
print(f"The limit is {step_limit(X):.5f}.")
assert descent.risks[-1] > descent.risks[0]
