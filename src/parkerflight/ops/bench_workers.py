"""`./parker bench workers`: whole bookings a second with one, two and four worker processes on the sandboxes."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psycopg
from rich.console import Console
from rich.progress import track
from rich.table import Table

from parkerflight.ops.demo import fresh
from parkerflight.ops.processes import Installation, end
from parkerflight.settings.config import Process

if TYPE_CHECKING:
    from pathlib import Path

COUNTS = (1, 2, 4)
PATIENCE = 120.0  # seconds for one round; a round takes five to fifteen
BUDGET = 20  # cells the watcher claims a second, whatever the number of workers: the ceiling of this figure
SWITCH = """INSERT INTO core_switch (name, "on", reason, changed_at) VALUES ('searches', %s, 'bench', now())
    ON CONFLICT (name) DO UPDATE SET "on" = excluded."on" """
SPAN = """SELECT min(wall_ms), max(wall_ms) FILTER (WHERE to_state = 'completed'), count(*) FILTER (WHERE to_state = 'completed')
    FROM bookings_attemptevent WHERE id > %s"""


def run(*, n: int, rounds: int, data: Path, as_json: bool) -> int:
    """Book `n` campaigns with each number of workers, `rounds` times over; print the medians."""
    installation = Installation(fresh(data), virtual_clock=True)
    console = Console(stderr=as_json)
    rates: dict[int, list[float]] = {count: [] for count in COUNTS}
    try:
        installation.set_clock(datetime.now(UTC).replace(microsecond=0), rate=1.0)
        installation.start_database()
        installation.start_sandboxes()
        _quiet(installation)
        plan = [count for _ in range(rounds) for count in COUNTS]
        for number, count in enumerate(track(plan, "rounds", console=console)):
            rates[count].append(_round(installation, count, n, first=number * n))
    finally:
        installation.stop()
    medians = {str(count): round(statistics.median(found), 2) for count, found in rates.items()}
    _show(console, medians, rates)
    if as_json:
        every = {str(count): [round(one, 2) for one in found] for count, found in rates.items()}
        print(json.dumps({"bookings_per_second": medians, "rounds": every, "n": n}))  # noqa: T201 - the result itself
    return 0


def _quiet(installation: Installation) -> None:
    """Prices stand still and no rate limit is met: a refused order would measure another path."""
    for path, wish in (
        ("account", {"price_change_rate": 0}),
        ("limits", {"offer_requests_per_minute": 100_000, "calls_per_minute": 100_000}),
    ):
        url, kind = f"{installation.duffel_base}/_sandbox/{path}", {"Content-Type": "application/json"}
        request = urllib.request.Request(url, json.dumps(wish).encode(), kind)  # noqa: S310 - loopback
        with urllib.request.urlopen(request, timeout=5):  # noqa: S310 - loopback
            pass


def _round(installation: Installation, count: int, n: int, first: int) -> float:
    """Bookings a second, from the first attempt's beginning to the last completed one. Workers are up before."""
    names = [f"worker-{number}" for number in range(count)]
    with psycopg.connect(installation.server.url("parker"), autocommit=True) as admin:
        admin.execute(SWITCH, [True])
        before = _one(admin, "SELECT COALESCE(max(id), 0) FROM bookings_attemptevent")[0]
        _people(installation, n, first)
        for name in names:
            installation.start_worker(name)
        try:
            _until(lambda: _one(admin, "SELECT count(*) FROM procrastinate_workers")[0] >= count)
            admin.execute(SWITCH, [False])
            _until(lambda: _one(admin, SPAN, before)[2] >= n)
        finally:
            for name in names:
                end(installation.running.pop(name))
        start, last, completed = _one(admin, SPAN, before)
    return float(completed * 1000 / (last - start))


def _people(installation: Installation, n: int, first: int) -> None:
    moment = json.loads(installation.clock_file.read_text())["virtual"]
    subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "parkerflight.ops.bench_people", str(n), datetime.fromtimestamp(moment, UTC).isoformat(), str(first)],
        env=installation.environment(Process.WEB), stdout=subprocess.DEVNULL, check=True,
    )  # fmt: skip


def _one(admin: psycopg.Connection[Any], query: str, *given: object) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = admin.execute(query, given).fetchone()
    return row or ()


def _until(condition: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            msg = f"a round did not end within {PATIENCE:.0f} s; the benchmark would measure something else"
            raise RuntimeError(msg)
        time.sleep(0.05)


def _show(console: Console, medians: dict[str, float], rates: dict[int, list[float]]) -> None:
    table = Table(title="whole bookings a second")
    for column in ("workers", "median", "rounds"):
        table.add_column(column, justify="right")
    for count, found in rates.items():
        table.add_row(str(count), f"{medians[str(count)]:.2f}", "  ".join(f"{one:.2f}" for one in found))
    console.print(table)
