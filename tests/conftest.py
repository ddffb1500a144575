"""The test bench: a real PostgreSQL, the real roles, the real sandboxes over HTTP. None of our own code is mocked."""

import os
import socket
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
BENCH = Path(os.environ.get("PARKER_TEST_DATA", REPOSITORY / ".parker" / "test-data"))
if os.environ.get("PARKER_PG_BIN"):
    # Another PostgreSQL has another on-disk format.
    BENCH = BENCH.with_name(BENCH.name + "-" + os.environ["PARKER_PG_BIN"].strip("/").replace("/", "-"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


RUN = f"test_{os.getpid()}"
for leftover in [
    name
    for name in os.environ
    if name.startswith(("PARKER_", "STRIPE_", "DUFFEL_")) and name not in {"PARKER_PG_BIN", "PARKER_TEST_DATA"}
]:
    del os.environ[leftover]
os.environ |= {
    "DJANGO_SETTINGS_MODULE": "parkerflight.settings.django",
    "PARKER_DATA": str(BENCH),
    "PARKER_DATABASE_NAME": f"parker_{RUN}",
    "PARKER_PROCESS": "worker",
    "PARKER_STRIPE_BASE": f"http://127.0.0.1:{_free_port()}",
    "PARKER_DUFFEL_BASE": f"http://127.0.0.1:{_free_port()}",
    "PARKER_CLOCK_FILE": str(BENCH / f"clock-{RUN}.json"),
    "PARKER_MAIL_OPTIONS": '{"file_path": "%s"}' % (BENCH / f"mails-{RUN}"),
}

import django  # noqa: E402

django.setup()

from tests.bench import *  # noqa: E402, F403
