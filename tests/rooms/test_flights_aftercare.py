"""The whole flights port over HTTP against the sandbox: holds, payments, cancellations, airline changes, sweeps, webhooks."""

import http.server
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest
from tests.bench import Sandbox, TestClock
from tests.rooms.test_flights import ORDER, REQUEST, Open

from parkerflight.core import fault_points
from parkerflight.core.errors import NotFound, OutcomeUnknown, Retryable, Terminal
from parkerflight.core.money import Money
from parkerflight.flights.duffel.adapter import DuffelProvider
from parkerflight.flights.limiter import SharedLimiter
from parkerflight.flights.provider import (
    AlreadyCancelled,
    AlreadyPaid,
    BadSignature,
    HoldLapsed,
    Misconfigured,
    NotCancellable,
    NotHoldable,
    PriceChanged,
    QuoteStale,
    ScheduleChanged,
    WalletEmpty,
)
from parkerflight.flights.types import (
    IdentityDocument,
    Offer,
    Order,
    OrderAccepted,
    OrderRequest,
    OrderState,
    RefundTo,
    SearchPassenger,
    SearchQuery,
    SearchSlice,
)

DAY = date(2027, 3, 1)
CREATE, PAY = "POST /air/orders", "POST /air/payments"
CONFIRM = "POST /air/order_cancellations/*/actions/confirm"
ACCEPT = "POST /air/airline_initiated_changes/*/actions/accept"
SECRET = "agreed beforehand"


class Desk:
    """A provider at the sandbox, with shorthand for getting an order into a state."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.provider = DuffelProvider(base=sandbox.base, token="duffel_test_x", limiter=Open(), webhook_secret=SECRET)

    def offer(self, *, holdable: bool, route: tuple[str, str] = ("LHR", "JFK")) -> Offer:
        query = SearchQuery((SearchSlice(*route, DAY),), (SearchPassenger(),))
        found = [one for one in self.provider.search(query) if one.owner == "ZZ"]
        return next(one for one in found if one.requires_instant_payment is not holdable)

    def request(self, offer: Offer, *, hold: bool) -> OrderRequest:
        passport = IdentityDocument("passport", "19KL56147", "GB", date(2030, 4, 25))
        documents = (passport,) if offer.documents_required else ()
        one = replace(REQUEST.passengers[0], id=offer.passengers[0].id, infant_id="", documents=documents)
        return OrderRequest(offer.id, offer.total, (one,), {"attempt_id": "7"}, hold=hold)

    def held(self, *route: str) -> Order:
        offer = self.offer(holdable=True, route=route or ("LHR", "JFK"))
        order = self.provider.create_order(self.request(offer, hold=True))
        assert isinstance(order, Order)
        return order

    def bought(self, *route: str) -> Order:
        offer = self.offer(holdable=False, route=route or ("LHR", "JFK"))
        order = self.provider.create_order(self.request(offer, hold=False))
        assert isinstance(order, Order)
        return order

    def again(self, order: Order) -> Order:
        return self.provider.order(order.id)

    def post(self, path: str, **wish: object) -> None:
        self.sandbox.http.post(f"/_sandbox/{path}", json=wish).raise_for_status()

    def row(self, order: Order) -> dict:
        return next(row for row in self.sandbox.ledger()["orders"] if row["id"] == order.id)


@pytest.fixture
def desk(duffel_sandbox: Sandbox) -> Iterator[Desk]:
    made = Desk(duffel_sandbox)
    yield made
    made.provider.close()


@pytest.fixture
def unheard() -> Iterator[DuffelProvider]:
    """A provider whose server is not there."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{taken.getsockname()[1]}"
        made = DuffelProvider(base=base, token="duffel_test_x", limiter=Open())
        yield made
        made.close()


