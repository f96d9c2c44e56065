"""A wrong configuration stops the start with one clear line each, and never with a stack trace."""

from __future__ import annotations

import importlib
import os
import ssl
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from cryptography.fernet import Fernet
from django.core.checks import run_checks
from django.utils import timezone
from redis import ConnectionPool

from integration_settings.checks import stored_tokens_readable
from integration_settings.models import PipedriveUser, QuickBooksConnection
from pipedrive_qb import celery_app
from pipedrive_qb import settings as settings_module
from pipedrive_qb.starting import refuse_missing_static_files, refuse_wrong_configuration
from pipedrive_qb.variables import read_variables
from tests.factories import make_user
from tests.settings import ENVIRONMENT

ROOT = Path(__file__).resolve().parent.parent.parent
REQUIRED = {
    "SECRET_KEY",
    "TOKEN_ENCRYPTION_KEYS",
    "PIPEDRIVE_CLIENT_ID",
    "PIPEDRIVE_CLIENT_SECRET",
    "QUICKBOOKS_CLIENT_ID",
    "QUICKBOOKS_CLIENT_SECRET",
}


def ids():
    return {message.id for message in run_checks() if message.is_serious()}


def test_the_settings_of_the_tests_are_in_order(db):
    assert ids() == set()
    refuse_wrong_configuration()


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("CONFIGURATION_PROBLEMS", ["DEBUG must be on or off, not “maybe”."], "E001"),
        ("TOKEN_ENCRYPTION_KEYS", ["not-a-key"], "E002"),
        ("TOKEN_ENCRYPTION_KEYS", [], "E002"),
        ("TOKEN_ENCRYPTION_KEYS", [f"{Fernet.generate_key().decode()} {Fernet.generate_key().decode()}"], "E002"),
        ("TOKEN_ENCRYPTION_KEYS", [Fernet.generate_key().decode(), "short"], "E002"),
        ("PIPEDRIVE_WEB_URL", "https://pipedrive.com", "E004"),
        ("APP_URL", "http://invoices.example.com", "E005"),
        ("QUICKBOOKS_API_URL", "http://quickbooks.api.intuit.com", "E005"),
        ("PIPEDRIVE_OAUTH_URL", "http://10.0.0.7", "E005"),
        ("PIPEDRIVE_API_HOSTS", [], "E006"),
        ("PIPEDRIVE_API_HOSTS", [".com"], "E006"),
        ("PIPEDRIVE_API_HOSTS", ["."], "E006"),
        ("PIPEDRIVE_API_HOSTS", [".pipedrive.com", "*"], "E006"),
        ("PIPEDRIVE_API_HOSTS", ["*.pipedrive.com"], "E006"),
        ("PIPEDRIVE_API_HOSTS", ["https://api.pipedrive.com"], "E006"),
        ("PIPEDRIVE_API_HOSTS", ["127.0.0.1:8010"], "E006"),
        ("QUICKBOOKS_WEB_URL", "http://qbo.intuit.com", "E005"),
        ("DEBUG", True, "E007"),
        ("SECRET_KEY", "short", "E008"),
        ("SECRET_KEY", "x" * 60, "E008"),
        ("SECRET_KEY_FALLBACKS", ["short"], "E008"),
        ("ALLOWED_HOSTS", ["*"], "E009"),
        ("ALLOWED_HOSTS", [], "E009"),
        ("ALLOWED_HOSTS", ["invoices.example.com:443"], "E009"),
        ("ALLOWED_HOSTS", ["https://invoices.example.com"], "E009"),
        ("ALLOWED_HOSTS", ["invoices.example.com www.example.com"], "E009"),
        ("ALLOWED_HOSTS", ["other.example.com"], "E009"),
        ("PIPEDRIVE_FRAME_ANCESTORS", [], "E010"),
        ("PIPEDRIVE_FRAME_ANCESTORS", ["*"], "E010"),
        ("PIPEDRIVE_FRAME_ANCESTORS", ["https://*"], "E010"),
        ("PIPEDRIVE_FRAME_ANCESTORS", [".pipedrive.com"], "E010"),
        ("PIPEDRIVE_FRAME_ANCESTORS", ["https://*.pipedrive.com; script-src *"], "E010"),
        ("PIPEDRIVE_FRAME_ANCESTORS", ["https://*.pipedrive.com\nX-Other: yes"], "E010"),
    ],
)
def test_each_mistake_has_its_id(settings, name, value, problem):
    if name in ("DEBUG", "APP_URL", "SECRET_KEY", "SECRET_KEY_FALLBACKS", "ALLOWED_HOSTS"):
        settings.APP_URL, settings.ALLOWED_HOSTS = "https://invoices.example.com", ["invoices.example.com"]
    setattr(settings, name, value)
    assert ids() == {f"integration_settings.{problem}"}


