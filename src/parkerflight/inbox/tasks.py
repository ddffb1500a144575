"""The inbox's own periodic jobs; hearing an event is another room's."""

from parkerflight.core import clock, jobs
from parkerflight.inbox import operations


@jobs.periodic("* * * * * */2", "inbox.wake")
def wake() -> None:
    """Every two seconds: queue events whose object was not known yet, and those whose hearing died."""
    operations.wake(now=clock.now())


@jobs.periodic("23 * * * * 41", "inbox.prune")
def prune() -> None:
    """Hourly: delete what was settled two months ago."""
    while operations.prune(now=clock.now()):
        pass
