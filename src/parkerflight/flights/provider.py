"""The port to whoever sells flights. Speaks our types; raises the errors of `core.errors` and those below."""

from typing import Protocol

from parkerflight.core.errors import Terminal
from parkerflight.flights.types import Offer, Order, OrderAccepted, OrderRequest, SearchQuery


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
