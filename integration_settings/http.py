"""The one place that sends. Every call to Pipedrive and Intuit leaves through a session made here.

Baked in, so that no caller can forget it: time limits, no redirects followed (a vendor's answer must not lead us
elsewhere), no proxies or .netrc from the environment, a few retries for reads, one log line per call without query
string or body, and the translation of lost answers into `errors`.
"""

from __future__ import annotations

import json
import logging
import math
import random
import re
import ssl
import time
from decimal import Decimal
from email.utils import parsedate_to_datetime
from time import sleep as wait  # by a name of its own, which tests may shorten
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

import requests
from django.utils import timezone
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import MaxRetryError, NewConnectionError
from urllib3.filepost import encode_multipart_formdata

from integration_settings.errors import (
    AccessDenied,
    AnswerTooLarge,
    ConnectionExpired,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    ServiceError,
    ServiceUnavailable,
)
from integration_settings.sockets import Outgoing, adapter, this_call

log = logging.getLogger("integration_settings.http")

Service = Literal["pipedrive", "quickbooks"]
Params = dict[str, Any] | None
Credentials = tuple[str, str] | None
CONNECT_SECONDS, READ_SECONDS = 3.05, 20.0
TOTAL_SECONDS = 29.0  # of one call with everything, body included
LARGEST_BODY = 64 * 1024 * 1024  # unpacked; the longest list and the longest PDF are far below it
RETRY_WINDOW = 5.0  # a repeat has to start within this time
RETRIES = 2
TRACE_HEADERS = {"pipedrive": ("x-correlation-id",), "quickbooks": ("intuit_tid", "intuit-tid")}  # documented, recorded
DEFAULT_RETRY_AFTER = 60.0  # what Intuit asks for; Pipedrive names no time either
LONGEST_RETRY_AFTER = 24 * 3600.0  # Pipedrive's budget of the day is the longest that anybody waits for
EARLIEST_MOMENT = 1e9  # seconds since 1970: in September 2001
DEAREST_CALL = 20  # of ours, in tokens of Pipedrive's day: with fewer left a refusal is about the day
HOUR, CLOCK_MARGIN = 3600.0, 60.0
HEADERS = {
    "User-Agent": "deal-invoices",
    "Accept-Encoding": "gzip, deflate",
    "Accept": "*/*",
    "Connection": "keep-alive",
}
PLAIN = re.compile(r"https?://[a-z0-9.-]+(:\d+)?/[\w/.-]*", re.ASCII)  # nothing to encode, and no query yet
CHUNK = 65_536
UNSTORABLE = re.compile("[\0\ud800-\udfff]")  # what no database and no page takes; half an emoji for instance
MAY_BE_UNSTORABLE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


def is_read(method: str, url: str) -> bool:
    """Whether repeating the call is harmless. QuickBooks' queries are reads although they are sent by POST."""
    return method.upper() in ("GET", "HEAD") or (method.upper() == "POST" and urlsplit(url).path.endswith("/query"))


def pause_before_retry(
    *, read: bool, tries: int, elapsed: float, status: int | None, retry_after: float | None, dice: float
) -> float | None:
    """How long to wait before sending the same call again; None means do not.

    `status` is None when no answer came at all, `tries` counts the calls already made, `dice` is random in [0, 1).
    """
    if not read or tries > RETRIES:
        return None
    if status == 429:
        if retry_after is None:
            return None
        pause = retry_after + 0.1 * dice
    elif status is None or status >= 500:
        pause = max(retry_after or 0.0, 0.3 * 2 ** (tries - 1) * (1 + dice))
    else:
        return None
    return pause if elapsed + pause <= RETRY_WINDOW else None


def retry_after_of(response: requests.Response) -> float | None:
    """Seconds named by Retry-After (a number or a date), else by Pipedrive's x-ratelimit-reset, whose unit nobody
    tells: a number that is no duration is the moment. A day at most, so that no answer keeps anybody out for good.

    Where the tokens of Pipedrive's day are used up, that reset is of another limit: the next day begins at midnight of
    a server that may be anywhere, so it may be at any full hour.
    """
    text = response.headers.get("Retry-After") or ""
    if not text and response.status_code == 429 and _tokens_left(response) < DEAREST_CALL:
        return HOUR - timezone.now().timestamp() % HOUR + CLOCK_MARGIN
    seconds = _seconds_until(text or response.headers.get("x-ratelimit-reset") or "")
    return None if seconds is None else min(max(0.0, seconds), LONGEST_RETRY_AFTER)


def _tokens_left(response: requests.Response) -> float:
    """Of the day at Pipedrive; it is documented nowhere that it tells, and it may not."""
    text = response.headers.get("x-daily-ratelimit-token-remaining") or ""
    return int(text) if text.isdecimal() else math.inf


