"""Saving cards: the person confirms at the gateway, we keep a reference and what may be shown."""

from datetime import datetime
from uuid import UUID, uuid4

from parkerflight.audit import operations as audit
from parkerflight.core.errors import BadInput, NotFound
from parkerflight.core.fault_points import fault_point
from parkerflight.core.tenancy import scope
from parkerflight.payments import calls
from parkerflight.payments.door import gateway
from parkerflight.payments.gateway import SetupView
from parkerflight.payments.models import Card, Customer
from parkerflight.settings.config import load


def ensure_customer(*, owner_id: UUID, now: datetime) -> str:
    """The person's reference at the gateway, made once."""
    with scope(owner_id):
        known = Customer.objects.filter(owner_id=owner_id).first()
        if known:
            return known.reference
        call = calls.opened(None, owner_id, "customer", {"metadata": {"owner_id": str(owner_id)}}, now)
    fault_point("payments.customer.after_commit")
    reference = gateway().create_customer(calls.stored(call, now))
    fault_point("payments.customer.after_call")
    with scope(owner_id):
        Customer.objects.get_or_create(owner_id=owner_id, defaults={"reference": reference, "created_at": now})
        calls.close(call, calls.Outcome.DONE)
    fault_point("payments.customer.after_record")
    return reference


def begin_card(*, owner_id: UUID, now: datetime) -> SetupView:
    """Start saving a card. The view's client secret goes to the person's browser and nowhere else."""
    return start_setup(owner_id=owner_id, token="", now=now)


def save_test_card(*, owner_id: UUID, token: str = "pm_card_visa", now: datetime) -> UUID:  # noqa: S107 - a public test card
    """Save one of Stripe's public test cards without a browser; only with test keys.

    Raises BadInput in live mode or when the bank wants the cardholder, Declined when the card is refused.
    """
    if not load().secret("stripe_api_key").startswith("sk_test_"):
        raise BadInput("test_card_in_live_mode", "Test cards work with a test key only.", field="card")
    return finish_card(owner_id=owner_id, setup=start_setup(owner_id=owner_id, token=token, now=now).reference, now=now)


def start_setup(*, owner_id: UUID, token: str, now: datetime) -> SetupView:
    """Start saving a card; `token` names a public test card, empty means the person types theirs at the gateway."""
    customer = ensure_customer(owner_id=owner_id, now=now)
    with scope(owner_id):
        call = calls.opened(
            None, owner_id, f"setup-{uuid4().hex[:8]}", gateway().setup_parameters(customer, token), now
        )
    fault_point("payments.setup.after_commit")
    view = gateway().start_setup(calls.stored(call, now))
    fault_point("payments.setup.after_call")
    with scope(owner_id):
        calls.close(call, calls.Outcome.DONE)
    fault_point("payments.setup.after_record")
    return view


def finish_card(*, owner_id: UUID, setup: str, now: datetime) -> UUID:
    """Keep the card of a finished setup; once, however often it is called. Raises BadInput while it is not finished."""
    view = gateway().setup(setup)
    if not view.succeeded:
        raise BadInput(
            "card_not_confirmed", "The card is not saved yet: confirm it with your bank first.", field="card"
        )
    shown = gateway().card(view.card)
    with scope(owner_id):
        card, created = Card.objects.get_or_create(
            reference=shown.reference,
            defaults={
                "id": uuid4(),
                "owner_id": owner_id,
                "setup_reference": setup,
                "brand": shown.brand,
                "last4": shown.last4,
                "expires_month": shown.expires_month,
                "expires_year": shown.expires_year,
                "created_at": now,
            },
        )
        if created:
            _audit(owner_id, card.id, "card.saved", now)
    fault_point("payments.card.after_record")
    return card.id


def remove_card(*, owner_id: UUID, card_id: UUID, now: datetime) -> None:
    """Never charge this card again: marked here, detached at the gateway. May be run again. Raises NotFound."""
    with scope(owner_id):
        card = Card.objects.filter(id=card_id).first()
        if card is None:
            raise NotFound("no_card", "There is no such card.")
        Card.objects.filter(id=card_id).update(status=Card.Status.REMOVED)
        if card.status == Card.Status.ACTIVE:
            _audit(owner_id, card_id, "card.removed", now)
    fault_point("payments.card.after_removed")
    gateway().detach_card(card.reference)


def _audit(owner_id: UUID, card_id: UUID, action: str, now: datetime) -> None:
    audit.record(
        at=now,
        owner_id=owner_id,
        actor=audit.account(owner_id),
        action=action,
        object_type="card",
        object_id=card_id,
    )
