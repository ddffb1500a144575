"""Money: whole minor units, one currency at a time, and a clear refusal for everything else."""

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parkerflight.core.errors import BadInput, Terminal
from parkerflight.core.money import MAX_MINOR, CurrencyMismatch, Money, exponent
from parkerflight.payments.stripe.amounts import from_stripe, to_stripe

CURRENCIES = st.sampled_from(["GBP", "EUR", "USD", "JPY", "KWD", "ISK", "BHD", "KRW", "HUF", "TWD", "UGX"])
MINOR = st.integers(-MAX_MINOR, MAX_MINOR)


class TestMoney:
    @given(MINOR, CURRENCIES)
    def test_reads_back_what_it_writes(self, minor, currency):
        money = Money(minor, currency)
        assert Money.parse(money.amount(), currency) == money

    @given(st.text(max_size=30))
    def test_refuses_any_other_text_with_bad_input_and_nothing_else(self, text):
        with suppress(BadInput):
            Money.parse(text, "GBP")

    @pytest.mark.parametrize("text", ["1E+999999", "NaN", "Infinity", "1.001", "", "12,50", "1e400"])
    def test_refuses_absurd_amounts(self, text):
        with pytest.raises(BadInput):
            Money.parse(text, "GBP")

    @pytest.mark.parametrize("currency", ["XXX", "gbp", "", "ABC", "POUND"])
    def test_refuses_what_is_no_currency_of_trade(self, currency):
        with pytest.raises(BadInput, match="ISO 4217"):
            Money.parse("1", currency)

    def test_knows_currencies_without_and_with_three_decimals(self):
        assert (exponent("JPY"), exponent("GBP"), exponent("KWD")) == (0, 2, 3)
        assert Money.parse("1.234", "KWD").minor == 1234
        with pytest.raises(BadInput):
            Money.parse("1.5", "JPY")

    @given(MINOR, MINOR)
    def test_never_mixes_currencies(self, one, other):
        with pytest.raises(CurrencyMismatch):
            _ = Money(one, "GBP") <= Money(other, "EUR")

    @pytest.mark.parametrize(("amount", "minor"), [("0.005", 0), ("0.015", 2), ("0.025", 2), ("2.675", 268)])
    def test_rounds_halves_to_even(self, amount, minor):
        assert Money.rounded(Decimal(amount), "GBP").minor == minor


class TestStripesAmounts:
    @given(st.integers(50, 999_999), st.sampled_from(["GBP", "EUR", "USD", "JPY", "ISK", "KRW", "HUF", "TWD"]))
    def test_come_back_as_the_same_money(self, minor, currency):
        money = Money(minor, currency)
        assert from_stripe(to_stripe(money), currency.lower()) == money

    @pytest.mark.parametrize(
        ("money", "integer"),
        [
            (Money(19934, "GBP"), 19934),
            (Money(9800, "JPY"), 9800),
            (Money(500, "ISK"), 50_000),
            (Money(12_340, "KWD"), 12_340),
            (Money(700, "UGX"), 70_000),
        ],
    )
    def test_follow_stripes_own_units(self, money, integer):
        assert to_stripe(money) == integer

    @pytest.mark.parametrize("money", [Money(12_341, "KWD"), Money(1, "GBP"), Money(10**9, "GBP")])
    def test_that_no_card_can_be_charged_are_refused(self, money):
        with pytest.raises(Terminal):
            to_stripe(money)
