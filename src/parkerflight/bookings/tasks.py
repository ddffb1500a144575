"""The worker's jobs: ids in, one operation called."""

import logging
from uuid import UUID

from django.db import IntegrityError, transaction

from parkerflight.bookings import cancelling, changes, completion, hearing, operations, telling, tickets
from parkerflight.bookings.jobs import accept_soon, advance_soon, cancel_soon
from parkerflight.bookings.letters import Kind
from parkerflight.campaigns import operations as campaigns
from parkerflight.campaigns import watching
from parkerflight.core import clock, jobs
from parkerflight.core.switches import Stop, stopped

log = logging.getLogger(__name__)
SEARCHES_A_TICK = 20  # one worker's eight threads are busy for seconds with these; more would only wait in the queue


@jobs.periodic("* * * * * *", "bookings.watch")
def watch() -> None:
    """Every second: claim the cells that are due, queue a look at each, in one commit."""
    if stopped(Stop.SEARCHES):
        return
    with transaction.atomic():
        for key in watching.claim_due_cells(now=clock.now(), budget=SEARCHES_A_TICK):
            jobs.defer(look, cell_key=key)


@jobs.task("bookings.look", queue="looks")
def look(*, cell_key: str) -> None:
    """Search one cell; claim what matched."""
    for owner_id, match_id in watching.look(cell_key=cell_key, now=clock.now()):
        _begin(owner_id, match_id)


@jobs.periodic("* * * * * */2", "bookings.sweep")
def sweep() -> None:
    """Every two seconds: go on with what is due, and with matches that a crash left unclaimed."""
    now = clock.now()
    campaigns.expire_due(now=now)
    for owner_id, match_id in watching.waiting_matches():
        _begin(owner_id, match_id)
    for attempt_id in operations.due(now):
        advance_soon(attempt_id)
    for owner_id, cancellation_id in cancelling.due(now):
        cancel_soon(owner_id, cancellation_id)
    for owner_id, change_id in changes.accepting():
        accept_soon(owner_id, change_id)


def _begin(owner_id: UUID, match_id: UUID) -> None:
    try:
        operations.begin(owner_id=owner_id, match_id=match_id, now=clock.now())
    except IntegrityError:
        # Another person's attempt holds this search; ours is not visible to us, the constraint is.
        campaigns.drop_match(owner_id=owner_id, match_id=match_id, now=clock.now())


@jobs.task("bookings.advance", queue="bookings")
def advance(*, attempt_id: str) -> None:
    """Drive one attempt on from its recovery point."""
    operations.advance(attempt_id=UUID(attempt_id), now=clock.now())


@jobs.task("bookings.confirm", queue="bookings")
def confirm(*, owner_id: str, attempt_id: str) -> None:
    """Tell the person that their trip is booked and paid."""
    completion.confirm(owner_id=UUID(owner_id), attempt_id=UUID(attempt_id), now=clock.now())


@jobs.task("bookings.tell", queue="bookings")
def tell(*, owner_id: str, subject_id: str, kind: str) -> None:
    """Write the person a letter about an attempt, a cancellation or a change."""
    telling.tell(owner_id=UUID(owner_id), subject_id=UUID(subject_id), kind=Kind(kind), now=clock.now())


@jobs.task("bookings.cancel", queue="bookings")
def cancel(*, owner_id: str, cancellation_id: str) -> None:
    """Go on with a cancellation the person confirmed."""
    cancelling.advance(owner_id=UUID(owner_id), cancellation_id=UUID(cancellation_id), now=clock.now())


@jobs.task("bookings.accept_change", queue="bookings")
def accept_change(*, owner_id: str, change_id: str) -> None:
    """Tell the airline that the person accepts its change."""
    changes.carry_out(owner_id=UUID(owner_id), change_row_id=UUID(change_id), now=clock.now())


@jobs.task("bookings.hear", queue="bookings")
def hear(*, event_id: int) -> None:
    """Act on one stored webhook."""
    hearing.hear(event_id=event_id, now=clock.now())


@jobs.periodic("*/10 * * * *", "bookings.chase")
def chase() -> None:
    """Every ten minutes: documents that are late, changes whose webhook got lost."""
    now = clock.now()
    for owner_id, attempt_id in tickets.still_missing(now):
        tickets.chase(owner_id=owner_id, attempt_id=attempt_id)
    changes.poll(now)
