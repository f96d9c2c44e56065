"""What the panel's customer owes, for whoever is about to bill it once more."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from integration_settings.errors import NotFound, ServiceError
from integration_settings.formats import with_one_stop
from integration_settings.rights import NotAllowed
from integration_settings.tenancy import Visitor, page_token_required
from invoices.customer_account import Account, account_of
from invoices.presentation.panel import what_is_owed
from invoices.views.answers import no_right, not_seen, problem_of, say
from invoices.views.panel import record_in, scene_of


@page_token_required
@require_safe
def account(request: HttpRequest, visitor: Visitor) -> HttpResponse:
    """GET /embed/panel/account: one read of QuickBooks, for the customer of the record whose panel is open."""
    record = record_in(request.GET.get("resource", ""), request.GET.get("id", ""))
    context: dict[str, object] = {}
    try:
        if record is None:
            raise NotFound("pipedrive", "no record of theirs")
        found = account_of(visitor, scene_of(visitor, record).party)
    except NotFound:
        context["problem"] = not_seen().title
    except NotAllowed as denied:
        context["problem"] = " ".join(no_right(visitor, denied.right))
    except ServiceError as error:
        context["problem"] = problem_of(error).title
    else:
        context |= _told(found) if found else {"problem": _("No QuickBooks customer linked yet")}
    return render(request, "invoices/panel_account.html", context)


def _told(found: Account) -> dict[str, object]:
    now, words = timezone.now(), say()
    count = ngettext("{count} open invoice", "{count} open invoices", found.invoices)
    # Translators: of a customer with a great many open invoices: "1,000 open invoices or more"
    counted = _("{invoices} or more") if found.at_least else "{invoices}"
    overdue = ""
    if found.since:
        # Translators: of what a customer owes: "£3,000.00 of it is overdue, the oldest since 3 Oct 2026"
        overdue = _("{amount} of it is overdue, the oldest since {day}")
        overdue = with_one_stop(overdue.format(amount=words.money(found.overdue), day=words.day(found.since)))
    return {
        "title": what_is_owed(found.customer),
        "open": words.money(found.open),
        "count": counted.format(invoices=count.format(count=words.number(found.invoices))),
        "overdue": overdue,
        "checked": _("Checked {time}").format(time=words.checked(found.read_at, now)),
    }
