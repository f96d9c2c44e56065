"""Products and their items in the settings: what is listed, searched, repaired and removed, and by whom."""

from __future__ import annotations

import pytest
from django.utils import timezone

from integration_settings import kept_lists, reference
from integration_settings.models import ItemLink, ReferenceList
from tests.factories import make_company, make_item_link, make_user

pytestmark = pytest.mark.django_db
PRODUCTS = "/embed/settings/products"


def an_item(item_id, name, **fields):
    row = {"id": item_id, "name": name, "sku": "", "type": "Service", "active": True, "price": None}
    return row | {"tax_code_id": "", "taxable": False} | fields


@pytest.fixture
def tenant(company):
    """A company whose items were just read; nobody is asked."""
    rows = [
        an_item("1", "Pallet racking bay 4L", sku="RACK-4L"),
        an_item("2", "Installation"),
        an_item("3", "Racking 3L (deleted)", active=False),
    ]
    ReferenceList.objects.create(company=company, kind="items", rows=rows, fetched_at=timezone.now())
    return company


@pytest.fixture
def get(client, user, page_token):
    return lambda **query: client.get(PRODUCTS, query, headers=page_token(user, "settings"))


@pytest.fixture
def post(client, user, page_token):
    def send(path, who=None, **fields):
        return client.post(f"{PRODUCTS}/{path}", fields, headers=page_token(who or user, "settings"))

    return send


def text_of(response):
    return " ".join(response.content.decode().replace("&amp;", "&").replace("&#x27;", "'").split())


def names(response):
    return [row.link.product_name for row in response.context["rows"]]


def test_without_any_choice_the_card_says_how_they_come_about(tenant, get):
    shown = text_of(get())
    assert "No item chosen for a product yet" in shown
    assert "Search products" not in shown


def test_each_choice_says_who_made_it_and_when_it_was_last_used(tenant, get):
    make_item_link(tenant, item_id="1", linked_by="Tom Hale", last_used_at=timezone.now())
    make_item_link(tenant, item_id="2", product_name="Assembly", product_code="")
    shown = text_of(get())
    day = f"{timezone.now():%-d %b %Y}"
    assert f"Chosen by Tom Hale, {day}" in shown
    assert f"Last used {day}" in shown
    assert "Not used yet" in shown
    assert "no code" in shown
    assert "Items checked" in shown


def test_what_has_to_be_repaired_comes_first_and_can_be_seen_alone(tenant, get):
    make_item_link(tenant, item_id="1", product_name="Alpha")
    make_item_link(tenant, item_id="3", product_name="Omega", item_name="Racking 3L")
    make_item_link(tenant, item_id="99", product_name="Sigma", item_name="Merged away")
    answer = get()
    assert names(answer) == ["Omega", "Sigma", "Alpha"]
    shown = text_of(answer)
    assert "“Racking 3L” is inactive" in shown
    assert "“Merged away” is no longer in QuickBooks" in shown
    assert "All 3" in shown
    assert "To choose 2" in shown
    assert names(get(part="list", show="faults")) == ["Omega", "Sigma"]


@pytest.mark.parametrize(
    ("typed", "found"),
    [("rack-4l", ["Bay"]), ("ASSEM inst", ["Assembly"]), ("nothing like it", []), ("", ["Assembly", "Bay"])],
)
def test_a_search_looks_at_product_code_and_item(tenant, get, typed, found):
    make_item_link(tenant, item_id="1", product_name="Bay", product_code="")
    make_item_link(tenant, item_id="2", product_name="Assembly", product_code="")
    assert names(get(part="list", q=typed)) == found


def test_5000_products_come_twenty_at_a_time(tenant, get, django_assert_max_num_queries):
    ItemLink.objects.bulk_create(
        ItemLink(
            company=tenant,
            realm_id=tenant.quickbooks.realm_id,
            product_id=number,
            product_name=f"Product {number:04}",
            item_id="1",
            item_name="Pallet racking bay 4L",
        )
        for number in range(1, 5001)
    )
    with django_assert_max_num_queries(8):
        answer = get()
    assert names(answer) == [f"Product {number:04}" for number in range(1, 21)]
    assert "Show 20 more" in text_of(answer)
    more = get(part="rows", **{"from": "4990"})
    assert names(more) == [f"Product {number:04}" for number in range(4991, 5001)]
    assert "more-products" not in more.content.decode()
    assert "data-autofocus" in more.content.decode(), "the focus moves on to what is new"
    assert len(answer.content) < 80_000


def test_another_item_is_chosen(tenant, get, post, user):
    link = make_item_link(tenant, item_id="3", product_id=501, linked_by="Tom Hale", last_used_at=timezone.now())
    answer = post("501", item="2")
    assert answer.status_code == 200
    assert 'id="product-501"' in answer.content.decode()
    assert "“Pallet racking bay, 4 levels” is “Installation” from now on" in text_of(answer)
    used = link.last_used_at
    link.refresh_from_db()
    assert (link.item_id, link.item_name, link.linked_by, link.last_used_at) == ("2", "Installation", user.name, used)


@pytest.mark.parametrize("item", ["3", "99", "", "<b>"])
def test_what_is_no_active_item_is_refused_in_the_row(tenant, post, item):
    link = make_item_link(tenant, item_id="1", product_id=501)
    answer = post("501", item=item)
    assert answer.status_code == 422
    assert "Choose one of the active items of QuickBooks." in text_of(answer)
    link.refresh_from_db()
    assert link.item_id == "1"


