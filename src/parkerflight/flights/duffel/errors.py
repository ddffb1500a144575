"""What an answer that is no success means. Judged by code, then by status; `meta.status` is not trusted.

Requests that order, pay or cancel have rules of their own: whatever is not a definite refusal may have been carried out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from parkerflight.core.errors import NotFound, OutcomeUnknown, ParkerError, Retryable, Terminal
from parkerflight.flights.duffel.codes import SAYS, TYPES
from parkerflight.flights.limiter import reset_at
from parkerflight.flights.provider import (
    AlreadyAttempted,
    Misconfigured,
    NotCancellable,
    OfferGone,
    PassengerRefused,
    PriceChanged,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

UNAUTHORIZED, FORBIDDEN, NOT_FOUND, TIMED_OUT, TOO_MANY = 401, 403, 404, 408, 429
FIRST_SERVER_ERROR = 500
UNAVAILABLE = 503
TEMPORARY = frozenset({UNAVAILABLE, 504})
RETRY_SECONDS = 60.0  # the provider's windows are minutes; used where an answer does not say how long to wait

# Where something is carried out these say that an airline or the provider broke half-way, whatever the status.
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

    @property
    def definite(self) -> bool:
        """Whether this says for certain that nothing was carried out."""
        refused = 400 <= self.status < FIRST_SERVER_ERROR and self.status != TIMED_OUT  # noqa: PLR2004 - HTTP
        return refused and not self.codes & _BROKE_HALF_WAY

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


def of_order(failure: Failure) -> ParkerError:
    """The error of creating an order. Only a definite refusal is not OutcomeUnknown."""
    if "order_not_created" in failure.codes:
        return Terminal("order_not_created", failure.says("Nothing was booked"), reference=failure.reference)
    if failure.codes & TYPES[AlreadyAttempted]:
        return _refused(failure) or _unknown(failure, "The order may or may not exist")
    return _of_deed(failure, refused="The order was refused", unknown="The order may or may not exist")


def of_payment(failure: Failure) -> ParkerError:
    """The error of paying a held order; a 500 may have issued the tickets."""
    return _of_deed(failure, refused="The payment was refused", unknown="The order may or may not be paid")


def of_quote(failure: Failure) -> ParkerError:
    """The error of asking what a cancellation gives back."""
    if "unsupported_action" in failure.codes:
        return _not_cancellable(failure)
    return of_read(failure)


def of_confirmation(failure: Failure) -> ParkerError:
    """The error of confirming a cancellation."""
    if failure.definite and "unsupported_action" in failure.codes:
        return _not_cancellable(failure)
    refused, unknown = "The cancellation was refused", "The order may or may not be cancelled"
    return _of_deed(failure, refused=refused, unknown=unknown)


def of_acceptance(failure: Failure) -> ParkerError:
    """The error of accepting an airline's change."""
    return _of_deed(failure, refused="The change cannot be accepted", unknown="The change may or may not be accepted")


def _of_deed(failure: Failure, *, refused: str, unknown: str) -> ParkerError:
    """The error of a request that changes something: whatever is no definite refusal may have been carried out."""
    if not failure.definite:
        return _unknown(failure, unknown)
    return _refused(failure) or Terminal(failure.code, failure.says(refused), reference=failure.reference)


def _unknown(failure: Failure, what: str) -> ParkerError:
    # 503 is documented as «no booking at the supplier»: the code lets whoever asks next be content with a few looks.
    code = "provider_unavailable" if failure.status == UNAVAILABLE else failure.code
    return OutcomeUnknown(code, failure.says(what), reference=failure.reference)


def _not_cancellable(failure: Failure) -> ParkerError:
    return NotCancellable("unsupported_action", failure.says(SAYS[NotCancellable]), reference=failure.reference)


def _refused(failure: Failure) -> ParkerError | None:
    """What the codes say, whatever was asked; the most consequential one when there are several."""
    for error_type, codes in TYPES.items():
        if hit := sorted(failure.codes & codes):
            return error_type(hit[0], failure.says(SAYS[error_type]), reference=failure.reference)
    if failure.status == TOO_MANY or "rate_limit_exceeded" in failure.codes:
        says = failure.says("Too many requests")
        return Retryable("rate_limit_exceeded", says, reference=failure.reference, after=failure.wait)
    if failure.status in {UNAUTHORIZED, FORBIDDEN}:
        return Misconfigured(failure.code, failure.says(SAYS[Misconfigured]), reference=failure.reference)
    return _by_pointer(failure)


def _by_pointer(failure: Failure) -> ParkerError | None:
    """General validation codes become telling by the field they point at."""
    for one in failure.complaints:
        if one.code == "no_match" and one.pointer.startswith(("/payments/", "/payment/")):
            return PriceChanged(one.code, failure.says(SAYS[PriceChanged]), reference=failure.reference)
        if one.code.startswith("validation_") and _PERSONAL_POINTER.fullmatch(one.pointer):
            return PassengerRefused(one.code, failure.says(SAYS[PassengerRefused]), reference=failure.reference)
    return None


def _complaint(entry: dict[str, Any]) -> Complaint:
    """`source` is an object for validation errors and a plain airline name for others; a code may be a number."""
    source = entry.get("source")
    pointer = source.get("pointer") if isinstance(source, dict) else ""
    code, kind, title = (str(entry.get(name) or "") for name in ("code", "type", "title"))
    return Complaint(code=code or kind or "unknown", kind=kind, title=title, pointer=str(pointer or ""))
