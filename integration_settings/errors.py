"""The few ways a service can fail us, named for what the caller can do about it.

Each carries the vendor's trace id for support. `str()` is for logs: it names service, address and code, never the
vendor's own text, which may quote customers' data or part of a token.
"""

from __future__ import annotations


class ServiceError(Exception):
    """Base of all failures of Pipedrive or QuickBooks. `service` is "pipedrive" or "quickbooks"."""

    def __init__(self, service: str, summary: str, *, trace_id: str = "", status: int | None = None) -> None:
        super().__init__(f"{service}: {summary}")
        self.service = service
        self.summary = summary
        self.trace_id = trace_id
        self.status = status


class ConnectionExpired(ServiceError):
    """The grant is gone (revoked, expired, uninstalled): somebody has to sign in again."""


class AccessDenied(ServiceError):
    """The user or the app may not do this (403)."""


class SubscriptionEnded(ServiceError):
    """The company's own subscription with the service has ended or is not paid: nobody gets in before it is."""


class NotFound(ServiceError):
    """The object does not exist, or this user may not see it."""


class RateLimited(ServiceError):
    """The service asked us to wait; nothing was done. `retry_after` in seconds."""

    def __init__(
        self, service: str, summary: str, *, retry_after: float = 60, trace_id: str = "", status: int | None = 429
    ) -> None:
        super().__init__(service, summary, trace_id=trace_id, status=status)
        self.retry_after = retry_after


class ServiceUnavailable(ServiceError):
    """No usable answer, and certainly nothing was changed: a read failed, or a write never left us."""


class AnswerTooLarge(ServiceUnavailable):
    """A read with more in its answer than we take in: the same again would bring the same, so ask for less."""


class OutcomeUnknown(ServiceError):
    """A write went out and no usable answer came back. It may have been done: settle before anything else."""


class Rejected(ServiceError):
    """The service refused the input; nothing was changed there.

    `code` is the vendor's (QuickBooks: "6240"), `message` and `detail` its words for people, `element` the field it
    names.
    """

    def __init__(
        self,
        service: str,
        summary: str,
        *,
        code: str = "",
        message: str = "",
        detail: str = "",
        element: str = "",
        trace_id: str = "",
        status: int | None = 400,
    ) -> None:
        super().__init__(service, summary, trace_id=trace_id, status=status)
        self.code = code
        self.message = message
        self.detail = detail
        self.element = element
