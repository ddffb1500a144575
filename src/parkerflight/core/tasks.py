"""Housekeeping of this room's tables."""

from parkerflight.core import clock, idempotency, jobs


@jobs.periodic("53 * * * * 11", "core.prune_idempotency")
def prune_idempotency() -> None:
    """Hourly: forget the keys of the day before yesterday."""
    while idempotency.prune(now=clock.now()):
        pass
