"""The addresses of the service; each app names its own."""

from django.urls import include, path

urlpatterns = [
    path("", include("integration_settings.urls")),
    path("", include("invoices.urls")),
]
handler404 = "integration_settings.views.faults.page_not_found"
handler500 = "integration_settings.views.faults.server_error"
