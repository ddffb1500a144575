"""Actors that take turns: many workers and people, one of them running at any moment, the next drawn by chance.

Each actor is a thread with its own database connection. The baton changes hands only where the product says that a process
may die (a fault point) and no transaction is open, so that no actor ever waits for a lock of another.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection

from parkerflight.settings.config import embedded_secrets, load


class Killed(BaseException):
    """This process is dead: nothing it would still have done happens."""


class Actor:
    """A process of the story. `paused` says where it stands; None when it has nothing to do."""

    def __init__(self, name: str, role: str) -> None:
        self.name, self.role = name, role
        self.paused: str | None = None
        self.busy = False
        self.doomed = False
        self._go, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._work: Callable[[], Any] | None = None
        self.result: Any = None
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._live, daemon=True, name=name)
        self._thread.start()

    def start(self, work: Callable[[], Any]) -> None:
        """Begin `work` and run until it pauses or ends."""
        self._work, self.busy, self.error, self.result = work, True, None, None
        self._resume()

    def go_on(self) -> None:
        """Run on from where it paused."""
        self._resume()

    def kill(self) -> None:
        """Die where it stands."""
        self.doomed = True
        self._resume()

    def _resume(self) -> None:
        self.paused = None
        self._go.release()
        self._back.acquire()

    def pause(self, where: str) -> None:
        """Called by the actor itself: hand the baton back. Raises Killed when it is not to go on."""
        self.paused = where
        self._back.release()
        self._go.acquire()
        if self.doomed:
            raise Killed(where)

    def _live(self) -> None:
        while True:
            self._go.acquire()
            if self._work is None:
                return
            try:
                self.result = self._work()
            except Killed as error:
                self.error = error
                hang_up()
            except Exception as error:  # noqa: BLE001 - whatever the product raises is this actor's end of work
                self.error = error
            self.busy, self.doomed, self.paused = False, False, None
            self._back.release()

    def log_in(self, port: int, database: str) -> None:
        """Point this actor's connection at its role's login, as that role's process would be."""

        def connect() -> None:
            hang_up()
            options = {k: v for k, v in connection.settings_dict["OPTIONS"].items() if k != "pool"}
            connection.settings_dict = {
                **connection.settings_dict,
                "NAME": database,
                "USER": f"parker_{self.role}",
                "PASSWORD": embedded_secrets(load().data)[f"db_{self.role}"],
                "PORT": port,
                "OPTIONS": options,
            }

        self.start(connect)
        if self.error is not None:
            raise self.error


def hang_up() -> None:
    """Drop this thread's connection as a dead process would: whatever was open is rolled back."""
    connection.needs_rollback = False
    connection.in_atomic_block = False
    connection.savepoint_ids = []
    connection.atomic_blocks = []
    connection.run_on_commit = []
    connection.closed_in_transaction = False
    raw, connection.connection = connection.connection, None
    if raw is not None:
        raw.close()


def current() -> Actor | None:
    """The actor whose thread this is."""
    return _ACTORS.get(threading.get_ident())


_ACTORS: dict[int, Actor] = {}


def register(actor: Actor) -> Actor:
    """Make `current` know this actor."""
    ident = actor._thread.ident
    if ident is not None:
        _ACTORS[ident] = actor
    return actor
