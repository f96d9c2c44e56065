"""A sign-in under way: the `state` that goes round by the vendor, and the browser that began it.

A callback counts only if its state is one of ours, unused, younger than ten minutes, of the same service, and comes
from the browser that began. So nobody can be made to finish another person's sign-in.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from integration_settings.http import Service
from integration_settings.models import Company, SignIn
from integration_settings.selectors import hold_company

SIGN_IN_LIFE = timedelta(minutes=10)


class SignInRefused(Exception):
    """The callback does not belong to a sign-in that this browser began with us just now.

    `why` is one of: missing, unknown, used, stale, other_browser. `begun` is the round, when this browser began it.
    """

    def __init__(self, why: str, begun: SignIn | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.begun = begun


@dataclass(frozen=True, slots=True)
class StartedSignIn:
    state: str
    mark: str  # of this browser


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def browser_cookie_name() -> str:
    # The prefix makes browsers refuse such a cookie from a sibling domain; it needs https.
    return "__Host-sign-in" if settings.SECURE_SITE else "sign-in"


def mark_of(request: HttpRequest) -> str:
    """This browser's mark, a new one if it has none. Several sign-ins may be pending in one browser, so it is kept."""
    mark = request.COOKIES.get(browser_cookie_name(), "")
    return mark if re.fullmatch(r"[A-Za-z0-9_-]{43}", mark) else secrets.token_urlsafe(32)


def mark_browser(response: HttpResponseBase, mark: str) -> None:
    """First-party, and Lax because the vendors lead back by cross-site navigations."""
    response.set_cookie(
        browser_cookie_name(),
        mark,
        max_age=SIGN_IN_LIFE,
        httponly=True,
        secure=settings.SECURE_SITE,
        samesite="Lax",
    )


def start_sign_in(
    request: HttpRequest,
    service: Service,
    *,
    company: Company | None = None,
    user_id: int | None = None,
    switch_to: str = "",
) -> StartedSignIn:
    """Remembers a new round. `switch_to` is the realm that may take the place of the connected one.

    Raises `SignInRefused` when the company has uninstalled the app meanwhile.
    """
    started = StartedSignIn(secrets.token_urlsafe(32), mark_of(request))
    with transaction.atomic():
        if company is not None and not hold_company(company.pk):
            raise SignInRefused("unknown")
        SignIn.objects.create(
            state_digest=digest(started.state),
            service=service,
            browser_digest=digest(started.mark),
            company=company,
            user_id=user_id,
            switch_to=switch_to,
        )
    return started


def led_to(begun: SignIn, company: Company, user_id: int) -> None:
    """Whose installation came of the round, for whoever opens its link once more; nobody's when they left again."""
    with transaction.atomic():
        if hold_company(company.pk):
            SignIn.objects.filter(pk=begun.pk).update(company=company, user_id=user_id)


def finish_sign_in(request: HttpRequest, service: Service, state: str) -> SignIn:
    """The round that `state` belongs to, used up in the same moment; raises `SignInRefused`.

    The mark is checked before the state is used up: a callback opened in another browser must not spoil the real one.
    """
    if not state:
        raise SignInRefused("missing")
    begun = SignIn.objects.select_related("company").filter(state_digest=digest(state), service=service).first()
    if begun is None:
        raise SignInRefused("unknown")
    mark = request.COOKIES.get(browser_cookie_name(), "")
    if not secrets.compare_digest(begun.browser_digest, digest(mark)):
        raise SignInRefused("other_browser")
    now = timezone.now()
    if begun.created_at + SIGN_IN_LIFE < now:
        raise SignInRefused("stale", begun)
    if not SignIn.objects.filter(pk=begun.pk, used_at=None).update(used_at=now):
        raise SignInRefused("used", begun)
    return begun


def named_error(request: HttpRequest) -> str:
    """Why the consent gave no code, as a word for the log: whatever else the address says stays out of it."""
    error = request.GET.get("error", "")
    return error if re.fullmatch(r"[a-z_]{1,40}", error) else "no reason that we know"
