"""What the watchers found: ids and figures only, kept for a month."""

from django.db import models


class CheckRun(models.Model):
    """One run of all invariants."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(db_index=True)
    took_ms = models.IntegerField()
    checked = models.IntegerField()
    """How many invariants there were."""
    violations = models.JSONField(default=dict)
    """Name of each broken invariant: the ids that break it. Empty when all hold."""


class ReconciliationRun(models.Model):
    """One comparison of our books with both vendors'."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(db_index=True)
    since = models.DateTimeField()
    """How far back it looked."""
    took_ms = models.IntegerField()
    counts = models.JSONField(default=dict)
    """How many of each kind of object were compared."""
    findings = models.JSONField(default=list)
    """`findings.Finding` as JSON."""
    people_needed = models.IntegerField(default=0)
    """How many of them only a person can settle."""
