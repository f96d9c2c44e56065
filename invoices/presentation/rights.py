"""What is switched off for the reader, in words: the fact, and whom to ask."""

from __future__ import annotations

from django.utils.translation import gettext as _

from integration_settings.rights import Right


def switched_off(right: Right, administrators: str) -> tuple[str, str]:
    """`administrators` as of `names_in_a_row`, "" when none has installed the app."""
    fact = {
        Right.CREATE: _("Creating invoices is switched off for you."),
        Right.SEND: _("Sending invoices is switched off for you."),
        Right.VOID: _("Voiding and deleting invoices is switched off for you."),
    }
    if not administrators:
        return fact[right], _("A Pipedrive administrator who installs the app can change that.")
    return fact[right], _("{names} can change that.").format(names=administrators)
