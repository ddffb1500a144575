"""The port to whoever sells flights. Speaks our types; raises the errors of `core.errors` and those below."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Protocol

from parkerflight.core.errors import BadInput, Terminal
from parkerflight.core.money import Money
from parkerflight.flights.types import (
    AirlineChange,
    CancellationQuote,
    Offer,
    Order,
    OrderAccepted,
    OrderRequest,
    ProviderEvent,
    SearchQuery,
)


class OfferGone(Terminal):
    """The offer cannot be bought any more; search again."""


class PriceChanged(Terminal):
    """The price moved between reading and ordering; nothing was booked. Read the offer again and decide anew."""


class WalletEmpty(Terminal):
    """Our own balance at the provider is too low: stop booking and alarm, it is nothing the person did."""


class PassengerRefused(Terminal):
    """The airline cannot take a name, document or contact as given: the person must correct it."""


class AlreadyAttempted(Terminal):
    """An earlier order for this offer or search exists at the provider: look it up, never order again."""


class Misconfigured(Terminal):
    """Our token or version is refused: every request will be, until an operator acts."""


class NotHoldable(Terminal):
    """This offer must be paid when it is ordered; nothing was booked."""


class HoldLapsed(Terminal):
    """The held order was not paid in time and is gone."""


class ScheduleChanged(Terminal):
    """The airline changed the flights of a held order: it cannot be paid any more, search again."""


class AlreadyPaid(Terminal):
    """The held order is paid already: read it, it may well be ours."""


class NotCancellable(Terminal):
    """The airline does not let this order be cancelled here; its conditions or a person must help."""


class AlreadyCancelled(Terminal):
    """The order is cancelled already: read it."""


class QuoteStale(Terminal):
    """The cancellation quote is too old or a newer one exists: ask for another and show it again."""


class BadSignature(BadInput):
    """A webhook that the vendor did not sign, or signed for another moment."""


class FlightProvider(Protocol):
    """Searches, reads, orders. Every method makes at most one request that changes anything."""

    def search(self, query: SearchQuery) -> tuple[Offer, ...]:
        """All offers for one search, cheapest first. Raises Retryable (later), Terminal (never)."""

    def offer(self, offer_id: str) -> Offer:
        """The offer as the airline prices it now. Raises OfferGone, Retryable."""

    def create_order(self, request: OrderRequest) -> Order | OrderAccepted:
        """Order and pay from our balance. One try, never repeated inside.

        Raises OfferGone, PriceChanged, WalletEmpty, PassengerRefused or another Terminal when nothing was booked,
        AlreadyAttempted and OutcomeUnknown when something may have been.
        """

    def orders_of_offer(self, offer_id: str) -> tuple[Order, ...]:
        """Orders made from this offer, normally none or one: how a lost answer is found again."""

    def order(self, order_id: str) -> Order:
        """The order as it is now. Raises NotFound, Retryable."""

    def orders_since(self, moment: datetime) -> Iterator[Order]:
        """All orders made since `moment` (aware, UTC), oldest first, page after page: sweeps and reconciliation."""

    def orders_requiring_action(self) -> Iterator[Order]:
        """Orders that an airline changed and nobody has answered yet."""

    def pay_order(self, order_id: str, total: Money) -> None:
        """Pay a held order from our balance; read it afterwards. One try, never repeated inside.

        Raises PriceChanged, HoldLapsed, ScheduleChanged, AlreadyPaid, AlreadyCancelled, WalletEmpty or another Terminal when this
        call paid nothing, Retryable when it was certainly not sent, OutcomeUnknown when it may have paid.
        """

    def quote_cancellation(self, order_id: str) -> CancellationQuote:
        """What cancelling gives back now; changes nothing. Raises NotCancellable, AlreadyCancelled, Retryable."""

    def confirm_cancellation(self, quote_id: str) -> CancellationQuote:
        """Carry a quote out. Raises QuoteStale, AlreadyCancelled, NotCancellable, OutcomeUnknown."""

    def cancellation(self, quote_id: str) -> CancellationQuote:
        """A quote as it is now: what became of a confirmation whose answer was lost."""

    def airline_changes(self, order_id: str) -> tuple[AirlineChange, ...]:
        """The airline's changes of an order, oldest first."""

    def accept_change(self, change_id: str) -> AirlineChange:
        """Accept the newest change. Raises Terminal when it is answered already or a newer one exists."""

    def read_event(self, body: bytes, headers: Mapping[str, str], *, now: datetime) -> ProviderEvent:
        """Verify and read a webhook's raw body; `headers` have lower-case names. Raises BadSignature, BadInput."""
