"""Settings of the test run: the real ones, with an environment of their own. A DATABASE_URL given from outside is kept."""

import os
import tempfile

os.environ.update(
    {
        "DEBUG": "off",
        "APP_URL": "http://localhost:8000",
        "SECRET_KEY": "tests-only-0123456789-0123456789-0123456789-0123456789",
        "TOKEN_ENCRYPTION_KEYS": "Zm9yLXRlc3RzLW9ubHktMDEyMzQ1Njc4OTAxMjM0NTY=",
        "PIPEDRIVE_CLIENT_ID": "test-pipedrive-client",
        "PIPEDRIVE_CLIENT_SECRET": "test-pipedrive-secret-0123456789abcdef",
        "PIPEDRIVE_OAUTH_URL": "http://127.0.0.1:8010",
        "PIPEDRIVE_WEB_URL": "http://127.0.0.1:8010/web/{company_domain}",
        "PIPEDRIVE_API_HOSTS": "127.0.0.1",
        "PIPEDRIVE_FRAME_ANCESTORS": "http://127.0.0.1:8010",
        "QUICKBOOKS_ENVIRONMENT": "sandbox",
        "QUICKBOOKS_DISCOVERY_URL": "http://127.0.0.1:8020/.well-known/openid_sandbox_configuration",
        "QUICKBOOKS_API_URL": "http://127.0.0.1:8020",
        "QUICKBOOKS_WEB_URL": "http://127.0.0.1:8020/web",
        "QUICKBOOKS_CLIENT_ID": "test-quickbooks-client",
        "QUICKBOOKS_CLIENT_SECRET": "test-quickbooks-secret-0123456789abcdef",
    }
)
os.environ.setdefault("DATABASE_URL", f"sqlite:///{tempfile.gettempdir()}/pipedrive-qb-tests.sqlite3")

from pipedrive_qb.settings import *  # noqa: E402, F403

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
