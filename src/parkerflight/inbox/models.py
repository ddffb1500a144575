from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint


class Vendor(models.TextChoices):
    """Who tells us things."""

    STRIPE = "stripe"
    DUFFEL = "duffel"


OPEN = Q(handled_at=None, given_up_at=None)


class Event(models.Model):
    """One webhook event, delivered at least once."""

    id = models.BigAutoField(primary_key=True)
    vendor = models.CharField(max_length=10, choices=Vendor)
    event_id = models.CharField(max_length=255)
    """The vendor's id of the event."""
    kind = models.CharField(max_length=80)
    """The vendor's type, such as `order.created`."""
    object_id = models.CharField(max_length=255)
    """What it is about; with the kind it tells two deliveries of one fact from two facts."""
    subject = models.JSONField(default=dict)
    """Ids that help to find ours: see `operations.SUBJECT`."""
    body_sha256 = models.CharField(max_length=64)
    """The body itself is not kept: it may name people."""
    received_at = models.DateTimeField()
    waiting_since = models.DateTimeField()
    """The same, or when it was replayed."""
    taken_at = models.DateTimeField(null=True)
    """When the work that covers it began last; null again when that came to nothing."""
    handled_at = models.DateTimeField(null=True)
    given_up_at = models.DateTimeField(null=True)
    tries = models.IntegerField(default=0)
    """How often its object was not known yet."""
    next_try_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=60, blank=True)
    """A code, never a text."""
    duplicates = models.IntegerField(default=0)
    """How often the same event was delivered again."""
    same_as = models.ForeignKey("self", on_delete=models.SET_NULL, null=True)
    """The waiting event about the same fact, whose work covers this one."""

    class Meta:
        constraints = [
            UniqueConstraint(fields=["vendor", "event_id"], name="inbox_event_once"),
            CheckConstraint(condition=Q(handled_at=None) | Q(given_up_at=None), name="inbox_handled_is_not_given_up"),
        ]
        indexes = [
            Index(fields=["next_try_at"], condition=OPEN & Q(same_as=None), name="inbox_due"),
            Index(fields=["vendor", "kind", "object_id"], condition=OPEN, name="inbox_same_fact"),
            Index(fields=["received_at"], name="inbox_oldest_first"),
        ]
