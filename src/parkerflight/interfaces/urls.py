"""What each process serves: people and vendors meet the web process, the team the back office, never the same one."""

from django.urls import URLPattern, URLResolver, include, path

from parkerflight.interfaces.api.routes import api
from parkerflight.interfaces.web import health
from parkerflight.settings.config import Process, load

urlpatterns: list[URLPattern | URLResolver] = [path("healthz", health.alive), path("readyz", health.ready)]
if load().process is Process.BACKOFFICE:
    urlpatterns.append(path("", include("parkerflight.interfaces.backoffice.urls")))
else:
    urlpatterns += [
        path("api/webhooks/", include("parkerflight.interfaces.webhooks.urls")),
        path("api/", api.urls),
    ]
