"""The form against the books, country by country.

Each case is a deal that is put into Pipedrive as raw numbers, opened in the form, created and submitted. What then
stands in QuickBooks is compared with a calculation from the raw numbers that is written here and shares no code with
the app. The cases are just enough for every pair of values to meet.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest

from integration_settings.models import CompanySettings
from integration_settings.pipedrive_fields import pipedrive_fields
from invoices import tasks
from invoices.domain.status import Submission
from invoices.models import Invoice
from tests.invoices.fragments import Page

pytestmark = pytest.mark.django_db
D = Decimal

# Which cases


@dataclass(frozen=True)
class Case:
    books: str
    prices: str
    taxes: str
    off_lines: str
    off_deal: str
    currency: str
    source: str

    def __str__(self) -> str:
        return ", ".join(vars(self).values())

    @property
    def country(self):
        return self.books[:2]

    @property
    def code(self):
        homes = {"US": "USD", "GB": "GBP", "AU": "AUD", "CA": "CAD"}
        neighbours = {"GB": "EUR", "CA": "USD"}
        return {"home": homes[self.country], "neighbour": neighbours.get(self.country)}.get(
            self.currency, self.currency
        )


FACTORS = {
    "books": ("US automated", "US by hand", "GB", "AU", "CA"),
    "prices": ("exclusive", "inclusive", "none"),
    "taxes": ("one", "several", "free"),
    "off_lines": ("nothing off lines", "percentage off lines", "amount off lines"),
    "off_deal": ("nothing off deal", "percentage off deal", "amount off deal", "both off deal"),
    "currency": ("home", "neighbour", "JPY", "KWD"),
    "source": ("organization", "person", "custom", "missing"),
}


def pairwise() -> list[Case]:
    """Greedy: always the case that brings most pairs that were not there yet, the first of several."""
    possible = [
        case
        for case in itertools.starmap(Case, itertools.product(*FACTORS.values()))
        if case.currency == "home" or case.books in ("GB", "CA")  # where several currencies are on
    ]
    numbers: dict[tuple[tuple[str, str], ...], int] = {}
    masks = [
        sum(1 << numbers.setdefault(pair, len(numbers)) for pair in itertools.combinations(vars(case).items(), 2))
        for case in possible
    ]
    missing, chosen = (1 << len(numbers)) - 1, []
    while missing:
        best = max(range(len(possible)), key=lambda index: (masks[index] & missing).bit_count())
        chosen.append(possible[best])
        missing &= ~masks[best]
    return chosen


SALES_WITH_TAX_IN_THE_US = [
    Case(books, "inclusive", "several", off_lines, off_deal, "home", "person")
    for books in FACTORS["books"][:2]
    for off_lines, off_deal in zip(FACTORS["off_lines"], FACTORS["off_deal"][1:], strict=True)
]  # QuickBooks knows no such prices there: they are made before tax, and all discounts with them
CASES = list(dict.fromkeys([*pairwise(), *SALES_WITH_TAX_IN_THE_US]))

# The deal in raw numbers

QUANTITIES = ("3", "12.25", "1", "7")
PRICES = {"JPY": ("1999", "436", "25000", "99"), "KWD": ("19.995", "4.365", "250.125", "0.995")}
USUAL_PRICES = ("19.99", "4.36", "250.00", "0.99")
OFF_LINE = {"JPY": "333", "KWD": "3.335"}
OFF_DEAL = {"JPY": "1111", "KWD": "11.115"}
PERCENTAGE_OFF_LINE, PERCENTAGE_OFF_DEAL = D("7.5"), D("2.5")
TAXES = {
    "GB": ("20", "5", "0", "20"),
    "AU": ("10", "0", "10", "0"),
    "CA": ("13", "14.975", "12", "0"),
    "US": ("8", "0", "8", "0"),
}
PRODUCTS = (1, 3, 4, 5)  # in the United States the second has no item in QuickBooks, the others a taxable one
PARTS = {D("14.975"): ("5", "9.975"), D("12"): ("5", "7")}  # rates under one code
BY_HAND = ("6.25", "2.5", "1")  # the usual rate of that company
BY_STATE = {"organization": "10.3", "person": "8.25", "custom": "8.875", "missing": "10.25"}  # WA, TX, NY; at home, IL
HOME_UNITS = {
    ("GB", "EUR"): "0.8421", ("GB", "JPY"): "0.00498", ("GB", "KWD"): "2.4591",
    ("CA", "USD"): "1.3815", ("CA", "JPY"): "0.00921", ("CA", "KWD"): "4.4907",
}  # fmt: skip


@dataclass(frozen=True)
class RawLine:
    quantity: Decimal
    price: Decimal
    tax: Decimal
    off: Decimal
    off_is_percentage: bool

    @property
    def exact(self) -> Decimal:
        full = self.quantity * self.price
        return full - (full * self.off / 100 if self.off_is_percentage else self.off)


def raw_lines(case: Case) -> list[RawLine]:
    taxes = {"one": TAXES[case.country][:1] * 4, "several": TAXES[case.country], "free": ("0",) * 4}[case.taxes]
    percentage = case.off_lines.startswith("percentage")
    off = D(0)
    if case.off_lines.startswith("amount"):
        off = D(OFF_LINE.get(case.code, "3.33"))
    elif percentage:
        off = PERCENTAGE_OFF_LINE
    prices = PRICES.get(case.code, USUAL_PRICES)
    return [
        RawLine(D(quantity), D(price), D(tax), off, percentage)
        for quantity, price, tax in zip(QUANTITIES, prices, taxes, strict=True)
    ]


def raw_discounts(case: Case) -> list[tuple[str, Decimal]]:
    percentage, amount = ("percentage", PERCENTAGE_OFF_DEAL), ("amount", D(OFF_DEAL.get(case.code, "11.11")))
    kinds = {"nothing": [], "percentage": [percentage], "amount": [amount], "both": [percentage, amount]}
    return kinds[case.off_deal.split()[0]]


def raw_address(number, route, city, region, short, code, country):
    text = f"{number} {route}, {city} {code}, {country}"
    parts = {"street_number": number, "route": route, "locality": city, "admin_area_level_1": region or None}
    blank = dict.fromkeys(("subpremise", "sublocality", "admin_area_level_2"))
    stands = {"Line1": f"{number} {route}", "City": city, "CountrySubDivisionCode": short, "PostalCode": code}
    kept = {name: value for name, value in (stands | {"Country": country}).items() if value}
    return {"value": text, **parts, "country": country, "postal_code": code, **blank}, kept


PLACES = {
    "US": {
        "organization": raw_address("5", "Pine Street", "Seattle", "Washington", "WA", "98101", "United States"),
        "person": raw_address("8", "Mesa Road", "Austin", "Texas", "TX", "78701", "United States"),
        "custom": raw_address("9", "Dock Lane", "Albany", "New York", "NY", "12207", "United States"),
    },
    "GB": {
        "organization": raw_address("5", "Pine Street", "Leeds", "", "", "LS1 4AB", "United Kingdom"),
        "person": raw_address("8", "Mesa Road", "York", "", "", "YO1 9TA", "United Kingdom"),
        "custom": raw_address("9", "Dock Lane", "Hull", "", "", "HU1 1AA", "United Kingdom"),
    },
    "AU": {
        "organization": raw_address("5", "Pine Street", "Cairns", "Queensland", "QLD", "4870", "Australia"),
        "person": raw_address("8", "Mesa Road", "Perth", "Western Australia", "WA", "6000", "Australia"),
    },
    "CA": {
        "organization": raw_address("5", "Pine Street", "Toronto", "Ontario", "ON", "M5V 2T6", "Canada"),
        "person": raw_address("8", "Rue des Érables", "Montréal", "Québec", "QC", "H2W 2M4", "Canada"),
    },
}
ORGANIZATION, PERSON, OTHER_NAME = "Juniper Trading", "Robin Quill", "Juniper Trading, department 4"
EMAIL, OTHER_EMAIL, TAX_ID = "robin@juniper.example", "bills@juniper.example", "77 123 456 7"
CUSTOM_FIELDS = {  # recipient, address, e-mail, tax number; None where the company has no such field
    "GB": ("Customer PO", "Delivery address", "Billing e-mail", "VAT no."),
    "US": ("P.O. number", "Ship to", "Billing email", "Resale certificate"),
    "AU": ("Order reference", None, None, "ABN"),
    "CA": ("PO number", None, "Billing e-mail", "GST/HST number"),
}


def put_into_pipedrive(case: Case, tenant, control) -> int:
    """Rewrites the company's first deal; returns its id."""
    company_id = tenant.pair.pipedrive_company_id
    found = control.company(company_id)
    deal_id, deal = next(iter(found["deals"].items()))
    template = found["deal_products"][deal_id][0]
    rows = [
        template
        | {
            "id": 9000 + index, "product_id": product, "name": f"Part {index}", "quantity": float(line.quantity),
            "item_price": float(line.price), "discount": float(line.off),
            "discount_type": "percentage" if line.off_is_percentage else "amount", "tax": float(line.tax),
            "tax_method": case.prices, "sum": float(cut(line.exact, case.code)), "currency": case.code,
            "is_enabled": True, "order_nr": index,
        }
        for index, (line, product) in enumerate(zip(raw_lines(case), PRODUCTS, strict=True), start=1)
    ]  # fmt: skip
    discounts = [
        {"id": f"discount-{index}", "type": kind, "amount": float(value), "description": "", "deal_id": int(deal_id)}
        for index, (kind, value) in enumerate(raw_discounts(case))
    ]
    places, missing = PLACES[case.country], case.source == "missing"
    organization = {"name": ORGANIZATION, "address": None if missing else places["organization"][0]}
    emails = [{"value": EMAIL, "primary": True, "label": "work"}]
    changes = {
        "contact_sync": True,  # else persons have no postal address
        "deals": {deal_id: {"currency": case.code, **({"person_id": None} if missing else {})}},
        "organizations": {str(deal["org_id"]): organization},
        "persons": {str(deal["person_id"]): {"name": PERSON, "emails": emails, "postal_address": places["person"][0]}},
        "deal_products": {deal_id: rows},
        "discounts": {deal_id: discounts},
    }
    if case.source == "custom":
        put_custom_fields(case, tenant, changes, deal_id, str(deal["org_id"]))
    elif case.source != "organization":
        address = "organization.address" if missing else "person.postal_address"
        choose(tenant, recipient_field="person.name", address_field=address)
    control.change_company(company_id, changes)
    return int(deal_id)


