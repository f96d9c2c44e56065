"""OAuth with both services: where to send the browser, proof that it comes back, and the token calls.

Nothing here stores a token; that is `connections`.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.core.cache import cache
from django.db.models import F
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from intuitlib.client import AuthClient
from intuitlib.enums import Scopes
from intuitlib.exceptions import AuthClientError

from integration_settings import http
from integration_settings.errors import OutcomeUnknown, ServiceError, ServiceUnavailable
from integration_settings.models import Company, SignIn

SIGN_IN_LIFE = timedelta(minutes=10)
TOKEN_CALL_SECONDS = 10.0  # the connection's row is locked meanwhile
PIPEDRIVE_REFRESH_LIFE = timedelta(days=60)  # counted from the last refresh
DISCOVERY_LIFE, DISCOVERY_RETRY = 24 * 3600, 60


class InvalidGrant(Exception):
    """The service says that this code or refresh token is no good (any more)."""


class UntrustedHost(Exception):
    """The token answer names an API host that is not Pipedrive's."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One answer of a token endpoint, with points in time instead of durations."""

    access_token: str
    refresh_token: str
    access_expires_at: datetime
    refresh_expires_at: datetime | None
    hard_expires_at: datetime | None = None
    api_domain: str = ""

    def __repr__(self) -> str:  # a token must not get into a log by way of a traceback
        return f"<Grant until {self.access_expires_at:%Y-%m-%d %H:%M}>"


# --- a sign-in under way: state and browser -------------------------------------------------------------------------


class SignInRefused(Exception):
    """The callback does not belong to a sign-in that this browser began with us just now.

    `why` is one of: missing, unknown, used, stale, other_browser.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class StartedSignIn:
    state: str
    browser: str  # the value of this browser's mark


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def browser_cookie_name() -> str:
    # The prefix makes browsers refuse such a cookie from a sibling domain; it needs https.
    return "__Host-sign-in" if settings.SECURE_SITE else "sign-in"


def start_sign_in(
    request: HttpRequest, service: http.Service, *, company: Company | None = None, user_id: int | None = None
) -> StartedSignIn:
    """Remembers a new round. Several may be pending in one browser, so a mark that is there already is kept."""
    mark = request.COOKIES.get(browser_cookie_name(), "")
    if not re.fullmatch(r"[A-Za-z0-9_-]{43}", mark):
        mark = secrets.token_urlsafe(32)
    state = secrets.token_urlsafe(32)
    SignIn.objects.create(
        state_digest=digest(state), service=service, browser_digest=digest(mark), company=company, user_id=user_id
    )
    return StartedSignIn(state, mark)


def mark_browser(response: HttpResponseBase, started: StartedSignIn) -> None:
    """The one cookie of this service: first-party, and Lax because the vendors lead back by cross-site navigations."""
    response.set_cookie(
        browser_cookie_name(),
        started.browser,
        max_age=SIGN_IN_LIFE,
        httponly=True,
        secure=settings.SECURE_SITE,
        samesite="Lax",
    )


def finish_sign_in(request: HttpRequest, service: http.Service, state: str) -> SignIn:
    """The round that `state` belongs to, used up in the same moment; raises `SignInRefused`.

    The mark is checked before the state is used up: a callback opened in another browser must not spoil the real one.
    """
    if not state:
        raise SignInRefused("missing")
    begun = SignIn.objects.filter(state_digest=digest(state), service=service).first()
    if begun is None:
        raise SignInRefused("unknown")
    mark = request.COOKIES.get(browser_cookie_name(), "")
    if not secrets.compare_digest(begun.browser_digest, digest(mark)):
        raise SignInRefused("other_browser")
    now = timezone.now()
    if begun.created_at + SIGN_IN_LIFE < now:
        raise SignInRefused("stale")
    if not SignIn.objects.filter(pk=begun.pk, used_at=None).update(used_at=now):
        raise SignInRefused("used")
    return begun


def forget_finished_sign_ins(older_than: timedelta = timedelta(days=1)) -> int:
    """Removes rows whose time is over; returns how many."""
    return SignIn.objects.filter(created_at__lt=timezone.now() - older_than).order_by(F("pk")).delete()[0]


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


def revoke_pipedrive(refresh_token: str) -> None:
    """Ends the installation at Pipedrive; raises ServiceError. https://pipedrive.readme.io/docs/app-uninstallation"""
    session = http.open_session("pipedrive", read_seconds=TOKEN_CALL_SECONDS)
    response = session.post(
        f"{settings.PIPEDRIVE_OAUTH_URL}/oauth/revoke",
        data={"token": refresh_token, "token_type_hint": "refresh_token"},
        auth=(settings.PIPEDRIVE_CLIENT_ID, settings.PIPEDRIVE_CLIENT_SECRET),
    )
    if error := http.error_for("pipedrive", response):
        raise error


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
        raise ServiceUnavailable("pipedrive", "token call", trace_id=trace_id, status=response.status_code)
    try:
        answer = http.parse_json(response)
        return Grant(
            access_token=_filled(answer["access_token"]),
            refresh_token=_filled(answer.get("refresh_token") or old_refresh_token),
            access_expires_at=_after(answer["expires_in"]),
            refresh_expires_at=timezone.now() + PIPEDRIVE_REFRESH_LIFE,
            api_domain=checked_api_domain(answer["api_domain"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ServiceUnavailable("pipedrive", "token answer not understood", trace_id=trace_id) from error


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
    if _is_loopback(host):
        if parts.scheme not in ("http", "https"):
            raise UntrustedHost
    elif parts.scheme != "https" or port not in (None, 443):
        raise UntrustedHost
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _host_accepted(host: str) -> bool:
    return any(
        host.endswith(entry) and host != entry if entry.startswith(".") else host == entry
        for entry in settings.PIPEDRIVE_API_HOSTS
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


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
    key = f"intuit-endpoints:{digest(settings.QUICKBOOKS_DISCOVERY_URL)[:16]}"
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
        if parts.scheme != "https" and not _is_loopback(parts.hostname or ""):
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
        trace_id = error.intuit_tid or ""
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
            "quickbooks", "token call", trace_id=error.intuit_tid or "", status=error.status_code
        ) from None
    except OutcomeUnknown as error:
        raise ServiceUnavailable("quickbooks", error.summary) from error
    except (ValueError, TypeError, AttributeError):
        raise ServiceUnavailable("quickbooks", "token answer not understood") from None
    try:
        hard = client.x_refresh_token_hard_expires_in
        rolling = client.x_refresh_token_expires_in
        return Grant(
            access_token=_filled(client.access_token),
            refresh_token=_filled(client.refresh_token or old_refresh_token),
            access_expires_at=_after(client.expires_in),
            refresh_expires_at=_after(rolling) if rolling is not None else None,
            hard_expires_at=_after(hard) if hard is not None else None,
        )
    except (ValueError, TypeError):
        raise ServiceUnavailable("quickbooks", "token answer not understood") from None


def _decoded(content: str | bytes) -> str:
    return content.decode(errors="replace") if isinstance(content, bytes) else str(content)


def _filled(token: object) -> str:
    if not isinstance(token, str) or not token:
        raise ValueError("empty token")
    return token


def _after(seconds: object) -> datetime:
    return timezone.now() + timedelta(seconds=int(str(seconds)))
