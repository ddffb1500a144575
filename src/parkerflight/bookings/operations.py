"""Claiming a match and driving its attempt, state by state, until it is settled or has to wait."""

import logging
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import transaction
from django.db.utils import InterfaceError, OperationalError

from parkerflight.bookings import attempts, ending, holding, jobs, letters, steps
from parkerflight.bookings.machine import SETTLED, State
from parkerflight.bookings.models import BookingAttempt
from parkerflight.campaigns import operations as campaigns
from parkerflight.campaigns.operations import ClaimedMatch
from parkerflight.core.errors import OutcomeUnknown, ParkerError, Retryable
from parkerflight.core.fault_points import fault_point
from parkerflight.core.switches import Stop, stopped
from parkerflight.core.tenancy import scope

log = logging.getLogger(__name__)
BEFORE_MONEY = frozenset({State.PREPARED, State.AUTHORISED, State.REPRICING})  # nothing is bought, nothing unknown
OUT_OF_REACH = (
    "A fare fitted, but the airline's system did not answer in time; nothing was charged, the search goes on."
)
MOST_STEPS = 40  # the longest walk, with a hold and three price moves, has under thirty; more is a bug, not a booking
UNFORESEEN_TRIES = 3  # half an hour of the same surprise is for a person to look at
SLOWEST = timedelta(minutes=10)  # retries grow to this: well inside a hold of 4 days, gentle to a vendor in trouble


def begin(*, owner_id: UUID, match_id: UUID, now: datetime) -> UUID | None:
    """Claim a match and open its attempt; one commit. None when the match is gone or its offer is taken."""
    if stopped(Stop.BOOKINGS):
        return None
    with scope(owner_id):
        match = campaigns.claim_match(owner_id=owner_id, match_id=match_id, now=now)
        if match is None:
            return None
        if not _free(match.offer_request_id):
            transaction.set_rollback(True)
        else:
            return _open(match, now)
    with scope(owner_id):
        campaigns.drop_match(owner_id=owner_id, match_id=match_id, now=now)
    return None


def _free(offer_request_id: str) -> bool:
    """Whether no attempt used this offer or its search before. Another person's attempt may be invisible here; then the
    unique constraint refuses and the job is tried again.
    """
    return not BookingAttempt.objects.filter(offer_request_id=offer_request_id).exists()


def _open(match: ClaimedMatch, now: datetime) -> UUID:
    attempt = BookingAttempt.objects.create(
        id=uuid4(),
        owner_id=match.owner_id,
        campaign_id=match.campaign_id,
        match_id=match.id,
        offer_id=match.offer_id,
        offer_request_id=match.offer_request_id,
        total_minor=match.total.minor,
        currency=match.total.currency,
        offer_expires_at=match.offer_expires_at,
        due_at=now + attempts.NUDGE,
        created_at=now,
        updated_at=now,
    )
    attempts.begin_event(attempt, now)
    jobs.advance_soon(attempt.id)
    return attempt.id


def advance(*, attempt_id: UUID, now: datetime) -> State | None:
    """Walk on from the attempt's recovery point until it is settled or must wait. None when it is settled already.

    May run twice, at once or after a crash anywhere: every step claims its move, and no order is ever posted again.
    """
    fault_point("bookings.advance")
    attempt = attempts.find(attempt_id)
    if attempt is None:
        return None
    for _ in range(MOST_STEPS):
        # The object is carried from step to step: a move that somebody else made first fails by its condition.
        before = attempt.state
        if before in SETTLED:
            return None
        if not _step(attempt, now):
            return State(attempt.state)
        log.info("attempt %s: %s to %s", attempt.id, before, attempt.state)
        fault_point(f"bookings.after_{attempt.state}")
    raise ParkerError("attempt_loops", "an attempt took more steps than any walk of the machine has")


def _step(attempt: BookingAttempt, now: datetime) -> bool:
    """One step; True when the attempt moved and may go on at once."""
    try:
        return steps.STEPS[State(attempt.state)](attempt, now)
    except attempts.Overtaken:
        log.info("attempt %s is driven by somebody else", attempt.id)
        return False
    except (Retryable, OutcomeUnknown) as error:
        if attempt.state in BEFORE_MONEY and not attempt.order_id and holding.too_late(attempt, now):
            return _out_of_reach(attempt, now)
        # Both leave the state: the same stored request goes out again, or the step asks what became of it.
        grown = timedelta(seconds=getattr(error, "after", 5.0)) * 2 ** min(attempt.tries, 8)
        attempts.wait(attempt, now=now, delay=min(grown, SLOWEST), reason=error.code)
        log.warning("attempt %s waits in %s: %s", attempt.id, attempt.state, error.code)
        return False
    except (OperationalError, InterfaceError):
        raise  # the database was away: the job is run again, and finds what was committed
    except Exception as error:
        # Nobody foresaw this: keep money and ticket as they are, come back seldom, and call for a person.
        code = error.code if isinstance(error, ParkerError) else type(error).__name__
        attempts.wait(attempt, now=now, delay=SLOWEST, reason=code[:60], human=attempt.tries >= UNFORESEEN_TRIES)
        log.exception("attempt %s is stuck in %s", attempt.id, attempt.state)
        return False


def _out_of_reach(attempt: BookingAttempt, now: datetime) -> bool:
    """The provider did not answer within the fare's life: let go, and tell the person how to buy it by hand."""
    with scope(attempt.owner_id):
        letters.post(attempt, letters.Kind.OUT_OF_REACH)
        if attempt.state == State.PREPARED:
            ending.give_up(attempt, now, "fare_out_of_reach", OUT_OF_REACH, campaigns.After.SEARCH)
            return False
        return attempts.refuse(
            attempt, now, reason="fare_out_of_reach", sentence=OUT_OF_REACH, after=campaigns.After.SEARCH
        )


def due(now: datetime, limit: int = 50) -> list[UUID]:
    """Attempts somebody must look at now."""
    rows = BookingAttempt.objects.filter(due_at__lte=now).order_by("due_at")[:limit]
    return [row.id for row in rows]
