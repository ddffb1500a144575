"""Liveness and readiness. Neither says more to a stranger than that."""

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse


def alive(_request: HttpRequest) -> HttpResponse:
    """200 while the process answers at all."""
    return JsonResponse({"status": "alive"})


def ready(_request: HttpRequest) -> HttpResponse:
    """200 when the database answers this process's role, else 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM django_migrations LIMIT 1")
    except Exception:  # noqa: BLE001 - any failure means «not ready»; its text is not for strangers
        return JsonResponse({"status": "not ready"}, status=503)
    return JsonResponse({"status": "ready"})
