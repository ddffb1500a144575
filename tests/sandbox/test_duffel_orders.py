"""The Duffel sandbox's orders and everything that happens to them, over HTTP."""

import hashlib
import hmac
import http.server
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.sandbox.test_duffel_support import (  # noqa: F401  # fixtures are used by their names
    ADULT,
    book,
    code,
    codes,
    conforms,
    emptied_sandbox,
    ledger,
    order_body,
    person,
    run_server,
    running_server,
    search,
)


def zz(client, *route, brand=None, **more):
    offers = search(client, *route, owner="ZZ", **more)["offers"]
    return next(o for o in offers if brand in {None, o["slices"][0]["fare_brand_name"]})


def advance(client, seconds):
    client.post("/_sandbox/clock", json={"advance": seconds})


class TestOrders:
    def test_books_at_once_with_a_ticket_for_each_passenger(self, duffel):
        offer = next(o for o in search(duffel, passengers=[ADULT, ADULT])["offers"] if o["owner"]["iata_code"] == "BA")
        answer = book(duffel, offer, metadata={"attempt_id": "7"})
        assert answer.status_code == 201, answer.text
        order = answer.json()["data"]
        assert conforms("Order", order) == []
        assert (order["offer_id"], order["metadata"]) == (offer["id"], {"attempt_id": "7"})
        assert len(order["booking_reference"]) == 6
        numbers = [d["unique_identifier"] for d in order["documents"]]
        assert len(set(numbers)) == 2
        assert all(n.startswith("125") and len(n) == 13 for n in numbers)
        assert [d["passenger_ids"] for d in order["documents"]] == [[p["id"]] for p in order["passengers"]]
        assert order["void_window_ends_at"]
        assert duffel.get(f"/air/orders/{order['id']}").json()["data"]["id"] == order["id"]
        row = ledger(duffel)["orders"][0]
        assert (row["status"], row["passengers"], row["tickets"], row["paid"]) == (
            "ticketed",
            2,
            2,
            offer["total_amount"],
        )

    def test_refuses_a_second_order_of_the_same_offer_request(self, duffel):
        first, second = search(duffel, owner="ZZ")["offers"][:2]
        assert book(duffel, first).status_code == 201
        assert [code(book(duffel, o)) for o in (first, second)] == ["offer_request_already_booked"] * 2
        assert len(ledger(duffel)["orders"]) == 1

    def test_of_two_at_the_same_moment_only_one_is_made(self, duffel):
        offer = zz(duffel)
        with ThreadPoolExecutor(4) as pool:
            answers = list(
                pool.map(
                    lambda _: httpx.post(
                        f"{duffel.base_url}/air/orders", headers=duffel.headers, json=order_body(offer)
                    ),
                    range(4),
                )
            )
        assert sorted(a.status_code for a in answers) == [201, 422, 422, 422]

    def test_refuses_an_expired_offer(self, duffel):
        offer = zz(duffel)
        advance(duffel, 31 * 60)
        assert code(book(duffel, offer)) == "offer_expired"
        assert ledger(duffel)["orders"] == []

    @pytest.mark.parametrize(
        ("change", "expected", "pointer"),
        [
            ({"given_name": "A" * 21}, "validation_length", "given_name"),
            ({"given_name": "Tony2"}, "invalid_passenger_name", "given_name"),
            ({"family_name": "Œuvre"}, "invalid_passenger_name", "family_name"),
            ({"family_name": ""}, "validation_required", "family_name"),
            ({"title": "Mr"}, "validation_inclusion", "title"),
            ({"gender": "male"}, "validation_inclusion", "gender"),
            ({"born_on": "2015-01-01"}, "order_passengers_incompatible_with_offer", "born_on"),
            ({"born_on": "2090-01-01"}, "validation_format", "born_on"),
            ({"email": "nobody"}, "invalid_email_address", "email"),
            ({"phone_number": "020 8016"}, "invalid_phone_number", "phone_number"),
            ({"id": None}, "validation_required", "id"),
            ({"id": "pas_foreign"}, "not_found", "id"),
        ],
    )
    def test_points_at_what_is_wrong_with_a_passenger(self, duffel, change, expected, pointer):
        offer = zz(duffel)
        answer = book(duffel, offer, passengers=[person(offer["passengers"][0]) | change])
        error = answer.json()["errors"][0]
        assert (answer.status_code, error["code"], error["source"]["pointer"]) == (
            422,
            expected,
            f"/passengers/0/{pointer}",
        )
        assert ledger(duffel)["orders"] == []

    def test_takes_accents_hyphens_and_apostrophes(self, duffel):
        offer = zz(duffel)
        who = person(offer["passengers"][0], "Zoë-Łucja", "O'Čapek")
        assert book(duffel, offer, passengers=[who]).status_code == 201

    def test_wants_every_passenger_once_and_no_name_twice(self, duffel):
        offer = zz(duffel, passengers=[ADULT, ADULT])
        one, two = offer["passengers"]
        assert code(book(duffel, offer, passengers=[person(one)])) == "order_passengers_incompatible_with_offer"
        assert code(book(duffel, offer, passengers=[person(one), person(two)])) == "duplicate_passenger_name"

    def test_links_each_infant_to_an_adult(self, duffel):
        offer = zz(duffel, passengers=[ADULT, {"age": 1}])
        adult, infant = offer["passengers"]
        baby = person(infant, "Morgan", born_on="2025-12-01", title="miss", gender="f")
        assert codes(book(duffel, offer, passengers=[person(adult), baby])) == ["validation_required"]
        linked = person(adult, infant_passenger_id=infant["id"])
        assert book(duffel, offer, passengers=[linked, baby]).status_code == 201

    def test_wants_documents_where_the_offer_says_so(self, duffel):
        offer = next(o for o in search(duffel, "LHR", "IST")["offers"] if o["passenger_identity_documents_required"])
        assert codes(book(duffel, offer)) == ["validation_required"]
        passport = {
            "type": "passport",
            "unique_identifier": "19KL56147",
            "issuing_country_code": "GB",
            "expires_on": "2035-04-25",
        }
        who = person(offer["passengers"][0])
        stale = who | {"identity_documents": [passport | {"expires_on": "2020-01-01"}]}
        assert code(book(duffel, offer, passengers=[stale])) == "validation_format"
        made = book(duffel, offer, passengers=[who | {"identity_documents": [passport]}])
        assert made.status_code == 201
        assert "19KL56147" not in made.text

    @pytest.mark.parametrize(
        ("payment", "expected"),
        [
            ({"amount": "1.00"}, "payment_amount_does_not_match_order_amount"),
            ({"currency": "XXX"}, "payment_currency_does_not_match_order_currency"),
            ({"type": "cash"}, "validation_inclusion"),
        ],
    )
    def test_wants_exactly_the_offers_amount_and_currency(self, duffel, payment, expected):
        offer = zz(duffel)
        right = {"type": "balance", "amount": offer["total_amount"], "currency": offer["total_currency"]}
        assert code(book(duffel, offer, payments=[right | payment])) == expected
        assert code(book(duffel, offer, payments=[])) == "validation_required"

    def test_adds_services_of_the_latest_reading_only(self, duffel):
        made = zz(duffel)
        old, new = (
            duffel.get(f"/air/offers/{made['id']}?return_available_services=true").json()["data"] for _ in range(2)
        )
        total = f"{float(new['total_amount']) + float(new['available_services'][0]['total_amount']):.2f}"
        pay = [{"type": "balance", "amount": total, "currency": new["total_currency"]}]
        stale = book(duffel, new, services=[{"id": old["available_services"][0]["id"], "quantity": 1}], payments=pay)
        assert codes(stale) == ["not_found"]
        order = book(
            duffel, new, services=[{"id": new["available_services"][0]["id"], "quantity": 1}], payments=pay
        ).json()["data"]
        assert order["services"][0]["id"].startswith("ser_")
        assert order["total_amount"] == total

    @pytest.mark.parametrize("metadata", [{"k" * 41: "v"}, {"k": "v" * 501}, {str(i): "v" for i in range(51)}])
    def test_limits_metadata(self, duffel, metadata):
        assert code(book(duffel, zz(duffel), metadata=metadata)) == "validation_length"

    def test_the_airline_knows_a_duplicate_booking(self, duffel):
        pair = [next(o for o in search(duffel, days=50)["offers"] if o["owner"]["iata_code"] == "BA") for _ in range(2)]
        same = next(o for o in search(duffel, days=50)["offers"] if numbers(o) == numbers(pair[0]))
        assert book(duffel, pair[0]).status_code == 201
        answer = book(duffel, same)
        assert code(answer) == "duplicate_booking"
        assert answer.json()["errors"][0]["source"] == "british_airways"

    def test_moves_the_price_of_a_few_bookings_and_takes_the_new_one(self, duffel):
        duffel.post("/_sandbox/orders_mode", json={"price_change_rate": 1.0})
        offer = zz(duffel)
        assert code(book(duffel, offer)) == "price_changed"
        fresh = duffel.get(f"/air/offers/{offer['id']}").json()["data"]
        assert float(fresh["total_amount"]) > float(offer["total_amount"])
        assert book(duffel, fresh).status_code == 201

    def test_by_default_two_to_five_of_a_hundred_prices_move(self, duffel):
        duffel.post("/_sandbox/orders_mode", json={"price_change_rate": 0.035})
        moved = tried = 0
        for days in range(20, 50):
            for owner in ("BA", "AA", "DL", "VS", "ZZ"):
                offer = search(duffel, days=days, max_connections=0, owner=owner)["offers"][0]
                answer = book(duffel, offer)
                tried += 1
                moved += answer.status_code == 422 and code(answer) == "price_changed"
        assert 0.01 <= moved / tried <= 0.07

    def test_an_empty_wallet_books_nothing(self, duffel):
        duffel.post("/_sandbox/account", json={"balance": "5.00"})
        assert code(book(duffel, zz(duffel))) == "insufficient_balance"
        duffel.post("/_sandbox/account", json={"balance": "5000.00"})
        offer = zz(duffel)
        assert book(duffel, offer).status_code == 201
        assert float(ledger(duffel)["balance"]) == pytest.approx(5000 - float(offer["total_amount"]))
        assert ledger(duffel)["balance_spent"] == {"GBP": offer["total_amount"]}

    def test_late_documents_arrive_on_the_virtual_clock(self, duffel):
        duffel.post("/_sandbox/late_documents", json={"airline": "ZZ", "seconds": 3600})
        order = book(duffel, zz(duffel)).json()["data"]
        assert order["documents"] == []
        advance(duffel, 3601)
        assert duffel.get(f"/air/orders/{order['id']}").json()["data"]["documents"][0]["unique_identifier"] == "1"


