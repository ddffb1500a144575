"""Which offer satisfies a campaign, and what a campaign may ask for."""

import json
import random
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parkerflight.campaigns.rules.criteria import (
    MOST_CELLS,
    Criteria,
    TimeWindow,
    cells,
    from_json,
    query_of,
    to_json,
    validate,
)
from parkerflight.campaigns.rules.matcher import Reason, match
from parkerflight.core.errors import BadInput
from parkerflight.core.money import Money
from parkerflight.flights.types import (
    UNKNOWN_CONDITION,
    Baggage,
    Cabin,
    Condition,
    Offer,
    OfferPassenger,
    Place,
    Segment,
    Slice,
)

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
TODAY = NOW.date()
CAP = Money(50_000, "GBP")
OUT, BACK = date(2027, 3, 1), date(2027, 3, 8)  # two Mondays
ALLOWED, REFUSED = Condition(allowed=True, penalty=None), Condition(allowed=False, penalty=None)
TRIP = Criteria(
    origins=("LON",), destinations=("NYC",), departure_from=OUT, departure_to=OUT, return_from=BACK, return_to=BACK
)


def place(code: str) -> Place:
    return Place(code, code, code, "UTC")


def flight(start: str, end: str, day: date, hour: int = 10, carrier: str = "BA", **changes: object) -> Segment:
    departing = datetime.combine(day, time(hour))
    base = Segment(
        id="seg",
        origin=place(start),
        destination=place(end),
        departing_at=departing,
        arriving_at=departing + timedelta(hours=3),
        marketing_carrier=carrier,
        marketing_flight_number="1",
        operating_carrier=carrier,
        operating_carrier_name=carrier,
        baggage={"pas_1": Baggage(checked=1)},
        cabins={"pas_1": "economy"},
    )
    return replace(base, **changes)


def way(*segments: Segment, hours: int | None = 7) -> Slice:
    duration = None if hours is None else timedelta(hours=hours)
    return Slice("sli", segments[0].origin, segments[-1].destination, segments, duration)


def offer(**changes: object) -> Offer:
    base = Offer(
        id="off_1",
        offer_request_id="orq_1",
        total=Money(40_000, "GBP"),
        owner="BA",
        owner_name="British Airways",
        slices=(way(flight("LHR", "JFK", OUT)), way(flight("EWR", "LGW", BACK))),
        passengers=(OfferPassenger("pas_1", "adult", None),),
        expires_at=NOW + timedelta(minutes=30),
        live_mode=False,
        requires_instant_payment=True,
        payment_required_by=None,
        price_guarantee_expires_at=None,
        documents_required=False,
        supported_documents=(),
        refund=UNKNOWN_CONDITION,
        change=UNKNOWN_CONDITION,
    )
    return replace(base, **changes)


def reasons(one: Offer, criteria: Criteria = TRIP, cap: Money = CAP, **more: object) -> list[Reason]:
    verdict = match([one], criteria, cap, NOW, **more)
    return [refusal.reason for refusal in verdict.judgements[0].refusals]


OUTBOUND = way(flight("LHR", "JFK", OUT))
INBOUND = way(flight("JFK", "LHR", BACK))


