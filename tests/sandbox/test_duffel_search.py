"""The Duffel sandbox's searches and offers, over HTTP."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from sandbox.duffel.itineraries import between
from sandbox.duffel.places import airports, distance_km
from tests.sandbox.test_duffel_support import (  # noqa: F401  # fixtures are used by their names
    ADULT,
    code,
    conforms,
    emptied_sandbox,
    running_server,
    search,
    soon,
)


class TestHeaders:
    @pytest.mark.parametrize(
        ("headers", "status", "expected"),
        [
            ({"Authorization": ""}, 401, "missing_authorization_header"),
            ({"Authorization": "Basic x"}, 401, "invalid_authorization_header"),
            ({"Authorization": "Bearer duffel_live_x"}, 401, "access_token_not_found"),
            ({"Duffel-Version": ""}, 400, "missing_version_header"),
            ({"Duffel-Version": "v1"}, 400, "unsupported_version"),
            ({"Duffel-Version": "7"}, 400, "invalid_version_header"),
            ({"Accept": "text/html"}, 406, "unsupported_format"),
        ],
    )
    def test_refuses_a_call_without_them(self, duffel, headers, status, expected):
        answer = duffel.get("/air/airlines", headers=headers)
        assert (answer.status_code, code(answer)) == (status, expected)
        assert answer.json()["meta"] == {"status": status, "request_id": answer.headers["x-request-id"]}
        assert conforms("ErrorResponse", answer.json()) == []

    def test_a_read_only_token_may_not_search(self, duffel):
        answer = search(duffel, headers={"Authorization": "Bearer duffel_test_readonly_1"}, raw=True)
        assert (answer.status_code, code(answer)) == (403, "insufficient_permissions")

    def test_long_answers_are_compressed_when_accepted(self, duffel):
        body = {"data": {"slices": [slice_of("LHR", "JFK")], "passengers": [ADULT]}}
        assert duffel.post("/air/offer_requests", json=body).headers["content-encoding"] == "gzip"
        plain = duffel.post("/air/offer_requests", json=body, headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers

    @pytest.mark.parametrize(
        ("body", "expected"),
        [(b"{", "bad_request"), (b"{}", "missing_data_param"), (b'{"data":1}', "malformed_data_param")],
    )
    def test_a_body_must_be_a_data_envelope(self, duffel, body, expected):
        answer = duffel.post("/air/offer_requests", content=body)
        assert (answer.status_code, code(answer)) == (400, expected)


def slice_of(origin, destination, days=40):
    return {"origin": origin, "destination": destination, "departure_date": soon(days)}


class TestRateLimits:
    def test_says_how_many_are_left_and_then_refuses_until_the_reset(self, duffel):
        duffel.post("/_sandbox/limits", json={"offer_requests_per_minute": 2})
        duffel.post("/_sandbox/clock", json={"rate": 0})
        duffel.post("/_sandbox/clock", json={"advance": 60})
        first, second, third = (search(duffel, raw=True) for _ in range(3))
        assert [r.headers["ratelimit-remaining"] for r in (first, second, third)] == ["1", "0", "0"]
        assert (third.status_code, code(third)) == (429, "rate_limit_exceeded")
        reset = datetime.strptime(third.headers["ratelimit-reset"], "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
        now = duffel.get("/_sandbox/clock").json()["now"]
        assert 0 < reset.timestamp() - now <= 60
        duffel.post("/_sandbox/clock", json={"advance": 61})
        assert search(duffel, raw=True).status_code == 201


class TestOfferRequests:
    def test_conforms_to_the_contract(self, duffel):
        found = search(duffel, passengers=[ADULT, {"age": 7}, {"age": 1}], back="LHR")
        assert conforms("OfferRequest", found) == []
        assert [p["type"] for p in found["passengers"]] == ["adult", "child", "infant_without_seat"]
        assert all(len(offer["slices"]) == 2 for offer in found["offers"])
        assert all(set(offer) >= CONTRACT_OFFER for offer in found["offers"])

    def test_can_leave_the_offers_to_the_list(self, duffel):
        body = {"data": {"slices": [slice_of("LHR", "JFK")], "passengers": [ADULT]}}
        made = duffel.post("/air/offer_requests?return_offers=false", json=body).json()["data"]
        assert "offers" not in made
        assert duffel.get(f"/air/offer_requests/{made['id']}").json()["data"]["offers"]

    @pytest.mark.parametrize(
        ("data", "pointer"),
        [
            ({"slices": []}, "/slices"),
            ({"passengers": []}, "/passengers"),
            ({"passengers": [{"type": "adult", "age": 30}]}, "/passengers/0/type"),
            ({"passengers": [ADULT] * 10}, "/passengers"),
            ({"passengers": [ADULT, {"age": 0}, {"age": 1}]}, "/passengers"),
            ({"cabin_class": "steerage"}, "/cabin_class"),
            ({"max_connections": -1}, "/max_connections"),
            ({"slices": [slice_of("LHR", "LHR")]}, "/slices/0/destination"),
            ({"slices": [slice_of("LHR", "QQQ")]}, "/slices/0/destination"),
            ({"slices": [slice_of("LHR", "JFK", -3)]}, "/slices/0/departure_date"),
            ({"slices": [slice_of("LHR", "JFK", 500)]}, "/slices/0/departure_date"),
            (
                {"slices": [{"origin": "LHR", "destination": "JFK", "departure_date": "soon"}]},
                "/slices/0/departure_date",
            ),
        ],
    )
    def test_points_at_the_field_that_is_wrong(self, duffel, data, pointer):
        body = {"data": {"slices": [slice_of("LHR", "JFK")], "passengers": [ADULT]} | data}
        answer = duffel.post("/air/offer_requests", json=body)
        assert answer.status_code == 422
        assert pointer in [error["source"]["pointer"] for error in answer.json()["errors"]]

    def test_city_codes_cover_all_their_airports(self, duffel):
        found = search(duffel, "LON", "NYC")
        assert found["slices"][0]["origin_type"] == "city"
        assert len({o["slices"][0]["origin"]["iata_code"] for o in found["offers"]}) > 1
        assert {o["slices"][0]["destination"]["iata_code"] for o in found["offers"]} <= {"JFK", "EWR", "LGA"}

    def test_max_connections_and_time_windows_narrow_the_search(self, duffel):
        direct = search(duffel, max_connections=0)
        assert {len(o["slices"][0]["segments"]) for o in direct["offers"]} == {1}
        piece = slice_of("LHR", "JFK") | {"departure_time": {"from": "09:00", "to": "12:00"}}
        body = {"data": {"slices": [piece], "passengers": [ADULT]}}
        morning = duffel.post("/air/offer_requests", json=body).json()["data"]["offers"]
        assert morning
        assert all("09:00" <= o["slices"][0]["segments"][0]["departing_at"][11:16] <= "12:00" for o in morning)

    def test_children_pay_three_quarters_and_infants_a_tenth(self, duffel):
        duffel.post("/_sandbox/clock", json={"rate": 0})
        alone = {flights(o): float(o["total_amount"]) for o in search(duffel, passengers=[ADULT])["offers"]}
        family = {
            flights(o): float(o["total_amount"]) for o in search(duffel, passengers=[ADULT, {"age": 0}])["offers"]
        }
        assert all(family[k] == pytest.approx(alone[k] * 1.1, abs=0.02) for k in alone)
        duffel.post("/_sandbox/clock", json={"rate": 1})

    def test_business_costs_more_than_economy(self, duffel):
        cheap = min(float(o["total_amount"]) for o in search(duffel)["offers"])
        front = search(duffel, cabin_class="business")["offers"]
        assert min(float(o["total_amount"]) for o in front) > 1.5 * cheap
        assert {s["passengers"][0]["cabin_class"] for s in front[0]["slices"][0]["segments"]} == {"business"}

    def test_amounts_are_in_the_billing_currency(self, duffel):
        duffel.post("/_sandbox/account", json={"currency": "EUR"})
        offers = search(duffel)["offers"]
        assert {o["total_currency"] for o in offers} == {"EUR"}
        assert all(
            float(o["base_amount"]) + float(o["tax_amount"]) == pytest.approx(float(o["total_amount"])) for o in offers
        )


CONTRACT_OFFER = {
    "id", "total_amount", "total_currency", "base_amount", "tax_amount", "owner", "slices", "passengers", "conditions", "expires_at",
    "payment_requirements", "passenger_identity_documents_required", "supported_passenger_identity_document_types",
    "supported_loyalty_programmes", "total_emissions_kg", "private_fares", "partial", "live_mode",
}  # fmt: skip


def flights(offer):
    numbers = [
        s["marketing_carrier"]["iata_code"] + s["marketing_carrier_flight_number"]
        for p in offer["slices"]
        for s in p["segments"]
    ]
    return (*numbers, offer["slices"][0]["fare_brand_name"])


class TestOffers:
    def test_are_listed_by_id_unless_sorted_and_paged_with_cursors(self, duffel):
        made = search(duffel)
        query = {"offer_request_id": made["id"], "limit": 10}
        first = duffel.get("/air/offers", params=query).json()
        ids = [o["id"] for o in first["data"]]
        assert ids == sorted(ids)
        seen, meta = list(ids), first["meta"]
        while meta["after"]:
            page = duffel.get("/air/offers", params=query | {"after": meta["after"]}).json()
            meta = page["meta"]
            seen += [o["id"] for o in page["data"]]
        assert seen == sorted(o["id"] for o in made["offers"])
        cheapest = duffel.get("/air/offers", params=query | {"sort": "total_amount"}).json()["data"]
        assert [float(o["total_amount"]) for o in cheapest] == sorted(float(o["total_amount"]) for o in cheapest)
        assert float(cheapest[0]["total_amount"]) == min(float(o["total_amount"]) for o in made["offers"])

    def test_the_list_hides_longer_journeys_unless_asked(self, duffel):
        made = search(duffel, "ABZ", "SYD", max_connections=2)

        def changes(**query):
            found = duffel.get("/air/offers", params={"offer_request_id": made["id"], "limit": 200} | query).json()[
                "data"
            ]
            return max(len(o["slices"][0]["segments"]) for o in found) - 1

        assert changes() <= 1
        assert changes(max_connections=2) == 2

    def test_service_ids_change_on_each_reading(self, duffel):
        offer = search(duffel, owner="ZZ")["offers"][0]
        read = [
            duffel.get(f"/air/offers/{offer['id']}?return_available_services=true").json()["data"] for _ in range(2)
        ]
        assert conforms("Offer", read[0]) == []
        first, second = ({s["id"] for s in one["available_services"]} for one in read)
        assert first
        assert not first & second

    def test_are_gone_after_they_expire_on_the_virtual_clock(self, duffel):
        offer = search(duffel, owner="ZZ")["offers"][0]
        duffel.post("/_sandbox/clock", json={"advance": 31 * 60})
        answer = duffel.get(f"/air/offers/{offer['id']}")
        assert (answer.status_code, code(answer)) == (422, "offer_no_longer_available")

    def test_expiry_is_not_the_same_for_all_airlines(self, duffel):
        lives = {
            o["owner"]["iata_code"]: moment(o["expires_at"]) - moment(o["created_at"])
            for o in search(duffel, "LON", "NYC")["offers"]
        }
        assert len(set(lives.values())) > 1
        assert lives["ZZ"] == timedelta(minutes=30)

    def test_a_hold_is_offered_by_some_with_and_without_a_price_guarantee(self, duffel):
        terms = [o["payment_requirements"] for o in search(duffel, "LHR", "JFK")["offers"]]
        assert any(t["requires_instant_payment"] and t["payment_required_by"] is None for t in terms)
        held = [t for t in terms if not t["requires_instant_payment"]]
        assert {t["price_guarantee_expires_at"] is None for t in held} == {True, False}

    def test_conditions_may_be_unknown_and_penalties_in_another_currency(self, duffel):
        silent = [o for o in search(duffel, "LHR", "HND")["offers"] if o["owner"]["iata_code"] == "JL"]
        assert silent
        assert all(o["conditions"]["refund_before_departure"] is None for o in silent)
        vueling = [
            o["conditions"]["change_before_departure"]
            for o in search(duffel, "LGW", "BCN")["offers"]
            if o["owner"]["iata_code"] == "VY"
        ]
        assert {c["penalty_currency"] for c in vueling} & {"EUR"}

    def test_loyalty_of_the_documented_member_takes_a_tenth_off(self, duffel):
        duffel.post("/_sandbox/clock", json={"rate": 0})
        offer = search(duffel, owner="ZZ")["offers"][0]
        member = {
            "given_name": "Amelia",
            "family_name": "Earhart",
            "loyalty_programme_accounts": [{"airline_iata_code": "ZZ", "account_number": "1234567890"}],
        }
        duffel.patch(f"/air/offers/{offer['id']}/passengers/{offer['passengers'][0]['id']}", json={"data": member})
        after = duffel.get(f"/air/offers/{offer['id']}").json()["data"]
        assert float(after["total_amount"]) == pytest.approx(float(offer["total_amount"]) * 0.9, abs=0.02)
        duffel.post("/_sandbox/clock", json={"rate": 1})


def moment(text):
    return datetime.fromisoformat(text)


class TestDeterminism:
    def test_the_same_moment_always_has_the_same_fares(self, duffel):
        duffel.post("/_sandbox/clock", json={"rate": 0})
        first, second = ({flights(o): o["total_amount"] for o in search(duffel)["offers"]} for _ in range(2))
        assert first == second
        duffel.post("/_sandbox/clock", json={"advance": 5 * 86_400})
        later = {flights(o): o["total_amount"] for o in search(duffel)["offers"]}
        assert set(later) == set(first)
        assert later != first
        duffel.post("/_sandbox/clock", json={"rate": 1})

    def test_a_reset_repeats_the_ids(self, duffel):
        ids = []
        for _ in range(2):
            duffel.post("/_sandbox/reset")
            ids.append(search(duffel)["id"])
        assert ids[0] == ids[1]


ROUTES = [
    ("LHR", "JFK"),
    ("JFK", "LHR"),
    ("LHR", "BCN"),
    ("SYD", "LHR"),
    ("LAX", "SYD"),
    ("ABZ", "NCE"),
    ("GRU", "MAD"),
    ("DEL", "SIN"),
    ("HNL", "AKL"),
]


class TestPlausibility:
    @pytest.mark.parametrize(("origin", "destination"), ROUTES)
    # the Sundays on which clocks change in Europe and in North America, and two ordinary days
    @pytest.mark.parametrize("day", [date(2027, 3, 28), date(2027, 3, 14), date(2027, 7, 1), date(2027, 10, 31)])
    def test_speeds_waits_and_order_are_what_airlines_fly(self, origin, destination, day):
        found = between([origin], [destination], day, 1)
        assert found
        for itinerary in found:
            assert itinerary.legs[0].departs.astimezone(airports()[origin].tzinfo).date() == day
            for leg in itinerary.legs:
                km = distance_km(leg.origin, leg.destination)
                assert leg.arrives > leg.departs
                if km > 300:
                    # 40 minutes of every block are taxi, climb and approach
                    assert 590 <= km / ((leg.minutes - 40) / 60) <= 950, leg
            for first, second in zip(itinerary.legs, itinerary.legs[1:], strict=False):
                assert timedelta(minutes=45) <= second.departs - first.arrives <= timedelta(hours=6)
                assert first.destination == second.origin

    def test_local_times_agree_with_zones_and_durations(self, duffel):
        for offer in search(duffel, "LHR", "SYD")["offers"]:
            for segment in offer["slices"][0]["segments"]:
                assert "+" not in segment["departing_at"]
                assert not segment["departing_at"].endswith("Z")
                start, end = (
                    datetime.fromisoformat(segment[name]).replace(tzinfo=ZoneInfo(segment[place]["time_zone"]))
                    for name, place in (("departing_at", "origin"), ("arriving_at", "destination"))
                )
                assert (end.astimezone(UTC) - start.astimezone(UTC)) == iso_duration(segment["duration"])

    def test_carriers_fit_the_route(self, duffel):
        direct = {o["owner"]["iata_code"] for o in search(duffel, max_connections=0)["offers"]}
        assert {"BA", "VS", "AA", "DL", "ZZ"} <= direct
        assert not direct & {"FR", "LH", "QF", "EK"}
        short = {o["owner"]["iata_code"] for o in search(duffel, "LHR", "CDG", max_connections=0)["offers"]}
        assert short == {"BA", "AF", "ZZ"}

    def test_basic_fares_carry_no_checked_bag_and_dearer_ones_do(self, duffel):
        bags = {}
        for offer in search(duffel, "LHR", "BCN")["offers"]:
            rows = offer["slices"][0]["segments"][0]["passengers"][0]["baggages"]
            bags[offer["slices"][0]["fare_brand_name"]] = next(b["quantity"] for b in rows if b["type"] == "checked")
        assert (bags["Economy Light"], bags["Economy Classic"]) == (0, 1)


def iso_duration(text):
    days, _, time = text[1:].partition("T")
    hours, _, minutes = time.partition("H") if "H" in time else ("0", "", time)
    return timedelta(days=int(days.rstrip("D") or 0), hours=int(hours or 0), minutes=int(minutes.rstrip("M") or 0))


class TestReferenceData:
    @pytest.mark.parametrize(
        ("kind", "schema"),
        [("airlines", "Airline"), ("airports", "Airport"), ("aircraft", "Aircraft"), ("cities", "City")],
    )
    def test_lists_are_paged_and_readable_by_id(self, duffel, kind, schema):
        page = duffel.get(f"/air/{kind}", params={"limit": 3}).json()
        assert len(page["data"]) == 3
        assert page["meta"]["after"]
        assert conforms(schema, page["data"][0]) == []
        assert duffel.get(f"/air/{kind}/{page['data'][1]['id']}").json()["data"] == page["data"][1]
        following = duffel.get(f"/air/{kind}", params={"limit": 3, "after": page["meta"]["after"]}).json()
        assert not {r["id"] for r in page["data"]} & {r["id"] for r in following["data"]}
        again = duffel.get(f"/air/{kind}", params={"limit": 3, "before": following["meta"]["before"]}).json()
        assert again["data"] == page["data"]

    def test_unknown_ids_and_paths_are_404_in_the_envelope(self, duffel):
        assert code(duffel.get("/air/airlines/arl_none")) == "not_found"
        assert code(duffel.get("/air/nothing")) == "not_found"

    def test_suggestions_find_cities_and_airports(self, duffel):
        found = duffel.get("/places/suggestions", params={"query": "lond"}).json()
        assert "meta" not in found
        assert [p["iata_code"] for p in found["data"]][:3] == ["LON", "LHR", "LGW"]
        assert duffel.get("/places/suggestions", params={"query": "xyzzyx"}).json() == {"data": []}
        near = duffel.get("/places/suggestions", params={"lat": "51.47", "lng": "-0.45", "rad": "30000"}).json()["data"]
        assert near[0]["iata_code"] == "LHR"
