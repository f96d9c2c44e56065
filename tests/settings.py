"""Settings of the test run: the real ones, with an environment of their own; a DATABASE_URL from outside is kept."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

ENVIRONMENT = {
    "DEBUG": "off",
    "APP_URL": "http://localhost:8000",
    "SECRET_KEY": "tests-only-0123456789-0123456789-0123456789-0123456789",
    "TOKEN_ENCRYPTION_KEYS": "Zm9yLXRlc3RzLW9ubHktMDEyMzQ1Njc4OTAxMjM0NTY=",
    "PIPEDRIVE_CLIENT_ID": "test-pipedrive-client",
    "PIPEDRIVE_CLIENT_SECRET": "test-pipedrive-secret-0123456789abcdef",
    "PIPEDRIVE_JWT_SECRET": "",
    "PIPEDRIVE_OAUTH_URL": "http://127.0.0.1:8010",
    "PIPEDRIVE_WEB_URL": "http://127.0.0.1:8010/web/{company_domain}",
    "PIPEDRIVE_API_HOSTS": "127.0.0.1",
    "PIPEDRIVE_FRAME_ANCESTORS": "http://127.0.0.1:8010",
    "PIPEDRIVE_MODAL_ID": "QuickBooks invoice",
    "QUICKBOOKS_ENVIRONMENT": "sandbox",
    "QUICKBOOKS_DISCOVERY_URL": "http://127.0.0.1:8020/.well-known/openid_sandbox_configuration",
    "QUICKBOOKS_API_URL": "http://127.0.0.1:8020",
    "QUICKBOOKS_WEB_URL": "http://127.0.0.1:8020/web",
    "QUICKBOOKS_CLIENT_ID": "test-quickbooks-client",
    "QUICKBOOKS_CLIENT_SECRET": "test-quickbooks-secret-0123456789abcdef",
    "QUICKBOOKS_WEBHOOK_VERIFIER_TOKEN": "",
    "METRICS_TOKEN": "",
    "OPERATOR_PAGE": "off",
    "SENTRY_DSN": "",
    "REDIS_URL": "",
    "LOG_FORMAT": "text",
}
"""What the app reads from the environment; nothing of the developer's own `.env` or shell gets in."""

os.environ.update(ENVIRONMENT)
for name in ("ALLOWED_HOSTS", "SECRET_KEY_FALLBACKS", "QUICKBOOKS_MONTHLY_READ_BUDGET"):
    os.environ.pop(name, None)

FOLDER = Path(tempfile.mkdtemp(prefix="pipedrive-qb-tests-"))
"""Database file and logs of this run; gone at its end."""
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
os.environ.setdefault("DATABASE_URL", f"sqlite:///{FOLDER}/database.sqlite3")

from pipedrive_qb.settings import *  # noqa: E402, F403
from pipedrive_qb.settings import DATABASES  # noqa: E402

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file and not memory: a second process (a worker, a web server) must see the same rows, and locks must be real.
    DATABASES["default"]["TEST"] = {"NAME": str(FOLDER / "test.sqlite3")}
DATABASES["default"]["CONN_MAX_AGE"] = 0

CACHES = {"default": {"BACKEND": "tests.plain_cache.PlainCache"}}

STATIC_ROOT = FOLDER / "static"
STATIC_ROOT.mkdir()
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

# Messages of the tests' own process go nowhere: what is due stands in the database. A test's worker has a Redis.
CELERY_BROKER_URL = "memory://"
CELERY_BROKER_TRANSPORT_OPTIONS = {"polling_interval": 0.02}
