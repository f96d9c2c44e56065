"""WSGI entry point for gunicorn."""

import os

from django.core.wsgi import get_wsgi_application

from pipedrive_qb.starting import refuse_wrong_configuration

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pipedrive_qb.settings")

application = get_wsgi_application()
refuse_wrong_configuration()
