"""Deals list and the detail views of deal, person and organization."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from ..api.deals import close
from ..company import Company, User
from ..wire import Record, time_v2
from .views import Views, money

SIGNS = {"email": "mail", "meeting": "tick", "call": "call", "task": "tick", "file": "file"}


def timeline(company: Company, deal_id: int) -> tuple[list[Record], list[Record]]:
    """Pinned notes, then everything else, newest first."""
    notes: list[Record] = []
    for note in company.deal_notes(deal_id):
        editor = company.users.get(note["last_update_user_id"] or 0)
        notes.append(
            {
                "kind": "note",
                "id": note["id"],
                "who": company.users[note["user_id"]].name,
                "when": note["add_time"],
                "edited": note["update_time"] if editor else None,
                "editor": editor.name if editor else None,
                "pinned": note["pinned_to_deal_flag"],
                "html": Markup(note["content"]),  # noqa: S704 - sanitised when it was stored
            }
        )
    others = [
        {
            "kind": SIGNS[entry["type"]],
            "id": entry["id"],
            "title": entry["subject"],
            "who": entry["who"],
            "when": entry["add_time"],
        }
        for entry in company.activities
        if entry["deal_id"] == deal_id
    ]
    pinned = sorted((note for note in notes if note["pinned"]), key=newest, reverse=True)
    rest = sorted([*(note for note in notes if not note["pinned"]), *others], key=newest, reverse=True)
    return pinned, rest


def newest(entry: Record) -> tuple[str, int]:
    return entry["when"], entry["id"]


def shown_value(company: Company, entry: Record, value: Any) -> str:
    """A custom value as text."""
    labels = {option["id"]: option["label"] for option in entry["options"] or []}
    if isinstance(value, dict):
        if entry["field_type"] == "monetary":
            return money(value["value"], company, value["currency"])
        return str(value.get("value", ""))
    if isinstance(value, list):
        return ", ".join(str(labels.get(part, part)) for part in value)
    return "" if value is None else str(labels.get(value, value))


def custom_values(company: Company, owner: str, record: Record) -> list[tuple[str, str]]:
    return [
        (entry["field_name"], shown_value(company, entry, record["custom_fields"].get(entry["field_code"])))
        for entry in company.fields[owner]
        if entry["is_custom_field"]
    ]


class Records:
    """Pages of one company's records."""

    def __init__(self, views: Views) -> None:
        self.views = views

    def find(self, company: Company, user: User, records: dict[int, Record], request: Request) -> Record | None:
        record = records.get(int(request.path_params["id"]))
        return record if record is not None and company.sees(user, record) else None

    async def deals(self, request: Request, company: Company, user: User) -> Response:
        found = sorted(company.visible(user, company.deals), key=lambda deal: int(deal["id"]))
        return self.views.render(
            request, "deals.html", company=company, user=user, deals=found, rows=self.rows(company, found)
        )

    def rows(self, company: Company, deals: list[Record]) -> list[Record]:
        return [
            {
                "deal": deal,
                "organization": company.organizations.get(deal["org_id"]),
                "person": company.persons.get(deal["person_id"]),
                "owner": company.users[deal["owner_id"]],
                "stage": company.stages[deal["stage_id"]],
                "products": len(company.deal_products.get(deal["id"], [])),
            }
            for deal in deals
        ]

    def live(self, company: Company, user: User, deal: Record) -> Record:
        """The parts of the deal's page that change while it is open."""
        stages = [stage for stage in company.stages.values() if stage["pipeline_id"] == deal["pipeline_id"]]
        pinned, rest = timeline(company, deal["id"])
        context: Record = {
            "company": company,
            "user": user,
            "deal": deal,
            "stages": stages,
            "stage": company.stages[deal["stage_id"]],
            "pinned": pinned,
            "rest": rest,
            "owner": company.users[deal["owner_id"]],
            "organization": company.organizations.get(deal["org_id"]),
            "person": company.persons.get(deal["person_id"]),
            "lines": company.deal_products.get(deal["id"], []),
            "custom": custom_values(company, "deal", deal),
        }
        return {name: self.views.fragment(f"deal_{name}.html", **context) for name in ("header", "timeline", "details")}

    async def deal(self, request: Request, company: Company, user: User) -> Response:
        deal = self.find(company, user, company.deals, request)
        if deal is None:
            return self.views.missing(request, "This deal does not exist, or you may not see it.")
        live = self.live(company, user, deal)
        parts = {name: Markup(html) for name, html in live.items()}  # noqa: S704 - our own templates
        return self.views.render(request, "deal.html", company=company, user=user, deal=deal, parts=parts)

    async def deal_live(self, request: Request, company: Company, user: User) -> Response:
        deal = self.find(company, user, company.deals, request)
        return JSONResponse({"error": "gone"}, 404) if deal is None else JSONResponse(self.live(company, user, deal))

    async def change_deal(self, request: Request, company: Company, user: User) -> Response:
        """A click on a stage, or on Won, Lost or Reopen."""
        deal = self.find(company, user, company.deals, request)
        if deal is None:
            return self.views.missing(request, "This deal does not exist, or you may not see it.")
        now = time_v2(self.views.world.clock.now())
        async with request.form() as form:
            stage, status = str(form.get("stage_id", "")), str(form.get("status", ""))
        if stage.isdigit() and int(stage) in company.stages:
            deal.update(stage_id=int(stage), stage_change_time=now, update_time=now)
        if status in ("open", "won", "lost"):
            close(deal, status, now)
            deal.update(status=status, update_time=now)
        return RedirectResponse(f"/web/{company.domain}/deal/{deal['id']}", 303)

    async def person(self, request: Request, company: Company, user: User) -> Response:
        person = self.find(company, user, company.persons, request)
        if person is None:
            return self.views.missing(request, "This person does not exist, or you may not see it.")
        facts = [("E-mail", ", ".join(entry["value"] for entry in person["emails"]))]
        facts += [("Phone", ", ".join(entry["value"] for entry in person["phones"]))]
        return self.contact(request, company, user, kind="person", record=person, facts=facts)

    async def organization(self, request: Request, company: Company, user: User) -> Response:
        organization = self.find(company, user, company.organizations, request)
        if organization is None:
            return self.views.missing(request, "This organization does not exist, or you may not see it.")
        where = organization["address"]
        facts = [("Address", where["value"] if where else ""), ("Website", organization["website"] or "")]
        return self.contact(request, company, user, kind="organization", record=organization, facts=facts)

    def contact(
        self, request: Request, company: Company, user: User, *, kind: str, record: Record, facts: list[tuple[str, str]]
    ) -> Response:
        member = "person_id" if kind == "person" else "org_id"
        deals = [deal for deal in company.visible(user, company.deals) if deal[member] == record["id"]]
        people = [
            person for person in company.persons.values() if kind == "organization" and person["org_id"] == record["id"]
        ]
        return self.views.render(
            request,
            "contact.html",
            company=company,
            user=user,
            kind=kind,
            record=record,
            facts=facts + custom_values(company, kind, record),
            rows=self.rows(company, deals),
            people=people,
            organization=company.organizations.get(record.get("org_id") or 0),
        )
