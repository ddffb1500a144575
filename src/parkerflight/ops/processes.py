"""The processes of an embedded installation: PostgreSQL, sandboxes, web, worker; started, watched, stopped by pid."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from parkerflight.ops import postgres, roles
from parkerflight.settings.config import ConfigurationError, Process, embedded_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

STARTUP_SECONDS = 40  # a cold, loaded machine with two cores; far above the second or two it takes
RESTART_PAUSE = 1.0  # seconds; a process that dies at once must not spin
STOP_SECONDS = 25  # the worker finishes what it runs first (20 s), then it is ended


@dataclass
class Installation:
    """One data directory and everything that runs from it."""

    data: Path
    seed: int = 7
    virtual_clock: bool = False
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.data = self.data.resolve()

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    @property
    def server(self) -> postgres.Server:
        return postgres.embedded(self.data)

    @property
    def ports(self) -> dict[str, int]:
        """Ports of this installation, chosen once and kept."""
        path = self.data / "ports.json"
        kept: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
        if missing := [name for name in ("stripe", "duffel", "web", "backoffice") if name not in kept]:
            kept |= {name: _free_port() for name in missing}
            path.write_text(json.dumps(kept))
        return kept

    @property
    def real_vendors(self) -> bool:
        """Whether the operator gave test or live accounts; then no sandbox is started."""
        given = [name for name in ("STRIPE_API_KEY", "DUFFEL_TOKEN") if os.environ.get(name)]
        if len(given) == 1:
            msg = f"Only {given[0]} is set. Give both STRIPE_API_KEY and DUFFEL_TOKEN, or neither for the sandboxes."
            raise ConfigurationError(msg)
        return bool(given)

    def environment(self, process: Process, **extra: str) -> dict[str, str]:
        """What a process is told: its role, the data directory, where the vendors are."""
        env = {**os.environ, "PARKER_DATA": str(self.data), "PARKER_PROCESS": process.value}
        env["DJANGO_SETTINGS_MODULE"] = "parkerflight.settings.django"
        if not self.real_vendors:
            env["PARKER_STRIPE_BASE"] = self.stripe_base
            env["PARKER_DUFFEL_BASE"] = self.duffel_base
        if self.virtual_clock:
            env["PARKER_CLOCK_FILE"] = str(self.clock_file)
        return env | extra

    @property
    def stripe_base(self) -> str:
        return f"http://127.0.0.1:{self.ports['stripe']}"

    @property
    def duffel_base(self) -> str:
        return f"http://127.0.0.1:{self.ports['duffel']}"

    @property
    def web_base(self) -> str:
        return f"http://127.0.0.1:{self.ports['web']}"

    @property
    def backoffice_base(self) -> str:
        return f"http://127.0.0.1:{self.ports['backoffice']}"

    @property
    def clock_file(self) -> Path:
        return self.data / "clock.json"

    def set_clock(self, moment: datetime, rate: float = 0.0) -> None:
        """Move the virtual clock; rate 0 lets it stand."""
        state = {"real": time.time(), "virtual": moment.timestamp(), "rate": rate}
        fresh = self.clock_file.with_suffix(".new")
        fresh.write_text(json.dumps(state))
        fresh.replace(self.clock_file)

    def start_database(self) -> None:
        """Start PostgreSQL, make roles and database, migrate. Safe to repeat."""
        self.data.mkdir(parents=True, exist_ok=True)
        self.logs.mkdir(exist_ok=True)
        kept = embedded_secrets(self.data)
        if os.environ.get("DATABASE_URL"):
            prepare_given(os.environ["DATABASE_URL"])
        else:
            self.server.start()
            roles.prepare(self.server.url(), "parker", {one.role: kept[f"db_{one.value}"] for one in Process})
            roles.prepare_schema(self.server.url("parker"))
        subprocess.run(
            [sys.executable, "-m", "parkerflight", "migrate"], env=self.environment(Process.OWNER), check=True
        )

    def start_sandboxes(self) -> None:
        """Start the offline Stripe and Duffel, unless real accounts were given."""
        if self.real_vendors:
            return
        if self.virtual_clock and not self.clock_file.exists():
            self.set_clock(datetime.now(UTC))
        clock = ["--clock-file", str(self.clock_file)] if self.virtual_clock else []
        for vendor in ("stripe", "duffel"):
            if vendor in self.running and self.running[vendor].poll() is None:
                continue
            command = [
                sys.executable,
                "-m",
                "sandbox",
                vendor,
                "--port",
                str(self.ports[vendor]),
                "--seed",
                str(self.seed),
            ]
            self.launch(vendor, [*command, *clock], self.environment(Process.WEB))
        for base in (self.stripe_base, self.duffel_base):
            wait_for(f"{base}/_sandbox/health")

    def start_worker(self, name: str = "worker", **extra: str) -> None:
        """Start a worker; `extra` are more variables, such as a fault point. Several need names of their own."""
        self.launch(name, [sys.executable, "-m", "parkerflight", "worker"], self.environment(Process.WORKER, **extra))

    def start_watch(self) -> None:
        """Start whoever checks the invariants and compares the books, as the role that sees everybody's figures."""
        self.launch("watch", [sys.executable, "-m", "parkerflight", "watch"], self.environment(Process.BACKOFFICE))

    def start_web(self) -> None:
        """Start the web process and wait until it is ready."""
        self._serve("web", Process.WEB, self.web_base)

    def start_backoffice(self) -> None:
        """Start the team's page, in a process and a database role of its own, and wait until it is ready."""
        self._serve("backoffice", Process.BACKOFFICE, self.backoffice_base)

    def _serve(self, name: str, process: Process, base: str) -> None:
        command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(self.ports[name]),
                   "--workers", "1", "--log-level", "warning", "parkerflight.interfaces.wsgi:application"]  # fmt: skip
        self.launch(name, command, self.environment(process))
        wait_for(f"{base}/readyz")

    def launch(self, name: str, command: Sequence[str], env: dict[str, str]) -> None:
        """Start one process with its output in logs/<name>.log."""
        with (self.logs / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(command, env=env, stdout=log, stderr=log, stdin=subprocess.DEVNULL)  # noqa: S603

    def keep_running(self, starters: Mapping[str, Callable[[], None]]) -> None:
        """Start again whatever ended since it was started: the embedded database first, then processes by their name."""
        if not os.environ.get("DATABASE_URL") and not self.server.alive():
            # What the dead server left behind may take a moment to end; the next round tries again.
            with suppress(ConfigurationError):
                self.server.start()
        for name, start in starters.items():
            if name in self.running and self.running[name].poll() is not None:
                time.sleep(RESTART_PAUSE)
                with suppress(ConfigurationError):
                    start()

    def stop(self) -> None:
        """End what this object started, the worker first, then the database."""
        for name in sorted(self.running, key=lambda one: not one.startswith("worker")):
            end(self.running[name])
        self.running.clear()
        if not os.environ.get("DATABASE_URL"):
            self.server.stop()


def prepare_given(url: str) -> None:
    """Make the roles in an operator's own PostgreSQL 15 or newer. Raises ConfigurationError when it is older."""
    import psycopg

    with psycopg.connect(url) as connection:
        version = connection.info.server_version
        name = connection.info.dbname
    if version < 150000:  # noqa: PLR2004 - PostgreSQL's own numbering: 15.0
        msg = f"DATABASE_URL points at PostgreSQL {version // 10000}; 15 or newer is needed."
        raise ConfigurationError(msg)
    roles.prepare(url, name)
    roles.prepare_schema(url)


def wait_for(url: str) -> None:
    """Wait until `url` answers 200. Raises ConfigurationError after 40 s."""
    deadline = time.monotonic() + STARTUP_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own loopback servers
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    msg = f"{url} did not answer within {STARTUP_SECONDS} s; see the logs folder."
    raise ConfigurationError(msg)


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to stop, then make it."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
