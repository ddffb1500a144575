"""One rate limit for all processes, driven by the provider's own headers.

Each turn is one conditional UPDATE, so two processes can never both take the last request of a window.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Protocol

from django.db import connection

if TYPE_CHECKING:
    from collections.abc import Mapping

# While the limit is unknown one request a second learns it; the first answer with headers ends that.
LEARNING = timedelta(seconds=1)
# Windows seen so far are minutes. A window that turned without news is taken to last one; the next answer corrects it.
WINDOW = timedelta(minutes=1)
# The reset header counts whole seconds, so waiting less than one asks the same question again.
SHORTEST_WAIT = timedelta(seconds=1)
GO = timedelta(0)

_TAKE = """
UPDATE flights_ratelimit SET remaining = CASE WHEN "limit" = 0 THEN 0 ELSE remaining - 1 END, updated_at = %(now)s
WHERE key = %(key)s AND ("limit" = 0 OR (reset_at > %(now)s AND remaining > 0))
"""
_TURN = """
UPDATE flights_ratelimit SET remaining = "limit" - 1, reset_at = %(window_end)s, updated_at = %(now)s
WHERE key = %(key)s AND "limit" > 0 AND reset_at <= %(now)s
"""
_LEARN = """
INSERT INTO flights_ratelimit (key, "limit", remaining, reset_at, updated_at)
VALUES (%(key)s, 1, 0, %(learning_end)s, %(now)s) ON CONFLICT (key) DO NOTHING
"""
# Within a window the smaller count wins: other processes' requests may be under way and not yet counted there.
_OBSERVE = """
INSERT INTO flights_ratelimit AS known (key, "limit", remaining, reset_at, updated_at)
VALUES (%(key)s, %(limit)s, %(remaining)s, %(reset)s, %(now)s)
ON CONFLICT (key) DO UPDATE SET
    "limit" = excluded."limit", reset_at = excluded.reset_at, updated_at = excluded.updated_at,
    remaining = CASE WHEN known."limit" > 1 AND known.reset_at > %(now)s AND excluded.reset_at <= known.reset_at
                THEN least(known.remaining, excluded.remaining) ELSE excluded.remaining END
"""
# An answer without headers ends the learning: there is no limit to keep. A limit once stated is never forgotten so.
_NONE_STATED = """
UPDATE flights_ratelimit SET "limit" = 0, updated_at = %(now)s WHERE key = %(key)s AND "limit" = 1
"""


class Limiter(Protocol):
    """Says when the next request may go, and learns from each answer."""

    def acquire(self, key: str, now: datetime) -> timedelta:
        """Zero: go. Otherwise nothing was taken; ask again after this long."""

    def observe(self, key: str, headers: Mapping[str, str], now: datetime) -> None:
        """Take in the `ratelimit-*` headers (lower case) of an answer."""


class SharedLimiter:
    """The limiter all processes share, in `flights_ratelimit`. `now` is aware, UTC."""

    def acquire(self, key: str, now: datetime) -> timedelta:
        """Take one request of this window. Zero: go; otherwise how long until one may be free."""
        moments: dict[str, str | datetime] = {
            "key": key,
            "now": now,
            "window_end": now + WINDOW,
            "learning_end": now + LEARNING,
        }
        with connection.cursor() as cursor:
            # Taking twice: while this waited for the row, another process may have turned the window.
            for statement in (_TAKE, _TURN, _TAKE, _LEARN):
                cursor.execute(statement, moments)
                if cursor.rowcount == 1:
                    return GO
            cursor.execute("SELECT reset_at FROM flights_ratelimit WHERE key = %s", [key])
            row = cursor.fetchone()
        return max(row[0] - now, SHORTEST_WAIT) if row else SHORTEST_WAIT

    def observe(self, key: str, headers: Mapping[str, str], now: datetime) -> None:
        """Take in what an answer said; late news of a window that is over is ignored."""
        stated = read(headers)
        with connection.cursor() as cursor:
            if stated is None:
                cursor.execute(_NONE_STATED, {"key": key, "now": now})
            elif stated[2] > now:
                limit, remaining, reset = stated
                told: dict[str, str | int | datetime] = {
                    "key": key,
                    "limit": limit,
                    "remaining": remaining,
                    "reset": reset,
                    "now": now,
                }
                cursor.execute(_OBSERVE, told)


def read(headers: Mapping[str, str]) -> tuple[int, int, datetime] | None:
    """Limit, remaining and reset (aware, UTC) of an answer, or None when a header is missing or nonsense."""
    reset = reset_at(headers)
    try:
        limit, remaining = int(headers["ratelimit-limit"]), int(headers["ratelimit-remaining"])
    except (KeyError, ValueError):
        return None
    return (limit, max(remaining, 0), reset) if reset and limit > 0 else None


def reset_at(headers: Mapping[str, str]) -> datetime | None:
    """When the window ends: `ratelimit-reset` is an HTTP date, not a number of seconds."""
    try:
        moment = parsedate_to_datetime(headers["ratelimit-reset"])
    except (KeyError, ValueError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
