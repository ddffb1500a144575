"""What an answer that is no success means. Judged by code, then by status; `meta.status` is not trusted.

The order endpoint has rules of its own: there, whatever is not a definite refusal may have booked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from parkerflight.core.errors import NotFound, OutcomeUnknown, ParkerError, Retryable, Terminal
from parkerflight.flights.limiter import reset_at
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
    from collections.abc import Mapping
    from datetime import datetime

UNAUTHORIZED, FORBIDDEN, NOT_FOUND, TIMED_OUT, TOO_MANY = 401, 403, 404, 408, 429
FIRST_SERVER_ERROR = 500
UNAVAILABLE = 503
TEMPORARY = frozenset({UNAVAILABLE, 504})
RETRY_SECONDS = 60.0  # the provider's windows are minutes; used where an answer does not say how long to wait

_TYPES: dict[type[Terminal], frozenset[str]] = {
    # First, because where an order may exist nothing else in the answer matters.
    AlreadyAttempted: frozenset(
        {"offer_request_already_booked", "order_creation_already_attempted", "duplicate_booking"}
    ),
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
    NotHoldable: frozenset({"invalid_order_create_type", "order_type_not_eligible_for_payment"}),
    HoldLapsed: frozenset({"past_payment_required_by_date"}),
    ScheduleChanged: frozenset({"schedule_changed"}),
    AlreadyPaid: frozenset({"already_paid"}),
    AlreadyCancelled: frozenset({"already_cancelled"}),
    QuoteStale: frozenset({"order_cancellation_stale", "order_cancellation_expired"}),
    NotCancellable: frozenset({"order_not_cancellable", "unsupported_action"}),
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
# On the order endpoint these say that an airline or the provider broke half-way, whatever the status.
_BROKE_HALF_WAY = frozenset({"airline_unknown", "airline_internal", "internal_server_error", "gateway_timeout_error"})
_PERSONAL_POINTER = re.compile(r"/passengers/\d+/(?!id$).+")


@dataclass(frozen=True, slots=True)
class Complaint:
    """One entry of an error envelope. The provider's own message is left out: it may quote what a person gave."""

    code: str
    kind: str
    title: str
    pointer: str


@dataclass(frozen=True, slots=True)
class Failure:
    """An answer that is no success: status, complaints, and the provider's request id."""

    status: int
    complaints: tuple[Complaint, ...]
    reference: str
    wait: float

    @property
    def codes(self) -> frozenset[str]:
        return frozenset(one.code for one in self.complaints)

    @property
    def code(self) -> str:
        return self.complaints[0].code if self.complaints else f"http_{self.status}"

    def says(self, what: str) -> str:
        """One sentence with the provider's titles, which are fixed texts, and where they point."""
        told = "; ".join(f"{one.title or one.code} {one.pointer}".strip() for one in self.complaints)
        return f"{what} ({told or f'HTTP {self.status}'})"


def read(status: int, body: Any, headers: Mapping[str, str], now: datetime) -> Failure:
    """Read an error answer defensively; `body` is decoded JSON or None. `now` is aware, UTC."""
    envelope = body if isinstance(body, dict) else {}
    meta, errors = envelope.get("meta"), envelope.get("errors")
    reference = headers.get("x-request-id") or (meta.get("request_id") if isinstance(meta, dict) else None)
    reset = reset_at(headers)
    wait = max((reset - now).total_seconds(), 1.0) if reset else RETRY_SECONDS
    complaints = tuple(_complaint(one) for one in errors if isinstance(one, dict)) if isinstance(errors, list) else ()
    return Failure(status, complaints, str(reference or ""), wait)


def of_read(failure: Failure, *, repeatable: bool = True) -> ParkerError:
    """The error of a search or a read. `repeatable`: a failed read may be tried again; a failed search is not."""
    if found := _refused(failure):
        return found
    reference = failure.reference
    if failure.status in TEMPORARY:
        return Retryable(failure.code, failure.says("The provider is busy"), reference=reference, after=RETRY_SECONDS)
    if failure.status >= FIRST_SERVER_ERROR or failure.status == TIMED_OUT:
        says = failure.says("The provider failed")
        # The provider asks not to repeat what ended in 500 or 502. Reads change nothing and tell us how lost orders
        # ended, so they may be repeated, slowly; searches wait for their next turn.
        if repeatable:
            return Retryable(failure.code, says, reference=reference, after=RETRY_SECONDS)
        return Terminal(failure.code, says, reference=reference)
    if failure.status == NOT_FOUND:
        return NotFound(failure.code, failure.says("The provider has no such thing"), reference=reference)
    return Terminal(failure.code, failure.says("The provider refused"), reference=reference)


