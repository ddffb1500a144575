"""Settings refuse what would be dangerous, with one line that names the variable."""

import json
import stat

import pytest
from tests.scenario import cli

from parkerflight.settings.config import Config, embedded_secrets


class TestSettings:
    def test_refuse_a_live_key_for_anything_but_the_vendor(self):
        done = cli("invariants", STRIPE_API_KEY="sk_live_x", PARKER_CLOCK_FILE="")
        assert done.returncode == 2
        assert "STRIPE_API_KEY is a live key" in done.stderr

    def test_refuse_a_live_duffel_token_for_anything_but_the_vendor(self):
        done = cli("invariants", DUFFEL_TOKEN="duffel_live_x")
        assert done.returncode == 2
        assert "DUFFEL_TOKEN is a live key" in done.stderr

    @pytest.mark.parametrize(
        "name",
        [
            "PARKER_SECRET_KEY",
            "PARKER_KEK_FILE",
            "STRIPE_API_KEY",
            "DUFFEL_TOKEN",
            "DATABASE_URL",
            "PARKER_BACKOFFICE_PASSWORD",
        ],
    )
    def test_have_no_default_secret_outside_the_embedded_mode(self, name, monkeypatch):
        from parkerflight.settings import database
        from parkerflight.settings.config import ConfigurationError

        monkeypatch.setenv("PARKER_EMBEDDED", "false")
        config = Config()
        ask = {
            "PARKER_SECRET_KEY": lambda: config.secret("secret_key"),
            "PARKER_KEK_FILE": lambda: config.kek_path,
            "STRIPE_API_KEY": lambda: config.secret("stripe_api_key"),
            "DUFFEL_TOKEN": lambda: config.secret("duffel_token"),
            "PARKER_BACKOFFICE_PASSWORD": lambda: config.secret("backoffice_password"),
            "DATABASE_URL": lambda: database.django_database(config),
        }[name]
        with pytest.raises(ConfigurationError, match=name):
            ask()

    def test_keep_made_secrets_private_and_the_same(self, tmp_path):
        first = embedded_secrets(tmp_path / "data")
        assert first == embedded_secrets(tmp_path / "data")
        assert stat.S_IMODE((tmp_path / "data" / "secrets.json").stat().st_mode) == 0o600

    def test_add_a_secret_that_a_newer_version_wants_and_keep_the_others(self, tmp_path):
        first = embedded_secrets(tmp_path)
        older = {name: value for name, value in first.items() if name != "backoffice_password"}
        (tmp_path / "secrets.json").write_text(json.dumps(older))
        completed = embedded_secrets(tmp_path)
        assert completed.keys() == first.keys()
        assert older.items() <= completed.items()
        assert embedded_secrets(tmp_path) == completed
        assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600

    def test_allow_fault_points_only_while_both_vendors_are_on_this_machine(self):
        done = cli("invariants", PARKER_DUFFEL_BASE="https://api.duffel.com", PARKER_FAULT_POINT="x")
        assert done.returncode == 2
        assert "PARKER_FAULT_POINT" in done.stderr
