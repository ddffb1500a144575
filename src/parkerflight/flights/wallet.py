"""Our own ledger of the money that lies at the provider: reserved before an order, spent with it, refunded after it.

The provider refuses an order that the balance cannot pay, but only after the customer's card was authorised, and two
bookings at once would both count on the last money. A currency without a wallet is not tracked: everything is let through.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F

from parkerflight.core.errors import BadInput, ParkerError
from parkerflight.core.money import Money
from parkerflight.flights.models import Wallet, WalletEntry, WalletReservation

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

LONGEST_REASON = 200  # a sentence; the column's length

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WalletView:
    """One currency's balance as we keep it. `alarm_below` is zero when no alarm is set."""

    currency: str
    available: Money
    reserved: Money
    spent: Money
    alarm_below: Money
    refunded: Money
    topped_up: Money

    @property
    def low(self) -> bool:
        """Whether an operator should pay in."""
        return self.available < self.alarm_below


class _TooLowError(Exception):
    """The wallet cannot pay; ends the transaction so that nothing of the try stays."""


def top_up(*, amount: Money, reason: str, now: datetime) -> None:
    """Note that `amount` was paid in, or taken out when negative; the first one starts the tracking of its currency.

    Raises BadInput when it is zero, has no reason, or takes out more than is available.
    """
    if not amount.minor or not 0 < len(reason.strip()) <= LONGEST_REASON:
        message = f"Give an amount other than zero and a reason of up to {LONGEST_REASON} letters."
        raise BadInput("bad_top_up", message, field="amount")
    with transaction.atomic():
        # Left out where it exists. Concurrent first payments meet here, and then in the conditional UPDATE.
        Wallet.objects.bulk_create([Wallet(currency=amount.currency, updated_at=now)], ignore_conflicts=True)
        if not _move(amount.currency, now, available=amount.minor, topped_up=amount.minor):
            raise BadInput("wallet_too_low", "That is more than the wallet has available.", field="amount")
        _note("top_up", amount, now, reason=reason)


def set_alarm(*, below: Money, now: datetime) -> None:
    """Ask for an alarm when less than `below` is available; zero turns it off. Raises BadInput without a wallet."""
    if below.minor < 0:
        raise BadInput("bad_alarm", "Give an amount of zero or more.", field="below")
    if not Wallet.objects.filter(currency=below.currency).update(alarm_below=below.minor, updated_at=now):
        raise BadInput("no_wallet", f"There is no wallet in {below.currency}; pay in first.", field="below")


def state() -> list[WalletView]:
    """Every wallet, by currency."""
    return [_view(one) for one in Wallet.objects.order_by("currency")]


def reserve(*, attempt_id: UUID, amount: Money, now: datetime) -> bool:
    """Set `amount` aside for an attempt: True when it is, or when the currency is not tracked; False when there is too little.

    Joins the caller's transaction. Once more with the same amount changes nothing, with another one adjusts it (and on
    False leaves the earlier reservation as it was); after the attempt has spent, nothing is reserved any more.
    """
    try:
        with transaction.atomic():
            _reserve(attempt_id, amount, now)
    except _TooLowError:
        return False
    return True


def spend(*, attempt_id: UUID, amount: Money, now: datetime) -> None:
    """Note that the provider took `amount` for an attempt; what was reserved beyond it becomes available again.

    Once per attempt. It never refuses: the money is gone whatever we think we had. If it is more than we thought, the
    difference is booked as a correction, and logged.
    """
    if amount.minor <= 0:
        raise ParkerError("bad_amount", f"{amount} cannot be spent.")
    with transaction.atomic():
        held = _row(attempt_id, amount, now)
        if held is None or held.spent:
            return
        if held.reserved:
            _adjust(held, Money(0, amount.currency), now, kind="unreserve")
        if not _move(amount.currency, now, available=-amount.minor, spent=amount.minor):
            _correct(attempt_id, amount, now)
            _move(amount.currency, now, available=-amount.minor, spent=amount.minor)
        held.spent, held.updated_at = amount.minor, now
        held.save(update_fields=["spent", "updated_at"])
        _note("spend", amount, now, attempt_id=attempt_id)


def unreserve(*, attempt_id: UUID, now: datetime) -> None:
    """Make available again what an attempt had reserved and has not spent; nothing when there is nothing."""
    with transaction.atomic():
        held = WalletReservation.objects.select_for_update().filter(attempt_id=attempt_id).first()
        if held is not None and held.reserved:
            _adjust(held, Money(0, held.wallet_id), now, kind="unreserve")


