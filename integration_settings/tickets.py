"""Who may start a sign-in to QuickBooks: the bearer of a one-time ticket, or the browser that is installing the app.

The sign-in runs in a tab of its own, where nobody is proven. The settings page therefore puts a signed ticket into its
link: it names company and user, works once and for ten minutes. A link can be passed on, so it alone is not enough to
connect anybody's books: unless this browser has just installed the app for that very company, a page names the company
first, and what it leads on to works in that browser only.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core import signing
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse

from integration_settings.models import PipedriveUser, UsedTicket
from integration_settings.sign_ins import SIGN_IN_LIFE, digest, mark_browser, mark_of

TICKET, CONFIRMED, INSTALLING = "quickbooks-ticket", "quickbooks-confirmed", "installing"


class TicketRefused(Exception):
    """No ticket, or one that is forged, too old, used, or of somebody who is gone."""


@dataclass(frozen=True, slots=True)
class Errand:
    """On whose behalf a QuickBooks sign-in begins. `nonce` is empty when the install under way is the reason."""

    user: PipedriveUser
    nonce: str = ""
    switch_to: str = ""
    switch_name: str = ""


def issue_ticket(user: PipedriveUser, *, switch_to: str = "", switch_name: str = "") -> str:
    content = {"u": user.pk, "n": secrets.token_urlsafe(16), "s": switch_to, "m": switch_name}
    return signing.dumps(content, salt=TICKET)


def connect_url(user: PipedriveUser, *, switch_to: str = "", switch_name: str = "") -> str:
    """A link that starts the sign-in in a tab of its own, with a ticket; "" for those who may not connect."""
    if not user.is_admin:
        return ""
    ticket = issue_ticket(user, switch_to=switch_to, switch_name=switch_name)
    return f"{reverse('quickbooks_connect')}?{urlencode({'ticket': ticket})}"


def errand_of_ticket(ticket: str) -> Errand:
    """Raises `TicketRefused`; a used ticket is refused only by `use_up`."""
    content = _read(ticket, TICKET)
    errand = Errand(_user(content["u"]), content["n"], content["s"], content["m"])
    if UsedTicket.objects.filter(nonce_digest=digest(errand.nonce)).exists():
        raise TicketRefused
    return errand


def use_up(errand: Errand) -> None:
    """Raises `TicketRefused` when somebody was faster."""
    if not errand.nonce:
        return
    try:
        with transaction.atomic():
            UsedTicket.objects.create(nonce_digest=digest(errand.nonce))
    except IntegrityError as error:
        raise TicketRefused from error


def confirmation_for(errand: Errand, mark: str) -> str:
    """Proof that this browser was shown whose books will be connected."""
    return signing.dumps({"n": errand.nonce, "b": digest(mark)}, salt=CONFIRMED)


def is_confirmed(request: HttpRequest, errand: Errand, confirmation: str) -> bool:
    try:
        content = _read(confirmation, CONFIRMED)
    except TicketRefused:
        return False
    return bool(content == {"n": errand.nonce, "b": digest(mark_of(request))})


def installing_cookie_name() -> str:
    return f"{settings.COOKIE_PREFIX}{INSTALLING}"


def remember_install(request: HttpRequest, response: HttpResponseBase, user: PipedriveUser) -> None:
    """Marks this browser as the one that installs for this company, for ten minutes and the sign-in's pages only.

    A sibling domain can give a browser such a cookie of another one, but not its mark, so it counts with the mark only.
    """
    mark = mark_of(request)
    mark_browser(response, mark)  # for as long as this
    response.set_cookie(
        installing_cookie_name(),
        signing.dumps({"u": user.pk, "b": digest(mark)}, salt=INSTALLING),
        max_age=SIGN_IN_LIFE,
        path="/quickbooks",
        httponly=True,
        secure=settings.SECURE_SITE,
        samesite="Lax",
    )


def forget_install(response: HttpResponseBase) -> None:
    response.delete_cookie(installing_cookie_name(), path="/quickbooks", samesite="Lax")


def errand_of_install(request: HttpRequest) -> Errand:
    """Raises `TicketRefused` when no install is under way in this browser."""
    content = _read(request.COOKIES.get(installing_cookie_name(), ""), INSTALLING)
    if content.get("b") != digest(mark_of(request)):
        raise TicketRefused
    return Errand(_user(content["u"]))


def installs_for(request: HttpRequest, errand: Errand) -> bool:
    """Whether this very browser has just installed the app for the errand's company."""
    try:
        return errand_of_install(request).user.company_id == errand.user.company_id
    except TicketRefused:
        return False


def _read(text: str, salt: str) -> dict[str, Any]:
    try:
        content: dict[str, Any] = signing.loads(text, salt=salt, max_age=SIGN_IN_LIFE)
    except signing.BadSignature as error:
        raise TicketRefused from error
    return content


def _user(pk: int) -> PipedriveUser:
    user = PipedriveUser.objects.select_related("company").filter(pk=pk).first()
    if user is None or not user.is_connected:
        raise TicketRefused
    return user
