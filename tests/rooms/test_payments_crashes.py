"""Processes that die anywhere while money moves: what they leave is finished by the next run, once."""

import pytest
from tests.till import PRICE, Till

from parkerflight.core.fault_points import listen
from parkerflight.payments import operations as payments

CREATE = "POST /v1/payment_intents"
CANCEL = "POST /v1/payment_intents/*/cancel"
LOST = ["close_after", "close_before", "error_after", "malformed"]


@pytest.fixture
def till(owner, as_role, stripe_sandbox, virtual_clock):
    return Till(owner, as_role, stripe_sandbox, virtual_clock)


class Died(Exception):
    """The process ended here."""


@pytest.fixture
def dies():
    """Let the next pass of a fault point end the work, as a killed process would."""

    def at(point):
        def listener(name):
            if name == point:
                listen(None)
                raise Died(point)

        listen(listener)

    yield at
    listen(None)


class TestAKilledProcess:
    POINTS = [
        ("payments.authorise.after_commit", "held"),
        ("stripe.after.payment_intents.create", "held"),
        ("payments.authorise.after_call", "held"),
        ("payments.authorise.after_record", "held"),
    ]

    @pytest.mark.parametrize(("point", "state"), POINTS)
    def test_while_holding_holds_once(self, till, dies, point, state):
        payment_id = till.prepare()
        dies(point)
        with pytest.raises(Died):
            till.run(payments.authorise, payment_id)
        assert till.run(payments.authorise, payment_id).state == state
        assert till.intents == [(PRICE.minor, 0, 0)]

    def test_while_holding_is_found_a_day_later_when_the_key_may_be_forgotten(self, till, dies):
        payment_id = till.prepare()
        dies("stripe.after.payment_intents.create")
        with pytest.raises(Died):
            till.run(payments.authorise, payment_id)
        till.clock.advance(hours=25)
        assert till.run(payments.authorise, payment_id).state == "held"
        assert till.intents == [(PRICE.minor, 0, 0)]

    @pytest.mark.parametrize(
        "point",
        ["payments.refund.after_commit", "stripe.after.refunds.create", "payments.refund.after_call",
         "payments.refund.after_record"],
    )  # fmt: skip
    def test_while_giving_back_gives_back_once(self, till, dies, point):
        payment_id = till.taken()
        dies(point)
        with pytest.raises(Died):
            till.run(payments.refund, payment_id, amount=PRICE, cause="c")
        till.clock.advance(hours=25)
        assert till.run(payments.refund, payment_id, amount=PRICE, cause="c").status == "succeeded"
        assert till.intents == [(0, PRICE.minor, PRICE.minor)]
        assert till.state(payment_id).state == "refunded"

    @pytest.mark.parametrize("step", ["after_commit", "after_call", "after_record"])
    def test_while_taking_takes_once(self, till, dies, step):
        payment_id = till.held()
        dies(f"payments.capture.{step}")
        with pytest.raises(Died):
            till.run(payments.capture, payment_id, amount=PRICE)
        till.clock.advance(hours=24)
        assert till.run(payments.capture, payment_id, amount=PRICE).state == "captured"
        assert till.intents == [(0, PRICE.minor, 0)]

    @pytest.mark.parametrize("point", ["payments.release.after_commit", "payments.release.after_opened",
                                       "stripe.after.payment_intents.cancel", "payments.release.after_record"])  # fmt: skip
    def test_while_letting_go_lets_go(self, till, dies, point):
        payment_id = till.held()
        dies(point)
        with pytest.raises(Died):
            till.run(payments.release, payment_id)
        assert till.run(payments.release, payment_id).state == "released"
        assert till.intents == [(0, 0, 0)]
