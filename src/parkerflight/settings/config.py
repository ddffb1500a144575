"""Every setting, typed, read once from the environment (prefix `PARKER_`), refused loudly when wrong.

No secret has a default. The embedded mode makes random ones once and keeps them under the data directory (mode 0600).
"""

import fcntl
import json
import os
import secrets
from decimal import Decimal
from enum import StrEnum
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

STRIPE_BASE = "https://api.stripe.com"
DUFFEL_BASE = "https://api.duffel.com"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
REPOSITORY = Path(__file__).resolve().parents[3]


class Process(StrEnum):
    """The processes of one installation; each has its own database role and its own keys."""

    WEB = "web"
    WORKER = "worker"
    BACKOFFICE = "backoffice"
    BACKUP = "backup"
    OWNER = "owner"

    @property
    def role(self) -> str:
        """The PostgreSQL role this process works as."""
        return f"parker_{self.value}"


class ConfigurationError(Exception):
    """A setting is missing or contradicts another; the message names it and says what to do."""


class Config(BaseSettings):
    """What an installation is told. Field `x_y` is the environment variable `PARKER_X_Y`."""

    model_config = SettingsConfigDict(env_prefix="PARKER_", extra="ignore")

    embedded: bool = Field(
        default=True,
        description="Own PostgreSQL, own sandboxes, own secrets: for laptops, demos and tests.",
    )
    process: Process = Process.WEB
    data: Path = Field(default=REPOSITORY / ".parker" / "data", description="Data directory of the embedded mode.")
    database_url: SecretStr | None = Field(default=None, validation_alias="DATABASE_URL")
    database_name: str = Field(default="parker", description="Name of the embedded database.")
    database_assume_role: bool = Field(
        default=True,
        description="SET ROLE to the process's role after connecting; off when the login is that role already.",
    )
    secret_key: SecretStr | None = None
    lookup_key: SecretStr | None = Field(default=None, description="64 hex digits; keys the blind index of e-mails.")
    kek_file: Path | None = Field(default=None, description="File of key-encryption keys; see docs/threat-model.md.")
    stripe_api_key: SecretStr | None = Field(default=None, validation_alias="STRIPE_API_KEY")
    stripe_webhook_secret: SecretStr | None = Field(
        default=None, validation_alias="STRIPE_WEBHOOK_SECRET", description="Shown once when the endpoint is made."
    )
    stripe_base: str = STRIPE_BASE
    duffel_token: SecretStr | None = Field(default=None, validation_alias="DUFFEL_TOKEN")
    duffel_webhook_secret: SecretStr | None = Field(
        default=None, validation_alias="DUFFEL_WEBHOOK_SECRET", description="Shown once when the endpoint is made."
    )
    duffel_base: str = DUFFEL_BASE
    backoffice_password: SecretStr | None = Field(default=None, description="The team's, for the back office's pages.")
    clock_file: Path | None = Field(default=None, description="Virtual clock shared with the sandboxes; tests only.")
    fault_point: str = Field(default="", description="Kill this process at the named fault point; sandbox only.")
    allowed_hosts: list[str] = ["127.0.0.1", "localhost"]
    public_base: str = Field(
        default="http://127.0.0.1:8000", description="Where people reach the pages; used in mails."
    )
    mail_from: str = "Parker Flight <trips@parkerflight.example>"
    mail_backend: str = Field(default="", description="Any Django or anymail backend; default: a folder of files.")
    mail_options: dict[str, Any] = {}
    search_interval_hours: float = Field(default=6.0, gt=0, description="The plain planner looks at a cell this often.")

    savings_fee_share: Decimal = Field(
        default=Decimal(0), ge=0, le=1, description="Our share of cap minus fare, 0 to 1; 0 takes no fee."
    )
    savings_fee_minimum: Decimal | None = Field(default=None, ge=0, description="In the campaign's currency.")
    savings_fee_maximum: Decimal | None = Field(default=None, ge=0, description="In the campaign's currency.")

    @model_validator(mode="after")
    def _no_live_key_leaves_the_vendor(self) -> "Config":
        """A live key sent to anything but the vendor's own host would be given away: refuse to start."""
        pairs = (
            ("STRIPE_API_KEY", self.stripe_api_key, ("sk_test_", "rk_test_"), self.stripe_base, STRIPE_BASE),
            ("DUFFEL_TOKEN", self.duffel_token, ("duffel_test_",), self.duffel_base, DUFFEL_BASE),
        )
        for name, secret, test, base, vendor in pairs:
            key = secret.get_secret_value().strip() if secret else ""
            if base != vendor and key and not key.startswith(test):
                msg = (
                    f"{name} is a live key, or no test key, but its base address is not {vendor}. "
                    "Unset the base address, or use a test key."
                )
                raise ValueError(msg)
            if urlsplit(base).scheme != "https" and urlsplit(base).hostname not in LOOPBACK:
                msg = f"The base address for {name} must be https unless it is on this machine."
                raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _test_tools_need_the_sandbox(self) -> "Config":
        if (self.clock_file or self.fault_point) and not self.offline:
            msg = "PARKER_CLOCK_FILE and PARKER_FAULT_POINT work only while both vendors are sandboxes on this machine."
            raise ValueError(msg)
        return self

    @property
    def offline(self) -> bool:
        """True while both vendors are servers on this machine."""
        return all(urlsplit(base).hostname in LOOPBACK for base in (self.stripe_base, self.duffel_base))

    @cached_property
    def _kept(self) -> dict[str, str]:
        return embedded_secrets(self.data) if self.embedded else {}

    def secret(self, name: str) -> str:
        """The secret called `name`; from the environment, or in embedded mode from the data directory.

        Raises ConfigurationError naming the variable when it is missing.
        """
        given: SecretStr | None = getattr(self, name)
        value = given.get_secret_value() if given else self._kept.get(name, "")
        if not value:
            alias = type(self).model_fields[name].validation_alias or f"PARKER_{name.upper()}"
            msg = f"{alias} is not set. It has no default outside the embedded mode (PARKER_EMBEDDED=true)."
            raise ConfigurationError(msg)
        return value

    @property
    def kek_path(self) -> Path:
        """Where the key-encryption keys of this process lie."""
        if self.kek_file:
            return self.kek_file
        if self.embedded:
            return self.data / "keys" / "kek.json"
        msg = "PARKER_KEK_FILE is not set. It has no default outside the embedded mode (PARKER_EMBEDDED=true)."
        raise ConfigurationError(msg)