def test_on_ones_own_machine_any_key_and_host_will_do(settings):
    settings.SECRET_KEY, settings.ALLOWED_HOSTS = "short", ["*"]
    settings.PIPEDRIVE_FRAME_ANCESTORS = ["http://127.0.0.1:*"]
    assert ids() == set()


def test_a_key_is_never_quoted(settings):
    settings.TOKEN_ENCRYPTION_KEYS = ["my-secret-but-malformed-key"]
    assert not any("my-secret" in str(message) for message in run_checks())


def test_keys_that_cannot_read_the_stored_tokens_stop_the_start(user, settings):
    assert stored_tokens_readable(None, databases=["default"]) == []
    settings.TOKEN_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    assert [message.id for message in stored_tokens_readable(None, databases=["default"])] == [
        "integration_settings.E003"
    ]
    with pytest.raises(SystemExit):
        refuse_wrong_configuration()


def test_a_key_that_only_grants_at_rest_still_need_is_missed_too(company, settings):
    """Those in use are written anew within the hour; a key that was taken away too soon is missed by the others."""
    old, new = settings.TOKEN_ENCRYPTION_KEYS[0], Fernet.generate_key().decode()
    make_user(company, refreshed_at=timezone.now() - timedelta(days=20))
    settings.TOKEN_ENCRYPTION_KEYS = [new, old]
    for model in (PipedriveUser, QuickBooksConnection):
        for row in model.objects.filter(refreshed_at__gt=timezone.now() - timedelta(days=1)):
            row.save()
    for _ in range(4):
        make_user(company)
    settings.TOKEN_ENCRYPTION_KEYS = [new]
    found = stored_tokens_readable(None, databases=["default"])
    assert [message.id for message in found] == ["integration_settings.E003"]


def run(arguments, **environment):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "DATABASE_URL": "sqlite://:memory:", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


@pytest.fixture
def no_env_file():
    if (ROOT / ".env").exists():
        pytest.skip("a .env file beside the project would fill in what has to be missing")


@pytest.mark.timeout(600)
def test_an_empty_environment_is_told_one_line_for_each_missing_value(no_env_file):
    told = run(["manage.py", "check"])
    assert told.returncode != 0
    assert "Traceback" not in told.stderr
    lines = [line for line in told.stderr.splitlines() if "is missing" in line]
    assert {line.split(") ")[1].split(" is missing")[0] for line in lines} == REQUIRED


@pytest.mark.timeout(600)
def test_the_web_server_does_not_start_with_an_empty_environment(no_env_file):
    told = run(["-c", "import pipedrive_qb.wsgi"])
    assert told.returncode == 3
    assert "Traceback" not in told.stderr
    assert sum("is missing" in line for line in told.stderr.splitlines()) == len(REQUIRED)


def test_the_web_server_does_not_start_without_the_static_files_that_every_page_names(settings, tmp_path, capsys):
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": "pipedrive_qb.static_files.SmallStaticFiles"}}
    with pytest.raises(SystemExit):
        refuse_missing_static_files()
    assert "collectstatic" in capsys.readouterr().err
    (tmp_path / "staticfiles.json").write_text('{"version": "1.1", "paths": {"app.css": "app.0123.css"}, "hash": ""}')
    settings.STORAGES = settings.STORAGES | {}  # read anew
    refuse_missing_static_files()


