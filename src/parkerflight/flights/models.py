"""Tables of the flights room."""

from django.db import models


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
