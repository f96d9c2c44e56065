"""What the invoice form's templates show, part by part: ready values, no rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from django.utils.safestring import SafeString

from integration_settings.profile import Profile
from invoices.domain.tax import Totals
from invoices.exchange_rates import HomeRate
from invoices.form_memory import Memory, SeenCustomer
from invoices.forms import FormInput, LineInput, Lists
from invoices.presentation.customer_update import UpdateCard
from invoices.presentation.estimate import ChosenEstimate
from invoices.presentation.findings import Issue
from invoices.presentation.say import Say


@dataclass(frozen=True, slots=True)
class Why:
    icon: str
    tone: str  # "positive", "warning" or "" for quiet
    text: str


@dataclass(frozen=True, slots=True)
class CustomerCard:
    value: str
    name: str
    place: str
    checked: bool
    why: tuple[Why, ...]
    tag: str = ""
    tag_tone: str = "neutral"


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class OwnFieldInput:
    """A field that the company has added to its sales forms."""

    target: str
    name: str
    label: str
    value: str
    error: str


@dataclass(frozen=True, slots=True)
class LineRow:
    """`input` are the texts of the fields; `errors` by part of the line ("item", "quantity", "price" …)."""

    input: LineInput
    name: str
    item_text: str
    item_icon: str
    invoiced: str  # how much of it earlier invoices have
    reason: str  # of its tax code
    item_tax: str | None  # the code that is another one with another item, until a person chooses one; None: that stays
    codes: tuple[Choice, ...]  # of a Yes/No pair
    options: SafeString | str  # of the list of tax codes; the same for many lines, so made once
    amount: str
    errors: Mapping[str, str]
    labels: Mapping[str, str]  # names of the controls, each with the line's

    @property
    def key(self) -> str:
        return self.input.key

    @property
    def item_fault(self) -> bool:
        return self.item_icon == "error"

    @property
    def fault(self) -> bool:
        return self.input.ticked and (self.item_fault or bool(self.errors))


@dataclass(frozen=True, slots=True)
class TotalRow:
    label: str
    value: str
    is_text: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
    """The rail's total. `whole` is empty while a number cannot be read. `at_home` is the same in the books' currency,
    `rate` says how that was worked out.
    """

    rows: tuple[TotalRow, ...]
    label: str
    whole: str
    foot_note: str
    at_home: TotalRow | None = None
    rate: str = ""
    asks_rate: bool = False  # the page may ask QuickBooks for it


@dataclass(frozen=True, slots=True)
class Preflight:
    issues: tuple[Issue, ...]
    to_fix: int
    tag: str
    tag_tone: str
    checked: str
    foot: str


@dataclass(frozen=True, slots=True)
class FormPage:
    input: FormInput
    kept: str
    title: str
    customer_aside: str
    cards: tuple[CustomerCard, ...]
    new_card: CustomerCard
    is_new: bool
    remembered: str
    keeps_tax_ids: bool
    tax_id_label: str
    region_label: str
    postal_code_label: str
    email_hint: str
    details_aside: str
    currency: CurrencyField
    due_hint: str
    amounts_are: tuple[Choice, ...]
    preset: PresetField
    sales_taxes: tuple[Choice, ...]  # none: no rate is named for the whole invoice
    sales_tax_hint: str
    asks_number: bool
    own_fields: tuple[OwnFieldInput, ...]
    classes: tuple[Choice, ...]  # none: the company tracks no classes
    locations: tuple[Choice, ...]
    location_label: str
    asks_service_dates: bool
    opened: frozenset[str]  # what else than the usual has something in it: "copies", "private_note", "service_dates"
    tax_heading: str
    tax_mode: str  # "codes", "pair" or "none"
    decimals: int  # of the currency
    price_heading: str
    lines_aside: str
    line_labels: Mapping[str, str]  # patterns of the above; "{name}" is the place
    rows: tuple[LineRow, ...]
    empty_row: LineRow
    not_ticked: str
    discount_shown: bool
    discount_source: str
    discount_amount: str
    figures: Figures
    preflight: Preflight
    errors: tuple[Issue, ...] = ()  # told at the fields and in the summary, after a refused press
    error_title: str = ""
    at_field: Mapping[str, str] = field(default_factory=dict)  # sentence by element id
    first_focus: str = ""
    no_right: str = ""  # in place of "Create invoice"
    may_send: bool = True
    leave_text: str = ""  # what becomes of the entries when somebody leaves
    update_card: UpdateCard | None = None  # as it was ticked; without it the page asks for the customer's
    estimate: ChosenEstimate | None = None  # that the invoice is made from


@dataclass(frozen=True, slots=True)
class PresetField:
    """`choices` are none where the company keeps no presets; `kept` says what the chosen one left alone."""

    choices: tuple[Choice, ...]
    form_styles_url: str
    kept: str


@dataclass(frozen=True, slots=True)
class CurrencyField:
    code: str
    label: str
    locked: bool
    hint: str
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class Material:
    """All that a page is made from."""

    input: FormInput
    memory: Memory
    kept: str
    lists: Lists
    profile: Profile
    totals: Totals | None  # None while a number cannot be read
    amounts: Mapping[str, Decimal]  # of every row that can be read, ticked or not
    issues: tuple[Issue, ...]
    checked_at: datetime
    invoice_date: date
    due_date: date | None  # None while it or the invoice date cannot be read
    term_id: str  # of the customer, when the due date is by its terms
    say: Say
    form_styles_url: str
    seen: SeenCustomer | None = None
    no_right: str = ""  # why there is no "Create invoice", and who can change that
    may_send: bool = True
    home_rate: HomeRate | None = None  # None in the currency of the books
