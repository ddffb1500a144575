"""How a command becomes a process of the system: its role, its data, then Django."""

import os
from pathlib import Path

from parkerflight.settings.config import Process


def setup(process: Process, data: Path | None = None) -> None:
    """Start Django in this process as `process`'s role, unless the environment already says who we are."""
    os.environ.setdefault("PARKER_PROCESS", process.value)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "parkerflight.settings.django")
    if data is not None:
        os.environ.setdefault("PARKER_DATA", str(data.resolve()))
    import django

    django.setup()