class TestHolding:
    def test_reserves_without_paying_and_tells_until_when(self, desk: Desk, virtual_clock: TestClock):
        order = desk.held()

        assert (order.state, order.tickets, order.paid_at) == (OrderState.HELD, (), None)
        assert order.payment_required_by == virtual_clock.now() + timedelta(hours=72)
        assert order.price_guarantee_expires_at == virtual_clock.now() + timedelta(hours=48)
        assert order.can_cancel
        assert desk.sandbox.ledger()["balance_spent"] == {}

    def test_an_offer_that_must_be_paid_now_is_not_holdable(self, desk: Desk):
        offer = desk.offer(holdable=False)

        with pytest.raises(NotHoldable):
            desk.provider.create_order(desk.request(offer, hold=True))
        assert desk.sandbox.ledger()["orders"] == []

    def test_one_that_is_only_accepted_turns_up_later(self, desk: Desk, virtual_clock: TestClock):
        desk.post("orders_mode", mode=202, settle_seconds=600)
        offer = desk.offer(holdable=True)

        accepted = desk.provider.create_order(desk.request(offer, hold=True))

        assert isinstance(accepted, OrderAccepted)
        assert not accepted.booked
        assert desk.provider.orders_of_offer(offer.id) == ()
        virtual_clock.advance(seconds=601)
        (found,) = desk.provider.orders_of_offer(offer.id)
        assert found.state is OrderState.HELD

    def test_one_whose_answer_is_lost_is_found_again(self, desk: Desk):
        offer = desk.offer(holdable=True)
        desk.sandbox.fault(route=CREATE, action="close_after")

        with pytest.raises(OutcomeUnknown):
            desk.provider.create_order(desk.request(offer, hold=True))
        assert [one.state for one in desk.provider.orders_of_offer(offer.id)] == [OrderState.HELD]

    def test_one_that_was_not_paid_in_time_has_lapsed(self, desk: Desk, virtual_clock: TestClock):
        order = desk.held()
        virtual_clock.advance(hours=72, seconds=1)

        assert desk.again(order).state is OrderState.LAPSED
        assert not desk.again(order).can_cancel