def numbers(offer):
    return [s["marketing_carrier_flight_number"] for s in offer["slices"][0]["segments"]] + [
        offer["slices"][0]["fare_brand_name"]
    ]


class TestOrderList:
    def test_finds_orders_by_offer_reference_state_and_time(self, duffel):
        made = [book(duffel, zz(duffel, days=d)).json()["data"] for d in (40, 30)]
        held = book(duffel, zz(duffel, brand="Flex"), kind="hold").json()["data"]

        def ids(**query):
            return [o["id"] for o in duffel.get("/air/orders", params=query).json()["data"]]

        assert ids(offer_id=made[0]["offer_id"]) == [made[0]["id"]]
        assert ids(offer_id="off_unknown") == []
        assert ids(booking_reference=made[1]["booking_reference"]) == [made[1]["id"]]
        assert ids(awaiting_payment="true") == [held["id"]]
        assert ids(sort="next_departure")[0] == made[1]["id"]
        assert ids(sort="created_at") == [made[0]["id"], made[1]["id"], held["id"]]
        assert ids(**{"created_at[after]": made[1]["created_at"]}) == [held["id"]]
        assert ids(**{"passenger_name[]": "Stark"}) == ids()
        assert code(duffel.get("/air/orders", params={"sort": "shoe_size"})) == "validation_inclusion"

    def test_patch_replaces_metadata_and_nothing_else(self, duffel):
        order = book(duffel, zz(duffel), metadata={"a": "1"}).json()["data"]
        path = f"/air/orders/{order['id']}"
        assert duffel.patch(path, json={"data": {"metadata": {"b": "2"}}}).json()["data"]["metadata"] == {"b": "2"}
        assert code(duffel.patch(path, json={"data": {"type": "hold"}})) == "validation_inclusion"


