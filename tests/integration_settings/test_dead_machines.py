"""A machine that loses its power or network in the middle of a refresh says nothing to the database any more."""

from __future__ import annotations

import pytest
from django.db import connection as database
from django.utils import timezone

from integration_settings import connections
from tests.factories import make_company, make_connection
from tests.integration_settings.vendors import INTUIT_TOKEN, add_discovery, intuit_answer

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
ASKED_WITHIN = 40  # seconds; by the system's own way it is more than two hours


def test_the_database_soon_notices_a_machine_that_died_while_it_held_a_companys_row(vendor):
    """Over TCP alone, which this one is not reached by: there the server shows no such setting."""
    quickbooks = make_connection(make_company(), access_expires_at=timezone.now())
    add_discovery(vendor)
    vendor.post(INTUIT_TOKEN, json=intuit_answer())
    said = []

    def note(execute, sql, parameters, many, context):
        said.append(sql)
        return execute(sql, parameters, many, context)

    with database.execute_wrapper(note):
        assert connections.fresh_access_token(quickbooks) == "new-access"
    (asked,) = [sql for sql in said if "tcp_keepalives_idle" in sql]
    assert said.index(asked) < next(n for n, sql in enumerate(said) if sql.startswith("UPDATE"))
    found = dict(part.removeprefix("SET LOCAL ").split(" = ") for part in asked.split(";"))
    idle, interval, count = (int(found[f"tcp_keepalives_{name}"]) for name in ("idle", "interval", "count"))
    assert max(idle + interval * count, int(found["tcp_user_timeout"]) / 1000) <= ASKED_WITHIN
