"""Figures for Prometheus, counted in the database when asked: true whichever process answers.

An app adds its own by decorating a function with `figures`.
https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from django.db.models import Count, F, Min
from django.db.models.functions import Coalesce, Greatest

from integration_settings.clock import shared_now
from integration_settings.models import Company, ConnectionState, PipedriveUser, QuickBooksConnection


@dataclass(frozen=True, slots=True)
class Figure:
    """One value now; figures of one name differ in their labels."""

    name: str
    help: str
    value: float
    labels: dict[str, str] = field(default_factory=dict)


Source = Callable[[], Iterable[Figure]]
_sources: list[Source] = []


def figures(source: Source) -> Source:
    _sources.append(source)
    return source


def as_text() -> str:
    lines: list[str] = []
    described: set[str] = set()
    for source in _sources:
        for figure in source():
            if figure.name not in described:
                described.add(figure.name)
                lines += [f"# HELP {figure.name} {figure.help}", f"# TYPE {figure.name} gauge"]
            labels = ",".join(f'{label}="{_escaped(value)}"' for label, value in figure.labels.items())
            name = f"{figure.name}{{{labels}}}" if labels else figure.name
            lines.append(f"{name} {figure.value:.15g}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


@figures
def _installations() -> Iterator[Figure]:
    yield Figure("invoicing_companies", "Pipedrive companies with the app.", Company.objects.count())
    for name, model in (("pipedrive", PipedriveUser), ("quickbooks", QuickBooksConnection)):
        counts = dict(model.objects.values_list("state").annotate(Count("pk")).order_by())
        for state in ConnectionState.values:
            labels = {"service": name, "state": state}
            yield Figure("invoicing_grants", "Grants by service and state.", counts.get(state, 0), labels)


@figures
def _following() -> Iterator[Figure]:
    connected = QuickBooksConnection.objects.filter(state=ConnectionState.CONNECTED)
    # Whoever was told to wait by QuickBooks is late only after that.
    due = Greatest("next_sync_at", Coalesce("paused_until", "next_sync_at"))
    oldest = connected.aggregate(oldest=Min(due))["oldest"]
    late = max((shared_now() - oldest).total_seconds(), 0) if oldest else 0
    yield Figure("invoicing_sync_lateness_seconds", "How long the most overdue look at QuickBooks is due.", late)
    troubled = connected.exclude(last_sync_problem="").count()
    yield Figure("invoicing_sync_problems", "Connections whose last look at QuickBooks failed.", troubled)
    untold = connected.filter(notice_missed_at__gte=F("last_notice_at")).count()
    yield Figure(
        "invoicing_notices_missed", "Connections with a change that no notice had told, nor one since.", untold
    )