class TestAnswers200And202:
    def test_a_200_is_booked_but_readable_later(self, duffel):
        duffel.post("/_sandbox/orders_mode", json={"mode": "200", "settle_seconds": 600})
        offer = zz(duffel)
        assert book(duffel, offer).status_code == 200
        assert ledger(duffel)["orders"][0]["status"] == "ticketed"
        assert duffel.get("/air/orders", params={"offer_id": offer["id"]}).json()["data"] == []
        advance(duffel, 601)
        assert len(duffel.get("/air/orders", params={"offer_id": offer["id"]}).json()["data"]) == 1

    def test_a_202_is_decided_later_and_a_retry_is_refused_meanwhile(self, duffel):
        duffel.post("/_sandbox/orders_mode", json={"mode": "202", "settle_seconds": 600})
        offer = zz(duffel)
        assert book(duffel, offer).status_code == 202
        assert ledger(duffel)["orders"][0]["status"] == "pending"
        assert code(book(duffel, offer)) == "order_creation_already_attempted"
        advance(duffel, 601)
        assert ledger(duffel)["orders"][0]["status"] == "ticketed"

    def test_a_202_can_fail_and_leave_nothing(self, duffel):
        duffel.post("/_sandbox/orders_mode", json={"mode": "202", "settle_seconds": 60, "fail": True})
        offer = zz(duffel)
        book(duffel, offer)
        advance(duffel, 61)
        events = duffel.get("/air/webhooks/events").json()["data"]
        assert [(e["type"], e["data"]["object"]["offer_id"]) for e in events] == [
            ("order.creation_failed", offer["id"])
        ]
        assert ledger(duffel)["orders"] == []
        assert ledger(duffel)["balance_spent"] == {}


