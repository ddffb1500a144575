"""Keys, parameters, idempotency, faults: the manners of the interface rather than its money."""

import threading
import urllib.error
import urllib.request

import pytest
import stripe

from tests.sandbox.conftest import DAY, wait_for


class TestAccess:
    @pytest.mark.parametrize("key", ["sk_live_abc", "pk_test_abc", "nonsense"])
    def test_refuses_keys_that_are_not_secret_test_keys(self, world, key):
        with pytest.raises(stripe.AuthenticationError) as caught:
            world.client_with(key).v1.customers.list()
        assert caught.value.http_status == 401

    def test_refuses_a_call_without_any_key(self, world):
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(f"{world.url}/v1/customers", timeout=5)

    def test_names_each_request(self, world):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            world.v1.customers.retrieve("cus_none")
        assert caught.value.request_id.startswith("req_")
        assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")

    def test_answers_unknown_addresses_in_the_envelope(self, world):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            world.client.raw_request("get", "/v1/unheard_of")
        assert caught.value.http_status == 404


class TestParameters:
    @pytest.mark.parametrize(
        ("change", "code", "param"),
        [
            ({"surprise": "1"}, "parameter_unknown", "surprise"),
            ({"payment_method_options": {"card": {"surprise": "1"}}}, "parameter_unknown", None),
            ({"payment_method_types": ["card"]}, "payment_method_types_no_longer_supported", "payment_method_types"),
            ({"amount": "a lot"}, "parameter_invalid_integer", "amount"),
            ({"amount": ""}, "parameter_missing", "amount"),
            ({"amount": 49}, "amount_too_small", "amount"),
            ({"amount": 100_000_000}, "amount_too_large", "amount"),
            ({"currency": "zzz"}, None, "currency"),
            ({"currency": "kwd", "amount": 1_001}, "invalid_charge_amount", "amount"),
            ({"customer": "cus_none"}, "resource_missing", "customer"),
            ({"payment_method": "pm_none"}, "resource_missing", "payment_method"),
            ({"off_session": "perhaps"}, None, "off_session"),
            ({"capture_method": "later"}, None, "capture_method"),
            ({"statement_descriptor": "PARKER"}, None, "statement_descriptor"),
            ({"metadata": {"long": "x" * 501}}, None, "metadata[long]"),
        ],
    )
    def test_are_refused_before_anything_happens(self, world, change, code, param):
        customer, method = world.saved()
        with pytest.raises(stripe.InvalidRequestError) as caught:
            world.hold(customer, method, **change)
        assert (caught.value.http_status, caught.value.code) == (400, code)
        assert param in (None, caught.value.param)
        assert world.ledger()["payment_intents"] == []

    @pytest.mark.parametrize("action", ["create", "confirm", "update"])
    def test_no_longer_include_payment_method_types(self, world, action):
        intents = world.v1.payment_intents
        intent = intents.create({"amount": 1_000, "currency": "usd"})
        wish = {"payment_method_types": ["card"]}
        calls = {
            "create": lambda: intents.create({"amount": 1_000, "currency": "usd", **wish}),
            "confirm": lambda: intents.confirm(intent.id, wish),
            "update": lambda: intents.update(intent.id, wish),
        }
        with pytest.raises(stripe.InvalidRequestError) as caught:
            calls[action]()
        assert caught.value.code == "payment_method_types_no_longer_supported"

    def test_show_the_allowed_types_in_the_answer(self, world):
        wish = {"amount": 1_000, "currency": "usd", "allowed_payment_method_types": ["card"]}
        assert world.v1.payment_intents.create(wish).payment_method_types == ["card"]

    def test_may_be_changed_until_money_is_held(self, world):
        intents = world.v1.payment_intents
        intent = intents.create({"amount": 1_000, "currency": "usd"})
        assert intents.update(intent.id, {"amount": 2_000, "metadata": {"a": "b"}}).amount == 2_000
        held = world.hold(*world.saved())
        with pytest.raises(stripe.InvalidRequestError) as caught:
            intents.update(held.id, {"amount": 2_000})
        assert caught.value.code == "payment_intent_unexpected_state"
        assert intents.update(held.id, {"metadata": {"pnr": "ABC123"}}).metadata["pnr"] == "ABC123"

    def test_expand_what_the_answer_refers_to(self, world):
        done = world.paid()
        deep = world.v1.payment_intents.retrieve(
            done.id, {"expand": ["latest_charge.balance_transaction", "customer", "payment_method"]}
        )
        assert deep.latest_charge.balance_transaction.object == "balance_transaction"
        assert (deep.customer.object, deep.payment_method.object) == ("customer", "payment_method")
        listed = world.v1.payment_intents.list({"expand": ["data.latest_charge"]})
        assert listed.data[0].latest_charge.id == done.latest_charge