class TestPaying:
    def test_turns_a_hold_into_a_ticket(self, desk: Desk, virtual_clock: TestClock):
        order = desk.held()

        assert desk.provider.pay_order(order.id, order.total) is None

        paid = desk.again(order)
        assert (paid.state, paid.paid_at) == (OrderState.TICKETED, virtual_clock.now())
        assert desk.sandbox.ledger()["balance_spent"] == {"GBP": order.total.amount()}

    def test_twice_is_refused_the_second_time(self, desk: Desk):
        order = desk.held()
        desk.provider.pay_order(order.id, order.total)

        with pytest.raises(AlreadyPaid):
            desk.provider.pay_order(order.id, order.total)
        assert desk.sandbox.ledger()["balance_spent"] == {"GBP": order.total.amount()}

    def test_what_is_cancelled_is_refused(self, desk: Desk):
        order = desk.held()
        desk.provider.confirm_cancellation(desk.provider.quote_cancellation(order.id).id)

        with pytest.raises(AlreadyCancelled):
            desk.provider.pay_order(order.id, order.total)

    def test_what_has_lapsed_is_refused(self, desk: Desk, virtual_clock: TestClock):
        order = desk.held()
        virtual_clock.advance(hours=72, seconds=1)

        with pytest.raises(HoldLapsed):
            desk.provider.pay_order(order.id, order.total)

    def test_after_the_airline_changed_the_flights_is_refused(self, desk: Desk):
        order = desk.held()
        desk.post(f"orders/{order.id}/airline_change")

        with pytest.raises(ScheduleChanged):
            desk.provider.pay_order(order.id, order.total)

    def test_a_price_that_moved_after_the_guarantee_is_refused_and_the_new_one_taken(
        self, desk: Desk, virtual_clock: TestClock
    ):
        order = desk.held()
        desk.post(f"orders/{order.id}/price", factor="1.1")
        virtual_clock.advance(hours=49)

        for _ in range(2):
            with pytest.raises(PriceChanged):
                desk.provider.pay_order(order.id, order.total)
        now = desk.again(order)
        assert now.total > order.total
        assert now.price_guarantee_expires_at is None
        desk.provider.pay_order(order.id, now.total)
        assert desk.again(order).state is OrderState.TICKETED

    def test_another_amount_or_currency_is_a_price_that_changed(self, desk: Desk):
        order = desk.held()

        for wrong in (order.total + Money(1, "GBP"), Money(order.total.minor, "EUR")):
            with pytest.raises(PriceChanged):
                desk.provider.pay_order(order.id, wrong)
        assert desk.again(order).state is OrderState.HELD

    def test_from_an_empty_wallet_is_told_apart(self, desk: Desk):
        order = desk.held()
        desk.sandbox.account(balance="1.00")

        with pytest.raises(WalletEmpty):
            desk.provider.pay_order(order.id, order.total)

    def test_an_order_that_needs_no_payment_is_refused(self, desk: Desk):
        order = desk.bought()

        with pytest.raises(Terminal) as refused:
            desk.provider.pay_order(order.id, order.total)
        assert (type(refused.value), refused.value.code) == (Terminal, "order_type_not_eligible_for_payment")

    @pytest.mark.parametrize(
        ("action", "state"),
        [("close_before", OrderState.HELD), ("close_after", OrderState.TICKETED), ("malformed", OrderState.TICKETED)],
    )
    def test_without_an_answer_is_unknown_until_the_order_is_read(self, desk: Desk, action: str, state: OrderState):
        order = desk.held()
        desk.sandbox.fault(route=PAY, action=action)

        with pytest.raises(OutcomeUnknown):
            desk.provider.pay_order(order.id, order.total)
        assert desk.again(order).state is state

    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    @pytest.mark.parametrize("action", ["status", "error_after"])
    def test_that_breaks_at_the_provider_is_unknown(self, desk: Desk, status: int, action: str):
        order = desk.held()
        desk.sandbox.fault(route=PAY, action=action, status=status)

        with pytest.raises(OutcomeUnknown) as unknown:
            desk.provider.pay_order(order.id, order.total)
        assert unknown.value.reference
        assert desk.again(order).state is (OrderState.HELD if action == "status" else OrderState.TICKETED)

    def test_that_breaks_at_the_airline_is_unknown_whatever_the_status(self, desk: Desk):
        order = desk.held()
        desk.sandbox.fault(route=PAY, action="error_after", status=422, code="airline_internal")

        with pytest.raises(OutcomeUnknown):
            desk.provider.pay_order(order.id, order.total)

    @pytest.mark.parametrize(("mode", "state"), [(200, OrderState.TICKETED), (202, OrderState.HELD)])
    def test_that_is_only_accepted_is_unknown(self, desk: Desk, virtual_clock: TestClock, mode: int, state: OrderState):
        order = desk.held()
        desk.post("payments_mode", mode=mode, settle_seconds=60)

        with pytest.raises(OutcomeUnknown):
            desk.provider.pay_order(order.id, order.total)
        assert desk.again(order).state is state
        virtual_clock.advance(seconds=61)
        assert desk.again(order).state is OrderState.TICKETED

    def test_that_was_never_sent_may_be_repeated(self, unheard: DuffelProvider):
        with pytest.raises(Retryable) as refused:
            unheard.pay_order("ord_1", Money(1, "GBP"))
        assert refused.value.code == "unreachable"

    def test_over_the_providers_limit_may_be_repeated(self, desk: Desk):
        order = desk.held()
        desk.sandbox.fault(route=PAY, action="rate_limit")

        with pytest.raises(Retryable) as refused:
            desk.provider.pay_order(order.id, order.total)
        assert (refused.value.code, desk.again(order).state) == ("rate_limit_exceeded", OrderState.HELD)

    @pytest.mark.usefixtures("database")
    def test_waits_for_its_turn_of_our_own_limit(self, desk: Desk, virtual_clock: TestClock):
        limiter, now = SharedLimiter(), virtual_clock.now()
        provider = DuffelProvider(base=desk.sandbox.base, token="duffel_test_x", limiter=limiter)
        assert limiter.acquire("duffel:order", now) == timedelta(0)

        with pytest.raises(Retryable) as refused:
            provider.pay_order("ord_1", Money(1, "GBP"))
        assert refused.value.code == "rate_limited"

    def test_with_a_refused_token_is_no_fault_of_the_order(self, desk: Desk):
        provider = DuffelProvider(base=desk.sandbox.base, token="duffel_test_readonly", limiter=Open())

        with pytest.raises(Misconfigured):
            provider.pay_order("ord_1", Money(1, "GBP"))


