"""Where things go wrong: deaths, lost answers, refusals, dropped database connections; each drawn from the story's chance."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from django.db import connection, connections
from django.db.utils import OperationalError

from storm.baton import Actor, Killed, current
from storm.wire import Dropped, Vendor

ANSWERS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("server error before", {"action": "status", "status": 500}),
    ("unavailable", {"action": "status", "status": 503}),
    ("gateway timeout", {"action": "status", "status": 504}),
    ("server error after", {"action": "error_after", "status": 500}),
    ("too many requests", {"action": "rate_limit"}),
    ("malformed answer", {"action": "malformed"}),
)
DEADLY = 0.006  # of the points a worker passes; about one story in three loses a worker
SWITCH = 0.12  # of the points, where another actor goes on instead
VENDOR = 0.035  # of the requests
DATABASE = 0.003  # of the commits
SLOW_TO_DIE = 0.5  # of the deaths are only taken for one: the worker wakes up later


class Chaos:
    """The faults of one story, drawn in the order in which its actors run; counted by kind."""

    def __init__(self, draw: random.Random, fury: float) -> None:
        self.draw, self.fury = draw, fury
        self.calm = True
        self.faults: Counter[str] = Counter()
        self.trace: list[str] = []
        self.kill_at: list[int] = []
        """For the exhaustive walks: die at the point of this number, then again; -1 is never."""
        self.points = 0
        self.since_death = 0

    def point(self, name: str) -> None:
        """A fault point was passed by the running actor."""
        actor = current()
        if actor is None or in_transaction():
            return
        self.note(f"{actor.name} {name}")
        if self.kill_at:
            self._exactly(actor, name)
            return
        if self.calm or actor.role != "worker":
            return
        chance = self.draw.random()
        if chance < DEADLY * self.fury:
            self.faults["worker death"] += 1
            raise Killed(name)
        if chance < SWITCH:
            actor.pause(name)

    def _exactly(self, actor: Actor, name: str) -> None:
        """Count the workers' points; die at the wanted one, and then again that many further on."""
        if actor.role != "worker" or actor.name == "operator":
            return
        self.since_death += 1
        self.points += 1
        if self.since_death == self.kill_at[0]:
            self.kill_at = self.kill_at[1:] or [-1]
            self.since_death = 0
            self.faults["worker death"] += 1
            raise Killed(name)

    def note(self, what: str) -> None:
        """One more line of the story's trace."""
        self.trace.append(what)

    def trouble_for(self, vendor: Vendor) -> Callable[[str, str], Callable[[], None] | None]:
        """What may happen to requests to this vendor."""

        def trouble(method: str, path: str) -> Callable[[], None] | None:
            actor = current()
            if actor is None or self.calm:
                return None
            self.note(f"{actor.name} {vendor.name} {method} {path}")
            if self.draw.random() >= VENDOR * self.fury:
                return None
            return self._happen(vendor, method, path)

        return trouble

    def _happen(self, vendor: Vendor, method: str, path: str) -> Callable[[], None] | None:
        kind = self.draw.random()
        if kind < 0.25:
            self.faults["connection lost before"] += 1
            raise Dropped
        if kind < 0.5:
            self.faults["connection lost after"] += 1
            return _drop
        name, rule = self.draw.choice(ANSWERS)
        self.faults[name] += 1
        self.note(f"  {name}")
        vendor.sandbox.faults.add({"route": f"{method} {path}", **rule})
        return vendor.sandbox.faults.clear

    def troubled_commits(self) -> None:
        """Let this thread's commits be lost on the way, on either side; called in an actor's thread, once."""
        link: Any = connections["default"]  # this thread's own
        commit = link._commit

        def risky() -> None:
            here = _NOW[0]
            quiet = here.calm or here.kill_at
            chance = 1.0 if quiet else here.draw.random()
            if chance < DATABASE * here.fury:
                here.faults["database lost before commit"] += 1
                _break()
            commit()
            if chance > 1 - DATABASE * here.fury and not quiet:
                here.faults["database lost after commit"] += 1
                _break()

        if not getattr(link, "_risky", False):
            link._commit, link._risky = risky, True


_NOW: list[Chaos] = []


def in_transaction() -> bool:
    """Whether this thread holds locks: then it must not stand still."""
    return bool(connection.in_atomic_block)


def present(chaos: Chaos) -> None:
    """Make this the chaos that every thread's commits obey."""
    _NOW[:] = [chaos]


def _drop() -> None:
    raise Dropped


def _break() -> None:
    raw = connection.connection
    if raw is not None:
        raw.close()
    raise OperationalError("the connection to the server was lost")
