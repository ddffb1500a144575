"""Who may look: the team, by one password over HTTP Basic."""

import base64
import binascii
import hmac
from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse

from parkerflight.interfaces.limits import Bucket
from parkerflight.settings.config import load

USER = "team"
WRONG = Bucket(size=10, a_second=0.2)  # ten slips, then one each five seconds: a password of 144 bits outlives that

View = Callable[[HttpRequest], HttpResponse]


def team_only(view: View) -> View:
    """Answer 401 to everybody else, 429 to whoever guesses."""

    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        given = request.headers.get("Authorization", "")
        if _is_team(given):
            return view(request)
        if given and not WRONG.take():
            return HttpResponse("Too many wrong passwords; wait a minute.\n", status=429, content_type="text/plain")
        answer = HttpResponse("The back office is the team's.\n", status=401, content_type="text/plain")
        answer["WWW-Authenticate"] = 'Basic realm="Parker Flight back office", charset="UTF-8"'
        return answer

    return guarded


def _is_team(header: str) -> bool:
    """Compare in constant time, name and password alike."""
    kind, _, encoded = header.partition(" ")
    try:
        given = base64.b64decode(encoded, validate=True) if kind.lower() == "basic" else b""
    except (binascii.Error, ValueError):
        given = b""
    expected = f"{USER}:{load().secret('backoffice_password')}".encode()
    return hmac.compare_digest(given, expected)
