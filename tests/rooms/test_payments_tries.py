"""Several tries at one attempt, and letting go of what any of them may hold."""

from threading import Thread
from uuid import uuid4

import pytest
from django.db import connection
from tests.till import PRICE, Till

from parkerflight.core.errors import OutcomeUnknown, Terminal
from parkerflight.core.fault_points import listen
from parkerflight.core.tenancy import scope
from parkerflight.payments import operations as payments
from parkerflight.payments import queries
from parkerflight.payments.gateway import Declined
from parkerflight.payments.models import VendorCall

CREATE = "POST /v1/payment_intents"
CANCEL = "POST /v1/payment_intents/*/cancel"
LOST = ["close_after", "close_before", "error_after", "malformed"]


@pytest.fixture
def till(owner, as_role, stripe_sandbox, virtual_clock):
    return Till(owner, as_role, stripe_sandbox, virtual_clock)


@pytest.fixture
def meanwhile():
    """Let something else happen when a fault point is first passed."""

    def at(point, other):
        def listener(name):
            if name == point:
                listen(None)
                other()

        listen(listener)

    yield at
    listen(None)


def supersede(till, payment_id, amount=PRICE):
    return payments.supersede_payment(
        owner_id=till.owner_id,
        payment_id=payment_id,
        mandate_id=till.mandate_id,
        card_id=till.card_id,
        amount=amount,
        campaign_id=uuid4(),
        now=till.clock.now(),
    )


def release_superseded(till, payment_id):
    state = till.state(payment_id)
    payments.release_superseded(owner_id=till.owner_id, attempt_id=state.attempt_id, now=till.clock.now())


class TestAnotherTry:
    def test_takes_the_place_of_a_held_one_whose_money_is_let_go(self, till):
        first = till.held()
        second = supersede(till, first)
        assert till.state(first).state == "releasing"
        till.run(payments.authorise, second)
        release_superseded(till, first)
        assert (till.state(first).state, till.state(second).state) == ("released", "held")
        assert (till.intent(first)["held"], till.intent(second)["held"]) == (0, PRICE.minor)

    def test_may_be_let_go_of_again_and_again(self, till):
        first = till.held()
        supersede(till, first)
        for _ in range(3):
            release_superseded(till, first)
        assert till.intent(first)["status"] == "canceled"

    def test_is_refused_once_money_was_taken(self, till):
        first = till.taken()
        with pytest.raises(Terminal) as refusal:
            supersede(till, first)
        assert refusal.value.code == "payment_taken"
        assert len(queries.payments_of(till.owner_id, till.state(first).attempt_id)) == 1

    def test_is_refused_while_the_taking_is_unanswered(self, till):
        first = till.held()
        till.stripe.fault(route="POST /v1/payment_intents/*/capture", action="close_after")
        with pytest.raises(OutcomeUnknown):
            payments.capture(owner_id=till.owner_id, payment_id=first, amount=PRICE, now=till.clock.now())
        with pytest.raises(Terminal, match="taken"):
            supersede(till, first)

    def test_follows_a_decline_and_the_declined_intent_is_closed(self, owner, as_role, stripe_sandbox, virtual_clock):
        till = Till(owner, as_role, stripe_sandbox, virtual_clock, card="pm_card_chargeCustomerFail")
        first = till.prepare()
        with pytest.raises(Declined):
            till.run(payments.authorise, first)
        assert till.intent(first)["status"] == "canceled"
        supersede(till, first)
        assert till.state(first).state == "declined"

    def test_closes_a_declined_intent_later_when_stripe_could_not_at_once(
        self, owner, as_role, stripe_sandbox, virtual_clock
    ):
        till = Till(owner, as_role, stripe_sandbox, virtual_clock, card="pm_card_chargeCustomerFail")
        till.stripe.fault(route=CANCEL, action="status", status=500)
        first = till.prepare()
        with pytest.raises(Declined):
            till.run(payments.authorise, first)
        assert till.intent(first)["status"] == "requires_payment_method"
        release_superseded(till, first)
        assert till.intent(first)["status"] == "canceled"
        assert till.state(first).state == "declined"

    def test_does_not_wait_for_one_that_cannot_be_let_go_yet(self, till):
        first = till.held()
        second = supersede(till, first)
        till.run(payments.authorise, second)
        third = supersede(till, second)
        till.stripe.fault(route=CANCEL, action="close_before")
        with pytest.raises(OutcomeUnknown):
            release_superseded(till, third)
        assert till.intent(second)["status"] == "canceled", "the second was let go although the first was not"
        release_superseded(till, third)
        assert till.intent(first)["status"] == "canceled"

    def test_is_one_of_two_that_ask_at_once(self, till):
        attempt, made, refused = uuid4(), [], []

        def ask():
            try:
                made.append(till.prepare(attempt_id=attempt))
            except Terminal as error:
                refused.append(error.code)
            finally:
                connection.close()

        threads = [Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(made), refused) == (1, ["payment_live"] * 3)