class TestCancelling:
    def test_gives_back_what_the_quote_says(self, desk: Desk, virtual_clock: TestClock):
        order = desk.bought()

        quote = desk.provider.quote_cancellation(order.id)
        assert (quote.order_id, quote.refund, quote.refund_to) == (order.id, order.total, RefundTo.BALANCE)
        assert (quote.confirmed_at, quote.expires_at) == (None, virtual_clock.now() + timedelta(hours=1))
        assert desk.again(order).state is OrderState.TICKETED

        confirmed = desk.provider.confirm_cancellation(quote.id)
        assert confirmed == replace(quote, confirmed_at=virtual_clock.now())
        assert desk.again(order).state is OrderState.CANCELLED
        assert desk.row(order)["refunded"] == order.total.amount()

    def test_an_unpaid_hold_gives_nothing_back(self, desk: Desk):
        quote = desk.provider.quote_cancellation(desk.held().id)

        assert (quote.refund, quote.refund_to) == (Money(0, "GBP"), RefundTo.AWAITING_PAYMENT)

    def test_tells_credits_from_money(self, desk: Desk):
        quote = desk.provider.quote_cancellation(desk.bought("LTN", "SYD").id)

        assert quote.refund_to is RefundTo.CREDITS

    def test_with_an_older_or_expired_quote_is_refused(self, desk: Desk, virtual_clock: TestClock):
        order = desk.bought()
        older, newer = (desk.provider.quote_cancellation(order.id) for _ in range(2))

        with pytest.raises(QuoteStale):
            desk.provider.confirm_cancellation(older.id)
        virtual_clock.advance(hours=1)
        with pytest.raises(QuoteStale):
            desk.provider.confirm_cancellation(newer.id)
        assert desk.again(order).state is OrderState.TICKETED

    def test_twice_is_refused_both_ways(self, desk: Desk):
        order = desk.bought()
        quote = desk.provider.quote_cancellation(order.id)
        desk.provider.confirm_cancellation(quote.id)

        with pytest.raises(AlreadyCancelled):
            desk.provider.confirm_cancellation(quote.id)
        with pytest.raises(AlreadyCancelled):
            desk.provider.quote_cancellation(order.id)

    def test_what_cannot_be_is_refused(self, desk: Desk, virtual_clock: TestClock):
        order = desk.bought()
        quote = desk.provider.quote_cancellation(order.id)
        desk.sandbox.fault(route=CONFIRM, action="status", status=422, code="unsupported_action")
        with pytest.raises(NotCancellable):
            desk.provider.confirm_cancellation(quote.id)
        virtual_clock.set(datetime(2027, 3, 2, tzinfo=UTC))
        with pytest.raises(NotCancellable):
            desk.provider.quote_cancellation(order.id)

    @pytest.mark.parametrize(("action", "done"), [("close_before", False), ("close_after", True), ("malformed", True)])
    def test_without_an_answer_is_unknown_until_the_quote_is_read(self, desk: Desk, action: str, done: bool):
        quote = desk.provider.quote_cancellation(desk.bought().id)
        desk.sandbox.fault(route=CONFIRM, action=action)

        with pytest.raises(OutcomeUnknown):
            desk.provider.confirm_cancellation(quote.id)
        assert (desk.provider.cancellation(quote.id).confirmed_at is not None) is done

    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    def test_that_breaks_at_the_provider_is_unknown(self, desk: Desk, status: int):
        quote = desk.provider.quote_cancellation(desk.bought().id)
        desk.sandbox.fault(route=CONFIRM, action="error_after", status=status)

        with pytest.raises(OutcomeUnknown):
            desk.provider.confirm_cancellation(quote.id)

    def test_that_was_never_sent_may_be_repeated(self, unheard: DuffelProvider):
        for call in (unheard.quote_cancellation, unheard.confirm_cancellation, unheard.cancellation):
            with pytest.raises(Retryable) as refused:
                call("x")
            assert refused.value.code == "unreachable"

    def test_a_quote_without_an_answer_may_be_asked_for_again(self, desk: Desk):
        order = desk.bought()
        for action in ("close_before", "close_after", "malformed"):
            desk.sandbox.fault(route="POST /air/order_cancellations", action=action)
            with pytest.raises(Retryable):
                desk.provider.quote_cancellation(order.id)
        assert desk.provider.quote_cancellation(order.id).refund == order.total

    def test_a_quote_nobody_made_is_not_found(self, desk: Desk):
        with pytest.raises(NotFound):
            desk.provider.cancellation("ore_unknown")