def test_a_choice_is_removed(tenant, post):
    make_item_link(tenant, item_id="1", product_id=501)
    assert "The next invoice looks for an item by SKU and name again." in text_of(post("501/forget"))
    assert not ItemLink.objects.exists()
    gone = post("501/forget")
    assert (gone.status_code, gone.headers["X-Fragment"]) == (404, "swap")
    assert "This choice is not there any more." in text_of(gone)


def test_whoever_is_no_administrator_looks_only(tenant, client, post, page_token):
    ewa = make_user(tenant, is_admin=False)
    link = make_item_link(tenant, item_id="3", product_id=501, item_name="Racking 3L")
    shown = client.get(PRODUCTS, headers=page_token(ewa, "settings")).content.decode()
    assert "is inactive" in shown
    for forbidden in ("Remove", "Change", "hx-post", 'combobox__box"><input class="input input--small'):
        assert forbidden not in shown
    for path in ("501", "501/forget"):
        answer = post(path, who=ewa, item="2")
        assert answer.status_code == 403
        assert answer.headers["X-Fragment"] == "swap"
    link.refresh_from_db()
    assert link.item_id == "3"


@pytest.mark.parametrize("path", ["501", "501/forget"])
def test_whoever_no_longer_administers_chooses_nothing(connect, client, page_token, control, path):
    tenant = connect("GB")
    link = make_item_link(tenant.company, item_id="1", product_id=501)
    control.change_company(tenant.company.pipedrive_company_id, {"users": {tenant.user.user_id: {"admin": False}}})
    answer = client.post(f"{PRODUCTS}/{path}", {"item": "2"}, headers=page_token(tenant.user, "settings"))
    assert answer.status_code == 403
    link.refresh_from_db()
    assert link.item_id == "1"


def test_choices_of_another_company_or_for_other_books_are_not_there(tenant, get, post, other_company):
    foreign = make_item_link(other_company, product_id=601, item_id="1", product_name="Foreign product")
    former = make_item_link(tenant, product_id=602, realm_id="4711", item_id="1", product_name="Former product")
    shown = text_of(get())
    assert "Foreign product" not in shown
    assert "Former product" not in shown
    for product in ("601", "602"):
        assert post(product, item="2").status_code == 404
        assert post(f"{product}/forget").status_code == 404
    for link in (foreign, former):
        link.refresh_from_db()
        assert link.item_id == "1"


def test_an_item_of_another_company_cannot_be_chosen(tenant, post, other_company):
    rows = [an_item("77", "Theirs")]
    ReferenceList.objects.create(company=other_company, kind="items", rows=rows, fetched_at=timezone.now())
    make_item_link(tenant, item_id="1", product_id=501)
    assert post("501", item="77").status_code == 422


def test_before_the_first_connection_there_is_nothing_to_choose(client, page_token, db):
    user = make_user(make_company())
    answer = client.get(PRODUCTS, headers=page_token(user, "settings"))
    assert "Once QuickBooks is connected" in text_of(answer)


def test_items_that_cannot_be_read_are_said_in_the_card_alone(connect, client, page_token, control, no_waiting):
    tenant = connect("GB")
    control.fault("status", path="/query", status=503, times=None)
    answer = client.get(PRODUCTS, headers=page_token(tenant.user, "settings"))
    assert answer.status_code == 200
    assert "QuickBooks’ items could not be read" in text_of(answer)


def test_of_items_that_have_changed_since_they_were_read_no_time_is_told(
    connect, client, page_token, control, no_waiting
):
    tenant = connect("GB")
    make_item_link(tenant.company, item_id=reference.items(tenant.company)[0].id)
    kept_lists.outdate(tenant.company.pk, ["items"])
    control.fault("status", path="/query", status=503, times=None)
    shown = text_of(client.get(PRODUCTS, headers=page_token(tenant.user, "settings")))
    assert "Search products" in shown
    assert "Items checked" not in shown


def test_an_item_made_inactive_in_quickbooks_is_seen(connect, client, page_token, control):
    tenant = connect("GB")
    item = next(item for item in reference.items(tenant.company) if item.name == "Installation")
    make_item_link(tenant.company, item_id=item.id, item_name=item.name)
    control.book(tenant.realm, "deactivate_item", id=item.id)
    ReferenceList.objects.filter(company=tenant.company, kind="items").delete()
    shown = text_of(client.get(PRODUCTS, headers=page_token(tenant.user, "settings")))
    assert "“Installation” is inactive" in shown


def test_hostile_names_are_shown_as_text(tenant, get, post):
    make_item_link(tenant, product_id=501, item_id="99", product_name="<script>x</script>", item_name="<img src=x>")
    for answer in (get(), get(q="<b>x</b>"), post("501", item="1"), post("501/forget")):
        assert "<script>" not in answer.content.decode()
        assert "<img" not in answer.content.decode()
        assert "<b>x" not in answer.content.decode()


@pytest.mark.parametrize(
    ("method", "path"), [("post", PRODUCTS), ("get", f"{PRODUCTS}/7"), ("get", f"{PRODUCTS}/7/forget")]
)
def test_each_address_has_its_method(tenant, client, user, page_token, method, path):
    assert getattr(client, method)(path, headers=page_token(user, "settings")).status_code == 405
