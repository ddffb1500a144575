"""Tables of the flights room."""

from django.db import models
from django.db.models import F, Q


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
    """Our own account of the pre-funded balance at the provider, one row a currency; amounts in minor units.

    A currency without a row is not tracked.
    """

    currency = models.CharField(max_length=3, primary_key=True)
    available_minor = models.BigIntegerField(default=0)
    """Free for the next booking. Below zero only after paying for more than we knew to be there."""
    overdrawn_minor = models.BigIntegerField(default=0)
    """How far `available_minor` is below zero. Only spending raises it: whoever else goes below zero breaks a check."""
    reserved_minor = models.BigIntegerField(default=0)
    """Set aside for attempts that have not paid the airline yet."""
    spent_minor = models.BigIntegerField(default=0)
    """Paid to airlines, less what came back."""
    topped_up_minor = models.BigIntegerField(default=0)
    """Everything ever put in, with corrections."""
    alarm_below_minor = models.BigIntegerField(null=True)
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(available_minor__gte=0, overdrawn_minor=0)
                | Q(available_minor__lt=0, overdrawn_minor=-F("available_minor")),
                name="wallet_below_zero_only_by_spending",
            ),
            models.CheckConstraint(
                condition=Q(topped_up_minor=F("available_minor") + F("reserved_minor") + F("spent_minor")),
                name="wallet_adds_up",
            ),
            models.CheckConstraint(
                condition=Q(reserved_minor__gte=0, spent_minor__gte=0), name="wallet_parts_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.currency}: {self.available_minor} available"


class WalletHold(models.Model):
    """What one booking attempt has set aside, or paid."""

    attempt_id = models.UUIDField(primary_key=True)
    currency = models.CharField(max_length=3)
    reserved_minor = models.BigIntegerField(default=0)
    spent_minor = models.BigIntegerField(default=0)
    """What the airline was paid; stays when it pays back."""
    refunded_minor = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(reserved_minor__gte=0) & (Q(reserved_minor=0) | Q(spent_minor=0)),
                name="wallethold_reserved_or_spent",
            ),
            models.CheckConstraint(
                condition=Q(refunded_minor__gte=0, refunded_minor__lte=F("spent_minor")),
                name="wallethold_refund_fits",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.attempt_id}: {self.reserved_minor} reserved, {self.spent_minor} spent"


class WalletEntry(models.Model):
    """What moved a wallet, in the move's own commit. Append-only; the entries of a currency add up to its wallet."""

    class Kind(models.TextChoices):
        """From where to where the money went."""

        TOP_UP = "top_up"
        RESERVE = "reserve"
        UNRESERVE = "unreserve"
        SPEND = "spend"
        REFUND = "refund"
        ADJUST = "adjust"

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=10, choices=Kind)
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    """Above zero; a correction may be below."""
    attempt_id = models.UUIDField(null=True)
    reason = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_minor__gt=0) | (Q(kind="adjust") & ~Q(amount_minor=0)),
                name="walletentry_amount_positive",
            ),
        ]
        indexes = [models.Index(fields=["currency", "id"], name="walletentry_by_currency")]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount_minor} {self.currency}"
