"""Files in the stand-in QuickBooks: uploaded as a form of two parts, attached, found again and sent along."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from .desk import Desk, refusal

PDF = b"%PDF-1.4\r\n--not the boundary\r\n"


def upload(desk: Desk, metadata: dict[str, Any], content: bytes = PDF, name: str = "quote.pdf") -> httpx.Response:
    files = {
        "file_metadata_0": ("attachment.json", json.dumps(metadata), "application/json"),
        "file_content_0": (name, content, "application/pdf"),
    }
    return desk.send("POST", desk.url("upload"), headers=desk.headers(), files=files)


def attached_to(invoice_id: str, *, on_send: bool = False, **more: str) -> dict[str, Any]:
    reference = {"EntityRef": {"type": "Invoice", "value": invoice_id}, "IncludeOnSend": on_send}
    return {"AttachableRef": [reference], "FileName": "quote.pdf", "ContentType": "application/pdf", **more}


def test_an_uploaded_file_is_attached_and_found_again(desk: Desk) -> None:
    invoice = desk.saved("invoice", desk.invoice())
    (answer,) = upload(desk, attached_to(invoice["Id"], Note="Pipedrive")).json()["AttachableResponse"]
    made = answer["Attachable"]
    assert (made["FileName"], made["Size"], made["ContentType"]) == ("quote.pdf", len(PDF), "application/pdf")
    found = desk.one("select * from Attachable where Note = 'Pipedrive' orderby MetaData.CreateTime")
    assert found["AttachableRef"] == [
        {"EntityRef": {"type": "Invoice", "value": invoice["Id"]}, "IncludeOnSend": False}
    ]


def test_an_email_takes_along_what_is_to_be_included(desk: Desk) -> None:
    invoice = desk.saved("invoice", desk.invoice())
    upload(desk, attached_to(invoice["Id"], on_send=True))
    upload(desk, attached_to(invoice["Id"]) | {"FileName": "internal.pdf"})
    headers = desk.headers(**{"Content-Type": "application/octet-stream"})
    desk.send("POST", desk.url(f"invoice/{invoice['Id']}/send?sendTo=a@b.example"), headers=headers)
    assert desk.control(f"/quickbooks/books?realm={desk.realm}", method="GET")["outbox"][-1]["files"] == ["quote.pdf"]


def test_a_file_for_an_invoice_that_is_not_there_is_refused_inside_an_answer_of_200(desk: Desk) -> None:
    answer = upload(desk, attached_to("999999"))
    assert answer.status_code == 200
    (error,) = answer.json()["AttachableResponse"][0]["Fault"]["Error"]
    assert error["code"] == "6000"
    assert "Invoice 999999" in error["Detail"]


@pytest.mark.parametrize("name", ["film.mp4", "program.exe", "nothing"])
def test_a_type_that_quickbooks_does_not_take_is_refused(desk: Desk, name: str) -> None:
    answer = upload(desk, {"FileName": name}, name=name).json()["AttachableResponse"][0]
    assert answer["Fault"]["Error"][0]["code"] == "6000"


def test_an_unknown_member_is_refused(desk: Desk) -> None:
    answer = upload(desk, {"FileName": "quote.pdf", "Invoice": "1"}).json()["AttachableResponse"][0]
    assert answer["Fault"]["Error"][0]["code"] == "2010"


def test_a_form_without_a_file_and_a_body_that_is_no_form_are_refused(desk: Desk) -> None:
    files = {"file_metadata_0": ("attachment.json", "{}", "application/json")}
    assert refusal(desk.send("POST", desk.url("upload"), headers=desk.headers(), files=files))[:2] == (400, "2020")
    assert refusal(desk.post("upload", {}))[:2] == (400, "500")
