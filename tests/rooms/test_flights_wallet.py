"""The wallet: what lies at the provider is promised once, spent once, and every movement is on record."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from parkerflight.core.errors import BadInput, ParkerError
from parkerflight.core.money import Money
from parkerflight.flights import wallet

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("database")


def gbp(minor: int) -> Money:
    return Money(minor, "GBP")


def fill(minor: int) -> None:
    wallet.top_up(amount=gbp(minor), reason="bank transfer", now=NOW)


def reserve(who: UUID, minor: int) -> bool:
    return wallet.reserve(attempt_id=who, amount=gbp(minor), now=NOW)


def spend(who: UUID, minor: int) -> None:
    wallet.spend(attempt_id=who, amount=gbp(minor), now=NOW)


def unreserve(who: UUID) -> None:
    wallet.unreserve(attempt_id=who, now=NOW)


def refund(who: UUID, minor: int) -> None:
    wallet.refund(attempt_id=who, amount=gbp(minor), now=NOW)


def figures() -> tuple[int, int, int, int]:
    """Available, reserved, spent, refunded."""
    (one,) = wallet.state()
    return one.available.minor, one.reserved.minor, one.spent.minor, one.refunded.minor


def sums(admin: psycopg.Connection) -> tuple[int, int, int, int]:
    """The same figures, added up from the entries alone."""
    found = dict(admin.execute("SELECT kind, sum(amount) FROM flights_walletentry GROUP BY kind").fetchall())
    of = {kind: int(found.get(kind, 0)) for kind in ("top_up", "correction", "reserve", "unreserve", "spend", "refund")}
    reserved = of["reserve"] - of["unreserve"]
    paid_in = of["top_up"] + of["correction"]
    return paid_in - reserved - of["spend"] + of["refund"], reserved, of["spend"], of["refund"]


def at_once(*works: Callable[[], object]) -> list[object]:
    """Run each in a thread with its own connection, all at the same moment; what each returned or raised."""
    ready, results = threading.Barrier(len(works)), [None] * len(works)

    def run(place: int, work: Callable[[], object]) -> None:
        connection.ensure_connection()
        ready.wait()
        try:
            results[place] = work()
        except Exception as error:  # noqa: BLE001 - handed back
            results[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


class TestReserving:
    def test_sets_money_aside_until_it_is_spent(self):
        who = uuid4()
        fill(10_000)

        assert reserve(who, 6_000)
        assert figures() == (4_000, 6_000, 0, 0)
        spend(who, 6_000)
        assert figures() == (4_000, 0, 6_000, 0)

    def test_refuses_what_the_wallet_cannot_pay_and_leaves_no_trace(self, admin: psycopg.Connection):
        fill(100)

        assert not reserve(uuid4(), 101)
        assert figures() == (100, 0, 0, 0)
        assert admin.execute("SELECT count(*) FROM flights_walletreservation").fetchone() == (0,)

    def test_lets_everything_through_in_a_currency_that_is_not_tracked(self):
        fill(100)
        who, yen = uuid4(), Money(9_999_999, "JPY")

        assert wallet.reserve(attempt_id=who, amount=yen, now=NOW)
        wallet.spend(attempt_id=who, amount=yen, now=NOW)
        wallet.refund(attempt_id=who, amount=yen, now=NOW)
        wallet.unreserve(attempt_id=who, now=NOW)
        assert [one.currency for one in wallet.state()] == ["GBP"]
        assert figures() == (100, 0, 0, 0)

    def test_again_adjusts_to_the_new_amount_or_keeps_the_old_one(self):
        who = uuid4()
        fill(100)

        assert [reserve(who, minor) for minor in (60, 60, 100, 101, 30)] == [True, True, True, False, True]
        assert figures() == (70, 30, 0, 0)

    def test_again_in_another_currency_is_refused(self):
        who = uuid4()
        fill(100)
        wallet.top_up(amount=Money(100, "EUR"), reason="bank transfer", now=NOW)
        reserve(who, 60)

        with pytest.raises(ParkerError) as refused:
            wallet.reserve(attempt_id=who, amount=Money(60, "EUR"), now=NOW)
        assert refused.value.code == "wallet_currency_changed"

    def test_belongs_to_the_callers_transaction(self):
        fill(100)
        with transaction.atomic():
            assert reserve(uuid4(), 60)
            assert not reserve(uuid4(), 60)
            assert reserve(uuid4(), 40)
            transaction.set_rollback(True)
        assert figures() == (100, 0, 0, 0)

    @pytest.mark.parametrize("minor", [0, -1])
    def test_nothing_or_less_is_refused(self, minor: int):
        for call in (reserve, spend):
            with pytest.raises(ParkerError):
                call(uuid4(), minor)

    def test_of_the_last_money_succeeds_for_one_of_two(self):
        for _ in range(10):
            fill(100)
            before = figures()
            first, second = uuid4(), uuid4()
            assert sorted(at_once(lambda: reserve(first, 100), lambda: reserve(second, 100))) == [False, True]  # noqa: B023
            assert figures() == (before[0] - 100, before[1] + 100, 0, 0)

    def test_of_one_attempt_at_the_same_moment_counts_once(self):
        fill(1_000)
        who = uuid4()

        assert at_once(*[lambda: reserve(who, 100)] * 6) == [True] * 6
        assert figures() == (900, 100, 0, 0)


class TestSpending:
    def test_counts_once(self):
        who = uuid4()
        fill(1_000)
        reserve(who, 100)

        assert at_once(*[lambda: spend(who, 100)] * 6) == [None] * 6
        spend(who, 70)
        assert reserve(who, 500)
        unreserve(who)
        assert figures() == (900, 0, 100, 0)

    def test_less_than_was_reserved_makes_the_rest_available(self):
        who = uuid4()
        fill(100)
        reserve(who, 80)
        spend(who, 50)
        assert figures() == (50, 0, 50, 0)

    def test_what_was_never_reserved_is_taken_too(self):
        fill(100)
        spend(uuid4(), 30)
        assert figures() == (70, 0, 30, 0)

    def test_more_than_there_was_is_recorded_as_a_correction(
        self, admin: psycopg.Connection, caplog: pytest.LogCaptureFixture
    ):
        """The provider has taken it: to refuse the record would only hide that."""
        who = uuid4()
        fill(100)
        reserve(who, 80)
        spend(who, 130)

        assert figures() == (0, 0, 130, 0)
        assert wallet.state()[0].topped_up == gbp(130)
        found = admin.execute("SELECT amount, attempt_id FROM flights_walletentry WHERE kind = 'correction'").fetchall()
        assert found == [(30, who)]
        assert "out of step" in caplog.text


class TestGivingBack:
    def test_what_was_reserved_counts_once(self):
        who = uuid4()
        fill(100)
        reserve(who, 80)

        assert at_once(*[lambda: unreserve(who)] * 4) == [None] * 4
        assert figures() == (100, 0, 0, 0)
        unreserve(uuid4())
        assert reserve(who, 100)

    def test_a_refund_counts_once_and_a_later_one_adds_what_is_more(self):
        who = uuid4()
        fill(100)
        spend(who, 80)

        assert at_once(*[lambda: refund(who, 50)] * 4) == [None] * 4
        assert figures() == (70, 0, 80, 50)
        refund(who, 80)
        assert figures() == (100, 0, 80, 80)

    @pytest.mark.parametrize("minor", [49, 81])
    def test_a_refund_that_cannot_be_is_refused(self, minor: int):
        who = uuid4()
        fill(100)
        spend(who, 80)
        refund(who, 50)

        with pytest.raises(ParkerError) as refused:
            refund(who, minor)
        assert refused.value.code == "refund_does_not_fit"
        assert figures() == (70, 0, 80, 50)


class TestPayingIn:
    def test_at_the_same_moment_loses_nothing(self):
        assert at_once(*[lambda: fill(10)] * 8) == [None] * 8
        assert figures() == (80, 0, 0, 0)

    def test_takes_out_only_what_is_available(self):
        fill(100)
        reserve(uuid4(), 60)
        fill(-40)
        with pytest.raises(BadInput):
            fill(-1)
        assert figures() == (0, 60, 0, 0)

    @pytest.mark.parametrize(("minor", "reason"), [(0, "bank transfer"), (10, " "), (-10, "never filled")])
    def test_refuses_nothing_no_reason_and_what_never_was(self, minor: int, reason: str):
        with pytest.raises(BadInput):
            wallet.top_up(amount=gbp(minor), reason=reason, now=NOW)
        assert wallet.state() == []

    def test_is_the_backoffices_and_the_workers_but_not_the_webs(self, as_role: Callable[[str], object]):
        with as_role("backoffice"):
            fill(100)
            wallet.set_alarm(below=gbp(50), now=NOW)
        fill(10)
        with as_role("web"), pytest.raises(Exception, match="permission denied"):
            wallet.state()
        assert figures() == (110, 0, 0, 0)


class TestTheAlarm:
    def test_rings_below_its_amount(self):
        fill(100)
        assert not wallet.state()[0].low
        wallet.set_alarm(below=gbp(50), now=NOW)
        reserve(uuid4(), 50)
        assert not wallet.state()[0].low
        reserve(uuid4(), 1)
        assert wallet.state()[0].low

    def test_needs_a_wallet_and_an_amount(self):
        with pytest.raises(BadInput, match="pay in first"):
            wallet.set_alarm(below=gbp(50), now=NOW)
        fill(100)
        with pytest.raises(BadInput):
            wallet.set_alarm(below=gbp(-1), now=NOW)


class TestTheDatabase:
    @pytest.mark.parametrize(
        "change",
        ["available = available + 1", "available = -1, topped_up = topped_up - 101", "refunded = 1, available = 101"],
    )
    def test_refuses_a_wallet_that_does_not_balance(self, admin: psycopg.Connection, change: str):
        fill(100)
        with pytest.raises(psycopg.errors.CheckViolation):
            admin.execute(f"UPDATE flights_wallet SET {change}")

    @pytest.mark.parametrize(
        "statement", ["UPDATE flights_walletentry SET amount = 1", "DELETE FROM flights_walletentry"]
    )
    def test_keeps_every_entry(self, admin: psycopg.Connection, statement: str):
        fill(100)
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
            admin.execute(statement)


ATTEMPTS = [UUID(int=number) for number in range(3)]
MOVES = st.lists(
    st.tuples(
        st.sampled_from(["fill", "reserve", "spend", "unreserve", "refund"]),
        st.sampled_from(ATTEMPTS),
        st.integers(1, 60),
    ),
    max_size=25,
)


class TestAnySequence:
    @settings(max_examples=60, deadline=None)
    @given(start=st.integers(1, 100), moves=MOVES)
    def test_ends_where_the_entries_say_and_where_a_model_says(
        self, start: int, moves: list, admin: psycopg.Connection
    ):
        _empty(admin)
        fill(start)
        model = Model(start)
        for kind, who, minor in moves:
            assert _carry_out(kind, who, minor) == getattr(model, kind)(who, minor), (kind, who, minor)
        assert figures() == sums(admin) == model.figures()
        repeat = [(kind, who, minor) for kind, who, minor in moves[-1:] if kind != "fill"]
        for kind, who, minor in repeat:
            _carry_out(kind, who, minor)
        assert figures() == model.figures()


class Model:
    """What the wallet promises, in plain Python: per attempt what is reserved, spent and refunded."""

    def __init__(self, start: int) -> None:
        self.paid_in = start
        self.of = {who: [0, 0, 0] for who in ATTEMPTS}

    def figures(self) -> tuple[int, int, int, int]:
        reserved, spent, refunded = (sum(one[place] for one in self.of.values()) for place in range(3))
        return self.paid_in - reserved - spent + refunded, reserved, spent, refunded

    def fill(self, _: UUID, minor: int) -> None:
        self.paid_in += minor

    def reserve(self, who: UUID, minor: int) -> bool:
        mine = self.of[who]
        if not mine[1]:
            if minor - mine[0] > self.figures()[0]:
                return False
            mine[0] = minor
        return True

    def spend(self, who: UUID, minor: int) -> None:
        mine = self.of[who]
        if not mine[1]:
            mine[:2] = 0, minor
            self.paid_in += max(0, -self.figures()[0])

    def unreserve(self, who: UUID, _: int) -> None:
        self.of[who][0] = 0

    def refund(self, who: UUID, minor: int) -> str | None:
        mine = self.of[who]
        if mine[1]:
            if not mine[2] <= minor <= mine[1]:
                return "refund_does_not_fit"
            mine[2] = minor
        return None


def _carry_out(kind: str, who: UUID, minor: int) -> object:
    calls = {"fill": lambda: fill(minor), "unreserve": lambda: unreserve(who)}
    others = {"reserve": reserve, "spend": spend, "refund": refund}
    try:
        return calls[kind]() if kind in calls else others[kind](who, minor)
    except ParkerError as error:
        return error.code


def _empty(admin: psycopg.Connection) -> None:
    admin.execute("SET session_replication_role = replica")
    admin.execute("TRUNCATE flights_walletentry, flights_walletreservation, flights_wallet")
    admin.execute("SET session_replication_role = origin")
