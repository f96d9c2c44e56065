"""What every test can ask for. The fixtures, from the cheap to the dear:

company, user, quickbooks, other_company   rows with invented tokens, no service behind them
page_token                                 who looks at an embedded page
handed_out                                 what was sent to a worker
vendor                                     canned answers of a test's own at the transport, in place of both services
stand_ins, control                         both services' stand-ins as a process; everything reset for each test
connect                                    connect("GB") -> a Tenant: rows with tokens that the stand-ins honour
redis_url, worker, live_app                a real Redis; the app's own processes on this run's test database
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import redis
import responses
from django.core.cache import cache
from django.utils import timezone
from kombu import Queue
from kombu.transport import memory

from integration_settings import call_slots, clock
from pipedrive_qb.celery import app
from tests import network_guard, servers
from tests import stand_ins as standing_in
from tests.factories import make_company, make_connection, make_user
from tests.settings import FOLDER
from tests.stand_ins import Control, Pair, StandIns

LANGUAGES = {
    "GB": ("en", "en_GB", "Europe/London"),
    "US": ("en", "en_US", "America/Chicago"),
    "AU": ("en", "en_AU", "Australia/Sydney"),
    "CA": ("en", "en_CA", "America/Toronto"),
}


hypothesis.settings.register_profile("ours", deadline=None)  # seconds say nothing on a machine that is shared
hypothesis.settings.load_profile("ours")


def pytest_configure(config: pytest.Config) -> None:
    logging.getLogger("httpx").setLevel(logging.WARNING)
    patch = pytest.MonkeyPatch()
    network_guard.install(patch)
    config.add_cleanup(patch.undo)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database-only", action="store_true", help="only what reads and writes the database")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--database-only"):
        return
    wanted = [item for item in items if uses_database(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in wanted])
    items[:] = wanted


OF_PAGES = ("test_every_address", "test_texts_of_the_pages", "test_pages", "test_fields_in_deal", "test_matrix")


def uses_database(item: pytest.Item) -> bool:
    """Pages are left out: they show what selectors and services answer, and the journeys show them on PostgreSQL.

    So is the list of all addresses: a token and a filter decide who may enter, which no database reads otherwise.
    """
    if item.path.stem.endswith("_page") or item.path.stem in OF_PAGES:
        return False
    names = getattr(item, "fixturenames", [])
    return item.get_closest_marker("django_db") is not None or "db" in names or "transactional_db" in names


def pytest_report_header(config: pytest.Config) -> str:
    from django.conf import settings

    return f"database: {settings.DATABASES['default']['ENGINE'].rpartition('.')[2]}"


@pytest.fixture(autouse=True)
def hardly_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pauses between two tries of a call are short; a test that is about them has a fixture of its own."""
    monkeypatch.setattr(
        "integration_settings.http.wait", lambda seconds: time.sleep(min(seconds, 0.01))
    )  # a turn for others


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    """What one test put into the cache is nothing that another one may find."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture(autouse=True)
def empty_broker() -> None:
    """The one in memory keeps what was sent for as long as the process lives."""
    for sent in memory.Channel.queues.values():
        sent.queue.clear()


@pytest.fixture(autouse=True)
def calls_without_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under a clock that stands still no slot would ever have rested, see `call_slots`."""
    monkeypatch.setattr(call_slots, "REST", dict.fromkeys(call_slots.REST, 0))


@pytest.fixture(autouse=True)
def one_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever moves the clock moves the database's with it; a test that is about two clocks has both, see `clock`."""
    monkeypatch.setattr(clock, "database_now", timezone.now)
    monkeypatch.setattr(clock, "_ahead", dict(clock._ahead, pipedrive=timedelta(0)))


@pytest.fixture
def handed_out() -> Callable[[], list[tuple[str, int]]]:
    """handed_out() -> (task, row) of the messages that were sent since it was asked last, those for people first."""

    def take() -> list[tuple[str, int]]:
        found = []
        with app.connection_for_read() as broker:
            for name in ("interactive", "background"):
                waiting = Queue(name)(broker.default_channel)
                while message := waiting.get(no_ack=True):
                    found.append((message.headers["task"].rpartition(".")[2], message.payload[0][0]))
        return found

    return take


