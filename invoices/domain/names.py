"""Names of customers and items: what QuickBooks accepts, and when two spellings mean the same."""

from __future__ import annotations

import re
import unicodedata

LONGEST_NAME = 500
LONGEST_ITEM_NAME = 100
LEGAL_FORMS = {
    "ab", "ag", "as", "bv", "co", "company", "corp", "corporation", "gmbh", "inc", "incorporated", "kg", "limited",
    "llc", "llp", "ltd", "ltda", "oy", "plc", "proprietary", "pty", "sa", "sarl", "sas", "sia", "sl", "spa", "srl",
    "uab",
}  # fmt: skip


# Come along with what is pasted: soft hyphens, blanks of no width, marks of direction. Joiners stay.
INVISIBLE = dict.fromkeys(
    map(ord, "\u00ad\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff")
)


def composed(text: str) -> str:
    """Signs that look the same are the same: an accent that stands by itself belongs to its letter."""
    return unicodedata.normalize("NFC", text.translate(INVISIBLE))


def searchable(text: str) -> str:
    """As searches compare it: without case, accents, and marks that nobody sees."""
    if text.isascii():  # thousands of items are looked through while somebody types
        return text.casefold()
    decomposed = unicodedata.normalize("NFKD", composed(text)).casefold()
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign))


def clean_name(name: str, longest: int = LONGEST_NAME) -> str:
    """The name as QuickBooks takes it: no colon, tab or line break, single blanks, at most so many characters.

    A colon would mean a sub-customer or a category there. "Atlas: Trade Counter" becomes "Atlas – Trade Counter".
    """
    readable = "".join(" " if unicodedata.category(sign) in ("Cc", "Zl", "Zp") else sign for sign in composed(name))
    readable = re.sub(r"\s+", " ", readable)
    readable = re.sub(" ?:", "-", re.sub(" ?: ", " – ", readable))
    return re.sub(r"\s+", " ", readable).strip()[:longest].rstrip(" –-")


def clean_item_name(name: str) -> str:
    """A product's name as the name of an item: https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/item"""
    return clean_name(name, LONGEST_ITEM_NAME)


def same_name(one: str, other: str) -> bool:
    """Equal as QuickBooks sees it, which ignores case and outer blanks."""
    return clean_name(one).casefold() == clean_name(other).casefold()


def second_name(name: str, kept_in: str, currency: str) -> str:
    """What the same customer may be called in another currency: "Harbour & Pine (USD)"."""
    ending = f" ({currency})"
    return clean_name(name.removesuffix(f" ({kept_in})"), LONGEST_NAME - len(ending)) + ending


def name_words(name: str) -> list[str]:
    """The telling words: without accents, case, punctuation and legal form; "&" counts as "and"."""
    letters = searchable(name.replace("&", " and "))
    words = re.findall(r"\w+", letters.replace("'", "").replace("’", ""))
    telling = [word for word in words if word not in LEGAL_FORMS and word != "the"]
    while telling and telling[-1] == "and":  # of "& Co" the form is gone and the "and" remains
        telling.pop()
    return telling or words


def normalised_name(name: str) -> str:
    return " ".join(name_words(name))


def search_prefix(name: str, words: int = 1) -> str:
    """How a customer's name is likely to begin: the first telling word as it is written, or so many of them, at least
    three characters.
    """
    telling, found = name_words(name)[:words], list[str]()
    for written in clean_name(name).split():
        if telling and normalised_name(written) == telling[0]:
            telling.pop(0)
            found.append(written)
        elif found and telling:
            found.append(written)
    prefix = " ".join(found).strip("\"'“”‘’.,()")
    return prefix if len(prefix) >= 3 else clean_name(name)
