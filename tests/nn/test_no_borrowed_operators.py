"""Forward and backward, no layer calls the operator that it opens.

A ``TorchDispatchMode`` sees every operator that reaches a kernel, whatever Python called it, and stops at PyTorch's own
convolutions, poolings, normalizations, activations and losses.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import glassbox.nn as ours
from glassbox import optim
from tests.nn.compare import upstream
from tests.nn.records import LAYERS, LOSSES, RECORDS, parameters
from tests.nn.records.record import Row

BORROWED = re.compile(
    r"""
    conv | pool | batch_norm | layer_norm | softmax | logsumexp | softplus | log_sigmoid | (^|_)sigmoid
    | (^|_)relu | threshold | hardtanh | tanh_backward | _loss | cross_entropy | dropout
    | im2col | col2im | _pad(\d|$|_) | (^|_)linear | one_hot
    """,
    re.VERBOSE,
)


class BorrowedOperatorError(AssertionError):
    """A layer called the operator that it should open."""


class Guard(TorchDispatchMode):
    """Let plain arithmetic pass, stop at an operator that is a layer, and remember what was called."""

    def __init__(self) -> None:
        super().__init__()
        self.called: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        self.called.add(name)
        if BORROWED.search(name):
            raise BorrowedOperatorError(f"aten.{name} was called")
        return func(*args, **(kwargs or {}))


def step(row: Row, library: Any, dtype: torch.dtype, device: str, *, training: bool) -> Guard:
    """Run a row forward and backward under the guard."""
    module = row.build(library, dtype, device).train(training)
    inputs = row.inputs(dtype, device)
    if dtype != torch.float64:
        for name in ("weight", "pos_weight"):
            if isinstance(row.options.get(name), torch.Tensor):
                setattr(module, name, row.options[name].to(device, dtype))
    with Guard() as guard:
        returned = module(*inputs)
        output = returned[0] if isinstance(returned, tuple) else returned
        torch.autograd.backward(output, upstream(output))
    return guard


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("row", parameters(LAYERS + LOSSES))
def test_no_borrowed_operator(row: Row, dtype: torch.dtype, device: str) -> None:
    step(row, ours, dtype, device, training=True)


@pytest.mark.parametrize("row", parameters([row for row in LAYERS if row.name in ("BatchNorm2d", "Dropout")]))
def test_no_borrowed_operator_in_evaluation(row: Row, device: str) -> None:
    step(row, ours, torch.float32, device, training=False)


BORROWERS = [row for record in RECORDS if record.borrows for row in record.rows]


@pytest.mark.parametrize("row", parameters([row for row in BORROWERS if 0 not in row.shape]))
def test_the_guard_stops_torch(row: Row) -> None:
    with pytest.raises(BorrowedOperatorError):
        step(row, torch.nn, torch.float32, "cpu", training=True)


def test_the_guard_stops_what_only_the_backward_borrows() -> None:
    class Cheat(torch.autograd.Function):
        @staticmethod
        def forward(context: Any, given: torch.Tensor) -> torch.Tensor:
            context.save_for_backward(result := given.tanh())
            return result

        @staticmethod
        def backward(context: Any, slope: torch.Tensor) -> torch.Tensor:
            return torch.ops.aten.tanh_backward(slope, *context.saved_tensors)

    given = torch.ones(3, requires_grad=True)
    with Guard() as guard:
        output = Cheat.apply(given)
        with pytest.raises(BorrowedOperatorError, match="tanh_backward"):
            output.sum().backward()
    assert "tanh" in guard.called


def test_the_guard_sees_arithmetic() -> None:
    with Guard() as guard:
        (torch.ones(2, 2, requires_grad=True) @ torch.ones(2, 2)).exp().sum().backward()
    assert {"mm", "exp", "sum"} <= guard.called


ENGINE = sorted(Path(ours.__file__).parent.glob("*.py"))


def names_in(source: str) -> set[str]:
    """Give every dotted name that a file writes, imports included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Attribute):
            found.add(ast.unparse(node))
    return found


FORBIDDEN = re.compile(r"(torch\.)?nn\.functional|torch\.autograd|torch\.ops|\.backward$|requires_grad_$")


@pytest.mark.parametrize("path", ENGINE, ids=[path.name for path in ENGINE])
def test_no_file_imports_what_it_opens(path: Path) -> None:
    """Nothing from torch.nn.functional, and no autograd but in the bridge."""
    found = names_in(path.read_text(encoding="utf-8"))
    borrowed = {name for name in found if FORBIDDEN.search(name) and not name.startswith("glassbox.")}
    if path.name == "_bridge.py":
        borrowed = {name for name in borrowed if "functional" in name}
    assert not borrowed


@pytest.mark.parametrize(
    "source",
    [
        "import torch.nn.functional as F",
        "from torch.nn.functional import relu",
        "from torch.nn import functional",
        "import torch\ntorch.nn.functional.relu(x)",
        "from torch.autograd import Function",
        "import torch\ntorch.autograd.grad(y, x)",
        "import torch\ntorch.ops.aten.convolution(x)",
        "loss.backward()",
    ],
)
def test_the_reading_of_files_can_fail(source: str) -> None:
    assert any(FORBIDDEN.search(name) for name in names_in(source))


# --- An equation is what runs: short, and without a trick of speed ----------------------------------------------------

FAMILIES = [path for path in ENGINE if not path.name.startswith("_") and path.stem != "functional"]
OPTIMIZERS = [path for path in sorted(Path(optim.__file__).parent.glob("*.py")) if not path.name.startswith("_")]
LONGEST = 12


def tricks_in(node: ast.AST) -> list[str]:
    """Give what an equation may not hold: writing over a tensor, lists of tensors at once, cutting the graph."""
    found = []
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
            name = part.func.attr
            if re.search(r"[a-z]_$|^_foreach|^as_strided|^detach$", name):
                found.append(name)
            found += ["out=" for keyword in part.keywords if keyword.arg == "out"]
    return found


def equations(path: Path) -> dict[str, ast.FunctionDef]:
    """Give the forwards and backwards of a family's file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {node.name: node for node in functions if node.name.endswith(("_forward", "_backward"))}


def length(function: ast.FunctionDef) -> int:
    """Count the lines of a function without its signature and docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1


@pytest.mark.parametrize("path", FAMILIES, ids=[path.stem for path in FAMILIES])
def test_an_equation_reads_on_one_screen(path: Path) -> None:
    for name, function in equations(path).items():
        assert not tricks_in(function), name
        assert length(function) <= LONGEST, f"{name} has {length(function)} lines"


def test_each_family_has_its_equations() -> None:
    assert sum(len(equations(path)) for path in FAMILIES) >= 2 * 14


@pytest.mark.parametrize("path", OPTIMIZERS, ids=[path.stem for path in OPTIMIZERS])
def test_an_optimizer_takes_one_parameter_after_another(path: Path) -> None:
    assert not {name for name in names_in(path.read_text(encoding="utf-8")) if "_foreach" in name}


@pytest.mark.parametrize(
    "source",
    ["x.mul_(y)", "torch.add(x, y, out=x)", "torch._foreach_add(x, y)", "x.as_strided((1,), (1,))", "x.detach()"],
)
def test_the_search_for_tricks_can_fail(source: str) -> None:
    assert tricks_in(ast.parse(source))
    assert not tricks_in(ast.parse("z[0] += x.sum(0) * torch.zeros_like(y)"))
