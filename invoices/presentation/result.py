"""What became of a press of "Create invoice", as ready values: always one of created, not created, being verified."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from integration_settings import country_words
from integration_settings.formats import with_one_stop
from integration_settings.models import QuickBooksConnection
from integration_settings.rights import Right
from invoices.domain.actions import Action
from invoices.domain.draft import InvoiceDraft
from invoices.domain.money import is_rounding
from invoices.domain.names import clean_name
from invoices.domain.status import Submission
from invoices.models import Invoice
from invoices.presentation import refusals
from invoices.presentation.actions import Menu, Progress, found_done, menu_of, progress_of
from invoices.presentation.customer_update import told
from invoices.presentation.estimate import not_linked
from invoices.presentation.form import at_home
from invoices.presentation.panel_rows import second_line
from invoices.presentation.refusals import Explained
from invoices.presentation.say import Say
from invoices.selectors import InvoiceRow, refusal_of
from invoices.submission import given_up_at

SLOW, LONG = timedelta(seconds=4), timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Step:
    state: str  # "done", "current", "warning" or "" for still to come
    text: str


@dataclass(frozen=True, slots=True)
class Fact:
    label: str
    value: str
    note: str = ""
    note_tone: str = ""  # "positive", "warning" or "" for quiet
    strong: bool = False
    failed: bool = False
    copies: bool = False  # the payment link, which is asked for when somebody copies it


@dataclass(frozen=True, slots=True)
class ResultPage:
    """`state`: "sending", "waiting", "verifying", "created" or "refused"."""

    public_id: str
    state: str
    tone: str
    icon: str
    title: str
    text: str
    steps: tuple[Step, ...] = ()
    facts: tuple[Fact, ...] = ()
    refusal: Explained | None = None
    trace_id: str = ""
    code: str = ""
    quickbooks_url: str = ""
    small: str = ""
    reconnect: bool = False
    can_check: bool = False  # QuickBooks can be asked at once what became of it
    use_customer: str = ""  # name of the customer that has the name already and may be chosen instead
    note: str = ""
    menu: Menu | None = None  # what can be done with the invoice now
    emailed: bool = False
    doing: Progress | None = None  # what is being done with it, or why it was not

    @property
    def settled(self) -> bool:
        """Nothing of it will change by itself any more: neither the customer nor the invoice is being worked on."""
        if any(step.state == "current" for step in self.steps) or (self.doing and not self.doing.failed):
            return False
        return self.state in ("created", "refused")

    @property
    def digest(self) -> str:
        return hashlib.sha256(repr(self).encode()).hexdigest()[:16]

    @property
    def support_text(self) -> str:
        parts = (
            _("Intuit request id %(id)s") % {"id": self.trace_id} if self.trace_id else "",
            _("QuickBooks code %(code)s") % {"code": self.code} if self.code else "",
        )
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Story:
    """All that a result is told from."""

    invoice: Invoice
    draft: InvoiceDraft
    connection: QuickBooksConnection | None
    quickbooks_url: str
    now: datetime
    say: Say
    row: InvoiceRow
    rights: frozenset[Right] = frozenset(Right)
    trace_id: str = ""  # of the answer that brought the invoice
    writes_notes: bool = True  # into the deal's history, where the company wants that
    files: int = 0  # attached to it through us

    @property
    def customer(self) -> str:
        return self.invoice.customer_name or clean_name(self.draft.bill_to.name)

    @property
    def country(self) -> str:
        return self.connection.country if self.connection else ""

    @property
    def total(self) -> str:
        expected = self.draft.expected_total
        return self.say.amount(expected, self.draft.currency) if expected is not None else ""


def result_page(story: Story) -> ResultPage:
    page = _page_of_invoice(story)
    update = story.row.updating
    if update is None:
        return page
    progress = told(update, story.country)
    done = update.submission == Submission.SUCCEEDED
    step = Step("warning" if progress.failed else "done" if done else "current", progress.text)
    return replace(page, steps=(*page.steps, step))


def _page_of_invoice(story: Story) -> ResultPage:
    match story.invoice.submission:
        case Submission.SUCCEEDED:
            return _created(story)
        case Submission.REJECTED:
            return _refused(story)
        case Submission.UNKNOWN:
            return _verifying(story)
    if story.connection is None or not story.connection.is_connected:
        return _without_connection(story)
    return _sending(story)


def poll_after(page: ResultPage, invoice: Invoice, now: datetime, *, crowded: bool = False) -> int:
    """Milliseconds until the page asks again: at once while an answer is near, more calmly the longer it takes."""
    if is_fresh(invoice, now):
        return 100 if page.state == "sending" and not crowded else 300
    return 1000 if now - invoice.created_at < timedelta(seconds=20) and page.state == "sending" else 2500


def is_fresh(invoice: Invoice, now: datetime) -> bool:
    """Most answers are here within this time."""
    return now - invoice.created_at < timedelta(seconds=6)


# On the way


def _sending(story: Story) -> ResultPage:
    age = story.now - story.invoice.created_at
    if _next_try_in(story) > LONG.total_seconds():
        return _held_up(story)
    text = _("Usually two to four seconds. You can leave this window; it goes on without you.")
    if age > LONG:
        text = _("This is taking long. You can leave this window; it goes on without you.")
    elif age > SLOW:
        text = _("This takes longer than usual. You can leave this window; it goes on without you.")
    return ResultPage(
        public_id=str(story.invoice.public_id),
        state="sending",
        tone="accent",
        icon="",
        title=_("Creating the invoice for {customer}").format(customer=story.customer),
        text=text,
        steps=_steps_of_sending(story),
    )


def _steps_of_sending(story: Story) -> tuple[Step, ...]:
    customer_known = bool(story.invoice.customer_id) or not story.draft.bill_to.is_new
    if not story.draft.bill_to.is_new:
        customer = Step("done", _("Customer: {customer}").format(customer=story.customer))
    elif customer_known:
        customer = Step("done", _("Customer created: {customer}").format(customer=story.customer))
    else:
        customer = Step("current", _("Creating the customer, {customer}").format(customer=story.customer))
    sending = _("Sending the invoice, {total}").format(total=story.total) if story.total else _("Sending the invoice")
    new = [line for line in story.draft.lines if line.new_item]
    waits = customer_known and any(line.needs_new_item for line in new)
    names = dict.fromkeys(line.new_item for line in new)
    item_text = ngettext("Creating the item, {items}", "Creating the items: {items}", len(names))
    done = customer_known and not waits
    items = (
        [Step("current" if waits else "done" if done else "", item_text.format(items=", ".join(names)))] if new else []
    )
    return (
        customer,
        *items,
        Step("current" if done else "", sending),
        Step("", _("Comparing the totals")),
        *([Step("", _("Writing the note on the deal"))] if story.writes_notes else []),
    )


def _next_try_in(story: Story) -> float:
    due = story.invoice.next_attempt_at
    return (due - story.now).total_seconds() if due else 0


def _held_up(story: Story) -> ResultPage:
    """QuickBooks does not answer, or takes no more requests, and the invoice was certainly not sent: it waits."""
    until = given_up_at(story.invoice, story.connection)
    text = _("QuickBooks has not taken it yet. Your entries are kept, and we try again until {time}.")
    return ResultPage(
        public_id=str(story.invoice.public_id),
        state="waiting",
        tone="info",
        icon="clock",
        title=_("The invoice for {customer} waits").format(customer=story.customer),
        text=with_one_stop(text.format(time=story.say.moment(until))),
        steps=(Step("current", _next_try_text(story, _("Invoice not sent to QuickBooks yet"))),),
        small=_("You can close this window. The answer appears on the deal’s panel."),
    )


def _without_connection(story: Story) -> ResultPage:
    return ResultPage(
        public_id=str(story.invoice.public_id),
        state="waiting",
        tone="info",
        icon="clock",
        title=_("The invoice for {customer} waits").format(customer=story.customer),
        text=_("QuickBooks is disconnected. The invoice is created once somebody signs in again."),
        small=_("You can close this window. The answer appears on the deal’s panel."),
        reconnect=True,
    )


def _verifying(story: Story) -> ResultPage:
    sent = story.say.since(story.invoice.sent_at or story.invoice.created_at, story.now, seconds=True)
    text = _(
        "QuickBooks did not answer in time. It may have saved the invoice; we ask until we know. "
        "There will never be two."
    )
    if story.row.former_books:
        asking = _("Another QuickBooks company is connected; the former one is asked once it is connected again")
    elif story.row.waiting:
        asking = _("QuickBooks is disconnected; we ask as soon as somebody signs in again")
    else:
        asking = _next_try_text(story, _("Asking QuickBooks for this invoice"))
    return ResultPage(
        public_id=str(story.invoice.public_id),
        state="verifying",
        tone="accent",
        icon="clock",
        title=_("We are checking whether the invoice exists"),
        text=text,
        steps=(
            Step("done", _("Invoice sent to QuickBooks, {time}").format(time=sent)),
            Step("warning", _("No answer in time")),
            Step("current", asking),
            Step("", _("Created or not created: you see it here and on the deal")),
        ),
        quickbooks_url=story.quickbooks_url,
        small=_("You can close this window. The answer appears on the deal’s panel."),
        reconnect=story.row.waiting,
        can_check=not (story.row.waiting or story.row.former_books),
    )


def _next_try_text(story: Story, doing: str) -> str:
    """Counted down in steps of five seconds."""
    seconds = math.ceil(max(_next_try_in(story), 0) / 5) * 5
    if seconds > 120 and story.invoice.next_attempt_at:
        return _("{doing}. Next try at {time}").format(doing=doing, time=story.say.clock(story.invoice.next_attempt_at))
    if not seconds:
        return _("{doing} now").format(doing=doing)
    # Translators: the first place is a whole sentence such as "Asking QuickBooks for this invoice"
    return _("{doing}. Next try in {seconds} s").format(doing=doing, seconds=story.say.number(seconds))


# The end


def _created(story: Story) -> ResultPage:
    invoice, say = story.invoice, story.say
    if invoice.deleted_on or invoice.voided_on:
        return _ended(story)
    number = invoice.number or _("without a number")
    due = say.day(invoice.due_date or story.draft.due_date)
    if _tax_was_added(story):
        text = _("For {customer}, due {date}. QuickBooks has added the sales tax.")
    elif story.writes_notes:
        text = _("For {customer}, due {date}. It is on the deal’s panel and soon in its history.")
    else:
        text = _("For {customer}, due {date}. It is on the deal’s panel.")
    menu = menu_of(story.row, say, story.rights)
    return ResultPage(
        menu=menu,
        emailed=story.row.emailed_on is not None,
        doing=progress_of(story.row.doing),
        public_id=str(invoice.public_id),
        state="created",
        tone="positive",
        icon="check",
        title=_("Invoice {number} is in QuickBooks").format(number=number),
        text=with_one_stop(text.format(customer=story.customer, date=due)),
        facts=_facts(story, with_link=bool(menu.link)),
        trace_id=story.trace_id,
        quickbooks_url=story.quickbooks_url,
    )


def _ended(story: Story) -> ResultPage:
    """It had been created, and somebody has voided or deleted it since."""
    row, invoice = story.row, story.invoice
    gone = invoice.deleted_on is not None
    number = invoice.number or _("No number")
    return ResultPage(
        menu=menu_of(row, story.say, story.rights),
        doing=progress_of(row.doing),
        public_id=str(invoice.public_id),
        state="created",
        tone="neutral",
        icon="trash" if gone else "void",
        title=found_done(Action.DELETE if gone else Action.VOID),
        text=f"{number} · {second_line(row, story.say, brief=False)}",
        facts=(Fact(_("Customer"), story.customer), *([_email(story)] if row.doing or row.emailed_on else [])),
        trace_id=story.trace_id,
        quickbooks_url="" if gone else story.quickbooks_url,
    )


def _tax_was_added(story: Story) -> bool:
    """Which the form could not know."""
    return story.country == "US" and bool(story.invoice.tax) and story.draft.expected_total is None


def _facts(story: Story, *, with_link: bool) -> tuple[Fact, ...]:
    invoice, say, currency = story.invoice, story.say, story.invoice.currency
    if invoice.total is None:
        return (Fact(_("Total"), _("QuickBooks has not reported an amount yet")), _email(story))
    total, tax = say.amount(invoice.total, currency), say.amount(invoice.tax or Decimal(0), currency)
    heading = country_words.tax_heading(story.country)
    customer = Fact(_("Customer"), story.customer, _("created in QuickBooks") if story.draft.bill_to.is_new else "")
    link = (Fact(_("Payment link"), "", copies=True),) if with_link else ()
    rest = (*_at_home(story), *_left_open(story), customer, *_estimate(story), *link, _email(story), *_files(story))
    if _tax_was_added(story):
        return (
            Fact(_("Before tax"), say.amount(invoice.total - (invoice.tax or Decimal(0)), currency)),
            Fact(heading, tax, _("calculated by QuickBooks")),
            Fact(_("Total"), total, strong=True),
            *rest,
        )
    note, tone = _compared(story)
    facts = [Fact(_("Total"), total, note, tone, strong=True)]
    if invoice.tax:
        facts.append(Fact(heading, tax))
    return (*facts, *rest)


def _at_home(story: Story) -> tuple[Fact, ...]:
    """What the books count it as, with the rate, where it is in another currency than theirs."""
    invoice, rate, home = story.invoice, story.draft.exchange_rate, story.connection and story.connection.home_currency
    if not (invoice.total and rate and home) or home == invoice.currency:
        return ()
    row, note = at_home(invoice.total, invoice.currency, rate, home, story.say)
    return (Fact(row.label, row.value, note),)


def _left_open(story: Story) -> tuple[Fact, ...]:
    """Where something is paid already: QuickBooks may use a customer's credits for a new invoice at once."""
    invoice = story.invoice
    if invoice.balance is None or invoice.balance == invoice.total:
        return ()
    left = story.say.amount(invoice.balance, invoice.currency) if invoice.balance else _("Nothing left to pay")
    return (Fact(pgettext("part of the deal", "Open"), left),)


