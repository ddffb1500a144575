from django.db import models


class Traveler(models.Model):
    """A person who flies, in one account. Each personal field is sealed for this row and its column."""

    id = models.UUIDField(primary_key=True)
    owner_id = models.UUIDField()
    relationship = models.CharField(max_length=12)
    given_name = models.BinaryField()
    family_name = models.BinaryField()
    title = models.BinaryField()
    gender = models.BinaryField()
    born_on = models.BinaryField()
    email = models.BinaryField()
    phone = models.BinaryField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True)
    """When the person removed the traveller: hidden and no longer ticketed, erased later."""

    class Meta:
        constraints = [
            # The target of foreign keys that include the owner: a row can never point into another account.
            models.UniqueConstraint(fields=["id", "owner_id"], name="traveler_and_owner"),
        ]
        indexes = [models.Index(fields=["owner_id"], name="travelers_of_owner")]

    def __str__(self) -> str:
        return f"Traveler({self.pk})"


class IdentityDocument(models.Model):
    """A traveller's passport or number. The web process writes these rows and cannot read the sealed columns back."""

    id = models.UUIDField(primary_key=True)
    owner_id = models.UUIDField()
    # The constraint is in the migration: it spans (traveler_id, owner_id), which Django cannot say.
    traveler = models.ForeignKey(Traveler, on_delete=models.CASCADE, db_constraint=False, related_name="documents")
    kind = models.CharField(max_length=30)
    masked = models.CharField(max_length=12)
    """What may be shown, such as `•••• 1234`."""
    number = models.BinaryField()
    issuing_country = models.BinaryField()
    expires_on = models.BinaryField()
    """Sealed ISO date, or the sealed empty text."""
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["traveler", "kind"], name="one_document_of_a_kind"),
        ]

    def __str__(self) -> str:
        return f"IdentityDocument({self.pk})"
