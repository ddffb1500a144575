from django.db import models


class Switch(models.Model):
    """A kill switch. While it is on, its part of the system stands still."""

    name = models.CharField(max_length=40, primary_key=True)
    on = models.BooleanField(default=False)
    reason = models.CharField(max_length=200, blank=True)
    changed_at = models.DateTimeField(null=True)
