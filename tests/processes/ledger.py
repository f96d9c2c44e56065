"""The invoice ledger: people press "Create invoice" while an adversary kills and cuts; then three ledgers must agree.

What people were told, what our database says, and what stands in QuickBooks' books. Everything random comes from one
seed. The people go through the web process as a browser does: whoever gets no answer presses again, with the same key.
"""

from __future__ import annotations

import os
import random
import re
import signal
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
from django.utils import timezone

from integration_settings.errors import ServiceError
from integration_settings.quickbooks import QuickBooksClient
from integration_settings.tenancy import issue_page_token
from invoices.domain.status import Submission
from invoices.invoice_bodies import carries_mark
from invoices.models import Invoice
from tests.conftest import Tenant, visitor_of
from tests.invoices.fragments import Page
from tests.processes.adversary import ALONE, CLOCKS, Adversary, keep_what_is_committed, note_of
from tests.servers import Beat, Redis, WebServer, Worker, wait_until
from tests.settings import ENVIRONMENT
from tests.stand_ins import Control

STATE, RESULT = re.compile(r'data-state="(\w+)"'), re.compile(r"/embed/invoice/([0-9a-f-]{36})/")
PATIENCE = 90
"""Seconds within which a person who presses again and again is answered, with everything going on."""
QUIET = 150
"""Seconds after the last fault within which every outcome is known and every status is QuickBooks'."""


@dataclass
class Press:
    """One invoice that a person wants, and what he was told of it."""

    company: int
    fields: dict[str, Any]
    name: str
    quantity: int
    price: Decimal
    key: str
    public_id: str = ""
    told: str = ""


@dataclass
class Person:
    """Somebody of one company in front of an open form, with a page token of his own."""

    tenant: Tenant
    web: str
    presses: list[Press] = field(default_factory=list)
    saw: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.visitor = visitor_of(self.tenant.user, "invoice")
        self.http = httpx.Client(
            base_url=self.web, timeout=30, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
        )
        self.prove()

    def prove(self) -> None:
        """As the page does when its token has ended."""
        self.http.headers["Authorization"] = f"Bearer {issue_page_token(self.visitor)}"

    def ask(self, method: str, path: str, data: dict[str, Any] | None = None) -> httpx.Response | None:
        """None when nobody answered, or only to say that he cannot."""
        with suppress(httpx.TransportError):
            answer = self.http.request(method, path, data=data)
            if answer.status_code == 401:
                self.prove()
                answer = self.http.request(method, path, data=data)
            self.saw.append(answer.text)
            return None if answer.status_code >= 500 else answer
        return None

    def press(self, press: Press) -> None:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            answer = self.ask("POST", "/embed/invoice/create", press.fields)
            found = RESULT.search(answer.text) if answer is not None and answer.status_code == 200 else None
            if found:
                press.public_id = found[1]
                return
            if answer is not None and answer.status_code == 422:
                page = Page(answer)
                if faults := [element.text for element in page.by_class("field__error")]:
                    press.told = f"a fault: {faults}"
                    return
                # A colleague has billed the deal meanwhile. It is meant all the same: the form that came back knows it.
                press.fields["kept"] = page.fields()["kept"]
                continue
            time.sleep(0.5)  # a person's pause before the next press
        press.told = "nothing"

    def look(self, press: Press) -> str:
        """created, refused, or anything else while it is not known yet."""
        answer = self.ask("GET", f"/embed/invoice/{press.public_id}/result")
        found = STATE.search(answer.text) if answer is not None else None
        press.told = found[1] if found else press.told
        return press.told


