import uuid

from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint


class Campaign(models.Model):
    """One trip a person wants, bought once, at or under the cap."""

    class Status(models.TextChoices):
        DRAFT = "draft"
        ACTIVE = "active"
        PAUSED = "paused"
        BOOKING = "booking"
        COMPLETED = "completed"
        ACTION_REQUIRED = "action_required"
        EXPIRED = "expired"
        CANCELLED = "cancelled"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    owner_id = models.UUIDField(db_index=True)
    status = models.CharField(max_length=20, choices=Status, default=Status.DRAFT)
    criteria = models.JSONField()
    """`rules.criteria.Criteria` as JSON: places, dates, rules; ages of the party, no names."""
    traveler_ids = models.JSONField()
    cap_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    card_id = models.UUIDField()
    mandate_id = models.UUIDField(null=True)
    second_card_id = models.UUIDField(null=True)
    """Tried when the first card is declined; has a mandate of its own."""
    second_mandate_id = models.UUIDField(null=True)
    veto_hours = models.IntegerField(default=0)
    """How long the person wants to be able to say no, where the airline holds the fare; 0: buy at once."""
    wish = models.CharField(max_length=10, blank=True)
    """What the person asked for while a fare was being booked: paused, cancelled, or skip (this fare only)."""
    retry_at = models.DateTimeField(null=True)
    """Not to be booked before: the bank asked for patience."""
    reason = models.CharField(max_length=200, blank=True)
    """Why it is where it is, for the person: one sentence without personal data."""
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            CheckConstraint(condition=Q(cap_minor__gt=0), name="campaign_cap_positive"),
            CheckConstraint(
                condition=Q(second_card_id__isnull=True) | Q(second_mandate_id__isnull=False) | Q(status="draft"),
                name="campaign_second_card_has_mandate",
            ),
            CheckConstraint(
                condition=Q(status__in=["draft", "cancelled", "expired"]) | Q(mandate_id__isnull=False),
                name="campaign_active_has_mandate",
            ),
        ]


class Cell(models.Model):
    """The unit of search: origin, destination, dates, cabin, party. Shared by every campaign that wants it."""

    key = models.CharField(max_length=200, primary_key=True)
    query = models.JSONField()
    last_look_at = models.DateTimeField(null=True)
    claimed_until = models.DateTimeField(null=True)
    """A worker is looking; when this passes without a look, the cell is due again."""

    class Meta:
        indexes = [Index(fields=["last_look_at"], name="cell_oldest_first")]


class CampaignCell(models.Model):
    """Which cells satisfy a campaign: any one of them does."""

    owner_id = models.UUIDField()
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE)
    cell = models.ForeignKey(Cell, on_delete=models.PROTECT)
    active = models.BooleanField(default=True)
    """Copied from the campaign in the same commit, so that the planner needs no personal row."""

    class Meta:
        constraints = [UniqueConstraint(fields=["campaign", "cell"], name="campaign_cell_once")]
        indexes = [Index(fields=["cell"], condition=Q(active=True), name="cell_wanted")]


class Look(models.Model):
    """What one search of a cell saw."""

    id = models.BigAutoField(primary_key=True)
    cell = models.ForeignKey(Cell, on_delete=models.PROTECT)
    at = models.DateTimeField(db_index=True)
    offers = models.IntegerField()
    lowest_minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, blank=True)
    matches = models.IntegerField(default=0)
    error = models.CharField(max_length=60, blank=True)


class Match(models.Model):
    """An offer that satisfies a campaign, waiting to be claimed by whoever books."""

    class State(models.TextChoices):
        FOUND = "found"
        CLAIMED = "claimed"
        FULFILLED = "fulfilled"
        RELEASED = "released"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    owner_id = models.UUIDField(db_index=True)
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE)
    offer_id = models.CharField(max_length=60)
    offer_request_id = models.CharField(max_length=60)
    total_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    offer_expires_at = models.DateTimeField(null=True)
    verdict = models.JSONField()
    """Why this offer, why not the others: counts by reason and the nearest miss."""
    state = models.CharField(max_length=12, choices=State, default=State.FOUND)
    found_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            UniqueConstraint(fields=["campaign", "offer_id"], name="match_offer_once"),
            UniqueConstraint(fields=["campaign"], condition=Q(state="claimed"), name="match_one_claimed"),
        ]
        indexes = [Index(fields=["found_at"], condition=Q(state="found"), name="match_waiting")]
