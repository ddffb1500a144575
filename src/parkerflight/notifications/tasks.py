"""Jobs of this room."""

import logging
from uuid import UUID

from parkerflight.core import clock, jobs
from parkerflight.notifications import operations

log = logging.getLogger(__name__)


@jobs.task("notifications.deliver")
def deliver(*, message_id: str) -> None:
    """Send one message."""
    operations.deliver(message_id=UUID(message_id), now=clock.now())


# Three times a minute: with the lease of a minute, a message whose sender died is on its way again within 80 seconds.
@jobs.periodic("* * * * * */20", "notifications.sweep")
def sweep() -> None:
    """Find messages that got stuck and queue them again."""
    found = operations.sweep(now=clock.now())
    if found:
        log.warning("%d stuck messages queued again", found)
