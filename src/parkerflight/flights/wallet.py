"""Our own ledger of the pre-funded balance at the provider: what is free, set aside for attempts, paid, topped up.

Every operation joins the caller's transaction if there is one. The wallet's row is locked first, always, and with it every hold
in that currency. A currency that was never topped up here is not tracked: attempts in it are not stopped by us.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from parkerflight.core.errors import BadInput
from parkerflight.core.money import CurrencyMismatch, Money
from parkerflight.flights.models import Wallet, WalletEntry, WalletHold
from parkerflight.flights.wallet_rows import enter, locked, save, shift, tracked

log = logging.getLogger(__name__)
Kind = WalletEntry.Kind
LONGEST_REASON = 200  # characters; what the table holds


@dataclass(frozen=True, slots=True)
class WalletView:
    """One currency's balance. `available + reserved + spent == topped_up`."""

    available: Money
    """Below zero after paying an airline for more than we knew to be there."""
    reserved: Money
    spent: Money
    """Paid to airlines, less what they paid back."""
    topped_up: Money
    alarm_below: Money | None
    updated_at: datetime
    """Aware, UTC."""

    @property
    def low(self) -> bool:
        """Whether less is available than its alarm wants."""
        return self.alarm_below is not None and self.available < self.alarm_below


def reserve(*, attempt_id: UUID, amount: Money, now: datetime) -> bool:
    """Set `amount` aside for an attempt; False when less is available, and then an earlier reservation stays as it was.

    True in a currency that is not tracked, and for an attempt that has paid. Another amount than before adjusts the reservation.
    Raises BadInput for an amount that is not above zero, CurrencyMismatch when the attempt reserved in another currency.
    """
    _positive(amount)
    with transaction.atomic(savepoint=False):
        wallet, hold = locked(attempt_id, amount.currency)
        if hold.currency != amount.currency:
            msg = f"attempt {attempt_id} has reserved in {hold.currency}, not {amount.currency}"
            raise CurrencyMismatch(msg)
        more = amount.minor - hold.reserved_minor
        if wallet is None or hold.spent_minor or not more:
            return True
        if not shift(wallet, now, available=-more, reserved=more):
            return False
        save(hold, reserved=amount.minor)
        enter(Kind.RESERVE if more > 0 else Kind.UNRESERVE, Money(abs(more), hold.currency), now, attempt_id)
        return True


def spend(*, attempt_id: UUID, amount: Money, now: datetime) -> None:
    """The airline was paid `amount`: the reservation is spent, the difference settled with what is available. Once.

    Never refuses for want of balance, because the money is gone already: then `available` goes below zero, and that is logged.
    """
    with transaction.atomic(savepoint=False):
        wallet, hold = locked(attempt_id, amount.currency)
        if hold.spent_minor or amount.minor <= 0:
            return
        if hold.currency != amount.currency:
            log.error("attempt %s reserved in %s and paid in %s", attempt_id, hold.currency, amount.currency)
            unreserve(attempt_id=attempt_id, now=now)
            hold = WalletHold(attempt_id=attempt_id, currency=amount.currency)
        if wallet is None:
            return
        left = hold.reserved_minor - amount.minor
        if wallet.available_minor + left < 0:
            log.error("attempt %s paid %s, more than the balance is known to hold", attempt_id, amount)
        shift(wallet, now, available=left, reserved=-hold.reserved_minor, spent=amount.minor, overdraw=True)
        save(hold, reserved=0, spent=amount.minor)
        if left:
            enter(Kind.UNRESERVE if left > 0 else Kind.RESERVE, Money(abs(left), amount.currency), now, attempt_id)
        enter(Kind.SPEND, amount, now, attempt_id)


def unreserve(*, attempt_id: UUID, now: datetime) -> None:
    """Nothing was bought: what the attempt set aside is available again. Nothing happens when it paid, or set nothing aside."""
    with transaction.atomic(savepoint=False):
        wallet, hold = locked(attempt_id)
        freed = hold.reserved_minor
        if wallet is None or not freed:
            return
        shift(wallet, now, available=freed, reserved=-freed)
        save(hold, reserved=0)
        enter(Kind.UNRESERVE, Money(freed, hold.currency), now, attempt_id)


