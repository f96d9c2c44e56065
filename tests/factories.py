"""Plain functions with sensible defaults that make rows and values for tests."""

from __future__ import annotations

import itertools
import time
import uuid
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import jwt
from django.conf import settings
from django.utils import timezone

from integration_settings.models import (
    Company,
    CompanySettings,
    InvoicePreset,
    ItemLink,
    PipedriveUser,
    QuickBooksConnection,
)
from invoices.domain.deal import Address, Deal, DealProduct, Discount, Party, TaxMethod
from invoices.domain.draft import AmountsAre, BillTo, DraftLine, InvoiceDraft
from invoices.domain.status import Submission
from invoices.invoice_answers import IssuedInvoice
from invoices.models import CustomerLink, Invoice

numbers = itertools.count(50_000)
D = Decimal


# Rows. Their tokens are invented: no stand-in knows them. For live ones see the fixture `connect` in conftest.


def make_company(**fields: Any) -> Company:
    """A company with the settings that every company has."""
    number = next(numbers)
    values = {"pipedrive_company_id": number, "name": f"Company {number}", "domain": f"company{number}"} | fields
    company = Company.objects.create(**values)
    CompanySettings.objects.create(company=company)
    return company


def make_user(company: Company, **fields: Any) -> PipedriveUser:
    number = next(numbers)
    values = {
        "company": company,
        "user_id": number,
        "name": f"User {number}",
        "is_admin": True,
        "language": "en",
        "locale": "en_GB",
        "timezone": "Europe/London",
        "api_domain": settings.PIPEDRIVE_OAUTH_URL,
        "access_token": f"pipedrive-access-{number}",
        "refresh_token": f"pipedrive-refresh-{number}",
        "access_expires_at": timezone.now() + timedelta(hours=1),
        "refresh_expires_at": timezone.now() + timedelta(days=60),
    } | fields
    return PipedriveUser.objects.create(**values)


def make_connection(company: Company, **fields: Any) -> QuickBooksConnection:
    """A connection to a British QuickBooks company."""
    number = next(numbers)
    now = timezone.now()
    values = {
        "company": company,
        "realm_id": f"91303500{number:08}",
        "name": f"Books of {company.name}",
        "country": "GB",
        "home_currency": "GBP",
        "timezone": "Europe/London",
        "access_token": f"quickbooks-access-{number}",
        "refresh_token": f"quickbooks-refresh-{number}",
        "access_expires_at": now + timedelta(hours=1),
        "refresh_expires_at": now + timedelta(days=100),
        "hard_expires_at": now + timedelta(days=5 * 365),
        "changes_cursor": now,
        "next_sync_at": now,
    } | fields
    return QuickBooksConnection.objects.create(**values)


def make_customer_link(company: Company, **fields: Any) -> CustomerLink:
    values = {
        "company": company,
        "party_kind": "organization",
        "party_id": next(numbers),
        "realm_id": company.quickbooks.realm_id,
        "customer_id": str(next(numbers)),
        "name": "Bramley Foods Ltd",
        "currency": "GBP",
    } | fields
    return CustomerLink.objects.create(**values)


def make_item_link(company: Company, **fields: Any) -> ItemLink:
    values = {
        "company": company,
        "realm_id": company.quickbooks.realm_id,
        "product_id": next(numbers),
        "product_name": "Pallet racking bay, 4 levels",
        "product_code": "RACK-4L",
        "item_id": str(next(numbers)),
        "item_name": "Pallet racking bay 4L",
        "linked_by": "Priya Nair",
    } | fields
    return ItemLink.objects.create(**values)


def make_preset(company: Company, **fields: Any) -> InvoicePreset:
    values = {"company": company, "name": f"Preset {next(numbers)}"} | fields
    return InvoicePreset.objects.create(**values)


def make_invoice(company: Company, **fields: Any) -> Invoice:
    """An invoice that QuickBooks confirmed: open, 120.00 GBP, due in 14 days. Every column may be given."""
    realm_id = fields.pop("realm_id", None) or company.quickbooks.realm_id
    row = an_invoice(company, realm_id, **fields)
    row.save(force_insert=True)
    return row


def an_invoice(company: Company, realm_id: str, **fields: Any) -> Invoice:
    """The same, not stored yet."""
    number = next(numbers)
    now = timezone.now()
    values = {
        "company": company,
        "realm_id": realm_id,
        "deal_id": number,
        "created_by_id": 1,
        "created_by_name": "Priya Nair",
        "intent_key": uuid.uuid4(),
        "draft": {},
        "fingerprint": f"{number:064}",
        "request_id": uuid.uuid4().hex,
        "submission": Submission.SUCCEEDED,
        "next_attempt_at": None,
        "settled_at": now,
        "sent_at": now,
        "attempts": 1,
        "qbo_invoice_id": str(number),
        "sync_token": "0",
        "number": str(number),
        "customer_id": "7",
        "customer_name": "Bramley Foods Ltd",
        "currency": "GBP",
        "total": D("120.00"),
        "tax": D("20.00"),
        "balance": D("120.00"),
        "invoice_date": now.date(),
        "due_date": now.date() + timedelta(days=14),
        "qbo_updated_at": now,
        "checked_at": now,
    } | fields
    return Invoice(**values)


