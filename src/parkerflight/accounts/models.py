import uuid

from django.db import models


class Account(models.Model):
    """Someone who logs in. The id is the owner of every personal row in the system."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    email_sealed = models.BinaryField()
    email_lookup = models.BinaryField(unique=True)
    """HMAC of the lower-case address under its own key: finds the account, opens nothing."""
    created_at = models.DateTimeField()
