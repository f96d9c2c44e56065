"""Files of the deal are attached to its invoice in QuickBooks, each once, whatever fails and whoever is killed.

One action has all the files that were chosen together; each goes out by itself, and how far it is stands in the row
before and after. QuickBooks knows no request id of a file: one whose answer was lost is looked for by its mark, twice,
and never sent again by itself; the person decides, as with an e-mail.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from integration_settings.clock import shared_now
from integration_settings.errors import (
    AccessDenied,
    AnswerTooLarge,
    ConnectionExpired,
    NotFound,
    OutcomeUnknown,
    Rejected,
    ServiceError,
)
from integration_settings.models import PipedriveUser
from integration_settings.pipedrive import PipedriveClient
from invoices.domain.files import LARGEST, FileWish, from_json, to_json
from invoices.domain.refusals import (
    ACCESS_DENIED,
    FILE_GONE,
    FILE_TOO_LARGE,
    GAVE_UP,
    NO_GRANT,
    NOT_ATTACHED,
    NOT_THERE,
)
from invoices.domain.status import Submission
from invoices.evidence import written_down
from invoices.invoice_gateway import InvoiceGateway
from invoices.leases import longer_each_time, reject, renew, settle, too_late, wait, wait_for
from invoices.models import Invoice, InvoiceAction, WriteKind
from invoices.submission import CLOCK_MARGIN

log = logging.getLogger(__name__)

LOOK_GAP = timedelta(seconds=20)  # between the two looks that must both find no trace of a file, or of an e-mail


class _Waits(Exception):
    """Nothing is left to do in this try; the row says when the next one is."""


def attached_files(invoice: Invoice) -> frozenset[int]:
    """Pipedrive's ids of the files that QuickBooks has with the invoice, through us."""
    return frozenset(wish.file_id for wish in _attached(invoice))


def files_that_go_along(invoice: Invoice) -> int:
    """How many files an e-mail of the invoice takes along, as far as we have attached them."""
    return sum(wish.on_send for wish in _attached(invoice))


def _attached(invoice: Invoice) -> list[FileWish]:
    rows = invoice.actions.filter(company=invoice.company).exclude(files=[]).values_list("files", flat=True)
    return [wish for files in rows for wish in from_json(files) if wish.attachable_id]


def carry_on(action: InvoiceAction, gateway: InvoiceGateway) -> None:
    """Takes the files of a claimed action one after the other; what one of them is refused for keeps no other one."""
    wishes = from_json(action.files)
    try:
        for place, wish in enumerate(wishes):
            if not wish.is_settled:
                wishes[place] = _looked_for(action, wish, gateway) if wish.sent else _sent(action, place, gateway)
                renew(action, files=to_json(wishes), sent_at=None, absent_since=None, submission=Submission.PENDING)
    except _Waits:
        return None
    refused = [wish for wish in wishes if wish.refusal is not None]
    if not refused:
        log.info("%s is done", action)
        return settle(action, submission=Submission.SUCCEEDED, refusal=None)
    names = ", ".join(f"“{wish.name}”" for wish in refused)
    return reject(action, (refused[0].refusal or {}) | {"name": names})


def _looked_for(action: InvoiceAction, wish: FileWish, gateway: InvoiceGateway) -> FileWish:
    """It went out, and its answer was lost."""
    now = shared_now()
    since = (action.sent_at or action.asked_at) - CLOCK_MARGIN
    try:
        found = gateway.attachment_of(request_id_of(action, wish), since=since)
    except ServiceError as error:
        raise _waits(action, wait_for(error, action), submission=Submission.UNKNOWN) from error
    if found:
        return replace(wish, sent=False, attachable_id=found)
    if action.absent_since is None:
        raise _waits(action, LOOK_GAP, submission=Submission.UNKNOWN, absent_since=now)
    if (left := action.absent_since + LOOK_GAP - now) > timedelta(0):
        raise _waits(action, left, submission=Submission.UNKNOWN)
    return replace(wish, sent=False, refusal={"code": NOT_ATTACHED})


def _sent(action: InvoiceAction, place: int, gateway: InvoiceGateway) -> FileWish:
    """Read from Pipedrive in the name of whoever wants it attached, who alone may have it, and sent to QuickBooks."""
    wishes = from_json(action.files)
    wish = wishes[place]
    if too_late(action.asked_at):
        return replace(wish, refusal={"code": GAVE_UP})
    content = _content(action, wish)
    if isinstance(content, FileWish):
        return content
    wishes[place] = replace(wish, sent=True)
    on_its_way = partial(renew, action, files=to_json(wishes), sent_at=shared_now(), absent_since=None)
    invoice, request_id = action.invoice, request_id_of(action, wish)
    written = written_down(
        WriteKind.ATTACH, invoice, gateway, request_id=request_id, by=action.asked_by_name, first=on_its_way
    )
    try:
        with written:
            made = gateway.attach_file(
                invoice.qbo_invoice_id, wish, content, deal_id=invoice.deal_id, request_id=request_id
            )
    except OutcomeUnknown as unknown:
        log.warning("the fate of a file of %s is unknown: %s", action, unknown)
        raise _waits(action, longer_each_time(action), submission=Submission.UNKNOWN) from unknown
    except (Rejected, NotFound, AccessDenied) as refusal:
        return replace(wish, refusal=_words(refusal))
    except ServiceError as error:  # certainly nothing was done
        wishes[place] = wish
        raise _waits(action, wait_for(error, action), files=to_json(wishes), sent_at=None) from error
    return replace(wish, attachable_id=made)


def _content(action: InvoiceAction, wish: FileWish) -> bytes | FileWish:
    """The file, or the wish with the reason why Pipedrive does not give it."""
    user = PipedriveUser.objects.filter(company_id=action.company_id, user_id=action.asked_by_id).first()
    if user is None:
        return replace(wish, refusal={"code": NO_GRANT})
    try:
        renew(action)
        return PipedriveClient(user).file_content(wish.file_id, LARGEST)
    except AnswerTooLarge:
        return replace(wish, refusal={"code": FILE_TOO_LARGE})
    except ConnectionExpired:
        return replace(wish, refusal={"code": NO_GRANT})
    except (NotFound, AccessDenied, Rejected):
        return replace(wish, refusal={"code": FILE_GONE})
    except ServiceError as error:
        raise _waits(action, wait_for(error, action)) from error


def request_id_of(action: InvoiceAction, wish: FileWish) -> str:
    return f"{action.request_id}-{wish.file_id}"


def _words(refusal: Rejected | NotFound | AccessDenied) -> dict[str, str]:
    if isinstance(refusal, AccessDenied):
        return {"code": ACCESS_DENIED, "trace_id": refusal.trace_id}
    if isinstance(refusal, NotFound):
        return {"code": NOT_THERE, "trace_id": refusal.trace_id}
    told = {"code": refusal.code, "message": refusal.message, "detail": refusal.detail}
    return told | {"trace_id": refusal.trace_id}


def _waits(action: InvoiceAction, how_long: timedelta, **columns: Any) -> _Waits:
    wait(action, how_long, **columns)
    return _Waits()
