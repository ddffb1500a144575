"""Stripe's test cards: what each does when saved, charged with the customer away or present, and afterwards."""

from dataclasses import dataclass

OK = "ok"
THREE_D_SECURE = "3ds"
AUTHENTICATION_REQUIRED = "authentication_required"
BLOCKED = "blocked"


@dataclass(frozen=True)
class TestCard:
    """Outcomes are OK, THREE_D_SECURE, BLOCKED or a decline (a key of DECLINES).

    `save` applies to attaching and to a SetupIntent, `present`/`away` to charges with the customer present or away
    (`away_unprepared` when the card was never saved with authentication), `after` to a charge after 3D Secure.
    """

    number: str
    name: str
    save: str = OK
    present: str = OK
    away: str = OK
    away_unprepared: str = ""
    after: str = OK
    brand: str = "visa"
    aftermath: str = ""
    refund: str = OK
    risk: str = "normal"
    available_at_once: bool = False

    @property
    def last4(self) -> str:
        return self.number[-4:]

    @property
    def without_preparation(self) -> str:
        return self.away_unprepared or self.away


@dataclass(frozen=True)
class Decline:
    """What the bank's refusal looks like: error code, decline code, advice and the network's own code."""

    code: str
    decline_code: str
    advice: str | None
    network_code: str
    message: str


def _declined(decline_code: str, network_code: str, advice: str | None = "try_again_later") -> Decline:
    return Decline("card_declined", decline_code, advice, network_code, "Your card was declined.")


DECLINES = {
    "generic_decline": _declined("generic_decline", "05"),
    "insufficient_funds": Decline(
        "card_declined", "insufficient_funds", "try_again_later", "51", "Your card has insufficient funds."
    ),
    "lost_card": _declined("lost_card", "41", "do_not_try_again"),
    "stolen_card": _declined("stolen_card", "43", "do_not_try_again"),
    "card_velocity_exceeded": _declined("card_velocity_exceeded", "61"),
    "fraudulent": _declined("fraudulent", "", "do_not_try_again"),
    "expired_card": Decline("expired_card", "", "confirm_card_data", "54", "Your card has expired."),
    "incorrect_cvc": Decline("incorrect_cvc", "", "confirm_card_data", "N7", "Your card's security code is incorrect."),
    "processing_error": Decline(
        "processing_error", "", "try_again_later", "96", "An error occurred while processing your card."
    ),
    AUTHENTICATION_REQUIRED: Decline(
        AUTHENTICATION_REQUIRED, AUTHENTICATION_REQUIRED, None, "1A", "Your card requires authentication."
    ),
}


def _refusing(number: str, name: str, decline: str) -> TestCard:
    return TestCard(number, name, save=decline, present=decline, away=decline)


def _challenging(number: str, name: str, *, after: str = OK, away: str = AUTHENTICATION_REQUIRED) -> TestCard:
    return TestCard(
        number,
        name,
        save=THREE_D_SECURE,
        present=THREE_D_SECURE,
        away=away,
        away_unprepared=AUTHENTICATION_REQUIRED,
        after=after,
    )