def of_offer(failure: Failure) -> ParkerError:
    """The error of reading one offer: an offer that is not there is gone."""
    error = of_read(failure)
    if isinstance(error, NotFound):
        return OfferGone(failure.code, failure.says("The offer is gone"), reference=failure.reference)
    return error


def of_act(failure: Failure) -> ParkerError:
    """The error of a request that may buy or give back. Only a definite refusal is not OutcomeUnknown."""
    reference = failure.reference
    if "order_not_created" in failure.codes:
        return Terminal("order_not_created", failure.says("Nothing was booked"), reference=reference)
    already = failure.codes & _TYPES[AlreadyAttempted]
    definite = 400 <= failure.status < FIRST_SERVER_ERROR and failure.status != TIMED_OUT  # noqa: PLR2004 - HTTP
    if not already and (not definite or failure.codes & _BROKE_HALF_WAY):
        # 503 is documented as «no booking at the supplier»: the code lets whoever asks next give up sooner.
        code = "provider_unavailable" if failure.status == UNAVAILABLE else failure.code
        return OutcomeUnknown(code, failure.says("It may or may not have been carried out"), reference=reference)
    return _refused(failure) or Terminal(failure.code, failure.says("It was refused"), reference=reference)


def _refused(failure: Failure) -> ParkerError | None:
    """What the codes say, whatever was asked; the most consequential one when there are several."""
    for error_type, codes in _TYPES.items():
        if hit := sorted(failure.codes & codes):
            return error_type(hit[0], failure.says(_SAYS[error_type]), reference=failure.reference)
    if failure.status == TOO_MANY or "rate_limit_exceeded" in failure.codes:
        says = failure.says("Too many requests")
        return Retryable("rate_limit_exceeded", says, reference=failure.reference, after=failure.wait)
    if failure.status in {UNAUTHORIZED, FORBIDDEN}:
        return Misconfigured(failure.code, failure.says(_SAYS[Misconfigured]), reference=failure.reference)
    return _by_pointer(failure)


def _by_pointer(failure: Failure) -> ParkerError | None:
    """General validation codes become telling by the field they point at."""
    for one in failure.complaints:
        if one.code == "no_match" and one.pointer.startswith("/payments/"):
            return PriceChanged(one.code, failure.says(_SAYS[PriceChanged]), reference=failure.reference)
        if one.code.startswith("validation_") and _PERSONAL_POINTER.fullmatch(one.pointer):
            return PassengerRefused(one.code, failure.says(_SAYS[PassengerRefused]), reference=failure.reference)
    return None


_SAYS: dict[type[Terminal], str] = {
    AlreadyAttempted: "An order for this offer was attempted before; look it up",
    Misconfigured: "The provider refuses our token or version",
    OfferGone: "The offer is gone; search again",
    PriceChanged: "The price changed; read the offer again",
    WalletEmpty: "Our balance at the provider is too low",
    NotHoldable: "This fare must be paid at once",
    HoldLapsed: "The held order was not paid in time",
    ScheduleChanged: "The airline changed the flights of the held order",
    AlreadyPaid: "The held order is paid already",
    AlreadyCancelled: "The order is cancelled already",
    QuoteStale: "The cancellation quote ran out or a newer one exists; ask again",
    NotCancellable: "The airline does not let this order be cancelled here",
    PassengerRefused: "The airline cannot take a passenger's details as given",
}


def _complaint(entry: dict[str, Any]) -> Complaint:
    """`source` is an object for validation errors and a plain airline name for others; a code may be a number."""
    source = entry.get("source")
    pointer = source.get("pointer") if isinstance(source, dict) else ""
    code, kind, title = (str(entry.get(name) or "") for name in ("code", "type", "title"))
    return Complaint(code=code or kind or "unknown", kind=kind, title=title, pointer=str(pointer or ""))
