"""The cache of the test run: it takes only what every version of the service can read."""

from __future__ import annotations

import json
from typing import Any

from django.core.cache.backends.locmem import LocMemCache


class PlainCache(LocMemCache):
    """An object of ours that lay in Redis would be read by a version that knows it by other members."""

    def set(self, key: Any, value: Any, *args: Any, **kwargs: Any) -> None:
        assert json.loads(json.dumps(value)) == value
        super().set(key, value, *args, **kwargs)

    def add(self, key: Any, value: Any, *args: Any, **kwargs: Any) -> bool:
        assert json.loads(json.dumps(value)) == value
        return super().add(key, value, *args, **kwargs)