def test_the_web_server_asks_for_them(db, monkeypatch):
    monkeypatch.setattr("pipedrive_qb.starting.refuse_missing_static_files", lambda: sys.exit("asked"))
    monkeypatch.delitem(sys.modules, "pipedrive_qb.wsgi", raising=False)
    with pytest.raises(SystemExit, match="asked"):
        importlib.import_module("pipedrive_qb.wsgi")


MALFORMED = {
    "DEBUG": ("maybe", "DEBUG must be on or off"),
    "APP_URL": ("invoices.example.com", "APP_URL must be an address"),
    "DATABASE_URL": ("oracle://user:pa55word@host/name", "DATABASE_URL must be an address"),
    "QUICKBOOKS_ENVIRONMENT": ("Sandbox", "QUICKBOOKS_ENVIRONMENT must be production or sandbox"),
    "QUICKBOOKS_MONTHLY_READ_BUDGET": ("many", "QUICKBOOKS_MONTHLY_READ_BUDGET must be a whole number"),
    "SECRET_KEY_FILE": ("/nowhere/at/all", "SECRET_KEY_FILE cannot be read"),
    "LOG_FORMAT": ("xml", "LOG_FORMAT must be text or json"),
    "REDIS_URL": ("http://:pa55word@redis:6379/0", "REDIS_URL must be an address such as redis://host:6379/0"),
    "QUICKBOOKS_DISCOVERY_URL": ("developer.intuit.com", "QUICKBOOKS_DISCOVERY_URL must be an address"),
    "PIPEDRIVE_CLIENT_ID": ('"0123"', "PIPEDRIVE_CLIENT_ID must stand without quotation marks"),
    "SUPPORT_EMAIL": ("https://example.com/help", "SUPPORT_EMAIL must be an address such as help@example.com"),
    "SENTRY_DSN": ("sentry.example.com", "SENTRY_DSN must be an address such as https://key@sentry.example.com/1"),
}


@pytest.mark.timeout(600)
def test_malformed_values_are_told_all_at_once_without_a_trace():
    told = run(["manage.py", "check"], **{**ENVIRONMENT, **{name: value for name, (value, _) in MALFORMED.items()}})
    assert told.returncode != 0
    assert "Traceback" not in told.stderr
    for _, words in MALFORMED.values():
        assert words in told.stderr
    assert "pa55word" not in told.stderr


@pytest.mark.parametrize(
    "url", ["nonsense", "oracle://x/y", "postgres://host:port/x", "", "postgres://", "postgres://user:password@host"]
)
def test_a_database_address_that_is_none_is_a_problem_and_no_crash(url):
    problems = settings_module.CONFIGURATION_PROBLEMS
    before = len(problems)
    try:
        settings_module.database(url)
        assert [problem.split()[0] for problem in problems[before:]] == ["DATABASE_URL"]
    finally:
        del problems[before:]


@pytest.fixture
def problems(monkeypatch):
    """What the settings have to say against the values that are read from here on."""
    found = []
    monkeypatch.setattr(settings_module, "CONFIGURATION_PROBLEMS", found)
    return found


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (lambda name: settings_module.whole_number(name, 500_000), "0"),
        (lambda name: settings_module.whole_number(name, 500_000), "5²"),
        (settings_module.address, "https://[invoices.example.com"),
        (settings_module.address, "https://invoices.example.com:port"),
        (settings_module.address, "https://invoices.example.com:99999"),
        (settings_module.address, "https://invoices .example.com"),
        (settings_module.address, "https://user:password@invoices.example.com"),
        (settings_module.address, "https://invoices.example.com?company=1"),
        (lambda name: settings_module.address(name, bare_host=True), "https://invoices.example.com/app"),
        (settings_module.redis, "redis"),
        (settings_module.redis, "http://redis:6379/0"),
        (settings_module.redis, "redis://redis:port/0"),
        (settings_module.redis, "redis://redis:6379/first"),
        (settings_module.redis, "redis://:pass#word@redis:6379/0"),
        (settings_module.redis, "rediss://:password@redis:6379/0?ssl_cert_reqs=maybe"),
        (settings_module.text, '"quoted"'),
        (settings_module.words, "'quoted'"),
        (settings_module.words, "one on each\nof two lines"),
        (settings_module.text, "copied with a sign\u200b that nobody sees"),
    ],
)
def test_a_value_that_nothing_can_be_done_with_is_a_problem_and_no_crash_now_or_later(
    read, value, problems, monkeypatch
):
    monkeypatch.setenv("SOMETHING", value)
    assert read("SOMETHING") != 0
    assert [problem.split()[0] for problem in problems] == ["SOMETHING"]
    assert "pass" not in problems[0]


