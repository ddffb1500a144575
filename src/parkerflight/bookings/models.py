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
    """The fare for the party, in the minor units of `currency`; as re-read just before authorising."""
    fee_minor = models.BigIntegerField(default=0)
    """Our fee on top of it, inside the cap."""
    currency = models.CharField(max_length=3)
    payment_id = models.UUIDField(null=True)
    card_id = models.UUIDField(null=True)
    """The card the present payment is on: the campaign's, or its second one."""
    payments_made = models.IntegerField(default=0)
    """Payments prepared so far; more than one when the price rose or a second card was tried."""
    price_moves = models.IntegerField(default=0)
    offer_expires_at = models.DateTimeField(null=True)
    holdable = models.BooleanField(default=False)
    """Whether the airline keeps these seats unpaid for a while."""
    hold_until = models.DateTimeField(null=True)
    """Until when a held order must be paid."""
    decide_until = models.DateTimeField(null=True)
    """Until when the person may confirm with the bank, or say no."""
    request_hash = models.CharField(max_length=64, blank=True)
    """Keyed hash of the order's content, committed before it is sent: proves later what was asked."""
    seats = models.JSONField(default=dict)
    """Who sits where: the provider's passenger id to our traveller's id."""
    order_id = models.CharField(max_length=60, blank=True)
    reason = models.CharField(max_length=60, blank=True)
    """Code of what ended or delayed it."""
    after = models.CharField(max_length=10, blank=True)
    """`campaigns.operations.After`: what the campaign does once this try is let go."""
    sentence = models.CharField(max_length=200, blank=True)
    """Why it was let go, for the person; without personal data."""
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
            models.CheckConstraint(condition=Q(fee_minor__gte=0), name="attempt_fee_not_negative"),
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
    campaign_id = models.UUIDField()
    order_id = models.CharField(max_length=60, unique=True)
    total_minor = models.BigIntegerField()
    """What the airline took for the whole party."""
    fee_minor = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    passengers = models.IntegerField()
    tickets = models.IntegerField()
    """How many tickets were issued; their numbers are sealed."""
    confirmation = models.BinaryField()
    """Sealed JSON: booking reference, ticket numbers, itinerary."""
    booked_at = models.DateTimeField()
    captured_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(tickets__lte=F("passengers")), name="booking_tickets_fit"),
            UniqueConstraint(
                fields=["campaign_id"], condition=Q(cancelled_at__isnull=True), name="booking_one_live_per_campaign"
            ),
        ]
        indexes = [Index(fields=["booked_at"], condition=Q(tickets__lt=F("passengers")), name="booking_tickets_late")]


class Cancellation(models.Model):
    """A booking being given back: the airline's quote, the person's yes, the refund."""

    class State(models.TextChoices):
        QUOTED = "quoted"
        CONFIRMING = "confirming"
        """The person said yes; the airline was, or was about to be, told."""
        CONFIRMED = "confirmed"
        """The airline cancelled; what it gives back goes to the card."""
        REFUNDED = "refunded"
        SETTLED = "settled"
        """Cancelled; nothing goes to the card (no refund, or credits with the airline)."""
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    owner_id = models.UUIDField(db_index=True)
    booking = models.ForeignKey(Booking, on_delete=models.PROTECT)
    quote_id = models.CharField(max_length=60, unique=True)
    refund_minor = models.BigIntegerField(null=True)
    """What the airline gives back; null when it names no figure."""
    currency = models.CharField(max_length=3, blank=True)
    refund_to = models.CharField(max_length=20)
    to_card_minor = models.BigIntegerField(default=0)
    """What goes back to the card, in the currency it was charged in."""
    penalty_minor = models.BigIntegerField(default=0)
    """What the airline keeps."""
    expires_at = models.DateTimeField(null=True)
    refund_id = models.UUIDField(null=True)
    state = models.CharField(max_length=12, choices=State, default=State.QUOTED)
    reason = models.CharField(max_length=60, blank=True)
    tries = models.IntegerField(default=0)
    due_at = models.DateTimeField(null=True)
    human_since = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            UniqueConstraint(
                fields=["booking"],
                condition=Q(state__in=["confirming", "confirmed", "refunded", "settled"]),
                name="cancellation_once",
            )
        ]
        indexes = [Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="cancellation_due")]


class Change(models.Model):
    """A change an airline made to a booking on its own, and what the person said to it."""

    class State(models.TextChoices):
        OPEN = "open"
        ACCEPTING = "accepting"
        ACCEPTED = "accepted"
        CONTACT = "contact"
        """The person wants to talk to us about it."""
        CLOSED = "closed"
        """Settled elsewhere: answered at the airline, or the booking was cancelled."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    owner_id = models.UUIDField(db_index=True)
    booking = models.ForeignKey(Booking, on_delete=models.PROTECT)
    change_id = models.CharField(max_length=60, unique=True)
    details = models.BinaryField()
    """Sealed JSON: which flights went, which came."""
    can_accept = models.BooleanField()
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    seen_at = models.DateTimeField()
    updated_at = models.DateTimeField()
