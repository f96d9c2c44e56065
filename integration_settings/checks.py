"""Wrong or missing configuration, one clear line each. `starting.refuse_wrong_configuration` runs them before serving.

E001 a setting is missing or malformed      E002 a key of TOKEN_ENCRYPTION_KEYS is none
E003 stored tokens cannot be read           E004 PIPEDRIVE_WEB_URL has no place for the company
E005 a public address without https         E006 PIPEDRIVE_API_HOSTS names no host, or all
E007 DEBUG at a public address              E010 PIPEDRIVE_FRAME_ANCESTORS names no origin, or all
At a public address: E008 a key for signing that can be guessed; E009 ALLOWED_HOSTS names all, or not ours
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import InvalidToken
from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError, connections
from django.http.request import validate_host

from integration_settings.api_hosts import is_loopback
from integration_settings.crypto import decrypt

ID = "integration_settings.{}"
LONG_ENOUGH, DIFFERENT_ENOUGH = 50, 5  # characters: as Django's own check, which only warns
FERNET_KEY = re.compile(r"[A-Za-z0-9_+/-]{43}=")
HOST = re.compile(r"\.[a-z0-9-]+(\.[a-z0-9-]+)+|[a-z0-9-]+(\.[a-z0-9-]+)*|[0-9a-f:]+")
ORIGIN = re.compile(r"https?://(\*(\.[a-z0-9-]+){2,}|[a-z0-9-]+(\.[a-z0-9-]+)*)(:(\d+|\*))?", re.IGNORECASE)
Apps = Sequence[AppConfig] | None


@register(Tags.compatibility)
def configuration(app_configs: Apps, **kwargs: Any) -> list[CheckMessage]:
    return [Error(problem, id=ID.format("E001")) for problem in settings.CONFIGURATION_PROBLEMS]


@register(Tags.security)
def encryption_keys(app_configs: Apps, **kwargs: Any) -> list[CheckMessage]:
    """A key is named by its place only: it must not get into a log."""
    if not settings.TOKEN_ENCRYPTION_KEYS and not _is_told_of("TOKEN_ENCRYPTION_KEYS"):
        return [Error("TOKEN_ENCRYPTION_KEYS holds no key; see docs/operating.md.", id=ID.format("E002"))]
    text = "TOKEN_ENCRYPTION_KEYS: key {} is not 32 bytes in URL-safe base64; see docs/operating.md."
    return [
        Error(text.format(place), id=ID.format("E002"))
        for place, key in enumerate(settings.TOKEN_ENCRYPTION_KEYS, start=1)
        if not FERNET_KEY.fullmatch(key)  # Fernet itself passes over what is no base64, a second key with it
    ]


@register(Tags.database)
def stored_tokens_readable(app_configs: Apps, databases: Sequence[str] | None = None, **kwargs: Any) -> Any:
    """With other keys than yesterday's every connection would seem lost, and be marked so. Better not to start."""
    if not databases or "default" not in databases or encryption_keys(None) or not settings.TOKEN_ENCRYPTION_KEYS:
        return []
    for ciphertext in _some_stored_tokens():
        try:
            decrypt(ciphertext)
        except InvalidToken:
            text = "TOKEN_ENCRYPTION_KEYS: the stored tokens were encrypted with a key that is not among these; "
            return [Error(f"{text}see docs/operating.md.", id=ID.format("E003"))]
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
    names = (
        "APP_URL",
        "PIPEDRIVE_OAUTH_URL",
        "PIPEDRIVE_WEB_URL",
        "QUICKBOOKS_API_URL",
        "QUICKBOOKS_DISCOVERY_URL",
        "QUICKBOOKS_WEB_URL",
    )
    return [
        Error(f"{name} must begin with https://, it is {getattr(settings, name)}.", id=ID.format("E005"))
        for name in names
        if urlsplit(getattr(settings, name)).scheme == "http" and not _is_local(getattr(settings, name))
    ]


@register(Tags.security)
def api_hosts_are_narrow(app_configs: Apps, **kwargs: Any) -> list[CheckMessage]:
    if settings.PIPEDRIVE_API_HOSTS and all(HOST.fullmatch(entry) for entry in settings.PIPEDRIVE_API_HOSTS):
        return []
    text = "PIPEDRIVE_API_HOSTS must name hosts (127.0.0.1) or suffixes of two parts at least (.pipedrive.com)."
    return [Error(text, id=ID.format("E006"))]


@register(Tags.security)
def only_known_hosts_frame(app_configs: Apps, **kwargs: Any) -> list[CheckMessage]:
    """The entries become a header: a semicolon in one would begin another rule, a line break end every answer."""
    if settings.PIPEDRIVE_FRAME_ANCESTORS and all(
        ORIGIN.fullmatch(each) for each in settings.PIPEDRIVE_FRAME_ANCESTORS
    ):
        return []
    text = "PIPEDRIVE_FRAME_ANCESTORS must name origins such as https://*.pipedrive.com, with commas between."
    return [Error(text, id=ID.format("E010"))]


@register(Tags.security)
def signing_keys_are_long(app_configs: Apps, **kwargs: Any) -> list[CheckMessage]:
    """Whoever guesses one signs page tokens for every company; on this machine alone there is nobody to guess."""
    if _is_local(settings.APP_URL):
        return []
    keys = {"SECRET_KEY_FALLBACKS": settings.SECRET_KEY_FALLBACKS}
    if not _is_told_of("SECRET_KEY"):
        keys["SECRET_KEY"] = [settings.SECRET_KEY]
    text = f"{{}} must be a random text of {LONG_ENOUGH} characters or more; see docs/operating.md."
    return [
        Error(text.format(name), id=ID.format("E008"))
        for name, values in keys.items()
        if any(len(value) < LONG_ENOUGH or len(set(value)) < DIFFERENT_ENOUGH for value in values)
    ]


@register(Tags.security)
def visitors_find_us(app_configs: Apps, **kwargs: Any) -> list[CheckMessage]:
    """With an entry that is no host, or without our own, every page would be a 400."""
    if _is_local(settings.APP_URL):
        return []
    host = urlsplit(settings.APP_URL).hostname or ""
    if "*" in settings.ALLOWED_HOSTS:
        return [Error("ALLOWED_HOSTS must name hosts; “*” would let in any.", id=ID.format("E009"))]
    if _is_told_of("APP_URL") or validate_host(host, settings.ALLOWED_HOSTS):
        return []
    text = f"ALLOWED_HOSTS must name the host of APP_URL, {host}, without scheme and port, with commas between several."
    return [Error(text, id=ID.format("E009"))]


@register(Tags.security)
def no_debug_for_the_public(app_configs: Apps, **kwargs: Any) -> list[CheckMessage]:
    """Its pages show source, settings and the values of the moment to whoever meets a fault: tokens, and customers."""
    if not settings.DEBUG or _is_local(settings.APP_URL):
        return []
    return [Error(f"DEBUG must be off where APP_URL is {settings.APP_URL}.", id=ID.format("E007"))]


def _is_told_of(name: str) -> bool:
    """The settings have found it wrong already."""
    return any(problem.startswith(f"{name} ") for problem in settings.CONFIGURATION_PROBLEMS)


def _is_local(address: str) -> bool:
    return is_loopback(urlsplit(address).hostname or "")


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
