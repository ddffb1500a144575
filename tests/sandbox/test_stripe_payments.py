"""Holds, captures, releases and refunds, through the unmodified Stripe client."""

import pytest
import stripe

from tests.sandbox.conftest import DAY, HOUR


class TestSavingACard:
    def test_attaches_it_to_the_customer(self, world):
        customer, method = world.saved()
        assert world.v1.payment_methods.retrieve(method).customer == customer
        assert [one.id for one in world.v1.customers.payment_methods.list(customer).data] == [method]
        assert {"setup_intent.created", "setup_intent.succeeded", "payment_method.attached"} <= set(world.event_types())

    def test_gives_each_test_name_its_own_payment_method(self, world):
        assert world.saved()[1] != world.saved()[1]

    def test_asks_for_3d_secure_and_succeeds_after_it(self, world):
        customer = world.customer().id
        wish = {"customer": customer, "payment_method": "pm_card_authenticationRequiredOnSetup", "confirm": True}
        setup = world.v1.setup_intents.create({**wish, "return_url": "http://127.0.0.1/back"})
        assert (setup.status, setup.next_action.type) == ("requires_action", "redirect_to_url")
        assert world.v1.payment_methods.retrieve(setup.payment_method).customer is None
        world.control("POST", f"setup_intents/{setup.id}/authenticate", {"outcome": "success"})
        done = world.v1.setup_intents.retrieve(setup.id, {"expand": ["latest_attempt"]})
        assert done.status == "succeeded"
        assert done.latest_attempt.payment_method_details.card.three_d_secure.result == "authenticated"
        assert world.v1.payment_methods.retrieve(done.payment_method).customer == customer

    def test_returns_to_waiting_when_3d_secure_fails(self, world):
        wish = {"customer": world.customer().id, "payment_method": "pm_card_threeDSecure2Required", "confirm": True}
        setup = world.v1.setup_intents.create(wish)
        world.control("POST", f"setup_intents/{setup.id}/authenticate", {"outcome": "failure"})
        done = world.v1.setup_intents.retrieve(setup.id)
        assert done.status == "requires_payment_method"
        assert done.last_setup_error.code == "setup_intent_authentication_failure"

    def test_refuses_a_declining_card_and_keeps_it_off_the_customer(self, world):
        customer = world.customer().id
        setup = world.v1.setup_intents.create({"customer": customer, "payment_method": "pm_card_chargeDeclined"})
        with pytest.raises(stripe.CardError) as caught:
            world.v1.setup_intents.confirm(setup.id)
        assert caught.value.error.decline_code == "generic_decline"
        assert caught.value.error.setup_intent.status == "requires_payment_method"
        assert world.v1.payment_methods.list({"customer": customer, "type": "card"}).data == []
        assert "setup_intent.setup_failed" in world.event_types()

    def test_never_takes_a_detached_card_again(self, world):
        customer, method = world.saved()
        world.v1.payment_methods.detach(method)
        with pytest.raises(stripe.InvalidRequestError, match="detached"):
            world.v1.payment_methods.attach(method, {"customer": customer})
        with pytest.raises(stripe.InvalidRequestError, match="detached"):
            world.hold(customer, method)
        assert world.ledger()["payment_intents"] == []

    def test_makes_cards_from_tokens_and_test_numbers(self, world):
        token = world.v1.payment_methods.create({"type": "card", "card": {"token": "tok_mastercard"}})
        number = {"number": "378282246310005", "exp_month": 12, "exp_year": 2090, "cvc": "1234"}
        amex = world.v1.payment_methods.create({"type": "card", "card": number})
        assert (token.card.brand, amex.card.brand, amex.card.last4) == ("mastercard", "amex", "0005")

    @pytest.mark.parametrize(
        ("card", "code"),
        [
            ({"number": "4242424242424241", "exp_month": 1, "exp_year": 2090}, "incorrect_number"),
            ({"number": "4242424242424242", "exp_month": 13, "exp_year": 2090}, "invalid_expiry_month"),
            ({"number": "4242424242424242", "exp_month": 1, "exp_year": 2020}, "invalid_expiry_year"),
        ],
    )
    def test_refuses_an_impossible_card(self, world, card, code):
        with pytest.raises(stripe.CardError) as caught:
            world.v1.payment_methods.create({"type": "card", "card": card})
        assert caught.value.code == code


