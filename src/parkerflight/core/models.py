from django.db import models


class Switch(models.Model):
    """A kill switch. While it is on, its part of the system stands still."""

    name = models.CharField(max_length=40, primary_key=True)
    on = models.BooleanField(default=False)
    reason = models.CharField(max_length=200, blank=True)
    changed_at = models.DateTimeField(null=True)


class IdempotencyKey(models.Model):
    """A write that was carried out, and what was answered. The row commits with the write's effects."""

    owner_id = models.UUIDField()
    key_sha256 = models.CharField(max_length=64)
    """A hash: clients choose their keys, and some will choose an address."""
    fingerprint = models.CharField(max_length=64)
    """SHA-256 of method, path and canonical body: the same key may not ask for something else."""
    status = models.IntegerField()
    answer = models.JSONField()
    """Ids and codes only; no personal data."""
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner_id", "key_sha256"], name="idempotency_key_once")]
        indexes = [models.Index(fields=["created_at"], name="idempotency_oldest_first")]
