"""Holding, taking, letting go and giving back money against the Stripe sandbox; its ledger is the other book."""

from datetime import timedelta
from uuid import uuid4

import pytest
from tests.bench import START
from tests.till import CAP, PRICE, Till

from parkerflight.core.errors import BadInput, NotFound, ParkerError, Terminal
from parkerflight.core.money import Money
from parkerflight.core.tenancy import scope
from parkerflight.payments import operations as payments
from parkerflight.payments import queries
from parkerflight.payments.gateway import Declined, HoldGone
from parkerflight.payments.models import Card, Payment, VendorCall


@pytest.fixture
def till(owner, as_role, stripe_sandbox, virtual_clock):
    return Till(owner, as_role, stripe_sandbox, virtual_clock)


LOST = ["close_after", "close_before", "error_after", "malformed"]


class TestAPayment:
    def test_is_held_then_taken_and_both_books_say_so(self, till):
        payment_id = till.held()
        assert till.intents == [(PRICE.minor, 0, 0)]
        state = till.run(payments.capture, payment_id, amount=PRICE)
        assert (state.state, state.captured) == ("captured", PRICE)
        assert till.intents == [(0, PRICE.minor, 0)]

    def test_is_the_only_live_one_of_its_attempt(self, till, admin):
        attempt = uuid4()
        till.prepare(attempt_id=attempt)
        before = _rows(admin)
        with pytest.raises(Terminal) as refusal:
            till.prepare(attempt_id=attempt)
        assert refusal.value.code == "payment_live"
        assert _rows(admin) == before

    def test_changes_nothing_when_every_step_runs_twice(self, till):
        payment_id = till.held()
        till.run(payments.authorise, payment_id)
        for _ in range(2):
            till.run(payments.capture, payment_id, amount=PRICE)
        assert till.intents == [(0, PRICE.minor, 0)]

    @pytest.mark.parametrize("action", LOST)
    def test_whose_hold_was_not_answered_is_held_once(self, till, action):
        till.stripe.fault(route="POST /v1/payment_intents", nth=1, action=action)
        payment_id = till.prepare()
        assert till.run(payments.authorise, payment_id).state == "held"
        assert till.intents == [(PRICE.minor, 0, 0)]

    @pytest.mark.parametrize("action", LOST)
    def test_whose_capture_was_not_answered_is_taken_once(self, till, action):
        payment_id = till.held()
        till.stripe.fault(route="POST /v1/payment_intents/*/capture", nth=1, action=action)
        assert till.run(payments.capture, payment_id, amount=PRICE).state == "captured"
        assert till.intents == [(0, PRICE.minor, 0)]

    @pytest.mark.parametrize("action", LOST)
    def test_whose_release_was_not_answered_is_let_go(self, till, action):
        payment_id = till.held()
        till.stripe.fault(route="POST /v1/payment_intents/*/cancel", nth=1, action=action)
        assert till.run(payments.release, payment_id).state == "released"
        assert till.intents == [(0, 0, 0)]

    @pytest.mark.parametrize("step", ["capture", "cancel"])
    def test_is_not_caught_by_a_500_that_stripe_keeps_under_its_key(self, till, step):
        payment_id = till.held()
        till.stripe.fault(route=f"POST /v1/payment_intents/*/{step}", nth=1, action="status", status=500)
        if step == "capture":
            assert till.run(payments.capture, payment_id, amount=PRICE).state == "captured"
        else:
            assert till.run(payments.release, payment_id).state == "released"

    def test_that_never_reached_the_bank_is_given_up_after_ten_minutes(self, till):
        till.stripe.fault(route="POST /v1/payment_intents", nth=1, times=50, action="close_before")
        payment_id = till.prepare()
        with pytest.raises(Terminal, match="never asked"):
            till.run(payments.authorise, payment_id, patience=40)
        assert till.intents == []

    def test_waits_when_stripe_is_busy(self, till):
        till.stripe.fault(route="POST /v1/payment_intents", nth=1, times=2, action="rate_limit")
        payment_id = till.prepare()
        assert till.run(payments.authorise, payment_id).state == "held"
        assert till.intents == [(PRICE.minor, 0, 0)]

    def test_that_is_declined_holds_nothing_and_stays_declined(self, owner, as_role, stripe_sandbox, virtual_clock):
        till = Till(owner, as_role, stripe_sandbox, virtual_clock, card="pm_card_chargeCustomerFail")
        payment_id = till.prepare()
        for _ in range(2):
            with pytest.raises(Declined):
                till.run(payments.authorise, payment_id)
        assert till.intents == [(0, 0, 0)]
        assert queries.payment(owner, payment_id).state == "declined"

    def test_whose_hold_has_lapsed_cannot_be_taken_and_counts_as_let_go(self, till):
        payment_id = till.held()
        ends = queries.payment(till.owner_id, payment_id).capture_before
        assert ends - till.clock.now() == timedelta(days=4, hours=18), "Visa, cardholder absent"
        till.clock.advance(days=5)
        with pytest.raises(HoldGone):
            till.run(payments.capture, payment_id, amount=PRICE)

    def test_is_never_taken_for_more_than_is_held(self, till):
        payment_id = till.held()
        with pytest.raises(Terminal, match="above what is held"):
            till.run(payments.capture, payment_id, amount=Money(PRICE.minor + 1, "GBP"))
        assert till.intents == [(PRICE.minor, 0, 0)]

    def test_is_given_back_in_part_and_never_beyond(self, till):
        payment_id = till.held()
        till.run(payments.capture, payment_id, amount=PRICE)
        till.run(payments.refund, payment_id, amount=Money(5_000, "GBP"), cause="a")
        assert till.intents == [(0, PRICE.minor, 5_000)]
        with pytest.raises(Terminal):
            till.run(payments.refund, payment_id, amount=PRICE, cause="b")
        till.run(payments.refund, payment_id, amount=Money(PRICE.minor - 5_000, "GBP"), cause="c")
        assert till.intents == [(0, PRICE.minor, PRICE.minor)]
        assert queries.payment(till.owner_id, payment_id).state == "refunded"

    def test_refuses_to_call_the_bank_inside_a_transaction(self, till):
        payment_id = till.prepare()
        with scope(till.owner_id), pytest.raises(ParkerError, match="transaction"):
            payments.authorise(owner_id=till.owner_id, payment_id=payment_id, now=till.clock.now())

    def test_is_out_of_a_strangers_reach(self, till, stranger):
        payment_id = till.held()
        with pytest.raises(ParkerError):
            payments.capture(owner_id=stranger, payment_id=payment_id, amount=PRICE, now=till.clock.now())
        with pytest.raises(NotFound):
            queries.payment(stranger, payment_id)
        with scope(stranger):
            assert not Payment.objects.exists()
            assert not VendorCall.objects.exists()
        assert till.intents == [(PRICE.minor, 0, 0)]


