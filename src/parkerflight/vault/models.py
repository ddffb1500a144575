from django.db import models


class PersonKey(models.Model):
    """A person's data key, wrapped. Deleting the row makes every sealed field of that person noise."""

    owner_id = models.UUIDField(primary_key=True)
    key_id = models.UUIDField(unique=True)
    """Names the data key inside sealed values; not secret."""
    wrapped = models.BinaryField()
    kek_id = models.CharField(max_length=60)
    """Which key-encryption key wrapped it."""
    created_at = models.DateTimeField()
