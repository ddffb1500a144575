"""Kill switches, read from the database before each step they stop: effective with the next step, within a second."""

import time
from datetime import datetime
from enum import StrEnum

from parkerflight.core.models import Switch


class Stop(StrEnum):
    """What can be stopped."""

    SEARCHES = "searches"
    BOOKINGS = "bookings"
    CAPTURES = "captures"


FRESH_SECONDS = 0.5  # a booking asks four times within a tenth of a second; half a second keeps «within a second» true
_seen: tuple[float, frozenset[str]] = (float("-inf"), frozenset())


def stopped(what: Stop) -> bool:
    """Whether an operator has stopped this part; known to every process within half a second."""
    global _seen  # noqa: PLW0603 - the last answer and when it was given
    if time.monotonic() - _seen[0] > FRESH_SECONDS:
        _seen = (time.monotonic(), frozenset(Switch.objects.filter(on=True).values_list("name", flat=True)))
    return what in _seen[1]


def turn(what: Stop, *, on: bool, reason: str, now: datetime) -> None:
    """Stop a part, or let it go on."""
    Switch.objects.update_or_create(name=what, defaults={"on": on, "reason": reason, "changed_at": now})
    forget()


def forget() -> None:
    """Ask the database at the next question."""
    global _seen  # noqa: PLW0603 - see above
    _seen = (float("-inf"), frozenset())
