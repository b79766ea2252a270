"""Which statements of a lesson draw: told from the syntax tree, so that an author marks nothing.

A statement draws if it uses matplotlib, ``glassbox.plots`` or what they made, or if it makes a value that only such
statements use. All else computes: what prints, what asserts, what makes a value that is printed later. So what draws
never holds a result that code which computes needs.
"""

from __future__ import annotations

import ast
import copy
import symtable
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

TOOLS = {"matplotlib", "matplotlib.pyplot", "glassbox.plots"}
TRAINING = "glassbox.training"


@dataclass(frozen=True)
class Cell:
    """How many lines of a cell draw and how many compute, and whether it makes a figure at all."""

    makes_figure: bool
    drawing: int
    computing: int

    @property
    def folds(self) -> bool:
        """Whether the cell does nothing but draw a figure."""
        return self.makes_figure and not self.computing


class Needs(NamedTuple):
    """Names that later statements read: those that compute, and those that draw."""

    compute: frozenset[str] = frozenset()
    draw: frozenset[str] = frozenset()

    def __or__(self, other: Needs) -> Needs:
        return Needs(self.compute | other.compute, self.draw | other.draw)

    def before(self, *, reads: set[str], binds: set[str], draws: bool) -> Needs:
        """Return what is needed before a statement that reads and binds these names."""
        compute, draw = self.compute - binds, self.draw - binds
        return Needs(compute, draw | reads) if draws else Needs(compute | reads, draw)


def cells_of(codes: Iterable[str]) -> list[Cell]:
    """Return the cells of a lesson, given the code of each."""
    bodies = [ast.parse(code).body for code in codes]
    statements = [statement for body in bodies for statement in body]
    reader = _Reader(statements)
    reader.before(statements, Needs())
    cells = []
    for body in bodies:
        parts = [part for statement in body for part in reader.parts(statement)]
        lines = {kind: sum(size for size, draws in parts if draws is kind) for kind in (True, False)}
        cells.append(Cell(any(map(reader.makes_figure, body)), lines[True], lines[False]))
    return cells


class _Reader:
    """Decides for each statement whether it draws, from the last to the first."""

    def __init__(self, statements: list[ast.stmt]) -> None:
        self.modules = {
            alias.asname or alias.name.partition(".")[0]
            for statement in statements
            if isinstance(statement, ast.Import | ast.ImportFrom)
            for alias in statement.names
        }
        self.trainers = _trainers(statements)
        self.artists: dict[ast.stmt, set[str]] = {}  # names of tools, figures and axes, as the statement finds them
        self.draws: dict[ast.stmt, bool] = {}
        self._find_artists(statements, set())

    # -- Forward: what is made with the tools that draw ----------------------------------------------------------------
    def _find_artists(self, statements: list[ast.stmt], names: set[str]) -> set[str]:
        for statement in statements:
            self.artists[statement] = names
            for made, source in _bindings(statement):
                drawn = source in TOOLS if isinstance(source, str) else _names(source).reads & names
                names = names | made if drawn else names - made
            for body in _bodies(statement):
                names = self._find_artists(body, names)
        return names

    # -- Backward: what needs it ---------------------------------------------------------------------------------------
    def before(self, statements: list[ast.stmt], needs: Needs) -> Needs:
        """Decide for each statement; return what is needed before them."""
        for statement in reversed(statements):
            needs = self._before_one(statement, needs)
        return needs

    def _before_one(self, statement: ast.stmt, needs: Needs) -> Needs:
        names, bodies = _names(_head(statement)), _bodies(statement)
        if bodies:
            inside = self._before_bodies(statement, bodies, needs)
            draws = all(self.draws[inner] for body in bodies for inner in body)
        else:
            inside, touched = needs, names.binds | _changed(statement, self.modules)
            drawn = names.reads & self.artists[statement] or touched & needs.draw or _imports_tools_alone(statement)
            draws = bool(drawn) and not (touched & needs.compute or names.reads & self.trainers)
        self.draws[statement] = draws
        return inside.before(reads=names.reads, binds=names.binds - names.reads, draws=draws)

    def _before_bodies(self, statement: ast.stmt, bodies: list[list[ast.stmt]], needs: Needs) -> Needs:
        if isinstance(statement, ast.With):
            return self.before(bodies[0], needs)
        # A branch may be left out; what one turn of a loop leaves, the next one reads.
        for _ in range(2 if isinstance(statement, ast.For | ast.While) else 1):
            for body in bodies:
                needs |= self.before(body, needs)
        return needs

    # -- What was found ------------------------------------------------------------------------------------------------
    def makes_figure(self, statement: ast.stmt) -> bool:
        inner = [each for body in _bodies(statement) for each in body]
        return any(map(self.makes_figure, inner)) or (
            self.draws[statement] and bool(_names(_head(statement)).reads & self.artists[statement])
        )

    def parts(self, statement: ast.stmt) -> Iterator[tuple[int, bool]]:
        """Return the lines of a statement and whether they draw; one that does both is cut into its parts."""
        inner = [part for body in _bodies(statement) for each in body for part in self.parts(each)]
        size = _lines(statement)
        if self.draws[statement] or not inner:
            yield size, self.draws[statement]
        else:
            yield from inner
            yield size - sum(lines for lines, _ in inner), False


