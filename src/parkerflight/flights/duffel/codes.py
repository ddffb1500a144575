"""Which of our errors each of the provider's codes is, and what we say about it. An unknown code is judged by status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parkerflight.flights.provider import (
    AlreadyAttempted,
    AlreadyCancelled,
    AlreadyPaid,
    HoldLapsed,
    Misconfigured,
    NotCancellable,
    NotHoldable,
    OfferGone,
    PassengerRefused,
    PriceChanged,
    QuoteStale,
    ScheduleChanged,
    WalletEmpty,
)

if TYPE_CHECKING:
    from parkerflight.core.errors import Terminal

TYPES: dict[type[Terminal], frozenset[str]] = {
    # First, because where an order may exist nothing else in the answer matters.
    AlreadyAttempted: frozenset(
        {"offer_request_already_booked", "order_creation_already_attempted", "duplicate_booking"}
    ),
    AlreadyPaid: frozenset({"already_paid"}),
    AlreadyCancelled: frozenset({"already_cancelled"}),
    HoldLapsed: frozenset({"past_payment_required_by_date"}),
    ScheduleChanged: frozenset({"schedule_changed"}),
    NotHoldable: frozenset({"invalid_order_create_type"}),
    NotCancellable: frozenset({"order_not_cancellable"}),
    QuoteStale: frozenset({"order_cancellation_stale"}),
    Misconfigured: frozenset(
        {
            "missing_authorization_header",
            "invalid_authorization_header",
            "access_token_not_found",
            "expired_access_token",
            "insufficient_permissions",
            "missing_version_header",
            "invalid_version_header",
            "unsupported_version",
            "unavailable_feature",
        }
    ),
    OfferGone: frozenset({"offer_no_longer_available", "offer_expired"}),
    PriceChanged: frozenset(
        {
            "price_changed",
            "payment_amount_does_not_match_order_amount",
            "payment_currency_does_not_match_order_currency",
        }
    ),
    WalletEmpty: frozenset({"insufficient_balance"}),
    PassengerRefused: frozenset(
        {
            "invalid_passenger_name",
            "invalid_passenger_title",
            "invalid_phone_number",
            "invalid_email_address",
            "invalid_loyalty_card",
            "duplicate_passenger_name",
            "duplicate_passenger_names",
            "order_passengers_incompatible_with_offer",
            "ancillary_service_not_available",
        }
    ),
}

SAYS: dict[type[Terminal], str] = {
    AlreadyAttempted: "An order for this offer was attempted before; look it up",
    AlreadyPaid: "The order is paid already; read it",
    AlreadyCancelled: "The order is cancelled already; read it",
    HoldLapsed: "The held order was not paid in time",
    ScheduleChanged: "The airline changed the flights of the held order",
    NotHoldable: "The offer must be paid when it is ordered",
    NotCancellable: "The order cannot be cancelled here",
    QuoteStale: "The cancellation quote is too old; ask for another",
    Misconfigured: "The provider refuses our token or version",
    OfferGone: "The offer is gone; search again",
    PriceChanged: "The price changed; read the offer again",
    WalletEmpty: "Our balance at the provider is too low",
    PassengerRefused: "The airline cannot take a passenger's details as given",
}
