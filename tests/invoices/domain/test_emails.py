"""E-mail addresses as people type and paste them."""

from __future__ import annotations

import pytest

from invoices.domain.checks import is_email
from invoices.domain.emails import address_in, addresses_in


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a@x.io, b@y.io;c@z.io d@w.io", ["a@x.io", "b@y.io", "c@z.io", "d@w.io"]),
        ("mailto:jane@doe.example", ["jane@doe.example"]),
        ("MAILTO:jane@doe.example?subject=Invoice", ["jane@doe.example"]),
        ("Jane Doe <jane@doe.example>", ["jane@doe.example"]),
        ("Jane Doe <jane@doe.example>; Tom <mailto:tom@doe.example>", ["jane@doe.example", "tom@doe.example"]),
        ("'jane@doe.example'", ["jane@doe.example"]),
        ("“jane@doe.example”", ["jane@doe.example"]),
        ("(jane@doe.example)", ["jane@doe.example"]),
        ("o'neil@doe.example", ["o'neil@doe.example"]),
        ("", []),
    ],
)
def test_what_comes_along_with_a_pasted_address_is_no_part_of_it(text, found):
    assert addresses_in(text) == found


@pytest.mark.parametrize("text", ["jane at doe.example", "a@x.io, b@y.io", "nobody", ""])
def test_what_is_not_one_address_stays_as_it_is(text):
    assert address_in(f" {text} ") == text


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
