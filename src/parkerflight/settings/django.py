"""Django's settings, derived from `config`. Nothing is read from the environment here."""

from pathlib import Path

from parkerflight.settings.config import load
from parkerflight.settings.database import django_database

_config = load()

SECRET_KEY = _config.secret("secret_key")
DEBUG = False
ALLOWED_HOSTS = _config.allowed_hosts
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-gb"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2**20  # a megabyte: no form, request or webhook comes near it
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "parkerflight.interfaces.urls"

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "procrastinate.contrib.django",
    "parkerflight.core",
    "parkerflight.audit",
    "parkerflight.inbox",
    "parkerflight.vault",
    "parkerflight.notifications",
    "parkerflight.accounts",
    "parkerflight.travelers",
    "parkerflight.payments",
    "parkerflight.flights",
    "parkerflight.campaigns",
    "parkerflight.bookings",
    "parkerflight.ops",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
DATABASES = {"default": django_database(_config)}
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parents[1] / "interfaces" / "templates"],
        "APP_DIRS": True,
    }
]

PROCRASTINATE_ON_APP_READY = "parkerflight.core.jobs.on_app_ready"

MAILERS = {
    "default": {
        "BACKEND": _config.mail_backend or "django.core.mail.backends.filebased.EmailBackend",
        "OPTIONS": _config.mail_options or {"file_path": str(_config.data / "mails")},
    },
}
DEFAULT_FROM_EMAIL = _config.mail_from

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    # Each job logs start and end at INFO with its arguments; ids only, but too many lines for a terminal.
    "loggers": {"procrastinate": {"level": "WARNING"}, "httpx": {"level": "WARNING"}, "stripe": {"level": "WARNING"}},
}