class TestFaults:
    def test_an_order_survives_an_answer_that_is_lost(self, duffel):
        offer = zz(duffel)
        duffel.post("/_sandbox/faults", json={"route": "POST /air/orders", "action": "close_after"})
        with pytest.raises(httpx.TransportError):
            book(duffel, offer)
        assert len(duffel.get("/air/orders", params={"offer_id": offer["id"]}).json()["data"]) == 1

    def test_a_call_that_never_arrived_leaves_nothing(self, duffel):
        offer = zz(duffel)
        duffel.post("/_sandbox/faults", json={"route": "POST /air/orders", "action": "close_before"})
        with pytest.raises(httpx.TransportError):
            book(duffel, offer)
        assert ledger(duffel)["orders"] == []
        duffel.post(
            "/_sandbox/faults",
            json={"route": "POST /air/orders", "action": "status", "status": 502, "code": "order_not_created"},
        )
        assert code(book(duffel, offer)) == "order_not_created"
        assert book(duffel, offer).status_code == 201


class TestHolds:
    def test_are_paid_later_and_ticketed_then(self, duffel):
        offer = zz(duffel, brand="Flex")
        order = book(duffel, offer, kind="hold").json()["data"]
        assert order["payment_status"]["awaiting_payment"]
        assert order["documents"] == []
        payment = pay(duffel, order).json()["data"]
        assert conforms("Payment", payment) == []
        after = duffel.get(f"/air/orders/{order['id']}").json()["data"]
        assert after["payment_status"]["paid_at"]
        assert after["documents"]
        assert code(pay(duffel, order)) == "already_paid"

    def test_lapse_when_unpaid(self, duffel):
        order = book(duffel, zz(duffel, brand="Flex"), kind="hold").json()["data"]
        advance(duffel, 72 * 3600 + 60)
        after = duffel.get(f"/air/orders/{order['id']}").json()["data"]
        assert after["payment_status"]["awaiting_payment"] is False
        assert (after["payment_status"]["paid_at"], after["documents"]) == (None, [])
        assert code(pay(duffel, order)) == "past_payment_required_by_date"
        assert ledger(duffel)["orders"][0]["status"] == "lapsed"

    def test_lose_their_price_after_the_guarantee(self, duffel):
        order = book(duffel, zz(duffel, brand="Flex"), kind="hold").json()["data"]
        advance(duffel, 60 * 3600)
        answer = pay(duffel, order)
        now = duffel.get(f"/air/orders/{order['id']}").json()["data"]
        assert now["payment_status"]["price_guarantee_expires_at"] is None
        if now["total_amount"] != order["total_amount"]:
            assert code(answer) == "price_changed"
            assert pay(duffel, now).status_code == 201

    def test_refuse_what_cannot_be_held_or_is_no_hold(self, duffel):
        assert code(book(duffel, zz(duffel, brand="Basic"), kind="hold")) == "invalid_order_create_type"
        instant = book(duffel, zz(duffel)).json()["data"]
        assert code(pay(duffel, instant)) == "order_type_not_eligible_for_payment"

    def test_cannot_be_paid_after_a_schedule_change_or_with_a_wrong_amount(self, duffel):
        order = book(duffel, zz(duffel, brand="Flex"), kind="hold").json()["data"]
        assert code(pay(duffel, order | {"total_amount": "1.00"})) == "payment_amount_does_not_match_order_amount"
        assert code(pay(duffel, order | {"total_currency": "XXX"})) == "payment_currency_does_not_match_order_currency"
        duffel.post(f"/_sandbox/orders/{order['id']}/airline_change")
        assert code(pay(duffel, order)) == "schedule_changed"


