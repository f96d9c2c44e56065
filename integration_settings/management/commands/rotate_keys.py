"""`manage.py rotate_keys`: afterwards the first of TOKEN_ENCRYPTION_KEYS alone reads what is stored."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from integration_settings.connections import encrypt_anew


class Command(BaseCommand):
    help = (
        "Encrypts all stored tokens, and the forms that were left, with the first of TOKEN_ENCRYPTION_KEYS. Run it "
        "when every process has been started with the new key in front of the old one; after it the old one may go."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--give-up-unreadable",
            action="store_true",
            help="When a key is lost: end the connections that no key opens, so that people sign in again.",
        )

    def handle(self, *args: Any, give_up_unreadable: bool, **options: Any) -> None:
        done, unreadable = encrypt_anew(give_up_unreadable=give_up_unreadable)
        said = f"Rows encrypted with the first key: {done}."
        if not unreadable:
            self.stdout.write(f"{said} The other keys may be taken away.")
        elif give_up_unreadable:
            self.stdout.write(f"{said} Rows that no key opened, and that are given up: {unreadable}.")
        else:
            raise CommandError(
                f"{said} Rows that no key opens, and that stay as they are: {unreadable}. Add the key that they were "
                "encrypted with at the end of TOKEN_ENCRYPTION_KEYS and run this again. If it is lost, run it with "
                "--give-up-unreadable: the people of these connections sign in again then."
            )
