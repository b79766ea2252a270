"""The checks of the course's exercises: is an answer right, and if not, where is it wrong and which slip explains it?

The exercises themselves are notebooks of the site, one for each part. Each is known here by its name: the lesson's
number and a letter, as in ``3.3-b``.
"""

from __future__ import annotations

import difflib
from typing import Any

from glassbox.exercises import part1, part2, part3
from glassbox.exercises.judging import Verdict, judge

__all__ = ["Verdict", "check", "names"]

EXERCISES = {exercise.name: exercise for part in (part1, part2, part3) for exercise in part.EXERCISES}


def check(name: str, answer: Any) -> Verdict:
    r"""Print whether an answer to an exercise is right; if it is not, which entry is wrong and the likely slip.

    The right answer is computed by the package, and so is what each known slip would give: a kernel that is turned, a
    mean without its :math:`1/n`, a matrix that is transposed. An answer that equals one of these is told so. A function
    that was handed out to be mended, and computes what it did, is told where it fails and no more.

    Parameters
    ----------
    name : str
        Name of the exercise: the lesson's number and a letter, such as ``"3.3-b"``.
    answer : number, list, array, tensor, str or callable
        What the exercise asks for. A function is called on several inputs, and must be right on all of them.

    Returns
    -------
    Verdict
        True in an ``if`` when the answer is right; `Verdict.message` is the sentence that was printed. A wrong or an
        unreadable answer does not raise.

    Raises
    ------
    TypeError
        ``name`` is not a string.
    ValueError
        There is no exercise of this name; the message suggests some.

    Examples
    --------
    >>> from glassbox import exercises
    >>> verdict = exercises.check("1.2-b", [9, 14])  # doctest: +ELLIPSIS
    1.2-b: not yet. Entry [0] is 9, which is 1 too small. One window is missing each way: ...
    >>> verdict.entry, verdict.slip
    ((0,), 'one_window_missing')
    >>> bool(exercises.check("1.2-b", [10, 15]))
    1.2-b: right.
    True
    """
    if not isinstance(name, str):
        raise TypeError(
            f'check expects the name of an exercise first, as in check("3.3-b", answer), got {type(name).__name__}'
        )
    if name not in EXERCISES:
        near = difflib.get_close_matches(name.strip().lower(), EXERCISES, n=3)
        suggestion = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(EXERCISES)}"
        raise ValueError(f"there is no exercise {name!r}: {suggestion}")
    verdict = judge(EXERCISES[name], answer)
    print(verdict)
    return verdict


def names() -> list[str]:
    """Return the names of all exercises, in the order of the course.

    Examples
    --------
    >>> from glassbox import exercises
    >>> exercises.names()[:3]
    ['1.1-a', '1.1-b', '1.1-c']
    """
    return list(EXERCISES)