def refund(*, attempt_id: UUID, amount: Money, now: datetime) -> None:
    """The airline paid `amount` back into the balance; recorded once an attempt, up to what it paid."""
    with transaction.atomic(savepoint=False):
        wallet, hold = locked(attempt_id, amount.currency)
        if wallet is None or hold.refunded_minor or not hold.spent_minor or amount.minor <= 0:
            return
        if hold.currency != amount.currency or amount.minor > hold.spent_minor:
            log.error("attempt %s paid %s %s and got back %s", attempt_id, hold.spent_minor, hold.currency, amount)
        if hold.currency != amount.currency:
            return
        back = min(amount.minor, hold.spent_minor)
        shift(wallet, now, available=back, spent=-back)
        save(hold, refunded=back)
        enter(Kind.REFUND, Money(back, hold.currency), now, attempt_id)


def top_up(*, amount: Money, reason: str, now: datetime) -> None:
    """Record money put into the balance at the provider. A currency's first top-up begins its tracking.

    Raises BadInput for an amount that is not above zero, or a reason that is missing or longer than 200 characters.
    """
    _positive(amount)
    reason = _reason(reason)
    with transaction.atomic(savepoint=False):
        Wallet.objects.bulk_create([Wallet(currency=amount.currency, updated_at=now)], ignore_conflicts=True)
        wallet = Wallet.objects.select_for_update().get(currency=amount.currency)
        shift(wallet, now, available=amount.minor, topped_up=amount.minor)
        enter(Kind.TOP_UP, amount, now, reason=reason)


def adjust(*, amount: Money, reason: str, now: datetime) -> None:
    """Correct the balance by `amount`, which may be below zero, to what the provider shows.

    Raises NotFound for a currency that is not tracked, BadInput when less is available, for zero, or for the reason as `top_up`.
    """
    reason = _reason(reason)
    with transaction.atomic(savepoint=False):
        wallet = tracked(amount.currency)
        if not amount.minor or not shift(wallet, now, available=amount.minor, topped_up=amount.minor):
            raise BadInput(
                "bad_amount", f"That cannot be taken away; {wallet.available_minor} minor units are available."
            )
        enter(Kind.ADJUST, amount, now, reason=reason)


def set_alarm(*, currency: str, below: Money | None, now: datetime) -> None:
    """Be warned when less than `below` is available; None for never. Raises NotFound for a currency that is not tracked."""
    if below is not None and below.currency != currency:
        msg = f"an alarm in {below.currency} for {currency}"
        raise CurrencyMismatch(msg)
    with transaction.atomic(savepoint=False):
        tracked(currency)
        minor = None if below is None else below.minor
        Wallet.objects.filter(currency=currency).update(alarm_below_minor=minor, updated_at=now)


def state() -> list[WalletView]:
    """Every tracked currency, by its code."""
    return [_view(wallet) for wallet in Wallet.objects.order_by("currency")]


def low() -> list[WalletView]:
    """The currencies of which less is available than their alarm wants."""
    return [view for view in state() if view.low]


def _positive(amount: Money) -> None:
    if amount.minor <= 0:
        raise BadInput("bad_amount", f"{amount} is not an amount above zero.", field="amount")


def _reason(text: str) -> str:
    if not 0 < len(text.strip()) <= LONGEST_REASON:
        raise BadInput("bad_reason", f"Say why in 1 to {LONGEST_REASON} characters.", field="reason")
    return text.strip()


def _view(wallet: Wallet) -> WalletView:
    def money(minor: int) -> Money:
        return Money(minor, wallet.currency)

    return WalletView(
        available=money(wallet.available_minor),
        reserved=money(wallet.reserved_minor),
        spent=money(wallet.spent_minor),
        topped_up=money(wallet.topped_up_minor),
        alarm_below=None if wallet.alarm_below_minor is None else money(wallet.alarm_below_minor),
        updated_at=wallet.updated_at,
    )
