"""The rows under `wallet`: which are locked, and the one statement that moves money between a wallet's columns."""

from datetime import datetime
from uuid import UUID

from django.db.models import F
from django.db.models.functions import Greatest, Least

from parkerflight.core.errors import NotFound
from parkerflight.core.money import Money
from parkerflight.flights.models import Wallet, WalletEntry, WalletHold


def locked(attempt_id: UUID, currency: str = "") -> tuple[Wallet | None, WalletHold]:
    """The wallet of `currency` (or else of the hold), locked and with it the attempt's hold; a new hold when there is none.

    An attempt that reserved in another currency has that wallet locked too, both in the order of their codes.
    """
    reserved_in = WalletHold.objects.filter(attempt_id=attempt_id).values_list("currency", flat=True).first()
    wanted = currency or reserved_in or ""
    both = {wanted, reserved_in or wanted}
    rows = Wallet.objects.select_for_update().filter(currency__in=both).order_by("currency")
    wallets = {wallet.currency: wallet for wallet in rows}
    hold = WalletHold.objects.filter(attempt_id=attempt_id).first()
    return wallets.get(wanted), hold or WalletHold(attempt_id=attempt_id, currency=wanted)


def shift(
    wallet: Wallet, now: datetime, *, available: int, reserved: int = 0, spent: int = 0, topped_up: int = 0,
    overdraw: bool = False,
) -> bool:  # fmt: skip
    """One conditional UPDATE; False when less is available and `overdraw` does not allow that."""
    rows = Wallet.objects.filter(currency=wallet.currency)
    if available < 0 and not overdraw:
        rows = rows.filter(available_minor__gte=-available)
    short = Greatest(-(F("available_minor") + available), 0)
    return bool(
        rows.update(
            available_minor=F("available_minor") + available,
            # Whoever may not overdraw can only lessen it; going below zero all the same breaks the table's check.
            overdrawn_minor=short if overdraw else Least(F("overdrawn_minor"), short),
            reserved_minor=F("reserved_minor") + reserved,
            spent_minor=F("spent_minor") + spent,
            topped_up_minor=F("topped_up_minor") + topped_up,
            updated_at=now,
        )
    )


def save(hold: WalletHold, **minor: int) -> None:
    """Change the hold's amounts; its wallet is locked."""
    for name, value in minor.items():
        setattr(hold, f"{name}_minor", value)
    hold.save()


def enter(
    kind: WalletEntry.Kind, amount: Money, now: datetime, attempt_id: UUID | None = None, reason: str = ""
) -> None:
    """Write down what moved."""
    WalletEntry.objects.create(
        kind=kind, currency=amount.currency, amount_minor=amount.minor, attempt_id=attempt_id, reason=reason, at=now
    )


def tracked(currency: str) -> Wallet:
    """The wallet, locked. Raises NotFound when the currency is not tracked."""
    wallet = Wallet.objects.select_for_update().filter(currency=currency).first()
    if wallet is None:
        raise NotFound("no_wallet", f"There is no balance in {currency} yet; top it up first.")
    return wallet
