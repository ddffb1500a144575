"""The table of disasters: plain data that must point at things that exist and read like stories."""

import re
from pathlib import Path

import pytest

from parkerflight.bookings.machine import State
from parkerflight.ops import demo, demo_strikes, fault_points
from parkerflight.ops.demo_disasters import DISASTERS, disaster, listed
from parkerflight.settings.config import ConfigurationError
from sandbox.kit.faults import FaultBook
from sandbox.stripe import cards

EVERY = pytest.mark.parametrize("one", DISASTERS.values(), ids=DISASTERS.keys())
POINTS = [point.name.replace("*", "[a-z_]+").replace(".", r"\.") for point in fault_points.listed()]


class TestEachDisaster:
    @EVERY
    def test_kills_at_a_point_that_exists(self, one):
        if one.fault_point:
            assert any(re.fullmatch(pattern, one.fault_point) for pattern in POINTS)

    @EVERY
    def test_asks_the_sandboxes_for_what_they_can_do(self, one):
        book = FaultBook()
        for rule in (*one.stripe, *one.duffel):
            book.add(rule)
        assert {path for path, _ in (*one.controls, *one.calm)} <= {"account", "orders_mode", "late_documents"}
        assert all(cards.named(token) for token in (one.card, one.second_card) if token)

    @EVERY
    def test_strikes_in_a_state_that_is_told(self, one):
        assert one.strikes_in in {state.value for state in State}
        assert one.strikes_in in demo_strikes.WORDS

    @EVERY
    def test_has_something_that_goes_wrong(self, one):
        unusual_card = one.card != "pm_card_visa"
        assert one.fault_point or one.stripe or one.duffel or one.controls or unusual_card

    @EVERY
    def test_is_told_in_two_to_four_plain_sentences(self, one):
        sentences = re.findall(r"[.!?](?:\s|$)", one.story)
        assert 2 <= len(sentences) <= 4
        assert one.moral.endswith(".")
        assert one.moral.count(".") == 1


class TestTheTable:
    def test_has_eight_or_more_and_lists_each(self):
        assert len(DISASTERS) >= 8
        shown = listed()
        assert all(one.name in shown and one.title in shown for one in DISASTERS.values())

    def test_stands_in_the_reference(self):
        page = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "disasters.md").read_text()
        for one in DISASTERS.values():
            row = f"| `{one.name}` | {one.danger} | {one.answer} | `{one.strikes_in}` | {one.promised} |"
            assert row in page, one.name

    def test_has_words_for_every_state(self):
        assert {state.value for state in State} == demo_strikes.WORDS.keys()

    def test_names_the_known_ones_when_asked_for_another(self):
        with pytest.raises(ConfigurationError) as refusal:
            disaster("meteor")
        assert all(name in str(refusal.value) for name in DISASTERS)


class TestAKeptPromise:
    RESULT = {
        "ledgers": {"agree": True},
        "invariants": {"violations": []},
        "promised": "completed",
        "ended": "completed",
    }

    def test_needs_the_promised_end_agreeing_ledgers_and_every_invariant(self):
        assert demo.kept(self.RESULT)
        assert not demo.kept(self.RESULT | {"ended": "released"})
        assert not demo.kept(self.RESULT | {"ended": "nothing went wrong"})
        assert not demo.kept(self.RESULT | {"ledgers": {"agree": False}})
        assert not demo.kept(self.RESULT | {"invariants": {"violations": ["ticket_without_capture"]}})
