"""The live schema keeps what the architecture promises."""

import importlib
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import connection, transaction

from parkerflight.core.rls import OPEN_TABLES
from parkerflight.core.tenancy import scope

SERVING = ("parker_web", "parker_worker", "parker_backoffice")


@pytest.fixture
def tables(database, admin):
    return {row[0] for row in admin.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}


class TestEveryTable:
    def test_has_forced_row_level_security_with_policies_or_a_written_reason(self, tables, admin):
        forced = {
            row[0]
            for row in admin.execute(
                "SELECT relname FROM pg_class WHERE relkind = 'r' AND relrowsecurity AND relforcerowsecurity"
            )
        }
        with_policy = {row[0] for row in admin.execute("SELECT tablename FROM pg_policies WHERE qual IS NOT NULL")}
        assert tables - OPEN_TABLES.keys() == (forced & with_policy)

    def test_has_no_reason_for_a_table_that_is_gone(self, tables):
        assert OPEN_TABLES.keys() <= tables

    def test_has_each_column_declared_with_class_purpose_and_retention(self, tables, admin):
        declared = {}
        for config in apps.get_app_configs():
            if config.name.startswith("parkerflight."):
                try:
                    declared |= importlib.import_module(f"{config.name}.personal_data").COLUMNS
                except ModuleNotFoundError:
                    continue
        for table in tables - OPEN_TABLES.keys():
            columns = {
                row[0]
                for row in admin.execute(
                    "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s",
                    [table],
                )
            }
            assert columns == set(declared.get(table, {})), table


class TestServingRoles:
    def test_own_nothing_and_bypass_nothing(self, tables, admin):
        owned = admin.execute("SELECT tablename FROM pg_tables WHERE tableowner = ANY(%s)", [list(SERVING)]).fetchall()
        powers = admin.execute(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE 'parker_%' AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb)"
        ).fetchall()
        assert owned == powers == []

    def test_have_no_grant_that_policies_do_not_cover(self, tables, admin):
        stray = admin.execute(
            "SELECT table_name, grantee, privilege_type FROM information_schema.role_table_grants "
            "WHERE grantee = ANY(%s) AND table_schema = 'public' AND privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER')",
            [list(SERVING)],
        ).fetchall()
        assert stray == []

    def test_the_backup_role_cannot_read_keys(self, tables, admin):
        allowed = admin.execute("SELECT has_table_privilege('parker_backup', 'vault_personkey', 'SELECT')").fetchone()
        assert allowed == (False,)


class TestAStranger:
    def test_reads_no_row_of_any_protected_table(self, booked, stranger, as_role, tables, admin):
        """A whole booking lies in the database; the stranger's scope, no scope and a made-up scope see none of it."""
        protected = sorted(tables - OPEN_TABLES.keys())
        filled = [table for table in protected if _count_as_admin(admin, table, booked.owner_id)]
        assert len(filled) >= 10, "the walk needs a database with something to steal"
        for role in ("web", "worker"):
            with as_role(role):
                for table in protected:
                    assert _visible(table, stranger, booked.owner_id) == 0, (role, table)
                    assert _visible(table, uuid4(), booked.owner_id) == 0, (role, table)

    def test_without_a_scope_the_web_role_sees_nothing_at_all(self, booked, as_role, tables):
        with as_role("web"), transaction.atomic(), connection.cursor() as cursor:
            for table in sorted(tables - OPEN_TABLES.keys()):
                cursor.execute("SELECT has_table_privilege(current_user, %s, 'SELECT')", [table])
                if cursor.fetchone()[0]:
                    cursor.execute(f"SELECT count(*) FROM {table}")
                    assert cursor.fetchone()[0] == 0, table

    def test_cannot_write_a_row_in_the_owners_name(self, owner, stranger, as_role):
        from django.db.utils import ProgrammingError
        from tests.bench import START

        from parkerflight.audit import operations as audit

        with as_role("web"), pytest.raises(ProgrammingError, match="row-level security"), scope(stranger):
            audit.record(at=START, owner_id=owner, actor="x", action="x", object_type="x", object_id="x")


def _owner_column(table: str) -> str:
    return "id" if table == "accounts_account" else "owner_id"


def _count_as_admin(admin, table, owner_id):
    return admin.execute(f"SELECT count(*) FROM {table} WHERE {_owner_column(table)} = %s", [owner_id]).fetchone()[0]


def _visible(table, who, owner_id):
    with scope(who), connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s "
            "AND has_column_privilege(current_user, table_name::regclass, column_name, 'SELECT')",
            [table],
        )
        readable = {row[0] for row in cursor.fetchall()}
        if _owner_column(table) not in readable:
            return 0
        cursor.execute(f"SELECT count(*) FROM {table} WHERE {_owner_column(table)} = %s", [owner_id])
        return cursor.fetchone()[0]


class TestTheAuditTable:
    def test_cannot_be_changed_even_by_its_owner(self, owner, as_role):
        from django.db.utils import ProgrammingError

        with as_role("owner"):
            for statement in ("UPDATE audit_entry SET actor = 'x'", "TRUNCATE audit_entry", "DELETE FROM audit_entry"):
                with connection.cursor() as cursor:
                    if statement.startswith("TRUNCATE"):
                        with pytest.raises(ProgrammingError, match="append-only"):
                            cursor.execute(statement)
                    else:
                        # FORCE row-level security leaves the owner no row to touch at all.
                        cursor.execute(statement)
                        assert cursor.rowcount == 0

    def test_refuses_a_change_by_an_administrator_too(self, owner, admin):
        import psycopg

        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
            admin.execute("UPDATE audit_entry SET actor = 'x'")
