"""Every way a booking can go beside the main line: holds, the cardholder, second cards, prices that move, outages, people."""

import pytest
from tests.scenario import PLENTY

from parkerflight.bookings import customer, deciding, telling
from parkerflight.bookings import operations as bookings
from parkerflight.bookings.letters import Kind
from parkerflight.bookings.models import BookingAttempt
from parkerflight.campaigns import operations as campaigns
from parkerflight.core.errors import BadInput
from parkerflight.core.money import Money
from parkerflight.core.switches import Stop, turn
from parkerflight.core.tenancy import scope
from parkerflight.payments import queries as payment_queries

HOLDABLE = {"origins": ("JFK",), "destinations": ("EWR",), "nights_min": None, "nights_max": None}
WANTS_HOLDER = "pm_card_authenticationRequired"
DECLINES = "pm_card_chargeDeclinedInsufficientFunds"


def attempt_of(scenario):
    with scope(scenario.owner_id):
        return BookingAttempt.objects.latest("created_at")


def step(scenario, attempt, **time):
    scenario.clock.advance(**time) if time else None
    bookings.advance(attempt_id=attempt, now=scenario.clock.now())
    return scenario.state(attempt)


def ids(scenario):
    return {"owner_id": scenario.owner_id, "campaign_id": scenario.campaign_id}


def letters(scenario, admin):
    return {row[0].split(":")[0] for row in admin.execute("SELECT event_key FROM notifications_message").fetchall()} | {
        row[0]
        for row in admin.execute(
            "SELECT args->>'kind' FROM procrastinate_jobs WHERE task_name = 'bookings.tell'"
        ).fetchall()
    }


class TestAVetoWindow:
    def test_holds_the_seats_and_buys_when_nobody_says_no(self, scenario, admin):
        attempt = scenario.start(veto_hours=6, **HOLDABLE).match()
        assert step(scenario, attempt) == "held"
        assert scenario.stripe.ledger()["payment_intents"] == [], "no money is touched while the person may say no"
        assert Kind.VETO in letters(scenario, admin)
        assert step(scenario, attempt, hours=5) == "held"
        assert step(scenario, attempt, hours=2) == "completed"
        scenario.assert_money_is_ticket()

    def test_lets_the_seats_go_when_the_person_says_no(self, scenario):
        attempt = scenario.start(veto_hours=6, **HOLDABLE).match()
        step(scenario, attempt)
        with scenario.as_role("web"):
            campaigns.skip_fare(**ids(scenario), now=scenario.clock.now())
        assert step(scenario, attempt, minutes=1) == "released"
        assert scenario.campaign.status == "active"
        assert [one["status"] for one in scenario.duffel.ledger()["orders"]] == ["cancelled"]
        scenario.assert_settled(tickets=0)

    def test_does_not_keep_a_fare_that_must_be_paid_at_once(self, scenario):
        scenario.start(veto_hours=6).book()
        scenario.assert_money_is_ticket()


