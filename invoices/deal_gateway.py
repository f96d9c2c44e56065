"""Pipedrive's JSON becomes a `Deal`, with the grant of the user who asks: what he may not see, he cannot bill."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from django.core.cache import cache

from integration_settings.connections import fresh_access_token
from integration_settings.deal_rules import DealState
from integration_settings.errors import AccessDenied, ConnectionExpired, NotFound, RateLimited, ServiceUnavailable
from integration_settings.models import PipedriveUser
from integration_settings.pipedrive import UNAUTHORIZED, PipedriveClient
from integration_settings.side_by_side import SideBySide
from invoices.deal_answers import (
    LARGEST_ID,
    Json,
    deal_discount,
    deal_file,
    deal_product,
    deal_state,
    id_of,
    instalment,
    number_of,
    tax_method_of,
    text_of,
    values_of,
)
from invoices.domain.deal import Deal, Party, TaxMethod, party_of
from invoices.domain.files import DealFile
from invoices.domain.money import Money
from invoices.domain.plain import plain
from invoices.domain.plan import Instalment

REMEMBERED_SECONDS = 300
LATEST_SECONDS = 60
MOST_DEALS = 500
ASKED_ONE_BY_ONE = 30  # deals; 100 in the lists of both kinds cost as much
PRODUCT_SECONDS = 3600
JUST_NOW_SECONDS = 5
KEPT = ("name", "code")  # of a product


@dataclass(frozen=True, slots=True)
class DealFacts:
    """The little that panel and intent need of a deal."""

    deal_id: int
    title: str
    value: Money
    organization_id: int | None
    person_id: int | None
    update_time: str = ""  # as Pipedrive writes it
    place: str = ""  # its status, pipeline and stage, for comparing alone

    @property
    def party(self) -> tuple[str, int]:
        return party_of(self.deal_id, self.organization_id, self.person_id)


def party_of_loaded(deal: Deal) -> tuple[str, int]:
    """Also where the organization itself may not be seen or is gone."""
    return facts_of(deal).party


def facts_of(deal: Deal) -> DealFacts:
    """Of a deal that was read as a whole."""
    return _facts({**deal.values, "id": deal.id, "title": deal.title, "value": deal.value, "currency": deal.currency})


def load_deal(client: PipedriveClient, deal_id: int) -> Deal:
    """Two rounds of calls side by side: what the deal's id is enough for, then what the first answers name.

    Whose deal it was when the panel was drawn, a moment ago mostly, is asked for in the first round: then there is no
    second one. Raises the errors of `integration_settings.errors`, `NotFound` also for a deal that this user may not
    see.
    """
    fresh_access_token(client.user)  # before the threads start: none of them should have to refresh
    known = remembered(client.user, deal_id)
    with SideBySide(4) as calls:
        products = calls.start(client.deal_products, deal_id)
        discounts = calls.start(client.deal_discounts, deal_id)
        organization, person = _Soon(calls, client.organization), _Soon(calls, client.person)
        if known:
            organization.ask(known.organization_id)
            person.ask(known.person_id)
        answer = _read(client, deal_id)
        facts = _facts(answer)
        remember(client.user, facts)
        organization.ask(facts.organization_id)
        person.ask(facts.person_id)
        rows = products.result()
        codes = _codes(client, rows)
        return replace(
            _deal(answer),
            tax_method=tax_method_of(rows),
            products=tuple(deal_product(row, codes) for row in rows),
            discounts=tuple(deal_discount(row) for row in discounts.result()),
            organization=organization.party(),
            person=person.party(),
        )


class _Soon:
    """A party that is being read; asked for another one it forgets the first."""

    def __init__(self, calls: SideBySide, read: Callable[[int], Json]) -> None:
        self.calls, self.read = calls, read
        self.party_id: int | None = None
        self.found: Future[Party | None] | None = None

    def ask(self, party_id: int | None) -> None:
        if party_id != self.party_id:
            self.party_id = party_id
            self.found = self.calls.start(_party, self.read, party_id) if party_id else None

    def party(self) -> Party | None:
        return self.found.result() if self.found else None


def load_deal_fields(user: PipedriveUser, deal_id: int) -> Deal:
    """The deal with its organization and person, without its products. Raises as `load_deal` does."""
    client = PipedriveClient(user)
    answer = _read(client, deal_id)
    remember(user, _facts(answer))
    with SideBySide(2) as calls:
        organization = calls.start(_party, client.organization, id_of(answer.get("org_id")))
        person = calls.start(_party, client.person, id_of(answer.get("person_id")))
        return replace(_deal(answer), organization=organization.result(), person=person.result())


def latest_deals(user: PipedriveUser) -> list[DealFacts]:
    """Those among which one is chosen to look at, changed last first; remembered for a minute.

    Raises the errors of `integration_settings.errors`.
    """
    key = f"deals-changed-last:{user.company_id}:{user.user_id}"
    kept = cache.get(key)
    known = [_recalled(each) for each in kept or ()]
    if kept is None or None in known:
        found = [_facts(answer) for answer in PipedriveClient(user).latest_deals(MOST_DEALS)]
        cache.set(key, plain(found), LATEST_SECONDS)
        return found
    return [each for each in known if each]


def load_instalments(user: PipedriveUser, deal_id: int, *, kept: bool = False) -> tuple[Instalment, ...]:
    """The deal's billing plan, in its order; empty without one. `kept`: as it was some minutes ago will do. Raises the
    errors of `integration_settings.errors`.
    """
    key = _key(user, deal_id, "instalments")
    rows: list[Any] | None = cache.get(key) if kept else None
    if rows is None:
        rows = PipedriveClient(user).deal_instalments(deal_id)
        cache.set(key, plain(rows), REMEMBERED_SECONDS)
    found = map(instalment, rows)
    return tuple(each for each in found if each.id and each.amount > 0)


def load_files(user: PipedriveUser, deal_id: int, *, kept: bool = False) -> tuple[DealFile, ...]:
    """The deal's files, the latest first; likewise."""
    key = _key(user, deal_id, "files")
    rows: list[Any] | None = cache.get(key) if kept else None
    if rows is None:
        rows = PipedriveClient(user).deal_files(deal_id)
        cache.set(key, plain(rows), REMEMBERED_SECONDS)
    there = (row for row in rows if id_of(row.get("id")) and row.get("active_flag") is not False)
    return tuple(
        deal_file(row) for row in there if row.get("inline_flag") is not True
    )  # that is a picture in an e-mail


