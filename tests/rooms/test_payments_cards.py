"""Cards over time and the mandate as a document."""

from datetime import UTC, date, datetime, timedelta

import pytest
from tests.bench import START
from tests.till import CAP, Till

from parkerflight.core.errors import NotFound, Terminal
from parkerflight.core.tenancy import scope
from parkerflight.payments import operations as payments
from parkerflight.payments import queries
from parkerflight.payments.mandate_texts import CURRENT, TEXTS
from parkerflight.payments.models import Card

MONTH = timedelta(days=30)


@pytest.fixture
def till(owner, as_role, stripe_sandbox, virtual_clock):
    return Till(owner, as_role, stripe_sandbox, virtual_clock)


def expire(till, month, year):
    with scope(till.owner_id):
        Card.objects.update(expires_month=month, expires_year=year)


class TestACardThatEndsSoon:
    @pytest.mark.parametrize(
        ("month", "year", "now", "found"),
        [
            (11, 2026, START, True),
            (12, 2026, START, False),
            (12, 2026, datetime(2026, 12, 1, 1, tzinfo=UTC), True),
            (12, 2026, datetime(2026, 12, 31, 23, 59, tzinfo=UTC), True),
            (12, 2026, datetime(2027, 1, 1, tzinfo=UTC), False),
            (1, 2027, datetime(2027, 1, 5, tzinfo=UTC), True),
            (1, 2027, datetime(2026, 12, 30, tzinfo=UTC), False),
            (1, 2027, datetime(2027, 1, 1, tzinfo=UTC), True),
            (2, 2028, datetime(2028, 1, 31, tzinfo=UTC), True),
        ],
    )
    def test_is_found_in_its_last_thirty_days(self, till, month, year, now, found):
        expire(till, month, year)
        cards = queries.cards_expiring(within=MONTH, now=now)
        assert [(card.owner_id, card.card_id, card.last4) for card in cards] == (
            [(till.owner_id, till.card_id, "4242")] if found else []
        )

    def test_is_found_with_its_last_day(self, till):
        expire(till, 2, 2028)
        [card] = queries.cards_expiring(within=MONTH, now=datetime(2028, 2, 1, tzinfo=UTC))
        assert card.expires == date(2028, 2, 29)

    def test_is_found_by_the_worker_alone_and_never_once_it_is_removed(self, till, stranger):
        expire(till, 11, 2026)
        with till.as_role("web"):
            assert queries.cards_expiring(within=MONTH, now=START) == []
            payments.remove_card(owner_id=till.owner_id, card_id=till.card_id, now=START)
        assert queries.cards_expiring(within=MONTH, now=START) == []
        assert list(Card.objects.all()) == []


class TestACardsState:
    def test_says_what_decisions_need(self, till):
        state = queries.card_state(till.owner_id, till.card_id)
        assert (state.brand, state.last4, state.active, state.needs_customer) == ("visa", "4242", True, False)

    def test_is_out_of_a_strangers_reach(self, till, stranger):
        with pytest.raises(NotFound):
            queries.card_state(stranger, till.card_id)

    def test_follows_the_gateway_when_the_card_is_gone_there(self, till, stranger):
        reference = queries.card(till.owner_id, till.card_id).reference
        assert payments.card_gone(owner_id=stranger, reference=reference, now=START) is None
        for _ in range(2):
            assert payments.card_gone(owner_id=till.owner_id, reference=reference, now=START) == till.card_id
        assert not queries.card_state(till.owner_id, till.card_id).active
        with pytest.raises(Terminal, match="removed"):
            till.prepare()


class TestAMandateDocument:
    def document(self, till, owner_id=None):
        return payments.mandate_document(owner_id=owner_id or till.owner_id, mandate_id=till.mandate_id)

    def test_holds_the_words_and_the_facts_and_needs_nothing_else(self, till):
        document = self.document(till)
        assert (document.version, document.cap, document.card_last4) == (CURRENT, CAP, "4242")
        for part in (document.text.split(" (")[0], document.text_sha256, "500.00 GBP", "4242", CURRENT):
            assert part in document.html
        assert not [part for part in ("src=", "href=", "<script", "@import", "url(") if part in document.html]

    def test_cannot_be_written_by_what_a_person_typed(self, till):
        with till.as_role("web"):
            till.mandate_id = till.sign(CAP, includes="<script>alert(1)</script>")
        assert "<script>" not in self.document(till).html

    def test_is_refused_when_one_letter_of_the_text_was_changed(self, till, admin):
        admin.execute("UPDATE payments_mandate SET text = text || '.'")
        with pytest.raises(Terminal) as refusal:
            self.document(till)
        assert refusal.value.code == "mandate_altered"

    def test_is_out_of_a_strangers_reach(self, till, stranger):
        with pytest.raises(NotFound):
            self.document(till, stranger)

    def test_shows_that_it_was_taken_back(self, till):
        with till.as_role("web"):
            for _ in range(2):
                payments.revoke_mandate(owner_id=till.owner_id, mandate_id=till.mandate_id, now=till.clock.now())
        assert self.document(till).revoked_at == START
        with pytest.raises(Terminal, match="ended"):
            till.prepare()

    def test_cannot_be_taken_back_by_a_stranger(self, till, stranger, as_role):
        with as_role("web"), pytest.raises(NotFound):
            payments.revoke_mandate(owner_id=stranger, mandate_id=till.mandate_id, now=START)
        assert self.document(till).revoked_at is None

    def test_has_its_wording_kept_among_all_wordings(self):
        assert CURRENT in TEXTS
        assert all("{cap}" in text and "{until}" in text and "{last4}" in text for text in TEXTS.values())
