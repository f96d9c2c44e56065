"""How a sign-in or install can end on a page: what happened, what follows from it, and the way on.

Every ending has an address of its own, so a callback never shows a page itself: its address carries secrets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.core import signing
from django.http import HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext

from integration_settings.models import Company, PipedriveUser
from integration_settings.selectors import app_settings_url, pipedrive_front_door, pipedrive_url, quickbooks_of
from integration_settings.tickets import connect_url

SALT = "outcome"
KEPT_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Action:
    text: str
    url: str
    kind: str = "primary"  # of the button: primary, secondary, quiet


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the page shows. `tone` colours its sign, `icon` is the sign's name."""

    tone: str
    icon: str
    title: str
    text: str
    actions: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class About:
    """Whom the ending concerns, as far as that is proven; filled from the address, where it stands signed."""

    user: PipedriveUser | None = None
    company: Company | None = None
    realm_id: str = ""
    name: str = ""


def lead_to(
    slug: str, *, user: PipedriveUser | None = None, company: Company | None = None, **more: str
) -> HttpResponseRedirect:
    """A redirect to the page of this ending."""
    about = {"u": user.pk if user else 0, "c": company.pk if company else 0, **more}
    query = urlencode({"about": signing.dumps(about, salt=SALT)}) if user or company or more else ""
    return HttpResponseRedirect(reverse("sign_in_outcome", args=[slug]) + (f"?{query}" if query else ""))


def about_from(text: str) -> About:
    """What the address says; nothing at all if it is not ours or too old."""
    try:
        content = signing.loads(text, salt=SALT, max_age=KEPT_SECONDS)
    except signing.BadSignature:
        return About()
    user = PipedriveUser.objects.select_related("company").filter(pk=content["u"]).first()
    company = user.company if user else Company.objects.filter(pk=content["c"]).first()
    return About(user, company, content.get("realm_id", ""), content.get("name", ""))


def outcome(slug: str, about: About) -> Outcome | None:
    """None for an ending that does not exist."""
    make = OUTCOMES.get(slug)
    return make(about) if make else None


def _install_again(kind: str = "primary") -> Action:
    return Action(gettext("Install again"), reverse("pipedrive_install"), kind)


def _back(about: About, kind: str = "secondary") -> Action:
    url = pipedrive_url(about.company) if about.company else pipedrive_front_door()
    return Action(gettext("Back to Pipedrive"), url, kind)


def _settings(about: About, kind: str = "primary") -> Action:
    if about.company is None:
        return _back(about, kind)
    return Action(gettext("Go to settings in Pipedrive"), app_settings_url(about.company), kind)


def _connect(about: About, text: str, kind: str = "primary", **switch: str) -> tuple[Action, ...]:
    """A link with a ticket, for somebody who has just proven himself as an administrator."""
    url = connect_url(about.user, **switch) if about.user and about.user.is_connected else ""
    return (Action(text, url, kind),) if url else ()


def _pipedrive_cancelled(about: About) -> Outcome:
    return Outcome(
        "neutral",
        "close",
        gettext("Nothing was installed"),
        gettext("You chose Cancel at Pipedrive, so the app got no access and stored nothing."),
        (_install_again(), _back(about)),
    )


def _pipedrive_link_used(about: About) -> Outcome:
    text = gettext("An install link works once and for 10 minutes. Start again; it takes one click.")
    if about.company is not None:
        installed = gettext("The app is installed in {company}. There is nothing more to do here.")
        text = installed.format(company=about.company.name)
    actions = (_settings(about), _install_again("quiet")) if about.company else (_install_again(), _back(about))
    return Outcome("info", "clock", gettext("This install link has been used"), text, actions)


def _pipedrive_other_browser(about: About) -> Outcome:
    return Outcome(
        "info",
        "clock",
        gettext("This install did not begin here"),
        gettext("It began in another browser or too long ago, so nothing was installed. Start again in this browser."),
        (_install_again(), _back(about)),
    )


