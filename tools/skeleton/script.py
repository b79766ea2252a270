r"""
9.9 A new lesson
================

Here stands what the reader sees around, in a sentence or two. **Here stands the
question that the lesson answers?**

*After this lesson you can* compute one by hand, say what it keeps and what it loses,
and find it in the package.

*Time*: 5 minutes. *Before*: lesson 1.1.
"""

# %%
# The formula
# -----------
# A number :math:`x` comes in, and what is below zero is dropped:
#
# .. math:: \varphi(x) = \max(x, 0) .
#
# By hand, for three numbers:

import matplotlib.pyplot as plt
import torch

from glassbox import nn, plots

plots.style.use()
numbers = [-1.0, 0.0, 2.0]
by_hand = [max(number, 0.0) for number in numbers]
print(by_hand)

# %%
# The package does the same
# -------------------------
# A layer takes a tensor, and gives one of the same shape.

x = torch.tensor(numbers)
by_package = nn.ReLU()(x)
print(by_package.tolist())
assert by_package.tolist() == by_hand

# %%
# The figure
# ----------
# The same for many numbers at once.
#
# .. predict:: left-of-zero

grid = torch.linspace(-3, 3, 61)
fig, ax = plt.subplots(figsize=(5.2, 3))
ax.plot(grid, nn.functional.relu(grid))
ax.set(xlabel="in", ylabel="out")
fig.alt_text = "Zero up to an input of zero, then a line that rises with slope one."
plt.show()

# %%
# To the left of zero the line lies on the axis; to the right it rises with slope one.
#
# What to remember
# ----------------
# - What is below zero becomes zero; the rest stays.
#
# **Try this.** Which inputs give an output of exactly 1?
