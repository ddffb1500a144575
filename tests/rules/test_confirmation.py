# ruff: noqa: DTZ001 - local times of airports are naive on purpose

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from parkerflight.bookings.confirmation import confirmation
from parkerflight.core.money import Money
from parkerflight.flights.types import Baggage, Condition, Order, OrderState, Place, Segment, Slice, Ticket

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
LHR = Place("LHR", "Heathrow Airport", "London", "Europe/London")
LGW = Place("LGW", "Gatwick Airport", "London", "Europe/London")
JFK = Place("JFK", "John F. Kennedy International Airport", "New York", "America/New_York")
SIN = Place("SIN", "Singapore Changi Airport", "Singapore", "Asia/Singapore")
AKL = Place("AKL", "Auckland Airport", "Auckland", "Pacific/Auckland")
LAX = Place("LAX", "Los Angeles International Airport", "Los Angeles", "America/Los_Angeles")
SYD = Place("SYD", "Kingsford Smith Airport", "Sydney", "Australia/Sydney")
KTM = Place("KTM", "Tribhuvan Airport", "Kathmandu", "Asia/Kathmandu")
NOWHERE = Place("XQX", "Somewhere Airfield", "Somewhere", "")
BAGS = {"pas_1": Baggage(checked=1, carry_on=1)}


def flight(origin, destination, departing, arriving, **changes):
    fields = {
        "id": f"seg_{origin.iata_code}{destination.iata_code}",
        "marketing_carrier": "BA",
        "marketing_flight_number": "178",
        "operating_carrier": "AA",
        "operating_carrier_name": "American Airlines",
        "duration": None,
        "baggage": BAGS,
        "cabins": {"pas_1": "premium_economy"},
    }
    moments = [datetime.fromisoformat(text) for text in (departing, arriving)]
    return Segment(
        origin=origin, destination=destination, departing_at=moments[0], arriving_at=moments[1], **(fields | changes)
    )


def journey(*segments):
    return Slice("sli_1", segments[0].origin, segments[-1].destination, segments, None, "Basic")


def order(*slices, **changes):
    fields = {
        "id": "ord_1",
        "offer_id": "off_1",
        "booking_reference": "RZPNX8",
        "total": Money(41250, "GBP"),
        "owner": "BA",
        "owner_name": "British Airways",
        "passenger_ids": ("pas_1",),
        "tickets": (Ticket("125-1230984567", ("pas_1",)),),
        "state": OrderState.TICKETED,
        "created_at": NOW,
        "metadata": {},
    }
    return Order(slices=slices, **(fields | changes))


def mail(booked, travellers=("Anna Müller",), **changes):
    fields = {
        "charged": Money(41250, "GBP"),
        "card_brand": "visa",
        "card_last4": "4242",
        "cap": Money(45000, "GBP"),
        "now": NOW,
    }
    return confirmation(booked, travellers=list(travellers), **(fields | changes))


def events(sent):
    ((name, mime, content),) = sent.attachments
    assert (name, mime) == ("flights.ics", "text/calendar")
    return [Calendar.from_ical(content).walk("VEVENT"), content.decode()]


OVERNIGHT = flight(LHR, SIN, "2026-12-01T21:45", "2026-12-02T18:40", duration=timedelta(hours=12, minutes=55))