class TestAirlineChanges:
    def test_are_told_oldest_first_with_what_came_and_went(self, desk: Desk, virtual_clock: TestClock):
        order = desk.bought()
        for minutes in (45, 90):
            desk.post(f"orders/{order.id}/airline_change", shift_minutes=minutes)
            virtual_clock.advance(minutes=5)

        first, second = desk.provider.airline_changes(order.id)

        assert first.created_at < second.created_at
        assert (first.order_id, first.taken, first.can_accept) == (order.id, "", True)
        assert first.added[0].departing_at == first.removed[0].departing_at + timedelta(minutes=45)
        assert first.removed[0].id == order.slices[0].id

    def test_there_are_none_at_first(self, desk: Desk):
        assert desk.provider.airline_changes(desk.bought().id) == ()

    def test_the_newest_can_be_accepted_once(self, desk: Desk):
        order = desk.bought()
        for _ in range(2):
            desk.post(f"orders/{order.id}/airline_change")
        older, newest = desk.provider.airline_changes(order.id)

        with pytest.raises(Terminal) as stale:
            desk.provider.accept_change(older.id)
        assert stale.value.code == "stale_airline_initiated_change_accept"
        accepted = desk.provider.accept_change(newest.id)
        assert (accepted.taken, accepted.can_accept) == ("accepted", False)
        assert desk.again(order).slices[0].departing_at == newest.added[0].departing_at
        with pytest.raises(Terminal) as again:
            desk.provider.accept_change(newest.id)
        assert again.value.code == "order_change_already_actioned"

    @pytest.mark.parametrize(("action", "taken"), [("close_before", ""), ("close_after", "accepted")])
    def test_accepting_without_an_answer_is_unknown(self, desk: Desk, action: str, taken: str):
        order = desk.bought()
        desk.post(f"orders/{order.id}/airline_change")
        (change,) = desk.provider.airline_changes(order.id)
        desk.sandbox.fault(route=ACCEPT, action=action)

        with pytest.raises(OutcomeUnknown):
            desk.provider.accept_change(change.id)
        assert [one.taken for one in desk.provider.airline_changes(order.id)] == [taken]

    def test_list_the_orders_that_nobody_has_answered(self, desk: Desk):
        quiet, changed = desk.bought(), desk.bought("LHR", "CDG")
        desk.post(f"orders/{changed.id}/airline_change")

        assert [one.id for one in desk.provider.orders_requiring_action()] == [changed.id]
        desk.provider.accept_change(desk.provider.airline_changes(changed.id)[0].id)
        assert list(desk.provider.orders_requiring_action()) == []
        assert desk.provider.airline_changes(quiet.id) == ()


