"""Users and currencies, version 1. Rests on https://developers.pipedrive.com/docs/api/v1/Users and …/Currencies."""

from __future__ import annotations

import uuid

from starlette.responses import Response

from ..company import User
from ..wire import Record, success, time_v1
from .calls import Call


def access(company_id: int, user: User) -> list[Record]:
    """Permission sets by app; admin rights show here alone, there is no `is_admin`."""
    apps = ("sales", "global", "account_settings") if user.admin else ("sales", "global")
    return [
        {
            "app": app,
            "admin": user.admin,
            "permission_set_id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{company_id}/{app}/{user.admin}")),
        }
        for app in apps
    ]


def show_user(call: Call, user: User) -> Record:
    now = call.clock.now()
    return {
        "id": user.id,
        "name": user.name,
        "default_currency": user.currency,
        "locale": user.locale,
        "lang": 1,
        "email": user.email,
        "phone": None,
        "activated": True,
        "last_login": time_v1(now),
        "created": time_v1(user.joined),
        "modified": time_v1(user.joined),
        "has_created_company": user.admin,
        "access": access(call.company.id, user),
        "active_flag": True,
        "timezone_name": user.timezone,
        "timezone_offset": user.offset(now),
        "role_id": 1,
        "icon_url": None,
        "is_you": user.id == call.user.id,
        "is_deleted": False,
    }


async def me(call: Call) -> Response:
    company = call.company
    language, country = call.user.language
    return success(
        show_user(call, call.user)
        | {
            "company_id": company.id,
            "company_name": company.name,
            "company_domain": company.domain,
            "company_country": company.country,
            "company_industry": company.industry,
            "language": {"language_code": language, "country_code": country},
        }
    )


async def list_users(call: Call) -> Response:
    return success([show_user(call, user) for user in call.company.users.values()])


async def list_currencies(call: Call) -> Response:
    term = call.query.get("term", "").lower()
    return success([entry for entry in call.company.currencies if term in f"{entry['code']} {entry['name']}".lower()])