class TestCalendarFile:
    @pytest.mark.parametrize(
        ("segment", "start", "end"),
        [
            (OVERNIGHT, "2026-12-01T21:45Z", "2026-12-02T10:40Z"),
            # Over the date line: lands before it left, by the calendar on the wall.
            (flight(AKL, LAX, "2026-12-05T20:00", "2026-12-05T11:00"), "2026-12-05T07:00Z", "2026-12-05T19:00Z"),
            (flight(LAX, SYD, "2026-12-05T22:30", "2026-12-07T08:30"), "2026-12-06T06:30Z", "2026-12-06T21:30Z"),
            # Into the night in which British clocks go back, and out of the one in which American ones go forward.
            (flight(JFK, LHR, "2026-10-24T21:00", "2026-10-25T08:00"), "2026-10-25T01:00Z", "2026-10-25T08:00Z"),
            (flight(LAX, JFK, "2027-03-13T22:00", "2027-03-14T07:20"), "2027-03-14T06:00Z", "2027-03-14T11:20Z"),
            (flight(KTM, SIN, "2026-12-01T23:00", "2026-12-02T06:00"), "2026-12-01T17:15Z", "2026-12-01T22:00Z"),
        ],
    )
    def test_places_each_flight_at_its_true_instants(self, segment, start, end):
        ((event,), _) = events(mail(order(journey(segment))))
        assert event["dtstart"].dt.astimezone(UTC) == datetime.fromisoformat(start)
        assert event["dtend"].dt.astimezone(UTC) == datetime.fromisoformat(end)
        assert event["dtstart"].params["TZID"] == segment.origin.time_zone
        assert event["dtend"].params["TZID"] == segment.destination.time_zone

    def test_carries_the_rules_of_every_zone_itself(self):
        _, text = events(
            mail(order(journey(OVERNIGHT), journey(flight(SIN, LHR, "2027-04-01T23:00", "2027-04-02T05:30"))))
        )
        calendar = Calendar.from_ical(text)
        zones = {str(zone["tzid"]): zone.to_tz(lookup_tzid=False) for zone in calendar.walk("VTIMEZONE")}
        assert set(zones) == {"Europe/London", "Asia/Singapore"}
        for name, zone in zones.items():
            for month in range(1, 13):
                for year in (2026, 2027):
                    moment = datetime(year, month, 15, 12)
                    expected = moment.replace(tzinfo=ZoneInfo(name)).utcoffset()
                    assert moment.replace(tzinfo=zone).utcoffset() == expected, (name, moment)

    def test_changes_the_clocks_at_the_true_instant(self):
        out = flight(LHR, JFK, "2026-12-01T10:00", "2026-12-01T13:00")
        _, text = events(mail(order(journey(out), journey(flight(SYD, AKL, "2026-12-09T10:00", "2026-12-09T15:00")))))
        seen = 0
        for zone in Calendar.from_ical(text).walk("VTIMEZONE"):
            for rule in zone.subcomponents:
                before, after = rule["TZOFFSETFROM"].td, rule["TZOFFSETTO"].td
                lists = rule.get("RDATE")
                onsets = [rule["DTSTART"].dt, *(one.dt for one in (lists.dts if lists else []))]
                for onset in onsets if before != after else []:
                    instant = (onset - before).replace(tzinfo=UTC)
                    local = [(instant + timedelta(seconds=s)).astimezone(ZoneInfo(zone["TZID"])) for s in (-1, 0)]
                    assert [one.utcoffset() for one in local] == [before, after], (zone["TZID"], onset)
                    seen += 1
        assert seen >= 4 * 4  # four zones, two years, two changes each

    @pytest.mark.parametrize(("hours", "end"), [(2, "2026-10-25T00:30Z"), (3, "2026-10-25T01:30Z")])
    def test_tells_the_two_passes_of_a_repeated_hour_apart_by_the_duration(self, hours, end):
        """01:30 happens twice in London on 25 October 2026; a calendar can only write the second in UTC."""
        segment = flight(SIN, LHR, "2026-10-25T06:30", "2026-10-25T01:30", duration=timedelta(hours=hours))
        ((event,), _) = events(mail(order(journey(segment))))
        assert event["dtstart"].dt.astimezone(UTC) == datetime.fromisoformat("2026-10-24T22:30Z")
        assert event["dtend"].dt.astimezone(UTC) == datetime.fromisoformat(end)

    def test_names_flight_place_and_reference(self):
        ((event,), _) = events(mail(order(journey(flight(LHR, JFK, "2026-12-01T10:00", "2026-12-01T13:00")))))
        assert event["summary"] == "BA 178 London LHR → New York JFK"
        assert event["location"] == "Heathrow Airport (LHR)"
        assert "RZPNX8" in event["description"]
        assert "American Airlines" in event["description"]

    def test_has_one_event_a_flight_whose_name_never_changes(self):
        booked = order(journey(OVERNIGHT, flight(SIN, SYD, "2026-12-02T20:00", "2026-12-03T07:00")))
        first, later = events(mail(booked))[0], events(mail(booked, now=NOW + timedelta(days=9)))[0]
        assert [event["uid"] for event in first] == [event["uid"] for event in later]
        assert len({event["uid"] for event in first}) == 2

    @pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../etc/passwd", "Europe"])
    def test_floats_where_no_zone_is_known_and_says_so(self, zone):
        unknown = replace(NOWHERE, time_zone=zone)
        sent = mail(order(journey(flight(LHR, unknown, "2026-12-01T10:00", "2026-12-01T13:00"))))
        ((event,), text) = events(sent)
        assert event["dtstart"].dt == datetime(2026, 12, 1, 10)
        assert event["dtend"].dt == datetime(2026, 12, 1, 13)
        assert "TZID=" not in text
        assert "time zone of an airport is not known" in event["description"]
        for part in (sent.text, sent.html):
            assert "time zone of an airport is not known" in part
            assert "13:00 local time" in part

    def test_reckons_with_the_duration_where_one_zone_is_missing(self):
        long = timedelta(hours=9)
        leaving = flight(LHR, NOWHERE, "2026-12-01T10:00", "2026-12-01T13:00", duration=long)
        coming = flight(NOWHERE, LHR, "2026-12-09T10:00", "2026-12-09T13:00", duration=long)
        (out, back), _ = events(mail(order(journey(leaving), journey(coming))))
        assert out["dtend"].dt == datetime(2026, 12, 1, 19, tzinfo=UTC)
        assert back["dtstart"].dt == datetime(2026, 12, 9, 4, tzinfo=UTC)

    def test_has_no_end_before_its_start(self):
        ((event,), _) = events(mail(order(journey(flight(NOWHERE, LHR, "2026-12-05T20:00", "2026-12-05T11:00")))))
        assert "dtend" not in event

    def test_cannot_be_broken_out_of(self):
        trap = replace(LHR, name="Heath\r\nEND:VEVENT\r\nBEGIN:VALARM", city_name="London\nATTENDEE:x")
        ((event,), text) = events(mail(order(journey(flight(trap, JFK, "2026-12-01T10:00", "2026-12-01T13:00")))))
        assert text.count("END:VEVENT\r\n") == 1
        assert "VALARM\r\n" not in text.replace("\\nBEGIN:VALARM", "")
        assert "attendee" not in event


