"""Kill switches, read from the database before each step they stop: effective with the next step, within a second."""

import time
from datetime import datetime
from enum import StrEnum

from parkerflight.core.errors import Retryable
from parkerflight.core.models import Switch


class Stop(StrEnum):
    """What can be stopped."""

    SEARCHES = "searches"
    BOOKINGS = "bookings"
    CAPTURES = "captures"
    READ_ONLY = "read_only"
    """Everything that writes on a person's or our own initiative: all of the above, and what people ask for.

    What vendors tell us is still stored and heard: it is news, not a wish.
    """


FRESH_SECONDS = 0.5  # a booking asks four times within a tenth of a second; half a second keeps «within a second» true
LONGEST_REASON = 200  # characters; what the table holds
RETRY_SECONDS = 60.0  # an operator's break lasts minutes; asking more often helps nobody
_seen: tuple[float, frozenset[str]] = (float("-inf"), frozenset())


def stopped(what: Stop) -> bool:
    """Whether an operator has stopped this part, or everything; known to every process within half a second."""
    global _seen  # noqa: PLW0603 - the last answer and when it was given
    if time.monotonic() - _seen[0] > FRESH_SECONDS:
        _seen = (time.monotonic(), frozenset(Switch.objects.filter(on=True).values_list("name", flat=True)))
    return what in _seen[1] or Stop.READ_ONLY in _seen[1]


def require_writable() -> None:
    """Raises Retryable while the system is read-only."""
    if stopped(Stop.READ_ONLY):
        raise Retryable("read_only", "We are only showing things just now. Try again in a minute.", after=RETRY_SECONDS)


def turn(what: Stop, *, on: bool, reason: str, now: datetime) -> None:
    """Stop a part, or let it go on."""
    Switch.objects.update_or_create(name=what, defaults={"on": on, "reason": reason, "changed_at": now})
    forget()


def forget() -> None:
    """Ask the database at the next question."""
    global _seen  # noqa: PLW0603 - see above
    _seen = (float("-inf"), frozenset())
