"""Questions and exercises: answered by keyboard, readable without JavaScript, downloaded and worked on alone."""

from __future__ import annotations

import re

import nbformat
import pytest

from glassbox import exercises

from . import alone

pytestmark = pytest.mark.site

LESSON = "lessons/part1_representation/plot_11_dense_layer.html"
PARTS = ("part1", "part2", "part3")


def test_every_lesson_ends_with_questions_and_exercises(site):
    lessons = [name for name in site if re.match(r"lessons/part\d_\w+/plot_", name)]
    assert lessons
    for name in lessons:
        assert 3 <= len(site[name].select("fieldset.quiz:not(.prediction)")) <= 4, name
        assert site[name].select("a[href*='exercises/part']"), name


def test_a_question_is_answered_by_keyboard(visit):
    page = visit(LESSON)
    quiz = page.locator(".quiz:not(.prediction)").first
    right = quiz.get_attribute("data-right")
    radios, verdict = quiz.get_by_role("radio"), quiz.locator(".quiz-verdict")
    letters = [radios.nth(index).input_value() for index in range(radios.count())]

    radios.first.focus()
    page.keyboard.press("Tab")  # past the group, to the button: nothing is chosen yet
    page.keyboard.press("Enter")
    assert verdict.inner_text() == "Choose an answer first."

    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    chosen = quiz.locator("input:checked")
    while chosen.input_value() == right:
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert verdict.inner_text().startswith(f"{chosen.input_value()} is wrong.")
    assert quiz.locator("details").is_hidden()

    page.keyboard.press("Shift+Tab")
    for _ in letters:
        if chosen.input_value() != right:
            page.keyboard.press("ArrowDown")
            assert verdict.inner_text() == ""  # the last verdict does not stand beside another choice
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert verdict.inner_text().startswith(f"{right} is right.")
    assert verdict.get_attribute("aria-live") == "polite"
    assert quiz.locator("details").is_visible()


def test_each_choice_has_its_explanation(site):
    lessons = [name for name in site if re.match(r"lessons/part\d_\w+/plot_", name)]
    quizzes = [quiz for name in lessons for quiz in site[name].select("fieldset.quiz")]
    assert quizzes
    for quiz in quizzes:
        letters = [radio["value"] for radio in quiz.select("input[type=radio]")]
        said = {item["data-choice"]: item.get_text() for item in quiz.select("details li")}
        assert list(said) == letters
        assert [letter for letter, text in said.items() if f"{letter} is right." in text] == [quiz["data-right"]]
        assert all(len(text) > len("A is right. ") for text in said.values())


def test_without_javascript_the_answer_is_folded_below(visit):
    quiz = visit(LESSON, java_script_enabled=False).locator(".quiz").first
    assert quiz.get_by_role("button", name="Check").count() == 0
    answer = quiz.locator("details")
    assert answer.is_visible()
    assert not answer.locator("li").first.is_visible()
    answer.locator("summary").click()
    assert answer.locator("li").first.is_visible()


def test_downloads_of_the_lesson_hold_no_question(site):
    links = [tag["href"] for tag in site[LESSON].select("a.download[href]")]
    texts = [(site.root / LESSON).parent / link for link in links if not link.endswith(".zip")]
    assert len(texts) >= 2
    assert not any(re.search("quiz|predict::", path.read_text("utf-8")) for path in texts)


def test_solutions_and_hints_are_folded_in_the_page(visit):
    page = visit("exercises/part1.html", width=360)
    solutions = page.locator("details.hide.above-input")
    own = [name for name in exercises.names() if name.startswith("1.")]
    assert solutions.count() == page.locator("details.sd-dropdown").count() == len(own)
    assert not solutions.first.locator("pre").first.is_visible()
    solutions.first.locator("summary").click()
    assert "right." in solutions.first.locator(".cell_output").inner_text()