def deals_changed_since(
    user: PipedriveUser, moment: datetime, *, most: int, archived: bool = False
) -> tuple[list[tuple[DealState, DealFacts]], bool]:
    """The first of those that this user may see, the one that changed last at the end, and whether those are all;
    the `archived` ones are a list of their own. Raises the errors of `integration_settings.errors`.
    """
    answers, all_of_them = PipedriveClient(user).deals_changed_since(moment, most, archived=archived)
    deals = [answer for answer in answers if (id_of(answer.get("id")) or LARGEST_ID) < LARGEST_ID]
    return [(deal_state(answer), _facts(answer)) for answer in deals], all_of_them


def deal_state_now(user: PipedriveUser, deal_id: int) -> DealState:
    """Asked of Pipedrive in this moment. Raises the errors of `integration_settings.errors`, `NotFound` also for a deal
    that this user may not see.
    """
    return deal_state(_read(PipedriveClient(user), deal_id))


def seen_deal(user: PipedriveUser, deal_id: int) -> DealFacts | None:
    """The deal as this user sees it, None when he may not; remembered for five minutes."""
    return remembered(user, deal_id) or _ask(user, deal_id)


def look_ahead(user: PipedriveUser, deal_id: int) -> None:
    """A hand is on its way to a button: asks already what `deal_now` will be asked in a moment.

    Raises the errors of `integration_settings.errors`.
    """
    if facts := _ask(user, deal_id):
        cache.set(_key(user, deal_id, "deal-just-now"), plain(facts), JUST_NOW_SECONDS)


