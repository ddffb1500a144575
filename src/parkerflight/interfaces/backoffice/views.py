"""One page, read again every minute."""

import base64
import hashlib
from datetime import timedelta
from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from parkerflight.core import clock
from parkerflight.inbox import queries as inbox
from parkerflight.interfaces.backoffice.access import team_only
from parkerflight.ops import queries

STYLE = (Path(__file__).parent / "style.css").read_text()
# The one style is named by its hash: nothing else that finds its way into the page can run, load or send anything.
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
LATE = timedelta(minutes=5)  # an event is heard within seconds; five minutes mean that no worker hears


@require_safe
@team_only
def page(_request: HttpRequest) -> HttpResponse:
    """Invariants, attempts that wait for a person, kill switches, the inbox."""
    now = clock.now()
    backlog = inbox.backlog(now)
    checks = queries.latest_checks(now)
    waiting = queries.attempts_waiting()
    content = render_to_string(
        "backoffice/page.html",
        {
            "style": mark_safe(STYLE),  # noqa: S308 - our own file
            "now": now,
            "checks": checks,
            "broken": sum(1 for one in checks if one.ids),
            "waiting": [(one, age(now - one.since)) for one in waiting],
            "switches": queries.switches(),
            "backlog": backlog,
            "lag": age(backlog.lag),
            "late": backlog.lag > LATE,
        },
    )
    answer = HttpResponse(content)
    answer["Content-Security-Policy"] = POLICY
    answer["Cache-Control"] = "no-store"
    answer["Referrer-Policy"] = "no-referrer"
    answer["Refresh"] = "60"
    return answer


def age(span: timedelta) -> str:
    """A duration at a glance: `40 s`, `12 min`, `3 h 5 min`, `2 d 4 h`."""
    seconds = max(0, int(span.total_seconds()))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if not minutes:
        return f"{seconds} s"
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes % 60} min" if not days else f"{days} d {hours % 24} h"
