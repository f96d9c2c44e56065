"""What every log line says of its origin: which request, and which Pipedrive company."""

from contextvars import ContextVar

NOBODY = "-"
request_id: ContextVar[str] = ContextVar("request_id", default=NOBODY)
company_id: ContextVar[str] = ContextVar("company_id", default=NOBODY)