def put_custom_fields(case: Case, tenant, changes, deal_id: str, organization_id: str) -> None:
    codes = {field.name: field.code for field in pipedrive_fields(tenant.user)}
    name, address, email, tax_id = (codes.get(wanted or "") for wanted in CUSTOM_FIELDS[case.country])
    values = {name: OTHER_NAME, email: OTHER_EMAIL, tax_id: TAX_ID}
    values[address] = PLACES[case.country]["custom"][0] if address else None
    owners = {"deal": changes["deals"][deal_id], "organization": changes["organizations"][organization_id]}
    for code, value in values.items():
        if code:
            owner, _, key = code.partition(".")
            owners[owner].setdefault("custom_fields", {})[key] = value
    choose(
        tenant,
        recipient_field=name,
        tax_id_field=tax_id,
        **({"address_field": address} if address else {}),
        **({"email_field": email} if email else {}),
    )


def choose(tenant, **fields) -> None:
    CompanySettings.objects.update_or_create(company=tenant.company, defaults=fields)


# What the books should say


def unit(currency: str) -> Decimal:
    return D(1).scaleb({"JPY": 0, "KWD": -3}.get(currency, -2))


def cut(amount: Decimal | Fraction, currency: str) -> Decimal:
    """Half up, to the currency's own decimals."""
    whole = amount if isinstance(amount, Decimal) else D(amount.numerator) / D(amount.denominator)
    return whole.quantize(unit(currency), ROUND_HALF_UP)


