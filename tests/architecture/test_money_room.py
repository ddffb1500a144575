"""The money room: a process may be killed after every commit and after every call, and a test can do it there."""

import ast
from pathlib import Path

import pytest

ROOM = Path(__file__).parents[2] / "src" / "parkerflight" / "payments"
FLOWS = sorted(
    ROOM / f"{name}.py"
    for name in (
        *("authorising", "books", "calls", "cards", "confirming", "disputes", "refreshing", "refunding", "releasing"),
        *("sending", "settling"),
    )
)
# Commits nothing: these read only, or the operation called next commits again before anything leaves the machine.
QUIET = {"found_at_gateway", "release_superseded", "_intent_found", "_record_hold"}


def _is_scope(node):
    return isinstance(node, ast.With) and ast.unparse(node.items[0].context_expr).startswith("scope(")


def _blocks(tree):
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list):
                yield block


def _bare_commits(function):
    """Scopes that are not followed at once by a fault point, and do not end the function themselves."""
    for block in _blocks(function):
        for place, node in enumerate(block):
            if _is_scope(node):
                after = block[place + 1] if place + 1 < len(block) else None
                if after is None or not ast.unparse(after).startswith("fault_point("):
                    yield f"{function.name}: line {node.lineno}"


class TestTheMoneyRoom:
    @pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
    def test_may_be_killed_after_every_commit(self, path):
        functions = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)]
        bare = [where for one in functions if one.name not in QUIET for where in _bare_commits(one)]
        assert not bare

    def test_calls_the_gateway_in_one_place_that_may_be_killed_after(self):
        tree = ast.parse((ROOM / "stripe" / "adapter.py").read_text())
        users = {
            method.name
            for method in ast.walk(tree)
            if isinstance(method, ast.FunctionDef)
            and any(ast.unparse(node) == "self._client" for node in ast.walk(method) if isinstance(node, ast.Attribute))
        }
        assert users == {"__init__", "_asked"}
        asked = next(one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef) and one.name == "_asked")
        assert "fault_point(f'stripe.after.{name}')" in ast.unparse(asked)
