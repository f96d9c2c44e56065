"""OAuth with both services: where to send the browser, and the token calls.

Nothing here stores a token; that is `connections`. That the browser comes back to us is proven in `sign_ins`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone
from intuitlib.client import AuthClient
from intuitlib.enums import Scopes
from intuitlib.exceptions import AuthClientError

from integration_settings import http
from integration_settings.api_hosts import checked_api_domain, is_loopback
from integration_settings.errors import OutcomeUnknown, ServiceError, ServiceUnavailable

TOKEN_CALL_SECONDS = 10.0  # the connection's row is locked meanwhile
ACCESS_LIFE = timedelta(hours=1)  # of both services, by their documents
PIPEDRIVE_REFRESH_LIFE = timedelta(days=60)  # counted from the last refresh
LONGEST_LIFE = 10 * 366 * 24 * 3600  # seconds, of anything: a grant of Intuit's ends after five years
DISCOVERY_LIFE, DISCOVERY_RETRY = 24 * 3600, 60


class InvalidGrant(Exception):
    """The service says that this code or refresh token is no good (any more)."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One answer of a token endpoint, with points in time instead of durations."""

    access_token: str
    refresh_token: str
    access_expires_at: datetime
    refresh_expires_at: datetime | None
    hard_expires_at: datetime | None = None
    api_domain: str = ""  # of Pipedrive; empty where a refresh names none: the one from before goes on counting

    def __repr__(self) -> str:  # a token must not get into a log by way of a traceback
        return f"<Grant until {self.access_expires_at:%Y-%m-%d %H:%M}>"


# --- Pipedrive: https://pipedrive.readme.io/docs/marketplace-oauth-authorization ------------------------------------


def pipedrive_redirect_uri() -> str:
    return f"{settings.APP_URL}/pipedrive/callback"


def pipedrive_consent_url(state: str) -> str:
    """Scopes are not in the address: they belong to the app's registration."""
    query = urlencode(
        {"client_id": settings.PIPEDRIVE_CLIENT_ID, "redirect_uri": pipedrive_redirect_uri(), "state": state}
    )
    return f"{settings.PIPEDRIVE_OAUTH_URL}/oauth/authorize?{query}"


def exchange_pipedrive_code(code: str) -> Grant:
    """Raises InvalidGrant, UntrustedHost, ServiceUnavailable."""
    body = {"grant_type": "authorization_code", "code": code, "redirect_uri": pipedrive_redirect_uri()}
    return _pipedrive_token(body, old_refresh_token="")


def refresh_pipedrive(refresh_token: str) -> Grant:
    """Raises InvalidGrant, UntrustedHost, ServiceUnavailable. The refresh token usually comes back unchanged."""
    return _pipedrive_token(
        {"grant_type": "refresh_token", "refresh_token": refresh_token}, old_refresh_token=refresh_token
    )