TEST_CARDS = (
    TestCard("4242424242424242", "visa"),
    TestCard("4000056655665556", "visa_debit"),
    TestCard("5555555555554444", "mastercard", brand="mastercard"),
    TestCard("378282246310005", "amex", brand="amex"),
    TestCard("6011111111111117", "discover", brand="discover"),
    TestCard(
        "4000002500003155",
        "authenticationRequiredOnSetup",
        save=THREE_D_SECURE,
        present=THREE_D_SECURE,
        away_unprepared=AUTHENTICATION_REQUIRED,
    ),
    _challenging("4000002760003184", "authenticationRequired"),
    TestCard(
        "4000003800000446",
        "authenticationRequiredSetupForOffSession",
        save=THREE_D_SECURE,
        present=THREE_D_SECURE,
    ),
    _challenging(
        "4000008260003178",
        "authenticationRequiredChargeDeclinedInsufficientFunds",
        after="insufficient_funds",
        away="insufficient_funds",
    ),
    _challenging("4000000000003220", "threeDSecure2Required"),
    _challenging("4000008400001629", "threeDSecureRequiredChargeDeclined", after="generic_decline"),
    _challenging("4000008400001280", "threeDSecureRequiredProcessingError", after="processing_error"),
    _challenging("4000000000003063", "threeDSecureRequired", away="generic_decline"),
    TestCard("4000000000003055", "threeDSecureOptional"),
    TestCard("4000000000003097", "threeDSecureOptionalProcessingError"),
    _refusing("4000000000000002", "chargeDeclined", "generic_decline"),
    _refusing("4000000000009995", "chargeDeclinedInsufficientFunds", "insufficient_funds"),
    _refusing("4000000000009987", "visa_chargeDeclinedLostCard", "lost_card"),
    _refusing("4000000000009979", "visa_chargeDeclinedStolenCard", "stolen_card"),
    _refusing("4000000000006975", "visa_chargeDeclinedVelocityLimitExceeded", "card_velocity_exceeded"),
    _refusing("4000000000000069", "chargeDeclinedExpiredCard", "expired_card"),
    _refusing("4000000000000127", "chargeDeclinedIncorrectCvc", "incorrect_cvc"),
    _refusing("4000000000000119", "chargeDeclinedProcessingError", "processing_error"),
    TestCard("4000000000000341", "chargeCustomerFail", present="generic_decline", away="generic_decline"),
    TestCard("4000000000004954", "riskLevelHighest", present=BLOCKED, away=BLOCKED, risk="highest"),
    TestCard("4000000000009235", "riskLevelElevated", risk="elevated"),
    TestCard("4100000000000019", "radarBlock", present=BLOCKED, away=BLOCKED, risk="highest"),
    TestCard("4000000000000259", "createDispute", aftermath="fraudulent"),
    TestCard("4000000000002685", "createDisputeProductNotReceived", aftermath="product_not_received"),
    TestCard("4000000000001976", "createDisputeInquiry", aftermath="inquiry"),
    TestCard("4000000000005423", "createIssuerFraudRecord", aftermath="early_fraud_warning"),
    TestCard("4000000404000079", "createMultipleDisputes", aftermath="several"),
    TestCard("4000000000005126", "refundFail", refund="fail"),
    TestCard("4000000000007726", "refundPending", refund="async"),
    TestCard("4000000000000077", "bypassPending", available_at_once=True),
)

BY_NUMBER = {card.number: card for card in TEST_CARDS}
BY_NAME = {card.name: card for card in TEST_CARDS}
# other names under which the same cards are known
BY_NAME |= {
    "chargeDeclinedLostCard": BY_NAME["visa_chargeDeclinedLostCard"],
    "chargeDeclinedStolenCard": BY_NAME["visa_chargeDeclinedStolenCard"],
    "chargeDeclinedFraudulent": BY_NAME["radarBlock"],
    "threeDSecure2RequiredChargeDeclined": BY_NAME["threeDSecureRequiredChargeDeclined"],
    "createDisputeEarlyFraudWarning": BY_NAME["createIssuerFraudRecord"],
    "us": BY_NAME["visa"],
}


def named(reference: str) -> TestCard | None:
    """Return the card behind `pm_card_NAME` or `tok_NAME`, or None when it is no such name."""
    for prefix in ("pm_card_", "tok_"):
        if reference.startswith(prefix):
            return BY_NAME.get(reference.removeprefix(prefix))
    return None


def luhn_valid(number: str) -> bool:
    """Check the last digit as ISO/IEC 7812-1 annex B says."""
    digits = [int(digit) for digit in reversed(number)]
    doubled = sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return (sum(digits[::2]) + doubled) % 10 == 0
