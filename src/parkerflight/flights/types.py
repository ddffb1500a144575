"""What the trade talks about: offers, slices, segments, orders. Plain values, no Django, no vendor names."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from parkerflight.core.money import Money


class Cabin(StrEnum):
    """Cabin classes in rising order of comfort."""

    ECONOMY = "economy"
    PREMIUM_ECONOMY = "premium_economy"
    BUSINESS = "business"
    FIRST = "first"


@dataclass(frozen=True, slots=True)
class SearchSlice:
    """One direction of travel: IATA airport or city codes and the local date of departure."""

    origin: str
    destination: str
    departure_date: date


@dataclass(frozen=True, slots=True)
class SearchPassenger:
    """A seat to search for: an adult, or anyone under 18 by age in whole years on the day of the last flight."""

    age: int | None = None
    """None for an adult."""


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """One search: one slice for a one-way trip, two for a return."""

    slices: tuple[SearchSlice, ...]
    passengers: tuple[SearchPassenger, ...]
    cabin: Cabin = Cabin.ECONOMY
    max_connections: int = 1


@dataclass(frozen=True, slots=True)
class Place:
    """An airport. `time_zone` is an IANA name, or empty when the provider did not say."""

    iata_code: str
    name: str
    city_name: str
    time_zone: str
    city_code: str = ""
    """IATA code of its city, such as LON; empty when the provider did not say."""


@dataclass(frozen=True, slots=True)
class Baggage:
    """Bags that are included for one passenger on one segment."""

    checked: int = 0
    carry_on: int = 0


@dataclass(frozen=True, slots=True)
class Segment:
    """One flight. Times are local to their airport and carry no offset; the zone is the airport's."""

    id: str
    origin: Place
    destination: Place
    departing_at: datetime
    """Naive, local at `origin`."""
    arriving_at: datetime
    """Naive, local at `destination`."""
    marketing_carrier: str
    """IATA code; empty when the airline has none."""
    marketing_flight_number: str
    operating_carrier: str
    operating_carrier_name: str
    duration: timedelta | None = None
    baggage: dict[str, Baggage] = field(default_factory=dict)
    """By passenger id."""
    cabins: dict[str, str] = field(default_factory=dict)
    """Cabin class by passenger id."""
    stops: int = 0
    """Landings on the way under the same flight number."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What changing or refunding before departure costs. None where the airline does not say: unknown, not refused."""

    allowed: bool | None
    penalty: Money | None


UNKNOWN_CONDITION = Condition(allowed=None, penalty=None)


@dataclass(frozen=True, slots=True)
class Slice:
    """One direction of an offer or order, as flown."""

    id: str
    origin: Place
    destination: Place
    segments: tuple[Segment, ...]
    duration: timedelta | None
    fare_brand: str = ""

    @property
    def connections(self) -> int:
        return len(self.segments) - 1

    @property
    def departing_at(self) -> datetime:
        """Naive, local at the origin."""
        return self.segments[0].departing_at

    @property
    def arriving_at(self) -> datetime:
        """Naive, local at the destination."""
        return self.segments[-1].arriving_at


@dataclass(frozen=True, slots=True)
class OfferPassenger:
    """A seat of an offer. `kind` is adult, child or infant_without_seat; `age` in years when the search gave one."""

    id: str
    kind: str
    age: int | None


@dataclass(frozen=True, slots=True)
class Offer:
    """What an airline would sell for the whole party. Moments are aware, UTC."""

    id: str
    offer_request_id: str
    total: Money
    owner: str
    """IATA code of the airline that sells; empty when it has none."""
    owner_name: str
    slices: tuple[Slice, ...]
    passengers: tuple[OfferPassenger, ...]
    expires_at: datetime | None
    live_mode: bool
    requires_instant_payment: bool
    payment_required_by: datetime | None
    price_guarantee_expires_at: datetime | None
    documents_required: bool
    supported_documents: tuple[str, ...]
    refund: Condition
    change: Condition

    @property
    def max_connections(self) -> int:
        return max(one.connections for one in self.slices)

    @property
    def duration(self) -> timedelta:
        """Time under way over all slices; unknown durations count as zero."""
        return sum((one.duration for one in self.slices if one.duration), timedelta(0))

    @property
    def checked_bags(self) -> int:
        """Checked bags that every passenger with a seat has on every segment."""
        seated = [one.id for one in self.passengers if one.kind != "infant_without_seat"]
        segments = [segment for one in self.slices for segment in one.segments]
        return min((s.baggage.get(p, Baggage()).checked for s in segments for p in seated), default=0)


