"""Encryption of token text at rest, with several keys: the first encrypts, all decrypt."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.apps import apps
from django.conf import settings
from django.db import models


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(text: str) -> str:
    """Fernet text under the first key. https://cryptography.io/en/latest/fernet/"""
    return _fernet(tuple(settings.TOKEN_ENCRYPTION_KEYS)).encrypt(text.encode()).decode()


def decrypt(text: str) -> str:
    """The clear text; raises `cryptography.fernet.InvalidToken` when no key fits."""
    return _fernet(tuple(settings.TOKEN_ENCRYPTION_KEYS)).decrypt(text.encode()).decode()


if TYPE_CHECKING:  # the stubs' parameters do not exist at run time
    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField


class Unreadable(str):
    """What none of the keys opens: an empty text that is written back as it was found, for a key that comes back.

    One such row must not end a task that has read others with it.
    """

    stored: str

    def __new__(cls, stored: str) -> Unreadable:
        made = super().__new__(cls, "")
        made.stored = stored
        return made


class EncryptedTextField(_TextField):
    """A text column that holds ciphertext; Python sees clear text. Empty stays empty."""

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        if not value:
            return value
        try:
            return decrypt(value)
        except InvalidToken:
            return Unreadable(value)

    def get_prep_value(self, value: str | None) -> str | None:
        if isinstance(value, Unreadable):
            return value.stored
        return encrypt(value) if value else value


def encrypted_fields() -> dict[type[models.Model], list[str]]:
    """The encrypted columns of every table that has some."""
    found = {
        model: [field.name for field in model._meta.concrete_fields if isinstance(field, EncryptedTextField)]
        for model in apps.get_models()
    }
    return {model: names for model, names in found.items() if names}
