"""What every page here answers with: fragments that tell what went wrong, and who may be asked."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from integration_settings import formats
from integration_settings.errors import (
    AccessDenied,
    ConnectionExpired,
    NotFound,
    RateLimited,
    ServiceError,
    ServiceUnavailable,
    SubscriptionEnded,
)
from integration_settings.fault_words import shut_out_words, subscription_words
from integration_settings.formats import with_one_stop
from integration_settings.log_context import request_id
from integration_settings.rights import Right
from integration_settings.selectors import administrators_of
from integration_settings.tenancy import Visitor
from integration_settings.tickets import connect_url
from invoices import services
from invoices.models import Invoice
from invoices.presentation.panel import names_in_a_row
from invoices.presentation.rights import switched_off
from invoices.presentation.say import Say

log = logging.getLogger(__name__)

A_WHILE = 180  # seconds
MOST_OPTIONS = 20


@dataclass(frozen=True, slots=True)
class Problem:
    """Why there is nothing else to show. `tone` colours the sign; `again` offers another try."""

    tone: str
    icon: str
    title: str
    text: str
    status: int
    again: bool = False
    connect: bool = False
    code: str = ""


def seen(
    request: HttpRequest, visitor: Visitor, public_id: uuid.UUID, *, again_url: str = ""
) -> Invoice | HttpResponse:
    """The invoice, or the answer that says why it is not shown."""
    try:
        invoice = services.seen_invoice(visitor, public_id)
    except ServiceError as error:
        return problem_fragment(request, visitor, problem_of(error), again_url=again_url)
    return problem_fragment(request, visitor, not_seen()) if invoice is None else invoice


def address(name: str, *args: Any, **query: Any) -> str:
    path = reverse(name, args=args)
    return f"{path}?{urlencode(query)}" if query else path


def first_options(found: Sequence[object], counted: str) -> dict[str, Any]:
    """What a list of choices shows of all that was found. `counted` is read out, "3 items", or that there are more:
    whoever sees twenty and not the one he looks for would believe that it is not there.
    """
    more = ""
    if len(found) > MOST_OPTIONS:
        # Translators: below a list of choices that a search has found
        more = _("Only the first {count} are shown. Type more of the name to find the others.")
    more = more.format(count=say().number(MOST_OPTIONS))
    return {"options": found[:MOST_OPTIONS], "more": more, "announce": more or counted}


def say() -> Say:
    """Amounts and dates for the reader that the door has recognised."""
    reader = formats.reader()
    return Say(reader.locale, reader.zone, reader.own)


def admin_names(visitor: Visitor) -> tuple[str, ...]:
    return tuple(user.name for user in administrators_of(visitor.company))


def no_right(visitor: Visitor, right: Right) -> tuple[str, str]:
    """What is switched off for the visitor, and whom to ask."""
    return switched_off(right, names_in_a_row(admin_names(visitor)))


def problem_fragment(request: HttpRequest, visitor: Visitor, problem: Problem, *, again_url: str = "") -> HttpResponse:
    """The header lets the page swap it in although the status says that something is wrong."""
    context = {
        "problem": problem,
        "again_url": again_url if problem.again else "",
        "connect_url": connect_url(visitor.user) if problem.connect else "",
        "admins": names_in_a_row(admin_names(visitor)) if problem.connect else "",
        "in_modal": visitor.surface == "invoice",
    }
    response = render(request, "invoices/problem.html", context, status=problem.status)
    response["X-Fragment"] = "swap"
    return response


def words_for_script(fact: str, effect: str, status: int) -> JsonResponse:
    """What a script asked for cannot be had: the words for the page's own banner."""
    return JsonResponse({"fact": fact, "effect": effect}, status=status)


def not_seen() -> Problem:
    """For a deal that is not there or that the user may not see: the two look the same from here."""
    return Problem(
        "neutral",
        "search",
        _("This deal is not here for you"),
        _("It was deleted, or your Pipedrive does not let you see it. Ask its owner or an administrator."),
        404,
    )


def problem_of(error: ServiceError) -> Problem:
    """Words for a vendor's failure. The certain part is said: nothing was sent to QuickBooks by looking."""
    service = {"pipedrive": "Pipedrive", "quickbooks": "QuickBooks"}.get(error.service, error.service)
    if isinstance(error, ConnectionExpired):
        return _signed_out(error.service)
    if isinstance(error, SubscriptionEnded):
        return Problem("warning", "lock", *subscription_words(service), 402, again=True)
    if isinstance(error, NotFound | AccessDenied) and error.service == "pipedrive":
        return not_seen()
    if isinstance(error, AccessDenied):
        return Problem("negative", "lock", *shut_out_words(AccessDenied.__name__), 403, connect=True)
    return _passing(error, service)


def _passing(error: ServiceError, service: str) -> Problem:
    """What may be over when it is tried again; the code leads to it in the log."""
    log.warning("told to try again: %s", error)
    if isinstance(error, RateLimited):
        sign = ("warning", "clock")
        told = (_("{service} takes no more requests for now"), _when_again(error), 503)
    elif isinstance(error, ServiceUnavailable):
        sign = ("warning", "warning")
        told = (
            _("{service} does not answer right now"),
            _("Nothing was sent to QuickBooks. Try again in a moment."),
            503,
        )
    else:
        sign = ("negative", "error")
        told = (
            _("{service} refused to answer"),
            _("Nothing was sent to QuickBooks. If it happens again, write to us and quote the code below."),
            502,
        )
    title, text, status = told
    return Problem(*sign, title.format(service=service), text, status, again=True, code=request_id.get())


def _when_again(error: RateLimited) -> str:
    """A limit of seconds, or of the day (Pipedrive) or month (QuickBooks), which trying again does not shorten."""
    if error.retry_after <= A_WHILE:
        return _("Too many came at once. Nothing is lost; try again in a minute.")
    until = say().moment(timezone.now() + timedelta(seconds=error.retry_after))
    if error.service == "pipedrive":
        # Translators: Pipedrive gives a company so many requests a day, for all its apps together.
        said = _(
            "Your company’s requests to Pipedrive are used up for today. "
            "The app asks again from {time}. Nothing is lost."
        )
    else:
        said = _("Too many came already. It takes them again from {time}. Nothing is lost.")
    return with_one_stop(said.format(time=until))


def _signed_out(service: str) -> Problem:
    if service == "pipedrive":
        return Problem(
            "negative",
            "link",
            _("Pipedrive no longer lets the app in"),
            _("The app was removed for you, or its permission has run out. Install it again from the Marketplace."),
            403,
        )
    return Problem(
        "negative",
        "link",
        _("QuickBooks is disconnected"),
        _("New invoices can be created once somebody signs in again. Nothing you saved is lost."),
        409,
        connect=True,
    )


def not_connected() -> Problem:
    return Problem(
        "accent",
        "link",
        _("QuickBooks is not connected"),
        _("A Pipedrive administrator connects it once for everyone."),
        409,
        connect=True,
    )
