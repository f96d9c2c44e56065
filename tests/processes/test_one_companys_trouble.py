"""While a service keeps silent for one company nobody else waits: a real worker and web server, as in production."""

from __future__ import annotations

import dataclasses
import re
import sys
import threading
import time

import httpx
import pytest
from django.utils import timezone
from kombu import Connection

from integration_settings.tasks import know_user
from integration_settings.tenancy import issue_page_token
from invoices.domain.draft import BillTo
from tests.conftest import visitor_of
from tests.processes.adversary import cut_other_connections
from tests.processes.conftest import settled

pytestmark = [pytest.mark.processes, pytest.mark.timeout(600), pytest.mark.django_db(transaction=True)]

MANY, PRESSES = 12, 6
TOLD = re.compile("does not answer right now|takes no more requests")  # so many at once read all lists, too
SOON = 10  # seconds; a service's silence is waited out for twice as long


def test_the_others_do_not_wait_for_people_of_a_company_whose_pipedrive_keeps_silent(
    start_worker, app_environment, connect, control, fill_in, press_create
):
    """They look at panels, for which Pipedrive is asked who they are."""
    silent, other = connect("GB"), connect("US")
    of_other = fill_in(other)
    control.fault("hang", seconds=60, service="pipedrive", company=silent.pair.pipedrive_company_id)
    start_worker(concurrency=4)
    with Connection(app_environment["REDIS_URL"], transport_options={"global_keyprefix": "pipedrive_qb:"}) as broker:
        for _ in range(MANY):
            know_user.apply_async((silent.user.pk,), connection=broker)
    time.sleep(2)  # the worker takes them up: a call that is held is seen nowhere before it ends
    bill_to = BillTo(customer_id="", name="Other", email="new@customer.example")
    invoice = settled(press_create(other, dataclasses.replace(of_other, bill_to=bill_to)), seconds=120)
    wait = (invoice.settled_at - invoice.created_at).total_seconds()
    sys.stdout.write(f"\nthe other waited {wait:.1f} s\n")
    assert wait < SOON


def test_the_others_do_not_wait_for_a_company_whose_quickbooks_keeps_silent(
    start_worker, connect, control, fill_in, press_create
):
    silent, other = connect("GB"), connect("US")
    draft, of_other = fill_in(silent), fill_in(other)
    control.fault("hang", seconds=60, service="quickbooks", company=silent.realm)
    start_worker(concurrency=4)
    customer = control.books(silent.realm)["customers"][0]
    for _ in range(MANY):
        bill_to = BillTo(customer_id=customer["Id"], name=customer["DisplayName"])
        press_create(silent, dataclasses.replace(draft, bill_to=bill_to))
    waits = []
    for number in range(PRESSES):
        time.sleep(5)  # the silence lasts: presses come from its begin until well after their calls were given up
        bill_to = BillTo(customer_id="", name=f"Other {number}", email="new@customer.example")
        invoice = settled(press_create(other, dataclasses.replace(of_other, bill_to=bill_to)), seconds=120)
        waits.append((invoice.settled_at - invoice.created_at).total_seconds())
    sys.stdout.write(f"\nthe others waited {', '.join(f'{wait:.1f}' for wait in waits)} s\n")
    assert max(waits) < SOON


@pytest.mark.parametrize("about", ["its calls", "its new token", "its calls, as QuickBooks does"])
def test_the_pages_of_the_others_open_while_pipedrive_keeps_silent_for_one_company(live_app, connect, control, about):
    """Sixteen people of one company open a form in the same moment, in a web process that has eight threads."""
    silent, other = connect("GB"), connect("US")
    paths = ["/embed/invoice/form?deal=1"] * 16
    if about != "its new token":
        control.fault("hang", seconds=60, service="pipedrive", company=silent.pair.pipedrive_company_id)
        if about != "its calls":
            control.fault("hang", seconds=60, service="quickbooks", company=silent.realm)
            paths = ["/embed/invoice/form?deal=1", "/embed/invoice/customers?q=nor"] * 8
    else:
        silent.user.access_expires_at = timezone.now()
        silent.user.save()
        control.fault("hang", seconds=60, service="pipedrive", path="/oauth/token")

    def ask(tenant, path):
        token = issue_page_token(visitor_of(tenant.user, "invoice"))
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.get(f"{live_app.url}{path}", headers=headers, timeout=60, trust_env=False)

    answers = []
    people = [threading.Thread(target=lambda path=path: answers.append(ask(silent, path))) for path in paths]
    for person in people:
        person.start()
    waits = []
    for _ in range(PRESSES):
        time.sleep(1)  # the others come one after the other while the silence lasts, not all in its first moment
        begun = time.monotonic()
        assert ask(other, "/embed/invoice/form?deal=2").status_code == 200
        waits.append(time.monotonic() - begun)
    for person in people:
        person.join()
    live_app.stop()
    cut_other_connections()  # PostgreSQL notices later that their owners are dead
    sys.stdout.write(f"\nthe others waited {', '.join(f'{wait:.1f}' for wait in waits)} s\n")
    assert [answer.text for answer in answers if not TOLD.search(answer.text)] == []
    assert len(answers) == 16
    assert max(waits) < SOON