def _seconds_until(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        pass
    else:
        if not math.isfinite(number):
            return None
        return number - timezone.now().timestamp() if number > EARLIEST_MOMENT else number
    try:
        return (parsedate_to_datetime(text) - timezone.now()).total_seconds()
    except (TypeError, ValueError):
        return None


def trace_id_of(service: str, response: requests.Response) -> str:
    for name in TRACE_HEADERS[service]:
        if value := response.headers.get(name):
            return value[:64]
    return ""


class VendorSession:
    """Calls to one vendor, with one grant when an access token is given. Cheap: connections are shared.

    `request()` returns answers of any status, see `error_for`; when no answer came it raises `ServiceUnavailable` (a
    read, or nothing was sent) or `OutcomeUnknown` (a write that may have been done).

    It is no `requests.Session`, whose redirects, cookies, hooks and look at the environment we never want: working them
    out for each call was a fifth of what a look at a company cost.
    """

    def __init__(
        self,
        service: Service,
        access_token: str = "",
        read_seconds: float = READ_SECONDS,
        most_bytes: int | None = None,
        logged_as: str = "",
    ) -> None:
        """An answer of more than `most_bytes` is given up. `logged_as` stands in the log for an address that may tell
        what is a customer's, the name of a file for instance.
        """
        self.service = service
        self.most_bytes = most_bytes or LARGEST_BODY
        self.logged_as = logged_as
        self.access_token = access_token  # python-quickbooks reads this attribute
        self.read_seconds = read_seconds
        self.last_response: requests.Response | None = None
        self.headers = dict(HEADERS)
        if access_token:
            self.headers["Authorization"] = f"Bearer {access_token}"

    def get(self, url: str, **kwargs: Any) -> requests.Response:
        return self.request("GET", url, **kwargs)

    def post(self, url: str, **kwargs: Any) -> requests.Response:
        return self.request("POST", url, **kwargs)

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Params = None,
        headers: dict[str, str] | None = None,
        data: Any = None,
        json: Any = None,
        auth: Credentials = None,
    ) -> requests.Response:
        """The arguments mean what they mean to `requests.request`."""
        sent = _prepared(
            method, url, params=params, headers=self.headers | (headers or {}), data=data, json=json, auth=auth
        )
        read, begun, tries = is_read(method, url), time.monotonic(), 0
        while True:
            tries += 1
            response, problem = self._try_once(sent, begun)
            if response is not None and response.status_code < 400:
                break
            pause = pause_before_retry(
                read=read and not self._must_stop(response) and not isinstance(problem, _TooLarge),
                tries=tries,
                elapsed=time.monotonic() - begun,
                status=None if response is None else response.status_code,
                retry_after=None if response is None else retry_after_of(response),
                dice=random.random(),  # noqa: S311  # only spreads repeats in time
            )
            if pause is None:
                break
            wait(pause)
        if response is None:
            raise _lost(self.service, method, url, read, problem)
        self.last_response = response
        return response

    def _must_stop(self, response: requests.Response | None) -> bool:
        """After QuickBooks' 429 nobody calls that company for a while, this call included; see `connections.pause`."""
        return self.service == "quickbooks" and response is not None and response.status_code == 429

    def _try_once(
        self, sent: requests.PreparedRequest, begun: float
    ) -> tuple[requests.Response | None, Exception | None]:
        """The answer with its whole body, or None and what went wrong."""
        started = time.monotonic()
        response: requests.Response | None = None
        problem: Exception | None = None
        this_call.deadline = begun + TOTAL_SECONDS
        try:
            # As a stream, so that the time limit covers the body too.
            response = adapter().send(sent, stream=True, timeout=(CONNECT_SECONDS, self.read_seconds))
            _read_body(response, self.most_bytes)
        except (requests.RequestException, OSError) as error:
            response, problem = None, error
        milliseconds = round((time.monotonic() - started) * 1000)
        log.info(
            "%s %s %s %s %s ms trace=%s",
            self.service,
            sent.method,
            self.logged_as or urlsplit(sent.url or "").path,
            response.status_code if response is not None else type(problem).__name__,
            milliseconds,
            (trace_id_of(self.service, response) or "-") if response is not None else "-",
        )
        return response, problem


def _prepared(
    method: str, url: str, *, params: Params, headers: dict[str, str], data: Any, json: Any, auth: Credentials
) -> requests.PreparedRequest:
    """What `requests` makes of it; the usual case by a shorter way, because it takes every byte of an address apart."""
    request = requests.PreparedRequest()
    request.prepare_method(method.upper())
    if PLAIN.fullmatch(url):
        told = {name: value for name, value in (params or {}).items() if value is not None}
        request.url = f"{url}?{urlencode(told, doseq=True)}" if told else url
    else:
        request.prepare_url(url, params or {})
    request.headers = CaseInsensitiveDict(headers)
    if json is not None:
        request.headers["Content-Type"] = "application/json"
        data = to_json(json).encode()
    if data:
        request.prepare_body(data, None)
        if len(data) > CHUNK:
            sent = data.encode() if isinstance(data, str) else data
            request.body = Outgoing(sent)  # type: ignore[assignment]  # any file will do
    else:
        request.prepare_content_length(None)
    if auth is not None:
        request.prepare_auth(auth, url)
    return request


def open_session(
    service: Service,
    *,
    access_token: str = "",
    read_seconds: float = READ_SECONDS,
    most_bytes: int | None = None,
    logged_as: str = "",
) -> VendorSession:
    return VendorSession(service, access_token, read_seconds, most_bytes, logged_as)