def pay(client, order):
    payment = {"type": "balance", "amount": order["total_amount"], "currency": order["total_currency"]}
    return client.post("/air/payments", json={"data": {"order_id": order["id"], "payment": payment}})


def quote(client, order):
    return client.post("/air/order_cancellations", json={"data": {"order_id": order["id"]}})


class TestCancellation:
    def test_is_quoted_and_then_confirmed_once(self, duffel):
        order = book(duffel, zz(duffel)).json()["data"]
        first, second = (quote(duffel, order).json()["data"] for _ in range(2))
        assert conforms("OrderCancellation", second) == []
        assert (second["refund_amount"], second["refund_to"]) == (order["total_amount"], "balance")
        assert code(confirm(duffel, first)) == "order_cancellation_stale"
        assert confirm(duffel, second).json()["data"]["confirmed_at"]
        assert code(confirm(duffel, second)) == "already_cancelled"
        after = duffel.get(f"/air/orders/{order['id']}").json()["data"]
        assert after["cancelled_at"]
        assert after["cancellation"]["id"] == second["id"]
        assert after["available_actions"] == []
        assert ledger(duffel)["orders"][0]["refunded"] == order["total_amount"]
        assert ledger(duffel)["balance_spent"] == {"GBP": "0.00"}

    def test_a_quote_expires(self, duffel):
        made = quote(duffel, book(duffel, zz(duffel)).json()["data"]).json()["data"]
        advance(duffel, 3601)
        assert code(confirm(duffel, made)) == "order_cancellation_stale"

    def test_of_an_unpaid_hold_refunds_nothing(self, duffel):
        made = quote(duffel, book(duffel, zz(duffel, brand="Flex"), kind="hold").json()["data"]).json()["data"]
        assert (made["refund_amount"], made["refund_to"]) == ("0.00", "awaiting_payment")

    def test_after_departure_is_refused(self, duffel):
        order = book(duffel, zz(duffel)).json()["data"]
        advance(duffel, 60 * 86_400)
        assert code(quote(duffel, order)) == "order_not_cancellable"


def confirm(client, made):
    return client.post(f"/air/order_cancellations/{made['id']}/actions/confirm")