def _pipedrive_token(body: dict[str, str], *, old_refresh_token: str) -> Grant:
    session = http.open_session("pipedrive", read_seconds=TOKEN_CALL_SECONDS)
    try:
        response = session.post(
            f"{settings.PIPEDRIVE_OAUTH_URL}/oauth/token",
            data=body,
            auth=(settings.PIPEDRIVE_CLIENT_ID, settings.PIPEDRIVE_CLIENT_SECRET),
        )
    except OutcomeUnknown as error:
        raise ServiceUnavailable("pipedrive", error.summary) from error
    trace_id = http.trace_id_of("pipedrive", response)
    # The status page lists the messages but not the JSON around them, so the words decide.
    # https://pipedrive.readme.io/docs/marketplace-oauth-and-api-proxy-status-codes
    if response.status_code == 400 and "invalid grant" in response.text.lower().replace("_", " "):
        raise InvalidGrant
    if not response.ok:
        status = response.status_code
        raise ServiceUnavailable("pipedrive", f"token call {status}", trace_id=trace_id, status=status)
    try:
        answer = http.parse_json(response)
        return Grant(
            access_token=_filled(answer["access_token"]),
            refresh_token=_filled(answer.get("refresh_token") or old_refresh_token),
            access_expires_at=_after(answer.get("expires_in")) or timezone.now() + ACCESS_LIFE,
            refresh_expires_at=timezone.now() + PIPEDRIVE_REFRESH_LIFE,
            api_domain=_api_domain(answer, needed=not old_refresh_token),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ServiceUnavailable("pipedrive", "token answer not understood", trace_id=trace_id) from error


def _api_domain(answer: dict[str, Any], *, needed: bool) -> str:
    """Whoever has just signed in needs one. A refresh without it has its token all the same, which may be the only one
    that is good from now on.
    """
    told = answer["api_domain"] if needed else answer.get("api_domain") or ""
    return checked_api_domain(told) if needed or told else ""


# --- Intuit: https://developer.intuit.com/app/developer/qbo/docs/develop/authentication-and-authorization/oauth-2.0 --

KNOWN_ENDPOINTS = {
    "authorization_endpoint": "https://appcenter.intuit.com/connect/oauth2",
    "token_endpoint": "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer",
    "revocation_endpoint": "https://developer.api.intuit.com/v2/oauth2/tokens/revoke",
}


def intuit_endpoints() -> dict[str, str]:
    """Intuit's addresses from its discovery document, read once a day.

    When the document cannot be read, the published addresses serve, for Intuit's own document only: credentials
    meant for another service must not be sent to Intuit.
    """
    key = f"intuit-endpoints:{hashlib.sha256(settings.QUICKBOOKS_DISCOVERY_URL.encode()).hexdigest()}"
    known: dict[str, str] | None = cache.get(key)
    if known is None:
        try:
            known = _discover()
            cache.set(key, known, DISCOVERY_LIFE)
        except (ServiceError, ValueError, KeyError, TypeError) as error:
            if not (urlsplit(settings.QUICKBOOKS_DISCOVERY_URL).hostname or "").endswith(".intuit.com"):
                raise ServiceUnavailable("quickbooks", "discovery document not readable") from error
            known = KNOWN_ENDPOINTS
            cache.set(key, known, DISCOVERY_RETRY)
    return known


def _discover() -> dict[str, str]:
    response = http.open_session("quickbooks", read_seconds=TOKEN_CALL_SECONDS).get(
        settings.QUICKBOOKS_DISCOVERY_URL, headers={"Accept": "application/json"}
    )
    if error := http.error_for("quickbooks", response):
        raise error
    document = http.parse_json(response)
    endpoints = {name: str(document[name]) for name in KNOWN_ENDPOINTS}
    for address in endpoints.values():
        parts = urlsplit(address)
        if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
            raise ValueError("an endpoint without https")
    return endpoints


class IntuitClient(AuthClient):  # type: ignore[misc]  # intuitlib carries no types
    """intuitlib's client without the discovery call in its constructor, sending through our session.

    Used for one call and thrown away: it writes every member of a token answer onto itself.
    """

    def __init__(self) -> None:
        super(AuthClient, self).__init__()  # the requests session beneath, past AuthClient's own constructor
        endpoints = intuit_endpoints()
        self.auth_endpoint = endpoints["authorization_endpoint"]
        self.token_endpoint = endpoints["token_endpoint"]
        self.revoke_endpoint = endpoints["revocation_endpoint"]
        self.client_id = settings.QUICKBOOKS_CLIENT_ID
        self.client_secret = settings.QUICKBOOKS_CLIENT_SECRET
        self.redirect_uri = f"{settings.APP_URL}/quickbooks/callback"
        self.environment = settings.QUICKBOOKS_ENVIRONMENT
        self.state_token = self.realm_id = self.id_token = None
        self.access_token = self.refresh_token = None
        self.expires_in = self.x_refresh_token_expires_in = self.x_refresh_token_hard_expires_in = None

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        """Our time limits and log, and the header that makes Intuit name the hard end of the grant (five years).

        https://blogs.intuit.com/2025/11/12/important-changes-to-refresh-token-policy
        """
        headers = {
            **(kwargs.pop("headers", None) or {}),
            "User-Agent": "deal-invoices",
            "x-include-refresh-token-hard-expires-in": "true",
        }
        session = http.open_session("quickbooks", read_seconds=TOKEN_CALL_SECONDS)
        return session.request(method, url, *args, headers=headers, **kwargs)


def quickbooks_consent_url(state: str) -> str:
    address: str = IntuitClient().get_authorization_url([Scopes.ACCOUNTING], state_token=state)
    return address


def exchange_quickbooks_code(code: str, realm_id: str) -> Grant:
    """Raises InvalidGrant or ServiceUnavailable."""
    return _quickbooks_token(lambda client: client.get_bearer_token(code, realm_id=realm_id))


def refresh_quickbooks(refresh_token: str) -> Grant:
    """Raises InvalidGrant or ServiceUnavailable. The refresh token may have changed: store it before anything else."""
    return _quickbooks_token(lambda client: client.refresh(refresh_token), old_refresh_token=refresh_token)


def revoke_quickbooks(token: str) -> None:
    """Ends the whole grant at Intuit; raises ServiceError."""
    try:
        IntuitClient().revoke(token=token)
    except AuthClientError as error:
        trace_id = http.trace_id_of("quickbooks", error.response)
        raise ServiceUnavailable("quickbooks", "revoke", trace_id=trace_id, status=error.status_code) from None


def _quickbooks_token(call: Any, *, old_refresh_token: str = "") -> Grant:
    client = IntuitClient()
    try:
        call(client)
    except AuthClientError as error:
        # `from None`: the library's error text holds the raw body.
        if error.status_code == 400 and "invalid_grant" in _decoded(error.content):
            raise InvalidGrant from None
        raise ServiceUnavailable(
            "quickbooks",
            f"token call {error.status_code}",
            trace_id=http.trace_id_of("quickbooks", error.response),
            status=error.status_code,
        ) from None
    except OutcomeUnknown as error:
        raise ServiceUnavailable("quickbooks", error.summary) from error
    except (ValueError, TypeError, AttributeError):
        raise ServiceUnavailable("quickbooks", "token answer not understood") from None
    try:
        return Grant(
            access_token=_filled(client.access_token),
            refresh_token=_filled(client.refresh_token or old_refresh_token),
            access_expires_at=_after(client.expires_in) or timezone.now() + ACCESS_LIFE,
            refresh_expires_at=_after(client.x_refresh_token_expires_in),
            hard_expires_at=_after(client.x_refresh_token_hard_expires_in),
        )
    except (ValueError, TypeError):
        raise ServiceUnavailable("quickbooks", "token answer not understood") from None


def _decoded(content: str | bytes) -> str:
    return content.decode(errors="replace") if isinstance(content, bytes) else str(content)


def _filled(token: object) -> str:
    if not isinstance(token, str) or not token:
        raise ValueError("empty token")
    return token


def _after(seconds: object) -> datetime | None:
    """None where that is not told in a way that can be. A token is not lost for it: the one before it is no good any
    more, and one that ends earlier than believed is refused, and fetched anew.
    """
    try:
        told = Decimal(str(seconds))
        return timezone.now() + timedelta(seconds=int(told)) if 0 < told <= LONGEST_LIFE else None
    except ArithmeticError:
        return None