class TestSweeps:
    def test_tell_orders_since_a_moment_oldest_first_and_that_moment_too(self, desk: Desk, virtual_clock: TestClock):
        made = []
        for _ in range(3):
            made.append(desk.held())
            virtual_clock.advance(milliseconds=400)

        def since(moment: datetime) -> list[str]:
            return [one.id for one in desk.provider.orders_since(moment)]

        assert since(made[0].created_at) == [one.id for one in made]
        assert since(made[1].created_at) == [one.id for one in made[1:]]
        assert since(made[2].created_at + timedelta(microseconds=1)) == []

    def test_follow_every_page(self, desk: Desk, virtual_clock: TestClock, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr("parkerflight.flights.duffel.answers.PAGE", 2)
        start = virtual_clock.now()
        made = [desk.held().id for _ in range(5)]

        assert sorted(one.id for one in desk.provider.orders_since(start)) == sorted(made)

    def test_end_when_the_provider_ignores_what_was_asked(self, desk: Desk, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr("parkerflight.flights.duffel.answers.PAGE", 1)
        monkeypatch.setattr("parkerflight.flights.duffel.orders.MAX_SWEEP_PAGES", 2)
        first = desk.held()
        for _ in range(2):
            desk.held()

        with pytest.raises(Terminal) as refused:
            list(desk.provider.orders_since(first.created_at))
        assert refused.value.code == "filter_ignored"

    def test_give_all_they_can_read_before_they_tell_of_one_they_cannot(self):
        listed = [{"id": "ord_0"}, ORDER, ORDER | {"id": "ord_2"}]
        body = {"data": listed, "meta": {"after": None}}
        orders = within(lambda _: httpx.Response(200, json=body)).orders_requiring_action()

        assert [next(orders).id, next(orders).id] == [ORDER["id"], "ord_2"]
        with pytest.raises(Terminal, match=r"1 orders of a list cannot be read; the first: data\[0\]"):
            next(orders)


def within(answer: object) -> DuffelProvider:
    """A provider whose requests are answered in this process."""
    return DuffelProvider(
        base="http://127.0.0.1:1", token="duffel_test_x", limiter=Open(), transport=httpx.MockTransport(answer)
    )


class TestInOneProcess:
    def test_both_kinds_of_request_go_through_the_given_transport(self):
        asked = []

        def answer(request: httpx.Request) -> httpx.Response:
            asked.append((request.method, request.url.path))
            return httpx.Response(404 if request.method == "GET" else 422, json={"errors": [{"code": "not_found"}]})

        provider = within(answer)
        with pytest.raises(NotFound):
            provider.order("ord_1")
        with pytest.raises(Terminal):
            provider.pay_order("ord_1", Money(1, "GBP"))
        assert asked == [("GET", "/air/orders/ord_1"), ("POST", "/air/payments")]


class _Died(BaseException):
    """The process ends here."""


class TestFaultPoints:
    @pytest.fixture
    def passed(self) -> Iterator[list[str]]:
        names: list[str] = []
        fault_points.listen(names.append)
        yield names
        fault_points.listen(None)

    def test_follow_every_call_under_its_routes_template(self, desk: Desk, passed: list[str]):
        provider, order = desk.provider, desk.held()
        desk.post(f"orders/{desk.bought('LHR', 'CDG').id}/airline_change")
        (changed,) = provider.orders_requiring_action()
        passed.clear()

        provider.offer(order.offer_id)
        provider.orders_of_offer(order.offer_id)
        provider.order(order.id)
        provider.pay_order(order.id, order.total)
        quote = provider.quote_cancellation(order.id)
        provider.confirm_cancellation(quote.id)
        provider.cancellation(quote.id)
        (change,) = provider.airline_changes(changed.id)
        provider.accept_change(change.id)

        assert passed == [
            "duffel.after.GET /air/offers/{id}",
            "duffel.after.GET /air/orders",
            "duffel.after.GET /air/orders/{id}",
            "duffel.after.POST /air/payments",
            "duffel.after.POST /air/order_cancellations",
            "duffel.after.POST /air/order_cancellations/{id}/actions/confirm",
            "duffel.after.GET /air/order_cancellations/{id}",
            "duffel.after.GET /air/airline_initiated_changes",
            "duffel.after.POST /air/airline_initiated_changes/{id}/actions/accept",
        ]

    def test_a_death_there_is_not_taken_for_an_answer_that_was_lost(self, desk: Desk):
        order = desk.held()

        def die(_: str) -> None:
            raise _Died

        fault_points.listen(die)
        try:
            with pytest.raises(_Died):
                desk.provider.pay_order(order.id, order.total)
        finally:
            fault_points.listen(None)
        assert desk.again(order).state is OrderState.TICKETED


class TestWebhooks:
    @pytest.fixture
    def inbox(self) -> Iterator[tuple[str, list[tuple[bytes, dict[str, str]]]]]:
        got: list[tuple[bytes, dict[str, str]]] = []

        class Receiver(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                got.append((body, {name.lower(): value for name, value in self.headers.items()}))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/hook", got
        server.shutdown()
        server.server_close()

    def test_tell_what_to_read_again(self, desk: Desk, inbox: tuple, virtual_clock: TestClock):
        url, got = inbox
        desk.post("webhook", url=url, secret=SECRET)
        order = desk.held()
        desk.provider.pay_order(order.id, order.total)
        desk.post(f"orders/{order.id}/airline_change")
        (change,) = desk.provider.airline_changes(order.id)
        quote = desk.provider.quote_cancellation(order.id)
        desk.provider.confirm_cancellation(quote.id)
        wait_until(lambda: len(got) == 5)

        events = [desk.provider.read_event(body, headers, now=virtual_clock.now()) for body, headers in got]

        assert [(one.kind, one.order_id, one.offer_id) for one in events] == [
            ("order.created", order.id, order.offer_id),
            ("payment.created", order.id, ""),
            ("order.airline_initiated_change_detected", order.id, ""),
            ("order_cancellation.created", order.id, ""),
            ("order_cancellation.confirmed", order.id, ""),
        ]
        assert [one.object_id for one in events[2:]] == [change.id, quote.id, quote.id]
        assert len({one.id for one in events}) == 5

    def test_tell_which_offer_could_not_be_ordered(self, desk: Desk, inbox: tuple, virtual_clock: TestClock):
        url, got = inbox
        desk.post("webhook", url=url, secret=SECRET)
        desk.post("orders_mode", mode=202, settle_seconds=60, fail=True)
        offer = desk.offer(holdable=True)
        desk.provider.create_order(desk.request(offer, hold=True))
        virtual_clock.advance(seconds=61)
        wait_until(lambda: got)

        event = desk.provider.read_event(*got[0], now=virtual_clock.now())

        assert (event.kind, event.order_id, event.offer_id) == ("order.creation_failed", "", offer.id)

    def test_signed_with_another_secret_are_refused(self, desk: Desk, inbox: tuple, virtual_clock: TestClock):
        url, got = inbox
        desk.post("webhook", url=url, secret="another")
        desk.held()
        wait_until(lambda: got)

        with pytest.raises(BadSignature):
            desk.provider.read_event(*got[0], now=virtual_clock.now())


def wait_until(met: object, seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not met() and time.monotonic() < end:
        time.sleep(0.02)
    assert met()
