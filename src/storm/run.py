"""Running many stories: processes, progress, the report; and the command line's exit codes."""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import os
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

STORIES_A_DATABASE = 250  # then a new one is copied, which takes less time than what the old rows would cost
REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass
class Tally:
    """What happened in all stories so far."""

    stories: int = 0
    settled: int = 0
    unsettled: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    violations: list[dict[str, Any]] = field(default_factory=list)

    def add(self, result: dict[str, Any]) -> None:
        """Take in one story."""
        self.stories += 1
        self.settled += result["settled"]
        self.unsettled += not result["settled"]
        self.faults.update(result["faults"])
        self.ends.update(result["ends"])
        self.violations += [{"seed": result["seed"], **one} for one in result["broken"]]


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
        from storm.story import Story

        if self.played >= STORIES_A_DATABASE:
            self.renew()
        self.played += 1
        try:
            story = Story(self.world, self.crew, self.people, seed, fury, kill_at, plan)
            outcome = story.run()
        except BaseException:
            self.played = STORIES_A_DATABASE
            raise
        self.last_points = story.chaos.points
        if not outcome.settled or outcome.broken:
            self.played = STORIES_A_DATABASE
        return outcome

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
    }


def _work(number: int, data: str, todo: Any, done: Any, fury: float) -> None:
    environment(Path(data))
    stage = Stage(f"storm_{os.getppid()}_{number}")
    while (seed := todo.get()) is not None:
        try:
            done.put(plain(stage.play(seed, fury)))
        except Exception:  # noqa: BLE001 - a story that breaks off is reported with its seed
            what = {"what": "the story broke off", "detail": traceback.format_exc()[-1500:]}
            done.put({"seed": seed, "settled": False, "broken": [what], "faults": {}, "ends": {}})
    stage.close()
    done.put(None)


def play_all(seeds: list[int], *, data: Path, workers: int, fury: float, minutes: float) -> Iterator[dict[str, Any]]:
    """Play the seeds in `workers` processes; stops early after `minutes`."""
    context = multiprocessing.get_context("spawn")
    todo, done = context.Queue(), context.Queue()
    crew = [context.Process(target=_work, args=(n, str(data), todo, done, fury), daemon=True) for n in range(workers)]
    ends = time.monotonic() + minutes * 60 if minutes else float("inf")
    left, running = iter(seeds), workers
    for _ in range(workers * 4):
        todo.put(next(left, None))
    for process in crew:
        process.start()
    while running:
        result = done.get()
        if result is None:
            running -= 1
            continue
        yield result
        todo.put(next(left, None) if time.monotonic() < ends else None)


def prepare(data: Path) -> Any:
    """Start the storm's PostgreSQL and make its template; returns the server."""
    environment(data)
    from parkerflight.ops import template
    from storm.world import server

    postgres = server()
    postgres.start()
    template.migrated(postgres)
    return postgres


def main() -> None:
    """The command line of the storm."""
    parser = argparse.ArgumentParser(prog="parker storm", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=0)
    parser.add_argument("--jobs", type=int, default=min(os.cpu_count() or 1, 8))
    parser.add_argument("--fury", type=float, default=1.0, help="how much goes wrong; 0 is fair weather")
    parser.add_argument("--planted", action="store_true")
    parser.add_argument("--exhaustive", action="store_true")
    parser.add_argument("--only", default="", help="of the planted bugs or the paths, only the one of this name")
    parser.add_argument("--data", type=Path, default=REPOSITORY / ".parker" / "storm")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("-v", "--verbose", action="store_true", help="with one seed: print its trace")
    wish = parser.parse_args()
    postgres = prepare(wish.data)
    try:
        sys.exit(_chosen(wish))
    finally:
        postgres.stop()


def _chosen(wish: argparse.Namespace) -> int:
    if wish.planted:
        from storm.planted import run as planted

        return planted(wish)
    if wish.exhaustive:
        from storm.exhaustive import run as exhaustive

        return exhaustive(wish)
    if wish.verbose:
        return _one(wish)
    return _many(wish)


def _one(wish: argparse.Namespace) -> int:
    """Play one seed in this process and print every step."""
    print(f"storm: seed {wish.seed}")
    stage = Stage("storm_one")
    outcome = stage.play(wish.seed, wish.fury)
    print("\n".join(outcome.trace))
    print(json.dumps(plain(outcome)))
    stage.close()
    return 1 if outcome.broken or not outcome.settled else 0


def _many(wish: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    console.print(f"storm: seeds {wish.seed} to {wish.seed + wish.seeds - 1}, {wish.jobs} processes")
    tally, began = Tally(), time.monotonic()
    seeds = list(range(wish.seed, wish.seed + wish.seeds))
    results = play_all(seeds, data=wish.data, workers=wish.jobs, fury=wish.fury, minutes=wish.minutes)
    for result in track(results, total=len(seeds), console=console, disable=not console.is_terminal):
        tally.add(result)
        if result["broken"] or not result["settled"]:
            console.print(f"seed {result['seed']}: {result['broken'] or 'not settled'}; reproduce with "
                          f"./parker storm --seed {result['seed']} --seeds 1 -v", markup=False)  # fmt: skip
    took = time.monotonic() - began
    report = {
        "seeds": [wish.seed, wish.seed + wish.seeds - 1],
        "stories": tally.stories,
        "stories_per_s": round(tally.stories / took, 1),
        "faults": dict(tally.faults.most_common()),
        "settled": tally.settled,
        "unsettled": tally.unsettled,
        "ends": dict(tally.ends.most_common()),
        "violations": tally.violations,
    }
    if wish.json:
        print(json.dumps(report))
    else:
        console.print_json(json.dumps(report))
    return 1 if tally.violations or tally.unsettled else 0
