"""The operator's page: what failed or waits, without customers' data, and a way to try again at once."""

from __future__ import annotations

import logging
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from integration_settings.admin import ReadOnly
from invoices import tasks
from invoices.domain.status import Submission
from invoices.models import CustomerUpdate, Intent, Invoice, InvoiceAction

log = logging.getLogger(__name__)


class WaitingPage(ReadOnly):
    """What QuickBooks was asked for and has not done. A refusal's code and trace id are shown; its words may hold
    a customer's name.
    """

    list_select_related: ClassVar[tuple[str, ...]] = ("company",)
    list_filter = ("submission",)
    actions = ("try_again_now",)
    progress = ("submission", "why", "trace_id", "attempts", "next_attempt_at", "sent_at", "settled_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).exclude(submission=Submission.SUCCEEDED)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        title = f"{self.opts.verbose_name_plural} that failed or wait".capitalize()
        return super().changelist_view(request, {"title": title} | (extra_context or {}))

    @admin.display(description="why not")
    def why(self, row: Intent) -> str:
        return (row.refusal or {}).get("code") or "–"

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
            others = "The others are under way or refused; what was refused is corrected in its deal."
            messages.warning(request, others if waiting else f"None was waiting. {others}")

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return bool(getattr(request.user, "is_superuser", False))


@admin.register(Invoice)
class InvoicePage(WaitingPage):
    list_display = ("deal_id", "company_name", "created_at", *WaitingPage.progress)
    fields = (
        "public_id",
        "company",
        *list_display,
        "realm_id",
        "qbo_invoice_id",
        "request_id",
        "lease_until",
        "note_problem",
    )
    search_fields = ("public_id", "company__name", "company__domain", "deal_id")
    ordering = ("-created_at",)


@admin.register(InvoiceAction)
class InvoiceActionPage(WaitingPage):
    list_display = ("kind", "company_name", "asked_at", *WaitingPage.progress)
    fields = ("company", "invoice", *list_display, "request_id", "lease_until")
    list_select_related = ("company", "invoice")
    ordering = ("-asked_at",)


@admin.register(CustomerUpdate)
class CustomerUpdatePage(WaitingPage):
    list_display = ("id", "company_name", *WaitingPage.progress)
    fields = ("company", "invoice", *list_display, "customer_id", "request_id", "lease_until")
    list_select_related = ("company", "invoice")
    ordering = ("-id",)
