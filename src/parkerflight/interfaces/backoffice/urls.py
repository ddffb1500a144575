from django.urls import path

from parkerflight.interfaces.backoffice.views import page
from parkerflight.settings.config import load

load().secret("backoffice_password")  # without one the process must not start
urlpatterns = [path("", page, name="backoffice")]
