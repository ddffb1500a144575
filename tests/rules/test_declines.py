"""Every decline code of the table, and the bank's advice above it."""

import pytest

from parkerflight.payments.gateway import DeclineClass
from parkerflight.payments.stripe.declines import CLASSES, classify


class TestDeclines:
    @pytest.mark.parametrize(
        ("code", "kind"),
        [
            ("insufficient_funds", DeclineClass.OTHER_CARD),
            ("expired_card", DeclineClass.OTHER_CARD),
            ("currency_not_supported", DeclineClass.OTHER_CARD),
            ("do_not_honor", DeclineClass.CALL_BANK),
            ("generic_decline", DeclineClass.CALL_BANK),
            ("pickup_card", DeclineClass.CALL_BANK),
            ("stolen_card", DeclineClass.GENERIC),
            ("fraudulent", DeclineClass.GENERIC),
            ("processing_error", DeclineClass.RETRY_LATER),
            ("issuer_not_available", DeclineClass.RETRY_LATER),
            ("stop_payment_order", DeclineClass.STOP),
            ("revocation_of_authorization", DeclineClass.STOP),
            ("duplicate_transaction", DeclineClass.CHECK_OURSELVES),
            ("authentication_required", DeclineClass.AUTHENTICATE),
            ("a_code_of_next_year", DeclineClass.GENERIC),
        ],
    )
    def test_have_the_class_that_says_what_to_do(self, code, kind):
        assert classify(code) is kind

    def test_follow_the_banks_advice_first(self):
        assert classify("do_not_honor", "try_again_later") is DeclineClass.RETRY_LATER
        assert classify("processing_error", "do_not_try_again") is DeclineClass.GENERIC
        assert classify("insufficient_funds", "confirm_card_data") is DeclineClass.OTHER_CARD

    @pytest.mark.parametrize("code", ["stop_payment_order", "authentication_required"])
    def test_never_retry_what_the_person_withdrew_or_must_confirm_whatever_the_advice(self, code):
        assert classify(code, "try_again_later") is not DeclineClass.RETRY_LATER

    def test_are_listed_once_each(self):
        assert len(CLASSES) >= 40
