"""Lists as last read are each company's own, whatever another one reads, is told or cannot read meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integration_settings import connections
from integration_settings.errors import ServiceUnavailable
from integration_settings.kept_lists import ONE_HOUR, kept, outdate, put_into_kept
from integration_settings.models import Company, ReferenceList
from integration_settings.oauth import Grant

pytestmark = pytest.mark.django_db


@pytest.fixture
def lists(company, other_company):
    """(the other company's, ours) of items, two hours old; the other company's stands first in the table."""
    then = {"kind": "items", "rows": [{"id": "1"}], "fetched_at": timezone.now() - timedelta(hours=2)}
    return [ReferenceList.objects.create(company=each, **then) for each in (other_company, company)]


def the_id(row):
    return row["id"]


def fail():
    raise ServiceUnavailable("quickbooks", "503")


def test_what_one_company_is_told_of_its_list_changes_no_other(company, lists):
    theirs, ours = lists
    put_into_kept(company.pk, "items", [{"id": "2"}], in_place_of=())
    outdate(company.pk, ["items"])
    then = theirs.fetched_at
    theirs.refresh_from_db()
    ours.refresh_from_db()
    assert (theirs.rows, theirs.fetched_at) == ([{"id": "1"}], then)
    assert (ours.rows, ours.fetched_at < then) == ([{"id": "1"}, {"id": "2"}], True)


def test_a_list_that_another_company_reads_in_the_same_moment_is_not_taken_for_ours(company, lists):
    theirs, ours = lists

    def read():
        ReferenceList.objects.filter(pk=theirs.pk).update(rows=[{"id": "9"}], fetched_at=timezone.now())
        return [{"id": "2"}]

    assert kept(company, "items", read, the_id, ONE_HOUR) == ["2"]
    ours.refresh_from_db()
    assert ours.rows == [{"id": "2"}]


def test_a_list_that_cannot_be_read_keeps_neither_another_company_nor_another_list_waiting(company, lists):
    theirs, ours = lists
    ReferenceList.objects.create(company=company, kind="terms", rows=ours.rows, fetched_at=ours.fetched_at)
    assert kept(company, "items", fail, the_id, ONE_HOUR) == ["1"]
    for owner, kind in ((theirs.company, "items"), (company, "terms")):
        assert kept(owner, kind, lambda: [{"id": "2"}], the_id, ONE_HOUR) == ["2"]


@pytest.mark.parametrize("end", ["other books are connected", "QuickBooks is disconnected"])
def test_they_go_with_their_own_companys_books_alone(company, lists, monkeypatch, end):
    theirs, _ = lists
    later = timezone.now() + timedelta(days=1)
    if end == "other books are connected":
        grant = Grant("access", "refresh", later, later)
        connections.connect_quickbooks(company, realm_id="99", grant=grant, connected_by="Tom Hale")
    else:
        monkeypatch.setattr(connections, "revoke_quickbooks_quietly", lambda token, realm_id: None)
        connections.disconnect_quickbooks(company)
    assert list(ReferenceList.objects.all()) == [theirs]


def test_what_is_read_for_a_company_that_leaves_meanwhile_is_kept_nowhere(company):
    def read():
        Company.objects.filter(pk=company.pk).delete()
        return [{"id": "2"}]

    assert kept(company, "pipedrive_deal_fields", read, the_id, ONE_HOUR) == ["2"]
    assert not ReferenceList.objects.exists()