def _files(story: Story) -> tuple[Fact, ...]:
    label = _("Files")
    if story.row.doing is not None and story.row.doing.kind == Action.ATTACH:
        progress = progress_of(story.row.doing)
        return (Fact(label, progress.text, failed=progress.failed),) if progress else ()
    attached = ngettext("{count} attached", "{count} attached", story.files)
    return (Fact(label, attached.format(count=story.say.number(story.files))),) if story.files else ()


def _estimate(story: Story) -> tuple[Fact, ...]:
    """What it is made from, and whether QuickBooks has kept that."""
    if not story.invoice.estimate_id:
        return ()
    number = story.invoice.estimate_number or _("without a number")
    if story.invoice.estimate_kept is False:
        return (Fact(_("Estimate"), number, not_linked(), "warning"),)
    return (Fact(_("Estimate"), number, _("linked and closed in QuickBooks") if story.invoice.estimate_kept else ""),)


def _email(story: Story) -> Fact:
    row, label = story.row, _("E-mail")
    if row.doing is not None and row.doing.kind == Action.SEND and (progress := progress_of(row.doing)):
        return Fact(label, progress.text, failed=progress.failed)
    if row.emailed_on is None:
        return Fact(label, _("Not sent yet"))
    sent = _("Sent on {date}").format(date=story.say.day(row.emailed_on))
    return Fact(label, f"{sent} · {row.email}" if row.email else sent)


