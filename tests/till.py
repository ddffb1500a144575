"""One person at the till: a saved card, a mandate, payments against the Stripe sandbox, whose ledger is the other book."""

from datetime import timedelta
from uuid import uuid4

import pytest
import stripe

from parkerflight.core.errors import OutcomeUnknown, Retryable
from parkerflight.core.money import Money
from parkerflight.core.tenancy import scope
from parkerflight.payments import operations as payments
from parkerflight.payments import queries
from parkerflight.payments.gateway import DeclineClass, Declined
from parkerflight.payments.models import VendorCall

CAP = Money(50_000, "GBP")
PRICE = Money(19_934, "GBP")


class Till:
    """One person's card, mandate and payment."""

    def __init__(self, owner_id, as_role, stripe, clock, card="pm_card_visa"):
        self.owner_id, self.stripe, self.clock, self.as_role = owner_id, stripe, clock, as_role
        with as_role("web"):
            self.card_id = payments.save_test_card(owner_id=owner_id, token=card, now=clock.now())
            self.mandate_id = self.sign(CAP)

    def sign(self, cap, **changes):
        agreed = {
            "owner_id": self.owner_id,
            "card_id": self.card_id,
            "cap": cap,
            "includes": "everything",
            "valid_until": self.clock.now() + timedelta(days=90),
            "ip": "203.0.113.9",
            "user_agent": "tests",
            "now": self.clock.now(),
        }
        return payments.sign_mandate(**(agreed | changes))

    def prepare(self, amount=PRICE, **changes):
        wanted = {
            "owner_id": self.owner_id,
            "attempt_id": uuid4(),
            "mandate_id": self.mandate_id,
            "card_id": self.card_id,
            "amount": amount,
            "campaign_id": uuid4(),
            "now": self.clock.now(),
        }
        return payments.prepare_payment(**(wanted | changes))

    def run(self, operation, payment_id, patience=8, **more):
        """Run an operation again and again, as a worker does, until it gives a definite answer."""
        for _ in range(patience):
            try:
                return operation(owner_id=self.owner_id, payment_id=payment_id, now=self.clock.now(), **more)
            except (Retryable, OutcomeUnknown):
                self.clock.advance(seconds=30)
        raise AssertionError("no definite answer")

    def held(self):
        payment_id = self.prepare()
        self.run(payments.authorise, payment_id)
        return payment_id

    @property
    def intents(self):
        found = self.stripe.ledger()["payment_intents"]
        return [(one["held"], one["captured"], one["refunded"]) for one in found]

    def waiting(self, **changes):
        """A payment that only its cardholder is missing for."""
        payment_id = self.prepare(**changes)
        with pytest.raises(Declined) as refusal:
            self.run(payments.authorise, payment_id)
        assert refusal.value.kind is DeclineClass.AUTHENTICATE
        return payment_id

    def taken(self, amount=PRICE):
        payment_id = self.held()
        self.run(payments.capture, payment_id, amount=amount)
        return payment_id

    def state(self, payment_id):
        return queries.payment(self.owner_id, payment_id)

    def intent(self, payment_id):
        """The gateway's row of a payment, from its own ledger."""
        rows = self.stripe.ledger()["payment_intents"]
        return next((row for row in rows if row["metadata"]["payment_id"] == str(payment_id)), None)

    def control(self, path, **wish):
        answer = self.stripe.http.post(f"/_sandbox/{path}", json=wish)
        return answer.raise_for_status().json()

    @property
    def browser(self):
        """What the page in the person's browser does, and what somebody does at the gateway's own pages."""
        return stripe.StripeClient("sk_test_browser", base_addresses={"api": self.stripe.base}).v1

    def confirm(self, payment_id, outcome="success"):
        """The person confirms on the page."""
        state = self.state(payment_id)
        card = queries.card(self.owner_id, state.card_id).reference
        self.browser.payment_intents.confirm(state.intent, {"payment_method": card})
        self.control(f"payment_intents/{state.intent}/authenticate", outcome=outcome)

    def amount_being_taken(self, payment_id):
        """The amount in the stored call of a capture that is not finished."""
        with scope(self.owner_id):
            call = VendorCall.objects.filter(payment_id=payment_id, purpose="capture").latest("try_no")
        return Money(call.parameters["amount_to_capture"], "GBP")