def make_pending_invoice(company: Company, draft: dict[str, Any] | None = None, **fields: Any) -> Invoice:
    """An intent that was stored and not sent yet."""
    nothing_yet = {
        "submission": Submission.PENDING,
        "next_attempt_at": timezone.now(),
        "settled_at": None,
        "sent_at": None,
        "attempts": 0,
        "qbo_invoice_id": "",
        "sync_token": "",
        "number": "",
        "customer_id": "",
        "customer_name": "",
        "total": None,
        "tax": None,
        "balance": None,
        "invoice_date": None,
        "due_date": None,
        "qbo_updated_at": None,
        "checked_at": None,
        "draft": draft or {},
    }
    return make_invoice(company, **(nothing_yet | fields))


# Values of the domain


def an_issued(row: Invoice, **fields: Any) -> IssuedInvoice:
    """What QuickBooks says of that invoice now, one version later."""
    total = row.total or D("120.00")
    values = {
        "qbo_invoice_id": row.qbo_invoice_id,
        "sync_token": str(int(row.sync_token or 0) + 1),
        "number": row.number,
        "customer_id": row.customer_id,
        "customer_name": row.customer_name,
        "currency": row.currency,
        "total": total,
        "tax": row.tax or D(0),
        "balance": total,
        "invoice_date": row.invoice_date,
        "due_date": row.due_date,
        "line_amounts": (total,),
        "private_note": "",
        "emailed": False,
        "emailed_at": None,
        "created_at": timezone.now(),
        "updated_at": timezone.now(),
    } | fields
    return IssuedInvoice(**values)


def a_party(**fields: Any) -> Party:
    return Party(**({"id": 31, "name": "Bramley Foods", "values": {"name": "Bramley Foods"}} | fields))


def a_product(**fields: Any) -> DealProduct:
    values = {
        "attachment_id": next(numbers),
        "product_id": 501,
        "name": "Pallet racking bay 4L",
        "quantity": D(2),
        "unit_price": D("50.00"),
        "discount": Discount(),
        "tax_percentage": D(20),
        "enabled": True,
        "code": "RACK-4L",
    } | fields
    return DealProduct(**values)


def a_deal(**fields: Any) -> Deal:
    values = {
        "id": 12,
        "title": "Bramley Foods – warehouse racking",
        "value": D("100.00"),
        "currency": "GBP",
        "tax_method": TaxMethod.EXCLUSIVE,
        "products": (a_product(),),
        "discounts": (),
        "organization": a_party(),
        "person": a_party(id=41, name="Ann Lee", values={"name": "Ann Lee"}),
        "values": {"title": "Bramley Foods – warehouse racking"},
    } | fields
    return Deal(**values)


def a_line(**fields: Any) -> DraftLine:
    values = {
        "description": "Pallet racking bay 4L",
        "item_id": "1",
        "quantity": D(2),
        "unit_price": D("50.00"),
        "discount": D(0),
        "tax_code_id": "2",
        "tax_percentage": D(20),
    } | fields
    return DraftLine(**values)


def a_bill_to(**fields: Any) -> BillTo:
    values = {
        "customer_id": "",
        "name": "Bramley Foods Ltd",
        "email": "office@bramleyfoods.co.uk",
        "address": Address(line1="4 Mill Lane", city="Leeds", postal_code="LS1 4AB", country="United Kingdom"),
    } | fields
    return BillTo(**values)


def a_draft(**fields: Any) -> InvoiceDraft:
    """One line of 100.00 GBP plus 20 % tax for a new customer."""
    values = {
        "deal_id": 12,
        "bill_to": a_bill_to(),
        "currency": "GBP",
        "exchange_rate": None,
        "invoice_date": date(2026, 11, 24),
        "due_date": date(2026, 12, 8),
        "amounts_are": AmountsAre.TAX_EXCLUSIVE,
        "lines": (a_line(),),
    } | fields
    return InvoiceDraft(**values)


# Proofs


def frame_token(
    company_id: int, user_id: int, *, secret: str | None = None, expires_in: float = 300, **claims: Any
) -> str:
    """What Pipedrive puts into a frame's address as `token`. A claim set to None is left out."""
    now = int(time.time())
    content = {"companyId": company_id, "userId": user_id, "iat": now, "exp": now + int(expires_in)} | claims
    return jwt.encode(
        {name: value for name, value in content.items() if value is not None},
        settings.PIPEDRIVE_JWT_SECRET if secret is None else secret,
        algorithm="HS256",
    )


def frame_token_of(user: PipedriveUser, **options: Any) -> str:
    return frame_token(user.company.pipedrive_company_id, user.user_id, **options)