class TestAirlineChanges:
    def test_are_listed_and_the_newest_can_be_accepted(self, duffel):
        order = book(duffel, zz(duffel)).json()["data"]
        changes = [
            duffel.post(f"/_sandbox/orders/{order['id']}/airline_change", json={"shift_minutes": 45}).json()
            for _ in range(2)
        ]
        assert conforms("AirlineInitiatedChange", changes[0]) == []
        assert len(duffel.get("/air/orders", params={"requires_action": "true"}).json()["data"]) == 1
        path = "/air/airline_initiated_changes"
        assert [c["id"] for c in duffel.get(path, params={"order_id": order["id"]}).json()["data"]] == [
            c["id"] for c in changes
        ]
        assert code(duffel.post(f"{path}/{changes[0]['id']}/actions/accept")) == "stale_airline_initiated_change_accept"
        assert duffel.post(f"{path}/{changes[1]['id']}/actions/accept").json()["data"]["action_taken"] == "accepted"
        after = duffel.get(f"/air/orders/{order['id']}").json()["data"]
        assert after["slices"][0] == changes[1]["added"][0]
        assert duffel.get("/air/orders", params={"requires_action": "true"}).json()["data"] == []


class TestMagicRoutes:
    def test_pvd_rai_has_no_offers(self, duffel):
        assert search(duffel, "PVD", "RAI")["offers"] == []

    def test_jfk_ewr_can_always_be_held(self, duffel):
        offers = search(duffel, "JFK", "EWR", owner="ZZ")["offers"]
        assert offers
        assert not any(o["payment_requirements"]["requires_instant_payment"] for o in offers)
        assert book(duffel, offers[0], kind="hold").status_code == 201

    def test_lhr_dxb_connects(self, duffel):
        offers = search(duffel, "LHR", "DXB", owner="ZZ")["offers"]
        assert offers
        assert all(len(o["slices"][0]["segments"]) > 1 for o in offers)

    def test_dxb_ams_stops_on_one_segment(self, duffel):
        direct = [o for o in search(duffel, "DXB", "AMS", owner="ZZ")["offers"] if len(o["slices"][0]["segments"]) == 1]
        assert direct
        assert all(len(o["slices"][0]["segments"][0]["stops"]) == 1 for o in direct)

    def test_bts_mru_has_no_baggage(self, duffel):
        for offer in search(duffel, "BTS", "MRU", owner="ZZ")["offers"]:
            assert all(p["baggages"] == [] for s in offer["slices"][0]["segments"] for p in s["passengers"])

    def test_bts_abv_has_no_services(self, duffel):
        offer = zz(duffel, "BTS", "ABV")
        assert (
            duffel.get(f"/air/offers/{offer['id']}?return_available_services=true").json()["data"]["available_services"]
            == []
        )

    def test_stn_lhr_times_out(self, duffel):
        answer = search(duffel, "STN", "LHR", raw=True)
        assert (answer.status_code, code(answer)) == (504, "gateway_timeout_error")

    def test_lgw_lhr_is_gone_when_read(self, duffel):
        offer = zz(duffel, "LGW", "LHR")
        assert code(duffel.get(f"/air/offers/{offer['id']}")) == "offer_no_longer_available"

    def test_lhr_stn_rises_by_ten_on_each_reading(self, duffel):
        offer = zz(duffel, "LHR", "STN")
        reads = [float(duffel.get(f"/air/offers/{offer['id']}").json()["data"]["total_amount"]) for _ in range(2)]
        assert reads == [pytest.approx(float(offer["total_amount"]) + rise) for rise in (10, 20)]
        assert code(book(duffel, offer)) == "payment_amount_does_not_match_order_amount"

    def test_lhr_lgw_fails_at_the_airline(self, duffel):
        answer = book(duffel, zz(duffel, "LHR", "LGW"))
        assert (answer.status_code, code(answer)) == (502, "airline_unknown")

    def test_lgw_stn_has_no_balance(self, duffel):
        assert code(book(duffel, zz(duffel, "LGW", "STN"))) == "insufficient_balance"

    def test_lhr_ltn_gets_another_change_on_each_reading(self, duffel):
        order = book(duffel, zz(duffel, "LHR", "LTN")).json()["data"]
        counts = [
            len(duffel.get("/air/airline_initiated_changes", params={"order_id": order["id"]}).json()["data"])
            for _ in range(2)
        ]
        assert counts == [1, 2]

    def test_ltn_syd_refunds_credits(self, duffel):
        made = quote(duffel, book(duffel, zz(duffel, "LTN", "SYD")).json()["data"]).json()["data"]
        assert made["refund_to"] == "airline_credits"
        assert made["airline_credits"][0]["credit_code"] is None
        assert confirm(duffel, made).json()["data"]["airline_credits"][0]["credit_code"]

    @pytest.mark.parametrize("route", [("LTN", "STN"), ("SEN", "STN"), ("LCY", "STN")])
    def test_the_card_routes_book_normally_by_balance(self, duffel, route):
        assert book(duffel, zz(duffel, *route)).status_code == 201