def refund(*, attempt_id: UUID, amount: Money, now: datetime) -> None:
    """Note that the provider gave `amount` back for an attempt, all its refunds together: repeating it changes nothing.

    Nothing when the attempt's spending was not tracked. Raises ParkerError when `amount` is more than was spent or
    less than was refunded before: then somebody counts wrongly.
    """
    with transaction.atomic():
        held = WalletReservation.objects.select_for_update().filter(attempt_id=attempt_id).first()
        if held is None or not held.spent:
            log.warning("a refund for attempt %s, whose spending is not in the wallet", attempt_id)
            return
        _same_currency(held, amount)
        more = amount.minor - held.refunded
        if more < 0 or amount.minor > held.spent:
            raise ParkerError("refund_does_not_fit", f"{amount} does not fit what was spent and refunded before.")
        if more:
            held.refunded, held.updated_at = amount.minor, now
            held.save(update_fields=["refunded", "updated_at"])
            _move(amount.currency, now, available=more, refunded=more)
            _note("refund", Money(more, amount.currency), now, attempt_id=attempt_id)


def _reserve(attempt_id: UUID, amount: Money, now: datetime) -> None:
    if amount.minor <= 0:
        raise ParkerError("bad_amount", f"{amount} cannot be reserved.")
    held = _row(attempt_id, amount, now)
    if held is not None and not held.spent and held.reserved != amount.minor:
        _adjust(held, amount, now, kind="reserve")


def _row(attempt_id: UUID, amount: Money, now: datetime) -> WalletReservation | None:
    """The attempt's row, made if need be and locked until the transaction ends; None when the currency is not tracked."""
    if not Wallet.objects.filter(currency=amount.currency).exists():
        return None
    fresh = WalletReservation(attempt_id=attempt_id, wallet_id=amount.currency, updated_at=now)
    WalletReservation.objects.bulk_create([fresh], ignore_conflicts=True)
    held = WalletReservation.objects.select_for_update().get(attempt_id=attempt_id)
    _same_currency(held, amount)
    return held


def _same_currency(held: WalletReservation, amount: Money) -> None:
    if held.wallet_id != amount.currency:
        raise ParkerError("wallet_currency_changed", f"The attempt counts in {held.wallet_id}, not {amount.currency}.")


def _adjust(held: WalletReservation, amount: Money, now: datetime, *, kind: str) -> None:
    """Reserve `amount` in place of what is reserved. Raises _TooLowError."""
    more = amount.minor - held.reserved
    if not _move(amount.currency, now, available=-more, reserved=more):
        raise _TooLowError
    held.reserved, held.updated_at = amount.minor, now
    held.save(update_fields=["reserved", "updated_at"])
    _note(kind, Money(abs(more) if kind == "unreserve" else more, amount.currency), now, attempt_id=held.attempt_id)


def _correct(attempt_id: UUID, spent: Money, now: datetime) -> None:
    """Make `spent` available: the provider had it, for it has taken it."""
    available = Wallet.objects.select_for_update().values_list("available", flat=True).get(currency=spent.currency)
    missing = spent - Money(available, spent.currency)
    log.warning("the wallet was out of step: %s were missing for attempt %s", missing, attempt_id)
    _move(spent.currency, now, available=missing.minor, topped_up=missing.minor)
    _note("correction", missing, now, attempt_id=attempt_id, reason="the provider took more than the wallet had")


def _move(currency: str, now: datetime, *, available: int = 0, **moved: int) -> bool:
    """Add to a wallet's columns in one UPDATE; False, and nothing moved, when `available` would fall below zero."""
    changes = {name: F(name) + by for name, by in {"available": available, **moved}.items()}
    enough = Wallet.objects.filter(currency=currency, available__gte=-available)
    return enough.update(**changes, updated_at=now) == 1


def _note(kind: str, amount: Money, now: datetime, *, attempt_id: UUID | None = None, reason: str = "") -> None:
    WalletEntry.objects.create(
        at=now, wallet_id=amount.currency, kind=kind, amount=amount.minor, attempt_id=attempt_id, reason=reason or kind
    )


def _view(one: Wallet) -> WalletView:
    def money(minor: int) -> Money:
        return Money(minor, one.currency)

    return WalletView(
        currency=one.currency,
        available=money(one.available),
        reserved=money(one.reserved),
        spent=money(one.spent),
        alarm_below=money(one.alarm_below),
        refunded=money(one.refunded),
        topped_up=money(one.topped_up),
    )
