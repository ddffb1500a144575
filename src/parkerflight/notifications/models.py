from django.db import models


class State(models.TextChoices):
    """Where a message is on its way."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"


class Message(models.Model):
    """One message to one person about one event. What it says is sealed; how it fares is not."""

    id = models.UUIDField(primary_key=True)
    owner_id = models.UUIDField()
    event_key = models.CharField(max_length=120)
    """Names the event: ids and words of ours, such as `booking.confirmed:<attempt id>`."""
    channel = models.CharField(max_length=8, default="email")
    recipient = models.BinaryField()
    subject = models.BinaryField()
    body = models.BinaryField()
    """Sealed JSON: text, html."""
    attachments = models.BinaryField()
    """Sealed JSON: a list of name, mime, content in base64."""
    state = models.CharField(max_length=8, choices=State, default=State.QUEUED)
    tries = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=60, default="")
    """The class of the last failure; never its text, which may hold an address."""
    created_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    """By the database's own clock, not the virtual one: it tells whether a process is alive."""
    sent_at = models.DateTimeField(null=True)
    provider_id = models.CharField(max_length=200, default="")
    """The mail system's name for it, for their support; our Message-ID when it gives none."""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner_id", "event_key"], name="one_message_per_event"),
            models.CheckConstraint(condition=models.Q(state__in=State.values), name="message_state_known"),
            models.CheckConstraint(
                condition=models.Q(state=State.SENT, sent_at__isnull=False)
                | (~models.Q(state=State.SENT) & models.Q(sent_at__isnull=True)),
                name="message_sent_has_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["created_at"], name="messages_under_way", condition=models.Q(state__in=["queued", "sending"])
            ),
        ]

    def __str__(self) -> str:
        return f"Message({self.pk})"