def deal_now(user: PipedriveUser, deal_id: int, *, in_any_case: bool = True) -> DealFacts | None:
    """The same, asked of Pipedrive in this moment, or just before by `look_ahead`; while it does not answer, as it was
    some minutes ago. Not `in_any_case`: nothing that was read before will do.
    """
    if not in_any_case:
        return _ask(user, deal_id)
    if just_now := _recalled(cache.get(_key(user, deal_id, "deal-just-now"))):
        return just_now
    try:
        return _ask(user, deal_id)
    except (ServiceUnavailable, RateLimited):
        if known := remembered(user, deal_id):
            return known
        raise


def _ask(user: PipedriveUser, deal_id: int) -> DealFacts | None:
    try:
        facts = _facts(_read(PipedriveClient(user), deal_id))
    except (NotFound, AccessDenied):
        return None  # not remembered here: he may be given the right at any moment
    remember(user, facts)
    return facts


def _read(client: PipedriveClient, deal_id: int) -> Json:
    """The deal. Once Pipedrive says that the user may not see it, what was remembered of it counts no more."""
    try:
        return client.deal(deal_id)
    except (NotFound, AccessDenied):
        cache.delete_many([_key(client.user, deal_id), _key(client.user, deal_id, "deal-just-now")])
        raise


def remembered(user: PipedriveUser, deal_id: int) -> DealFacts | None:
    return _recalled(cache.get(_key(user, deal_id)))


def may_see_deal(user: PipedriveUser, deal_id: int) -> bool:
    return seen_deal(user, deal_id) is not None


def visible_deals(user: PipedriveUser, deal_ids: Iterable[int], *, anew: bool = False) -> dict[int, DealFacts]:
    """Those of the deals that the user may see. A few that are not remembered are asked for one by one, in parallel,
    which is cheapest; more by lists: a large customer has hundreds, and Pipedrive takes 80 calls in two seconds.

    Those that he may not see are remembered for five minutes too, here alone: an open panel asks for all of them every
    few seconds, which would use up the company's tokens of the day within the hour. `anew` asks for these again.
    """
    wanted = set(deal_ids)
    keys = {_key(user, deal_id): deal_id for deal_id in wanted}
    found = {keys[key]: facts for key, kept in cache.get_many(keys).items() if (facts := _recalled(kept))}
    unseen = {} if anew else _unseen(user)
    unknown = sorted(wanted - found.keys() - unseen.keys())
    if not unknown:
        return found
    shown = _shown_of(user, unknown)
    until = time.time() + REMEMBERED_SECONDS
    unseen |= {deal_id: until for deal_id in unknown if deal_id not in shown}
    cache.set(_unseen_key(user), [[deal_id, end] for deal_id, end in unseen.items()], REMEMBERED_SECONDS)
    return found | shown


def _unseen(user: PipedriveUser) -> dict[int, float]:
    """Deals that he was not shown, and until when that is believed; all in one, as there may be thousands."""
    return {deal_id: end for deal_id, end in cache.get(_unseen_key(user)) or () if end > time.time()}


def _unseen_key(user: PipedriveUser) -> str:
    return f"deals-unseen:{user.company_id}:{user.user_id}"


def _shown_of(user: PipedriveUser, deal_ids: list[int]) -> dict[int, DealFacts]:
    fresh_access_token(user)
    if len(deal_ids) > ASKED_ONE_BY_ONE:
        found = {facts.deal_id: facts for facts in map(_facts, PipedriveClient(user).deals(deal_ids))}
        for facts in found.values():
            remember(user, facts)
        return found
    with SideBySide(min(len(deal_ids), 8)) as calls:
        soon = [calls.start(_ask, user, deal_id) for deal_id in deal_ids]
        seen = (each.result() for each in soon)
        return {one.deal_id: one for one in seen if one is not None}


