"""The fee on savings: a share of what was saved, never above the cap, never in two currencies."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parkerflight.core.money import CurrencyMismatch, Money, exponent
from parkerflight.payments.fees import SavingsFee, chargeable_step
from parkerflight.payments.stripe.amounts import to_stripe

CURRENCY = st.sampled_from(["GBP", "EUR", "JPY", "KWD", "ISK", "BHD", "USD"])
MINOR = st.integers(1, 9_000_000)
SHARE = st.decimals(0, 1, places=4)
LIMIT = st.none() | st.decimals(0, 500, places=3)


@st.composite
def policies(draw):
    low, high = draw(LIMIT), draw(LIMIT)
    if low is not None and high is not None and low > high:
        low, high = high, low
    return SavingsFee(draw(SHARE), low, high)


def fee(share, fare, cap, currency="GBP", **limits):
    policy = SavingsFee(Decimal(share), **{name: Decimal(value) for name, value in limits.items()})
    return policy.of(fare=Money(fare, currency), cap=Money(cap, currency)).minor


class TestTheFee:
    @given(policies(), MINOR, MINOR, CURRENCY)
    def test_never_lifts_the_total_above_the_cap_and_is_never_negative(self, policy, fare, cap, currency):
        taken = policy.of(fare=Money(fare, currency), cap=Money(cap, currency))
        assert taken.minor >= 0
        assert taken.currency == currency
        assert taken.minor == 0 or fare + taken.minor <= cap

    @given(policies(), MINOR, MINOR, CURRENCY)
    def test_stays_within_its_limits_unless_the_cap_leaves_less(self, policy, fare, cap, currency):
        taken = policy.of(fare=Money(fare, currency), cap=Money(cap, currency))
        step = Decimal(chargeable_step(currency)).scaleb(-exponent(currency))
        if policy.maximum is not None:
            assert taken.decimal <= policy.maximum
        if policy.minimum is not None and policy.share and cap > fare:
            room = Decimal(cap - fare).scaleb(-exponent(currency))
            highest = room if policy.maximum is None else min(room, policy.maximum)
            assert taken.decimal >= policy.minimum or taken.decimal + step > highest

    @given(policies(), MINOR, MINOR, st.sampled_from(["KWD", "BHD", "JPY", "ISK", "GBP"]))
    def test_keeps_a_chargeable_total_chargeable(self, policy, fare, cap, currency):
        fare -= fare % chargeable_step(currency)
        taken = policy.of(fare=Money(fare, currency), cap=Money(cap, currency))
        total = Money(fare, currency) + taken
        if fare >= 1000 and total.minor < 900_000:
            to_stripe(total)

    @given(MINOR, MINOR, CURRENCY, st.decimals(0, 100))
    def test_is_nothing_when_it_is_off_whatever_the_limits(self, fare, cap, currency, minimum):
        policy = SavingsFee(minimum=minimum)
        assert policy.of(fare=Money(fare, currency), cap=Money(cap, currency)).minor == 0

    @pytest.mark.parametrize(
        ("share", "fare", "cap", "expected"),
        [
            ("0.1", 10_000, 20_000, 1_000),
            ("0.1", 20_000, 20_000, 0),
            ("0.1", 20_001, 20_000, 0),
            ("0.5", 10_000, 10_001, 0),  # half a penny, to even
            ("0.5", 10_000, 10_003, 2),  # a penny and a half, to even
            ("0.5", 10_000, 10_005, 2),  # two and a half, to even
            ("1", 10_000, 20_000, 10_000),
        ],
    )
    def test_is_a_share_of_what_was_saved_halves_to_even(self, share, fare, cap, expected):
        assert fee(share, fare, cap) == expected

    def test_counts_in_the_currencys_own_minor_unit(self):
        assert fee("0.1", 10_000, 20_005, "JPY") == 1_000
        assert fee("0.1", 10_000, 20_050, "KWD") == 1_000, "1005 thousandths, to the even ten"
        assert fee("0.1", 10_000, 20_151, "KWD") == 1_020
        assert fee("0.1", 45_000, 50_005, "ISK") == 500

    def test_is_clipped_to_its_limits(self):
        assert fee("0.1", 10_000, 10_100, minimum="1") == 100
        assert fee("0.1", 10_000, 10_050, minimum="1") == 50, "the cap leaves no more"
        assert fee("0.1", 10_000, 90_000, maximum="25.50") == 2_550
        assert fee("0.1", 10_000, 90_000, "KWD", maximum="0.015") == 10, "rounded down, not above the limit"

    def test_never_mixes_currencies(self):
        with pytest.raises(CurrencyMismatch):
            SavingsFee(Decimal("0.1")).of(fare=Money(1, "GBP"), cap=Money(2, "EUR"))

    @pytest.mark.parametrize(
        "wrong",
        [
            {"share": Decimal("1.01")},
            {"share": Decimal("-0.1")},
            {"share": Decimal("NaN")},
            {"minimum": Decimal(-1)},
            {"minimum": Decimal(2), "maximum": Decimal(1)},
        ],
    )
    def test_is_refused_when_it_contradicts_itself(self, wrong):
        with pytest.raises(ValueError, match="fee"):
            SavingsFee(**wrong)