def embedded_secrets(data: Path) -> dict[str, str]:
    """The embedded installation's random secrets, made at the first call and kept in `secrets.json`, mode 0600.

    A secret that a newer version wants is added to the file; those that are there stay.
    """
    path = data / "secrets.json"
    if not path.exists():
        write_private(path, json.dumps(_new_secrets(), indent=1))
    kept: dict[str, str] = json.loads(path.read_text())
    return kept if kept.keys() >= _new_secrets().keys() else _completed(path)


def _new_secrets() -> dict[str, str]:
    return {
        "secret_key": secrets.token_urlsafe(48),
        "lookup_key": secrets.token_hex(32),
        # The sandboxes take any test key; a random one shows that none is written down anywhere.
        "stripe_api_key": f"sk_test_{secrets.token_urlsafe(24)}",
        "stripe_webhook_secret": f"whsec_{secrets.token_urlsafe(24)}",
        "duffel_token": f"duffel_test_{secrets.token_urlsafe(24)}",
        "duffel_webhook_secret": secrets.token_urlsafe(32),
        "backoffice_password": secrets.token_urlsafe(18),
        **{f"db_{process.value}": secrets.token_urlsafe(24) for process in Process},
    }


def _completed(path: Path) -> dict[str, str]:
    """Add what is missing, one process at a time: two must not make two different secrets of one name."""
    with path.with_name(".secrets.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept: dict[str, str] = _new_secrets() | json.loads(path.read_text())
        fresh = path.with_name(f".secrets.{secrets.token_hex(4)}")
        write_private(fresh, json.dumps(kept, indent=1))
        fresh.replace(path)
    return kept


def write_private(path: Path, text: str) -> None:
    """Write `text` so that only this user can read it, whole or not at all; the first writer wins."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()


@lru_cache(maxsize=1)
def load() -> Config:
    """This process's settings. Raises ConfigurationError with one line a problem, each naming its variable."""
    try:
        return Config()
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(str(p) for p in e['loc'])}: {e['msg']}".lstrip(": ") for e in error.errors())
        raise ConfigurationError(problems) from None
