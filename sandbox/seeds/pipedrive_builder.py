"""Puts records into a Pipedrive company, one short call each."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from ..pipedrive.company import EVERYBODY, Company, User, line_sum
from ..pipedrive.wire import Record, time_v1, time_v2
from .pipedrive_fields import ADDRESS_SUBFIELDS, BUILT_IN

ADDRESS_PARTS = (
    "street_number", "route", "subpremise", "locality", "sublocality", "admin_area_level_1", "admin_area_level_2",
    "country", "postal_code",
)  # fmt: skip


def address(value: str, **parts: str) -> Record:
    """An address as Google's lookup gives it to Pipedrive: a text and whatever parts were recognised."""
    return {"value": value} | {name: parts.get(name) for name in ADDRESS_PARTS}


@dataclass
class Line:
    """A product on a deal. `price` None takes the product's own."""

    product: int
    quantity: str = "1"
    price: str | None = None
    discount: str = "0"
    discount_type: str = "percentage"
    tax: str | None = None
    enabled: bool = True
    comments: str = ""
    name: str | None = None
    billing: str = "one-time"
    cycles: int | None = None


@dataclass
class Details:
    """The less usual members of a deal."""

    stage: int = 1
    owner: int = 1
    status: str = "open"
    currency: str | None = None
    visible_to: int = EVERYBODY
    age: int = 30
    closes_in: int | None = 20
    custom: Record = field(default_factory=dict)
    tax_method: str = "exclusive"


