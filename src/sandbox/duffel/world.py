"""Everything one sandbox remembers. Handlers change it synchronously, so a committed change survives a lost answer."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from sandbox.duffel.brands import Brand
from sandbox.duffel.itineraries import Itinerary
from sandbox.duffel.prices import Prices
from sandbox.kit.clock import VirtualClock
from sandbox.kit.ids import IdSource

# Requests older than this cannot be booked and only cost memory: a day after even the longest offer has expired.
FORGET_AFTER_SECONDS = 26 * 3_600


@dataclass(slots=True)
class SliceQuery:
    origin: str
    destination: str
    day: date
    departure_window: tuple[str, str] | None = None
    arrival_window: tuple[str, str] | None = None


@dataclass(slots=True)
class SearchPassenger:
    id: str
    type: str
    age: int | None
    given_name: str | None = None
    family_name: str | None = None
    fare_type: str | None = None
    loyalty: list[dict[str, str]] = field(default_factory=list)

    def view(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "type": self.type,
            "age": self.age,
            "given_name": self.given_name,
            "family_name": self.family_name,
            "fare_type": self.fare_type,
            "loyalty_programme_accounts": self.loyalty,
        }


@dataclass(slots=True)
class OfferRequest:
    id: str
    created_at: float
    slices: list[SliceQuery]
    passengers: list[SearchPassenger]
    cabin: str | None
    connections: int
    currency: str
    offers: list["Offer"] = field(default_factory=list)
    booked_by: str | None = None

    @property
    def magic(self) -> str:
        """Name the one-way route, like "LHR-LGW", or "" when the search is no single slice."""
        return f"{self.slices[0].origin}-{self.slices[0].destination}" if len(self.slices) == 1 else ""

    def seats(self) -> int:
        return sum(p.type != "infant_without_seat" for p in self.passengers)


@dataclass(slots=True)
class Offer:
    """One offer. Amounts are decimals of the request's currency for the whole party."""

    id: str
    request: OfferRequest
    itineraries: tuple[Itinerary, ...]
    cabin: str
    brand: Brand
    created_at: float
    updated_at: float
    expires_at: float
    total: Decimal
    slices: list[dict[str, Any]]
    services: dict[str, dict[str, Any]] = field(default_factory=dict)
    reads: int = 0
    attempted: bool = False
    repriced: bool = False
    discount: Decimal = Decimal(1)

    @property
    def owner(self) -> str:
        return self.itineraries[0].owner

    @property
    def key(self) -> str:
        """Names the journey and its fare: the same in every search."""
        return "|".join(itinerary.key for itinerary in self.itineraries) + f"|{self.cabin}|{self.brand.name}"


@dataclass(slots=True)
class Order:
    """One booking. `settles_at` is set while an answer 200 or 202 keeps it from being readable.

    `payment_settles_at` is set while a payment that was answered 202 is still to be taken.
    """

    id: str
    offer: Offer
    type: str
    created_at: float
    booking_reference: str
    passengers: list[dict[str, Any]]
    total: Decimal
    currency: str
    slices: list[dict[str, Any]]
    services: list[dict[str, Any]]
    metadata: dict[str, str] | None
    users: list[str] = field(default_factory=list)
    booked: bool = True
    readable: bool = True
    settles_at: float | None = None
    fails: bool = False
    payment_settles_at: float | None = None
    payment_fails: bool = False
    paid_at: float | None = None
    payment_required_by: float | None = None
    price_guaranteed_until: float | None = None
    price_factor: Decimal = Decimal(1)
    documents_at: float | None = None
    tickets: list[str] = field(default_factory=list)
    cancelled_at: float | None = None
    cancellation: str | None = None
    refunded: Decimal = Decimal(0)
    changes: list[dict[str, Any]] = field(default_factory=list)
    schedule_changed: bool = False
    synced_at: float = 0.0

    def lapsed(self, now: float) -> bool:
        """Tell whether the airline has released an unpaid hold."""
        unpaid = self.type == "hold" and self.paid_at is None and self.cancelled_at is None
        return unpaid and self.payment_required_by is not None and now >= self.payment_required_by

    def awaiting_payment(self, now: float) -> bool:
        return self.type == "hold" and self.paid_at is None and self.cancelled_at is None and not self.lapsed(now)

    def documents(self, now: float) -> list[dict[str, Any]]:
        """Return the tickets issued so far, one for each passenger."""
        if self.documents_at is None or now < self.documents_at:
            return []
        return [
            {"type": "electronic_ticket", "unique_identifier": number, "passenger_ids": [passenger["id"]]}
            for number, passenger in zip(self.tickets, self.passengers, strict=True)
        ]


@dataclass(slots=True)
class OrderMode:
    """How the next orders (or payments) are answered: 201 at once, 200 done but unreadable, 202 pending."""

    mode: int = 201
    settle_seconds: float = 60.0
    fail: bool = False


@dataclass(slots=True)
class World:
    """The state of one sandbox and the tools its rules need."""

    seed: int
    clock: VirtualClock
    ids: IdSource
    prices: Prices
    emit: Callable[[str, str, dict[str, Any]], None]
    currency: str = "GBP"
    balance: Decimal | None = None
    spent: dict[str, Decimal] = field(default_factory=dict)
    mode: OrderMode = field(default_factory=OrderMode)
    payments_mode: OrderMode = field(default_factory=OrderMode)
    test_airline: bool = True  # live mode does not know Duffel Airways
    price_change_rate: float = 0.035  # fares move between quote and booking in two to five of a hundred bookings
    late_documents: dict[str, float] = field(default_factory=dict)
    offers_per_minute: int = 30_000
    calls_per_minute: int = 600_000
    searches: int = 0
    requests: dict[str, OfferRequest] = field(default_factory=dict)
    offers: dict[str, Offer] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    orders_of_offer: dict[str, Order] = field(default_factory=dict)
    flown: set[str] = field(default_factory=set)
    payments: dict[str, dict[str, Any]] = field(default_factory=dict)
    cancellations: dict[str, dict[str, Any]] = field(default_factory=dict)
    airline_changes: dict[str, dict[str, Any]] = field(default_factory=dict)
    endpoints: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    unsettled: set[str] = field(default_factory=set)
    unsettled_payments: set[str] = field(default_factory=set)

    def now(self) -> float:
        """Return virtual unix seconds, in the microseconds that answers show: what was shown can be filtered by."""
        return round(self.clock.now(), 6)

    def remember(self, request: OfferRequest) -> None:
        """Keep a search and forget those too old to matter; booked ones stay with their order."""
        self.searches += 1
        self.requests[request.id] = request
        self.offers.update((offer.id, offer) for offer in request.offers)
        horizon = request.created_at - FORGET_AFTER_SECONDS
        while (oldest := next(iter(self.requests.values()))).created_at < horizon:
            del self.requests[oldest.id]
            for offer in oldest.offers:
                self.offers.pop(offer.id, None)

    def debit(self, amount: Decimal, currency: str) -> None:
        self.spent[currency] = self.spent.get(currency, Decimal(0)) + amount
        if self.balance is not None:
            self.balance -= amount
