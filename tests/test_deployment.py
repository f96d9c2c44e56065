"""What a deployment is made of, held against the code by rules: image, services, environment, locked packages."""

from __future__ import annotations

import ast
import http.server
import importlib.util
import json
import os
import re
import socket
import subprocess
import sys
import threading
import tomllib
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from integration_settings.sign_ins import SIGN_IN_LIFE
from integration_settings.tenancy import PAGE_TOKEN_SECONDS
from invoices import form_memory, leases, submission
from pipedrive_qb import settings as settings_module
from pipedrive_qb.alive import answers
from tests.settings import ENVIRONMENT

ROOT = Path(__file__).resolve().parent.parent
EXACT = re.compile(r"^[a-z][a-z-]*:\d+\.\d+(\.\d+)?(-[a-z-]+)?(@sha256:[0-9a-f]{64})?$")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCKED = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / "requirements.txt").read_text(), re.M))
SERVER_ONLY = {"PORT"}
"""Read by script/server, which listens for the settings; nothing of the app asks for it."""


def variables() -> dict[str, ast.Call]:
    """The name of every variable that the settings read, with the call that reads it."""
    readers = {"text", "required", "words", "flag", "whole_number", "address", "redis", "one_of"}
    found = {}
    for node in ast.walk(ast.parse((ROOT / "pipedrive_qb" / "settings.py").read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in readers and isinstance(node.args[0], ast.Constant):
            found[node.args[0].value] = node
    return found


VARIABLES = variables()
REQUIRED = {name for name, call in VARIABLES.items() if ast.unparse(call.func) == "required"}


# The image


def instructions() -> list[tuple[str, str]]:
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def of(kind: str) -> list[str]:
    return [rest for word, rest in instructions() if word == kind]


def test_the_image_stands_on_an_exact_version_of_the_python_we_need():
    bases = [rest.split()[0] for rest in of("FROM")]
    assert bases
    assert all(EXACT.match(base) and "slim" in base for base in bases)
    assert {base.split(":")[1].split("-")[0].rsplit(".", 1)[0] for base in bases} == {
        PROJECT["requires-python"].removeprefix(">=")
    }


def test_the_image_runs_as_nobody_in_particular_and_says_whether_it_is_well():
    last_stage = instructions()[[word for word, _ in instructions()].index("USER") :]
    assert [rest for word, rest in instructions() if word == "USER"] == ["app"]
    assert not [word for word, _ in last_stage if word in ("RUN", "COPY", "ADD", "FROM")]
    (check,) = of("HEALTHCHECK")
    assert json.loads(check.partition(" CMD ")[2]) == ["python", "-m", "pipedrive_qb.alive"]


def test_the_image_takes_only_packages_whose_hashes_we_know():
    (install,) = [rest for rest in of("RUN") if "pip install" in rest]
    assert "--require-hashes" in install
    for entry in re.split(r"\n(?=[a-z0-9])", (ROOT / "requirements.txt").read_text())[1:]:
        assert "--hash=sha256:" in entry, entry.splitlines()[0]
    for text in PROJECT["dependencies"]:
        wanted = Requirement(text)
        assert wanted.specifier.contains(LOCKED[wanted.name.lower()]), wanted


def test_the_image_holds_what_it_copies_and_no_secret():
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {rest.split()[0] for rest in of("COPY") if not rest.startswith("--from")}
    assert copied == allowed
    assert all((ROOT / name).exists() for name in copied)
    assert not [rest for rest in of("ENV") + of("ARG") if re.search(r"SECRET|TOKEN|PASSWORD|KEY", rest)]


# The services

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith(COMPOSE["name"] + ":")}
STEP = "migrate"


def test_the_services_are_the_processes_of_the_documents():
    assert set(OURS) == {STEP, "web", "worker", "beat"}
    assert set(SERVICES) - set(OURS) == {"postgres", "redis"}
    assert [name for name, service in SERVICES.items() if "build" in service] == [STEP]


def test_every_image_is_an_exact_version_and_ours_is_that_of_the_project():
    assert all(EXACT.match(service["image"]) for service in SERVICES.values())
    assert {service["image"].split(":")[1] for service in OURS.values()} == {PROJECT["version"]}


def test_only_the_web_server_can_be_reached_and_only_from_its_own_machine():
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["web"]
    assert all(port.startswith("127.0.0.1:") and port.endswith(":8000") for port in SERVICES["web"]["ports"])
    assert all(SERVICES[name]["networks"] == ["inside"] for name in ("postgres", "redis", STEP))
    assert COMPOSE["networks"]["inside"]["internal"] is True


def test_every_service_comes_back_but_the_step_that_ends():
    for name, service in SERVICES.items():
        assert service["restart"] == ("no" if name == STEP else "unless-stopped"), name


def test_nobody_waits_for_his_log_to_be_written():
    for name, service in SERVICES.items():
        options = service["logging"]["options"]
        assert options["mode"] == "non-blocking", name
        assert {"max-size", "max-file"} <= options.keys(), name


def test_what_answers_is_asked_whether_it_is_well():
    unasked = {name for name, service in SERVICES.items() if service.get("healthcheck", {}).get("disable")}
    assert unasked == {STEP, "beat"}
    assert {name for name, service in SERVICES.items() if "test" in service.get("healthcheck", {})} == {
        "worker",
        "postgres",
        "redis",
    }  # the web server's stands in the image


def test_nothing_of_ours_starts_before_the_tables_are_there():
    assert SERVICES[STEP]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert SERVICES[STEP]["command"][:3] == ["python", "manage.py", "migrate"]
    for name in set(OURS) - {STEP}:
        assert SERVICES[name]["depends_on"] == {
            STEP: {"condition": "service_completed_successfully"},
            "postgres": {"condition": "service_healthy"},
            "redis": {"condition": "service_healthy"},
        }


def test_what_runs_may_change_nothing_around_it():
    for name, service in OURS.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name


def commands() -> dict[str, list[str]]:
    found = {name: service["command"] for name, service in OURS.items()}
    found |= {
        "image": json.loads(of("CMD")[-1]),
        "image's check": json.loads(of("HEALTHCHECK")[0].partition(" CMD ")[2]),
    }
    test = SERVICES["worker"]["healthcheck"]["test"]
    assert test[0] == "CMD-SHELL"
    return found | {"worker's check": test[1].split()}


@pytest.mark.parametrize("name, command", commands().items())
def test_every_command_is_one_of_this_repository(name, command):
    program, rest = command[0], command[1:]
    if program == "python":
        assert (ROOT / rest[0]).is_file() or (rest[0] == "-m" and importlib.util.find_spec(rest[1])), name
        return
    assert program in LOCKED, name
    module = rest[rest.index("-A") + 1] if program == "celery" else rest[0]
    assert importlib.util.find_spec(module), name


def test_the_worker_reads_every_queue_there_is():
    routes = {route["queue"] for route in settings_module.CELERY_TASK_ROUTES.values()}
    command = SERVICES["worker"]["command"]
    assert set(command[command.index("--queues") + 1].split(",")) == routes | {
        settings_module.CELERY_TASK_DEFAULT_QUEUE
    }


def test_the_image_starts_the_same_web_server_as_the_services():
    assert json.loads(of("CMD")[-1]) == SERVICES["web"]["command"]


# The environment


@pytest.mark.parametrize("name", OURS)
def test_every_variable_of_a_service_is_known_and_none_is_missing(name):
    names = {key.removesuffix("_FILE") for key in OURS[name]["environment"]}
    assert names <= set(VARIABLES)
    assert names >= REQUIRED | {"DATABASE_URL", "REDIS_URL", "APP_URL"}


@pytest.mark.parametrize("name", OURS)
def test_a_secret_is_a_file_that_is_declared_and_given(name):
    service = OURS[name]
    for key, value in service["environment"].items():
        secret = re.search(r"SECRET|TOKEN|KEY|DATABASE_URL", key)
        assert bool(secret) == key.endswith("_FILE"), key
        if secret:
            file = key.removesuffix("_FILE").lower()
            assert value == f"/run/secrets/{file}"
            assert file in service["secrets"]
            assert COMPOSE["secrets"][file] == {"file": f"secrets/{file}"}


def test_secrets_are_kept_out_of_the_repository():
    ignored = (ROOT / ".gitignore").read_text().split()
    assert {"/secrets/", ".env"} <= set(ignored)


def example() -> dict[str, str]:
    pattern = re.compile(r"^(?:# )?([A-Z][A-Z_]+)=(.*)$", re.M)
    return dict(pattern.findall((ROOT / ".env.example").read_text()))


def test_the_example_and_the_documents_name_every_variable_and_no_other():
    assert set(example()) == set(VARIABLES) | SERVER_ONLY
    section = (ROOT / "docs" / "operating.md").read_text().split("## Environment")[1].split("\n## ")[0]
    rows = [row.split("|")[1] for row in section.splitlines() if row.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)} == set(VARIABLES) | SERVER_ONLY