class Names(NamedTuple):
    """Names of the lesson that a piece of its code reads and binds."""

    reads: set[str]
    binds: set[str]


class _Generators(ast.NodeTransformer):
    """Writes each comprehension as a generator, whose names stay its own.

    From Python 3.12 on, `symtable` counts the names of other comprehensions among those around them.
    """

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp) -> ast.AST:
        return self.generic_visit(ast.GeneratorExp(node.elt, node.generators))

    visit_SetComp = visit_ListComp

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:
        return self.generic_visit(ast.GeneratorExp(ast.Tuple([node.key, node.value], ast.Load()), node.generators))


def _names(node: ast.AST) -> Names:
    top = symtable.symtable(ast.unparse(_Generators().visit(copy.deepcopy(node))), "lesson", "exec")
    tables = [top]
    for table in tables:
        tables += table.get_children()
    reads = {
        symbol.get_name()
        for table in tables
        for symbol in table.get_symbols()
        if symbol.is_referenced() and (table is top or symbol.is_global())
    }
    binds = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    return Names(reads | binds, binds) if isinstance(node, ast.AugAssign) else Names(reads, binds)


def _bodies(statement: ast.stmt) -> list[list[ast.stmt]]:
    """Return the blocks of a loop, a condition or a context; a function or a class is one piece."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return []
    return [body for name in ("body", "orelse") if (body := getattr(statement, name, []))]


def _head(statement: ast.stmt) -> ast.stmt:
    """Return a compound statement without its blocks."""
    if not _bodies(statement):
        return statement
    head = copy.copy(statement)
    head.body = [ast.Pass()]
    if hasattr(head, "orelse"):
        head.orelse = []
    return head


def _bindings(statement: ast.stmt) -> Iterator[tuple[set[str], ast.AST | str]]:
    """Return which names a statement binds, and to what: an expression, or the name of a module."""
    match statement:
        case ast.Import(names=aliases):
            yield from (({alias.asname or alias.name.partition(".")[0]}, alias.name) for alias in aliases)
        case ast.ImportFrom(module=module, names=aliases):
            yield from (({alias.asname or alias.name}, f"{module}.{alias.name}") for alias in aliases)
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            yield {name}, statement
        case ast.Assign(targets=targets, value=value):
            yield from ((_stored(target), value) for target in targets)
        case ast.For(target=target, iter=source):
            yield from _turns(target, source)
        case ast.With(items=items):
            yield from ((_stored(item.optional_vars), item.context_expr) for item in items if item.optional_vars)


def _turns(target: ast.expr, source: ast.expr) -> Iterator[tuple[set[str], ast.AST]]:
    """Return what a loop binds; with ``zip`` and ``enumerate`` each name has its own source."""
    match target, source:
        case ast.Tuple(elts=targets), ast.Call(func=ast.Name(id="zip"), args=sources) if len(targets) == len(sources):
            for each, its_source in zip(targets, sources, strict=True):
                yield from _turns(each, its_source)
        case ast.Tuple(elts=[number, each]), ast.Call(func=ast.Name(id="enumerate"), args=[its_source, *_]):
            yield _stored(number), ast.Constant(0)
            yield from _turns(each, its_source)
        case _:
            yield _stored(target), source


def _trainers(statements: list[ast.stmt]) -> set[str]:
    """Return the names of what may train a network, which changes it wherever it is used."""
    found: set[str] = set()
    for statement in statements:
        for names, source in _bindings(statement):
            trains = source == TRAINING if isinstance(source, str) else _names(source).reads & found
            if trains and isinstance(statement, ast.ImportFrom | ast.FunctionDef):
                found |= names
    return found


def _stored(target: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(target) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def _changed(statement: ast.stmt, modules: set[str]) -> set[str]:
    """Return the names of the objects that a statement changes in place: ``x[0] = 1``, ``x.append(1)``."""
    match statement:
        case ast.Assign(targets=places):
            pass
        case ast.AugAssign(target=place) | ast.Expr(value=ast.Call(func=ast.Attribute() as place)):
            places = [place]
        case _:
            return set()
    return {name for place in places for name in _roots(place) if name not in modules}


def _roots(place: ast.expr) -> Iterator[str]:
    match place:
        case ast.Attribute(value=inner) | ast.Subscript(value=inner):
            yield inner.id if isinstance(inner, ast.Name) else next(_roots(inner), "")
        case ast.Tuple(elts=places):
            for each in places:
                yield from _roots(each)


def _imports_tools_alone(statement: ast.stmt) -> bool:
    sources = [source for _, source in _bindings(statement)]
    return isinstance(statement, ast.Import | ast.ImportFrom) and TOOLS.issuperset(sources)


def _lines(statement: ast.stmt) -> int:
    first = min([statement.lineno, *(each.lineno for each in getattr(statement, "decorator_list", ()))])
    return statement.end_lineno - first + 1
