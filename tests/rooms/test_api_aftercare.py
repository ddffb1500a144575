"""Giving a trip back, confirming with the bank, answering an airline: through the API, as the web role."""

import json
from uuid import uuid4

import pytest
from django.test import Client

from parkerflight.accounts.operations import issue_token
from parkerflight.bookings import cancelling, changes, hearing
from parkerflight.bookings import operations as bookings
from parkerflight.bookings.models import Booking, Cancellation, Change
from parkerflight.core.tenancy import scope
from parkerflight.payments import queries as payment_queries


class Caller:
    """A signed-in person's client, working as the web process does."""

    def __init__(self, scenario, owner_id=None):
        self.scenario = scenario
        self.token = issue_token(owner_id or scenario.owner_id)

    def post(self, path, body=None, key=None):
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": key or uuid4().hex}
        with self.scenario.as_role("web"):
            answer = Client(SERVER_NAME="127.0.0.1").post(
                f"/api{path}", json.dumps(body or {}), content_type="application/json", headers=headers
            )
        return answer.status_code, json.loads(answer.content)

    def get(self, path):
        with self.scenario.as_role("web"):
            answer = Client(SERVER_NAME="127.0.0.1").get(
                f"/api{path}", headers={"Authorization": f"Bearer {self.token}"}
            )
        return answer.status_code, json.loads(answer.content)


@pytest.fixture
def caller(scenario):
    return Caller(scenario)


def booking_of(scenario):
    with scope(scenario.owner_id):
        return Booking.objects.select_related("attempt").get()


def carry_out(scenario):
    with scope(scenario.owner_id):
        row = Cancellation.objects.exclude(state="quoted").get()
    return cancelling.advance(owner_id=scenario.owner_id, cancellation_id=row.id, now=scenario.clock.now())


def net(scenario):
    return [one["captured"] - one["refunded"] for one in scenario.stripe.ledger()["payment_intents"] if one["captured"]]


class TestGivingATripBack:
    def test_shows_the_quote_and_cancels_only_after_a_yes(self, booked, caller):
        booking = booking_of(booked)
        status, quote = caller.post(f"/bookings/{booking.id}/cancellation")
        assert status == 200, quote
        assert quote["within_a_day"]
        assert booking_of(booked).cancelled_at is None
        assert net(booked) == [booking.total_minor]
        assert caller.post(f"/cancellations/{quote['id']}/confirm")[0] == 202
        assert carry_out(booked) in {"refunded", "settled"}
        back = round(float(quote["to_card"]["amount"]) * 100)
        assert net(booked) == [booking.total_minor - back]
        assert [one["status"] for one in booked.duffel.ledger()["orders"]] == ["cancelled"]

    def test_twice_gives_the_money_back_once(self, booked, caller):
        booking = booking_of(booked)
        quote = caller.post(f"/bookings/{booking.id}/cancellation")[1]
        for _ in range(2):
            assert caller.post(f"/cancellations/{quote['id']}/confirm")[0] == 202
            carry_out(booked)
        back = round(float(quote["to_card"]["amount"]) * 100)
        assert net(booked) == [booking.total_minor - back]
        assert caller.post(f"/bookings/{booking.id}/cancellation")[0] == 422

    @pytest.mark.parametrize("action", ["close_after", "close_before", "error_after"])
    @pytest.mark.parametrize("route", ["POST /air/order_cancellations/*/actions/confirm", "POST /v1/refunds"])
    def test_survives_a_lost_answer(self, booked, caller, route, action):
        booking = booking_of(booked)
        quote = caller.post(f"/bookings/{booking.id}/cancellation")[1]
        caller.post(f"/cancellations/{quote['id']}/confirm")
        vendor = booked.stripe if "/v1/" in route else booked.duffel
        vendor.fault(route=route, nth=1, action=action)
        for _ in range(8):
            if carry_out(booked) in {"refunded", "settled"}:
                break
            booked.clock.advance(minutes=12)
        back = round(float(quote["to_card"]["amount"]) * 100)
        assert net(booked) == [booking.total_minor - back]
        assert [one["status"] for one in booked.duffel.ledger()["orders"]] == ["cancelled"]

    def test_with_a_quote_that_ran_out_changes_nothing(self, booked, caller):
        quote = caller.post(f"/bookings/{booking_of(booked).id}/cancellation")[1]
        booked.clock.advance(hours=2)
        caller.token = issue_token(booked.owner_id)
        status, problem = caller.post(f"/cancellations/{quote['id']}/confirm")
        assert (status, problem["code"]) == (422, "quote_expired")
        assert [one["status"] for one in booked.duffel.ledger()["orders"]] == ["ticketed"]

    def test_for_airline_credits_is_told_honestly(self, scenario, caller):
        scenario.start(
            origins=("LTN",), destinations=("SYD",), nights_min=None, nights_max=None, max_connections=2
        ).book()
        booking = booking_of(scenario)
        quote = caller.post(f"/bookings/{booking.id}/cancellation")[1]
        assert quote["credits"]
        assert quote["to_card"]["amount"] == "0.00"
        caller.post(f"/cancellations/{quote['id']}/confirm")
        assert carry_out(scenario) == "settled"
        assert net(scenario) == [booking.total_minor]

    def test_of_a_stranger_is_not_found(self, booked, stranger):
        other = Caller(booked, stranger)
        assert other.post(f"/bookings/{booking_of(booked).id}/cancellation")[0] == 404

    def test_whose_refund_comes_back_from_the_bank_calls_for_a_person(self, booked, caller, admin):
        quote = caller.post(f"/bookings/{booking_of(booked).id}/cancellation")[1]
        caller.post(f"/cancellations/{quote['id']}/confirm")
        if carry_out(booked) != "refunded":
            pytest.skip("this fare gives nothing back")
        with scope(booked.owner_id):
            refund_id = Cancellation.objects.get(state="refunded").refund_id
        payment_id = booking_of(booked).attempt.payment_id
        reference = payment_queries.refunds(booked.owner_id, payment_id)[0].reference
        booked.stripe.http.post(f"/_sandbox/refunds/{reference}/fail", json={}).raise_for_status()
        from parkerflight.payments import operations as payments

        payments.refresh(owner_id=booked.owner_id, payment_id=payment_id, now=booked.clock.now())
        cancelling.refund_failed(owner_id=booked.owner_id, refund_id=refund_id, now=booked.clock.now())
        with scope(booked.owner_id):
            row = Cancellation.objects.get(state="refunded")
        assert row.human_since
        assert row.reason == "refund_failed"
        assert {one.status for one in payment_queries.refunds(booked.owner_id, payment_id)} <= hearing.NOT_GIVEN


