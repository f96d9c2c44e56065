"""`manage.py rotate_keys`: afterwards the first of TOKEN_ENCRYPTION_KEYS alone reads the stored tokens."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from integration_settings.connections import encrypt_tokens_anew


class Command(BaseCommand):
    help = (
        "Encrypts all stored tokens with the first of TOKEN_ENCRYPTION_KEYS. Run it when every process has been "
        "started with the new key in front of the old one; after it the old one may go."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        done = encrypt_tokens_anew()
        self.stdout.write(f"{done} connections are encrypted with the first key. The other keys may be taken away.")
