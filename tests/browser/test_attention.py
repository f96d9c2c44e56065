"""The desk by mouse and keyboard: one item chosen, and the invoices that it stopped are in QuickBooks."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from integration_settings import reference
from invoices import services
from invoices.domain.status import Submission
from invoices.models import Invoice, ItemLink
from tests.conftest import visitor_of
from tests.factories import a_bill_to, a_draft, a_line
from tests.invoices.test_deal_gateway import deal_called
from tests.servers import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900), pytest.mark.django_db(transaction=True)]
DEALS = ("Bramley Foods – warehouse racking, phase 2", "Northgate Dental – storage fit-out")