class TestMatcher:
    def test_accepts_airports_of_the_cities_asked_for(self):
        assert reasons(offer()) == []

    def test_accepts_an_offer_at_the_cap(self):
        assert reasons(offer(total=CAP)) == []

    def test_refuses_an_offer_one_minor_unit_above_the_cap(self):
        verdict = match([offer(total=Money(CAP.minor + 1, "GBP"))], TRIP, CAP, NOW)

        assert verdict.best is None
        assert verdict.refusals[0].reason is Reason.PRICE
        assert verdict.refusals[0].sentence == "costs 500.01 GBP, 0.01 GBP above the cap"

    def test_never_compares_two_currencies(self):
        assert reasons(offer(total=Money(1, "USD"))) == [Reason.CURRENCY]

    @pytest.mark.parametrize(
        ("change", "wish", "expected"),
        [
            ({"slices": (OUTBOUND,)}, {}, [Reason.WRONG_TRIP]),
            ({"slices": (way(flight("MAN", "JFK", OUT)), INBOUND)}, {}, [Reason.WRONG_PLACE]),
            ({"slices": (way(flight("LHR", "BOS", OUT)), INBOUND)}, {}, [Reason.WRONG_PLACE]),
            ({"slices": (OUTBOUND, way(flight("JFK", "CDG", BACK)))}, {}, [Reason.WRONG_PLACE]),
            ({"slices": (way(flight("LHR", "JFK", date(2027, 3, 2))), INBOUND)}, {}, [Reason.WRONG_DATE]),
            ({"slices": (OUTBOUND, way(flight("JFK", "LHR", date(2027, 3, 9))))}, {}, [Reason.WRONG_DATE]),
            ({}, {"weekdays_out": frozenset({1})}, [Reason.WRONG_DATE]),
            ({}, {"weekdays_back": frozenset({6})}, [Reason.WRONG_DATE]),
            ({}, {"return_from": None, "return_to": None, "nights_min": 7}, []),
            ({}, {"return_from": None, "return_to": None, "nights_min": 8, "nights_max": 9}, [Reason.WRONG_DATE]),
            ({}, {"adults": 2}, [Reason.PARTY]),
            ({"passengers": (OfferPassenger("pas_1", "child", 9),)}, {}, [Reason.PARTY]),
            ({"passengers": (OfferPassenger("pas_1", "child", 9),)}, {"adults": 0, "minor_ages": (9,)}, []),
            ({"expires_at": NOW}, {}, [Reason.EXPIRED]),
            ({"expires_at": NOW + timedelta(seconds=299)}, {}, [Reason.EXPIRES_TOO_SOON]),
            ({"expires_at": NOW + timedelta(seconds=300)}, {}, []),
            ({"expires_at": None}, {}, []),
            ({}, {"times_out": TimeWindow(time(10, 0), time(10, 0))}, []),
            ({}, {"times_out": TimeWindow(time(10, 1), time(23, 0))}, [Reason.DEPARTURE_TIME]),
            ({}, {"times_back": TimeWindow(time(0, 0), time(9, 59))}, [Reason.DEPARTURE_TIME]),
            ({}, {"airlines_out": ("BA",)}, [Reason.AIRLINE, Reason.OWNER]),
            ({}, {"airlines_in": ("AA",)}, [Reason.AIRLINE, Reason.OWNER]),
            ({"owner": "IB"}, {"airlines_in": ("BA",)}, [Reason.OWNER]),
            ({}, {"airlines_in": ("BA", "AA")}, []),
            ({}, {"cabin": Cabin.BUSINESS}, [Reason.CABIN]),
            ({}, {"min_checked_bags": 1}, []),
            ({}, {"min_checked_bags": 2}, [Reason.BAGS]),
            ({"refund": ALLOWED}, {"refundable_only": True}, []),
            ({"refund": REFUSED}, {"refundable_only": True}, [Reason.NOT_REFUNDABLE]),
            ({}, {"refundable_only": True}, [Reason.NOT_REFUNDABLE]),
            ({}, {"changeable_only": True}, [Reason.NOT_CHANGEABLE]),
        ],
    )
    def test_judges_each_wish(self, change: dict, wish: dict, expected: list[Reason]):
        assert reasons(offer(**change), replace(TRIP, **wish)) == expected

    def test_an_operating_airline_may_be_unwanted_too(self):
        codeshare = way(flight("LHR", "JFK", OUT, operating_carrier="AA"))

        assert reasons(offer(slices=(codeshare, INBOUND)), replace(TRIP, airlines_out=("AA",))) == [Reason.AIRLINE]
        assert reasons(offer(slices=(codeshare, INBOUND)), replace(TRIP, airlines_in=("BA",))) == []

    def test_counts_connections_but_not_stops_on_the_way(self):
        via = way(flight("LHR", "DUB", OUT), flight("DUB", "JFK", OUT, 14))
        stopping = way(flight("LHR", "JFK", OUT, stops=2))

        direct_only = replace(TRIP, max_connections=0)
        assert reasons(offer(slices=(via, INBOUND)), direct_only) == [Reason.CONNECTIONS]
        assert reasons(offer(slices=(stopping, INBOUND)), direct_only) == []

    def test_refuses_what_needs_documents_nobody_stored(self):
        needy = offer(documents_required=True)

        assert reasons(needy, has_documents=True) == []
        assert reasons(needy, has_documents=False) == [Reason.DOCUMENTS]

    def test_prefers_cheap_then_short_then_comfortable_then_the_smaller_id(self):
        early = way(flight("LHR", "JFK", OUT, 5))
        ranked = [
            offer(id="off_9", total=Money(39_999, "GBP"), slices=(way(flight("LHR", "JFK", OUT), hours=9), INBOUND)),
            offer(id="off_8", slices=(way(flight("LHR", "JFK", OUT), hours=6), INBOUND)),
            offer(id="off_6"),
            offer(id="off_7"),
            offer(id="off_2", slices=(early, INBOUND)),
            offer(id="off_1", slices=(way(flight("LHR", "JFK", OUT), hours=None), INBOUND)),
        ]

        verdict = match(reversed(ranked), TRIP, CAP, NOW)

        assert [one.id for one in verdict.accepted] == [one.id for one in ranked]

    def test_explains_why_this_and_why_not_those(self):
        dear = offer(id="off_2", total=Money(50_100, "GBP"))
        dearer = offer(id="off_3", total=Money(60_000, "GBP"), refund=REFUSED)

        verdict = match([dearer, dear, offer()], TRIP, CAP, NOW)

        assert verdict.counts == {Reason.PRICE: 2}
        assert verdict.nearest_miss.offer.id == "off_2"
        assert verdict.explain() == (
            "off_1 of BA for 400.00 GBP is the only one that fits. Refused: 2 (price 2). "
            "Nearest miss: off_2 costs 501.00 GBP, 1.00 GBP above the cap."
        )
        assert json.loads(json.dumps(verdict.to_json()))["best"] == "off_1"

    def test_says_so_when_there_is_nothing(self):
        verdict = match([], TRIP, CAP, NOW)

        assert (verdict.best, verdict.refusals, verdict.explain()) == (None, (), "No offers were found.")


