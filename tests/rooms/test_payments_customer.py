"""Payments that wait for their cardholder: asked on our page, at the price of that moment."""

import json
import logging

import pytest
import stripe
from tests.till import CAP, PRICE, Till

from parkerflight.core.errors import OutcomeUnknown, Terminal
from parkerflight.core.money import Money
from parkerflight.payments import operations as payments
from parkerflight.payments import queries
from parkerflight.payments.gateway import DeclineClass, Declined

CARD = "pm_card_authenticationRequired"
CREATE = "POST /v1/payment_intents"
UPDATE = "POST /v1/payment_intents/pi_*"
OTHER = Money(20_500, "GBP")


@pytest.fixture
def till(owner, as_role, stripe_sandbox, virtual_clock):
    return waiting_till(owner, as_role, stripe_sandbox, virtual_clock)


class _Till(Till):
    def confirmation(self, payment_id, amount=PRICE):
        with self.as_role("web"):
            return payments.confirmation(
                owner_id=self.owner_id, payment_id=payment_id, amount=amount, now=self.clock.now()
            )


def waiting_till(owner, as_role, stripe, clock, card=CARD):
    """A card is saved with its holder present: the bank asks then too."""
    till = _Till.__new__(_Till)
    till.owner_id, till.stripe, till.clock, till.as_role = owner, stripe, clock, as_role
    with as_role("web"):
        setup = payments.begin_card(owner_id=owner, now=clock.now())
        till.browser.setup_intents.confirm(setup.reference, {"payment_method": card})
        found = till.browser.setup_intents.retrieve(setup.reference)
        if found.status == "requires_action":
            till.control(f"setup_intents/{setup.reference}/authenticate", outcome="success")
        till.card_id = payments.finish_card(owner_id=owner, setup=setup.reference, now=clock.now())
        till.mandate_id = till.sign(CAP)
    return till


class TestABankThatWantsItsCustomer:
    def test_keeps_the_payment_waiting_with_its_intent(self, till):
        payment_id = till.waiting()
        state = till.state(payment_id)
        assert (state.state, state.failure_kind) == ("needs_customer", "authenticate")
        assert till.intent(payment_id)["id"] == state.intent
        assert till.intent(payment_id)["status"] == "requires_payment_method", "open for the cardholder"

    def test_is_asked_once_however_often_the_step_runs(self, till):
        payment_id = till.waiting()
        with pytest.raises(Declined) as refusal:
            till.run(payments.authorise, payment_id)
        assert refusal.value.kind is DeclineClass.AUTHENTICATE
        assert len(till.intents) == 1

    @pytest.mark.parametrize("action", ["close_after", "error_after", "malformed"])
    def test_is_understood_when_its_answer_was_lost(self, till, action):
        till.stripe.fault(route=CREATE, action=action)
        payment_id = till.waiting()
        assert till.state(payment_id).state == "needs_customer"
        assert len(till.intents) == 1

    def test_is_remembered_with_the_card(self, till):
        assert not queries.card_state(till.owner_id, till.card_id).needs_customer
        till.waiting()
        assert queries.card_state(till.owner_id, till.card_id).needs_customer

    def test_may_be_let_go(self, till):
        payment_id = till.waiting()
        assert till.run(payments.release, payment_id).state == "released"
        assert till.intent(payment_id)["status"] == "canceled"


