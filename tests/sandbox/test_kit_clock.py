"""Virtual time."""

import json
import time

import pytest

from sandbox.kit.clock import ClockWouldGoBackError, VirtualClock
from sandbox.kit.faults import FaultBook, FaultRuleError
from sandbox.kit.ids import IdSource


def frozen(path=None):
    clock = VirtualClock(path)
    clock.set_rate(0)
    return clock


class TestVirtualClock:
    def test_starts_at_the_present(self):
        before = time.time()
        assert before <= VirtualClock().now() <= time.time()

    def test_jumps_forward_by_seconds_or_to_a_moment(self):
        clock = frozen()
        start = clock.now()
        assert clock.advance(90) == pytest.approx(start + 90)
        assert clock.set(start + 100) == pytest.approx(start + 100)
        assert clock.datetime().timestamp() == pytest.approx(start + 100)
        assert clock.datetime().utcoffset().total_seconds() == 0

    def test_runs_at_its_rate(self):
        clock = VirtualClock()
        clock.set_rate(1_000_000)
        start, real = clock.now(), time.time()
        while time.time() == real:
            pass
        assert clock.now() - start > 0

    @pytest.mark.parametrize("move", [lambda c: c.advance(-1), lambda c: c.set(c.now() - 5), lambda c: c.set_rate(-1)])
    def test_never_goes_back(self, move):
        clock = frozen()
        start = clock.now()
        with pytest.raises(ClockWouldGoBackError):
            move(clock)
        assert clock.now() == start

    def test_is_shared_through_its_file(self, tmp_path):
        one = frozen(tmp_path / "clock.json")
        two = VirtualClock(tmp_path / "clock.json")
        for _ in range(50):
            assert one.advance(10) == two.now()
            assert two.advance(10) == one.now()
        assert set(json.loads((tmp_path / "clock.json").read_text())) == {"real", "virtual", "rate"}

    def test_leaves_no_other_files(self, tmp_path):
        frozen(tmp_path / "clock.json").advance(1)
        assert [one.name for one in tmp_path.iterdir()] == ["clock.json"]


class TestFaultBook:
    def test_counts_only_matching_calls(self):
        book = FaultBook()
        book.add({"route": "POST /a/*", "action": "slow", "nth": 2})
        hits = [
            book.match(*call) is not None
            for call in [("POST", "/a/1"), ("GET", "/a/1"), ("POST", "/a/2"), ("POST", "/a/3")]
        ]
        assert hits == [False, False, True, False]

    @pytest.mark.parametrize(
        "rule",
        [
            {"action": "slow"},
            {"route": "GET /", "action": "lose"},
            {"route": "WEBHOOK x", "action": "slow"},
            {"route": "GET /", "action": "slow", "nth": 0},
            {"route": "GET /", "action": "slow", "typo": 1},
        ],
    )
    def test_refuses_rules_that_could_never_work(self, rule):
        with pytest.raises(FaultRuleError):
            FaultBook().add(rule)


class TestIdSource:
    def test_repeats_itself_from_the_same_seed(self):
        one, two = IdSource(3), IdSource(3)
        first = [one.new("pi", 24) for _ in range(3)]
        assert first == [two.new("pi", 24) for _ in range(3)]
        one.rewind()
        assert one.new("pi", 24) == first[0]
        assert len(set(first)) == 3
        assert IdSource(4).new("pi", 24) != first[0]