def to_json(value: Any) -> str:
    """JSON text with Decimals as plain numbers. A float is refused: it would send 0.30000000000000004."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(str(name))}: {to_json(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(to_json(item) for item in value) + "]"
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError("not a number")
        return format(value, "f")
    if isinstance(value, float):
        raise TypeError("floats are not sent")
    return json.dumps(value)


def form_of(parts: dict[str, tuple[str, bytes, str]]) -> tuple[bytes, str]:
    """A form of files (name of the file, content, content type), by the names of its parts, and its content type."""
    return encode_multipart_formdata(parts)


def parse_json(response: requests.Response) -> Any:
    """The body with Decimal for every number that has a fraction or an exponent, int for whole ones; never float.

    Raises ValueError when the body is not JSON.
    """
    try:
        return storable(json.loads(response.text, parse_float=Decimal), response)
    except RecursionError as error:
        raise ValueError("too deep") from error


def storable(found: Any, response: requests.Response) -> Any:
    """What was read from the answer's JSON, with U+FFFD in place of each sign of `UNSTORABLE`."""
    return _storable(found) if MAY_BE_UNSTORABLE.search(response.content) else found


def _storable(found: Any) -> Any:
    if isinstance(found, str):
        return UNSTORABLE.sub("\ufffd", found)
    if isinstance(found, list):
        return [_storable(each) for each in found]
    if isinstance(found, dict):
        return {_storable(name): _storable(value) for name, value in found.items()}
    return found


def error_for(service: Service, response: requests.Response, *, code: str = "") -> ServiceError | None:
    """What an answer's status means; None for 2xx. A 400 becomes a bare `Rejected`: the vendor's client adds its words.

    `code` is the vendor's own code, for the log line only.
    """
    status = response.status_code
    if 200 <= status < 300:
        return None
    method, url = response.request.method or "GET", response.request.url or ""
    summary = f"{method} {urlsplit(url).path} {status}" + (f" code {code}" if code else "")
    trace_id = trace_id_of(service, response)
    if status == 429:
        wait = retry_after_of(response)
        wait = DEFAULT_RETRY_AFTER if wait is None else wait
        return RateLimited(service, summary, retry_after=wait, trace_id=trace_id, status=status)
    kind: type[ServiceError]
    if status == 401:
        kind = ConnectionExpired
    elif status in (402, 403):
        kind = AccessDenied
    elif status in (404, 410):
        kind = NotFound
    elif status != 408 and 400 <= status < 500:
        kind = Rejected
    else:
        kind = ServiceUnavailable if is_read(method, url) else OutcomeUnknown
    return kind(service, summary, trace_id=trace_id, status=status)


def unreadable(service: Service, response: requests.Response) -> ServiceError:
    """For an answer of 2xx whose body is not what was promised: a read failed, a write may have been done."""
    method, url = response.request.method or "GET", response.request.url or ""
    kind = ServiceUnavailable if is_read(method, url) else OutcomeUnknown
    summary = f"{method} {urlsplit(url).path} {response.status_code} with an unreadable body"
    return kind(service, summary, trace_id=trace_id_of(service, response), status=response.status_code)


class _TooLarge(requests.RequestException):
    """More than any answer of theirs has; it would take the memory of everybody's work."""


def _read_body(response: requests.Response, most_bytes: int) -> None:
    """Reads the body into the response."""
    parts: list[bytes] = []
    size = 0
    try:
        while part := response.raw.read1(CHUNK, decode_content=True):
            parts.append(part)
            size += len(part)
            if size > most_bytes:
                raise _TooLarge("a body without end")
        # A connection closed early must not pass as a short body.
        if response.raw.length_remaining:
            raise requests.exceptions.ChunkedEncodingError("body cut short")
    except requests.RequestException:
        response.close()
        raise
    except Exception as error:  # urllib3's own errors while the body arrives
        response.close()
        raise requests.ConnectionError(str(error)) from error
    response._content = b"".join(parts)
    response._content_consumed = True  # type: ignore[attr-defined]  # as `Response.content` does
    response.encoding = "utf-8-sig"  # as all JSON; told as plain text it would be read as Latin-1
    response.raw.release_conn()


def _lost(service: Service, method: str, url: str, read: bool, problem: Exception | None) -> ServiceError:
    summary = f"{method} {urlsplit(url).path} without an answer ({type(problem).__name__})"
    if read and isinstance(problem, _TooLarge):
        return AnswerTooLarge(service, summary)
    if read or (problem is not None and _never_sent(problem)):
        return ServiceUnavailable(service, summary)
    return OutcomeUnknown(service, summary)


def _never_sent(problem: Exception) -> bool:
    """Whether the connection was not even made, so that the service cannot have seen the call."""
    if isinstance(problem, requests.ConnectTimeout):
        return True
    cause = problem.args[0] if problem.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    if isinstance(reason, NewConnectionError):
        return True
    return isinstance(problem, requests.exceptions.SSLError) and isinstance(
        getattr(reason, "args", (None,))[0], ssl.SSLCertVerificationError
    )
