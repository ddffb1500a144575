"""What holds for every fare, whatever the figures."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.fares import FareModel, Flights, route_base_usd, route_key
from sandbox.fares.levels import FIT_USD, FIT_USD_PER_KM, great_circle_km

DAY = 86_400.0


def flights(count: int = 400, *, first_day: int = 20_700, base: float = 250.0) -> Flights:
    number = np.arange(count)
    day = first_day + number % 90
    return Flights(
        route=number // 20 * 7_919 + 50_000,
        departure_day=day,
        slot=number % 4,
        base_usd=np.full(count, base),
        departs_at=day * DAY + 10 * 3600.0,
    )


def pick(some: Flights, rows: np.ndarray) -> Flights:
    return Flights(
        some.route[rows], some.departure_day[rows], some.slot[rows], some.base_usd[rows], some.departs_at[rows]
    )


moments = st.floats(min_value=20_300 * DAY, max_value=20_800 * DAY)
seeds = st.integers(min_value=0, max_value=2**64 - 1)


class TestPrice:
    @settings(max_examples=40, deadline=None)
    @given(seeds, moments, st.floats(min_value=1.0, max_value=20_000.0))
    def test_is_positive_finite_and_in_whole_cents(self, seed, at, base):
        price = FareModel(seed).price_usd(flights(60, base=base), at)
        assert (price > 0).all()
        assert np.isfinite(price).all()
        assert np.allclose(price * 100, np.round(price * 100), atol=1e-4)

    @settings(max_examples=25, deadline=None)
    @given(seeds, moments, st.permutations(range(60)))
    def test_does_not_depend_on_company_or_order(self, seed, at, order):
        some = flights(60)
        whole = FareModel(seed).price_usd(some, at)
        rows = np.array(order)
        assert np.array_equal(FareModel(seed).price_usd(pick(some, rows), at), whole[rows])
        assert FareModel(seed).price_usd(pick(some, rows[:1]), at)[0] == whole[rows[0]]

    def test_does_not_depend_on_the_chunk_it_falls_into(self):
        some = flights(20_000)
        rows = np.array([0, 8_191, 8_192, 19_999])
        model, at = FareModel(3), 20_690 * DAY
        assert np.array_equal(model.price_usd(pick(some, rows), at), model.price_usd(some, at)[rows])

    def test_takes_one_moment_for_each_flight(self):
        some, model = flights(40), FareModel(3)
        at = 20_650 * DAY + np.arange(40) * 3_600.0
        one_by_one = [model.price_usd(pick(some, np.array([row])), float(at[row]))[0] for row in range(40)]
        assert np.array_equal(model.price_usd(some, at), one_by_one)

    def test_differs_from_seed_to_seed(self):
        logs = [np.log(FareModel(seed).price_usd(flights(), 20_650 * DAY)) for seed in (1, 2, 2**40 + 1)]
        for first, second in ((0, 1), (0, 2), (1, 2)):
            assert abs(np.corrcoef(logs[first], logs[second])[0, 1]) < 0.25
            assert (logs[first] == logs[second]).mean() < 0.02

    def test_stays_put_after_departure(self):
        some, model = flights(), FareModel(1)
        gone = float(some.departs_at.max())
        assert np.array_equal(model.price_usd(some, gone + 1), model.price_usd(some, gone + 30 * DAY))

    def test_is_pinned_for_one_world(self):
        price = FareModel(1).price_usd(flights(3), 20_650 * DAY)
        assert price.tolist() == [189.04, 271.52, 217.81]

    def test_of_nothing_is_nothing(self):
        nothing = pick(flights(), np.array([], dtype=np.int64))
        assert FareModel(1).price_usd(nothing, 20_650 * DAY).size == 0


class TestLowestFare:
    def test_is_the_least_of_the_flights_of_the_date(self):
        model, at = FareModel(5), 20_650 * DAY
        some = flights(80)
        lowest = model.lowest_usd(some.route, some.departure_day, some.base_usd, at, slots=3)
        each = [
            model.price_usd(
                Flights(some.route, some.departure_day, np.full(80, slot), some.base_usd, some.departs_at), at
            )
            for slot in range(3)
        ]
        assert np.array_equal(lowest, np.minimum.reduce(each))

    def test_never_rises_when_more_flights_compete(self):
        model, some = FareModel(5), flights(80)
        fares = [
            model.lowest_usd(some.route, some.departure_day, some.base_usd, 20_650 * DAY, slots=n) for n in range(1, 7)
        ]
        assert (np.diff(fares, axis=0) <= 0).all()


class TestParty:
    @settings(max_examples=25, deadline=None)
    @given(seeds, moments)
    def test_never_pays_less_a_head_than_a_smaller_one(self, seed, at):
        model, some = FareModel(seed), flights(80)
        fares = [model.party_price_usd(some, at, seats) for seats in range(1, 20)]
        assert (np.diff(fares, axis=0) >= 0).all()

    def test_pays_the_fare_of_one_while_the_bucket_has_seats_and_more_beyond(self):
        model, some, at = FareModel(4), flights(), 20_660 * DAY
        left, alone = model.seats_left_in_bucket(some, at), model.price_usd(some, at)
        assert set(left) <= set(range(1, 10))
        assert np.array_equal(model.party_price_usd(some, at, left), alone)
        assert (model.party_price_usd(some, at, left + 1) > alone).all()

    def test_of_four_sometimes_meets_another_price(self):
        model, some, at = FareModel(4), flights(), 20_660 * DAY
        assert 0.1 < (model.party_price_usd(some, at, 4) > model.price_usd(some, at)).mean() < 0.6


class TestRouteLevel:
    def test_is_the_bts_median_where_there_is_one(self):
        assert route_base_usd("SAT", "DEN") == 230

    def test_follows_distance_elsewhere(self):
        assert great_circle_km("LHR", "JFK") == pytest.approx(5_540, rel=0.01)
        assert route_base_usd("LHR", "JFK") == pytest.approx(FIT_USD + FIT_USD_PER_KM * great_circle_km("LHR", "JFK"))

    def test_is_in_the_middle_of_a_flight_s_fares_a_month_ahead(self):
        some = flights(4_000, base=100.0)
        price = FareModel(9).price_usd(some, (some.departure_day - 30) * DAY)
        assert 90 < np.median(price) < 110

    def test_refuses_an_airport_that_does_not_exist(self):
        with pytest.raises(LookupError, match="QQQ"):
            route_base_usd("QQQ", "JFK")

    @given(*[st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=3, max_size=3)] * 3)
    def test_has_a_key_of_its_own_for_each_direction(self, first, second, third):
        assert (route_key(first, second) == route_key(second, third)) == ((first, second) == (second, third))
        assert route_key(first.lower(), second) == route_key(first, second)

    def test_refuses_a_key_for_what_is_no_airport_code(self):
        for code in ("LOND", "", "É1A", "A-B"):
            with pytest.raises(ValueError, match="IATA"):
                route_key(code, "JFK")