def _pipedrive_refused(about: About) -> Outcome:
    return Outcome(
        "warning",
        "warning",
        gettext("Pipedrive did not confirm the install"),
        gettext("It sent no confirmation, or one that had run out or was used before. Nothing was installed."),
        (_install_again(), _back(about)),
    )


def _pipedrive_silent(about: About) -> Outcome:
    return Outcome(
        "warning",
        "warning",
        gettext("Pipedrive does not answer right now"),
        gettext("The install could not be finished, and nothing was stored. Try again in a minute."),
        (_install_again(), _back(about)),
    )


def _quickbooks_cancelled(about: About) -> Outcome:
    return Outcome(
        "neutral",
        "close",
        gettext("Nothing was connected"),
        gettext("You chose Cancel at QuickBooks, so nothing was changed and the app got no access."),
        (*_connect(about, gettext("Sign in to QuickBooks")), _settings(about, "secondary")),
    )


def _quickbooks_link_used(about: About) -> Outcome:
    return Outcome(
        "info",
        "clock",
        gettext("This sign-in link has been used"),
        gettext(
            "Links to connect QuickBooks work once and for 10 minutes. "
            "Start again from the settings; it takes one click."
        ),
        (_settings(about),),
    )


def _quickbooks_other_browser(about: About) -> Outcome:
    return Outcome(
        "info",
        "clock",
        gettext("This sign-in did not begin here"),
        gettext(
            "It began in another browser or too long ago, so nothing was connected. Start again from the settings."
        ),
        (_settings(about),),
    )


def _quickbooks_refused(about: About) -> Outcome:
    return Outcome(
        "warning",
        "warning",
        gettext("QuickBooks did not confirm the sign-in"),
        gettext("It sent no confirmation, or one that had run out or was used before. Nothing was changed."),
        (*_connect(about, gettext("Sign in again")), _settings(about, "secondary")),
    )


def _quickbooks_silent(about: About) -> Outcome:
    return Outcome(
        "warning",
        "warning",
        gettext("QuickBooks does not answer right now"),
        gettext("The sign-in could not be finished, and nothing was changed. Try again in a minute."),
        (*_connect(about, gettext("Try again")), _settings(about, "secondary")),
    )


def _quickbooks_other_company(about: About) -> Outcome:
    former = quickbooks_of(about.company) if about.company else None
    old, new = former.name if former else "", about.name
    text = gettext("Your Pipedrive was connected to another company than the one you chose. Nothing was changed.")
    if old and new:
        text = gettext("Your Pipedrive was connected to {former}; you chose {chosen}. Nothing was changed.")
    choose = gettext("Choose {company}").format(company=old) if old else gettext("Choose the former company")
    switch = gettext("Switch to {company}…").format(company=new) if new else gettext("Switch to the other company…")
    return Outcome(
        "negative",
        "error",
        gettext("You signed in to another QuickBooks company"),
        text.format(former=old, chosen=new),
        (
            *_connect(about, choose),
            *_connect(about, switch, "secondary", switch_to=about.realm_id, switch_name=new),
        )
        or (_settings(about),),
    )


def _quickbooks_no_right(about: About) -> Outcome:
    return Outcome(
        "neutral",
        "lock",
        gettext("An administrator connects QuickBooks"),
        gettext("The connection serves everyone in your Pipedrive, so only Pipedrive administrators can change it."),
        (_settings(about),),
    )


OUTCOMES: dict[str, Callable[[About], Outcome]] = {
    "pipedrive-cancelled": _pipedrive_cancelled,
    "pipedrive-link-used": _pipedrive_link_used,
    "pipedrive-other-browser": _pipedrive_other_browser,
    "pipedrive-refused": _pipedrive_refused,
    "pipedrive-silent": _pipedrive_silent,
    "quickbooks-cancelled": _quickbooks_cancelled,
    "quickbooks-link-used": _quickbooks_link_used,
    "quickbooks-other-browser": _quickbooks_other_browser,
    "quickbooks-refused": _quickbooks_refused,
    "quickbooks-silent": _quickbooks_silent,
    "quickbooks-other-company": _quickbooks_other_company,
    "quickbooks-no-right": _quickbooks_no_right,
}