class TestABankThatWantsTheCardholder:
    def test_gets_them_while_the_airline_holds_the_seats(self, scenario, admin):
        attempt = scenario.start(card=WANTS_HOLDER, **HOLDABLE).match()
        assert step(scenario, attempt) == "needs_customer"
        assert Kind.CONFIRM in letters(scenario, admin)
        with scenario.as_role("web"):
            page = customer.to_confirm(owner_id=scenario.owner_id, attempt_id=attempt, now=scenario.clock.now())
        assert page.client_secret
        assert page.client_secret not in repr(page)
        assert page.charge <= page.cap
        assert step(scenario, attempt, minutes=6) == "needs_customer"
        self.confirm_at_the_bank(scenario, attempt)
        assert step(scenario, attempt, minutes=6) == "completed"
        scenario.assert_money_is_ticket()

    def test_gives_the_seats_back_when_nobody_confirms(self, scenario):
        attempt = scenario.start(card=WANTS_HOLDER, **HOLDABLE).match()
        step(scenario, attempt)
        assert step(scenario, attempt, hours=25) == "released"
        assert scenario.campaign.status == "action_required"
        assert "confirmed in time" in scenario.campaign.reason
        scenario.assert_settled(tickets=0)
        assert {one["status"] for one in scenario.stripe.ledger()["payment_intents"]} == {"canceled"}

    def test_cannot_have_them_for_a_fare_that_cannot_wait(self, scenario):
        attempt = scenario.start(card=WANTS_HOLDER).match()
        assert scenario.drive(attempt) == "released"
        assert scenario.campaign.status == "action_required"
        assert "confirm" in scenario.campaign.reason
        scenario.assert_settled(tickets=0)
        with pytest.raises(BadInput, match="nothing to confirm"):
            customer.to_confirm(owner_id=scenario.owner_id, attempt_id=attempt, now=scenario.clock.now())

    def test_is_remembered_so_that_the_next_fare_is_held_first(self, scenario):
        scenario.drive(scenario.start(card=WANTS_HOLDER).match())
        with scope(scenario.owner_id):
            assert payment_queries.card_state(scenario.owner_id, scenario.card_id).needs_customer

    def confirm_at_the_bank(self, scenario, attempt):
        with scope(scenario.owner_id):
            payment_id = BookingAttempt.objects.get(id=attempt).payment_id
        payment = payment_queries.payment(scenario.owner_id, payment_id)
        intent, card = payment.intent, payment_queries.card(scenario.owner_id, payment.card_id).reference
        scenario.stripe.http.post(
            f"/v1/payment_intents/{intent}/confirm",
            data={"payment_method": card},
            headers={"Authorization": "Bearer sk_test_browser"},
        ).raise_for_status()
        path = f"/_sandbox/payment_intents/{intent}/authenticate"
        scenario.stripe.http.post(path, json={"outcome": "success"}).raise_for_status()


class TestASecondCard:
    def test_pays_when_the_first_is_declined(self, scenario):
        attempt = scenario.start(card="pm_card_chargeCustomerFail", second_card="pm_card_mastercard").match()
        assert scenario.drive(attempt) == "completed"
        scenario.assert_money_is_ticket()
        states = [one["status"] for one in scenario.stripe.ledger()["payment_intents"]]
        assert sorted(states) == ["canceled", "succeeded"], "the declined try cannot be charged any more"

    def test_that_is_declined_too_ends_the_try(self, scenario):
        card = "pm_card_chargeCustomerFail"
        attempt = scenario.start(card=card, second_card=card).match()
        assert scenario.drive(attempt) == "released"
        scenario.assert_settled(tickets=0)


class TestAPriceThatMoves:
    def test_within_the_cap_is_authorised_anew_and_bought(self, scenario):
        scenario.duffel.account(price_change_rate=1)
        attempt = scenario.start().match()
        assert scenario.drive(attempt) == "completed"
        scenario.assert_money_is_ticket()
        states = [one["status"] for one in scenario.stripe.ledger()["payment_intents"]]
        assert states.count("succeeded") == 1
        assert set(states) <= {"succeeded", "canceled"}

    def test_above_the_cap_lets_the_money_go_and_says_so(self, scenario):
        scenario.start()
        attempt = scenario.match()
        scenario.drive(attempt)
        price = scenario.trips[0].total
        assert price < PLENTY

    def test_three_times_is_not_chased_further(self, scenario):
        attempt = scenario.start(origins=("LHR",), destinations=("STN",), nights_min=None, nights_max=None).match()
        assert scenario.drive(attempt) == "released"
        assert scenario.attempts[0]["reason"] in {"price_keeps_moving", "above_cap"}
        scenario.assert_settled(tickets=0)


