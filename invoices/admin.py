"""The operator's page: what failed or waits, without customers' data, and a way to try again at once."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from integration_settings.admin import OF_COMPANY, ReadOnly
from invoices import tasks
from invoices.attention import invoice_of
from invoices.domain.status import Submission
from invoices.models import CustomerUpdate, Intent, Invoice, InvoiceAction, QuickBooksWrite, ReadyDeal

log = logging.getLogger(__name__)

if TYPE_CHECKING:
    TabularInline = admin.TabularInline[QuickBooksWrite, Invoice]
else:
    TabularInline = admin.TabularInline


class WaitingPage(ReadOnly):
    """What QuickBooks was asked for and has not done; what it has done, for whoever looks for it. A refusal's code and
    trace id are shown; its words may hold a customer's name.
    """

    list_select_related: ClassVar[tuple[str, ...]] = ("company", "invoice__company__quickbooks")
    list_filter: ClassVar[tuple[str, ...]] = ("submission",)
    search_fields: ClassVar[tuple[str, ...]] = (*OF_COMPANY, "=request_id", "=invoice__public_id")
    actions = ("try_again_now",)
    progress = ("submission", "why", "trace_id", "attempts", "next_attempt_at", "sent_at", "settled_at")

    def get_search_results(self, request: HttpRequest, rows: QuerySet[Any], term: str) -> tuple[QuerySet[Any], bool]:
        found, twice = super().get_search_results(request, rows, term)
        return (found if self._looks_for(request) else found.exclude(submission=Submission.SUCCEEDED)), twice

    def _looks_for(self, request: HttpRequest) -> bool:
        """A search or a filter names what it is about: then what was done is there, too."""
        return any(request.GET.get(name) for name in ("q", *self.list_filter))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        which = "found" if self._looks_for(request) else "that failed or wait"
        title = f"{self.opts.verbose_name_plural} {which}".capitalize()
        return super().changelist_view(request, {"title": title} | (extra_context or {}))

    @admin.display(description="why not")
    def why(self, row: Intent) -> str:
        if row.is_settled or (row.refusal or {}).get("code"):
            return (row.refusal or {}).get("code") or "–"
        invoice = invoice_of(row)
        connection = getattr(invoice.company, "quickbooks", None)
        if connection is None or not connection.is_connected:
            return "nobody is signed in"
        return "–" if connection.realm_id == invoice.realm_id else "other books are connected"

    @admin.display(description="trace id")
    def trace_id(self, row: Intent) -> str:
        return (row.refusal or {}).get("trace_id") or "–"

    @admin.action(description="Try again now", permissions=["retry"])
    def try_again_now(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        """Never a refused one: the person it belongs to may have made another since, from the same form."""
        row_ids = list(rows.values_list("pk", flat=True))
        waiting = tasks.try_again_now(self.model, row_ids)
        log.info("operator %s tries again now: %s %s", request.user.pk, self.opts.model_name, row_ids)
        if waiting:
            messages.success(request, f"{waiting} of {len(row_ids)} are tried again now.")
        if waiting < len(row_ids):
            others = "The others are under way, done or refused; what was refused is corrected in its deal."
            messages.warning(request, others if waiting else f"None was waiting. {others}")

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return bool(getattr(request.user, "is_superuser", False))


class Writes(TabularInline):
    """The calls that wrote, as the history in the app tells them, for whoever comes with an id of Intuit's."""

    model = QuickBooksWrite
    verbose_name_plural = "calls that wrote to QuickBooks"
    fields = ("begun_at", "kind", "outcome", "code", "trace_id", "request_id", "tries", "ended_at")
    readonly_fields = fields
    ordering = ("begun_at", "pk")
    can_delete = False
    extra = max_num = 0


@admin.register(Invoice)
class InvoicePage(WaitingPage):
    list_display = ("deal_id", "company_name", "created_at", "in_quickbooks", *WaitingPage.progress)
    list_filter = ("submission", "note_problem")
    list_select_related = ("company__quickbooks",)
    fields = (
        "public_id",
        "company",
        *list_display,
        "voided_on",
        "deleted_on",
        "realm_id",
        "qbo_invoice_id",
        "request_id",
        "lease_until",
        "qbo_updated_at",
        "checked_at",
        "note_due_at",
        "note_problem",
    )
    inlines = (Writes,)
    search_fields = (
        *OF_COMPANY,
        "=public_id",
        "=deal_id",
        "=number",
        "=request_id",
        "=writes__request_id",
        "=writes__trace_id",
    )
    ordering = ("-created_at",)

    @admin.display(description="in QuickBooks", ordering="number")
    def in_quickbooks(self, invoice: Invoice) -> str:
        """For whoever looks for one that is missing: mostly somebody has deleted it there."""
        if not invoice.qbo_invoice_id:
            return "–"
        gone = "deleted" if invoice.deleted_on else "voided" if invoice.voided_on else ""
        return ", ".join(filter(None, (invoice.number or "without a number", gone)))


@admin.register(ReadyDeal)
class ReadyDealPage(ReadOnly):
    """Deals that a rule of their company has found, and what has become of each."""

    list_display = (
        "deal_id",
        "company_name",
        "found_at",
        "outcome",
        "why",
        "next_attempt_at",
        "attempts",
        "put_away_at",
    )
    list_filter = ("why", "outcome")
    list_select_related = ("company",)
    fields = ("company", *list_display, "pipeline_id", "when", "invoice")
    search_fields = (*OF_COMPANY, "=deal_id")
    ordering = ("-found_at",)


@admin.register(InvoiceAction)
class InvoiceActionPage(WaitingPage):
    list_display = ("kind", "company_name", "asked_at", *WaitingPage.progress)
    fields = ("company", "invoice", *list_display, "request_id", "lease_until")
    ordering = ("-asked_at",)


@admin.register(CustomerUpdate)
class CustomerUpdatePage(WaitingPage):
    list_display = ("id", "company_name", *WaitingPage.progress)
    fields = ("company", "invoice", *list_display, "customer_id", "request_id", "lease_until")
    ordering = ("-id",)
