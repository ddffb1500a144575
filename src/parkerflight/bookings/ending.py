"""Ending an attempt without a booking; one commit with what its campaign does next."""

from datetime import datetime

from parkerflight.bookings import letters
from parkerflight.bookings.attempts import move
from parkerflight.bookings.machine import State
from parkerflight.bookings.models import BookingAttempt
from parkerflight.campaigns import operations as campaigns
from parkerflight.campaigns.operations import After
from parkerflight.core.tenancy import scope
from parkerflight.flights import wallet


def give_up(attempt: BookingAttempt, now: datetime, code: str, sentence: str, after: After) -> bool:
    """Settle the attempt; the campaign goes on searching, later or at once, or waits for the person, or ends."""
    with scope(attempt.owner_id):
        wallet.unreserve(attempt_id=attempt.id, now=now)
        move(attempt, State.RELEASED, now=now, reason=code[:60], sentence=sentence[:200], after=after)
        campaigns.release(
            owner_id=attempt.owner_id, match_id=attempt.match_id, now=now, reason=sentence[:200], after=after
        )
        if after is After.PERSON:
            letters.post(attempt, letters.Kind.ACT)
    return False