class TestAnIdempotencyKey:
    KEY = {"idempotency_key": "booking-1:hold:1"}

    def test_replays_the_first_answer(self, world):
        customer, method = world.saved()
        first, again = (world.hold(customer, method, self.KEY) for _ in range(2))
        assert first.id == again.id
        assert "Idempotent-Replayed" not in first.last_response.headers
        assert again.last_response.headers["Idempotent-Replayed"] == "true"
        assert len(world.ledger()["payment_intents"]) == 1

    def test_refuses_other_parameters(self, world):
        customer, method = world.saved()
        world.hold(customer, method, self.KEY)
        with pytest.raises(stripe.IdempotencyError) as caught:
            world.hold(customer, method, self.KEY, amount=25_001)
        assert caught.value.http_status == 400
        assert len(world.ledger()["payment_intents"]) == 1

    def test_replays_declines_too(self, world):
        customer, method = world.saved("chargeCustomerFail")
        charges = []
        for _ in range(2):
            with pytest.raises(stripe.CardError) as caught:
                world.hold(customer, method, self.KEY)
            charges.append(caught.value.error.charge)
        assert charges[0] == charges[1]
        assert len(world.ledger()["payment_intents"]) == 1

    def test_replays_server_errors_although_the_work_was_done(self, world):
        customer, method = world.saved()
        world.fault("POST /v1/payment_intents", "error_after")
        for _ in range(2):
            with pytest.raises(stripe.APIError) as caught:
                world.hold(customer, method, self.KEY)
            assert caught.value.http_status == 500
        assert [row["held"] for row in world.ledger()["payment_intents"]] == [25_000]

    def test_is_free_again_after_refused_parameters(self, world):
        customer, method = world.saved()
        with pytest.raises(stripe.InvalidRequestError):
            world.hold(customer, method, self.KEY, surprise="1")
        assert world.hold(customer, method, self.KEY).status == "requires_capture"

    def test_is_free_again_after_too_many_requests(self, world):
        customer, method = world.saved()
        world.fault("POST /v1/payment_intents", "rate_limit")
        with pytest.raises(stripe.RateLimitError) as caught:
            world.hold(customer, method, self.KEY)
        assert caught.value.error.code == "rate_limit"
        assert world.hold(customer, method, self.KEY).status == "requires_capture"

    def test_means_nothing_after_a_day(self, world):
        customer, method = world.saved()
        first = world.hold(customer, method, self.KEY)
        world.advance(DAY - 1)
        assert world.hold(customer, method, self.KEY).id == first.id
        world.advance(2)
        assert world.hold(customer, method, self.KEY).id != first.id

    def test_is_busy_while_the_first_call_runs(self, world):
        customer, method = world.saved()
        world.fault("POST /v1/payment_intents", "slow", seconds=0.3)
        slow = threading.Thread(target=world.hold, args=(customer, method, self.KEY))
        slow.start()
        wait_for(lambda: world.control("GET", "faults")["faults"][0]["fired"] == 1)
        with pytest.raises(stripe.APIError) as caught:
            world.hold(customer, method, self.KEY)
        assert (caught.value.http_status, caught.value.error.code) == (409, "idempotency_key_in_use")
        slow.join()
        assert len(world.ledger()["payment_intents"]) == 1


class TestAFault:
    def test_drops_the_call_before_it_did_anything(self, world):
        customer, method = world.saved()
        world.fault("POST /v1/payment_intents", "close_before")
        with pytest.raises(stripe.APIConnectionError):
            world.hold(customer, method)
        assert world.ledger()["payment_intents"] == []

    def test_drops_the_answer_after_the_money_is_held(self, world):
        customer, method = world.saved()
        world.fault("POST /v1/payment_intents", "close_after")
        key = {"idempotency_key": "k"}
        with pytest.raises(stripe.APIConnectionError):
            world.hold(customer, method, key)
        (row,) = world.ledger()["payment_intents"]
        assert (row["status"], row["held"], row["metadata"]) == ("requires_capture", 25_000, {"booking": "b1"})
        assert world.hold(customer, method, key).id == row["id"]

    def test_is_healed_by_the_clients_own_retry(self, world):
        customer, method = world.saved()
        patient = world.client_with("sk_test_sandbox", max_network_retries=1)
        world.fault("POST /v1/customers/*", "close_after")
        assert patient.v1.customers.update(customer, {"name": "Ada"}).name == "Ada"
        assert method

    def test_hits_the_call_it_is_meant_for(self, world):
        world.fault("GET /v1/customers*", "status", nth=2, times=2, status=503, code="lock_timeout")
        world.v1.customers.list()
        for _ in range(2):
            with pytest.raises(stripe.APIError) as caught:
                world.v1.customers.list()
            assert (caught.value.http_status, caught.value.error.code) == (503, "lock_timeout")
        world.v1.customers.list()
        (rule,) = world.control("GET", "faults")["faults"]
        assert (rule["seen"], rule["fired"]) == (4, 2)

    def test_can_break_the_json(self, world):
        world.fault("GET /v1/customers", "malformed")
        with pytest.raises(stripe.APIError, match="Invalid response body"):
            world.v1.customers.list()

    def test_is_gone_when_cleared(self, world):
        world.fault("GET /v1/customers", "close_before")
        world.control("DELETE", "faults")
        assert world.v1.customers.list().data == []

    def test_is_refused_when_it_makes_no_sense(self, world):
        with pytest.raises(urllib.error.HTTPError, match="400"):
            world.fault("GET /v1/customers", "explode")
