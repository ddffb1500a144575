"""How this process reaches PostgreSQL: the embedded server by socket-free loopback, or `DATABASE_URL`."""

import json
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from parkerflight.settings.config import Config, ConfigurationError, Process

POOL_MAX = 12  # a worker's threads, ten at most, and two to spare; embedded PostgreSQL allows 120 in all


def django_database(config: Config) -> dict[str, Any]:
    """Django's DATABASES["default"] for this process, logged in or assuming the process's own role."""
    if config.database_url:
        parts = _from_url(config.database_url.get_secret_value())
        if config.database_assume_role:
            # As a start-up option it also reaches connections that are not made by Django, such as the job listener's.
            parts["OPTIONS"]["options"] = f"-c role={config.process.role}"
    elif config.embedded:
        parts = _embedded(config)
    else:
        msg = "DATABASE_URL is not set. Give a PostgreSQL 15 or newer, or use the embedded mode (PARKER_EMBEDDED=true)."
        raise ConfigurationError(msg)
    # Parameters go apart from the statement, so that PostgreSQL plans what is asked again and again only once.
    parts["OPTIONS"] |= {"server_side_binding": True, "prepare_threshold": 2}
    if config.process in {Process.WEB, Process.WORKER}:
        parts["OPTIONS"] |= {"pool": {"min_size": 1, "max_size": POOL_MAX, "timeout": 10, "reset": _reset}}
    # One round trip as a job or request begins: a connection that a restarted server left behind is replaced, not used.
    return {"ENGINE": "django.db.backends.postgresql", "CONN_HEALTH_CHECKS": True, **parts}


def _reset(connection: Any) -> None:
    """Second net: nothing that was set on a connection for one piece of work reaches the next."""
    connection.execute("SELECT set_config('parker.user_id', '', false)")
    connection.commit()


def _embedded(config: Config) -> dict[str, Any]:
    kept = config._kept  # noqa: SLF001 - same package; the passwords are not settings anyone else should read
    address = config.data / "postgres.json"
    port = json.loads(address.read_text())["port"] if address.exists() else 0
    return {
        "NAME": config.database_name,
        "USER": config.process.role,
        "PASSWORD": kept[f"db_{config.process.value}"],
        "HOST": "127.0.0.1",
        "PORT": port,
        "OPTIONS": {},
    }


def _from_url(url: str) -> dict[str, Any]:
    split = urlsplit(url)
    if split.scheme not in {"postgres", "postgresql"} or not split.path.strip("/"):
        msg = "DATABASE_URL must look like postgresql://user:password@host:5432/name"
        raise ConfigurationError(msg)
    return {
        "NAME": split.path.strip("/"),
        "USER": unquote(split.username or ""),
        "PASSWORD": unquote(split.password or ""),
        "HOST": unquote(split.hostname or ""),
        "PORT": split.port or 5432,
        "OPTIONS": dict(parse_qsl(split.query)),
    }
