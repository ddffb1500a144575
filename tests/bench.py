"""Fixtures shared by all tests: the database, the cast (an owner, a companion, a stranger), sandboxes, the clock."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import httpx
import psycopg
import pytest

from parkerflight.accounts.operations import open_account
from parkerflight.core import clock, switches
from parkerflight.ops import postgres, template
from parkerflight.settings.config import load

if TYPE_CHECKING:
    from tests.scenario import Scenario

__all__ = [
    "_duffel",
    "_stripe",
    "admin",
    "as_role",
    "bench_settings",
    "booked",
    "cluster",
    "companion",
    "database",
    "duffel_sandbox",
    "loopback_only",
    "mails",
    "owner",
    "pytest_addoption",
    "pytest_collection_modifyitems",
    "scenario",
    "stranger",
    "stripe_sandbox",
    "virtual_clock",
]
START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)  # a Monday morning; all tests begin here


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--storm", action="store_true", help="also run the long random storms")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--storm"):
        for item in items:
            if item.get_closest_marker("storm"):
                item.add_marker(pytest.mark.skip(reason="needs --storm"))


@pytest.fixture(scope="session", autouse=True)
def loopback_only() -> Iterator[None]:
    """No test reaches beyond this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and address[0] not in {"127.0.0.1", "::1", "localhost"}:
            msg = f"a test tried to reach {address!r}"
            raise RuntimeError(msg)
        return connect(self, address)

    socket.socket.connect = guarded
    yield
    socket.socket.connect = connect


@pytest.fixture(scope="session")
def cluster() -> Iterator[postgres.Server]:
    """The running server and a database of this test run, made from a migrated template."""
    config = load()
    config.data.mkdir(parents=True, exist_ok=True)
    server = postgres.embedded(config.data)
    with _lock(config.data / "cluster.lock"):
        server.start()
        source = template.migrated(server)
        with psycopg.connect(server.url(), autocommit=True) as admin_connection:
            admin_connection.execute(f'CREATE DATABASE "{config.database_name}" TEMPLATE "{source}" OWNER parker_owner')
    template.log_in("worker", server)
    yield server
    template.disconnect()
    with psycopg.connect(server.url(), autocommit=True) as admin_connection:
        admin_connection.execute(f'DROP DATABASE "{config.database_name}" WITH (FORCE)')
        others = admin_connection.execute(
            "SELECT count(*) FROM pg_database WHERE datname LIKE 'parker_test_%'"
        ).fetchone()
    with _lock(config.data / "cluster.lock"):
        if others == (0,):
            server.stop()


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def as_role(cluster: postgres.Server) -> Callable[[str], object]:
    """`with as_role("web"):` — the same code, logged in as another process's role."""

    @contextmanager
    def switch(process: str) -> Iterator[None]:
        template.log_in(process, cluster)
        try:
            yield
        finally:
            template.log_in("worker", cluster)

    return switch


@pytest.fixture(scope="session")
def admin(cluster: postgres.Server) -> Iterator[psycopg.Connection]:
    """An administrator's connection: to empty tables and to look past every policy. Code under test never gets it."""
    with psycopg.connect(cluster.url(load().database_name), autocommit=True) as admin_connection:
        yield admin_connection


KEEP = {"django_migrations", "django_content_type"}