class TestAnOutage:
    def test_of_the_bank_makes_the_airline_hold_the_seats_meanwhile(self, scenario):
        scenario.stripe.fault(route="POST /v1/payment_intents", nth=1, times=3, action="close_before")
        attempt = scenario.start(**HOLDABLE).match()
        states = {step(scenario, attempt, seconds=20) for _ in range(4)}
        assert states & {"held", "authorising"}
        assert scenario.drive(attempt, patience=20) == "completed"
        scenario.assert_money_is_ticket()

    def test_of_the_bank_past_the_fares_life_tells_the_person_how_to_buy_it(self, scenario, admin):
        scenario.stripe.fault(route="POST /v1/payment_intents", nth=1, times=500, action="close_before")
        attempt = scenario.start().match()
        for _ in range(30):
            if scenario.state(attempt) == "released":
                break
            step(scenario, attempt, minutes=3)
        assert scenario.state(attempt) == "released"
        assert Kind.OUT_OF_REACH in letters(scenario, admin)
        assert scenario.campaign.status == "active"
        scenario.assert_settled(tickets=0)

    def test_of_the_airline_past_the_fares_life_tells_the_person_too(self, scenario, admin):
        attempt = scenario.start().match()
        scenario.duffel.fault(route="GET /air/offers/*", nth=1, times=500, action="status", status=503)
        for _ in range(30):
            if scenario.state(attempt) == "released":
                break
            step(scenario, attempt, minutes=3)
        assert scenario.state(attempt) == "released"
        assert Kind.OUT_OF_REACH in letters(scenario, admin)
        assert scenario.stripe.ledger()["payment_intents"] == []


class TestAStopFromThePerson:
    def test_before_the_order_is_sent_buys_nothing(self, scenario):
        attempt = scenario.start().match()
        with scenario.as_role("web"):
            campaigns.stop(**ids(scenario), status="cancelled", reason="", now=scenario.clock.now())
        assert scenario.drive(attempt) == "released"
        assert scenario.campaign.status == "cancelled"
        scenario.assert_settled(tickets=0)

    def test_after_the_order_is_sent_comes_too_late_and_the_trip_is_theirs(self, scenario):
        wish = {"mode": 202, "settle_seconds": 120}
        scenario.duffel.http.post("/_sandbox/orders_mode", json=wish).raise_for_status()
        attempt = scenario.start().match()
        assert step(scenario, attempt) == "unknown"
        with scenario.as_role("web"):
            campaigns.stop(**ids(scenario), status="cancelled", reason="", now=scenario.clock.now())
        assert scenario.drive(attempt) == "completed"
        assert (scenario.campaign.status, scenario.campaign.wish) == ("completed", "")
        scenario.assert_money_is_ticket()

    def test_of_a_card_pauses_what_would_have_charged_it(self, scenario):
        scenario.start(cap=Money(100, "GBP"))
        with scenario.as_role("web"):
            campaigns.remove_card(owner_id=scenario.owner_id, card_id=scenario.card_id, now=scenario.clock.now())
        assert scenario.campaign.status == "action_required"
        assert "card was removed" in scenario.campaign.reason


class TestAPersonsDecision:
    def unknown(self, scenario):
        """An order that was never answered and that nobody finds for a day."""
        scenario.duffel.fault(route="POST /air/orders", nth=1, action="close_before")
        attempt = scenario.start().match()
        step(scenario, attempt)
        for _ in range(40):
            step(scenario, attempt, hours=1)
        assert scenario.state(attempt) == "unknown"
        return attempt

    def test_is_asked_for_after_a_day_with_all_that_is_needed(self, scenario):
        attempt = self.unknown(scenario)
        assert deciding.waiting() == [(scenario.owner_id, attempt)]
        case = deciding.case(owner_id=scenario.owner_id, attempt_id=attempt)
        assert (case.state, case.payment) == ("unknown", "held")
        assert case.offer_id
        assert "support" in case.advice
        assert scenario.match() is None, "the campaign does not search meanwhile"

    def test_that_nothing_was_booked_lets_the_money_go(self, scenario):
        attempt = self.unknown(scenario)
        self.decide(scenario, attempt, deciding.Verdict.NOTHING_BOOKED)
        assert scenario.drive(attempt) == "released"
        assert scenario.campaign.status == "active"
        scenario.assert_settled(tickets=0)

    def test_needs_a_reason_and_must_fit_what_the_provider_says(self, scenario):
        attempt = self.unknown(scenario)
        with pytest.raises(BadInput, match="why"):
            self.decide(scenario, attempt, deciding.Verdict.NOTHING_BOOKED, reason=" ")
        with pytest.raises(BadInput, match="by now"):
            self.decide(scenario, attempt, deciding.Verdict.TICKET_CANCELLED)
        assert scenario.state(attempt) == "unknown"

    def decide(self, scenario, attempt, verdict, reason="Support says so (ticket 4711)."):
        deciding.decide(
            owner_id=scenario.owner_id,
            attempt_id=attempt,
            verdict=verdict,
            actor="operator:ada",
            reason=reason,
            now=scenario.clock.now(),
        )