class TestAMandate:
    @pytest.mark.parametrize(
        ("amount", "days", "code"),
        [
            (Money(CAP.minor + 1, "GBP"), 0, "above_mandate"),
            (Money(100_00, "EUR"), 0, "mandate_currency"),
            (PRICE, 91, "mandate_ended"),
        ],
    )
    def test_refuses_what_was_not_agreed_and_leaves_nothing(self, till, admin, amount, days, code):
        till.clock.advance(days=days)
        before = _rows(admin)
        with pytest.raises(Terminal) as refusal:
            till.prepare(amount)
        assert refusal.value.code == code
        assert _rows(admin) == before
        assert till.intents == []

    def test_covers_exactly_its_cap(self, till):
        assert till.prepare(CAP)

    def test_ends_with_its_card(self, till):
        with till.as_role("web"):
            payments.remove_card(owner_id=till.owner_id, card_id=till.card_id, now=till.clock.now())
        with pytest.raises(Terminal, match="removed"):
            till.prepare()

    def test_is_not_signed_with_an_expired_card(self, till, admin):
        admin.execute("UPDATE payments_card SET expires_year = 2026, expires_month = 10")
        with till.as_role("web"), pytest.raises(BadInput, match="expired"):
            till.sign(CAP)

    def test_keeps_the_words_and_seals_where_they_were_agreed(self, till, admin):
        text, ip = admin.execute("SELECT text, ip_sealed FROM payments_mandate").fetchone()
        assert "500.00 GBP" in text
        assert "4242" in text
        assert b"203.0.113.9" not in bytes(ip)


class TestACard:
    def test_is_kept_once_and_shows_four_digits(self, till):
        with scope(till.owner_id):
            card = Card.objects.get()
        assert (card.brand, card.last4) == ("visa", "4242")
        assert card.reference not in repr(card)

    def test_for_tests_is_refused_with_a_live_key(self, till, monkeypatch):
        monkeypatch.setattr("parkerflight.settings.config.Config.secret", lambda *_: "sk_live_x")
        with till.as_role("web"), pytest.raises(BadInput, match="test key"):
            payments.save_test_card(owner_id=till.owner_id, now=START)


def _rows(admin):
    tables = ("payments_payment", "payments_vendorcall", "audit_entry")
    return [admin.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]
