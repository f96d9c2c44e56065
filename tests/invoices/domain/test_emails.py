"""E-mail addresses as people type and paste them."""

from __future__ import annotations

import time

import pytest

from invoices.domain.checks import is_email
from invoices.domain.emails import addresses_in, as_quickbooks_keeps


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a@x.io, b@y.io;c@z.io d@w.io", ["a@x.io", "b@y.io", "c@z.io", "d@w.io"]),
        ("mailto:jane@doe.example", ["jane@doe.example"]),
        ("MAILTO:jane@doe.example?subject=Invoice", ["jane@doe.example"]),
        ("Jane Doe <jane@doe.example>", ["jane@doe.example"]),
        ("Jane Doe <jane@doe.example>; Tom <mailto:tom@doe.example>", ["jane@doe.example", "tom@doe.example"]),
        (
            "tom@doe.example Jane <jane@doe.example> ann@doe.example",
            ["tom@doe.example", "jane@doe.example", "ann@doe.example"],
        ),
        ("'jane@doe.example' <jane@doe.example>", ["jane@doe.example"]),
        ("Jane <accounts>", ["Jane", "accounts"]),
        ("'jane@doe.example'", ["jane@doe.example"]),
        ("“jane@doe.example”", ["jane@doe.example"]),
        ("(jane@doe.example)", ["jane@doe.example"]),
        ("o'neil@doe.example", ["o'neil@doe.example"]),
        ("", []),
    ],
)
def test_what_comes_along_with_a_pasted_address_is_no_part_of_it(text, found):
    assert addresses_in(text) == found


def test_a_text_that_is_made_to_be_hard_to_read_keeps_nobody_waiting():
    begun = time.process_time()
    for text in ("x" * 4000 + "<" + "a@" * 400, "<" + "@" * 4999, "<a@" * 1600, "a " * 2500):
        addresses_in(text)
    assert time.process_time() - begun < 1


@pytest.mark.parametrize("text", ["jane at doe.example", "a@x.io, b@y.io", "nobody", ""])
def test_words_without_any_address_stay_as_they_are(text):
    assert as_quickbooks_keeps(f" {text} ") == text


@pytest.mark.parametrize(
    "text",
    [
        "mailto:a@b.co",
        "“a@b.co”",
        "(a@b.co)",
        "a@b.co'",
        "a@b.co”",
        "o’neil@b.co",
        "a@b..co",
        "a@-b.co",
        "a@b.co.",
        "a@b.10",
    ],
)
def test_an_address_that_no_mail_would_reach_is_none(text):
    assert not is_email(text)