class TestTheConfirmation:
    def test_holds_the_money_of_the_same_payment(self, till):
        payment_id = till.waiting()
        shown = till.confirmation(payment_id)
        till.confirm(payment_id)
        state = till.run(payments.await_customer, payment_id)
        assert (state.state, state.failure_code, shown.intent) == ("held", "", state.intent)
        assert state.capture_before > till.clock.now()
        assert till.intents == [(PRICE.minor, 0, 0)]
        assert till.run(payments.capture, payment_id, amount=PRICE).state == "captured"

    def test_takes_the_price_of_the_moment(self, till):
        payment_id = till.waiting()
        assert till.confirmation(payment_id, OTHER).amount == OTHER
        assert till.intent(payment_id)["amount"] == OTHER.minor
        till.confirm(payment_id)
        assert till.run(payments.await_customer, payment_id).amount == OTHER
        assert till.intents == [(OTHER.minor, 0, 0)]

    def test_stays_inside_the_mandate(self, till):
        payment_id = till.waiting()
        with pytest.raises(Terminal, match="above what you agreed"):
            till.confirmation(payment_id, CAP + Money(1, "GBP"))
        assert till.intent(payment_id)["amount"] == PRICE.minor

    def test_shows_its_secret_to_nobody_but_the_page(self, till, admin, caplog):
        caplog.set_level(logging.DEBUG)
        payment_id = till.waiting()
        shown = till.confirmation(payment_id, OTHER)
        assert "_secret_" in shown.client_secret
        assert shown.client_secret not in repr(shown)
        assert shown.client_secret not in caplog.text
        for table in ("payments_payment", "payments_vendorcall", "audit_entry"):
            rows = admin.execute(f"SELECT to_json(t) FROM {table} t").fetchall()
            assert shown.client_secret not in json.dumps(rows)

    @pytest.mark.parametrize("action", ["close_after", "close_before", "error_after", "malformed", "status"])
    def test_whose_change_of_amount_is_not_answered_is_finished_by_asking_again(self, till, action):
        payment_id = till.waiting()
        till.stripe.fault(route=UPDATE, action=action)
        with pytest.raises(OutcomeUnknown):
            till.confirmation(payment_id, OTHER)
        assert till.confirmation(payment_id, OTHER).amount == OTHER
        assert till.intent(payment_id)["amount"] == till.state(payment_id).amount.minor == OTHER.minor

    def test_takes_the_last_of_two_prices_when_the_first_was_not_answered(self, till):
        payment_id = till.waiting()
        till.stripe.fault(route=UPDATE, action="close_after")
        with pytest.raises(OutcomeUnknown):
            till.confirmation(payment_id, OTHER)
        till.confirmation(payment_id, PRICE)
        assert till.intent(payment_id)["amount"] == till.state(payment_id).amount.minor == PRICE.minor

    def test_holds_what_was_confirmed_when_the_record_of_the_price_was_lost(self, till):
        payment_id = till.waiting()
        till.stripe.fault(route=UPDATE, action="close_after")
        with pytest.raises(OutcomeUnknown):
            till.confirmation(payment_id, OTHER)
        till.confirm(payment_id)
        assert till.run(payments.await_customer, payment_id).amount == OTHER

    def test_is_refused_once_it_is_confirmed(self, till):
        payment_id = till.waiting()
        till.confirm(payment_id)
        with pytest.raises(Terminal) as refusal:
            till.confirmation(payment_id, OTHER)
        assert refusal.value.code == "not_waiting"
        till.run(payments.await_customer, payment_id)
        with pytest.raises(Terminal):
            till.confirmation(payment_id, PRICE)
        assert till.intents == [(PRICE.minor, 0, 0)]

    def test_that_fails_leaves_the_payment_waiting(self, till):
        payment_id = till.waiting()
        till.confirm(payment_id, outcome="failure")
        state = till.run(payments.await_customer, payment_id)
        assert (state.state, state.failure_code) == ("needs_customer", "payment_intent_authentication_failure")
        till.confirm(payment_id)
        assert till.run(payments.await_customer, payment_id).state == "held"

    def test_with_a_card_that_the_bank_declines_says_why_and_goes_on_waiting(self, till):
        payment_id = till.waiting()
        with pytest.raises(stripe.CardError):
            till.browser.payment_intents.confirm(
                till.state(payment_id).intent, {"payment_method": "pm_card_visa_chargeDeclinedLostCard"}
            )
        state = till.run(payments.await_customer, payment_id)
        assert (state.state, state.failure_code, state.failure_kind) == ("needs_customer", "lost_card", "generic")

    def test_that_was_cancelled_outside_is_let_go(self, till):
        payment_id = till.waiting()
        till.browser.payment_intents.cancel(till.state(payment_id).intent)
        assert till.run(payments.await_customer, payment_id).state == "released"

    def test_is_noticed_by_looking_at_the_payment_too(self, till):
        payment_id = till.waiting()
        till.confirm(payment_id)
        assert till.run(payments.refresh, payment_id).state == "held"

    def test_is_waited_for_without_change(self, till):
        payment_id = till.waiting()
        before = till.state(payment_id)
        assert till.run(payments.await_customer, payment_id) == before
