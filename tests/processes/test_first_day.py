"""What an operator does with the service, by the commands of docs/operating.md, on a real machine in small.

Each chapter stands for itself on a deployment that has a company with an invoice.
"""

from __future__ import annotations

import re
import tempfile
import threading
from pathlib import Path

import pytest

from tests.processes.deployment import OPERATING, Customer, deployed, documented
from tests.servers import wait_until

pytestmark = [pytest.mark.processes, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def deployment():
    # In a folder with a short name: PostgreSQL's socket has to fit into a hundred letters.
    with tempfile.TemporaryDirectory(prefix="first-day-") as folder, deployed(Path(folder)) as found:
        yield found


@pytest.fixture(scope="module")
def company(deployment):
    """The tables made, everything started, a company connected and its first invoice created."""
    deployment.sh(documented("Processes", "migrate"))
    deployment.start()
    customer = Customer(deployment)
    assert customer.connect().endswith("/app-settings")
    customer.create("First Day Ltd")
    return customer


def test_a_company_connects_and_has_its_invoice_on_the_first_day(deployment, company):
    visitor = deployment.visitor()
    assert visitor.get("/healthz").text == "ok\n"
    assert visitor.get("/readyz").json() == {"database": "ok", "broker": "ok"}
    assert visitor.get("/metrics").status_code == 404
    assert deployment.figure("invoicing_companies") == 1
    for name in set(re.findall(r"`(invoicing_\w+)", OPERATING)):
        assert f"\n# TYPE {name} gauge\n" in deployment.metrics(), name
    (issued,) = company.invoices("First Day Ltd")
    assert issued["DocNumber"] in company.panel()


def refused(company):
    return [call for call in company.control.requests("quickbooks", path=company.pair.realm) if call["status"] == 503]


def test_while_quickbooks_is_down_the_operator_sees_what_waits_and_lets_it_go_on_afterwards(deployment, company):
    company.control.fault("status", status=503)
    result = company.press_create("Patient Ltd")
    waiting = 'invoicing_waiting{kind="invoice"}'
    wait_until(lambda: refused(company), every=0.2, what="the worker has tried")
    assert deployment.figure(waiting) == 1
    assert company.told(result) not in ("created", "refused")
    assert "Eleanor Finch" in company.desk()

    operator = deployment.operator()
    page = operator.get("/admin/invoices/invoice/")
    (row,) = re.findall(r'name="_selected_action" value="(\d+)"', page.text)
    company.control.clear_faults()
    answer = operator.post(
        "/admin/invoices/invoice/",
        data={
            "action": "try_again_now",
            "_selected_action": row,
            "csrfmiddlewaretoken": operator.cookies["__Secure-csrftoken"],
        },
    )
    assert answer.status_code == 302
    wait_until(lambda: company.told(result) == "created", every=0.2, what="it is created")
    assert len(company.invoices("Patient Ltd")) == 1
    assert deployment.figure(waiting) == 0


def test_a_key_is_changed_and_the_old_one_taken_away(deployment, company):
    old = deployment.secret("token_encryption_keys")
    new = deployment.sh(documented("Environment", "Fernet.generate_key")).strip()
    deployment.secret("token_encryption_keys", f"{new},{old}")
    deployment.restart()
    assert "first key: 2." in deployment.sh(documented("Environment", "rotate_keys"))
    deployment.secret("token_encryption_keys", old)
    refused = deployment.attempt("python manage.py check --database default")
    assert refused.returncode
    assert "the stored tokens were encrypted with a key that is not among these" in refused.stderr
    deployment.secret("token_encryption_keys", new)
    deployment.restart("web", "worker")
    company.create("New Key Ltd")


def test_a_backup_is_restored_into_an_empty_database_and_the_service_runs_on_it(deployment, company):
    deployment.sh(documented("Backup and restore", "pg_dump"))
    company.create("After The Backup Ltd")
    deployment.stop()
    restored = deployment.address_of("restored")
    waiting = deployment.sh(
        documented("Backup and restore", "createdb").replace("postgres://…/restored", f"'{restored}'")
    )
    assert "(0 rows)" in waiting
    deployment.secret("database_url", restored)
    deployment.start()
    assert company.invoices("First Day Ltd")[0]["DocNumber"] in company.panel()
    (since,) = company.invoices("After The Backup Ltd")
    wait_until(lambda: since["DocNumber"] in company.panel(), every=0.5, what="what was made since the backup is back")
    company.create("Restored Ltd")


NEXT = """
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("invoices", "{last}")]
    operations = [
        migrations.AddField("invoice", "of_the_next", models.CharField(max_length=9, db_default="", default="")),
    ]
"""


def test_a_newer_version_is_put_in_place_while_the_old_one_serves(deployment, company):
    newer = deployment.unpack("newer")
    last = max(file.stem for file in (newer / "invoices" / "migrations").glob("0*.py"))
    (newer / "invoices" / "migrations" / "9999_next.py").write_text(NEXT.format(last=last))
    over, answers = threading.Event(), []
    deal = {"resource": "deal", "id": company.deal()}
    _, client = company.frame("panel")

    def visit():
        while not over.wait(0.1):
            answers.append(client.get("/embed/panel/content", params=deal).status_code)

    visits = threading.Thread(target=visit)
    visits.start()
    try:
        deployment.sh(documented("Processes", "migrate"), newer)
        company.create("Between The Versions Ltd")  # by the old code, in the tables of the new one
        deployment.sh("python manage.py migrate --noinput")  # what going back would do: nothing
    finally:
        over.set()
        visits.join()
    assert answers
    assert set(answers) == {200}

    company.control.fault("hang", method="POST", path="/invoice$", seconds=3, times=1)
    result = company.press_create("Under Way Ltd")
    wait_until(lambda: company.invoices("Under Way Ltd"), every=0.1, what="QuickBooks is about to answer")
    for name, (code, seconds) in deployment.stop().items():
        assert code == 0, name
        assert seconds < 30, name
    deployment.release = newer
    deployment.start()
    wait_until(lambda: company.told(result) == "created", every=0.2, what="it is known to be created")
    assert len(company.invoices("Under Way Ltd")) == 1
    assert {call["requestid"] for call in company.control.requests("quickbooks", method="POST", path="/invoice")}
