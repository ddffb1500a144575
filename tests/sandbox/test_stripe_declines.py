"""What each test card does when the customer is away, and how a refused payment is rescued."""

import pytest
import stripe

REFUSED_WHEN_SAVED = {
    "chargeDeclined": ("card_declined", "generic_decline"),
    "chargeDeclinedInsufficientFunds": ("card_declined", "insufficient_funds"),
    "visa_chargeDeclinedLostCard": ("card_declined", "lost_card"),
    "visa_chargeDeclinedStolenCard": ("card_declined", "stolen_card"),
    "visa_chargeDeclinedVelocityLimitExceeded": ("card_declined", "card_velocity_exceeded"),
    "chargeDeclinedExpiredCard": ("expired_card", None),
    "chargeDeclinedIncorrectCvc": ("incorrect_cvc", None),
    "chargeDeclinedProcessingError": ("processing_error", None),
}
REFUSED_WHEN_CHARGED = {
    "chargeCustomerFail": ("card_declined", "generic_decline"),
    "authenticationRequired": ("authentication_required", "authentication_required"),
    "authenticationRequiredChargeDeclinedInsufficientFunds": ("card_declined", "insufficient_funds"),
    "threeDSecure2Required": ("authentication_required", "authentication_required"),
    "riskLevelHighest": ("card_declined", "fraudulent"),
    "radarBlock": ("card_declined", "fraudulent"),
}
GOOD = (
    *("visa", "mastercard", "amex", "discover", "authenticationRequiredOnSetup", "threeDSecureOptional"),
    *("authenticationRequiredSetupForOffSession", "riskLevelElevated", "bypassPending"),
)


def refused_hold(world, customer, method, **more):
    with pytest.raises(stripe.CardError) as caught:
        world.hold(customer, method, **more)
    assert caught.value.http_status == 402
    return caught.value


class TestADeclinedCharge:
    @pytest.mark.parametrize(("name", "codes"), [*REFUSED_WHEN_SAVED.items()])
    def test_names_the_reason_for_cards_that_cannot_be_saved(self, world, name, codes):
        error = refused_hold(world, world.customer().id, f"pm_card_{name}")
        assert (error.code, error.error.decline_code) == codes

    @pytest.mark.parametrize(("name", "codes"), [*REFUSED_WHEN_CHARGED.items()])
    def test_names_the_reason_for_cards_that_fail_after_saving(self, world, name, codes):
        customer, method = world.saved(name)
        error = refused_hold(world, customer, method)
        assert (error.code, error.error.decline_code) == codes
        assert error.error.payment_method.id == method

    @pytest.mark.parametrize("name", REFUSED_WHEN_SAVED)
    def test_keeps_such_a_card_from_being_attached(self, world, name):
        customer = world.customer().id
        with pytest.raises(stripe.CardError):
            world.v1.payment_methods.attach(f"pm_card_{name}", {"customer": customer})
        assert world.v1.customers.payment_methods.list(customer).data == []

    def test_leaves_an_intent_that_waits_for_a_card(self, world):
        customer, method = world.saved("chargeCustomerFail")
        error = refused_hold(world, customer, method)
        intent = world.v1.payment_intents.retrieve(error.error.payment_intent.id, {"expand": ["latest_charge"]})
        assert intent.status == error.error.payment_intent.status == "requires_payment_method"
        assert intent.last_payment_error.decline_code == "generic_decline"
        assert (intent.latest_charge.status, intent.latest_charge.outcome.type) == ("failed", "issuer_declined")
        assert intent.latest_charge.id == error.error.charge
        assert world.event_types()[-2:] == ["charge.failed", "payment_intent.payment_failed"]
        assert world.ledger()["totals"]["usd"]["held"] == 0

    def test_can_be_saved_by_another_card_on_the_same_intent(self, world):
        customer, method = world.saved("chargeCustomerFail")
        intent = refused_hold(world, customer, method).error.payment_intent
        good = world.v1.payment_methods.attach("pm_card_visa", {"customer": customer}).id
        done = world.v1.payment_intents.confirm(intent.id, {"payment_method": good, "off_session": True})
        assert (done.status, done.last_payment_error) == ("requires_capture", None)

    @pytest.mark.parametrize(
        ("name", "advice"), [("visa_chargeDeclinedStolenCard", "do_not_try_again"),
                             ("chargeDeclinedInsufficientFunds", "try_again_later"),
                             ("chargeDeclinedExpiredCard", "confirm_card_data")],
    )  # fmt: skip
    def test_carries_advice(self, world, name, advice):
        assert refused_hold(world, world.customer().id, f"pm_card_{name}").error.advice_code == advice

    def test_tells_a_block_from_a_banks_refusal(self, world):
        error = refused_hold(world, *world.saved("radarBlock"))
        outcome = world.v1.charges.retrieve(error.error.charge).outcome
        assert (outcome.type, outcome.network_status) == ("blocked", "not_sent_to_network")

    @pytest.mark.parametrize("name", GOOD)
    def test_does_not_happen_with_good_cards(self, world, name):
        assert world.hold(*world.saved(name)).status == "requires_capture"

    def test_wants_authentication_from_a_card_saved_without_it(self, world):
        customer = world.customer().id
        method = world.v1.payment_methods.attach("pm_card_authenticationRequiredOnSetup", {"customer": customer}).id
        assert refused_hold(world, customer, method).code == "authentication_required"


class TestBringingTheUserBack:
    def confirmed_on_page(self, world, name):
        customer, method = world.saved(name)
        intent = refused_hold(world, customer, method).error.payment_intent
        waiting = world.v1.payment_intents.confirm(intent.id, {"payment_method": method})
        assert (waiting.status, waiting.next_action.type) == ("requires_action", "use_stripe_sdk")
        assert "payment_intent.requires_action" in world.event_types()
        return waiting.id

    def test_turns_authentication_into_a_hold(self, world):
        intent = self.confirmed_on_page(world, "authenticationRequired")
        done = world.control("POST", f"payment_intents/{intent}/authenticate", {"outcome": "success"})
        assert (done["status"], done["amount_capturable"]) == ("requires_capture", 25_000)

    def test_waits_again_when_authentication_fails(self, world):
        intent = self.confirmed_on_page(world, "authenticationRequired")
        done = world.control("POST", f"payment_intents/{intent}/authenticate", {"outcome": "failure"})
        assert done["status"] == "requires_payment_method"
        assert done["last_payment_error"]["code"] == "payment_intent_authentication_failure"

    def test_may_still_end_without_funds(self, world):
        intent = self.confirmed_on_page(world, "authenticationRequiredChargeDeclinedInsufficientFunds")
        done = world.control("POST", f"payment_intents/{intent}/authenticate", {"outcome": "success"})
        assert done["status"] == "requires_payment_method"
        assert done["last_payment_error"]["decline_code"] == "insufficient_funds"

    def test_can_be_refused_beforehand(self, world):
        customer, method = world.saved("authenticationRequired")
        error = refused_hold(world, customer, method, off_session=False, error_on_requires_action=True)
        assert error.code == "authentication_required"
