"""Questions of the lessons: every lesson has some, a malformed file is told in a sentence, numbers are recomputed."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from glassbox_site import lessons, notebooks, quizzes
from sphinx.errors import ExtensionError

from glassbox import datasets, nn
from glassbox.descent import empirical_risk, risk_gradient, step_limit
from glassbox.gradients import central_difference

ROOT = Path(__file__).parents[2]
LESSONS = lessons.catalogue()
QUIZZES = quizzes.read_quizzes(ROOT / "docs/quizzes", LESSONS)

GOOD = """
[[questions]]
question = "What is 1 + 1?"

[[questions.choices]]
answer = "2"
right = true
because = "One more than one."

[[questions.choices]]
answer = "11"
because = "That puts the digits side by side."
"""


def test_every_lesson_has_three_or_four_questions():
    assert list(QUIZZES) == list(LESSONS)
    at_the_end = {number: sum(not question.name for question in quiz) for number, quiz in QUIZZES.items()}
    assert {number: count for number, count in at_the_end.items() if not 3 <= count <= 4} == {}


@pytest.mark.parametrize("number", LESSONS)
def test_a_lesson_asks_for_one_to_three_predictions_before_figures(number):
    text = LESSONS[number].script.read_text("utf-8")
    names = quizzes.ANCHOR.findall(text)
    assert 1 <= len(names) <= 3
    quizzes.check_anchors(number, QUIZZES[number], text)
    for after in quizzes.ANCHOR.split(text)[2::2]:
        assert "plt.show()" in after, "no figure follows the last prediction"


PREDICTION = quizzes.Question("Where?", (quizzes.Choice("Here", "It is.", right=True),), name="where")
ANCHORED = "# %%\n# Look.\n#\n# .. predict:: where\n\nplt.show()\n"


def test_a_prediction_stands_once_in_the_quiz_and_once_in_the_script():
    quizzes.check_anchors("1.1", (PREDICTION,), ANCHORED)
    for questions, script in (((), ANCHORED), ((PREDICTION,), ""), ((PREDICTION,), 2 * ANCHORED)):
        with pytest.raises(ExtensionError, match=r"lesson 1\.1: the question 'where' stands .* once each"):
            quizzes.check_anchors("1.1", questions, script)
    with pytest.raises(ExtensionError, match="4 questions with a name"):
        quizzes.check_anchors("1.1", 4 * (PREDICTION,), 4 * ANCHORED)


def test_the_line_that_says_where_leaves_no_trace_in_a_download(tmp_path):
    assert quizzes.ANCHOR.sub("", ANCHORED) == "# %%\n# Look.\n\nplt.show()\n"
    assert notebooks.Converter(ROOT / "docs")("Look.\n\n.. predict:: where\n") == "Look.\n"


def test_no_choice_stands_twice_and_the_right_one_is_not_always_at_the_same_place():
    places = set()
    for quiz in QUIZZES.values():
        for question in quiz:
            answers = [choice.answer for choice in question.choices]
            assert len(set(answers)) == len(answers)
            places.add([choice.right for choice in question.choices].index(True))
    assert len(places) >= 3


MALFORMED = {
    "no right answer": (GOOD.replace("right = true\n", ""), "question 1 has 2 choices, 0 of them right"),
    "two right answers": (GOOD.replace('"11"', '"11"\nright = true'), "2 choices, 2 of them right"),
    "no explanation": (GOOD.replace('because = "One more than one."', ""), "choice 1 needs 'because'"),
    "an empty explanation": (GOOD.replace("One more than one.", " "), "choice 1 needs 'because', a str that is not"),
    "one choice": (GOOD[: GOOD.rindex("[[")], "has 1 choices"),
    "no question": (GOOD.replace('question = "What is 1 + 1?"', ""), "question 1 needs 'question'"),
    "no questions": ("", r"has no \[\[questions\]\]"),
    "a misspelled entry": (GOOD.replace("right", "rigth"), "choice 1 has unknown entries: rigth"),
    "right as a word": (GOOD.replace("right = true", 'right = "true"'), "choice 1 needs 'right', a bool"),
    "another table": (GOOD + "\n[extra]\n", "unknown entries: extra"),
    "not TOML": ("question: 1", "is not TOML"),
}


@pytest.mark.parametrize(("text", "says"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_quiz_is_told(tmp_path, text, says):
    (tmp_path / "1.1.toml").write_text(text)
    with pytest.raises(ExtensionError, match=rf"1\.1\.toml.*{says}"):
        quizzes.read_quizzes(tmp_path, LESSONS)


def test_a_quiz_of_no_lesson_is_told(tmp_path):
    (tmp_path / "1.1.toml").write_text(GOOD)
    assert len(quizzes.read_quizzes(tmp_path, LESSONS)["1.1"]) == 1
    (tmp_path / "9.9.toml").write_text(GOOD)
    with pytest.raises(ExtensionError, match=r"9\.9\.toml belongs to no lesson; there are 1\.1, 1\.2"):
        quizzes.read_quizzes(tmp_path, LESSONS)


def test_questions_and_exercises_come_before_the_downloads():
    text = quizzes.practice_of("1.2", True, ["1.1-a", "1.2-a", "1.2-b"])
    assert ".. quiz:: 1.2" in text
    assert ":ref:`exercise-1.2-a`" in text
    assert "1.1-a" not in text
    assert "Questions" not in quizzes.practice_of("1.2", False, [])


# -- Numbers that follow from those of the question ------------------------------------------------------------------


def in_words(ratio: float) -> str:
    """Return the choice's words for a ratio that was computed."""
    words = {0.5: "halved", 3: "three times", 10: "Ten times", 1e6: "a million times"}
    (found,) = (text for number, text in words.items() if math.isclose(ratio, number, rel_tol=0.05))
    return found


