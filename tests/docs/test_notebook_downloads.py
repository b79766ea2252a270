"""A notebook for download shows no markup that only pages understand, and no answer before it is asked for."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from glassbox_site import notebook_downloads
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from glassbox.exercises.judging import UNTOUCHED
from glassbox.exercises.reading import BLANK

PAGES = {"1.2": "lessons/part1_representation/plot_12_convolution"}


def converted(text: str, site: str = "") -> str:
    return notebook_downloads.text_for_jupyter(text, PAGES, site, "exercises")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("A part. {nb-download}`Take it <part1.ipynb>` and open it.\nFill the dots.", "A part.\nFill the dots."),
        (
            "A part. {nb-download}`Take <a.ipynb>`. Fill. A class has {archive-link}`a-class.ipynb`, no less.",
            "A part. Fill.",
        ),
        ("(exercise-1.2-a)=\n## 1.2-a By hand", "## 1.2-a By hand"),
        (
            ":::{dropdown} Hint\nLook *twice*:\n$a = b$.\n:::",
            "<details><summary>Hint</summary>\n\nLook *twice*:\n$a = b$.\n\n</details>",
        ),
        ("Belongs to {lesson}`1.2`.", "Belongs to lesson 1.2."),
        ("See [how](../installation) and [there](https://pytorch.org).", "See how and [there](https://pytorch.org)."),
        ("A list [0, 1] of (two).", "A list [0, 1] of (two)."),
    ],
)
def test_markup_of_the_pages_becomes_markdown(text, plain):
    assert converted(text) == plain


def test_links_are_whole_where_the_address_is_known():
    site = "https://example.org/course/"
    assert converted("Belongs to {lesson}`1.2`.", site) == (
        "Belongs to [lesson 1.2](https://example.org/course/lessons/part1_representation/plot_12_convolution.html)."
    )
    assert converted("[how](../installation)", site) == "[how](https://example.org/course/installation.html)"
    assert converted("[part 2](part2)", site) == "[part 2](https://example.org/course/exercises/part2.html)"


@pytest.fixture
def notebook():
    output = new_output("stream", text="1.1-a: right.\n")
    cells = [
        new_markdown_cell("# Exercises\n\n{nb-download}`Take it <a.ipynb>`."),
        new_markdown_cell("## 1.1-a A sum"),
        new_code_cell("answer = ...", execution_count=1, outputs=[output]),
        new_code_cell(
            "answer = 3", execution_count=2, outputs=[output], metadata={"tags": ["hide-cell"], "mystnb": {}}
        ),
        new_markdown_cell("It is three because\n\nof this.\n\n(exercise-1.1-b)=\n## 1.1-b Another\n\n# of what?"),
        new_code_cell("answer = ..."),
        new_code_cell("answer = 4", metadata={"tags": ["hide-cell"]}),
        new_markdown_cell("It is four."),
    ]
    notebook = new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    notebook_downloads.for_download(notebook, "%pip install x", {}, "", "exercises")
    return notebook


def test_a_notebook_is_clean_and_its_solution_folded_and_marked(notebook):
    nbformat.validate(notebook)
    install, _, _, blank, solution, remark, *_ = notebook.cells
    assert remark.source.startswith("It is three because")
    assert install.source == "%pip install x"
    assert blank.outputs == solution.outputs == []
    assert blank.metadata == {}
    assert solution.source == "#@title Solution: 1.1-a A sum\nanswer = 3"
    assert solution.metadata == {"jupyter": {"source_hidden": True}, "cellView": "form"}


def test_a_class_gets_the_same_notebook_without_solutions(notebook):
    students = notebook_downloads.for_a_class(notebook)
    nbformat.validate(students)
    assert [cell.source for cell in students.cells] == [
        *(cell.source for cell in notebook.cells[:4]),
        "## 1.1-b Another\n\n# of what?",  # what was said of the solution went with it
        "answer = ...",
    ]
    assert "answer = 3" in notebook.cells[4].source
    assert notebook.cells[-1].source == "It is four."


CELLS = re.compile(
    r"^```\{code-cell\}[^\n]*\n(?P<tags>:tags:[^\n]*\n|---\n.*?^---\n)?(?P<source>.*?)^```$", re.MULTILINE | re.DOTALL
)


@pytest.mark.parametrize("part", ["part1", "part2", "part3"])
def test_nothing_is_right_by_itself_in_a_notebook_that_nobody_touched(part, capsys):
    page = (Path(__file__).parents[2] / "docs/exercises" / f"{part}.md").read_text("utf-8")
    sources = [cell["source"] for cell in CELLS.finditer(page) if "hide-cell" not in (cell["tags"] or "")]
    names: dict[str, object] = {}
    for source in sources:
        exec(compile(source, part, "exec"), names)
    said = re.findall(r"^(\d\.\d-\w): (.*)$", capsys.readouterr().out, re.MULTILINE)
    assert [name for name, _ in said] == re.findall(r"^\(exercise-(.*)\)=$", page, re.MULTILINE)
    assert all(sentence == BLANK or sentence.startswith(UNTOUCHED) for _, sentence in said)


def test_markup_that_is_left_over_is_told():
    notebook = new_notebook(cells=[new_markdown_cell("See {doc}`installation`.")])
    with pytest.raises(ValueError, match="would show the markup"):
        notebook_downloads.for_download(notebook, "", {}, "", "exercises")
