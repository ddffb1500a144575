from django.urls import path

from parkerflight.inbox.models import Vendor
from parkerflight.interfaces.webhooks.views import receive

urlpatterns = [path(vendor.value, receive, {"vendor": vendor}) for vendor in Vendor]
