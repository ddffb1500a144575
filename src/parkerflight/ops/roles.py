"""Making the database and its roles. Runs as an administrator, once, before migrations; safe to run again."""

import psycopg
from django.db.backends.utils import CursorWrapper
from psycopg import sql

from parkerflight.settings.config import Process

LOGIN_ROLES = tuple(process.role for process in Process)


def prepare(admin_url: str, database: str, passwords: dict[str, str] | None = None) -> None:
    """Create the five roles and the database, owned by `parker_owner`.

    `passwords` by role make the roles log in (embedded); without it an administrator's login assumes them. The administrator
    needs CREATEROLE and CREATEDB; on a managed server the database exists already and is taken over as it is.
    """
    with psycopg.connect(admin_url, autocommit=True) as connection:
        for role in LOGIN_ROLES:
            _role(connection, role, (passwords or {}).get(role))
            if not passwords:
                connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(role)))
        exists = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone()
        if not exists:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER parker_owner").format(sql.Identifier(database)),
            )
        connection.execute(sql.SQL("GRANT CREATE ON DATABASE {} TO parker_owner").format(sql.Identifier(database)))
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database)))
        for role in LOGIN_ROLES:
            connection.execute(
                sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(database), sql.Identifier(role)),
            )


def prepare_schema(admin_url: str) -> None:
    """Let the owner create in `public` and the others use it. Runs inside the new database."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        connection.execute("GRANT USAGE, CREATE ON SCHEMA public TO parker_owner")
        connection.execute(
            "GRANT USAGE ON SCHEMA public TO parker_web, parker_worker, parker_backoffice, parker_backup"
        )


def _role(connection: psycopg.Connection[tuple[object, ...]], role: str, password: str | None) -> None:
    exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
    if not exists:
        attributes = sql.SQL("NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOINHERIT")
        connection.execute(sql.SQL("CREATE ROLE {} {}").format(sql.Identifier(role), attributes))
    if password:
        # Attributes are not repeated here: on a managed server only a superuser may name them on an existing role.
        connection.execute(
            sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), sql.Literal(password))
        )


def grant_jobs(cursor: CursorWrapper) -> None:
    """Let web and worker use the queue. Runs as the owner after migrations; the queue's tables are not ours to migrate."""
    tables = "procrastinate_jobs, procrastinate_events, procrastinate_periodic_defers, procrastinate_workers"
    cursor.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {tables} TO parker_worker")
    cursor.execute(f"GRANT SELECT, INSERT, UPDATE ON {tables} TO parker_web")
    # Reconciliation wakes an attempt that is behind; it cannot take or change a job.
    cursor.execute(f"GRANT SELECT ON {tables} TO parker_backoffice, parker_backup")
    cursor.execute("GRANT INSERT ON procrastinate_jobs, procrastinate_events TO parker_backoffice")
    cursor.execute(
        "GRANT SELECT ON django_migrations, django_content_type TO parker_web, parker_worker, parker_backoffice, parker_backup"
    )
    for role in ("parker_web", "parker_worker", "parker_backoffice"):
        cursor.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}")
    cursor.execute("GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO parker_backup")
