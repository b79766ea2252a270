"""Begin a lesson: `make new-lesson NAME=15 TITLE="Pooling by hand"` writes its script, its questions and an exercise.

Each is a small whole that builds, in the shape of the others, to be rewritten piece by piece. Nothing is overwritten.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from glassbox_site.first_look import ANSWERS, GALLERY, PAGES, RECORDS, ROOT

SCRIPT = '''\
r"""
{number} {title}
{line}

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
# .. math:: \\varphi(x) = \\max(x, 0) .
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
'''

TRY_THIS = '''\
"""
Only the input 1: above zero what comes out is what goes in, and below it is zero.
"""

import torch

from glassbox import nn

inputs = torch.arange(-3, 4.0)
ones = inputs[nn.ReLU()(inputs) == 1].tolist()
print("An output of 1 comes from", ones)
assert ones == [1]
'''

QUIZ = """\
[[questions]]
question = "A layer with ReLU gets -3. What comes out?"

[[questions.choices]]
answer = "Zero."
right = true
because = "What is below zero becomes zero."

[[questions.choices]]
answer = "Three."
because = "That is the absolute value: ReLU drops the sign's side, it does not turn it round."

[[questions.choices]]
answer = "Minus three."
because = "That would be a layer without ReLU."

[[questions]]
question = "All weights before a ReLU are doubled, and there is no bias. What happens to what comes out?"

[[questions.choices]]
answer = "It stays the same."
because = "Only zeros stay the same."

[[questions.choices]]
answer = "It doubles."
right = true
because = "The sum doubles, its sign stays, and so the same ones are dropped."

[[questions]]
question = "Which function of the input does ReLU *not* keep?"

[[questions.choices]]
answer = "The order of two positive numbers."
because = "Both stay as they are, and so does their order."

[[questions.choices]]
answer = "The largest positive number."
because = "It passes as it is."

[[questions.choices]]
answer = "The order of two negative numbers."
right = true
because = "Both become zero."

[[questions]]
name = "left-of-zero"
question = "The next figure draws what comes out over what goes in. Where is the line to the left of zero?"

[[questions.choices]]
answer = "On the axis."
right = true
because = "All of these inputs are below zero, and become zero."

[[questions.choices]]
answer = "Below the axis."
because = "Nothing negative comes out."
"""

EXERCISE = """\
(exercise-{number}-a)=
## {number}-a First step: what passes

Belongs to {{lesson}}`{number}`. Which numbers come out of a ReLU?

```{{code-cell}} python3
x = torch.tensor([-2.0, 3.0, 0.5, -0.5])
outputs = ...  # four numbers
check("{number}-a", outputs)
```

:::{{dropdown}} Hint
What is below zero becomes zero.
:::

```{{code-cell}} python3
:tags: [hide-cell]

print(x.relu())
assert check("{number}-a", x.relu())
```
"""

FUNCTIONS = """\
# -- {number}-a: what passes -------------------------------------------------------------------------------------------

NUMBERS_{name} = table(-2.0, 3.0, 0.5, -0.5)


def passed_{name}(x: Tensor) -> Tensor:
    return F.relu(x)


def nothing_dropped_{name}(x: Tensor) -> Tensor:
    return x


def sign_dropped_{name}(x: Tensor) -> Tensor:
    return x.abs()


def other_side_{name}(x: Tensor) -> Tensor:
    return -F.relu(-x)


"""

RECORD = """\
    Exercise(
        "{number}-a",
        passed_{name},
        {{
            nothing_dropped_{name}: "Nothing is dropped: what is below zero becomes zero.",
            sign_dropped_{name}: "The sign is dropped: what is below zero becomes zero, not positive.",
            other_side_{name}: "The other side is kept: what is above zero passes.",
        }},
        cases=((NUMBERS_{name},),),
    ),
"""

ANSWER = '    "{number}-a": [0, 3, 0.5, 0],\n'


def insert(path: Path, text: str, heading: str, number: str, end: str) -> None:
    """Put a text before the first heading of a later lesson, else before what ends the place."""
    content = path.read_text("utf-8")
    places = [found.start() for found in re.finditer(heading, content, re.MULTILINE) if order(found[1]) > order(number)]
    if not places:
        begin = next(re.finditer(heading, content, re.MULTILINE)).start()
        places = [re.compile(end, re.MULTILINE).search(content, begin).start()]
    path.write_text(content[: places[0]] + text + content[places[0] :], encoding="utf-8")


def order(number: str) -> tuple[int, int]:
    part, place = number.split(".")
    return int(part), int(place)


def begin(name: str, title: str) -> list[Path]:
    """Write the pieces of a lesson; return their files."""
    folders = {folder.name[4]: folder for folder in sorted(GALLERY.glob("part*_*"))}
    if not re.fullmatch(r"\d{2,3}", name) or name[0] not in folders:
        raise ValueError(f"NAME is the part and the place within it, as in 15; the parts are {', '.join(folders)}")
    if taken := next(GALLERY.glob(f"part*/plot_{name}_*.py"), None):
        raise ValueError(f"there is a lesson {name} already: {taken.relative_to(ROOT)}")
    number, slug = f"{name[0]}.{name[1:]}", "_".join(re.findall(r"[a-z0-9]+", title.lower()))
    given = {"number": number, "name": name, "title": title, "line": "=" * len(f"{number} {title}")}
    script, quiz = folders[name[0]] / f"plot_{name}_{slug}.py", ROOT / "docs/quizzes" / f"{number}.toml"
    page, part = PAGES / f"part{name[0]}.md", RECORDS / f"part{name[0]}.py"
    script.write_text(SCRIPT.format(**given), encoding="utf-8")
    quiz.write_text(QUIZ, encoding="utf-8")
    answer = GALLERY / "answers" / f"answer_{name}.py"
    answer.write_text(TRY_THIS, encoding="utf-8")
    insert(page, EXERCISE.format(**given) + "\n", r"^\(exercise-(\d\.\d+)-\w\)=$", number, r"\Z")
    insert(part, FUNCTIONS.format(**given), r"^# -- (\d\.\d+)-\w: .*$", number, r"^EXERCISES = ")
    insert(part, RECORD.format(**given), r'^    Exercise\(\n        "(\d\.\d+)-\w"', number, r"^\)$")
    insert(ANSWERS, ANSWER.format(**given), r'^    "(\d\.\d+)-\w":', number, r"^}$")
    return [script, quiz, page, part, ANSWERS, answer]


if __name__ == "__main__":
    try:
        for file in begin(*sys.argv[1:]):
            print(file.relative_to(ROOT))
    except ValueError as error:
        sys.exit(f"make new-lesson: {error}")
