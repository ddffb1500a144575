"""The mandate: what the person agreed to, word for word. No mandate, no charge.

The text covers what Stripe asks for when a customer is charged while absent: that we start payments, when, how the
amount is set, and how to stop it.
"""

import hashlib
from datetime import date, datetime
from uuid import UUID, uuid4

from parkerflight.audit import operations as audit
from parkerflight.core.errors import BadInput, NotFound, Terminal
from parkerflight.core.money import Money
from parkerflight.core.tenancy import scope
from parkerflight.payments.mandate_texts import CURRENT, TEXTS
from parkerflight.payments.models import Card, Mandate
from parkerflight.vault.envelope import Place
from parkerflight.vault.operations import Sealer


def sign_mandate(
    *,
    owner_id: UUID,
    card_id: UUID,
    cap: Money,
    includes: str,
    valid_until: datetime,
    ip: str,
    user_agent: str,
    now: datetime,
) -> UUID:
    """Record the person's agreement. Raises BadInput for a card that is expired, removed or not theirs."""
    if cap.minor <= 0:
        raise BadInput("cap_not_positive", "The cap must be above zero.", field="cap")
    mandate_id = uuid4()
    with scope(owner_id):
        card = _usable(card_id, now.date())
        text = TEXTS[CURRENT].format(last4=card.last4, cap=cap, includes=includes, until=f"{valid_until:%d %B %Y}")
        sealer = Sealer(owner_id)
        Mandate.objects.create(
            id=mandate_id,
            owner_id=owner_id,
            version=CURRENT,
            text=text,
            text_sha256=hashlib.sha256(text.encode()).hexdigest(),
            cap_minor=cap.minor,
            currency=cap.currency,
            includes=includes,
            valid_until=valid_until,
            card=card,
            ip_sealed=sealer.seal(Place("payments_mandate", "ip_sealed", mandate_id), ip),
            user_agent_sealed=sealer.seal(Place("payments_mandate", "user_agent_sealed", mandate_id), user_agent),
            agreed_at=now,
        )
        audit.record(
            at=now,
            owner_id=owner_id,
            actor=audit.account(owner_id),
            action="mandate.signed",
            object_type="mandate",
            object_id=mandate_id,
            details={"cap": cap.amount(), "currency": cap.currency, "version": CURRENT},
        )
    return mandate_id


def revoke_mandate(*, owner_id: UUID, mandate_id: UUID, now: datetime) -> None:
    """The person takes the permission back: nothing new is charged under it. Raises NotFound."""
    with scope(owner_id):
        if not Mandate.objects.filter(id=mandate_id).exists():
            raise NotFound("no_mandate", "There is no such mandate.")
        if Mandate.objects.filter(id=mandate_id, revoked_at=None).update(revoked_at=now):
            audit.record(
                at=now,
                owner_id=owner_id,
                actor=audit.account(owner_id),
                action="mandate.revoked",
                object_type="mandate",
                object_id=mandate_id,
            )


def _usable(card_id: UUID, today: date) -> Card:
    card = Card.objects.filter(id=card_id, status=Card.Status.ACTIVE).first()
    if card is None:
        raise NotFound("no_card", "There is no such card.")
    if (card.expires_year, card.expires_month) < (today.year, today.month):
        message = f"The card •••• {card.last4} expired in {card.expires_month:02}/{card.expires_year}; add another."
        raise BadInput("card_expired", message, field="card")
    return card


def mandate_allows(*, owner_id: UUID, mandate_id: UUID, amount: Money, now: datetime) -> Mandate:
    """The mandate, when it covers `amount` now. Raises Terminal with the reason when it does not."""
    with scope(owner_id):
        mandate = Mandate.objects.filter(id=mandate_id).select_related("card").first()
        if mandate is None:
            raise Terminal("no_mandate", "There is no such mandate.")
        if mandate.revoked_at or now >= mandate.valid_until:
            raise Terminal("mandate_ended", "The permission to charge has ended.")
        if mandate.card.status != Card.Status.ACTIVE:
            raise Terminal("card_removed", "The card was removed; choose another.")
        if amount.currency != mandate.currency:
            raise Terminal(
                "mandate_currency", f"The permission is in {mandate.currency}, the fare in {amount.currency}."
            )
        if amount.minor > mandate.cap_minor:
            raise Terminal("above_mandate", "The amount is above what you agreed to.")
        return mandate