class Ledger:
    """One seeded run. `violations` is what it found; each begins with its invariant, I1 to I8 and V2 of
    docs/reliability.md."""

    def __init__(
        self,
        seed: int,
        tenants: list[Tenant],
        control: Control,
        *,
        start_web: Callable[[], WebServer],
        start_worker: Callable[..., Worker],
        start_beat: Callable[..., Beat],
        start_redis: Callable[[], Redis],
        redis: Redis,
        folder: Path,
    ) -> None:
        self.folder = folder
        self.seed, self.tenants, self.control = seed, tenants, control
        self.start_web, self.start_redis = start_web, start_redis
        self.dice = random.Random(seed)
        self.redis = redis
        self.web = start_web()
        # Every tick comes twice. Each is on a machine of its own, whose clock is its own.
        self.starters: list[Callable[..., Worker | Beat]] = [start_worker, start_worker, start_beat, start_beat]
        self.clocks = [self.dice.choice(CLOCKS) for _ in self.starters]
        self.machines = [start(clock=clock) for start, clock in zip(self.starters, self.clocks, strict=True)]
        self.violations: list[str] = []
        self.seconds = ""
        self.adversary = Adversary(self)
        for process in (self.web, *self.machines):
            process.wait_until_ready()

    @staticmethod
    def signal(process: Worker | Beat, what: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(process.popen.pid, what)

    def blame(self, invariant: str, what: str) -> None:
        self.violations.append(f"{invariant}: {what}")

    # Before

    def forms(self, tenant: Tenant) -> Iterator[tuple[Person, dict[str, Any]]]:
        """A form of every simple deal of the company, as it opens, with an item on its only line."""
        item = next(row["Id"] for row in self.control.books(tenant.realm)["items"] if row["Type"] == "Service")
        deals = self.control.company(tenant.pair.pipedrive_company_id)["deals"].values()
        home = {"GB": "GBP", "US": "USD", "AU": "AUD"}[tenant.country]
        for deal in [deal for deal in deals if deal["currency"] == home and deal["status"] == "open"][:4]:
            person = Person(tenant, self.web.url)
            answer = person.ask("GET", f"/embed/invoice/form?deal={deal['id']}")
            if answer is None or answer.status_code != 200 or "l1-price" not in answer.text:
                continue
            fields = Page(answer).fields()
            lines = fields["line"] if isinstance(fields["line"], list) else [fields["line"]]
            for key in lines[1:]:
                fields.pop(f"{key}-ticked", None)
            first = lines[0]
            if fields.get(f"{first}-tax") == "":  # a person has to choose it
                continue
            fields |= {f"{first}-item": fields[f"{first}-item"] or item, f"{first}-discount": "", "discount": ""}
            yield person, fields | {"first": first}

    def people(self, how_many: int) -> list[Person]:
        """Everybody with his presses: each invoice has a customer, a quantity and a price of its own."""
        found: list[Person] = []
        forms = [form for tenant in self.tenants for form in self.forms(tenant)]
        for number in range(how_many):
            person, opened = forms[number % len(forms)]
            fields = dict(opened)
            first = fields.pop("first")
            quantity, price = self.dice.randint(1, 90), Decimal(self.dice.randint(100, 9999)) / 100
            name = f"Tag{person.tenant.pair.pipedrive_company_id}x {self.seed} {number}"
            key = str(uuid.UUID(int=self.dice.getrandbits(128), version=4))
            fields |= {
                "over_deal": "yes",
                "intent_key": key,
                "customer": "new",
                "name": name,
                "email": f"n{number}@ledger.example",
            }
            fields |= {f"{first}-quantity": str(quantity), f"{first}-price": str(price)}
            if "number" in fields:
                fields["number"] = f"L{self.seed}-{number}"
            person.presses.append(Press(person.tenant.pair.pipedrive_company_id, fields, name, quantity, price, key))
            if person not in found:
                found.append(person)
        return found

    # During

    def run(self, how_many: int) -> None:
        begun = time.monotonic()
        if ALONE:
            keep_what_is_committed()
        people = self.people(how_many)
        if self.dice.random() < 0.5:
            self.control.fault("ignore_requestid")
        self.control.fault("query_lag", seconds=self.dice.choice([0, 1, 3]))
        with ThreadPoolExecutor(len(people)) as pool:
            pressed = [pool.submit(self.live, person, people) for person in people]
            # What the adversary does to the database it does from this thread, which holds our own connection.
            while not all(future.done() for future in pressed):
                self.adversary.act()
                time.sleep(self.adversary.dice.uniform(0.3, 2))  # faults come at random moments
            for future in pressed:
                future.result()
        self.control.clear_faults()
        pressed_at, ended = time.monotonic(), timezone.now()
        self.settle(people)
        self.seconds = (
            f"{pressed_at - begun:.0f} s with faults, {time.monotonic() - pressed_at:.0f} s until quiet,"
            f" the last intent settled {self.slowest_after(ended):.0f} s after the last fault"
        )
        self.check(people)

    def slowest_after(self, ended: datetime) -> float:
        """Seconds from the last fault until every outcome was known."""
        settled = Invoice.objects.filter(settled_at__gt=ended).values_list("settled_at", flat=True)
        return max(((moment - ended).total_seconds() for moment in settled if moment), default=0)

    def live(self, person: Person, people: list[Person]) -> None:
        """Presses one after the other, sometimes twice; looks at what is his, and tries what is not."""
        dice = random.Random(f"{self.seed} {person.presses[0].key}")
        for press in person.presses:
            person.press(press)
            if press.public_id and dice.random() < 0.2:
                person.press(press)
            if press.public_id:
                person.look(press)
            stranger = dice.choice(people)
            theirs = [each.public_id for each in stranger.presses if each.public_id]
            if stranger.tenant is not person.tenant and theirs:
                answer = person.ask("GET", f"/embed/invoice/{dice.choice(theirs)}/result")
                if answer is not None and answer.status_code != 404:
                    self.blame("I6", f"{person.tenant} got {answer.status_code} for an invoice of {stranger.tenant}")

    # After

    def settle(self, people: list[Person]) -> None:
        presses = [(person, press) for person in people for press in person.presses if press.public_id]

        def quiet() -> bool:
            for machine in self.machines:
                self.signal(machine, signal.SIGCONT)
            open_rows = Invoice.objects.filter(settled_at__isnull=True).exists()
            return not open_rows and not self.differing()

        try:
            wait_until(quiet, seconds=QUIET, every=1, what="every outcome is known and every status is QuickBooks'")
        except AssertionError:
            for row in Invoice.objects.filter(settled_at__isnull=True):
                turns = f"handed out until {row.lease_until}, next {row.next_attempt_at}, it is {timezone.now()}"
                self.blame("I4", f"{row} is still {row.submission} after {row.attempts} tries, {turns}")
            for difference in self.differing():
                self.blame("I7", difference)
        for person, press in presses:
            person.look(press)

    def issued(self) -> dict[str, list[dict[str, Any]]]:
        return {tenant.realm: self.control.books(tenant.realm)["invoices"] for tenant in self.tenants}

    def differing(self) -> list[str]:
        """Rows whose balance or void is not that of the books."""
        books = {(realm, row["Id"]): row for realm, rows in self.issued().items() for row in rows}
        found = []
        for row in Invoice.objects.exclude(qbo_invoice_id=""):
            there = books.get((row.realm_id, row.qbo_invoice_id))
            voided = there is not None and "Voided" in note_of(there)
            same = there is not None and (
                (row.voided_on is not None) == voided and (voided or row.balance == Decimal(str(there["Balance"])))
            )
            if not same:
                found.append(
                    f"{row}: we say {row.balance}, voided {row.voided_on}; the books {there and note_of(there)}"
                )
        return found

    def check(self, people: list[Person]) -> None:
        presses = {press.key: press for person in people for press in person.presses}
        rows = {str(row.intent_key): row for row in Invoice.objects.select_related("company")}
        books = self.issued()
        marked: dict[str, list[dict[str, Any]]] = defaultdict(list)
        known = set()
        for key, row in rows.items():
            for issued in books[row.realm_id]:
                if carries_mark(note_of(issued), row.request_id):
                    marked[key].append(issued)
                    known.add((row.realm_id, issued["Id"]))
        for realm, issued_rows in books.items():
            for issued in issued_rows:
                if "Pipedrive deal" in note_of(issued) and (realm, issued["Id"]) not in known:
                    self.blame("I3", f"invoice {issued['Id']} of {realm} is unknown to us")
        for row in rows.values():
            if row.was_found:  # its row was lost: nothing that is done here may do that
                self.blame("I3", f"invoice {row.qbo_invoice_id} of {row.realm_id} was unknown to us")
        for key, press in presses.items():
            self.check_press(press, rows.get(key), marked[key])
        self.check_strangers(people)
        self.check_canaries(people)
        self.check_tokens()

    def check_press(self, press: Press, row: Invoice | None, issued: list[dict[str, Any]]) -> None:
        if not press.public_id:
            return self.blame("I4", f"{press.name} was told {press.told} within {PATIENCE} s")
        if row is None:
            return self.blame("I1", f"{press.name} was told {press.told}, and there is no row")
        if len(issued) > 1:
            self.blame("I2", f"{press.name} has {len(issued)} invoices")
        if press.told not in ("created", "refused"):
            self.blame("I4", f"{press.name} was told {press.told!r} at the end")
        if (press.told == "created") != (len(issued) == 1):
            self.blame("I1", f"{press.name} was told {press.told}, and there are {len(issued)} invoices: {row.refusal}")
        if (row.submission == Submission.SUCCEEDED) != bool(issued):
            self.blame("I3", f"{press.name} is {row.submission}, and there are {len(issued)} invoices")
        if len(issued) == 1:
            self.check_amounts(press, row, issued[0])
        return None

    def check_amounts(self, press: Press, row: Invoice, issued: dict[str, Any]) -> None:
        """A voided one shows zero; its customer must be right all the same."""
        lines = [line for line in issued["Line"] if line["DetailType"] == "SalesItemLineDetail"]
        detail = lines[0]["SalesItemLineDetail"]
        quantity = Decimal(str(detail.get("Qty", 0)))
        with_tax = issued.get("GlobalTaxCalculation") == "TaxInclusive"
        amount = Decimal(str(detail["TaxInclusiveAmt"] if with_tax else lines[0]["Amount"]))
        there = (issued["CustomerRef"]["name"], issued["CurrencyRef"]["value"], len(lines))
        asked = (press.name, press.fields["currency"], 1)
        if "Voided" not in note_of(issued):
            there, asked = (*there, quantity, amount), (*asked, press.quantity, press.quantity * press.price)
        if there != asked:
            self.blame("I5", f"{press.name}: {there} for {asked}")
        if str(row.company.pipedrive_company_id) not in press.name:
            self.blame("I6", f"{press.name} is a row of {row.company}")

    def check_strangers(self, people: list[Person]) -> None:
        for person in people:
            own = f"Tag{person.tenant.pair.pipedrive_company_id}x"
            seen = {tag for text in person.saw for tag in re.findall(r"Tag\d+x", text)}
            for tag in seen - {own}:
                self.blame("I6", f"somebody of {own} was shown {tag}")

    def check_canaries(self, people: list[Person]) -> None:
        """No secret and nothing about a customer stands in a log or in the broker, whatever went wrong."""
        canaries = {value for name, value in ENVIRONMENT.items() if "SECRET" in name and value}
        for tenant in self.tenants:
            for grant in (tenant.user, tenant.quickbooks):
                grant.refresh_from_db()
                canaries |= {grant.access_token, grant.refresh_token}
        canaries |= {person.http.headers["Authorization"].removeprefix("Bearer ") for person in people}
        canaries |= {"@ledger.example", *(press.name for person in people for press in person.presses)}
        places = {log.name: log.read_bytes() for log in self.folder.glob("*.log") if log.name != "redis.log"}
        places["Redis"] = self.redis.content()
        for place, content in places.items():
            found = [canary for canary in canaries if canary.encode() in content]
            if found:
                self.blame("V2", f"{len(found)} secrets or names in {place}, such as {found[0][:12]}…")

    def check_tokens(self) -> None:
        """What is stored is what was issued last: it still opens the books, after one more refresh."""
        for tenant in self.tenants:
            self.control.expire_tokens("quickbooks", tenant.realm, "access")
            tenant.quickbooks.refresh_from_db()
            try:
                QuickBooksClient(tenant.quickbooks).query("SELECT Id FROM Item MAXRESULTS 1")
            except ServiceError as error:
                self.blame("I8", f"{tenant.company} lost its connection: {error!r}")
