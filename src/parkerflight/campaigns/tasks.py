"""Jobs of this room."""

import logging

from parkerflight.campaigns import cards
from parkerflight.core import clock, jobs

log = logging.getLogger(__name__)


# Early in the day, UTC: the letter is there when Europe reads its mail.
@jobs.periodic("30 6 * * * 0", "campaigns.foresee_cards")
def foresee_cards() -> None:
    """Once a day: tell people whose card ends while a campaign may still run."""
    told = cards.foresee(now=clock.now())
    if told:
        log.info("letters about cards that end: %d", told)
