from django.urls import path

from parkerflight.interfaces.api.routes import api
from parkerflight.interfaces.web import health

urlpatterns = [
    path("healthz", health.alive),
    path("readyz", health.ready),
    path("api/", api.urls),
]
