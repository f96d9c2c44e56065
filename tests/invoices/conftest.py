"""What the tests of the pages share: a connected company, somebody who looks, and the form as a person fills it in."""

from __future__ import annotations

import pytest

from integration_settings import reference
from integration_settings.formats import language_tag
from invoices.deal_gateway import DealFacts, remember
from invoices.domain.draft import to_json
from invoices.domain.money import Money
from invoices.domain.status import Submission
from invoices.invoice_gateway import QuickBooksGateway
from invoices.models import Invoice
from tests.conftest import connect_user
from tests.factories import D, a_draft, make_pending_invoice
from tests.fakes.invoice_gateway import FakeInvoiceGateway
from tests.invoices.desk import CREATE, DESK, item_id, submit
from tests.invoices.form_answers import address
from tests.invoices.fragments import Page
from tests.invoices.gateway_cases import InMemory, StandIn
from tests.invoices.test_deal_gateway import deal_called

DEAL = 12  # of what `stored` makes
RACKING = "Bramley Foods – warehouse racking, phase 2"
NORTHGATE = "Northgate Dental – storage fit-out"


@pytest.fixture
def harbour(connect):
    return connect("GB")


@pytest.fixture
def deal_id(control):
    """deal_id(tenant, title)"""
    return lambda tenant, title: deal_called(control, tenant.pair, title)


@pytest.fixture
def seen():
    """seen(user, 12, title="…"): as if Pipedrive had just shown this user the deal; then nobody is asked."""

    def make(user, deal_id, *, title="Warehouse racking", value="24000.00", currency="GBP", organization_id=31):
        facts = DealFacts(deal_id, title, Money(D(value), currency), organization_id, None)
        remember(user, facts)
        return facts

    return make


@pytest.fixture
def colleague(control):
    """colleague(tenant, 0): another user of the company, no administrator; number 1 may not see everything."""

    def make(tenant, number=0, country="GB"):
        return connect_user(control, tenant.company, tenant.pair, country, tenant.pair.others[number]["id"])

    return make


@pytest.fixture
def browse(client, page_token):
    """browse(user, "invoice").get(path) / .post(path, fields): requests as the page in the frame sends them."""

    class Browser:
        def __init__(self, user, surface):
            self.headers = page_token(user, surface) | {"X-Page-Locale": language_tag(user.locale)}

        def get(self, path, query=None):
            return client.get(path, query, headers=self.headers)

        def post(self, path, fields=None):
            return client.post(path, fields or {}, headers=self.headers)

    return lambda user, surface="invoice": Browser(user, surface)


@pytest.fixture
def open_form(browse, deal_id):
    """open_form(tenant, title) -> (browser, the fields as they stand when the form opens, the page)"""

    def make(tenant, title=RACKING, user=None):
        browser = browse(user or tenant.user, "invoice")
        answer = browser.get("/embed/invoice/form", {"deal": deal_id(tenant, title)})
        assert answer.status_code == 200, answer.content.decode()
        page = Page(answer)
        return browser, page.fields(), page

    return make


@pytest.fixture
def fill_in(open_form, control):
    """fill_in(tenant, title) -> (browser, fields): a form that QuickBooks can take: every line has an item."""

    def make(tenant, title=RACKING, **changes):
        browser, fields, _ = open_form(tenant, title)
        item = next(
            item["Id"]
            for item in control.books(tenant.realm)["items"]
            if item["Type"] == "Service" and item["Active"] is not False
        )
        for key in fields["line"] if isinstance(fields["line"], list) else [fields["line"]]:
            fields[f"{key}-item"] = fields[f"{key}-item"] or item
        return browser, fields | changes

    return make


@pytest.fixture
def desk(browse):
    """desk(user) -> the page as this user sees it"""
    return lambda user: Page(browse(user, "settings").get(DESK))


@pytest.fixture
def refuse(harbour, open_form, control):
    """refuse(RACKING, "Site survey", user=…): an invoice that QuickBooks refused because that item became inactive."""

    def make(title, item="Site survey", user=None, **fields):
        browser, sent, _ = open_form(harbour, title, user=user)
        for key in sent["line"] if isinstance(sent["line"], list) else [sent["line"]]:
            sent[f"{key}-item"] = item_id(harbour, item)
        assert browser.post(CREATE, sent | fields).status_code == 200
        invoice = Invoice.objects.latest("pk")
        control.book(harbour.realm, "deactivate_item", id=item_id(harbour, item))
        submit(invoice)
        assert (invoice.submission, invoice.refusal["code"]) == (Submission.REJECTED, "610")
        control.book(harbour.realm, "activate_item", id=item_id(harbour, item))
        return invoice

    return make


@pytest.fixture
def stored(company, user):
    """stored(**columns) -> an intent of this user's, for a new customer, over £120.00"""

    def make(*, draft=None, **columns):
        content = to_json(draft or a_draft(deal_id=DEAL, expected_total=D("120.00")))
        values = {"deal_id": DEAL, "created_by_id": user.user_id} | columns
        return make_pending_invoice(company, content, **values)

    return make


@pytest.fixture
def watch(browse, user):
    """watch(invoice) -> its result as the person sees it"""
    return lambda invoice, **query: Page(browse(user).get(address(invoice), query))


@pytest.fixture(params=["in memory", "stand-in"])
def case(request):
    """A gateway in memory, and QuickBooks' own on the stand-in; see `gateway_cases`."""
    if request.param == "in memory":
        return InMemory(FakeInvoiceGateway(), "1", "2", "79")
    tenant = request.getfixturevalue("connect")("GB")
    item = next(item for item in reference.items(tenant.company) if item.active and item.name == "Installation")
    code = next(code for code in reference.tax_codes(tenant.company) if code.name == "20.0% S")
    gateway = QuickBooksGateway(tenant.quickbooks)
    account = reference.income_accounts(tenant.company)[0]
    return StandIn(gateway, item.id, code.id, account.id, request.getfixturevalue("control"), tenant.realm)
