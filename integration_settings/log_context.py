"""What every log line says of its origin: which request, and which Pipedrive company."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

NOBODY = "-"
request_id: ContextVar[str] = ContextVar("request_id", default=NOBODY)
company_id: ContextVar[str] = ContextVar("company_id", default=NOBODY)


@contextmanager
def about_company(number: int) -> Iterator[None]:
    """For work on one company after the other: within, log lines are said to be about this one of Pipedrive."""
    before = company_id.set(str(number))
    try:
        yield
    finally:
        company_id.reset(before)