def _compared(story: Story) -> tuple[str, str]:
    expected, total = story.draft.expected_total, story.invoice.total
    if expected is None or total is None:
        return "", ""
    if expected == total:
        return _("same as on the form"), "positive"
    if is_rounding(expected - total, story.invoice.currency):
        said = _("QuickBooks has {theirs}, the form had {ours}. QuickBooks rounds {tax} on the whole invoice.")
    else:
        said = _("QuickBooks has {theirs}, the form had {ours}. Perhaps a {tax} rate was changed there meanwhile.")
    return (
        said.format(
            theirs=story.say.amount(total, story.invoice.currency),
            ours=story.say.amount(expected, story.draft.currency),
            tax=country_words.tax_word(story.country),
        ),
        "warning",
    )


def _refused(story: Story) -> ResultPage:
    refusal = refusal_of(story.invoice)
    return ResultPage(
        public_id=str(story.invoice.public_id),
        state="refused",
        tone="negative",
        icon="close",
        title=_("The invoice was not created"),
        text=refusals.lead(refusal),
        refusal=refusals.explain(refusal, customer=story.customer),
        trace_id=refusal.trace_id if refusal else "",
        code=refusal.code if refusal and refusal.code.isdigit() else "",
        use_customer=refusal.customer if refusal and refusal.taken_by == "customer" and refusal.customer_id else "",
    )
