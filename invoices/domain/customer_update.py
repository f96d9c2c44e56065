"""What Pipedrive knows of a customer beside what QuickBooks has: what differs, and what may still be written later.

Spelling is no difference: case, blanks, accents, a country's code for its name. What Pipedrive does not say is never
taken away. QuickBooks shows the end of a tax number only, so two numbers are told apart by their endings.
https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/customer
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from invoices.domain.addresses import (
    AUSTRALIAN_STATES,
    CANADIAN_PROVINCES,
    LONGEST_PLACE,
    LONGEST_POSTAL_CODE,
    US_STATES,
    address_lines,
)
from invoices.domain.checks import LONGEST_EMAIL, LONGEST_TAX_ID, is_email
from invoices.domain.deal import Address
from invoices.domain.emails import addresses_in, addresses_typed

EDITED_ELSEWHERE = "edited_elsewhere"  # the reason of a refusal; see `EditedElsewhere`
SHOWN_OF_TAX_ID = 5
LONGEST_CUSTOMER_NOTES = 2000
ISO_CODE = re.compile("[A-Z]{2}")

CountryOf = Callable[[str], str]
"""A country's two letters for any of its names or codes; for what is no country something else."""


class CustomerField(StrEnum):
    """What can be updated. NOTES stands in for the tax number where QuickBooks has no field for it."""

    ADDRESS = "address"
    EMAIL = "email"
    TAX_ID = "tax_id"
    NOTES = "notes"


class Reason(StrEnum):
    """Why a difference is not simply written."""

    NONE = ""
    SAME_ENDING = "same_ending"  # very likely the same number; written only if somebody asks for it
    NO_FIELD = "no_field"  # QuickBooks has no field for it in this country; the notes can take it
    NOTES_FULL = "notes_full"
    ONE_TEXT = "one_text"  # an address without parts would empty town and postal code; written only if asked for
    NOT_AN_EMAIL = "not_an_email"
    TOO_LONG = "too_long"
    MASKED = "masked"  # somebody has copied QuickBooks' dots into Pipedrive


@dataclass(frozen=True, slots=True)
class AddressParts:
    """An address in QuickBooks' parts; `street` are its lines with line breaks between."""

    street: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""

    @property
    def values(self) -> tuple[str, ...]:
        return self.street, self.city, self.region, self.postal_code, self.country


@dataclass(frozen=True, slots=True)
class CustomerRecord:
    """A customer as QuickBooks has it. Of `tax_id` the last five characters are readable at most, except where it is
    India's GSTIN in the field of its own.
    """

    customer_id: str
    sync_token: str
    name: str
    active: bool = True
    email: str = ""
    address: AddressParts = field(default_factory=AddressParts)
    ship_address: AddressParts | None = None
    tax_id: str = ""
    is_gstin: bool = False
    notes: str = ""
    term_id: str = ""  # its payment terms
    sales_tax_id: str = ""  # the tax code that it usually pays
    exempt: bool = False  # from sales tax


