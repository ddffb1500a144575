"""Giving money back: once for each cause, never more than was taken, and known when it fails weeks later."""

import contextlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.till import PRICE, Till

from parkerflight.core.errors import OutcomeUnknown, Retryable, Terminal
from parkerflight.core.money import Money
from parkerflight.payments import operations as payments
from parkerflight.payments import queries

REFUND = "POST /v1/refunds"
PART = Money(5_000, "GBP")
LOST = ["close_after", "close_before", "error_after", "malformed", "status"]


@pytest.fixture
def till(owner, as_role, stripe_sandbox, virtual_clock):
    return Till(owner, as_role, stripe_sandbox, virtual_clock)


def back(till, payment_id, amount=PART, cause="cancelled", patience=40):
    return till.run(payments.refund, payment_id, amount=amount, cause=cause, patience=patience)


class TestARefund:
    def test_gives_back_a_part_then_the_rest(self, till):
        payment_id = till.taken()
        assert back(till, payment_id).status == "succeeded"
        assert (till.state(payment_id).state, till.state(payment_id).refunded) == ("captured", PART)
        back(till, payment_id, PRICE - PART, "rest")
        assert (till.state(payment_id).state, till.state(payment_id).refunded) == ("refunded", PRICE)
        assert till.intents == [(0, PRICE.minor, PRICE.minor)]

    def test_is_one_for_its_cause(self, till):
        payment_id = till.taken()
        assert back(till, payment_id).id == back(till, payment_id).id
        assert till.intents == [(0, PRICE.minor, PART.minor)]
        with pytest.raises(Terminal, match="another amount"):
            back(till, payment_id, PRICE)

    @pytest.mark.parametrize("action", LOST)
    def test_whose_answer_is_lost_is_given_once(self, till, action):
        payment_id = till.taken()
        till.stripe.fault(route=REFUND, action=action)
        assert back(till, payment_id).status == "succeeded"
        assert till.intents == [(0, PRICE.minor, PART.minor)]

    def test_is_not_sent_under_a_new_key_while_the_old_one_may_still_arrive(self, till):
        payment_id = till.taken()
        till.stripe.fault(route=REFUND, action="status", status=500)
        for _ in range(2):
            with pytest.raises(OutcomeUnknown):
                payments.refund(
                    owner_id=till.owner_id, payment_id=payment_id, amount=PART, cause="c", now=till.clock.now()
                )
        assert till.intents == [(0, PRICE.minor, 0)]

    def test_is_found_after_the_key_may_be_forgotten(self, till):
        payment_id = till.taken()
        till.stripe.fault(route=REFUND, action="close_after")
        with pytest.raises(OutcomeUnknown):
            payments.refund(owner_id=till.owner_id, payment_id=payment_id, amount=PART, cause="c", now=till.clock.now())
        till.clock.advance(hours=25)
        assert back(till, payment_id, cause="c").status == "succeeded"
        assert till.intents == [(0, PRICE.minor, PART.minor)]

    @pytest.mark.parametrize(
        "amount", [Money(PRICE.minor + 1, "GBP"), Money(0, "GBP"), Money(-1, "GBP"), Money(100, "EUR")]
    )
    def test_of_what_is_not_left_is_refused_and_leaves_nothing(self, till, amount):
        payment_id = till.taken()
        with pytest.raises(Terminal) as refusal:
            back(till, payment_id, amount)
        assert refusal.value.code == "cannot_refund"
        assert queries.refunds(till.owner_id, payment_id) == []

    def test_counts_what_is_still_on_its_way(self, till):
        payment_id = till.taken()
        till.stripe.fault(route=REFUND, action="close_before")
        with pytest.raises(OutcomeUnknown):
            payments.refund(
                owner_id=till.owner_id, payment_id=payment_id, amount=PRICE, cause="one", now=till.clock.now()
            )
        with pytest.raises(Terminal, match="not that much left"):
            back(till, payment_id, PART, "two")

    def test_of_held_money_is_refused(self, till):
        with pytest.raises(Terminal):
            back(till, till.held())

    def test_that_the_gateway_refuses_has_failed_and_says_why(self, till):
        payment_id = till.taken()
        till.control(f"payment_intents/{till.state(payment_id).intent}/dispute", reason="fraudulent")
        for _ in range(2):
            state = back(till, payment_id)
            assert (state.status, state.failure_reason) == ("failed", "charge_disputed")
        assert till.state(payment_id).refunded.minor == 0

    def test_of_a_part_capture_never_exceeds_the_part(self, till):
        payment_id = till.taken(PART)
        with pytest.raises(Terminal):
            back(till, payment_id, PRICE)
        assert back(till, payment_id, PART).status == "succeeded"
        assert till.state(payment_id).state == "refunded"


