"""Which cells the plain planner looks at next."""

import random
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from parkerflight.campaigns.rules.planner import CellState, due

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
INTERVAL = timedelta(hours=6)


def seen(key: str, hours: float | None) -> CellState:
    return CellState(key, None if hours is None else NOW - timedelta(hours=hours))


cells = st.lists(
    st.builds(seen, st.sampled_from("abcdefgh"), st.none() | st.floats(-1, 100, allow_nan=False)), max_size=20
)


class TestPlanner:
    def test_looks_at_the_never_seen_first_then_at_the_oldest(self):
        states = [seen("young", 7), seen("b", None), seen("old", 50), seen("a", None)]

        assert due(states, NOW, INTERVAL, 10) == ["a", "b", "old", "young"]

    def test_leaves_what_was_looked_at_within_the_interval(self):
        assert due([seen("just", 5.99), seen("due", 6)], NOW, INTERVAL, 10) == ["due"]

    def test_stays_within_the_budget(self):
        states = [seen(key, None) for key in "abc"]

        assert due(states, NOW, INTERVAL, 2) == ["a", "b"]
        assert due(states, NOW, INTERVAL, 0) == []
        assert due(states, NOW, INTERVAL, -1) == []

    def test_a_cell_shared_by_campaigns_counts_once_by_its_latest_look(self):
        assert due([seen("a", 7), seen("a", 1), seen("a", None)], NOW, INTERVAL, 10) == []
        assert due([seen("a", None), seen("a", None)], NOW, INTERVAL, 10) == ["a"]

    @given(cells, st.integers(0, 10), st.randoms(use_true_random=False))
    def test_does_not_depend_on_the_order_of_cells(self, states: list[CellState], budget: int, chance: random.Random):
        shuffled = states.copy()
        chance.shuffle(shuffled)

        keys = due(states, NOW, INTERVAL, budget)

        assert keys == due(shuffled, NOW, INTERVAL, budget)
        assert len(keys) == len(set(keys)) <= budget

    @given(cells, st.integers(0, 10))
    def test_nothing_left_out_is_more_urgent_than_what_was_picked(self, states: list[CellState], budget: int):
        keys = due(states, NOW, INTERVAL, budget)
        everything = due(states, NOW, INTERVAL, len(states))

        assert keys == everything[:budget]