class TestAnAirlinesChange:
    @pytest.fixture
    def changed(self, booked):
        order = booked.duffel.ledger()["orders"][0]["id"]
        booked.duffel.http.post(
            f"/_sandbox/orders/{order}/airline_change", json={"shift_minutes": 90}
        ).raise_for_status()
        assert changes.poll(booked.clock.now()) == 1
        assert changes.poll(booked.clock.now()) == 0, "it is told once"
        return booked

    def test_is_told_and_never_accepted_silently(self, changed, caller):
        [change] = caller.get("/changes")[1]
        assert change["state"] == "open"
        assert change["added"] != change["removed"]
        with scope(changed.owner_id):
            assert Change.objects.get().state == "open"

    def test_is_accepted_by_the_person_alone(self, changed, caller):
        [change] = caller.get("/changes")[1]
        assert caller.post(f"/changes/{change['id']}/accept")[0] == 202
        [(owner_id, row_id)] = changes.accepting()
        assert changes.carry_out(owner_id=owner_id, change_row_id=row_id, now=changed.clock.now()) == "accepted"
        assert changes.carry_out(owner_id=owner_id, change_row_id=row_id, now=changed.clock.now()) == "accepted"

    def test_can_be_talked_about_instead(self, changed, caller):
        [change] = caller.get("/changes")[1]
        assert caller.post(f"/changes/{change['id']}/contact")[0] == 202
        assert caller.post(f"/changes/{change['id']}/accept")[0] == 422


class TestConfirmingWithTheBank:
    def test_prices_the_fare_once_more_and_is_never_cached(self, scenario, caller):
        route = {"origins": ("JFK",), "destinations": ("EWR",), "nights_min": None, "nights_max": None}
        attempt = scenario.start(card="pm_card_authenticationRequired", **route).match()
        bookings.advance(attempt_id=attempt, now=scenario.clock.now())
        status, page = caller.post(f"/attempts/{attempt}/confirmation")
        assert status == 200, page
        assert page["client_secret"]
        assert caller.post(f"/attempts/{attempt}/confirmed")[0] == 202

    def test_has_nothing_to_show_for_a_booked_trip(self, booked, caller):
        attempt = booked.attempts[0]["id"]
        status, problem = caller.post(f"/attempts/{attempt}/confirmation")
        assert (status, problem["code"]) == (422, "nothing_to_confirm")
