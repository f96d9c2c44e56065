"""Signing in at the operator's page: whoever guesses passwords is not listened to for some minutes.

Attempts are counted in the cache, for each account and each address, and before the password is looked at, so that many
at once are no way around it. Refused attempts do not prolong the time. What was counted is forgotten with a success.
"""

from __future__ import annotations

import hashlib
import ipaddress
import logging
from typing import Any

from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest

log = logging.getLogger(__name__)

MINUTES = 15
MOST = {"account": 5, "address": 20}
"""Attempts within `MINUTES` of the first one."""


class SignInForm(AdminAuthenticationForm):
    def clean(self) -> dict[str, Any]:
        counted = _keys(self.cleaned_data.get("username", ""), visitor_address(self.request))
        for what, key in counted.items():
            cache.add(key, 0, MINUTES * 60)
            if _count(key) > MOST[what]:
                log.warning("operator's page: a sign-in is refused, too many attempts at one %s", what)
                raise ValidationError(f"Too many attempts. Try again in {MINUTES} minutes.", code="too_many")
        try:
            cleaned: dict[str, Any] = super().clean()
        except ValidationError:
            log.warning("operator's page: a sign-in is refused")
            raise
        log.info("operator %s signed in", self.get_user().pk)
        for key in counted.values():
            cache.delete(key)
        return cleaned


def visitor_address(request: HttpRequest | None) -> str:
    """Whom our proxy saw, by the last entry of X-Forwarded-For, which it appends; without a proxy, who asks. Of an
    IPv6 address its network: one visitor has them all.
    """
    if request is None:
        return ""
    forwarded = request.headers.get("X-Forwarded-For", "") if settings.SECURE_SITE else ""
    asks = str(request.META.get("REMOTE_ADDR", ""))
    try:
        address = ipaddress.ip_address(forwarded.rpartition(",")[2].strip() or asks)
    except ValueError:
        return asks
    return str(ipaddress.ip_network((address, 64), strict=False) if address.version == 6 else address)


def _keys(username: str, address: str) -> dict[str, str]:
    """Digests: who tried to sign in is nothing for Redis."""
    parts = {"account": username.casefold(), "address": address}
    return {what: f"sign-in:{what}:{hashlib.sha256(text.encode()).hexdigest()}" for what, text in parts.items()}


def _count(key: str) -> int:
    try:
        return cache.incr(key)
    except ValueError:  # it ran out between the two calls
        cache.set(key, 1, MINUTES * 60)
        return 1
