"""What the Duffel sandbox does with holds, payments, cancellations and webhooks when things go slowly or wrong."""

import hashlib
import hmac
import json

import httpx
import pytest

from tests.sandbox.test_duffel_orders import (  # noqa: F401  # fixtures are used by their names
    advance,
    confirm,
    pay,
    quote,
    receiver,
    until,
    zz,
)
from tests.sandbox.test_duffel_support import (  # noqa: F401
    book,
    code,
    emptied_sandbox,
    ledger,
    running_server,
)


def hold(client, **more):
    answer = book(client, zz(client, brand="Flex", **more), kind="hold")
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


def read(client, order):
    return client.get(f"/air/orders/{order['id']}").json()["data"]


def row(client):
    (only,) = ledger(client)["orders"]
    return only


class TestHoldsAnswered200And202:
    @pytest.mark.parametrize(("mode", "before"), [(200, "held"), (202, "pending")])
    def test_turn_up_later_unpaid(self, duffel, mode, before):
        duffel.post("/_sandbox/orders_mode", json={"mode": mode, "settle_seconds": 600})
        offer = zz(duffel, brand="Flex")
        assert book(duffel, offer, kind="hold").status_code == mode
        assert row(duffel)["status"] == before
        assert duffel.get("/air/orders", params={"offer_id": offer["id"]}).json()["data"] == []
        advance(duffel, 601)
        (found,) = duffel.get("/air/orders", params={"offer_id": offer["id"]}).json()["data"]
        assert found["payment_status"]["awaiting_payment"] is True
        assert ledger(duffel)["balance_spent"] == {}

    def test_can_fail_and_leave_nothing(self, duffel):
        duffel.post("/_sandbox/orders_mode", json={"mode": 202, "settle_seconds": 60, "fail": True})
        book(duffel, zz(duffel, brand="Flex"), kind="hold")
        advance(duffel, 61)
        assert [e["type"] for e in duffel.get("/air/webhooks/events").json()["data"]] == ["order.creation_failed"]
        assert ledger(duffel)["orders"] == []


class TestPaymentsAnswered200And202:
    def test_a_200_is_paid(self, duffel):
        order = hold(duffel)
        duffel.post("/_sandbox/payments_mode", json={"mode": 200})
        assert pay(duffel, order).status_code == 200
        assert row(duffel)["ticketed"] is True
        assert code(pay(duffel, order)) == "already_paid"

    def test_a_202_is_taken_later_and_never_twice(self, duffel):
        order = hold(duffel)
        duffel.post("/_sandbox/payments_mode", json={"mode": 202, "settle_seconds": 600})
        assert pay(duffel, order).status_code == 202
        assert (row(duffel)["status"], ledger(duffel)["balance_spent"]) == ("held", {})
        assert code(pay(duffel, order)) == "already_paid"
        advance(duffel, 601)
        assert (row(duffel)["status"], row(duffel)["paid"]) == ("ticketed", order["total_amount"])
        assert ledger(duffel)["balance_spent"] == {"GBP": order["total_amount"]}
        assert duffel.get("/air/webhooks/events").json()["data"][-1]["type"] == "payment.created"

    def test_a_202_that_fails_leaves_the_order_to_be_paid(self, duffel):
        order = hold(duffel)
        duffel.post("/_sandbox/payments_mode", json={"mode": 202, "settle_seconds": 60, "fail": True})
        pay(duffel, order)
        advance(duffel, 61)
        assert read(duffel, order)["payment_status"]["awaiting_payment"] is True
        duffel.post("/_sandbox/payments_mode", json={"mode": 201})
        assert pay(duffel, order).status_code == 201

    def test_a_202_of_an_order_cancelled_meanwhile_takes_nothing(self, duffel):
        order = hold(duffel)
        duffel.post("/_sandbox/payments_mode", json={"mode": 202, "settle_seconds": 60})
        pay(duffel, order)
        confirm(duffel, quote(duffel, order).json()["data"])
        advance(duffel, 61)
        assert (row(duffel)["status"], ledger(duffel)["balance_spent"]) == ("cancelled", {})


