"""What draws in a lesson is told from its syntax tree; a fold never holds what open code needs."""

from __future__ import annotations

import pytest
from glassbox_site import drawing, folds, lessons

SCRIPTS = [lesson.script for lesson in lessons.catalogue().values()]
MOST = 0.15  # of the open lines of code

IMPORTS = "import matplotlib.pyplot as plt\nfrom glassbox import nn, plots, training\nx, y = [1, 2], [3, 4]"
FIGURE = 'fig, ax = plt.subplots()\nax.plot({})\nfig.alt_text = "A line."\nplt.show()'


def kinds(*codes: str) -> list[tuple[int, int]]:
    """Return the lines that draw and that compute, of each cell after the imports."""
    return [(cell.drawing, cell.computing) for cell in drawing.cells_of([IMPORTS, *codes])[1:]]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_open_code_of_a_lesson_hardly_draws(script):
    still_open = [cell for _, cell in folds.cells_of_lesson(script) if not cell.folds]
    draws, computes = sum(cell.drawing for cell in still_open), sum(cell.computing for cell in still_open)
    share = draws / (draws + computes)
    assert share <= MOST, f"{share:.0%} of the open lines draw: cut what draws into cells of its own with a bare '# %%'"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_every_figure_of_a_lesson_is_drawn_in_a_fold(script):
    cells = folds.cells_of_lesson(script)
    assert any(cell.folds for _, cell in cells)
    assert [code for code, cell in cells if "plt.show()" in code and not cell.folds] == []


def test_a_cell_that_only_draws_folds():
    (cell,) = drawing.cells_of([IMPORTS, FIGURE.format("x, y")])[1:]
    assert cell.folds
    assert (cell.drawing, cell.computing) == (4, 0)


def test_an_import_and_a_value_alone_are_no_figure():
    assert not drawing.cells_of([IMPORTS, FIGURE.format("x, y")])[0].folds
    assert not drawing.cells_of([IMPORTS, "z = [9]", FIGURE.format("z")])[1].folds


def test_a_value_that_only_the_figure_uses_draws():
    assert kinds("shown = x + y", FIGURE.format("shown")) == [(1, 0), (4, 0)]
    assert kinds("shown = x + y", FIGURE.format("shown"), "print(shown)") == [(0, 1), (4, 0), (0, 1)]
    assert kinds("shown = x + y", FIGURE.format("shown"), "shown = 3\nprint(shown)") == [(1, 0), (4, 0), (0, 2)]


def test_what_is_printed_or_asserted_in_the_middle_of_a_figure_computes():
    code = FIGURE.format("x, y").replace("plt.show()", "assert x\nprint(y)\nplt.show()")
    assert kinds(code) == [(4, 2)]


def test_a_value_that_nothing_uses_computes():
    assert kinds("z = x + y") == [(0, 1)]


def test_a_result_made_while_drawing_is_no_part_of_a_fold():
    loop = (
        "found = {}\nfig, axes = plt.subplots(2)\nfor ax, each in zip(axes, x):\n    ax.plot(each)\n    found[each] = 1"
    )
    assert kinds(loop, "print(found)") == [(1, 4), (0, 1)]  # what the loop needs belongs to what it computes
    assert kinds(loop, FIGURE.format("found")) == [(5, 0), (4, 0)]
    assert kinds("found = []\nax = plots.image(None)\nfound.append(ax.get_title())", "print(found)")[0] == (0, 3)


def test_a_name_used_again_for_another_thing_is_another_thing():
    first = "table = x\n" + FIGURE.format("table")
    assert kinds(first, "table = y\nprint(table)") == [(5, 0), (0, 2)]
    assert kinds(first, "for table in x:\n    print(table)") == [(5, 0), (0, 2)]
    assert kinds(first, "print([table for table in x])") == [(5, 0), (0, 1)]


def test_a_branch_that_may_be_left_out_keeps_what_was_before():
    assert kinds("z = x\n" + FIGURE.format("z"), "if y:\n    z = 1\nprint(z)") == [(4, 1), (0, 3)]


def test_what_one_turn_of_a_loop_leaves_the_next_one_reads():
    assert kinds("z = x\n" + FIGURE.format("z"), "for each in y:\n    print(z)\n    z = each")[0] == (4, 1)


def test_functions_draw_if_they_use_the_tools_and_compute_if_open_code_calls_them():
    draw = "def draw(values):\n    fig, ax = plt.subplots()\n    ax.plot(values)\n    return fig"
    assert kinds(draw, "fig = draw(x)\nplt.show()") == [(4, 0), (2, 0)]
    helper = "@no_grad()\ndef helper(v):\n    return v + x"
    assert kinds(helper, FIGURE.format("helper(1)")) == [(3, 0), (4, 0)]
    assert kinds(helper, FIGURE.format("helper(1)"), "print(helper(2))")[0] == (0, 3)


def test_training_computes_even_if_only_its_curve_is_shown():
    fit = "history = training.fit(model, x)"
    assert kinds(fit, FIGURE.format("history")) == [(0, 1), (4, 0)]
    learn = "def learn(model):\n    return training.fit(model, x)\nhistory = learn(nn)"
    assert kinds(learn, FIGURE.format("history")) == [(0, 3), (4, 0)]


def test_the_line_of_a_fold_counts_lines_of_code():
    assert folds.title_of("a = 1\n\nb = 2") == "How this figure is drawn (2 lines)"
