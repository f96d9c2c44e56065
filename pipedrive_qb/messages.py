"""The catalogues of what the product says: taken out of the source, merged, compiled. `script/messages` runs it.

Babel does all of it, so that no machine needs the gettext programs. The catalogues name no file and no line and are in
alphabetical order: two people who change texts then meet in one only where they changed the same sentence.
The compiled `.mo` files are kept beside the `.po` ones: they are then there wherever the app is, without a step of an
installation that could be forgotten; a test holds the two together.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation import to_locale
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
LOCALE_DIR = ROOT / "pipedrive_qb" / "locale"
PACKAGES = ("pipedrive_qb", "integration_settings", "invoices")  # the stand-ins and the tests speak English
SAME_DATE = datetime(2026, 1, 1, tzinfo=UTC)  # a date that moved would make every run a change
KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
Key = tuple[str | tuple[str, ...], str | None]


def locales() -> list[str]:
    """`de`, `pt_BR`: every language of the settings that has a catalogue; whoever reads another one gets English."""
    return [locale for code, _name in settings.LANGUAGES if path_of(locale := to_locale(code)).exists()]


def _sources() -> Iterator[tuple[Path, str]]:
    """Each file with texts, as Python that Babel can read."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path, path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "templates").rglob("*.html")):
        # Django turns a template into Python whose blanks are those of the HTML; within brackets they mean nothing.
        yield path, f"({templatize(path.read_text(encoding='utf-8'), origin=str(path))}\n)"


def said() -> Catalog:
    """Every message of the product, untranslated, with what the source tells translators about it."""
    catalog = _empty(None)
    for path, source in _sources():
        found = extract(
            "python",
            io.BytesIO(source.encode()),
            keywords=KEYWORDS,
            comment_tags=("Translators:",),
            options={"encoding": "utf-8"},
            strip_comment_tags=True,
        )
        for _line, message, comments, context in found:
            if not message:
                raise ValueError(f"{path}: an empty text cannot be translated")
            catalog.add(message, auto_comments=comments, context=context)
    return catalog


def path_of(locale: str) -> Path:
    return LOCALE_DIR / locale / "LC_MESSAGES" / "django.po"


def read(locale: str) -> Catalog:
    """The stored translations of a language; none when it has no file yet."""
    path = path_of(locale)
    if not path.exists():
        return _empty(locale)
    with path.open("rb") as file:
        return read_po(file, locale=locale)


def key(message: Message) -> Key:
    """What makes a message the same one: its words, its plural, what it is said about."""
    return (tuple(message.id) if isinstance(message.id, (list, tuple)) else message.id), message.context


def merged(locale: str, template: Catalog) -> Catalog:
    """What the product says now, in the words stored for it. Nothing is guessed from a similar sentence."""
    stored = {key(message): message for message in read(locale) if message.id}
    catalog = _empty(locale)
    for message in sorted((one for one in template if one.id), key=_order):
        known = stored.get(key(message))
        catalog.add(
            message.id,
            known.string if known and not known.fuzzy else None,
            auto_comments=message.auto_comments,
            context=message.context,
        )
    return catalog


def compiled(catalog: Catalog) -> bytes:
    """The catalogue as gettext reads it at run time."""
    file = io.BytesIO()
    write_mo(file, catalog)
    return file.getvalue()


def write(catalog: Catalog, locale: str) -> None:
    """Puts a language's `.po` and `.mo` in their place."""
    path = path_of(locale)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalog, width=120, no_location=True, omit_header=False)
    path.with_suffix(".mo").write_bytes(compiled(catalog))


def missing(catalog: Catalog) -> list[Message]:
    """The messages of a language that nobody has translated, or only in some of their plural forms."""
    return [one for one in catalog if one.id and not all(strings(one))]


def strings(message: Message) -> tuple[str, ...]:
    """The translation of a message: one text, or one for each plural form."""
    if isinstance(message.string, (list, tuple)):
        return tuple(message.string)
    return (message.string or "",)


def _order(message: Message) -> tuple[str, str]:
    first = message.id if isinstance(message.id, str) else message.id[0]
    return first, message.context or ""


def _empty(locale: str | None) -> Catalog:
    return Catalog(
        locale=locale,
        project="pipedrive-quickbooks-invoices",
        version="1",
        msgid_bugs_address="-",
        header_comment="# Kept by script/messages; only the translations (msgstr) are written by hand.",
        creation_date=SAME_DATE,
        revision_date=SAME_DATE,
        last_translator="-",
        language_team="-",
        fuzzy=False,
        charset="utf-8",
    )


def main() -> int:
    """Brings all catalogues up to date, begins those named as arguments, and says what waits for a translation."""
    template, left = said(), 0
    for locale in sorted({*locales(), *sys.argv[1:]}):
        catalog = merged(locale, template)
        write(catalog, locale)
        waiting = missing(catalog)
        left += len(waiting)
        sys.stdout.write(f"{locale}: {len(catalog)} messages, {len(waiting)} without translation\n")
        sys.stdout.writelines(f"  {message.id!r}\n" for message in waiting[:20])
    return 1 if left else 0


if __name__ == "__main__":
    import django

    django.setup()
    sys.exit(main())
