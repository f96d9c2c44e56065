"""Reads: what a company chose, who its people are, and where its pages in the two services lie."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlencode

from django.conf import settings

from integration_settings.models import (
    Company,
    CompanySettings,
    ConnectionState,
    PipedriveUser,
    QuickBooksConnection,
)


def hold_company(company_id: int) -> bool:
    """Within a transaction, before any other lock: nobody removes the company before its end. False when it is gone.

    An uninstall begins with the company, too, so the two never wait for each other in a circle.
    """
    return Company.objects.select_for_update(no_key=True).filter(pk=company_id).exists()


def settings_of(company: Company) -> CompanySettings:
    """The stored choices, or the suggested ones of a company that has not saved any."""
    return CompanySettings.objects.filter(company=company).first() or CompanySettings(company=company)


def settings_read_with(company: Company) -> CompanySettings:
    """The same as they were when the company was read, which every request does together with them."""
    return getattr(company, "settings", None) or CompanySettings(company=company)


def own_fields_from(stored: CompanySettings, connection: QuickBooksConnection | None) -> dict[str, str]:
    """Which field of Pipedrive fills which of the connected books' own fields, by id; none chosen for other books."""
    if connection is None or stored.items_realm_id != connection.realm_id:
        return {}
    return dict(stored.own_fields_from)


def company_user(company: Company, user_id: int) -> PipedriveUser | None:
    """The user of this company with this Pipedrive id, if the grant still stands."""
    return company.users.filter(user_id=user_id, state=ConnectionState.CONNECTED).first()


def administrators_of(company: Company) -> list[PipedriveUser]:
    """Those who may change settings and connections, as far as they installed the app."""
    return list(company.users.filter(is_admin=True, state=ConnectionState.CONNECTED).order_by("name"))


def quickbooks_of(company: Company) -> QuickBooksConnection | None:
    """The company's connection, also one that has ended."""
    return QuickBooksConnection.objects.filter(company=company).first()


def pipedrive_url(company: Company, path: str = "") -> str:
    """An address in the company's Pipedrive; `path` begins with a slash."""
    return settings.PIPEDRIVE_WEB_URL.replace("{company_domain}", company.domain) + path


def deal_url(company: Company, deal_id: int) -> str:
    return pipedrive_url(company, f"/deal/{deal_id}")


def app_settings_url(company: Company) -> str:
    """Our settings page inside Pipedrive. https://pipedrive.readme.io/docs/custom-ui-extensions-app-settings"""
    return pipedrive_url(company, f"/settings/marketplace/app/{settings.PIPEDRIVE_CLIENT_ID}/app-settings")


def pipedrive_front_door() -> str:
    """Pipedrive for somebody whose company we do not know: `app` leads each user to his own company."""
    template: str = settings.PIPEDRIVE_WEB_URL
    if "{company_domain}." in template:
        return template.replace("{company_domain}", "app")
    return template.partition("{company_domain}")[0].rstrip("/").removesuffix("/web") + "/"


def quickbooks_url(connection: QuickBooksConnection, page: str, **parameters: str) -> str:
    """A page of QuickBooks in this very company: the sign-in page pins it, so that no other company's opens.

    `page` is "invoice" with txnId=…, "customerdetail" with nameId=…
    """
    return f"{settings.QUICKBOOKS_WEB_URL}/app/login?{_query_of(connection.realm_id, page, tuple(parameters.items()))}"


@lru_cache(4096)
def _query_of(realm_id: str, page: str, parameters: tuple[tuple[str, str], ...]) -> str:
    wanted = f"{page}?{urlencode(parameters)}" if parameters else page
    return urlencode({"pagereq": wanted, "deeplinkcompanyid": realm_id})
