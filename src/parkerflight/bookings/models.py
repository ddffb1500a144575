import uuid

from django.db import models
from django.db.models import F, Index, Q, UniqueConstraint

from parkerflight.bookings.machine import SETTLED, State


class BookingAttempt(models.Model):
    """One try to buy one offer. Its state is a recovery point: whoever finds it goes on from there."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    owner_id = models.UUIDField(db_index=True)
    campaign_id = models.UUIDField()
    match_id = models.UUIDField(unique=True)
    offer_id = models.CharField(max_length=60, unique=True)
    offer_request_id = models.CharField(max_length=60, unique=True)
    """A search can be booked once: two campaigns that share one each need their own."""
    state = models.CharField(max_length=20, choices=[(s.value, s.value) for s in State], default=State.PREPARED.value)
    total_minor = models.BigIntegerField()
    """What the party pays, in the minor units of `currency`; as re-read just before authorising."""
    currency = models.CharField(max_length=3)
    payment_id = models.UUIDField(null=True)
    request_hash = models.CharField(max_length=64, blank=True)
    """Keyed hash of the order's content, committed before it is sent: proves later what was asked."""
    seats = models.JSONField(default=dict)
    """Who sits where: the provider's passenger id to our traveller's id."""
    order_id = models.CharField(max_length=60, blank=True)
    reason = models.CharField(max_length=60, blank=True)
    """Code of what ended or delayed it."""
    vendor_request_id = models.CharField(max_length=80, blank=True)
    tries = models.IntegerField(default=0)
    """How often the present state was worked on without leaving it."""
    due_at = models.DateTimeField(null=True)
    """When somebody must look again; null once settled."""
    human_since = models.DateTimeField(null=True)
    """Since when only a person can decide."""
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            UniqueConstraint(
                fields=["campaign_id"], condition=~Q(state__in=sorted(SETTLED)), name="attempt_one_live_per_campaign"
            ),
            UniqueConstraint(fields=["order_id"], condition=~Q(order_id=""), name="attempt_order_once"),
            models.CheckConstraint(condition=Q(total_minor__gt=0), name="attempt_total_positive"),
        ]
        indexes = [Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="attempt_due")]


class AttemptEvent(models.Model):
    """The attempt's timeline: one row a transition, in the transition's own commit. Append-only."""

    id = models.BigAutoField(primary_key=True)
    owner_id = models.UUIDField()
    attempt = models.ForeignKey(BookingAttempt, on_delete=models.PROTECT)
    at = models.DateTimeField()
    """By the system's clock, which may be virtual."""
    wall_ms = models.BigIntegerField()
    """Milliseconds of real time since 1970: durations stay true under a virtual clock."""
    from_state = models.CharField(max_length=20)
    to_state = models.CharField(max_length=20)
    reason = models.CharField(max_length=60, blank=True)


class Booking(models.Model):
    """A ticketed trip."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    owner_id = models.UUIDField(db_index=True)
    attempt = models.OneToOneField(BookingAttempt, on_delete=models.PROTECT)
    campaign_id = models.UUIDField(unique=True)
    order_id = models.CharField(max_length=60, unique=True)
    total_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    passengers = models.IntegerField()
    tickets = models.IntegerField()
    """How many tickets were issued; their numbers are sealed."""
    confirmation = models.BinaryField()
    """Sealed JSON: booking reference, ticket numbers, itinerary."""
    booked_at = models.DateTimeField()
    captured_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(tickets__lte=F("passengers")), name="booking_tickets_fit")]