prices = st.lists(
    st.tuples(
        st.integers(49_998, 50_003) | st.integers(1, 100_000),
        st.sampled_from(["GBP", "USD"]),
        st.integers(0, 23),
        st.sampled_from([None, 6, 7, 8]),
        st.sampled_from(["BA", "AA", "IB"]),
    ),
    max_size=12,
)


def drawn(rows: list[tuple]) -> list[Offer]:
    return [
        offer(
            id=f"off_{index}",
            total=Money(minor, currency),
            owner=owner,
            slices=(way(flight("LHR", "JFK", OUT, hour), hours=hours), INBOUND),
        )
        for index, (minor, currency, hour, hours, owner) in enumerate(rows)
    ]


class TestMatcherForAnyOffers:
    @given(prices, st.randoms(use_true_random=False))
    def test_does_not_depend_on_their_order(self, rows: list[tuple], chance: random.Random):
        offers = drawn(rows)
        shuffled = offers.copy()
        chance.shuffle(shuffled)
        wish = replace(TRIP, airlines_out=("IB",))

        assert match(offers, wish, CAP, NOW) == match(shuffled, wish, CAP, NOW)
        assert match(offers, wish, CAP, NOW).explain() == match(shuffled, wish, CAP, NOW).explain()

    @given(prices)
    def test_the_best_is_the_cheapest_within_the_cap(self, rows: list[tuple]):
        offers = drawn(rows)
        verdict = match(offers, TRIP, CAP, NOW)

        within = [one.total.minor for one in offers if one.total.currency == "GBP" and one.total.minor <= CAP.minor]
        assert (verdict.best.total.minor if verdict.best else None) == min(within, default=None)
        assert len(verdict.judgements) == len(offers)

    @given(st.integers(1, 10**9))
    def test_the_cap_is_a_sharp_edge(self, minor: int):
        cap = Money(minor, "GBP")

        assert reasons(offer(total=cap), cap=cap) == []
        assert reasons(offer(total=Money(minor + 1, "GBP")), cap=cap) == [Reason.PRICE]


