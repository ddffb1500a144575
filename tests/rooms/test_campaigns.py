"""What a campaign refuses, and that a refusal leaves nothing behind."""

from datetime import timedelta

import pytest
from tests.scenario import AMELIA, BRUNO

from parkerflight.campaigns import operations as campaigns
from parkerflight.campaigns import watching
from parkerflight.campaigns.models import Campaign, Look
from parkerflight.core.errors import BadInput, NotFound, ParkerError
from parkerflight.core.money import Money
from parkerflight.core.tenancy import scope


def _rows(admin) -> tuple[int, ...]:
    tables = ("campaigns_campaign", "campaigns_campaigncell", "campaigns_cell", "audit_entry", "procrastinate_jobs")
    return tuple(admin.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables)


class TestANewCampaign:
    @pytest.mark.parametrize(
        ("change", "word"),
        [
            ({"destinations": ("LHR",)}, "LHR"),
            ({"destinations": ("QQQ",)}, "QQQ"),
            ({"days_ahead": -30}, "is over"),
            ({"days_ahead": 800}, ""),
            ({"adults": 0, "minor_ages": (1,)}, "adult"),
            ({"adults": 1, "minor_ages": (1, 0)}, "infant"),
            ({"adults": 12}, ""),
            ({"nights_min": 9, "nights_max": 2}, ""),
        ],
    )
    def test_is_refused_with_words_that_help_and_leaves_nothing(self, scenario, admin, change, word):
        scenario.start()
        before = _rows(admin)
        change = dict(change)
        first = scenario.clock.now().date() + timedelta(days=change.pop("days_ahead", 60))
        with scenario.as_role("web"), pytest.raises(BadInput) as refusal:
            campaigns.create_campaign(
                owner_id=scenario.owner_id,
                criteria=scenario.criteria(departure_from=first, departure_to=first, **change),
                traveler_ids=scenario.traveler_ids,
                cap=Money(50_000, "GBP"),
                card_id=scenario.card_id,
                now=scenario.clock.now(),
            )
        assert word.lower() in str(refusal.value).lower()
        assert refusal.value.field
        assert _rows(admin) == before

    @pytest.mark.parametrize("cap", [0, -1])
    def test_needs_a_cap_above_zero(self, scenario, admin, cap):
        scenario.start()
        before = _rows(admin)
        with scenario.as_role("web"), pytest.raises(BadInput, match="more than zero"):
            campaigns.create_campaign(
                owner_id=scenario.owner_id,
                criteria=scenario.criteria(),
                traveler_ids=scenario.traveler_ids,
                cap=Money(cap, "GBP"),
                card_id=scenario.card_id,
                now=scenario.clock.now(),
            )
        assert _rows(admin) == before

    def test_needs_the_travellers_it_searches_for(self, scenario):
        scenario.start()
        with scenario.as_role("web"), pytest.raises(BadInput, match="travellers"):
            campaigns.create_campaign(
                owner_id=scenario.owner_id,
                criteria=scenario.criteria(adults=2),
                traveler_ids=scenario.traveler_ids,
                cap=Money(50_000, "GBP"),
                card_id=scenario.card_id,
                now=scenario.clock.now(),
            )

    def test_cannot_take_a_strangers_traveller(self, scenario, stranger):
        scenario.start()
        with scenario.as_role("web"), pytest.raises(NotFound):
            campaigns.create_campaign(
                owner_id=stranger,
                criteria=scenario.criteria(),
                traveler_ids=scenario.traveler_ids,
                cap=Money(50_000, "GBP"),
                card_id=scenario.card_id,
                now=scenario.clock.now(),
            )

    def test_cannot_start_under_a_mandate_for_less(self, scenario):
        scenario.start(cap=Money(20_000, "GBP"))
        with scenario.as_role("web"):
            other = campaigns.create_campaign(
                owner_id=scenario.owner_id,
                criteria=scenario.criteria(),
                traveler_ids=scenario.traveler_ids,
                cap=Money(20_001, "GBP"),
                card_id=scenario.card_id,
                now=scenario.clock.now(),
            )
            with pytest.raises(ParkerError):
                campaigns.activate(
                    owner_id=scenario.owner_id,
                    campaign_id=other,
                    mandate_id=scenario.campaign.mandate_id,
                    now=scenario.clock.now(),
                )