def is_taxable_in_the_us(line: RawLine, index: int) -> bool:
    return bool(line.tax) or index != 1  # else the item decides, and the second line has none of its own


def owed(case: Case) -> dict[str, object]:
    """By the rules that QuickBooks is taken to follow, with each rounding where it happens."""
    lines, discounts, currency = raw_lines(case), raw_discounts(case), case.code
    with_tax = case.prices == "inclusive"
    american = case.country == "US"
    untaxed = case.prices == "none" and not american
    shown = [cut(line.exact, currency) for line in lines]
    nets = list(shown)
    if with_tax:
        nets = [cut(amount / (1 + line.tax / 100), currency) for amount, line in zip(shown, lines, strict=True)]
    net, gross = sum(nets), sum(shown)
    discount = D(0)
    if len(discounts) == 1 and discounts[0][0] == "percentage":
        discount = cut(net * discounts[0][1] / 100, currency)
    elif discounts:
        off = sum(gross * value / 100 if kind == "percentage" else value for kind, value in discounts)
        discount = cut((off if american else cut(off, currency)) * net / gross, currency)
    groups: dict[object, list[Decimal]] = {}
    for index, (line, line_net, line_shown) in enumerate(zip(lines, nets, shown, strict=True)):
        group = groups.setdefault(is_taxable_in_the_us(line, index) if american else line.tax, [D(0), D(0)])
        group[0] += line_net
        group[1] += line_shown
    parts = dict(zip(groups, split(discount, [group[0] for group in groups.values()], currency), strict=True))
    taxes: dict[Decimal, Decimal] = {}
    if american:
        rates = BY_HAND if case.books == "US by hand" else (BY_STATE[case.source],)
        base = groups.get(True, [D(0)])[0] - parts.get(True, D(0))
        taxes = {D(rate): cut(base * D(rate) / 100, currency) for rate in rates}
    elif with_tax:
        for tax, (group_net, group_gross) in groups.items():
            left = group_net - parts[tax]
            both = group_gross - cut(group_gross * parts[tax] / group_net, currency) - left
            *first, last = (D(rate) for rate in PARTS.get(tax, (tax,)))
            for rate in first:
                amount = cut(left * rate / 100, currency)
                taxes[rate] = taxes.get(rate, D(0)) + amount
                both -= amount
            taxes[last] = taxes.get(last, D(0)) + both
    elif not untaxed:
        bases: dict[Decimal, Decimal] = {}
        for tax, (group_net, _) in groups.items():
            for rate in PARTS.get(tax, (tax,)):
                bases[D(rate)] = bases.get(D(rate), D(0)) + group_net - parts[tax]
        taxes = {rate: cut(base * rate / 100, currency) for rate, base in bases.items()}
    total = net - discount + sum(taxes.values())
    return {
        "net": net,
        "discount": discount,
        "taxes": {rate: tax for rate, tax in taxes.items() if tax},
        "total": total,
        "home": cut(total * D(HOME_UNITS.get((case.country, currency), "1")), "home"),
    }