class TestCapturing:
    def test_long_stopped_holds_the_money_anew_when_the_first_hold_ended(self, scenario):
        attempt = scenario.start().match()
        turn(Stop.CAPTURES, on=True, reason="test", now=scenario.clock.now())
        assert step(scenario, attempt) == "capturing"
        scenario.clock.advance(days=6)
        turn(Stop.CAPTURES, on=False, reason="", now=scenario.clock.now())
        assert scenario.drive(attempt) == "completed"
        scenario.assert_money_is_ticket()


class TestALetter:
    @pytest.mark.parametrize("kind", [Kind.CONFIRM, Kind.VETO, Kind.OUT_OF_REACH, Kind.ACT, Kind.UNPAID, Kind.TICKETS])
    def test_is_written_once_and_leads_to_our_own_page(self, scenario, admin, mails, kind):
        attempt = scenario.start().match()
        for _ in range(2):
            telling.tell(owner_id=scenario.owner_id, subject_id=attempt, kind=kind, now=scenario.clock.now())
        rows = admin.execute("SELECT count(*) FROM notifications_message").fetchone()
        assert rows == (1,)


class TestAHoldThatEnds:
    def test_before_it_is_paid_is_let_go(self, scenario):
        attempt = scenario.start(veto_hours=6, **HOLDABLE).match()
        step(scenario, attempt)
        scenario.clock.advance(hours=80)
        assert scenario.drive(attempt) == "released"
        assert scenario.attempts[0]["reason"] == "hold_lapsed"
        scenario.assert_settled(tickets=0)

    def test_while_bookings_are_stopped_is_let_go_in_time(self, scenario):
        attempt = scenario.start(veto_hours=1, **HOLDABLE).match()
        assert step(scenario, attempt) == "held"
        turn(Stop.BOOKINGS, on=True, reason="drill", now=scenario.clock.now())
        assert step(scenario, attempt, hours=2) == "authorised"
        assert step(scenario, attempt, days=6) == "released"
        scenario.assert_settled(tickets=0)

    def test_a_lost_answer_to_the_payment_is_read_not_repeated(self, scenario):
        scenario.duffel.fault(route="POST /air/payments", nth=1, action="close_after")
        attempt = scenario.start(veto_hours=1, **HOLDABLE).match()
        step(scenario, attempt)
        scenario.clock.advance(hours=2)
        assert scenario.drive(attempt) == "completed"
        scenario.assert_money_is_ticket()

    def test_a_payment_that_never_arrived_ends_with_the_hold(self, scenario):
        scenario.duffel.fault(route="POST /air/payments", nth=1, action="close_before")
        attempt = scenario.start(veto_hours=1, **HOLDABLE).match()
        step(scenario, attempt)
        step(scenario, attempt, hours=2)
        assert scenario.state(attempt) == "unknown"
        for _ in range(80):
            if step(scenario, attempt, hours=1) == "released":
                break
        assert scenario.state(attempt) == "released"
        scenario.assert_settled(tickets=0)
