"""Every commit and every vendor call of the saga is a place where a test may kill the process, by construction."""

import ast
from pathlib import Path

import pytest

import parkerflight
from parkerflight.core import fault_points
from parkerflight.core.tenancy import scope
from parkerflight.ops.fault_points import listed

ROOM = Path(parkerflight.__file__).parent
SAGA = sorted((ROOM / "bookings").glob("*.py"))


class TestAFaultPoint:
    def test_follows_every_commit_and_is_named_after_its_function(self, owner):
        passed = []
        fault_points.listen(passed.append)
        try:
            with scope(owner):
                pass
        finally:
            fault_points.listen(None)
        assert passed == ["test_fault_points.test_follows_every_commit_and_is_named_after_its_function.commit"]

    def test_is_passed_only_once_the_commit_is_done(self, owner, admin):
        seen = []
        fault_points.listen(lambda _: seen.append(admin.execute("SELECT count(*) FROM core_switch").fetchone()))
        try:
            from parkerflight.core.models import Switch

            with scope(owner):
                Switch.objects.create(name="searches")
        finally:
            fault_points.listen(None)
        assert seen == [(1,)]

    def test_of_a_whole_booking_is_in_the_list(self, scenario):
        attempt = scenario.start().match()
        passed = set()
        fault_points.listen(passed.add)
        try:
            scenario.drive(attempt)
        finally:
            fault_points.listen(None)
        names = {one.name for one in listed()}
        wild = tuple(name.split("*")[0] for name in names if "*" in name)
        ours = {name for name in passed if not name.startswith(("tests.", "test_"))}
        unlisted = {name for name in ours if name not in names and not name.startswith(wild)}
        assert unlisted == set()
        for vendor in (
            "duffel.after.POST /air/orders",
            "stripe.after.payment_intents.create",
            "stripe.after.payment_intents.capture",
        ):
            assert vendor in passed
        assert sum(name.endswith(".commit") for name in ours) > 10

    @pytest.mark.parametrize("path", SAGA, ids=lambda path: path.stem)
    def test_covers_the_saga_because_it_commits_through_scope_alone(self, path):
        """A bare transaction would be a commit without a point; only jobs that hold no personal rows may use one."""
        allowed = {"tasks.py"}
        uses = [
            node
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Attribute) and node.attr == "atomic"
        ]
        assert not uses or path.name in allowed
