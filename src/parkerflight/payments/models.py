import uuid

from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint


class Customer(models.Model):
    """A person at the payment gateway."""

    owner_id = models.UUIDField(primary_key=True)
    reference = models.CharField(max_length=60, unique=True)
    created_at = models.DateTimeField()


class Card(models.Model):
    """A saved card: the gateway's reference and what may be shown of it."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        REMOVED = "removed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    owner_id = models.UUIDField(db_index=True)
    reference = models.CharField(max_length=60, unique=True)
    setup_reference = models.CharField(max_length=60)
    """The gateway's record of how it was saved; dispute evidence."""
    brand = models.CharField(max_length=20)
    last4 = models.CharField(max_length=4)
    expires_month = models.IntegerField()
    expires_year = models.IntegerField()
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    needs_customer = models.BooleanField(default=False)
    """The bank wanted its holder once: expect it to ask again."""
    created_at = models.DateTimeField()


class Mandate(models.Model):
    """What the person agreed to. Never changed, only revoked."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    owner_id = models.UUIDField(db_index=True)
    version = models.CharField(max_length=20)
    text = models.TextField()
    """The words shown, without names."""
    text_sha256 = models.CharField(max_length=64)
    cap_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    includes = models.CharField(max_length=200)
    """What the cap includes."""
    valid_until = models.DateTimeField()
    card = models.ForeignKey(Card, on_delete=models.PROTECT)
    ip_sealed = models.BinaryField()
    user_agent_sealed = models.BinaryField()
    agreed_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [CheckConstraint(condition=Q(cap_minor__gt=0), name="mandate_cap_positive")]


class Payment(models.Model):
    """One try at paying a booking attempt, and what became of it. Amounts in minor units of `currency`."""

    class State(models.TextChoices):
        CREATED = "created"
        AUTHORISING = "authorising"
        NEEDS_CUSTOMER = "needs_customer"
        HELD = "held"
        DECLINED = "declined"
        CAPTURING = "capturing"
        CAPTURED = "captured"
        RELEASING = "releasing"
        RELEASED = "released"
        REFUNDED = "refunded"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    owner_id = models.UUIDField(db_index=True)
    attempt_id = models.UUIDField()
    try_no = models.IntegerField(default=1)
    card = models.ForeignKey(Card, on_delete=models.PROTECT)
    mandate = models.ForeignKey(Mandate, on_delete=models.PROTECT)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    captured_minor = models.BigIntegerField(default=0)
    refunded_minor = models.BigIntegerField(default=0)
    intent = models.CharField(max_length=60, blank=True)
    """The gateway's payment id, once known."""
    intent_ended = models.BooleanField(default=False)
    """Nothing can be charged at the gateway under this try any more, though it was declined."""
    superseded = models.BooleanField(default=False)
    """A later try took its place; should money of it turn up all the same, it is let go or given back."""
    charge = models.CharField(max_length=60, blank=True)
    state = models.CharField(max_length=15, choices=State, default=State.CREATED)
    capture_before = models.DateTimeField(null=True)
    failure_code = models.CharField(max_length=60, blank=True)
    failure_kind = models.CharField(max_length=20, blank=True)
    review_open = models.BooleanField(default=False)
    disputed = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            CheckConstraint(condition=Q(amount_minor__gt=0), name="payment_amount_positive"),
            CheckConstraint(condition=Q(captured_minor__lte=F("amount_minor")), name="payment_captured_fits"),
            CheckConstraint(condition=Q(refunded_minor__lte=F("captured_minor")), name="payment_refunded_fits"),
            UniqueConstraint(fields=["intent"], condition=~Q(intent=""), name="payment_intent_once"),
            UniqueConstraint(fields=["attempt_id", "try_no"], name="payment_try_once"),
            UniqueConstraint(
                fields=["attempt_id"],
                condition=~Q(state__in=["releasing", "released", "declined"]) & Q(superseded=False),
                name="payment_one_live_per_attempt",
            ),
        ]
        indexes = [Index(fields=["state", "capture_before"], name="payment_hold_ends")]


class Refund(models.Model):
    """Captured money on its way back, once for each cause. Amounts in minor units of `currency`."""

    class Status(models.TextChoices):
        PENDING = "pending"
        REQUIRES_ACTION = "requires_action"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELED = "canceled"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    owner_id = models.UUIDField(db_index=True)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    cause = models.CharField(max_length=80)
    """What it is for, in the caller's words; never personal data. A second refund for it is the same refund."""
    reference = models.CharField(max_length=60, blank=True)
    """The gateway's refund id, once known."""
    status = models.CharField(max_length=15, choices=Status, default=Status.PENDING)
    failure_reason = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            CheckConstraint(condition=Q(amount_minor__gt=0), name="refund_amount_positive"),
            UniqueConstraint(fields=["payment", "cause"], name="refund_once_per_cause"),
            UniqueConstraint(fields=["reference"], condition=~Q(reference=""), name="refund_reference_once"),
        ]


class Dispute(models.Model):
    """What the bank or the gateway holds against a payment: a dispute, an early fraud warning, a review."""

    class Kind(models.TextChoices):
        DISPUTE = "dispute"
        EARLY_FRAUD_WARNING = "early_fraud_warning"
        REVIEW = "review"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    owner_id = models.UUIDField(db_index=True)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT)
    reference = models.CharField(max_length=60, unique=True)
    kind = models.CharField(max_length=20, choices=Kind)
    status = models.CharField(max_length=30)
    """The gateway's word."""
    reason = models.CharField(max_length=60, blank=True)
    amount_minor = models.BigIntegerField(default=0)
    """What is asked back; nothing for warnings and reviews. May be above what was taken."""
    currency = models.CharField(max_length=3)
    due_by = models.DateTimeField(null=True)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    """When we learned of its end."""
    evidence_submitted_at = models.DateTimeField(null=True)
    heard_at = models.DateTimeField()
    """The moment of the look this row shows; an older look never overwrites it."""

    class Meta:
        indexes = [Index(fields=["closed_at", "due_by"], name="dispute_due")]


class VendorCall(models.Model):
    """A request to the gateway, committed before it is sent: key and exact parameters."""

    class Outcome(models.TextChoices):
        OPEN = "open"
        DONE = "done"
        REFUSED = "refused"
        UNKNOWN = "unknown"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    owner_id = models.UUIDField()
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, null=True)
    purpose = models.CharField(max_length=20)
    subject = models.CharField(max_length=64, blank=True)
    """Which refund or dispute, where a payment may have several."""
    try_no = models.IntegerField()
    key = models.CharField(max_length=255, unique=True)
    parameters = models.JSONField()
    """As sent: references, amounts, our ids; no personal data."""
    opened_at = models.DateTimeField()
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.OPEN)
    reference = models.CharField(max_length=80, blank=True)
    """The gateway's request id, for their support."""

    class Meta:
        constraints = [
            UniqueConstraint(fields=["owner_id", "payment", "purpose", "subject", "try_no"], name="call_once")
        ]