class TestMail:
    def test_says_everything_in_both_versions(self):
        back = flight(JFK, LGW, "2026-12-09T18:00", "2026-12-10T06:00", operating_carrier_name="British Airways plc")
        booked = order(journey(flight(LHR, JFK, "2026-12-01T10:00", "2026-12-01T13:05")), journey(back))
        sent = mail(booked, charged=Money(42250, "GBP"))
        for part in (sent.text, sent.html):
            for fact in (
                "RZPNX8", "125-1230984567", "Anna Müller", "BA 178", "American Airlines", "British Airways plc",
                "10:00 GMT", "13:05 EST", "06:00 GMT", "+1", "1 checked bag, 1 carry-on bag", "premium economy",
                "£412.50", "£10.00", "£422.50", "£450.00", "Visa ending in 4242", "Check in with British Airways",
            ):  # fmt: skip
                assert fact in part, fact
            assert "outbound" in part.lower()
            assert "return" in part.lower()
        assert sent.subject == "Booked: London to New York, Tue 1 Dec 2026"

    def test_keeps_reference_and_people_out_of_the_subject_and_the_repr(self):
        sent = mail(order(journey(OVERNIGHT)))
        assert "RZPNX8" not in sent.subject
        assert repr(sent) == "ConfirmationMail()"

    @pytest.mark.parametrize(
        ("condition", "words"),
        [
            (Condition(allowed=None, penalty=None), "the airline does not say. That is not a no"),
            (Condition(allowed=True, penalty=None), "allowed; the airline does not say what it costs"),
            (Condition(allowed=True, penalty=Money(0, "GBP")), "allowed, free of charge"),
            (Condition(allowed=True, penalty=Money(7500, "USD")), "allowed, for US$75.00"),
            (Condition(allowed=False, penalty=None), "not allowed"),
        ],
    )
    def test_does_not_take_unknown_for_no(self, condition, words):
        sent = mail(order(journey(OVERNIGHT), refund=condition, change=Condition(allowed=False, penalty=None)))
        for part in (sent.text, sent.html):
            assert f"Refund before departure: {words}" in part
            assert "Change before departure: not allowed." in part

    def test_says_when_bags_or_tickets_are_not_known(self):
        sent = mail(order(journey(replace(OVERNIGHT, baggage={})), tickets=(), state=OrderState.CONFIRMED))
        for part in (sent.text, sent.html):
            assert "Bags: The airline does not say" in part
            assert "ticket numbers follow" in part

    def test_lists_bags_by_name_when_they_differ(self):
        segment = replace(OVERNIGHT, baggage=BAGS | {"pas_2": Baggage(checked=0, carry_on=2)})
        sent = mail(order(journey(segment), passenger_ids=("pas_1", "pas_2")), travellers=("Anna", "Ben"))
        for part in (sent.text, sent.html):
            assert "Anna: 1 checked bag, 1 carry-on bag" in part
            assert "Ben: No checked bag, 2 carry-on bags" in part
            assert re.search(r"Ben.*no ticket number yet", part, re.IGNORECASE)

    def test_shows_day_changes_over_the_date_line(self):
        out = flight(LAX, SYD, "2026-12-05T22:30", "2026-12-07T08:30")
        back = flight(SYD, LAX, "2026-12-20T00:30", "2026-12-19T19:00")
        sent = mail(order(journey(out), journey(back)))
        assert "(+2, 2 days later)" in sent.text
        assert "(-1, 1 day earlier)" in sent.text

    def test_names_connections_and_changes_of_airport(self):
        first = flight(JFK, LHR, "2026-12-01T20:00", "2026-12-02T08:00")
        second = flight(LHR, SIN, "2026-12-02T10:15", "2026-12-03T07:00")
        assert "2 h 15 min in London LHR" in mail(order(journey(first, second))).text
        other = replace(second, origin=LGW)
        assert "Change of airport: London LHR to London LGW" in mail(order(journey(first, other))).text

    def test_escapes_what_the_provider_and_the_person_wrote(self):
        hostile = '<img src=x onerror="alert(1)">&'
        segment = replace(OVERNIGHT, operating_carrier_name=hostile, origin=replace(LHR, name=hostile))
        sent = mail(order(journey(segment), owner_name=hostile), travellers=[hostile])
        assert "<img" not in sent.html
        assert "&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;" in sent.html
        assert hostile in sent.text

    def test_subject_is_one_line_whatever_the_city_is_called(self):
        trap = replace(LHR, city_name="London\r\nBcc: everyone@example.org")
        assert mail(order(journey(replace(OVERNIGHT, origin=trap)))).subject.isprintable()

    def test_loads_nothing_from_anywhere(self):
        html = mail(order(journey(OVERNIGHT))).html
        assert not re.search(r"https?://|<img|<script|<link|url\(", html)

    @pytest.mark.parametrize(
        ("booked", "changes"),
        [
            (order(), {}),
            (order(journey(OVERNIGHT)), {"travellers": ["Anna", "Ben"]}),
            (order(journey(OVERNIGHT)), {"card_last4": "4242424242424242"}),
        ],
    )
    def test_refuses_what_cannot_be_confirmed(self, booked, changes):
        with pytest.raises(ValueError, match=r"flights|passenger|digits"):
            mail(booked, **changes)