class TestAHold:
    def test_promises_the_amount_and_takes_nothing(self, world):
        intent = world.hold(*world.saved(), expand=["latest_charge"])
        assert (intent.status, intent.amount_capturable, intent.amount_received) == ("requires_capture", 25_000, 0)
        assert intent.latest_charge.captured is False
        assert intent.latest_charge.outcome.type == "authorized"
        assert world.ledger()["totals"] == {"usd": {"held": 25_000, "captured": 0, "refunded": 0}}
        assert "payment_intent.amount_capturable_updated" in world.event_types()

    def test_echoes_how_the_stored_card_is_used(self, world):
        options = {"card": {"stored_credential_usage": "unscheduled"}}
        intent = world.hold(*world.saved(), payment_method_options=options, expand=["latest_charge"])
        assert intent.payment_method_options.card.stored_credential_usage == "unscheduled"
        assert intent.latest_charge.payment_method_details.card.stored_credential_usage == "unscheduled"

    @pytest.mark.parametrize(
        ("name", "away", "seconds"),
        [
            ("visa", True, 4 * DAY + 18 * HOUR),
            ("visa", False, 7 * DAY),
            ("mastercard", True, 7 * DAY),
            ("amex", True, 7 * DAY),
            ("discover", True, 7 * DAY),
        ],
    )
    def test_lasts_as_long_as_the_network_says(self, world, name, away, seconds):
        intent = world.hold(*world.saved(name), off_session=away, expand=["latest_charge"])
        card = intent.latest_charge.payment_method_details.card
        assert card.capture_before == intent.latest_charge.created + seconds

    def test_lapses_at_its_end_and_cannot_be_captured_any_more(self, world):
        intent = world.hold(*world.saved())
        world.advance(4 * DAY + 18 * HOUR - 60)
        assert world.v1.payment_intents.retrieve(intent.id).status == "requires_capture"
        world.advance(120)
        lapsed = world.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge.refunds"]})
        assert (lapsed.status, lapsed.cancellation_reason, lapsed.amount_capturable) == ("canceled", "expired", 0)
        assert lapsed.latest_charge.refunds.data[0].reason == "expired_uncaptured_charge"
        assert world.event_types()[-2:] == ["charge.expired", "payment_intent.canceled"]
        with pytest.raises(stripe.InvalidRequestError) as caught:
            world.v1.payment_intents.capture(intent.id)
        assert caught.value.code == "charge_expired_for_capture"
        assert world.ledger()["totals"]["usd"] == {"held": 0, "captured": 0, "refunded": 0}

    def test_does_not_lapse_once_captured(self, world):
        intent = world.paid()
        world.advance(30 * DAY)
        assert world.v1.payment_intents.retrieve(intent.id).status == "succeeded"

    def test_cannot_be_placed_on_another_customers_card(self, world):
        _, method = world.saved()
        with pytest.raises(stripe.InvalidRequestError, match="does not belong"):
            world.hold(world.customer().id, method)
        assert world.ledger()["payment_intents"] == []

    def test_needs_confirmation_to_be_off_session(self, world):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            world.hold(*world.saved(), confirm=False)
        assert caught.value.param == "off_session"

    def test_is_found_by_customer_and_time(self, world):
        customer, method = world.saved()
        mine = world.hold(customer, method)
        world.hold(*world.saved())
        found = world.v1.payment_intents.list({"customer": customer, "created": {"gte": mine.created}})
        assert [one.id for one in found.data] == [mine.id]
        assert world.v1.payment_intents.list({"created": {"gt": mine.created + 1}}).data == []

    def test_lists_page_by_page_newest_first(self, world):
        customer, method = world.saved()
        made = [world.hold(customer, method).id for _ in range(5)]
        pages = world.v1.payment_intents.list({"limit": 2})
        assert [one.id for one in pages.auto_paging_iter()] == made[::-1]


