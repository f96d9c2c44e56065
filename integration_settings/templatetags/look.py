"""The template tags of the design system: signs, flags, money and dates. See docs/design-system.md, section 2."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django import template
from django.conf import settings
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy

from integration_settings import formats

register = template.Library()

NOTHING = "–"
# status -> (sign, colour, word)
FLAGS: dict[str, tuple[str, str, Promise]] = {
    # Translators: flag on an invoice: nothing has been paid yet
    "open": ("circle", "info", gettext_lazy("Open")),
    # Translators: flag on an invoice: a part has been paid
    "partially_paid": ("half", "warning", gettext_lazy("Partially paid")),
    # Translators: flag on an invoice: all has been paid
    "paid": ("check", "positive", gettext_lazy("Paid")),
    # Translators: flag on an invoice: the due date has passed
    "overdue": ("clock", "negative", gettext_lazy("Overdue")),
    # Translators: flag on an invoice: made worthless in QuickBooks, its number stays
    "voided": ("void", "neutral", gettext_lazy("Voided")),
    # Translators: flag on an invoice: removed from QuickBooks
    "deleted": ("trash", "neutral", gettext_lazy("Deleted")),
    # Translators: flag on an invoice: the answer was lost, we ask QuickBooks whether it exists
    "being_verified": ("refresh", "accent", gettext_lazy("Being verified")),
    # Translators: flag on an invoice: QuickBooks refused it, it exists nowhere
    "not_created": ("error", "negative", gettext_lazy("Not created")),
    # Translators: flag on an invoice: it is about to be sent to QuickBooks
    "waiting": ("clock", "info", gettext_lazy("Waiting")),
    # Translators: flag on an invoice: QuickBooks reports nothing that we understand
    "unknown": ("info", "neutral", gettext_lazy("Unknown")),
}


@register.simple_tag
@lru_cache(maxsize=256)
def icon(name: str, classes: str = "") -> SafeString:
    """A sign from includes/icons.html; decoration for the eye, the word beside it carries the meaning."""
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="#icon-{}"/></svg>', f"icon {classes}".strip(), name
    )


@register.simple_tag
def flag(status: str) -> SafeString:
    sign, colour, word = FLAGS.get(str(status), FLAGS["unknown"])
    return format_html('<span class="flag flag--{} flag--{}">{}{}</span>', colour, status, icon(sign), word)


@register.filter
def day(value: date | None) -> str:
    return NOTHING if value is None else formats.format_date(value, formats.reader().locale)


@register.filter
def day_short(value: date | None) -> str:
    return NOTHING if value is None else formats.format_day_and_month(value, formats.reader().locale)


@register.filter(is_safe=True)
def one_stop(text: str) -> str:
    return formats.with_one_stop(text)


@register.filter
def checked(moment: datetime | None) -> str:
    if moment is None:
        return NOTHING
    reader = formats.reader()
    return formats.format_checked(moment, timezone.now(), reader.locale, reader.zone, reader.own)


@register.simple_tag
def modal_id() -> str:
    """Name or id of the custom modal as typed into Pipedrive's Developer Hub."""
    return str(settings.PIPEDRIVE_MODAL_ID)


@register.simple_tag
def reader_locale() -> str:
    return formats.language_tag(formats.reader().locale)


@register.simple_tag
def reader_today() -> str:
    """Today at the QuickBooks company, for the calendar and for `+14`."""
    return timezone.now().astimezone(formats.reader().zone).date().isoformat()


@register.simple_tag
def money_bar(*, paid: Decimal, open: Decimal, overdue: Decimal, whole: Decimal | None = None) -> SafeString:
    """The bar of what became of the deal's value. Amounts in one currency; beyond `whole` the bar is simply full."""
    parts = [("paid", paid), ("open", open), ("overdue", overdue)]
    full = max(sum((part for _, part in parts), Decimal(0)), whole or Decimal(0))
    drawn: list[SafeString] = []
    start = Decimal(0)
    for name, part in parts:
        if full <= 0 or part <= 0:
            continue
        width = (part / full * 100).quantize(Decimal("0.01"))
        shape = '<rect class="money-bar__{} money-bar__part--{}" x="{}%" width="{}%" height="100%"></rect>'
        drawn.append(format_html(shape, name, len(drawn) + 1, start, width))
        start += width
    return format_html(
        '<svg class="money-bar" aria-hidden="true" focusable="false" width="100%" height="8">{}</svg>',
        mark_safe("".join(drawn)),  # noqa: S308  (every part came out of format_html)
    )


@register.simple_tag(takes_context=True)
def theme(context: dict[str, Any]) -> str:
    """`dark` when the host says so in the query, else `light`."""
    request = context.get("request")
    return "dark" if request is not None and request.GET.get("theme") == "dark" else "light"
