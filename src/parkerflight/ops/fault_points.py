"""Every place where a test may kill a process, read from the source: named points, commits, calls to vendors."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import parkerflight

SOURCE = Path(parkerflight.__file__).parent


@dataclass(frozen=True, slots=True)
class FaultPoint:
    """A name for `PARKER_FAULT_POINT`, and the line where it stands."""

    name: str
    where: str


def listed() -> list[FaultPoint]:
    """All fault points of the product, by name."""
    found = [point for path in sorted(SOURCE.rglob("*.py")) if "migrations" not in path.parts for point in _in(path)]
    return sorted({point.name: point for point in found}.values(), key=lambda one: one.name)


def _in(path: Path) -> Iterator[FaultPoint]:
    module = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
    tree = ast.parse(path.read_text())
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for node in ast.walk(function):
            if name := _name(node, module, function.name):
                yield FaultPoint(name, f"{path.relative_to(SOURCE)}:{getattr(node, 'lineno', 0)}")


def _name(node: ast.AST, module: str, function: str) -> str:
    if isinstance(node, ast.With) and any(_calls(item.context_expr) == "scope" for item in node.items):
        return f"{module}.{function}.commit"
    if isinstance(node, ast.Call) and _calls(node) == "fault_point" and node.args:
        argument = node.args[0]
        if isinstance(argument, ast.Constant):
            return str(argument.value)
        if isinstance(argument, ast.JoinedStr):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in argument.values)
    return ""


def _calls(node: ast.AST) -> str:
    """The plain name of the function that `node` calls, if it calls one."""
    if not isinstance(node, ast.Call):
        return ""
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
