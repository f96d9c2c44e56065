"""Which hosts may be sent a Pipedrive token."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from django.conf import settings

PUBLIC_NAME = re.compile(r"([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.)+[a-z]{2,}")  # no number, and none of one word


class UntrustedHost(Exception):
    """The token answer names an API host that is not Pipedrive's."""


def checked_api_domain(text: str) -> str:
    """Scheme and host of the address that Pipedrive names for its API, when it is one of the hosts we accept.

    Tokens are sent there, so anything else raises `UntrustedHost`: user info, path, a foreign host, plain http.
    Loopback hosts that the setting names are the exception: any scheme, any port.
    """
    parts = urlsplit(text)
    try:
        port = parts.port
    except ValueError as error:
        raise UntrustedHost from error
    host = parts.hostname or ""
    if parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise UntrustedHost
    if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|[0-9a-f:]+", host) or not _host_accepted(host):
        raise UntrustedHost
    if is_loopback(host):
        if parts.scheme not in ("http", "https"):
            raise UntrustedHost
    elif parts.scheme != "https" or port not in (None, 443):
        raise UntrustedHost
    return f"{parts.scheme}://{parts.netloc.lower()}"


def checked_storage(text: str) -> str:
    """The address at which Pipedrive says that a file is kept, when it is one on the public network. No token goes
    there. Raises `UntrustedHost` for an address of another kind, so that nobody is led into our own network.
    """
    parts = urlsplit(text)
    host = parts.hostname or ""
    if _host_accepted(host) and is_loopback(host):
        return text
    if parts.scheme != "https" or "@" in parts.netloc or not PUBLIC_NAME.fullmatch(host):
        raise UntrustedHost
    return text


def _host_accepted(host: str) -> bool:
    return any(
        host.endswith(entry) and host != entry if entry.startswith(".") else host == entry
        for entry in settings.PIPEDRIVE_API_HOSTS
    )


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
