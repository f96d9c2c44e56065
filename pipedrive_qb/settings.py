"""Every setting of the service, read once from the environment (or from `.env`).

Nothing else reads the environment. Values that are missing or wrong are not raised here: they are collected in
`CONFIGURATION_PROBLEMS` and reported, one clear line each, by the system checks in `integration_settings.checks`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import environ

from pipedrive_qb.variables import read_variables

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

env = environ.Env()

CONFIGURATION_PROBLEMS: list[str] = read_variables(BASE_DIR / ".env")


def text(name: str, default: str = "") -> str:
    """The variable, or the content of the file named by NAME_FILE (for secrets mounted as files). An empty variable
    counts as absent.
    """
    path = given(f"{name}_FILE")
    if path and given(name).strip():
        # Whichever were taken, somebody would believe the other: a backup that is looked at, and is the live database.
        CONFIGURATION_PROBLEMS.append(f"{name} and {name}_FILE are both there; leave one empty.")
    if path:
        try:
            return bare(name, Path(path).read_text(encoding="utf-8-sig"))
        except OSError as error:
            CONFIGURATION_PROBLEMS.append(f"{name}_FILE cannot be read: {error.strerror}.")
        except UnicodeDecodeError:
            CONFIGURATION_PROBLEMS.append(f"{name}_FILE cannot be read: it is no text.")
    return bare(name, given(name)) or default


def given(name: str) -> str:
    """As it stands there: `env.str` would take “$abc” for the name of another variable."""
    return str(env.ENVIRON.get(name, ""))


def bare(name: str, value: str) -> str:
    """Without white space around it. Not every program that hands on a file of variables takes quotation marks off."""
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        CONFIGURATION_PROBLEMS.append(f"{name} must stand without quotation marks.")
        return value[1:-1].strip()
    if not value.isprintable():
        CONFIGURATION_PROBLEMS.append(f"{name} has a line break in it, or a sign that nobody sees.")
    return value


def required(name: str, why: str) -> str:
    value = text(name)
    if not value:
        CONFIGURATION_PROBLEMS.append(f"{name} is missing: {why}.")
    return value


def words(name: str, default: str = "") -> list[str]:
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def flag(name: str) -> bool:
    """Off unless said otherwise."""
    value = text(name).lower()
    if value in ("", "0", "1", "true", "false", "on", "off", "yes", "no"):
        return value in ("1", "true", "on", "yes")
    CONFIGURATION_PROBLEMS.append(f"{name} must be on or off, not “{value}”.")
    return False


def whole_number(name: str, default: int) -> int:
    value = text(name)
    if not value:
        return default
    if value.isascii() and value.isdigit() and int(value) > 0:
        return int(value)
    CONFIGURATION_PROBLEMS.append(f"{name} must be a whole number above zero, not “{value}”.")
    return default


def address(name: str, default: str = "", *, bare_host: bool = False, end: str = "/") -> str:
    """A web address without `end`; with `bare_host` also without a path."""
    value = text(name, default)
    try:
        parts = urlsplit(value)
        is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that do not close, a port that is none
        is_one = False
    if not value or (is_one and not re.search(r"[\s@?#]", value) and not (bare_host and parts.path.strip("/"))):
        return value.rstrip(end)
    wanted = "https://invoices.example.com" + (", without a path" if bare_host else "")
    given = "" if "@" in value else f", not “{value}”"  # what stands before that sign is a password
    CONFIGURATION_PROBLEMS.append(f"{name} must be an address such as {wanted}{given}.")
    return default.rstrip(end)


def redis(name: str) -> str:
    """An address of Redis. With TLS it says that the certificate is looked at, for Celery would take any: in the words
    of `redis`, which does not know Celery's own (`CERT_NONE`).
    """
    value = text(name)
    try:
        parts = urlsplit(value)
        is_one = parts.scheme in ("redis", "rediss") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_one = False
    if is_one and parts.scheme == "rediss":
        options = {"ssl_cert_reqs": "required"} | dict(parse_qsl(parts.query))
        options["ssl_cert_reqs"] = options["ssl_cert_reqs"].lower().removeprefix("cert_")
        is_one = options["ssl_cert_reqs"] in ("required", "optional", "none")
        value = parts._replace(query=urlencode(options)).geturl()
    if not value or (is_one and re.fullmatch(r"/?\d*", parts.path)):
        return value
    # The address may hold a password, so it is not repeated.
    CONFIGURATION_PROBLEMS.append(f"{name} must be an address such as redis://host:6379/0.")
    return ""


def one_of(name: str, choices: tuple[str, ...]) -> str:
    """The first choice is the default."""
    value = text(name, choices[0])
    if value in choices:
        return value
    CONFIGURATION_PROBLEMS.append(f"{name} must be {' or '.join(choices)}, not “{value}”.")
    return choices[0]


def database(url: str) -> dict[str, Any]:
    scheme = url.partition(":")[0]
    if scheme in ("postgres", "postgresql", "sqlite"):
        try:
            found = dict(environ.Env.db_url_config(url))
        except (ValueError, environ.ImproperlyConfigured):
            found = {}
        if found.get("NAME"):
            return found
    # The address may hold a password, so it is not repeated.
    CONFIGURATION_PROBLEMS.append("DATABASE_URL must be an address such as postgres://user:password@host/name.")
    return dict(environ.Env.db_url_config("sqlite://:memory:"))


# The service itself

DEBUG = flag("DEBUG")
APP_URL = address("APP_URL", "http://localhost:8000", bare_host=True)
SECURE_SITE = urlsplit(APP_URL).scheme == "https"
COOKIE_PREFIX = "__Secure-" if SECURE_SITE else ""  # browsers take such a cookie over https alone
SECRET_KEY = required("SECRET_KEY", "it signs page tokens; a long random text") or "missing-so-that-checks-can-report"
SECRET_KEY_FALLBACKS = words("SECRET_KEY_FALLBACKS")
ALLOWED_HOSTS = words("ALLOWED_HOSTS", urlsplit(APP_URL).hostname or "localhost")
LOG_FORMAT = one_of("LOG_FORMAT", ("text", "json"))
SENTRY_DSN = text("SENTRY_DSN")
if SENTRY_DSN and not re.fullmatch(r"https://\w+@[\w.:-]+/(\S+/)?\d+", SENTRY_DSN):
    # The address holds a key, so it is not repeated.
    CONFIGURATION_PROBLEMS.append("SENTRY_DSN must be an address such as https://key@sentry.example.com/1.")
SUPPORT_EMAIL = text("SUPPORT_EMAIL")
if SUPPORT_EMAIL and not re.fullmatch(r"[\w.+-]+@[\w-]+(\.[\w-]+)+", SUPPORT_EMAIL, re.ASCII):
    CONFIGURATION_PROBLEMS.append("SUPPORT_EMAIL must be an address such as help@example.com.")
    SUPPORT_EMAIL = ""
METRICS_TOKEN = text("METRICS_TOKEN")
OPERATOR_PAGE = flag("OPERATOR_PAGE")
_keys = required("TOKEN_ENCRYPTION_KEYS", "it encrypts the stored tokens; see docs/operating.md")
TOKEN_ENCRYPTION_KEYS = [key.strip() for key in _keys.split(",") if key.strip()]

# Pipedrive

PIPEDRIVE_CLIENT_ID = required("PIPEDRIVE_CLIENT_ID", "copy it from the app's page in Pipedrive's Developer Hub")
PIPEDRIVE_CLIENT_SECRET = required(
    "PIPEDRIVE_CLIENT_SECRET", "copy it from the app's page in Pipedrive's Developer Hub"
)
PIPEDRIVE_JWT_SECRET = text("PIPEDRIVE_JWT_SECRET") or PIPEDRIVE_CLIENT_SECRET
PIPEDRIVE_OAUTH_URL = address("PIPEDRIVE_OAUTH_URL", "https://oauth.pipedrive.com")
PIPEDRIVE_WEB_URL = address("PIPEDRIVE_WEB_URL", "https://{company_domain}.pipedrive.com")
PIPEDRIVE_API_HOSTS = [host.lower() for host in words("PIPEDRIVE_API_HOSTS", ".pipedrive.com")]
PIPEDRIVE_FRAME_ANCESTORS = words("PIPEDRIVE_FRAME_ANCESTORS", "https://*.pipedrive.com")
PIPEDRIVE_MODAL_ID = text("PIPEDRIVE_MODAL_ID", "QuickBooks invoice")

# QuickBooks. The three addresses by environment: https://developer.intuit.com/app/developer/qbo/docs/develop

QUICKBOOKS_ENVIRONMENT = one_of("QUICKBOOKS_ENVIRONMENT", ("production", "sandbox"))
QUICKBOOKS_ADDRESSES = {
    "production": (
        "https://developer.intuit.com/.well-known/openid_configuration/",
        "https://quickbooks.api.intuit.com",
        "https://qbo.intuit.com",
    ),
    "sandbox": (
        "https://developer.intuit.com/.well-known/openid_sandbox_configuration/",
        "https://sandbox-quickbooks.api.intuit.com",
        "https://sandbox.qbo.intuit.com",
    ),
}
_discovery, _api, _web = QUICKBOOKS_ADDRESSES[QUICKBOOKS_ENVIRONMENT]
QUICKBOOKS_DISCOVERY_URL = address("QUICKBOOKS_DISCOVERY_URL", _discovery, end="")
QUICKBOOKS_API_URL = address("QUICKBOOKS_API_URL", _api)
QUICKBOOKS_WEB_URL = address("QUICKBOOKS_WEB_URL", _web)
QUICKBOOKS_CLIENT_ID = required("QUICKBOOKS_CLIENT_ID", "copy it from Keys & credentials in Intuit's developer portal")
QUICKBOOKS_CLIENT_SECRET = required(
    "QUICKBOOKS_CLIENT_SECRET", "copy it from Keys & credentials in Intuit's developer portal"
)
QUICKBOOKS_WEBHOOK_VERIFIER_TOKEN = text("QUICKBOOKS_WEBHOOK_VERIFIER_TOKEN")
QUICKBOOKS_MONTHLY_READ_BUDGET = whole_number("QUICKBOOKS_MONTHLY_READ_BUDGET", 500_000)
# Reads of production companies are metered and cost the operator money; those of sandbox companies are free.
QUICKBOOKS_SYNC_SECONDS = 15 if QUICKBOOKS_ENVIRONMENT == "sandbox" else 15 * 60

REDIS_URL = redis("REDIS_URL")
# How long one process waits for the next company whose turn it is, before it makes room for other work. Where there is
# no Redis, which would tell that somebody is at it already, it does not wait.
SWEEP_SECONDS = 15 if REDIS_URL else 0

# Django

INSTALLED_APPS = [
    "django.contrib.staticfiles",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",  # these three for the operator's page
    "django.contrib.messages",
    "django.contrib.admin",
    "integration_settings",
    "invoices",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "pipedrive_qb.middleware.ContentSecurityPolicy",
    "pipedrive_qb.static_files.ServedStaticFiles",
    "django.middleware.gzip.GZipMiddleware",
    "pipedrive_qb.middleware.SmallFrames",
    "pipedrive_qb.middleware.RequestId",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "pipedrive_qb.middleware.OperatorSession",
    "pipedrive_qb.middleware.OperatorSignIn",
    "pipedrive_qb.middleware.OperatorMessages",
]
ROOT_URLCONF = "pipedrive_qb.urls"
WSGI_APPLICATION = "pipedrive_qb.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,  # for the templates of Django's own pages
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
# One that is named and empty is a mistake: nobody's invoices are to get into a file by accident.
_named = any(name in env.ENVIRON for name in ("DATABASE_URL", "DATABASE_URL_FILE"))
DATABASE_URL = text("DATABASE_URL") if _named else f"sqlite:///{VAR_DIR / 'database.sqlite3'}"
DATABASES: dict[str, Any] = {"default": database(DATABASE_URL)}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    VAR_DIR.mkdir(exist_ok=True)
    # Write-ahead log: readers do not wait for writers. Immediate: a transaction takes the write lock at its start,
    # which is what stands in for row locks here.
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 30,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    DATABASES["default"].update(CONN_MAX_AGE=60, CONN_HEALTH_CHECKS=True)
    # A host that is silent: seconds until it is called away, and milliseconds for what was sent to it already. Whoever
    # only waits for its answer asks whether it is still there; the system's own way is to begin so after two hours.
    # https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
    _silent_host = {"connect_timeout": 5, "tcp_user_timeout": 15_000}
    _silent_host |= {"keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3}
    DATABASES["default"]["OPTIONS"] = _silent_host | DATABASES["default"].get("OPTIONS", {})
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES: dict[str, Any] = {
    "default": {
        "BACKEND": "pipedrive_qb.cache.ForgivingRedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
    }
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}
if not REDIS_URL:  # the vendors' limits are for all our processes together, see `integration_settings.call_slots`
    CACHES["calls"] = {
        "BACKEND": "pipedrive_qb.cache.OneMachineCache",
        "LOCATION": str(VAR_DIR / "calls"),
    }
LANGUAGE_CODE = "en"
LANGUAGES = [
    ("en", "English"),
    ("lv", "Latviešu"),
    ("de", "Deutsch"),
    ("es", "Español"),
    ("pt-br", "Português (Brasil)"),
    ("fr", "Français"),
    ("et", "Eesti"),
]
LOCALE_PATHS = [BASE_DIR / "pipedrive_qb" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "pipedrive_qb.static_files.SmallStaticFiles"
    },
}

# An invoice form sends about ten fields a line; the default of 1000 would end it at a hundred lines.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 12_000
# No page takes files. Django would write any that comes into /tmp, which is memory here, before it knows who sends it.
FILE_UPLOAD_HANDLERS: list[str] = []

# No cookie is used inside Pipedrive's frame; those outside it mark a browser for as long as a sign-in takes, and
# `sign_ins` and `tickets` set them with their own attributes. These are the operator's, who signs in at /admin/.
SESSION_COOKIE_NAME = f"{COOKIE_PREFIX}operator"
CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}csrftoken"
SESSION_COOKIE_AGE = 8 * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = "/admin/"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SITE
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Strict"
CSRF_COOKIE_HTTPONLY = True
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "no-referrer"
SECURE_SSL_REDIRECT = SECURE_SITE
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]  # asked from within, past the proxy that speaks https
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE_SITE else None
SECURE_HSTS_SECONDS = 31_536_000 if SECURE_SITE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_SITE
SECURE_HSTS_PRELOAD = SECURE_SITE
SILENCED_SYSTEM_CHECKS = [
    "security.W002",  # who may frame a page is said by `frame-ancestors`, for every page, see ContentSecurityPolicy
    "security.W003",  # pages in the frame have no cookie that could be misused; Django's admin checks its forms itself
]

# Celery. https://docs.celeryq.dev/en/stable/userguide/configuration.html

if REDIS_URL:
    CELERY_BROKER_URL = REDIS_URL
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {
        "visibility_timeout": 900,
        "unacked_restore_throttle": 1,
        "socket_timeout": 10,
        "socket_connect_timeout": 5,
        "health_check_interval": 30,
        "retry_on_timeout": True,
        "global_keyprefix": "pipedrive_qb:",
    }
else:
    CELERY_BROKER_URL = "spool://"  # see pipedrive_qb.broker
    for _folder in ("broker", "broker-control"):
        (VAR_DIR / _folder).mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(VAR_DIR / "broker"),
        "data_folder_out": str(VAR_DIR / "broker"),
        "control_folder": str(VAR_DIR / "broker-control"),
        "polling_interval": 0.05,
    }
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # else worker and beat end after three quarters of an hour without it
CELERY_BEAT_SCHEDULER = "pipedrive_qb.beat:Scheduler"
CELERY_TASK_DEFAULT_QUEUE = "background"
CELERY_TASK_ROUTES = {
    "invoices.tasks.submit_invoice": {"queue": "interactive"},
    "invoices.tasks.carry_out_action": {"queue": "interactive"},
    "invoices.tasks.dispatch_due_work": {"queue": "interactive"},
    "invoices.tasks.follow_companies": {"queue": "interactive"},
}
CELERY_TASK_ACKS_LATE = True
# A lost worker's task is not redelivered without end: the due row in the database brings it back.
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = 120
CELERY_TASK_SOFT_TIME_LIMIT = 90
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0.1, "interval_max": 0.1}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 500
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 30
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"context": {"()": "pipedrive_qb.logs.Context"}, "faults": {"()": "pipedrive_qb.logs.Faults"}},
    "formatters": {
        "text": {
            "()": "pipedrive_qb.logs.Lines",
            "format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s c=%(company_id)s] %(message)s",
        },
        "json": {"()": "pipedrive_qb.logs.JsonLines"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "filters": ["context"],
            "formatter": "json" if LOG_FORMAT == "json" else "text",
        }
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        # These would write tokens and bodies at DEBUG.
        "requests_oauthlib": {"level": "WARNING"},
        "urllib3": {"level": "WARNING"},
        "django.request": {"level": "ERROR", "filters": ["faults"]},
        # Whoever looks for holes asks by any name and sends any amount; that he gets a 400 is no error of ours.
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        "django.security.RequestDataTooBig": {"level": "CRITICAL"},
        "django.security.TooManyFieldsSent": {"level": "CRITICAL"},
        # It would warn of every HEAD, which is how many watch whether we live: Django leaves the body to it to drop.
        "gunicorn.http.wsgi": {"level": "ERROR"},
        # These would say every two seconds that a tick found nothing due.
        "celery.beat": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
    },
}