# Rows


@pytest.fixture
def company(db: None) -> Any:
    """A company of ours with a user and a QuickBooks connection."""
    made = make_company(name="Harbour & Pine", domain="harbourpine")
    make_user(made, name="Priya Nair")
    make_connection(made)
    return made


@pytest.fixture
def user(company: Any) -> Any:
    return company.users.get()


@pytest.fixture
def quickbooks(company: Any) -> Any:
    """The company's QuickBooks connection."""
    return company.quickbooks


@pytest.fixture
def other_company(db: None) -> Any:
    """A stranger, complete like `company`."""
    made = make_company(name="Cedar Lane Supply", domain="cedarlane")
    make_user(made, name="Dana Whitfield")
    make_connection(made, country="US", home_currency="USD", timezone="America/Chicago")
    return made


def visitor_of(user: Any, surface: str = "panel") -> Any:
    """What the door makes of this user's proof."""
    from integration_settings.models import Company
    from integration_settings.tenancy import Visitor

    company = Company.objects.select_related("settings", "quickbooks").get(pk=user.company_id)
    return Visitor(company=company, user=user, surface=surface, connection=getattr(company, "quickbooks", None))


@pytest.fixture
def page_token() -> Callable[..., dict[str, str]]:
    """page_token(user, "panel") -> the headers of a fragment's request, for `client.get(url, headers=…)`."""
    from integration_settings.tenancy import issue_page_token

    def headers(user: Any, surface: str = "panel") -> dict[str, str]:
        return {"Authorization": f"Bearer {issue_page_token(visitor_of(user, surface))}"}

    return headers


# The vendors


@pytest.fixture
def vendor() -> Iterator[responses.RequestsMock]:
    """No vendor at all but the answers that the test puts in; everything else is a refused connection."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture(scope="session")
def stand_in_process() -> Iterator[StandIns]:
    """One process for the whole run; tests ask for `stand_ins`."""
    with standing_in.running(FOLDER) as found:
        yield found


@pytest.fixture
def stand_ins(stand_in_process: StandIns, settings: Any, request: pytest.FixtureRequest) -> StandIns:
    """Both stand-ins as new, and the app's settings pointing at them."""
    control = stand_in_process.control
    control.reset()
    control.throttle(False)
    control.set_app(settings.APP_URL)
    control.name_test(request.node.nodeid)
    values = stand_in_process.settings
    for name, value in values.items():
        setattr(settings, name, [value] if name == "PIPEDRIVE_FRAME_ANCESTORS" else value)
    return stand_in_process


@pytest.fixture
def control(stand_ins: StandIns) -> Control:
    """The levers behind the stand-ins: clock, faults, books, tokens."""
    return stand_ins.control


@dataclass(eq=False)
class Tenant:
    """A company of ours that is connected to a pair of the stand-ins. `pair` tells the ids over there."""

    company: Any
    user: Any
    quickbooks: Any
    pair: Pair
    country: str = "GB"

    @property
    def realm(self) -> str:
        return self.pair.realm


@pytest.fixture
def connect(control: Control, db: None) -> Callable[..., Tenant]:
    """connect("GB") -> a Tenant on a copy of that pair of its own, signed in on both sides.

    Without `quickbooks=True` only Pipedrive is connected. `user_id` picks another user than the administrator.
    """

    return partial(connect_tenant, control)


def connect_tenant(
    control: Control,
    country: str = "GB",
    *,
    quickbooks: bool = True,
    pair: Pair | None = None,
    user_id: int | None = None,
) -> Tenant:
    """What `connect` makes, for whoever has no fixtures."""
    pair = pair or control.clone(country)
    company = make_company(
        pipedrive_company_id=pair.pipedrive_company_id, name=pair.company_domain, domain=pair.company_domain
    )
    user = connect_user(control, company, pair, country, user_id)
    found = connect_quickbooks(control, company, pair.realm) if quickbooks else None
    return Tenant(company, user, found, pair, country)


