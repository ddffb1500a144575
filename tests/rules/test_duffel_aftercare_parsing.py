"""Cancellations, airline changes and held orders as Duffel writes them, and what each refusal of them means."""

import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from parkerflight.core.errors import NotFound, OutcomeUnknown, ParkerError, Retryable, Terminal
from parkerflight.core.money import Money
from parkerflight.flights.duffel import aftercare, errors, parse
from parkerflight.flights.provider import (
    AlreadyCancelled,
    AlreadyPaid,
    HoldLapsed,
    Misconfigured,
    NotCancellable,
    PriceChanged,
    QuoteStale,
    ScheduleChanged,
    WalletEmpty,
)
from parkerflight.flights.types import OrderState, RefundTo

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "duffel"
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
DUE = datetime(2020, 1, 17, 10, 42, 14, tzinfo=UTC)


def captured(name: str) -> dict[str, Any]:
    return json.loads((FIXTURES / f"{name}.json").read_text())["data"]


def failure(status: int, code: str, pointer: str = "") -> errors.Failure:
    entry = {"code": code, "title": "T", "type": "t", "source": {"pointer": pointer}}
    return errors.read(status, {"errors": [entry], "meta": {"request_id": "r1"}}, {}, NOW)


class TestAQuote:
    def test_is_read_from_a_captured_answer(self):
        quote = aftercare.quote(captured("python/confirm-order-cancellation"))

        assert quote.id == "ore_00009qzZWzjDipIkqpaUAj"
        assert (quote.refund, quote.refund_to) == (Money(9080, "GBP"), RefundTo.OTHER)
        assert quote.expires_at == datetime(2020, 4, 12, 10, 42, 14, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("said", "meant"),
        [
            *((one.value, one) for one in RefundTo),
            *(
                (other, RefundTo.OTHER)
                for other in ("card", "arc_bsp_cash", "original_form_of_payment", "new", None, 7)
            ),
        ],
    )
    def test_never_takes_an_unknown_target_for_our_balance(self, said: Any, meant: RefundTo):
        quote = aftercare.quote(captured("python/confirm-order-cancellation") | {"refund_to": said})
        assert quote.refund_to is meant

    def test_without_a_figure_says_so(self):
        silent = {"refund_amount": None, "refund_currency": None, "expires_at": None, "confirmed_at": None}
        quote = aftercare.quote(captured("python/confirm-order-cancellation") | silent)
        assert (quote.refund, quote.expires_at, quote.confirmed_at) == (None, None, None)

    @pytest.mark.parametrize(
        "broken",
        [{"refund_amount": "abc"}, {"refund_amount": "-1.00"}, {"refund_amount": 90.8}, {"refund_currency": None}],
    )
    def test_with_a_figure_that_cannot_be_read_is_refused(self, broken: dict[str, Any]):
        with pytest.raises(Terminal, match=r"data\.refund_"):
            aftercare.quote(captured("python/confirm-order-cancellation") | broken)


class TestAChange:
    def change(self, **changes: Any) -> dict[str, Any]:
        piece = captured("python/create-instant-order")["slices"][0]
        made = {"id": "aic_1", "order_id": "ord_1", "added": [piece], "removed": [piece], "action_taken": None}
        return made | {"available_actions": ["accept", "cancel"], "created_at": "2026-11-23T09:00:00Z"} | changes

    def test_that_only_takes_flights_away_adds_none(self):
        change = aftercare.change(self.change(added=[]))
        assert (change.added, len(change.removed)) == ((), 1)

    def test_can_be_accepted_only_where_it_says_so(self):
        assert aftercare.change(self.change()).can_accept
        for silent in ([], None, ["cancel"]):
            assert not aftercare.change(self.change(available_actions=silent)).can_accept

    def test_keeps_what_was_answered(self):
        assert aftercare.change(self.change()).taken == ""
        assert aftercare.change(self.change(action_taken="changed")).taken == "changed"

    def test_names_the_field_it_cannot_read(self):
        broken = copy.deepcopy(self.change())
        del broken["added"][0]["segments"][0]["departing_at"]
        with pytest.raises(Terminal, match=r"^data\.added\[0\]\.segments\[0\]\.departing_at is missing"):
            aftercare.change(broken)