def doubled_weights() -> str:
    return f"becomes {nn.functional.relu(torch.tensor(2 * 8.0 - 10)):g}:"


def pupil_below_ten() -> str:
    bias, mean = -10, datasets.load_grades().loc["E03", ["Maths", "Physics", "CS", "Biology", "Chemistry"]].mean()
    assert f"{mean:.2f}" == "9.70"
    return {True: "Zero", False: f"{mean + bias:.2f}"}[bool(mean + bias < 0)]


def windows_in_a_row() -> str:
    layer = nn.Conv2d(1, 1, 3, stride=2, padding=1)
    return str(layer(torch.zeros(1, 1, 6, 6)).shape[-1])


def factor_of_three_points() -> str:
    first, second = torch.tensor([[3.0, 0.0]]).softmax(dim=1)[0].tolist()
    return f"{round(first / second):d} times"


def padding_that_halves() -> str:
    def halves(padding: int) -> bool:
        layer = nn.Conv2d(1, 1, 3, stride=2, padding=padding)
        return all(layer(torch.zeros(1, 1, side, side)).shape[-1] == side // 2 for side in (4, 6, 10, 28))

    (padding,) = (padding for padding in (0, 1, 2) if halves(padding))
    return str(padding)


def risk_out_of_100() -> str:
    features, targets = torch.tensor([[12.0], [9.0]]).double(), torch.tensor([11.0, 13.0]).double()
    before, after = (empirical_risk([0, 0.9], scale * features, scale * targets) for scale in (1, 5))
    return f"becomes {after / before:g} times as large"


def one_odd_row() -> str:
    one, ten = torch.tensor([10.0]), torch.ones(10)
    one_adds, ten_add = (nn.functional.mse_loss(off, torch.zeros_like(off), reduction="sum") for off in (one, ten))
    return in_words(one_adds / ten_add)


def step_in_millimeters() -> str:
    column = torch.tensor([[100.0], [200.0], [-150.0]]).double()  # dominates the constant
    return f"about {in_words(step_limit(column) / step_limit(1000 * column))} shorter"


def iterations_with_momentum() -> str:
    marks = datasets.load_exam()
    X, y = marks[["Maths", "CS", "French"]], marks["Exam"]
    w, move = torch.zeros(4, dtype=torch.float64), 0.0
    for iteration in range(1, 2000):
        if empirical_risk(w, X, y) <= 0.01:
            return f"About {round(iteration, -2)}"
        move = 0.9 * move - 0.8 * step_limit(X) * risk_gradient(w, X, y)
        w = w + move
    raise AssertionError("it does not arrive")


def shape_of_a_weight() -> str:
    layer = nn.Linear(4, 2)
    return f"{tuple(layer.weight.shape)}, and {tuple(layer(torch.zeros(150, 4)).shape)}"


def hinge() -> str:
    unit = nn.Linear(2, 1)
    with torch.no_grad():
        unit.weight.copy_(torch.tensor([[3.0, 0.0]]))
        unit.bias.fill_(-6)
    points = torch.cartesian_prod(*[torch.linspace(-5, 5, 101)] * 2)
    awake = nn.functional.relu(unit(points))[:, 0] > 0
    sides = {"right": points[awake, 0].min(), "left": points[awake, 0].max()}
    (side,) = (side for side, edge in sides.items() if abs(edge) < 4)  # the other one is the edge of the points
    return f"To the {side} of the line :math:`x_1 = {sides[side] - 0.1:g}`"


def slope_of_three_scores() -> str:
    scores = torch.tensor([[0.2, 0.5, 0.3]]).log().requires_grad_()
    torch.nn.functional.cross_entropy(scores, torch.tensor([0])).backward()
    return f"({', '.join(f'{value:.1f}' for value in scores.grad[0].tolist())})"


def nobody_wears_a_hat() -> str:
    hats, scores = torch.arange(100) < 5, torch.full((100,), -1.0)
    return f"{((scores > 0) == hats).float().mean().item():.0%}".replace("%", " %")


def unequal_workers() -> str:
    losses = torch.ones(40, requires_grad=True)
    torch.stack([losses[:30].mean(), losses[30:].mean()]).mean().backward()
    return f"{in_words(losses.grad[-1] / losses.grad[0])} as much"


def noise_of_four_times_the_batch() -> str:
    gradients = torch.randn(4000, 80, generator=torch.Generator().manual_seed(0))
    return in_words(gradients.mean(dim=1).std() / gradients[:, :20].mean(dim=1).std())


def maths_against_two_languages() -> str:
    marks = torch.zeros(3, dtype=torch.float64)
    maths, *languages = central_difference(lambda x: x[0] - x[1:].mean(), marks).tolist()
    return f"{maths:.3g} for maths, {Fraction(languages[0]).limit_denominator(9)} for each language"


def largest_squared_error() -> str:
    probability = torch.linspace(0, 1, 101)
    assert torch.isinf(-probability.log()[0])
    return f"Cross-entropy without limit, squared error at most {(1 - probability).square().max():g}"


def slope_when_most_wrong() -> str:
    x = torch.tensor(-12.0, requires_grad=True)
    nn.functional.sigmoid(x).backward()
    return f"The slope of the logistic function, a factor of the gradient, is almost {x.grad:.0f} there"


def slope_of_accuracy() -> str:
    weight, x, right = torch.tensor(0.7), torch.tensor([-2.0, -0.5, 0.3, 1.0]), torch.tensor([0, 1, 1, 1])
    before, after = ((((weight + move) * x > 0) == right).float().mean() for move in (0, 1e-3))
    return f"its derivative is {(after - before) / 1e-3:g} almost everywhere"


def largest_slope_of_a_logistic() -> str:
    x = torch.linspace(-6, 6, 121, requires_grad=True)
    nn.functional.sigmoid(x).sum().backward()
    return f"a slope of at most {Fraction(x.grad.max().item()).limit_denominator(99)} for each layer"


def images_of_one_step() -> str:
    (asked,) = (each for place, each in enumerate(QUIZZES["3.4"], 1) if place == 3)
    batch = next(iter(torch.zeros(600).split(int(re.search(r"batches of (\d+)", asked.question)[1]))))
    return f"memory for {len(batch)} examples in place of all"


def softmax_over_attributes() -> str:
    return f"probabilities sum to {torch.tensor([3.0, 3.0, -1.0]).softmax(0).sum():g}"


RECOMPUTED = {
    ("1.1", 2): maths_against_two_languages,
    ("3.2", 1): largest_squared_error,
    ("3.2", 3): slope_when_most_wrong,
    ("3.2", 4): slope_of_accuracy,
    ("3.3", 4): largest_slope_of_a_logistic,
    ("3.4", 3): images_of_one_step,
    ("3.6", 1): softmax_over_attributes,
    ("1.1", 1): doubled_weights,
    ("1.1", "threshold"): pupil_below_ten,
    ("1.2", 4): padding_that_halves,
    ("1.2", "windows"): windows_in_a_row,
    ("1.3", "factor"): factor_of_three_points,
    ("2.1", 1): risk_out_of_100,
    ("2.1", 3): one_odd_row,
    ("2.3", 2): step_in_millimeters,
    ("2.3", "momentum-factor"): iterations_with_momentum,
    ("3.1", 3): shape_of_a_weight,
    ("3.1", 4): hinge,
    ("3.2", 2): slope_of_three_scores,
    ("3.6", 2): nobody_wears_a_hat,
    ("3.7", 3): unequal_workers,
    ("3.4", 1): noise_of_four_times_the_batch,
}


@pytest.mark.parametrize(("place", "compute"), RECOMPUTED.items(), ids=[f"{n}-{q}" for n, q in RECOMPUTED])
def test_the_right_choice_holds_the_recomputed_number_and_no_other_does(place, compute):
    number, question = place
    by_place = {place: each.choices for place, each in enumerate(QUIZZES[number], 1)}
    by_name = {each.name: each.choices for each in QUIZZES[number]}
    choices = (by_place | by_name)[question]
    assert [compute() in choice.answer for choice in choices] == [choice.right for choice in choices]


def numbers_not_computed(quizzes_by_lesson: dict[str, tuple[quizzes.Question, ...]]) -> list[tuple[str, int]]:
    """Return the questions at the end whose right answer holds a number that no row computes.

    A prediction, which has a name, is answered by the lesson's own run.
    """
    found = []
    for number, quiz in quizzes_by_lesson.items():
        for place, question in enumerate(quiz, 1):
            (right,) = (choice.answer for choice in question.choices if choice.right)
            in_words = re.sub(r":math:`[^`]*`|``[^`]*``", "", right)
            if not question.name and re.search(r"\d", in_words) and (number, place) not in RECOMPUTED:
                found.append((number, place))
    return found


def test_a_number_in_a_right_answer_is_computed_again():
    assert numbers_not_computed(QUIZZES) == []
    choices = (quizzes.Choice("It is 7.", "Count.", right=True), quizzes.Choice("8", "No."))
    assert numbers_not_computed({"9.9": (quizzes.Question("How many?", choices),)}) == [("9.9", 1)]
