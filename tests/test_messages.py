"""The catalogues: complete, up to date, and with every placeholder in its place. `script/messages` mends most of it."""

from __future__ import annotations

import gettext
import io
import re
from functools import cache

import pytest
from django.utils import translation

from integration_settings.tenancy import language_of
from invoices.presentation.history import in_words
from pipedrive_qb import messages
from tests.test_setting_up import PIPEDRIVE, value_of

PLACEHOLDER = re.compile(r"%\(\w+\)s|%[sd]|\{\w*\}|</?\w+[^>]*>")
LOCALES = messages.locales()
QUOTES = {"de": "„“", "et": "„“", "lv": "„”", "fr": "«»"}  # elsewhere “ and ”
SEEN_IN_A_LONGER_NAME = {
    "Choose item for {name}": "Choose item",
    "Remove {name}": "Remove",
    "What happened: %(name)s": "What happened",
    "Withdraw: %(name)s": "Withdraw…",
    "Put away: %(name)s": "Put away",
    "Open the form: %(name)s": "Open the form",
    "New invoice": "Invoice",
    "New invoice: %(name)s": "New invoice",
    "Try again: %(name)s": "Try again",
    "Invoice this: {name}, {amount}": "Invoice this",
    "Copy payment link": "Copy",
    "Change the item of %(name)s": "Change",
    "Change preset %(name)s": "Change",
    "Remove the choice for %(name)s": "Remove",
    "Delete preset %(name)s": "Delete…",
}
"""What a button is called, and what stands on it."""
ENDS_WITH_A_POINT = {"de": {"tax"}, "lv": {"date", "day", "due", "emailed", "earliest"}}  # "MwSt.", "27. nov."


@cache
def template():
    return messages.said()


@cache
def stored(locale):
    return messages.read(locale)


def sources(message):
    return list(message.id) if isinstance(message.id, (list, tuple)) else [message.id]


def test_there_are_texts_and_languages_to_look_at():
    assert len(template()) > 700
    assert "de" in LOCALES


def test_plurals_contexts_and_templates_are_extracted():
    keys = {messages.key(message) for message in template()}
    assert (("%(counter)s day left", "%(counter)s days left"), None) in keys
    assert ("Paid", "part of the deal") in keys
    assert ("Create invoice", None) in keys


@pytest.mark.parametrize("locale", LOCALES)
def test_a_catalogue_holds_what_the_product_says_and_nothing_else(locale):
    kept = {messages.key(message) for message in stored(locale) if message.id}
    said = {messages.key(message) for message in template() if message.id}
    assert kept == said, f"run script/messages; missing: {sorted(map(str, said - kept))}"
    assert not stored(locale).obsolete


@pytest.mark.parametrize("locale", LOCALES)
def test_every_message_is_translated_in_all_its_plural_forms(locale):
    assert [message.id for message in messages.missing(stored(locale))] == []
    assert [message.id for message in stored(locale) if message.id and message.fuzzy] == []
    few = [
        message.id
        for message in stored(locale)
        if message.pluralizable and len(messages.strings(message)) != stored(locale).num_plurals
    ]
    assert few == []


@pytest.mark.parametrize("locale", LOCALES)
def test_a_translation_has_the_placeholders_and_tags_of_its_message(locale):
    wrong = []
    for message in stored(locale):
        if not message.id:
            continue
        wanted = [set(PLACEHOLDER.findall(source)) for source in sources(message)]
        wrong += [
            f"{message.id} -> {text}"
            for text in messages.strings(message)
            if set(PLACEHOLDER.findall(text)) not in wanted
        ]
    assert wrong == []


