"""Wrong or missing configuration, one clear line each. `starting.refuse_wrong_configuration` runs them before serving.

E001 a setting is missing or malformed      E002 a key of TOKEN_ENCRYPTION_KEYS is none
E003 stored tokens cannot be read           E004 PIPEDRIVE_WEB_URL has no place for the company
E005 a public address without https         E006 PIPEDRIVE_API_HOSTS accepts everything
E007 DEBUG at a public address
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet, InvalidToken
from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError, connections

from integration_settings.crypto import decrypt

ID = "integration_settings.{}"
Apps = Sequence[AppConfig] | None


@register(Tags.compatibility)
def configuration(app_configs: Apps, **kwargs: Any) -> list[CheckMessage]:
    return [Error(problem, id=ID.format("E001")) for problem in settings.CONFIGURATION_PROBLEMS]


@register(Tags.security)
def encryption_keys(app_configs: Apps, **kwargs: Any) -> list[CheckMessage]:
    """A key is named by its place only: it must not get into a log."""
    problems: list[CheckMessage] = []
    for place, key in enumerate(settings.TOKEN_ENCRYPTION_KEYS, start=1):
        try:
            Fernet(key)
        except ValueError:
            text = f"TOKEN_ENCRYPTION_KEYS: key {place} is not 32 bytes in URL-safe base64; see docs/operating.md."
            problems.append(Error(text, id=ID.format("E002")))
    return problems


@register(Tags.database)
def stored_tokens_readable(app_configs: Apps, databases: Sequence[str] | None = None, **kwargs: Any) -> Any:
    """With other keys than yesterday's every connection would seem lost, and be marked so. Better not to start."""
    if not databases or "default" not in databases or encryption_keys(None) or not settings.TOKEN_ENCRYPTION_KEYS:
        return []
    for ciphertext in _some_stored_tokens():
        try:
            decrypt(ciphertext)
        except InvalidToken:
            text = "TOKEN_ENCRYPTION_KEYS: the stored tokens were encrypted with a key that is not among these."
            return [Error(text, id=ID.format("E003"))]
    return []


@register(Tags.urls)
def web_address_template(app_configs: Apps, **kwargs: Any) -> list[CheckMessage]:
    if "{company_domain}" in settings.PIPEDRIVE_WEB_URL:
        return []
    text = "PIPEDRIVE_WEB_URL must contain {company_domain}, as in https://{company_domain}.pipedrive.com."
    return [Error(text, id=ID.format("E004"))]


@register(Tags.security)
def https_for_the_public(app_configs: Apps, **kwargs: Any) -> list[CheckMessage]:
    """Both vendors refuse public addresses without https; this machine's own may do without."""
    names = ("APP_URL", "PIPEDRIVE_OAUTH_URL", "PIPEDRIVE_WEB_URL", "QUICKBOOKS_API_URL", "QUICKBOOKS_DISCOVERY_URL")
    return [
        Error(f"{name} must begin with https://, it is {getattr(settings, name)}.", id=ID.format("E005"))
        for name in names
        if urlsplit(getattr(settings, name)).scheme == "http" and not _is_local(getattr(settings, name))
    ]


@register(Tags.security)
def api_hosts_are_narrow(app_configs: Apps, **kwargs: Any) -> list[CheckMessage]:
    bad = [entry for entry in settings.PIPEDRIVE_API_HOSTS if entry.count(".") < 2 and entry.startswith(".")]
    if settings.PIPEDRIVE_API_HOSTS and not bad:
        return []
    text = "PIPEDRIVE_API_HOSTS must name hosts (127.0.0.1) or suffixes of two parts at least (.pipedrive.com)."
    return [Error(text, id=ID.format("E006"))]


@register(Tags.security)
def no_debug_for_the_public(app_configs: Apps, **kwargs: Any) -> list[CheckMessage]:
    """Its pages show source, settings and the values of the moment to whoever meets a fault: tokens, and customers."""
    if not settings.DEBUG or _is_local(settings.APP_URL):
        return []
    return [Error(f"DEBUG must be off where APP_URL is {settings.APP_URL}.", id=ID.format("E007"))]


def _is_local(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _some_stored_tokens() -> list[str]:
    """A few ciphertexts as they stand in the tables, of grants that were not written anew for longest; none when the
    tables are not there yet.
    """
    found: list[str] = []
    for table in ("integration_settings_pipedriveuser", "integration_settings_quickbooksconnection"):
        oldest = f"SELECT refresh_token FROM {table} WHERE refresh_token <> '' ORDER BY refreshed_at LIMIT 3"  # noqa: S608  # one of two names of ours
        try:
            with connections["default"].cursor() as cursor:
                cursor.execute(oldest)
                found += [row[0] for row in cursor.fetchall()]
        except DatabaseError:
            continue
    return found