class TestPayment:
    def test_of_another_price_after_the_guarantee_is_refused_and_the_new_one_taken(self, duffel):
        order = hold(duffel)
        duffel.post(f"/_sandbox/orders/{order['id']}/price", json={"factor": "1.1"})
        advance(duffel, 60 * 3600)
        assert code(pay(duffel, order)) == "price_changed"
        fresh = read(duffel, order)
        assert float(fresh["total_amount"]) > float(order["total_amount"])
        assert fresh["payment_status"]["price_guarantee_expires_at"] is None
        assert pay(duffel, fresh).status_code == 201

    def test_of_the_guaranteed_price_is_taken_within_two_days(self, duffel):
        order = hold(duffel)
        duffel.post(f"/_sandbox/orders/{order['id']}/price", json={"factor": "1.1"})
        advance(duffel, 47 * 3600)
        assert pay(duffel, order).status_code == 201

    def test_finds_the_empty_wallet_on_its_route_though_holding_there_is_free(self, duffel):
        order = book(duffel, zz(duffel, "LGW", "STN", brand="Flex"), kind="hold").json()["data"]
        assert code(pay(duffel, order)) == "insufficient_balance"
        assert row(duffel)["status"] == "held"

    @pytest.mark.parametrize(("action", "paid"), [("close_before", False), ("close_after", True)])
    def test_whose_answer_is_lost_is_taken_or_not(self, duffel, action, paid):
        order = hold(duffel)
        duffel.post("/_sandbox/faults", json={"route": "POST /air/payments", "action": action})
        with pytest.raises(httpx.TransportError):
            pay(duffel, order)
        assert (read(duffel, order)["payment_status"]["paid_at"] is not None) is paid


class TestCancellation:
    def test_quoted_before_the_payment_is_stale_after_it(self, duffel):
        order = hold(duffel)
        nothing = quote(duffel, order).json()["data"]
        pay(duffel, order)
        assert code(confirm(duffel, nothing)) == "order_cancellation_stale"
        everything = quote(duffel, order).json()["data"]
        assert everything["refund_amount"] == order["total_amount"]

    def test_gives_the_balance_back_what_was_paid(self, duffel):
        duffel.post("/_sandbox/account", json={"balance": "5000.00"})
        order = book(duffel, zz(duffel)).json()["data"]
        confirm(duffel, quote(duffel, order).json()["data"])
        assert ledger(duffel)["balance"] == "5000.00"
        told = row(duffel)
        assert (told["refunded"], told["refund_to"]) == (order["total_amount"], "balance")
        assert told["cancelled_at"]

    def test_in_credits_gives_the_balance_nothing(self, duffel):
        order = book(duffel, zz(duffel, "LTN", "SYD")).json()["data"]
        confirm(duffel, quote(duffel, order).json()["data"])
        assert (row(duffel)["refunded"], row(duffel)["refund_to"]) == ("0.00", "airline_credits")
        assert ledger(duffel)["balance_spent"] == {"GBP": order["total_amount"]}

    def test_of_what_lapsed_is_refused(self, duffel):
        order = hold(duffel)
        advance(duffel, 72 * 3600 + 60)
        assert code(quote(duffel, order)) == "order_not_cancellable"
        assert (row(duffel)["lapsed"], row(duffel)["paid_at"], row(duffel)["ticketed"]) == (True, None, False)

    def test_answers_the_airlines_open_change(self, duffel):
        order = book(duffel, zz(duffel)).json()["data"]
        duffel.post(f"/_sandbox/orders/{order['id']}/airline_change")
        confirm(duffel, quote(duffel, order).json()["data"])
        assert duffel.get("/air/orders", params={"requires_action": "true"}).json()["data"] == []
        (change,) = read(duffel, order)["airline_initiated_changes"]
        assert change["action_taken"] == "cancelled"
        assert duffel.post(f"/_sandbox/orders/{order['id']}/airline_change").status_code == 409


class TestTheLedger:
    def test_tells_a_ticket_that_is_late_from_one_that_is_there(self, duffel):
        duffel.post("/_sandbox/late_documents", json={"airline": "ZZ", "seconds": 3600})
        book(duffel, zz(duffel), metadata={"attempt_id": "7"})
        assert row(duffel)["paid_at"]
        assert row(duffel)["ticketed"] is False
        advance(duffel, 3601)
        assert row(duffel)["ticketed"] is True
        assert row(duffel)["metadata"] == {"attempt_id": "7"}


class TestAFixedWebhook:
    def test_signs_with_the_secret_it_was_given_and_hears_everything(self, duffel, receiver):  # noqa: F811
        url, got = receiver
        for secret in ("old", "agreed"):
            made = duffel.post("/_sandbox/webhook", json={"url": f"{url}/hook", "secret": secret})
            assert made.status_code == 200, made.text
        assert len(duffel.get("/air/webhooks").json()["data"]) == 1
        order = hold(duffel)
        pay(duffel, order)
        until(lambda: len(got) == 2)
        assert [json.loads(body)["type"] for _, body in got] == ["order.created", "payment.created"]
        headers, body = got[0]
        stamp, signature = (part.split("=", 1)[1] for part in headers["X-Duffel-Signature"].split(","))
        assert hmac.new(b"agreed", f"{stamp}.".encode() + body, hashlib.sha256).hexdigest() == signature

    @pytest.mark.parametrize(
        "wish",
        [
            {"url": "http://example.com/x", "secret": "s"},
            {"url": "http://127.0.0.1:1/x", "secret": ""},
            {"secret": "s"},
        ],
    )
    def test_refuses_what_cannot_be(self, duffel, wish):
        assert duffel.post("/_sandbox/webhook", json=wish).status_code == 400
