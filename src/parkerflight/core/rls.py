"""Row-level security written once, used by every room's migrations, checked against the live catalogue by a test."""

from collections.abc import Sequence

from django.db.migrations.operations import RunSQL

# Wrapped in a sub-select so that PostgreSQL evaluates it once a query, not once a row; nullif because a placeholder
# that was set locally reads as '' after commit, and ''::uuid would raise.
OWNER = "(SELECT nullif(current_setting('parker.user_id', true), '')::uuid)"

# Tables without a policy, each with its reason. A table that is neither here nor protected fails a test.
OPEN_TABLES = {
    "django_migrations": "names of migrations; written by the owner role only",
    "django_content_type": "names of models; written by the owner role only",
    "procrastinate_jobs": "jobs carry ids only; workers must see every job",
    "procrastinate_events": "times of jobs' states; no arguments",
    "procrastinate_periodic_defers": "times of periodic tasks",
    "procrastinate_workers": "heartbeats of workers",
    "campaigns_cell": "origin, destination, dates: shared by all campaigns, points at nobody",
    "campaigns_look": "what fares were seen in a cell; points at nobody",
    "flights_ratelimit": "what the provider's rate-limit headers said last",
    "flights_wallet": "our own balance at the provider, a row a currency; points at nobody",
    "flights_wallethold": "what of it an attempt has set aside or paid: the attempt's id and amounts",
    "flights_walletentry": "what moved it: attempts' ids, amounts, an operator's reason",
    "core_switch": "kill switches; read by every process",
    "ops_checkrun": "ids that broke an invariant, and when; read by the team only, kept a month",
    "ops_reconciliationrun": "our and the vendors' ids where the books differ; read by the team only, kept a month",
    "inbox_event": "ids of what vendors told us about; whose it is, is found out when it is heard",
}


def protect(
    table: str,
    *,
    owner: str = "owner_id",
    web: str = "SELECT, INSERT, UPDATE, DELETE",
    worker: str = "SELECT, INSERT, UPDATE",
    worker_sees: str = "",
    backoffice: Sequence[str] = (),
    backup: bool = True,
) -> RunSQL:
    """Force row-level security on `table` and grant each role what it needs.

    `web` and `worker` see the rows of the scope's owner; outside any scope `worker_sees` shows the worker the rows of a
    condition (due campaigns, attempts in flight), so that it can find whose scope to enter; `backoffice` lists the columns shown
    masked there, none by default; the backup role reads all, as ciphertext, unless `backup` is off (keys).
    """
    statements = [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"REVOKE ALL ON {table} FROM PUBLIC",
        f"CREATE POLICY owner_scope ON {table} TO parker_web, parker_worker USING ({owner} = {OWNER}) WITH CHECK ({owner} = {OWNER})",
    ]
    if backup:
        statements.append(f"CREATE POLICY backup_reads ON {table} FOR SELECT TO parker_backup USING (true)")
        statements.append(f"GRANT SELECT ON {table} TO parker_backup")
    statements += [
        f"GRANT {verbs} ON {table} TO parker_{role}" for role, verbs in (("web", web), ("worker", worker)) if verbs
    ]
    if worker_sees:
        statements.append(
            f"CREATE POLICY worker_finds ON {table} FOR SELECT TO parker_worker USING ({OWNER} IS NULL AND ({worker_sees}))"
        )
    if backoffice:
        statements.append(f"CREATE POLICY backoffice_reads ON {table} FOR SELECT TO parker_backoffice USING (true)")
        statements.append(f"GRANT SELECT ({', '.join(backoffice)}) ON {table} TO parker_backoffice")
    return RunSQL([statement + ";" for statement in statements], RunSQL.noop)


def open_table(table: str, *, web: str = "", worker: str = "", backoffice: str = "SELECT") -> RunSQL:
    """Grant on a table without personal rows; `table` must be in OPEN_TABLES with its reason."""
    if table not in OPEN_TABLES:
        msg = f"{table} has neither a policy nor a written reason"
        raise ValueError(msg)
    grants = {"web": web, "worker": worker, "backoffice": backoffice, "backup": "SELECT"}
    return RunSQL(
        [f"GRANT {verbs} ON {table} TO parker_{role};" for role, verbs in grants.items() if verbs], RunSQL.noop
    )


def append_only(table: str) -> RunSQL:
    """Refuse UPDATE, DELETE and TRUNCATE on `table` for everyone, the owner included."""
    return RunSQL(
        f"""
        CREATE OR REPLACE FUNCTION parker_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege'; END $$;
        CREATE TRIGGER append_only_rows BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION parker_append_only();
        CREATE TRIGGER append_only_table BEFORE TRUNCATE ON {table} EXECUTE FUNCTION parker_append_only();
        """,
        RunSQL.noop,
    )
