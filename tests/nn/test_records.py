"""Each public name of the engine has its record, whole: what is in no record would be in no test.

A failure says which file to fill, and the line.
"""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import Any

import pytest

import glassbox.nn
import glassbox.nn.functional as F
from glassbox.tracing import trace
from tests.nn import records
from tests.nn.records import RECORDS
from tests.nn.records.record import Record, Row

FOLDER = Path(records.__file__).parent


def place(family: str, folder: Path = FOLDER) -> str:
    """Say where the record of a family belongs: the file, and the line of its list."""
    path = folder / f"{family}.py"
    shown = f"tests/nn/records/{family}.py"
    if not path.exists():
        return f"a new file {shown} with a list RECORDS, shaped like tests/nn/records/activation.py"
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "RECORDS":
            return f"the list RECORDS of {shown}, line {node.lineno}"
    return f"a list RECORDS at the end of {shown}"


def family_of(value: Any) -> str:
    """Give the file of the engine where a name is written, without its ending."""
    return inspect.getmodule(value).__name__.rpartition(".")[2]


def without_record(nn: Any, functional: Any, known: list[Record]) -> list[str]:
    """Say of each public layer, loss and function that has no record where it belongs."""
    missing = []
    for name in nn.__all__:
        value = getattr(nn, name)
        is_ours = inspect.isclass(value) and value.__module__.startswith("glassbox.nn.")
        if is_ours and name not in {record.module for record in known}:
            missing.append(f"nn.{name} has no record, so nothing tests it: write one in {place(family_of(value))}")
    for name in functional.__all__:
        function = name.removesuffix("_backward")
        if function not in {record.function for record in known}:
            family = family_of(inspect.unwrap(getattr(functional, name)))
            missing.append(f"functional.{name} is in no record: name function={function!r} in {place(family)}")
    return missing


def test_each_public_name_has_a_record() -> None:
    missing = without_record(glassbox.nn, F, RECORDS)
    assert not missing, "\n".join(missing)


def test_a_missing_record_is_noticed() -> None:
    known = [record for record in RECORDS if record.module not in ("Tanh", "MSELoss")]
    said = "\n".join(without_record(glassbox.nn, F, known))
    for name in ("nn.Tanh", "nn.MSELoss", "functional.tanh", "functional.tanh_backward", "functional.mse_loss"):
        assert f"{name} " in said
    lines = (FOLDER / "activation.py").read_text(encoding="utf-8").splitlines()
    line = next(number for number, text in enumerate(lines, 1) if text.startswith("RECORDS"))
    assert f"tests/nn/records/activation.py, line {line}" in said
    assert "tests/nn/records/squared_error.py, line" in said


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "a new file tests/nn/records/attention.py" in place("attention", tmp_path)
    (tmp_path / "attention.py").write_text("import torch\n")
    assert "a list RECORDS at the end of tests/nn/records/attention.py" in place("attention", tmp_path)


def lacks(record: Record) -> list[str]:
    """Say what a record lacks."""
    said = []
    if not record.rows:
        said.append(f"rows: {record.module} over its arguments, for each one that changes what it computes")
    said += [
        f"rows: one of {row.name} stands among those of {record.module}"
        for row in record.rows
        if row.name != record.module
    ]
    if not record.errors:
        said.append("errors: a wrong shape, a wrong dtype, a wrong argument")
    if record.function is not None and record.apart is None:
        if record.reference is None:
            said.append(f"reference: torch's {record.function}")
        if record.call is None:
            said.append("call: tensors and options, in which every tensor that can have a gradient asks for it")
        if not record.planted:
            said.append(f"planted: a {record.function}_backward with a mistake that people make")
    return said


@pytest.mark.parametrize("record", [pytest.param(record, id=record.module) for record in RECORDS])
def test_a_record_is_whole(record: Record) -> None:
    found = lacks(record)
    where = place(family_of(getattr(glassbox.nn, record.module)))
    assert not found, f"the record of {record.module} in {where} lacks\n" + "\n".join(found)


def test_what_a_record_lacks_is_noticed() -> None:
    found = lacks(Record(module="Tanh", function="tanh", rows=[Row("ReLU", (), (3,))], errors=[]))
    assert [text.partition(":")[0] for text in found] == ["rows", "errors", "reference", "call", "planted"]
    assert lacks(Record(module="Tanh", rows=[], errors=[]))[0].startswith("rows")


@pytest.mark.parametrize("record", [pytest.param(each, id=each.module) for each in RECORDS if each.function])
def test_a_function_has_its_two_halves(record: Record) -> None:
    family = inspect.getmodule(getattr(glassbox.nn, record.module))
    for name in (record.function, f"{record.function}_backward"):
        assert name in F.__all__, f"functional.py hands on no {name}: add it to the import and to __all__"
        assert getattr(F, name) is getattr(family, name)


@pytest.mark.parametrize("record", [pytest.param(each, id=each.module) for each in RECORDS if not each.is_loss])
def test_a_number_of_each_layer_can_be_told(record: Record) -> None:
    """One number of its output as its terms, whose total is the number."""
    row = max((row for row in record.rows if row.shape and 0 not in row.shape), key=lambda row: len(row.shape))
    (inside,) = trace(row.build(glassbox.nn), row.inputs()[0].detach()).values()
    where = (0,) * len(inside.shape)
    try:
        found = inside.terms(*where)
    except NotImplementedError as refusal:
        pytest.fail(f"{refusal}; a new layer has its terms in src/glassbox/tracing/terms.py, in the table _EXPLAINERS")
    assert found.total == pytest.approx(found.value)