class TestACapture:
    def test_takes_the_whole_hold_and_pays_the_fee(self, world):
        done = world.paid()
        charge = world.v1.charges.retrieve(done.latest_charge, {"expand": ["balance_transaction"]})
        assert (done.status, done.amount_received, charge.amount_captured) == ("succeeded", 25_000, 25_000)
        assert (charge.balance_transaction.fee, charge.balance_transaction.net) == (755, 24_245)
        assert world.event_types()[-2:] == ["charge.captured", "payment_intent.succeeded"]

    def test_takes_a_part_and_releases_the_rest(self, world):
        intent = world.hold(*world.saved())
        done = world.v1.payment_intents.capture(intent.id, {"amount_to_capture": 20_000, "final_capture": True})
        assert (done.amount_received, done.amount_capturable) == (20_000, 0)
        assert world.ledger()["totals"]["usd"] == {"held": 0, "captured": 20_000, "refunded": 0}

    def test_refuses_one_cent_more_than_held(self, world):
        intent = world.hold(*world.saved())
        with pytest.raises(stripe.InvalidRequestError):
            world.v1.payment_intents.capture(intent.id, {"amount_to_capture": 25_001})
        assert world.v1.payment_intents.retrieve(intent.id).status == "requires_capture"

    def test_happens_once(self, world):
        done = world.paid()
        with pytest.raises(stripe.InvalidRequestError) as caught:
            world.v1.payment_intents.capture(done.id)
        assert caught.value.code == "charge_already_captured"
        assert world.ledger()["totals"]["usd"]["captured"] == 25_000

    def test_is_refused_after_a_cancellation(self, world):
        intent = world.hold(*world.saved())
        canceled = world.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "requested_by_customer"})
        assert (canceled.status, canceled.amount_capturable) == ("canceled", 0)
        with pytest.raises(stripe.InvalidRequestError) as caught:
            world.v1.payment_intents.capture(intent.id)
        assert caught.value.code == "payment_intent_unexpected_state"
        assert world.ledger()["totals"]["usd"] == {"held": 0, "captured": 0, "refunded": 0}

    def test_rules_out_a_later_cancellation(self, world):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            world.v1.payment_intents.cancel(world.paid().id)
        assert caught.value.code == "payment_intent_unexpected_state"


class TestARefund:
    def test_goes_in_parts_up_to_what_was_taken(self, world):
        done = world.paid()
        world.v1.refunds.create({"payment_intent": done.id, "amount": 10_000})
        with pytest.raises(stripe.InvalidRequestError) as caught:
            world.v1.refunds.create({"payment_intent": done.id, "amount": 15_001})
        assert caught.value.param == "amount"
        rest = world.v1.refunds.create({"charge": done.latest_charge})
        assert rest.amount == 15_000
        with pytest.raises(stripe.InvalidRequestError) as caught:
            world.v1.refunds.create({"payment_intent": done.id})
        assert caught.value.code == "charge_already_refunded"
        assert world.ledger()["totals"]["usd"] == {"held": 0, "captured": 25_000, "refunded": 25_000}

    def test_does_not_bring_the_fee_back(self, world):
        done = world.paid()
        refund = world.v1.refunds.create({"payment_intent": done.id}, {})
        entry = world.v1.balance_transactions.retrieve(refund.balance_transaction)
        assert (entry.amount, entry.fee) == (-25_000, 0)

    def test_says_by_how_much_in_the_event(self, world):
        done = world.paid()
        world.v1.refunds.create({"payment_intent": done.id, "amount": 1_000})
        event = next(one for one in world.v1.events.list({"type": "charge.refunded"}).data)
        assert event.data.object.amount_refunded == 1_000
        assert event.data.previous_attributes.amount_refunded == 0

    def test_refuses_a_hold_that_was_never_captured(self, world):
        intent = world.hold(*world.saved())
        with pytest.raises(stripe.InvalidRequestError) as caught:
            world.v1.refunds.create({"payment_intent": intent.id})
        assert caught.value.code == "charge_not_refundable"

    def test_can_fail_later_and_gives_the_money_back_to_us(self, world):
        refund = world.v1.refunds.create({"payment_intent": world.paid("refundFail").id})
        assert refund.status == "succeeded"
        world.advance(61)
        later = world.v1.refunds.retrieve(refund.id)
        assert (later.status, later.failure_reason) == ("failed", "expired_or_canceled_card")
        assert "refund.failed" in world.event_types()
        assert world.ledger()["totals"]["usd"]["refunded"] == 0

    def test_can_be_pending_first(self, world):
        refund = world.v1.refunds.create({"payment_intent": world.paid("refundPending").id})
        assert refund.status == "pending"
        world.advance(61)
        assert world.v1.refunds.retrieve(refund.id).status == "succeeded"


