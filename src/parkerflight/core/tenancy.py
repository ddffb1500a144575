"""The row-level security scope: whose rows this transaction may see.

The scope is a transaction-local setting, so it ends with the transaction whatever happens; without it every policy
compares with NULL and a query returns no row. It is scope, not authentication.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import connection, transaction

from parkerflight.core.errors import ParkerError
from parkerflight.core.fault_points import armed, committed

SETTING = "parker.user_id"

# Whose scope this thread is in, so that joining it costs no question to the database. It guards against our own
# mistakes only; what can be seen is decided by PostgreSQL.
_entered = threading.local()


@contextmanager
def scope(owner_id: UUID) -> Iterator[None]:
    """One transaction that sees only the rows of `owner_id`.

    Inside another scope of the same owner it joins that transaction; another owner's is refused, because a value set
    in a savepoint would leak on release.
    """
    if connection.in_atomic_block:
        if getattr(_entered, "owner_id", None) != owner_id:
            raise ParkerError("scope_changed", "one transaction serves one person")
        yield
        return
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config(%s, %s, true)", [SETTING, str(owner_id)])
        _entered.owner_id = owner_id
        try:
            yield
        finally:
            _entered.owner_id = None
    if armed():
        committed()


def assert_no_transaction() -> None:
    """Adapters call this before every request to a vendor: no transaction may be open across a network call."""
    if connection.in_atomic_block:
        raise ParkerError("transaction_open", "a vendor was called inside a database transaction")
