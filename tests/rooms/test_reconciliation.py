"""Reconciliation finds every orphan on either side, says nothing about a clean system, and repairs nothing itself."""

import json
import logging
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from tests.scenario import cli, last_json

from parkerflight.ops import reconciliation
from parkerflight.ops.findings import ADVICE
from parkerflight.ops.models import ReconciliationRun
from parkerflight.settings.config import load


class Vendors:
    """Both vendors' public APIs, used past our system, as somebody with the keys could."""

    def __init__(self, scenario):
        self.scenario = scenario
        duffel = {"Authorization": f"Bearer {load().secret('duffel_token')}", "Duffel-Version": "v2"}
        self.duffel = httpx.Client(base_url=scenario.duffel.base, headers=duffel, timeout=30)
        stripe = {"Authorization": f"Bearer {load().secret('stripe_api_key')}"}
        self.stripe = httpx.Client(base_url=scenario.stripe.base, headers=stripe, timeout=30)

    def air(self, path, data=None):
        if data is None:
            return self.duffel.get(path).raise_for_status().json()["data"]
        answer = self.duffel.post(path, json={"data": data})
        assert answer.is_success, answer.text
        return answer.json()["data"]

    def pay(self, path, **form):
        answer = self.stripe.post(path, data=form)
        assert answer.is_success, answer.text
        return answer.json()

    def order(self, *, hold=False, **metadata):
        """Book a seat for somebody else; `metadata` as our orders carry it."""
        day = (self.scenario.clock.now() + timedelta(days=50)).date().isoformat()
        slices = [{"origin": "LHR", "destination": "LIS", "departure_date": day}]
        found = self.air("/air/offer_requests", {"slices": slices, "passengers": [{"type": "adult"}]})
        offer = next(
            one
            for one in found["offers"]
            if not one["passenger_identity_documents_required"]
            and not (hold and one["payment_requirements"]["requires_instant_payment"])
        )
        someone = {
            "id": offer["passengers"][0]["id"], "given_name": "Olga", "family_name": "Orphan", "title": "dr", "gender": "f",
            "born_on": "1980-01-01", "email": "olga@example.org", "phone_number": "+442079460018",
        }  # fmt: skip
        paid = {"type": "balance", "amount": offer["total_amount"], "currency": offer["total_currency"]}
        body = {"type": "hold"} if hold else {"type": "instant", "payments": [paid]}
        body |= {"selected_offers": [offer["id"]], "passengers": [someone], "metadata": metadata}
        return self.air("/air/orders", body)["id"]

    def cancel(self, order_id):
        quote = self.air("/air/order_cancellations", {"order_id": order_id})
        self.duffel.post(f"/air/order_cancellations/{quote['id']}/actions/confirm").raise_for_status()

    def hold(self, **form):
        """Hold 50.00 GBP on a stranger's card."""
        base = {
            "amount": "5000",
            "currency": "gbp",
            "payment_method": "pm_card_visa",
            "capture_method": "manual",
            "confirm": "true",
        }
        return self.pay("/v1/payment_intents", **(base | form))["id"]

    def intent_of(self, scenario):
        return scenario.stripe.ledger()["payment_intents"][0]["id"]


def lose_the_answer(scenario):
    """Drive the first attempt until its order stands at the provider and nobody here knows."""
    scenario.start()
    scenario.duffel.fault(route="POST /air/orders", nth=1, action="close_after")
    scenario.duffel.fault(route="GET /air/orders", nth=1, times=500, action="status", status=503)
    attempt = scenario.match()
    scenario.drive(attempt, patience=1)
    assert scenario.state(attempt) == "unknown"
    scenario.duffel.http.delete("/_sandbox/faults").raise_for_status()
    return attempt


@pytest.fixture
def vendors(scenario):
    return Vendors(scenario)


@pytest.fixture
def reconcile(scenario, as_role):
    def run(**span):
        scenario.clock.advance(**(span or {"minutes": 20}))
        with as_role("backoffice"):
            return reconciliation.run(now=scenario.clock.now())

    return run


def kinds(report):
    return sorted((one.kind, one.severity.value, one.theirs) for one in report.findings)


