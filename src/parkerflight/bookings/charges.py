"""What a fare costs the person, whether that is within what they signed, and the payments an attempt prepares for it."""

from datetime import datetime
from typing import TypedDict
from uuid import UUID

from parkerflight.bookings.models import BookingAttempt
from parkerflight.campaigns.queries import Terms
from parkerflight.core.errors import Terminal
from parkerflight.core.money import Money
from parkerflight.payments import operations as payments


class Price(TypedDict):
    """The attempt's columns for one fare."""

    total_minor: int
    fee_minor: int
    currency: str


def priced(fare: Money, terms: Terms) -> Price:
    """The columns for `fare`, our fee included. Raises Terminal when it is above the cap or in another currency."""
    if fare.currency != terms.cap.currency:
        message = f"The fare is in {fare.currency}, your limit in {terms.cap.currency}; nothing was charged."
        raise Terminal("other_currency", message)
    if fare > terms.cap:
        message = f"The fare rose to {fare}, above your limit of {terms.cap}; nothing was charged, the search goes on."
        raise Terminal("above_cap", message)
    fee = payments.savings_fee().of(fare=fare, cap=terms.cap)
    return {"total_minor": fare.minor, "fee_minor": fee.minor, "currency": fare.currency}


def charge_of(price: Price) -> Money:
    """What the card pays."""
    return Money(price["total_minor"] + price["fee_minor"], price["currency"])


def open_payment(attempt: BookingAttempt, terms: Terms, amount: Money, now: datetime) -> UUID:
    """Commit the intent to hold `amount` on the campaign's card. Joins the caller's transaction."""
    if terms.mandate_id is None:
        raise Terminal("no_mandate", "There is no mandate to charge the card.")
    return payments.prepare_payment(
        owner_id=attempt.owner_id,
        attempt_id=attempt.id,
        mandate_id=terms.mandate_id,
        card_id=terms.card_id,
        amount=amount,
        campaign_id=attempt.campaign_id,
        now=now,
    )


def replace_payment(
    attempt: BookingAttempt, terms: Terms, amount: Money, now: datetime, *, second: bool = False
) -> UUID:
    """Commit that the present payment is let go and another prepared. Joins the caller's transaction.

    It goes on the card the attempt is on, or on the campaign's second one.
    """
    on_second = second or (attempt.card_id is not None and attempt.card_id == terms.second_card_id)
    card_id = terms.second_card_id if on_second else terms.card_id
    mandate_id = terms.second_mandate_id if on_second else terms.mandate_id
    if card_id is None or mandate_id is None:
        raise Terminal("no_mandate", "There is no mandate to charge the card.")
    return payments.supersede_payment(
        owner_id=attempt.owner_id,
        payment_id=payment_of(attempt),
        mandate_id=mandate_id,
        card_id=card_id,
        amount=amount,
        campaign_id=attempt.campaign_id,
        now=now,
    )


def payment_of(attempt: BookingAttempt) -> UUID:
    """The attempt's payment. Raises Terminal before there is one."""
    if attempt.payment_id is None:
        raise Terminal("no_payment", "an attempt past preparation has a payment")
    return attempt.payment_id
