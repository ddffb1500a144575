"""Duffel's JSON into our types, over captured answers; and what its refusals mean."""

import contextlib
import copy
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from parkerflight.core.errors import NotFound, OutcomeUnknown, Retryable, Terminal
from parkerflight.core.money import Money
from parkerflight.flights.duffel import errors, parse
from parkerflight.flights.duffel.wire import duration
from parkerflight.flights.provider import (
    AlreadyAttempted,
    Misconfigured,
    NotHoldable,
    OfferGone,
    PassengerRefused,
    PriceChanged,
    WalletEmpty,
)
from parkerflight.flights.types import Offer, OrderState
from parkerflight.ops.explain import explain, read

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "duffel"
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

OFFERS = {
    "components/offer-requests/orq_0000Ab7taNqbK8y5YqW6Zk.json": 3,
    "components/offers/off_0000AUde3KwTztSRK1cznH.json": 1,
    "components/offers/off_0000AVx4lUFFKW8PsPeQeQ.json": 1,
    "components/offers/off_0000AeT5uiyKxIXKOOMX0r.json": 1,
    "components/offers/off_0000AeTBGutRgqHe0r53Dx.json": 1,
    "components/offers/off_0000AeTBYSYYIsOQXvkYcU.json": 1,
    "components/offers/off_0000AeTCyLn97tj8zqhylF.json": 1,
    "components/offers/off_0000AguUNlT6zsvmL0UBKn.json": 1,
    "components/offers/off_1.json": 1,
    "python/create-offer-request.json": 1,
    "python/create-partial-offer-request.json": 1,
    "python/get-offer-by-id-with-null-payment-requirements.json": 1,
    "python/get-offer-by-id.json": 1,
    "python/get-offer-request-by-id.json": 1,
    "python/get-offer-requests.json": 1,
    "python/get-offers.json": 1,
    "python/get-partial-offer-request-by-id.json": 1,
    "ruby/offers/show.json": 1,
}
REFUSED = {
    "python/confirm-order-cancellation.json": "data.total_amount is missing",
    "python/create-hold-order.json": "data.expires_at is missing",
    "python/create-instant-order.json": "data.expires_at is missing",
    "python/get-airlines.json": "data[0].total_amount is missing",
    "python/get-order-change-offer-by-id.json": "data.total_amount is missing",
    "python/get-orders.json": "data[0].expires_at is missing",
    "python/get-seat-maps.json": "data[0].total_amount is missing",
    "ruby/airline_error.json": "data is missing",
    "ruby/api_error.json": "data is missing",
    "ruby/authentication_error.json": "data is missing",
    "ruby/invalid_request_error.json": "data is missing",
    "ruby/invalid_state_error.json": "data is missing",
    "ruby/offer_requests/list.json": "data[0].total_amount is missing",
    "ruby/offer_requests/show.json": "data.offers[0].owner is missing",
    "ruby/orders/show.json": "data.expires_at is missing",
    "ruby/rate_limit_error.json": "data is missing",
    "ruby/validation_error.json": "data is missing",
}


def captured(name: str) -> dict:
    content = json.loads((FIXTURES / name).read_text())
    return content.get("data", content)


def captured_offer(name: str) -> Offer:
    return parse.offer(captured(name))


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=5),
    st.just([]),
    st.just([None]),
    st.just({}),
    st.sampled_from(["0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-23:00", "PT99999999999999999H", "1E+999999999"]),
)


