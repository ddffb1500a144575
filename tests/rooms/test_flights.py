"""The flights room: the adapter over real HTTP, and the rate limit all processes share."""

import gzip
import json
import logging
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from django.db import connection, transaction

from parkerflight.core.errors import NotFound, OutcomeUnknown, ParkerError, Retryable, Terminal
from parkerflight.core.money import Money
from parkerflight.flights.duffel.adapter import DuffelProvider
from parkerflight.flights.limiter import SharedLimiter, read
from parkerflight.flights.models import RateLimit
from parkerflight.flights.provider import AlreadyAttempted, FlightProvider, OfferGone, PriceChanged
from parkerflight.flights.types import (
    IdentityDocument,
    Offer,
    Order,
    OrderAccepted,
    OrderRequest,
    OrderState,
    Passenger,
    SearchPassenger,
    SearchQuery,
    SearchSlice,
)

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "duffel"
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
QUERY = SearchQuery((SearchSlice("LHR", "JFK", date(2027, 3, 1)),), (SearchPassenger(), SearchPassenger(4)))
ORDER = json.loads((FIXTURES / "python" / "create-instant-order.json").read_text())["data"] | {
    "cancelled_at": None,
    "offer_id": "off_1",
}
REQUEST = OrderRequest(
    offer_id="off_1",
    total=Money(9080, "GBP"),
    passengers=(
        Passenger(
            id="pas_1",
            given_name="Amelia",
            family_name="Earhart",
            title="ms",
            gender="f",
            born_on=date(1987, 7, 24),
            email="amelia@example.org",
            phone_number="+442080160509",
            infant_id="pas_2",
            documents=(IdentityDocument("passport", "19KL56147", "GB", date(2030, 4, 25)),),
        ),
    ),
    metadata={"attempt_id": "7"},
)


class Open:
    """A limit that is never reached; keeps the headers it is shown."""

    def __init__(self) -> None:
        self.seen: list[Mapping[str, str]] = []

    def acquire(self, key: str, now: datetime) -> timedelta:
        return timedelta(0)

    def observe(self, key: str, headers: Mapping[str, str], now: datetime) -> None:
        self.seen.append(headers)


class Canned:
    """A server that gives the next prepared answer, or breaks the connection in the way it is told."""

    def __init__(self) -> None:
        self.answers: list[tuple] = []
        self.requests: list[tuple[str, str, Mapping[str, str], object]] = []
        canned = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                canned.serve(self)

            do_POST = do_GET  # noqa: N815 - the name http.server calls

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        raw = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        self.requests.append((handler.command, handler.path, dict(handler.headers), json.loads(raw) if raw else None))
        status, body, headers = self.answers.pop(0)
        if status == "drop":
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
            return
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        if status == 201 and headers.get("X-Cut"):
            handler.send_header("Content-Length", str(len(body) + 100))
            handler.close_connection = True
        else:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def answer(self, status: int | str, body: object = None, **headers: str) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answers.append((status, content, {name.replace("_", "-"): value for name, value in headers.items()}))

    def refuse(self, status: int, code: str) -> None:
        self.answer(status, {"errors": [{"code": code, "title": "T", "type": "t"}], "meta": {"request_id": "r1"}})


@pytest.fixture
def canned() -> Iterator[Canned]:
    server = Canned()
    yield server
    server.server.shutdown()
    server.server.server_close()


@pytest.fixture
def provider(canned: Canned) -> Iterator[DuffelProvider]:
    made = DuffelProvider(base=canned.base, token="duffel_test_x", limiter=Open(), now=lambda: NOW)
    yield made
    made.close()


def offer_request() -> dict:
    return json.loads((FIXTURES / "components/offer-requests/orq_0000Ab7taNqbK8y5YqW6Zk.json").read_text())