class TestADispute:
    def test_blocks_refunds_and_takes_the_money(self, world):
        done = world.paid("createDispute")
        dispute = world.v1.disputes.list({"payment_intent": done.id}).data[0]
        assert (dispute.status, dispute.reason, dispute.amount) == ("needs_response", "fraudulent", 25_000)
        assert {"charge.dispute.created", "charge.dispute.funds_withdrawn"} <= set(world.event_types())
        with pytest.raises(stripe.InvalidRequestError) as caught:
            world.v1.refunds.create({"payment_intent": done.id})
        assert caught.value.code == "charge_disputed"

    @pytest.mark.parametrize(("text", "verdict"), [("winning_evidence", "won"), ("losing_evidence", "lost")])
    def test_is_decided_by_the_evidence(self, world, text, verdict):
        world.paid("createDisputeProductNotReceived")
        dispute = world.v1.disputes.list().data[0]
        staged = world.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": text}, "submit": False})
        assert staged.status == "needs_response"
        sent = world.v1.disputes.update(dispute.id, {"evidence": {"customer_name": "Ada"}, "submit": True})
        assert sent.status == "under_review"
        world.advance(61)
        assert world.v1.disputes.retrieve(dispute.id).status == verdict
        assert ("charge.dispute.funds_reinstated" in world.event_types()) == (verdict == "won")

    def test_is_lost_when_closed(self, world):
        world.paid("createDispute")
        assert world.v1.disputes.close(world.v1.disputes.list().data[0].id).status == "lost"

    def test_can_be_an_inquiry_or_come_twice(self, world):
        world.paid("createDisputeInquiry")
        assert world.v1.disputes.list().data[0].status == "warning_needs_response"
        done = world.paid("createMultipleDisputes")
        assert len(world.v1.disputes.list({"charge": done.latest_charge}).data) == 2

    def test_can_be_announced_by_a_fraud_warning(self, world):
        done = world.paid("createIssuerFraudRecord")
        warning = world.v1.radar.early_fraud_warnings.list({"charge": done.latest_charge}).data[0]
        assert warning.actionable is True
        assert "radar.early_fraud_warning.created" in world.event_types()


class TestACustomer:
    def test_is_found_by_mail_updated_and_deleted(self, world):
        customer = world.customer(metadata={"user": "u1"})
        world.customer(email="bob@example.com")
        assert [one.id for one in world.v1.customers.list({"email": "ada@example.com"}).data] == [customer.id]
        changed = world.v1.customers.update(customer.id, {"name": "Ada", "metadata": {"user": "", "plan": "x"}})
        assert (changed.name, changed.metadata.to_dict()) == ("Ada", {"plan": "x"})
        assert world.v1.customers.delete(customer.id).deleted is True
        assert world.v1.customers.retrieve(customer.id).deleted is True
        with pytest.raises(stripe.InvalidRequestError) as caught:
            world.v1.setup_intents.create({"customer": customer.id})
        assert caught.value.code == "resource_missing"

    def test_takes_its_cards_along_when_deleted(self, world):
        customer, method = world.saved()
        world.v1.customers.delete(customer)
        with pytest.raises(stripe.InvalidRequestError):
            world.v1.payment_methods.attach(method, {"customer": world.customer().id})

    def test_keeps_its_settings_when_an_update_is_refused(self, world):
        customer = world.customer().id
        with pytest.raises(stripe.InvalidRequestError):
            world.v1.customers.update(
                customer, {"name": "x", "invoice_settings": {"default_payment_method": "pm_none"}}
            )
        assert world.v1.customers.retrieve(customer).name is None