def test_an_exercise_is_answered_by_keyboard(visit):
    page = visit("exercises/part1.html")
    form = page.locator("form[data-exercise='1.2-b']")
    height, width = form.get_by_role("textbox").all()
    verdict = form.get_by_role("status")
    assert form.get_by_role("textbox", name="entry [0], height", exact=True).count() == 1

    height.focus()
    page.keyboard.press("Enter")
    assert verdict.inner_text().startswith("Not answered yet")
    page.keyboard.type("9")
    page.keyboard.press("Tab")
    page.keyboard.type("14,0")
    page.keyboard.press("Enter")
    assert "write 14.0, with a point" in verdict.inner_text()
    assert width.get_attribute("aria-invalid") == "true"
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("14")
    assert verdict.inner_text() == ""  # the last verdict does not stand beside another number
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert verdict.inner_text().startswith("Not yet. Entry [0] is 9, which is 1 too small. One window is missing")
    assert height.get_attribute("aria-invalid") == "true"
    assert width.get_attribute("aria-invalid") is None

    height.fill("10")
    width.fill("15")
    width.press("Enter")
    assert verdict.inner_text() == "Right."


def test_a_table_is_pasted_and_a_choice_is_chosen(visit):
    page = visit("exercises/part1.html", permissions=["clipboard-read", "clipboard-write"])

    def paste(name, text):
        page.evaluate("(text) => navigator.clipboard.writeText(text)", text)
        form = page.locator(f"form[data-exercise='{name}']")
        form.get_by_role("textbox").first.focus()
        page.keyboard.press("ControlOrMeta+V")
        return form

    form = paste("1.2-c", "[[0, 0, 0], [1, 0, 0], [0, 0, 0]]")
    form.get_by_role("button").click()
    assert "moves the image to the right" in form.get_by_role("status").inner_text()
    form = paste("1.2-a", "0 1\n1 0")
    assert "the shape (2, 2), but (3, 3) is expected" in form.get_by_role("status").inner_text()

    form = page.locator("form[data-exercise='1.4-a']")
    form.get_by_role("button").click()
    assert form.get_by_role("status").inner_text().startswith("Not answered yet")
    form.get_by_label("right").check()
    form.get_by_role("button").click()
    assert form.get_by_role("status").inner_text() == "Right."


def test_without_javascript_the_notebook_judges(visit):
    page = visit("exercises/part2.html", java_script_enabled=False)
    assert page.locator(".exercise-answer").first.is_hidden()
    fold = page.locator(".in-notebook").first
    fold.locator("summary").click()
    assert 'check("2.1-a", risk)' in fold.inner_text()


@pytest.mark.parametrize("part", PARTS)
def test_every_solution_passes_and_every_blank_says_so(site, part):
    outputs = [tag.get_text() for tag in site[f"exercises/{part}.html"].select(".cell_output")]
    said = " ".join(outputs)
    for name in exercises.names():
        if name.startswith(f"{part[-1]}."):
            assert re.search(rf"{name}: right", said), name
            assert re.search(rf"{name}: not", said), name  # left blank, or an error is planted


def notebook_of(site, part):
    (link,) = site[f"exercises/{part}.html"].select(f"a.download[href$='{part}.ipynb']")
    return site.root / "exercises" / link["href"]


@alone.together
@pytest.mark.parametrize("part", PARTS)
def test_a_downloaded_notebook_is_clean_and_runs_alone(site, part, tmp_path):
    path = notebook_of(site, part)
    notebook = nbformat.read(path, as_version=4)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert not re.search(r":::|\{\w+\}`|^\([\w.-]+\)=", text, re.MULTILINE)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert "pip install" in code[0].source
    assert all(cell.outputs == [] for cell in code)
    folded = [cell for cell in code if cell.metadata.get("jupyter", {}).get("source_hidden")]
    assert len(folded) == sum(name.startswith(f"{part[-1]}.") for name in exercises.names())
    assert all(cell.source.startswith("#@title Solution: ") for cell in folded)

    exit_code, said, left = alone.run(path, tmp_path)
    assert exit_code == 0, said[-2000:]
    assert left == []


@alone.together
def test_a_learner_answers_wrong_then_right(site, tmp_path):
    """The blank of the downloaded notebook, filled as a learner would, in a process of its own."""
    notebook = nbformat.read(notebook_of(site, "part1"), as_version=4)
    (blank,) = [cell.source for cell in notebook.cells if 'check("1.2-b"' in cell.source and "..." in cell.source]
    start = "from glassbox.exercises import check\n"
    script = tmp_path / "script.py"
    script.write_text(start + blank.replace("...", "[9, 14]") + "\n" + blank.replace("...", "[10, 15]"))
    exit_code, said, _ = alone.run(script, tmp_path)
    assert exit_code == 0, said
    wrong, right = said.splitlines()
    assert wrong.startswith("1.2-b: not yet. Entry [0] is 9, which is 1 too small. One window is missing")
    assert right == "1.2-b: right."
