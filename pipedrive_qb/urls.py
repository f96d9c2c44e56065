"""The addresses of the service; each app names its own."""

from django.urls import include, path

urlpatterns = [
    path("", include("integration_settings.urls")),
    path("", include("invoices.urls")),
]
