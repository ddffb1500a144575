from django.db import models


class Entry(models.Model):
    """One thing that happened. Rows are never changed: a trigger refuses it, whoever asks."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    owner_id = models.UUIDField(db_index=True)
    """Whom it is about."""
    actor = models.CharField(max_length=80)
    """Who did it: `account:<id>`, `worker`, `operator:<id>`."""
    action = models.CharField(max_length=60)
    object_type = models.CharField(max_length=40)
    object_id = models.CharField(max_length=60)
    details = models.JSONField(default=dict)
    """Codes, amounts and ids; no personal data."""
