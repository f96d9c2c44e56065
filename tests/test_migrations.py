"""A newer version is put in place while the old one serves: its migrations must leave the old code what it needs.

The old code knows only the old columns, reads and writes them all, and comes to the tables at any moment.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import uuid
from datetime import timedelta

import pytest
from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently
from django.core.management import call_command
from django.db import OperationalError, connection, migrations, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.models import NOT_PROVIDED
from django.db.models.signals import pre_migrate
from django.utils import timezone

from integration_settings.management.commands import migrate
from integration_settings.models import Company
from invoices import due
from invoices.models import Invoice
from tests.servers import database_url, environment_of_app

APPS = ("integration_settings", "invoices")
FIRST = [("integration_settings", "0001_first_tables"), ("invoices", "0001_first_tables")]

TAKES_AWAY = (
    migrations.RemoveField,
    migrations.DeleteModel,
    migrations.RenameField,
    migrations.RenameModel,
    migrations.AlterModelTable,
    migrations.AlterField,
)
LOCKS_WHILE_IT_READS_THE_TABLE = (migrations.AddIndex, migrations.AddConstraint, migrations.AlterUniqueTogether)
OWN_WORK = (migrations.RunPython, migrations.RunSQL)

NOTHING_WAS_DEPLOYED = "older than the first deployment"
ALLOWED = {
    ("invoices.0005_items_created_with_invoices", "RenameModel CustomerClaim"): NOTHING_WAS_DEPLOYED,
    ("invoices.0005_items_created_with_invoices", "RenameField creationclaim.party_kind"): NOTHING_WAS_DEPLOYED,
    ("invoices.0005_items_created_with_invoices", "RenameField creationclaim.party_id"): NOTHING_WAS_DEPLOYED,
    ("invoices.0005_items_created_with_invoices", "AlterField creationclaim.company"): "changes a name in Python only",
    ("invoices.0005_items_created_with_invoices", "AddConstraint creationclaim"): "a table of a few rows",
    ("invoices.0006_customer_links_per_currency", "AddConstraint customerlink"): NOTHING_WAS_DEPLOYED,
    ("integration_settings.0011_pauses_and_unread_notices", "AddIndex quickbooksconnection"): NOTHING_WAS_DEPLOYED,
    ("invoices.0009_what_needs_attention", "AddIndex invoice"): NOTHING_WAS_DEPLOYED,
    ("invoices.0013_invoices_of_a_customer", "AddIndex invoice"): NOTHING_WAS_DEPLOYED,
    ("invoices.0014_few_of_many", "AddIndex invoice"): NOTHING_WAS_DEPLOYED,
    ("invoices.0014_few_of_many", "AddIndex invoiceaction"): NOTHING_WAS_DEPLOYED,
    ("invoices.0014_few_of_many", "AddIndex customerupdate"): NOTHING_WAS_DEPLOYED,
    ("invoices.0017_files_of_a_deal", "AlterField quickbookswrite.kind"): "its choices, which are in Python only",
    ("invoices.0019_invoices_from_estimates", "AddIndex invoice"): NOTHING_WAS_DEPLOYED,
}
"""What breaks a rule below, with the reason why it may. A column goes one release after the code that used it: then
the reason is the release whose code uses it last."""


def later_migrations():
    """(name, migration) of all that came after the first tables."""
    found = MigrationLoader(None).disk_migrations
    return [(f"{app}.{name}", each) for (app, name), each in sorted(found.items()) if app in APPS and not each.initial]


def name_of(operation):
    model = getattr(operation, "model_name", None) or getattr(operation, "old_name", None) or operation.name
    column = getattr(operation, "old_name", None) or getattr(operation, "name", "")
    named = hasattr(operation, "model_name") and isinstance(operation, TAKES_AWAY)
    return f"{type(operation).__name__} {model}{'.' + column if named else ''}"


def broken_rule(operation):
    """Which rule an operation breaks, "" when none."""
    if isinstance(operation, migrations.AddField):
        field = operation.field
        if not field.null and field.db_default is NOT_PROVIDED and not field.many_to_many:
            return "the old code inserts rows without the new column: it is nullable or has a db_default"
    if isinstance(operation, TAKES_AWAY):
        return "the old code still uses what it knew: nothing is removed, renamed or changed in the same release"
    if isinstance(operation, LOCKS_WHILE_IT_READS_THE_TABLE) and not isinstance(
        operation, (AddIndexConcurrently, AddConstraintNotValid)
    ):
        return "nobody can write while the table is read: add it concurrently, or say that the table is small"
    if isinstance(operation, OWN_WORK):
        return "Python and SQL of one's own has to be looked at"
    return ""


LATER = later_migrations()


def test_the_rules_look_at_every_migration_but_the_first():
    assert {name.split(".")[0] for name, _ in LATER} == set(APPS)
    assert len(LATER) > 15


@pytest.mark.parametrize("name, migration", LATER, ids=[name for name, _ in LATER])
def test_a_migration_leaves_the_old_code_what_it_needs(name, migration):
    broken = {(name, name_of(each)): broken_rule(each) for each in migration.operations if broken_rule(each)}
    assert {what: rule for what, rule in broken.items() if what not in ALLOWED} == {}


def test_what_is_allowed_is_still_there():
    there = {(name, name_of(each)) for name, migration in LATER for each in migration.operations}
    assert set(ALLOWED) <= there


# The old code on the new tables


def the_old_code_inserts(apps, number):
    """Rows of every table that the first version had, by its own columns alone; the invoice."""

    def insert(app, model, **columns):
        return apps.get_model(app, model).objects.create(**columns)

    now = timezone.now()
    company = insert("integration_settings", "Company", pipedrive_company_id=number, name="Old Ltd", domain="old")
    insert("integration_settings", "CompanySettings", company=company)
    grant = {
        "company": company,
        "access_token": "a",
        "refresh_token": "r",
        "access_expires_at": now + timedelta(hours=1),
    }
    insert("integration_settings", "PipedriveUser", user_id=1, name="Priya", api_domain="https://x.example", **grant)
    insert("integration_settings", "QuickBooksConnection", realm_id=str(number), **grant)
    insert("integration_settings", "ReferenceList", company=company, kind="items", fetched_at=now)
    insert("integration_settings", "SignIn", state_digest=str(number), service="pipedrive", browser_digest="b")
    insert("integration_settings", "UsedTicket", nonce_digest=str(number))
    party = {"party_kind": "organization", "party_id": 1, "realm_id": str(number), "customer_id": "7", "name": "A"}
    insert("invoices", "CustomerLink", company=company, **party)
    return insert(
        "invoices",
        "Invoice",
        company=company,
        realm_id=str(number),
        deal_id=12,
        created_by_id=1,
        created_by_name="Priya",
        intent_key=uuid.uuid4(),
        draft={},
        fingerprint="f",
        request_id=f"r{number}",
        currency="GBP",
    )


def the_new_code_reads(invoice):
    company = Company.objects.get(pk=invoice.company_id)
    assert company.users.get().preset_choice == ""
    assert company.quickbooks.reads == 0
    assert (company.settings.own_fields_from, company.settings.everyone_creates) == ({}, True)
    row = Invoice.objects.get(pk=invoice.pk)
    assert (row.item_request_ids, row.email, row.deal_then) == ({}, "", {})
    assert row.pk in due.submissions(timezone.now() + timedelta(minutes=1))


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["invoices.0001_first_tables", *(name for name, _ in LATER)])
def test_what_any_earlier_version_inserts_can_be_read_by_this_one(name):
    at = [*FIRST, tuple(name.split("."))]
    the_new_code_reads(the_old_code_inserts(MigrationLoader(connection).project_state(at).apps, 1))


@pytest.fixture
def migrated_to():
    """migrated_to(targets) -> the models as they were then; at the end the tables are those of this version."""

    def go(targets):
        executor = MigrationExecutor(connection)
        executor.migrate(targets)
        return executor.loader.project_state(targets).apps

    yield go
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_the_old_code_goes_on_before_while_and_after_the_tables_become_those_of_this_version(migrated_to):
    assert connection.vendor == "postgresql"
    old = migrated_to(FIRST)
    rows = [the_old_code_inserts(old, 1)]
    steps = [tuple(name.split(".")) for name, _ in LATER]
    for number, step in enumerate(steps, start=2):
        migrated_to([step])
        rows.append(the_old_code_inserts(old, number))
    for row in rows:
        the_new_code_reads(row)


# Nobody waits behind a migration


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_migration_that_cannot_have_its_table_gives_up_after_seconds(monkeypatch):
    monkeypatch.setattr(migrate, "LOCK_SECONDS", 0.2)
    held, done = threading.Event(), threading.Event()

    def somebody_works_for_a_long_time():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE invoices_invoice IN ACCESS SHARE MODE")
            held.set()
            done.wait(30)
        connection.close()

    def the_step(**_):
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE invoices_invoice ALTER COLUMN number SET DEFAULT ''")

    slow = threading.Thread(target=somebody_works_for_a_long_time)
    slow.start()
    pre_migrate.connect(the_step)
    try:
        assert held.wait(30)
        with pytest.raises(OperationalError, match="lock timeout"):
            call_command("migrate", verbosity=0)
    finally:
        pre_migrate.disconnect(the_step)
        done.set()
        slow.join()
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("0",)


# Several at once, as where each of several machines migrates when it starts


@pytest.fixture
def empty_database():
    """The address of a database without tables."""
    name = f"empty_{uuid.uuid4().hex[:8]}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    yield database_url().replace(f"/{connection.settings_dict['NAME']}?", f"/{name}?")
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_three_that_migrate_at_once_one_does_the_work_and_the_others_find_it_done(empty_database):
    environment = environment_of_app({}, DATABASE_URL=empty_database)
    step = [sys.executable, "manage.py", "migrate", "--noinput"]
    begun = [
        subprocess.Popen(step, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(3)
    ]
    said = [each.communicate(timeout=120)[0] for each in begun]
    assert [each.returncode for each in begun] == [0, 0, 0], said
    assert sum("Applying invoices.0001" in each for each in said) == 1, said
    assert sum("Another migrate is at work" in each for each in said) >= 1, said
