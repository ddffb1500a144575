"""What happens to payments outside: looked at again, recorded, never undone by older news."""

from uuid import uuid4

import pytest
from tests.bench import START
from tests.till import PRICE, Till

from parkerflight.core.money import Money
from parkerflight.payments import operations as payments


@pytest.fixture
def till(owner, as_role, stripe_sandbox, virtual_clock):
    return Till(owner, as_role, stripe_sandbox, virtual_clock)


class TestLookingAgain:
    def look(self, till, payment_id):
        return payments.refresh(owner_id=till.owner_id, payment_id=payment_id, now=till.clock.now())

    def test_notices_a_hold_that_lapsed(self, till):
        payment_id = till.held()
        till.clock.advance(days=6)
        assert self.look(till, payment_id).state == "released"

    def test_notices_money_taken_and_given_back_outside(self, till):
        payment_id = till.held()
        intent = till.state(payment_id).intent
        till.browser.payment_intents.capture(intent)
        till.browser.refunds.create({"payment_intent": intent, "amount": 500})
        state = self.look(till, payment_id)
        assert (state.state, state.captured, state.refunded) == ("captured", PRICE, Money(500, "GBP"))

    def test_leaves_a_hold_alone(self, till):
        payment_id = till.held()
        before = till.state(payment_id)
        assert self.look(till, payment_id) == before

    def test_notices_a_superseded_payment_that_was_taken_while_the_next_one_is_live(self, till):
        first = till.held()
        second = payments.supersede_payment(
            owner_id=till.owner_id, payment_id=first, mandate_id=till.mandate_id, card_id=till.card_id, amount=PRICE,
            campaign_id=uuid4(), now=till.clock.now(),
        )  # fmt: skip
        till.browser.payment_intents.capture(till.state(first).intent)
        assert self.look(till, first).state == "captured"
        assert till.state(second).state == "created"
        assert till.run(payments.refund, first, amount=PRICE, cause="superseded").status == "succeeded"

    def test_notices_a_review_and_its_end(self, till):
        payment_id = till.held()
        path = f"payment_intents/{till.state(payment_id).intent}/review"
        assert not till.state(payment_id).review_open
        till.control(path, action="open")
        assert self.look(till, payment_id).review_open
        till.control(path, action="close", reason="approved")
        assert not self.look(till, payment_id).review_open

    def test_changes_nothing_the_second_time(self, till, admin):
        payment_id = till.taken()
        first = self.look(till, payment_id)
        entries = admin.execute("SELECT count(*) FROM audit_entry").fetchone()
        assert self.look(till, payment_id) == first
        assert admin.execute("SELECT count(*) FROM audit_entry").fetchone() == entries

    def test_calls_nobody_before_there_is_anything_to_look_at(self, till):
        assert self.look(till, till.prepare()).state == "created"

    def test_lists_every_payment_since_a_moment_over_all_pages(self, till, monkeypatch):
        monkeypatch.setattr("parkerflight.payments.stripe.adapter.PAGE", 2)
        made = {str(till.held()) for _ in range(5)}
        seen = list(payments.gateway().payments_since(START))
        assert {view.metadata["payment_id"] for view in seen} == made
        assert len(seen) == 5
        till.clock.advance(minutes=1)
        assert list(payments.gateway().payments_since(till.clock.now())) == []

    def test_knows_whose_customer_a_customer_is(self, till):
        till.held()
        customer = till.stripe.ledger()["payment_intents"][0]["customer"]
        assert payments.gateway().owner_of_customer(customer) == till.owner_id