@pytest.mark.parametrize("url", ["redis://redis", "redis://redis:6379/", "redis://:p%40ss%2F@redis:6379/1"])
def test_a_redis_without_port_or_number_is_one_with_the_usual_ones(url, problems, monkeypatch):
    monkeypatch.setenv("SOMETHING", url)
    assert settings_module.redis("SOMETHING") == url
    assert problems == []


@pytest.mark.parametrize(
    ("given", "looks"),
    [
        ("", ssl.CERT_REQUIRED),
        ("?ssl_ca_certs=/etc/ours.pem", ssl.CERT_REQUIRED),
        ("?ssl_cert_reqs=CERT_NONE", ssl.CERT_NONE),  # as Celery's documents write it
    ],
)
def test_who_speaks_tls_with_redis_looks_whom_he_has_there_unless_told_not_to(given, looks, problems, monkeypatch):
    monkeypatch.setenv("SOMETHING", f"rediss://:p%40ss@redis:6379/1{given}")
    url = settings_module.redis("SOMETHING")
    assert problems == []
    cache = ConnectionPool.from_url(url).make_connection()
    assert (cache.cert_reqs, cache.password, cache.db) == (looks, "p@ss", 1)
    broker = celery_app.connection_for_write(url)
    assert broker.ssl["ssl_cert_reqs"] == looks
    assert broker.ssl.get("ssl_ca_certs") == cache.ca_certs == parse_qs(given.strip("?")).get("ssl_ca_certs", [None])[0]


def test_a_slash_at_the_end_of_an_address_is_taken_off_where_paths_are_added(problems, monkeypatch):
    monkeypatch.setenv("SOMETHING", "https://invoices.example.com/")
    assert settings_module.address("SOMETHING", bare_host=True) == "https://invoices.example.com"
    assert settings_module.address("SOMETHING", end="") == "https://invoices.example.com/"
    assert problems == []


def test_a_secret_may_begin_with_a_dollar_and_its_file_with_the_mark_of_a_windows_editor(
    problems, monkeypatch, tmp_path
):
    monkeypatch.setenv("SOMETHING", "$HOME")
    assert settings_module.text("SOMETHING") == "$HOME"
    monkeypatch.setenv("SOMETHING", "")
    (tmp_path / "secret").write_bytes(b"\xef\xbb\xbfsecret\r\n")
    monkeypatch.setenv("SOMETHING_FILE", str(tmp_path / "secret"))
    assert settings_module.text("SOMETHING") == "secret"
    assert problems == []


def test_a_value_beside_the_file_that_should_hold_it_is_a_problem_and_not_passed_over(problems, monkeypatch, tmp_path):
    """As in a container whose database stands in a file, when a restored one is named for a look at it."""
    (tmp_path / "address").write_text("postgres://postgres/invoices")
    monkeypatch.setenv("SOMETHING_FILE", str(tmp_path / "address"))
    monkeypatch.setenv("SOMETHING", "postgres://:pa55word@postgres/restored")
    settings_module.text("SOMETHING")
    assert problems == ["SOMETHING and SOMETHING_FILE are both there; leave one empty."]
    monkeypatch.setenv("SOMETHING_FILE", "")
    assert settings_module.text("SOMETHING") == "postgres://:pa55word@postgres/restored"
    assert len(problems) == 1


