"""Cards that end while a campaign may still run."""

from datetime import date, timedelta

import pytest

from parkerflight.campaigns import cards, operations, tasks
from parkerflight.campaigns.cards import Trip
from parkerflight.core.tenancy import scope
from parkerflight.notifications.content import unseal
from parkerflight.notifications.models import Message
from parkerflight.payments.models import Card
from parkerflight.vault.operations import Sealer


@pytest.fixture
def campaign(scenario):
    """A campaign that may run for 60 days more; the card's end is set by each test."""
    scenario.start()
    scenario.last_day = scenario.campaign.expires_at.date()
    return scenario


def ends(scenario, month_of, card_id=None):
    """Let the card end with the month of that day; returns its last day."""
    with scope(scenario.owner_id):
        row = Card.objects.get(id=card_id or scenario.card_id)
        row.expires_month, row.expires_year = month_of.month, month_of.year
        row.save()
    following = (month_of.replace(day=28) + timedelta(days=4)).replace(day=1)
    return following - timedelta(days=1)


def at(scenario, day):
    scenario.clock.set(scenario.clock.now().replace(year=day.year, month=day.month, day=day.day))
    return cards.foresee(now=scenario.clock.now())


def letters(scenario):
    with scope(scenario.owner_id):
        rows = list(Message.objects.order_by("created_at"))
        sealer = Sealer(scenario.owner_id)
        return [(row.event_key, unseal(sealer, row)) for row in rows]


class TestACardThatEndsBeforeItsCampaign:
    def test_is_told_of_thirty_and_seven_days_ahead_once_each(self, campaign):
        today = campaign.clock.now().date()
        last = ends(campaign, (today + timedelta(days=31)).replace(day=1))
        assert last < campaign.last_day
        days = [last - timedelta(days=ahead) for ahead in range(31, -2, -1)]
        told = [at(campaign, day) for day in days if day >= today]
        assert sum(told) == 2
        keys = [key for key, _ in letters(campaign)]
        assert keys == [f"card.expires:{campaign.card_id}:30", f"card.expires:{campaign.card_id}:7"]

    def test_names_the_card_the_day_the_trip_and_what_to_do(self, campaign):
        last = ends(campaign, campaign.clock.now().date())
        at(campaign, last - timedelta(days=6))
        [(_, letter)] = letters(campaign)
        assert letter.recipient == "owner@example.org"
        assert "4242" in letter.subject
        assert f"{last:%d %B %Y}" in letter.subject
        assert "LHR–LIS" in letter.text
        assert "could not be paid for" in letter.text
        assert f"/campaigns/{campaign.campaign_id}" in letter.text
        assert "Choose another card" in letter.html

    def test_gets_the_last_call_only_when_the_first_was_missed(self, campaign):
        last = ends(campaign, campaign.clock.now().date())
        assert at(campaign, last - timedelta(days=2)) == 1
        assert [key for key, _ in letters(campaign)] == [f"card.expires:{campaign.card_id}:7"]

    def test_is_told_to_nobody_else(self, campaign, stranger):
        last = ends(campaign, campaign.clock.now().date())
        at(campaign, last - timedelta(days=6))
        with scope(stranger):
            assert not Message.objects.exists()


class TestNobodyIsTold:
    def test_when_the_campaign_is_over_before_the_card(self, campaign):
        ends(campaign, campaign.last_day)
        assert at(campaign, campaign.last_day - timedelta(days=5)) == 0

    def test_when_the_campaign_does_not_search(self, campaign):
        last = ends(campaign, campaign.clock.now().date())
        with campaign.as_role("web"):
            operations.stop(
                owner_id=campaign.owner_id, campaign_id=campaign.campaign_id, status="paused", reason="",
                now=campaign.clock.now(),
            )  # fmt: skip
        assert at(campaign, last - timedelta(days=6)) == 0

    def test_when_the_card_belongs_to_no_campaign(self, campaign):
        with campaign.as_role("web"):
            other = campaign.save("pm_card_mastercard")
        last = ends(campaign, campaign.clock.now().date(), other)
        assert at(campaign, last - timedelta(days=6)) == 0


class TestASecondCard:
    def start(self, scenario):
        scenario.start(second_card="pm_card_mastercard")
        with scope(scenario.owner_id):
            return Card.objects.get(last4="4444").id

    def test_that_works_on_is_named_instead_of_an_alarm(self, scenario):
        self.start(scenario)
        last = ends(scenario, scenario.clock.now().date())
        at(scenario, last - timedelta(days=6))
        [(_, letter)] = letters(scenario)
        assert "second card ending in 4444 is charged instead" in letter.text
        assert "could not be paid for" not in letter.text

    def test_that_ends_too_helps_nobody(self, scenario):
        second = self.start(scenario)
        last = ends(scenario, scenario.clock.now().date())
        ends(scenario, scenario.clock.now().date(), second)
        assert at(scenario, last - timedelta(days=6)) == 2
        assert all("could not be paid for" in letter.text for _, letter in letters(scenario))

    def test_that_ends_alone_is_told_of_as_the_second(self, scenario):
        last = ends(scenario, scenario.clock.now().date(), self.start(scenario))
        at(scenario, last - timedelta(days=6))
        [(_, letter)] = letters(scenario)
        assert "this is its second card" in letter.text
        assert "the card ending in 4242 alone" in letter.text


class TestTheDailyJob:
    def test_does_it_and_says_how_many(self, campaign, caplog):
        last = ends(campaign, campaign.clock.now().date())
        campaign.clock.set(campaign.clock.now().replace(day=last.day) - timedelta(days=3))
        with caplog.at_level("INFO"):
            tasks.foresee_cards(0)
        assert "letters about cards that end: 1" in caplog.text


class TestTheLetter:
    def test_names_every_trip(self):
        trips = [
            Trip(one, route, date(2027, 3, 1), second=False, spare_last4="") for one, route in ((1, "A–B"), (2, "C–D"))
        ]
        letter = cards.write("4242", date(2026, 12, 31), trips)
        assert "A–B, until 01 March 2027" in letter.text
        assert "C–D" in letter.text
