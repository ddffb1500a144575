"""A migrated database to copy from, made once for each version of the migrations: for tests and the simulator."""

import hashlib
import json
from pathlib import Path

import psycopg
from django.core.management import call_command
from django.db import connection

from parkerflight.ops import postgres, roles
from parkerflight.settings.config import Process, embedded_secrets, load


def migrated(server: postgres.Server) -> str:
    """The name of a template database, migrated as it is now; made if there is none yet."""
    source = Path(postgres.__file__).parents[1]
    files = sorted([*source.glob("*/migrations/*.py"), source / "core" / "rls.py", source / "ops" / "roles.py"])
    name = "parker_template_" + hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
    passwords = {process.role: embedded_secrets(load().data)[f"db_{process.value}"] for process in Process}
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute("SELECT pg_advisory_lock(hashtext('parker_template'))")  # until this connection closes
        roles.prepare(server.url(), "parker_unused", passwords)
        ready = admin.execute("SELECT datistemplate FROM pg_database WHERE datname = %s", [name]).fetchone()
        if ready and ready[0]:
            return name
        admin.execute(f'DROP DATABASE IF EXISTS "{name}"')
        roles.prepare(server.url(), name, passwords)
        roles.prepare_schema(server.url(name))
        log_in("owner", server, name)
        call_command("migrate", verbosity=0)
        with connection.cursor() as cursor:
            roles.grant_jobs(cursor)
        disconnect()
        admin.execute(f'ALTER DATABASE "{name}" IS_TEMPLATE true')
    return name


def log_in(process: str, server: postgres.Server, database: str | None = None) -> None:
    """Point this thread's connection at a role's own login, as that role's process would be."""
    disconnect()
    address = json.loads((server.directory / "postgres.json").read_text())
    password = embedded_secrets(load().data)[f"db_{process}"]
    connection.settings_dict |= {
        "NAME": database or load().database_name,
        "USER": f"parker_{process}",
        "PASSWORD": password,
        "PORT": address["port"],
    }


def disconnect() -> None:
    """Give up this thread's connection, and the pool if there is one."""
    connection.close()
    if getattr(connection, "pool", None):
        connection.close_pool()  # type: ignore[attr-defined]
