"""Taking held money: in part, in any currency, under a living mandate."""

from datetime import timedelta

import pytest
from tests.till import PRICE, Till

from parkerflight.core.errors import OutcomeUnknown, Terminal
from parkerflight.core.money import Money
from parkerflight.core.tenancy import scope
from parkerflight.payments import operations as payments
from parkerflight.payments.gateway import HoldGone
from parkerflight.payments.models import Payment

CREATE = "POST /v1/payment_intents"
CANCEL = "POST /v1/payment_intents/*/cancel"
LOST = ["close_after", "close_before", "error_after", "malformed"]


@pytest.fixture
def till(owner, as_role, stripe_sandbox, virtual_clock):
    return Till(owner, as_role, stripe_sandbox, virtual_clock)


class TestTakingMoney:
    def test_in_part_lets_the_rest_go_at_once(self, till):
        payment_id = till.held()
        part = Money(12_000, "GBP")
        state = till.run(payments.capture, payment_id, amount=part)
        assert state.captured == part
        assert till.intents == [(0, part.minor, 0)]

    def test_is_refused_with_another_amount_while_one_is_unanswered(self, till):
        payment_id = till.held()
        till.stripe.fault(route="POST /v1/payment_intents/*/capture", action="close_before")
        with pytest.raises(OutcomeUnknown):
            payments.capture(owner_id=till.owner_id, payment_id=payment_id, amount=PRICE, now=till.clock.now())
        with pytest.raises(Terminal, match="Another amount"):
            till.run(payments.capture, payment_id, amount=Money(100, "GBP"))

    def test_that_was_refused_goes_out_under_another_key_when_it_is_tried_again(self, till):
        payment_id = till.held()
        till.stripe.fault(
            route="POST /v1/payment_intents/*/capture", action="status", status=400, code="account_invalid"
        )
        with pytest.raises(Terminal, match="account_invalid"):
            till.run(payments.capture, payment_id, amount=PRICE)
        assert till.intents == [(PRICE.minor, 0, 0)]
        assert till.run(payments.capture, payment_id, amount=PRICE).captured == PRICE
        assert till.intents == [(0, PRICE.minor, 0)]

    def test_of_a_lapsed_hold_records_that_it_is_gone(self, till):
        payment_id = till.held()
        till.clock.advance(days=6)
        with pytest.raises(HoldGone):
            till.run(payments.capture, payment_id, amount=PRICE)
        assert till.state(payment_id).state == "released"

    @pytest.mark.parametrize(
        ("cap", "amount"),
        [
            (Money(90_000, "JPY"), Money(9_800, "JPY")),
            (Money(90_000, "KWD"), Money(12_340, "KWD")),
            (Money(90_000, "ISK"), Money(45_001, "ISK")),
        ],
    )
    def test_speaks_the_currencys_own_minor_unit(self, till, cap, amount):
        with till.as_role("web"):
            mandate_id = till.sign(cap)
        payment_id = till.prepare(amount, mandate_id=mandate_id)
        till.run(payments.authorise, payment_id)
        assert till.run(payments.capture, payment_id, amount=amount).captured == amount
        back = till.run(payments.refund, payment_id, amount=amount, cause="all")
        assert (back.status, till.state(payment_id).refunded) == ("succeeded", amount)

    def test_of_an_amount_no_card_can_be_charged_is_refused_before_anything_is_kept(self, till):
        with till.as_role("web"):
            mandate_id = till.sign(Money(90_000, "KWD"))
        with pytest.raises(Terminal, match="last digit"):
            till.prepare(Money(12_345, "KWD"), mandate_id=mandate_id)
        with scope(till.owner_id):
            assert not Payment.objects.exists()

    def test_ends_with_the_mandate_even_when_it_was_prepared_before(self, till):
        payment_id = till.prepare()
        with till.as_role("web"):
            payments.revoke_mandate(owner_id=till.owner_id, mandate_id=till.mandate_id, now=till.clock.now())
        with pytest.raises(Terminal, match="ended"):
            till.run(payments.authorise, payment_id)
        assert till.intents == []
        assert till.state(payment_id).state == "declined"

    def test_knows_when_the_hold_ends(self, till):
        assert till.state(till.held()).capture_before == till.clock.now() + timedelta(days=4, hours=18)