def split(amount: Decimal, weights: list[Decimal], currency: str) -> list[Decimal]:
    """In proportion, down to the smallest coin; coins that are left go where most was cut off, the first if equal."""
    exact = [Fraction(amount) * Fraction(weight) / Fraction(sum(weights)) for weight in weights]
    coin = Fraction(unit(currency))
    coins = [int(part / coin) for part in exact]
    cut_off = [part / coin - whole for part, whole in zip(exact, coins, strict=True)]
    for _ in range(int(amount / unit(currency)) - sum(coins)):
        most = cut_off.index(max(cut_off))
        coins[most] += 1
        cut_off[most] = Fraction(-1)
    return [whole * unit(currency) for whole in coins]


def owed_without_rounding(case: Case) -> Fraction:
    """What a person works out on paper: no rule of QuickBooks is in it."""
    total = Fraction(0)
    lines, with_tax = raw_lines(case), case.prices == "inclusive"
    whole = sum(Fraction(line.exact) for line in lines)
    off = sum(whole * Fraction(v) / 100 if kind == "percentage" else Fraction(v) for kind, v in raw_discounts(case))
    for index, line in enumerate(lines):
        amount = Fraction(line.exact) * (1 - off / whole)
        tax = 1 + Fraction(line.tax) / 100
        if case.country == "US":
            rates = BY_HAND if case.books == "US by hand" else (BY_STATE[case.source],)
            rate = sum(Fraction(each) for each in rates) if is_taxable_in_the_us(line, index) else 0
            total += (amount / tax if with_tax else amount) * (1 + Fraction(rate) / 100)
        else:
            total += amount * tax if case.prices == "exclusive" else amount
    return total


def customer_expected(case: Case) -> dict[str, object]:
    places = PLACES[case.country]
    name = {"person": PERSON, "custom": OTHER_NAME}.get(case.source, ORGANIZATION)
    _, own_address, own_email, _ = CUSTOM_FIELDS[case.country]
    email, place, tax_id = EMAIL, places["organization"][1], None
    if case.source == "missing":
        email, place = None, None
    elif case.source == "person":
        place = places["person"][1]
    elif case.source == "custom":
        email = OTHER_EMAIL if own_email else EMAIL
        place = places["custom"][1] if own_address else place
        tax_id = TAX_ID if case.country != "US" else None
    return {"name": name, "email": email, "place": place, "tax_id": tax_id, "currency": case.code}


