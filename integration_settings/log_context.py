"""What every log line says of its origin: which request, and which Pipedrive company."""

from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="-")
company_id: ContextVar[str] = ContextVar("company_id", default="-")