class TestSearch:
    def test_sends_what_the_provider_asks_for(self, canned: Canned, provider: FlightProvider):
        canned.answer(201, {"data": offer_request()})

        offers = provider.search(QUERY)

        method, path, headers, body = canned.requests[0]
        assert (method, path) == ("POST", "/air/offer_requests?return_offers=true&supplier_timeout=20000")
        assert headers["Authorization"] == "Bearer duffel_test_x"
        assert (headers["Duffel-Version"], headers["Accept"], headers["Accept-Encoding"]) == (
            "v2",
            "application/json",
            "gzip",
        )
        assert body == {
            "data": {
                "slices": [{"origin": "LHR", "destination": "JFK", "departure_date": "2027-03-01"}],
                "passengers": [{"type": "adult"}, {"age": 4}],
                "cabin_class": "economy",
                "max_connections": 1,
            }
        }
        assert [one.total.minor for one in offers] == sorted(one.total.minor for one in offers)
        assert {one.offer_request_id for one in offers} == {"orq_0000Ab7taNqbK8y5YqW6Zk"}

    def test_reads_gzip(self, canned: Canned, provider: FlightProvider):
        packed = gzip.compress(json.dumps({"data": offer_request()}).encode())
        canned.answer(201, packed, Content_Encoding="gzip")

        assert len(provider.search(QUERY)) == 3

    def test_leaves_out_a_malformed_offer_and_says_so(
        self, canned: Canned, provider: FlightProvider, caplog: pytest.LogCaptureFixture
    ):
        content = offer_request()
        del content["offers"][0]["slices"]
        canned.answer(201, {"data": content})

        with caplog.at_level(logging.WARNING):
            assert len(provider.search(QUERY)) == 2
        assert "left out 1 malformed offers of 3: data.offers[0].slices is missing" in caplog.text

    def test_refuses_when_all_offers_are_malformed(self, canned: Canned, provider: FlightProvider):
        canned.answer(201, {"data": {"id": "orq_1", "offers": [{"id": "off_1"}]}})

        with pytest.raises(Terminal, match=r"^data\.offers\[0\]\.total_amount is missing"):
            provider.search(QUERY)

    def test_no_offers_is_an_answer(self, canned: Canned, provider: FlightProvider):
        canned.answer(201, {"data": {"id": "orq_1", "offers": []}})

        assert provider.search(QUERY) == ()

    def test_a_broken_answer_may_be_asked_for_again(self, canned: Canned, provider: FlightProvider):
        canned.answer("drop")
        canned.answer(201, b'{"data": {"offers": [')
        canned.answer(502, b"<html>Bad Gateway</html>")

        with pytest.raises(Retryable):
            provider.search(QUERY)
        with pytest.raises(Retryable):
            provider.search(QUERY)
        with pytest.raises(Terminal):
            provider.search(QUERY)
        assert len(canned.requests) == 3

    @pytest.mark.usefixtures("database")
    def test_is_refused_inside_a_transaction(self, canned: Canned, provider: FlightProvider):
        with transaction.atomic(), pytest.raises(ParkerError, match="inside a database transaction"):
            provider.search(QUERY)
        assert canned.requests == []


class TestOfferAndOrders:
    def test_an_offer_that_is_gone_says_so(self, canned: Canned, provider: FlightProvider):
        canned.refuse(422, "offer_no_longer_available")

        with pytest.raises(OfferGone):
            provider.offer("off_1")

    def test_ids_cannot_leave_their_path(self, canned: Canned, provider: FlightProvider):
        canned.refuse(404, "not_found")

        with pytest.raises(NotFound):
            provider.order("../payments?x=1")
        assert canned.requests[0][1] == "/air/orders/..%2Fpayments%3Fx%3D1"

    def test_only_orders_of_the_offer_are_believed(self, canned: Canned, provider: FlightProvider):
        canned.answer(200, {"data": [ORDER, ORDER | {"id": "ord_2", "offer_id": "off_2"}], "meta": {"after": None}})

        (found,) = provider.orders_of_offer("off_1")

        assert found.id == ORDER["id"]
        assert canned.requests[0][1] == "/air/orders?offer_id=off_1&limit=200"

    def test_follows_pages_but_not_for_ever(self, canned: Canned, provider: FlightProvider):
        for _ in range(5):
            canned.answer(200, {"data": [], "meta": {"after": "g"}})

        with pytest.raises(Terminal) as refused:
            provider.orders_of_offer("off_1")
        assert refused.value.code == "filter_ignored"

    def test_an_unreadable_order_is_never_taken_for_none(self, canned: Canned, provider: FlightProvider):
        canned.answer(200, {"data": [{"id": "ord_1"}]})
        canned.answer(200, {"data": [ORDER | {"offer_id": None}]})

        for _ in range(2):
            with pytest.raises(Terminal):
                provider.orders_of_offer("off_1")


