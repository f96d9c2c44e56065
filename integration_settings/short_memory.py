"""What a process keeps of companies' data to answer quickly: for an hour, as the privacy page says."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from time import monotonic  # by a name of its own, which tests may move
from typing import ParamSpec, TypeVar

HOUR = 3600

Given = ParamSpec("Given")
Found = TypeVar("Found")

_memories: list[Callable[[], None]] = []


def let_go() -> None:
    """What is kept for an hour already goes, also in a process that nobody has a page or a list of: for whatever every
    process is asked regularly, such as whether it is alive.
    """
    for forget_old in _memories:
        forget_old()


def kept_for_an_hour(most: int) -> Callable[[Callable[Given, Found]], Callable[Given, Found]]:
    """Like `lru_cache(most)`, but the first use after an hour begins with nothing: what belonged to somebody who has
    left since is gone with the rest.
    """

    def decorate(work: Callable[Given, Found]) -> Callable[Given, Found]:
        kept, ends = lru_cache(maxsize=most)(work), 0.0

        def forget_old() -> None:
            nonlocal ends
            if (now := monotonic()) >= ends:
                kept.cache_clear()
                ends = now + HOUR

        @wraps(work)
        def answer(*args: Given.args, **kwargs: Given.kwargs) -> Found:
            forget_old()
            return kept(*args, **kwargs)  # type: ignore[arg-type]  # that they can be keys is the caller's part

        _memories.append(forget_old)
        return answer

    return decorate