class Builder:
    """Numbers records from 1 as every Pipedrive company does, so ids of two companies are alike on purpose."""

    def __init__(self, company: Company, now: datetime, user_base: int) -> None:
        self.company = company
        self.now = now
        self.user_base = user_base
        for owner, entries in BUILT_IN.items():
            company.fields[owner] = [dict(entry) for entry in entries]

    def ago(self, days: float, hour: int = 9, minute: int = 0) -> datetime:
        return (self.now - timedelta(days=days)).replace(hour=hour, minute=minute, second=0, microsecond=0)

    def user_id(self, number: int) -> int:
        return self.user_base + number

    def user(self, number: int, name: str, email: str, *, admin: bool, group: str, place: tuple[str, str, str]) -> None:
        """`place` is the language with country, e.g. en-GB, the locale of numbers, e.g. en_GB, and the time zone."""
        words, locale, timezone = place
        language, _, country = words.partition("-")
        number = self.user_id(number)
        joined = self.ago(400)
        found = User(
            number, name, email, admin, (language, country), locale, timezone, self.company.currency, group, joined
        )
        self.company.users[number] = found

    def pipeline(self, name: str, stages: Sequence[str]) -> None:
        company, then = self.company, time_v2(self.ago(400))
        number = company.next_id("pipeline")
        stamps = {"add_time": then, "update_time": then}
        company.pipelines[number] = {
            "id": number, "name": name, "order_nr": number, "is_deleted": False, "is_deal_probability_enabled": True,
        } | stamps  # fmt: skip
        for order, stage in enumerate(stages, start=1):
            stage_id = company.next_id("stage")
            company.stages[stage_id] = {
                "id": stage_id, "order_nr": order, "name": stage, "is_deleted": False, "deal_probability": 100,
                "pipeline_id": number, "is_deal_rot_enabled": False, "days_to_rotten": None,
            } | stamps  # fmt: skip

    def currencies(self, *rows: tuple[str, str, str, int, bool]) -> None:
        """Code, name, symbol, decimals, made by the company itself."""
        for number, (code, name, symbol, decimals, custom) in enumerate(rows, start=1):
            self.company.currencies.append(
                {
                    "id": number, "code": code, "name": name, "symbol": symbol, "decimal_points": decimals,
                    "active_flag": True, "is_custom_flag": custom,
                }
            )  # fmt: skip

    def custom(self, owner: str, name: str, kind: str, options: Sequence[str] = (), description: str = "") -> str:
        """Defines a custom field and gives its code, which differs from account to account."""
        code = hashlib.sha1(f"{self.company.id}/{owner}/{name}".encode(), usedforsecurity=False).hexdigest()
        subfields = None
        if kind == "address":
            subfields = [
                part | {"field_name": part["field_name"].replace("Address", name)} for part in ADDRESS_SUBFIELDS
            ]
        elif kind == "monetary":
            subfields = [
                {"field_code": "value", "field_name": f"Amount of {name}", "field_type": "double"},
                {"field_code": "currency", "field_name": f"Currency of {name}", "field_type": "varchar"},
            ]
        labels = [{"id": self.company.next_id("option"), "label": label, "color": None} for label in options]
        self.company.fields[owner].append(
            {
                "field_name": name,
                "field_code": code,
                "description": description or None,
                "field_type": kind,
                "options": labels or None,
                "subfields": subfields,
                "is_custom_field": True,
                "is_optional_response_field": False,
            }
        )
        return code

    def option(self, owner: str, code: str, label: str) -> int:
        entry = self.company.custom_field(owner, code)
        return next(int(option["id"]) for option in (entry or {})["options"] if option["label"] == label)

    def organization(
        self, name: str, where: Record | None = None, custom: Record | None = None, *, owner: int = 1,
        website: str | None = None, visible_to: int = EVERYBODY,
    ) -> int:  # fmt: skip
        number = self.company.next_id("organization")
        self.company.organizations[number] = {
            "id": number,
            "name": name,
            "owner_id": self.user_id(owner),
            "address": where,
            "website": website,
            "linkedin": None,
            "industry": None,
            "annual_revenue": None,
            "employee_count": None,
            "label_ids": [901],
            "visible_to": visible_to,
            "is_deleted": False,
            "add_time": time_v2(self.ago(200)),
            "update_time": time_v2(self.ago(12)),
            "custom_fields": custom or {},
        }
        return number

    def person(
        self, name: str, organization: int | None, emails: Sequence[str] = (), phones: Sequence[str] = (),
        custom: Record | None = None, *, owner: int = 1, postal_address: Record | None = None, primary: int = 0,
    ) -> int:  # fmt: skip
        """`primary` is the place of the first choice among the e-mails."""
        number = self.company.next_id("person")
        first, _, last = name.rpartition(" ")
        self.company.persons[number] = {
            "id": number,
            "name": name,
            "first_name": first or name,
            "last_name": last if first else None,
            "owner_id": self.user_id(owner),
            "org_id": organization,
            "emails": [
                {"value": text, "primary": place == primary, "label": "work"} for place, text in enumerate(emails)
            ],
            "phones": [{"value": text, "primary": place == 0, "label": "work"} for place, text in enumerate(phones)],
            "label_ids": [901],
            "visible_to": EVERYBODY,
            "is_deleted": False,
            "picture_id": None,
            "postal_address": postal_address,
            "im": [],
            "notes": None,
            "birthday": None,
            "job_title": None,
            "add_time": time_v2(self.ago(200)),
            "update_time": time_v2(self.ago(12)),
            "custom_fields": custom or {},
        }
        return number

    def product(self, name: str, price: str, code: str = "", unit: str = "", tax: str = "0", **more: Any) -> int:
        company, number = self.company, self.company.next_id("product")
        currency = more.get("currency", company.currency)
        cost = {"cost": 0, "direct_cost": 0, "notes": ""}
        company.products[number] = {
            "id": number,
            "name": name,
            "code": code,
            "description": more.get("description", ""),
            "unit": unit,
            "tax": Decimal(tax),
            "category": None,
            "is_linkable": True,
            "is_deleted": False,
            "visible_to": EVERYBODY,
            "owner_id": self.user_id(1),
            "add_time": time_v2(self.ago(300)),
            "update_time": time_v2(self.ago(40)),
            "billing_frequency": more.get("billing", "one-time"),
            "billing_frequency_cycles": None,
            "prices": [{"product_id": number, "price": Decimal(price), "currency": currency} | cost],
            "custom_fields": more.get("custom", {}),
        }
        return number

    def deal(
        self, title: str, organization: int | None, person: int | None, lines: Sequence[Line] = (),
        details: Details | None = None, *, value: str | None = None,
    ) -> int:  # fmt: skip
        """`value` None is the sum of the enabled lines, as when products drive a deal's value."""
        details = details or Details()
        company, number = self.company, self.company.next_id("deal")
        currency = details.currency or company.currency
        added = time_v2(self.ago(details.age))
        closed = time_v2(self.ago(3)) if details.status != "open" else None
        company.deal_products[number] = [
            self.line(number, order, line, currency, details) for order, line in enumerate(lines, start=1)
        ]
        total = sum((entry["sum"] for entry in company.deal_products[number] if entry["is_enabled"]), Decimal(0))
        closes = (
            None if details.closes_in is None else (self.now + timedelta(days=details.closes_in)).date().isoformat()
        )
        won, lost = (closed if details.status == word else None for word in ("won", "lost"))
        company.deals[number] = {
            "id": number,
            "title": title,
            "creator_user_id": self.user_id(details.owner),
            "owner_id": self.user_id(details.owner),
            "value": total if value is None else Decimal(value),
            "person_id": person,
            "org_id": organization,
            "stage_id": details.stage,
            "pipeline_id": company.stages[details.stage]["pipeline_id"],
            "currency": currency,
            "archive_time": None,
            "add_time": added,
            "update_time": time_v2(self.ago(2)),
            "stage_change_time": time_v2(self.ago(min(details.age, 9))),
            "status": details.status,
            "is_archived": False,
            "is_deleted": False,
            "probability": None,
            "lost_reason": "Price" if lost else None,
            "visible_to": details.visible_to,
            "close_time": closed,
            "won_time": won,
            "lost_time": lost,
            "local_won_date": won and won[:10],
            "local_lost_date": lost and lost[:10],
            "local_close_date": closed and closed[:10],
            "expected_close_date": closes,
            "label_ids": [901, 902] if details.status == "open" else [],
            "origin": "ManuallyCreated",
            "origin_id": None,
            "channel": None,
            "channel_id": None,
            "acv": None,
            "arr": None,
            "mrr": None,
            "custom_fields": dict(details.custom),
        }
        return number

    def line(self, deal: int, order: int, line: Line, currency: str, details: Details) -> Record:
        product = self.company.products[line.product]
        price = Decimal(line.price) if line.price is not None else product["prices"][0]["price"]
        quantity, discount = Decimal(line.quantity), Decimal(line.discount)
        added = time_v2(self.ago(details.age))
        return {
            "id": self.company.next_id("deal_product"),
            "deal_id": deal,
            "product_id": line.product,
            "product_variation_id": None,
            "name": line.name or product["name"],
            "comments": line.comments,
            "quantity": quantity,
            "item_price": price,
            "discount": discount,
            "discount_type": line.discount_type,
            "tax": Decimal(line.tax) if line.tax is not None else product["tax"],
            "tax_method": details.tax_method,
            "sum": line_sum(quantity, price, discount, line.discount_type),
            "currency": currency,
            "is_enabled": line.enabled,
            "order_nr": order,
            "billing_frequency": line.billing,
            "billing_frequency_cycles": line.cycles,
            "billing_start_date": self.now.date().isoformat() if line.billing != "one-time" else None,
            "add_time": added,
            "update_time": added,
        }

    def discount(self, deal: int, kind: str, amount: str, description: str) -> None:
        """A discount on the whole deal, on top of those of its lines."""
        company = self.company
        entries = company.discounts.setdefault(deal, [])
        then, who = time_v2(self.ago(8)), company.deals[deal]["owner_id"]
        entries.append(
            {
                "id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{company.id}/{deal}/{len(entries)}")),
                "type": kind,
                "amount": Decimal(amount),
                "description": description,
                "deal_id": deal,
                "created_at": then,
                "created_by": who,
                "updated_at": then,
                "updated_by": who,
            }
        )

    def installment(self, deal: int, amount: str, in_days: int, description: str) -> None:
        self.company.installments.setdefault(deal, []).append(
            {
                "id": self.company.next_id("installment"),
                "amount": Decimal(amount),
                "billing_date": (self.now + timedelta(days=in_days)).date().isoformat(),
                "description": description,
                "deal_id": deal,
            }
        )

    def file(
        self, deal: int, name: str, content: bytes, *, days_ago: int, owner: int = 1, size: int = 0, where: str = "s3"
    ) -> int:
        """A file of the deal, with its entry in the timeline. `size` makes it longer than what is in it."""
        company, number = self.company, self.company.next_id("file")
        then, told = time_v1(self.ago(days_ago, 11, 20)), company.deals[deal]
        who = self.user_id(owner)
        company.files[number] = {
            "id": number,
            "user_id": who,
            "deal_id": deal,
            "person_id": told["person_id"],
            "org_id": told["org_id"],
            "product_id": None,
            "activity_id": None,
            "lead_id": None,
            "log_id": None,
            "add_time": then,
            "update_time": then,
            "file_name": f"{hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()}.{name.rpartition('.')[2]}",
            "file_type": name.rpartition(".")[2],
            "file_size": max(size, len(content)),
            "active_flag": True,
            "inline_flag": False,
            "remote_location": where,
            "remote_id": None,
            "cid": None,
            "s3_bucket": None,
            "mail_message_id": None,
            "mail_template_id": None,
            "name": name,
            "description": None,
        }
        company.contents[number] = content
        self.activity(deal, name, "file", days_ago=days_ago, who=company.users[who].name)
        return number

    def activity(self, deal: int, subject: str, kind: str, *, days_ago: int, who: str, done: bool = True) -> None:
        """An entry of the timeline that is no note. `kind`: email, meeting, call, task, file."""
        self.company.activities.append(
            {
                "id": self.company.next_id("activity"),
                "deal_id": deal,
                "subject": subject,
                "type": kind,
                "done": done,
                "who": who,
                "add_time": time_v1(self.ago(days_ago, 11, 20)),
            }
        )
