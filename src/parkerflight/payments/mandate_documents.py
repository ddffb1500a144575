"""A mandate as a document of its own: for the person who signed it, and as evidence for a bank."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from uuid import UUID

from parkerflight.core.errors import NotFound, Terminal
from parkerflight.core.money import Money
from parkerflight.core.tenancy import scope
from parkerflight.payments.models import Mandate
from parkerflight.vault.envelope import Place
from parkerflight.vault.operations import Purpose, Sealer


@dataclass(frozen=True, slots=True)
class MandateDocument:
    """What the person agreed to, word for word, and when. Moments are aware, UTC."""

    mandate_id: UUID
    version: str
    text: str
    text_sha256: str
    agreed_at: datetime
    valid_until: datetime
    revoked_at: datetime | None
    cap: Money
    includes: str
    card_last4: str
    setup_reference: str
    """The gateway's record of how the card was saved."""
    html: str
    """All of it as one page without outside parts."""


def mandate_document(*, owner_id: UUID, mandate_id: UUID) -> MandateDocument:
    """The mandate as a document. Raises NotFound, or Terminal when its text is not the one that was agreed to."""
    with scope(owner_id):
        row = Mandate.objects.filter(id=mandate_id).select_related("card").first()
        if row is None:
            raise NotFound("no_mandate", "There is no such mandate.")
    if hashlib.sha256(row.text.encode()).hexdigest() != row.text_sha256:
        raise Terminal("mandate_altered", "The stored text is not the one that was agreed to.")
    return MandateDocument(
        mandate_id=row.id,
        version=row.version,
        text=row.text,
        text_sha256=row.text_sha256,
        agreed_at=row.agreed_at,
        valid_until=row.valid_until,
        revoked_at=row.revoked_at,
        cap=Money(row.cap_minor, row.currency),
        includes=row.includes,
        card_last4=row.card.last4,
        setup_reference=row.card.setup_reference,
        html=_page(row),
    )


@dataclass(frozen=True, slots=True)
class Signature:
    """From where a mandate was signed. Personal: its repr shows nothing."""

    ip: str = field(repr=False)
    user_agent: str = field(repr=False)


def mandate_signature(*, owner_id: UUID, mandate_id: UUID, purpose: Purpose) -> Signature:
    """Open the address and the device a mandate was signed from; the caller writes the opening down. Raises NotFound."""
    with scope(owner_id):
        row = Mandate.objects.filter(id=mandate_id).first()
        if row is None:
            raise NotFound("no_mandate", "There is no such mandate.")
        sealer = Sealer(owner_id)
        ip, device = (
            sealer.open(Place("payments_mandate", column, row.id), bytes(getattr(row, column)), purpose=purpose)
            for column in ("ip_sealed", "user_agent_sealed")
        )
        return Signature(ip, device)


def _page(row: Mandate) -> str:
    facts = {
        "Agreed at": _moment(row.agreed_at),
        "Limit": str(Money(row.cap_minor, row.currency)),
        "The limit includes": row.includes,
        "Card": f"•••• {row.card.last4}",
        "Valid until": _moment(row.valid_until),
        "Taken back at": _moment(row.revoked_at) if row.revoked_at else "not taken back",
        "Wording": row.version,
        "SHA-256 of the wording": row.text_sha256,
        "Number": str(row.id),
    }
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in facts.items())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Permission to charge a card</title>'
        "<style>body{font:16px/1.5 serif;max-width:40em;margin:2em auto}th{text-align:left;padding-right:1em}</style>"
        f"</head><body><h1>Permission to charge a card</h1><p>{escape(row.text)}</p><table>{rows}</table></body></html>"
    )


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%d %B %Y, %H:%M:%S} UTC"
