"""Whole disasters: workers that race, a database killed under load, a kill switch thrown in the middle.

Real worker processes and sandboxes on an installation of its own, with a server of its own whose commits reach the disk.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psycopg
import pytest

from parkerflight.ops.processes import Installation, end
from parkerflight.settings.config import Process

pytestmark = pytest.mark.journey
PATIENCE = 50  # seconds for a story to end on a loaded machine; they take ten to twenty
SWITCH = """INSERT INTO core_switch (name, "on", reason, changed_at) VALUES ('bookings', %s, 'drill', now())
    ON CONFLICT (name) DO UPDATE SET "on" = excluded."on" """


class Site:
    """A running installation and its two ledgers."""

    def __init__(self, data: Path) -> None:
        self.installation = Installation(data, virtual_clock=True)
        self.people = 0
        self.installation.set_clock(datetime.now(UTC), rate=1.0)
        self.installation.start_database()
        self.installation.start_sandboxes()
        self.stripe = httpx.Client(base_url=self.installation.stripe_base, timeout=30)
        self.duffel = httpx.Client(base_url=self.installation.duffel_base, timeout=30)
        self.tell("account", price_change_rate=0)
        self.tell("limits", offer_requests_per_minute=10_000, calls_per_minute=10_000)

    def tell(self, what: str, **wish: object) -> None:
        self.duffel.post(f"/_sandbox/{what}", json=wish).raise_for_status()

    def campaigns(self, count: int) -> set[str]:
        """As many people, each with an active campaign that any fare satisfies; their ids."""
        moment = datetime.fromtimestamp(self.clock(), UTC).isoformat()
        made = subprocess.run(
            [sys.executable, "-m", "parkerflight.ops.bench_people", str(count), moment, str(self.people)],
            env=self.installation.environment(Process.WEB), stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
        self.people += count
        return set(made.stdout.split())

    def clock(self) -> float:
        kept = json.loads(self.installation.clock_file.read_text())
        return kept["virtual"] + (time.time() - kept["real"]) * kept["rate"]

    def hurry(self, rate: float) -> None:
        self.installation.set_clock(datetime.fromtimestamp(self.clock(), UTC), rate=rate)

    def rows(self, query: str, *given: object) -> list[tuple]:
        """As an administrator, past every policy; a new connection each time because the server may have died."""
        with psycopg.connect(self.installation.server.url("parker"), autocommit=True, connect_timeout=5) as admin:
            found = admin.execute(query, given)
            return found.fetchall() if found.description else []

    def completed(self, people: set[str]) -> int:
        query = "SELECT count(*) FROM campaigns_campaign WHERE status = 'completed' AND owner_id::text = ANY(%s)"
        return self.rows(query, sorted(people))[0][0]

    def orders(self, people: set[str]) -> list[dict]:
        found = self.duffel.get("/_sandbox/ledger").json()["orders"]
        return [one for one in found if one["metadata"].get("owner_id") in people]

    def intents(self, people: set[str]) -> list[dict]:
        found = self.stripe.get("/_sandbox/ledger").json()["payment_intents"]
        return [one for one in found if one["metadata"].get("owner_id") in people]

    @contextmanager
    def workers(self, count: int):
        """Real worker processes; `keep` restarts what died, as the supervisor does."""
        names = [f"worker-{number}" for number in range(count)]
        starters = {name: lambda name=name: self.installation.start_worker(name) for name in names}
        for start in starters.values():
            start()
        try:
            yield lambda: self.installation.keep_running(starters)
        finally:
            for name in names:
                end(self.installation.running.pop(name))

    def wait(self, condition, keep=lambda: None, seconds: float = PATIENCE) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            keep()
            if condition():
                return
            time.sleep(0.05)
        states = self.rows("SELECT state, reason, count(*) FROM bookings_bookingattempt GROUP BY 1, 2")
        pytest.fail(f"did not come true in {seconds} s; attempts are {states}")

    def assert_one_ticket_and_one_capture_each(self, people: set[str]) -> None:
        orders, intents = self.orders(people), self.intents(people)
        assert Counter(one["metadata"]["owner_id"] for one in orders) == dict.fromkeys(people, 1)
        assert {(one["status"], one["tickets"]) for one in orders} == {("ticketed", 1)}
        paid = {one["metadata"]["owner_id"]: one["captured"] for one in intents if one["captured"]}
        assert Counter(one["metadata"]["owner_id"] for one in intents if one["captured"]) == dict.fromkeys(people, 1)
        assert all(one["held"] == 0 for one in intents)
        assert paid == {o["metadata"]["owner_id"]: round(float(o["total_amount"]) * 100) for o in orders}
        done = subprocess.run(
            [sys.executable, "-m", "parkerflight", "invariants", "--json"],
            env=self.installation.environment(Process.BACKOFFICE), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr

    def attempts(self, people: set[str]) -> Counter:
        query = "SELECT owner_id::text FROM bookings_bookingattempt WHERE owner_id::text = ANY(%s)"
        return Counter(row[0] for row in self.rows(query, sorted(people)))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        for name in ("PARKER_DATABASE_NAME", "PARKER_MAIL_OPTIONS", "PARKER_PROCESS"):
            patch.delenv(name, raising=False)
        site = Site(tmp_path_factory.mktemp("disaster"))
        yield site
        site.installation.stop()


@pytest.fixture(autouse=True)
def _calm(site):
    yield
    site.duffel.delete("/_sandbox/faults").raise_for_status()
    site.hurry(1.0)


class TestWorkersThatRace:
    @pytest.mark.parametrize("count", [2, 4])
    def test_make_one_attempt_and_one_ticket_for_each_campaign(self, site, count):
        people = site.campaigns(20)
        with site.workers(count):
            site.wait(lambda: site.completed(people) == 20)
        assert site.attempts(people) == dict.fromkeys(people, 1)
        site.assert_one_ticket_and_one_capture_each(people)


class TestAKilledDatabase:
    @pytest.mark.timeout(150)
    def test_loses_no_attempt_and_buys_nothing_twice(self, site):
        assert site.rows("SHOW fsync") == site.rows("SHOW synchronous_commit") == [("on",)]
        site.tell("faults", route="* /air/o*", action="slow", seconds=0.4, nth=1, times=10_000)
        people = site.campaigns(14)
        with site.workers(2) as keep:
            for milestone in (2, 7):
                site.wait(lambda milestone=milestone: site.completed(people) >= milestone, keep)
                before = site.attempts(people)
                assert site.completed(people) < 14, "the database must die in the middle"
                kill_server(site.installation.server.directory / "postgres")
                site.wait(lambda: answers(site), keep, 30)
                assert site.attempts(people) >= before
            # An attempt whose step died with the server is due again after two and a half minutes.
            site.hurry(10.0)
            site.wait(lambda: site.completed(people) == 14, keep)
        site.assert_one_ticket_and_one_capture_each(people)


class TestAKillSwitch:
    def test_stops_bookings_within_a_second(self, site):
        site.tell("faults", route="GET /air/offers/*", action="slow", seconds=0.4, nth=1, times=10_000)
        people = site.campaigns(16)
        with site.workers(1):
            site.wait(lambda: len(site.orders(people)) >= 2)
            site.rows(SWITCH, True)
            thrown = time.time() * 1000
            time.sleep(2)  # one for the promise, one for what was on the wire by then
            placed = len(site.orders(people))
            time.sleep(3)
            assert len(site.orders(people)) == placed < 16
            late = site.rows("SELECT wall_ms FROM bookings_attemptevent WHERE to_state = 'ordering' AND wall_ms > %s",
                             int(thrown) + 1000)  # fmt: skip
            assert late == []
            site.wait(lambda: all(one["held"] == 0 for one in site.intents(people)))
            site.rows(SWITCH, False)


def kill_server(cluster: Path) -> None:
    """SIGKILL the main process of the server and every child of it, at once, as a power cut would."""
    main = int((cluster / "postmaster.pid").read_text().splitlines()[0])
    os.kill(main, signal.SIGSTOP)
    for pid in [*children(main), main]:
        os.kill(pid, signal.SIGKILL)
    while alive(main):
        time.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def children(parent: int) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1]) == parent:
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def answers(site: Site) -> bool:
    try:
        return site.rows("SELECT 1") == [(1,)]
    except psycopg.OperationalError:
        return False