def test_the_example_shows_the_defaults_that_are_in_force():
    addresses = dict(
        zip(
            ("QUICKBOOKS_DISCOVERY_URL", "QUICKBOOKS_API_URL", "QUICKBOOKS_WEB_URL"),
            settings_module.QUICKBOOKS_ADDRESSES["production"],
            strict=True,
        )
    )
    for name, call in VARIABLES.items():
        default = call.args[1] if len(call.args) > 1 else None
        if isinstance(default, ast.Constant) and name not in REQUIRED:
            assert example()[name] == str(default.value), name
        elif isinstance(default, ast.Tuple):
            assert example()[name] == default.elts[0].value, name
        elif name in addresses:
            assert example()[name] == addresses[name], name


def test_the_example_leaves_open_what_has_to_be_filled_in():
    text = (ROOT / ".env.example").read_text()
    open_lines = dict(re.findall(r"^([A-Z_]+)=(.*)$", text, re.M))
    assert set(open_lines) == REQUIRED | {"APP_URL"}
    assert not any(open_lines[name] for name in REQUIRED)


OPERATING = (ROOT / "docs" / "operating.md").read_text()


def test_the_document_names_what_the_services_take_from_the_file_of_variables():
    told = OPERATING.partition("passes on")[2].partition("; any other")[0]
    taken = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "compose.yaml").read_text()))
    assert set(re.findall(r"`([A-Z_]+)`", told)) == taken - REQUIRED - {"APP_URL"}


