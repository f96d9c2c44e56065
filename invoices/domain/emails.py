"""Whose e-mail address it is: a company's own domain tells something, a free mail provider's does not."""

from __future__ import annotations

import re

from invoices.domain.names import composed

FREE_MAIL = {
    "aol.com", "btinternet.com", "duck.com", "fastmail.com", "free.fr", "gmail.com", "gmx.at", "gmx.ch", "gmx.com",
    "gmx.de", "gmx.net", "googlemail.com", "hey.com", "hotmail.co.uk", "hotmail.com", "hotmail.de", "hotmail.fr",
    "icloud.com", "laposte.net", "libero.it", "live.co.uk", "live.com", "mac.com", "mail.com", "mail.ru", "me.com",
    "msn.com", "o2.pl", "online.de", "orange.fr", "outlook.com", "outlook.de", "outlook.fr", "pm.me", "proton.me",
    "protonmail.com", "qq.com", "rocketmail.com", "seznam.cz", "sky.com", "t-online.de", "tuta.com", "virginmedia.com",
    "web.de", "wp.pl", "yahoo.co.uk", "yahoo.com", "yahoo.com.au", "yahoo.de", "yahoo.es", "yahoo.fr", "yahoo.it",
    "yandex.com", "yandex.ru", "ymail.com", "zoho.com",
}  # fmt: skip

LINK = re.compile(r"mailto:([^?]*)(\?.*)?", re.IGNORECASE)
AROUND = "'\"‘’‚“”„«»‹›<>()[]{}"


def company_domain(email: str) -> str:
    """The part after the @ in small letters; "" for free mail and for what is no address."""
    name, at, domain = email.strip().casefold().rpartition("@")
    return domain if name and at and "." in domain and domain not in FREE_MAIL else ""


def company_domains(text: str) -> set[str]:
    """Of all addresses in a text."""
    return {domain for address in addresses_in(text) if (domain := company_domain(address))}


def is_alike(email: str, text: str) -> bool:
    """Whether the address is among those in a text, or one of them is of the same company's domain."""
    return email.strip().casefold() in addresses_in(text.casefold()) or company_domain(email) in company_domains(text)


def addresses_in(text: str) -> list[str]:
    """QuickBooks takes several in one field, and people type them with commas, semicolons or blanks between.

    What comes along from other programs is left out: the name in `Jane Doe <jane@doe.example>`, a link's `mailto:`,
    quotes and brackets around.
    """
    bare = (_without_name(part) for part in re.split("[,;]", composed(text)))
    parts = (LINK.sub(r"\1", part.strip(AROUND)) for part in " ".join(bare).split())
    return [part for part in parts if part]


def _without_name(text: str) -> str:
    """Without the words before an address in angle brackets; another address among them stays."""
    *bracketed, rest = text.split(">")
    found: list[str] = []
    for each in bracketed:
        before, _bracket, inside = each.rpartition("<")
        named = "@" in inside
        found += [
            word for word in before.split() if not named or ("@" in word and word.strip(AROUND) != inside.strip())
        ]
        found += inside.split()
    return " ".join([*found, rest])


def addresses_typed(text: str) -> list[str]:
    """Of a field for addresses; words without any are one that is none."""
    return addresses_in(text) if "@" in text else [text.strip()] if text.strip() else []


def as_quickbooks_keeps(text: str) -> str:
    """Of a field for addresses: with a comma and a blank between."""
    return ", ".join(addresses_typed(text))
