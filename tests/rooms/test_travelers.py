from dataclasses import replace
from datetime import date, timedelta
from uuid import uuid4

import psycopg
import pytest
from django.db import IntegrityError, ProgrammingError
from tests.bench import START

from parkerflight.core.errors import BadInput, NotFound
from parkerflight.core.tenancy import scope
from parkerflight.travelers import operations, queries
from parkerflight.travelers.models import IdentityDocument, Traveler
from parkerflight.travelers.names import BadName
from parkerflight.travelers.personal_data import COLUMNS
from parkerflight.travelers.values import Document, DocumentKind, Profile, Relationship
from parkerflight.vault.envelope import NotOpened
from parkerflight.vault.operations import Purpose

ANNA = Profile(
    given_name="Anneliese",
    family_name="Müller-O'Brien",
    title="ms",
    gender="f",
    born_on=date(1990, 5, 17),
    email="anneliese@example.org",
    phone="+442079460958",
)
PASSPORT = Document(kind=DocumentKind.PASSPORT, number="L01X00T47", issuing_country="DE", expires_on=date(2031, 1, 1))
ACTOR = "account:test"
CLEAR = ["Anneliese", "Müller", "O'Brien", "1990", "anneliese@", "442079460958", "L01X00T47", "2031"]


def add(owner, profile=ANNA, **changes):
    return operations.add_traveler(owner_id=owner, profile=profile, now=START, actor=ACTOR, **changes)


def add_passport(owner, traveler_id, document=PASSPORT, now=START):
    return operations.add_document(owner_id=owner, traveler_id=traveler_id, document=document, now=now, actor=ACTOR)


def counts(admin):
    tables = ("travelers_traveler", "travelers_identitydocument", "audit_entry")
    return [admin.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]


def actions(admin):
    rows = admin.execute("SELECT action, details FROM audit_entry ORDER BY id").fetchall()
    return [row for row in rows if row[0].startswith(("traveler.", "document."))]


class TestAddingATraveler:
    def test_gives_back_what_was_stored(self, owner):
        traveler_id = add(owner, replace(ANNA, title="Ms", phone="+44 20 7946 0958"), relationship=Relationship.SELF)
        assert queries.profile(owner, traveler_id) == ANNA
        (summary,) = queries.summaries(owner)
        assert (summary.id, summary.name, summary.relationship) == (traveler_id, "Anneliese Müller-O'Brien", "self")

    def test_refuses_a_cyrillic_name_with_a_hint_and_writes_nothing(self, owner, admin):
        before = counts(admin)
        with pytest.raises(BadName) as refusal:
            add(owner, replace(ANNA, family_name="Щербакова"))
        assert (refusal.value.field, refusal.value.hint) == ("family_name", "Shcherbakova")
        assert counts(admin) == before

    def test_writes_down_ids_and_no_names(self, owner, admin):
        add_passport(owner, add(owner))
        assert [action for action, _ in actions(admin)] == ["traveler.added", "document.added"]
        log = admin.execute("SELECT string_agg(audit_entry::text, ' ') FROM audit_entry").fetchone()[0]
        assert not any(clear in log for clear in CLEAR)

    def test_stops_at_the_limit(self, owner, monkeypatch):
        monkeypatch.setattr(operations, "MAX_TRAVELERS", 1)
        add(owner)
        with pytest.raises(BadInput, match="at most 1"):
            add(owner)