def connect_user(control: Control, company: Any, pair: Pair, country: str = "GB", user_id: int | None = None) -> Any:
    """A further user of a connected company, with a grant of his own."""
    person = next(user for user in pair.users if user["id"] == user_id) if user_id else pair.admin
    answer = control.grant_pipedrive(pair.pipedrive_company_id, person["id"])
    language, locale, zone = LANGUAGES[country]
    return make_user(
        company,
        user_id=person["id"],
        name=person["name"],
        is_admin=person["admin"],
        language=language,
        locale=locale,
        timezone=zone,
        api_domain=answer["api_domain"],
        access_token=answer["access_token"],
        refresh_token=answer["refresh_token"],
        access_expires_at=timezone.now() + timedelta(seconds=answer["expires_in"]),
    )


def connect_quickbooks(control: Control, company: Any, realm: str) -> Any:
    """A connection with the company's profile read from the stand-in, as after a consent."""
    from integration_settings.profile import refresh_profile

    answer = control.grant_quickbooks(realm)
    made = make_connection(
        company,
        realm_id=realm,
        access_token=answer["access_token"],
        refresh_token=answer["refresh_token"],
        access_expires_at=timezone.now() + timedelta(seconds=answer["expires_in"]),
    )
    refresh_profile(made)
    made.refresh_from_db()
    return made


# Processes


@pytest.fixture(scope="session")
def redis_process() -> Iterator[str]:
    with servers.redis_server(FOLDER) as url:
        yield url


@pytest.fixture
def redis_url(redis_process: str) -> str:
    """An empty real Redis."""
    client = redis.Redis.from_url(redis_process)
    client.flushall()
    client.close()
    return redis_process


@pytest.fixture
def process_folder(tmp_path: Path) -> Iterator[Path]:
    """Logs of the processes of one test; kept where KEEP_LOGS names a folder."""
    yield tmp_path
    keep = os.environ.get("KEEP_LOGS")
    if keep:
        for log in tmp_path.glob("*.log"):
            Path(keep).mkdir(parents=True, exist_ok=True)
            (Path(keep) / f"{tmp_path.name}-{log.name}").write_bytes(log.read_bytes())


@pytest.fixture
def app_environment(transactional_db: None, stand_ins: StandIns, redis_url: str) -> dict[str, str]:
    """Environment for the app's own processes: this run's database, the stand-ins, the real Redis."""
    return servers.environment_of_app(stand_ins.settings, REDIS_URL=redis_url)


@pytest.fixture
def start_worker(app_environment: dict[str, str], process_folder: Path) -> Iterator[Callable[..., servers.Worker]]:
    """start_worker() -> a running Celery worker (with beat); it can be killed and another one started."""
    started: list[servers.Worker] = []

    def start(**options: Any) -> servers.Worker:
        made = servers.Worker(app_environment, process_folder, **options)
        started.append(made)
        made.wait_until_ready()
        return made

    yield start
    for made in started:
        made.kill()


@pytest.fixture
def worker(start_worker: Callable[..., servers.Worker]) -> servers.Worker:
    """A running worker with beat; `worker.kill()` ends it and its children as a power cut would."""
    return start_worker()


@pytest.fixture(scope="session")
def collected_files(stand_in_process: StandIns) -> None:
    """The files that WhiteNoise serves, gathered once for all web servers of the run."""
    servers.manage(servers.environment_of_app(stand_in_process.settings), "collectstatic", "--noinput")


@pytest.fixture
def live_app(
    app_environment: dict[str, str], process_folder: Path, control: Control, collected_files: None
) -> Iterator[servers.WebServer]:
    """gunicorn on localhost (`live_app.url`), another site than the stand-ins on 127.0.0.1."""
    port = servers.free_port()
    url = f"http://localhost:{port}"
    environment = app_environment | {"APP_URL": url}
    app_environment["APP_URL"] = url
    control.set_app(url)
    server = servers.WebServer(environment, process_folder, port)
    try:
        server.wait_until_ready()
        yield server
    finally:
        server.stop()


@pytest.fixture
def few_logs() -> Iterator[None]:
    """Of very many calls only the trouble is told."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)