class TestLettingGo:
    def test_of_what_was_never_sent_calls_nobody(self, till):
        payment_id = till.prepare()
        assert till.run(payments.release, payment_id).state == "released"
        assert till.intents == []

    @pytest.mark.parametrize("times", [1, 3])
    def test_twice_is_once(self, till, times):
        payment_id = till.held()
        for _ in range(times):
            assert till.run(payments.release, payment_id).state == "released"
        assert till.intents == [(0, 0, 0)]

    def test_of_taken_money_is_refused(self, till):
        payment_id = till.taken()
        with pytest.raises(Terminal) as refusal:
            till.run(payments.release, payment_id)
        assert refusal.value.code == "cannot_release"
        assert till.intents == [(0, PRICE.minor, 0)]

    @pytest.mark.parametrize("action", ["close_after", "error_after", "malformed"])
    def test_finds_a_hold_whose_answer_was_lost(self, till, action):
        payment_id = till.prepare()
        till.stripe.fault(route=CREATE, action=action)
        with pytest.raises(OutcomeUnknown):
            payments.authorise(owner_id=till.owner_id, payment_id=payment_id, now=till.clock.now())
        assert till.run(payments.release, payment_id).state == "released"
        assert till.intents == [(0, 0, 0)]

    def test_waits_ten_minutes_for_a_hold_that_may_be_on_its_way(self, till):
        payment_id = till.prepare()
        till.stripe.fault(route=CREATE, action="close_before")
        with pytest.raises(OutcomeUnknown):
            payments.authorise(owner_id=till.owner_id, payment_id=payment_id, now=till.clock.now())
        with pytest.raises(OutcomeUnknown, match="on its way"):
            payments.release(owner_id=till.owner_id, payment_id=payment_id, now=till.clock.now())
        till.clock.advance(minutes=11)
        assert till.run(payments.release, payment_id).state == "released"

    @pytest.mark.parametrize("action", LOST)
    def test_whose_answer_is_lost_is_finished_by_the_next_run(self, till, action):
        payment_id = till.held()
        till.stripe.fault(route=CANCEL, action=action)
        assert till.run(payments.release, payment_id).state == "released"
        assert till.intents == [(0, 0, 0)]

    def test_works_after_the_key_may_be_forgotten(self, till):
        payment_id = till.held()
        till.stripe.fault(route=CANCEL, action="close_before")
        with pytest.raises(OutcomeUnknown):
            payments.release(owner_id=till.owner_id, payment_id=payment_id, now=till.clock.now())
        till.clock.advance(hours=25)
        assert till.run(payments.release, payment_id).state == "released"
        assert till.intents == [(0, 0, 0)]

    def test_finds_a_hold_that_somebody_took_outside_and_says_so(self, till):
        payment_id = till.held()
        till.browser.payment_intents.capture(till.state(payment_id).intent)
        with pytest.raises(Terminal, match="taken before"):
            till.run(payments.release, payment_id)
        state = till.state(payment_id)
        assert (state.state, state.captured) == ("captured", PRICE)

    def test_leaves_no_call_open(self, till):
        payment_id = till.held()
        till.run(payments.release, payment_id)
        with scope(till.owner_id):
            assert not VendorCall.objects.filter(payment_id=payment_id, outcome__in=["open", "unknown"]).exists()

    @pytest.mark.parametrize(
        ("point", "later"), [("payments.authorise.after_commit", 11), ("stripe.after.payment_intents.create", 0)]
    )
    def test_while_the_hold_is_on_its_way_leaves_no_hold_behind(self, till, meanwhile, point, later):
        payment_id = till.prepare()
        meanwhile(point, lambda: till.clock.advance(minutes=later) and till.run(payments.release, payment_id))
        state = payments.authorise(owner_id=till.owner_id, payment_id=payment_id, now=till.clock.now())
        assert state.state == "releasing", "the hold came after the payment was given up"
        release_superseded(till, payment_id)
        assert till.state(payment_id).state == "released"
        assert till.intents == [(0, 0, 0)]
