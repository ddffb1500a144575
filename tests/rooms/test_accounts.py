import pytest
from tests.bench import START

from parkerflight.accounts import operations as accounts
from parkerflight.accounts.models import Account
from parkerflight.core.errors import BadInput, NotFound
from parkerflight.core.tenancy import scope
from parkerflight.vault.operations import Purpose, Sealer


class TestAccounts:
    def test_keeps_the_address_sealed_and_gives_it_back_to_its_owner(self, owner, admin):
        row = admin.execute("SELECT email_sealed, email_lookup FROM accounts_account").fetchone()
        assert b"owner" not in bytes(row[0]) + bytes(row[1])
        assert accounts.email_of(owner, purpose=Purpose.NOTIFY) == "owner@example.org"

    def test_refuses_a_second_account_for_an_address_whatever_its_case(self, owner, as_role, admin):
        with as_role("web"), pytest.raises(BadInput, match="already"):
            accounts.open_account(email="Owner@Example.org", now=START)
        assert admin.execute("SELECT count(*) FROM vault_personkey").fetchone() == (1,)

    def test_shows_a_stranger_nothing(self, owner, stranger):
        with scope(stranger):
            assert not Account.objects.filter(id=owner).exists()
            with pytest.raises(NotFound):
                Sealer(owner)

    def test_a_token_names_its_account_and_a_forged_one_nobody(self, owner):
        token = accounts.issue_token(owner)
        assert accounts.owner_of_token(token) == owner
        assert accounts.owner_of_token(token[:-2] + "xx") is None