class TestCreateOrder:
    def test_pays_the_total_from_the_balance(self, canned: Canned, provider: FlightProvider):
        canned.answer(201, {"data": ORDER})

        order = provider.create_order(REQUEST)

        body = canned.requests[0][3]["data"]
        assert order.id == ORDER["id"]
        assert body["type"] == "instant"
        assert body["selected_offers"] == ["off_1"]
        assert body["payments"] == [{"type": "balance", "amount": "90.80", "currency": "GBP"}]
        assert body["metadata"] == {"attempt_id": "7"}
        assert body["passengers"] == [
            {
                "id": "pas_1",
                "given_name": "Amelia",
                "family_name": "Earhart",
                "title": "ms",
                "gender": "f",
                "born_on": "1987-07-24",
                "email": "amelia@example.org",
                "phone_number": "+442080160509",
                "infant_passenger_id": "pas_2",
                "identity_documents": [
                    {
                        "type": "passport",
                        "unique_identifier": "19KL56147",
                        "issuing_country_code": "GB",
                        "expires_on": "2030-04-25",
                    }
                ],
            }
        ]

    @pytest.mark.parametrize(("status", "booked"), [(200, True), (202, False)])
    def test_an_accepted_order_turns_up_later(
        self, canned: Canned, provider: FlightProvider, status: int, booked: bool
    ):
        canned.answer(status, {}, x_request_id="r9")

        assert provider.create_order(REQUEST) == OrderAccepted(booked=booked, reference="r9")

    def test_an_earlier_order_is_not_made_again(self, canned: Canned, provider: FlightProvider):
        canned.refuse(422, "offer_request_already_booked")

        with pytest.raises(AlreadyAttempted):
            provider.create_order(REQUEST)

    def test_whatever_is_not_definite_is_unknown_and_never_repeated(
        self, canned: Canned, provider: FlightProvider, caplog: pytest.LogCaptureFixture
    ):
        canned.answer("drop")
        canned.answer(201, b'{"data": {"id": "ord_')
        canned.answer(201, b'{"data"', X_Cut="yes")
        canned.answer(201, {"data": {"id": "ord_1"}})
        canned.answer(201, b"not gzip at all", Content_Encoding="gzip")
        canned.answer(500, b"Internal Server Error")
        canned.refuse(503, "service_unavailable")
        asked = len(canned.answers)

        with caplog.at_level(logging.DEBUG, logger="parkerflight"):
            for _ in range(asked):
                with pytest.raises(OutcomeUnknown):
                    provider.create_order(REQUEST)

        assert len(canned.requests) == asked
        assert all(secret not in caplog.text for secret in ("Earhart", "19KL56147", "amelia@", "duffel_test_x"))

    def test_nothing_was_sent_when_nobody_listens(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            base = f"http://127.0.0.1:{taken.getsockname()[1]}"
            nobody = DuffelProvider(base=base, token="duffel_test_x", limiter=Open(), now=lambda: NOW)
            with pytest.raises(Retryable) as refused:
                nobody.create_order(REQUEST)
        assert refused.value.code == "unreachable"

    def test_a_limiter_that_fails_afterwards_does_not_cost_the_order(self, canned: Canned):
        class Failing(Open):
            def observe(self, *_: object) -> None:
                raise RuntimeError("the database went away")

        canned.answer(201, {"data": ORDER})
        provider = DuffelProvider(base=canned.base, token="duffel_test_x", limiter=Failing(), now=lambda: NOW)

        assert provider.create_order(REQUEST).id == ORDER["id"]


def stated(limit: int, remaining: int, reset: datetime) -> dict[str, str]:
    return {
        "ratelimit-limit": str(limit),
        "ratelimit-remaining": str(remaining),
        "ratelimit-reset": format_datetime(reset, usegmt=True),
    }


class TestRateLimitHeaders:
    def test_the_reset_is_an_http_date(self):
        assert read(stated(30, 29, NOW)) == (30, 29, NOW)

    @pytest.mark.parametrize(
        "headers",
        [{}, {"ratelimit-limit": "x"}, stated(0, 0, NOW), stated(30, 29, NOW) | {"ratelimit-reset": "60"}],
    )
    def test_missing_or_nonsense_states_nothing(self, headers: dict[str, str]):
        assert read(headers) is None


@pytest.mark.usefixtures("database")
class TestSharedLimiter:
    limiter = SharedLimiter()
    reset = NOW + timedelta(seconds=40)

    def go(self, now: datetime = NOW) -> bool:
        return self.limiter.acquire("k", now) == timedelta(0)

    def test_one_request_learns_an_unknown_limit(self):
        assert self.go()
        assert self.limiter.acquire("k", NOW) == timedelta(seconds=1)

    def test_follows_what_the_headers_say(self):
        assert self.go()
        self.limiter.observe("k", stated(30, 2, self.reset), NOW)

        assert [self.go(), self.go(), self.go()] == [True, True, False]
        assert self.limiter.acquire("k", NOW) == timedelta(seconds=40)

    def test_a_window_that_turned_starts_full(self):
        self.limiter.observe("k", stated(3, 0, self.reset), NOW)

        assert [self.go(self.reset) for _ in range(4)] == [True, True, True, False]

    def test_requests_under_way_are_not_forgotten_by_an_earlier_answer(self):
        self.limiter.observe("k", stated(30, 10, self.reset), NOW)
        for _ in range(8):
            assert self.go()
        self.limiter.observe("k", stated(30, 9, self.reset), NOW)

        assert [self.go(), self.go(), self.go()] == [True, True, False]

    def test_late_news_of_a_window_that_is_over_is_ignored(self):
        self.limiter.observe("k", stated(30, 5, self.reset), NOW)
        self.limiter.observe("k", stated(30, 0, NOW - timedelta(seconds=1)), NOW)

        assert self.go()

    def test_a_provider_that_states_no_limit_is_not_slowed_down(self):
        assert self.go()
        self.limiter.observe("k", {}, NOW)

        assert all(self.go() for _ in range(50))

    def test_a_known_limit_is_not_forgotten_when_headers_are_missing_once(self):
        self.limiter.observe("k", stated(30, 0, self.reset), NOW)
        self.limiter.observe("k", {}, NOW)

        assert not self.go()

    def test_two_processes_never_take_the_same_last_request(self):
        self.limiter.observe("k", stated(30, 5, self.reset), NOW)
        taken: list[bool] = []

        def take() -> None:
            taken.append(self.go())
            connection.close()

        threads = [threading.Thread(target=take) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sum(taken) == 5
        assert RateLimit.objects.get(key="k").remaining == 0

    def test_an_adapter_waits_for_its_turn(self, canned: Canned):
        provider = DuffelProvider(base=canned.base, token="t", limiter=self.limiter, now=lambda: NOW)
        canned.answer(201, {"data": offer_request()}, **{k.title(): v for k, v in stated(30, 0, self.reset).items()})
        provider.search(QUERY)

        with pytest.raises(Retryable) as refused:
            provider.search(QUERY)

        assert (refused.value.code, refused.value.after) == ("rate_limited", 40.0)
        assert len(canned.requests) == 1


class TestAgainstTheSandbox:
    @pytest.mark.usefixtures("database")
    def test_searches_reads_orders_and_finds_the_order_again(self, duffel_sandbox: object):
        provider = DuffelProvider(base=duffel_sandbox.base, token="duffel_test_x", limiter=Open())
        query = SearchQuery((SearchSlice("LHR", "JFK", date(2027, 3, 1)),), (SearchPassenger(),))
        offers = provider.search(query)
        assert provider.orders_of_offer(offers[0].id) == ()

        offer, order = self.buy(provider, offers[0].id)

        assert provider.orders_of_offer(offer.id) == (provider.order(order.id),)
        assert order.total == offer.total
        assert order.metadata == {"attempt_id": "7"}
        assert order.state in {OrderState.TICKETED, OrderState.CONFIRMED}
        with pytest.raises(AlreadyAttempted):
            provider.create_order(self.request(offer))

    def buy(self, provider: FlightProvider, offer_id: str) -> tuple[Offer, Order]:
        """Fares of the sandbox sometimes move between reading and ordering, as real ones do: read again, then order."""
        for _ in range(5):
            offer = provider.offer(offer_id)
            try:
                return offer, provider.create_order(self.request(offer))
            except PriceChanged:
                assert provider.orders_of_offer(offer_id) == ()
        pytest.fail("the price changed five times in a row")

    def request(self, offer: Offer) -> OrderRequest:
        passport = IdentityDocument("passport", "19KL56147", "GB", date(2030, 4, 25))
        documents = (passport,) if offer.documents_required else ()
        one = replace(REQUEST.passengers[0], id=offer.passengers[0].id, infant_id="", documents=documents)
        return OrderRequest(offer.id, offer.total, (one,), {"attempt_id": "7"})
