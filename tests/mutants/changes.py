"""Makes mutants of a file: the same code with one small change each, always the same ones in the same order.

What is changed: a comparison, a condition, a number, a sign, smallest for largest, a statement left out, a field that
`replace` would have set. What is not: texts, annotations, assertions, and what only says that something went wrong.
"""

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OTHERS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
SIGNS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
    ast.RShift: ast.LShift,
}
CALLS = {"max": "min", "min": "max", "any": "all", "all": "any", "sorted": "list", "reversed": "list"}
CONDITIONS = (ast.Name, ast.Attribute, ast.Call, ast.NamedExpr)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: where (``function`` is a qualified name, "" outside of any), what stood there, and what does now."""

    path: str
    function: str
    line: int
    was: str
    instead: str
    span: tuple[int, int]  # in bytes of the file

    @property
    def name(self) -> str:
        """What it is known by, wherever its line moves to."""
        return f"{self.path} {self.function}: {self.was} -> {self.instead}"

    def applied(self, source: bytes) -> bytes:
        """The file with the change."""
        start, end = self.span
        return source[:start] + self.instead.encode() + source[end:]


def mutants_of(root: Path, path: str) -> list[Mutant]:
    """All mutants of a file, by place."""
    source = (root / path).read_bytes()
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found = []
    for function, node, changed in _changes(ast.parse(source), ()):
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        span = starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset
        was, instead = ast.unparse(node), changed if isinstance(changed, str) else ast.unparse(changed)
        found.append(Mutant(path, function, node.lineno, was, instead, span))
    return sorted(found, key=lambda one: (one.span, one.instead))


Node = ast.expr | ast.stmt | ast.keyword
Change = tuple[str, Node, ast.expr | str]


def _changes(node: ast.AST, within: tuple[str, ...]) -> Iterator[Change]:
    """What can be changed in a node and below, with the name of the function it is in."""
    if isinstance(node, ast.Assert | ast.Raise | ast.JoinedStr):
        return
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        within = (*within, node.name)
        below: list[ast.AST] = list(node.body)
        if isinstance(node, ast.FunctionDef):
            below += [*node.args.defaults, *(one for one in node.args.kw_defaults if one is not None)]
    elif isinstance(node, ast.AnnAssign):
        below = [node.value] if node.value is not None else []
    else:
        below = list(ast.iter_child_nodes(node))
    name = ".".join(within)
    if isinstance(node, ast.expr):
        yield from ((name, node, changed) for changed in _of_expression(node))
    if isinstance(node, ast.stmt) and _can_go(node):
        yield name, node, "pass"
    for condition in _conditions(node):
        yield name, condition, ast.UnaryOp(ast.Not(), condition)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "replace":
        yield from ((name, keyword, "**{}") for keyword in node.keywords if keyword.arg is not None)
    for one in below:
        yield from _changes(one, within)


def _of_expression(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.Compare(ops=[op]) if type(op) in OTHERS:
            yield _with(node, ops=[OTHERS[type(op)]()])
        case ast.BoolOp(op=op, values=values):
            for n in range(len(values)):
                rest = values[:n] + values[n + 1 :]
                yield rest[0] if len(rest) == 1 else ast.BoolOp(op, rest)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.BinOp(op=op) if type(op) in SIGNS:
            yield _with(node, op=SIGNS[type(op)]())
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(value=int() as value):
            yield ast.Constant(value + 1)
        case ast.Call(func=ast.Name(id=name)) if name in CALLS:
            yield _with(node, func=ast.Name(CALLS[name]))


def _with(node: ast.expr, **fields: object) -> ast.expr:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _can_go(node: ast.stmt) -> bool:
    """Would the rest still run without this statement?"""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call)
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AugAssign) else []
    return isinstance(node, ast.Delete | ast.AugAssign) or any(
        isinstance(one, ast.Attribute | ast.Subscript) for one in targets
    )


def _conditions(node: ast.AST) -> Iterator[ast.expr]:
    """The conditions that are a plain value: a comparison, a `not` and an `and` are changed by themselves."""
    tests: list[ast.expr | None] = []
    if isinstance(node, ast.If | ast.IfExp | ast.While):
        tests = [node.test]
    elif isinstance(node, ast.comprehension):
        tests = list(node.ifs)
    elif isinstance(node, ast.match_case):
        tests = [node.guard]
    yield from (one for one in tests if isinstance(one, CONDITIONS))
