"""The addresses of the service; each app names its own."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from pipedrive_qb import health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("", include("invoices.urls")),  # before the other, because panels and notices are asked for most often
    path("", include("integration_settings.urls")),
]
if settings.OPERATOR_PAGE:
    urlpatterns.append(path("admin/", admin.site.urls))
handler404 = "integration_settings.views.faults.page_not_found"
handler500 = "integration_settings.views.faults.server_error"
