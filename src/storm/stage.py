"""Where a process plays its stories: settings, database and crew, made once and used again."""

from __future__ import annotations

import fcntl
import logging
import os
import sys
from pathlib import Path
from typing import Any

STORIES_A_DATABASE = 250  # then a new one is copied, which takes less time than what the old rows would cost


def environment(data: Path) -> None:
    """Make this process one that works offline on the storm's own data."""
    for name in [name for name in os.environ if name.startswith(("PARKER_", "STRIPE_", "DUFFEL_"))]:
        if name != "PARKER_PG_BIN":
            del os.environ[name]
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "parkerflight.settings.django",
        "PARKER_DATA": str(data),
        "PARKER_PROCESS": "worker",
        "PARKER_STRIPE_BASE": "http://127.0.0.1",
        "PARKER_DUFFEL_BASE": "http://127.0.0.1",
        "PARKER_MAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend",
        "PARKER_ALLOWED_HOSTS": '["127.0.0.1", "localhost", "testserver"]',
    }
    import django

    data.mkdir(parents=True, exist_ok=True)
    django.setup()
    logging.getLogger().setLevel(logging.CRITICAL)
    logging.getLogger("parkerflight").setLevel(logging.CRITICAL)


class Stage:
    """A process's world and crew; plays one story after the other."""

    def __init__(self, name: str) -> None:
        from storm.story import Crew
        from storm.world import World, server

        self.world = World(server(), name)
        self.crew = Crew(self.world)
        self.people: list[Any] = []
        self.played = STORIES_A_DATABASE
        self.last_points = 0

    def play(self, seed: int, fury: float, kill_at: list[int] | None = None, plan: Any = None) -> Any:
        """One story; after a failed one the next gets a new database."""
        try:
            story = self.story(seed, fury, kill_at, plan)
            outcome = story.run()
        except BaseException:
            self.played = STORIES_A_DATABASE
            raise
        self.last_points = story.chaos.points
        if not outcome.settled or outcome.broken:
            self.played = STORIES_A_DATABASE
        return outcome

    def story(self, seed: int, fury: float, kill_at: list[int] | None = None, plan: Any = None) -> Any:
        """A story that has not begun, on a database that is not too full."""
        from storm.story import Story

        if self.played >= STORIES_A_DATABASE:
            self.renew()
        self.played += 1
        return Story(self.world, self.crew, self.people, seed, fury, kill_at, plan)

    def renew(self) -> None:
        """A new database with its people."""
        from storm import cast

        self.world.fresh_database()
        self.crew.log_in()
        self.world.begin(0)
        self.crew.web.start(lambda: self.people.__setitem__(slice(None), cast.people()))
        self.world.end()
        if self.crew.web.error:
            raise self.crew.web.error
        self.played = 0

    def close(self) -> None:
        """Drop the database."""
        if self.world.admin is not None:
            self.world.admin.close()


def plain(outcome: Any) -> dict[str, Any]:
    """A story's end as JSON values."""
    return {
        "seed": outcome.seed,
        "settled": outcome.settled,
        "broken": [{"what": one.what, "detail": one.detail} for one in outcome.broken],
        "faults": dict(outcome.faults),
        "ends": dict(outcome.ends),
        "recoveries": dict(outcome.recoveries),
    }


def prepare(data: Path) -> Any:
    """Start the storm's PostgreSQL and make its template; returns the server."""
    environment(data)
    _claim(data)
    from parkerflight.ops import template
    from storm.world import server

    postgres = server()
    postgres.start()
    template.migrated(postgres)
    return postgres


def _claim(data: Path) -> None:
    """One storm on one directory: the first to end stops PostgreSQL under the other. Kept until this process ends."""
    lock = (data / "storm.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"storm: another storm is using {data}; wait for it, or give --data another directory.")
    _KEPT.append(lock)


_KEPT: list[Any] = []
