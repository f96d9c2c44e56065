"""What a process keeps of a company's data is gone an hour later, as the privacy page says."""

from __future__ import annotations

import weakref
from dataclasses import dataclass

import pytest

from integration_settings import kept_lists, short_memory
from integration_settings.short_memory import HOUR, kept_for_an_hour
from invoices import tasks
from invoices.presentation import panel_html, panel_rows


@dataclass(frozen=True)
class Name:
    text: str


@pytest.fixture
def clock(monkeypatch):
    now = [10.0]
    monkeypatch.setattr(short_memory, "monotonic", lambda: now[0])
    return now


def test_within_the_hour_it_is_worked_out_once(clock):
    worked = []
    greet = kept_for_an_hour(8)(lambda name: worked.append(name) or f"Dear {name.text}")
    assert greet(Name("Bramley")) == greet(Name("Bramley")) == "Dear Bramley"
    clock[0] += HOUR - 1
    greet(Name("Bramley"))
    assert len(worked) == 1


def test_after_the_hour_the_next_use_forgets_what_is_everybodys(clock):
    greet = kept_for_an_hour(8)(lambda name: f"Dear {name.text}")
    name = Name("Bramley")
    greet(name)
    there = weakref.ref(name)
    del name
    assert there() is not None
    clock[0] += HOUR
    greet(Name("Moss"))
    assert there() is None


@pytest.mark.parametrize("asked", ["web", "worker"])
@pytest.mark.django_db
def test_a_process_that_nobody_has_a_page_of_forgets_it_too(clock, client, asked):
    greet = kept_for_an_hour(8)(lambda name: f"Dear {name.text}")
    name = Name("Bramley")
    greet(name)
    there = weakref.ref(name)
    del name
    work = {"web": lambda: client.get("/healthz"), "worker": tasks.dispatch_due_work}[asked]
    work()
    assert there() is not None
    clock[0] += HOUR
    work()
    assert there() is None


@pytest.mark.parametrize("work", [kept_lists._from_text, panel_rows._settled, panel_html._row_html])
def test_what_has_names_of_a_company_is_kept_so(work):
    assert work.__code__.co_filename == short_memory.__file__
