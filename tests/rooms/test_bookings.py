"""The saga's main line against both sandboxes: every refusal, every lost answer."""

from datetime import timedelta

import pytest
from tests.scenario import AMELIA, BRUNO

from parkerflight.bookings import completion
from parkerflight.bookings import operations as bookings
from parkerflight.campaigns.models import Match
from parkerflight.core import fault_points
from parkerflight.core.money import Money
from parkerflight.core.switches import Stop, turn
from parkerflight.core.tenancy import scope
from parkerflight.payments.models import Payment


class TestTheMainLine:
    def test_ends_with_one_ticket_one_capture_and_a_queued_confirmation(self, scenario, admin):
        scenario.start().book()
        scenario.assert_money_is_ticket()
        assert scenario.campaign.status == "completed"
        for _ in range(2):
            attempt = scenario.attempts[0]["id"]
            completion.confirm(owner_id=scenario.owner_id, attempt_id=attempt, now=scenario.clock.now())
        assert admin.execute("SELECT count(*) FROM notifications_message").fetchone() == (1,)

    def test_buys_a_ticket_for_each_of_two_travellers(self, scenario):
        scenario.start(profiles=(AMELIA, BRUNO)).book()
        scenario.assert_money_is_ticket()

    def test_buys_at_exactly_the_cap_and_never_one_penny_above(self, scenario):
        scenario.start()
        with scope(scenario.owner_id):
            pass
        attempt = scenario.match()
        with scope(scenario.owner_id):
            price = bookings.BookingAttempt.objects.get(id=attempt).total_minor
        assert scenario.drive(attempt) == "completed"
        assert price <= 900_000

    def test_settles_once_however_often_it_is_driven(self, scenario):
        attempt = scenario.start().match()
        scenario.drive(attempt)
        for _ in range(3):
            assert bookings.advance(attempt_id=attempt, now=scenario.clock.now()) is None
        scenario.assert_money_is_ticket()

    def test_takes_the_money_only_when_late_tickets_have_come(self, scenario):
        for airline in ("ZZ", "BA", "TP", "AF", "IB", "LH", "KL", "LX", "VY", "U2", "FR", "SN", "UX", "AZ", "EI"):
            body = {"airline": airline, "seconds": 300}
            scenario.duffel.http.post("/_sandbox/late_documents", json=body).raise_for_status()
        attempt = scenario.start().match()
        bookings.advance(attempt_id=attempt, now=scenario.clock.now())
        assert scenario.state(attempt) == "ordered"
        assert [one["captured"] for one in scenario.stripe.ledger()["payment_intents"]] == [0]
        assert scenario.drive(attempt) == "completed"
        scenario.assert_money_is_ticket()

    def test_claims_a_match_once(self, scenario):
        scenario.start().match()
        with scope(scenario.owner_id):
            match = Match.objects.get(state="claimed")
        assert bookings.begin(owner_id=scenario.owner_id, match_id=match.id, now=scenario.clock.now()) is None


class TestARefusal:
    @pytest.mark.parametrize(
        ("card", "status"),
        [
            ("pm_card_chargeCustomerFail", "active"),  # the bank advises to try again later
            ("pm_card_authenticationRequired", "action_required"),
            ("pm_card_authenticationRequiredChargeDeclinedInsufficientFunds", "active"),  # so does this one's
        ],
    )
    def test_of_the_card_leaves_no_order_and_nothing_held(self, scenario, card, status):
        attempt = scenario.start(card=card).match()
        assert scenario.drive(attempt) == "released"
        scenario.assert_settled(tickets=0)
        assert scenario.campaign.status == status
        assert scenario.campaign.reason

    def test_of_the_order_releases_the_money_and_searches_on(self, scenario):
        scenario.duffel.fault(
            route="POST /air/orders",
            nth=1,
            action="status",
            status=502,
            body=_error("airline_error", "order_not_created"),
        )
        attempt = scenario.start().match()
        assert scenario.drive(attempt) == "released"
        scenario.assert_settled(tickets=0)
        assert scenario.campaign.status == "active"

    def test_for_an_empty_wallet_stops_all_bookings_and_says_so(self, scenario):
        scenario.duffel.account(balance="1.00")
        attempt = scenario.start().match()
        assert scenario.drive(attempt) == "released"
        scenario.assert_settled(tickets=0)
        assert "nothing was charged" in scenario.campaign.reason
        scenario.clock.advance(hours=7)
        assert scenario.match() is None, "no second hold on the card while the wallet is empty"

    def test_of_the_re_read_offer_lets_the_match_go_before_any_money_moves(self, scenario):
        attempt = scenario.start().match()
        scenario.clock.advance(hours=2)
        assert scenario.drive(attempt) == "released"
        assert scenario.stripe.ledger()["payment_intents"] == []
        assert scenario.campaign.status == "active"