@dataclass(frozen=True, slots=True)
class PartyDetails:
    """What the mapped fields of the deal say of the customer; "" where they say nothing."""

    email: str = ""
    address: Address = field(default_factory=Address)
    tax_id: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One thing to write: what a person saw in QuickBooks and what is to stand there. An address has five values.

    Of NOTES there is no `before`: a line is added to whatever stands there.
    """

    field: CustomerField
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """`proposed`: ticked unless somebody says otherwise. Not `possible`: shown, but nothing can be written."""

    change: Change
    proposed: bool = True
    possible: bool = True
    reason: Reason = Reason.NONE

    @property
    def field(self) -> CustomerField:
        return self.change.field


class EditedElsewhere(Exception):
    """QuickBooks has something else by now than the person saw."""

    def __init__(self, where: CustomerField) -> None:
        super().__init__(where)
        self.field = where


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a company's books are compared: whether customers have a tax number there, and how countries are known."""

    keeps_tax_ids: bool
    country_of: CountryOf
    tax_id_label: str

    def differences(self, record: CustomerRecord, wanted: PartyDetails) -> tuple[Difference, ...]:
        """Nothing for what is the same, nor for what Pipedrive does not know."""
        found = (self._address(record, wanted.address), _email(record, wanted.email), self._tax_id(record, wanted))
        return tuple(difference for difference in found if difference)

    def left_to_write(self, changes: Iterable[Change], record: CustomerRecord) -> tuple[Change, ...]:
        """The changes that are not in QuickBooks yet; `EditedElsewhere` rather than overwrite what nobody saw."""
        left = tuple(change for change in changes if not self.is_there(change, record))
        for change in left:
            if change.before and change.before != values_of(change.field, record):
                raise EditedElsewhere(change.field)
        return left

    def is_there(self, change: Change, record: CustomerRecord) -> bool:
        match change.field:
            case CustomerField.ADDRESS:
                return self.same_address(record.address, AddressParts(*change.after))
            case CustomerField.EMAIL:
                return _has_emails(record, change.after[0])
            case CustomerField.TAX_ID:
                # By its ending; while nothing at all has moved, a number that ends alike is still to be written.
                return ends_alike(record.tax_id, change.after[0]) and record.tax_id != change.before[0]
            case CustomerField.NOTES:
                return _plain(change.after[0]) in _plain(record.notes)

    def same_address(self, one: AddressParts, other: AddressParts) -> bool:
        one, other = self._country_apart(one), self._country_apart(other)
        countries = (self.country_of(one.country), self.country_of(other.country))
        if all(countries) and countries[0] != countries[1]:
            return False
        if one.region and other.region and _region(one.region) != _region(other.region):
            return False
        if _squeezed(one) == _squeezed(other) or _bag(one) == _bag(other):
            return True
        return _says_as_one_text(one, other) or _says_as_one_text(other, one)

    def _address(self, record: CustomerRecord, wanted: Address) -> Difference | None:
        new = in_parts(wanted)
        if new.region and self.country_of(new.region) == self.country_of(new.country):
            new = replace(new, region="")  # England, in the United Kingdom
        old = record.address  # its spelling stays where that is all the difference
        if self.same_address(old, new) or self._says_nothing_else(new, old):
            return None
        country = self._country_apart(new).country
        if not country or (new.country and self.country_of(country) == self.country_of(old.country)):
            new = replace(new, country=old.country)
        same_place = new.city and same_words(new.city, old.city)
        if (same_place and not new.region) or (new.region and _region(new.region) == _region(old.region)):
            new = replace(new, region=old.region)
        change = Change(CustomerField.ADDRESS, old.values, new.values)
        if (old.city or old.postal_code) and not (new.city or new.postal_code):
            return Difference(change, proposed=False, reason=Reason.ONE_TEXT)
        return Difference(change)

    def _says_nothing_else(self, new: AddressParts, old: AddressParts) -> bool:
        """Whether each part that Pipedrive has is the same in QuickBooks, which may have more: a town without a street
        takes no street away.
        """
        alike = (
            same_words(new.street, old.street),
            same_words(new.city, old.city),
            _region(new.region) == _region(old.region),
            same_words(new.postal_code, old.postal_code),
            self.country_of(new.country) == self.country_of(old.country),
        )
        return all(same or not said for said, same in zip(new.values, alike, strict=True))

    def _tax_id(self, record: CustomerRecord, wanted: PartyDetails) -> Difference | None:
        number = " ".join(wanted.tax_id.split())
        if not number:
            return None
        if not self.keeps_tax_ids:
            return self._in_the_notes(record, number)
        if _plain(record.tax_id) == _plain(number):
            return None
        change = Change(CustomerField.TAX_ID, (record.tax_id,), (number,))
        if len(number) > LONGEST_TAX_ID or is_masked(number):
            reason = Reason.MASKED if is_masked(number) else Reason.TOO_LONG
            return Difference(change, proposed=False, possible=False, reason=reason)
        if ends_alike(record.tax_id, number):
            return Difference(change, proposed=False, reason=Reason.SAME_ENDING)
        return Difference(change)

    def _in_the_notes(self, record: CustomerRecord, number: str) -> Difference | None:
        if _plain(number) in _plain(record.notes):
            return None
        line = f"{self.tax_id_label}: {number}"
        fits = len(with_line(record.notes, line)) <= LONGEST_CUSTOMER_NOTES
        change = Change(CustomerField.NOTES, (), (number, line))
        reason = Reason.NO_FIELD if fits else Reason.NOTES_FULL
        return Difference(change, proposed=False, possible=fits, reason=reason)

    def _country_apart(self, parts: AddressParts) -> AddressParts:
        """Of an address written as one text the country may stand at its end."""
        if parts.country or parts.city or parts.postal_code:
            return parts
        rest, comma, last = parts.street.replace("\n", ", ").rstrip(" ,").rpartition(",")
        if comma and ISO_CODE.fullmatch(self.country_of(last.strip())):
            return replace(parts, street=rest, country=last.strip())
        return parts