class TestAHeldOrder:
    def held(self, **payment: Any) -> dict[str, Any]:
        made = captured("python/create-hold-order") | {"cancelled_at": None, "documents": [], "type": "hold"}
        return made | {"payment_status": made["payment_status"] | payment}

    def test_tells_until_when_it_waits(self):
        order = parse.order(self.held())
        assert (order.state, order.payment_required_by, order.price_guarantee_expires_at) == (OrderState.HELD, DUE, DUE)
        assert (order.paid_at, order.can_cancel) == (None, True)

    def test_that_waits_no_longer_and_was_not_paid_has_lapsed(self):
        gone = {"awaiting_payment": False, "paid_at": None, "payment_required_by": None}
        assert parse.order(self.held(**gone)).state is OrderState.LAPSED
        paid = gone | {"paid_at": "2020-01-16T10:42:14Z"}
        assert parse.order(self.held(**paid)).state is OrderState.CONFIRMED
        assert parse.order(self.held(**gone) | {"cancelled_at": "2020-01-16T10:42:14Z"}).state is OrderState.CANCELLED
        ticket = {"type": "electronic_ticket", "unique_identifier": "1"}
        assert parse.order(self.held(**gone) | {"documents": [ticket]}).state is OrderState.TICKETED

    def test_can_be_cancelled_only_where_it_says_so(self):
        for silent in ([], None, ["update"]):
            assert not parse.order(self.held() | {"available_actions": silent}).can_cancel


def kinds(*rows: tuple[int, str, type[ParkerError]]) -> Any:
    return pytest.mark.parametrize(("status", "code", "kind"), rows)


BROKEN = (
    (500, "internal_server_error", OutcomeUnknown),
    (502, "airline_unknown", OutcomeUnknown),
    (503, "service_unavailable", OutcomeUnknown),
    (504, "gateway_timeout_error", OutcomeUnknown),
    (408, "", OutcomeUnknown),
    (302, "", OutcomeUnknown),
    (422, "airline_internal", OutcomeUnknown),
    (500, "already_paid", OutcomeUnknown),
    (429, "rate_limit_exceeded", Retryable),
    (401, "expired_access_token", Misconfigured),
    (403, "", Misconfigured),
    (422, "something_new", Terminal),
    (404, "not_found", Terminal),
)


class TestPaymentErrors:
    @kinds(
        *BROKEN,
        (422, "already_paid", AlreadyPaid),
        (422, "already_cancelled", AlreadyCancelled),
        (422, "past_payment_required_by_date", HoldLapsed),
        (422, "schedule_changed", ScheduleChanged),
        (422, "price_changed", PriceChanged),
        (422, "payment_amount_does_not_match_order_amount", PriceChanged),
        (422, "payment_currency_does_not_match_order_currency", PriceChanged),
        (422, "insufficient_balance", WalletEmpty),
        (422, "order_type_not_eligible_for_payment", Terminal),
    )
    def test_say_whether_it_may_be_paid(self, status: int, code: str, kind: type):
        assert type(errors.of_payment(failure(status, code))) is kind

    def test_a_currency_that_does_not_match_is_a_changed_price(self):
        assert type(errors.of_payment(failure(422, "no_match", "/payment/currency"))) is PriceChanged


class TestConfirmationErrors:
    @kinds(
        *BROKEN,
        (422, "order_cancellation_stale", QuoteStale),
        (422, "already_cancelled", AlreadyCancelled),
        (422, "order_not_cancellable", NotCancellable),
        (422, "unsupported_action", NotCancellable),
        (400, "unsupported_action", NotCancellable),
        (502, "unsupported_action", OutcomeUnknown),
    )
    def test_say_whether_it_may_be_cancelled(self, status: int, code: str, kind: type):
        assert type(errors.of_confirmation(failure(status, code))) is kind


class TestQuoteErrors:
    @kinds(
        (422, "order_not_cancellable", NotCancellable),
        (422, "unsupported_action", NotCancellable),
        (422, "already_cancelled", AlreadyCancelled),
        (404, "not_found", NotFound),
        (500, "internal_server_error", Retryable),
        (504, "gateway_timeout_error", Retryable),
        (429, "rate_limit_exceeded", Retryable),
        (422, "something_new", Terminal),
    )
    def test_are_never_unknown_for_a_quote_changes_nothing(self, status: int, code: str, kind: type):
        assert type(errors.of_quote(failure(status, code))) is kind


class TestAcceptanceErrors:
    @kinds(
        *BROKEN,
        (422, "stale_airline_initiated_change_accept", Terminal),
        (422, "order_change_already_actioned", Terminal),
    )
    def test_say_whether_it_may_be_accepted(self, status: int, code: str, kind: type):
        error = errors.of_acceptance(failure(status, code))
        assert type(error) is kind
        assert error.reference == "r1"
