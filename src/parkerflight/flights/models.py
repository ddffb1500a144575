"""Tables of the flights room."""

from django.db import models
from django.db.models import CheckConstraint, F, Q


class RateLimit(models.Model):
    """What the provider's headers said last about one kind of request; shared by every process."""

    key = models.CharField(max_length=40, primary_key=True)
    limit = models.IntegerField()
    """Requests in a window; 0 when the provider states none."""
    remaining = models.IntegerField()
    reset_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "flights_ratelimit"

    def __str__(self) -> str:
        return f"{self.key}: {self.remaining} of {self.limit}"


class Wallet(models.Model):
    """Our ledger of the balance that is kept at the provider in one currency, in its minor units.

    `available` can be promised; `reserved` is promised to attempts; `spent` and `refunded` only grow.
    """

    currency = models.CharField(max_length=3, primary_key=True)
    available = models.BigIntegerField(default=0)
    reserved = models.BigIntegerField(default=0)
    spent = models.BigIntegerField(default=0)
    refunded = models.BigIntegerField(default=0)
    topped_up = models.BigIntegerField(default=0)
    """All that was ever paid in, less what was taken out, corrections included."""
    alarm_below = models.BigIntegerField(default=0)
    """An operator is told when `available` is less; 0 is never."""
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "flights_wallet"
        constraints = [
            CheckConstraint(
                condition=Q(available__gte=0, reserved__gte=0, spent__gte=0, refunded__gte=0, alarm_below__gte=0),
                name="wallet_never_negative",
            ),
            CheckConstraint(condition=Q(refunded__lte=F("spent")), name="wallet_refunds_what_was_spent"),
            CheckConstraint(
                condition=Q(topped_up=F("available") + F("reserved") + F("spent") - F("refunded")),
                name="wallet_balances",
            ),
        ]


class WalletReservation(models.Model):
    """What one attempt has reserved, spent and got back, in minor units: one row an attempt, so nothing counts twice."""

    attempt_id = models.UUIDField(primary_key=True)
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, db_column="currency")
    reserved = models.BigIntegerField(default=0)
    spent = models.BigIntegerField(default=0)
    refunded = models.BigIntegerField(default=0)
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "flights_walletreservation"
        constraints = [
            CheckConstraint(
                condition=Q(reserved__gte=0, spent__gte=0, refunded__gte=0), name="wallet_reservation_never_negative"
            ),
            CheckConstraint(condition=Q(refunded__lte=F("spent")), name="wallet_reservation_refunds_what_was_spent"),
            CheckConstraint(condition=Q(reserved=0) | Q(spent=0), name="wallet_reservation_spent_once"),
        ]


class WalletEntry(models.Model):
    """One movement of the wallet and why; append-only. The columns of a wallet are the sums of its entries."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, db_column="currency")
    kind = models.CharField(max_length=12)
    amount = models.BigIntegerField()
    """Minor units; how much `kind` moved, negative when it moved the other way."""
    attempt_id = models.UUIDField(null=True)
    reason = models.CharField(max_length=200)

    class Meta:
        db_table = "flights_walletentry"
