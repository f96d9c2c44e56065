"""Files of a deal: listed, downloaded by who may see the deal, and kept elsewhere where a company does that."""

from __future__ import annotations

import httpx

from .crm import EWA, ODD, PHASE_2, PRIYA, SECRET, Crm


def test_the_files_of_a_deal_are_listed_with_name_and_size(crm: Crm) -> None:
    names = [(file["name"], file["deal_id"], file["remote_location"]) for file in crm.data(f"/v1/deals/{ODD}/files")]
    assert ("Floor plan Aire Park.PNG", ODD, "s3") in names
    assert ("Shared calculation.xlsx", ODD, "googledrive") in names
    sizes = {file["name"]: file["file_size"] for file in crm.data(f"/v1/deals/{ODD}/files")}
    assert sizes["Racking drawings.pdf"] == 26_500_000


def test_a_page_holds_at_most_a_hundred_files(crm: Crm) -> None:
    answer = crm.get(f"/v1/deals/{ODD}/files", limit="1")
    assert len(answer.json()["data"]) == 1
    assert answer.json()["additional_data"]["pagination"]["next_start"] == 1
    assert crm.get(f"/v1/deals/{ODD}/files", limit="101").status_code == 400


def test_a_download_is_the_content_and_as_long_as_it_was_said(crm: Crm) -> None:
    file = next(file for file in crm.data(f"/v1/deals/{ODD}/files") if file["name"].endswith("PNG"))
    content = crm.get(f"/v1/files/{file['id']}/download").content
    assert content.startswith(b"\x89PNG")
    assert len(content) == file["file_size"]


def test_a_company_may_keep_its_files_where_the_address_is_the_only_key(crm: Crm) -> None:
    crm.control("/pipedrive/company", {"id": PRIYA[0], "set": {"keeps_files_elsewhere": True}})
    file = crm.data(f"/v1/deals/{PHASE_2}/files")[0]

    def address() -> httpx.URL:
        answer = crm.get(f"/v1/files/{file['id']}/download")
        assert answer.status_code == 302
        return httpx.URL(answer.headers["location"])

    place = address().raw_path.decode()
    assert crm.send("GET", place, headers={"Authorization": f"Bearer {crm.token}"}).status_code == 400
    assert crm.send("GET", place).content.startswith(b"%PDF")
    assert crm.send("GET", place).status_code == 403  # once


def test_the_files_of_a_hidden_deal_are_hidden(crm: Crm) -> None:
    file = crm.data(f"/v1/deals/{PHASE_2}/files")[0]
    crm.control("/pipedrive/company", {"id": PRIYA[0], "set": {"files": {str(file["id"]): {"deal_id": SECRET}}}})
    crm.be(EWA)
    assert crm.get(f"/v1/deals/{SECRET}/files").status_code == 404
    assert crm.get(f"/v1/files/{file['id']}/download").status_code == 404


def test_a_file_that_was_deleted_is_gone(crm: Crm) -> None:
    file = crm.data(f"/v1/deals/{PHASE_2}/files")[0]
    crm.control("/pipedrive/company", {"id": PRIYA[0], "set": {"files": {str(file["id"]): {"active_flag": False}}}})
    assert file["id"] not in [other["id"] for other in crm.data(f"/v1/deals/{PHASE_2}/files")]
    assert crm.get(f"/v1/files/{file['id']}/download").status_code == 404
