"""Opening accounts, and the signed tokens that say who asks."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.core import signing
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError

from parkerflight.accounts.models import Account
from parkerflight.audit import operations as audit
from parkerflight.core.errors import BadInput
from parkerflight.core.tenancy import scope
from parkerflight.vault.envelope import Place
from parkerflight.vault.operations import Purpose, Sealer, create_person, lookup_hash

TOKEN_LIFE = timedelta(minutes=15)  # short: a stolen token is worth little; clients ask for a new one
SALT = "parkerflight.accounts.token"


def open_account(*, email: str, now: datetime) -> UUID:
    """Create an account and its vault key. Raises BadInput when the address is malformed or in use."""
    address = email.strip()
    try:
        validate_email(address)
    except ValidationError:
        raise BadInput(
            "bad_email", "That is not an e-mail address; write for example amelia@example.org.", field="email"
        ) from None
    owner_id = uuid4()
    try:
        with scope(owner_id):
            create_person(owner_id=owner_id, now=now)
            Account.objects.create(
                id=owner_id,
                email_sealed=Sealer(owner_id).seal(_email_place(owner_id), address),
                email_lookup=lookup_hash("accounts.email", address.lower()),
                created_at=now,
            )
            audit.record(
                at=now,
                owner_id=owner_id,
                actor=audit.account(owner_id),
                action="account.opened",
                object_type="account",
                object_id=owner_id,
            )
    except IntegrityError:
        raise BadInput(
            "email_in_use", "There is an account for that address already; sign in instead.", field="email"
        ) from None
    return owner_id


def email_of(owner_id: UUID, *, purpose: Purpose) -> str:
    """The account's address, opened in the owner's scope."""
    with scope(owner_id):
        row = Account.objects.get(id=owner_id)
        return Sealer(owner_id).open(_email_place(owner_id), bytes(row.email_sealed), purpose=purpose)


def issue_token(owner_id: UUID) -> str:
    """A signed bearer token for the API, good for 15 minutes."""
    return signing.dumps(str(owner_id), salt=SALT)


def owner_of_token(token: str) -> UUID | None:
    """Whose token this is; None when it is forged, altered or expired."""
    try:
        return UUID(signing.loads(token, salt=SALT, max_age=TOKEN_LIFE))
    except (signing.BadSignature, ValueError):
        return None


def _email_place(owner_id: UUID) -> Place:
    return Place("accounts_account", "email_sealed", owner_id)