def values_of(where: CustomerField, record: CustomerRecord) -> tuple[str, ...]:
    """What stands in QuickBooks, in the same form as in `Change.before`."""
    match where:
        case CustomerField.ADDRESS:
            return record.address.values
        case CustomerField.EMAIL:
            return (record.email,)
        case CustomerField.TAX_ID:
            return (record.tax_id,)
        case CustomerField.NOTES:
            return (record.notes,)


def in_parts(address: Address) -> AddressParts:
    """As QuickBooks would keep it."""
    return AddressParts(
        street="\n".join(address_lines(address)),
        city=address.city[:LONGEST_PLACE],
        region=address.region[:LONGEST_PLACE],
        postal_code=address.postal_code[:LONGEST_POSTAL_CODE],
        country=address.country[:LONGEST_PLACE],
    )


def ending(tax_id: str) -> str:
    """The readable part of QuickBooks' XXXXXX56789, at most five characters; blanks and dashes may be among them."""
    return _plain(tax_id.lstrip("X•* "))[-SHOWN_OF_TAX_ID:]


def ends_alike(masked: str, number: str) -> bool:
    """Whether all that can be read of QuickBooks' number is the end of the other."""
    shown = ending(masked)
    return bool(shown) and _plain(number).endswith(shown)


def is_masked(tax_id: str) -> bool:
    """Whether characters are hidden: XXXXXX56789, •••••56789."""
    return re.match(r"[•*]|X{2}", tax_id.strip()) is not None


def with_line(notes: str, line: str) -> str:
    return f"{notes.rstrip()}\n{line}" if notes.strip() else line


def _email(record: CustomerRecord, wanted: str) -> Difference | None:
    """QuickBooks may have several addresses in one field; among them is good enough."""
    wanted = wanted.strip()
    if not wanted or _has_emails(record, wanted):
        return None
    change = Change(CustomerField.EMAIL, (record.email,), (wanted,))
    if not all(map(is_email, addresses_typed(wanted))) or len(wanted) > LONGEST_EMAIL:
        return Difference(change, proposed=False, possible=False, reason=Reason.NOT_AN_EMAIL)
    return Difference(change)


def _has_emails(record: CustomerRecord, wanted: str) -> bool:
    return set(addresses_typed(wanted.casefold())) <= set(addresses_in(record.email.casefold()))


def same_words(one: str, other: str) -> bool:
    """Equal but for case, accents and punctuation."""
    return _words(one) == _words(other)


def _words(text: str) -> list[str]:
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return re.findall(r"\w+", "".join(sign for sign in decomposed if not unicodedata.combining(sign)))


def _plain(text: str) -> str:
    return "".join(_words(text)).replace("_", "")


def _region(text: str) -> str:
    known = text.strip().casefold()
    states = US_STATES | AUSTRALIAN_STATES | CANADIAN_PROVINCES
    return (states.get(known) or _plain(text)).casefold()


def _squeezed(parts: AddressParts) -> str:
    """All of it but region and country, without blanks: where the lines are broken does not count."""
    return _plain(" ".join((parts.street, parts.city, parts.postal_code)))


def _bag(parts: AddressParts) -> list[str]:
    """The same in any order: the postal code stands before the town in some countries, behind it in others."""
    return sorted(_words(f"{parts.street} {parts.city} {parts.postal_code}"))


def _says_as_one_text(whole: AddressParts, parts: AddressParts) -> bool:
    """Whether an address without parts is the other one written in a line, where the state stands in it, too:
    4581 Finch St., Bayshore, CA 94326.
    """
    if whole.city or whole.region or whole.postal_code or not parts.region:
        return False
    states = US_STATES | AUSTRALIAN_STATES | CANADIAN_PROVINCES
    code = _region(parts.region)
    spellings = {parts.region, code, *(name for name, short in states.items() if short.casefold() == code)}
    said = _bag(whole)
    return any(said == sorted(_bag(parts) + _words(spelling)) for spelling in spellings)