class TestCriteria:
    def test_usual_wishes_are_fine(self):
        validate(TRIP, CAP, TODAY)

    @pytest.mark.parametrize(
        ("wish", "code", "field"),
        [
            ({"origins": ()}, "place_missing", "origins"),
            ({"origins": ("XXX",)}, "unknown_place", "origins"),
            ({"destinations": ("lhr",)}, "unknown_place", "destinations"),
            ({"destinations": ("LON",)}, "same_place", "destinations"),
            ({"origins": ("LHR",), "destinations": ("LON",)}, "same_place", "destinations"),
            ({"departure_from": date(2026, 11, 22)}, "window_past", "departure_from"),
            ({"departure_to": date(2027, 2, 28)}, "window_reversed", "departure_to"),
            ({"return_to": date(2027, 11, 24)}, "window_too_far", "return_to"),
            ({"return_to": None}, "return_half", "return_to"),
            ({"return_from": date(2027, 2, 1), "return_to": date(2027, 2, 2)}, "return_before_departure", "return_to"),
            ({"nights_min": 3}, "return_twice", "nights_min"),
            ({"return_from": None, "return_to": None, "nights_max": 3}, "nights_half", "nights_min"),
            ({"return_from": None, "return_to": None, "nights_min": -1}, "nights_negative", "nights_min"),
            (
                {"return_from": None, "return_to": None, "nights_min": 5, "nights_max": 3},
                "nights_reversed",
                "nights_max",
            ),
            ({"return_from": None, "return_to": None, "nights_min": 181}, "nights_too_many", "nights_max"),
            ({"weekdays_out": frozenset({7})}, "bad_weekday", "weekdays_out"),
            ({"weekdays_out": frozenset({1})}, "no_dates", "departure_from"),
            ({"times_out": TimeWindow(time(21), time(7))}, "times_reversed", "times_out"),
            ({"adults": 0}, "nobody", "adults"),
            ({"adults": 0, "minor_ages": (9,)}, "minors_alone", "adults"),
            ({"minor_ages": (18,)}, "bad_age", "minor_ages"),
            ({"minor_ages": (0, 1)}, "too_many_infants", "minor_ages"),
            ({"adults": 8, "minor_ages": (5, 6)}, "too_many_people", "adults"),
            ({"max_connections": -1}, "bad_connections", "max_connections"),
            ({"min_checked_bags": 9}, "bad_bags", "min_checked_bags"),
            ({"airlines_in": ("British",)}, "unknown_airline", "airlines_in"),
            ({"airlines_in": ("BA",), "airlines_out": ("BA",)}, "airline_both_ways", "airlines_out"),
            (
                {"departure_to": date(2027, 6, 1), "return_from": date(2027, 6, 1), "return_to": date(2027, 9, 1)},
                "too_many_searches",
                "departure_to",
            ),
        ],
    )
    def test_impossible_wishes_are_refused_where_they_are(self, wish: dict, code: str, field: str):
        with pytest.raises(BadInput) as refused:
            validate(replace(TRIP, **wish), CAP, TODAY)

        assert (refused.value.code, refused.value.field) == (code, field)

    @pytest.mark.parametrize("minor", [0, -1])
    def test_the_cap_must_be_positive(self, minor: int):
        with pytest.raises(BadInput, match="more than zero"):
            validate(TRIP, Money(minor, "GBP"), TODAY)

    def test_says_how_many_searches_are_possible_and_why(self):
        wide = replace(TRIP, departure_to=date(2027, 3, 31), return_to=date(2027, 4, 30))

        with pytest.raises(BadInput, match=rf"at most {MOST_CELLS} are possible, because each is a search"):
            validate(wide, CAP, TODAY)

    def test_stored_wishes_come_back_equal(self):
        rich = replace(
            TRIP,
            weekdays_out=frozenset({0, 4}),
            times_out=TimeWindow(time(7), time(21, 30)),
            cabin=Cabin.BUSINESS,
            airlines_out=("FR",),
            minor_ages=(4, 1),
        )

        assert from_json(json.loads(json.dumps(to_json(rich)))) == rich

    @pytest.mark.parametrize(
        ("stored", "field"),
        [
            ({"surprise": 1}, "surprise"),
            ({"origins": "LON"}, "origins"),
            ({"departure_from": "soon"}, "departure_from"),
            ({"adults": "two"}, "adults"),
            ({"adults": True}, "adults"),
            ({"cabin": "cargo"}, "cabin"),
            ({"times_out": ["7"]}, "times_out"),
            ({"refundable_only": "no"}, "refundable_only"),
            ({"destinations": None}, "destinations"),
        ],
    )
    def test_unreadable_wishes_are_refused_where_they_are(self, stored: dict, field: str):
        with pytest.raises(BadInput) as refused:
            from_json(to_json(TRIP) | stored)

        assert refused.value.field == field

    def test_codes_are_read_in_any_case(self):
        assert from_json(to_json(TRIP) | {"origins": [" lon "]}).origins == ("LON",)