class TestWatching:
    def test_searches_a_cell_once_for_all_campaigns_that_want_it(self, scenario, companion):
        scenario.start(cap=Money(100, "GBP"))
        type(scenario)(companion, scenario.as_role, scenario.clock, scenario.stripe, scenario.duffel).start(
            cap=Money(100, "GBP"), profiles=(BRUNO,)
        )
        assert scenario.match() is None
        assert scenario.duffel.ledger()["searches"] == 1
        assert Look.objects.count() == 1

    def test_gives_two_campaigns_that_matched_one_search_a_ticket_each_from_two_searches(self, scenario, companion):
        scenario.start()
        other = type(scenario)(companion, scenario.as_role, scenario.clock, scenario.stripe, scenario.duffel)
        other.start(profiles=(BRUNO,))
        from parkerflight.bookings import tasks

        for _ in range(3):
            for key in watching.claim_due_cells(now=scenario.clock.now(), budget=10):
                tasks.look(cell_key=key)
            for one in (scenario, other):
                for attempt in one.attempts:
                    one.drive(attempt["id"])
        assert [scenario.campaign.status, other.campaign.status] == ["completed", "completed"]
        assert sum(order["tickets"] for order in scenario.duffel.ledger()["orders"]) == 2

    def test_looks_again_only_after_the_interval(self, scenario):
        scenario.start(cap=Money(100, "GBP"))
        scenario.match()
        assert watching.claim_due_cells(now=scenario.clock.advance(hours=5), budget=10) == []
        assert len(watching.claim_due_cells(now=scenario.clock.advance(hours=1), budget=10)) == 1

    def test_gives_a_cell_to_one_worker_only(self, scenario):
        scenario.start()
        now = scenario.clock.now()
        assert len(watching.claim_due_cells(now=now, budget=10)) == 1
        assert watching.claim_due_cells(now=now, budget=10) == []

    def test_survives_a_storm_of_429_and_goes_on(self, scenario):
        scenario.duffel.fault(route="POST /air/offer_requests", nth=1, times=5, action="rate_limit")
        scenario.start(cap=Money(100, "GBP"))
        for _ in range(12):
            scenario.match()
            scenario.clock.advance(minutes=3)
        assert Look.objects.filter(error="").exists()
        assert scenario.campaign.status == "active"

    def test_survives_broken_json_and_says_so_in_the_ledger_of_looks(self, scenario):
        scenario.duffel.fault(route="POST /air/offer_requests", nth=1, action="malformed")
        scenario.start(cap=Money(100, "GBP"))
        scenario.match()
        scenario.clock.advance(hours=7)
        scenario.match()
        assert Look.objects.filter(error="").exists()
        assert scenario.campaign.status == "active"


class TestACampaign:
    def test_pauses_and_goes_on_under_its_mandate(self, scenario):
        scenario.start(cap=Money(100, "GBP"))
        with scenario.as_role("web"):
            campaigns.stop(
                owner_id=scenario.owner_id,
                campaign_id=scenario.campaign_id,
                status="paused",
                reason="",
                now=scenario.clock.now(),
            )
        assert scenario.match() is None
        assert scenario.duffel.ledger()["searches"] == 0
        with scenario.as_role("web"):
            campaigns.activate(
                owner_id=scenario.owner_id,
                campaign_id=scenario.campaign_id,
                mandate_id=scenario.campaign.mandate_id,
                now=scenario.clock.now(),
            )
        scenario.match()
        assert scenario.duffel.ledger()["searches"] == 1

    def test_ends_after_its_last_day_and_is_searched_no_more(self, scenario):
        scenario.start(cap=Money(100, "GBP"))
        now = scenario.clock.advance(days=62)
        assert watching.claim_due_cells(now=now, budget=10) == []
        assert campaigns.expire_due(now=now) == 1
        assert campaigns.expire_due(now=now) == 0
        assert scenario.campaign.status == "expired"

    def test_has_a_cap_that_no_serving_role_can_raise_above_what_was_signed(self, scenario):
        from django.db.utils import IntegrityError, ProgrammingError

        scenario.start(cap=Money(100, "GBP"))
        refusals = {"web": (IntegrityError, "above its mandate"), "worker": (ProgrammingError, "permission denied")}
        for role, (error, why) in refusals.items():
            with scenario.as_role(role), pytest.raises(error, match=why), scope(scenario.owner_id):
                Campaign.objects.update(cap_minor=1_000_000)

    def test_takes_a_higher_cap_only_with_a_new_mandate(self, scenario):
        scenario.start(cap=Money(20_000, "GBP"))
        ids = {"owner_id": scenario.owner_id, "campaign_id": scenario.campaign_id}
        now = scenario.clock.now()
        with scenario.as_role("web"):
            campaigns.change_cap(**ids, cap=Money(15_000, "GBP"), now=now)
            with pytest.raises(BadInput, match="agreement"):
                campaigns.change_cap(**ids, cap=Money(30_000, "GBP"), now=now)
            assert scenario.campaign.cap == Money(15_000, "GBP")
            mandate = scenario.sign(Money(30_000, "GBP"))
            campaigns.change_cap(**ids, cap=Money(30_000, "GBP"), mandate_id=mandate, now=now)
        assert scenario.campaign.cap == Money(30_000, "GBP")
        assert scenario.campaign.mandate_id == mandate

    def test_keeps_the_wish_to_stop_while_a_fare_is_booked(self, scenario):
        attempt = scenario.start().match()
        ids = {"owner_id": scenario.owner_id, "campaign_id": scenario.campaign_id}
        with scenario.as_role("web"):
            stands = campaigns.stop(**ids, status="paused", reason="", now=scenario.clock.now())
        assert not stands
        assert scenario.campaign.wish == "paused"
        assert scenario.drive(attempt) == "released"
        assert (scenario.campaign.status, scenario.campaign.wish) == ("paused", "")
        scenario.assert_settled(tickets=0)

    def test_is_not_found_by_a_stranger(self, scenario, stranger):
        scenario.start(profiles=(AMELIA,))
        from parkerflight.campaigns import queries

        with pytest.raises(NotFound):
            queries.campaign(stranger, scenario.campaign_id)
        with scope(stranger):
            assert not Campaign.objects.exists()
        assert Campaign.objects.count() == 1, "without a scope the worker finds what is due"