@dataclass(frozen=True, slots=True)
class IdentityDocument:
    """A travel document as an airline wants it. Its repr shows nothing."""

    kind: str
    number: str = field(repr=False)
    issuing_country: str = field(repr=False)
    """ISO 3166 alpha-2."""
    expires_on: date | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Passenger:
    """A person on an order. Its repr shows the provider's passenger id only."""

    id: str
    given_name: str = field(repr=False)
    family_name: str = field(repr=False)
    title: str = field(repr=False)
    """mr, ms, mrs, miss or dr."""
    gender: str = field(repr=False)
    """m or f."""
    born_on: date = field(repr=False)
    email: str = field(repr=False)
    phone_number: str = field(repr=False)
    """E.164."""
    infant_id: str = ""
    """Passenger id of the infant on this adult's lap."""
    documents: tuple[IdentityDocument, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """An order, paid at once from our balance or held unpaid. `metadata` carries our ids, never personal data."""

    offer_id: str
    total: Money
    passengers: tuple[Passenger, ...]
    metadata: dict[str, str]
    hold: bool = False
    """True reserves the seats and leaves the payment for later; only offers that need no instant payment."""


class OrderState(StrEnum):
    """The provider has no order status; this is derived from what the order holds."""

    HELD = "held"
    CONFIRMED = "confirmed"
    """Booked, documents still to come."""
    TICKETED = "ticketed"
    CANCELLED = "cancelled"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class Ticket:
    """An electronic ticket and the passengers it is for."""

    number: str
    passenger_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """What was bought. Moments are aware, UTC; segment times are local."""

    id: str
    offer_id: str
    booking_reference: str = field(repr=False)
    """The PNR."""
    total: Money
    owner: str
    owner_name: str
    slices: tuple[Slice, ...]
    passenger_ids: tuple[str, ...]
    tickets: tuple[Ticket, ...] = field(repr=False)
    state: OrderState
    created_at: datetime | None
    metadata: dict[str, str]
    refund: Condition = UNKNOWN_CONDITION
    change: Condition = UNKNOWN_CONDITION
    payment_required_by: datetime | None = None
    """Until when a held order must be paid; then the airline lets it lapse."""
    price_guarantee_expires_at: datetime | None = None
    """Until when a held order's price stands; None when it may move at any time."""
    paid_at: datetime | None = None
    void_window_ends_at: datetime | None = None
    """Read as the end of free cancellation, where the airline says; the quote alone is binding."""
    can_cancel: bool = False


@dataclass(frozen=True, slots=True)
class OrderAccepted:
    """The provider took the order but cannot show it yet; it turns up later under the offer's id.

    `booked` is True when the airline has confirmed (200), False while that is open (202).
    """

    booked: bool
    reference: str


class RefundTo(StrEnum):
    """Where an airline sends the money of a cancelled order."""

    BALANCE = "balance"
    AWAITING_PAYMENT = "awaiting_payment"
    """Nothing was paid, nothing comes back."""
    CREDITS = "airline_credits"
    VOUCHER = "voucher"
    OTHER = "other"
    """Cards and agency clearing: not ours to pass on without a person looking."""


@dataclass(frozen=True, slots=True)
class CancellationQuote:
    """What cancelling an order gives back. `refund` None: the airline gives no figure. Moments are aware, UTC."""

    id: str
    order_id: str
    refund: Money | None
    refund_to: RefundTo
    expires_at: datetime | None
    confirmed_at: datetime | None
    """When it was carried out; None while it is only a quote."""


@dataclass(frozen=True, slots=True)
class AirlineChange:
    """A change an airline made to an order on its own. `taken` is empty until somebody answers it."""

    id: str
    order_id: str
    added: tuple[Slice, ...]
    removed: tuple[Slice, ...]
    can_accept: bool
    taken: str
    """accepted, cancelled, changed, or empty."""
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """A webhook, verified: only a hint that something about an order or offer is worth reading again."""

    id: str
    kind: str
    """The provider's event type, such as `order.created`."""
    object_id: str
    """What it is about, for telling two deliveries of one fact from two facts."""
    order_id: str
    offer_id: str