@pytest.mark.parametrize("locale", LOCALES)
def test_no_text_stands_there_twice(locale):
    texts = [text for message in stored(locale) for text in messages.strings(message) if len(text) > 20]
    assert [text for text in texts if text[: len(text) // 2] == text[-(len(text) // 2) :]] == []


@pytest.mark.parametrize("locale", LOCALES)
def test_no_text_has_a_sentence_of_the_source_in_it(locale):
    """A merge by hand can leave the next message at the end of a translation."""
    said = [source for message in template() for source in sources(message) if len(source) > 30]
    texts = [text for message in stored(locale) for text in messages.strings(message)]
    assert [text for text in texts if any(source in text for source in said)] == []


@pytest.mark.parametrize("locale", LOCALES)
def test_a_language_cites_in_one_way(locale):
    used = {
        sign for message in stored(locale) for text in messages.strings(message) for sign in text if sign in "„“”«»"
    }
    assert used <= set(QUOTES.get(locale, "“”"))


@pytest.mark.parametrize("locale", LOCALES)
def test_a_button_is_called_what_stands_on_it_so_that_it_can_be_pressed_by_voice(locale):
    said = {message.id: message.string for message in stored(locale) if isinstance(message.id, str)}
    names = {said[name].casefold(): said[seen].rstrip("…").casefold() for name, seen in SEEN_IN_A_LONGER_NAME.items()}
    assert {name: seen for name, seen in names.items() if seen not in name} == {}


@pytest.mark.parametrize("locale", ENDS_WITH_A_POINT)
def test_no_sentence_ends_with_two_points(locale):
    """“Keinen Code für MwSt..”: what stands for the place ends with a point of its own."""
    places = [place + "." for name in ENDS_WITH_A_POINT[locale] for place in (f"{{{name}}}", f"%({name})s")]
    texts = [text for message in stored(locale) for text in messages.strings(message)]
    assert [text for text in texts if any(place in text for place in places)] == []


@pytest.mark.parametrize("locale", LOCALES)
def test_the_compiled_file_says_what_the_catalogue_says(locale):
    def texts(file):
        return {key: text for key, text in gettext.GNUTranslations(file)._catalog.items() if key}

    with messages.path_of(locale).with_suffix(".mo").open("rb") as file:
        assert texts(file) == texts(io.BytesIO(messages.compiled(stored(locale)))), "run script/messages"


def test_a_merge_keeps_translations_guesses_nothing_and_drops_the_dead(tmp_path, monkeypatch):
    monkeypatch.setattr(messages, "LOCALE_DIR", tmp_path)
    before = messages._empty("de")
    before.add("Close", "Schließen")
    before.add("Closes", "Schließt")
    messages.write(before, "de")
    now = messages._empty(None)
    now.add("Close")
    now.add("Closed")
    merged = messages.merged("de", now)
    assert {message.id: message.string for message in merged if message.id} == {
        "Close": "Schließen",
        "Closed": None,
    }


@pytest.mark.parametrize(
    ("pipedrive", "ours"),
    [
        ("de", "de"),
        ("de-DE", "de"),
        ("lv", "lv"),
        ("es-MX", "es"),
        ("pt", "pt-br"),
        ("pt-BR", "pt-br"),
        ("pt_BR", "pt-br"),
        ("pt-PT", "pt-br"),
        ("fr-CA", "fr"),
        ("et", "et"),
        ("tlh", "en"),
        ("", "en"),
    ],
)
def test_a_user_reads_in_the_nearest_language_to_that_of_pipedrive(pipedrive, ours):
    class Reader:
        language = pipedrive

    assert language_of(Reader()) == ours


@pytest.mark.parametrize(
    "language, said",
    [("lv", "Cena"), ("de", "Preis"), ("es", "Tarifa"), ("pt-br", "Preço"), ("fr", "Tarif"), ("et", "Hind")],
)
def test_the_heading_over_american_prices_is_not_called_a_tax_rate(language, said):
    with translation.override(language):
        assert translation.gettext("Rate") == said


LINKED = (
    "A payment or credit is linked to it. Once that is removed in QuickBooks it can be deleted; or it can be voided."
)
DIFFERENT_DEEDS = [
    {"Cancel", "Close", "Dismiss", "Withdraw…", "Void…", "Delete…"},
    {"Send", "Run again", "Try again"},
    {"Sending…", "Running…"},
    {"Discard", "Dismiss"},
]
"""What stands on buttons that do different things, some of them beside one another."""


@pytest.mark.parametrize("locale", LOCALES)
def test_different_deeds_have_different_words(locale):
    said = {sources(message)[0]: messages.strings(message)[0] for message in stored(locale) if message.id}
    for deeds in DIFFERENT_DEEDS:
        words = [said[deed].casefold() for deed in deeds]
        assert len(set(words)) == len(words), words


@pytest.mark.parametrize("locale, sending", [("lv", "sūt"), ("et", "saat"), ("et", "saada"), ("fr", "relanc")])
def test_to_run_again_is_neither_to_send_to_the_customer_nor_to_dun_him(locale, sending):
    """“Relancer une facture” is to remind whoever has not paid it."""
    again = [message for message in stored(locale) if re.search(r"\b[Rr]un (again|all)|^Running", sources(message)[0])]
    assert len(again) > 8
    assert [text for each in again for text in messages.strings(each) if sending in text.casefold()] == []


def test_estonian_sentences_say_you_as_politely_as_all_the_others():
    """Buttons do not, as nowhere in Estonian; a sentence with “avage” beside one with “ava” would."""
    familiar = re.compile(
        r"(?<!\bei )\b(ava|vajuta|vaata|märgi ruut|vali|proovi|sulge|logi|kasuta|kontrolli|kirjuta)\b", re.I
    )
    spoken = [
        re.sub("„[^“]*“", "", text)
        for message in stored("et")
        if any(source.endswith(".") for source in sources(message))
        for text in messages.strings(message)
    ]
    assert [text for text in spoken if familiar.search(text)] == []


def test_french_signs_stay_with_their_words():
    """A line may end at a plain blank, and “:” or “»” would begin the next one."""
    texts = [text for message in stored("fr") if message.id for text in messages.strings(message)]
    assert [text for text in texts if re.search("« | [:;?!»]", text)] == []


@pytest.mark.parametrize(
    "language, said, never",
    [
        ("lv", "Not due", "Nav termiņa"),  # there is no due date
        ("lv", LINKED, "vai kredīts"),  # a loan
        ("es", "created in QuickBooks", "creada"),  # it is the customer
        ("pt-br", "created in QuickBooks", "criada"),
        ("et", "created in QuickBooks", "luuakse"),  # it has been, by then
        ("et", "The books are closed up to {date}", "Raamatud"),  # those that are read
        ("es", "Sign in to QuickBooks again by {day}", "antes del"),  # that day is one of those left
        ("fr", "Sign in to QuickBooks again by {day}", "avant le"),
    ],
)
def test_a_translation_does_not_say_something_else(language, said, never):
    with translation.override(language):
        assert never not in translation.gettext(said)


@pytest.mark.parametrize("language, terms_of_service", [("lv", "Noteikumi"), ("de", "Bedingungen"), ("es", "Términos")])
def test_payment_terms_are_no_terms_of_service(language, terms_of_service):
    with translation.override(language):
        assert translation.gettext("Terms") == terms_of_service
        assert in_words(["SalesTermRef"]) != [terms_of_service]


@pytest.mark.parametrize("locale", LOCALES)
def test_an_administrator_is_told_the_name_by_which_pipedrive_lists_the_app(locale):
    """It has one name in all languages, the one that was typed into the Developer Hub."""
    name = value_of(PIPEDRIVE, "App name")
    (message,) = [
        each for each in stored(locale) if str(each.id).startswith("Could you connect QuickBooks to Pipedrive?")
    ]
    assert all(name in text for text in (message.id, message.string))