def shown_soon(calls: SideBySide, user: PipedriveUser, deal_ids: Iterable[int]) -> dict[int, Future[DealFacts | None]]:
    """What Pipedrive says of a few deals in this moment, whatever is remembered of them: None of what it does not show.

    Each `result()` raises the errors of `integration_settings.errors`.
    """
    return {deal_id: calls.start(_ask, user, deal_id) for deal_id in deal_ids}


def remember(user: PipedriveUser, facts: DealFacts) -> None:
    """As plain values, and not as an object: another version of ours that reads it may know other members."""
    cache.set(_key(user, facts.deal_id), plain(facts), REMEMBERED_SECONDS)


def _recalled(kept: Any) -> DealFacts | None:
    """None for nothing, and for what another version has kept."""
    try:
        value = Money(Decimal(kept["value"]["amount"]), kept["value"]["currency"])
        return DealFacts(**{**kept, "value": value})
    except (KeyError, TypeError):
        return None


def _key(user: PipedriveUser, deal_id: int, what: str = "deal") -> str:
    return f"{what}:{user.company_id}:{user.user_id}:{deal_id}"


# Pipedrive's JSON. https://developers.pipedrive.com/docs/api/v1/Deals


def _facts(answer: Json) -> DealFacts:
    return DealFacts(
        deal_id=int(answer["id"]),
        title=text_of(answer.get("title")),
        value=Money(number_of(answer.get("value")), text_of(answer.get("currency"))),
        organization_id=id_of(answer.get("org_id")),
        person_id=id_of(answer.get("person_id")),
        update_time=text_of(answer.get("update_time")),
        place=_place(answer),
    )


def _place(answer: Json) -> str:
    state = deal_state(answer)
    return f"{state.status} {state.pipeline_id} {state.stage_id}"


def _deal(answer: Json) -> Deal:
    return Deal(
        id=int(answer["id"]),
        title=text_of(answer.get("title")),
        value=number_of(answer.get("value")),
        currency=text_of(answer.get("currency")),
        tax_method=TaxMethod.EXCLUSIVE,
        products=(),
        discounts=(),
        organization=None,
        person=None,
        values=values_of(answer),
    )


def _codes(client: PipedriveClient, rows: Iterable[Json]) -> dict[int, Json]:
    """Name and code of the products, remembered for an hour: they seldom change, and asking is dear (10 tokens)."""
    ids = {product_id for row in rows if (product_id := id_of(row.get("product_id")))}
    key = partial(_product_key, client.user)
    known: dict[str, Json] = cache.get_many([key(product_id) for product_id in ids])
    unknown = [product_id for product_id in ids if key(product_id) not in known]
    if unknown:
        fresh = {product["id"]: {name: product.get(name) for name in KEPT} for product in client.products(unknown)}
        cache.set_many({key(product_id): kept for product_id, kept in fresh.items()}, PRODUCT_SECONDS)
        known |= {key(product_id): kept for product_id, kept in fresh.items()}
    return {product_id: known[key(product_id)] for product_id in ids if key(product_id) in known}


def forget_products(user: PipedriveUser, product_ids: Iterable[int]) -> None:
    """Their codes are asked for with the next form: somebody is about to correct them, perhaps."""
    cache.delete_many([_product_key(user, product_id) for product_id in product_ids])


def _product_key(user: PipedriveUser, product_id: int) -> str:
    return f"product:{user.company_id}:{product_id}"


def _party(read: Callable[[int], Json], party_id: int | None) -> Party | None:
    """None as well for one that the user may not see or that was deleted since."""
    if party_id is None:
        return None
    try:
        answer = read(party_id)
    except (NotFound, AccessDenied):
        return None
    except ConnectionExpired as refused:
        if refused.status != UNAUTHORIZED:
            raise
        return None  # with a token that was just fetched: it is about this party, as the deal itself is read beside it
    return Party(party_id, text_of(answer.get("name")), values_of(answer))
