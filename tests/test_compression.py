"""How little goes over the wire: answers for frames, and the static files as they are collected."""

from __future__ import annotations

import gzip

import brotli
import pytest
from django.core.files.base import ContentFile

from pipedrive_qb.static_files import SmallStaticFiles
from tests.factories import frame_token_of


@pytest.fixture
def shell(client, company):
    def get(accepted: str):
        query = {"token": frame_token_of(company.users.get()), "resource": "deal", "selectedIds": "1"}
        return client.get("/embed/panel", query, headers={"Accept-Encoding": accepted})

    return get


@pytest.mark.django_db
class TestAnswersForFrames:
    def test_a_browser_that_knows_brotli_gets_it(self, shell):
        plain, small = shell(""), shell("gzip, deflate, br")
        assert small["Content-Encoding"] == "br"
        assert "Accept-Encoding" in small["Vary"]
        assert len(brotli.decompress(small.content)) == pytest.approx(len(plain.content), abs=50)  # each has its token
        assert int(small["Content-Length"]) == len(small.content)

    def test_another_gets_gzip(self, shell):
        answer = shell("gzip, deflate, brotli-is-not-known")
        assert answer["Content-Encoding"] == "gzip"
        assert gzip.decompress(answer.content).startswith(b"<!doctype html>")

    @pytest.mark.parametrize("refused", ["br;q=0", "br; q=0.000, gzip;q=0.5"])
    def test_one_that_refuses_brotli_does_not_get_it(self, shell, refused):
        assert shell(refused).get("Content-Encoding") in (None, "gzip")
        assert shell("gzip, br;q=0.8")["Content-Encoding"] == "br"

    def test_one_that_knows_neither_gets_the_page_as_it_is(self, shell):
        answer = shell("identity")
        assert not answer.has_header("Content-Encoding")
        assert answer.content.startswith(b"<!doctype html>")

    def test_a_page_for_operators_is_left_to_django_which_pads_it(self, client):
        answer = client.get("/admin/login/", headers={"Accept-Encoding": "gzip, br"})
        assert answer["Content-Encoding"] == "gzip"

    def test_an_answer_of_a_few_bytes_stays_as_it_is(self, client):
        answer = client.post("/embed/token", "{}", content_type="application/json", headers={"Accept-Encoding": "br"})
        assert answer.json() == {"error": "not proven"}


class TestStaticFiles:
    @pytest.fixture
    def storage(self, tmp_path):
        return SmallStaticFiles(location=tmp_path, base_url="/static/")

    def saved(self, storage, name: str, content: bytes) -> str:
        with storage.open(storage.save(name, ContentFile(content))) as file:
            return file.read().decode()

    def test_comments_and_blanks_are_left_out_of_ours(self, storage):
        assert self.saved(storage, "css/a.css", b"/* why */\n.a {\n  color: red;\n}\n") == ".a{color:red}"
        assert self.saved(storage, "js/a.js", b"// why\nconst a = `a  // b`;\n") == "const a=`a  // b`;"

    def test_what_others_wrote_stays_as_it_came(self, storage):
        theirs = b"/* licence */ function  a() {}\n"
        assert self.saved(storage, "vendor/a/1/a.js", theirs) == theirs.decode()
