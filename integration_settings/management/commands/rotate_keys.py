"""`manage.py rotate_keys`: afterwards the first of TOKEN_ENCRYPTION_KEYS alone reads what is stored."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from integration_settings.connections import encrypt_anew


class Command(BaseCommand):
    help = (
        "Encrypts all stored tokens, and the forms that were left, with the first of TOKEN_ENCRYPTION_KEYS. Run it "
        "when every process has been started with the new key in front of the old one; after it the old one may go."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        done = encrypt_anew()
        self.stdout.write(f"{done} rows are encrypted with the first key. The other keys may be taken away.")