@pytest.fixture
def receiver():
    got = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            got.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(500 if self.path == "/broken" else 200)
            self.end_headers()

        def log_message(self, *_):
            pass

    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{listening.server_port}", got
    listening.shutdown()


class TestWebhooks:
    def test_are_signed_over_the_raw_body_and_carry_ids_only(self, duffel, receiver):
        url, got = receiver
        made = duffel.post(
            "/air/webhooks", json={"data": {"url": f"{url}/hook", "events": ["order.created", "ping.triggered"]}}
        ).json()["data"]
        assert conforms("Webhook", made) == []
        assert duffel.get(f"/air/webhooks/{made['id']}").json()["data"]["secret"] is None
        order = book(duffel, zz(duffel)).json()["data"]
        until(lambda: got)
        headers, body = got[0]
        stamp, signature = (part.split("=", 1)[1] for part in headers["X-Duffel-Signature"].split(","))
        assert hmac.new(made["secret"].encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest() == signature
        event = json.loads(body)
        assert (event["type"], event["idempotency_key"]) == ("order.created", order["id"])
        assert event["data"]["object"] == {"id": order["id"], "offer_id": order["offer_id"]}

    def test_there_is_one_endpoint_which_can_be_changed_pinged_and_deleted(self, duffel, receiver):
        url, got = receiver
        body = {"data": {"url": f"{url}/hook", "events": ["ping.triggered"]}}
        made = duffel.post("/air/webhooks", json=body).json()["data"]
        path = f"/air/webhooks/{made['id']}"
        assert code(duffel.post("/air/webhooks", json=body)) == "unsafe_unique"
        assert duffel.post(f"{path}/actions/ping").status_code == 204
        assert json.loads(got[0][1])["type"] == "ping.triggered"
        duffel.patch(path, json={"data": {"url": f"{url}/broken"}})
        assert code(duffel.post(f"{path}/actions/ping")) == "webhook_client_error"
        assert duffel.delete(path).status_code == 204
        assert duffel.get("/air/webhooks").json()["data"] == []

    def test_plain_http_is_for_loopback_only(self, duffel):
        answer = duffel.post(
            "/air/webhooks", json={"data": {"url": "http://example.com/x", "events": ["order.created"]}}
        )
        assert answer.json()["errors"][0]["source"]["pointer"] == "/url"

    def test_each_step_of_an_order_has_its_event(self, duffel):
        held = book(duffel, zz(duffel, brand="Flex"), kind="hold").json()["data"]
        pay(duffel, held)
        duffel.post(f"/_sandbox/orders/{held['id']}/airline_change")
        confirm(duffel, quote(duffel, held).json()["data"])
        assert [e["type"] for e in duffel.get("/air/webhooks/events").json()["data"]] == [
            "order.created", "payment.created", "order.airline_initiated_change_detected",
            "order_cancellation.created", "order_cancellation.confirmed",
        ]  # fmt: skip


def until(met, seconds=5):
    end = time.monotonic() + seconds
    while not met() and time.monotonic() < end:
        time.sleep(0.02)
    assert met()


class TestSeeds:
    def test_another_seed_is_another_world(self):
        first, stop_first = run_server(seed=1)
        second, stop_second = run_server(seed=2)
        a, b = ({numbers(o)[0]: o["total_amount"] for o in search(c, owner="ZZ")["offers"]} for c in (first, second))
        stop_first()
        stop_second()
        assert set(a) == set(b)
        assert a != b
