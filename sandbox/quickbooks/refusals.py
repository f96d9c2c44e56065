"""The faults that the API answers, by code, in the vendor's two shapes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from .wire import Row, server_time

INACTIVE = (
    "Object Not Found : Something you're trying to use has been made inactive. "
    "Check the fields with accounts, customers, items, vendors or employees."
)


class Refusal(Exception):
    """A call that the API answers with a fault. `status` is the HTTP status."""

    def __init__(self, code: str, message: str, detail: str, element: str | None = None, status: int = 400) -> None:
        super().__init__(f"{code} {message}: {detail}")
        self.code = code
        self.message = message
        self.detail = detail
        self.element = element
        self.status = status
        self.kind = "ValidationFault"

    def fault(self) -> Row:
        """The `Fault` object, as it also stands in a batch answer."""
        error: dict[str, Any] = {"Message": self.message, "Detail": self.detail, "code": self.code}
        if self.element is not None:
            error["element"] = self.element
        return {"Error": [error], "type": self.kind}

    def body(self, now: datetime) -> Row:
        return {"Fault": self.fault(), "time": server_time(now)}


class TokenRefusal(Exception):
    """401, whose body has a shape of its own."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail

    def body(self, now: datetime) -> Row:
        return unauthorized(self.detail, now)


def unauthorized(detail: str, now: datetime) -> Row:
    error = {"message": "message=AuthenticationFailed; errorCode=003200; statusCode=401", "detail": detail}
    return {
        "warnings": None,
        "intuitObject": None,
        "fault": {"error": [{**error, "code": "3200", "element": None}], "type": "AUTHENTICATION"},
        "report": None,
        "queryResponse": None,
        "batchItemResponse": [],
        "attachableResponse": [],
        "syncErrorResponse": None,
        "requestId": None,
        "time": int(now.timestamp() * 1000),
        "status": None,
        "cdcresponse": [],
    }


def of_kind(refusal: Refusal, kind: str) -> Refusal:
    refusal.kind = kind
    return refusal


def unsupported(what: str) -> Refusal:
    return Refusal("500", "Unsupported Operation", f"Operation {what} is not supported.")


def not_found() -> Refusal:
    return Refusal("610", "Object Not Found", INACTIVE, "")


def unknown_property(name: str, entity: str) -> Refusal:
    unrecognized = f'Unrecognized field "{name}" ({entity}), not marked as ignorable'
    detail = f"Property Name:{unrecognized}\n specified is unsupported or invalid"
    return Refusal("2010", "Request has invalid or unsupported property", detail)


def invalid_value(where: str, why: str) -> Refusal:
    return Refusal(
        "2010",
        "Request has invalid or unsupported property",
        f"Property Name:{where} {why} specified is unsupported or invalid",
    )


def required(element: str) -> Refusal:
    return Refusal(
        "2020",
        "Required param missing, need to supply the required value for the API",
        f"Required parameter {element} is missing in the request",
        element,
    )


def invalid_id(value: object) -> Refusal:
    return Refusal("2030", "Invalid ID", f"Id should be a valid number. Supplied value:{value}", "Id")


def too_long(element: str, most: int) -> Refusal:
    return Refusal("2050", "Length exceeds limit", f"Length of the field exceeds {most} chars", element)


def invalid_reference(element: str) -> Refusal:
    """Names the member, and neither the line nor the id."""
    return Refusal("2500", "Invalid Reference Id", f"Invalid Reference Id : {element}", element)


def unknown_name() -> Refusal:
    """A reference to nobody: told in the words for what is inactive, without the member."""
    return Refusal("2500", "Invalid Reference Id", INACTIVE.replace("Object Not Found", "Invalid Reference Id"), "")


def query_does_not_parse(detail: str) -> Refusal:
    return Refusal("4000", "Error parsing query", f"QueryParserError: {detail}")


def invalid_query(detail: str) -> Refusal:
    return Refusal("4001", "Invalid query", f"QueryValidationError: {detail}")


def stale() -> Refusal:
    return Refusal(
        "5010",
        "Stale Object Error",
        "Stale Object Error : You and the bookkeeper were working on this at the same time. "
        "the bookkeeper finished before you did, so your work was not saved.",
        "",
    )


def business(detail: str) -> Refusal:
    """Names no element: what it is about stands in the words alone."""
    message = "A business validation error has occurred while processing your request"
    return Refusal("6000", message, f"Business Validation Error: {detail}", "")


def invoiced_already() -> Refusal:
    """Of an invoice that names an estimate: its customer has none of that id, or it is closed. The words tell more."""
    return business(
        "You've attempted to invoice for a charge, credit, billable expense, time, or estimate that does not exist or "
        "has already been invoiced."
    )


def amount_mismatch(element: str) -> Refusal:
    return Refusal(
        "6070", "Amount calculation incorrect in the request", "Amount is not equal to UnitPrice * Qty.", element
    )


def duplicate_number(number: str, taken_by: str) -> Refusal:
    detail = (
        f"Duplicate Document Number Error : You must specify a different number. This number has already been used. "
        f"DocNumber={number} is assigned to TxnType=Invoice with TxnId={taken_by}"
    )
    return Refusal("6140", "Duplicate Document Number Error", detail, "")


def subscription_ended() -> Refusal:
    return Refusal(
        "6190",
        "Invalid Company Status",
        "Subscription period has ended or canceled or there was a billing problem : "
        "You can't add data to QuickBooks Online because your trial or subscription period ended.",
        "",
    )


def books_closed(day: object) -> Refusal:
    return Refusal(
        "6210",
        "Account Period Closed",
        f"The account period has closed and the account books cannot be updated through {day}.",
        "",
    )


def duplicate_name() -> Refusal:
    return Refusal("6240", "Duplicate Name Exists Error", "The name supplied already exists. : null")


def rights_lost() -> Refusal:
    return of_kind(
        Refusal("120", "Authorization Failure", "AuthorizationFailed: the user's rights do not allow this", status=403),
        "AuthorizationFault",
    )


def wrong_realm() -> Refusal:
    message = "message=ApplicationAuthorizationFailed; errorCode=003100; statusCode=403"
    return of_kind(Refusal("3100", message, "Application authorization failed", status=403), "AuthorizationFault")


def throttled() -> Refusal:
    message = "message=ThrottleExceeded; errorCode=003001; statusCode=429"
    return of_kind(Refusal("3001", message, "The request limit was reached.  Try again later", status=429), "SERVICE")


def system_failure(status: int = 500) -> Refusal:
    message = "An application error has occurred while processing your request"
    return of_kind(
        Refusal("10000", message, "System Failure Error: please try again later", status=status), "SystemFault"
    )