# What they do say


def number(value: object) -> Decimal:
    return D(str(value))


def booked(invoice) -> dict[str, object]:
    def amounts(kind):
        return sum((number(line["Amount"]) for line in invoice["Line"] if line["DetailType"] == kind), D(0))

    taxes: dict[Decimal, Decimal] = {}
    for line in invoice["TxnTaxDetail"].get("TaxLine", []):
        rate = number(line["TaxLineDetail"]["TaxPercent"])
        taxes[rate] = taxes.get(rate, D(0)) + number(line["Amount"])
    return {
        "net": amounts("SalesItemLineDetail"),
        "discount": amounts("DiscountLineDetail"),
        "taxes": {rate: tax for rate, tax in taxes.items() if tax},
        "total": number(invoice["TotalAmt"]),
        "home": number(invoice.get("HomeTotalAmt", invoice["TotalAmt"])),
    }


def customer_booked(books, customer) -> dict[str, object]:
    address = {name: part for name, part in customer.get("BillAddr", {}).items() if name != "Id"}
    return {
        "name": customer["DisplayName"],
        "email": customer.get("PrimaryEmailAddr", {}).get("Address"),
        "place": address or None,
        "tax_id": books["tax_ids"].get(f"{customer['Id']}.PrimaryTaxIdentifier"),
        "currency": customer["CurrencyRef"]["value"],
    }


def shown_total(page: Page) -> str:
    (whole,) = page.by_class("total__whole")
    return "".join(sign for sign in whole.text if sign.isdigit())


def digits(amount: Decimal, currency: str) -> str:
    return str(int(amount / unit(currency)))


@pytest.fixture
def tenant_of(connect, control):
    def make(case: Case):
        pair = control.clone(case.country)
        if case.books == "US by hand":
            control.book(pair.realm, "tax_by_hand")
        return connect(case.country, pair=pair)

    return make


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_books_say_what_the_deal_and_the_form_say(case, tenant_of, control, browse):
    tenant = tenant_of(case)
    deal_id = put_into_pipedrive(case, tenant, control)
    browser = browse(tenant.user)
    fields = Page(browser.get("/embed/invoice/form", {"deal": deal_id})).fields()
    assert fields["customer"] == "new"
    some_item = next(each["Id"] for each in control.books(tenant.realm)["items"] if each["Type"] == "Service")
    fields |= {f"{key}-item": fields[f"{key}-item"] or some_item for key in fields["line"]}
    fields["over_deal"] = "yes"  # the deal keeps the value it had before its lines were changed
    total_of_form = shown_total(Page(browser.post("/embed/invoice/preview", fields)))
    answer = browser.post("/embed/invoice/create", fields)
    assert answer.status_code == 200, Page(answer).by_id("errors").text
    row = Invoice.objects.get()
    tasks.submit_invoice(row.pk)
    row.refresh_from_db()
    assert row.submission == Submission.SUCCEEDED, row.refusal

    books = control.books(tenant.realm)
    (invoice,) = (each for each in books["invoices"] if each["Id"] == row.qbo_invoice_id)
    found, expected = booked(invoice), owed(case)
    assert found == expected
    assert abs(Fraction(found["total"]) - owed_without_rounding(case)) <= 4 * unit(case.code)
    by_quickbooks = case.books == "US automated"
    on_the_form = found["net"] - found["discount"] if by_quickbooks else found["total"]
    assert total_of_form == digits(on_the_form, case.code)
    assert row.draft["expected_total"] is None if by_quickbooks else D(row.draft["expected_total"]) == row.total
    (customer,) = (each for each in books["customers"] if each["Id"] == invoice["CustomerRef"]["value"])
    assert customer_booked(books, customer) == customer_expected(case)


def test_every_pair_of_values_meets_and_the_cases_stay_few():
    met = {pair for case in CASES for pair in itertools.combinations(vars(case).values(), 2)}
    alone = {
        (books, currency) for books in ("US automated", "US by hand", "AU") for currency in ("neighbour", "JPY", "KWD")
    }
    wanted = {
        pair
        for first, second in itertools.combinations(FACTORS.values(), 2)
        for pair in itertools.product(first, second)
    }
    assert met == wanted - alone
    assert len(CASES) <= 40