@pytest.fixture
def database(cluster: postgres.Server, admin: psycopg.Connection, virtual_clock: TestClock) -> postgres.Server:
    """An empty database; Django is logged in as `parker_worker`. Commits are real."""
    tables = [row[0] for row in admin.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    names = ", ".join(f'"{name}"' for name in tables if name not in KEEP)
    # As a replica the append-only triggers rest; only an administrator can do that.
    admin.execute("SET session_replication_role = replica")
    admin.execute(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
    admin.execute("SET session_replication_role = origin")
    switches.forget()
    return cluster


class TestClock:
    """The virtual clock both sandboxes and the product read; stands still until moved."""

    __test__ = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self.set(START)

    def set(self, moment: datetime, rate: float = 0.0) -> None:
        temporary = self.path.with_suffix(".new")
        temporary.write_text(json.dumps({"real": time.time(), "virtual": moment.timestamp(), "rate": rate}))
        temporary.replace(self.path)

    def now(self) -> datetime:
        return clock.now()

    def advance(self, **span: float) -> datetime:
        self.set(clock.now() + timedelta(**span))
        return clock.now()


@pytest.fixture
def virtual_clock() -> TestClock:
    path = load().clock_file
    path.parent.mkdir(parents=True, exist_ok=True)
    return TestClock(path)


@pytest.fixture
def mails() -> Iterator[Path]:
    """The folder mails land in; empty at the start."""
    folder = load().data / f"mails-test_{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def _person(as_role: Callable[[str], object], email: str) -> UUID:
    with as_role("web"):
        return open_account(email=email, now=START)


@pytest.fixture
def owner(database: postgres.Server, as_role: Callable[[str], object]) -> UUID:
    """The account whose rows the test is about."""
    return _person(as_role, "owner@example.org")


@pytest.fixture
def companion(database: postgres.Server, as_role: Callable[[str], object]) -> UUID:
    """Another account, friendly."""
    return _person(as_role, "companion@example.org")


@pytest.fixture
def stranger(database: postgres.Server, as_role: Callable[[str], object]) -> UUID:
    """Another account that must never see anything of the owner's."""
    return _person(as_role, "stranger@example.net")


class Sandbox:
    """One running sandbox server, with its back door for faults, limits and the ledger."""

    def __init__(self, vendor: str, base: str, clock_file: Path) -> None:
        self.base = base
        self.http = httpx.Client(base_url=base, timeout=30)
        port = base.rsplit(":", 1)[1]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sandbox", vendor, "--port", port, "--seed", "7", "--clock-file", str(clock_file)],
            stdout=subprocess.PIPE,
            text=True,
        )
        line = self.process.stdout.readline()
        assert json.loads(line)["ready"], f"the {vendor} sandbox did not start: {line!r}"

    def reset(self) -> None:
        self.http.post("/_sandbox/reset").raise_for_status()

    def fault(self, **rule: object) -> None:
        self.http.post("/_sandbox/faults", json=rule).raise_for_status()

    def account(self, **settings: object) -> None:
        self.http.post("/_sandbox/account", json=settings).raise_for_status()

    def ledger(self) -> dict:
        return self.http.get("/_sandbox/ledger").raise_for_status().json()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=10)


@pytest.fixture(scope="session")
def bench_settings() -> dict[str, str]:
    """The environment of this run, for processes a test starts."""
    return dict(os.environ)


@pytest.fixture(scope="session")
def _stripe() -> Iterator[Sandbox]:
    TestClock(load().clock_file)
    sandbox = Sandbox("stripe", load().stripe_base, load().clock_file)
    yield sandbox
    sandbox.stop()


@pytest.fixture(scope="session")
def _duffel() -> Iterator[Sandbox]:
    TestClock(load().clock_file)
    sandbox = Sandbox("duffel", load().duffel_base, load().clock_file)
    yield sandbox
    sandbox.stop()


@pytest.fixture
def stripe_sandbox(_stripe: Sandbox, virtual_clock: TestClock) -> Sandbox:
    """The Stripe sandbox at the state of its seed, on the test's clock."""
    _stripe.reset()
    return _stripe


@pytest.fixture
def duffel_sandbox(_duffel: Sandbox, virtual_clock: TestClock) -> Sandbox:
    """The Duffel sandbox at the state of its seed, on the test's clock."""
    _duffel.reset()
    # Prices that move between reading and ordering have tests of their own; elsewhere they would only be in the way.
    _duffel.account(price_change_rate=0)
    return _duffel


@pytest.fixture
def scenario(
    owner: UUID,
    as_role: Callable[[str], object],
    virtual_clock: TestClock,
    stripe_sandbox: Sandbox,
    duffel_sandbox: Sandbox,
) -> Scenario:
    """The owner with both vendors at hand; `start()` makes the campaign."""
    from tests.scenario import Scenario

    return Scenario(owner, as_role, virtual_clock, stripe_sandbox, duffel_sandbox)


@pytest.fixture
def booked(scenario: Scenario, mails: Path) -> Scenario:
    """A campaign that has been booked, with everything that leaves in the database."""
    return scenario.start().book()
