"""Our own ledger of the balance at the provider: it adds up, never promises the same money twice, and follows the saga."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.bench import START
from tests.scenario import cli, last_json

from parkerflight.bookings import cancelling
from parkerflight.bookings.models import Booking
from parkerflight.core.errors import BadInput, NotFound
from parkerflight.core.money import CurrencyMismatch, Money
from parkerflight.core.tenancy import scope
from parkerflight.flights import wallet
from parkerflight.flights.models import Wallet, WalletEntry, WalletHold

RICH = Money(2_000_000, "GBP")
ATTEMPTS = [UUID(int=number) for number in range(2)]


def pounds(minor: int) -> Money:
    return Money(minor, "GBP")


def fill(amount: Money = RICH) -> None:
    wallet.top_up(amount=amount, reason="transfer", now=START)


def parts(currency: str = "GBP") -> tuple[int, int, int, int]:
    """Available, reserved, spent, topped up."""
    view = next(view for view in wallet.state() if view.available.currency == currency)
    return view.available.minor, view.reserved.minor, view.spent.minor, view.topped_up.minor


def kinds(attempt_id: UUID) -> list[str]:
    return list(WalletEntry.objects.filter(attempt_id=attempt_id).order_by("id").values_list("kind", flat=True))


def replayed(currency: str) -> tuple[int, int, int, int]:
    """What the log alone says the wallet must be."""
    sums = dict.fromkeys(WalletEntry.Kind.values, 0)
    for kind, minor in WalletEntry.objects.filter(currency=currency).values_list("kind", "amount_minor"):
        sums[kind] += minor
    reserved = sums["reserve"] - sums["unreserve"] - sums["spend"]
    spent = sums["spend"] - sums["refund"]
    topped_up = sums["top_up"] + sums["adjust"]
    return topped_up - reserved - spent, reserved, spent, topped_up


@dataclass
class Ideal:
    """The wallet as one would explain it: a purse, envelopes, and receipts."""

    purse: int | None = None
    put_in: int = 0
    envelopes: dict[UUID, int] = field(default_factory=dict)
    paid: dict[UUID, int] = field(default_factory=dict)
    back: dict[UUID, int] = field(default_factory=dict)

    def top_up(self, amount: int) -> None:
        self.purse = (self.purse or 0) + amount
        self.put_in += amount

    def reserve(self, attempt: UUID, amount: int) -> bool:
        if self.purse is None or attempt in self.paid:
            return True
        more = amount - self.envelopes.get(attempt, 0)
        if more > 0 and more > self.purse:
            return False
        self.purse -= more
        self.envelopes[attempt] = amount
        return True

    def spend(self, attempt: UUID, amount: int) -> None:
        if self.purse is not None and attempt not in self.paid:
            self.purse += self.envelopes.pop(attempt, 0) - amount
            self.paid[attempt] = amount

    def unreserve(self, attempt: UUID) -> None:
        if self.purse is not None:
            self.purse += self.envelopes.pop(attempt, 0)

    def refund(self, attempt: UUID, amount: int) -> None:
        if self.purse is not None and attempt in self.paid and attempt not in self.back:
            self.back[attempt] = min(amount, self.paid[attempt])
            self.purse += self.back[attempt]

    @property
    def parts(self) -> tuple[int, int, int, int]:
        spent = sum(self.paid.values()) - sum(self.back.values())
        return self.purse or 0, sum(self.envelopes.values()), spent, self.put_in


AMOUNT = st.integers(1, 100)
MOVES = st.one_of(
    st.tuples(st.just("top_up"), AMOUNT),
    st.tuples(st.just("unreserve"), st.sampled_from(ATTEMPTS)),
    st.tuples(st.sampled_from(["reserve", "spend", "refund"]), st.sampled_from(ATTEMPTS), AMOUNT),
)


def carry_out(move: tuple) -> object:
    name, *values = move
    named = {"attempt_id" if isinstance(value, UUID) else "amount": value for value in values}
    named |= {"amount": pounds(named["amount"])} if "amount" in named else {}
    named |= {"reason": "transfer"} if name == "top_up" else {}
    return getattr(wallet, name)(**named, now=START)


class TestTheLedger:
    @settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(MOVES, max_size=14))
    def test_agrees_with_an_ideal_purse_after_every_move(self, database, moves):
        ideal = Ideal()
        with transaction.atomic():
            for move in moves:
                expected = getattr(ideal, move[0])(*move[1:])
                assert carry_out(move) == expected, move
                if ideal.purse is None:
                    assert wallet.state() == []
                    assert not WalletHold.objects.exists()
                else:
                    assert parts() == ideal.parts == replayed("GBP"), move
            transaction.set_rollback(True)

    def test_keeps_currencies_apart(self, database):
        fill()
        fill(Money(70, "EUR"))
        assert wallet.reserve(attempt_id=ATTEMPTS[0], amount=Money(60, "EUR"), now=START)
        assert not wallet.reserve(attempt_id=ATTEMPTS[1], amount=Money(60, "EUR"), now=START)
        assert (parts("EUR"), parts("GBP")) == ((10, 60, 0, 70), (RICH.minor, 0, 0, RICH.minor))

    def test_adjusts_an_attempts_reservation_and_keeps_it_when_that_fails(self, database):
        fill(pounds(100))
        reserve = {"attempt_id": ATTEMPTS[0], "now": START}
        assert [wallet.reserve(amount=pounds(minor), **reserve) for minor in (80, 80, 100, 101, 30)] == [
            True, True, True, False, True,
        ]  # fmt: skip
        assert parts() == (70, 30, 0, 100)
        assert kinds(ATTEMPTS[0]) == ["reserve", "reserve", "unreserve"]

    def test_pays_and_is_paid_back_once_an_attempt_whatever_is_said_again(self, database, caplog):
        fill(pounds(100))
        of = {"attempt_id": ATTEMPTS[0], "now": START}
        wallet.reserve(amount=pounds(60), **of)
        for minor in (60, 60, 70):
            wallet.spend(amount=pounds(minor), **of)
            wallet.unreserve(**of)
        assert wallet.reserve(amount=pounds(99), **of), "it has paid"
        for minor in (25, 25, 30):
            wallet.refund(amount=pounds(minor), **of)
        assert parts() == (65, 0, 35, 100) == replayed("GBP")
        assert kinds(ATTEMPTS[0]) == ["reserve", "spend", "refund"]
        wallet.spend(attempt_id=ATTEMPTS[1], amount=pounds(10), now=START)
        wallet.refund(attempt_id=ATTEMPTS[1], amount=pounds(11), now=START)
        assert parts() == (65, 0, 35, 100), "no more comes back than was paid"
        assert [record.levelname for record in caplog.records] == ["ERROR"]

    def test_does_not_stop_what_it_does_not_track(self, database):
        assert wallet.reserve(attempt_id=ATTEMPTS[0], amount=pounds(5), now=START)
        wallet.spend(attempt_id=ATTEMPTS[0], amount=pounds(5), now=START)
        wallet.refund(attempt_id=ATTEMPTS[0], amount=pounds(5), now=START)
        wallet.unreserve(attempt_id=ATTEMPTS[0], now=START)
        assert (wallet.state(), WalletEntry.objects.count()) == ([], 0)

    def test_records_a_payment_beyond_the_balance_says_so_and_stops_the_next(self, database, caplog):
        fill(pounds(100))
        wallet.reserve(attempt_id=ATTEMPTS[0], amount=pounds(90), now=START)
        wallet.spend(attempt_id=ATTEMPTS[0], amount=pounds(130), now=START)
        assert parts() == (-30, 0, 130, 100)
        assert [record.levelname for record in caplog.records] == ["ERROR"]
        assert not wallet.reserve(attempt_id=ATTEMPTS[1], amount=pounds(1), now=START)
        fill(pounds(31))
        assert wallet.reserve(attempt_id=ATTEMPTS[1], amount=pounds(1), now=START)
        assert Wallet.objects.get().overdrawn_minor == 0

    def test_frees_what_was_reserved_in_another_currency_than_paid(self, database, caplog):
        fill(pounds(100))
        fill(Money(100, "EUR"))
        wallet.reserve(attempt_id=ATTEMPTS[0], amount=pounds(90), now=START)
        with pytest.raises(CurrencyMismatch):
            wallet.reserve(attempt_id=ATTEMPTS[0], amount=Money(90, "EUR"), now=START)
        wallet.spend(attempt_id=ATTEMPTS[0], amount=Money(95, "EUR"), now=START)
        assert (parts("GBP"), parts("EUR")) == ((100, 0, 0, 100), (5, 0, 95, 100))
        assert "reserved in GBP and paid in EUR" in caplog.text

    def test_is_corrected_with_a_reason_but_never_below_zero(self, database):
        with pytest.raises(NotFound):
            wallet.adjust(amount=pounds(1), reason="fee", now=START)
        fill(pounds(100))
        wallet.adjust(amount=pounds(-40), reason="fee", now=START)
        for amount, reason in ((pounds(-61), "fee"), (pounds(0), "fee"), (pounds(1), " "), (pounds(1), "x" * 201)):
            with pytest.raises(BadInput):
                wallet.adjust(amount=amount, reason=reason, now=START)
        assert parts() == (60, 0, 0, 60) == replayed("GBP")

    def test_refuses_amounts_that_are_not_above_zero(self, database):
        for minor in (0, -5):
            with pytest.raises(BadInput):
                fill(pounds(minor))
            with pytest.raises(BadInput):
                wallet.reserve(attempt_id=ATTEMPTS[0], amount=pounds(minor), now=START)


class TestTheTables:
    @pytest.mark.parametrize(
        "damage",
        [
            "UPDATE flights_wallet SET available_minor = available_minor + 1",
            "UPDATE flights_wallet SET available_minor = -1, topped_up_minor = -1",
            "UPDATE flights_wallet SET reserved_minor = -1, available_minor = available_minor + 1",
            "UPDATE flights_wallethold SET spent_minor = 1",
            "UPDATE flights_wallethold SET refunded_minor = 1",
            "INSERT INTO flights_walletentry (kind, currency, amount_minor, reason, at) VALUES ('spend', 'GBP', 0, '', now())",
        ],
    )
    def test_refuse_numbers_that_cannot_be(self, database, damage):
        fill()
        wallet.reserve(attempt_id=ATTEMPTS[0], amount=pounds(5), now=START)
        with pytest.raises(IntegrityError), connection.cursor() as cursor:
            cursor.execute(damage)

    def test_let_nobody_but_a_worker_move_money(self, database, as_role):
        fill()
        for role in ("web", "backoffice"):
            with as_role(role), pytest.raises(ProgrammingError, match="permission denied"):
                fill()

    def test_never_change_the_log(self, database, as_role):
        fill()
        with as_role("owner"), pytest.raises(ProgrammingError, match="append-only"):
            WalletEntry.objects.update(amount_minor=1)


class TestTwoWorkers:
    """Real threads, each with a connection of its own."""

    def take(self, start: threading.Barrier | None = None) -> bool:
        try:
            if start:
                start.wait(timeout=10)
            return wallet.reserve(attempt_id=uuid4(), amount=pounds(100), now=START)
        finally:
            connection.close()

    def test_after_the_last_money_get_it_once(self, database):
        for round_number in range(1, 9):
            fill(pounds(100))
            start = threading.Barrier(2)
            with ThreadPoolExecutor(2) as pool:
                won = [one.result(timeout=20) for one in [pool.submit(self.take, start) for _ in range(2)]]
            assert sorted(won) == [False, True]
            assert parts() == (0, 100 * round_number, 0, 100 * round_number)

    def test_wait_for_each_other_until_it_is_certain(self, database):
        fill(pounds(100))
        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                assert wallet.reserve(attempt_id=ATTEMPTS[0], amount=pounds(100), now=START)
                second = pool.submit(self.take)
                with pytest.raises(TimeoutError):
                    second.result(timeout=0.4)
                transaction.set_rollback(True)
            assert second.result(timeout=10), "what was rolled back is free again"

    def test_on_one_attempt_reserve_once(self, database):
        fill(pounds(100))

        def same(start: threading.Barrier) -> bool:
            try:
                start.wait(timeout=10)
                return wallet.reserve(attempt_id=ATTEMPTS[0], amount=pounds(60), now=START)
            finally:
                connection.close()

        start = threading.Barrier(2)
        with ThreadPoolExecutor(2) as pool:
            assert all(one.result(timeout=20) for one in [pool.submit(same, start) for _ in range(2)])
        assert parts() == (40, 60, 0, 100)


class TestABooking:
    def test_is_let_go_before_any_authorisation_when_the_balance_cannot_pay_and_made_later(self, scenario):
        fill(pounds(100))
        first = scenario.start().match()
        assert scenario.drive(first) == "released"
        assert scenario.stripe.ledger()["payment_intents"] == []
        assert scenario.duffel.ledger()["orders"] == []
        assert scenario.attempts[0]["reason"] == "insufficient_balance"
        assert (scenario.campaign.status, parts()) == ("active", (100, 0, 0, 100))
        fill()
        assert scenario.match() is None, "asked again with patience"
        scenario.clock.advance(hours=6, minutes=5)
        second = scenario.match()
        assert scenario.drive(second) == "completed"
        assert (kinds(first), kinds(second)) == ([], ["reserve", "spend"])
        scenario.assert_money_is_ticket()

    def test_is_paid_from_the_balance(self, scenario):
        fill()
        scenario.start().book()
        price = scenario.trips[0].total.minor
        assert parts() == (RICH.minor - price, 0, price, RICH.minor) == replayed("GBP")
        scenario.assert_money_is_ticket()

    def test_pays_the_price_that_moved_meanwhile(self, scenario):
        fill()
        scenario.duffel.account(price_change_rate=1)
        attempt = scenario.start().match()
        assert scenario.drive(attempt) == "completed"
        price = scenario.trips[0].total.minor
        assert parts() == (RICH.minor - price, 0, price, RICH.minor) == replayed("GBP")
        assert len(kinds(attempt)) > 2, "the test needs a price that moves"

    def test_gives_the_reservation_back_when_the_bank_refuses(self, scenario):
        fill()
        attempt = scenario.start(card="pm_card_chargeCustomerFail").match()
        assert scenario.drive(attempt) == "released"
        assert parts() == (RICH.minor, 0, 0, RICH.minor)
        assert kinds(attempt) == ["reserve", "unreserve"]
        scenario.assert_settled(tickets=0)

    def test_gives_the_reservation_back_when_the_airline_refuses(self, scenario):
        fill()
        scenario.start()
        body = {
            "errors": [
                {
                    "type": "airline_error",
                    "code": "order_not_created",
                    "title": "no",
                    "message": "no",
                    "documentation_url": "https://duffel.com",
                }
            ],
            "meta": {"request_id": "req", "status": 502},
        }
        scenario.duffel.fault(route="POST /air/orders", nth=1, action="status", status=502, body=body)
        attempt = scenario.match()
        assert scenario.drive(attempt) == "released"
        assert parts() == (RICH.minor, 0, 0, RICH.minor)
        assert kinds(attempt) == ["reserve", "unreserve"]

    def test_brings_back_what_the_airline_refunds(self, scenario):
        fill()
        scenario.start(refundable_only=True).book()
        price, owner = scenario.trips[0].total.minor, {"owner_id": scenario.owner_id}
        with scope(scenario.owner_id):
            booking_id = Booking.objects.get().id
        offered = cancelling.quote(**owner, booking_id=booking_id, now=scenario.clock.now())
        assert offered.to_card.minor > 0, "the test needs a fare that gives money back"
        step = {**owner, "cancellation_id": offered.cancellation_id, "now": scenario.clock.now()}
        cancelling.confirm(**step)
        for _ in range(3):
            cancelling.advance(**step)
        back = price - offered.penalty.minor
        assert parts() == (RICH.minor - price + back, 0, price - back, RICH.minor) == replayed("GBP")
        assert kinds(scenario.attempts[0]["id"]) == ["reserve", "spend", "refund"]


class TestTheCommand:
    def test_tops_up_warns_corrects_and_shows(self, database, as_role):
        assert "not stopped by us" in cli("wallet", "show").stdout
        assert cli("wallet", "top-up", "100.00", "GBP", "--reason", "transfer 7").returncode == 0
        assert cli("wallet", "alarm", "90", "GBP").returncode == 0
        done = cli("wallet", "adjust", "-10.01", "GBP", "--reason", "fee", "--json")
        assert last_json(done.stdout)["wallets"] == [
            {
                "currency": "GBP", "available": "89.99", "reserved": "0.00", "spent": "0.00", "topped_up": "89.99",
                "alarm_below": "90.00", "low": True,
            }
        ]  # fmt: skip
        assert "89.99" in cli("wallet", "show").stdout
        assert [view.available for view in wallet.low()] == [pounds(8_999)]
        assert list(WalletEntry.objects.order_by("id").values_list("reason", flat=True)) == ["transfer 7", "fee"]
        assert json.loads(cli("wallet", "alarm", "0", "GBP", "--json").stdout)["wallets"][0]["alarm_below"] is None

    @pytest.mark.parametrize(
        "words",
        [("top-up", "1.001", "GBP", "--reason", "x"), ("top-up", "0", "GBP", "--reason", "x"), ("alarm", "5", "GBP")],
    )
    def test_changes_nothing_and_says_why_when_it_cannot(self, database, words):
        done = cli("wallet", *words)
        assert (done.returncode, wallet.state()) == (1, [])
        assert "Not done:" in done.stderr
