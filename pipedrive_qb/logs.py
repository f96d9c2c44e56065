"""Log records carry the request's id and the company's; never bodies, tokens, query strings or customers' names."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime
from http import HTTPStatus

from integration_settings.log_context import NOBODY, company_id, request_id

# A database's complaint quotes the row, on as many lines as what stands in it has; behind it may come more of a trace.
ROW = re.compile(
    r"(?:DETAIL|CONTEXT): .*?(?=\n(?:Traceback \(|\nThe above exception |\nDuring handling )|\Z)", re.DOTALL
)

WRITTEN_OUT = {number: repr(chr(number))[1:-1] for number in (*range(32), 127, 0x85, 0x2028, 0x2029)}


def without_rows(text: str) -> str:
    return ROW.sub("DETAIL left out", text)


class Context(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        record.company_id = company_id.get()
        return True


class Faults(logging.Filter):
    """Of the answers that Django calls errors those that are: with 502 and 503 we say that somebody else does not
    answer, which stands in the log already, with the request's id.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(record, "status_code", None) not in (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE)


class Lines(logging.Formatter):
    """A line for people, and below it where a fault came from. What stands in a message begins no line of its own, as
    the number of an invoice might that somebody wrote on two.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # it is `logging`'s
        record.message = record.message.translate(WRITTEN_OUT)
        return super().formatMessage(record)

    def format(self, record: logging.LogRecord) -> str:
        return without_rows(super().format(record))


class JsonLines(logging.Formatter):
    """One JSON object a line, for machines."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "request_id": getattr(record, "request_id", NOBODY),
            "company_id": getattr(record, "company_id", NOBODY),
            "message": without_rows(record.getMessage()),
        }
        if record.exc_info:
            entry["exception"] = without_rows(self.formatException(record.exc_info))
        return json.dumps(entry, ensure_ascii=False)