class TestCells:
    def test_are_the_distinct_combinations_of_dates_and_places(self):
        wish = replace(TRIP, origins=("LHR", "LGW", "LHR"), departure_to=OUT + timedelta(days=2))

        keys = [cell.key for cell in cells(wish)]

        assert len(keys) == len(set(keys)) == 6
        assert keys[0] == "LGW-NYC/2027-03-01/2027-03-08/economy/1/1"

    def test_follow_nights_and_weekdays(self):
        wish = replace(
            TRIP,
            departure_to=OUT + timedelta(days=6),
            return_from=None,
            return_to=None,
            nights_min=2,
            nights_max=4,
            weekdays_out=frozenset({4}),
            weekdays_back=frozenset({6, 0}),
        )

        pairs = [(cell.depart.isoformat(), cell.back.isoformat()) for cell in cells(wish)]

        assert pairs == [("2027-03-05", "2027-03-07"), ("2027-03-05", "2027-03-08")]

    def test_one_way_has_no_return(self):
        (cell,) = cells(replace(TRIP, return_from=None, return_to=None))

        assert cell.key == "LON-NYC/2027-03-01/-/economy/1/1"
        assert len(cell.query().slices) == 1

    def test_are_shared_by_equal_parties_only(self):
        family, same, other = (
            {cell.key for cell in cells(replace(TRIP, minor_ages=ages))} for ages in ((4, 9), (9, 4), (4, 8))
        )

        assert family == same
        assert not family & other

    def test_come_back_as_the_search_they_are(self):
        (cell,) = cells(replace(TRIP, adults=2, minor_ages=(9, 1)))

        assert query_of(json.loads(json.dumps(cell.to_json()))) == cell.query()
        assert [one.age for one in cell.query().passengers] == [None, None, 1, 9]

    def test_the_last_flight_day_is_the_latest_possible(self):
        assert TRIP.last_flight_day == BACK
        assert replace(TRIP, return_from=None, return_to=None).last_flight_day == OUT
        nights = replace(TRIP, return_from=None, return_to=None, nights_min=3, nights_max=5)
        assert nights.last_flight_day == OUT + timedelta(days=5)
