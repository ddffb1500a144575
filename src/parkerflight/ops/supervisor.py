"""`up` and `down`: one background process keeps the others running and restarts what dies."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from parkerflight.ops.processes import Installation
from parkerflight.settings.config import ConfigurationError

STOP_WAIT = 40  # seconds for everything to stop in order


def pid_file(data: Path) -> Path:
    """Where the supervisor writes its pid and addresses."""
    return data / "supervisor.json"


def running(data: Path) -> dict[str, object] | None:
    """The running supervisor's pid and addresses, or None."""
    path = pid_file(data)
    if not path.exists():
        return None
    kept: dict[str, object] = json.loads(path.read_text())
    command = Path(f"/proc/{kept['pid']}/cmdline")
    # The pid alone could be somebody else's by now.
    alive = command.exists() and b"supervise" in command.read_bytes()
    return kept if alive else None


def up(data: Path) -> dict[str, object]:
    """Start the system in the background and wait until it is ready. Returns its addresses."""
    data = data.resolve()
    if found := running(data):
        return found
    installation = Installation(data)
    installation.start_database()
    pid_file(data).unlink(missing_ok=True)
    with (installation.logs / "supervisor.log").open("ab") as log:
        subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "parkerflight", "supervise", "--data", str(data)],
            stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + STOP_WAIT
    while time.monotonic() < deadline:
        if found := running(data):
            return found
        time.sleep(0.1)
    msg = f"The system did not come up; see {installation.logs}."
    raise ConfigurationError(msg)


def down(data: Path) -> bool:
    """Stop the system of this data directory. False when it was not running."""
    data = data.resolve()
    found = running(data)
    if found:
        pid = int(str(found["pid"]))
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_WAIT
        while running(data) and time.monotonic() < deadline:
            time.sleep(0.1)
    if (data / "postgres.json").exists():
        Installation(data).server.stop()
    pid_file(data).unlink(missing_ok=True)
    return bool(found)


def supervise(data: Path) -> None:
    """Run until SIGTERM: start sandboxes, web, back office, worker and watcher, restart what ends, stop all in order."""
    installation = Installation(data)
    stopping = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    starters = {
        "stripe": installation.start_sandboxes,
        "duffel": installation.start_sandboxes,
        "web": installation.start_web,
        "backoffice": installation.start_backoffice,
        "worker": installation.start_worker,
        "watch": installation.start_watch,
    }
    for start in starters.values():
        start()
    addresses = {
        "pid": os.getpid(),
        "web": installation.web_base,
        "team": installation.backoffice_base,
        "logs": str(installation.logs),
        "mails": str(data / "mails"),
    }
    if not installation.real_vendors:
        addresses |= {"stripe": installation.stripe_base, "duffel": installation.duffel_base}
    pid_file(data).write_text(json.dumps(addresses))
    while not stopping:
        installation.keep_running(starters)
        time.sleep(0.2)
    installation.stop()
    pid_file(data).unlink(missing_ok=True)
