"""People for the booking benchmark, made as the web role: `python -m parkerflight.ops.bench_people N MOMENT [FIRST]`."""

import sys
from datetime import date, datetime, timedelta
from uuid import UUID

import django

MOST = 280  # a day of departure each, so that nobody shares a search; Duffel sells about 330 days ahead


def main() -> None:
    """Print one account id a line; each account has an active campaign with a cell of its own."""
    django.setup()
    now = datetime.fromisoformat(sys.argv[2])
    first = int(sys.argv[3]) if len(sys.argv) > 3 else 0  # noqa: PLR2004 - the program, two arguments, and this one
    for number in range(first, first + int(sys.argv[1])):
        print(person(number, now))  # noqa: T201 - read by the benchmark


def person(number: int, now: datetime) -> UUID:
    """One account with a traveller, a card, a mandate and an active campaign whose cap any fare meets."""
    from parkerflight.accounts.operations import open_account
    from parkerflight.campaigns import operations as campaigns
    from parkerflight.campaigns.rules.criteria import Criteria
    from parkerflight.core.money import Money
    from parkerflight.payments import operations as payments
    from parkerflight.travelers.operations import add_traveler
    from parkerflight.travelers.values import Profile

    email = f"bench{number}@example.org"
    owner_id = open_account(email=email, now=now)
    someone = Profile(
        given_name="Bench", family_name="Mark", title="dr", gender="m", born_on=date(1980, 1, 1), email=email,
        phone="+442079460018",
    )  # fmt: skip
    traveler_id = add_traveler(owner_id=owner_id, profile=someone, now=now, actor=f"account:{owner_id}")
    card_id = payments.save_test_card(owner_id=owner_id, now=now)
    day = now.date() + timedelta(days=40 + number)
    criteria = Criteria(
        origins=("LHR",), destinations=("LIS",), departure_from=day, departure_to=day, nights_min=7, nights_max=7
    )
    cap = Money(900_000, "GBP")
    campaign_id = campaigns.create_campaign(
        owner_id=owner_id, criteria=criteria, traveler_ids=[traveler_id], cap=cap, card_id=card_id, now=now
    )
    mandate_id = payments.sign_mandate(
        owner_id=owner_id, card_id=card_id, cap=cap, includes="the fare", valid_until=now + timedelta(days=360), ip="",
        user_agent="bench", now=now,
    )  # fmt: skip
    campaigns.activate(owner_id=owner_id, campaign_id=campaign_id, mandate_id=mandate_id, now=now)
    return owner_id


if __name__ == "__main__":
    main()