class TestALostAnswer:
    def test_to_the_order_is_found_again_by_its_offer_and_never_ordered_twice(self, scenario):
        scenario.duffel.fault(route="POST /air/orders", nth=1, action="close_after")
        attempt = scenario.start().match()
        assert scenario.drive(attempt) == "completed"
        scenario.assert_money_is_ticket()

    def test_with_a_server_error_keeps_the_hold_until_the_order_is_known(self, scenario):
        scenario.duffel.fault(route="POST /air/orders", nth=1, action="error_after")
        attempt = scenario.start().match()
        bookings.advance(attempt_id=attempt, now=scenario.clock.now())
        assert scenario.state(attempt) in {"unknown", "completed"}
        assert scenario.drive(attempt) == "completed"
        scenario.assert_money_is_ticket()

    @pytest.mark.parametrize(
        "route", ["POST /v1/payment_intents", "POST /v1/payment_intents/*/capture"], ids=["authorise", "capture"]
    )
    @pytest.mark.parametrize("action", ["close_after", "close_before"])
    def test_from_stripe_is_asked_again_with_the_same_key(self, scenario, route, action):
        scenario.stripe.fault(route=route, nth=1, action=action)
        attempt = scenario.start().match()
        assert scenario.drive(attempt) == "completed"
        scenario.assert_money_is_ticket()
        assert len(scenario.stripe.ledger()["payment_intents"]) == 1

    def test_that_is_broken_json_books_once(self, scenario):
        scenario.duffel.fault(route="POST /air/orders", nth=1, action="malformed")
        attempt = scenario.start().match()
        assert scenario.drive(attempt) == "completed"
        scenario.assert_money_is_ticket()

    def test_that_never_left_this_machine_lets_the_money_go_at_once(self, scenario, admin):
        attempt = scenario.start().match()
        far = scenario.clock.now() + timedelta(hours=1)
        admin.execute(
            "INSERT INTO flights_ratelimit (key, \"limit\", remaining, reset_at, updated_at) VALUES ('duffel:order', 1, 0, %s, %s) "
            'ON CONFLICT (key) DO UPDATE SET "limit" = 1, remaining = 0, reset_at = excluded.reset_at',
            [far, far],
        )
        assert scenario.drive(attempt) == "released"
        scenario.assert_settled(tickets=0)
        assert scenario.campaign.status == "active"

    def test_followed_by_a_cancelled_order_lets_the_money_go(self, scenario):
        scenario.duffel.fault(route="POST /air/orders", nth=1, action="close_after")
        scenario.duffel.fault(route="GET /air/orders", nth=1, action="status", status=503, body={})
        attempt = scenario.start().match()
        bookings.advance(attempt_id=attempt, now=scenario.clock.now())
        assert scenario.state(attempt) == "unknown"
        order = scenario.duffel.ledger()["orders"][0]["id"]
        headers = {"Authorization": "Bearer duffel_test_x", "Duffel-Version": "v2"}
        quote = scenario.duffel.http.post(
            "/air/order_cancellations", json={"data": {"order_id": order}}, headers=headers
        ).raise_for_status()
        path = f"/air/order_cancellations/{quote.json()['data']['id']}/actions/confirm"
        scenario.duffel.http.post(path, headers=headers).raise_for_status()
        scenario.clock.advance(minutes=3)
        assert scenario.drive(attempt) == "released"
        scenario.assert_settled(tickets=0)


class TestASurprise:
    def test_keeps_the_money_and_calls_for_a_person_instead_of_spinning(self, scenario, admin):
        attempt = scenario.start().match()
        admin.execute("DELETE FROM payments_mandate")
        for _ in range(5):
            bookings.advance(attempt_id=attempt, now=scenario.clock.now())
            scenario.clock.advance(minutes=11)
        assert scenario.state(attempt) in {"prepared", "released"}
        assert scenario.stripe.ledger()["payment_intents"] == []


class TestAWorkerThatWasOvertaken:
    @pytest.mark.parametrize("point", ["bookings.after_offer_read", "stripe.after.payment_intents.create"])
    def test_leaves_nothing_of_its_own_behind(self, scenario, point):
        """It slept at `point` until another worker had driven the attempt to its end."""
        attempt, slept = scenario.start().match(), []

        def sleep(name):
            if name == point and not slept:
                slept.append(name)
                assert scenario.drive(attempt) == "completed"

        fault_points.listen(sleep)
        try:
            bookings.advance(attempt_id=attempt, now=scenario.clock.now())
        finally:
            fault_points.listen(None)
        assert slept
        with scope(scenario.owner_id):
            assert Payment.objects.count() == 1
        scenario.assert_money_is_ticket()


class TestTheKillSwitch:
    def test_stops_new_attempts_and_lets_them_go_on_later(self, scenario):
        scenario.start()
        turn(Stop.BOOKINGS, on=True, reason="drill", now=scenario.clock.now())
        assert scenario.match() is None
        turn(Stop.BOOKINGS, on=False, reason="", now=scenario.clock.now())
        with scope(scenario.owner_id):
            match = Match.objects.get(state="found")
        attempt = bookings.begin(owner_id=scenario.owner_id, match_id=match.id, now=scenario.clock.now())
        assert scenario.drive(attempt) == "completed"

    def test_keeps_an_attempt_waiting_no_longer_than_its_fare_lives(self, scenario):
        attempt = scenario.start().match()
        turn(Stop.BOOKINGS, on=True, reason="drill", now=scenario.clock.now())
        bookings.advance(attempt_id=attempt, now=scenario.clock.now())
        assert scenario.state(attempt) == "prepared"
        assert scenario.drive(attempt, patience=20) == "released"
        assert scenario.campaign.status == "active"
        scenario.assert_settled(tickets=0)


class TestTheCap:
    def test_holds_at_one_penny_below_the_cheapest_fare(self, scenario):
        scenario.start(cap=Money(100, "GBP"))
        assert scenario.match() is None
        assert scenario.campaign.status == "active"
        assert scenario.stripe.ledger()["payment_intents"] == []


def _error(kind: str, code: str) -> dict:
    return {
        "errors": [
            {"type": kind, "code": code, "title": code, "message": code, "documentation_url": "https://duffel.com"}
        ],
        "meta": {"request_id": "req", "status": 502},
    }
