"""Canned answers of the vendors' token and API addresses, at the transport."""

from __future__ import annotations

from typing import Any

import responses

from integration_settings.oauth import KNOWN_ENDPOINTS

PIPEDRIVE_TOKEN = "http://127.0.0.1:8010/oauth/token"
INTUIT_TOKEN = KNOWN_ENDPOINTS["token_endpoint"]
INTUIT_REVOKE = KNOWN_ENDPOINTS["revocation_endpoint"]
DISCOVERY = "http://127.0.0.1:8020/.well-known/openid_sandbox_configuration"


def pipedrive_answer(**changes: Any) -> dict[str, Any]:
    return {
        "access_token": "new-access",
        "token_type": "Bearer",
        "expires_in": 3599,
        "refresh_token": "new-refresh",
        "scope": "base,deals:full",
        "api_domain": "http://127.0.0.1:8010",
    } | changes


def intuit_answer(**changes: Any) -> dict[str, Any]:
    return {
        "access_token": "new-access",
        "refresh_token": "new-refresh",
        "token_type": "bearer",
        "expires_in": 3600,
        "x_refresh_token_expires_in": 8726400,
        "x_refresh_token_hard_expires_in": 157494248,
    } | changes


def add_discovery(vendor: responses.RequestsMock, **changes: str) -> None:
    vendor.get(DISCOVERY, json={**KNOWN_ENDPOINTS, **changes})
