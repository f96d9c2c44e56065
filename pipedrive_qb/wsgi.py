"""WSGI entry point for gunicorn."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from pipedrive_qb import error_reports, kept_connections
from pipedrive_qb.starting import refuse_missing_static_files, refuse_wrong_configuration
from pipedrive_qb.whole_requests import WholeRequests

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pipedrive_qb.settings")

application = WholeRequests(get_wsgi_application())
refuse_wrong_configuration()
refuse_missing_static_files()
error_reports.switch_on(settings.SENTRY_DSN)
kept_connections.watch()
