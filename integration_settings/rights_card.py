"""The card "Rights" of the settings, as ready values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from integration_settings.models import PipedriveUser
from integration_settings.rights import EVERYONE, Right, Ticks


@dataclass(frozen=True, slots=True)
class Box:
    value: str
    ticked: bool
    saved: bool
    name: str  # for screen readers and for the list of unsaved changes


@dataclass(frozen=True, slots=True)
class RightsRow:
    who: str
    aside: str
    boxes: tuple[Box, ...]
    fixed: bool = False  # cannot be changed by anybody


@dataclass(frozen=True, slots=True)
class RightsCard:
    """`stored` goes into the form and comes back with it."""

    columns: tuple[str, ...]
    rows: tuple[RightsRow, ...]
    stored: str


def rights_card(ticks: Ticks, people: Sequence[PipedriveUser], *, stored: Ticks) -> RightsCard:
    """`ticks` are shown; they differ from the stored ones in a form that was refused."""
    columns = {
        Right.CREATE: _("Create"),
        # Translators: column of the rights, who may send invoices by e-mail
        Right.SEND: _("Send"),
        Right.VOID: _("Void, delete"),
    }

    def row(key: str, who: str, aside: str) -> RightsRow:
        boxes = (
            Box(
                f"{key}:{right}",
                (key, right) in ticks.ticked,
                (key, right) in stored.ticked,
                # Translators: a tick in the table of rights; {right} is its column, {who} its row
                _("{right}: {who}").format(right=word, who=who),
            )
            for right, word in columns.items()
        )
        return RightsRow(who, aside, tuple(boxes))

    admins = _("Administrators")
    always = tuple(Box("", True, True, f"{word}: {admins}") for word in columns.values())
    return RightsCard(
        columns=tuple(columns.values()),
        rows=(
            row(EVERYONE, _("Everyone in Pipedrive"), _("A tick here counts for everybody below")),
            RightsRow(admins, _("Always, whatever is ticked"), always, fixed=True),
            *(row(str(user.user_id), user.name, _("Regular user")) for user in people),
        ),
        stored=str(stored),
    )
