"""Rules of the house that a parser can check."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"
FILES = sorted(path for path in SOURCE.rglob("*.py") if "migrations" not in path.parts)
PRODUCT = [path for path in FILES if "parkerflight" in path.parts]
TREES = {path: ast.parse(path.read_text()) for path in FILES}

# The edges that read the wall clock themselves: they measure or draw real time, or stand outside the system.
CLOCK_READERS = {
    "core/clock.py",
    "ops/processes.py",
    "ops/supervisor.py",
    "ops/demo.py",
    "ops/bench_booking.py",
    "ops/bench_workers.py",
}


def _name(path: Path) -> str:
    return str(path.relative_to(SOURCE / "parkerflight"))


def _functions(tree: ast.AST):
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


class TestTheSource:
    @pytest.mark.parametrize("path", PRODUCT, ids=_name)
    def test_takes_the_time_as_an_argument(self, path):
        if _name(path) in CLOCK_READERS:
            return
        calls = [
            node
            for node in ast.walk(TREES[path])
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and ast.unparse(node.func) in {"datetime.now", "timezone.now", "datetime.utcnow", "date.today", "time.time"}
        ]
        assert not calls, [ast.unparse(call) for call in calls]

    @pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
    def test_has_no_function_above_70_lines(self, path):
        long = [
            f"{f.name}: {f.end_lineno - f.lineno + 1}" for f in _functions(TREES[path]) if f.end_lineno - f.lineno >= 70
        ]
        assert not long

    def test_keeps_nine_files_in_ten_under_200_lines(self):
        long = [path for path in FILES if len(path.read_text().splitlines()) > 200]
        assert len(long) <= len(FILES) / 10, [str(path.relative_to(SOURCE)) for path in long]

    @pytest.mark.parametrize("path", [p for p in PRODUCT if p.name == "tasks.py"], ids=_name)
    def test_gives_jobs_keyword_only_ids(self, path):
        for function in TREES[path].body:
            if isinstance(function, ast.FunctionDef) and function.decorator_list:
                assert not function.args.args, function.name
                kinds = {ast.unparse(argument.annotation) for argument in function.args.kwonlyargs}
                assert kinds <= {"str", "int"}, function.name

    def test_imports_another_rooms_models_only_for_the_back_office(self):
        rooms = {path.parent.name for path in PRODUCT if path.name == "models.py"}
        # The demo, the benchmark and the invariants look into tables as the back office does.
        allowed = {"interfaces", "ops"}
        stray = []
        for path in PRODUCT:
            room = path.relative_to(SOURCE / "parkerflight").parts[0]
            for node in ast.walk(TREES[path]):
                if isinstance(node, ast.ImportFrom) and node.module and node.module.endswith(".models"):
                    other = node.module.split(".")[-2]
                    if other in rooms and other != room and room not in allowed:
                        stray.append(f"{_name(path)} imports {node.module}")
        assert not stray

    def test_speaks_of_no_plain_set_of_a_session_variable(self):
        for path in PRODUCT:
            assert "SET parker" not in path.read_text(), path