class TestACleanSystem:
    def test_is_reported_as_such(self, booked, reconcile):
        report = reconcile()
        assert report.findings == []
        assert report.counts == {"provider's orders": 1, "our orders": 1, "gateway's payments": 1, "our payments": 1}

    def test_is_not_slandered_after_a_declined_card(self, scenario, mails, reconcile):
        scenario.start(card="pm_card_chargeCustomerFail")
        scenario.drive(scenario.match())
        assert reconcile().findings == []

    def test_is_not_slandered_while_it_books(self, scenario, mails, reconcile):
        lose_the_answer(scenario)
        assert reconcile(seconds=30).findings == []


class TestOrdersAtTheProvider:
    def test_that_nobody_here_asked_for_are_found(self, booked, vendors, reconcile):
        paid, unpaid = vendors.order(), vendors.order(hold=True, attempt_id=str(uuid4()))
        assert kinds(reconcile()) == [
            ("order_without_an_attempt", "person", paid),
            ("unpaid_hold_nobody_waits_for", "watch", unpaid),
        ]

    def test_that_name_an_attempt_which_was_let_go_are_found(self, scenario, mails, vendors, reconcile):
        scenario.start(card="pm_card_chargeCustomerFail")
        scenario.drive(attempt := scenario.match())
        paid, unpaid = vendors.order(attempt_id=str(attempt)), vendors.order(hold=True, attempt_id=str(attempt))
        assert kinds(reconcile()) == [
            ("order_of_a_released_attempt", "person", paid),
            ("unpaid_hold_nobody_waits_for", "watch", unpaid),
        ]

    def test_that_are_a_second_one_of_a_booking_are_found(self, booked, vendors, reconcile):
        second = vendors.order(attempt_id=str(booked.attempts[0]["id"]))
        assert kinds(reconcile()) == [("second_order_of_an_attempt", "person", second)]

    def test_that_were_cancelled_there_are_found(self, booked, vendors, reconcile):
        vendors.cancel(booked.trips[0].order_id)
        assert kinds(reconcile()) == [("cancelled_at_the_provider", "person", booked.trips[0].order_id)]

    def test_of_another_amount_are_found(self, booked, admin, reconcile):
        admin.execute("UPDATE bookings_booking SET total_minor = total_minor - 1")
        assert kinds(reconcile()) == [("order_amount_differs", "person", booked.trips[0].order_id)]

    def test_that_we_call_cancelled_and_stand_are_found(self, booked, admin, reconcile):
        admin.execute("UPDATE bookings_booking SET cancelled_at = booked_at")
        assert kinds(reconcile()) == [("cancelled_here_but_stands", "person", booked.trips[0].order_id)]

    def test_that_we_booked_and_nobody_paid_are_found(self, booked, vendors, admin, reconcile):
        unpaid = vendors.order(hold=True)
        for table in ("bookings_booking", "bookings_bookingattempt"):
            admin.execute(f"UPDATE {table} SET order_id = %s", [unpaid])
        assert ("booked_here_but_unpaid", "person", unpaid) in kinds(reconcile())

    def test_that_exist_only_here_are_found(self, booked, admin, reconcile):
        real = booked.trips[0].order_id
        for table in ("bookings_booking", "bookings_bookingattempt"):
            admin.execute(f"UPDATE {table} SET order_id = 'ord_0000000000000000000000'")
        assert kinds(reconcile()) == [
            ("booking_unknown_to_the_provider", "person", "ord_0000000000000000000000"),
            ("second_order_of_an_attempt", "person", real),
        ]

    def test_of_an_attempt_that_sent_none_are_found(self, scenario, mails, vendors, reconcile):
        scenario.start()
        order = vendors.order(attempt_id=str(scenario.match()))
        assert kinds(reconcile()) == [("order_of_an_attempt_that_has_not_ordered", "person", order)]

    def test_that_an_attempt_still_asks_about_wake_it(self, scenario, mails, reconcile, admin):
        attempt = lose_the_answer(scenario)
        admin.execute("DELETE FROM procrastinate_jobs WHERE task_name = 'bookings.advance'")
        report = reconcile()
        assert {one.kind for one in report.findings} == {"attempt_behind"}
        assert report.for_people == []
        woken = admin.execute("SELECT args FROM procrastinate_jobs WHERE task_name = 'bookings.advance'").fetchall()
        assert woken == [({"attempt_id": str(attempt)},)]