class TestARefundThatFailsLater:
    def test_counts_as_not_given_back_any_more(self, till):
        payment_id = till.taken()
        given = back(till, payment_id, PRICE)
        assert till.state(payment_id).state == "refunded"
        till.control(f"refunds/{given.reference}/fail", reason="lost_or_stolen_card")
        state = payments.refresh_refund(owner_id=till.owner_id, refund_id=given.id, now=till.clock.now())
        assert (state.status, state.failure_reason) == ("failed", "lost_or_stolen_card")
        assert (till.state(payment_id).state, till.state(payment_id).refunded.minor) == ("captured", 0)

    def test_is_noticed_by_looking_at_the_payment_too(self, till):
        payment_id = till.taken()
        given = back(till, payment_id, PRICE)
        till.control(f"refunds/{given.reference}/fail")
        state = payments.refresh(owner_id=till.owner_id, payment_id=payment_id, now=till.clock.now())
        assert (state.state, state.refunded.minor) == ("captured", 0)

    def test_is_tried_again_for_another_cause_only(self, till):
        payment_id = till.taken()
        given = back(till, payment_id, PRICE)
        till.control(f"refunds/{given.reference}/fail")
        payments.refresh_refund(owner_id=till.owner_id, refund_id=given.id, now=till.clock.now())
        assert back(till, payment_id, PRICE).status == "failed"
        assert back(till, payment_id, PRICE, "again").status == "succeeded"
        assert till.state(payment_id).state == "refunded"


class TestARefundMadeAtTheGateway:
    def test_is_taken_into_the_books(self, till):
        payment_id = till.taken()
        till.browser.refunds.create({"payment_intent": till.state(payment_id).intent, "amount": 700})
        state = payments.refresh(owner_id=till.owner_id, payment_id=payment_id, now=till.clock.now())
        assert state.refunded.minor == 700
        [row] = queries.refunds(till.owner_id, payment_id)
        assert row.cause == f"outside:{row.reference}"
        with pytest.raises(Terminal):
            back(till, payment_id, PRICE)


STEP = st.one_of(
    st.tuples(st.just("capture"), st.integers(1, PRICE.minor)),
    st.tuples(st.just("refund"), st.integers(1, PRICE.minor), st.sampled_from("abc")),
    st.tuples(st.just("release")),
    st.tuples(st.just("fail")),
    st.tuples(st.just("fault"), st.sampled_from(["close_after", "close_before", "error_after", "status"])),
)


class TestTheBooks:
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(STEP, min_size=1, max_size=6))
    def test_agree_with_the_gateways_whatever_is_done_in_whatever_order(self, till, steps):
        till.stripe.http.delete("/_sandbox/faults")
        payment_id = till.held()
        for step in steps:
            with contextlib.suppress(Terminal, Retryable, OutcomeUnknown):
                self.do(till, payment_id, *step)
        till.stripe.http.delete("/_sandbox/faults")
        self.settle(till, payment_id)
        state, row = till.state(payment_id), till.intent(payment_id)
        assert (state.captured.minor, state.refunded.minor) == (row["captured"], row["refunded"])
        assert 0 <= state.refunded.minor <= state.captured.minor <= state.amount.minor
        assert (state.state in {"captured", "refunded"}) == (row["captured"] > 0)
        assert (state.state == "held") == (row["held"] > 0)

    def do(self, till, payment_id, what, *how):
        common = {"owner_id": till.owner_id, "payment_id": payment_id, "now": till.clock.now()}
        match what:
            case "capture":
                payments.capture(**common, amount=Money(how[0], "GBP"))
            case "refund":
                payments.refund(**common, amount=Money(how[0], "GBP"), cause=how[1])
            case "release":
                payments.release(**common)
            case "fault":
                till.stripe.fault(route="POST /v1/*", action=how[0])
            case "fail":
                for one in queries.refunds(till.owner_id, payment_id):
                    if one.status == "succeeded":
                        # Refused by the sandbox when it has failed already and our books have not heard.
                        till.stripe.http.post(f"/_sandbox/refunds/{one.reference}/fail", json={})
                        break

    def settle(self, till, payment_id):
        """Every unfinished operation is run to its end, as the workers do."""
        till.clock.advance(minutes=20)
        state = till.state(payment_id)
        with contextlib.suppress(Terminal):
            if state.state == "capturing":
                till.stripe.http.delete("/_sandbox/faults")
                amount = till.amount_being_taken(payment_id)
                till.run(payments.capture, payment_id, amount=amount)
            if state.state == "releasing":
                till.run(payments.release, payment_id)
        for one in queries.refunds(till.owner_id, payment_id):
            if one.status == "pending":
                till.run(payments.refund, payment_id, amount=one.amount, cause=one.cause)
        payments.refresh(owner_id=till.owner_id, payment_id=payment_id, now=till.clock.now())
