"""Which cells to look at next: never-looked first, then the one whose look is oldest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class CellState:
    """A cell some campaign wants, and when it was last looked at (aware, UTC; None for never)."""

    key: str
    looked_at: datetime | None


class Planner(Protocol):
    """Picks searches. A cleverer one takes the same inputs and gives the same answer shape."""

    def __call__(self, cells: Sequence[CellState], now: datetime, interval: timedelta, budget: int) -> list[str]:
        """Keys to look at now, most urgent first: at most `budget`, none looked at within `interval`."""


def due(cells: Sequence[CellState], now: datetime, interval: timedelta, budget: int) -> list[str]:
    """The plain planner. A cell wanted by several campaigns counts once, by its latest look.

    Independent of the order of `cells`. A look from the future (a clock set back) counts as just made.
    """
    latest: dict[str, datetime | None] = {}
    for cell in cells:
        known = latest.get(cell.key)
        latest[cell.key] = cell.looked_at if known is None or (cell.looked_at and cell.looked_at > known) else known
    ripe = [(seen, key) for key, seen in latest.items() if seen is None or now - seen >= interval]
    ripe.sort(key=lambda pair: (pair[0] is not None, pair[0].timestamp() if pair[0] else 0.0, pair[1]))
    return [key for _, key in ripe[: max(budget, 0)]]


_checked: Planner = due  # mypy checks here that the plain planner fits the protocol