def test_the_document_gives_up_what_waits_when_the_code_does():
    assert (submission.GIVE_UP_AFTER.days, leases.GIVE_UP_AFTER.days, submission.OLDEST.days) == (2, 1, 14)
    assert "older than two days are given up; actions on invoices and updates of customers after one" in OPERATING
    assert "two weeks old ones are given up" in OPERATING


def test_a_signing_key_is_kept_as_a_fallback_for_longer_than_anything_it_signed():
    lives = (
        form_memory.LIFE,
        SIGN_IN_LIFE,
        *(timedelta(seconds=each) for each in (PAGE_TOKEN_SECONDS, settings_module.SESSION_COOKIE_AGE)),
    )
    assert max(lives) < timedelta(days=8)
    assert "After eight days" in OPERATING


def production_like() -> dict[str, str]:
    secrets = {name: ENVIRONMENT.get(name, "") for name in REQUIRED}
    return secrets | {
        "APP_URL": "https://invoices.example.com",
        "SECRET_KEY": "a-long-random-text-0123456789-ABCDEFGHIJKLMNOPQRSTUVWXYZ-abcdefg",
        "DATABASE_URL": "postgres://invoices:password@postgres/invoices",
        "REDIS_URL": "redis://redis:6379/0",
        "LOG_FORMAT": "json",
    }


def run_python(*arguments, **variables):
    """In the project's folder, with the variables of a production and these."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **variables, **production_like()},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


@pytest.mark.timeout(600)
def test_djangos_own_check_of_a_deployment_has_nothing_to_say():
    if (ROOT / ".env").exists():
        pytest.skip("a .env file beside the project would have a say")  # a developer's; in CI there is none
    told = run_python("manage.py", "check", "--deploy", "--fail-level", "INFO")
    assert told.returncode == 0, told.stderr
    assert "no issues" in told.stdout


WITH_NOTHING_BUT = """
import re, sys
from importlib.metadata import packages_distributions

names = re.compile("^([A-Za-z0-9._-]+)==", re.MULTILINE)
locked = {name for lock in sys.argv[1].split() for name in names.findall(open(lock).read())}
known = packages_distributions()

class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        makers = {re.sub("[-_.]+", "-", maker).lower() for maker in known.get(name, [])}
        if makers and not makers & locked:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, NotInstalled())
exec(sys.argv[2])
"""
SERVICE = """
import django; django.setup()
import pipedrive_qb.urls, psycopg2, sentry_sdk
import gunicorn.app.wsgiapp, gunicorn.workers.gthread, celery.bin.celery, celery.apps.worker, celery.apps.beat
"""


@pytest.mark.parametrize(
    ("locks", "start"),
    [
        ("requirements.txt", SERVICE),
        ("requirements.txt sandbox/requirements.lock", "import sandbox.__main__"),
    ],
    ids=["the service", "the stand-ins"],
)
def test_it_starts_where_nothing_is_installed_but_what_its_locks_name(locks, start):
    told = run_python("-c", WITH_NOTHING_BUT, locks, start, DJANGO_SETTINGS_MODULE="pipedrive_qb.settings")
    assert told.returncode == 0, told.stderr


# The health check of the image


@pytest.fixture
def a_web_server():
    """(port, what to answer, whom it was asked for)"""
    asked: list[tuple[str, str]] = []
    status = [200]

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers["Host"]))
            self.send_response(status[0])
            self.end_headers()

        def log_message(self, *args):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port, status, asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_health_check_asks_by_the_public_name_and_believes_only_a_200(a_web_server):
    port, status, asked = a_web_server
    assert answers(port)
    assert asked == [("/healthz", "localhost:8000")]
    status[0] = 503
    assert not answers(port)


def test_the_health_check_fails_when_nobody_listens():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        assert not answers(nobody.getsockname()[1])