def test_a_file_of_variables_may_come_from_any_editor(monkeypatch, tmp_path):
    for name in ("ONE", "TWO", "THREE"):
        monkeypatch.setenv(name, "")  # put back at the end
        monkeypatch.delenv(name)
    (tmp_path / ".env").write_bytes(b"\xef\xbb\xbfONE=1\r\n  # of ours\r\n \r\n  export TWO='2 #2'\r\nTHREE=$ONE\r\n")
    assert read_variables(tmp_path / ".env") == []
    assert [os.environ[name] for name in ("ONE", "TWO", "THREE")] == ["1", "2 #2", "$ONE"]
    assert read_variables(tmp_path / "not there") == []


def test_what_cannot_be_read_in_a_file_of_variables_is_told_without_what_stands_there(tmp_path, capfd):
    (tmp_path / ".env").write_text("# ours\nSECRET_KEY = pa55word\n")
    assert read_variables(tmp_path / ".env") == [".env: line 2 is not NAME=value, without a blank before the sign."]
    (tmp_path / ".env").write_text("SECRET_KEY=pa55word", encoding="utf-16")
    assert read_variables(tmp_path / ".env") == [".env cannot be read: it is no text in UTF-8."]
    assert "pa55word" not in "".join(capfd.readouterr())


def test_a_secret_in_a_file_that_is_no_text_is_a_problem_and_no_crash(problems, monkeypatch, tmp_path):
    (tmp_path / "secret").write_bytes(b"\xff\xfe")
    monkeypatch.setenv("SOMETHING_FILE", str(tmp_path / "secret"))
    assert settings_module.text("SOMETHING") == ""
    assert [problem.split()[0] for problem in problems] == ["SOMETHING_FILE"]


def test_a_variable_that_is_there_and_empty_counts_as_absent(problems, monkeypatch):
    monkeypatch.setenv("SOMETHING", "")
    assert settings_module.text("SOMETHING", "https://*.pipedrive.com") == "https://*.pipedrive.com"
    assert settings_module.one_of("SOMETHING", ("production", "sandbox")) == "production"
    assert problems == []


def test_a_database_whose_host_vanishes_holds_nobody_for_long_who_waits_for_its_answer_unless_its_address_says_so():
    """No packet tells of it, and the system itself would ask after two hours."""
    told = run(
        [
            "-c",
            "from pipedrive_qb.settings import DATABASES\n"
            "from psycopg2.extensions import make_dsn, parse_dsn\n"
            "found = parse_dsn(make_dsn(**DATABASES['default']['OPTIONS']))\n"
            "print(*(found[f'keepalives_{name}'] for name in ('idle', 'interval', 'count')))",
        ],
        **{**ENVIRONMENT, "DATABASE_URL": "postgres://user:password@host/name?keepalives_interval=6"},
    )
    idle, interval, count = map(int, told.stdout.split())
    assert interval == 6
    assert idle + interval * count < 60


def test_https_in_capital_letters_is_https_too():
    told = run(
        ["-c", "from pipedrive_qb import settings; print(settings.SECURE_SITE, settings.SESSION_COOKIE_SECURE)"],
        **{**ENVIRONMENT, "APP_URL": "HTTPS://invoices.example.com"},
    )
    assert told.stdout.split() == ["True", "True"]


def test_on_a_public_site_every_cookie_says_by_its_name_that_it_came_over_https():
    told = run(
        [
            "-c",
            "import django; django.setup()\n"
            "from django.conf import settings\n"
            "from integration_settings.sign_ins import browser_cookie_name\n"
            "from integration_settings.tickets import installing_cookie_name\n"
            "print(settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME)\n"
            "print(browser_cookie_name(), installing_cookie_name())",
        ],
        **{**ENVIRONMENT, "APP_URL": "https://invoices.example.com", "DJANGO_SETTINGS_MODULE": "pipedrive_qb.settings"},
    )
    names = told.stdout.split()
    assert len(names) == 4
    assert [name for name in names if not name.startswith(("__Host-", "__Secure-"))] == []
