"""Every log line says of which request and which company it is, in the worker as in the web server."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import gunicorn.http.wsgi as gunicorn_answers
import pytest
from celery import shared_task
from celery.app.trace import build_tracer
from gunicorn.config import Config
from kombu import Queue

from integration_settings import log_context
from pipedrive_qb import logs
from pipedrive_qb.celery import app


@shared_task
def a_task_that_says_something():
    logging.getLogger("tests").warning("done")


@pytest.fixture
def said(caplog):
    """Who stands in the lines of the tests: (request, company)."""
    caplog.handler.addFilter(logs.Context())
    return lambda: [(record.request_id, record.company_id) for record in caplog.records if record.name == "tests"]


@pytest.fixture(autouse=True)
def nobody():
    request, company = log_context.request_id.set(log_context.NOBODY), log_context.company_id.set(log_context.NOBODY)
    yield
    log_context.request_id.reset(request)
    log_context.company_id.reset(company)


def carry_out(task_id, **message):
    """As a worker does with a message."""
    trace = build_tracer(a_task_that_says_something.name, a_task_that_says_something, app=app)
    trace(task_id, (), {}, {"id": task_id, **message})


def test_a_message_carries_the_code_of_the_request_that_sent_it():
    log_context.request_id.set("7F3C-29AD")
    a_task_that_says_something.apply_async(queue="for-this-test")
    with app.connection_for_read() as broker:
        message = Queue("for-this-test")(broker.default_channel).get(no_ack=True)
    assert message.headers["request_id"] == "7F3C-29AD"


def test_what_the_worker_says_for_a_request_has_its_code(said):
    carry_out("0d9f", request_id="7F3C-29AD")
    assert said() == [("7F3C-29AD", "-")]


def test_what_runs_by_the_clock_has_a_code_of_its_own(said):
    carry_out("0d9f", request_id="-")
    carry_out("aa17")  # of a version before this one
    assert said() == [("0d9f", "-"), ("aa17", "-")]


def test_a_task_says_nothing_under_the_name_of_the_company_before_it(said):
    log_context.company_id.set("4711")
    carry_out("0d9f")
    assert said() == [("0d9f", "-")]


def test_what_stands_in_a_message_begins_no_line_of_its_own():
    number = "7\r\n2026 ERROR\u2028\x1b[2J"
    record = logging.LogRecord("tests", logging.INFO, "", 1, "invoice %s is number %s", ("a", number), None)
    assert logs.Lines("%(message)s").format(record) == r"invoice a is number 7\r\n2026 ERROR\u2028\x1b[2J"
    assert "\n" not in logs.JsonLines().format(record)


COMPLAINTS = [
    'null value in column "x"\nDETAIL:  Failing row contains (7, Bramley Foods Ltd).\n',
    'null value in column "x"\nDETAIL:  Failing row contains (7, Dear customer,\n\nthanks.\nBramley Foods Ltd).\n',
    'null value in column "x"\nCONTEXT:  JSON data, line 1: {"name": "Bramley Foods Ltd...\n',
]


@pytest.mark.parametrize("complaint", COMPLAINTS)
@pytest.mark.parametrize("formatter", [logs.Lines("%(message)s"), logs.JsonLines()])
def test_what_stands_in_a_row_that_the_database_refused_is_left_out(formatter, complaint):
    """As the drivers of PostgreSQL tell it, in a trace and in the one line that Celery makes of it."""
    try:
        try:
            raise ValueError(complaint)
        except ValueError as error:
            raise RuntimeError("the row was not stored") from error
    except RuntimeError as error:
        trace = (type(error), error, error.__traceback__)
    record = logging.LogRecord("a", logging.ERROR, "", 0, "raised: %r", (trace[1].__cause__,), trace)
    line = formatter.format(record)
    assert "Bramley" not in line
    assert "null value in column" in line
    assert "the row was not stored" in line
    assert line.count("Traceback") == 2


STRANGERS = {
    "asks by another name": lambda client: client.get("/", headers={"host": "elsewhere.example"}),
    "sends without end": lambda client: client.post("/embed/token", "x" * 3_000_000, content_type="application/json"),
}


@pytest.mark.parametrize("attempt", STRANGERS.values(), ids=STRANGERS)
def test_what_a_stranger_tries_is_no_error_that_anybody_is_called_for(client, caplog, attempt):
    assert attempt(client).status_code == 400
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_who_asks_whether_we_live_by_head_leaves_no_warning(client, caplog):
    """As gunicorn has it from Django: an answer with its body, which it drops and would warn of."""
    answer = client.generic("GET", "/healthz")
    request = SimpleNamespace(method="HEAD", version=(1, 1), should_close=lambda: True)
    response = gunicorn_answers.Response(request, SimpleNamespace(sendall=lambda data: None), Config())
    response.start_response("200 OK", list(answer.items()))
    response.write(answer.content)
    assert response.sent == 0
    assert not caplog.records