def places_in(value: object) -> Iterator[tuple[Any, Any]]:
    """Every place in decoded JSON where something stands."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in pairs:
        yield value, name
        yield from places_in(inner)


class TestCapturedFiles:
    def test_every_fixture_is_either_read_or_refused_by_name(self):
        files = {str(path.relative_to(FIXTURES)) for path in FIXTURES.rglob("*.json")}

        assert files == set(OFFERS) | set(REFUSED)

    @pytest.mark.parametrize(("name", "count"), OFFERS.items())
    def test_offers_are_read(self, name: str, count: int):
        found, problems = read(FIXTURES / name)

        assert len(found) == count
        assert problems == []
        assert all(one.total.minor > 0 and one.slices and one.passengers for one in found)

    @pytest.mark.parametrize(("name", "field"), REFUSED.items())
    def test_anything_else_is_refused_naming_the_field(self, name: str, field: str):
        with pytest.raises(Terminal, match="^" + re.escape(field)):
            read(FIXTURES / name)


class TestOffer:
    def test_holds_what_the_airline_sells(self):
        offer = captured_offer("components/offers/off_0000AeTCyLn97tj8zqhylF.json")

        assert offer.owner == "OS"
        assert offer.total == Money(17770, "GBP")
        assert [one.connections for one in offer.slices] == [1, 1]
        assert offer.slices[0].departing_at == datetime(2024, 3, 19, 12, 50)  # noqa: DTZ001 - local
        assert offer.slices[0].origin.time_zone == "Europe/Paris"
        assert offer.slices[0].origin.city_code == "LYS"
        assert not offer.requires_instant_payment
        assert offer.price_guarantee_expires_at is None
        assert offer.expires_at.tzinfo is UTC

    def test_unknown_conditions_stay_unknown(self):
        offer = captured_offer("components/offers/off_0000AguUNlT6zsvmL0UBKn.json")

        assert (offer.refund.allowed, offer.change.allowed) == (None, None)

    def test_a_penalty_keeps_its_own_currency(self):
        offer = captured_offer("components/offers/off_0000AeT5uiyKxIXKOOMX0r.json")

        assert offer.total.currency == "GBP"
        assert offer.change.penalty is None or offer.change.penalty.currency == "USD"
        assert offer.refund.penalty is None or offer.refund.penalty.currency == "USD"

    def test_without_payment_requirements_it_must_be_paid_at_once(self):
        silent = captured("components/offers/off_0000AeTCyLn97tj8zqhylF.json") | {"payment_requirements": None}

        assert parse.offer(silent).requires_instant_payment

    def test_a_hold_without_deadlines_is_read(self):
        offer = captured_offer("python/get-offer-by-id-with-null-payment-requirements.json")

        assert not offer.requires_instant_payment
        assert (offer.payment_required_by, offer.price_guarantee_expires_at) == (None, None)

    @pytest.mark.parametrize(
        "path",
        [
            "id",
            "total_amount",
            "total_currency",
            "expires_at",
            "owner",
            "slices",
            "passengers",
            "passengers[0].id",
            "slices[0].origin",
            "slices[1].segments",
            "slices[0].segments[1].departing_at",
            "slices[0].segments[1].arriving_at",
            "slices[1].segments[0].marketing_carrier",
            "slices[1].segments[0].destination.iata_code",
            "slices[0].segments[0].passengers[0].passenger_id",
        ],
    )
    @pytest.mark.parametrize("kind", ["missing", "wrong"])
    def test_names_the_field_that_is_missing_or_wrong(self, path: str, kind: str):
        broken = copy.deepcopy(captured("components/offers/off_0000AeTCyLn97tj8zqhylF.json"))
        *parents, last = path.replace("]", "").replace("[", ".").split(".")
        at = broken
        for part in parents:
            at = at[int(part) if part.isdigit() else part]
        if kind == "missing":
            del at[last]
        else:
            at[last] = 7

        with pytest.raises(Terminal) as refused:
            parse.offer(broken)

        assert refused.value.code == "malformed_offer"
        assert str(refused.value).startswith(path + " ")

    def test_a_local_time_with_an_offset_is_refused(self):
        broken = copy.deepcopy(captured("components/offers/off_1.json"))
        broken["slices"][0]["segments"][0]["departing_at"] = "2023-04-21T15:29:00Z"

        with pytest.raises(Terminal, match=r"^slices\[0\].segments\[0\].departing_at carries an offset"):
            parse.offer(broken)

    def test_an_amount_finer_than_its_currency_is_refused(self):
        broken = captured("components/offers/off_1.json") | {"total_amount": "100.50", "total_currency": "JPY"}

        with pytest.raises(Terminal, match=r"^total_amount cannot be read"):
            parse.offer(broken)

    def test_survives_unknown_and_absent_optional_fields(self):
        bare = copy.deepcopy(captured("components/offers/off_1.json"))
        for name in (
            "conditions",
            "payment_requirements",
            "live_mode",
            "tax_amount",
            "passenger_identity_documents_required",
        ):
            bare.pop(name, None)
        for one in bare["slices"]:
            one["duration"] = one["fare_brand_name"] = None
            for segment in one["segments"]:
                for name in ("operating_carrier", "duration", "stops", "aircraft", "passengers"):
                    segment.pop(name, None)

        offer = parse.offer(bare | {"surprise": {"new": [1]}})

        assert offer.checked_bags == 0
        assert offer.slices[0].duration is None

    @pytest.mark.parametrize("amount", ["0.00", "-1.00", "1E+999999", "NaN", "a lot"])
    def test_what_is_no_price_is_refused(self, amount: str):
        with pytest.raises(Terminal, match=r"^total_amount "):
            parse.offer(captured("components/offers/off_1.json") | {"total_amount": amount})

    @settings(max_examples=300, deadline=None)
    @given(st.integers(0, 10**6), JUNK)
    def test_junk_anywhere_is_read_over_or_refused_and_nothing_else(self, where: int, junk: object):
        broken = copy.deepcopy(captured("components/offers/off_0000AguUNlT6zsvmL0UBKn.json"))
        spots = list(places_in(broken))
        holder, name = spots[where % len(spots)]
        holder[name] = junk

        with contextlib.suppress(Terminal):
            assert parse.offer(broken).total.minor > 0

    def test_malformed_offers_of_a_request_are_told_apart(self):
        request = copy.deepcopy(captured("components/offer-requests/orq_0000Ab7taNqbK8y5YqW6Zk.json"))
        del request["offers"][1]["total_amount"]

        found, problems = parse.offers(request, path="data")

        assert len(found) == 2
        assert problems == ["data.offers[1].total_amount is missing"]
        assert {one.offer_request_id for one in found} == {"orq_0000Ab7taNqbK8y5YqW6Zk"}


class TestDuration:
    @pytest.mark.parametrize(
        ("text", "minutes"), [("PT6H34M", 394), ("PT02H26M", 146), ("P1DT2H", 1560), ("PT45M", 45), ("P2D", 2880)]
    )
    def test_reads_iso_8601(self, text: str, minutes: int):
        assert duration(text) == timedelta(minutes=minutes)

    @pytest.mark.parametrize("text", ["", "P", "PT", "6h", "-PT1H", "P1Y"])
    def test_anything_else_is_unknown(self, text: str):
        assert duration(text) is None


class TestOrder:
    def order(self, **changes: object) -> dict:
        base = copy.deepcopy(captured("python/create-instant-order.json"))
        return base | {"cancelled_at": None, "offer_id": "off_1", "type": "instant"} | changes

    def test_reads_captured_orders(self):
        for name in ("python/create-hold-order.json", "python/create-instant-order.json", "ruby/orders/show.json"):
            order = parse.order(captured(name))
            assert order.id.startswith("ord_")
            assert order.booking_reference
            assert order.tickets

    @pytest.mark.parametrize(
        ("changes", "state"),
        [
            ({}, OrderState.TICKETED),
            ({"documents": []}, OrderState.CONFIRMED),
            ({"documents": None}, OrderState.CONFIRMED),
            ({"documents": [{"type": "electronic_miscellaneous_document_associated"}]}, OrderState.CONFIRMED),
            ({"documents": [{"type": "electronic_ticket", "passenger_ids": ["pas_other"]}]}, OrderState.CONFIRMED),
            ({"cancelled_at": "2026-01-01T00:00:00Z"}, OrderState.CANCELLED),
            ({"type": "hold", "payment_status": {"awaiting_payment": True}, "documents": []}, OrderState.HELD),
            (
                {"type": "hold", "payment_status": {"awaiting_payment": False, "paid_at": None}, "documents": []},
                OrderState.LAPSED,
            ),
            (
                {
                    "type": "hold",
                    "payment_status": {"awaiting_payment": False, "paid_at": "2026-01-01T00:00:00Z"},
                    "documents": [],
                },
                OrderState.CONFIRMED,
            ),
        ],
    )
    def test_derives_its_state(self, changes: dict, state: OrderState):
        assert parse.order(self.order(**changes)).state is state

    def test_never_shows_its_reference_in_a_log(self):
        order = parse.order(self.order())

        assert order.booking_reference not in repr(order)


def failure(status: int, *codes: str, pointer: str = "", **headers: str) -> errors.Failure:
    source = {"source": {"pointer": pointer}} if pointer else {"source": "iberia"}
    body = {
        "errors": [{"code": code, "type": "x", "title": "T", **source} for code in codes],
        "meta": {"request_id": "r1"},
    }
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return errors.read(status, body if codes else None, named, NOW)


class TestOrderErrors:
    @pytest.mark.parametrize(
        ("status", "code", "kind"),
        [
            (422, "offer_request_already_booked", AlreadyAttempted),
            (422, "order_creation_already_attempted", AlreadyAttempted),
            (422, "duplicate_booking", AlreadyAttempted),
            (500, "duplicate_booking", AlreadyAttempted),
            (422, "offer_no_longer_available", OfferGone),
            (422, "offer_expired", OfferGone),
            (422, "price_changed", PriceChanged),
            (422, "payment_amount_does_not_match_order_amount", PriceChanged),
            (422, "payment_currency_does_not_match_order_currency", PriceChanged),
            (422, "insufficient_balance", WalletEmpty),
            (422, "invalid_passenger_name", PassengerRefused),
            (422, "duplicate_passenger_name", PassengerRefused),
            (422, "invalid_phone_number", PassengerRefused),
            (422, "order_passengers_incompatible_with_offer", PassengerRefused),
            (401, "access_token_not_found", Misconfigured),
            (400, "unsupported_version", Misconfigured),
            (403, "unavailable_feature", Misconfigured),
            (403, "", Misconfigured),
            (429, "rate_limit_exceeded", Retryable),
            (429, "", Retryable),
            (502, "order_not_created", Terminal),
            (500, "internal_server_error", OutcomeUnknown),
            (400, "airline_unknown", OutcomeUnknown),
            (502, "airline_internal", OutcomeUnknown),
            (502, "", OutcomeUnknown),
            (503, "", OutcomeUnknown),
            (504, "gateway_timeout_error", OutcomeUnknown),
            (408, "", OutcomeUnknown),
            (302, "", OutcomeUnknown),
            (204, "", OutcomeUnknown),
            (422, "invalid_order_create_type", NotHoldable),
            (422, "something_new", Terminal),
            (404, "", Terminal),
        ],
    )
    def test_say_whether_an_order_may_exist(self, status: int, code: str, kind: type):
        error = errors.of_order(failure(status, *([code] if code else [])))

        assert type(error) is kind
        assert error.code == (code or error.code)

    def test_of_several_the_most_consequential_counts(self):
        assert type(errors.of_order(failure(422, "validation_format", "duplicate_booking"))) is AlreadyAttempted

    def test_a_field_of_a_passenger_is_the_persons_to_correct(self):
        refused = errors.of_order(failure(422, "validation_format", pointer="/passengers/0/given_name"))
        ours = errors.of_order(failure(422, "validation_required", pointer="/passengers/0/id"))

        assert type(refused) is PassengerRefused
        assert type(ours) is Terminal

    def test_a_payment_that_does_not_match_is_a_changed_price(self):
        assert type(errors.of_order(failure(422, "no_match", pointer="/payments/0/currency"))) is PriceChanged

    def test_waits_until_the_reset(self):
        error = errors.of_order(failure(429, ratelimit_reset="Mon, 23 Nov 2026 09:00:42 GMT"))

        assert error.after == 42.0

    def test_keeps_the_request_id(self):
        assert errors.of_order(failure(500, "internal_server_error")).reference == "r1"


class TestReadErrors:
    @pytest.mark.parametrize(
        ("status", "code", "kind"),
        [
            (503, "", Retryable),
            (504, "gateway_timeout_error", Retryable),
            (404, "not_found", NotFound),
            (422, "x", Terminal),
        ],
    )
    def test_reads(self, status: int, code: str, kind: type):
        assert type(errors.of_read(failure(status, *([code] if code else [])))) is kind

    def test_a_failed_read_may_be_repeated_but_a_failed_search_is_not(self):
        assert type(errors.of_read(failure(502))) is Retryable
        assert type(errors.of_read(failure(502), repeatable=False)) is Terminal

    def test_an_offer_that_is_not_there_is_gone(self):
        assert type(errors.of_offer(failure(404, "not_found"))) is OfferGone
        assert type(errors.of_offer(failure(422, "offer_no_longer_available"))) is OfferGone

    @pytest.mark.parametrize("name", [name for name in REFUSED if name.endswith("_error.json")])
    def test_captured_envelopes_are_read(self, name: str):
        body = json.loads((FIXTURES / name).read_text())

        found = errors.read(422, body, {}, NOW)

        assert found.code == body["errors"][0]["code"]
        assert found.reference == body["meta"]["request_id"]

    @pytest.mark.parametrize(
        "body", [None, [], "text", {"errors": "x"}, {"errors": [None, 3]}, {"errors": [{"code": 7}]}]
    )
    def test_survives_nonsense(self, body: object):
        assert errors.of_order(errors.read(500, body, {}, NOW)).code


class TestExplain:
    def run(self, *files: Path, cap: str = "400", **wishes: object) -> tuple[int, str]:
        out = io.StringIO()
        code = explain(list(files), Money.parse(cap, "GBP"), console=Console(file=out, width=220), **wishes)
        return code, out.getvalue()

    def test_shows_verdict_and_reason(self):
        code, text = self.run(FIXTURES / "components/offers/off_1.json")

        assert code == 0
        assert "costs 652.64 GBP, 252.64 GBP above the cap" in text

    def test_refused_files_are_named_and_the_others_still_shown(self, tmp_path: Path):
        broken = tmp_path / "broken.json"
        broken.write_text("{")

        code, text = self.run(
            broken,
            tmp_path / "none.json",
            FIXTURES / "ruby/orders/show.json",
            FIXTURES / "components/offers/off_1.json",
        )

        assert code == 1
        assert f"{broken}: is not JSON" in text
        assert f"{tmp_path / 'none.json'}: cannot be read" in text
        assert f"{FIXTURES / 'ruby/orders/show.json'}: data.expires_at is missing" in text
        assert "652.64 GBP" in text

    def test_ids_stay_whole_on_a_narrow_terminal(self):
        out = io.StringIO()

        explain([FIXTURES / "ruby/offers/show.json"], Money(40_000, "GBP"), console=Console(file=out, width=80))

        assert "off_0000ACUEAwiy4LZKiaec5s" in out.getvalue()
        assert "ORD → OKC → LAX" in out.getvalue()

    def test_expiry_counts_only_at_a_given_moment(self):
        file = FIXTURES / "components/offers/off_0000AguUNlT6zsvmL0UBKn.json"

        assert "expired" not in self.run(file)[1]
        assert "expired at 2024-04-15 12:15 UTC" in self.run(file, now=NOW)[1]

    def test_wishes_refuse(self):
        file = FIXTURES / "components/offers/off_0000AeTCyLn97tj8zqhylF.json"

        for wishes, reason in (
            ({"max_connections": 0}, "has 1 connections"),
            ({"bags": 1}, "includes 0 checked bags"),
            ({"airlines_in": ["ba"]}, "flies OS, which is not among the wanted"),
            ({"airlines_out": ["OS"]}, "flies OS, which is unwanted"),
        ):
            assert reason in self.run(file, **wishes)[1]
