"""A form that was filled in and is about to be sent."""

from __future__ import annotations

import dataclasses
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from invoices.domain.draft import BillTo, InvoiceDraft
from tests import servers
from tests.conftest import Tenant, visitor_of
from tests.processes.adversary import cut_other_connections
from tests.processes.ledger import Ledger
from tests.servers import wait_until
from tests.stand_ins import Control, StandIns

DEALS = {
    "GB": "Eleanor Finch – garage shelves",
    "US": "Prairie Family Clinic – gloves",
    "AU": "Tanaka family – reef cruise",
    "CA": "Prairie Wind – meeting room",
}
"""A simple deal of each company of the cast."""


@pytest.fixture
def fill_in(control: Control) -> Callable[..., InvoiceDraft]:
    """fill_in(tenant, "Title of a deal") -> the draft that its form proposes, for a new customer."""

    def make(tenant: Tenant, title: str = "", customer: str = "") -> InvoiceDraft:
        from invoices.drafting import prepare

        deals = control.company(tenant.pair.pipedrive_company_id)["deals"]
        deal_id = next(deal["id"] for deal in deals.values() if deal["title"] == (title or DEALS[tenant.country]))
        preparation = prepare(visitor_of(tenant.user, "invoice"), deal_id)
        somewhere = preparation.items[0].id
        lines = tuple(dataclasses.replace(line, item_id=line.item_id or somewhere) for line in preparation.draft.lines)
        bill_to = BillTo(
            customer_id="", name=customer or f"Customer {uuid.uuid4().hex[:8]}", email="new@customer.example"
        )
        return dataclasses.replace(preparation.draft, bill_to=bill_to, lines=lines)

    return make


@pytest.fixture
def press_create() -> Callable[..., Any]:
    """press_create(tenant, draft) -> the row that pressing “Create invoice” stores."""

    def press(tenant: Tenant, draft: InvoiceDraft, intent_key: uuid.UUID | None = None) -> Any:
        from invoices.services import request_invoice

        asked = request_invoice(
            visitor=visitor_of(tenant.user, "invoice"), draft=draft, intent_key=intent_key or uuid.uuid4()
        )
        return asked.invoice

    return press


@pytest.fixture
def ledger(
    stand_ins: StandIns, control: Control, connect: Callable[..., Tenant], process_folder: Path, collected_files: None
) -> Iterator[Callable[[int, int], Ledger]]:
    """ledger(seed, companies) -> a run with processes of its own, which end with the test."""
    started: list[servers.Process] = []

    def begin(process: Any) -> Any:
        started.append(process)
        return process

    def make(seed: int, companies: int) -> Ledger:
        redis = begin(servers.Redis(process_folder))
        redis.wait_until_ready()
        port = servers.free_port()
        environment = servers.environment_of_app(
            stand_ins.settings, REDIS_URL=redis.url, APP_URL=f"http://localhost:{port}"
        )
        environment |= {
            "DJANGO_SETTINGS_MODULE": "tests.processes.broken",
            "LEDGER_BROKEN": os.environ.get("LEDGER_BROKEN", ""),
        }
        control.set_app(environment["APP_URL"])
        tenants = [connect(("GB", "US", "AU")[number % 3]) for number in range(companies)]
        return Ledger(
            seed,
            tenants,
            control,
            start_web=lambda: begin(servers.WebServer(environment, process_folder, port)),
            start_worker=lambda clock=0: begin(
                servers.Worker(environment | {"LEDGER_CLOCK": str(clock)}, process_folder, beat=False)
            ),
            start_beat=lambda clock=0: begin(servers.Beat(environment | {"LEDGER_CLOCK": str(clock)}, process_folder)),
            start_redis=lambda: begin(servers.Redis(process_folder, redis.port)),
            redis=redis,
            folder=process_folder,
        )

    yield make
    for process in started:
        process.kill()
    cut_other_connections()  # PostgreSQL notices later that their owners are dead


def settled(invoice: Any, *, seconds: float = 60) -> Any:
    """The row once its outcome is known."""

    def known() -> bool:
        invoice.refresh_from_db()
        return invoice.settled_at is not None

    wait_until(known, seconds=seconds, every=0.1, what="the outcome is known")
    return invoice


def invoices_for(control: Control, realm: str, customer: str) -> list[dict[str, Any]]:
    """What is in the books for a customer of this name."""
    return [invoice for invoice in control.books(realm)["invoices"] if invoice["CustomerRef"]["name"] == customer]


def customers_named(control: Control, realm: str, name: str) -> list[dict[str, Any]]:
    return [customer for customer in control.books(realm)["customers"] if customer["DisplayName"] == name]