class TestStoredRows:
    def test_hold_nothing_in_clear(self, owner, admin):
        add_passport(owner, add(owner))
        for table in ("travelers_traveler", "travelers_identitydocument"):
            rows = admin.execute(f"SELECT * FROM {table}").fetchall()
            raw = b"".join(bytes(v) if isinstance(v, bytes | memoryview) else str(v).encode() for v in rows[0])
            assert not any(clear.encode() in raw for clear in CLEAR)

    def test_do_not_open_in_another_column(self, owner):
        traveler_id = add(owner)
        with scope(owner):
            row = Traveler.objects.get(id=traveler_id)
            Traveler.objects.filter(id=traveler_id).update(email=row.family_name)
        with pytest.raises(NotOpened):
            queries.profile(owner, traveler_id)

    def test_do_not_open_in_another_row(self, owner):
        first, second = add(owner), add(owner, replace(ANNA, given_name="Ben"))
        with scope(owner):
            Traveler.objects.filter(id=second).update(given_name=Traveler.objects.get(id=first).given_name)
        with pytest.raises(NotOpened):
            queries.profile(owner, second)

    def test_do_not_open_for_another_owner(self, owner, stranger, admin):
        traveler_id = add(owner)
        admin.execute("UPDATE travelers_traveler SET owner_id = %s", [stranger])
        with pytest.raises(NotOpened):
            queries.profile(stranger, traveler_id)

    def test_are_declared_column_by_column(self, database, admin):
        for table, columns in COLUMNS.items():
            live = admin.execute("SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table])
            assert {row[0] for row in live} == set(columns)


class TestAStranger:
    def test_sees_and_changes_nothing(self, owner, stranger, admin):
        traveler_id = add(owner)
        document_id = add_passport(owner, traveler_id)
        before = counts(admin)
        assert queries.summaries(stranger) == []
        with scope(stranger):
            assert not Traveler.objects.exists()
            assert not IdentityDocument.objects.exists()
        attempts = [
            lambda: queries.profile(stranger, traveler_id),
            lambda: queries.ages_on(stranger, [traveler_id], START.date()),
            lambda: queries.for_ticketing(stranger, [traveler_id], Purpose.TICKETING, now=START),
            lambda: queries.documents_for_ticketing(stranger, [traveler_id], Purpose.TICKETING, now=START),
            lambda: add_passport(stranger, traveler_id),
            lambda: operations.remove_traveler(owner_id=stranger, traveler_id=traveler_id, now=START, actor=ACTOR),
            lambda: operations.remove_document(owner_id=stranger, document_id=document_id, now=START, actor=ACTOR),
            lambda: operations.update_traveler(
                owner_id=stranger, traveler_id=traveler_id, profile=ANNA, now=START, actor=ACTOR
            ),
        ]
        for attempt in attempts:
            with pytest.raises(NotFound):
                attempt()
        assert counts(admin) == before
        assert queries.profile(owner, traveler_id) == ANNA

    def test_cannot_be_handed_somebody_elses_traveler_by_foreign_key(self, owner, stranger, admin):
        traveler_id = add(owner)
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            admin.execute(
                "INSERT INTO travelers_identitydocument VALUES (%s, %s, 'passport', '', '', '', '', now(), %s)",
                [uuid4(), stranger, traveler_id],
            )
        with pytest.raises(IntegrityError), scope(stranger):
            IdentityDocument.objects.create(
                id=uuid4(), owner_id=stranger, traveler_id=traveler_id, kind="passport", number=b"",
                issuing_country=b"", expires_on=b"", created_at=START,
            )  # fmt: skip

    def test_without_a_scope_is_everyone(self, owner):
        add(owner)
        assert not Traveler.objects.exists()


class TestTheWebProcess:
    def test_writes_documents_and_cannot_read_them_back(self, owner, as_role):
        with as_role("web"):
            traveler_id = add(owner)
            add_passport(owner, traveler_id)
            document_id = add_passport(owner, traveler_id, replace(PASSPORT, number="C01X0006H"))
            (summary,) = queries.summaries(owner)
            assert [(one.id, one.masked) for one in summary.documents] == [(document_id, "•••• 006H")]
            with pytest.raises(ProgrammingError, match="permission denied"):
                queries.documents_for_ticketing(owner, [traveler_id], Purpose.TICKETING, now=START)
            operations.remove_document(owner_id=owner, document_id=document_id, now=START, actor=ACTOR)
            operations.remove_traveler(owner_id=owner, traveler_id=traveler_id, now=START, actor=ACTOR)
            assert queries.summaries(owner) == []


class TestOpeningForTicketing:
    def test_keeps_the_order_asked_for_and_writes_down_why(self, owner, admin):
        anna, ben = add(owner), add(owner, replace(ANNA, given_name="Ben", gender="m", title="mr"))
        opened = queries.for_ticketing(owner, [ben, anna], Purpose.TICKETING, now=START)
        assert [one.given_name for one in opened] == ["Ben", "Anneliese"]
        action, details = actions(admin)[-1]
        assert (action, details) == ("traveler.opened", {"purpose": "ticketing", "travelers": [str(ben), str(anna)]})

    def test_opens_documents_only_when_asked(self, owner, admin):
        anna, ben = add(owner), add(owner)
        add_passport(owner, anna)
        queries.for_ticketing(owner, [anna, ben], Purpose.TICKETING, now=START)
        assert "document.opened" not in [action for action, _ in actions(admin)]
        opened = queries.documents_for_ticketing(owner, [anna, ben], Purpose.TICKETING, now=START)
        assert opened == {anna: (PASSPORT,), ben: ()}
        assert actions(admin)[-1][0] == "document.opened"

    def test_knows_without_opening_whether_everyone_has_a_document(self, owner, stranger, as_role):
        anna, ben = add(owner), add(owner)
        add_passport(owner, anna)
        with as_role("web"):
            assert queries.all_have_documents(owner, [anna])
            assert not queries.all_have_documents(owner, [anna, ben])
            assert not queries.all_have_documents(stranger, [anna])

    def test_opens_nobody_when_one_is_missing(self, owner, admin):
        anna = add(owner)
        before = counts(admin)
        for missing in ([anna, uuid4()], []):
            with pytest.raises(NotFound):
                queries.for_ticketing(owner, missing, Purpose.TICKETING, now=START)
        assert counts(admin) == before

    def test_leaves_no_record_when_opening_fails(self, owner, admin):
        anna = add(owner)
        admin.execute("UPDATE travelers_traveler SET title = gender")
        before = counts(admin)
        with pytest.raises(NotOpened):
            queries.for_ticketing(owner, [anna], Purpose.TICKETING, now=START)
        assert counts(admin) == before

    def test_reckons_ages_on_the_day_of_the_flight(self, owner):
        child = add(owner, replace(ANNA, title="miss", born_on=date(2014, 12, 9)))
        anna = add(owner)
        assert queries.ages_on(owner, [child, anna], date(2026, 12, 8)) == [11, 36]
        assert queries.ages_on(owner, [child], date(2026, 12, 9)) == [12]


class TestChangingATraveler:
    def test_replaces_every_field_and_keeps_the_relationship(self, owner):
        traveler_id = add(owner, relationship=Relationship.PARTNER)
        changed = replace(ANNA, family_name="Schmidt", email="new@example.org")
        operations.update_traveler(owner_id=owner, traveler_id=traveler_id, profile=changed, now=START, actor=ACTOR)
        assert queries.profile(owner, traveler_id) == changed
        assert queries.summaries(owner)[0].relationship == "partner"

    def test_refuses_a_bad_field_and_changes_nothing(self, owner, admin):
        traveler_id = add(owner)
        before = counts(admin)
        with pytest.raises(BadInput):
            operations.update_traveler(
                owner_id=owner, traveler_id=traveler_id, profile=replace(ANNA, gender="x"), now=START, actor=ACTOR
            )
        assert counts(admin) == before
        assert queries.profile(owner, traveler_id) == ANNA

    def test_keeps_one_document_of_a_kind(self, owner, admin):
        traveler_id = add(owner)
        add_passport(owner, traveler_id)
        renewed = replace(PASSPORT, number="C01X0006H")
        add_passport(owner, traveler_id, renewed)
        assert queries.documents_for_ticketing(owner, [traveler_id], Purpose.TICKETING, now=START) == {
            traveler_id: (renewed,)
        }
        assert counts(admin)[1] == 1

    def test_refuses_an_expired_document_and_keeps_the_old_one(self, owner):
        traveler_id = add(owner)
        add_passport(owner, traveler_id)
        with pytest.raises(BadInput, match="expired"):
            add_passport(owner, traveler_id, replace(PASSPORT, expires_on=START.date()))
        assert queries.documents_for_ticketing(owner, [traveler_id], Purpose.TICKETING, now=START)[traveler_id] == (
            PASSPORT,
        )


class TestRemovingATraveler:
    def test_hides_the_person_and_deletes_the_documents_at_once(self, owner, admin):
        traveler_id = add(owner)
        add_passport(owner, traveler_id)
        operations.remove_traveler(owner_id=owner, traveler_id=traveler_id, now=START, actor=ACTOR)
        assert queries.summaries(owner) == []
        assert counts(admin)[:2] == [1, 0]
        with pytest.raises(NotFound):
            queries.for_ticketing(owner, [traveler_id], Purpose.TICKETING, now=START)
        with pytest.raises(NotFound):
            operations.remove_traveler(owner_id=owner, traveler_id=traveler_id, now=START, actor=ACTOR)

    def test_leaves_the_name_for_mails_about_tickets_bought(self, owner, stranger):
        kept, removed = add(owner), add(owner, replace(ANNA, given_name="Ben"))
        operations.remove_traveler(owner_id=owner, traveler_id=removed, now=START, actor=ACTOR)
        assert queries.names(owner, [removed, kept]) == ["Ben Müller-O'Brien", "Anneliese Müller-O'Brien"]
        with pytest.raises(NotFound):
            queries.names(stranger, [kept])

    def test_is_followed_by_erasing_after_the_time_to_keep(self, owner, admin):
        kept, removed = add(owner), add(owner)
        operations.remove_traveler(owner_id=owner, traveler_id=removed, now=START, actor=ACTOR)
        assert operations.erase_removed(owner_id=owner, before=START, now=START, actor=ACTOR) == 0
        later = START + timedelta(days=30)
        assert operations.erase_removed(owner_id=owner, before=later, now=later, actor=ACTOR) == 1
        assert admin.execute("SELECT id FROM travelers_traveler").fetchall() == [(kept,)]