class TestPaymentsAtTheGateway:
    def test_that_nobody_here_asked_for_are_found(self, booked, vendors, reconcile):
        held, taken = vendors.hold(), vendors.hold(capture_method="automatic")
        waiting = vendors.hold(confirm="false")
        assert kinds(reconcile()) == sorted([
            ("hold_without_a_payment", "person", held),
            ("captured_without_a_payment", "person", taken),
            ("open_intent_left_behind", "watch", waiting),
        ])  # fmt: skip

    def test_that_were_made_twice_for_one_row_are_found(self, booked, vendors, reconcile):
        payment = booked.attempts[0]["payment_id"]
        second = vendors.hold(**{"metadata[payment_id]": str(payment)})
        assert kinds(reconcile()) == [("second_intent_of_a_payment", "person", second)]

    def test_that_hold_money_for_an_attempt_that_is_over_are_found(self, scenario, mails, admin, reconcile):
        lose_the_answer(scenario)
        admin.execute("UPDATE bookings_bookingattempt SET state = 'released', due_at = NULL")
        admin.execute("UPDATE payments_payment SET state = 'released'")
        found = {one.kind for one in reconcile().for_people}
        assert found == {"hold_of_an_attempt_that_is_over", "order_of_a_released_attempt"}

    def test_that_took_money_for_no_booking_are_found(self, booked, vendors, admin, reconcile):
        admin.execute("DELETE FROM bookings_booking")
        admin.execute("UPDATE bookings_bookingattempt SET state = 'released', order_id = ''")
        assert ("captured_without_a_booking", "person", vendors.intent_of(booked)) in kinds(reconcile())

    def test_of_other_amounts_are_found(self, booked, vendors, admin, reconcile):
        intent = vendors.intent_of(booked)
        vendors.pay("/v1/refunds", payment_intent=intent, amount="100")
        assert kinds(reconcile()) == [("refunded_amount_differs", "person", intent)]
        admin.execute("UPDATE payments_payment SET captured_minor = captured_minor - 1")
        assert kinds(reconcile()) == [("captured_amount_differs", "person", intent)]

    def test_that_exist_only_here_are_found(self, booked, admin, vendors, reconcile):
        admin.execute("UPDATE payments_payment SET intent = 'pi_nowhere'")
        found = kinds(reconcile())
        assert ("payment_unknown_to_the_gateway", "person", "pi_nowhere") in found
        assert ("second_intent_of_a_payment", "person", vendors.intent_of(booked)) in found

    def test_that_hold_another_amount_are_found(self, scenario, mails, admin, vendors, reconcile):
        lose_the_answer(scenario)
        admin.execute("UPDATE payments_payment SET amount_minor = amount_minor - 1")
        assert ("held_amount_differs", "person", vendors.intent_of(scenario)) in kinds(reconcile())


class TestAReport:
    def test_is_kept_and_tells_each_trouble_once_and_its_end(self, booked, vendors, reconcile, as_role, caplog):
        intent = vendors.hold()
        caplog.set_level(logging.INFO)
        reconcile()
        reconcile()
        alerts = [one.getMessage() for one in caplog.records if one.getMessage().startswith("alert")]
        assert len(alerts) == 1
        assert intent in alerts[0]
        vendors.pay(f"/v1/payment_intents/{intent}/cancel")
        reconcile()
        assert f"cleared reconciliation=hold_without_a_payment::{intent}" in caplog.messages
        with as_role("backoffice"):
            assert [run.people_needed for run in ReconciliationRun.objects.order_by("id")] == [1, 1, 0]

    def test_looks_no_further_back_than_asked(self, booked, vendors, reconcile):
        vendors.hold()
        assert reconcile(days=9).findings == []

    def test_ends_the_command_with_exit_code_one_when_a_person_is_needed(self, booked, vendors):
        booked.clock.advance(minutes=20)
        assert cli("reconcile").returncode == 0
        order = vendors.order()
        done = cli("reconcile", "--json")
        assert done.returncode == 1, done.stderr
        found = last_json(done.stdout)
        assert [one["theirs"] for one in found["findings"]] == [order]
        assert found["findings"][0]["advice"] == ADVICE["order_without_an_attempt"]
        shown = cli("reconcile", COLUMNS="200")
        assert order in shown.stdout.replace("\n", "")
        assert "Hartwell" not in json.dumps(found)
